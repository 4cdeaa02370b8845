//! A provider's service that is used from an environment, with `ssh -A ENVIRONMENT ssh -T SERVICE` as
//! the oracle: a Git server on an odd port, with a list of keys of its own.

use serde_json::Value;

use super::{
    Expect, Looked, READY, check, in_ends, looked, network::Ends, part, says, status, target,
};
use crate::{
    cases,
    person::Ended,
    services::{GREETING, profile, program},
    situations::args,
    table,
    world::Key,
};

pub const SERVICE: &str = "git.example.test";

/// The network, with the service at the place of a copy's destination.
pub fn in_environment(name: &str, test: impl FnOnce(&mut Ends, &Key)) {
    in_ends(name, |ends, key| {
        let profile = profile(&ends.world, SERVICE, 443);
        ends.world.write("lab.toml", profile, 0o600);
        ends.hosts(
            "client",
            &format!("198.51.100.18 shop-staging.example.test\n198.51.100.34 {SERVICE}\n"),
        );
        ends.hosts("source", &format!("198.51.100.34 {SERVICE}\n"));
        let known = service_key(ends);
        ends.world.know(known.trim_end());
        ends.source_knows(&known);
        serve(ends, Some(key));
        test(ends, key);
    });
}

/// The line by which people know the service.
fn service_key(ends: &Ends) -> String {
    format!("[{SERVICE}]:443 {}\n", ends.host_keys["dest"].public)
}

/// Starts the service, which takes this key.
fn serve(ends: &mut Ends, key: Option<&Key>) {
    let program = program(&ends.world).display().to_string();
    let line = |key: &Key| format!("restrict,command=\"{program}\" {}\n", key.public);
    let keys = key.map(line).unwrap_or_default();
    ends.serve("dest", &keys, &["Port 443"], "");
}

pub fn words(ends: &Ends, more: &[&str]) -> Vec<String> {
    let (config, profile) = (ends.world.dot_ssh("config"), ends.world.home().join("lab.toml"));
    let [config, profile] = [&config, &profile].map(|path| path.to_str().unwrap());
    let mut words = args!["-F", config, "--profile", profile, "--service", "repository"];
    words.push("--login".to_owned());
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words.push(target(ends, "shop-staging.example.test"));
    words
}

/// Runs the program, then `ssh` as the person would from the environment, and holds them together.
/// `from_here`: whether the service can be used from this computer.
pub fn situation(name: &str, ends: &Ends, expect: Expect, from_here: bool) -> Value {
    let Looked { ended, report, recorded, text, redacted } = looked(ends, words(ends, &[]));
    // One session from either place at most, and no command of ours in it.
    let log = ends.log("dest");
    for address in ["198.51.100.18", "198.51.100.2"] {
        let from = format!("Connection from {address} ");
        assert!(log.matches(&from).count() <= 1, "{log}");
    }
    assert!(log.matches("Accepted publickey").count() <= 2, "{log}");
    let ssh = greeted(ends);
    let told = format!("{name}\nssh: {:?} {}\n{text}", ssh.code(), ssh.stderr);
    let id = report["diagnosis"]["id"].as_str();
    assert_eq!((report["verdict"].as_str().unwrap(), id), expect, "{told}");
    let works = ssh.code() == Some(0) && ssh.stdout.contains(GREETING);
    assert_eq!(expect.0 == "ready", works && from_here, "ssh is the oracle: {told}");
    assert_eq!(ended.code(), Some(i32::from(expect.0 != "ready")), "{told}");
    for private in [SERVICE, "shop-staging", "lab's", "198.51.100"] {
        assert!(!redacted.contains(private), "{private}: {redacted}");
    }
    println!("{text}");
    table::row(&name.replace(' ', "_"), &ends.world, &ssh, id);
    cases::keep(&name.replace(' ', "_"), &ends.world, &recorded);
    report
}

/// What the person would do: go to the environment with the agent, and from there to the service.
fn greeted(ends: &Ends) -> Ended {
    let config = ends.world.dot_ssh("config");
    let quiet = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=4"].map(str::to_owned);
    let mut words = args!["-A", "-F", config.to_str().unwrap()];
    words.extend(quiet.clone());
    let onward = format!("ssh -T {} -p 443 {}", quiet.join(" "), target(ends, SERVICE));
    words.extend([target(ends, "shop-staging.example.test"), onward]);
    ends.ssh(&words)
}

#[test]
fn services_that_work_from_an_environment() {
    in_environment("services_that_work_from_an_environment", |ends, key| {
        let report = situation("service from an environment", ends, READY, true);
        let service = check(part(&report, "source"), "service");
        assert_eq!(service["status"], "pass", "{service:#}");
        assert!(service.to_string().contains("hello alex"), "{service:#}");
        for role in ["hop", "destination"] {
            assert_eq!(status(&report, role, "login"), "pass", "{role}: {report:#}");
        }
        assert_eq!(report["service"]["to"], target(ends, SERVICE));
        let commands = report["commands"][1]["command"].as_str().unwrap();
        assert_eq!(commands, format!("ssh -T -p 443 {}", target(ends, SERVICE)));

        ends.serve("source", &key.public, &["AllowTcpForwarding no"], "");
        let name = "service from an environment that forbids tunnels";
        let report = situation(name, ends, READY, true);
        assert!(report.to_string().contains("Your agent signed 1 login"), "{report:#}");
    });
}

#[test]
fn services_that_fail_from_an_environment() {
    in_environment("services_that_fail_from_an_environment", |ends, key| {
        ends.rule("ip saddr 198.51.100.18 tcp dport 443 drop");
        let name = "service is closed to the environment";
        let report = situation(name, ends, ("not-ready", Some("second-hop-failed")), true);
        says(&report, "only the way from the environment is at fault");
        says(&report, "may connect to git.example.test, port 443");
        assert!(!report.to_string().contains("scp"), "nothing is copied: {report:#}");

        ends.rule("ip saddr 198.51.100.2 tcp dport 443 reject with tcp reset");
        let name = "service is closed to this computer";
        let report = situation(name, ends, ("not-ready", Some("refused-by-host")), false);
        assert_eq!(part(&report, "source")["verdict"], "ready", "{report:#}");
        ends.rule("");

        ends.hosts("source", "");
        let name = "service has no name at the environment";
        let report = situation(name, ends, ("not-ready", Some("second-hop-name")), true);
        says(&report, "getent hosts git.example.test");
        ends.hosts("source", &format!("198.51.100.34 {SERVICE}\n"));

        ends.source_knows("");
        let name = "environment does not know the service's key";
        situation(name, ends, ("not-ready", Some("host-key-unknown")), true);
        ends.source_knows(&service_key(ends));

        serve(ends, None);
        let name = "service has another list of keys";
        let report = situation(name, ends, ("not-ready", Some("key-not-accepted")), false);
        says(&report, "Repository → SSH keys");
        serve(ends, Some(key));

        ends.world.config(&format!("IdentityFile {}\n", key.arg()));
        let agent = ends.world.agent.take();
        let name = "service without an agent";
        situation(name, ends, ("not-ready", Some("agent-not-running")), true);
        ends.world.agent = agent;

        let two = ends.preflight(&words(ends, &["other.example.test"]));
        assert_eq!(two.code(), Some(2));
        assert!(two.stderr.contains("one environment"), "{}", two.stderr);
    });
}
