//! Ways that the lab cannot make on loopback, through the whole table of rules.

use crate::{
    case::Case,
    diagnosis::{Id, diagnose},
    evidence::{
        Needed, Unseen,
        agent::AgentKeys,
        configuration::{Effective, IdentityPath},
        connection::{Attempt, Attempts, OsError, OsErrorKind, Outcome},
        handshake::{Handshake, HandshakeEnd},
        hop::Hop,
        identities::{Content, Identities, IdentityFile},
        made,
        proxy::{Exit, Proxy, ProxyEnd, ProxyTrouble},
    },
    jump,
    text::Foreign,
};

/// A target behind `bastion.example`, of which only the way is known.
fn via(jump: &str) -> Case {
    let effective = Effective { proxy_jump: Some(jump.into()), ..made::effective(22) };
    made::case(effective)
}

/// The jump host of a target, about which nothing is wrong so far.
fn hop_of(case: &Case) -> Case {
    let mut hop = made::case(Effective { host: "192.0.2.1".into(), ..made::effective(22) });
    hop.plan = jump::plan(&case.plan, case.effective().unwrap()).unwrap();
    hop
}

fn with(mut case: Case, hop: Case) -> Case {
    case.hop = made::seen(Hop { case: Box::new(hop) });
    case
}

fn proxied(command: &str) -> Case {
    let effective = Effective { proxy_command: Some(command.into()), ..made::effective(22) };
    made::case(effective)
}

/// The command was started, and ended so before a byte came.
fn ended(mut case: Case, end: HandshakeEnd, exit: Option<i32>, said: &[&str]) -> Case {
    let command = case.effective().unwrap().proxy_command.clone().unwrap_or("ssh".into());
    let program = crate::relay::program(&command);
    case.proxy = made::seen(Proxy { program, trouble: None });
    let said = said.iter().map(|l| Foreign::from_bytes(l.as_bytes())).collect();
    case.proxy_end = made::seen(ProxyEnd { exit: exit.map(Exit::Code), said });
    case.handshake = made::seen(Handshake { end, ..Handshake::default() });
    case
}

fn nobody(mut case: Case) -> Case {
    case.plan.interactive = false;
    case
}

/// The cause, the jump host that has it, and all words.
#[track_caller]
fn found(case: &Case) -> (Id, Option<String>, String) {
    let found = diagnose(case).unwrap();
    assert!(!found.next_steps.is_empty(), "{}: nothing to do", found.id);
    let said = found.ssh_says.iter().chain(&found.because);
    let mut words: Vec<_> = said.map(crate::text::Text::plain).collect();
    for step in &found.next_steps {
        words.push(step.text.plain());
        words.extend(step.command.as_ref().map(crate::text::Command::plain));
    }
    (found.id, found.at.map(|at| at.plain()), words.join("\n"))
}

#[track_caller]
fn says(case: &Case, id: Id, parts: &[&str]) {
    let (told, _, words) = found(case);
    assert_eq!(told, id, "{words}");
    for part in parts {
        assert!(words.contains(part), "{part:?} is not said:\n{words}");
    }
}

const SILENCE: HandshakeEnd = HandshakeEnd::TimedOut { after_ms: 20_000 };
const IN: &str = "Authenticated to 192.0.2.1 ([192.0.2.1]:22) using \"publickey\".";

#[test]
fn the_first_jump_host_that_fails_is_named() {
    let target = via("first.example,second.example");
    let second = {
        let mut second = hop_of(&target);
        let configuration = second.configuration.take().unwrap().seen.unwrap();
        let effective = Effective {
            proxy_jump: Some("first.example".into()),
            ..configuration.effective.clone().unwrap()
        };
        second.configuration = made::case(effective).configuration;
        second
    };
    let mut first = hop_of(&second);
    let error = OsError {
        operation: "connect".into(),
        errno: Some(111),
        kind: OsErrorKind::ConnectionRefused,
        message: "Connection refused".into(),
    };
    let to = "192.0.2.1:22".parse().unwrap();
    let tried =
        Attempt { to, from: None, outcome: Outcome::Failed(error), message: None, took_ms: 1.0 };
    first.attempts = made::seen(Attempts { tried: vec![tried], untried: Vec::new() });
    let case = with(target, with(second, first));
    let (id, at, words) = found(&case);
    assert_eq!((id, at.as_deref()), (Id::RefusedByHost, Some("first.example")), "{words}");
    assert!(words.contains("goes through the jump host first.example"), "{words}");
}

#[test]
fn what_the_jump_host_says_of_the_way_behind_it() {
    let open = |why: &str| format!("channel 0: open failed: connect failed: {why}");
    let after = |said: &str| {
        let target = via("bastion.example");
        let hop = hop_of(&target);
        ended(with(target, hop), HandshakeEnd::Closed, Some(255), &[IN, said])
    };
    let cannot = Id::JumpHostCannotConnect;
    says(&after(&open("Connection refused")), cannot, &["refused", "does not run"]);
    says(&after(&open("No route to host")), cannot, &["security group"]);
    says(&after(&open("Connection timed out")), cannot, &["security group"]);
    for unknown in ["Temporary failure in name resolution", "Name or service not known"] {
        says(&after(&open(unknown)), cannot, &["looked up on the jump host"]);
    }
    let prohibited = "channel 0: open failed: administratively prohibited: open failed";
    says(&after(prohibited), Id::ForwardingProhibited, &["AllowTcpForwarding"]);
}

#[test]
fn silence_is_told_apart_by_how_far_ssh_got() {
    let silent = |said: &[&str]| {
        let target = via("bastion.example");
        let hop = hop_of(&target);
        nobody(ended(with(target, hop), SILENCE, None, said))
    };
    says(&silent(&[IN]), Id::JumpHostCannotConnect, &["has not connected"]);
    let connected = [IN, "debug2: channel 0: open confirm rwindow 2097152 rmax 32768"];
    says(&silent(&connected), Id::SilentServer, &["did not say one word"]);
    says(&silent(&[]), Id::ProxyFailed, &["not one byte", "jump host alone"]);
}

#[test]
fn what_may_only_need_an_answer_is_no_failure() {
    let denied = ["ada@192.0.2.1: Permission denied (keyboard-interactive)."];
    let target = via("bastion.example");
    let hop = hop_of(&target);
    let case = ended(with(target, hop), HandshakeEnd::Closed, Some(255), &denied);
    says(&case, Id::BehindJumpHost, &["second factor", "ssh bastion.example"]);
    says(&nobody(case), Id::ProxyFailed, &["Permission denied", "exit code 255"]);
    let waits = ended(proxied("cloud ssh-proxy %h"), SILENCE, None, &[]);
    says(&waits, Id::BehindJumpHost, &["not one byte"]);
    says(&ended(proxied("nc %h %p"), SILENCE, None, &[]), Id::ProxyFailed, &["not one byte"]);
}

#[test]
fn a_question_keeps_ssh_from_going_on() {
    let mut target = via("bastion.example");
    target.plan.through = true;
    let mut hop = hop_of(&target);
    let shown = crate::evidence::key::PublicKeyFacts {
        algorithm: "ssh-ed25519".into(),
        bits: 256,
        sha256: "SHA256:x".into(),
        md5: String::new(),
        comment: String::new(),
        line: "ssh-ed25519 AAAA".into(),
        certificate: None,
    };
    hop.known_hosts = made::seen(Default::default());
    hop.handshake = made::seen(Handshake {
        end: HandshakeEnd::Complete,
        host_key: Some(shown),
        received: 1,
        ..Handshake::default()
    });
    let mut case = with(target, hop);
    case.proxy = Some(crate::case::Observed {
        started_ms: 0,
        duration_ms: 0,
        seen: Err(Unseen::Needs(Needed::NoQuestion)),
    });
    says(&case, Id::BehindJumpHost, &["after ssh has asked you", "ssh-preflight --through"]);
    let (id, at, _) = found(&nobody(case.clone()).with_nobody());
    assert_eq!((id, at.as_deref()), (Id::HostKeyUnknown, Some("bastion.example")));
}

#[test]
fn commands_by_how_they_end() {
    let after = |command: &str, exit: i32, said: &[&str]| {
        nobody(ended(proxied(command), HandshakeEnd::Closed, Some(exit), said))
    };
    let failed = Id::ProxyFailed;
    says(
        &after("corkscrew p 1 %h %p", 127, &["sh: 1: exec: corkscrew: not found"]),
        failed,
        &["Install corkscrew", "UNKNOWN port 65535"],
    );
    says(&after("./relay %h", 126, &[]), failed, &["executable"]);
    let ncat = "ncat --proxy p:3128 %h %p";
    says(&after(ncat, 1, &["Ncat: Proxy returned status code 403."]), failed, &["443"]);
    says(&after(ncat, 1, &["Ncat: Proxy returned status code 407."]), failed, &["password"]);
    says(&after(ncat, 1, &["Ncat: Proxy returned status code 503."]), failed, &["(code 503)"]);
    says(
        &after(ncat, 1, &["Ncat: Proxy connection failed: Connection refused."]),
        failed,
        &["Proxy connection failed", "ncat --proxy p:3128 host.example.com 22"],
    );
    let denied = ["ada@b: Permission denied (publickey)."];
    says(&after("ssh -W %h:%p b", 255, &denied), failed, &["target of its own"]);
    let quiet = after("nc %h %p", 0, &[]);
    says(&quiet, failed, &["reports no failure"]);
    assert_eq!(diagnose(&quiet).unwrap().also_possible, [Id::ClosedBeforeBanner]);
}

#[test]
fn a_password_in_a_command_is_not_told() {
    let command = "ncat --proxy p --proxy-auth ada:secret %h %p";
    let case = nobody(ended(proxied(command), HandshakeEnd::Closed, Some(1), &["Ncat: no."]));
    let (_, _, words) = found(&case);
    assert!(!words.contains("secret"), "{words}");
}

#[test]
fn what_cannot_be_started() {
    let mut case = proxied("nc %h %z");
    let trouble = Some(ProxyTrouble::UnknownToken('z'));
    case.proxy = made::seen(Proxy { program: "nc".into(), trouble });
    says(&case, Id::ProxyFailed, &["%z"]);
}

#[test]
fn a_key_for_the_target_alone() {
    let mut target = via("bastion.example");
    let file = IdentityFile {
        path: "/home/ada/.ssh/work".into(),
        named: true,
        content: Content::Private { format: "openssh".into(), public: None, locked_by: None },
        mode: None,
        owner: None,
        too_open: false,
        left_out: false,
        own: false,
        pub_file: None,
        cert_file: None,
        disk: Default::default(),
    };
    target.identities = made::seen(Identities { files: vec![file], ..Identities::default() });
    let mut hop = hop_of(&target);
    hop.identities = made::seen(Identities::default());
    hop.agent = made::seen(AgentKeys::none());
    let case = with(target, hop.clone());
    says(&case, Id::KeyNotForJumpHost, &["ssh-add /home/ada/.ssh/work", "IdentityFile"]);
    // Where the jump host has it too, the key is not the reason.
    let path = IdentityPath { path: "/home/ada/.ssh/work".into(), named: true, left_out: false };
    let effective = Effective { identity_files: vec![path], ..hop.effective().unwrap().clone() };
    hop.configuration = made::case(effective).configuration;
    let (id, at, _) = found(&with(case, hop));
    assert_ne!(id, Id::KeyNotForJumpHost);
    assert_eq!(at.as_deref(), Some("bastion.example"));
}
