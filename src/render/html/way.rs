//! The way to the target, where it is more than one step: jump hosts, or the hops on which a
//! connection that failed was followed.

use std::ops::RangeInclusive;

use checks::{
    case::Case,
    evidence::{
        handshake::{HandshakeEnd, Step},
        icmp::Says,
        traceroute::{Answer, Probe, Traceroute},
    },
    finding::Status,
    passage,
    report::Report,
    text::printable,
};
use maud::{Markup, html};

use crate::redact::{shown, shown_with_port};

use super::{
    super::timeline::{micros, time},
    Place, class, mark,
};

/// Somebody on the way.
struct Point {
    status: Status,
    name: String,
    note: String,
}

impl Point {
    fn new(status: Status, name: impl Into<String>, note: impl Into<String>) -> Self {
        Self { status, name: name.into(), note: note.into() }
    }
}

/// Whether there is more to show than a direct connection.
pub fn is_there(report: &Report) -> bool {
    let case = &report.case;
    case.traceroute().is_some() || case.hop().is_some() || case.proxy().is_some()
}

/// The way.
pub fn section(report: &Report, place: Place) -> Markup {
    let case = &report.case;
    html! {
        @if is_there(report) {
            section aria-labelledby=[place.landmark("way")] {
                (place.section("way", "The way"))
                ol.way {
                    @for point in points(case) {
                        li class=(class(point.status)) {
                            (mark(point.status))
                            span.name { (point.name) }
                            @if !point.note.is_empty() { " " span.note { (point.note) } }
                        }
                    }
                }
                @if let Some(route) = case.traceroute() { (aside(route)) }
            }
        }
    }
}

fn points(case: &Case) -> Vec<Point> {
    let connected = case.attempts().and_then(|seen| seen.connected());
    let from = connected.and_then(|seen| seen.from.map(|from| from.ip()));
    let from = from.or_else(|| case.traceroute().and_then(|route| route.from));
    let from = from.map(shown).unwrap_or_default();
    let mut points = vec![Point::new(Status::Pass, "This computer", from)];
    points.extend(passage::hops(case).into_iter().map(hop));
    if let Some(proxy) = case.proxy().filter(|_| case.hop().is_none()) {
        let (status, note) = match &proxy.trouble {
            None => (Status::Pass, "the command that relays"),
            Some(_) => (Status::Fail, "the command could not be started"),
        };
        points.push(Point::new(status, printable(&proxy.program), note));
    }
    match case.traceroute() {
        Some(route) => followed(route, &mut points),
        None => points.push(target(case)),
    }
    points
}

/// A jump host, and how far things went there.
fn hop(case: &Case) -> Point {
    let (status, note) = if case.queries().is_some_and(|seen| seen.accepted().is_some()) {
        (Status::Pass, "takes a key")
    } else if case.queries().is_some() {
        (Status::Fail, "takes no key")
    } else {
        reached(case)
    };
    Point::new(status, printable(&case.plan.input), note)
}

fn target(case: &Case) -> Point {
    let (status, note) = reached(case);
    Point::new(status, printable(&case.plan.host), note)
}

/// How far a conversation came.
fn reached(case: &Case) -> (Status, &'static str) {
    match case.handshake() {
        Some(seen) if seen.end == HandshakeEnd::Complete => (Status::Pass, "keys were exchanged"),
        Some(seen) if seen.reached >= Step::Identification => {
            (Status::Fail, "answers, but no keys were exchanged")
        }
        Some(_) => (Status::Fail, "says nothing that SSH would say"),
        None if case.attempts().is_some_and(|seen| seen.connected().is_none()) => {
            (Status::Fail, "no connection")
        }
        None => (Status::Skip, "not looked at"),
    }
}

/// Hop by hop, with neighbours that are silent in one.
fn followed(route: &Traceroute, points: &mut Vec<Point>) {
    let mut silent: Option<RangeInclusive<u8>> = None;
    let mut ended = false;
    for probe in &route.probes {
        if probe.answer == Answer::Silence {
            let first = silent.as_ref().map_or(probe.ttl, |range| *range.start());
            silent = Some(first..=probe.ttl);
            continue;
        }
        points.extend(silent.take().map(silence));
        points.push(answered(probe, route));
        ended = !matches!(&probe.answer, Answer::Icmp(icmp) if icmp.says() == Says::Hop);
        if ended {
            break;
        }
    }
    points.extend(silent.take().map(silence));
    if !ended {
        let note = "nothing comes back from it";
        points.push(Point::new(Status::Fail, shown_with_port(route.to), note));
    }
}

fn silence(hops: RangeInclusive<u8>) -> Point {
    let name = match hops.end() - hops.start() {
        0 => format!("Hop {}", hops.start()),
        _ => format!("Hops {} to {}", hops.start(), hops.end()),
    };
    Point::new(Status::Skip, name, "no answer")
}

fn answered(probe: &Probe, route: &Traceroute) -> Point {
    let took = time(micros(probe.took_ms));
    let to = shown_with_port(route.to);
    let (status, name, note) = match &probe.answer {
        Answer::Connected => (Status::Pass, to, "lets connect"),
        Answer::Reset => (Status::Fail, to, "refuses, or somebody does in its name"),
        Answer::Icmp(icmp) => {
            let (status, note) = says(icmp.says());
            (status, shown(icmp.from), note)
        }
        Answer::Silence | Answer::Failed(_) => {
            (Status::Skip, "This computer".to_owned(), "could not ask")
        }
    };
    Point::new(status, format!("Hop {}: {name}", probe.ttl), format!("{note}, after {took}"))
}

const fn says(says: Says) -> (Status, &'static str) {
    match says {
        Says::Hop => (Status::Pass, "passes it on"),
        Says::Prohibited => (Status::Fail, "says that it is forbidden"),
        Says::PortUnreachable => (Status::Fail, "says that the port cannot be reached"),
        Says::HostUnreachable => (Status::Fail, "says that the host cannot be reached"),
        Says::NetworkUnreachable => (Status::Fail, "says that it has no way there"),
        Says::Other => (Status::Warn, "says something else"),
    }
}

/// Other ports of the same host, to compare with.
fn aside(route: &Traceroute) -> Markup {
    let met = |answer: &Answer| match answer {
        Answer::Connected => "lets connect",
        Answer::Reset => "refuses",
        Answer::Icmp(_) => "is turned away with a message",
        Answer::Silence => "does not answer",
        Answer::Failed(_) => "could not be asked",
    };
    html! {
        @if !route.controls.is_empty() {
            p.aside {
                "Other ports of the same host: "
                @for (place, control) in route.controls.iter().enumerate() {
                    @if place > 0 { ", " }
                    (control.port) " " (met(&control.answer))
                }
                "."
            }
        }
    }
}
