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
        (&["host:2222"], "-p"),
        (&["-p", "0", "host"], "1 to 65535"),
        (&["-Q", "key", "host"], "use ssh"),
        (&["host", "--format", "xml"], "text, json"),
        (&["--only", "nothing", "host"], "short-name"),
        (&["--timeout", "soon", "host"], "30s"),
        (&["--profile", "/nowhere", "host"], "no such file"),
        (&["--replay", "/nowhere"], "Cannot replay"),
        (&["--replay", "/nowhere", "host"], "takes no target"),
        (&["schema", "host"], "-- schema"),
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
    for arguments in [&["--help"][..], &["--version"], &["-V"], &["schema"]] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!stdout.is_empty(), "{arguments:?}");
    }
}
