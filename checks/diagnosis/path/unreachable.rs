//! No way to the host: it is off, or a router on the way has no route.

use super::{
    allow_list_hint, connect_error, nothing_connected, outcomes,
    own::{is_link_local, list_addresses},
    place, with_place,
};
use crate::{
    case::Case,
    command,
    diagnosis::{Diagnosis, Id},
    evidence::connection::{Attempt, OsErrorKind},
    finding::Hint,
    hops::Place,
    text,
    text::address,
};

fn is_unreachable(attempt: &Attempt) -> bool {
    matches!(
        connect_error(attempt),
        Some(OsErrorKind::HostUnreachable | OsErrorKind::NetworkUnreachable)
    )
}

pub(super) fn host_unreachable(case: &Case) -> Option<Diagnosis> {
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
