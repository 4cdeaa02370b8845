//! The account with a password, and a server that knows it.
//!
//! `tests/run.sh` makes the account with no password at all. Each run of the lab gives it one that
//! nobody else knows.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::{in_a_world, skip, world::World};

const NAME: &str = "preflight-sftp";

/// A user who has a password.
#[derive(Debug)]
pub struct Account {
    pub name: &'static str,
    pub uid: u32,
    pub gid: u32,
    pub password: String,
}

/// The account; `None` where there is none, or where this is not root.
fn account() -> Option<&'static Account> {
    static ACCOUNT: OnceLock<Option<Account>> = OnceLock::new();
    ACCOUNT.get_or_init(find).as_ref()
}

fn find() -> Option<Account> {
    if !crate::person::person()?.by_root {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').next() == Some(NAME))?;
    let number = |place| line.split(':').nth(place).unwrap().parse().unwrap();
    let password = format!("pw-{:032x}", rand::random::<u128>());
    let account = Account { name: NAME, uid: number(2), gid: number(3), password };
    account.set_password();
    Some(account)
}

impl Account {
    /// Gives the account its password.
    pub fn set_password(&self) {
        let mut change = Command::new("chpasswd");
        let mut change = change.stdin(Stdio::piped()).spawn().unwrap();
        writeln!(change.stdin.take().unwrap(), "{}:{}", self.name, self.password).unwrap();
        assert!(change.wait().unwrap().success());
    }
}

/// A world with an SFTP user: the password is secret, and a folder is that user's.
pub fn with_account(name: &str, test: impl FnOnce(&mut World, &'static Account)) {
    let Some(account) = account() else {
        return skip(name, "there is no account preflight-sftp (tests/run.sh makes it)");
    };
    in_a_world(name, |w| {
        w.secrets.push(account.password.clone());
        let folder = data(w);
        fs::create_dir(&folder).unwrap();
        chown(&folder, Some(account.uid), Some(account.gid)).unwrap();
        test(w, account);
    });
}

/// The folder that the SFTP user works in.
pub fn data(w: &World) -> PathBuf {
    w.server("data")
}

/// Starts `sshd` with SFTP in that folder.
pub fn serve(w: &mut World, settings: &[&str]) -> u16 {
    let subsystem = format!("Subsystem sftp internal-sftp -d {}", data(w).display());
    let all: Vec<&str> = settings.iter().copied().chain([subsystem.as_str()]).collect();
    start(w, &all)
}

/// Starts one more `sshd` in this world, and makes its host key known. Its log is the one that counts.
pub fn start(w: &mut World, settings: &[&str]) -> u16 {
    let host = w.server_key(&format!("host-{:016x}", rand::random::<u64>()), "ed25519");
    let port = w.sshd_with(&host, &[], settings);
    w.know(&format!("[127.0.0.1]:{port} {}", host.public));
    port
}

/// The user at this computer, through that port.
pub fn at(account: &Account, port: u16) -> Vec<String> {
    ["-p".into(), port.to_string(), format!("{}@127.0.0.1", account.name)].into()
}

/// A file of the person who runs the program, with the password in it.
pub fn password_file(w: &World, password: &str) -> PathBuf {
    w.write("password", format!("{password}\n"), 0o600)
}

/// A program that forced commands run.
pub fn script(w: &World, name: &str, text: &str) -> String {
    let path = w.server(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}
