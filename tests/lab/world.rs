//! One throw-away world: a home, keys, real servers and agents. All of it ends with its owner.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::person::{PATH, Person, run};

/// Which OpenSSH a program is taken from: a server may be younger than the client, and the other
/// way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenSsh {
    /// The one that is installed.
    Installed,
    /// OpenSSH 10, which `tests/openssh10.sh` puts beside it.
    Ten,
}

impl OpenSsh {
    /// The folder of its programs; `None` for the installed one, whose programs are found by name,
    /// also where that is OpenSSH 10 already.
    pub fn folder(self) -> Option<PathBuf> {
        let place = std::env::var_os("PREFLIGHT_OPENSSH10")
            .map_or_else(|| PathBuf::from("/var/cache/ssh-preflight-lab/openssh10"), PathBuf::from);
        (self == Self::Ten && installed_major() < 10).then(|| place.join("bin"))
    }

    /// Whether its programs are there.
    pub fn is_there(self) -> bool {
        self.folder().is_none_or(|folder| folder.join("sshd").exists())
    }

    fn sshd(self) -> PathBuf {
        self.folder().map_or_else(|| "/usr/sbin/sshd".into(), |folder| folder.join("sshd"))
    }

    /// Where this `sshd` finds what it starts for each connection.
    fn settings(self) -> String {
        self.folder().map_or_else(String::new, |folder| {
            let at = |name: &str| folder.join(name).display().to_string();
            format!("SshdSessionPath {}\nSshdAuthPath {}\n", at("sshd-session"), at("sshd-auth"))
        })
    }
}

/// The first number of the installed OpenSSH.
fn installed_major() -> u32 {
    static MAJOR: OnceLock<u32> = OnceLock::new();
    *MAJOR.get_or_init(|| {
        let said = Command::new("ssh").arg("-V").output().unwrap().stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        let number = said.strip_prefix("OpenSSH_").and_then(|rest| rest.split('.').next());
        number.and_then(|number| number.parse().ok()).unwrap_or_default()
    })
}

/// A throw-away world.
pub struct World {
    pub person: &'static Person,
    /// Whose `sshd` is started.
    pub server_is: OpenSsh,
    /// Whose `ssh` is the oracle, and is asked by the program; whose agent is started.
    pub client_is: OpenSsh,
    /// What lies over `/etc` for the server: other accounts than those of this system.
    pub etc: Option<PathBuf>,
    /// Further variables of the user's environment.
    pub environment: Vec<(&'static str, PathBuf)>,
    folder: tempfile::TempDir,
    running: Vec<Child>,
    /// What must never be printed: lines of private keys, passphrases.
    pub secrets: Vec<String>,
    /// `SSH_AUTH_SOCK` for `ssh` and the program.
    pub agent: Option<PathBuf>,
    /// The log of the last `sshd`.
    pub log: Option<PathBuf>,
    /// The logs of the jump hosts, in the order in which they were started.
    pub jump_logs: Vec<PathBuf>,
}

/// A key pair in files.
#[derive(Debug, Clone)]
pub struct Key {
    /// The private half.
    pub path: PathBuf,
    /// The line of the public half.
    pub public: String,
}

impl Key {
    /// The path as an argument.
    pub fn arg(&self) -> &str {
        self.path.to_str().unwrap()
    }
    /// The path of the `.pub` beside it.
    pub fn pub_path(&self) -> PathBuf {
        PathBuf::from(format!("{}.pub", self.arg()))
    }
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something is so; fails with a name for it.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl World {
    pub fn new(person: &'static Person) -> Self {
        let folder = tempfile::Builder::new().prefix("preflight-lab-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (running, secrets) = (Vec::new(), Vec::new());
        let world = Self {
            person,
            server_is: OpenSsh::Installed,
            client_is: OpenSsh::Installed,
            environment: Vec::new(),
            etc: None,
            folder,
            running,
            secrets,
            agent: None,
            log: None,
            jump_logs: Vec::new(),
        };
        for (name, mode) in
            [("home", 0o700), ("home/.ssh", 0o700), ("server", 0o755), ("out", 0o755)]
        {
            let path = world.folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            person.owns(&path);
        }
        world.config("");
        world.write(".ssh/known_hosts", "", 0o600);
        world
    }

    /// The throw-away home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }
    /// A file in `~/.ssh`.
    pub fn dot_ssh(&self, name: &str) -> PathBuf {
        self.home().join(".ssh").join(name)
    }
    /// A file of the servers.
    pub fn server(&self, name: &str) -> PathBuf {
        self.folder.path().join("server").join(name)
    }
    /// A file that the program may write.
    pub fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }
    /// The whole folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the user, who has the client of this world.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.person.command(program, &self.home());
        if let Some(folder) = self.client_is.folder() {
            command.env("PATH", format!("{}:{PATH}", folder.display()));
        }
        command.envs(self.environment.iter().cloned());
        command
    }

    /// Writes a file below home, owned by the user.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.home().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self.person.owns(&path);
        path
    }

    /// The configuration file: some lines, and what keeps `ssh` out of the real home.
    pub fn config(&self, lines: &str) {
        let known = self.dot_ssh("known_hosts");
        let no_keys = if self.person.by_root { "" } else { "IdentityFile none\n" };
        let text = format!(
            "{lines}\nHost *\nUserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\n{no_keys}",
            known.display()
        );
        self.write(".ssh/config", text, 0o600);
    }

    /// Makes a key pair with `ssh-keygen`.
    pub fn key(&mut self, name: &str, kind: &str) -> Key {
        self.key_with(name, kind, "")
    }

    /// Makes a key pair with a passphrase.
    pub fn key_with(&mut self, name: &str, kind: &str, passphrase: &str) -> Key {
        let path = self.dot_ssh(name);
        let mut command = self.person.command("ssh-keygen", &self.home());
        command.args(["-q", "-t", kind, "-N", passphrase, "-C", "alex@laptop", "-f"]).arg(&path);
        if kind == "rsa" {
            command.args(["-b", "2048"]);
        }
        self.must(&mut command);
        self.remember(&path);
        if !passphrase.is_empty() {
            self.secrets.push(passphrase.to_owned());
        }
        let public = fs::read_to_string(format!("{}.pub", path.display())).unwrap();
        Key { path, public: public.trim().to_owned() }
    }

    /// A key of the servers: of a host or an authority.
    pub fn server_key(&mut self, name: &str, kind: &str) -> Key {
        let path = self.server(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", "", "-C", "server", "-f"]).arg(&path);
        self.must(&mut command);
        let public = fs::read_to_string(format!("{}.pub", path.display())).unwrap();
        Key { path, public: public.trim().to_owned() }
    }

    /// Removes the `.pub` beside a key, as after copying the private half alone.
    pub fn without_pub(&self, key: &Key) {
        fs::remove_file(key.pub_path()).unwrap();
    }

    /// Notes the lines of a private key as secret.
    pub fn remember(&mut self, path: &Path) {
        let text = fs::read_to_string(path).unwrap();
        // The private file repeats the public half, which may be told.
        let public = fs::read_to_string(format!("{}.pub", path.display())).unwrap();
        let body = text.lines().map(str::trim).filter(|l| l.len() >= 16 && !l.contains(['-', ':']));
        // The first line of OpenSSH's format is the same for all keys of a kind.
        let secret = body.skip(1).filter(|line| !public.contains(line));
        self.secrets.extend(secret.map(str::to_owned));
    }

    /// Runs a command that has to succeed.
    pub fn must(&self, command: &mut Command) -> String {
        let ended = run(command.stdin(Stdio::null()));
        assert!(ended.code() == Some(0), "{command:?}: {}", ended.stderr);
        ended.stdout
    }

    /// Signs a certificate: `of` is a public half, whose `-cert.pub` appears beside it.
    pub fn certify(&self, authority: &Key, of: &Path, arguments: &[&str]) {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-s", authority.arg(), "-I", "alex"]).args(arguments).arg(of);
        self.must(&mut command);
        let certificate = of.to_str().unwrap().replace(".pub", "-cert.pub");
        if of.starts_with(self.home()) {
            self.person.owns(Path::new(&certificate));
        }
    }

    /// Starts `sshd` that takes these public keys, and makes its host key known.
    pub fn sshd(&mut self, takes: &[&Key], settings: &[&str]) -> u16 {
        let host = self.server_key("host", "ed25519");
        let port = self.sshd_with(&host, takes, settings);
        self.know(&format!("[127.0.0.1]:{port} {}", host.public));
        port
    }

    /// Starts `sshd` with a host key of its own.
    pub fn sshd_with(&mut self, host: &Key, takes: &[&Key], settings: &[&str]) -> u16 {
        let keys: String = takes.iter().map(|key| key.public.clone() + "\n").collect();
        let (port, log) = self.serve("", host, &keys, settings);
        self.log = Some(log);
        port
    }

    /// Starts one more `sshd`, as a jump host, with these lines in authorized_keys, and makes its
    /// host key known.
    pub fn jump_host(&mut self, keys: &str, settings: &[&str]) -> u16 {
        let name = format!("jump{}_", self.jump_logs.len());
        let host = self.server_key(&format!("{name}host"), "ed25519");
        let (port, log) = self.serve(&name, &host, keys, settings);
        self.jump_logs.push(log);
        self.know(&format!("[127.0.0.1]:{port} {}", host.public));
        port
    }

    /// Starts `sshd` with files of its own and returns its port and its log.
    fn serve(&mut self, name: &str, host: &Key, keys: &str, settings: &[&str]) -> (u16, PathBuf) {
        let port = free_port();
        let own = |file: &str| self.folder.path().join("server").join(format!("{name}{file}"));
        let (allowed, config_file, log) = (own("authorized_keys"), own("sshd_config"), own("log"));
        fs::write(&allowed, keys).unwrap();
        let config = format!(
            "{}\nListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nLogLevel DEBUG3\n{}",
            settings.join("\n"),
            host.arg(),
            allowed.display(),
            self.server_is.settings(),
        );
        fs::write(&config_file, config).unwrap();
        let mut command = match &self.etc {
            None => Command::new(self.server_is.sshd()),
            Some(etc) => {
                let mut apart = Command::new("/usr/bin/unshare");
                apart.args(["--mount", "--propagation", "private", "/bin/sh", "-ec"]);
                apart.arg("mount --bind \"$0\" /etc; exec \"$@\"").arg(etc);
                apart.arg(self.server_is.sshd());
                apart
            }
        };
        command.args(["-D", "-f"]).arg(&config_file).arg("-E").arg(&log);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        if self.person.by_root {
            // Where sshd keeps its unprivileged half; a container may not have it yet.
            let _ = fs::create_dir_all("/run/sshd");
        }
        self.start(&mut command);
        let read = log.clone();
        until("sshd", || fs::read_to_string(&read).is_ok_and(|l| l.contains("Server listening")));
        (port, log)
    }

    /// Starts dropbear, and makes its host key known. The user's keys are those of
    /// [`crate::keyring`], since dropbear only reads the home of the passwd database.
    pub fn dropbear(&mut self, kind: &str) -> u16 {
        let (port, host) = (free_port(), self.server("dropbear_host"));
        let mut make = Command::new("dropbearkey");
        make.args(["-t", kind, "-f"]).arg(&host);
        let said = self.must(&mut make);
        let public = said.lines().find(|line| line.starts_with("ssh-")).unwrap().to_owned();
        self.know(&format!("[127.0.0.1]:{port} {public}"));
        let mut command = Command::new("/usr/sbin/dropbear");
        command.args(["-F", "-E", "-p", &format!("127.0.0.1:{port}"), "-r"]).arg(&host);
        command.arg("-P").arg(self.server("dropbear.pid"));
        self.start(&mut command);
        until("dropbear", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        port
    }

    /// Starts an agent with these keys.
    pub fn agent(&mut self, keys: &[&Key]) -> PathBuf {
        let socket = self.dot_ssh("agent.sock");
        let mut command = self.command("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket);
        self.start(&mut command);
        // The file is there a moment before anybody listens.
        until("the agent", || UnixStream::connect(&socket).is_ok());
        self.agent = Some(socket.clone());
        for key in keys {
            let mut add = self.command("ssh-add");
            add.env("SSH_AUTH_SOCK", &socket).arg("-q").arg(&key.path);
            self.must(&mut add);
        }
        socket
    }

    /// Adds a line to `known_hosts`.
    pub fn know(&self, line: &str) {
        let path = self.dot_ssh("known_hosts");
        let before = fs::read_to_string(&path).unwrap_or_default();
        self.write(".ssh/known_hosts", format!("{before}{line}\n"), 0o600);
    }

    /// Stops what was started last.
    pub fn stop(&mut self) {
        let mut child = self.running.pop().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn start(&mut self, command: &mut Command) {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        self.running.push(child);
    }

    /// Begins the log of the last `sshd` anew: what comes now is told apart from what was before.
    pub fn forget_log(&self) {
        if let Some(log) = &self.log {
            // sshd appends, so it goes on at the begin.
            fs::File::options().write(true).truncate(true).open(log).unwrap();
        }
    }

    /// What the last `sshd` wrote.
    pub fn sshd_log(&self) -> String {
        self.log.as_deref().map(read_log).unwrap_or_default()
    }

    /// What each jump host wrote.
    pub fn jump_host_logs(&self) -> Vec<String> {
        self.jump_logs.iter().map(|log| read_log(log)).collect()
    }
}

fn read_log(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

impl Drop for World {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
