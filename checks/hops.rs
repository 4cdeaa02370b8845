//! Where on the way a connection ends, from what SYNs met: pure.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    evidence::traceroute::{Answer, Control, Says, Traceroute},
    text,
    text::{Text, address, number},
};

/// Where it ends, as far as the evidence goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The refusal comes from as far away as the host's own answers. A firewall directly before the
    /// host looks the same: a packet only comes to its rules when it could go one hop farther.
    Host {
        /// Hops.
        distance: u8,
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
    /// The refusal comes from here, and the host answers on no other port to compare with.
    Refused {
        /// Hops.
        distance: u8,
    },
    /// A router says that it has no way to the host.
    NoWay {
        /// Its sender.
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

/// Where connections to the target's port end.
#[must_use]
pub fn place(route: &Traceroute) -> Option<Place> {
    let host = route.to.ip();
    for probe in &route.probes {
        match &probe.answer {
            Answer::Reset => return Some(refused(route, probe.ttl)),
            // It has become open meanwhile.
            Answer::Connected => return None,
            Answer::Icmp(icmp) => match icmp.says() {
                Says::Prohibited | Says::PortUnreachable => {
                    return Some(Place::Forbidden { by: icmp.from, is_host: icmp.from == host });
                }
                Says::HostUnreachable | Says::NetworkUnreachable => {
                    return Some(Place::NoWay { by: icmp.from });
                }
                Says::Hop | Says::Other => {}
            },
            Answer::Silence | Answer::Failed(_) => {}
        }
    }
    let last = routers(route).last();
    match (last, route.probes.last()) {
        (Some((ttl, _)), Some(farthest)) if ttl == farthest.ttl => Some(Place::TooFar),
        (after, Some(_)) => Some(Place::Vanishes { after }),
        (_, None) => None,
    }
}

fn refused(route: &Traceroute, distance: u8) -> Place {
    let host = route
        .controls
        .iter()
        .find_map(|control| control.probes.iter().find(|p| p.answer.is_final()).map(|p| p.ttl));
    match host {
        Some(host) if host > distance => {
            let before = |(ttl, _): &(u8, IpAddr)| *ttl < distance;
            let after = routers(route).filter(before).last().map(|(_, from)| from);
            Place::Nearer { distance, after, host }
        }
        Some(_) => Place::Host { distance },
        None => Place::Refused { distance },
    }
}

/// The hops that told their address.
pub fn routers(route: &Traceroute) -> impl Iterator<Item = (u8, IpAddr)> + '_ {
    route.probes.iter().filter_map(|probe| match &probe.answer {
        Answer::Icmp(icmp) if icmp.says() == Says::Hop => Some((probe.ttl, icmp.from)),
        _ => None,
    })
}

/// A port on which the host itself answers, so that it is certainly up.
#[must_use]
pub fn host_answers(route: &Traceroute) -> Option<&Control> {
    route.controls.iter().find(|control| control.answer.is_final())
}

/// A sentence about the place.
#[must_use]
pub fn words(place: &Place) -> Text {
    let hops = |n: u8| if n == 1 { "1 hop".to_owned() } else { format!("{n} hops") };
    match place {
        Place::Host { distance } => text![
            "The refusal comes from ",
            hops(*distance),
            " away, as do the host's answers on other ports: from the host itself, or from a \
             firewall directly before it.",
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
        Place::Refused { distance } => text![
            "The refusal comes from ",
            hops(*distance),
            " away. The host answers on no other port that was tried, so whether this is the host \
             or a firewall before it cannot be told.",
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
            number(20),
            " hops), and the host is farther.",
        ],
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::evidence::traceroute::{Icmp, Probe};

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
            _ => Answer::Silence,
        };
        let probes = |way: &str| {
            let probe = |(ttl, letter)| Probe { ttl, answer: answer(ttl, letter), took_ms: 1.0 };
            (1..).zip(way.chars()).map(probe).collect::<Vec<_>>()
        };
        let controls = control.into_iter().map(|way| Control {
            port: 443,
            answer: way.chars().last().map_or(Answer::Silence, |last| answer(0, last)),
            probes: probes(way),
        });
        let to = format!("{host}:22").parse().unwrap();
        Traceroute { to, probes: probes(way), controls: controls.collect() }
    }

    #[test]
    fn places() {
        let at = |hop: u8| -> IpAddr { format!("192.0.2.{hop}").parse().unwrap() };
        let table = [
            ("rrRRR", Some("rrCC"), Some(Place::Host { distance: 3 })),
            ("rrRRR", Some("...."), Some(Place::Refused { distance: 3 })),
            ("rrRRR", None, Some(Place::Refused { distance: 3 })),
            (
                "rRRRR",
                Some("rrCC"),
                Some(Place::Nearer { distance: 2, after: Some(at(1)), host: 3 }),
            ),
            (".RRRR", Some("..CC"), Some(Place::Nearer { distance: 2, after: None, host: 3 })),
            ("rrpp", None, Some(Place::Forbidden { by: at(3), is_host: false })),
            ("ru..", None, Some(Place::NoWay { by: at(2) })),
            ("rr...", None, Some(Place::Vanishes { after: Some((2, at(2))) })),
            ("r.r..", None, Some(Place::Vanishes { after: Some((3, at(3))) })),
            (".....", None, Some(Place::Vanishes { after: None })),
            ("rrrrr", None, Some(Place::TooFar)),
            ("rrC", None, None),
            ("", None, None),
        ];
        for (way, control, expected) in table {
            assert_eq!(place(&route(way, control)), expected, "{way} {control:?}");
        }
        let own = place(&route("rrP", None)).unwrap();
        assert!(matches!(own, Place::Forbidden { is_host: true, .. }));
        assert!(words(&own).plain().contains("its own firewall"));
    }
}
