//! Who runs the program and `ssh`: an ordinary user, as people are.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The account that `tests/run.sh` makes.
pub const TEST_USER: &str = "preflight-test";

/// The user who runs the program, and whether we can become it.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
    /// Whether the tests run as root, and so as another user than this one.
    pub become_it: bool,
}

fn id(option: &str, user: &str) -> Option<u32> {
    let out = Command::new("id").args([option, user]).output().ok()?;
    String::from_utf8(out.stdout).ok()?.trim().parse().ok()
}

/// Root becomes the test's user; anybody else stays who they are. `None`: root without such a user.
pub fn account() -> Option<&'static Account> {
    static ACCOUNT: OnceLock<Option<Account>> = OnceLock::new();
    let find = || {
        let out = Command::new("id").arg("-un").output().ok()?;
        let me = String::from_utf8(out.stdout).ok()?.trim().to_owned();
        let become_it = me == "root";
        let name = if become_it { TEST_USER.to_owned() } else { me };
        let passwd = Command::new("getent").args(["passwd", &name]).output().ok()?;
        let passwd = String::from_utf8(passwd.stdout).ok()?;
        let home = PathBuf::from(passwd.split(':').nth(5)?);
        Some(Account { uid: id("-u", &name)?, gid: id("-g", &name)?, name, home, become_it })
    };
    ACCOUNT.get_or_init(find).as_ref()
}

impl Account {
    /// A command that this user runs, with nothing of our environment but the path.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        command.env("HOME", &self.home).env("USER", &self.name).env("LANG", "C.UTF-8");
        if self.become_it {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives a file or folder to this user.
    pub fn own(&self, path: &Path) {
        if self.become_it {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).unwrap();
        }
    }
}

/// The program at a place that every user can read: a checkout may be in a closed home.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let copy = || {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new().prefix("preflight-lab-").tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let file = folder.path().join("ssh-preflight");
        std::fs::copy(env!("CARGO_BIN_EXE_ssh-preflight"), &file).unwrap();
        (folder, file)
    };
    &PROGRAM.get_or_init(copy).1
}
