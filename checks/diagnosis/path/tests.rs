//! The causes on the way, on made evidence.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::text::Text;
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
        let effective = Effective { bind_address: Some("192.0.2.7".into()), ..made::effective(22) };
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
    let command = there.next_steps.first().unwrap().command.as_ref().unwrap().plain();
    assert_eq!(command, "ssh -p 22 ada@host.example.com");
}

#[test]
fn this_computers_own_refusals() {
    use crate::evidence::{icmp::Icmp, traceroute::Traceroute};
    let own = "192.168.1.7";
    let seen = |mut attempt: Attempt, from: Option<&str>, took_ms| {
        attempt.took_ms = took_ms;
        attempt.message = from.map(|from| Icmp { from: from.parse().unwrap(), kind: 3, code: 3 });
        let mut case = made::case(made::effective(22));
        case.attempts = made::seen(Attempts { tried: vec![attempt], untried: Vec::new() });
        let machine = Machine { os: "linux".into(), ipv4_route: true, ..Machine::default() };
        case.machine = made::seen(machine);
        let route = crate::hops::tests::route("...", None);
        let from = Some(own.parse().unwrap());
        case.traceroute = made::seen(Traceroute { from, ..route });
        RULES.iter().find_map(|rule| (rule.finds)(&case)).map(|d| d.id)
    };
    let failed = |kind| failed("203.0.113.9:22", kind, "words");
    let invalid = || {
        let mut attempt = failed(OsErrorKind::Other);
        if let Outcome::Failed(error) = &mut attempt.outcome {
            error.errno = Some(22);
        }
        attempt
    };
    use OsErrorKind::{ConnectionRefused, HostUnreachable, PermissionDenied};
    for (attempt, from, took_ms, expected) in [
        (failed(ConnectionRefused), Some(own), 0.1, Some(Id::LocalFirewall)),
        (failed(ConnectionRefused), Some("192.0.2.1"), 9.0, Some(Id::RefusedOnTheWay)),
        (failed(ConnectionRefused), Some("203.0.113.9"), 9.0, Some(Id::RefusedByHost)),
        (failed(PermissionDenied), None, 0.1, Some(Id::LocalFirewall)),
        // The same words by a firewall of the way (RFC 4443, section 3.1, code 1).
        (failed(PermissionDenied), Some("192.0.2.1"), 9.0, Some(Id::RefusedOnTheWay)),
        // A route that leads nowhere, and a host that is off.
        (failed(HostUnreachable), None, 0.1, Some(Id::LocalFirewall)),
        (failed(HostUnreachable), None, 3070.0, Some(Id::HostUnreachable)),
        (invalid(), None, 0.1, Some(Id::LocalFirewall)),
    ] {
        let words = format!("{attempt:?} {from:?} {took_ms}");
        assert_eq!(seen(attempt, from, took_ms), expected, "{words}");
    }
}

#[test]
fn one_more_attempt_that_connects() {
    use crate::evidence::traceroute::{Answer, Traceroute};
    let silent = || attempt("203.0.113.9:22", Outcome::TimedOut { after_ms: 10_000 });
    for (ip_qos, expected) in
        [(Some(0x10), Id::QosDropped), (Some(0), Id::Filtered), (None, Id::Filtered)]
    {
        let mut case = made::case(Effective { ip_qos, ..made::effective(22) });
        case.attempts = made::seen(Attempts { tried: vec![silent()], untried: Vec::new() });
        case.machine = made::seen(Machine { ipv4_route: true, ..Machine::default() });
        let route = crate::hops::tests::route("rrr...", None);
        case.traceroute = made::seen(Traceroute { again: Some(Answer::Connected), ..route });
        let found = RULES.iter().find_map(|rule| (rule.finds)(&case)).unwrap();
        assert_eq!(found.id, expected, "{ip_qos:?}");
        let command = found.next_steps[0].command.as_ref().unwrap().plain();
        assert_eq!(command.contains("IPQoS=none"), expected == Id::QosDropped, "{command}");
    }
}

/// A connection that failed is never ready, whatever the system calls it.
#[test]
fn no_failure_is_taken_for_success() {
    use strum::IntoEnumIterator;
    for operation in ["socket", "bind", "connect"] {
        for kind in OsErrorKind::iter() {
            for (errno, took_ms) in
                [(Some(99), 0.1), (Some(22), 9.0), (Some(5), 2000.0), (None, 1.0)]
            {
                let mut tried = failed("203.0.113.9:22", kind, "words");
                tried.took_ms = took_ms;
                if let Outcome::Failed(error) = &mut tried.outcome {
                    error.operation = operation.into();
                    error.errno = errno;
                }
                let told = format!("{tried:?}");
                let mut case = made::case(made::effective(22));
                case.attempts = made::seen(Attempts { tried: vec![tried], untried: Vec::new() });
                let machine =
                    Machine { os: "linux".into(), ipv4_route: true, ..Machine::default() };
                case.machine = made::seen(machine);
                let needs = crate::evidence::Unseen::Needs(crate::evidence::Needed::Connection);
                let queries =
                    crate::case::Observed { started_ms: 0, duration_ms: 0, seen: Err(needs) };
                case.queries = Some(queries);
                let found = super::super::diagnose(&case);
                assert!(found.is_some(), "{told}");
                assert!(errno.is_none() || !found.unwrap().id.is_inconclusive(), "{told}");
            }
        }
    }
}
