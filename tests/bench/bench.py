"""Holds ssh-preflight beside ssh, nmap, ssh-audit and ssh-keyscan over a slow link.

No assertion: figures of one run on one machine, as ratios to `ssh HOST true` in the same run.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from link import Link

PORT = "22"


class Environment:
    """An sshd at the far end, and keys: `last` is the one that it knows."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("host", "wrong1", "wrong2", "wrong3", "last"):
            keygen = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.path(name))
            subprocess.run(keygen, check=True)
        shutil.copy(self.path("last.pub"), self.path("authorized_keys"))
        # The other tools look for no agent and for no other key either.
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}

    def path(self, name):
        return os.path.join(self.folder, name)

    def start_sshd(self, namespace, address):
        lines = (
            f"ListenAddress {address}", f"Port {PORT}", f"HostKey {self.path('host')}",
            f"AuthorizedKeysFile {self.path('authorized_keys')}", "PidFile none", "UsePAM no",
            "StrictModes no", "PermitRootLogin prohibit-password", "MaxStartups 3000",
            "LogLevel ERROR", "UseDNS no",
        )
        write(self.path("sshd_config"), "\n".join(lines) + "\n")
        os.makedirs("/run/sshd", exist_ok=True)
        sshd = (shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", self.path("sshd_config"))
        process = subprocess.Popen(("ip", "netns", "exec", namespace, *sshd), stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return process

    def config(self, name, keys, hosts):
        """A client configuration with these keys that knows the server."""
        key = read(self.path("host.pub"))
        write(self.path(name + ".hosts"), f"{hosts} {key}")
        lines = [f"IdentityFile {self.path(key)}" for key in keys]
        lines += [f"UserKnownHostsFile {self.path(name + '.hosts')}", "User root",
                  "GlobalKnownHostsFile none", "BatchMode yes", "IdentitiesOnly yes"]
        write(self.path(name), "\n".join(lines) + "\n")
        return self.path(name)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def measure(namespace, environment, command):
    """Wall seconds, CPU seconds with children, peak memory in MB."""
    began = time.monotonic()
    child = subprocess.Popen(("ip", "netns", "exec", namespace, *command), env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    child.returncode = 0
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def table(rows, reference, rtt):
    head = ("| | wall | to ssh | round trips | flights | connections | CPU | memory | learns |",
            "| --- | --: | --: | --: | --: | --: | --: | --: | --- |")
    print("\n".join(head))
    base = statistics.median(reference)
    for name, learns, runs in rows:
        if not runs:
            print(f"| {name} | not installed | | | | | | | |")
            continue
        wall, cpu, memory, flights, connections = (statistics.median(x) for x in zip(*runs))
        print(f"| {name} | {wall * 1000:.0f} ms | {wall / base:.2f} | {wall / rtt:.1f} "
              f"| {flights:.0f} | {connections:.0f} | {cpu * 1000:.0f} ms | {memory:.0f} MB "
              f"| {learns} |")


def one_target(program, rtt, repetitions):
    with tempfile.TemporaryDirectory(prefix="preflight-bench-") as folder, Link(rtt) as link:
        environment = Environment(folder)
        address = link.addresses[link.server]
        sshd = environment.start_sshd(link.server, address)
        configs = {n: environment.config(f"config{n}", keys, address) for n, keys in (
            (1, ("last",)), (2, ("wrong1", "last")), (4, ("wrong1", "wrong2", "wrong3", "last")))}
        nmap = ("nmap", "-Pn", "-n", "-p", PORT, "--script", "ssh-publickey-acceptance",
                "--script-args", f"ssh.usernames={{'root'}},publickeys={{'{environment.path('last.pub')}'}}",
                address)
        tools = [
            ("ssh-preflight, 1 key", "all checks", (program, "-F", configs[1], address)),
            ("ssh-preflight, 2 keys", "the second is taken", (program, "-F", configs[2], address)),
            ("ssh-preflight, 4 keys", "the fourth is taken", (program, "-F", configs[4], address)),
            ("ssh HOST true", "yes or no", ("ssh", "-F", configs[1], address, "true")),
            ("nmap ssh-publickey-acceptance", "the key is taken", nmap),
            ("ssh-audit", "algorithms", ("ssh-audit", address)),
            ("ssh-keyscan", "host keys", ("ssh-keyscan", address)),
        ]
        runs = {name: [] for name, _, _ in tools}
        for _ in range(repetitions):
            # Interleaved, so that what else the machine does hits all alike.
            for name, _, command in tools:
                if shutil.which(command[0]) is None:
                    continue
                link.reset()
                used = measure(link.client, environment.environment, command)
                counts = link.counts
                runs[name].append((*used, counts["flights"], counts["connections"]))
        sshd.terminate()
        sshd.wait()
        print(f"\n## One target, {rtt * 1000:.0f} ms round trip, median of {repetitions}\n")
        reference = [wall for wall, *_ in runs["ssh HOST true"]]
        table([(name, learns, runs[name]) for name, learns, _ in tools], reference, rtt)


def many_targets(program, count, rtt):
    """Every target has an address of its own; one sshd answers for all."""
    with tempfile.TemporaryDirectory(prefix="preflight-bench-") as folder, Link(rtt) as link:
        environment = Environment(folder)
        sshd = environment.start_sshd(link.server, "0.0.0.0")
        hosts = [f"10.78.{n // 250}.{n % 250 + 1}" for n in range(count)]
        net = ("10.78.0.0/16", "dev")
        subprocess.run(("ip", "-n", link.server, "route", "add", "local", *net, "lo"), check=True)
        subprocess.run(("ip", "-n", link.client, "route", "add", *net, link.client), check=True)
        config = environment.config("config", ("last",), "*")
        write(environment.path("targets"), "\n".join(hosts) + "\n")
        script = f"xargs -a {environment.path('targets')} -P {{}} -I HOST ssh -F {config} HOST true"
        tools = [
            ("ssh-preflight", (program, "-F", config, "--quiet", *hosts)),
            ("ssh-keyscan -f", ("ssh-keyscan", "-f", environment.path("targets"))),
            ("ssh, 64 at once (xargs -P 64)", ("sh", "-c", script.format(64))),
        ]
        print(f"\n## {count} targets in one run, {rtt * 1000:.0f} ms round trip\n")
        print("| | wall | to ssh-preflight | CPU | memory |\n| --- | --: | --: | --: | --: |")
        base = None
        for name, command in tools:
            wall, cpu, memory = measure(link.client, environment.environment, command)
            base = base or wall
            print(f"| {name} | {wall:.1f} s | {wall / base:.2f} | {cpu:.1f} s | {memory:.0f} MB |",
                  flush=True)
        sshd.terminate()
        sshd.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--rtt", type=float, default=100, help="round trip time in milliseconds")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--targets", type=int, default=1000, help="0 leaves that part out")
    arguments = parser.parse_args()
    rtt = arguments.rtt / 1000
    one_target(arguments.program, rtt, arguments.repetitions)
    if arguments.targets:
        many_targets(arguments.program, arguments.targets, rtt)


if __name__ == "__main__":
    main()
