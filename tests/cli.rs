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
        (&["schema", "host"], "-- schema"),
        (&["catalogue", "key-not-acepted"], "ssh-preflight catalogue key-not-accepted"),
        (&["catalogue", "tarpit", "filtered"], "-- catalogue"),
        (&["catalogue", "-A"], "examines nothing"),
        (&["catalogue", "--output", "x"], "examines nothing"),
        (&["--quiet", "--verbose", "host"], "cannot be used with"),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "standard output is the report alone");
    }
}

#[test]
fn help_version_and_schema_are_no_failure() {
    for arguments in [&["--help"][..], &["--version"], &["-V"], &["schema"], &["catalogue"]] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!stdout.is_empty(), "{arguments:?}");
    }
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
