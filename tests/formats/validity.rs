//! What others wrote reads what we write: schemas of the makers of a form, and a program that
//! consumes it.

use std::process::Command;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;
use ssh_preflight::{
    cli::Format,
    render::{github, json},
};

use crate::tools::has;

use super::{ALL, Recorded, here, named, reports, written};

#[test]
fn sarif_keeps_to_the_schema_of_oasis() {
    let schema = include_str!("sarif-schema-2.1.0.json");
    // One of its patterns has a bracket too many, which our validator does not take.
    let schema = schema.replace("{2}]?$", "{2}$");
    let schema = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let reports = reports();
    let all: Value = serde_json::from_str(&written(Format::Sarif, &reports)).unwrap();
    let errors: Vec<_> = schema.iter_errors(&all).take(5).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(!schema.is_valid(&serde_json::json!({ "version": "2.1.0" })));

    let run = &all["runs"][0];
    let results = run["results"].as_array().unwrap();
    let targets = run["properties"]["targets"].as_array().unwrap();
    assert_eq!(targets.len(), reports.len());
    let count = |verdict: &str| targets.iter().filter(|t| t["verdict"] == verdict).count();
    let of_kind = |kind: &str| results.iter().filter(|r| r["kind"] == kind).count();
    assert!(count("ready") > 0 && count("not-ready") > 0 && count("inconclusive") > 0);
    assert_eq!((count("not-ready"), count("inconclusive")), (of_kind("fail"), of_kind("open")));
    let told = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(told.as_array().unwrap().len(), count("inconclusive"));
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(result["level"] == "error", result["kind"] == "fail", "{result}");
    }
}

#[test]
fn the_same_problem_has_the_same_fingerprint_in_every_run() {
    let fingerprint = |report| {
        let log: Value = serde_json::from_str(&written(Format::Sarif, &[report])).unwrap();
        log["runs"][0]["results"][0]["partialFingerprints"].to_string()
    };
    let once = named("akeneo_key_not_accepted").report.clone();
    let mut later = once.clone();
    later.duration_ms += 1000;
    later.case.started_at = "2027-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(fingerprint(once.clone()), fingerprint(later));
    let mut elsewhere = once.clone();
    elsewhere.diagnosis.as_mut().unwrap().id = checks::diagnosis::Id::Filtered;
    assert_ne!(fingerprint(once), fingerprint(elsewhere));
}

/// Reads files with junitparser and prints what it counts in each suite.
const COUNT: &str = "
import sys
from junitparser import JUnitXml, Failure, Error, Skipped
for file in sys.argv[1:]:
    for suite in JUnitXml.fromfile(file):
        kinds = [type(r) for case in suite for r in case.result]
        counts = [kinds.count(k) for k in (Failure, Error, Skipped)]
        declared = [suite.failures, suite.errors, suite.skipped]
        assert counts == declared, (file, counts, declared)
        assert suite.tests == len(list(suite)), file
        print(*counts, len(list(suite)))
";

#[test]
fn junit_keeps_to_the_schema_of_jenkins_and_is_read_by_others() {
    if !has("xmllint") || !has("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let mut expected = String::new();
    for (place, Recorded { name, report, .. }) in ALL.iter().enumerate() {
        let file = folder.path().join(format!("{place}-{name}.xml"));
        std::fs::write(&file, written(Format::Junit, std::slice::from_ref(report))).unwrap();
        files.push(file);
        use checks::{finding::Status, report::Verdict};
        let of = |status| report.checks.iter().filter(|c| c.finding.status == status).count();
        let is = |verdict| usize::from(report.verdict == verdict);
        let failures = of(Status::Fail) + is(Verdict::NotReady);
        let (errors, skipped) = (is(Verdict::Inconclusive), of(Status::Skip));
        let tests = report.checks.len() + 1;
        expected.push_str(&format!("{failures} {errors} {skipped} {tests}\n"));
    }
    let out = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(here("formats/junit-10.xsd"))
        .args(&files)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let out = Command::new("/usr/bin/python3").args(["-c", COUNT]).args(&files).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8(out.stdout).unwrap(), expected);
}

#[test]
fn markdown_is_what_it_looks_like() {
    for Recorded { name, report, .. } in &*ALL {
        let page = written(Format::Markdown, std::slice::from_ref(report));
        let (mut tables, mut rows, mut blocks, mut links) = (0, 0, Vec::new(), 0);
        let mut code = None;
        for event in Parser::new_ext(&page, Options::all()) {
            match event {
                Event::Start(Tag::Table(_)) => tables += 1,
                Event::Start(Tag::TableRow) => rows += 1,
                Event::Start(Tag::Link { dest_url, .. }) => {
                    assert!(
                        dest_url.starts_with(env!("CARGO_PKG_REPOSITORY")),
                        "{name}: {dest_url}"
                    );
                    links += 1;
                }
                Event::Start(Tag::CodeBlock(_)) => code = Some(String::new()),
                Event::Text(text) => {
                    if let Some(code) = &mut code {
                        code.push_str(&text);
                    }
                }
                Event::End(pulldown_cmark::TagEnd::CodeBlock) => blocks.extend(code.take()),
                Event::Html(html) | Event::InlineHtml(html) => panic!("{name}: {html}"),
                Event::Start(Tag::Image { .. }) => panic!("{name}: an image"),
                _ => {}
            }
        }
        assert_eq!((tables, rows), (1, report.checks.len()), "{name}:\n{page}");
        assert_eq!(links, usize::from(report.diagnosis.is_some()), "{name}");
        // Every command stands in a block from which it can be copied.
        let data: Value =
            serde_json::from_str(&json::render(std::slice::from_ref(report))).unwrap();
        let steps = data["diagnosis"]["next_steps"].as_array().cloned().unwrap_or_default();
        let commands = steps
            .iter()
            .filter(|step| step["command"].is_string() || step["paste"].is_string())
            .count();
        let said =
            usize::from(data["diagnosis"]["ssh_says"].as_array().is_some_and(|s| !s.is_empty()));
        assert!(blocks.len() >= commands + said, "{name}:\n{page}");
    }
}

#[test]
fn every_line_for_github_is_one_command() {
    let reports = reports();
    let out = github::render(&reports);
    for line in out.lines() {
        let command = line.strip_prefix("::").and_then(|rest| rest.split_once(" title="));
        let (level, rest) = command.unwrap_or_else(|| panic!("{line}"));
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        let (title, message) = rest.split_once("::").unwrap();
        assert!(!title.contains([':', ',']) && !message.is_empty(), "{line}");
    }
    let verdicts = out.lines().filter(|line| !line.starts_with("::warning")).count();
    assert_eq!(verdicts, reports.len());
    let many: Vec<_> = std::iter::repeat_n(reports, 10).flatten().collect();
    let summary = github::summary(&many);
    assert!(
        summary.len() < 1 << 20 && summary.contains("more of the targets"),
        "{}",
        summary.len()
    );
}
