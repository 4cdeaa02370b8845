//! Copies between two hosts, with `ssh -A SOURCE scp …` as the oracle.

mod advice;
mod commands;
mod names;
mod network;
mod older;
mod service;
mod settings;

use std::fs;

use serde_json::Value;

use crate::{
    cases, in_a_world, oracle,
    person::Ended,
    situations::args,
    table,
    world::{Key, World},
};
use network::Ends;

/// What the program has to say: the verdict and the cause.
type Expect = (&'static str, Option<&'static str>);
const READY: Expect = ("ready", None);

/// A network in which both ends take the key that the agent holds.
fn in_ends(name: &str, test: impl FnOnce(&mut Ends, &Key)) {
    let tools = ["/usr/sbin/ip", "/usr/sbin/nft", "/usr/bin/scp"];
    if let Some(tool) = tools.into_iter().find(|tool| !std::path::Path::new(tool).exists()) {
        return crate::skip(name, &format!("{tool} is not installed"));
    }
    if crate::person::person().is_some_and(|person| !person.by_root) {
        return crate::skip(name, "only root may make network namespaces");
    }
    in_a_world(name, |world| {
        let own = std::mem::replace(world, World::new(world.person));
        let mut ends = Ends::new(own);
        let key = ends.world.key("id_a", "ed25519");
        ends.world.agent(&[&key]);
        for place in ["source", "dest"] {
            ends.serve(place, &key.public, &[], "");
        }
        ends.source_knows(&ends.known());
        test(&mut ends, &key);
    });
}

fn target(ends: &Ends, host: &str) -> String {
    format!("{}@{host}", ends.world.person.name)
}

/// What a run of the program came to.
struct Looked {
    ended: Ended,
    report: Value,
    recorded: String,
    /// The report for people, with all details.
    text: String,
    /// The same with everything private taken out.
    redacted: String,
}

/// Runs the program with these words, recorded and as JSON. Nothing is changed at either end, no secret is
/// shown, and judged again the recording says the same.
fn looked(ends: &Ends, words: Vec<String>) -> Looked {
    let file = ends.world.out("pair.json");
    let own = args!["--format", "json", "--timeout", "30s", "--record", file.to_str().unwrap()];
    for place in ["source", "dest"] {
        ends.forget_log(place);
    }
    let before = ["source", "dest"].map(|place| ends.listing(place));
    let ended = ends.preflight(&[words, own].concat());
    assert_eq!(before, ["source", "dest"].map(|place| ends.listing(place)), "nothing is changed");
    let report = oracle::report(&ended);
    let recorded = fs::read_to_string(&file).unwrap();
    for secret in &ends.world.secrets {
        assert!(!recorded.contains(secret.as_str()) && !ended.stdout.contains(secret.as_str()));
    }
    let replay = |more: &[&str]| {
        let words = [more, &["--replay", file.to_str().unwrap()]].concat();
        ends.preflight(&words.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let replayed = replay(&["--format", "json"]);
    let again = oracle::report(&replayed);
    for part in ["verdict", "diagnosis", "commands", "copy", "service"] {
        assert_eq!(report[part], again[part], "the same when replayed: {part}");
    }
    assert_eq!(ended.code(), replayed.code(), "the same when replayed");
    let (text, redacted) = (replay(&["--verbose"]).stdout, replay(&["--redact=all"]).stdout);
    Looked { ended, report, recorded, text, redacted }
}

/// Runs the program, then scp as the person would, and holds the two together.
fn situation(name: &str, ends: &Ends, more: &[&str], expect: Expect) -> Value {
    let (from, to) = (target(ends, "shop-staging.example.test"), target(ends, "shop.example.test"));
    let config = ends.world.dot_ssh("config");
    let config = config.to_str().unwrap();
    let mut words = args!["copy", "-F", config, from, to];
    words.extend(more.iter().map(|word| (*word).to_owned()));
    let Looked { ended, report, recorded, text, .. } = looked(ends, words);
    harmless(ends, &report);

    // What is advised is what is run; else what the provider's page says: the short name.
    let wanted =
        more.iter().position(|word| *word == "--file").map_or("hello.txt", |n| more[n + 1]);
    let advised = report["commands"][1]["command"].as_str().map(|scp| scp.replace("FILE", wanted));
    let usual = || format!("scp '{wanted}' '{}:{wanted}'", target(ends, "shop"));
    let copy = advised.unwrap_or_else(usual);
    let copy = copy.replacen("scp", "scp -o BatchMode=yes -o ConnectTimeout=4", 1);
    let mut words = args!["-A", "-F", config, "-o", "BatchMode=yes", "-o", "ConnectTimeout=4"];
    words.extend(args![target(ends, "shop-staging.example.test"), copy]);
    let ssh = ends.ssh(&words);
    // scp ends with this, whatever ssh below it has said.
    let stderr = ssh.stderr.replace("scp: Connection closed", "");
    let ssh = Ended { stderr, ..ssh };
    let told = format!("{name}\nscp: {:?} {}\n{text}", ssh.code(), ssh.stderr);
    let id = report["diagnosis"]["id"].as_str();
    assert_eq!((report["verdict"].as_str().unwrap(), id), expect, "{told}");
    if expect.0 != "inconclusive" {
        assert_eq!(expect.0 == "ready", ssh.code() == Some(0), "scp is the oracle: {told}");
    }
    let code = match expect.0 {
        "ready" => 0,
        "not-ready" => 1,
        _ => 3,
    };
    assert_eq!(ended.code(), Some(code), "{told}");
    for line in report["diagnosis"]["ssh_says"].as_array().into_iter().flatten() {
        let said = ssh.stderr.replace('\r', "");
        assert!(said.contains(line.as_str().unwrap()), "{line} is not what is said: {told}");
    }
    // What the copy left goes again.
    if ssh.code() == Some(0) {
        let at = ends.home("dest").join(wanted);
        fs::remove_file(if at.is_dir() { at.join(wanted) } else { at }).unwrap();
        ends.file("dest", "hello.txt", &"x".repeat(2000));
    }
    println!("{text}");
    // The last line of a scp that fails is the one to show, whatever its status.
    let failed = std::os::unix::process::ExitStatusExt::from_raw(255 << 8);
    let status = ssh.status.map(|status| if status.success() { status } else { failed });
    table::row(&name.replace(' ', "_"), &ends.world, &Ended { status, ..ssh }, id);
    cases::keep(&name.replace(' ', "_"), &ends.world, &recorded);
    report
}

/// What was announced is what came: one login at the source, and none at the destination that was not
/// asked for.
fn harmless(ends: &Ends, report: &Value) {
    let log = ends.log("source");
    assert!(log.matches("Connection from 198.51.100.2 ").count() <= 1, "{log}");
    assert!(log.matches("Accepted publickey").count() <= 1, "{log}");
    let run: Vec<_> = log
        .lines()
        .filter_map(|line| line.split_once("Starting session: command for ").map(|(_, rest)| rest))
        .collect();
    let sessions = log.matches("Starting session: ").count();
    assert_eq!(sessions, run.len(), "no shell and no subsystem: {log}");
    let log = ends.log("dest");
    let from_source = log.matches("Connection from 198.51.100.18 ").count();
    let from_here = log.matches("Connection from 198.51.100.2 ").count();
    assert!(from_source <= 1 && from_here <= 1, "{log}");
    let hop = report["reports"].as_array().unwrap().iter().find(|r| r["role"] == "hop");
    let tcp = hop.map(|hop| check(hop, "tcp")["evidence"]["instead"].is_object());
    let asked = !report["copy"]["file"].is_null() || tcp == Some(true);
    let logins = log.matches("Accepted publickey").count();
    assert!(logins <= usize::from(asked), "{log}");
}

fn part<'r>(report: &'r Value, role: &str) -> &'r Value {
    let reports = report["reports"].as_array().unwrap();
    reports.iter().find(|r| r["role"] == role).unwrap_or_else(|| panic!("no {role}: {report:#}"))
}

fn check<'r>(report: &'r Value, id: &str) -> &'r Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|c| c["id"] == id).unwrap()
}

fn status<'r>(report: &'r Value, role: &str, id: &str) -> &'r str {
    check(part(report, role), id)["status"].as_str().unwrap()
}

fn says(report: &Value, words: &str) {
    let all = report["diagnosis"].to_string();
    assert!(all.contains(words), "{words:?} is not said: {all}");
}

#[test]
fn copies_that_work() {
    in_ends("copies_that_work", |ends, key| {
        let report = situation("copy between two hosts", ends, &[], READY);
        assert_eq!(status(&report, "source", "copy"), "pass", "{report:#}");
        assert_eq!(status(&report, "hop", "host-key"), "pass");
        let scp = report["commands"][1]["command"].as_str().unwrap();
        assert_eq!(scp, format!("scp FILE {}:FILE", target(ends, "shop")));
        assert!(!ends.log("dest").contains("Starting session: command for"));

        let report = situation("copy of a file", ends, &["--file", "hello.txt"], READY);
        assert_eq!(status(&report, "source", "copy"), "warn", "it is there already: {report:#}");

        // Known by a hashed name.
        let salted = ends.world.out("hashed");
        fs::write(&salted, ends.known()).unwrap();
        let mut hash = std::process::Command::new("ssh-keygen");
        ends.world.must(hash.args(["-q", "-H", "-f"]).arg(&salted));
        ends.source_knows(&fs::read_to_string(&salted).unwrap());
        situation("copy to a host that the source knows by a hash", ends, &[], READY);
        ends.source_knows(&ends.known());

        // The source lets nobody through: its own ssh is asked, with one signature.
        ends.serve("source", &key.public, &["AllowTcpForwarding no"], "");
        let report = situation("copy where tunnels are forbidden", ends, &[], READY);
        assert!(report.to_string().contains("Your agent signed 1 login"), "{report:#}");

        ends.serve("source", &key.public, &[], "");
        // The full name is the one that works there.
        ends.hosts("source", "198.51.100.34 shop.example.test\n");
        ends.source_knows(&ends.known().replace("shop", "shop.example.test"));
        let name = "copy by the full name";
        let report = situation(name, ends, &[], READY);
        assert_eq!(part(&report, "hop")["target"]["host"], "shop.example.test");
        ends.hosts("source", "198.51.100.34 shop\n");
        ends.source_knows(&ends.known());

        ends.rule("ip saddr 198.51.100.2 ip daddr 198.51.100.34 tcp dport 22 reject");
        let report = situation("destination that only the source reaches", ends, &[], READY);
        assert_eq!(status(&report, "destination", "tcp"), "warn", "{report:#}");
    });
}

#[test]
fn ways_that_are_shut() {
    in_ends("ways_that_are_shut", |ends, _| {
        ends.hosts("source", "");
        let name = "name is not known at the source";
        let report = situation(name, ends, &[], ("not-ready", Some("second-hop-name")));
        says(&report, "hostname");
        says(&report, "scp -3");
        ends.hosts("source", "198.51.100.34 shop\n");

        ends.rule("ip saddr 198.51.100.18 tcp dport 22 drop");
        let name = "port is filtered from the source";
        let report = situation(name, ends, &[], ("not-ready", Some("second-hop-failed")));
        says(&report, "only the way from the source is at fault");
        ends.rule("ip saddr 198.51.100.18 tcp dport 22 reject with tcp reset");
        let name = "port refuses the source";
        let report = situation(name, ends, &[], ("not-ready", Some("second-hop-failed")));
        says(&report, "refused");
        ends.rule("");
        ends.stop("dest");
        let name = "destination refuses everybody";
        let report = situation(name, ends, &[], ("not-ready", Some("second-hop-failed")));
        says(&report, "From this computer it is the same");
        says(&report, "Begin with the destination itself");
        ends.rule("ip saddr 198.51.100.2 tcp dport 22 ip daddr 198.51.100.18 reject");
        let name = "source cannot be reached";
        situation(name, ends, &[], ("not-ready", Some("refused-on-the-way")));
    });
}

#[test]
fn keys_of_a_copy() {
    in_ends("keys_of_a_copy", |ends, key| {
        let stranger = ends.world.server_key("stranger", "ed25519");
        ends.serve("dest", &stranger.public, &[], "");
        let name = "destination does not take the key";
        let report = situation(name, ends, &[], ("not-ready", Some("key-not-accepted")));
        assert_eq!(report["diagnosis"]["between"]["to"], target(ends, "shop.example.test"));
        says(&report, "From this computer it is the same");
        // The same, as ssh there tells it.
        ends.serve("source", &key.public, &["PermitOpen none"], "");
        let name = "destination does not take the key and tunnels are forbidden";
        situation(name, ends, &[], ("not-ready", Some("key-not-accepted")));
        ends.serve("source", &key.public, &[], "");
        // ssh at the source has a key of its own, which would do.
        let own = fs::read_to_string(&stranger.path).unwrap();
        ends.file("source", ".ssh/id_ed25519", &own);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(ends.home("source").join(".ssh/id_ed25519"), mode).unwrap();
        let name = "source has a key of its own";
        let report = situation(name, ends, &[], ("inconclusive", Some("not-examined")));
        says(&report, "id_ed25519");
        fs::remove_file(ends.home("source").join(".ssh/id_ed25519")).unwrap();
        ends.serve("dest", &key.public, &[], "");

        // Another key than the source knows; unknown.
        ends.source_knows(&format!("shop {}\n", stranger.public));
        let name = "source knows another key of the destination";
        let report = situation(name, ends, &[], ("not-ready", Some("host-key-changed")));
        says(&report, "ssh-keygen -R shop");
        ends.source_knows("");
        let name = "source does not know the destination";
        let report = situation(name, ends, &[], ("not-ready", Some("host-key-unknown")));
        says(&report, "SHA256:");
        ends.source_knows(&ends.known());

        ends.serve("source", &key.public, &["AllowAgentForwarding no"], "");
        let name = "source forwards no agent";
        situation(name, ends, &[], ("not-ready", Some("forwarding-refused")));

        ends.serve("source", &stranger.public, &[], "");
        let name = "source does not take the key";
        let report = situation(name, ends, &[], ("not-ready", Some("key-not-accepted")));
        assert_eq!(report["diagnosis"]["between"], Value::Null, "it is the source");
        ends.serve("source", &key.public, &[], "");

        let config = format!("Host *\nIdentityFile {}\n", key.arg());
        ends.world.config(&config);
        // The destination takes a key that is in a file alone: it works from here, and not from there.
        let other = ends.world.key("id_b", "ed25519");
        ends.world.config(&format!("{config}IdentityFile {}\n", other.arg()));
        ends.serve("dest", &other.public, &[], "");
        let name = "destination takes a key that is not in the agent";
        let report = situation(name, ends, &[], ("not-ready", Some("key-not-accepted")));
        let load = report["diagnosis"]["next_steps"][0]["command"].as_str().unwrap();
        assert!(load.starts_with("ssh-add ") && load.ends_with("id_b"), "{load}");
        ends.world.config(&config);
        ends.serve("dest", &key.public, &[], "");

        let full = ends.world.agent.take();
        let name = "copy without an agent";
        situation(name, ends, &[], ("not-ready", Some("agent-not-running")));
        ends.world.agent = full;
        let mut empty = ends.world.command("ssh-add");
        empty.env("SSH_AUTH_SOCK", ends.world.agent.as_ref().unwrap()).args(["-q", "-D"]);
        ends.world.must(&mut empty);
        let name = "copy with an empty agent";
        situation(name, ends, &[], ("not-ready", Some("agent-empty")));
    });
}

/// What comes behind the key at the destination, which only a named file asks for.
#[test]
fn doors_of_a_copy() {
    in_ends("doors_of_a_copy", |ends, key| {
        let file = ["--file", "hello.txt"];
        for (setting, name, expect) in [
            (
                "AuthenticationMethods publickey,password",
                "destination wants a password as well",
                ("not-ready", Some("second-factor-needed")),
            ),
            ("MaxSessions 0", "destination opens no session", ("not-ready", Some("login-refused"))),
            (
                "ForceCommand echo no entry",
                "destination runs another command",
                ("not-ready", Some("sftp-noise")),
            ),
            ("ForceCommand internal-sftp", "destination has SFTP alone", READY),
        ] {
            ends.serve("dest", &key.public, &["PasswordAuthentication yes", setting], "");
            situation(name, ends, &file, expect);
        }
    });
}

#[test]
fn files_of_a_copy() {
    in_ends("files_of_a_copy", |ends, key| {
        let file = ["--file", "no such file.sql"];
        let name = "file to copy is missing";
        situation(name, ends, &file, ("not-ready", Some("copy-file-missing")));
        let file = ["--file", ".ssh/known_hosts"];
        fs::remove_dir_all(ends.home("dest").join(".ssh")).unwrap();
        let name = "folder is missing at the destination";
        situation(name, ends, &file, ("not-ready", Some("copy-not-writable")));
        ends.file("source", "big.sql", &"x".repeat(900_000));
        let home = ends.world.person.passwd_home.display().to_string();
        let owner = ends.world.person.uid;
        let small = format!("mount -t tmpfs -o size=512k,mode=755,uid={owner} tmpfs {home}");
        ends.serve("dest", &key.public, &[], &small);
        let file = ["--file", "big.sql"];
        let name = "no room at the destination";
        let report = situation(name, ends, &file, ("not-ready", Some("copy-no-room")));
        says(&report, "878.9 KiB");

        // What is there makes room as it is overwritten.
        ends.file("source", "again.sql", &"x".repeat(300_000));
        ends.file("dest", "again.sql", "below the other");
        let there = format!(
            "{small}\nhead -c 300000 /dev/zero > {home}/again.sql\nchown {owner} {home}/again.sql"
        );
        ends.serve("dest", &key.public, &[], &there);
        let name = "room is made by what is overwritten";
        situation(name, ends, &["--file", "again.sql"], READY);

        // A file of that name is there, and the source may not be read.
        ends.serve("dest", &key.public, &[], "");
        // A file of that name is there, and may not be written; a folder of that name is there.
        ends.file("source", "ro.sql", "new");
        ends.file("dest", "ro.sql", "old");
        let (ro, folder) = (ends.home("dest").join("ro.sql"), ends.home("dest").join("d.sql"));
        std::os::unix::fs::chown(&ro, Some(0), Some(0)).unwrap();
        let name = "file at the destination belongs to another";
        situation(name, ends, &["--file", "ro.sql"], ("not-ready", Some("copy-not-writable")));
        ends.file("source", "d.sql", "new");
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::chown(&folder, Some(owner), None).unwrap();
        let name = "folder at the destination has the name of the file";
        let report = situation(name, ends, &["--file", "d.sql"], READY);
        assert_eq!(status(&report, "source", "copy"), "warn", "{report:#}");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs::set_permissions(ends.home("source").join("big.sql"), mode).unwrap();
        let name = "file to copy may not be read";
        situation(name, ends, &file, ("not-ready", Some("copy-file-missing")));
    });
}
