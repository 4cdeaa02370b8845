//! `explain` as a person runs it: logs of several generations in the words of the sources, each with
//! the cause that it shows, and what people put around a log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;

fn explain() -> Command {
    let mut program = Command::cargo_bin("ssh-preflight").unwrap();
    program.env_clear().env("LANG", "C.UTF-8").env("COLUMNS", "100").arg("explain");
    program
}

fn log(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/logs").join(name)
}

/// Words as they are, wherever a form breaks its lines.
fn unwrapped(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The JSON report, and the exit code.
fn told(input: impl Into<Vec<u8>>) -> (Value, Option<i32>) {
    let out = explain().args(["--format", "json"]).write_stdin(input).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    (serde_json::from_slice(&out.stdout).unwrap(), out.status.code())
}

/// File, cause, what else is said, and the target.
const LOGS: &[(&str, &str, &str, &str)] = &[
    ("openssh-7-key-refused.log", "key-not-accepted", "Line 28 of the log", "ada@shop.example.com"),
    ("openssh-7-closed.log", "closed-before-banner", "Line 6", "shop.example.com"),
    (
        "openssh-8-no-common-host-key.log",
        "no-common-algorithm",
        "HostKeyAlgorithms=+ssh-rsa",
        "ada@old.example.com",
    ),
    ("openssh-8-sha1-only.log", "key-type-refused", "Line 10", "ada@old.example.com"),
    (
        "openssh-9-exceeded-maxstartups.log",
        "server-overloaded",
        "Exceeded MaxStartups",
        "shop.example.com",
    ),
    (
        "openssh-10-not-allowed-now.log",
        "source-penalty",
        "Not allowed at this time",
        "shop.example.com",
    ),
    ("github-actions-host-key.log", "host-key-unknown", "Line 3", "git@git.example.com"),
    ("mail-host-key-changed.log", "host-key-changed", "SHA256:CCC", "shop.example.com"),
    ("two-attempts.log", "password-only", "2 attempts", "ada@shop.example.com:2222"),
    ("jump-host-denies.log", "key-not-accepted", "jump host jump.example.com", "ada@shop.internal"),
    ("plink-key-refused.log", "key-not-accepted", "Line 8", "ada@shop.example.com"),
    ("sftp-noise.log", "fails-after-login", "start file", "(a log that names no host)"),
    ("half-a-log.log", "not-examined", "The log ends", "shop.example.com"),
    ("openssh-9-asks-for-trust.log", "not-examined", "SHA256:PEB8kyC", "root@127.0.0.1:23422"),
    ("openssh-9-no-such-key.log", "not-examined", "only a warning", "(a log that names no host)"),
];

/// Logs of logins that worked, and what they are about.
const READY: &[(&str, &str)] = &[
    ("openssh-10-logged-in.log", "ada@shop.example.com"),
    ("openssh-9-first-login.log", "127.0.0.1:23422"),
    ("openssh-9-unreadable-key.log", "127.0.0.1"),
    ("openssh-8-password-login.log", "ada@shop.example.com"),
    ("openssh-9-cut-anywhere.log", "root@127.0.0.1:23422"),
];

#[test]
fn logs_of_several_generations() {
    for (file, id, words, target) in LOGS {
        let (report, code) = told(std::fs::read(log(file)).unwrap());
        let said = report["diagnosis"].to_string();
        assert_eq!(report["diagnosis"]["id"], *id, "{file}: {report:#}");
        assert!(said.contains(words), "{file}: {words:?} in {said}");
        assert_eq!(report["target"]["input"], *target, "{file}");
        let expected = if *id == "not-examined" { 3 } else { 1 };
        assert_eq!(code, Some(expected), "{file}");
    }
    let there = std::fs::read_dir(log("")).unwrap().count();
    assert_eq!(there, LOGS.len() + READY.len(), "each log has its row");
}

#[test]
fn logs_of_logins_that_worked() {
    for (file, target) in READY {
        let (report, code) = told(std::fs::read(log(file)).unwrap());
        assert_eq!(report["verdict"], "ready", "{file}: {report:#}");
        assert_eq!(report["target"]["input"], *target, "{file}");
        assert_eq!(code, Some(0), "{file}");
    }
}

#[test]
fn a_login_that_worked() {
    let out = explain().arg(log("openssh-10-logged-in.log")).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{text}");
    assert!(text.contains("the log shows a login that worked"), "{text}");
}

/// What others put around a log changes nothing but the numbers of its lines.
#[test]
fn what_is_around_a_log() {
    let plain = std::fs::read_to_string(log("openssh-7-key-refused.log")).unwrap();
    let each = |before: &str, after: &str| -> Vec<u8> {
        plain.lines().map(|line| format!("{before}{line}{after}")).collect::<String>().into_bytes()
    };
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(plain.replace('\n', "\r\n").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for (what, log) in [
        ("Windows", each("", "\r\n")),
        ("PowerShell", wide),
        ("GitHub", each("2024-01-31T09:30:00.1234567Z ", "\n")),
        ("GitLab", each("2024-01-31T09:30:00.123456Z 01E ", "\n")),
        ("Jenkins", each("[2024-01-31T09:30:00.123Z] ", "\n")),
        ("a mail", each("> > ", "\n")),
        ("colours", each("\u{1b}[31m", "\u{1b}[0m\n")),
        ("Markdown", format!("```text\n{plain}```\n").into_bytes()),
    ] {
        let (report, _) = told(log);
        assert_eq!(report["diagnosis"]["id"], "key-not-accepted", "{what}: {report:#}");
        assert_eq!(report["target"]["input"], "ada@shop.example.com", "{what}");
    }
}

#[test]
fn what_cannot_be_read() {
    for (arguments, words) in [
        (&["no such file.log"][..], "echo 'MESSAGE' | ssh-preflight explain"),
        (&["/"], "Cannot read"),
        (&["a", "b"], "no more than one word"),
        (&["-p", "22"], "no options of ssh"),
        (&["--timeout", "5s"], "no --timeout"),
    ] {
        let out = explain().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let (report, code) = told("");
    assert_eq!((report["verdict"].as_str(), code), (Some("inconclusive"), Some(3)));
}

/// A hostile log: it ends soon, and nothing in it reaches a terminal.
#[test]
fn a_hostile_log() {
    let mut log = b"debug1: ".to_vec();
    log.extend(std::iter::repeat_n(b'(', 1 << 20));
    log.extend(b"\n\x1b]0;evil\x07\x1b[2J: Permission denied (publickey\x1b[2J).\n");
    log.extend("ssh: connect to host \u{202e}evil port 22: \u{9b}2JConnection refused\n".bytes());
    let began = std::time::Instant::now();
    let out = explain().write_stdin(log).output().unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
    let text = String::from_utf8(out.stdout).unwrap();
    let obeyed = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(obeyed, None, "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
}

/// A recording of an explained log is judged again as any other.
#[test]
fn it_can_be_recorded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let out = explain().arg("--record").arg(file.path()).arg(log("two-attempts.log")).output();
    let first = out.unwrap();
    let mut again = Command::cargo_bin("ssh-preflight").unwrap();
    again.env_clear().env("LANG", "C.UTF-8").env("COLUMNS", "100");
    let again = again.arg("--replay").arg(file.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&first.stdout));
    assert_eq!(again.status.code(), Some(1));
}

/// The last attempt counts, and each form says that another one failed.
#[test]
fn a_login_that_worked_hides_no_attempt_before_it() {
    let worked = std::fs::read_to_string(log("openssh-10-logged-in.log")).unwrap();
    let refused = "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.14 4 Jun 2024\n\
                   debug1: Connecting to other.example.com [192.0.2.9] port 22.\n\
                   debug1: connect to address 192.0.2.9 port 22: Connection refused\n\
                   ssh: connect to host other.example.com port 22: Connection refused\n";
    let both = format!("{refused}{worked}");
    let told_of = "The log holds 2 attempts to connect. This is about the last one. \
                   One before it, to another target, failed.";
    for format in ["text", "markdown", "html", "junit", "github", "sarif"] {
        let mut explain = explain();
        explain.args(["--format", format]);
        let out = explain.write_stdin(both.clone()).output().unwrap();
        // GitHub takes a comma for the end of a word.
        let text = unwrapped(out.stdout).replace("%2C", ",");
        assert_eq!(out.status.code(), Some(0), "{format}: {text}");
        assert!(text.contains(told_of), "{format}: {text}");
    }
    let (report, _) = told(both);
    let log = &report["log"];
    assert_eq!((&log["attempts"], &log["failed_before"]), (&2.into(), &1.into()), "{log}");
    assert_eq!(log["failed_elsewhere"], true);
    // The same target; and one that only was not finished.
    let here = refused.replace("other.example.com", "shop.example.com");
    assert_eq!(told(format!("{here}{worked}")).0["log"]["failed_elsewhere"], false);
    let cut: String = refused.lines().take(2).map(|line| format!("{line}\n")).collect();
    assert_eq!(told(format!("{cut}{worked}")).0["log"]["failed_before"], 0);
}

/// What a log does not name is not told: the port, which a configuration may have changed.
#[test]
fn a_port_that_the_log_does_not_name() {
    let (report, _) = told("root@127.0.0.1: Permission denied (publickey).");
    assert_eq!(report["target"]["port"], Value::Null);
    assert!(!report["checks"].to_string().contains("port 22"), "{report:#}");
    let (report, _) = told("ssh: connect to host h port 22: Connection refused");
    assert_eq!(report["target"]["port"], 22);
}

/// The way through a jump host names host and port, where nothing else does.
#[test]
fn a_target_behind_a_jump_host() {
    let (report, _) = told(
        "debug1: Executing proxy command: exec ssh -v -W '[nonexist.invalid]:2222' work\n\
         debug1: channel_connect_stdio_fwd: nonexist.invalid:2222\n\
         channel 0: open failed: connect failed: Name or service not known\n\
         stdio forwarding failed\nConnection closed by UNKNOWN port 65535",
    );
    assert_eq!(report["diagnosis"]["id"], "jump-host-cannot-connect");
    assert_eq!(report["target"]["input"], "nonexist.invalid:2222");
    let steps = report["diagnosis"]["next_steps"].to_string();
    assert!(steps.contains("ssh-preflight -J work -p 2222 nonexist.invalid"), "{steps}");
}

/// Who is asked by sudo is no business of ssh, and of nobody who gets the report.
#[test]
fn a_question_of_sudo_names_nobody() {
    let log = "[sudo] password for alice: root@127.0.0.1: Permission denied (publickey).\n";
    for more in [&["--redact=all"][..], &[]] {
        let out = explain().args(more).args(["--format", "json"]).write_stdin(log).output();
        let text = String::from_utf8(out.unwrap().stdout).unwrap();
        assert!(text.contains("Permission denied (publickey)"), "{text}");
        assert!(!text.contains("alice") && !text.contains("password for"), "{text}");
    }
}

/// A backslash in a path of Windows is a part of it.
#[test]
fn a_key_of_windows_keeps_its_path() {
    let (report, _) = told(
        "PS C:\\Users\\alice> ssh -i C:\\Users\\alice\\.ssh\\id_ed25519 ada@shop.example.com\r\n\
         ada@shop.example.com: Permission denied (publickey).\r\n",
    );
    let steps = report["diagnosis"]["next_steps"].as_array().unwrap();
    let print = steps.iter().find_map(|step| step["command"].as_str());
    // Quoted for a POSIX shell, which takes one of two away.
    assert_eq!(print, Some(r#"ssh-keygen -y -f "C:\\Users\\alice\\.ssh\\id_ed25519""#));
}

/// A log does not tell when it was made.
#[test]
fn a_log_in_a_comparison() {
    let keep = |name: &str| {
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        let out = explain().args(["--format", "json"]).arg(log(name)).output().unwrap();
        std::fs::write(file.path(), out.stdout).unwrap();
        file
    };
    let (worked, fails) = (keep("openssh-10-logged-in.log"), keep("openssh-7-key-refused.log"));
    let mut compare = Command::cargo_bin("ssh-preflight").unwrap();
    compare.env_clear().env("LANG", "C.UTF-8").arg("compare");
    let out = compare.arg(worked.path()).arg(fails.path()).output().unwrap();
    let text = unwrapped(out.stdout);
    assert!(
        text.contains("It worked when the log was made; the log does not tell when that was."),
        "{text}"
    );
    assert!(!text.contains("It worked on") && !text.contains("younger"), "{text}");
}
