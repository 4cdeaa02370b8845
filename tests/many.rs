//! Many targets: where they come from, what is told about them, and in which order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod tools;

use std::process::Output;

use assert_cmd::Command;
use checks::{
    case::{Case, Plan},
    check::About,
    command,
    diagnosis::{Diagnosis, Id},
    finding::{Finding, Hint},
    report::{Checked, Report, Verdict},
    text,
    text::{host, path},
};
use ssh_preflight::render::{look::Look, many::render};

const WIDE: Look = Look { width: 80, color: false, unicode: true, quiet: false, verbose: false };

fn report(input: &str, diagnosis: Option<Diagnosis>, finding: &Finding) -> Report {
    let plan = Plan { interactive: true, ..Plan::of_host(input) };
    let case = Case::unobserved(plan, "2026-01-31T09:30:00.123Z".parse().unwrap());
    let checked =
        |about: About| Checked { about, finding: finding.clone(), started_ms: 1, duration_ms: 20 };
    let verdict = match &diagnosis {
        None => Verdict::Ready,
        Some(d) if d.id.is_inconclusive() => Verdict::Inconclusive,
        Some(_) => Verdict::NotReady,
    };
    let rows = checks::CHECKS.iter().filter(|row| (row.applies)(&case.plan));
    let checks = rows.map(|row| checked(row.about)).collect();
    Report { case, duration_ms: 412, verdict, diagnosis, checks }
}

fn reports() -> Vec<Report> {
    let key = Diagnosis::new(Id::AgentLacksKey)
        .because(text!["The server takes ", path("~/.ssh/id_a"), "."])
        .step(Hint::run("Load the key into the agent:", command!["ssh-add", path("~/.ssh/id_a")]));
    let port = Diagnosis::new(Id::RefusedByHost)
        .because(text![host("staging.example.com"), " refused."])
        .step(Hint::advice(
            "Ask whoever runs the host whether the SSH server runs there, on which port it listens, \
             and whether your address may reach it.",
        ));
    let fine = Finding::pass("Fine.");
    let mut incomplete = report("some.example.com", None, &fine);
    incomplete.checks.truncate(2);
    vec![
        report("ada@www.example.com", None, &fine),
        report("ada@staging.example.com", Some(port), &fine),
        report("ada@an-environment-with-quite-a-long-name.example.com", Some(key), &fine),
        report("ssh://ada@192.0.2.7:2222", None, &Finding::warn("Slow.")),
        report("späte\u{1b}[2J.example.com", Some(Diagnosis::new(Id::TimedOut)), &fine),
        incomplete,
    ]
}

#[test]
fn a_table_first_and_then_what_needs_something() {
    let reports = reports();
    let begin = |look: &Look| {
        let text = render(&reports, look);
        text.split("\nssh-preflight ").next().unwrap().to_owned()
    };
    insta::assert_snapshot!("many_wide", render(&reports, &WIDE));
    insta::assert_snapshot!("many_wider", begin(&Look { width: 100, ..WIDE }));
    insta::assert_snapshot!("many_narrow", begin(&Look { width: 46, ..WIDE }));
    insta::assert_snapshot!("many_ascii", begin(&Look { unicode: false, ..WIDE }));
    insta::assert_snapshot!("many_quiet", render(&reports, &Look { quiet: true, ..WIDE }));
    let coloured = render(&reports, &Look { color: true, ..WIDE });
    assert!(!coloured.contains("\x1b[2J"));
    let coloured = coloured.split("\nssh-preflight ").next().unwrap().to_owned();
    insta::assert_snapshot!("many_coloured", coloured.replace('\x1b', "ESC"));
    // What is ready is told in full only to who asks for it.
    let told = |look: &Look| render(&reports, look).matches("\nssh-preflight ").count();
    assert_eq!((told(&WIDE), told(&Look { verbose: true, ..WIDE })), (3, 6));
}

#[test]
fn every_width_fits() {
    for width in [40, 46, 69, 70, 71, 76, 80, 100] {
        let text = render(&reports(), &Look { width, ..WIDE });
        let table = text.split("targets: ").next().unwrap();
        let wide = |line: &&str| unicode_width::UnicodeWidthStr::width(*line) > width;
        // A name is never broken where it stands alone.
        let wide: Vec<_> = table.lines().filter(wide).filter(|l| !l.contains("an-env")).collect();
        assert!(wide.is_empty(), "{width}: {wide:?}");
    }
}

fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut command = Command::cargo_bin("ssh-preflight").unwrap();
    command.env_remove("SSH_AUTH_SOCK").env("COLUMNS", "80");
    command.args(arguments).write_stdin(stdin).output().unwrap()
}

const FAST: [&str; 4] = ["-p", "9", "--only", "config"];

#[test]
fn targets_come_from_words_a_file_and_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hosts.txt");
    std::fs::write(&file, "# shops\r\nb@127.0.1.2 # the second\r\n\r\nb@127.0.1.2\r\nc@127.0.1.3")
        .unwrap();
    let file = file.to_str().unwrap();
    let inputs = |output: &Output| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let reports = json["reports"].as_array().unwrap();
        reports.iter().map(|r| r["target"]["input"].as_str().unwrap().to_owned()).collect()
    };
    let line = [&["a@127.0.1.1", "--targets", file, "--format", "json"][..], &FAST].concat();
    assert_eq!(inputs(&run(&line, "")), ["a@127.0.1.1", "b@127.0.1.2", "c@127.0.1.3"]);
    let line = [&["--targets", "-", "--format", "json", "--jobs", "1"][..], &FAST].concat();
    let output = run(&line, "127.0.1.1\n127.0.1.2\n");
    assert_eq!((inputs(&output).len(), output.status.code()), (2, Some(0)));
    let table = run(&[&["--targets", "-"][..], &FAST].concat(), "127.0.1.1\n127.0.1.2\n");
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("2 targets: 2 with nothing wrong seen."), "{table}");
}

#[test]
fn a_list_that_is_wrong_is_told_and_nothing_is_contacted() {
    for (arguments, stdin, said) in [
        (&["--targets", "-"][..], "a\nb@\n", "standard input:2: \"b@\" is not a target"),
        (&["--targets", "-"], "", "standard input holds no target"),
        (&["--targets", "/nowhere"], "", "Cannot read targets from /nowhere"),
        (&["--targets", "-", "--replay", "x"], "a", "takes no target"),
        (&["--targets", "-", "--jobs", "0"], "a", "from 1 to 1000"),
        #[cfg(unix)]
        (&["--targets", "/dev/zero"], "", "too large"),
    ] {
        let output = run(arguments, stdin);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
}

/// The bar goes to a terminal on standard error, and away again; the report has none of it.
#[cfg(target_os = "linux")]
#[test]
fn progress_over_all_is_for_a_terminal_alone() {
    let program = env!("CARGO_BIN_EXE_ssh-preflight");
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let line =
        format!("{program} -p 9 --only config a@127.0.1.1 b@127.0.1.2 >{}", report.display());
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("LANG", "C.UTF-8");
    if !tools::has("script") {
        return;
    }
    let seen = script.stdin(std::process::Stdio::null()).output().unwrap();
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.contains(" of 2") && seen.contains("2 ready"), "{seen:?}");
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("2 targets") && !report.contains('\x1b'), "{report:?}");
}
