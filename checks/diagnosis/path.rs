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
        traceroute::{Answer, Control},
    },
    finding::Hint,
    hops,
    hops::Place,
    profile::menu,
    tcp, text,
    text::{Command, address, foreign, host, number},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::BindAddressUnavailable, finds: bind_address_unavailable },
    Rule { id: Id::LocalFirewall, finds: local_firewall },
    Rule { id: Id::Ipv6Broken, finds: ipv6_broken },
    Rule { id: Id::QosDropped, finds: qos_dropped },
    Rule { id: Id::RefusedOnTheWay, finds: refused_on_the_way },
    Rule { id: Id::HostUnreachable, finds: host_unreachable },
    Rule { id: Id::IpNotAllowed, finds: ip_not_allowed },
    Rule { id: Id::RefusedByHost, finds: refused_by_host },
    Rule { id: Id::Filtered, finds: filtered },
    Rule { id: Id::SystemError, finds: system_error },
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

fn try_elsewhere() -> Hint {
    Hint::advice(
        "Try from another network (a phone's hotspot): if it works from there, the network that \
         you are in blocks SSH.",
    )
}

/// How to list the addresses and network cards of this computer.
fn list_addresses(case: &Case) -> Command {
    match case.machine().map(|m| m.os.as_str()) {
        Some("windows") => command!["ipconfig"],
        Some("macos") => command!["ifconfig"],
        _ => command!["ip", "address"],
    }
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
                list_addresses(case),
            )),
    )
}

/// What this computer itself forbids: by a firewall (EPERM, EACCES, or its own message), or by
/// a route that was made to lead nowhere.
fn local_firewall(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let place = place(case);
    let denied = |a: &&Attempt| connect_error(a) == Some(OsErrorKind::PermissionDenied);
    let forbidden = attempts.tried.iter().find(|a| denied(a) && a.message.is_none());
    let forbidden = match place {
        Some(Place::ThisComputer) => attempts.tried.iter().find(|a| a.message.is_some()),
        _ => forbidden,
    };
    if forbidden.and_then(error).is_some() {
        return Some(
            outcomes(Id::LocalFirewall, attempts)
                .because("This error is made by this computer itself; the server was never asked.")
                .step(Hint::advice(text![
                    "Allow outgoing connections to port ",
                    number(effective.port),
                    " in this computer's firewall or security software, or ask whoever manages \
                     this computer. In a container or sandbox its network policy does the same."
                ]))
                .step(show_route(case, attempts)),
        );
    }
    attempts.tried.iter().find(|a| is_dead_route(case, a))?;
    Some(
        outcomes(Id::LocalFirewall, attempts)
            .because(
                "The error came at once and from nobody else: a route of this computer (of a VPN, \
                 say) is made to lead nowhere. The server was never asked.",
            )
            .step(show_route(case, attempts))
            .step(Hint::advice(
                "Where it says blackhole, unreachable or prohibit, end the VPN or program that made \
                 that route, or have whoever manages this computer remove it.",
            )),
    )
}

/// An error that the routing table makes though there is a way out: EINVAL (blackhole) or
/// EHOSTUNREACH (unreachable), at once and with no message from anybody. `ip-route(8)` lists them.
fn is_dead_route(case: &Case, attempt: &Attempt) -> bool {
    /// EINVAL. For a link-local address it means that the interface is not named.
    const INVALID: i32 = 22;
    let has_route = case.machine().is_some_and(|m| match attempt.to.ip() {
        IpAddr::V4(_) => m.ipv4_route,
        IpAddr::V6(_) => m.ipv6_route,
    });
    let made_here = error(attempt).is_some_and(|e| {
        e.operation == "connect"
            && (e.errno == Some(INVALID) || e.kind == OsErrorKind::HostUnreachable)
    });
    // On Linux, what somebody else says comes with a message.
    let knows = case.machine().is_some_and(|m| m.os == "linux");
    let at_once = attempt.took_ms < AT_ONCE_MS && attempt.message.is_none();
    knows && has_route && made_here && at_once && !is_link_local(attempt.to.ip())
}

/// Less than the search for a silent neighbour takes, in milliseconds: a second and more.
const AT_ONCE_MS: f64 = 500.0;

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// How to see which way this computer takes.
fn show_route(case: &Case, attempts: &Attempts) -> Hint {
    let to = attempts.tried.first().map_or_else(|| "default".to_owned(), |a| a.to.ip().to_string());
    let command = match case.machine().map(|m| m.os.as_str()) {
        Some("windows") => command!["route", "print"],
        Some("macos") => command!["route", "-n", "get", address(to)],
        _ => command!["ip", "route", "get", address(to)],
    };
    Hint::run("This shows which way this computer takes there:", command)
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
    case.traceroute().is_some_and(|route| route.again == Some(Answer::Connected))
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
    Some(diagnosis.step(try_elsewhere()).or(Id::IpNotAllowed))
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
    let (_, attempts) = nothing_connected(case)?;
    if !attempts.tried.iter().all(|a| is_unreachable(a) || is_link_local(a.to.ip())) {
        return None;
    }
    let mut diagnosis = with_place(outcomes(Id::HostUnreachable, attempts), case);
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
    if let Some(zoneless) = attempts.tried.iter().map(|a| a.to.ip()).find(|ip| is_link_local(*ip)) {
        return Some(
            diagnosis
                .because(text![
                    address(zoneless),
                    " is an address of the local link: it exists on each network card anew."
                ])
                .step(Hint::run(
                    "Name the network card behind the address, with %. The cards are listed by:",
                    list_addresses(case),
                )),
        );
    }
    let up = Hint::advice(
        "Look whether the host is up, and whether it is only reachable through a VPN that is not \
         connected now.",
    );
    Some(match place(case) {
        Some(Place::NoNeighbour) => diagnosis
            .step(Hint::advice(
                "If the host is in the same network as you: switch it on, and check its address.",
            ))
            .step(Hint::run(
                "If it is not: your router does not answer. Reconnect the network, then look for \
                 FAILED or INCOMPLETE in:",
                command!["ip", "neigh"],
            )),
        Some(Place::NoWay { by }) => diagnosis.step(up).step(Hint::advice(text![
            "If it should be: tell those who run the router ",
            address(by),
            ", or those who run the host, that this router has no way to it."
        ])),
        Some(Place::Loop { by }) => diagnosis.step(Hint::advice(text![
            "Nothing on this computer can help: tell those who run the router ",
            address(by),
            ", or those who run the host, that packets for it go round in a circle there."
        ])),
        _ => diagnosis
            .step(up)
            .step(allow_list_hint(case))
            .or(Id::RefusedOnTheWay)
            .or(Id::IpNotAllowed),
    })
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
    let diagnosis = diagnosis.step(allow_list_hint(case)).step(try_elsewhere());
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
                .step(try_elsewhere())
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
    let diagnosis = diagnosis.step(try_elsewhere()).or(Id::IpNotAllowed);
    Some(if is_up { diagnosis } else { diagnosis.or(Id::HostUnreachable) })
}

/// Whatever else the system says: certain to fail, for a reason that is here.
fn system_error(case: &Case) -> Option<Diagnosis> {
    let (_, attempts) = nothing_connected(case)?;
    // An error without a code is one of this program, and says nothing about ssh.
    let error = attempts.tried.iter().filter_map(error).find(|e| e.errno.is_some())?;
    let found = outcomes(Id::SystemError, attempts)
        .because("This error is made by this computer itself; the server was never asked.");
    let used_up = error.operation == "connect" && error.kind == OsErrorKind::AddressNotAvailable;
    let list = match case.machine().map(|m| m.os.as_str()) {
        Some("linux") => command!["ss", "-s"],
        _ => command!["netstat", "-an"],
    };
    Some(if used_up {
        found.because("All ports from which this computer could connect are in use.").step(
            Hint::run(
                "Close programs that hold many connections, or wait a minute. This shows how many \
                 there are:",
                list,
            ),
        )
    } else {
        found.step(Hint::run(
            "See whether ssh meets the same error, and show its words to whoever manages this \
             computer:",
            case.plan.ssh().flag("-v").command(),
        ))
    })
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
mod tests;
