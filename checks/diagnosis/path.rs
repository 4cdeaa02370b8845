//! Causes: path.

use std::net::IpAddr;

use super::{Diagnosis, Id, Rule};
use crate::{
    allow_list,
    allow_list::Listed,
    case::Case,
    command,
    evidence::{
        Unseen,
        configuration::{AddressFamily, Effective},
        connection::{Attempt, Attempts, OsError, OsErrorKind, Outcome},
    },
    finding::Hint,
    hops,
    hops::Place,
    profile::menu,
    tcp, text,
    text::{Text, address, foreign, host, number},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::BindAddressUnavailable, finds: bind_address_unavailable },
    Rule { id: Id::LocalFirewall, finds: local_firewall },
    Rule { id: Id::Ipv6Broken, finds: ipv6_broken },
    Rule { id: Id::RefusedOnTheWay, finds: refused_on_the_way },
    Rule { id: Id::HostUnreachable, finds: host_unreachable },
    Rule { id: Id::IpNotAllowed, finds: ip_not_allowed },
    Rule { id: Id::RefusedByHost, finds: refused_by_host },
    Rule { id: Id::Filtered, finds: filtered },
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

fn is_unreachable(attempt: &Attempt) -> bool {
    matches!(
        connect_error(attempt),
        Some(OsErrorKind::HostUnreachable | OsErrorKind::NetworkUnreachable)
    )
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
    hops::place(case.traceroute()?)
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
    if let Some(control) = case.traceroute().and_then(hops::host_answers) {
        diagnosis = diagnosis.because(text![
            "The host is up: it answers on port ",
            number(control.port),
            "."
        ]);
    }
    diagnosis
}

fn try_elsewhere() -> Hint {
    Hint::advice(
        "Try from another network (a phone's hotspot): if it works from there, the network that \
         you are in blocks SSH.",
    )
}

/// What `ssh` prints for it.
fn as_ssh_says(effective: &Effective, words: Text) -> Text {
    text!["ssh says: \"ssh: connect to host ", host(&effective.host), " port "]
        .with(number(effective.port))
        .with(": ")
        .then(words)
        .with("\".")
}

fn bind_address_unavailable(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let at_bind = |a: &Attempt| {
        error(a)
            .is_some_and(|e| e.operation == "bind" && e.kind == OsErrorKind::AddressNotAvailable)
    };
    if !attempts.tried.iter().all(at_bind) {
        return None;
    }
    let list_addresses = match case.machine().map(|m| m.os.as_str()) {
        Some("windows") => command!["ipconfig"],
        Some("macos") => command!["ifconfig"],
        _ => command!["ip", "address"],
    };
    let (option, value) = match (&effective.bind_interface, &effective.bind_address) {
        (_, Some(address)) => ("BindAddress", text::address(address)),
        (Some(interface), None) => ("BindInterface", foreign(interface)),
        (None, None) => return None,
    };
    Some(
        outcomes(Id::BindAddressUnavailable, attempts)
            .because(text!["The ssh configuration sets ", option, " to ", value.clone(), "."])
            .step(Hint::run(
                text![
                    "Take ",
                    option,
                    " ",
                    value,
                    " out of the ssh configuration (or -b or -B off \
                     the command line), or connect the network that it belongs to. The addresses \
                     of this computer are listed by:"
                ],
                list_addresses,
            )),
    )
}

fn local_firewall(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let denied =
        attempts.tried.iter().find(|a| connect_error(a) == Some(OsErrorKind::PermissionDenied))?;
    let words = error(denied).map(|e| foreign(&e.message))?;
    Some(
        outcomes(Id::LocalFirewall, attempts)
            .because(as_ssh_says(effective, words.into()))
            .because("This error is made by this computer itself; the server was never asked.")
            .step(Hint::advice(text![
                "Allow outgoing connections to port ",
                number(effective.port),
                " in this computer's firewall or security software, or ask whoever manages this \
                 computer. In a container or sandbox its network policy does the same."
            ])),
    )
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

fn refused_on_the_way(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let place = place(case)?;
    let by = match &place {
        Place::Forbidden { by, is_host: false } => Some(*by),
        Place::Nearer { after, .. } => *after,
        _ => return None,
    };
    let last = attempts.tried.last().and_then(error)?;
    let diagnosis = with_place(outcomes(Id::RefusedOnTheWay, attempts), case)
        .because(as_ssh_says(effective, foreign(&last.message).into()));
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
    Some(diagnosis.step(try_elsewhere()).or(Id::IpNotAllowed))
}

/// The host is up and its SSH port alone is closed to us, where the provider has an allow-list; or
/// our address is in none of the ranges that are said to be registered.
fn ip_not_allowed(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let profile = case.profile();
    let portal = profile.portal.as_ref().filter(|portal| !portal.ip_path.is_empty());
    match allow_list::listed_in(case) {
        Listed::Inside(..) => return None,
        Listed::Outside(_) => {}
        Listed::NoRanges | Listed::Unknown => {
            portal?;
            hops::host_answers(case.traceroute()?)?;
        }
    }
    if profile.port.is_some_and(|port| port != effective.port) {
        return None;
    }
    let refused = attempts.tried.iter().any(|a| error(a).is_some());
    let words = if refused { "Connection refused" } else { "Connection timed out" };
    let mut diagnosis = with_place(outcomes(Id::IpNotAllowed, attempts), case)
        .because(as_ssh_says(effective, words.into()));
    if let Some(list) = &profile.allow_list {
        diagnosis = diagnosis.because(text![list.clone()]);
    }
    diagnosis = diagnosis.step(allow_list_hint(case)).step(Hint::advice(text![
        "If your address is listed and \"",
        portal.and_then(|p| p.active.first().cloned()).unwrap_or_else(|| "active".to_owned()),
        "\": try from another network (a phone's hotspot). If it works from there, the network ",
        "that you are in blocks SSH.",
    ]));
    if let Some(note) = &profile.no_ssh_note {
        diagnosis = diagnosis.step(Hint::advice(text![note.clone()]));
    }
    let otherwise = if refused { Id::RefusedByHost } else { Id::Filtered };
    Some(diagnosis.or(otherwise).or(Id::RefusedOnTheWay))
}

fn host_unreachable(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    if !attempts.tried.iter().all(is_unreachable) {
        return None;
    }
    let last = attempts.tried.last().and_then(error)?;
    let mut diagnosis = with_place(outcomes(Id::HostUnreachable, attempts), case)
        .because(as_ssh_says(effective, foreign(&last.message).into()));
    let only6 = attempts.tried.iter().all(|a| a.to.is_ipv6());
    let only4 = attempts.tried.iter().all(|a| a.to.is_ipv4());
    let machine = case.machine();
    if only6 && machine.is_some_and(|m| m.ipv4_route && !m.ipv6_route) {
        return Some(
            diagnosis
                .because("This computer has a way to IPv4 addresses, but none to IPv6 addresses.")
                .step(Hint::advice(
                    "Use a network or VPN that has IPv6, or ask the host's operator for an IPv4 \
                     address: the host was reached under IPv6 addresses only.",
                )),
        );
    }
    if only4 && machine.is_some_and(|m| m.ipv6_route && !m.ipv4_route) {
        return Some(
            diagnosis
                .because("This computer has a way to IPv6 addresses, but none to IPv4 addresses.")
                .step(Hint::advice("Use a network or VPN that has IPv4.")),
        );
    }
    if machine.is_some_and(|m| !m.ipv4_route && !m.ipv6_route) {
        diagnosis = diagnosis.or(Id::NoNetwork);
    }
    Some(
        diagnosis
            .step(Hint::advice(
                "Look whether the host is up, and whether it is only reachable through a VPN that \
                 is not connected now.",
            ))
            .step(allow_list_hint(case))
            .or(Id::RefusedOnTheWay)
            .or(Id::IpNotAllowed),
    )
}

fn refused_by_host(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let refused = |a: &&Attempt| connect_error(a) == Some(OsErrorKind::ConnectionRefused);
    let one = attempts.tried.iter().find(refused)?;
    let diagnosis = outcomes(Id::RefusedByHost, attempts)
        .because(as_ssh_says(effective, "Connection refused".into()));
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
    let diagnosis = diagnosis.step(allow_list_hint(case)).step(try_elsewhere());
    let diagnosis = if is_host { diagnosis } else { diagnosis.or(Id::RefusedOnTheWay) };
    Some(diagnosis.or(Id::IpNotAllowed))
}

fn filtered(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    if !attempts.tried.iter().any(is_silent) {
        return None;
    }
    let is_up = case.traceroute().and_then(hops::host_answers).is_some();
    let why = if is_up {
        "Nobody answered on this port, not even to refuse: a firewall or an allow-list drops it."
    } else {
        "Nobody answered, not even to refuse. Firewalls and allow-lists do that, and so does a \
         host that is off."
    };
    let mut diagnosis = with_place(outcomes(Id::Filtered, attempts).because(why), case)
        .because(as_ssh_says(effective, "Connection timed out".into()))
        .step(allow_list_hint(case));
    diagnosis.next_steps.extend(port_hint(case, effective));
    let diagnosis = diagnosis.step(try_elsewhere()).or(Id::IpNotAllowed);
    Some(if is_up { diagnosis } else { diagnosis.or(Id::HostUnreachable) })
}

/// Where the address of the user has to be allowed, and which one it is.
pub(super) fn allow_list_hint(case: &Case) -> Hint {
    let profile = case.profile();
    let Some(portal) = &profile.portal else {
        let step = Hint::advice(
            "If the host only lets known addresses in, have your public IP address allowed. Ask \
             whoever operates the host.",
        );
        return allow_list::with_address(step, case);
    };
    let pending = portal.pending.first().cloned().unwrap_or_else(|| "pending".to_owned());
    let active = portal.active.first().cloned().unwrap_or_else(|| "active".to_owned());
    let step = Hint::advice(text![
        "Have the public IP address of your network allowed for this environment: in ",
        portal.name.clone(),
        " (",
        portal.url.clone(),
        "), ",
        menu(&portal.ip_path),
        ". While it says \"",
        pending,
        "\", wait; it works when it says \"",
        active,
        "\".",
    ]);
    allow_list::with_address(step, case)
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        evidence::{machine::Machine, made},
        tcp::tests::{attempt, failed},
    };

    fn found(effective: Effective, tried: Vec<Attempt>, untried: &[&str]) -> Option<Diagnosis> {
        let mut case = made::case(effective);
        let untried = untried.iter().map(|a| a.parse().unwrap()).collect();
        case.attempts = made::seen(Attempts { tried, untried });
        case.machine = made::seen(Machine { ipv4_route: true, ..Machine::default() });
        RULES.iter().find_map(|rule| (rule.finds)(&case))
    }

    #[test]
    fn the_cause_follows_from_the_outcomes() {
        use OsErrorKind::{
            AddressNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable,
            PermissionDenied,
        };
        let refused = failed("192.0.2.1:22", ConnectionRefused, "Connection refused");
        let refused6 = failed("[2001:db8::1]:22", ConnectionRefused, "Connection refused");
        let here = failed("127.0.0.1:22", ConnectionRefused, "Connection refused");
        let denied = failed("192.0.2.1:22", PermissionDenied, "Operation not permitted");
        let no_route = failed("192.0.2.1:22", HostUnreachable, "No route to host");
        let no_net6 = failed("[2001:db8::1]:22", NetworkUnreachable, "Network is unreachable");
        let silent = attempt("192.0.2.2:22", Outcome::TimedOut { after_ms: 1000 });
        let good = attempt("192.0.2.2:22", Outcome::Connected);
        let mut bind = failed("192.0.2.1:22", AddressNotAvailable, "Cannot assign");
        if let Outcome::Failed(error) = &mut bind.outcome {
            error.operation = "bind".into();
        }
        let cases: Vec<(Vec<Attempt>, &[&str], Option<Id>)> = vec![
            (vec![refused.clone(), good], &[], None),
            (vec![], &["192.0.2.1"], None),
            (vec![bind.clone()], &[], Some(Id::BindAddressUnavailable)),
            (vec![bind, refused.clone()], &[], Some(Id::RefusedByHost)),
            (vec![silent.clone(), denied], &[], Some(Id::LocalFirewall)),
            (vec![refused.clone()], &[], Some(Id::RefusedByHost)),
            (vec![here], &[], Some(Id::RefusedByHost)),
            (vec![no_net6.clone(), refused], &[], Some(Id::RefusedByHost)),
            (vec![no_net6.clone(), silent.clone()], &[], Some(Id::Filtered)),
            (vec![silent], &[], Some(Id::Filtered)),
            (vec![no_route], &[], Some(Id::HostUnreachable)),
            (vec![no_net6], &[], Some(Id::HostUnreachable)),
            (vec![refused6], &["192.0.2.1"], Some(Id::Ipv6Broken)),
        ];
        for (tried, untried, expected) in cases {
            let effective =
                Effective { bind_address: Some("192.0.2.7".into()), ..made::effective(22) };
            let words = format!("{tried:?}");
            let diagnosis = found(effective, tried, untried);
            assert_eq!(diagnosis.as_ref().map(|d| d.id), expected, "{words}");
            if let Some(diagnosis) = diagnosis {
                assert!(!diagnosis.next_steps.is_empty());
            }
        }
    }

    #[test]
    fn the_place_on_the_way_decides_who_refuses() {
        use crate::{hops::tests::route, profile::built_in};
        let refused = || failed("203.0.113.9:22", OsErrorKind::ConnectionRefused, "refused");
        let unreachable = || failed("203.0.113.9:22", OsErrorKind::HostUnreachable, "No route");
        let silent = || attempt("203.0.113.9:22", Outcome::TimedOut { after_ms: 10_000 });
        let (up, down) = (Some("rrCCCC"), Some("rr...."));
        let table = [
            (refused(), "rrRRR", up, Id::RefusedByHost, Id::IpNotAllowed),
            (refused(), "rrRRR", down, Id::RefusedByHost, Id::RefusedByHost),
            (refused(), "rRRRR", up, Id::RefusedOnTheWay, Id::RefusedOnTheWay),
            (refused(), "rrPPP", up, Id::RefusedByHost, Id::IpNotAllowed),
            (unreachable(), "rppp.", None, Id::RefusedOnTheWay, Id::RefusedOnTheWay),
            (unreachable(), "ruuu.", None, Id::HostUnreachable, Id::HostUnreachable),
            (silent(), "rr...", down, Id::Filtered, Id::Filtered),
            (silent(), "rr...", up, Id::Filtered, Id::IpNotAllowed),
        ];
        for (attempt, way, control, generic, akeneo) in table {
            for (profile, expected) in [("generic", generic), ("akeneo", akeneo)] {
                let mut case = made::case(made::effective(22));
                case.plan.profile = built_in(profile).cloned();
                case.machine = made::seen(Machine { ipv4_route: true, ..Machine::default() });
                let tried = vec![attempt.clone()];
                case.attempts = made::seen(Attempts { tried, untried: Vec::new() });
                case.traceroute = made::seen(route(way, control));
                let found = super::super::diagnose(&case).unwrap();
                let said: Vec<_> = found.because.iter().map(Text::plain).collect();
                assert_eq!(found.id, expected, "{way} {control:?} {profile}: {said:?}");
                assert!(!found.next_steps.is_empty(), "{way} {profile}");
                assert!(!found.also_possible.contains(&found.id), "{way} {profile}");
            }
        }
    }

    #[test]
    fn a_refusal_by_this_computer_is_certain_and_one_from_afar_is_not() {
        let refused = |to| failed(to, OsErrorKind::ConnectionRefused, "Connection refused");
        let here = found(made::effective(22), vec![refused("127.0.0.1:22")], &[]).unwrap();
        assert!(here.also_possible.is_empty());
        let there = found(made::effective(2222), vec![refused("192.0.2.1:2222")], &[]).unwrap();
        assert_eq!(there.also_possible, [Id::RefusedOnTheWay, Id::IpNotAllowed]);
        let said: String = there.because.iter().map(Text::plain).collect();
        let quoted = "ssh: connect to host host.example.com port 2222: Connection refused";
        assert!(said.contains(quoted), "{said}");
        let command = there.next_steps.first().unwrap().command.as_ref().unwrap().plain();
        assert_eq!(command, "ssh -p 22 ada@host.example.com");
    }
}
