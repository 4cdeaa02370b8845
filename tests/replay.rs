//! Judges every recording of `tests/cases` again, with no network, and holds verdict, cause and
//! words against snapshots: so no change of a sentence goes unseen.
//!
//! The recordings are of real servers; `tests/lab` makes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use std::{fs, path::PathBuf};

use checks::{case::Case, evidence::Evidence};
use ssh_preflight::render::{look::Look, text};

fn recordings() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

async fn judged(name: &str, recording: &str) -> String {
    let case: Case = serde_json::from_str(recording).unwrap_or_else(|e| panic!("{name}: {e}"));
    let report = checks::examine(&Evidence::recorded(case), |_| true, |_, _| {}).await;
    let id = report.diagnosis.as_ref().map_or("none".to_owned(), |d| d.id.to_string());
    let page = text::render(&report, &Look::file(false));
    assert!(!page.chars().any(|c| c != '\n' && checks::text::is_obeyed(c)), "{name}: {page:?}");
    format!("verdict: {:?}\ncause: {id}\n\n{page}", report.verdict)
}

#[tokio::test]
async fn every_recording_is_judged_as_it_was() {
    let recordings = recordings();
    assert!(recordings.len() >= 40, "only {} recordings", recordings.len());
    for (name, recording) in recordings {
        let judged = judged(&name, &recording).await;
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("case-{name}"), judged);
        });
    }
}

/// What is committed tells nothing about the computer that recorded it, and no secret.
#[test]
fn recordings_are_neutral() {
    for (name, recording) in recordings() {
        for own in ["/tmp", "/work", "/root", "preflight-test", "preflight-lab", "PRIVATE KEY"] {
            assert!(!recording.contains(own), "{name} holds {own}");
        }
        let case: serde_json::Value = serde_json::from_str(&recording).unwrap();
        let mut addresses = String::new();
        for part in ["resolution", "name_servers", "attempts"] {
            addresses += &case[part].to_string();
        }
        let strange = addresses.split(['"', ' ']).find(|word| {
            let ip = word.parse::<std::net::SocketAddr>().map(|a| a.ip()).or(word.parse());
            ip.is_ok_and(|ip| !ip.is_loopback() && !word.starts_with("192.0.2."))
        });
        assert_eq!(strange, None, "{name} holds an address of its computer");
    }
}
