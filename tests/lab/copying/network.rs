//! Three hosts around a router, each in a network namespace: the person's computer, the source of a
//! copy and its destination. Each end has a home, a name resolution and a system of files of its own.
//!
//! ```text
//! client 198.51.100.2 ── router ── source 198.51.100.18
//!                              └── destination 198.51.100.34
//! ```

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::{
    oracle,
    person::{Ended, run, run_for},
    world::{Key, World, until},
};

/// The hosts, and the last number of their address.
const HOSTS: [(&str, u8); 3] = [("client", 2), ("source", 18), ("dest", 34)];

/// What a listing of a home tells: mode, size and time of change of each path.
pub type Listing = BTreeMap<String, (u32, u64, std::time::SystemTime)>;

/// The network, with a server at either end.
pub struct Ends {
    tag: String,
    pub world: World,
    servers: BTreeMap<&'static str, Child>,
    /// The host keys of the two ends.
    pub host_keys: BTreeMap<&'static str, Key>,
    /// The program of the servers that are started next.
    pub sshd: PathBuf,
}

impl Ends {
    /// Makes the network; no server runs yet.
    pub fn new(world: World) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let tag = format!("pfc{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (servers, host_keys) = (BTreeMap::new(), BTreeMap::new());
        let mut ends = Self { tag, world, servers, host_keys, sshd: "/usr/sbin/sshd".into() };
        for place in ["client", "source", "dest", "router"] {
            must(Command::new("ip").args(["netns", "add", &ends.name(place)]));
            ends.at(place, "ip link set lo up");
        }
        ends.at("router", "sysctl -qw net.ipv4.ip_forward=1");
        for (place, last) in HOSTS {
            let peer = ends.name("router");
            ends.at(
                place,
                &format!("ip link add wire type veth peer name to_{place} netns {peer}"),
            );
            ends.at(place, &format!("ip addr add 198.51.100.{last}/28 dev wire"));
            ends.at("router", &format!("ip addr add 198.51.100.{}/28 dev to_{place}", last - 1));
            ends.at("router", &format!("ip link set to_{place} up"));
            ends.at(place, "ip link set wire up");
            ends.at(place, &format!("ip route add default via 198.51.100.{}", last - 1));
        }
        for place in ["source", "dest"] {
            let key = ends.world.server_key(&format!("{place}_host"), "ed25519");
            ends.host_keys.insert(place, key);
            fs::create_dir(ends.home(place)).unwrap();
            ends.world.person.owns(&ends.home(place));
            fs::create_dir(ends.home(place).join(".ssh")).unwrap();
            ends.world.person.owns(&ends.home(place).join(".ssh"));
            ends.file(place, "hello.txt", &"x".repeat(2000));
        }
        let client = "198.51.100.18 shop-staging.example.test\n198.51.100.34 shop.example.test\n";
        ends.hosts("client", client);
        ends.hosts("source", "198.51.100.34 shop\n");
        ends.hosts("dest", "");
        let names = [("shop-staging.example.test", "source"), ("shop.example.test", "dest")];
        let known = names.map(|(name, at)| format!("{name} {}\n", ends.host_keys[at].public));
        ends.world.write(".ssh/known_hosts", known.concat(), 0o600);
        ends
    }

    fn name(&self, place: &str) -> String {
        format!("{}{place}", self.tag)
    }

    /// The home of the person at an end.
    pub fn home(&self, place: &str) -> PathBuf {
        self.world.folder().join(format!("home_{place}"))
    }

    /// Writes a file in that home.
    pub fn file(&self, place: &str, name: &str, content: &str) {
        let path = self.home(place).join(name);
        fs::write(&path, content).unwrap();
        self.world.person.owns(&path);
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

    /// What a host knows of names: its hosts file, and nothing else.
    pub fn hosts(&self, place: &str, lines: &str) {
        let folder = Path::new("/etc/netns").join(self.name(place));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hosts"), format!("127.0.0.1 localhost\n{lines}")).unwrap();
        fs::write(folder.join("nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n")
            .unwrap();
        fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    }

    /// A rule of the router, in place of the one before.
    pub fn rule(&self, rule: &str) {
        let script = format!(
            "table inet f {{}}\ndelete table inet f\ntable inet f {{\nchain c {{\n\
             type filter hook forward priority 0\n{rule}\n}}\n}}\n"
        );
        let file = self.world.out("rules.nft");
        fs::write(&file, script).unwrap();
        self.at("router", &format!("nft -f {}", file.display()));
    }

    /// What the source knows of the destination's key, by its short name.
    pub fn source_knows(&self, lines: &str) {
        self.file("source", ".ssh/known_hosts", lines);
    }

    /// The line with which the source knows it.
    pub fn known(&self) -> String {
        format!("shop {}\n", self.host_keys["dest"].public)
    }

    /// Starts the server of an end anew, with these lines in authorized_keys. `before`: what is done to
    /// its files first.
    pub fn serve(&mut self, place: &'static str, keys: &str, settings: &[&str], before: &str) {
        self.stop(place);
        let own = |file: &str| self.world.server(&format!("{place}_{file}"));
        let (allowed, file, log) = (own("authorized_keys"), own("sshd_config"), own("log"));
        fs::write(&allowed, keys).unwrap();
        let _ = fs::remove_file(&log);
        let config = format!(
            "{}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             Subsystem sftp internal-sftp\nLogLevel DEBUG1\n",
            settings.join("\n"),
            self.host_keys[place].arg(),
            allowed.display(),
        );
        fs::write(&file, config).unwrap();
        let _ = fs::create_dir_all("/run/sshd");
        let person = self.world.person;
        // `ip netns exec` has made a mount namespace: what is mounted here is seen by nobody else.
        let script = format!(
            "mount --bind {} {}\n{before}\nexec {} -D -f {} -E {}",
            self.home(place).display(),
            person.passwd_home.display(),
            self.sshd.display(),
            file.display(),
            log.display()
        );
        let mut command = self.command(place);
        command.args(["/bin/sh", "-ec", &script]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.servers.insert(place, command.spawn().unwrap());
        until("sshd", || fs::read_to_string(&log).is_ok_and(|l| l.contains("Server listening")));
    }

    pub fn stop(&mut self, place: &str) {
        if let Some(mut child) = self.servers.remove(place) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What the server of an end wrote.
    pub fn log(&self, place: &str) -> String {
        let file = self.world.server(&format!("{place}_log"));
        String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
    }

    /// Begins the log anew.
    pub fn forget_log(&self, place: &str) {
        let file = self.world.server(&format!("{place}_log"));
        if let Ok(file) = fs::File::options().write(true).open(file) {
            file.set_len(0).unwrap();
        }
    }

    /// What is in the home of an end.
    pub fn listing(&self, place: &str) -> Listing {
        use std::os::unix::fs::MetadataExt;
        let mut found = BTreeMap::new();
        let mut folders = vec![self.home(place)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let meta = entry.metadata().unwrap();
                let path = entry.path().display().to_string();
                found.insert(path, (meta.mode(), meta.len(), meta.modified().unwrap()));
                if meta.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        found
    }

    /// A command of the person, at their computer.
    fn as_person(&self, program: &Path) -> Command {
        let (person, home) = (self.world.person, self.world.home());
        let mut command = self.command("client");
        let (uid, gid) = (person.uid.to_string(), person.gid.to_string());
        command.args(["setpriv", "--reuid", &uid, "--regid", &gid, "--init-groups", "--"]);
        command.arg(program);
        command.env_clear().env("HOME", &home).env("LANG", "C.UTF-8").current_dir(&home);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        if let Some(socket) = &self.world.agent {
            command.env("SSH_AUTH_SOCK", socket);
        }
        command
    }

    /// The program.
    pub fn preflight(&self, words: &[String]) -> Ended {
        let ended = run(self.as_person(oracle::program()).args(words));
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }

    /// `ssh`, as the person runs it.
    pub fn ssh(&self, words: &[String]) -> Ended {
        run_for(self.as_person(Path::new("ssh")).args(words), Duration::from_secs(12))
    }

    /// A command, as the person pastes it into a shell.
    pub fn paste(&self, command: &str) -> Ended {
        let words = ["-c", command];
        run_for(self.as_person(Path::new("sh")).args(words), Duration::from_secs(12))
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        for place in ["source", "dest"] {
            self.stop(place);
        }
        for place in ["client", "source", "dest", "router"] {
            let _ = Command::new("ip").args(["netns", "del", &self.name(place)]).status();
            let _ = fs::remove_dir_all(Path::new("/etc/netns").join(self.name(place)));
        }
    }
}

fn must(command: &mut Command) {
    let ended = run(command);
    assert_eq!(ended.code(), Some(0), "{command:?}: {}", ended.stderr);
}
