//! `wait`: what is wrong with the command line is said, and nothing is contacted. The lab has the rest.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use assert_cmd::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::cargo_bin("ssh-preflight").unwrap();
    let out = program.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn what_is_wrong_is_said() {
    for (arguments, said) in [
        (&["wait"][..], "Wait for which host?"),
        (&["wait", "a@host", "b@host"], "wait takes no more than one word after it"),
        (&["wait", "user@"], "the host is missing"),
        (&["wait", "host:2222"], "Did you mean: ssh-preflight -p 2222 wait host"),
        (&["wait", "--replay", "x", "host"], "wait takes no --replay"),
        (&["wait", "--for", "nothing", "host"], "short-name"),
        (&["wait", "--for", "tcp", "--skip", "tcp", "host"], "leaves out"),
        (&["wait", "--for", "tcp", "--only", "dns", "host"], "leaves out"),
        (&["wait", "--for", "login", "host"], "needs an option of its own"),
        (&["wait", "--every", "soon", "host"], "30s"),
        (&["--every", "1m", "host"], "ssh-preflight wait --every"),
        (&["--for", "tcp", "host"], "ssh-preflight wait --for"),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "standard output is the report alone");
    }
}

/// Where there is nothing to wait for, it does not wait.
#[test]
fn what_is_here_is_looked_at_once() {
    let typed = ["wait", "--for", "config", "--format", "json", "-F", "none", "ada@192.0.2.1"];
    let (code, stdout, stderr) = run(&typed);
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let checks = report.get("checks").and_then(|checks| checks.as_array()).unwrap();
    assert_eq!(checks.len(), 1, "{report:#}");
    assert!(stderr.contains("1 look: the check config passes."), "{stderr}");
}
