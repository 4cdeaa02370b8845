//! Ways through a ProxyCommand, with `ssh` as the oracle.

use std::fs;

use crate::{
    hops::{THROUGH, hop, key, says},
    in_a_world,
    oracle::{
        Expect::{Inconclusive, NotReady, Ready, Unasked},
        preflight, with_config,
    },
    situations::{args, me},
    world::{World, free_port, until},
};

/// A target that takes the key, and a proxy command on the way to it.
fn command(w: &mut World, line: &str) -> Vec<String> {
    let key = key(w);
    let port = w.sshd(&[&key], &[]);
    let option = format!("ProxyCommand={line}");
    args!["-o", option, "-o", "ConnectTimeout=3", "-p", port, me(w)]
}

#[test]
fn relay() {
    hop("relay", &[], Ready, |w| (command(w, "nc -N %h %p"), None), |_, _| {});
}

#[test]
fn relay_to_a_port_that_refuses() {
    let build = |w: &mut World| (command(w, &format!("nc -v 127.0.0.1 {}", free_port())), None);
    hop("relay_to_a_port_that_refuses", &[], NotReady("proxy-failed"), build, |_, r| {
        says(r, &["Connection refused", "UNKNOWN port 65535", "nc -v 127.0.0.1"]);
    });
}

#[test]
fn relay_that_is_not_there() {
    let build = |w: &mut World| (command(w, "/usr/bin/nowhere/ncat %h %p"), None);
    hop("relay_that_is_not_there", &[], NotReady("proxy-failed"), build, |_, r| {
        says(r, &["Exit code 127", "Install ncat"]);
    });
}

#[test]
fn relay_that_may_not_run() {
    let build = |w: &mut World| {
        let file = w.write("nc", "#!/bin/sh\n", 0o644);
        (command(w, &format!("{} %h %p", file.display())), None)
    };
    hop("relay_that_may_not_run", &[], NotReady("proxy-failed"), build, |_, r| {
        says(r, &["Exit code 126", "chmod +x"]);
    });
}

#[test]
fn command_that_says_why() {
    let line = "sh -c \"echo proxy failed >&2; exit 1\"";
    let build = |w: &mut World| (command(w, line), None);
    let name = "command_that_says_why";
    hop(name, THROUGH, NotReady("proxy-failed"), build, |_, r| {
        says(r, &["proxy failed", "exit code 1"]);
    });
    hop("command_not_asked_for", &[], Inconclusive("behind-jump-host"), build, |_, r| {
        says(r, &["runs sh", "--through"]);
    });
}

#[test]
fn command_that_hangs() {
    let build = |w: &mut World| (command(w, "sleep 61.4711"), None);
    hop("command_that_hangs", THROUGH, NotReady("proxy-failed"), build, |_, r| {
        says(r, &["not one byte"]);
    });
}

/// We leave no command behind. `ssh` is not run here: one that is killed for its slowness does.
#[test]
fn command_that_hangs_is_ended() {
    in_a_world("command_that_hangs_is_ended", |w| {
        // The number tells it from every other process, those of a second run of the lab among them.
        let seconds = format!("61.{:07}", std::process::id());
        let typed = command(w, &format!("sleep {seconds}"));
        let own = THROUGH.iter().map(|word| (*word).to_owned());
        let ended = preflight(w, &own.chain(with_config(w, &typed)).collect::<Vec<_>>());
        assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
        until("the end of the command", || !runs(&seconds));
    });
}

/// Whether a process has this word among its arguments.
fn runs(word: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').any(|argument| argument == word)
    })
}

#[test]
fn token_that_ssh_does_not_know() {
    let build = |w: &mut World| (command(w, "nc %h %z"), None);
    let name = "token_that_ssh_does_not_know";
    hop(name, &[], NotReady("proxy-failed"), build, |_, r| says(r, &["%z"]));
}

#[test]
fn connection_that_is_handed_over() {
    let build = |w: &mut World| {
        let arguments = command(w, "nc %h %p");
        ([args!["-o", "ProxyUseFdpass=yes"], arguments].concat(), None)
    };
    let name = "connection_that_is_handed_over";
    hop(name, &[], Inconclusive("not-examined"), build, |_, r| says(r, &["ProxyUseFdpass"]));
}

/// A proxy command that logs in: `ssh -W`, as many have it.
fn by_ssh(w: &mut World, settings: &[&str]) -> Vec<String> {
    let key = key(w);
    let jump = w.jump_host(&key.public, settings);
    let port = w.sshd(&[&key], &[]);
    let config = w.dot_ssh("config");
    let option = format!("ProxyCommand=ssh -F {} -p {jump} -W %h:%p {}", config.display(), me(w));
    args!["-o", option, "-p", port, me(w)]
}

#[test]
fn command_that_logs_in() {
    let build = |w: &mut World| (by_ssh(w, &[]), None);
    hop("command_that_logs_in", &[], Unasked("behind-jump-host"), build, |_, r| {
        says(r, &["runs ssh", "--through"]);
    });
    hop("through_a_command_that_logs_in", THROUGH, Ready, build, |_, _| {});
}

#[test]
fn command_that_may_not_go_on() {
    let build = |w: &mut World| (by_ssh(w, &["AllowTcpForwarding no"]), None);
    let name = "command_that_may_not_go_on";
    hop(name, THROUGH, NotReady("forwarding-prohibited"), build, |_, _| {});
}
