//! The commands of next steps, run as they are given: at odd ports, with a configuration file of one's
//! own.

use std::fs;

use serde_json::Value;

use super::{in_ends, network::Ends};
use crate::{oracle, situations::args, world::Key};

/// Both ends at odd ports.
fn at_odd_ports(name: &str, test: impl FnOnce(&mut Ends, &Key)) {
    in_ends(name, |ends, key| {
        ends.serve("source", &key.public, &["Port 2201"], "");
        ends.serve("dest", &key.public, &["Port 2202"], "");
        let line = |name: &str, end: &str| format!("{name} {}", ends.host_keys[end].public);
        ends.world.know(&line("[shop-staging.example.test]:2201", "source"));
        ends.world.know(&line("[shop.example.test]:2202", "dest"));
        ends.source_knows(&known(ends));
        test(ends, key);
    });
}

/// The line with which the source knows the destination there.
fn known(ends: &Ends) -> String {
    ends.known().replacen("shop", "[shop]:2202", 1)
}

fn copied(ends: &Ends, more: &[&str]) -> Value {
    let config = ends.world.dot_ssh("config").display().to_string();
    let mut words = args!["copy", "-F", config, "--format", "json", "--timeout", "30s"];
    words.extend(more.iter().map(|word| (*word).to_owned()));
    for (host, port) in [("shop-staging.example.test", 2201), ("shop.example.test", 2202)] {
        words.push(format!("ssh://{}@{host}:{port}", ends.world.person.name));
    }
    oracle::report(&ends.preflight(&words))
}

/// The commands of the next steps that begin with this program.
fn steps(report: &Value, program: &str) -> Vec<String> {
    let steps = report["diagnosis"]["next_steps"].as_array().unwrap();
    let commands = steps.iter().filter_map(|step| step["command"].as_str());
    let found: Vec<_> =
        commands.filter(|c| c.starts_with(&format!("{program} "))).map(str::to_owned).collect();
    assert!(!found.is_empty(), "no step with {program}: {report:#}");
    found
}

#[test]
fn copy_between_odd_ports() {
    at_odd_ports("copy_between_odd_ports", |ends, _| {
        let file = ["--file", "hello.txt"];
        let report = copied(ends, &file);
        assert_eq!(report["verdict"], "ready", "{report:#}");
        let one_step = report["commands"][2]["command"].as_str().unwrap();
        fs::remove_file(ends.home("dest").join("hello.txt")).unwrap();
        let ended = ends.paste(one_step);
        assert_eq!(ended.code(), Some(0), "{one_step}: {}", ended.stderr);
        assert!(ends.home("dest").join("hello.txt").exists());
    });
}

#[test]
fn steps_of_a_copy_between_odd_ports() {
    at_odd_ports("steps_of_a_copy_between_odd_ports", |ends, key| {
        ends.hosts("source", "");
        let report = copied(ends, &["--file", "hello.txt"]);
        assert_eq!(report["diagnosis"]["id"], "second-hop-name", "{report:#}");
        let see = &steps(&report, "ssh")[0];
        assert_eq!(ends.paste(see).code(), Some(0), "{see}");
        let round = &steps(&report, "scp")[0];
        fs::remove_file(ends.home("dest").join("hello.txt")).unwrap();
        let ended = ends.paste(round);
        assert_eq!(ended.code(), Some(0), "{round}: {}", ended.stderr);
        assert!(ends.home("dest").join("hello.txt").exists());
        ends.hosts("source", "198.51.100.34 shop\n");

        // To answer ssh's question a terminal is needed; that it is asked shows where it went.
        for settings in [&["Port 2201"][..], &["Port 2201", "AllowTcpForwarding no"]] {
            ends.serve("source", &key.public, settings, "");
            ends.source_knows("");
            let report = copied(ends, &[]);
            assert_eq!(report["diagnosis"]["id"], "host-key-unknown", "{report:#}");
            let go = &steps(&report, "ssh")[0];
            let ended = ends.paste(go);
            assert!(
                ended.stderr.contains("Host key verification failed"),
                "{go}: {}",
                ended.stderr
            );
            ends.source_knows(&known(ends));
        }

        ends.serve("source", &key.public, &["Port 2201", "AllowAgentForwarding no"], "");
        let report = copied(ends, &["--file", "hello.txt"]);
        assert_eq!(report["diagnosis"]["id"], "forwarding-refused", "{report:#}");
        let round = &steps(&report, "scp")[0];
        assert_eq!(ends.paste(round).code(), Some(0), "{round}");
    });
}
