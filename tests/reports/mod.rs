//! Reports that are made of recorded cases, for the tests of renderers.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::PathBuf;

use checks::{case::Case, evidence::Evidence, report::Report};

/// Recordings that differ in what a page has to show.
pub const CASES: &[&str] = &[
    "akeneo_ready",
    "akeneo_key_not_accepted",
    "second-key-accepted",
    "through-a-jump-host",
    "jump-host-refuses",
    "stalled-after-banner",
    "name-not-found",
    "relay",
    "escape-sequences",
];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "cases"].iter().collect()
}

/// The names of all recordings.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let names = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// A recording as it is stored.
pub fn recording(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()
}

/// The report of a case.
pub fn judge(case: Case) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let evidence = Evidence::recorded(case);
    runtime.block_on(checks::examine(&evidence, |_| true, |_, _| {}))
}

/// The report of a recording.
pub fn of(name: &str) -> Report {
    judge(serde_json::from_str(&recording(name)).unwrap())
}

/// A connection that was refused on the way, followed hop by hop: addresses for documentation, since
/// the lab's recordings are all of one computer.
pub fn followed() -> Report {
    let mut case: serde_json::Value = serde_json::from_str(&recording("refused-port")).unwrap();
    let router = |hop: u8| serde_json::json!({ "icmp": { "from": format!("198.51.100.{hop}"), "kind": 11, "code": 0 } });
    let probe = |ttl: u8, answer: serde_json::Value| serde_json::json!({ "ttl": ttl, "answer": answer, "took_ms": 3.7 * f64::from(ttl), "tries": 1 });
    let forbids = serde_json::json!({ "icmp": { "from": "198.51.100.9", "kind": 3, "code": 13 } });
    case["resolution"]["seen"]["Ok"]["outcome"]["Ok"] = serde_json::json!(["192.0.2.17"]);
    case["attempts"]["seen"]["Ok"]["tried"][0]["to"] = "192.0.2.17:22".into();
    case["traceroute"] = serde_json::json!({
        "started_ms": 13,
        "duration_ms": 640,
        "seen": { "Ok": {
            "to": "192.0.2.17:22",
            "from": "203.0.113.4",
            "again": "reset",
            "probes": [
                probe(1, router(1)),
                probe(2, "silence".into()),
                probe(3, "silence".into()),
                probe(4, router(4)),
                probe(5, forbids),
            ],
            "controls": [{ "port": 443, "answer": "connected", "probes": [] }],
            "sent": 9,
        } },
    });
    judge(serde_json::from_value(case).unwrap())
}
