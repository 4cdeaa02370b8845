//! Files of revoked host keys, and a command for known ones.

use std::fs;

use crate::{
    oracle::Expect::{Inconclusive, NotReady, Ready},
    situations::{args, me, situations},
    world::World,
};

/// A server, and the options that name a file of revoked keys.
fn with_list(w: &mut World, list: &str) -> Vec<String> {
    let key = w.key("id_a", "ed25519");
    let port = w.sshd(&[&key], &[]);
    let option = format!("RevokedHostKeys={}", w.dot_ssh(list).display());
    args!["-o", option, "-i", key.arg(), "-p", port, me(w)]
}

/// A key revocation list in OpenSSH's binary form.
fn krl(w: &mut World, form: &str) -> Vec<String> {
    let arguments = with_list(w, "krl");
    let public = fs::read_to_string(w.server("host.pub")).unwrap();
    let wanted = w.write(".ssh/spec", format!("{form}{public}").as_bytes(), 0o600);
    let mut make = w.person.command("ssh-keygen", &w.home());
    make.args(["-q", "-k", "-f"]).arg(w.dot_ssh("krl")).arg(&wanted);
    w.must(&mut make);
    arguments
}

/// The key is known by a command alone.
fn command(w: &mut World) -> Vec<String> {
    let key = w.key("id_a", "ed25519");
    let port = w.sshd(&[&key], &[]);
    w.write(".ssh/known_hosts", b"", 0o600);
    args!["-o", "KnownHostsCommand=/bin/true", "-i", key.arg(), "-p", port, me(w)]
}

situations! {
    revoked_by_a_list_of_keys: NotReady("host-key-revoked"), |w| {
        let arguments = with_list(w, "revoked");
        let public = fs::read(w.server("host.pub")).unwrap();
        w.write(".ssh/revoked", &public, 0o600);
        (arguments, None)
    }
    revoked_though_nothing_is_strict: NotReady("host-key-revoked"), |w| {
        let mut arguments = krl(w, "");
        arguments.splice(0..0, args!["-o", "StrictHostKeyChecking=no"]);
        (arguments, None)
    }
    revoked_by_sha256: NotReady("host-key-revoked"), |w| { (krl(w, "sha256: "), None) }
    revoked_by_sha1: NotReady("host-key-revoked"), |w| { (krl(w, "sha1: "), None) }
    revoked_is_another_key: Ready, |w| {
        let arguments = with_list(w, "revoked");
        let other = w.key("other", "ed25519");
        let public = fs::read(other.pub_path()).unwrap();
        w.write(".ssh/revoked", &public, 0o600);
        (arguments, None)
    }
    revoked_list_is_missing: NotReady("revoked-keys-unreadable"), |w| {
        (with_list(w, "nowhere"), None)
    }
    known_by_a_command_perhaps: Inconclusive("not-examined"), |w| { (command(w), None) }
}
