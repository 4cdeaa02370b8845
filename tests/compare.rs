//! `compare`: its words, its data, and what it refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use serde_json::{Value, json};

fn run(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut program = Command::cargo_bin("ssh-preflight").unwrap();
    program.current_dir(folder).env_clear().env("LANG", "C.UTF-8").env("COLUMNS", "90");
    let out = program.args(arguments).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/{name}.json"))
}

/// The report about a recording.
fn report(name: &str) -> Value {
    let file = case(name);
    let arguments = ["--format", "json", "--replay", file.to_str().unwrap()];
    serde_json::from_str(&run(Path::new("/"), &arguments, "").1).unwrap()
}

/// What is said about two reports.
fn said(old: &Value, new: &Value, options: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.json"), old.to_string()).unwrap();
    std::fs::write(folder.path().join("new.json"), new.to_string()).unwrap();
    let arguments = [&["compare", "old.json", "new.json"], options].concat();
    let (code, stdout, stderr) = run(folder.path(), &arguments, "");
    assert_eq!(stderr, "");
    (code, stdout)
}

/// A check of a report.
fn check<'r>(report: &'r mut Value, id: &str) -> &'r mut Value {
    let checks = report["checks"].as_array_mut().unwrap();
    &mut checks.iter_mut().find(|check| check["id"] == id).unwrap()["evidence"]
}

#[test]
fn the_words() {
    let ready = report("akeneo_ready");
    let refused = report("akeneo_key_not_accepted");
    let mut out = String::new();
    for (what, old, new) in [
        ("worked, and does not now", &ready, &refused),
        ("did not work, and does now", &refused, &ready),
        ("nothing differs", &ready, &ready),
        ("does not work either way", &refused, &refused),
    ] {
        let (code, words) = said(old, new, &[]);
        // The steps are those of the diagnosis, and have tests of their own.
        let words = match words.split_once("Do this:\n") {
            Some((words, steps)) => {
                assert!(steps.contains("  1. ") && steps.contains("\nMore: "), "{steps}");
                format!("{words}Do this: …\n")
            }
            None => words,
        };
        out.push_str(&format!("=== {what}: exit code {}\n{words}\n", code.unwrap()));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_means_nothing_is_not_told() {
    let mut old = report("key-in-agent-only");
    check(&mut old, "portal")["methods"] = json!(["publickey", "password"]);
    let mut new = old.clone();
    new["started_at"] = json!("2031-01-31T09:30:00.123Z");
    new["duration_ms"] = json!(9999);
    new["tool"]["version"] = json!("9.9.9");
    new["checks"][0]["summary"] = json!("Other words.");
    new["checks"][0]["new-field"] = json!(1);
    let attempt = &mut check(&mut new, "tcp")["attempts"][0];
    (attempt["took_ms"], attempt["from"]) = (json!(77.5), json!("10.90.1.2:1"));
    check(&mut new, "transport")["steps"] = json!([]);
    let names = check(&mut new, "portal")["methods"].as_array_mut().unwrap();
    names.reverse();
    let (code, words) = said(&old, &new, &[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("Nothing that matters differs"), "{words}");
}

#[test]
fn the_order_of_addresses_and_their_time_mean_nothing() {
    let mut old = report("akeneo_ready");
    let server = |addresses: [&str; 2], ttl: u32| {
        let answer = json!({"code": "no-error", "addresses": addresses, "ttl_s": ttl});
        let none = json!({"code": "no-error", "addresses": [], "ttl_s": null});
        json!([{"server": "192.0.2.53:53", "a": answer, "aaaa": none}])
    };
    let [one, two, three] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    let mut new = old.clone();
    let set = |report: &mut Value, addresses: [&str; 2], ttl| {
        let dns = check(report, "dns");
        dns["resolution"]["outcome"] = json!({"Ok": addresses});
        dns["name_servers"]["configured"] = json!(["192.0.2.53:53"]);
        dns["name_servers"]["servers"] = server(addresses, ttl);
    };
    set(&mut old, [one, two], 60);
    set(&mut new, [two, one], 300);
    assert_eq!(said(&old, &new, &[]).0, Some(0));
    set(&mut new, [two, three], 300);
    let (code, told) = said(&old, &new, &["--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["first"]), (Some(1), &json!("dns-answers")));
    assert_eq!(told["differences"][1]["fact"], "addresses");
    // On paper, only what came and went.
    let (_, words) = said(&old, &new, &[]);
    assert!(words.contains("gone: 192.0.2.1\n"), "{words}");
    assert!(words.contains("new:  192.0.2.3\n"), "{words}");
}

#[test]
fn what_is_not_known_is_never_a_difference() {
    let old = report("akeneo_ready");
    let mut new = old.clone();
    // An older program that knew less, and a run with fewer checks.
    let config = check(&mut new, "config").as_object_mut().unwrap();
    config.remove("settings");
    config.remove("ssh_version");
    new["checks"].as_array_mut().unwrap().retain(|check| check["id"] != "agent");
    for (then, now, side) in [(&old, &new, "now"), (&new, &old, "then")] {
        let (code, told) = said(then, now, &["--format", "json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((code, &told["differs"]), (Some(0), &json!(false)), "{told:#}");
        let all = told["not_known"].as_array().unwrap();
        assert!(all.iter().all(|missing| missing["in"] == side), "{told:#}");
        let facts: Vec<_> = all.iter().map(|missing| missing["fact"].as_str().unwrap()).collect();
        assert_eq!(facts, ["ssh-version", "settings", "agent", "agent-keys"]);
    }
    // Then what differs may not be the first thing.
    let mut other = new.clone();
    check(&mut other, "portal")["methods"] = json!(["publickey", "password"]);
    let (_, words) = said(&old, &other, &[]);
    let words = words.replace('\n', " ");
    assert!(words.contains("the first thing that is known to differ is the ways to"), "{words}");
    assert!(words.contains("Not known in the second report, so not compared: "), "{words}");
}

/// Whoever renames a field of the evidence finds here that it is compared.
#[test]
fn each_fact_is_found_in_real_reports() {
    use ssh_preflight::compare::{FACTS, parse};
    let cases = [
        "akeneo_ready",
        "akeneo_key_not_accepted",
        "several-addresses-of-localhost",
        "jump-host-that-lets-in",
    ];
    let mut unseen: BTreeSet<_> = FACTS.iter().map(|fact| fact.id).collect();
    assert_eq!(unseen.len(), FACTS.len(), "an id is there twice");
    for name in cases {
        let text = std::fs::read_to_string(case(name)).unwrap();
        let source = parse("a recording", &text).unwrap();
        for fact in FACTS {
            if (fact.read)(&source.reports[0]).is_some_and(|items| !items.is_empty()) {
                unseen.remove(fact.id);
            }
        }
    }
    // These are in no recording: they are asked of somebody else, or need a login.
    assert_eq!(unseen, BTreeSet::from(["forwarding", "login", "public-address"]));
    let mut old = report("akeneo_ready");
    let egress = |address: &str| json!({"asked": [{"whom": "x", "sees": {"Ok": address}}]});
    check(&mut old, "egress")["egress"] = egress("203.0.113.1");
    let more = ["login", "forwarding"].map(|id| json!({"id": id, "status": "pass"}));
    old["checks"].as_array_mut().unwrap().extend(more);
    let mut new = old.clone();
    check(&mut new, "egress")["egress"] = egress("203.0.113.2");
    for checked in new["checks"].as_array_mut().unwrap().iter_mut().rev().take(2) {
        checked["status"] = json!("fail");
    }
    let (_, told) = said(&old, &new, &["--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let facts = told["differences"].as_array().unwrap().iter().map(|d| d["fact"].as_str().unwrap());
    assert_eq!(facts.collect::<Vec<_>>(), ["public-address", "login", "forwarding"]);
}

/// The page names each of them, with its check.
#[test]
fn each_fact_is_explained() {
    let page = include_str!("../docs/compare.md");
    for fact in ssh_preflight::compare::FACTS {
        let row = page
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(&format!("`{}`", fact.id)));
        let row = row.unwrap_or_else(|| panic!("{} is not explained", fact.id));
        assert!(row.contains(fact.check), "{}: {row}", fact.id);
        let known = checks::CHECKS.iter().any(|row| row.about.id == fact.check);
        assert!(known || fact.check.is_empty(), "{} is of no check", fact.id);
    }
}

#[test]
fn what_was_redacted_is_looked_at_with_care() {
    let old = report("akeneo_ready");
    let mut new = old.clone();
    new["target"]["host"] = json!("HOST_1");
    // Whether HOST_1 is that host or another one is not known.
    let (code, words) = said(&old, &new, &[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("Note: Private parts of a report were replaced"), "{words}");
    assert!(words.contains("Not known in the second report"), "{words}");
    assert!(said(&new, &old, &[]).1.contains("Not known in the first report"));
    assert!(!said(&old, &old, &[]).1.contains("replaced"));
    let mut other = old.clone();
    other["target"]["host"] = json!("HOST_2");
    assert_eq!(said(&new, &other, &[]).0, Some(1));
}

#[test]
fn the_folder_of_a_job_has_another_name_each_time() {
    let with = |letters: &str| {
        let mut one = report("akeneo_ready");
        let file = format!("/tmp/with-key.{letters}/known_hosts");
        check(&mut one, "config")["known_hosts_files"] = json!([file]);
        one
    };
    let (code, words) = said(&with("a1B2c3"), &with("D4e5F6"), &[]);
    assert_eq!(code, Some(0), "{words}");
    let mut elsewhere = with("a1B2c3");
    check(&mut elsewhere, "config")["known_hosts_files"] = json!(["/etc/known_hosts"]);
    assert_eq!(said(&with("a1B2c3"), &elsewhere, &[]).0, Some(1));
}

#[test]
fn a_hostile_report_reaches_no_terminal() {
    let mut old = report("akeneo_key_not_accepted");
    let new = old.clone();
    for place in ["/target/host", "/target/input", "/diagnosis/title", "/diagnosis/id"] {
        *old.pointer_mut(place).unwrap() = json!("\u{1b}[2J\u{202e}evil");
    }
    old["diagnosis"]["next_steps"][0] = json!({"text": "\u{1b}[2J", "command": "\u{1b}[2J"});
    check(&mut old, "transport")["identification"]["line"] = json!("\u{1b}[2J");
    for (then, now) in [(&old, &new), (&new, &old)] {
        for format in ["text", "json"] {
            let (code, words) = said(then, now, &["--format", format]);
            assert_eq!(code, Some(1));
            assert!(!words.contains(['\u{1b}', '\u{202e}']), "{words:?}");
        }
    }
}

#[test]
fn several_targets_are_held_together_by_name() {
    let (ready, refused) = (report("akeneo_ready"), report("key-in-agent-only"));
    let many = |reports: &[&Value]| json!({"schema_version": 1, "tool": ready["tool"], "verdict": "ready", "reports": reports});
    let parsed = |old: &Value, new: &Value| -> Value {
        serde_json::from_str(&said(old, new, &["--format", "json"]).1).unwrap()
    };
    let both = many(&[&refused, &ready]);
    for (old, new) in [(&both, &ready), (&ready, &both)] {
        let told = parsed(old, new);
        assert_eq!(told["differs"], false, "{told:#}");
        assert_eq!(told["then"]["target"], ready["target"]["input"]);
    }
    let told = parsed(&both, &many(&[&ready, &refused]));
    assert_eq!(told["comparisons"].as_array().unwrap().len(), 2, "{told:#}");
    assert_eq!(told["differs"], false);
}

#[test]
fn what_is_no_report_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = report("akeneo_ready");
    let mut stranger = good.clone();
    stranger["target"]["input"] = json!("ada@elsewhere.example");
    stranger["target"]["host"] = json!("elsewhere.example");
    let envelope = |reports: Value| json!({"schema_version": 1, "tool": {"name": "ssh-preflight"}, "reports": reports});
    let with = |name: &str, value: Value| {
        let mut report = good.clone();
        report[name] = value;
        report.to_string()
    };
    for (name, text) in [
        ("good.json", good.to_string()),
        ("empty.json", String::new()),
        ("words.json", "Not ready: …".into()),
        ("cut.json", good.to_string()[..500].to_owned()),
        ("list.json", "[]".into()),
        ("number.json", "7".into()),
        ("other.json", json!({"schema_version": 1, "tool": {"name": "other"}}).to_string()),
        ("young.json", with("schema_version", json!(2))),
        ("odd.json", with("checks", json!("none"))),
        ("when.json", with("started_at", json!("yesterday"))),
        ("two.json", envelope(json!([stranger, stranger])).to_string()),
        ("none.json", envelope(json!([])).to_string()),
        ("case.json", json!({"plan": {}}).to_string()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (arguments, said) in [
        (&[][..], "compare takes a report"),
        (&["good.json"], "compare OLD.json NEW.json"),
        (&["nowhere.json", "good.json"], "Cannot read nowhere.json"),
        (&["good.json", "nowhere.json"], "Cannot read nowhere.json"),
        (&["empty.json", "good.json"], "empty.json is empty"),
        (&["words.json", "good.json"], "words.json is no JSON"),
        (&["cut.json", "good.json"], "cut.json is no JSON"),
        (&["list.json", "good.json"], "holds no report"),
        (&["number.json", "good.json"], "no report of ssh-preflight"),
        (&["other.json", "good.json"], "no report of ssh-preflight"),
        (&["young.json", "good.json"], "young.json has schema_version 2"),
        (&["odd.json", "good.json"], "no whole report"),
        (&["when.json", "good.json"], "no whole report"),
        (&["two.json", "good.json"], "two.json has no report about akeneo@"),
        (&["none.json", "good.json"], "holds no report"),
        (&["case.json", "good.json"], "neither a report nor a recording"),
        (&["good.json", "good.json", "-A"], "options of ssh"),
        (&["good.json", "good.json", "--record", "x"], "no --record"),
        (&["good.json", "good.json", "--every", "1m"], "no --every"),
        (&["good.json", "good.json", "--format", "html"], "text and JSON"),
        (&["-", "-"], "standard input"),
        (&["good.json", "user@"], "the host is missing"),
    ] {
        let arguments = [&["compare"], arguments].concat();
        let (code, stdout, stderr) = run(folder.path(), &arguments, &good.to_string());
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "");
    }
    // From a pipe.
    let arguments = ["compare", "-", "good.json", "--quiet"];
    let (code, stdout, _) = run(folder.path(), &arguments, &good.to_string());
    assert_eq!(code, Some(0), "{stdout}");
}

#[test]
fn the_schema_is_the_one_that_is_committed() {
    let (code, printed, _) = run(Path::new("/"), &["schema", "compare"], "");
    assert_eq!(code, Some(0));
    assert_eq!(printed, include_str!("../docs/compare.schema.json"));
    let schema = jsonschema::validator_for(&serde_json::from_str(&printed).unwrap()).unwrap();
    let refused = report("akeneo_key_not_accepted");
    let (_, told) = said(&report("akeneo_ready"), &refused, &["--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let complaints: Vec<_> = schema.iter_errors(&told).map(|e| e.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}
