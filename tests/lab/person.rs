//! Who runs `ssh` and the program: an ordinary user, in an environment that holds nothing but what
//! the test put there.
//!
//! Run by root, the lab uses an account of its own, since for root every file is readable and no
//! mode is wrong. Run by an ordinary user, it uses that one.

use std::{
    fs::File,
    io::Read,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The account that `tests/run.sh` makes.
const ACCOUNT: &str = "preflight-test";

/// Where programs are looked for.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// No run may take longer. It is far above every limit that a situation sets.
const PATIENCE: Duration = Duration::from_secs(60);

/// An ordinary user.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// Where the passwd database says that the home is.
    pub passwd_home: PathBuf,
    /// Whether the lab is root and acts as somebody else.
    pub by_root: bool,
}

/// How a program ended, and all that it said.
#[derive(Debug)]
pub struct Ended {
    /// `None` where it did not end in time.
    pub status: Option<ExitStatus>,
    pub stdout: String,
    pub stderr: String,
    /// All of standard error, where `stderr` leaves out what `-vvv` adds.
    pub log: String,
    pub took: Duration,
}

impl Ended {
    /// The exit code; none where a signal or our patience ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }
    /// What `ssh` would have printed without `-vvv`; the whole is kept as the log.
    pub fn without_steps(mut self) -> Self {
        let added = [
            "debug1: ",
            "debug2: ",
            "debug3: ",
            "OpenSSH_",
            "Authenticated to ",
            "Killed by signal ",
            "Transferred: ",
            "Bytes per second: ",
            // The list of channels has lines of its own.
            "  #",
        ];
        let is_plain = |line: &&str| !added.iter().any(|begin| line.starts_with(begin));
        let plain: Vec<_> = self.stderr.lines().filter(is_plain).collect();
        let plain = plain.join("\n");
        self.log = std::mem::replace(&mut self.stderr, plain);
        self
    }
    /// The last line of standard error, for a failure message.
    pub fn last_line(&self) -> &str {
        let line = self.stderr.lines().rev().find(|line| !line.trim().is_empty());
        line.unwrap_or("(nothing)").trim()
    }
}

/// The user that the whole lab acts as. `None`, with a printed line, where there is none.
pub fn person() -> Option<&'static Person> {
    static PERSON: OnceLock<Option<Person>> = OnceLock::new();
    PERSON.get_or_init(find).as_ref()
}

fn find() -> Option<Person> {
    // What is run here would ask whoever started the tests, if there were a terminal to ask at.
    let _ = nix::unistd::setsid();
    let uid = std::fs::metadata("/proc/self").map(|m| m.uid()).unwrap_or_default();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let by_root = uid == 0;
    passwd.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, id, group, _, home, ..] = fields.as_slice() else { return None };
        let id: u32 = id.parse().ok()?;
        let wanted = if by_root { *name == ACCOUNT } else { id == uid };
        wanted.then(|| Person {
            name: (*name).to_owned(),
            uid: id,
            gid: group.parse().unwrap_or(id),
            passwd_home: home.into(),
            by_root,
        })
    })
}

impl Person {
    /// A command as this user, with an empty environment but for home, path and language.
    pub fn command(&self, program: impl AsRef<Path>, home: &Path) -> Command {
        let mut command = if self.by_root {
            let mut command = Command::new("setpriv");
            let (uid, gid) = (self.uid.to_string(), self.gid.to_string());
            command.args(["--reuid", &uid, "--regid", &gid, "--init-groups", "--"]);
            command.arg(program.as_ref());
            command
        } else {
            Command::new(program.as_ref())
        };
        command.env_clear().env("HOME", home).env("LANG", "C.UTF-8").current_dir(home);
        command.env("PATH", PATH);
        command.stdin(Stdio::null());
        command
    }

    /// Gives a file or folder to this user.
    pub fn owns(&self, path: &Path) {
        if self.by_root {
            chown(path, Some(self.uid), Some(self.gid)).unwrap();
        }
    }
}

/// Runs a command to its end; what it prints goes to files, so that no pipe can block it.
pub fn run(command: &mut Command) -> Ended {
    let ended = run_for(command, PATIENCE);
    assert!(ended.status.is_some(), "{command:?} did not end: {}{}", ended.stdout, ended.stderr);
    ended
}

/// Runs a command and stops it after a while.
pub fn run_for(command: &mut Command, patience: Duration) -> Ended {
    let (mut stdout, mut stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let began = Instant::now();
    command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let status = wait(&mut child, patience);
    let took = began.elapsed();
    let (stdout, stderr) = (all(&mut stdout), all(&mut stderr));
    Ended { status, stdout, stderr, log: String::new(), took }
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

fn all(file: &mut File) -> String {
    use std::io::Seek;
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
