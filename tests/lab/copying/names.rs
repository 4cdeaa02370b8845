//! By which name the source goes to the destination: the short one may be another host's there.

use super::{READY, in_ends, looked, network::Ends, part, says, situation, target};
use crate::situations::args;

const FULL: &str = "shop.example.test";

/// A provider whose hosts know each other by their short names.
fn provider(ends: &Ends) -> String {
    let profile = "name = \"lab\"\ntitle = \"Lab\"\nhosts = [\"*.example.test\"]\n\
                   domain = \"example.test\"\n";
    ends.world.write("names.toml", profile, 0o600);
    ends.world.home().join("names.toml").to_str().unwrap().to_owned()
}

/// The line with which the source knows a host by a name.
fn knows(ends: &Ends, name: &str, end: &str) -> String {
    format!("{name} {}\n", ends.host_keys[end].public)
}

#[test]
fn names_of_a_copy() {
    in_ends("names_of_a_copy", |ends, _| {
        let provider = provider(ends);
        let documented = ["--profile", provider.as_str()];

        // Debian's line for the host's own name, which is the same up to the first dot.
        ends.hosts("source", "127.0.1.1 shop\n198.51.100.34 shop.example.test\n");
        let known = [knows(ends, "shop", "source"), knows(ends, FULL, "dest")].concat();
        ends.source_knows(&known);
        for (name, more) in [
            ("short name is the source itself", &[][..]),
            ("documented short name is the source itself", &documented),
        ] {
            let report = situation(name, ends, more, READY);
            assert_eq!(part(&report, "hop")["target"]["host"], FULL, "{report:#}");
        }

        // One host, known by one of its names.
        ends.hosts("source", "198.51.100.34 shop shop.example.test\n");
        ends.source_knows(&knows(ends, FULL, "dest"));
        let name = "source knows the key by the full name alone";
        let report = situation(name, ends, &documented, READY);
        assert_eq!(part(&report, "hop")["target"]["host"], FULL, "{report:#}");
        ends.source_knows(&knows(ends, "shop", "dest"));
        let name = "source knows the key by the short name alone";
        let report = situation(name, ends, &[], READY);
        assert_eq!(part(&report, "hop")["target"]["host"], "shop", "{report:#}");
        let report = situation("documented short name", ends, &documented, READY);
        assert_eq!(part(&report, "hop")["target"]["host"], "shop", "{report:#}");
    });
}

/// To copy there would succeed, at the wrong place.
#[test]
fn a_short_name_of_another_host() {
    in_ends("a_short_name_of_another_host", |ends, _| {
        let config = ends.world.dot_ssh("config").display().to_string();
        let words = args!["copy", "-F", config, target(ends, "shop-staging.example.test")];
        let words = [words, vec![target(ends, FULL)]].concat();
        for address in ["127.0.1.1", "198.51.100.18"] {
            ends.hosts("source", &format!("{address} shop\n"));
            ends.source_knows(&knows(ends, "shop", "source"));
            let report = looked(ends, words.clone()).report;
            assert_eq!(report["verdict"], "not-ready", "{report:#}");
            assert_eq!(report["diagnosis"]["id"], "second-hop-name", "{report:#}");
            says(&report, "would copy to the wrong place");
            assert!(report["commands"].as_array().is_none_or(Vec::is_empty), "{report:#}");
        }
        // The full name leads on, and its key is not known there.
        let more = ["--profile".to_owned(), provider(ends)];
        ends.hosts("source", "198.51.100.18 shop\n198.51.100.34 shop.example.test\n");
        let report = looked(ends, [words.clone(), more.to_vec()].concat()).report;
        assert_eq!(report["diagnosis"]["id"], "second-hop-name", "{report:#}");
        says(&report, &format!("{}:FILE", target(ends, FULL)));

        // What was typed is another host there: it may be meant so.
        ends.hosts("source", "198.51.100.18 shop.example.test\n");
        ends.source_knows(&knows(ends, FULL, "source"));
        let report = looked(ends, words.clone()).report;
        assert_eq!(report["verdict"], "ready", "{report:#}");
        let copy = report["commands"][1]["text"].as_str().unwrap();
        assert!(copy.contains("They may be two hosts"), "{report:#}");

        // Seen from the source alone, nothing tells.
        ends.hosts("source", "198.51.100.34 shop\n");
        ends.source_knows(&ends.known());
        ends.rule("ip saddr 198.51.100.2 ip daddr 198.51.100.34 tcp dport 22 reject");
        let report = looked(ends, words).report;
        assert_eq!(report["verdict"], "ready", "{report:#}");
        let copy = report["commands"][1]["text"].as_str().unwrap();
        assert!(copy.contains("could not be compared"), "{report:#}");
    });
}
