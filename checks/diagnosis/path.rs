//! Causes: path.

mod own;
mod unreachable;

use std::net::IpAddr;

use super::{Diagnosis, Id, Rule};
use crate::{
    address_kind::AddressKind,
    allow_list,
    allow_list::Listed,
    case::Case,
    evidence::{
        Unseen,
        configuration::{AddressFamily, Effective},
        connection::{Attempt, Attempts, OsError, OsErrorKind, Outcome},
        traceroute::{Answer, Control, Traceroute},
    },
    finding::Hint,
    hops,
    hops::Place,
    pair::Role,
    profile::{Portal, menu},
    tcp, text,
    text::{Text, address, foreign, host, number},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::BindAddressUnavailable, finds: own::bind_address_unavailable },
    Rule { id: Id::LocalFirewall, finds: own::local_firewall },
    Rule { id: Id::Ipv6Broken, finds: ipv6_broken },
    Rule { id: Id::QosDropped, finds: qos_dropped },
    Rule { id: Id::RefusedOnTheWay, finds: refused_on_the_way },
    Rule { id: Id::HostUnreachable, finds: unreachable::host_unreachable },
    Rule { id: Id::IpNotAllowed, finds: ip_not_allowed },
    Rule { id: Id::RefusedByHost, finds: refused_by_host },
    Rule { id: Id::Filtered, finds: filtered },
    Rule { id: Id::SystemError, finds: own::system_error },
];

/// What every rule here is about: attempts were made, and none connected.
fn nothing_connected(case: &Case) -> Option<(&Effective, &Attempts)> {
    let attempts = case.attempts()?;
    let failed = !attempts.tried.is_empty() && attempts.connected().is_none();
    failed.then_some((case.effective()?, attempts))
}

fn error(attempt: &Attempt) -> Option<&OsError> {
    match &attempt.outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    }
}

/// The kind of error at `connect`, and none for what failed before.
fn connect_error(attempt: &Attempt) -> Option<OsErrorKind> {
    error(attempt).filter(|e| e.operation == "connect").map(|e| e.kind)
}

fn is_silent(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, Outcome::TimedOut { .. })
        || connect_error(attempt) == Some(OsErrorKind::TimedOut)
}

/// Starts with every outcome.
fn outcomes(id: Id, attempts: &Attempts) -> Diagnosis {
    let mut diagnosis = Diagnosis::new(id);
    diagnosis.because = attempts.tried.iter().map(tcp::outcome).collect();
    diagnosis.because.extend(tcp::untried(attempts));
    diagnosis
}

/// Where it ends, as far as that was seen.
fn place(case: &Case) -> Option<Place> {
    hops::ending(case.attempts()?, case.traceroute())
}

/// Adds where it ends, or why that is not known.
fn with_place(diagnosis: Diagnosis, case: &Case) -> Diagnosis {
    let mut diagnosis = match (place(case), case.traceroute.as_ref().map(|t| &t.seen)) {
        (Some(place), _) => diagnosis.because(hops::words(&place)),
        (None, Some(Err(Unseen::Unable(why)))) => {
            diagnosis.because(text!["Where on the way it ends is not known: ", foreign(why), "."])
        }
        _ => diagnosis,
    };
    if let Some(control) = open_port(case) {
        diagnosis = diagnosis.because(text![
            "The host is up: it lets connect on port ",
            number(control.port),
            "."
        ]);
    }
    diagnosis
}

/// Another port of the host that lets connect.
fn open_port(case: &Case) -> Option<&Control> {
    hops::host_answers(case.traceroute()?).filter(|control| control.answer == Answer::Connected)
}

/// Whether the host is in a network of its own kind, which others cannot reach.
fn is_inside(case: &Case) -> bool {
    allow_list::target(case).is_some_and(|to| AddressKind::of(to).is_inside())
}

pub(super) fn try_elsewhere(case: &Case) -> Hint {
    Hint::advice(if is_inside(case) {
        "Try from another computer in the same network: if it works from there, something keeps \
         this computer out."
    } else {
        "Try from another network (a phone's hotspot): if it works from there, the network that \
         you are in blocks SSH."
    })
}

/// The IPv4 addresses that `ssh` was kept from.
fn ipv4_left_out(case: &Case, attempts: &Attempts) -> Vec<IpAddr> {
    let other = case.resolution().map(|r| r.other_family.as_slice()).unwrap_or_default();
    attempts.untried.iter().chain(other).copied().filter(IpAddr::is_ipv4).collect()
}

fn ipv6_broken(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let left_out = ipv4_left_out(case, attempts);
    let one = left_out.first()?;
    if !attempts.tried.iter().all(|a| a.to.is_ipv6()) {
        return None;
    }
    let why = if effective.address_family == AddressFamily::Inet6 {
        "the configuration (AddressFamily inet6, or -6) allows IPv6 alone"
    } else {
        "the IPv6 addresses come first and took all the time"
    };
    Some(
        outcomes(Id::Ipv6Broken, attempts)
            .because(text![
                "The host also has the IPv4 address ",
                address(one),
                ", which was not tried: ",
                why,
                "."
            ])
            .step(Hint::run("Connect with IPv4.", case.plan.ssh().flag("-4").command()))
            .step(allow_list_hint(case))
            .or(Id::Filtered)
            .or(Id::HostUnreachable),
    )
}

/// Whether one more attempt, right after the ones that failed, connected.
fn connects_now(case: &Case) -> bool {
    case.traceroute().is_some_and(Traceroute::connects)
}

/// The search sends packets without a mark: they connect, and the marked ones vanished.
fn qos_dropped(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let quality = effective.ip_qos.filter(|quality| *quality != 0)?;
    if !attempts.tried.iter().all(is_silent) || !connects_now(case) {
        return None;
    }
    Some(
        outcomes(Id::QosDropped, attempts)
            .because(text![
                "ssh marks its packets with a priority (IPQoS, here ",
                format!("0x{quality:02x}"),
                "). Packets with this mark got no answer; right after, one without it connected."
            ])
            .step(Hint::run(
                "Connect without the mark:",
                case.plan.ssh().set("IPQoS=none").command(),
            ))
            .step(Hint::advice(
                "If that helps, put IPQoS none for this host into ~/.ssh/config, and tell those who \
                 run your network.",
            ))
            // It may have become open in between.
            .or(Id::Filtered),
    )
}

fn refused_on_the_way(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let place = place(case)?;
    let by = match &place {
        Place::Forbidden { by, is_host: false } => Some(*by),
        Place::Nearer { after, .. } => *after,
        _ => return None,
    };
    let mut diagnosis = with_place(outcomes(Id::RefusedOnTheWay, attempts), case);
    // It looks like a refused login, and is none.
    if attempts.tried.iter().any(|a| connect_error(a) == Some(OsErrorKind::PermissionDenied)) {
        diagnosis = diagnosis.because(
            "\"Permission denied\" without \"(publickey)\" is about the network: no key was asked for.",
        );
    }
    let whose = match by {
        Some(router) => text!["Find out whose the device at ", address(router), " is. "],
        None => text!["Find out whose firewall that is. "],
    };
    let mut diagnosis = diagnosis.step(Hint::advice(whose.then(text![
        "If it is in your own network: ask its administrators to allow TCP to ",
        host(&effective.host),
        ", port ",
        number(effective.port),
        ". If not, send this report to those who run the host.",
    ])));
    // A refusal one hop before the host may be another path to it.
    if matches!(place, Place::Nearer { distance, host, .. } if host - distance == 1) {
        diagnosis = diagnosis.or(Id::RefusedByHost);
    }
    Some(diagnosis.step(try_elsewhere(case)).or(Id::IpNotAllowed))
}

/// The host is up and its SSH port alone is closed to us, where the provider has an allow-list; or
/// our address is in none of the ranges that are said to be registered.
fn ip_not_allowed(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let profile = case.profile();
    let portal = profile.portal.as_ref().filter(|portal| !portal.ip_path.is_empty());
    let refused = attempts.tried.iter().any(|a| error(a).is_some());
    match allow_list::listed_in(case) {
        Listed::Inside(..) => return None,
        Listed::Outside(_) => {}
        Listed::NoRanges | Listed::Unknown => {
            portal?;
            let control = hops::host_answers(case.traceroute()?)?;
            // A host that refuses its other ports alike says nothing about a list.
            if refused && control.answer != Answer::Connected {
                return None;
            }
        }
    }
    if profile.port.is_some_and(|port| port != effective.port) {
        return None;
    }
    let mut diagnosis = with_place(outcomes(Id::IpNotAllowed, attempts), case);
    if let Some(list) = &profile.allow_list {
        diagnosis = diagnosis.because(text![list.clone()]);
    }
    let active = portal.and_then(|portal| portal.active.first());
    diagnosis = diagnosis.step(allow_list_hint(case)).step(Hint::advice(text![
        "If your address is listed",
        active.map(|active| format!(" and \"{active}\"")).unwrap_or_default(),
        ": try from another network (a phone's hotspot). If it works from there, the network ",
        "that you are in blocks SSH.",
    ]));
    if let Some(note) = &profile.no_ssh_note {
        diagnosis = diagnosis.step(Hint::advice(text![note.clone()]));
    }
    let otherwise = if refused { Id::RefusedByHost } else { Id::Filtered };
    Some(diagnosis.or(otherwise).or(Id::RefusedOnTheWay))
}

fn refused_by_host(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let refused = |a: &&Attempt| connect_error(a) == Some(OsErrorKind::ConnectionRefused);
    let one = attempts.tried.iter().find(refused)?;
    let diagnosis = outcomes(Id::RefusedByHost, attempts);
    if attempts.tried.iter().filter(refused).all(|a| a.to.ip().is_loopback()) {
        let mut diagnosis = diagnosis
            .because(text![
                address(one.to.ip()),
                " is this computer itself, and no program listens on port ",
                number(effective.port),
                "."
            ])
            .step(Hint::advice(text![
                "Start the SSH server on this computer, or the tunnel that should listen on port ",
                number(effective.port),
                "."
            ]));
        diagnosis.next_steps.extend(port_hint(case, effective));
        return Some(diagnosis);
    }
    let mut diagnosis = with_place(diagnosis, case);
    let is_host = matches!(place(case), Some(Place::Forbidden { is_host: true, .. }));
    if place(case).is_none() {
        diagnosis = diagnosis.because(
            "The refusal came at once, as an answer. It says nothing about who sent it: the host, \
             because no SSH server listens there, or a firewall before it.",
        );
    }
    // A port that is not the usual one is the nearer explanation; else the allow-list is.
    diagnosis.next_steps.extend(port_hint(case, effective));
    if is_host {
        // A host without a program on the port answers with a reset (RFC 9293, section 3.5.2).
        diagnosis = diagnosis
            .because(
                "A closed port answers otherwise: here a firewall of the host refuses, either \
                 everybody or your address.",
            )
            .step(Hint::advice(
                "If it worked a few minutes ago, this may be a ban after failed logins (fail2ban): \
                 wait at least ten minutes without trying, then try once.",
            ));
    }
    let diagnosis = diagnosis.step(allow_list_hint(case)).step(try_elsewhere(case));
    let diagnosis = if is_host { diagnosis } else { diagnosis.or(Id::RefusedOnTheWay) };
    Some(diagnosis.or(Id::IpNotAllowed))
}

fn filtered(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    if !attempts.tried.iter().any(is_silent) {
        return None;
    }
    if connects_now(case) {
        return Some(
            outcomes(Id::Filtered, attempts)
                .because(
                    "Right after, one more attempt connected at once: connections are dropped now \
                     and then, by a limit on how often one may connect, a server with too much to \
                     do, or a bad link.",
                )
                .step(Hint::run("Wait a minute, then try again:", case.plan.ssh().command()))
                .step(try_elsewhere(case))
                .or(Id::ServerOverloaded),
        );
    }
    let is_up = case.traceroute().and_then(hops::host_answers).is_some();
    let why = if is_up {
        "Nobody answered on this port, not even to refuse: a firewall or an allow-list drops it."
    } else {
        "Nobody answered, not even to refuse. Firewalls and allow-lists do that, and so does a \
         host that is off."
    };
    let mut diagnosis =
        with_place(outcomes(Id::Filtered, attempts).because(why), case).step(allow_list_hint(case));
    diagnosis.next_steps.extend(port_hint(case, effective));
    let diagnosis = diagnosis.step(try_elsewhere(case)).or(Id::IpNotAllowed);
    Some(if is_up { diagnosis } else { diagnosis.or(Id::HostUnreachable) })
}

/// Where the address of the user has to be allowed, and which one it is.
pub(super) fn allow_list_hint(case: &Case) -> Hint {
    let profile = case.profile();
    if let Some(start) = starts_elsewhere(case) {
        return Hint::advice(
            text!["If the host only lets known addresses in, the one that counts is that of "]
                .then(start)
                .with(", where the connection starts; not the one of this computer."),
        );
    }
    let with_menu = profile.portal.as_ref().filter(|portal| !portal.ip_path.is_empty());
    let Some(portal) = with_menu else {
        let step = Hint::advice(text![
            "If the host only lets known addresses in, have your ",
            if is_inside(case) { "IP address" } else { "public IP address" },
            " allowed. Ask whoever operates the host.",
        ]);
        return allow_list::with_address(step, case);
    };
    let step = Hint::advice(
        text![
            "Have the public IP address of your network allowed for this environment: in ",
            portal.name.clone(),
            " (",
            portal.url.clone(),
            "), ",
            menu(&portal.ip_path),
            ".",
        ]
        .with(while_it_says(portal)),
    );
    allow_list::with_address(step, case)
}

/// When an address that was added is of use, in the portal's words as far as they are known.
fn while_it_says(portal: &Portal) -> String {
    match (portal.pending.first(), portal.active.first()) {
        (Some(pending), Some(active)) => {
            format!(" While it says \"{pending}\", wait; it works when it says \"{active}\".")
        }
        (Some(pending), None) => format!(" While it says \"{pending}\", wait."),
        (None, Some(active)) => format!(" It works when it says \"{active}\"."),
        (None, None) => String::new(),
    }
}

/// Where the connection starts, if that is not this computer.
fn starts_elsewhere(case: &Case) -> Option<Text> {
    if case.role() == Some(Role::Hop) {
        let part = case.plan.pair.as_deref()?;
        return Some(text![host(&part.source.host)]);
    }
    let proxied = case.effective().is_some_and(Effective::is_proxied);
    proxied.then(|| match case.hop() {
        Some(hop) => text!["the jump host ", host(&hop.case.plan.host)],
        None => text!["the place where your proxy command ends"],
    })
}

/// For another port than the usual one.
fn port_hint(case: &Case, effective: &Effective) -> Option<Hint> {
    /// The port of SSH (RFC 4253, section 4).
    const SSH: u16 = 22;
    let profile = case.profile();
    let usual = profile.port.unwrap_or(SSH);
    (effective.port != usual).then(|| {
        let whose = if profile.port.is_some() { profile.title.clone() } else { "SSH".to_owned() };
        let from = if case.plan.port.is_some() {
            text!["you asked for"]
        } else if effective.port == SSH {
            text!["unless told otherwise ssh uses"]
        } else {
            text!["your ssh configuration names"]
        };
        Hint::run(
            text!["The usual port of ", whose, " is ", number(usual), "; "]
                .then(from)
                .with(" port ")
                .with(number(effective.port))
                .with(". Check which one is right."),
            case.plan.ssh().port(usual).command(),
        )
    })
}

#[cfg(test)]
mod tests;
