//! The order of the keys, held against what `ssh -v` says that it offers, in both generations.

use std::fs;

use serde_json::Value;

use crate::{
    in_a_world,
    oracle::{preflight, report, with_config},
    person::run,
    situations::{args, me},
    skip,
    world::{Key, OpenSsh, World},
};

/// One offer: fingerprint, whether it is a certificate, whether the agent signs for it. A file that
/// `ssh` opens first is known by its path alone, until then.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Offered {
    Public { sha256: String, certificate: bool, in_agent: bool },
    Private { path: String },
}

/// What `ssh -v` offers, in its order.
fn by_ssh(world: &World, arguments: &[String]) -> Vec<Offered> {
    let mut command = world.command("ssh");
    if let Some(socket) = &world.agent {
        command.env("SSH_AUTH_SOCK", socket);
    }
    let ended = run(command.args(["-vv", "-o", "BatchMode=yes"]).args(arguments).arg("true"));
    let lines = ended.stderr.lines().map(str::trim_end);
    lines
        .filter_map(|line| {
            if let Some(path) = line.strip_prefix("debug1: Trying private key: ") {
                // A file that is not there, or empty, is tried too, and nothing is sent.
                let there = fs::metadata(path).is_ok_and(|found| found.len() > 0);
                return there.then(|| Offered::Private { path: path.to_owned() });
            }
            let line = line.strip_prefix("debug1: Offering public key: ")?;
            let words: Vec<_> = line.split(' ').collect();
            let place = words.iter().position(|word| word.starts_with("SHA256:")).unwrap();
            Some(Offered::Public {
                sha256: words[place].to_owned(),
                certificate: words[place - 1].ends_with("-CERT"),
                in_agent: words[place..].contains(&"agent"),
            })
        })
        .collect()
}

/// What the report says that `ssh` would offer.
fn by_us(world: &World, arguments: &[String]) -> Vec<Offered> {
    let typed = [&args!["--format", "json"][..], arguments].concat();
    let report = report(&preflight(world, &typed));
    let checks = report["checks"].as_array().unwrap();
    let keys = checks.iter().find(|check| check["id"] == "fingerprint").unwrap();
    let offers = keys["evidence"]["offers"].as_array().unwrap();
    let public = |offer: &Value| Offered::Public {
        sha256: offer["key"]["sha256"].as_str().unwrap().to_owned(),
        certificate: !offer["key"]["certificate"].is_null(),
        in_agent: offer["in_agent"].as_bool().unwrap(),
    };
    let files = keys["evidence"]["identities"]["files"].as_array().unwrap();
    // Where ssh knows no public half beforehand, it opens the file when its turn comes.
    let is_opened_first = |offer: &Value| {
        let of = files.iter().find(|file| file["path"] == offer["path"]);
        of.is_some_and(|file| {
            let format = file["content"]["private"]["format"].as_str();
            offer["in_agent"] == false
                && file["pub_file"].is_null()
                && offer["key"]["certificate"].is_null()
                && format.is_some_and(|format| format != "openssh")
        })
    };
    let told = offers.iter().map(|offer| match is_opened_first(offer) {
        true => Offered::Private { path: offer["path"].as_str().unwrap().to_owned() },
        false => public(offer),
    });
    told.collect()
}

/// Sets up a home, and holds both lists together: with each generation of the client.
fn same_order(name: &str, at_least: usize, situation: impl Fn(&mut World) -> Vec<String>) {
    for client in [OpenSsh::Installed, OpenSsh::Ten] {
        if !client.is_there() {
            skip(name, "there is no OpenSSH 10");
            continue;
        }
        in_a_world(name, |w| {
            w.client_is = client;
            let mut typed = situation(w);
            // No key is taken, so that each comes to its turn.
            let port = w.sshd(&[], &["MaxAuthTries 50"]);
            typed.extend(args!["-p", port, me(w)]);
            let typed = with_config(w, &typed);
            let (theirs, ours) = (by_ssh(w, &typed), by_us(w, &typed));
            assert_eq!(ours, theirs, "{name}, {client:?}: left ours, right what ssh offers");
            assert!(theirs.len() >= at_least, "{name}: only {theirs:?}");
        });
    }
}

fn keys(w: &mut World, names: &[&str]) -> Vec<Key> {
    names.iter().map(|name| w.key(name, "ed25519")).collect()
}

fn load(w: &mut World, keys: &[&Key]) {
    w.agent(keys);
}

fn pem(w: &World, key: &Key) {
    let mut convert = w.person.command("ssh-keygen", &w.home());
    convert.args(["-q", "-p", "-m", "PEM", "-N", "", "-f", key.arg()]);
    w.must(&mut convert);
    w.without_pub(key);
}

/// A certificate beside the key, that no server asks about closely.
fn certify(w: &mut World, key: &Key, kind: &[&str]) {
    let authority = w.server_key("ca", "ed25519");
    let name = w.person.name.clone();
    w.certify(&authority, &key.pub_path(), &[kind, &["-n", &name, "-V", "+1h"]].concat());
}

#[test]
fn files_in_the_order_in_which_they_are_named() {
    same_order("files_in_the_order_in_which_they_are_named", 3, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c"]);
        w.config(&format!("IdentityFile {}", keys[0].arg()));
        args!["-i", keys[2].arg(), "-i", keys[1].arg()]
    });
}

#[test]
fn named_keys_of_the_agent_come_first_in_the_agents_order() {
    same_order("named_keys_of_the_agent_come_first_in_the_agents_order", 5, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c", "id_d", "id_e"]);
        load(w, &[&keys[4], &keys[1], &keys[3], &keys[0]]);
        args!["-i", keys[0].arg(), "-i", keys[1].arg(), "-i", keys[2].arg()]
    });
}

#[test]
fn only_named_ones() {
    same_order("only_named_ones", 3, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c", "id_d"]);
        load(w, &[&keys[3], &keys[1], &keys[0]]);
        let [a, b, c, _] = &keys[..] else { panic!() };
        args!["-o", "IdentitiesOnly=yes", "-i", a.arg(), "-i", b.arg(), "-i", c.arg()]
    });
}

#[test]
fn a_public_file_picks_a_key_of_the_agent() {
    same_order("a_public_file_picks_a_key_of_the_agent", 3, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c"]);
        load(w, &[&keys[0], &keys[1], &keys[2]]);
        fs::remove_file(&keys[2].path).unwrap();
        args!["-i", keys[2].pub_path().display()]
    });
}

#[test]
fn a_key_in_pem_is_not_recognised_in_the_agent() {
    same_order("a_key_in_pem_is_not_recognised_in_the_agent", 3, |w| {
        let (rsa, other) = (w.key("id_r", "rsa"), w.key("id_b", "ed25519"));
        load(w, &[&rsa, &other]);
        pem(w, &rsa);
        args!["-i", rsa.arg(), "-i", other.arg(), "-i", rsa.arg()]
    });
}

#[test]
fn a_copy_of_a_key_is_offered_again() {
    same_order("a_copy_of_a_key_is_offered_again", 4, |w| {
        let keys = keys(w, &["id_a", "id_b"]);
        for name in ["copy_1", "copy_2"] {
            w.write(&format!(".ssh/{name}"), fs::read(&keys[0].path).unwrap(), 0o600);
        }
        load(w, &[&keys[0]]);
        let copies = ["copy_1", "copy_2"].map(|name| w.dot_ssh(name));
        args![
            "-i",
            keys[1].arg(),
            "-i",
            copies[0].display(),
            "-i",
            keys[0].arg(),
            "-i",
            copies[1].display()
        ]
    });
}

#[test]
fn a_certificate_beside_its_key() {
    same_order("a_certificate_beside_its_key", 4, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c"]);
        certify(w, &keys[0], &[]);
        load(w, &[&keys[1]]);
        args!["-i", keys[0].arg(), "-i", keys[1].arg(), "-i", keys[2].arg()]
    });
}

#[test]
fn a_certificate_in_the_agent() {
    same_order("a_certificate_in_the_agent", 3, |w| {
        let keys = keys(w, &["id_a", "id_b"]);
        certify(w, &keys[0], &[]);
        load(w, &[&keys[1], &keys[0]]);
        args!["-i", keys[0].arg()]
    });
}

#[test]
fn a_certificate_that_is_named_comes_before_all() {
    same_order("a_certificate_that_is_named_comes_before_all", 4, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c"]);
        certify(w, &keys[0], &[]);
        load(w, &[&keys[1], &keys[2]]);
        let certificate = format!("CertificateFile={}-cert.pub", keys[0].arg());
        args!["-o", certificate, "-i", keys[2].arg(), "-i", keys[0].arg()]
    });
}

#[test]
fn a_certificate_of_a_host_is_passed_over() {
    same_order("a_certificate_of_a_host_is_passed_over", 1, |w| {
        let key = w.key("id_a", "ed25519");
        certify(w, &key, &["-h"]);
        args!["-i", key.arg(), "-i", format!("{}-cert.pub", key.arg())]
    });
}

#[test]
fn types_that_the_client_leaves_out() {
    same_order("types_that_the_client_leaves_out", 2, |w| {
        let (a, r, e) = (w.key("id_a", "ed25519"), w.key("id_r", "rsa"), w.key("id_e", "ecdsa"));
        load(w, &[&e, &r, &a]);
        let allowed = "PubkeyAcceptedAlgorithms=ssh-ed25519,rsa-sha2-256";
        args!["-o", allowed, "-i", a.arg(), "-i", e.arg()]
    });
}

#[test]
fn default_names() {
    same_order("default_names", 2, |w| {
        // The real home of the account has none; these are named as a configuration would.
        let (r, a) = (w.key("id_rsa", "rsa"), w.key("id_ed25519", "ed25519"));
        w.config(&format!("IdentityFile {}\nIdentityFile {}", r.arg(), a.arg()));
        args![]
    });
}

#[test]
fn broken_files_keep_their_place_or_lose_it() {
    same_order("broken_files_keep_their_place_or_lose_it", 3, |w| {
        let keys = keys(w, &["id_a", "id_b", "id_c", "id_d"]);
        // Damaged with its .pub: offered all the same. Damaged without: no more.
        w.write(".ssh/id_a", "rubbish\n", 0o600);
        w.write(".ssh/id_b", "", 0o600);
        w.without_pub(&keys[1]);
        w.write(".ssh/id_c", fs::read(&keys[2].path).unwrap(), 0o644);
        let [a, b, c, d] = &keys[..] else { panic!() };
        args!["-i", a.arg(), "-i", b.arg(), "-i", c.arg(), "-i", d.arg()]
    });
}
