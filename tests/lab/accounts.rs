//! Accounts that the server does not let in after all: real ones, of a real sshd with and without PAM.
//!
//! The server runs in a mount namespace of its own, in which a copy of the system's accounts lies over
//! `/etc`: nothing of the real ones is changed.

use std::{fs, path::Path, process::Command};

use crate::{
    login::{NONE, ONE, Traces, check, login, server},
    oracle::Expect::{self, NotReady, Ready},
    world::World,
};

/// What sshd, PAM and the C library read there.
const FILES: [&str; 17] = [
    "passwd",
    "shadow",
    "group",
    "gshadow",
    "login.defs",
    "nsswitch.conf",
    "pam.d",
    "pam.conf",
    "security",
    "environment",
    "default",
    "ssh",
    "hosts",
    "localtime",
    "ld.so.cache",
    "profile",
    "host.conf",
];

/// A key was proven, and no session came of it.
const PROVEN: Traces = Traces { proofs: 1, sessions: 0 };

/// A copy of the accounts, for the server of this world.
fn accounts(w: &mut World) {
    let copy = w.server("etc");
    fs::create_dir(&copy).unwrap();
    for file in FILES.iter().map(|file| Path::new("/etc").join(file)).filter(|file| file.exists()) {
        w.must(Command::new("cp").arg("-a").arg(&file).arg(&copy));
    }
    w.etc = Some(copy);
}

/// Sets one field of the person's line in `passwd` or `shadow`.
fn set(w: &World, file: &str, field: usize, value: &str) {
    let file = w.server("etc").join(file);
    let text = fs::read_to_string(&file).unwrap();
    let line = |line: &str| {
        let mut fields: Vec<_> = line.split(':').collect();
        if fields[0] == w.person.name {
            fields[field] = value;
        }
        fields.join(":") + "\n"
    };
    fs::write(&file, text.lines().map(line).collect::<String>()).unwrap();
}

/// `name: expected, traces, settings of sshd, what is done to the accounts, words of the finding`.
macro_rules! accounts {
    ($($(#[$doc:meta])* $name:ident: $expect:expr, $traces:expr, $pam:expr, $words:expr, |$w:ident| $change:expr)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            situation(stringify!($name), $expect, $traces, $pam, $words, |$w| $change);
        }
    )*};
}

fn situation(
    name: &str,
    expect: Expect,
    traces: Traces,
    pam: &str,
    words: &str,
    change: impl FnOnce(&World),
) {
    if crate::person::person().is_some_and(|person| !person.by_root) {
        return crate::skip(name, "only root may give a server other accounts");
    }
    login(
        name,
        expect,
        traces,
        |w| {
            accounts(w);
            change(w);
            server(w, &[&format!("UsePAM {pam}")], "").1
        },
        |_, report| {
            let finding = check(report, "login");
            let said = finding["summary"].as_str().unwrap();
            assert!(said.contains(words), "{report:#}");
        },
    );
}

accounts! {
    /// The file is there while a system goes down; its text is for those who come.
    nologin_file: NotReady("login-refused"), ONE, "no", "closes the session", |w| {
        fs::write(w.server("etc").join("nologin"), "Back at noon.\n").unwrap()
    }
    nologin_file_with_pam: NotReady("login-refused"), PROVEN, "yes", "", |w| {
        fs::write(w.server("etc").join("nologin"), "Back at noon.\n").unwrap()
    }
    /// sshd itself says of such a user what it says of one that does not exist.
    account_expired: NotReady("key-not-accepted"), NONE, "no", "", |w| set(w, "shadow", 7, "1")
    account_expired_with_pam: NotReady("login-refused"), PROVEN, "yes", "", |w| {
        set(w, "shadow", 7, "1")
    }
    /// Without PAM, sshd looks at the password of those alone who come with it.
    password_expired: Ready, ONE, "no", "and out again", |w| {
        set(w, "shadow", 2, "0")
    }
    password_expired_with_pam: NotReady("login-refused"), ONE, "yes", "expired", |w| {
        set(w, "shadow", 2, "0")
    }
    shell_of_nobody: NotReady("no-shell"), ONE, "no", "no shell", |w| {
        set(w, "passwd", 6, "/usr/sbin/nologin")
    }
    shell_that_does_not_exist: NotReady("key-not-accepted"), NONE, "no", "", |w| {
        set(w, "passwd", 6, "/bin/no-such-shell")
    }
    account_locked: NotReady("key-not-accepted"), NONE, "no", "", |w| {
        set(w, "shadow", 1, "!")
    }
    /// With PAM a lock of the password is no lock of the keys.
    account_locked_with_pam: Ready, ONE, "yes", "and out again", |w| set(w, "shadow", 1, "!")
    home_that_does_not_exist: Ready, ONE, "no", "no home folder", |w| {
        set(w, "passwd", 5, "/home/no-such-folder")
    }
    too_many_logins: NotReady("login-refused"), ONE, "yes", "closes the session", |w| {
        let limits = w.server("etc").join("security/limits.conf");
        fs::write(limits, format!("{} - maxlogins 0\n", w.person.name)).unwrap()
    }
}
