//! What every scenario of the demo looks like in every form.

use assert_cmd::Command;
use serde_json::Value;
use ssh_preflight::{
    cli::{Format, Redact},
    demo::SCENARIOS,
    redact,
};

use super::{forms, here, judged, recorded, redaction::without_style, written};

#[test]
fn every_scenario_in_every_form() {
    if std::env::var_os("PREFLIGHT_RECORD_CASES").is_some() {
        record();
    }
    // Not those of `ALL`: they may have been recorded a moment ago.
    let cases = recorded("formats/demo");
    let mut names: Vec<_> = cases.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let mut scenarios: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    scenarios.sort_unstable();
    assert_eq!(names, scenarios, "run with PREFLIGHT_RECORD_CASES=1");
    for (name, case) in &cases {
        let report = [judged(case)];
        let mut page = String::new();
        for format in forms() {
            let text = compact(*format, &written(*format, &report));
            page.push_str(&format!("======== {format:?}\n{text}\n"));
        }
        let redacted = redact::reports(&report, Redact::All);
        page.push_str(&format!("======== Redacted\n{}", written(Format::Text, &redacted)));
        insta::assert_snapshot!(name.clone(), page);
    }
}

/// Without what is shown elsewhere: the facts behind the words, the list of all rules.
pub fn compact(format: Format, text: &str) -> String {
    let mut data: Value = match format {
        Format::Json | Format::Sarif => serde_json::from_str(text).unwrap(),
        // Its style and its looks are held by tests/html.rs and tests/browser.rs.
        Format::Html => return without_style(text).replace("><", ">\n<"),
        _ => return text.to_owned(),
    };
    if format == Format::Json {
        for check in data["checks"].as_array_mut().unwrap() {
            check["evidence"] = check["evidence"].as_object().unwrap().keys().cloned().collect();
        }
    } else {
        let rules = data["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap();
        rules.retain(|rule| rule.get("help").is_some());
        rules.iter_mut().for_each(|rule| rule["help"] = "…".into());
        // It changes with every diagnosis that is added.
        let results = data["runs"][0]["results"].as_array_mut().unwrap();
        results.iter_mut().for_each(|result| result["ruleIndex"] = "…".into());
    }
    serde_json::to_string_pretty(&data).unwrap()
}

/// Records every scenario, as somebody called alex would.
fn record() {
    for scenario in SCENARIOS {
        let file = here("formats/demo").join(format!("{}.json", scenario.name));
        let mut program = Command::cargo_bin("ssh-preflight").unwrap();
        program.env_remove("SSH_AUTH_SOCK").args(["demo", scenario.name, "--record"]).arg(&file);
        program.output().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let mut case: Value = serde_json::from_str(&text).unwrap();
        let machine = &mut case["machine"]["seen"]["Ok"];
        let home = machine["home"].as_str().unwrap().to_owned();
        machine["user"] = "alex".into();
        machine["uid"] = 1000.into();
        let mut text = serde_json::to_string_pretty(&case).unwrap() + "\n";
        text = text.replace(&home, "/home/alex");
        // The folder of the demo has a name of its own each time.
        while let Some(begin) = text.find("/ssh-preflight-demo-") {
            let end = text[begin + 1..].find(['/', '"']).unwrap() + begin + 1;
            text.replace_range(begin..end, "/ssh-preflight.demo");
        }
        std::fs::write(&file, text).unwrap();
    }
}
