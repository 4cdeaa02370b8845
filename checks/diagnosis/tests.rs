//! Causes that the lab on loopback cannot make, through the whole table of rules: so their order is
//! tested as well.

use std::net::{IpAddr, SocketAddr};

use super::{Diagnosis, Id, diagnose};
use crate::{
    case::{Case, Observed},
    evidence::{
        Seen, Unseen,
        configuration::{AddressFamily, Configuration, Effective, Refusal, Source},
        connection::{Attempt, Attempts, OsError, OsErrorKind, Outcome},
        handshake::{AlgorithmLists, Handshake, HandshakeEnd, Identification, Step},
        key::PublicKeyFacts,
        machine::Machine,
        made,
        name_servers::{Answer, AnswerCode, NameServer, NameServers},
        nearby::{NearName, Nearby},
        queries::{self, Broken, Queries, Query, RsaSignatures},
        resolution::{HostsLine, LookupError, LookupErrorKind, Resolution},
    },
    near_names::Origin,
    offers::{Offer, Provable},
    text::Foreign,
};

const HOST: &str = "host.example.com";

fn case() -> Case {
    let mut case = made::case(made::effective(22));
    case.machine = made::seen(Machine {
        os: "linux".into(),
        ipv4_route: true,
        ipv6_route: true,
        ..Machine::default()
    });
    case
}

/// The diagnosis, with all its words in one string.
#[track_caller]
fn told(case: &Case, id: Id) -> (Diagnosis, String) {
    let found = diagnose(case).unwrap_or_else(|| panic!("{id} is not found"));
    let mut words: Vec<_> = found.because.iter().map(crate::text::Text::plain).collect();
    for step in &found.next_steps {
        words.push(step.text.plain());
        words.extend(step.command.as_ref().map(crate::text::Command::plain));
    }
    let words = words.join("\n");
    assert_eq!(found.id, id, "{words}");
    (found, words)
}

#[track_caller]
fn says(case: &Case, id: Id, expected: &[&str]) {
    let (_, words) = told(case, id);
    for part in expected {
        assert!(words.contains(part), "{part:?} is not said:\n{words}");
    }
}

fn failed_lookup(kind: LookupErrorKind) -> Option<Observed<Resolution>> {
    let message = "Name or service not known".into();
    resolution(HOST, Err(LookupError { kind, message }))
}

fn resolution(
    name: &str,
    outcome: Result<Vec<IpAddr>, LookupError>,
) -> Option<Observed<Resolution>> {
    made::seen(Resolution {
        name: name.into(),
        literal: false,
        outcome,
        other_family: Vec::new(),
        hosts_lines: Vec::new(),
    })
}

fn answer(code: AnswerCode, addresses: &[&str]) -> Answer {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    Answer { code, addresses, ttl_s: Some(60), took_ms: 3, ..Answer::default() }
}

/// One server for each answer to the question for IPv4 addresses.
fn servers(answers: Vec<Answer>) -> Option<Observed<NameServers>> {
    let server = |n: usize| -> SocketAddr { format!("192.0.2.{}:53", n + 1).parse().unwrap() };
    let servers: Vec<_> = answers
        .into_iter()
        .enumerate()
        .map(|(n, a)| {
            let aaaa = Answer { addresses: Vec::new(), ..a.clone() };
            NameServer { server: server(n), a, aaaa, unchecked: None }
        })
        .collect();
    let configured = servers.iter().map(|s| s.server).collect();
    made::seen(NameServers { configured, servers, ..NameServers::default() })
}

fn refused_at(address: &str) -> Option<Observed<Attempts>> {
    let error = OsError {
        operation: "connect".into(),
        errno: Some(111),
        kind: OsErrorKind::ConnectionRefused,
        message: "Connection refused".into(),
    };
    let to = SocketAddr::new(address.parse().unwrap(), 22);
    let outcome = Outcome::Failed(error);
    let attempt = Attempt { to, from: None, outcome, message: None, took_ms: 1.0 };
    made::seen(Attempts { tried: vec![attempt], untried: Vec::new() })
}

fn handshake(end: HandshakeEnd, reached: Step) -> Option<Observed<Handshake>> {
    let identification = Identification {
        line: Foreign::from_bytes(b"SSH-2.0-other"),
        protocol: "2.0".into(),
        software: Foreign::from_bytes(b"other"),
    };
    let identification = (reached >= Step::Identification).then_some(identification);
    made::seen(Handshake { reached, identification, received: 40, end, ..Handshake::default() })
}

fn offer(algorithm: &str) -> Offer {
    let key = PublicKeyFacts {
        algorithm: algorithm.into(),
        bits: 256,
        sha256: "SHA256:abc".into(),
        md5: "00:11".into(),
        comment: "ada".into(),
        line: format!("{algorithm} AAAA"),
        certificate: None,
    };
    let path = Some("/home/ada/.ssh/id".into());
    Offer { key, path, in_agent: false, provable: Provable::Yes }
}

fn asked(algorithm: &str, answer: queries::Answer) -> Queries {
    let query = Query { offer: offer(algorithm), algorithm: algorithm.into(), answer };
    let methods = Some(vec!["publickey".to_owned()]);
    Queries { user: "ada".into(), offers: vec![query], methods, ..Queries::default() }
}

#[test]
fn without_a_route_nothing_else_is_blamed() {
    let mut case = case();
    case.machine = made::seen(Machine { os: "linux".into(), ..Machine::default() });
    case.resolution = failed_lookup(LookupErrorKind::TemporaryFailure);
    case.name_servers = servers(vec![answer(AnswerCode::Timeout, &[])]);
    says(&case, Id::NoNetwork, &["no route", "ip route"]);
}

#[test]
fn names_that_do_not_exist() {
    let mut case = case();
    case.resolution = failed_lookup(LookupErrorKind::NoName);
    case.name_servers = servers(vec![answer(AnswerCode::NxDomain, &[])]);
    let near = NearName {
        name: "host2.example.com".into(),
        addresses: vec!["192.0.2.9".parse().unwrap()],
        origin: Origin::Profile,
    };
    case.nearby = made::seen(Nearby { names: vec![near], wildcard: false });
    let expected = ["There is no host of the name", "192.0.2.1:53", "ssh-preflight ada@host2"];
    says(&case, Id::NameNotFound, &expected);
    // The answer of a server that fails is less than the one that there is no such name.
    case.name_servers =
        servers(vec![answer(AnswerCode::NxDomain, &[]), answer(AnswerCode::ServFail, &[])]);
    told(&case, Id::NameNotFound);
}

#[test]
fn a_short_name_that_is_longer_outside() {
    let mut case = case();
    let effective = Effective { host: "shop-staging".into(), ..made::effective(22) };
    case.configuration = made::case(effective).configuration;
    case.plan.host = "shop-staging".into();
    let kind = LookupErrorKind::NoName;
    case.resolution = resolution("shop-staging", Err(LookupError { kind, message: "x".into() }));
    case.name_servers = servers(vec![answer(AnswerCode::NxDomain, &[])]);
    let full = "shop-staging.cloud.akeneo.com";
    case.nearby = made::seen(Nearby {
        names: vec![NearName {
            name: full.into(),
            addresses: vec!["192.0.2.9".parse().unwrap()],
            origin: Origin::Profile,
        }],
        wildcard: false,
    });
    says(&case, Id::ShortNameOutside, &[full, "ssh ada@shop-staging.cloud.akeneo.com"]);
    // Whose short name it is follows from the user that the provider has for all.
    assert_eq!(case.plan.profile_meant("shop-staging", "akeneo").name, "akeneo");
    assert_eq!(case.plan.profile_meant("shop-staging", "ada").name, "generic");
    assert_eq!(case.plan.profile_meant("a.example.com", "akeneo").name, "generic");
}

#[test]
fn name_servers_that_fail() {
    let mut case = case();
    case.resolution = failed_lookup(LookupErrorKind::TemporaryFailure);
    for (answers, id, expected) in [
        (vec![answer(AnswerCode::ServFail, &[])], Id::DnsServerFailure, "192.0.2.1:53"),
        (vec![answer(AnswerCode::Refused, &[])], Id::DnsServerFailure, "resolv.conf"),
        (vec![answer(AnswerCode::Timeout, &[])], Id::DnsTimeout, "Nobody answered"),
        (vec![], Id::NoNameServer, "No name server is configured"),
        (vec![answer(AnswerCode::NoError, &["192.0.2.7"])], Id::DnsTimeout, "asked directly"),
    ] {
        case.name_servers = servers(answers);
        says(&case, id, &[expected]);
    }
    // One that has an address, and refuses to speak of the other family: its address was needed.
    case.name_servers = servers(vec![answer(AnswerCode::NoError, &["192.0.2.7"])]);
    case.name_servers.as_mut().unwrap().seen.as_mut().unwrap().servers[0].aaaa.code =
        AnswerCode::Refused;
    told(&case, Id::DnsTimeout);
    let ipv6_alone = Effective { address_family: AddressFamily::Inet6, ..made::effective(22) };
    case.configuration = made::case(ipv6_alone).configuration;
    told(&case, Id::DnsServerFailure);
}

#[test]
fn a_name_without_an_address() {
    let mut case = case();
    case.resolution = failed_lookup(LookupErrorKind::NoData);
    case.name_servers = servers(vec![answer(AnswerCode::NoError, &[])]);
    says(&case, Id::NameHasNoAddress, &["no address belongs to it"]);
}

#[test]
fn the_hosts_file_and_the_name_servers_disagree() {
    let mut case = case();
    let used: IpAddr = "192.0.2.66".parse().unwrap();
    let mut facts = resolution(HOST, Ok(vec![used])).unwrap();
    let line = HostsLine { path: "/etc/hosts".into(), line: 7, address: used };
    facts.seen.as_mut().unwrap().hosts_lines = vec![line];
    case.resolution = Some(facts);
    case.name_servers = servers(vec![answer(AnswerCode::NoError, &["192.0.2.10"])]);
    case.attempts = refused_at("192.0.2.66");
    let expected = ["/etc/hosts", "line 7", "192.0.2.66", "192.0.2.10"];
    says(&case, Id::HostsFileOverride, &expected);
    // The same line, and DNS agrees: then it is not the reason.
    case.name_servers = servers(vec![answer(AnswerCode::NoError, &["192.0.2.66"])]);
    told(&case, Id::RefusedByHost);
}

#[test]
fn name_servers_that_disagree() {
    let mut case = case();
    case.resolution = resolution(HOST, Ok(vec!["192.0.2.66".parse().unwrap()]));
    case.name_servers = servers(vec![
        answer(AnswerCode::NoError, &["192.0.2.66"]),
        answer(AnswerCode::NoError, &["192.0.2.10"]),
    ]);
    case.attempts = refused_at("192.0.2.66");
    says(&case, Id::DnsDisagreement, &["192.0.2.1:53", "192.0.2.2:53", "192.0.2.10"]);
}

#[test]
fn a_configuration_that_others_could_change() {
    let mut case = case();
    let line = Foreign::from_bytes(b"Bad owner or permissions on /home/ada/.ssh/config");
    let refusal = Refusal { lines: vec![line], exit: Some(255) };
    case.configuration = made::seen(Configuration {
        source: Source::Files,
        effective: Err(refusal),
        files: Vec::new(),
    });
    says(&case, Id::SshConfigPermissions, &["chmod 600 /home/ada/.ssh/config"]);
}

#[test]
fn a_type_of_key_that_nobody_takes() {
    let mut case = case();
    case.handshake = handshake(HandshakeEnd::Complete, Step::Keys);
    let mut queries = asked("ssh-rsa", queries::Answer::NotOffered);
    queries.rsa_signatures = Some(RsaSignatures::Sha1Only);
    case.queries = made::seen(queries);
    let expected = ["SHA-1", "PubkeyAcceptedAlgorithms=+ssh-rsa ada@host.example.com"];
    says(&case, Id::KeyTypeRefused, &expected);
}

#[test]
fn a_server_that_says_yes_to_anything() {
    let mut case = case();
    case.handshake = handshake(HandshakeEnd::Complete, Step::Keys);
    let accepted = asked("ssh-ed25519", queries::Answer::Accepted);
    let control = Some(queries::Answer::Accepted);
    case.queries = made::seen(Queries { control, ..accepted.clone() });
    says(&case, Id::AcceptsAnything, &["made up", "other"]);
    case.queries = made::seen(Queries { control: Some(queries::Answer::Refused), ..accepted });
    assert_eq!(diagnose(&case), None);
}

fn unseen<T>(why: Unseen) -> Option<Observed<T>> {
    let seen: Seen<T> = Err(why);
    Some(Observed { started_ms: 0, duration_ms: 0, seen })
}

#[test]
fn interrupted_and_out_of_time_are_told_apart_wherever_the_run_stood() {
    let broken = |why| {
        let asked = asked("ssh-ed25519", queries::Answer::NoAnswer);
        made::seen(Queries { broken: Some(why), ..asked })
    };
    let complete = || handshake(HandshakeEnd::Complete, Step::Keys);
    let cut = |end| handshake(end, Step::Identification);
    for (id, handshake, queries) in [
        (Id::Interrupted, unseen(Unseen::Interrupted), None),
        (Id::Interrupted, cut(HandshakeEnd::Interrupted), None),
        (Id::Interrupted, complete(), broken(Broken::Interrupted)),
        (Id::TimedOut, unseen(Unseen::OutOfTime), None),
        (Id::TimedOut, cut(HandshakeEnd::OutOfTime), None),
        (Id::TimedOut, complete(), broken(Broken::OutOfTime)),
    ] {
        let mut case = case();
        (case.handshake, case.queries) = (handshake, queries);
        let stood = case.handshake().is_some_and(|h| h.reached == Step::Identification);
        let expected: &[&str] =
            if stood { &["after the server had identified itself"] } else { &["again"] };
        says(&case, id, expected);
    }
}

#[test]
fn a_defect_of_ours_is_not_blamed_on_the_server() {
    let mut case = case();
    let mut stopped =
        handshake(HandshakeEnd::Stopped("odd packet".into()), Step::Algorithms).unwrap();
    stopped.seen.as_mut().unwrap().offered = Some(AlgorithmLists::default());
    case.handshake = Some(stopped);
    let expected = ["odd packet", "not known", "ssh -v ada@host.example.com"];
    says(&case, Id::NotExamined, &expected);
    case.handshake = unseen(Unseen::Crashed);
    says(&case, Id::NotExamined, &["a defect in ssh-preflight"]);
}

#[test]
fn what_only_ssh_can_tell_is_not_left_to_an_ssh_that_is_not_there() {
    let mut case = case();
    case.configuration = unseen(Unseen::OnlySsh("it has a Match line".into()));
    says(&case, Id::NotExamined, &["a Match line, and there is no ssh", "Install"]);
}

/// An id that no rule finds would be a page that nobody is ever led to.
#[test]
fn every_id_has_its_rule_and_its_group() {
    use strum::IntoEnumIterator;
    // A cause that is only named beside others, and one that only a log shows, by its own table.
    let elsewhere = [Id::ProxyFailed, Id::FailsAfterLogin];
    for id in Id::iter().filter(|id| !elsewhere.contains(id)) {
        assert!(super::rules().any(|rule| rule.id == id), "{id} has no rule");
    }
    let all: Vec<Id> = super::Group::iter().flat_map(super::in_order).collect();
    assert_eq!(all.len(), Id::iter().count());
}

#[test]
fn a_user_that_nobody_named_is_told() {
    let mut case = case();
    case.plan.user = None;
    let effective = Effective { user_is_local_default: true, ..made::effective(22) };
    case.configuration = made::case(effective).configuration;
    case.handshake = handshake(HandshakeEnd::Complete, Step::Keys);
    case.queries = made::seen(asked("ssh-ed25519", queries::Answer::Refused));
    let expected = ["the name that you have on this computer", "ssh USER@host.example.com"];
    says(&case, Id::KeyNotAccepted, &expected);
}
