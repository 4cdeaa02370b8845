//! The causes in an address, on made evidence.

use super::*;
use crate::{
    evidence::{
        connection::{Attempt, Attempts, OsError},
        handshake::Handshake,
        machine::Machine,
        made,
        made_up_name::{MadeUp, MadeUpNames},
        name_servers::{self, AnswerCode, NameServer, NameServers, Searched},
        source::Way,
    },
    profile::Profile,
};

fn told(addresses: &[IpAddr]) -> name_servers::Answer {
    name_servers::Answer { addresses: addresses.to_vec(), ..Default::default() }
}

/// A name with this address, by which nobody is reached: silence, or a refusal.
fn case(at: &str, silent: bool) -> Case {
    let address: IpAddr = at.parse().unwrap();
    let mut case = made::case(made::effective(22));
    case.machine = made::seen(Machine { ipv4_route: true, ..Machine::default() });
    case.resolution = made::seen(Resolution {
        name: "host.example.com".into(),
        literal: false,
        outcome: Ok(vec![address]),
        other_family: Vec::new(),
        hosts_lines: Vec::new(),
    });
    let server = NameServer {
        server: "192.0.2.53:53".parse().unwrap(),
        a: told(&[address]),
        aaaa: told(&[]),
        unchecked: None,
    };
    case.name_servers = made::seen(NameServers { servers: vec![server], ..NameServers::default() });
    let outcome = if silent {
        Outcome::TimedOut { after_ms: 1000 }
    } else {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        Outcome::Failed(OsError::of("connect", &error))
    };
    let to = std::net::SocketAddr::new(address, 22);
    let attempt = Attempt { to, from: None, outcome, took_ms: 1.0, message: None };
    case.attempts = made::seen(Attempts { tried: vec![attempt], untried: Vec::new() });
    case
}

fn way(case: &mut Case, change: impl FnOnce(&mut Way)) {
    let mut way = Way {
        to: "10.9.9.9".parse().unwrap(),
        from: Ok("192.168.1.5".parse().unwrap()),
        interface: Some("wlan0".into()),
        tunnel: false,
        on_link: false,
    };
    change(&mut way);
    case.source = made::seen(Source { ways: vec![way], tunnels: Vec::new() });
}

fn id(case: &Case) -> Id {
    super::super::diagnose(case).map(|d| d.id).unwrap()
}

#[test]
fn the_kind_of_the_address_decides() {
    assert_eq!(id(&case("203.0.113.9", true)), Id::Filtered);
    for nowhere in ["0.0.0.0", "127.0.0.1"] {
        let mut case = case(nowhere, false);
        assert_eq!(id(&case), Id::NameBlocked);
        // A name server of our own making means this computer.
        case.plan.name_servers = vec!["127.0.0.1:5353".parse().unwrap()];
        assert_eq!(id(&case), Id::RefusedByHost);
    }
    // This computer's own name is no blocked one, and neither is what no server told.
    let mut own = case("127.0.0.1", false);
    own.resolution.as_mut().unwrap().seen.as_mut().unwrap().name = "laptop".into();
    assert_eq!(id(&own), Id::RefusedByHost);
    let mut own = case("127.0.0.1", false);
    own.name_servers = made::seen(NameServers::default());
    assert_eq!(id(&own), Id::RefusedByHost);
    assert_eq!(id(&case("198.18.0.71", false)), Id::FakeAddress);
}

#[test]
fn a_proxy_program_that_takes_the_connection_and_says_nothing() {
    let mut case = case("198.18.0.71", false);
    if let Some(attempts) = &mut case.attempts {
        attempts.seen.as_mut().unwrap().tried[0].outcome = Outcome::Connected;
    }
    case.handshake = made::seen(Handshake::default());
    assert_eq!(id(&case), Id::FakeAddress);
}

#[test]
fn a_private_address_needs_its_network() {
    let mut far = case("10.9.9.9", true);
    // Not looked at: then it is not claimed.
    assert_eq!(id(&far), Id::Filtered);
    way(&mut far, |_| {});
    assert_eq!(id(&far), Id::PrivateAddress);
    way(&mut far, |way| way.on_link = true);
    assert_eq!(id(&far), Id::Filtered);
    way(&mut far, |way| way.tunnel = true);
    assert_eq!(id(&far), Id::Filtered);
    way(&mut far, |way| way.interface = None);
    assert_eq!(id(&far), Id::Filtered);
    // Somebody is there and refuses.
    let mut there = case("10.9.9.9", false);
    way(&mut there, |_| {});
    assert_eq!(id(&there), Id::RefusedByHost);
    let mut there = case("10.9.9.9", true);
    way(&mut there, |_| {});
    there.traceroute = made::seen(crate::hops::tests::route("rr...", Some("rrCCCC")));
    assert_eq!(id(&there), Id::Filtered);
    let mut public = case("203.0.113.9", true);
    way(&mut public, |_| {});
    assert_eq!(id(&public), Id::Filtered);
}

fn made_up(beside: &[&str], nowhere: &[&str]) -> MadeUpNames {
    let name = |addresses: &[&str]| MadeUp {
        name: "nx1.example.com".into(),
        code: AnswerCode::NoError,
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
    };
    let server = "192.0.2.53:53".parse().unwrap();
    MadeUpNames { server, beside: Some(name(beside)), nowhere: name(nowhere) }
}

#[test]
fn names_that_nobody_has() {
    let mut case = case("203.0.113.9", true);
    case.made_up_names = made::seen(made_up(&["203.0.113.9"], &["203.0.113.9"]));
    assert_eq!(id(&case), Id::NameHijacked);
    // Another address than the host's: what this name server says of the host may be true.
    case.made_up_names = made::seen(made_up(&[], &["192.0.2.80"]));
    let found = super::super::diagnose(&case).unwrap();
    assert_eq!(found.id, Id::Filtered);
    assert!(!found.also_possible.contains(&Id::NameNotFound));
    // A domain with an address for any name: a slip is possible, and no more.
    case.made_up_names = made::seen(made_up(&["192.0.2.80"], &[]));
    let found = super::super::diagnose(&case).unwrap();
    assert_eq!(found.id, Id::Filtered);
    assert!(found.also_possible.contains(&Id::NameNotFound));
}

#[test]
fn outside_of_what_the_provider_has_published() {
    let mut case = case("203.0.113.9", true);
    let profile =
        |range: &str| Some(Profile { published_ranges: vec![range.into()], ..Profile::default() });
    case.plan.profile = profile("203.0.113.0/24");
    let also = |case: &Case| super::super::diagnose(case).unwrap().also_possible;
    assert!(!also(&case).contains(&Id::DnsDisagreement));
    case.plan.profile = profile("198.51.100.0/24");
    assert!(also(&case).contains(&Id::DnsDisagreement));
}

#[test]
fn a_search_domain_is_told_whatever_fails() {
    let mut case = case("203.0.113.9", true);
    if let Some(servers) = &mut case.name_servers {
        let servers = servers.seen.as_mut().unwrap();
        let answer = servers.servers[0].a.clone();
        servers.servers[0].a =
            name_servers::Answer { code: AnswerCode::NxDomain, ..name_servers::Answer::default() };
        let name = "host.example.com.corp.test".to_owned();
        servers.searched = vec![Searched { name, a: answer, aaaa: told(&[]) }];
    }
    let found = super::super::diagnose(&case).unwrap();
    let said: String = found.because.iter().map(Text::plain).collect();
    assert!(said.contains("ssh goes to host.example.com.corp.test."), "{said}");
}
