//! From the lines of one attempt to the facts that they show: pure.

mod conversation;
mod target;

pub use target::NO_HOST;

use std::net::{IpAddr, SocketAddr};

use super::{
    About, attempts,
    log::{Log, Mark},
    signs::Sign,
};
use crate::{
    case::{Case, Observed, Plan},
    evidence::{
        Seen, Unseen,
        configuration::{Configuration, Effective, Refusal, Source},
        connection::{Attempt, Attempts, OsError, OsErrorKind, Outcome},
        hop::Hop,
        known_hosts::{KnownHosts, KnownHostsFile, KnownHostsLine},
        resolution::{LookupError, LookupErrorKind, Resolution},
    },
    text::Foreign,
};

/// How deep jump hosts are followed.
const MOST_HOPS: usize = 4;

/// The case of the attempt that counts; of those before it, only whether they failed.
pub(super) fn case(mut log: Log, before: Vec<Log>, about: About) -> Case {
    let goal = target::find(&log);
    let failed = before.into_iter().filter_map(|mut log| {
        let before = target::find(&log);
        attempts::failed(&mut log).then_some(before)
    });
    for before in failed {
        log.failed_before += 1;
        log.failed_elsewhere |= before.is_elsewhere(&goal);
    }
    of(log, &about, Vec::new())
}

fn of(mut log: Log, about: &About, hop_of: Vec<String>) -> Case {
    let proxied =
        log.has(Sign::ProxyCommand) || log.has(Sign::ProxyJump) || log.has(Sign::WayClosed);
    let hop = (hop_of.len() < MOST_HOPS).then(|| attempts::take_jump_host(&mut log)).flatten();
    let goal = target::find(&log);
    let mut behind = hop_of.clone();
    behind.push(goal.plan.host.clone());
    let hop = hop.map(|hop| {
        let mut case = of(hop, about, behind);
        if !case.log().is_some_and(|log| log.names_host) {
            // Its own words may name nobody; the command names it.
            if let Some(jump) = target::jump(&log) {
                case.plan.host = jump.host;
                case.plan.user = jump.user;
                case.plan.port = jump.port;
            }
        }
        Hop { case: Box::new(case) }
    });
    log.names_host = goal.named;
    let plan = Plan {
        profile: about.profile.clone(),
        own_profiles: about.own_profiles.clone(),
        hop_of,
        ..goal.plan
    };
    let effective = goal.effective;
    let mut case = Case::unobserved(plan, about.now);
    not_in_log(&mut case);
    let names = (goal.named, goal.names_port);
    case.configuration = seen(configuration(&log, effective.clone(), names, proxied));
    if let Some(hop) = hop {
        case.hop = seen(Ok(hop));
    }
    if !proxied {
        case.resolution = seen(resolution(&log, &effective));
        case.attempts = seen(attempts_of(&log));
    }
    case.handshake = seen(conversation::handshake(&log));
    case.known_hosts = seen(known_hosts(&log, &effective));
    case.queries = seen(conversation::queries(&log, &effective.user));
    case.log = Some(log);
    case
}

fn seen<T>(seen: Seen<T>) -> Option<Observed<T>> {
    Some(Observed { started_ms: 0, duration_ms: 0, seen })
}

/// Nothing is looked at beside the log.
fn not_in_log(case: &mut Case) {
    fn none<T>() -> Option<Observed<T>> {
        seen(Err(Unseen::NotInLog))
    }
    case.machine = none();
    case.hop = none();
    case.proxy = none();
    case.proxy_end = none();
    case.resolution = none();
    case.name_servers = none();
    case.nearby = none();
    case.attempts = none();
    case.traceroute = none();
    case.made_up_names = none();
    case.source = none();
    case.egress = none();
    case.identities = none();
    case.agent = none();
    case.agent_for_host = none();
    case.login = none();
    case.forwarding = none();
}

fn configuration(
    log: &Log,
    mut effective: Effective,
    (named, names_port): (bool, bool),
    proxied: bool,
) -> Seen<Configuration> {
    let refusal = |m: &&Mark| matches!(m.sign, Sign::ConfigOpen | Sign::ConfigWrong);
    let lines: Vec<Foreign> =
        log.marks.iter().filter(refusal).map(|m| m.text.clone()).take(5).collect();
    let version = log.last(Sign::Client).map(|m| Foreign::from_bytes(m.word(0).as_bytes()));
    let source = Source::Log { version: version.unwrap_or_default(), names_port };
    if !lines.is_empty() && !log.has(Sign::Connecting) {
        let effective = Err(Refusal { lines, exit: None });
        return Ok(Configuration { source, effective, files: Vec::new() });
    }
    if !named {
        return Err(Unseen::NotInLog);
    }
    if proxied {
        let jump = log.last(Sign::ProxyJump).or_else(|| log.last(Sign::ProxyCommand));
        effective.proxy_command = Some(jump.map_or("ssh", |m| m.word(0)).to_owned());
    }
    Ok(Configuration { source, effective: Ok(effective), files: Vec::new() })
}

fn resolution(log: &Log, effective: &Effective) -> Seen<Resolution> {
    let of = |name: &str, outcome| Resolution {
        name: name.to_owned(),
        literal: name.parse::<IpAddr>().is_ok(),
        outcome,
        other_family: Vec::new(),
        hosts_lines: Vec::new(),
    };
    if let Some(mark) = log.last(Sign::NotResolved) {
        let (name, words) = match mark.word(1) {
            "" => (effective.host.as_str(), mark.word(0)),
            words => (mark.word(0), words),
        };
        let error = LookupError { kind: lookup_error(words), message: words.to_owned() };
        return Ok(of(name, Err(error)));
    }
    let connecting: Vec<&Mark> = log.all(Sign::Connecting).collect();
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in connecting.iter().filter_map(|m| address_of(m)) {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    let name = connecting.first().filter(|m| m.words.len() == 3).map(|m| m.word(0));
    match name {
        Some(name) if !addresses.is_empty() => Ok(of(name, Ok(addresses))),
        _ => Err(Unseen::NotInLog),
    }
}

/// What the words of the C library mean (glibc, macOS, Windows, musl).
fn lookup_error(words: &str) -> LookupErrorKind {
    let words = words.to_ascii_lowercase();
    if words.contains("no address associated") {
        LookupErrorKind::NoData
    } else if words.contains("temporary failure") || words.contains("try again") {
        LookupErrorKind::TemporaryFailure
    } else if words.contains("not known")
        || words.contains("no such host")
        || words.contains("does not exist")
        || words.contains("does not resolve")
    {
        LookupErrorKind::NoName
    } else {
        LookupErrorKind::Other
    }
}

/// Where a mark says that `ssh` connects to.
fn address_of(mark: &Mark) -> Option<SocketAddr> {
    let (address, port) = match mark.words.len() {
        3 => (mark.word(1), mark.word(2)),
        _ => (mark.word(0), mark.word(1)),
    };
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

/// Times are not told.
const UNMEASURED: f64 = -1.0;

fn attempts_of(log: &Log) -> Seen<Attempts> {
    let mut tried: Vec<Attempt> = Vec::new();
    let mut open: Option<SocketAddr> = None;
    let mut end = |to: SocketAddr, outcome| {
        tried.push(Attempt { to, from: None, outcome, message: None, took_ms: UNMEASURED });
    };
    let failed = |words: &str| {
        Outcome::Failed(OsError {
            operation: "connect".to_owned(),
            errno: None,
            kind: error_kind(words),
            message: words.to_owned(),
        })
    };
    for mark in &log.marks {
        match mark.sign {
            Sign::Connecting => open = address_of(mark),
            Sign::Connected => {
                if let Some(to) = open.take() {
                    end(to, Outcome::Connected);
                }
            }
            Sign::AddressFailed => {
                if let Some(to) = open.take() {
                    let words = if mark.words.len() == 3 { mark.word(2) } else { mark.word(1) };
                    end(to, failed(words));
                }
            }
            // plink tells no connection, but what it hears on it.
            Sign::Remote => {
                if let Some(to) = open.take() {
                    end(to, Outcome::Connected);
                }
            }
            Sign::NotConnected => {
                if let Some(to) = open.take() {
                    let words = if mark.words.len() == 3 { mark.word(2) } else { mark.word(0) };
                    end(to, failed(words));
                }
            }
            _ => {}
        }
    }
    // ssh says so where it has no address left; before that it may still get in by another one.
    let told = log.has(Sign::NotConnected) || tried.iter().any(|a| a.outcome == Outcome::Connected);
    if tried.is_empty() || !told {
        return Err(Unseen::NotInLog);
    }
    Ok(Attempts { tried, untried: Vec::new() })
}

/// What the system's words mean.
pub(crate) fn error_kind(words: &str) -> OsErrorKind {
    let words = words.to_ascii_lowercase();
    for (part, kind) in [
        ("refused", OsErrorKind::ConnectionRefused),
        ("timed out", OsErrorKind::TimedOut),
        ("no route to host", OsErrorKind::HostUnreachable),
        ("host is down", OsErrorKind::HostUnreachable),
        ("network is unreachable", OsErrorKind::NetworkUnreachable),
        ("network is down", OsErrorKind::NetworkUnreachable),
        ("permission denied", OsErrorKind::PermissionDenied),
        ("operation not permitted", OsErrorKind::PermissionDenied),
        ("cannot assign requested address", OsErrorKind::AddressNotAvailable),
        ("reset by peer", OsErrorKind::ConnectionReset),
    ] {
        if words.contains(part) {
            return kind;
        }
    }
    OsErrorKind::Other
}

/// Only a key that is known: what else stands in the files the log does not show.
fn known_hosts(log: &Log, effective: &Effective) -> Seen<KnownHosts> {
    let (Some(shown), Some(_)) = (log.last(Sign::HostKey), log.last(Sign::HostKeyKnown)) else {
        return Err(Unseen::NotInLog);
    };
    let Some((found, line)) =
        log.last(Sign::FoundKey).and_then(|found| Some((found, found.word(1).parse().ok()?)))
    else {
        return Err(Unseen::NotInLog);
    };
    let line = KnownHostsLine {
        line,
        marker: None,
        algorithm: shown.word(0).to_owned(),
        sha256: Some(shown.word(1).to_owned()),
        hashed: false,
        by_pattern: false,
        found_as: None,
    };
    let path = found.word(0).to_owned();
    let file = KnownHostsFile { path, unreadable: None, exists: true, lines: vec![line] };
    Ok(KnownHosts { name: effective.host.clone(), files: vec![file], ..KnownHosts::default() })
}
