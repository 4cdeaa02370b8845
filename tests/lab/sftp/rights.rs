//! Folders and files with the wrong rights, and the commands that mend them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    process::Command,
};

use super::{
    account::{at, data, serve, start, with_account},
    oracle::{Asked, compare, sftp},
};
use crate::{oracle::with_config, person::run};

fn asked(name: &str, port: u16) -> Asked<'_> {
    Asked { name, port, password: None, ssh: &[], own: &[], expected: None }
}

fn mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn folders_that_let_nobody_read_or_write() {
    with_account("folders_that_let_nobody_read_or_write", |w, a| {
        let port = serve(w, &[]);
        let password = Some(a.password.as_str());
        chown(data(w), Some(0), Some(0)).unwrap();
        mode(&data(w), 0o711);
        let expected = Some("sftp-folder-unreadable");
        let name = "sftp folder that cannot be listed";
        compare(w, a, &Asked { password, expected, ..asked(name, port) });

        mode(&data(w), 0o755);
        compare(w, a, &Asked { password, ..asked("sftp folder for reading", port) });

        // sftp gets in; what was asked for beside it fails.
        let own = ["--write-test", "--format", "json", "--password-file"].map(str::to_owned);
        let file = super::account::password_file(w, &a.password).display().to_string();
        let words: Vec<String> = std::iter::once("sftp".to_owned())
            .chain(own)
            .chain([file])
            .chain(with_config(w, &at(a, port)))
            .collect();
        let told = crate::oracle::report(&crate::oracle::preflight(w, &words));
        assert_eq!(told["diagnosis"]["id"], "sftp-folder-unwritable", "{told:#}");
        let target = with_config(w, &at(a, port));
        let put = sftp(w, &a.password, &target, "put /etc/hostname here\n");
        assert!(put.stderr.contains("Permission denied"), "{}", put.stderr);
        crate::table::row("sftp folder without uploads", w, &put, Some("sftp-folder-unwritable"));
    });
}

/// The shell user makes files that the SFTP user cannot change. What the report advises mends it.
#[test]
fn what_cannot_be_renamed_is_told_with_the_command_that_mends_it() {
    with_account("what_cannot_be_renamed_is_told_with_the_command_that_mends_it", |w, a| {
        let (top, shell) = (data(w), w.person.uid);
        let below = top.join("export");
        fs::create_dir(&below).unwrap();
        fs::write(below.join("a b.csv"), "1").unwrap();
        fs::write(top.join("mine.csv"), "1").unwrap();
        for path in [&top, &below, &below.join("a b.csv")] {
            chown(path, Some(shell), Some(a.gid)).unwrap();
        }
        chown(top.join("mine.csv"), Some(a.uid), Some(a.gid)).unwrap();
        mode(&top, 0o2775);
        mode(&below, 0o2755);
        mode(&below.join("a b.csv"), 0o644);
        let port = serve(w, &[]);
        let target = with_config(w, &at(a, port));
        let rename = "rename \"export/a b.csv\" export/c.csv\n";
        let fails = sftp(w, &a.password, &target, rename);
        assert!(fails.stderr.contains("Permission denied"), "{}", fails.stderr);
        super::oracle::forget(w);

        let password = Some(a.password.as_str());
        let told = compare(w, a, &Asked { password, ..asked("sftp files of others", port) });
        let check = told["checks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(check["status"], "warn", "{check:#}");
        assert_eq!(check["evidence"]["in_the_way"].as_array().unwrap().len(), 2, "{check:#}");
        let advised = check["hints"][0]["command"].as_str().unwrap().to_owned();
        assert!(advised.starts_with("ssh "), "{advised}");
        assert!(advised.contains(&format!("{}@127.0.0.1", w.person.name)), "{advised}");

        // The last word is what the shell on the server runs, as that user.
        let remote = shlex::split(&advised).unwrap().pop().unwrap();
        let mut shell = w.person.command("sh", &w.home());
        assert_eq!(run(shell.args(["-c", &remote])).code(), Some(0), "{remote}");
        let told = compare(w, a, &Asked { password, ..asked("sftp files of the group", port) });
        let check = told["checks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(check["status"], "pass", "{check:#}");
        let works = sftp(w, &a.password, &target, rename);
        assert!(!works.stderr.contains("Permission denied"), "{}", works.stderr);
        assert!(below.join("c.csv").exists());
    });
}

/// A good chroot: the folder that users are locked into is root's, and one below is theirs.
#[test]
fn users_who_are_locked_in() {
    with_account("users_who_are_locked_in", |w, a| {
        // All folders above it must be root's alone, as those of /tmp are not.
        let jail =
            tempfile::Builder::new().prefix("preflight-lab-").tempdir_in("/var/lib").unwrap();
        mode(jail.path(), 0o755);
        let upload = jail.path().join("upload");
        fs::create_dir(&upload).unwrap();
        chown(&upload, Some(a.uid), Some(a.gid)).unwrap();
        let chroot = format!("ChrootDirectory {}", jail.path().display());
        let port = start(w, &[&chroot, "Subsystem sftp internal-sftp"]);
        let password = Some(a.password.as_str());
        let own = &["--write-test", "--folder", "upload"][..];
        compare(w, a, &Asked { password, own, ..asked("sftp users who are locked in", port) });
        assert_eq!(fs::read_dir(&upload).unwrap().count(), 0, "nothing is left");
        let mut left = Command::new("find");
        left.arg(jail.path());
        assert_eq!(run(&mut left).stdout.lines().count(), 2);
    });
}
