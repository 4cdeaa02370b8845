//! Agents: the order of what they hold, and their forwarding.

use crate::{
    oracle::Expect::{ButLogsIn, Ready},
    situations::{args, me, situations},
    world::{Key, World},
};

/// Keys that the server does not know.
fn others(w: &mut World, count: usize) -> Vec<Key> {
    (0..count).map(|n| w.key(&format!("other_{n}"), "ed25519")).collect()
}

fn load(w: &mut World, keys: &[Key]) {
    let refs: Vec<_> = keys.iter().collect();
    w.agent(&refs);
}

situations! {
    third_key_of_the_agent: Ready, |w| {
        let (key, mut keys) = (w.key("id_a", "ed25519"), others(w, 2));
        keys.push(key.clone());
        load(w, &keys);
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "IdentityFile=none", "-p", port, me(w)], None)
    }
    agents_copy_of_the_named_key_comes_first: Ready, |w| {
        let (key, mut keys) = (w.key("id_a", "ed25519"), others(w, 4));
        keys.push(key.clone());
        load(w, &keys);
        let port = w.sshd(&[&key], &["MaxAuthTries 3"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    forwarding: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        load(w, std::slice::from_ref(&key));
        let port = w.sshd(&[&key], &[]);
        (args!["-A", "-i", key.arg(), "-p", port, me(w)], None)
    }
    forwarding_without_an_agent: ButLogsIn("agent-not-running"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-A", "-i", key.arg(), "-p", port, me(w)], None)
    }
    forwarding_an_empty_agent: ButLogsIn("agent-empty"), |w| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[]);
        let port = w.sshd(&[&key], &[]);
        (args!["-A", "-i", key.arg(), "-p", port, me(w)], None)
    }
    forwarding_an_agent_that_lacks_the_key: ButLogsIn("agent-lacks-key"), |w| {
        let (key, keys) = (w.key("id_a", "ed25519"), others(w, 1));
        load(w, &keys);
        let port = w.sshd(&[&key], &[]);
        (args!["-A", "-i", key.arg(), "-p", port, me(w)], None)
    }
    forwarding_an_agent_that_has_ended: ButLogsIn("agent-unreachable"), |w| {
        let key = w.key("id_a", "ed25519");
        w.agent = Some(w.dot_ssh("gone.sock"));
        let port = w.sshd(&[&key], &[]);
        (args!["-A", "-i", key.arg(), "-p", port, me(w)], None)
    }
}
