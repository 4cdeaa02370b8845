//! The command line: what is wrong is said, with exit code 2, and nothing is contacted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use assert_cmd::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let out = Command::cargo_bin("ssh-preflight").unwrap().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn what_is_wrong_is_said() {
    for (arguments, said) in [
        (&[][..], "Which host?"),
        (&["-Z", "host"], "no option -Z"),
        (&["host", "-p"], "needs a value"),
        (&["host", "2222"], "-p 2222"),
        (&["host:2222"], "-p 2222 host"),
        (&["ssh", "-A", "user@host"], "ssh-preflight -A user@host"),
        (&["-A", "akeneo", "my-host"], "ssh-preflight -A akeneo@my-host"),
        (&["\u{2013}A", "user@host"], "ssh-preflight -A user@host"),
        (&["<project>.cloud.akeneo.com"], "catalogue target-invalid"),
        (&["--port", "22", "host"], "-p PORT"),
        (&["--format", "json", "user@"], "the host is missing"),
        (&["-p", "0", "host"], "1 to 65535"),
        (&["-Q", "key", "host"], "use ssh"),
        (&["host", "--format", "xml"], "text, json"),
        (&["--only", "nothing", "host"], "short-name"),
        (&["--timeout", "soon", "host"], "30s"),
        (&["--profile", "/nowhere", "host"], "no such file"),
        (&["--replay", "/nowhere"], "Cannot replay"),
        (&["--replay", "/nowhere", "host"], "takes no target"),
        (&["schema", "host"], "There are two schemas"),
        #[cfg(unix)]
        (&["--profile", "/dev/zero", "host"], "too large"),
        (&["catalogue", "key-not-acepted"], "ssh-preflight catalogue key-not-accepted"),
        (&["catalogue", "tarpit", "filtered"], "-- catalogue"),
        (&["catalogue", "-A"], "takes no options of ssh"),
        (&["copy", "--nothing", "a", "b"], "Usage: ssh-preflight copy [options of ssh] SOURCE"),
        (&["copi", "a@b", "c@d"], "ssh-preflight copy a@b c@d"),
        (&["--only", "login", "host"], "needs --login"),
        (&["--only", "dns", "--skip", "dns", "demo", "ready"], "leave no check"),
        (&["sftp://jo:secret@host/x"], "has a password in it"),
        (&["sftp", "--password-env", "secret", "u@host"], "the NAME of a variable"),
        (&["sftp", "--password-file", "secret", "u@host"], "the path of a FILE"),
        (&["sftp", "--ask-password=secret", "u@host"], "takes no value"),
        (&["copy", "-P", "22", "a@b", "c@d"], "the port is -p 22"),
        (&["copy", "u@a.example.com", "u@a"], "are the same host"),
        (&["catalogue", "--output", "x"], "takes no --output"),
        (&["--quiet", "--verbose", "host"], "cannot be used with"),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "standard output is the report alone");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

/// A gate must not let pass what nobody looked at.
#[test]
fn a_choice_of_checks_that_are_all_skipped_is_no_success() {
    let (code, stdout, _) = run(&["--only", "dns", "127.0.0.1"]);
    assert_eq!(code, Some(3), "{stdout}");
    assert!(stdout.contains("was chosen was skipped"), "{stdout}");
}

#[test]
fn help_version_and_schema_are_no_failure() {
    for arguments in [&["--help"][..], &["--version"], &["-V"], &["schema"], &["catalogue"]] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!stdout.is_empty(), "{arguments:?}");
    }
}

/// A scenario that takes no time.
const DEMO: [&str; 2] = ["demo", "no-common-algorithm"];

#[cfg(unix)]
#[test]
fn output_leaves_what_is_no_regular_file_as_it_is() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let [pipe, file, link] = ["pipe", "file", "link"].map(|name| folder.path().join(name));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    let [to_pipe, to_link] = [&pipe, &link].map(|path| path.to_str().unwrap());
    let output = ["--output", to_pipe, "--output", to_link];
    let (code, stdout, stderr) = run(&[&DEMO[..], &output].concat());
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(std::fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("Not ready") && stdout.contains("Not ready"), "{written}");
    assert_eq!(reader.join().unwrap(), written);
}

#[test]
fn a_file_that_cannot_be_written_keeps_no_other_from_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let [good, case] = ["good.json", "case.json"].map(|name| folder.path().join(name));
    let [good, case] = [&good, &case].map(|path| path.to_str().unwrap());
    let files = ["--output", "/nowhere/x", "--output", good, "--record", case];
    let (code, stdout, stderr) = run(&[&DEMO[..], &files].concat());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("Cannot write /nowhere/x") && stdout.contains("Not ready"), "{stderr}");
    for file in [good, case] {
        assert!(!std::fs::read_to_string(file).unwrap().is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_a_full_disk_swallows_is_a_failure() {
    for arguments in [&DEMO[..], &["schema"], &["demo", "--list"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_ssh-preflight"));
        let out = program.args(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{arguments:?}");
        assert!(stderr.contains("Cannot write to standard output"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn many_targets_fit_into_few_open_files() {
    let targets: String = (1..=150).map(|n| format!(" x@127.0.1.{n}")).collect();
    let program = env!("CARGO_BIN_EXE_ssh-preflight");
    let line = format!("ulimit -n 100 && exec {program} --only tcp --format json -p 9{targets}");
    let out = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let reports = report["reports"].as_array().unwrap();
    assert_eq!((reports.len(), out.status.code()), (150, Some(1)));
    assert!(reports.iter().all(|report| report["verdict"] == "not-ready"), "{report}");
}

#[test]
fn the_catalogue_has_every_diagnosis_as_text_and_as_data() {
    use checks::diagnosis::Id;
    use strum::IntoEnumIterator;
    let (_, list, _) = run(&["catalogue"]);
    let (_, data, _) = run(&["catalogue", "--format", "json"]);
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    for id in Id::iter() {
        assert!(list.contains(&format!("\n  {id} ")), "{id} is not listed");
        let all = data["diagnoses"].as_array().unwrap();
        let entry = all.iter().find(|entry| entry["id"] == id.to_string()).unwrap();
        assert_eq!(entry["title"], id.title());
        assert!(entry["page"].as_str().unwrap().contains("## What to do"), "{id}");
        let (code, page, _) = run(&["catalogue", &id.to_string()]);
        assert_eq!(code, Some(0));
        for heading in ["What you see", "How ssh-preflight knows", "What to do"] {
            assert!(page.contains(&format!("\n{heading}\n")), "{id} has no {heading}: {page}");
        }
        assert!(!page.contains("](") && !page.contains("```"), "{id}: {page}");
    }
    let (_, one, _) = run(&["catalogue", "tarpit", "--format", "json"]);
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["group"], "Transport");
}
