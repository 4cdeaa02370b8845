//! Programs that are not ours, without which a test cannot run.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::process::Command;

/// Skips a test by name. In a CI, where `tests/run.sh` installs all that is needed, that is a failure.
#[track_caller]
pub fn skip(name: &str, why: &str) {
    assert!(!checks::evidence::machine::is_ci(), "{name} cannot run: {why}");
    println!("skipped: {name}: {why}");
}

/// Whether a program is there; what needs it is skipped where it is not.
#[track_caller]
pub fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let there = found.is_ok_and(|found| found.status.success());
    if !there {
        skip(program, "it is not installed; see tests/run.sh");
    }
    there
}
