//! What the ssh configuration of the source makes of the forwarded agent.

use std::fs;

use serde_json::Value;

use super::{Expect, READY, check, in_ends, network::Ends, part, says, service, situation};

const NO_AGENT: Expect = ("not-ready", Some("forwarding-refused"));
const NO_KEYS: Expect = ("not-ready", Some("pubkey-disabled"));

/// What is to overrule the setting does.
fn overruled(ends: &Ends, report: &Value) {
    let steps = report["diagnosis"]["next_steps"].as_array().unwrap();
    let step = steps.iter().find(|s| s["text"].as_str().unwrap().starts_with("Overrule"));
    let command = step.unwrap()["command"].as_str().unwrap();
    let ended = ends.paste(&command.replace("FILE", "hello.txt"));
    assert_eq!(ended.code(), Some(0), "{command}: {}{}", ended.stdout, ended.stderr);
}

#[test]
fn settings_at_the_source() {
    in_ends("settings_at_the_source", |ends, key| {
        for (setting, name, expect) in [
            ("IdentityAgent none", "source turns the agent off", NO_AGENT),
            ("IdentityAgent ~/gone", "source asks an agent that is not there", NO_AGENT),
            ("IdentitiesOnly yes", "source uses named keys alone", NO_AGENT),
            ("PubkeyAuthentication no", "source turns login by key off", NO_KEYS),
            ("PreferredAuthentications password", "source prefers a password", NO_KEYS),
        ] {
            ends.file("source", ".ssh/config", &format!("Host *\n  {setting}\n"));
            let report = situation(name, ends, &[], expect);
            says(&report, setting.split(' ').next().unwrap());
            overruled(ends, &report);
            fs::remove_file(ends.home("dest").join("hello.txt")).unwrap();
        }
        ends.serve("source", &key.public, &["AllowTcpForwarding no"], "");
        let name = "source prefers a password and forbids tunnels";
        situation(name, ends, &[], NO_KEYS);
        ends.file("source", ".ssh/config", "Host *\n  IdentityAgent none\n");
        let name = "source turns the agent off and forbids tunnels";
        situation(name, ends, &[], NO_AGENT);
        ends.serve("source", &key.public, &[], "");

        // It may be the agent of this login, by a link.
        ends.file("source", "here", "");
        ends.file("source", ".ssh/config", "Host *\n  IdentityAgent ~/here\n");
        let name = "source asks another agent";
        situation(name, ends, &[], ("inconclusive", Some("not-examined")));
        ends.file("source", ".ssh/id_a.pub", &key.public);
        ends.file(
            "source",
            ".ssh/config",
            "Host *\n  IdentitiesOnly yes\n  IdentityFile ~/.ssh/id_a\n",
        );
        let name = "source names a key of the agent";
        situation(name, ends, &[], ("inconclusive", Some("not-examined")));
    });
}

#[test]
fn keys_that_are_accepted_unseen() {
    in_ends("keys_that_are_accepted_unseen", |ends, key| {
        ends.file("source", ".ssh/config", "Host *\n  StrictHostKeyChecking accept-new\n");
        ends.serve("source", &key.public, &["AllowTcpForwarding no"], "");
        ends.source_knows("");
        let name = "source accepts a new key and forbids tunnels";
        let report = situation(name, ends, &["--file", "hello.txt"], READY);
        let login = check(part(&report, "hop"), "login");
        assert_eq!(login["status"], "pass", "{login:#}");
        assert!(login.to_string().contains("ssh at the source logged in"), "{login:#}");
    });
}

#[test]
fn settings_at_an_environment() {
    service::in_environment("settings_at_an_environment", |ends, _| {
        for (setting, name, expect) in [
            ("IdentityAgent none", "environment turns the agent off", NO_AGENT),
            ("PubkeyAuthentication no", "environment turns login by key off", NO_KEYS),
        ] {
            ends.file("source", ".ssh/config", &format!("Host *\n  {setting}\n"));
            let report = service::situation(name, ends, expect, true);
            says(&report, setting.split(' ').next().unwrap());
        }
    });
}
