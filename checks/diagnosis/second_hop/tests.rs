//! What is found about a second hop, and what must not be claimed.

use super::*;
use crate::{
    copying::size,
    evidence::{
        Needed,
        configuration::Effective,
        handshake::{Handshake, HandshakeEnd},
        login::{NotOpened, Run},
        made,
        second_hop::{Entry, FromSource, Room, Space},
        sftp::{SftpSession, Subsystem},
    },
    host_trust::tests::{key, known, line as known_line},
    pair::{self, tests::end},
    text::Foreign,
};

const ED: &str = "ssh-ed25519";

fn part(role: Role) -> Option<Box<Part>> {
    Some(Box::new(Part {
        role,
        source: end("ada@a.example.com"),
        destination: end("ada@b.example.com"),
        options: vec!["-A".into()],
        size: Some(2048),
        ..pair::tests::part(Some("x"))
    }))
}

/// A destination that the source reaches, whose key it knows.
fn hop(tunnel: Tunnel, instead: Option<Instead>) -> Case {
    let mut case = made::case(Effective { host: "b".into(), ..made::effective(22) });
    case.plan.host = "b".into();
    case.plan.pair = part(Role::Hop);
    let mut from = made::from_source("b", tunnel);
    let tried = &mut from.tried[0];
    tried.lookup = Some(tried.client.clone());
    tried.addresses = vec!["192.0.2.1".parse().unwrap()];
    case.from_source = made::seen(FromSource { instead, ..from });
    case.known_hosts = made::seen(known(vec![known_line(None, ED, "a")]));
    case.handshake = made::seen(Handshake {
        host_key: Some(key(ED, "a")),
        end: HandshakeEnd::Complete,
        ..Handshake::default()
    });
    case
}

/// The source of that copy, at which somebody got in.
fn source(hop: Case, file: Option<Entry>) -> Case {
    let mut case = made::case(made::effective(22));
    case.plan.pair = part(Role::Source);
    case.second_hop = made::seen(SecondHop { case: Box::new(hop), file });
    case
}

fn not_opened(reason: &str, words: &str) -> Tunnel {
    let words = Foreign::from_bytes(words.as_bytes());
    Tunnel::NotOpened(NotOpened { reason: reason.into(), words })
}

fn said(code: u32, lines: &[&str]) -> Option<Instead> {
    let said = lines.iter().map(|line| Foreign::from_bytes(line.as_bytes())).collect();
    let run = Run { end: RunEnd::Exited(code), ..Run::default() };
    Some(Instead { run, said, signatures: 0 })
}

fn found(case: &Case) -> Option<Diagnosis> {
    RULES.iter().chain(UNDETERMINED).find_map(|rule| (rule.finds)(case))
}

#[test]
fn the_way_from_the_source() {
    let forbidden = || not_opened("administratively-prohibited", "open failed");
    let unknown = "Host key verification failed.";
    for (tunnel, instead, id) in [
        (not_opened("connect-failed", "Connection refused"), None, Id::SecondHopFailed),
        (Tunnel::NoAnswer { after_ms: 10_000 }, None, Id::SecondHopFailed),
        (
            forbidden(),
            said(255, &["ssh: connect to host b port 22: Connection refused"]),
            Id::SecondHopFailed,
        ),
        (
            forbidden(),
            said(255, &["ssh: Could not resolve hostname b: Name or service not known"]),
            Id::SecondHopName,
        ),
        (forbidden(), said(255, &["ada@b: Permission denied (publickey)."]), Id::KeyNotAccepted),
        (
            forbidden(),
            said(255, &["WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", unknown]),
            Id::HostKeyChanged,
        ),
        // At a terminal scp asks; what comes after is not known.
        (forbidden(), said(255, &[unknown]), Id::NotExamined),
        (forbidden(), said(1, &["something new"]), Id::SecondHopFailed),
    ] {
        let mut hop = hop(tunnel, instead);
        if hop.from_source().unwrap().instead.is_some() {
            hop.handshake = None;
        }
        let told = format!("{hop:?}");
        let found = found(&source(hop, None)).unwrap_or_else(|| unreachable!("{told}"));
        assert_eq!(found.id, id, "{told}");
        assert!(found.between.is_some() && !found.next_steps.is_empty(), "{found:?}");
    }
    let mut works = hop(forbidden(), said(0, &[]));
    works.handshake = None;
    assert_eq!(found(&source(works, None)), None);
}

#[test]
fn a_name_that_the_source_does_not_know() {
    let mut hop = hop(not_opened("connect-failed", "Name or service not known"), None);
    let mut from = hop.from_source().unwrap().clone();
    from.tried[0].addresses.clear();
    hop.from_source = made::seen(from);
    let found = found(&source(hop, None)).unwrap();
    assert_eq!(found.id, Id::SecondHopName);
    assert!(found.next_steps.iter().any(|step| {
        let command = step.command.as_ref().map(Command::plain).unwrap_or_default();
        command.ends_with("hostname")
    }));
}

#[test]
fn the_key_of_the_destination() {
    for (lines, interactive, id) in [
        (vec![known_line(None, ED, "b")], true, Some(Id::HostKeyChanged)),
        (vec![], false, Some(Id::HostKeyUnknown)),
    ] {
        let mut hop = hop(Tunnel::Open, None);
        hop.plan.interactive = interactive;
        hop.known_hosts = made::seen(known(lines));
        let found = found(&source(hop, None));
        assert_eq!(found.as_ref().map(|d| d.id), id);
        // What is done about it is done at the source.
        let commands = found.unwrap().next_steps.into_iter().filter_map(|step| step.command);
        let at = commands.map(|c| c.plain()).find(|c| c.contains("a.example.com")).unwrap();
        assert!(at.starts_with("ssh -t -A ada@a.example.com '"), "{at}");
    }
}

#[test]
fn settings_of_the_source() {
    use crate::evidence::configuration::IdentityAgent;
    let own = |file: &str| vec![Foreign::from_bytes(file.as_bytes())];
    let plain = || Effective { host: "b".into(), ..made::effective(22) };
    let socket = || IdentityAgent::Socket("/s".into());
    let password = || Some(vec!["password".to_owned()]);
    for (effective, own_keys, own_agent, id) in [
        (plain(), vec![], None, None),
        (
            Effective { identity_agent: IdentityAgent::None, ..plain() },
            vec![],
            None,
            Some(Id::ForwardingRefused),
        ),
        (
            Effective { identity_agent: IdentityAgent::None, ..plain() },
            own("k"),
            None,
            Some(Id::NotExamined),
        ),
        (
            Effective { identity_agent: socket(), ..plain() },
            vec![],
            None,
            Some(Id::ForwardingRefused),
        ),
        (
            Effective { identity_agent: socket(), ..plain() },
            vec![],
            Some(Foreign::from_bytes(b"/s")),
            Some(Id::NotExamined),
        ),
        (Effective { identities_only: true, ..plain() }, vec![], None, Some(Id::ForwardingRefused)),
        (
            Effective { pubkey_authentication: false, ..plain() },
            own("k"),
            None,
            Some(Id::PubkeyDisabled),
        ),
        (
            Effective { preferred_authentications: password(), ..plain() },
            vec![],
            None,
            Some(Id::PubkeyDisabled),
        ),
    ] {
        let mut hop = hop(Tunnel::Open, None);
        let from = hop.from_source().unwrap().clone();
        hop.from_source = made::seen(FromSource { own_keys, own_agent, ..from });
        hop.configuration = made::case(effective).configuration;
        let told = format!("{hop:?}");
        let found = found(&source(hop, None));
        assert_eq!(found.as_ref().map(|d| d.id), id, "{told}");
        let overruled = found.iter().flat_map(|found| &found.next_steps).any(|step| {
            step.command.as_ref().is_some_and(|command| command.plain().contains("scp -o "))
        });
        assert_eq!(overruled, id.is_some(), "{told}");
    }
    // ssh there was run with that setting overruled.
    let mut works = hop(not_opened("administratively-prohibited", ""), said(0, &[]));
    let effective = Effective { preferred_authentications: password(), ..plain() };
    works.configuration = made::case(effective).configuration;
    assert_eq!(found(&source(works, None)).map(|d| d.id), Some(Id::PubkeyDisabled));
}

#[test]
fn the_file_and_the_room_for_it() {
    let entry = |is_file, readable, bytes: u64| Entry {
        list: Run { end: RunEnd::Exited(0), ..Run::default() },
        readable,
        is_file,
        size: Some(bytes),
        ..Entry::default()
    };
    let good = || entry(Some(true), Some(true), 2048);
    let room = |writable, bytes| Room {
        folder: ".".into(),
        writable: Some(writable),
        free: Some(Space { bytes, mounted_on: "/".into() }),
        ..Room::default()
    };
    let there = |writable: bool, is_folder: bool| Room {
        there: Some(Entry {
            writable: Some(writable),
            is_folder,
            ..entry(Some(!is_folder), None, 1)
        }),
        ..room(true, 4096)
    };
    let with_there = |bytes, size| Room {
        there: Some(Entry { writable: Some(true), ..entry(Some(true), None, size) }),
        ..room(true, bytes)
    };
    let spoken = |sftp: SftpSession| Room { sftp: Some(sftp), ..room(true, 4096) };
    let granted = SftpSession { subsystem: Subsystem::Granted, ..SftpSession::default() };
    let noise = Foreign::from_bytes(b"Welcome!\n");

    let works = || hop(not_opened("x", ""), said(0, &[]));
    for (file, at, id) in [
        (good(), room(true, 4096), None),
        (entry(Some(false), Some(true), 1), room(true, 4096), Some(Id::CopyFileMissing)),
        (entry(Some(true), Some(false), 1), room(true, 4096), Some(Id::CopyFileMissing)),
        (entry(None, None, 0), room(true, 4096), Some(Id::CopyFileMissing)),
        (good(), room(false, 4096), Some(Id::CopyNotWritable)),
        (good(), room(true, 2047), Some(Id::CopyNoRoom)),
        // What is overwritten makes room.
        (good(), with_there(2047, 1), None),
        (good(), with_there(2000, 47), Some(Id::CopyNoRoom)),
        // What is there already is written, whatever may be done in its folder.
        (good(), there(false, false), Some(Id::CopyNotWritable)),
        (good(), Room { writable: Some(false), ..there(true, false) }, None),
        (good(), there(true, true), None),
        (good(), there(false, true), Some(Id::CopyNotWritable)),
        // scp speaks SFTP there.
        (good(), spoken(SftpSession { version: Some(3), ..granted.clone() }), None),
        (good(), spoken(SftpSession { noise, ..granted.clone() }), Some(Id::SftpNoise)),
        (good(), spoken(granted.clone()), Some(Id::SftpUnavailable)),
        (
            good(),
            spoken(SftpSession { subsystem: Subsystem::Refused, ..granted }),
            Some(Id::SftpUnavailable),
        ),
        // The first cause wins: without the file, its room does not matter.
        (entry(None, None, 0), room(false, 0), Some(Id::CopyFileMissing)),
    ] {
        let mut hop = works();
        hop.room = made::seen(at);
        let told = format!("{file:?} {:?}", hop.room());
        let case = source(hop, Some(file));
        assert_eq!(found(&case).map(|d| d.id), id, "{told}");
        let part = case.plan.pair.as_deref().unwrap();
        assert_eq!(of_the_hop(part, case.second_hop().unwrap()).map(|d| d.id), id, "{told}");
    }
    assert_eq!(size(2047), "1.9 KiB");
}

#[test]
fn an_older_scp_needs_a_shell_and_no_sftp() {
    let granted = SftpSession { subsystem: Subsystem::Granted, ..SftpSession::default() };
    let spoken = || Some(SftpSession { version: Some(3), ..granted.clone() });
    for (software, writable, sftp, id) in [
        ("SSH-2.0-OpenSSH_8.4p1", None, spoken(), Some(Id::NoShell)),
        ("SSH-2.0-OpenSSH_8.4p1", Some(true), spoken(), None),
        ("SSH-2.0-OpenSSH_8.4p1", Some(true), Some(granted.clone()), None),
        ("SSH-2.0-OpenSSH_9.2p1", None, spoken(), None),
        ("SSH-2.0-OpenSSH_9.2p1", Some(true), Some(granted.clone()), Some(Id::SftpUnavailable)),
    ] {
        let mut hop = hop(not_opened("x", ""), said(0, &[]));
        hop.room = made::seen(Room { folder: ".".into(), writable, sftp, ..Room::default() });
        let part = hop.plan.pair.as_mut().unwrap();
        part.software = Some(Foreign::from_bytes(software.as_bytes()));
        let told = format!("{software} {:?}", hop.room());
        let found = found(&source(hop, None));
        assert_eq!(found.as_ref().map(|d| d.id), id, "{told}");
    }
}

#[test]
fn a_hop_that_was_not_looked_at_is_no_success() {
    let mut case = made::case(made::effective(22));
    case.plan.pair = part(Role::Source);
    assert_eq!(found(&case).unwrap().id, Id::NotExamined);
    case.second_hop = made::seen(()).map(|seen| crate::case::Observed {
        started_ms: seen.started_ms,
        duration_ms: seen.duration_ms,
        seen: Err(Unseen::Needs(Needed::Login)),
    });
    assert_eq!(found(&case).unwrap().id, Id::NotExamined);
    // What has no part in a copy has nothing to say about one.
    assert_eq!(found(&made::case(made::effective(22))), None);
}
