//! `compare`: real reports, between which one thing was changed. It has to be the first difference
//! that is told.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    in_a_network, in_a_world,
    oracle::{preflight, with_config},
    situations::{args, me},
    world::{World, free_port},
};

/// A report of now, kept in a file.
fn kept(world: &World, name: &str, arguments: &[String]) -> PathBuf {
    let file = world.out(name);
    let own = args!["--quiet", "--output", file.display()];
    let ended = preflight(world, &[own, with_config(world, arguments)].concat());
    assert!(file.exists(), "{}", ended.stderr);
    file
}

/// What the program says that differs, in its order, and its exit code.
fn compared(world: &World, old: &Path, new: &[String]) -> (Vec<String>, Option<i32>, Value) {
    let own = args!["compare", "--format", "json", old.display()];
    let ended = preflight(world, &[own, new.to_vec()].concat());
    let told: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", ended.stdout, ended.stderr));
    let schema = include_str!("../../docs/compare.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let complaints: Vec<_> = schema.iter_errors(&told).map(|e| e.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{told:#}");
    let facts = told["differences"].as_array().unwrap().iter();
    let facts = facts.map(|difference| difference["fact"].as_str().unwrap().to_owned());
    (facts.collect(), ended.code(), told)
}

/// Nothing else than these facts may differ: what is told beside them would be noise.
fn differs(world: &World, old: &Path, new: &[String], facts: &[&str]) -> Value {
    let (told, code, document) = compared(world, old, new);
    assert_eq!(told, facts, "{document:#}");
    assert_eq!(code, Some(if facts.is_empty() { 0 } else { 1 }));
    assert_eq!(document["first_in_doubt"], false, "{document:#}");
    document
}

#[test]
fn what_was_changed_comes_first() {
    in_a_world("what_was_changed_comes_first", |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        w.agent(&[&key, &other]);
        let port = free_port();
        let listen = format!("ListenAddress 127.0.0.1:{port}");
        let host = w.server_key("host", "ed25519");
        w.know(&format!("[127.0.0.1]:{port} {}", host.public));
        w.sshd_with(&host, &[&key], &[&listen]);
        let typed = args!["-i", key.arg(), "-p", port, me(w)];
        let with = with_config(w, &typed);
        let old = kept(w, "old.json", &typed);

        // The same again, now and from files; other moments, ports and durations are no difference.
        differs(w, &old, &with, &[]);
        let new = kept(w, "new.json", &typed);
        differs(w, &old, &args![new.display()], &[]);
        let case = w.out("case.json");
        let own = args!["--quiet", "--record", case.display()];
        preflight(w, &[own, with.clone()].concat());
        differs(w, &old, &args![case.display()], &[]);

        // The order in the agent, of those that are there still.
        let mut remove = w.command("ssh-add");
        remove.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap()).args(["-q", "-d", key.arg()]);
        w.must(&mut remove);
        differs(w, &old, &with, &["agent-keys", "offers"]);
        let mut add = w.command("ssh-add");
        add.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap()).args(["-q", key.arg()]);
        w.must(&mut add);
        let moved = differs(w, &old, &with, &["agent-keys"]);
        assert_eq!(moved["differences"][0]["then"].as_array().unwrap().len(), 2);
        let mut again = w.command("ssh-add");
        again.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap()).args(["-q", "-d", other.arg()]);
        w.must(&mut again);
        let mut again = w.command("ssh-add");
        again.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap()).args(["-q", other.arg()]);
        w.must(&mut again);
        differs(w, &old, &with, &[]);

        // Another option, and what follows from it.
        let other_key = args!["-i", other.arg(), "-p", port, me(w)];
        let told = differs(w, &old, &with_config(w, &other_key), &["identity-files", "offers"]);
        assert_eq!(told["now"]["verdict"], "ready", "the agent holds the right one too");
        let only = [args!["-o", "IdentitiesOnly=yes"], typed.clone()].concat();
        differs(w, &old, &with_config(w, &only), &["settings", "offers"]);

        // The server takes the key no more.
        let allowed = w.server("authorized_keys");
        let line = fs::read(&allowed).unwrap();
        fs::write(&allowed, "").unwrap();
        let told = differs(w, &old, &with, &["answers", "diagnosis"]);
        assert_eq!(told["now"]["diagnosis"], "key-not-accepted");
        assert!(!told["next_steps"].as_array().unwrap().is_empty());
        let words = preflight(w, &[args!["compare", old.display()], with.clone()].concat());
        assert!(words.stdout.contains("It worked on "), "{}", words.stdout);
        let first = "the first thing that differs is the server's answer to your keys.";
        assert!(words.stdout.replace('\n', " ").contains(first), "{}", words.stdout);
        assert!(words.stdout.contains("Do this:"), "{}", words.stdout);
        fs::write(&allowed, line).unwrap();

        // Its key was replaced. What comes after that was not asked, so it is not told as changed.
        w.stop();
        let young = w.server_key("young", "ed25519");
        w.sshd_with(&young, &[&key], &[&listen]);
        let told = differs(w, &old, &with, &["host-key", "known-hosts", "diagnosis"]);
        let not_known = told["not_known"].to_string();
        assert!(not_known.contains("\"answers\""), "{told:#}");

        // It is gone: everything behind the connection is not known.
        w.stop();
        let told = differs(w, &old, &with, &["connection", "diagnosis"]);
        assert!(told["not_known"].to_string().contains("\"host-key\""), "{told:#}");
    });
}

#[test]
fn another_address_and_another_network() {
    in_a_network("another_address_and_another_network", |net| {
        net.sshd(&[22]);
        net.at("server", "ip addr add 10.90.3.7/24 dev left");
        net.names(&["address=/shop.test/10.90.3.2"]);
        let target = format!("{}@shop.test", net.person.name);
        let report = |name: &str| {
            let (report, _) = net.preflight(std::slice::from_ref(&target));
            let file = net.world.out(name);
            fs::write(&file, report.to_string()).unwrap();
            file
        };
        let old = report("old.json");
        let compare = |new: &Path, facts: &[&str]| {
            differs(&net.world, &old, &args![new.display()], facts);
        };
        // The hosts file comes before DNS.
        net.etc("hosts", "10.90.3.7 shop.test\n");
        compare(&report("hosts.json"), &["hosts-file", "addresses"]);
        net.etc("hosts", "");
        // Another address of this computer.
        net.at("client", "ip addr add 10.90.1.9/24 dev right");
        net.at("client", "ip route replace default via 10.90.1.1 src 10.90.1.9");
        compare(&report("source.json"), &["source-address"]);
        // A firewall at the server.
        net.at("client", "ip route replace default via 10.90.1.1 src 10.90.1.2");
        net.rule("server", "input", "tcp dport 22 reject with tcp reset");
        compare(&report("refused.json"), &["connection", "diagnosis"]);
    });
}
