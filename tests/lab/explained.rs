//! `explain` beside the live run: for every situation the log of the real `ssh -vvv`, and what it
//! prints without `-v`, are explained and held against the diagnosis of the live program.

use serde_json::Value;

use crate::{
    oracle::{preflight, report},
    person::Ended,
    world::World,
};

/// Causes that a log takes for another one, and why; the live cause stands first. `docs/explain.md`
/// has this table.
pub const LIMITS: &[(&str, &str, &str)] = &[
    ("agent-unreachable", "key-not-accepted", PLAIN),
    ("agent-locked", "key-not-accepted", PLAIN),
    ("agent-key-restricted", "key-not-accepted", PLAIN),
    ("security-key-off", "key-not-accepted", PLAIN),
    ("key-too-weak", "key-not-accepted", PLAIN),
    ("key-not-for-jump-host", "key-not-accepted", PLAIN),
    (
        "key-not-for-jump-host",
        "no-key",
        "that a key was named for the target alone is not in a log",
    ),
    (
        "key-file-missing",
        "key-not-accepted",
        "ssh passes over a certificate file that is not there without a word",
    ),
    (
        "key-pair-mismatch",
        "key-not-accepted",
        "ssh offers the public half that it finds, and does not see that it is a wrong one",
    ),
    (
        "key-not-for-jump-host",
        "agent-unreachable",
        "that a key was named for the target alone is not in a log",
    ),
    (
        "key-is-public",
        "key-file-missing",
        "ssh only says that it finds no private key for the certificate",
    ),
    (
        "proxy-failed",
        "ssh-config-invalid",
        "ssh says the same of an unknown token wherever it stands",
    ),
    ("name-hijacked", "refused-by-host", NAMES),
    ("name-blocked", "refused-by-host", NAMES),
    ("fake-address", "refused-by-host", NAMES),
    ("private-address", "host-unreachable", NAMES),
    ("private-address", "filtered", NAMES),
    ("hosts-file-override", "refused-by-host", NAMES),
    ("dns-disagreement", "refused-by-host", NAMES),
    ("dns-disagreement", "name-not-found", NAMES),
    ("target-invalid", "name-not-found", TYPED),
    ("local-firewall", "dns-timeout", HERE),
    ("local-firewall", "host-unreachable", HERE),
    ("local-firewall", "system-error", HERE),
    ("local-firewall", "refused-by-host", HERE),
    ("refused-on-the-way", "no-network", HERE),
    ("no-network", "host-unreachable", HERE),
    ("host-unreachable", "system-error", HERE),
    ("ipv6-broken", "refused-by-host", FAMILY),
    ("qos-dropped", "filtered", MARKS),
    ("proxy-failed", "silent-server", HANGS),
];

/// Why one line is not enough.
const PLAIN: &str = "without -v ssh says \"Permission denied\", whatever the reason";

// Why a log shows the consequence alone.
const NAMES: &str = "what the name servers say is not in a log, so an address that is not the host's own is not seen";
const HERE: &str = "who refuses, on this computer or on the way, is not in a log";
const TYPED: &str =
    "ssh looks a name up as it was typed, and does not say that a letter in it is odd";
const FAMILY: &str =
    "that the other family of addresses would work is not in a log where only one was asked for";
const MARKS: &str = "that packets without a mark would pass is not in a log";
const HANGS: &str = "a proxy command that hangs is as silent as a server";

/// The page has this table.
#[test]
fn the_limits_are_documented() {
    let page = include_str!("../../docs/explain.md");
    for (live, log, why) in LIMITS {
        let row =
            format!("| [{live}](diagnoses/{live}.md) | [{log}](diagnoses/{log}.md) | {why} |");
        assert!(page.lines().any(|line| line == row), "docs/explain.md lacks: {row}");
    }
}

/// What `explain` says about what `ssh` printed.
fn explain(world: &World, name: &str, log: &str) -> Value {
    let file = world.out(name);
    std::fs::write(&file, log).unwrap();
    let words = ["explain", "--format", "json"].map(str::to_owned);
    let words: Vec<_> = words.into_iter().chain([file.display().to_string()]).collect();
    report(&preflight(world, &words))
}

/// Holds the log of one run of `ssh` against the live report about the same situation.
pub fn holds(name: &str, world: &World, ssh: &Ended, live: &Value) {
    for (kind, log) in [("with steps", &ssh.log), ("plain", &ssh.stderr)] {
        let told = explain(world, "ssh.log", log);
        let wrong = wrong(ssh, live, &told, kind == "plain");
        if let Some(wrong) = wrong {
            if std::env::var_os("PREFLIGHT_SURVEY").is_some() {
                println!("SURVEY {name} | {kind} | {wrong}");
                continue;
            }
            panic!("{name}, {kind}: {wrong}\n{told:#}\n{log}");
        }
    }
}

/// What the log is said to show and does not.
fn wrong(ssh: &Ended, live: &Value, told: &Value, plain: bool) -> Option<String> {
    let got_in = ssh.code() == Some(0);
    let id = |report: &Value| report["diagnosis"]["id"].as_str().map(str::to_owned);
    let (live_id, log_id) = (id(live), id(told));
    let verdict = told["verdict"].as_str().unwrap();
    if got_in {
        // Without -v a login that works prints nothing, and of nothing nothing can be said.
        let fine = if plain { verdict != "not-ready" } else { verdict == "ready" };
        return (!fine).then(|| format!("ssh got in, and it says {log_id:?}"));
    }
    if verdict == "ready" {
        return Some(format!("ssh did not get in ({live_id:?}), and it says ready"));
    }
    let (live_id, log_id) = (live_id?, log_id?);
    let also = told["diagnosis"]["also_possible"].as_array().cloned().unwrap_or_default();
    let limit = LIMITS.iter().any(|(from, to, _)| *from == live_id && *to == log_id);
    let fits = live_id == log_id
        || also.iter().any(|other| *other == live_id.as_str())
        || live["verdict"] == "inconclusive"
        || told["verdict"] == "inconclusive"
        || limit;
    (!fits).then(|| format!("live {live_id}, from the log {log_id} or {also:?}"))
}
