//! Lines that the lab cannot make, or that other versions of `ssh` print.

use super::*;
use crate::{
    evidence::{
        Seen,
        configuration::Configuration,
        connection::{Attempt, OsError},
        handshake::{AlgorithmLists, Identification, Step},
        identities::{Content, Damage, Identities, IdentityFile},
        machine::Machine,
        made,
        resolution::{LookupError, LookupErrorKind, Resolution},
    },
    tcp::tests::{attempt, failed},
    text::Foreign,
};

fn said(case: &Case) -> Vec<String> {
    ssh_says(case).iter().map(Text::plain).collect()
}

fn with_client(mut case: Case, version: &str) -> Case {
    let effective = case.effective().unwrap().clone();
    case.configuration = made::seen(Configuration {
        source: Source::Ssh { version: Foreign::from_bytes(version.as_bytes()) },
        effective: Ok(effective),
        files: Vec::new(),
    });
    case
}

fn connected() -> Case {
    let mut case = made::case(made::effective(22));
    let tried = vec![attempt("192.0.2.1:22", Outcome::Connected)];
    case.attempts = made::seen(Attempts { tried, untried: Vec::new() });
    case
}

const DEBIAN_12: &str = "OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026";
const NEW: &str = "OpenSSH_10.5p1, OpenSSL 3.5.1";

#[test]
fn where_no_name_or_connection_is_found() {
    let mut case = made::case(made::effective(2222));
    let refused = failed("192.0.2.1:2222", OsErrorKind::ConnectionRefused, "Connection refused");
    let silent = attempt("192.0.2.2:2222", Outcome::TimedOut { after_ms: 1 });
    let mut bind = failed("192.0.2.1:2222", OsErrorKind::AddressNotAvailable, "Cannot assign");
    if let Outcome::Failed(error) = &mut bind.outcome {
        error.operation = "bind".into();
    }
    let start = "ssh: connect to host host.example.com port 2222: ";
    let table: Vec<(Vec<Attempt>, &[&str], &str)> = vec![
        (vec![silent.clone(), refused.clone()], &[], "Connection refused"),
        (vec![refused.clone(), silent], &[], "Connection timed out"),
        (vec![bind], &[], "failure"),
        // The last address is the one that ssh tells of, and it was not tried.
        (vec![refused], &["192.0.2.7"], ""),
    ];
    for (tried, untried, end) in table {
        let untried = untried.iter().map(|a| a.parse().unwrap()).collect();
        case.attempts = made::seen(Attempts { tried, untried });
        assert_eq!(said(&case), [format!("{start}{end}")]);
    }
    let message = "Name or service not known".to_owned();
    case.resolution = made::seen(Resolution {
        name: "host.example.com".into(),
        literal: false,
        outcome: Err(LookupError { kind: LookupErrorKind::NoName, message }),
        other_family: Vec::new(),
        hosts_lines: Vec::new(),
    });
    let line = "ssh: Could not resolve hostname host.example.com: Name or service not known";
    assert_eq!(said(&case), [line]);
}

#[test]
fn before_keys_are_exchanged_the_version_decides_how_much_is_told() {
    let reset = || {
        HandshakeEnd::Failed(OsError {
            operation: "read".into(),
            errno: Some(104),
            kind: OsErrorKind::ConnectionReset,
            message: "Connection reset by peer".into(),
        })
    };
    let closed = |first: &str| Handshake {
        received: first.len() as u64,
        first_bytes: Foreign::from_bytes(first.as_bytes()),
        end: HandshakeEnd::Closed,
        ..Handshake::default()
    };
    let stopped = |lines: u64, received: u64| Handshake {
        lines_before_count: lines,
        received,
        end: HandshakeEnd::Stopped("x".into()),
        ..Handshake::default()
    };
    let invalid = "banner exchange: Connection to 192.0.2.1 port 22: invalid format";
    let table = [
        (closed(""), "Connection closed by remote host", "Connection closed by 192.0.2.1 port 22"),
        (closed("HTTP/1.1 400 Bad"), "closed by remote", "closed by 192.0.2.1 port 22"),
        (closed("\u{15}\u{3}\u{1}\0\u{2}"), "invalid characters", invalid),
        (closed("a\rb"), "invalid characters", invalid),
        (stopped(1025, 9000), "No SSH version received in first 1024 lines", invalid),
        (stopped(0, 9000), "banner line too long", invalid),
        (
            Handshake { end: reset(), ..Handshake::default() },
            "read: Connection reset by peer",
            "Connection reset by 192.0.2.1 port 22",
        ),
    ];
    for (handshake, old, both) in table {
        let mut case = connected();
        case.handshake = made::seen(handshake);
        let lines = said(&with_client(case.clone(), DEBIAN_12));
        assert!(lines[0].starts_with("kex_exchange_identification: "), "{lines:?}");
        assert!(lines[0].contains(old) && lines[1].contains(both), "{lines:?}");
        for case in [with_client(case.clone(), NEW), case] {
            let lines = said(&case);
            assert!(lines.len() == 1 && lines[0].contains(both), "{lines:?}");
        }
    }
}

#[test]
fn silence_is_only_told_with_a_limit() {
    let mut case = connected();
    let end = HandshakeEnd::TimedOut { after_ms: 2000 };
    case.handshake = made::seen(Handshake { end, ..Handshake::default() });
    assert_eq!(said(&case), Vec::<String>::new());
    let effective = Effective { connect_timeout_s: Some(2), ..made::effective(22) };
    case.configuration = made::case(effective).configuration;
    let line = "Connection to 192.0.2.1 port 22 timed out";
    assert_eq!(said(&case), ["Connection timed out during banner exchange", line]);
}

#[test]
fn after_the_identification() {
    let with = |protocol: &str, end: HandshakeEnd| Handshake {
        reached: Step::Identification,
        identification: Some(Identification {
            line: Foreign::from_bytes(b"SSH-x"),
            protocol: protocol.into(),
            software: Foreign::from_bytes(b"x"),
        }),
        received: 20,
        end,
        ..Handshake::default()
    };
    let goodbye = |words: &str| {
        let description = Foreign::from_bytes(words.as_bytes());
        let disconnect = Some(Disconnect { code: 12, description });
        Handshake { disconnect, ..with("2.0", HandshakeEnd::Closed) }
    };
    let list = |names: &str| names.split(',').map(str::to_owned).collect::<Vec<_>>();
    let offered = Some(AlgorithmLists { kex: list("old,kex-strict-s"), ..Default::default() });
    let table: Vec<(Handshake, &[&str])> = vec![
        (with("2.0", HandshakeEnd::Closed), &["Connection closed by 192.0.2.1 port 22"]),
        (with("2.0", HandshakeEnd::TimedOut { after_ms: 1 }), &[]),
        (
            with("1.5", HandshakeEnd::Stopped("x".into())),
            &[
                "Protocol major versions differ: 2 vs. 1",
                "banner exchange: Connection to 192.0.2.1 port 22: could not read protocol version",
            ],
        ),
        (
            goodbye("Too many connections"),
            &[
                "Received disconnect from 192.0.2.1 port 22:12: Too many connections",
                "Disconnected from 192.0.2.1 port 22",
            ],
        ),
        (goodbye("\u{1b}[2J"), &[]),
        (
            Handshake { offered, ..with("2.0", HandshakeEnd::Closed) },
            &[
                "Unable to negotiate with 192.0.2.1 port 22: no matching key exchange method found. \
               Their offer: old,kex-strict-s",
            ],
        ),
    ];
    for (handshake, lines) in table {
        let mut case = connected();
        let effective = Effective { kex_algorithms: list("new"), ..made::effective(22) };
        case.configuration = made::case(effective).configuration;
        case.handshake = made::seen(handshake);
        assert_eq!(said(&case), lines);
    }
    let mut case = connected();
    let effective = Effective { proxy_command: Some("x".into()), ..made::effective(22) };
    case.configuration = made::case(effective).configuration;
    case.handshake = made::seen(with("2.0", HandshakeEnd::Closed));
    assert_eq!(said(&case), ["Connection closed by UNKNOWN port 65535"]);
}

fn file(name: &str, content: Content) -> IdentityFile {
    IdentityFile {
        path: name.into(),
        named: true,
        content,
        mode: Some(0o600),
        owner: Some(1000),
        too_open: false,
        disk: None,
        left_out: false,
        own: false,
        pub_file: None,
        cert_file: None,
    }
}

/// Keys were exchanged with a host that is known, and this file is the only key.
fn no_key_is_left(file: IdentityFile) -> Case {
    let mut case = connected();
    let end = HandshakeEnd::Complete;
    case.handshake = made::seen(Handshake { reached: Step::Keys, end, ..Handshake::default() });
    case.machine = made::seen(Machine { uid: Some(1000), ..Machine::default() });
    case.identities = made::seen(Identities { files: vec![file], ..Identities::default() });
    let queries: Seen<Queries> = Err(Unseen::Needs(Needed::Key));
    case.queries = Some(crate::case::Observed { started_ms: 0, duration_ms: 0, seen: queries });
    case
}

#[test]
fn key_files_are_told_of_before_nobody_is_let_in() {
    const DENIED: &str = "ada@host.example.com: Permission denied";
    let typed = |mut case: Case, value: &str| {
        case.plan.ssh_options = vec!["-i".into(), value.into()];
        case
    };
    let table: Vec<(Case, &[&str])> = vec![
        (
            typed(no_key_is_left(file("/home/ada/.ssh/k", Content::Missing)), "~/.ssh/k"),
            &["Warning: Identity file /home/ada/.ssh/k not accessible: No such file or directory."],
        ),
        (
            no_key_is_left(file("/k", Content::Missing)),
            &["no such identity: /k: No such file or directory"],
        ),
        (
            no_key_is_left(file("/k", Content::Unreadable("Permission denied".into()))),
            &["Load key \"/k\": Permission denied"],
        ),
        (
            no_key_is_left(IdentityFile {
                mode: Some(0o100_644),
                ..file("/k", Content::Ppk { version: 3, public: None })
            }),
            &[
                "WARNING: UNPROTECTED PRIVATE KEY FILE!",
                "Permissions 0644 for '/k' are too open.",
                "Load key \"/k\": bad permissions",
            ],
        ),
        (
            with_client(no_key_is_left(file("/k", Content::Damaged(Damage::Crlf))), DEBIAN_12),
            &["Load key \"/k\": error in libcrypto"],
        ),
        (
            with_client(no_key_is_left(file("/k", Content::Damaged(Damage::Crlf))), NEW),
            &["Load key \"/k\": invalid format"],
        ),
    ];
    for (case, lines) in table {
        let expected: Vec<_> = lines.iter().copied().chain([DENIED]).collect();
        assert_eq!(said(&case), expected);
    }
}

#[test]
fn where_a_password_is_asked_for() {
    let mut case = no_key_is_left(file("/k", Content::Missing));
    case.plan.ssh_options = vec!["-i".into(), "/k".into()];
    let methods = Some(vec!["publickey".to_owned(), "password".to_owned()]);
    case.queries = made::seen(Queries { user: "ada".into(), methods, ..Queries::default() });
    let denied = "ada@host.example.com: Permission denied (publickey,password).";
    // Nobody knows what will be typed there.
    assert_eq!(said(&case)[1..], ["ada@host.example.com's password:"]);
    case.plan.interactive = false;
    assert_eq!(said(&case)[1..], [denied]);
    let goodbye = Disconnect { code: 2, description: Foreign::from_bytes(b"Too many") };
    case.queries = made::seen(Queries { disconnect: Some(goodbye), ..Queries::default() });
    assert_eq!(said(&case)[0], "Received disconnect from 192.0.2.1 port 22:2: Too many");
}

#[test]
fn nothing_is_quoted_that_follows_from_no_evidence() {
    let case = made::case(made::effective(22));
    assert_eq!(said(&case), Vec::<String>::new());
    let mut case = no_key_is_left(file("/k", Content::Missing));
    let unseen: Seen<Queries> = Err(Unseen::OutOfTime);
    case.queries = Some(crate::case::Observed { started_ms: 0, duration_ms: 0, seen: unseen });
    assert_eq!(said(&case), Vec::<String>::new());
}

#[test]
fn letters_outside_ascii_are_shown_as_ssh_shows_them() {
    let name = Effective { host: "b\u{fc}cher.example".into(), ..made::effective(22) };
    let mut case = made::case(name);
    let tried = vec![attempt("192.0.2.1:22", Outcome::TimedOut { after_ms: 1 })];
    case.attempts = made::seen(Attempts { tried, untried: Vec::new() });
    let line = "ssh: connect to host b\\303\\274cher.example port 22: Connection timed out";
    assert_eq!(said(&case), [line]);
}
