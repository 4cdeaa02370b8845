//! Two targets of which the second is reached from the first are one report in every form. `pairs/`
//! has recordings of the lab; `PREFLIGHT_RECORD_CASES=1 cargo test --test lab copying::` makes them
//! anew.

use checks::{
    report::{Report, Verdict},
    together::{Pair, together},
};
use serde_json::Value;
use ssh_preflight::{
    cli::{Format, Redact},
    redact,
};

use crate::tools::has;

use super::{forms, here, judged, recorded, redaction::without_style, snapshots::compact, written};

/// The reports of each recording.
fn pairs() -> Vec<(String, Vec<Report>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let of = |(name, cases): (String, Value)| {
        let ends = cases.as_array().unwrap().iter().map(judged).collect();
        let mut reports = runtime.block_on(together(ends));
        for report in &mut reports {
            report.duration_ms = 412;
            for (place, check) in report.checks.iter_mut().enumerate() {
                (check.started_ms, check.duration_ms) = (place as u64, 10);
            }
        }
        (name, reports)
    };
    recorded("formats/pairs").into_iter().map(of).collect()
}

#[test]
fn every_pair_in_every_form() {
    let pairs = pairs();
    assert_eq!(pairs.len(), 4);
    for (name, reports) in &pairs {
        let pair = Pair::of(reports).unwrap();
        assert_eq!(reports.len(), 3, "{name}: source, hop, destination");
        let mut page = String::new();
        for format in forms() {
            // What is behind the words is held by the forms of one report.
            if !matches!(format, Format::Json | Format::Html) {
                let text = compact(*format, &written(*format, reports));
                page.push_str(&format!("======== {format:?}\n{text}\n"));
            }
        }
        insta::assert_snapshot!(format!("pair-{name}"), page);
        once(name, pair, reports);
    }
}

/// The one verdict counts once.
fn once(name: &str, pair: Pair<'_>, reports: &[Report]) {
    let wrong = usize::from(pair.verdict() != Verdict::Ready);
    let sarif: Value = serde_json::from_str(&written(Format::Sarif, reports)).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), wrong, "{name}");
    let github = written(Format::Github, reports);
    assert_eq!(github.matches("::error ").count(), wrong, "{name}: {github}");
    let junit = written(Format::Junit, reports);
    assert_eq!(junit.matches("name=\"Verdict\"").count(), 1, "{name}: {junit}");
    let (markdown, html) = (written(Format::Markdown, reports), written(Format::Html, reports));
    if let Some(diagnosis) = pair.diagnosis() {
        assert_eq!(markdown.matches("### What to do").count(), 1, "{name}: {markdown}");
        assert_eq!(html.matches(">Because<").count(), 1, "{name}");
        assert!(markdown.contains(diagnosis.id.title()) && html.contains(diagnosis.id.title()));
    } else {
        let there = pair.commands()[1].command.clone().unwrap().plain();
        assert!(markdown.contains(&there) && html.contains(&there), "{name}: {there}");
    }
    assert_eq!(html.matches("<h1").count(), 1, "{name}");
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{name}: each part has a name of its own");
}

#[test]
fn nothing_private_of_a_pair_is_left() {
    for (name, reports) in &pairs() {
        let shown = redact::reports(reports, Redact::All);
        for format in forms() {
            let text = written(*format, &shown);
            let text = match format {
                Format::Html => without_style(&text),
                _ => text,
            };
            for private in
                ["example.test", "shop-staging", "web-1", "alex", "198.51.100", "lab's", "lab.test"]
            {
                let line = text.lines().find(|line| line.contains(private));
                assert_eq!(line, None, "{name}, {format:?}: {private}");
            }
        }
    }
}

/// Jenkins' own schema takes the document of a pair too.
#[test]
fn junit_of_a_pair_keeps_to_the_schema() {
    if !has("xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, reports) in &pairs() {
        let file = folder.path().join(format!("{name}.xml"));
        std::fs::write(&file, written(Format::Junit, reports)).unwrap();
        let mut lint = std::process::Command::new("xmllint");
        lint.args(["--noout", "--nonet", "--schema"]).arg(here("formats/junit-10.xsd")).arg(&file);
        let out = lint.output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}
