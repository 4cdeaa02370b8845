//! Both generations of OpenSSH: a good part of the situations against the `sshd` of OpenSSH 10, and
//! with its `ssh` as the oracle and as what the program asks for the configuration.
//!
//! Where the installed OpenSSH is 10 already, there is only one, and the situations run with that.

use std::fs;

use crate::{
    in_a_world,
    oracle::{
        self,
        Expect::{self, Inconclusive, NotReady, Ready},
    },
    situations::{args, me},
    skip,
    world::{Key, OpenSsh, World},
};

/// Runs one situation with this server and this client.
pub fn with(
    name: &str,
    server: OpenSsh,
    client: OpenSsh,
    expect: Expect,
    situation: impl FnOnce(&mut World) -> Vec<String>,
) {
    if !OpenSsh::Ten.is_there() {
        return skip(name, "there is no OpenSSH 10 (tests/openssh10.sh fetches it)");
    }
    in_a_world(name, |world| {
        (world.server_is, world.client_is) = (server, client);
        let arguments = situation(world);
        oracle::compare(name, world, &arguments, expect);
    });
}

/// `name: expected, |world| arguments;` is a test for each of the three pairs that have a younger
/// part.
macro_rules! generations {
    ($($(#[$doc:meta])* $name:ident: $expect:expr, |$world:ident| $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "each situation uses some of them")]
            use super::*;
            use OpenSsh::{Installed, Ten};

            fn situation($world: &mut World) -> Vec<String> $body

            #[test]
            fn new_server() {
                with(concat!(stringify!($name), "/new-server"), Ten, Installed, $expect, situation);
            }
            #[test]
            fn new_client() {
                with(concat!(stringify!($name), "/new-client"), Installed, Ten, $expect, situation);
            }
            #[test]
            fn both_new() {
                with(concat!(stringify!($name), "/both-new"), Ten, Ten, $expect, situation);
            }
        }
    )*};
}

generations! {
    key_file: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    rsa_key: Ready, |w| {
        let key = w.key("id_rsa", "rsa");
        let port = w.sshd(&[&key], &[]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    agent_alone: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[&key]);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        args!["-p", port, me(w)]
    }
    certificate: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let authority = w.server_key("ca", "ed25519");
        let name = w.person.name.clone();
        w.certify(&authority, &key.pub_path(), &["-n", &name, "-V", "+1h"]);
        let port = w.sshd(&[], &[&format!("TrustedUserCAKeys {}.pub", authority.arg())]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    wrong_key: NotReady("key-not-accepted"), |w| {
        let (mine, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &[]);
        args!["-i", mine.arg(), "-p", port, me(w)]
    }
    wrong_user: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        args!["-i", key.arg(), "-p", port, "nosuchuser@127.0.0.1"]
    }
    password_only: NotReady("password-only"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["PubkeyAuthentication no"]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    no_method_at_all: NotReady("password-only"), |w| {
        let key = w.key("id_a", "ed25519");
        let off = "PubkeyAuthentication no\nPasswordAuthentication no\nKbdInteractiveAuthentication no";
        let port = w.sshd(&[&key], &[off]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    too_many_keys: NotReady("too-many-keys"), |w| {
        let keys = loaded(w, 4);
        let port = w.sshd(&[&keys[3]], &["MaxAuthTries 2"]);
        args!["-p", port, me(w)]
    }
    host_key_changed: NotReady("host-key-changed"), |w| {
        let key = w.key("id_a", "ed25519");
        let old = w.server_key("old", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", format!("[127.0.0.1]:{port} {}\n", old.public), 0o600);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    host_key_unknown: NotReady("host-key-unknown"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    no_common_cipher: NotReady("no-common-algorithm"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["Ciphers aes128-ctr"]);
        args!["-c", "aes256-gcm@openssh.com", "-i", key.arg(), "-p", port, me(w)]
    }
    key_permissions: NotReady("key-permissions"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let text = fs::read(&key.path).unwrap();
        w.write(".ssh/id_a", text, 0o644);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    key_locked: NotReady("key-locked"), |w| {
        let key = w.key_with("id_a", "ed25519", "correct horse");
        let port = w.sshd(&[&key], &[]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    key_with_windows_lines: NotReady("key-malformed"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        let text = fs::read_to_string(&key.path).unwrap();
        w.write(".ssh/id_a", text.replace('\n', "\r\n"), 0o600);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    key_pair_mismatch: NotReady("key-pair-mismatch"), |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/id_a.pub", other.public + "\n", 0o644);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    key_type_not_taken_by_server: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["PubkeyAcceptedAlgorithms rsa-sha2-512"]);
        args!["-i", key.arg(), "-p", port, me(w)]
    }
    unknown_setting: NotReady("ssh-config-invalid"), |w| {
        let port = w.sshd(&[], &[]);
        w.config("HostNaem 127.0.0.1");
        args!["-p", port, me(w)]
    }
}

/// Keys that are in the agent alone.
pub fn loaded(w: &mut World, count: usize) -> Vec<Key> {
    let keys: Vec<_> = (0..count).map(|n| w.key(&format!("key_{n}"), "ed25519")).collect();
    let refs: Vec<_> = keys.iter().collect();
    w.agent(&refs);
    keys
}

/// Settings that OpenSSH 9.2 does not know.
#[test]
fn a_user_who_is_turned_away_by_rule() {
    let expect = Inconclusive("not-examined");
    let (server, client) = (OpenSsh::Ten, OpenSsh::Installed);
    with("a_user_who_is_turned_away_by_rule/new-server", server, client, expect, |w| {
        let key = w.key("id_a", "ed25519");
        let rule = format!("Match User {}\nRefuseConnection yes\nMatch all", w.person.name);
        let port = w.sshd(&[&key], &["PerSourcePenalties no", &rule]);
        args!["-i", key.arg(), "-p", port, me(w)]
    });
}
