//! One situation: a temporary home with keys, a configuration, and whatever runs around it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    account::{Account, account},
    servers::{Process, free_port, skipped, tool},
};

/// The passphrase of every key that has one; no output may hold it.
pub const PASSPHRASE: &str = "correct-horse-battery";

/// A situation. It is healthy at first: one key, `id`, which the server will know.
pub struct Scene {
    pub name: &'static str,
    pub account: &'static Account,
    folder: tempfile::TempDir,
    /// Lines of the client's configuration.
    pub config: Vec<String>,
    /// What the agent's variable says.
    pub auth_sock: Option<PathBuf>,
    /// Private keys that were made, which no output may show.
    pub secrets: Vec<PathBuf>,
    /// How long the program may take.
    pub timeout: &'static str,
    processes: Vec<Process>,
}

impl Scene {
    /// `None` where it cannot be played here.
    pub fn new(name: &'static str) -> Option<Self> {
        let Some(account) = account() else {
            skipped("there is no user preflight-test; tests/run.sh makes it");
            return None;
        };
        tool("ssh")?;
        tool("sshd")?;
        let folder = tempfile::Builder::new().prefix("preflight-lab-").tempdir().unwrap();
        account.own(folder.path());
        let mut scene = Self {
            name,
            account,
            folder,
            config: Vec::new(),
            auth_sock: None,
            secrets: Vec::new(),
            timeout: "20s",
            processes: Vec::new(),
        };
        let [hosts, global] = ["known_hosts", "known_hosts2"].map(|n| scene.path(n));
        scene.set(format!("UserKnownHostsFile {}", hosts.display()));
        scene.set(format!("GlobalKnownHostsFile {}", global.display()));
        scene.key("id", &["-t", "ed25519"]);
        Some(scene)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as a word of a command line.
    pub fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Adds a line to the client's configuration. Lines before any `Host` line count for all.
    pub fn set(&mut self, line: impl Into<String>) {
        self.config.push(line.into());
    }

    /// Writes a file of the user.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self.account.own(&path);
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a tool as the user and returns what it printed.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = self.account.command(program);
        if let Some(socket) = &self.auth_sock {
            command.env("SSH_AUTH_SOCK", socket);
        }
        let out = command.current_dir(self.folder.path()).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{program} {arguments:?}: {errors}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Makes a key pair without a passphrase.
    pub fn key(&mut self, name: &str, options: &[&str]) {
        let line = [&["-q", "-N", "", "-C", "test key", "-f", name], options].concat();
        self.tool("ssh-keygen", &line);
        self.secrets.push(self.path(name));
    }

    /// The configuration names this key file.
    pub fn identity(&mut self, name: &str) {
        let line = format!("IdentityFile {}", self.word(name));
        self.set(line);
    }

    /// Starts an agent that holds these keys.
    pub fn agent(&mut self, keys: &[&str]) {
        let socket = self.path("agent.sock");
        let mut command = self.account.command("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket);
        let agent = Process::start(command, self.path("agent.log"));
        while !socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.processes.push(agent);
        self.auth_sock = Some(socket);
        for key in keys {
            self.tool("ssh-add", &["-q", key]);
        }
    }

    /// Starts an sshd that knows the key `id`, with further lines before its own, which count
    /// first; known_hosts gets its key.
    pub fn sshd(&mut self, lines: &[&str]) -> Sshd {
        if !self.path("host").exists() {
            self.key("host", &["-t", "ed25519"]);
        }
        if !self.path("authorized_keys").exists() {
            self.write("authorized_keys", self.read("id.pub"), 0o600);
        }
        let port = free_port();
        let mut config = lines.join("\n");
        config += &format!(
            "\nPort {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nLogLevel DEBUG1\n",
            self.word("host"),
            self.word("authorized_keys"),
        );
        let file = self.write("sshd_config", config, 0o644);
        if self.account.become_it {
            // Where sshd gives up its privileges; Debian's own start script makes it.
            fs::create_dir_all("/run/sshd").unwrap();
            for key in ["host", "host2"].map(|n| self.path(n)).iter().filter(|k| k.exists()) {
                std::os::unix::fs::chown(key, Some(0), Some(0)).unwrap();
            }
        }
        let mut command = Command::new("/usr/sbin/sshd");
        command.arg("-D").arg("-e").arg("-f").arg(file);
        let log = self.path(&format!("sshd-{port}.log"));
        let mut process = Process::start(command, log.clone());
        process.wait_for("Server listening on");
        self.processes.push(process);
        self.known(port, "host");
        Sshd { port, log }
    }

    /// Starts a dropbear that knows the key `id`. It reads the account's real home, so only an
    /// account that is the test's own will do.
    pub fn dropbear(&mut self, kind: &str) -> Option<u16> {
        let dropbear = tool("dropbear")?;
        if !self.account.become_it {
            skipped("dropbear would need the authorized_keys of your own home");
            return None;
        }
        self.tool("dropbearkey", &["-t", kind, "-f", "dropbear_host"]);
        let folder = self.account.home.join(".ssh");
        let _ = fs::create_dir(&folder);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        self.account.own(&folder);
        let file = folder.join("authorized_keys");
        // Other tests write theirs at the same time: only ever add.
        use std::io::Write;
        let mut keys = fs::OpenOptions::new().create(true).append(true).open(&file).unwrap();
        keys.write_all(self.read("id.pub").as_bytes()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        self.account.own(&file);
        let port = free_port();
        let mut command = Command::new(dropbear);
        command.args(["-F", "-E", "-s", "-P", &self.word("dropbear.pid"), "-r"]);
        command.arg(self.path("dropbear_host")).arg("-p").arg(format!("127.0.0.1:{port}"));
        let mut process = Process::start(command, self.path("dropbear.log"));
        process.wait_for("Not backgrounding");
        self.processes.push(process);
        let public = self.tool("dropbearkey", &["-y", "-f", "dropbear_host"]);
        let key = public.lines().find(|l| l.starts_with("ssh-") || l.starts_with("ecdsa")).unwrap();
        self.write("known_hosts", format!("[127.0.0.1]:{port} {key}\n"), 0o600);
        Some(port)
    }

    /// known_hosts has this key for this port, and nothing else.
    pub fn known(&self, port: u16, key: &str) {
        let key = self.read(&format!("{key}.pub"));
        self.write("known_hosts", format!("[127.0.0.1]:{port} {key}"), 0o600);
    }

    /// The user at a port of loopback, as a URL.
    pub fn at(&self, port: u16) -> String {
        format!("ssh://{}@127.0.0.1:{port}", self.account.name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A running sshd.
pub struct Sshd {
    pub port: u16,
    log: PathBuf,
}

impl Sshd {
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}
