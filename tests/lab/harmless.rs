//! Do no harm: one connection, nothing signed, nobody logged in, nothing written.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use super::scene::Scene;

/// How often words are in sshd's log.
fn count(log: &str, words: &str) -> usize {
    log.matches(words).count()
}

#[test]
fn one_connection_and_no_login() {
    let Some(mut scene) = Scene::new("one_connection_and_no_login") else { return };
    scene.key("other", &["-t", "ed25519"]);
    scene.agent(&["id", "other"]);
    let sshd = scene.sshd(&[]);
    scene.identity("id");
    let out = scene.run(&["-A".into(), scene.at(sshd.port)]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    // The goodbye is written when the program is gone.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let log = sshd.log();
    assert_eq!(count(&log, "Connection from 127.0.0.1"), 1, "{log}");
    assert_eq!(count(&log, "Postponed publickey"), 1, "{log}");
    for words in
        ["Accepted publickey", "Starting session", "session opened", "User child is on pid"]
    {
        assert_eq!(count(&log, words), 0, "{words}: {log}");
    }
    assert!(log.contains("ssh-preflight_"), "it names itself: {log}");
    let bye = log.contains("Received disconnect") || log.contains("Disconnected from");
    assert!(bye, "it says goodbye: {log}");
}

#[test]
fn never_more_keys_than_a_default_server_bears() {
    let Some(mut scene) = Scene::new("never_more_keys_than_a_default_server_bears") else { return };
    let names: Vec<_> = (1..=9).map(|n| format!("other{n}")).collect();
    for name in &names {
        scene.key(name, &["-t", "ed25519"]);
    }
    scene.agent(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let sshd = scene.sshd(&["MaxAuthTries 20"]);
    scene.set("IdentityFile none");
    scene.run(&[scene.at(sshd.port)]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let log = sshd.log();
    assert_eq!(count(&log, "Failed publickey"), 6, "{log}");
}

#[test]
fn a_server_in_doubt_is_asked_nothing() {
    let Some(mut scene) = Scene::new("a_server_in_doubt_is_asked_nothing") else { return };
    let sshd = scene.sshd(&[]);
    scene.key("other", &["-t", "ed25519"]);
    scene.known(sshd.port, "other");
    scene.identity("id");
    scene.run(&[scene.at(sshd.port)]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let log = sshd.log();
    assert_eq!(count(&log, "userauth-request"), 0, "{log}");
}

/// Every file below a folder: content and time of change.
fn listing(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.extend(listing(&path));
        } else if kind.is_file() && path.extension().is_none_or(|e| e != "log") {
            let changed = entry.metadata().unwrap().modified().unwrap();
            found.insert(path.display().to_string(), (fs::read(&path).unwrap(), changed));
        }
    }
    found
}

#[test]
fn nothing_is_written() {
    let Some(mut scene) = Scene::new("nothing_is_written") else { return };
    scene.agent(&["id"]);
    let sshd = scene.sshd(&[]);
    scene.identity("id");
    scene.write("known_hosts", "", 0o600);
    scene.set("StrictHostKeyChecking accept-new");
    scene.set("HashKnownHosts yes");
    let words = [scene.at(sshd.port)];
    // Writes the configuration, which must not count as a change.
    scene.run(&words);
    let (before, agent) = (listing(scene.folder()), scene.tool("ssh-add", &["-l"]));
    scene.run_again(&words);
    assert_eq!(listing(scene.folder()), before);
    assert_eq!(scene.tool("ssh-add", &["-l"]), agent);
}
