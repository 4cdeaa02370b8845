//! What a report looks like, for people and for machines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use checks::{
    case::{Case, Plan},
    check::About,
    command,
    diagnosis::{Diagnosis, Id},
    finding::{Finding, Hint},
    report::{Checked, Report, Verdict},
    text,
    text::{foreign, host, path},
};
use ssh_preflight::{
    render::{json, look::Look, text::render},
    schema,
};

const WIDE: Look = Look { width: 80, color: false, unicode: true, quiet: false, verbose: false };

fn report(verdict: Verdict, diagnosis: Option<Diagnosis>, findings: Vec<Finding>) -> Report {
    let plan = Plan {
        input: "ada@example.com".into(),
        user: Some("ada".into()),
        port: Some(2222),
        ssh_options: vec!["-i".into(), "my key".into()],
        interactive: true,
        ..Plan::of_host("example.com")
    };
    let abouts = [
        About { id: "dns", title: "Name resolution" },
        About { id: "tcp", title: "TCP port" },
        About { id: "portal", title: "Portal activation" },
    ];
    let checked = |(about, finding)| Checked { about, finding, started_ms: 1, duration_ms: 20 };
    Report {
        case: Case::unobserved(plan, "2026-01-31T09:30:00.123Z".parse().unwrap()),
        duration_ms: 412,
        verdict,
        diagnosis,
        checks: abouts.into_iter().zip(findings).map(checked).collect(),
    }
}

fn ready() -> Report {
    let slow = Finding::warn(text![
        "IPv6 does not answer, so ssh will be slow at first, on each and every connection."
    ])
    .detail(text!["2001:db8::1 did not answer within 10 seconds."])
    .hint(Hint::run("Use IPv4 alone:", command!["ssh", "-4", host("example.com")]));
    let findings = vec![
        Finding::pass(text![host("example.com"), " has 2 addresses."]),
        slow,
        Finding::pass("The server takes the key."),
    ];
    let mut report = report(Verdict::Ready, None, findings);
    let others = checks::CHECKS.iter().map(|row| row.about).filter(|about| {
        let ids = ["dns", "tcp", "portal"];
        !ids.contains(&about.id)
    });
    let fine =
        |about| Checked { about, finding: Finding::pass("Fine."), started_ms: 0, duration_ms: 1 };
    report.checks.extend(others.map(fine));
    report
}

fn failing() -> Report {
    let long = path("~/a folder with a long name/and one more/id_ed25519_of_a_customer");
    let diagnosis = Diagnosis::new(Id::RefusedByHost)
        .because(text!["The server said: ", foreign(b"\x1b[2Jgo away")])
        .because(text![
            "Nothing listens on port 2222, but port 22 of the same host answers as SSH does."
        ])
        .step(Hint::run(
            "Use the usual port:",
            command!["ssh", "-i", long, "-p", "22", host("example.com")],
        ))
        .step(Hint::advice("If that fails as well, ask whoever runs the host."))
        .or(Id::IpNotAllowed);
    let findings = vec![
        Finding::pass("One address.").detail("192.0.2.1").fact("addresses", ["192.0.2.1"]),
        Finding::fail("Connection refused.").detail(text!["It sent ", foreign(b"\x07\xff")]),
        Finding::skip("Skipped: there is no connection to the server."),
    ];
    report(Verdict::NotReady, Some(diagnosis), findings)
}

fn inconclusive() -> Report {
    let diagnosis = Diagnosis::new(Id::Interrupted).because("Ctrl-C was pressed.");
    report(
        Verdict::Inconclusive,
        Some(diagnosis),
        vec![Finding::skip("Not found out: interrupted.")],
    )
}

#[test]
fn text_for_people() {
    insta::assert_snapshot!("ready", render(&ready(), &WIDE));
    insta::assert_snapshot!("failing", render(&failing(), &WIDE));
    insta::assert_snapshot!("inconclusive", render(&inconclusive(), &WIDE));
    insta::assert_snapshot!("narrow", render(&failing(), &Look { width: 50, ..WIDE }));
    insta::assert_snapshot!("ascii", render(&failing(), &Look { unicode: false, ..WIDE }));
    insta::assert_snapshot!("quiet", render(&failing(), &Look { quiet: true, ..WIDE }));
    insta::assert_snapshot!("verbose", render(&failing(), &Look { verbose: true, ..WIDE }));
    // `insta` would hide the escapes of a terminal.
    let coloured = render(&failing(), &Look { color: true, ..WIDE });
    insta::assert_snapshot!("coloured", coloured.replace('\x1b', "ESC"));
    assert!(!coloured.contains("\x1b[2J") && !coloured.contains('\x07'));
}

#[test]
fn text_fits_the_width_and_commands_stay_whole() {
    let narrow = render(&failing(), &Look { width: 50, ..WIDE });
    let too_long = |l: &&str| unicode_width::UnicodeWidthStr::width(*l) > 50;
    let long: Vec<_> = narrow.lines().filter(too_long).collect();
    assert!(long.iter().all(|l| l.contains("ssh -i ") || l.contains("https://")), "{long:?}");
}

#[test]
fn json_for_machines() {
    insta::assert_snapshot!("json", json::render(&[failing()]));
}

#[test]
fn the_schema_is_the_committed_one_and_every_report_keeps_to_it() {
    assert_eq!(
        schema::json(),
        include_str!("../docs/report.schema.json"),
        "run: ssh-preflight schema"
    );
    let schema = serde_json::from_str(&schema::json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for reports in [vec![ready()], vec![failing()], vec![inconclusive()], vec![ready(), failing()]]
    {
        let instance = serde_json::from_str(&json::render(&reports)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&instance).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "schema_version": 1 })));
}

#[test]
fn several_targets_get_an_envelope_with_the_worst_verdict() {
    let many: serde_json::Value =
        serde_json::from_str(&json::render(&[ready(), failing(), inconclusive()])).unwrap();
    assert_eq!(many["verdict"], "not-ready");
    assert_eq!(many["reports"].as_array().unwrap().len(), 3);
    assert_eq!(many["reports"][0]["diagnosis"], serde_json::Value::Null);
}

#[test]
fn ready_names_the_user_and_the_key() {
    let key = checks::evidence::key::PublicKeyFacts {
        algorithm: "ssh-ed25519".into(),
        bits: 256,
        sha256: "SHA256:x".into(),
        md5: "MD5:x".into(),
        comment: String::new(),
        line: "ssh-ed25519 AAAA".into(),
        certificate: None,
    };
    let offer = checks::offers::Offer {
        key,
        path: Some("~/.ssh/id_ed25519".into()),
        in_agent: false,
        provable: checks::offers::Provable::Yes,
    };
    let query = checks::evidence::queries::Query {
        offer,
        algorithm: "ssh-ed25519".into(),
        answer: checks::evidence::queries::Answer::Accepted,
    };
    let queries = checks::evidence::queries::Queries {
        user: "ada".into(),
        offers: vec![query],
        ..Default::default()
    };
    let mut report = ready();
    report.case.queries =
        Some(checks::case::Observed { started_ms: 0, duration_ms: 1, seen: Ok(queries) });
    let text = render(&report, &WIDE);
    assert!(text.contains("Ready: ssh will get in as ada with ~/.ssh/id_ed25519."), "{text}");
}

#[test]
fn what_was_left_out_is_no_promise() {
    let mut report = ready();
    report.checks.truncate(3);
    let text = render(&report, &WIDE);
    assert!(!text.contains("Ready") && text.contains("the other checks were left out"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&json::render(&[report])).unwrap();
    assert_eq!((&json["verdict"], &json["complete"]), (&"ready".into(), &false.into()));
}

#[test]
fn paths_in_the_home_are_short_for_people_alone() {
    let file = "/home/ada/my keys/id";
    let step = Hint::run(
        text!["Load ", path(file), " or ", path("/home/adam/id"), ":"],
        command!["ssh-add", path(file), text!["--file=", path(file)]],
    );
    let diagnosis = Diagnosis::new(Id::AgentEmpty).step(step);
    let mut report = report(Verdict::NotReady, Some(diagnosis), Vec::new());
    let machine =
        checks::evidence::machine::Machine { home: Some("/home/ada".into()), ..Default::default() };
    let observed = |seen| Some(checks::case::Observed { started_ms: 0, duration_ms: 1, seen });
    report.case.machine = observed(Ok(machine.clone()));
    let text = render(&report, &WIDE);
    assert!(text.contains("Load ~/my keys/id or /home/adam/id:"), "{text}");
    let command = "ssh-add ~/'my keys/id' '--file=/home/ada/my keys/id'";
    assert!(text.contains(command), "{text}");
    assert!(!json::render(std::slice::from_ref(&report)).contains('~'));
    // A shell that has another home would expand `~` to another folder.
    let home_variable = Some("/tmp".into());
    report.case.machine =
        observed(Ok(checks::evidence::machine::Machine { home_variable, ..machine }));
    assert!(!render(&report, &WIDE).contains('~'));
}

#[test]
fn a_command_keeps_its_letters_where_the_locale_is_poor() {
    let step = Hint::run("Schlüssel:", command!["ssh-add", path("~/.ssh/schlüssel")]);
    let diagnosis = Diagnosis::new(Id::AgentEmpty).step(step);
    let report = report(Verdict::NotReady, Some(diagnosis), Vec::new());
    let text = render(&report, &Look { unicode: false, ..WIDE });
    assert!(text.contains("Schl?ssel:") && text.contains("ssh-add ~/'.ssh/schlüssel'"), "{text}");
}
