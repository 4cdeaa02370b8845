//! Where on the way a connection ends, from what SYNs met: pure.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    address_kind::AddressKind,
    evidence::{
        connection::Attempts,
        icmp::{Icmp, Says},
        traceroute::{Answer, Control, FARTHEST, Probe, Traceroute},
    },
    text,
    text::{Text, address, number},
};

/// Where it ends, as far as the evidence goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// This computer says so itself: its own firewall.
    ThisComputer,
    /// This computer gets no answer from the next device on the way: the host itself where it is in
    /// the same network, else the router.
    NoNeighbour,
    /// The refusal comes from as far away as the host's own answers. A firewall directly before the
    /// host looks the same: a packet only comes to its rules when it could go one hop farther.
    Host {
        /// Hops.
        distance: u8,
        /// Whether another port of the host lets connect: then the host is certainly up, and what
        /// refuses is particular to this port.
        other_port_connects: bool,
    },
    /// A message says who: a firewall or router that forbids it.
    Forbidden {
        /// Its sender.
        by: IpAddr,
        /// Whether that is the host itself.
        is_host: bool,
    },
    /// The refusal comes from nearer than the host.
    Nearer {
        /// Hops to whoever refuses.
        distance: u8,
        /// The last router before it, where it told its address.
        after: Option<IpAddr>,
        /// Hops to the host.
        host: u8,
    },
    /// The refusal comes from here, and how far away the host itself is could not be seen.
    Refused {
        /// Hops.
        distance: u8,
        /// Whether another port of the host answers, though not to the SYNs that would tell how far
        /// away that is.
        other_port_answers: bool,
    },
    /// The answers of a public host come from the very next hop, though this computer is in
    /// a private network: something answers in its place, and hides the way.
    Relayed,
    /// A router says that it has no way to the host.
    NoWay {
        /// Its sender.
        by: IpAddr,
    },
    /// The packet went round until its time to live was over.
    Loop {
        /// Who dropped it.
        by: IpAddr,
    },
    /// Nothing comes back from beyond this hop.
    Vanishes {
        /// The last hop that was heard of, and who it is; none where no router answers at all.
        after: Option<(u8, IpAddr)>,
    },
    /// Routers were heard of up to the last hop that was tried.
    TooFar,
}

/// Where connections to the target's port end: by the message that ended the connection itself
/// where there was one, else by the search.
#[must_use]
pub fn ending(attempts: &Attempts, route: Option<&Traceroute>) -> Option<Place> {
    let mut tried = attempts.tried.iter().filter(|a| route.is_none_or(|r| r.to == a.to));
    let own = route.and_then(|r| r.from);
    let told = tried.find_map(|a| told(a.message.as_ref()?, a.to.ip(), own));
    told.or_else(|| place(route?))
}

/// What one message says about the place.
fn told(message: &Icmp, host: IpAddr, own: Option<IpAddr>) -> Option<Place> {
    let by = message.from;
    if Some(by) == own && by != host {
        return Some(match message.says() {
            Says::HostUnreachable | Says::NetworkUnreachable => Place::NoNeighbour,
            _ => Place::ThisComputer,
        });
    }
    match message.says() {
        Says::Prohibited | Says::PortUnreachable => {
            Some(Place::Forbidden { by, is_host: by == host })
        }
        Says::HostUnreachable | Says::NetworkUnreachable => Some(Place::NoWay { by }),
        Says::Hop => Some(Place::Loop { by }),
        Says::Other => None,
    }
}

/// Where SYNs to the target's port end.
#[must_use]
pub fn place(route: &Traceroute) -> Option<Place> {
    // It has become open meanwhile.
    if route.connects() {
        return None;
    }
    for probe in &route.probes {
        match &probe.answer {
            Answer::Reset => return Some(refused(route, probe.ttl)),
            // Here a spent time to live is a hop, and no loop.
            Answer::Icmp(icmp) if icmp.says() == Says::Hop => {}
            Answer::Icmp(icmp) => {
                if let Some(place) = told(icmp, route.to.ip(), route.from) {
                    return Some(place);
                }
            }
            Answer::Connected | Answer::Silence | Answer::Failed(_) => {}
        }
    }
    if route.probes.iter().all(|probe| matches!(probe.answer, Answer::Failed(_))) {
        return None;
    }
    let last = routers(route).last();
    match (last, route.probes.last()) {
        (Some((ttl, _)), Some(farthest)) if ttl == farthest.ttl => Some(Place::TooFar),
        (after, Some(_)) => Some(Place::Vanishes { after }),
        (_, None) => None,
    }
}

/// Who refuses with a bare reset, `distance` hops away.
fn refused(route: &Traceroute, distance: u8) -> Place {
    let Some(control) = host_answers(route) else {
        return Place::Refused { distance, other_port_answers: false };
    };
    let unplaced = Place::Refused { distance, other_port_answers: true };
    let answers = |probe: &&Probe| probe.answer.is_final();
    let Some(host) = control.probes.iter().find(answers).map(|probe| probe.ttl) else {
        return unplaced;
    };
    if host <= distance {
        if host == 1 && is_behind_nat(route) {
            return Place::Relayed;
        }
        let other_port_connects = control.answer == Answer::Connected;
        return Place::Host { distance: host, other_port_connects };
    }
    // One lost answer would make the host seem farther away than it is, so there has to be a proof:
    // a router's word from that distance, or silence that is no accident.
    let passes = control.probes.iter().any(|probe| {
        probe.ttl == distance
            && (probe.is_surely_silent()
                || matches!(&probe.answer, Answer::Icmp(icmp) if icmp.says() == Says::Hop))
    });
    if !passes {
        return unplaced;
    }
    let before = |(ttl, _): &(u8, IpAddr)| *ttl < distance;
    let after = routers(route).filter(before).last().map(|(_, from)| from);
    Place::Nearer { distance, after, host }
}

/// A public host, seen from a private network: at least one router is in between.
fn is_behind_nat(route: &Traceroute) -> bool {
    let private = |ip: IpAddr| {
        let kind = AddressKind::of(ip);
        kind.is_inside() || kind == AddressKind::Loopback
    };
    route.from.is_some_and(private) && !private(route.to.ip())
}

/// The hops that told their address.
pub fn routers(route: &Traceroute) -> impl Iterator<Item = (u8, IpAddr)> + '_ {
    route.probes.iter().filter_map(|probe| match &probe.answer {
        Answer::Icmp(icmp) if icmp.says() == Says::Hop => Some((probe.ttl, icmp.from)),
        _ => None,
    })
}

/// Another port that answers, be it with a refusal: one that lets connect before one that does not.
#[must_use]
pub fn host_answers(route: &Traceroute) -> Option<&Control> {
    let open = route.controls.iter().find(|control| control.answer == Answer::Connected);
    open.or_else(|| route.controls.iter().find(|control| control.answer.is_final()))
}

/// A sentence about the place.
#[must_use]
pub fn words(place: &Place) -> Text {
    let hops = |n: u8| if n == 1 { "1 hop".to_owned() } else { format!("{n} hops") };
    match place {
        Place::ThisComputer => text![
            "The refusal comes from this computer itself: its own firewall forbids the connection."
        ],
        Place::NoNeighbour => text![
            "This computer found nobody to pass the packet on to: the host does not answer where it \
             is in your own network, else your router does not.",
        ],
        Place::Host { distance, other_port_connects: true } => text![
            "The refusal comes from ",
            hops(*distance),
            " away, as do the host's answers on another port: from the host itself, or from a \
             firewall directly before it.",
        ],
        Place::Host { distance, other_port_connects: false } => text![
            "The refusal comes from ",
            hops(*distance),
            " away, and another port is refused from there too: from the host itself, or from \
             a firewall before it that refuses everything.",
        ],
        Place::Forbidden { by, is_host: true } => text![
            "The host itself (",
            address(by),
            ") says that the connection is forbidden: its own firewall.",
        ],
        Place::Forbidden { by, is_host: false } => text![
            "A firewall or router on the way, ",
            address(by),
            ", says that the connection is forbidden. It is not the host.",
        ],
        Place::Nearer { distance, after, host } => {
            let mut words = text!["The refusal comes from ", hops(*distance), " away"];
            if let Some(router) = after {
                words = words.then(text![" (behind the router ", address(router), ")"]);
            }
            words.then(text![
                ", but the host's answers on other ports come from ",
                hops(*host),
                " away: something before the host refuses in its name.",
            ])
        }
        Place::Refused { distance, other_port_answers } => text![
            "The refusal comes from ",
            hops(*distance),
            if *other_port_answers {
                " away. How far away the host itself is could not be seen"
            } else {
                " away. The host answers on no other port that was tried"
            },
            ", so whether this is the host or a firewall before it cannot be told.",
        ],
        Place::Relayed => text![
            "The answer comes from the very next device. Unless that is the host itself (your own \
             router), a relay answers in its place: the network of a container or virtual machine, \
             a VPN, a proxy. Where it really ends cannot be seen from here then.",
        ],
        Place::Loop { by } => text![
            "The packets go round in a circle between routers; ",
            address(by),
            " dropped them in the end.",
        ],
        Place::NoWay { by } => {
            text!["The router ", address(by), " says that it has no way to the host."]
        }
        Place::Vanishes { after: Some((hop, from)) } => text![
            "The way could be followed for ",
            hops(*hop),
            ", to ",
            address(from),
            "; from beyond it nothing comes back.",
        ],
        Place::Vanishes { after: None } => {
            text!["No router on the way answers either, not even the first."]
        }
        Place::TooFar => text![
            "Routers answer as far as was looked (",
            number(FARTHEST),
            " hops), and the host is farther.",
        ],
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::evidence::{connection::OsError, traceroute::TRIES};

    /// A way in short: `.` silence, `r` router, `R` reset, `C` connected, `p` prohibited by a
    /// router, `P` by the host, `u` host unreachable; a control port the same way.
    pub(crate) fn route(way: &str, control: Option<&str>) -> Traceroute {
        let host = "203.0.113.9";
        let icmp =
            |from: &str, code, kind| Answer::Icmp(Icmp { from: from.parse().unwrap(), kind, code });
        let answer = |ttl: u8, letter: char| match letter {
            'r' => icmp(&format!("192.0.2.{ttl}"), 0, 11),
            'R' => Answer::Reset,
            'C' => Answer::Connected,
            'p' => icmp(&format!("192.0.2.{ttl}"), 13, 3),
            'P' => icmp(host, 3, 3),
            'u' => icmp(&format!("192.0.2.{ttl}"), 1, 3),
            'F' => Answer::Failed(OsError::of("connect", &std::io::ErrorKind::Other.into())),
            _ => Answer::Silence,
        };
        let probes = |way: &str| {
            let probe = |(ttl, letter)| {
                let answer = answer(ttl, letter);
                Probe { ttl, answer, took_ms: 1.0, tries: 1 }
            };
            (1..).zip(way.chars()).map(probe).collect::<Vec<_>>()
        };
        let controls = control.into_iter().map(|way| Control {
            port: 443,
            answer: way.chars().last().map_or(Answer::Silence, |last| answer(0, last)),
            probes: probes(way),
        });
        let to = format!("{host}:22").parse().unwrap();
        let (probes, controls) = (probes(way), controls.collect());
        Traceroute { to, from: None, again: None, probes, controls, sent: 0 }
    }

    #[test]
    fn places() {
        let at = |hop: u8| -> IpAddr { format!("192.0.2.{hop}").parse().unwrap() };
        let host = |distance, other_port_connects| Place::Host { distance, other_port_connects };
        let refused =
            |distance, other_port_answers| Place::Refused { distance, other_port_answers };
        let table = [
            ("rrRRR", Some("rrCC"), Some(host(3, true))),
            ("rrRRR", Some("rrRR"), Some(host(3, false))),
            // The answer from two hops was lost; the host's own tells the distance.
            ("r..RRR", Some("rrCCCC"), Some(host(3, true))),
            // An answer of the host may have been lost: no proof that somebody else refuses.
            ("rrRRR", Some("rr.C"), Some(refused(3, true))),
            ("rrRRR", Some("...."), Some(refused(3, false))),
            ("rrRRR", None, Some(refused(3, false))),
            (
                "rRRRR",
                Some("rrCC"),
                Some(Place::Nearer { distance: 2, after: Some(at(1)), host: 3 }),
            ),
            (".RRRR", Some(".rCC"), Some(Place::Nearer { distance: 2, after: None, host: 3 })),
            ("rrpp", None, Some(Place::Forbidden { by: at(3), is_host: false })),
            ("ru..", None, Some(Place::NoWay { by: at(2) })),
            ("rr...", None, Some(Place::Vanishes { after: Some((2, at(2))) })),
            ("r.r..", None, Some(Place::Vanishes { after: Some((3, at(3))) })),
            (".....", None, Some(Place::Vanishes { after: None })),
            ("rrrrr", None, Some(Place::TooFar)),
            ("rrC", None, None),
            ("", None, None),
            ("FFF", None, None),
        ];
        for (way, control, expected) in table {
            assert_eq!(place(&route(way, control)), expected, "{way} {control:?}");
        }
        let mut silent = route(".RRRR", Some("..CC"));
        silent.controls[0].probes[1].tries = TRIES;
        let nearer = Place::Nearer { distance: 2, after: None, host: 3 };
        assert_eq!(place(&silent), Some(nearer), "silence that is no accident");
        let mut near = route("RR", Some("CC"));
        near.from = Some("192.168.1.7".parse().unwrap());
        assert_eq!(place(&near), Some(Place::Relayed));
        let own = place(&route("rrP", None)).unwrap();
        assert!(matches!(own, Place::Forbidden { is_host: true, .. }));
        assert!(words(&own).plain().contains("its own firewall"));
    }
    #[test]
    fn the_message_that_ended_the_connection_counts_first() {
        use crate::{evidence::connection::OsErrorKind, tcp::tests::failed};
        let (host, own, router) = ("203.0.113.9", "192.168.1.7", "192.0.2.1");
        let at = |ip: &str| -> IpAddr { ip.parse().unwrap() };
        let table = [
            (own, 3, 3, Some(Place::ThisComputer)),
            (own, 3, 1, Some(Place::NoNeighbour)),
            (router, 3, 13, Some(Place::Forbidden { by: at(router), is_host: false })),
            (host, 3, 3, Some(Place::Forbidden { by: at(host), is_host: true })),
            (router, 3, 0, Some(Place::NoWay { by: at(router) })),
            (router, 11, 0, Some(Place::Loop { by: at(router) })),
            (router, 12, 0, Some(Place::Vanishes { after: None })),
        ];
        for (from, kind, code, expected) in table {
            let mut attempt =
                failed("203.0.113.9:22", OsErrorKind::HostUnreachable, "No route to host");
            attempt.message = Some(Icmp { from: at(from), kind, code });
            let attempts = Attempts { tried: vec![attempt], untried: Vec::new() };
            let silent = Traceroute { from: Some(at(own)), ..route("...", None) };
            assert_eq!(ending(&attempts, Some(&silent)), expected, "{from} {kind} {code}");
        }
    }
}
