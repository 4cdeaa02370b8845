//! What the lab recorded is judged again, with no network, and comes out as it did.
//!
//! `tests/cases` has one recording for each situation of the lab; `tests/lab/keep.rs` says how they
//! are made. The snapshots are the reports that people read: a changed word shows as a difference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use assert_cmd::Command;

#[test]
fn recorded_cases_are_judged_as_before() {
    insta::glob!("cases/*.json", |case| {
        let mut program = Command::cargo_bin("ssh-preflight").unwrap();
        program.args(["--color", "never", "--replay"]).arg(case);
        program.env_clear().env("LANG", "C.UTF-8").env("COLUMNS", "100");
        let out = program.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
        let text = String::from_utf8(out.stdout).unwrap();
        insta::assert_snapshot!(format!("exit code {}\n\n{text}", out.status.code().unwrap()));
    });
}
