//! What people type, and `ssh` takes though something else was meant.

use crate::{
    oracle::{
        self,
        Expect::{NotReady, Ready},
    },
    situations::{args, me, situations},
    world::World,
};

/// A server that takes the one key.
fn with_key(w: &mut World, target: &str) -> Vec<String> {
    let key = w.key("id_a", "ed25519");
    let port = w.sshd(&[&key], &[]);
    args!["-i", key.arg(), "-p", port, target]
}

situations! {
    user_with_a_domain: NotReady("key-not-accepted"), |w| {
        let target = format!("{}@corp@127.0.0.1", w.person.name);
        (with_key(w, &target), None)
    }
    /// OpenSSH's server cuts the name at the colon.
    user_with_a_password: Ready, |w| {
        let target = format!("{}:hunter2@127.0.0.1", w.person.name);
        (with_key(w, &target), None)
    }
    address_of_two_numbers: Ready, |w| {
        let target = format!("{}@127.1", w.person.name);
        (with_key(w, &target), None)
    }
    address_in_octal: Ready, |w| {
        let target = format!("{}@0177.0.0.1", w.person.name);
        (with_key(w, &target), None)
    }
    host_key_that_is_too_small: NotReady("host-key-too-weak"), |w| {
        let key = w.key("id_a", "ed25519");
        let host = w.server_key("host_rsa", "rsa");
        let port = w.sshd_with(&host, &[&key], &[]);
        w.know(&format!("[127.0.0.1]:{port} {}", host.public));
        (args!["-o", "RequiredRSASize=8192", "-i", key.arg(), "-p", port, me(w)], None)
    }
    address_that_is_none: NotReady("target-invalid"), |w| { (with_key(w, "ada@10.0.2.300"), None) }
    letters_outside_ascii: NotReady("target-invalid"), |w| {
        (with_key(w, "ada@b\u{fc}cher.invalid"), None)
    }
    label_that_is_too_long: NotReady("target-invalid"), |w| {
        (with_key(w, &format!("ada@{}.invalid", "a".repeat(64))), None)
    }
    /// The configuration may give a meaning to a name that cannot exist.
    impossible_name_that_the_configuration_knows: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.config(&format!("Host 10.0.2.300\n  HostName 127.0.0.1\n  Port {port}\n"));
        let target = format!("{}@10.0.2.300", w.person.name);
        (args!["-i", key.arg(), target], None)
    }
}

/// What is refused here, `ssh` does not get in with either.
#[test]
fn what_is_refused_does_not_work_for_ssh() {
    crate::in_a_world("what_is_refused_does_not_work_for_ssh", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let good = me(w);
        for target in [
            format!("{good}:{port}"),
            format!("{good}/24"),
            format!("{good}/"),
            format!("{good},"),
            format!("<{good}>"),
            format!("{good}\u{a0}"),
            format!("\u{201c}{good}\u{201d}"),
            format!("https://{good}"),
            format!("mailto:{good}"),
            format!("{}@[127.0.0.1]", w.person.name),
            format!("{good}:path/in/repository.git"),
            format!("ssh -A {good}"),
            format!("ssh://{good}/path"),
            format!("{}@", w.person.name),
        ] {
            let typed = args!["-i", key.arg(), "-p", port, target];
            let ended = oracle::preflight(w, &oracle::with_config(w, &typed));
            assert_eq!(ended.code(), Some(2), "{target}: {}", ended.stdout);
            assert!(ended.stderr.contains("target-invalid"), "{target}: {}", ended.stderr);
            let ssh = oracle::ssh(w, &oracle::with_config(w, &typed));
            assert_ne!(ssh.code(), Some(0), "ssh takes {target}");
        }
    });
}
