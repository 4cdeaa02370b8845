//! The lab: the real program against real servers, with `ssh` itself as the oracle.
//!
//! Run it through `tests/run.sh`, which installs what is needed and makes the account that the
//! lab uses where it is run by root. What cannot run is skipped by name; where `CI` is set, that
//! is a failure.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod accounts;
mod advice;
mod agent_faults;
mod agents;
mod cases;
mod comparing;
mod explained;
mod copying;
mod faults;
mod forwarded;
mod generations;
mod harmless;
mod hops;
mod hostile;
mod key_faults;
mod keyring;
mod less_usual;
mod limits;
mod login;
mod net;
mod offers;
mod other_programs;
mod oracle;
mod person;
mod proxy_commands;
mod revocation;
mod remaining;
mod services;
mod sftp;
mod situations;
mod table;
#[path = "../tools/mod.rs"]
mod tools;
mod typed;
mod with_key;
mod typed_passphrase;
mod waiting;
mod world;

use std::path::Path;

use tools::skip;
use world::World;

/// Runs a test in a world of its own, or skips it by name.
fn in_a_world(name: &str, test: impl FnOnce(&mut World)) {
    let Some(person) = person::person() else {
        return skip(name, "there is no account preflight-test (tests/run.sh makes it)");
    };
    let mut needed = vec!["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-agent"];
    if name.starts_with("dropbear") {
        needed.push("/usr/sbin/dropbear");
        if !person.by_root {
            return skip(name, "dropbear would read the authorized keys of your own home");
        }
    }
    if let Some(tool) = needed.into_iter().find(|tool| !Path::new(tool).exists()) {
        return skip(name, &format!("{tool} is not installed"));
    }
    let own = person.passwd_home.join(".ssh");
    let has_keys = std::fs::read_dir(&own).is_ok_and(|files| {
        files.flatten().any(|f| f.file_name().to_string_lossy().starts_with("id_"))
    });
    assert!(!has_keys || !person.by_root, "{} holds keys, which ssh would try", own.display());
    test(&mut World::new(person));
}

/// Runs a test in a network of its own, or skips it by name.
fn in_a_network(name: &str, test: impl FnOnce(&mut net::Net)) {
    let tools = ["/usr/sbin/ip", "/usr/sbin/nft", "/usr/sbin/dnsmasq"];
    if let Some(tool) = tools.into_iter().find(|tool| !Path::new(tool).exists()) {
        return skip(name, &format!("{tool} is not installed"));
    }
    if person::person().is_some_and(|person| !person.by_root) {
        return skip(name, "only root may make network namespaces");
    }
    in_a_world(name, |world| {
        let own = std::mem::replace(world, World::new(world.person));
        test(&mut net::Net::new(own));
    });
}
