//! Do no harm, beyond what is asserted of every run: how a conversation looks from the server.

use crate::{
    in_a_world,
    oracle::{preflight, with_config},
    situations::{args, me},
    world::{World, until},
};

/// Runs the program and returns sshd's log when the conversation is over.
fn log_of(w: &World, arguments: Vec<String>) -> String {
    preflight(w, &with_config(w, &arguments));
    until("the end of the connection", || {
        let log = w.sshd_log();
        log.contains("Disconnected from") || log.contains("closed by")
    });
    w.sshd_log()
}

#[test]
fn it_names_itself_and_says_goodbye() {
    in_a_world("it_names_itself_and_says_goodbye", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let log = log_of(w, args!["-i", key.arg(), "-p", port, me(w)]);
        assert!(log.contains("remote software version ssh-preflight_"), "{log}");
        assert!(log.contains("Received disconnect"), "{log}");
        assert_eq!(log.matches("Postponed publickey").count(), 1, "{log}");
    });
}

#[test]
fn never_more_keys_than_a_default_server_bears() {
    in_a_world("never_more_keys_than_a_default_server_bears", |w| {
        let keys: Vec<_> = (0..9).map(|n| w.key(&format!("other_{n}"), "ed25519")).collect();
        let refs: Vec<_> = keys.iter().collect();
        w.agent(&refs);
        let port = w.sshd(&[], &["MaxAuthTries 20"]);
        let log = log_of(w, args!["-o", "IdentityFile=none", "-p", port, me(w)]);
        assert_eq!(log.matches("Failed publickey").count(), 6, "{log}");
    });
}

#[test]
fn a_server_in_doubt_is_asked_nothing() {
    in_a_world("a_server_in_doubt_is_asked_nothing", |w| {
        let key = w.key("id_a", "ed25519");
        let old = w.server_key("old", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", format!("[127.0.0.1]:{port} {}\n", old.public), 0o600);
        let log = log_of(w, args!["-i", key.arg(), "-p", port, me(w)]);
        assert!(!log.contains("userauth-request"), "{log}");
    });
}
