//! A network of its own: a client, two routers, a server, each in a network namespace.
//!
//! ```text
//! client 10.90.1.2 ── 10.90.1.1 near 10.90.2.1 ── 10.90.2.2 far 10.90.3.1 ── 10.90.3.2 server
//! ```
//!
//! The same with IPv6 (`fd90:N::`). A scene changes one thing in it: a rule of a firewall, a route,
//! a name. It needs root; nothing outside of the namespaces is touched but `/etc/netns/NAME`, from
//! which `ip netns exec` takes the name server of a namespace.

mod egress;
mod local_end;
mod name_server;
mod names;
mod scenes;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::Value;

use crate::{
    oracle,
    person::{Ended, Person, run, run_for},
    world::{World, until},
};

/// The places of the network.
pub const PLACES: [&str; 4] = ["client", "near", "far", "server"];

/// Neighbour discovery of IPv6.
const FINDS_NEIGHBOURS: &str = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";

/// A network with servers in it.
pub struct Net {
    tag: String,
    pub person: &'static Person,
    running: Vec<Child>,
    serving: Vec<name_server::Serving>,
    pub world: World,
}

impl Net {
    /// Makes the namespaces, the links and the routes.
    pub fn new(world: World) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let tag = format!("pf{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let net =
            Self { tag, person: world.person, running: Vec::new(), serving: Vec::new(), world };
        for place in PLACES {
            let name = net.name(place);
            must(Command::new("ip").args(["netns", "add", &name]));
            net.at(place, "ip link set lo up");
            if place != "client" && place != "server" {
                net.at(place, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
            }
            // A router may send as many errors as it likes, else probes in parallel go unanswered.
            net.at(place, "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0");
        }
        for (n, (left, right)) in
            [("client", "near"), ("near", "far"), ("far", "server")].into_iter().enumerate()
        {
            let (n, peer) = (n + 1, net.name(right));
            let (from, to) = match n {
                1 => (2, 1),
                _ => (1, 2),
            };
            net.at(left, &format!("ip link add right type veth peer name left netns {peer}"));
            for (place, device, end) in [(left, "right", from), (right, "left", to)] {
                net.at(place, &format!("ip addr add 10.90.{n}.{end}/24 dev {device}"));
                net.at(place, &format!("ip addr add fd90:{n}::{end}/64 dev {device} nodad"));
                net.at(place, &format!("ip link set {device} up"));
            }
        }
        for (place, four, six) in [
            ("client", "10.90.1.1", "fd90:1::1"),
            ("near", "10.90.2.2", "fd90:2::2"),
            ("server", "10.90.3.1", "fd90:3::1"),
        ] {
            net.at(place, &format!("ip route add default via {four}"));
            net.at(place, &format!("ip route add default via {six}"));
        }
        net.at("far", "ip route add 10.90.1.0/24 via 10.90.2.1");
        net.at("far", "ip route add fd90:1::/64 via fd90:2::1");
        net
    }

    fn name(&self, place: &str) -> String {
        format!("{}{place}", self.tag)
    }

    /// The file that leads into the network of a place.
    pub fn namespace(&self, place: &str) -> PathBuf {
        Path::new("/run/netns").join(self.name(place))
    }

    fn command(&self, place: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(place)]);
        command
    }

    /// Runs a line as root at a place.
    pub fn at(&self, place: &str, line: &str) {
        must(self.command(place).args(line.split_whitespace()));
    }

    /// From which ports the client may connect.
    pub fn ports(&self, range: &str) {
        let setting = format!("net.ipv4.ip_local_port_range={range}");
        must(self.command("client").args(["sysctl", "-qw", &setting]));
    }

    /// A rule of nftables at a place: for what passes (`forward`), comes in or goes out.
    pub fn rule(&self, place: &str, hook: &str, rule: &str) {
        let table = format!("t_{hook}");
        let script = format!(
            "table inet {table} {{\nchain c {{\ntype filter hook {hook} priority 0\n{rule}\n}}\n}}\n"
        );
        let file = self.world.out("rules.nft");
        fs::write(&file, script).unwrap();
        self.at(place, &format!("nft -f {}", file.display()));
    }

    /// A rule of nftables that changes the source of what leaves a place.
    pub fn nat(&self, place: &str, rule: &str) {
        let script = format!(
            "table ip nat {{\nchain c {{\ntype nat hook postrouting priority 100\n{rule}\n}}\n}}\n"
        );
        let file = self.world.out("nat.nft");
        fs::write(&file, script).unwrap();
        self.at(place, &format!("nft -f {}", file.display()));
    }

    /// From now on five packets of a hundred are lost, each way, between the client and the first
    /// router. Where there are two name servers, questions to them are spared: a lost one makes the
    /// system ask the other, and where the two differ, that is another situation for `ssh` too. What
    /// finds the neighbour is spared as well, as that of IPv4 is, which no such rule sees.
    pub fn lose_packets(&self) {
        let resolver = fs::read_to_string(self.etc_folder().join("resolv.conf"));
        let two = resolver.is_ok_and(|text| text.matches("nameserver").count() > 1);
        let spared = |rule| if two { format!("udp {rule} 53 accept\n") } else { String::new() };
        let lose = |rule, device| {
            let names = spared(rule);
            format!(
                "{names}{FINDS_NEIGHBOURS} accept\niifname {device} numgen random mod 100 < 5 drop"
            )
        };
        self.rule("near", "prerouting", &lose("dport", "left"));
        self.rule("client", "prerouting", &lose("sport", "right"));
    }

    /// Starts a program at a place.
    pub fn start(&mut self, place: &str, command: &str) {
        let mut child = self.command(place);
        child.args(command.split_whitespace());
        child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running.push(child.spawn().unwrap());
    }

    /// Starts sshd on these ports of the server; the key `id_a` is known there, and the server here.
    pub fn sshd(&mut self, ports: &[u16]) {
        let key = self.world.key("id_a", "ed25519");
        let host = self.world.server_key("host", "ed25519");
        fs::write(self.world.server("authorized_keys"), key.public.clone() + "\n").unwrap();
        let ports: String = ports.iter().map(|port| format!("Port {port}\n")).collect();
        let config = format!(
            "{ports}HostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n",
            host.arg(),
            self.world.server("authorized_keys").display(),
        );
        fs::write(self.world.server("sshd_config"), config).unwrap();
        let _ = fs::create_dir_all("/run/sshd");
        let log = self.world.server("log");
        let file = self.world.server("sshd_config");
        self.start(
            "server",
            &format!("/usr/sbin/sshd -D -f {} -E {}", file.display(), log.display()),
        );
        until("sshd", || fs::read_to_string(&log).is_ok_and(|l| l.contains("Server listening")));
        self.world.know(&format!("* {}", host.public));
    }

    /// Stops the programs that were started, as a computer without memory does: its system still
    /// lets connections in.
    pub fn freeze(&self) {
        for child in &self.running {
            must(Command::new("kill").args(["-STOP", &child.id().to_string()]));
        }
    }

    /// The client's name server, which is the far router, and what it says (lines of dnsmasq).
    pub fn names(&mut self, lines: &[&str]) {
        self.name_server_at("10.90.2.2", "far", lines);
        self.resolver(&["10.90.2.2"]);
    }

    /// A name server at a router.
    pub fn name_server_at(&mut self, address: &str, place: &str, lines: &[&str]) {
        let file = self.world.out(&format!("dnsmasq-{address}.conf"));
        let own = format!(
            "no-resolv\nno-hosts\nkeep-in-foreground\nlisten-address={address}\nbind-interfaces\n\
             user=root\ngroup=root\npid-file=\n"
        );
        fs::write(&file, own + &lines.join("\n") + "\n").unwrap();
        self.start(place, &format!("/usr/sbin/dnsmasq -C {}", file.display()));
        let probe = format!("ss -Hlun src {address}:53");
        until("dnsmasq", || {
            let out = self.command(place).args(probe.split_whitespace()).output().unwrap();
            !out.stdout.is_empty()
        });
    }

    /// A name server of our own at a place, for what dnsmasq does not do. It ends with the network.
    pub fn own_name_server(&mut self, place: &str, address: &str, answers: name_server::Answers) {
        let namespace = self.namespace(place);
        let address = std::net::SocketAddr::new(address.parse().unwrap(), 53);
        self.serving.push(name_server::serve(namespace, address, answers));
    }

    /// What the client's `/etc/resolv.conf` says; with some patience, for the links that lose packets.
    pub fn resolver(&self, servers: &[&str]) {
        let lines: String = servers.iter().map(|s| format!("nameserver {s}\n")).collect();
        self.etc("resolv.conf", &format!("options timeout:1 attempts:3\n{lines}"));
    }

    /// A file that takes the place of the one in `/etc`, for the client.
    pub fn etc(&self, name: &str, text: &str) {
        let folder = self.etc_folder();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    /// Closes such a file to others.
    pub fn etc_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let file = self.etc_folder().join(name);
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn etc_folder(&self) -> PathBuf {
        Path::new("/etc/netns").join(self.name("client"))
    }

    /// A command that the user runs at the client.
    fn as_user(&self, program: &Path) -> Command {
        let mut command = self.command("client");
        let (uid, gid) = (self.person.uid.to_string(), self.person.gid.to_string());
        command.args(["setpriv", "--reuid", &uid, "--regid", &gid, "--init-groups", "--"]);
        command.arg(program);
        let home = self.world.home();
        command.env_clear().env("HOME", &home).env("LANG", "C.UTF-8").current_dir(&home);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }

    fn arguments(&self, words: &[String]) -> Vec<String> {
        let key = self.world.dot_ssh("id_a").display().to_string();
        let own = ["-o", "BatchMode=yes", "-i", &key].map(str::to_owned);
        oracle::with_config(&self.world, &[&own[..], words].concat())
    }

    /// What the program says about a target.
    pub fn preflight(&self, words: &[String]) -> (Value, Ended) {
        let ended = run(self
            .as_user(oracle::program())
            .args(["--format", "json", "--timeout", "30s"])
            .args(self.arguments(words)));
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        (oracle::report(&ended), ended)
    }

    /// What `ssh` says about it.
    pub fn ssh(&self, words: &[String]) -> Ended {
        let mut command = self.as_user(Path::new("ssh"));
        // Who hangs for so long is not logged in.
        let command = command.arg("-vvv").args(self.arguments(words)).arg("true");
        run_for(command, Duration::from_secs(12)).without_steps()
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for place in PLACES {
            let _ = Command::new("ip").args(["netns", "del", &self.name(place)]).status();
        }
        let _ = fs::remove_dir_all(self.etc_folder());
    }
}

fn must(command: &mut Command) {
    let ended = run(command);
    assert_eq!(ended.code(), Some(0), "{command:?}: {}", ended.stderr);
}
