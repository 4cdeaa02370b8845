//! Real logs of other programs: sftp, scp, git and rsync over `ssh`, and PuTTY's `plink`.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{
    in_a_world,
    oracle::{preflight, report},
    person::{Ended, run},
    situations::me,
    skip, table,
    world::{World, free_port},
};

/// What `explain` says about what a program printed.
fn explained(w: &World, ended: &Ended) -> Value {
    let file = w.out("other.log");
    std::fs::write(&file, format!("{}{}", ended.stdout, ended.stderr)).unwrap();
    let words = ["explain", "--format", "json", file.to_str().unwrap()].map(str::to_owned);
    report(&preflight(w, &words))
}

fn holds(w: &World, what: &str, mut command: Command, id: &str) -> Ended {
    let ended = run(&mut command);
    let told = explained(w, &ended);
    assert_ne!(ended.code(), Some(0), "{what} works: {}", ended.stderr);
    assert_eq!(told["diagnosis"]["id"], id, "{what}\n{}{}\n{told:#}", ended.stdout, ended.stderr);
    ended
}

/// The options that make each of them use the keys and files of this world.
fn options(w: &World, key: &str) -> Vec<String> {
    let config = w.dot_ssh("config").display().to_string();
    let own = ["-F", &config, "-o", "BatchMode=yes", "-i", key];
    own.map(str::to_owned).to_vec()
}

#[test]
fn copies_and_git_over_ssh() {
    in_a_world("copies_and_git_over_ssh", |w| {
        for tool in ["/usr/bin/git", "/usr/bin/rsync"] {
            if !Path::new(tool).exists() {
                return skip("copies_and_git_over_ssh", &format!("{tool} is not installed"));
            }
        }
        let (good, wrong) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&good], &[]);
        let (config, name) = (w.dot_ssh("config").display().to_string(), me(w));
        let by = |key: &str| format!("ssh -F {config} -o BatchMode=yes -i {key} -p {port}");

        let mut git = w.command("git");
        git.args(["ls-remote", &format!("{name}:repository")]);
        git.env("GIT_SSH_COMMAND", by(wrong.arg()));
        holds(w, "git", git, "key-not-accepted");
        let mut git = w.command("git");
        git.args(["ls-remote", &format!("{name}:repository")]);
        git.env("GIT_SSH_COMMAND", by(good.arg()));
        holds(w, "git without a repository", git, "fails-after-login");

        let mut rsync = w.command("rsync");
        rsync.args(["-e", &by(wrong.arg()), "/etc/hostname", &format!("{name}:x")]);
        holds(w, "rsync", rsync, "key-not-accepted");

        let (at, port) = (format!("{name}:/tmp/x"), port.to_string());
        let mut scp = w.command("scp");
        scp.args(options(w, wrong.arg())).args(["-P", &port, "/etc/hostname", &at]);
        holds(w, "scp", scp, "key-not-accepted");
        let mut sftp = w.command("sftp");
        sftp.args(options(w, good.arg())).args(["-b", "/dev/null", "-P", &port, &name]);
        let mut ended = holds(w, "sftp", sftp, "fails-after-login");
        ended.stderr = ended.stderr.replace("Connection closed", "").trim().to_owned();
        table::row("a server without sftp", w, &ended, Some("fails-after-login"));
    });
}

#[test]
fn plink() {
    in_a_world("plink", |w| {
        for tool in ["/usr/bin/plink", "/usr/bin/puttygen"] {
            if !Path::new(tool).exists() {
                return skip("plink", &format!("{tool} is not installed"));
            }
        }
        let (good, wrong) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port =
            w.sshd(&[&good], &["PasswordAuthentication no\nKbdInteractiveAuthentication no"]);
        let ppk = w.dot_ssh("key.ppk");
        let mut convert = w.command("puttygen");
        convert.args([wrong.arg(), "-O", "private", "-o", ppk.to_str().unwrap()]);
        w.must(&mut convert);
        let plink = |port: u16, more: &[&str], to: &str| {
            let mut command = w.command("plink");
            command.args(["-ssh", "-batch", "-v", "-noagent", "-P", &port.to_string()]);
            command.args(more).args([to, "true"]);
            command
        };
        let at = me(w);
        let mut fingerprint = w.command("ssh-keygen");
        fingerprint.arg("-lf").arg(w.server("host.pub"));
        let line = w.must(&mut fingerprint);
        let sha256 = line.split(' ').nth(1).unwrap().to_owned();
        let key = ["-hostkey", &sha256, "-i", ppk.to_str().unwrap()];
        holds(w, "unknown key", plink(port, &[], &at), "host-key-unknown");
        holds(w, "key refused", plink(port, &key, &at), "key-not-accepted");
        holds(w, "refused port", plink(free_port(), &[], &at), "refused-by-host");
        holds(w, "unknown name", plink(port, &[], "alex@shop.invalid"), "name-not-found");
    });
}
