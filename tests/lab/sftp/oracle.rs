//! Runs the program, then `sftp` with the same password, and holds the two together.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::account::{Account, at, data, password_file};
use crate::{
    cases,
    oracle::{preflight, program, really_says, report, with_config},
    person::{Ended, run, run_for},
    table,
    world::{World, until},
};

/// One situation: what is given to the program and to `sftp`, and what has to come of it.
pub struct Asked<'a> {
    pub name: &'a str,
    pub port: u16,
    /// The password; none: only the offer is looked at.
    pub password: Option<&'a str>,
    /// Options of ssh.
    pub ssh: &'a [&'a str],
    /// Options of ours.
    pub own: &'a [&'a str],
    pub expected: Option<&'static str>,
}

/// Does both, and returns the report.
pub fn compare(w: &World, account: &Account, asked: &Asked<'_>) -> Value {
    let recording = w.out("case.json");
    let target: Vec<String> = {
        let ssh = asked.ssh.iter().map(|word| (*word).to_owned());
        with_config(w, &ssh.chain(at(account, asked.port)).collect::<Vec<_>>())
    };
    let mut words: Vec<String> =
        ["sftp", "--format", "json", "--timeout", "20s", "--record"].map(str::to_owned).to_vec();
    words.push(recording.display().to_string());
    words.extend(asked.own.iter().map(|word| (*word).to_owned()));
    if let Some(password) = asked.password {
        words.extend(["--password-file".into(), password_file(w, password).display().to_string()]);
    }
    words.extend(target.iter().cloned());
    let before = listing(&data(w));
    let live = preflight(w, &words);
    let told = report(&live);
    assert_eq!(before, listing(&data(w)), "the folder is as it was: {told:#}");
    no_harm(w, asked.password.is_some());

    let recorded = fs::read_to_string(&recording).unwrap();
    for secret in &w.secrets {
        assert!(!recorded.contains(secret.as_str()), "the recording tells the password");
    }
    let id = told["diagnosis"]["id"].as_str().map(str::to_owned);
    let again = ["--format", "json", "--replay"].map(str::to_owned).into_iter();
    let again = preflight(w, &again.chain([recording.display().to_string()]).collect::<Vec<_>>());
    let again = report(&again);
    assert_eq!(again["verdict"], told["verdict"], "the same when replayed");
    assert_eq!(again["diagnosis"], told["diagnosis"], "the same when replayed");
    assert_eq!(id.as_deref(), asked.expected, "{told:#}");

    let sftp = sftp(w, asked.password.unwrap_or(&account.password), &target, "ls\n");
    let shown = format!("{}\n{:?} {}{}", asked.name, sftp.code(), sftp.stdout, sftp.stderr);
    println!("{shown}\n{id:?}");
    let works = sftp.code() == Some(0) && !sftp.stderr.contains("remote readdir");
    if told["verdict"] != "inconclusive" {
        assert_eq!(told["verdict"] == "ready", works, "sftp is the oracle: {shown}\n{told:#}");
        // What a person is asked, nobody answers here.
        if !matches!(id.as_deref(), Some("password-disabled" | "password-expired")) {
            really_says(&told, &sftp, &shown);
        }
    }
    table::row(asked.name, w, &sftp, id.as_deref());
    cases::keep(asked.name, w, &recorded);
    forget(w);
    told
}

/// Waits until `sftp` is gone from the log, and begins it anew.
pub fn forget(w: &World) {
    if w.sshd_log().contains("Connection from ") {
        until("the end of the connection", || is_over(&w.sshd_log()));
    }
    w.forget_log();
}

fn is_over(log: &str) -> bool {
    let ends = ["do_cleanup", "closed by", "disconnected by", "Disconnected from"];
    ends.iter().any(|words| log.contains(words))
}

/// `sftp` of the system, with the password from a program that it asks.
pub fn sftp(w: &World, password: &str, target: &[String], commands: &str) -> Ended {
    use std::os::unix::fs::PermissionsExt;
    let ask = w.home().join("askpass");
    fs::write(&ask, format!("#!/bin/sh\necho '{password}'\n")).unwrap();
    fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
    w.person.owns(&ask);
    let input = w.home().join("commands");
    fs::write(&input, commands).unwrap();
    let mut command = w.command("sftp");
    command.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force");
    if let Some(socket) = &w.agent {
        command.env("SSH_AUTH_SOCK", socket);
    }
    command.args(["-o", "NumberOfPasswordPrompts=1"]);
    // The port is another option than the one of ssh.
    command.args(target.iter().map(|word| if word == "-p" { "-P" } else { word.as_str() }));
    command.stdin(Stdio::from(fs::File::open(&input).unwrap()));
    let ended = run_for(&mut command, Duration::from_secs(15));
    for file in [&ask, &input] {
        fs::remove_file(file).unwrap();
    }
    ended
}

/// The program, as `sh` runs it: for what is typed before and behind it.
pub fn typed(w: &World, line: &str) -> Ended {
    let mut shell = w.command("sh");
    shell.args(["-c", line]).env("PREFLIGHT", program());
    run(&mut shell)
}

/// Every path below a folder, with owner, mode, time of change and size.
pub fn listing(folder: &Path) -> String {
    let mut find = Command::new("find");
    find.arg(folder).args(["-printf", "%p %u %g %m %T@ %s\\n"]);
    let mut lines: Vec<_> = run(&mut find).stdout.lines().map(str::to_owned).collect();
    // What is made and removed in a folder changes the time of the folder, and nothing else.
    lines.sort();
    lines.iter().map(|line| without_time_of_folder(line) + "\n").collect()
}

fn without_time_of_folder(line: &str) -> String {
    let path = line.split(' ').next().unwrap_or_default();
    if Path::new(path).is_dir() {
        line.split(' ').take(4).collect::<Vec<_>>().join(" ")
    } else {
        line.to_owned()
    }
}

/// One connection, and one password at most.
fn no_harm(w: &World, with_password: bool) {
    if w.log.is_none() {
        return;
    }
    if w.sshd_log().contains("Connection from ") {
        until("the end of the connection", || is_over(&w.sshd_log()));
    }
    let log = w.sshd_log();
    assert!(log.matches("Connection from ").count() <= 1, "more than one connection: {log}");
    let sent = [
        "Failed password",
        "Accepted password",
        "Failed keyboard-interactive",
        "Accepted keyboard-interactive",
        "Partial password",
    ]
    .iter()
    .map(|words| log.matches(words).count())
    .sum::<usize>();
    assert!(sent <= usize::from(with_password), "{sent} passwords were sent: {log}");
    assert!(!log.contains("method publickey"), "a key was offered: {log}");
    w.forget_log();
}
