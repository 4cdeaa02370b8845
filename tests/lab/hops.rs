//! Ways through jump hosts, with `ssh` as the oracle.

use std::fs;

use serde_json::Value;

use crate::{
    faults::{self, Fault},
    in_a_world,
    oracle::{
        Expect::{self, NotReady, Ready, Unasked},
        compare_with, preflight, report, with_config,
    },
    person::run,
    situations::{args, me},
    world::{Key, World, free_port},
};

pub const THROUGH: &[&str] = &["--through"];

/// One test in a world of its own.
pub fn hop(
    name: &str,
    own: &[&str],
    expect: Expect,
    build: impl FnOnce(&mut World) -> (Vec<String>, Option<Fault>),
    also: impl FnOnce(&World, &Value),
) {
    in_a_world(name, |w| {
        let (arguments, _kept) = build(w);
        let report = compare_with(name, w, own, &arguments, expect);
        also(w, &report);
    });
}

/// A key that the configuration names for every host, and that both servers take.
pub fn key(w: &mut World) -> Key {
    let key = w.key("id_a", "ed25519");
    w.config(&format!("Host *\nIdentityFile {}\n", key.arg()));
    key
}

fn at(w: &World, port: u16) -> String {
    format!("{}:{port}", me(w))
}

/// A jump host with these settings, and a target behind it; both take the key.
fn pair(w: &mut World, settings: &[&str]) -> Vec<String> {
    let key = key(w);
    let jump = w.jump_host(&key.public, settings);
    let port = w.sshd(&[&key], &[]);
    args!["-J", at(w, jump), "-p", port, me(w)]
}

/// A jump host that takes the key, and something else than an SSH server behind it.
fn behind(w: &mut World, port: u16) -> Vec<String> {
    let key = key(w);
    let jump = w.jump_host(&key.public, &[]);
    args!["-J", at(w, jump), "-o", "ConnectTimeout=3", "-p", port, me(w)]
}

fn all_said(report: &Value) -> String {
    report["diagnosis"].to_string()
}

#[track_caller]
pub fn says(report: &Value, parts: &[&str]) {
    for part in parts {
        assert!(all_said(report).contains(part), "{part:?} is not said: {report:#}");
    }
}

#[track_caller]
fn at_the_jump_host(report: &Value) {
    assert_eq!(report["diagnosis"]["jump_host"], "127.0.0.1", "{report:#}");
}

#[track_caller]
fn at_the_target(report: &Value) {
    assert_eq!(report["diagnosis"]["jump_host"], Value::Null, "{report:#}");
}

#[test]
fn jump_host_that_lets_in() {
    hop(
        "jump_host_that_lets_in",
        &[],
        Unasked("behind-jump-host"),
        |w| (pair(w, &[]), None),
        |w, r| {
            says(r, &["would let you in", "--through"]);
            // The advised command is the one that finds it out.
            let command = r["diagnosis"]["next_steps"][0]["command"].as_str().unwrap();
            let words = shlex(command);
            assert_eq!(words.first().map(String::as_str), Some("ssh-preflight"));
            let again = preflight(w, &words[1..]);
            assert_eq!(again.code(), Some(0), "{}", again.stdout);
            assert_eq!(
                w.sshd_log().matches("Accepted publickey").count(),
                1,
                "ssh alone logged in"
            );
        },
    );
}

/// The words of a command, by the shell.
fn shlex(command: &str) -> Vec<String> {
    let mut shell = std::process::Command::new("/bin/sh");
    let ended = run(shell.args(["-c", &format!("printf '%s\\n' {command}")]));
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn through_a_jump_host() {
    hop(
        "through_a_jump_host",
        THROUGH,
        Ready,
        |w| (pair(w, &[]), None),
        |_, r| {
            let tcp = r["checks"].as_array().unwrap().iter().find(|c| c["id"] == "tcp").unwrap();
            assert_eq!(tcp["evidence"]["hops"][0]["verdict"], "ready", "{tcp:#}");
        },
    );
}

/// Two targets behind one jump host are one look at it.
#[test]
fn jump_host_of_two_targets() {
    in_a_world("jump_host_of_two_targets", |w| {
        let key = key(w);
        let port = w.jump_host(&key.public, &[]);
        let jump = at(w, port);
        let user = w.person.name.clone();
        let targets = ["one", "two"].map(|host| format!("{user}@{host}.invalid"));
        let own = args!["--format", "json"];
        let typed = [args!["-J", jump], targets.to_vec()].concat();
        let ended = preflight(w, &[own, with_config(w, &typed)].concat());
        let report = report(&ended);
        for one in report["reports"].as_array().unwrap() {
            assert_eq!(one["diagnosis"]["id"], "behind-jump-host", "{one:#}");
        }
        let log = w.jump_host_logs()[0].clone();
        assert_eq!(log.matches("Connection from ").count(), 1, "{log}");
    });
}

fn chain(w: &mut World) -> Vec<String> {
    let key = key(w);
    let (first, second) = (w.jump_host(&key.public, &[]), w.jump_host(&key.public, &[]));
    let port = w.sshd(&[&key], &[]);
    args!["-J", format!("{},{}", at(w, first), at(w, second)), "-p", port, me(w)]
}

#[test]
fn two_jump_hosts() {
    hop(
        "two_jump_hosts",
        &[],
        Unasked("behind-jump-host"),
        |w| (chain(w), None),
        |w, _| {
            let ours = w.jump_host_logs()[1].matches("Connection from ").count();
            assert_eq!(ours, 1, "nothing but ssh itself came to the second");
        },
    );
}

#[test]
fn through_two_jump_hosts() {
    hop(
        "through_two_jump_hosts",
        THROUGH,
        Ready,
        |w| (chain(w), None),
        |_, r| {
            let tcp = r["checks"].as_array().unwrap().iter().find(|c| c["id"] == "tcp").unwrap();
            assert_eq!(tcp["evidence"]["hops"].as_array().unwrap().len(), 2, "{tcp:#}");
        },
    );
}

#[test]
fn through_jump_hosts_of_the_configuration() {
    let build = |w: &mut World| {
        let key = w.key("id a", "ed25519");
        let (first, second) = (w.jump_host(&key.public, &[]), w.jump_host(&key.public, &[]));
        let port = w.sshd(&[&key], &[]);
        let (user, file) = (&w.person.name, key.arg());
        w.config(&format!(
            "Host first\nPort {first}\nHost second\nPort {second}\nProxyJump first\n\
             Host shop\nPort {port}\nProxyJump second\nUser nobody-of-this-name\n\
             Host *\nHostName 127.0.0.1\nUser {user}\nIdentityFile \"{file}\"\n",
        ));
        (args!["-l", user, "shop"], None)
    };
    hop("through_jump_hosts_of_the_configuration", THROUGH, Ready, build, |_, _| {});
}

#[test]
fn second_jump_host_does_not_take_the_key() {
    let build = |w: &mut World| {
        let key = key(w);
        let (first, second) = (w.jump_host(&key.public, &[]), w.jump_host("", &[]));
        let port = w.sshd(&[&key], &[]);
        let jump = format!("{},{}", at(w, first), at(w, second));
        (args!["-J", jump, "-p", port, me(w)], None)
    };
    let name = "second_jump_host_does_not_take_the_key";
    hop(name, THROUGH, NotReady("key-not-accepted"), build, |w, r| {
        at_the_jump_host(r);
        assert!(!w.sshd_log().contains("Connection from"), "the target was not reached");
    });
}

#[test]
fn jump_host_is_unknown() {
    let build = |w: &mut World| {
        let arguments = pair(w, &[]);
        let known = fs::read_to_string(w.dot_ssh("known_hosts")).unwrap();
        let target = known.lines().last().unwrap().to_owned() + "\n";
        w.write(".ssh/known_hosts", target, 0o600);
        (arguments, None)
    };
    for (name, own) in
        [("jump_host_is_unknown", &[][..]), ("jump_host_is_unknown_through", THROUGH)]
    {
        hop(name, own, NotReady("host-key-unknown"), build, |_, r| at_the_jump_host(r));
    }
}

#[test]
fn jump_host_has_another_key() {
    let build = |w: &mut World| {
        let arguments = pair(w, &[]);
        let old = w.server_key("old", "ed25519");
        let known = fs::read_to_string(w.dot_ssh("known_hosts")).unwrap();
        let (jump, target) = known.trim().split_once('\n').unwrap();
        let jump = jump.split(' ').next().unwrap();
        w.write(".ssh/known_hosts", format!("{jump} {}\n{target}\n", old.public), 0o600);
        (arguments, None)
    };
    hop("jump_host_has_another_key", THROUGH, NotReady("host-key-changed"), build, |w, r| {
        at_the_jump_host(r);
        assert!(!w.jump_host_logs()[0].contains("userauth-request"), "nothing was asked of it");
    });
}

/// What ssh accepts as new it writes down; a check writes nothing (asserted of every run).
#[test]
fn jump_host_is_accepted_as_new() {
    let build = |w: &mut World| {
        let key = w.key("id_a", "ed25519");
        let jump = w.jump_host(&key.public, &[]);
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        w.config(&format!(
            "Host *\nIdentityFile {}\nStrictHostKeyChecking accept-new\nControlMaster auto\n\
             ControlPath {}\nControlPersist 20\nPermitLocalCommand yes\nLocalCommand touch {}\n",
            key.arg(),
            w.dot_ssh("cm-%C").display(),
            w.dot_ssh("touched").display(),
        ));
        args!["-J", at(w, jump), "-p", port, me(w)]
    };
    in_a_world("jump_host_is_accepted_as_new", |w| {
        let arguments = build(w);
        let before = fs::read_dir(w.dot_ssh("")).unwrap().count();
        let own = ["--through", "--format", "json"].map(str::to_owned);
        let ended = preflight(w, &[&own[..], &with_config(w, &arguments)].concat());
        assert_eq!(report(&ended)["verdict"], "ready", "{}", ended.stdout);
        assert_eq!(fs::read(w.dot_ssh("known_hosts")).unwrap(), b"");
        assert_eq!(fs::read_dir(w.dot_ssh("")).unwrap().count(), before, "no socket, no file");
    });
}

#[test]
fn jump_host_does_not_take_the_key() {
    let build = |w: &mut World| {
        let key = key(w);
        let jump = w.jump_host("", &[]);
        let port = w.sshd(&[&key], &[]);
        (args!["-J", at(w, jump), "-p", port, me(w)], None)
    };
    let name = "jump_host_does_not_take_the_key";
    hop(name, &[], NotReady("key-not-accepted"), build, |_, r| at_the_jump_host(r));
}

/// `-i` is for the target alone; and what is advised helps.
#[test]
fn identity_is_not_handed_on() {
    let build = |w: &mut World| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[]);
        let jump = w.jump_host(&key.public, &[]);
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-J", at(w, jump), "-p", port, me(w)], None)
    };
    hop("identity_is_not_handed_on", &[], NotReady("key-not-for-jump-host"), build, |w, r| {
        at_the_jump_host(r);
        says(r, &["not handed on to a jump host", "IdentityFile"]);
        let steps = r["diagnosis"]["next_steps"].as_array().unwrap();
        let verify = shlex(steps[0]["command"].as_str().unwrap());
        let verified = preflight(w, &verify[1..]);
        assert_eq!(verified.code(), Some(0), "{}", verified.stdout);
        let load = steps[1]["command"].as_str().unwrap();
        assert!(load.starts_with("ssh-add "), "{load}");
        let mut shell = w.person.command("/bin/sh", &w.home());
        w.must(shell.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap()).args(["-e", "-c", load]));
        let jump = w.jump_logs.len();
        assert_eq!(jump, 1);
        let typed = fs::read_to_string(w.out("case.json")).unwrap();
        let case: Value = serde_json::from_str(&typed).unwrap();
        let options = case["plan"]["ssh_options"].as_array().unwrap();
        let port = case["plan"]["port"].to_string();
        let mut arguments: Vec<String> =
            options.iter().map(|o| o.as_str().unwrap().to_owned()).collect();
        arguments.extend(args!["-p", port, me(w)]);
        assert_eq!(crate::oracle::ssh(w, &arguments).code(), Some(0), "after {load}");
    });
}

#[test]
fn jump_host_refuses() {
    let build = |w: &mut World| {
        let key = key(w);
        let port = w.sshd(&[&key], &[]);
        (args!["-J", at(w, free_port()), "-p", port, me(w)], None)
    };
    hop("jump_host_refuses", &[], NotReady("refused-by-host"), build, |w, r| {
        at_the_jump_host(r);
        assert!(!w.sshd_log().contains("Connection from"), "the target was not knocked at");
    });
}

#[test]
fn jump_host_is_its_own_jump_host() {
    let build = |w: &mut World| {
        w.key("id_a", "ed25519");
        w.config("Host *\nProxyJump srv\n");
        (args!["target.invalid"], None)
    };
    let name = "jump_host_is_its_own_jump_host";
    hop(name, &[], NotReady("ssh-config-invalid"), build, |_, r| {
        assert_eq!(r["diagnosis"]["jump_host"], "srv");
        says(r, &["jumphost loop via srv", "ProxyJump none"]);
    });
}

#[test]
fn locked_key_at_the_jump_host() {
    let build = |w: &mut World| {
        let locked = w.key_with("id_locked", "ed25519", "correct horse");
        let open = w.key("id_open", "ed25519");
        w.config(&format!("Host *\nIdentityFile {}\n", locked.arg()));
        let jump = w.jump_host(&locked.public, &[]);
        let port = w.sshd(&[&open], &[]);
        (args!["-i", open.arg(), "-J", at(w, jump), "-p", port, me(w)], None)
    };
    let name = "locked_key_at_the_jump_host";
    hop(name, THROUGH, NotReady("key-locked"), build, |_, r| at_the_jump_host(r));
}

#[test]
fn target_refuses_behind_the_jump_host() {
    let build = |w: &mut World| (behind(w, free_port()), None);
    let name = "target_refuses_behind_the_jump_host";
    hop(name, THROUGH, NotReady("jump-host-cannot-connect"), build, |_, r| {
        says(r, &["Connection refused", "UNKNOWN port 65535"]);
    });
}

#[test]
fn forwarding_is_off() {
    let build = |w: &mut World| (pair(w, &["AllowTcpForwarding no"]), None);
    hop("forwarding_is_off", THROUGH, NotReady("forwarding-prohibited"), build, |_, r| {
        says(r, &["administratively prohibited", "AllowTcpForwarding"]);
    });
}

#[test]
fn key_may_not_forward() {
    let build = |w: &mut World| {
        let key = key(w);
        let jump = w.jump_host(&format!("restrict {}\n", key.public), &[]);
        let port = w.sshd(&[&key], &[]);
        (args!["-J", at(w, jump), "-p", port, me(w)], None)
    };
    hop("key_may_not_forward", THROUGH, NotReady("forwarding-prohibited"), build, |_, r| {
        says(r, &["It is your key that is restricted"]);
    });
}

#[test]
fn target_behind_does_not_take_the_key() {
    let build = |w: &mut World| {
        let key = key(w);
        let jump = w.jump_host(&key.public, &[]);
        let port = w.sshd(&[], &[]);
        (args!["-J", at(w, jump), "-p", port, me(w)], None)
    };
    let name = "target_behind_does_not_take_the_key";
    hop(name, THROUGH, NotReady("key-not-accepted"), build, |_, r| at_the_target(r));
}

#[test]
fn target_behind_has_another_key() {
    let build = |w: &mut World| {
        let arguments = pair(w, &[]);
        let old = w.server_key("old", "ed25519");
        let known = fs::read_to_string(w.dot_ssh("known_hosts")).unwrap();
        let (jump, target) = known.trim().split_once('\n').unwrap();
        let target = target.split(' ').next().unwrap();
        w.write(".ssh/known_hosts", format!("{jump}\n{target} {}\n", old.public), 0o600);
        (arguments, None)
    };
    let name = "target_behind_has_another_key";
    hop(name, THROUGH, NotReady("host-key-changed"), build, |_, r| at_the_target(r));
}

/// A jump host that is itself reached by a command which may log in.
#[test]
fn jump_host_behind_a_command() {
    let build = |w: &mut World| {
        let key = key(w);
        let jump = w.jump_host(&key.public, &[]);
        let port = w.sshd(&[&key], &[]);
        w.config(&format!(
            "Host bastion\nHostName 127.0.0.1\nPort {jump}\nProxyCommand sh -c 'nc -N %h %p'\n\
             Host *\nIdentityFile {}\n",
            key.arg()
        ));
        (args!["-J", format!("{}@bastion", w.person.name), "-p", port, me(w)], None)
    };
    let name = "jump_host_behind_a_command";
    hop(name, &[], Unasked("behind-jump-host"), build, |w, r| {
        assert_eq!(r["diagnosis"]["jump_host"], "bastion", "{r:#}");
        says(r, &["runs sh", "--through"]);
        let ssh_alone = w.jump_host_logs()[0].matches("Connection from ").count();
        assert_eq!(ssh_alone, 1, "nothing was run");
    });
    hop("through_a_jump_host_behind_a_command", THROUGH, Ready, build, |_, _| {});
}

/// A host that lets nothing of the jump host through, not even a refusal.
#[test]
fn target_behind_drops_packets() {
    // Linux drops a SYN where too many connections wait to be accepted.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    full.bind(&any.into()).unwrap();
    full.listen(0).unwrap();
    let port = full.local_addr().unwrap().as_socket().unwrap().port();
    let waiting = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let build = |w: &mut World| (behind(w, port), None);
    let name = "target_behind_drops_packets";
    hop(name, THROUGH, NotReady("jump-host-cannot-connect"), build, |_, r| {
        says(r, &["has not connected to 127.0.0.1"]);
    });
    drop((waiting, full));
}

#[test]
fn silent_behind_the_jump_host() {
    let build = |w: &mut World| {
        let fault = Fault::start(faults::silent);
        (behind(w, fault.port), Some(fault))
    };
    let name = "silent_behind_the_jump_host";
    hop(name, THROUGH, NotReady("silent-server"), build, |_, r| at_the_target(r));
}

#[test]
fn closed_behind_the_jump_host() {
    let build = |w: &mut World| {
        let fault = Fault::start(faults::closes_at_once);
        (behind(w, fault.port), Some(fault))
    };
    let name = "closed_behind_the_jump_host";
    hop(name, THROUGH, NotReady("closed-before-banner"), build, |_, r| at_the_target(r));
}
