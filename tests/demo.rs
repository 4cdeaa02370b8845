//! Every scenario of the demo comes out as it says, with every way to put out a report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{path::Path, process::Output};

use assert_cmd::Command;
use serde_json::Value;
use ssh_preflight::demo::{SCENARIOS, Scenario};

/// Runs the program with a temporary folder of its own, which must be empty again afterwards.
fn run(arguments: &[&str], temp: &Path, path: Option<&str>) -> Output {
    let mut command = Command::cargo_bin("ssh-preflight").unwrap();
    command.env("TMPDIR", temp).env_remove("SSH_AUTH_SOCK").args(arguments);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
    output
}

fn is_as_it_says(scenario: &Scenario, report: &Value, output: &Output) {
    let name = scenario.name;
    let diagnosis = report["diagnosis"]["id"].as_str().map(str::to_owned);
    assert_eq!(diagnosis, scenario.diagnosis.map(|id| id.to_string()), "{name}: {report:#}");
    let (verdict, code) = match scenario.diagnosis {
        None => ("ready", 0),
        Some(_) => ("not-ready", 1),
    };
    assert_eq!((report["verdict"].as_str(), output.status.code()), (Some(verdict), Some(code)));
}

/// A few at a time: most of them wait for nothing, some wait for seconds.
fn for_each_scenario(check: impl Fn(&Scenario) + Sync) {
    let (first, second) = SCENARIOS.split_at(SCENARIOS.len() / 2);
    std::thread::scope(|scope| {
        for half in [first, second] {
            let check = &check;
            scope.spawn(move || half.iter().for_each(check));
        }
    });
}

#[test]
fn each_comes_out_as_it_says_in_every_form() {
    let schema = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for_each_scenario(|scenario| {
        let temp = tempfile::tempdir().unwrap();
        let out = tempfile::tempdir().unwrap();
        let [text, json, page, case] = ["r.txt", "r.json", "r.html", "case.json"]
            .map(|name| out.path().join(name).to_str().unwrap().to_owned());
        let line = [
            "demo",
            scenario.name,
            "--format",
            "json",
            "--output",
            &text,
            "--output",
            &json,
            "--output",
            &page,
            "--record",
            &case,
        ];
        let output = run(&line, temp.path(), None);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        is_as_it_says(scenario, &report, &output);
        assert!(schema.is_valid(&report), "{}: {report:#}", scenario.name);
        assert_eq!(std::fs::read(json).unwrap(), output.stdout);
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("<h1") && page.contains("What ran when"), "{page}");
        let text = std::fs::read_to_string(text).unwrap();
        assert!(text.starts_with(&format!("Demo {}: ", scenario.name)), "{text}");
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0, "something is left behind");

        let replayed = run(&["--replay", &case, "--format", "json"], temp.path(), None);
        let report: Value = serde_json::from_slice(&replayed.stdout).unwrap();
        is_as_it_says(scenario, &report, &replayed);
    });
}

#[test]
fn each_comes_out_the_same_without_an_ssh_client() {
    for_each_scenario(|scenario| {
        let temp = tempfile::tempdir().unwrap();
        let line = ["demo", scenario.name, "--format", "json"];
        let output = run(&line, temp.path(), Some("/nonexistent"));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        is_as_it_says(scenario, &report, &output);
    });
}

#[test]
fn the_tour_shows_a_good_and_a_bad_one_and_is_no_failure() {
    let temp = tempfile::tempdir().unwrap();
    let output = run(&["demo"], temp.path(), None);
    let text = String::from_utf8(output.stdout).unwrap();
    let good = text.find("\nReady: ssh will get in").unwrap();
    let bad = text.find("\nNot ready: ").unwrap();
    assert!(good < bad, "{text}");
    assert_eq!(output.status.code(), Some(0));
    let output = run(&["demo", "--format", "json"], temp.path(), None);
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(envelope["reports"].as_array().unwrap().len(), 2);
    assert_eq!((envelope["verdict"].as_str(), output.status.code()), (Some("not-ready"), Some(0)));
}

#[test]
fn a_gate_can_be_tried_on_it() {
    let temp = tempfile::tempdir().unwrap();
    for (line, code) in [
        (vec!["demo", "ready-with-warnings"], 0),
        (vec!["demo", "ready-with-warnings", "--fail-on", "warn"], 1),
        (vec!["demo", "ready", "ready-with-warnings", "key-not-accepted"], 1),
        (vec!["demo", "silent-server", "--timeout", "300ms"], 3),
        (vec!["demo", "--list"], 0),
        (vec!["demo", "nothing"], 2),
        (vec!["demo", "ready", "-A"], 2),
        (vec!["demo", "ready", "--profile", "generic"], 2),
        (vec!["--list", "host"], 2),
    ] {
        let output = run(&line, temp.path(), None);
        assert_eq!(output.status.code(), Some(code), "{line:?}: {output:?}");
    }
    let list = run(&["demo", "--list"], temp.path(), None).stdout;
    assert_eq!(String::from_utf8(list).unwrap().lines().count(), SCENARIOS.len());
    let quiet = run(&["demo", "ready", "--quiet"], temp.path(), None).stdout;
    assert!(String::from_utf8(quiet).unwrap().starts_with("Ready: "));
}

#[test]
fn the_page_has_the_same_list() {
    let page = include_str!("../docs/demo.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let rows: Vec<_> = rows.skip(2).map(|row| row.trim_end_matches(" |").to_owned()).collect();
    let scenarios = SCENARIOS.iter().map(|s| match s.diagnosis {
        Some(_) => format!("[{0}](diagnoses/{0}.md) | {1}", s.name, s.shows),
        None => format!("{} | {}", s.name, s.shows),
    });
    assert_eq!(rows, scenarios.collect::<Vec<_>>());
}
