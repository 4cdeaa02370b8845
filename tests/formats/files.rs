//! `--output` and `--redact` as a person uses them.

use std::path::Path;

use assert_cmd::Command;

/// A scenario that takes no time.
const DEMO: [&str; 2] = ["demo", "no-common-algorithm"];

fn run(arguments: &[&str], folder: &Path) -> (Option<i32>, String, String) {
    let mut program = Command::cargo_bin("ssh-preflight").unwrap();
    program.current_dir(folder).env_remove("GITHUB_STEP_SUMMARY").args(arguments);
    let out = program.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn each_file_has_the_form_of_its_ending() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["r.json", "r.md", "r.xml", "r.sarif", "r.txt", "r"];
    let mut line = DEMO.to_vec();
    line.extend(files.iter().flat_map(|file| ["--output", file]));
    line.extend(["--redact", "--format", "github"]);
    let (code, stdout, stderr) = run(&line, folder.path());
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(stdout.starts_with("::error title=Not ready"), "{stdout}");
    let begins =
        ["{\n  \"schema_version\"", "## Not ready", "<?xml", "{\n  \"$schema\"", "Demo", "Demo"];
    for (file, begin) in files.iter().zip(begins) {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.starts_with(begin), "{file}: {text}");
        // One table of names for all of them, and nothing private in any.
        assert!(text.contains("HOST_1.cloud.akeneo.com"), "{file}: {text}");
        assert!(
            !text.contains("demo-staging") && !text.contains("/ssh-preflight-demo"),
            "{file}: {text}"
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files.len());
}

#[test]
fn what_no_report_can_be_written_to_is_told_before_anything_is_examined() {
    let folder = tempfile::tempdir().unwrap();
    for (files, said) in [
        (&["--output", "r.pdf"][..], "the endings are .json, .md"),
        (&["--output", "r.md", "--output", "./r.md"], "written twice"),
        (&["--output", "r.json", "--record", "r.json"], "written twice"),
        (&["--redact", "--record", "c.json"], "--replay FILE --redact"),
        (&["--redact=some"], "private, all"),
    ] {
        let (code, stdout, stderr) = run(&[&DEMO[..], files].concat(), folder.path());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{files:?}");
        assert!(stderr.contains(said), "{files:?}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn where_a_file_cannot_be_written_the_report_is_shown_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("folder.md")).unwrap();
    let files = ["--output", "folder.md", "--output", "no/such.xml", "--output", "good.md"];
    let (code, stdout, stderr) = run(&[&DEMO[..], &files].concat(), folder.path());
    assert_eq!(code, Some(2));
    assert!(stdout.contains("Not ready"), "{stdout}");
    assert!(
        stderr.contains("it is a folder") && stderr.contains("there is no folder no"),
        "{stderr}"
    );
    assert!(folder.path().join("good.md").exists());
}

#[test]
fn the_summary_of_a_step_is_added_to_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary");
    std::fs::write(&summary, "before\n").unwrap();
    for (format, grows) in [("text", false), ("github", true)] {
        let mut program = Command::cargo_bin("ssh-preflight").unwrap();
        program.env("GITHUB_STEP_SUMMARY", &summary).args(DEMO).args(["--format", format]);
        assert_eq!(program.output().unwrap().status.code(), Some(1));
        let text = std::fs::read_to_string(&summary).unwrap();
        assert!(text.starts_with("before\n"), "{text}");
        assert_eq!(text.contains("## Not ready"), grows, "{format}: {text}");
    }
}
