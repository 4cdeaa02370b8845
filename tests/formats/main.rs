//! All forms of a report: what they look like, that others can read them, that nothing a server
//! sends becomes active in them, and that `--redact` leaves nothing private in any of them.
//!
//! `demo/` has one recording for each scenario of the demo. `PREFLIGHT_RECORD_CASES=1` records anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod files;
mod hostile;
mod pairs;
mod redacted_logs;
mod redaction;
mod snapshots;
#[path = "../tools/mod.rs"]
mod tools;
mod validity;

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use checks::{case::Case, evidence::Evidence, report::Report};
use clap::ValueEnum;
use serde_json::Value;
use ssh_preflight::{
    cli::Format,
    render::{self, look::Look},
};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// The recordings of a folder, by their names.
fn recorded(folder: &str) -> Vec<(String, Value)> {
    let mut files: Vec<_> = here(folder).read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let read = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// A recording and what comes out when it is judged again.
struct Recorded {
    name: String,
    case: Value,
    report: Report,
}

/// The recordings of the lab and of the demo: read and judged once for all tests.
static ALL: LazyLock<Vec<Recorded>> = LazyLock::new(|| {
    let both = [recorded("cases"), recorded("formats/demo")].concat();
    let judge = |(name, case)| Recorded { report: judged(&case), name, case };
    both.into_iter().map(judge).collect()
});

fn reports() -> Vec<Report> {
    ALL.iter().map(|recorded| recorded.report.clone()).collect()
}

fn named(name: &str) -> &'static Recorded {
    ALL.iter().find(|recorded| recorded.name == name).unwrap()
}

/// Judges a recording, with times that are the same on every computer.
fn judged(case: &Value) -> Report {
    let case: Case = serde_json::from_value(case.clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let evidence = Evidence::recorded(case);
    let mut report = runtime.block_on(checks::examine(&evidence, |_| true, |_, _| {}));
    report.duration_ms = 412;
    for (place, check) in report.checks.iter_mut().enumerate() {
        (check.started_ms, check.duration_ms) = (place as u64, 10);
    }
    report
}

fn forms() -> &'static [Format] {
    Format::value_variants()
}

/// A report as a file has it, with all details.
fn written(format: Format, reports: &[Report]) -> String {
    render::all(format, reports, &Look::file(true), None)
}
