"""A link with delay between two network namespaces, in userland.

Two TUN devices, one in each namespace; every packet is held for half the round trip time. (Kernels
without netem cannot do it themselves.) What crosses is counted, so that connections and flights
are facts and not guesses.
"""

import collections
import fcntl
import os
import selectors
import struct
import subprocess
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
TCP = 6


def run(*command):
    subprocess.run(command, check=True)


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Link:
    """Namespaces `client` and `server`, at the two ends of one link."""

    def __init__(self, rtt):
        self.half = rtt / 2
        tag = str(os.getpid())
        self.client, self.server = f"pfc{tag}", f"pfs{tag}"
        self.addresses = {self.client: "10.77.0.1", self.server: "10.77.0.2"}
        self.fds = {}
        self.counts = collections.Counter()
        self.last = None
        self.stopped = threading.Event()

    def __enter__(self):
        for end, other in ((self.client, self.server), (self.server, self.client)):
            run("ip", "netns", "add", end)
            # A device of this name in our own namespace for a moment, then in the one for it.
            self.fds[end] = open_tun(end)
            run("ip", "link", "set", end, "netns", end)
            inside = ("ip", "-n", end)
            peer = (self.addresses[end], "peer", self.addresses[other])
            run(*inside, "addr", "add", *peer, "dev", end)
            run(*inside, "link", "set", "lo", "up")
            run(*inside, "link", "set", end, "up")
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        for end in (self.client, self.server):
            run("ip", "netns", "del", end)
            os.close(self.fds[end])

    def carry(self):
        waiting = collections.deque()  # the delay is the same for all, so the order is too
        selector = selectors.DefaultSelector()
        selector.register(self.fds[self.client], selectors.EVENT_READ, self.server)
        selector.register(self.fds[self.server], selectors.EVENT_READ, self.client)
        while not self.stopped.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, to, packet = waiting.popleft()
                try:
                    os.write(self.fds[to], packet)
                except OSError:
                    pass  # as on any link, what does not fit is lost
            pause = waiting[0][0] - now if waiting else 0.05
            for key, _ in selector.select(max(pause, 0)):
                try:
                    packet = os.read(key.fd, 65536)
                except BlockingIOError:
                    continue
                waiting.append((time.monotonic() + self.half, key.data, packet))
                self.count(packet, key.data)

    def count(self, packet, to):
        if packet[0] >> 4 != 4 or packet[9] != TCP:
            return
        header = (packet[0] & 15) * 4
        flags = packet[header + 13]
        payload = len(packet) - header - (packet[header + 12] >> 4) * 4
        if to == self.server and flags & 0x12 == 0x02:
            self.counts["connections"] += 1
        if payload > 0:
            # A flight: what one side says before the other does.
            if to != self.last:
                self.counts["flights"] += 1
            self.last = to

    def reset(self):
        self.counts, self.last = collections.Counter(), None
