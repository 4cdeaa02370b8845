//! What the lab recorded is judged again, with no network, and comes out as it did.
//!
//! `tests/cases` has one recording for each situation of the lab; `tests/lab/cases.rs` says how
//! they are made. The snapshots are the reports that people read: a changed word shows as a difference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use std::path::Path;

use assert_cmd::Command;

fn replay(case: &Path, columns: &str) -> (String, Option<i32>) {
    let mut program = Command::cargo_bin("ssh-preflight").unwrap();
    program.args(["--color", "never", "--replay"]).arg(case);
    program.env_clear().env("LANG", "C.UTF-8").env("COLUMNS", columns);
    let out = program.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    (String::from_utf8(out.stdout).unwrap(), out.status.code())
}

#[test]
fn recorded_cases_are_judged_as_before() {
    insta::glob!("cases/*.json", |case| {
        let (text, code) = replay(case, "100");
        insta::assert_snapshot!(format!("exit code {}\n\n{text}", code.unwrap()));
    });
}

/// The pictures of the README are what the program prints. `PREFLIGHT_UPDATE_README=1` draws them.
#[test]
fn the_readme_shows_real_reports() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut drawn = readme.clone();
    for name in ["akeneo_ready", "akeneo_key_not_accepted"] {
        let (report, _) = replay(&root.join(format!("tests/cases/{name}.json")), "80");
        let command = "$ ssh-preflight -A akeneo@my-project-staging.cloud.akeneo.com";
        let picture = format!("<!-- report:{name} -->\n```text\n{command}\n\n{report}```\n");
        let (before, rest) = drawn.split_once(&format!("<!-- report:{name} -->")).unwrap();
        let (_, after) = rest.split_once("\n```\n").unwrap();
        drawn = format!("{before}{picture}{after}");
    }
    if std::env::var_os("PREFLIGHT_UPDATE_README").is_some() {
        std::fs::write(root.join("README.md"), &drawn).unwrap();
    }
    assert_eq!(readme, drawn);
}

/// What is committed tells nothing about the computer that recorded it, and no secret.
#[test]
fn recordings_are_neutral() {
    insta::glob!("cases/*.json", |file| {
        let recording = std::fs::read_to_string(file).unwrap();
        for own in ["/root", "preflight-test", "preflight-lab", "PRIVATE KEY"] {
            assert!(!recording.contains(own), "{own}");
        }
        let case: serde_json::Value = serde_json::from_str(&recording).unwrap();
        let parts =
            ["resolution", "name_servers", "attempts", "source"].map(|part| case[part].to_string());
        let all = parts.join(" ");
        let strange = all.split(['"', ' ']).find(|word| {
            let ip = word.parse::<std::net::SocketAddr>().map(|a| a.ip()).or(word.parse());
            // The blocks for documentation (RFC 5737).
            let documented = word.starts_with("192.0.2.") || word.starts_with("198.51.100.");
            ip.is_ok_and(|ip| !ip.is_loopback() && !documented)
        });
        assert_eq!(strange, None, "an address of its computer");
    });
}
