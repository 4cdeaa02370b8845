//! What this computer itself forbids or cannot do: the server was never asked.

use std::net::IpAddr;

use super::{connect_error, error, nothing_connected, outcomes, place};
use crate::{
    case::Case,
    command,
    diagnosis::{Diagnosis, Id},
    evidence::connection::{Attempt, Attempts, OsErrorKind},
    finding::Hint,
    hops::Place,
    text,
    text::{Command, address, foreign, number},
};

/// How to list the addresses and network cards of this computer.
pub(super) fn list_addresses(case: &Case) -> Command {
    match case.machine().map(|m| m.os.as_str()) {
        Some("windows") => command!["ipconfig"],
        Some("macos") => command!["ifconfig"],
        _ => command!["ip", "address"],
    }
}

pub(super) fn bind_address_unavailable(case: &Case) -> Option<Diagnosis> {
    let (effective, attempts) = nothing_connected(case)?;
    let at_bind = |a: &Attempt| {
        error(a).is_some_and(|e| e.is_of_local_end() && e.kind == OsErrorKind::AddressNotAvailable)
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
pub(super) fn local_firewall(case: &Case) -> Option<Diagnosis> {
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

pub(super) fn is_link_local(ip: IpAddr) -> bool {
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

/// Whatever else the system says: certain to fail, for a reason that is here.
pub(super) fn system_error(case: &Case) -> Option<Diagnosis> {
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
