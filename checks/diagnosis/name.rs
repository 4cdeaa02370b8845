//! Causes in name resolution.

use std::net::IpAddr;

use super::{Diagnosis, Id, Rule};
use crate::{
    case::Case,
    command, dns,
    evidence::{
        name_servers::AnswerCode,
        resolution::{LookupError, LookupErrorKind, Resolution},
    },
    finding::Hint,
    text,
    text::{Text, address, host, number, path},
};

/// In causal order: no network at all, then what the servers say, then what is wrong in what is
/// used though it was told.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::NoNetwork, finds: no_network },
    Rule { id: Id::NameNotFound, finds: name_not_found },
    Rule { id: Id::NameHasNoAddress, finds: name_has_no_address },
    Rule { id: Id::DnsServerFailure, finds: dns_server_failure },
    Rule { id: Id::DnsTimeout, finds: dns_timeout },
    Rule { id: Id::HostsFileOverride, finds: hosts_file_override },
    Rule { id: Id::DnsDisagreement, finds: dns_disagreement },
];

/// The lookup, where it failed.
fn failed(case: &Case) -> Option<(&Resolution, &LookupError)> {
    let resolution = case.resolution()?;
    Some((resolution, resolution.outcome.as_ref().err()?))
}

/// What each name server said, a sentence each.
fn servers_say(case: &Case) -> Vec<Text> {
    let Some(servers) = case.name_servers() else { return Vec::new() };
    let line = |s: &crate::evidence::name_servers::NameServer| {
        let start = text!["The name server ", address(s.server), " says: IPv4 "];
        start.then(dns::words(&s.a)).with(", IPv6 ").then(dns::words(&s.aaaa)).with(".")
    };
    servers.servers.iter().map(line).collect()
}

fn with_servers(mut found: Diagnosis, case: &Case) -> Diagnosis {
    if case.resolution().is_some_and(|r| r.literal) {
        return found;
    }
    found.because.extend(servers_say(case));
    found
}

fn no_network(case: &Case) -> Option<Diagnosis> {
    let machine = case.machine()?;
    if machine.ipv4_route || machine.ipv6_route {
        return None;
    }
    let unresolved = failed(case).is_some_and(|(_, e)| e.kind != LookupErrorKind::NoData);
    let unconnected = case.attempts().is_some_and(|a| {
        a.connected().is_none() && a.tried.iter().all(|t| !t.to.ip().is_loopback())
    });
    (unresolved || unconnected).then(|| {
        Diagnosis::new(Id::NoNetwork)
            .because(text!["This computer has no route to any other network, by IPv4 or IPv6."])
            .step(Hint::advice("Connect it: cable, Wi-Fi, or VPN. Then run this again."))
            .step(Hint::run(text!["This shows what there is:"], command!["ip", "route"]))
    })
}

fn name_not_found(case: &Case) -> Option<Diagnosis> {
    let (resolution, error) = failed(case)?;
    if error.kind != LookupErrorKind::NoName {
        return None;
    }
    let name = &resolution.name;
    let mut found = Diagnosis::new(Id::NameNotFound).because(text![
        "There is no host of the name ",
        host(name),
        "."
    ]);
    found = with_servers(found, case);
    if name.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Some(found.step(Hint::advice(text![
            "That is meant as an address, but it is none: an IPv4 address has four numbers from 0 ",
            "to 255. Correct it.",
        ])));
    }
    if !name.is_ascii() {
        found = found.because(text![
            "The name has letters outside ASCII. ssh does not translate them; the name in DNS ",
            "begins with xn--.",
        ]);
    }
    let misspelt = case.profile().misspelt_domains.iter();
    for (wrong, right) in misspelt.filter(|(wrong, _)| name.ends_with(&format!(".{wrong}"))) {
        found = found.because(text![
            "The name ends in ",
            host(wrong),
            ", a slip that is in the provider's own documentation: the domain is ",
            host(right),
            ".",
        ]);
        let meant = name.replace(wrong.as_str(), right);
        found = found.step(Hint::run(
            text!["Try the name with the right domain:"],
            command!["ssh-preflight", case.at(&meant)],
        ));
    }
    if let Some(nearby) = case.nearby() {
        for near in &nearby.names {
            found = found.step(Hint::run(
                text!["This name exists. If it is the one that you mean:"],
                command!["ssh-preflight", case.at(&near.name)],
            ));
        }
    }
    found = found.step(Hint::advice(text![
        "Compare the name letter by letter with the one that you were given.",
    ]));
    Some(found.step(Hint::advice(text![
        "If it is right, it may only be known inside a network: connect to its VPN, or ask those ",
        "who run the host whether it still exists.",
    ])))
}

fn name_has_no_address(case: &Case) -> Option<Diagnosis> {
    let (resolution, error) = failed(case)?;
    if error.kind != LookupErrorKind::NoData && resolution.other_family.is_empty() {
        return None;
    }
    let name = host(&resolution.name);
    let mut found = Diagnosis::new(Id::NameHasNoAddress);
    if let Some(first) = resolution.other_family.first() {
        let has = if first.is_ipv4() { "IPv4" } else { "IPv6" };
        let asked = if first.is_ipv4() { "IPv6" } else { "IPv4" };
        let fact = if resolution.literal {
            text![name, " is an ", has, " address"]
        } else {
            text![name, " has an ", has, " address (", address(first), ")"]
        };
        let rest = text![", but only ", asked, " is allowed here, by -4, -6 or AddressFamily."];
        found = found.because(fact.then(rest)).step(Hint::run(
            text!["Allow both families:"],
            case.plan.ssh().set("AddressFamily=any").command(),
        ));
    } else {
        found = found
            .because(text!["The name ", name, " exists, but no address belongs to it."])
            .step(Hint::advice(text![
                "Ask those who run the host: its DNS entry is incomplete, or the environment was ",
                "taken down.",
            ]));
    }
    Some(with_servers(found, case))
}

fn dns_server_failure(case: &Case) -> Option<Diagnosis> {
    let (resolution, _) = failed(case)?;
    let refuses = |code: &AnswerCode| {
        matches!(code, AnswerCode::ServFail | AnswerCode::Refused | AnswerCode::Other(_))
    };
    let servers = case.name_servers()?;
    servers.answers().find(|(_, answer)| refuses(&answer.code))?;
    let found = Diagnosis::new(Id::DnsServerFailure).because(text![
        "The name ",
        host(&resolution.name),
        " could not be looked up: a name server answers with an error.",
    ]);
    Some(
        with_servers(found, case)
            .step(Hint::advice(text![
                "If you are on a VPN, reconnect it; if you left one, reconnect your network: its ",
                "name server may still be configured.",
            ]))
            .step(show_name_servers(case))
            .step(Hint::advice(
                "If it stays, the zone itself is broken: tell those who run the host.",
            )),
    )
}

fn dns_timeout(case: &Case) -> Option<Diagnosis> {
    let (resolution, _) = failed(case)?;
    let answered = case
        .name_servers()
        .is_some_and(|s| s.answers().any(|(_, answer)| answer.code == AnswerCode::NoError));
    let who = if answered { "The system's own resolver" } else { "Nobody" };
    let mut found = Diagnosis::new(Id::DnsTimeout).because(text![
        who,
        if answered { " found no" } else { " answered the question for the" },
        " address of ",
        host(&resolution.name),
        if answered { ", though a name server that was asked directly answers." } else { "." },
    ]);
    found = with_servers(found, case);
    if answered {
        found = found.step(Hint::advice(
            "Run it again: if it works now, the name server was slow. If it stays, restart this \
             computer's resolver, or the computer.",
        ));
    }
    if case.name_servers().is_some_and(|s| s.servers.is_empty()) {
        found = found.because(text!["No name server is configured on this computer."]);
    }
    Some(
        found
            .step(Hint::advice(
                "Open any web page. If that fails too, reconnect the network or the VPN.",
            ))
            .step(show_name_servers(case))
            .or(Id::DnsServerFailure),
    )
}

/// How to see whom this computer asks.
fn show_name_servers(case: &Case) -> Hint {
    let command = match case.machine().map(|m| m.os.as_str()) {
        Some("windows") => command!["ipconfig", "/all"],
        Some("macos") => command!["scutil", "--dns"],
        _ => command!["cat", path("/etc/resolv.conf")],
    };
    Hint::run(text!["This shows which name servers this computer uses:"], command)
}

/// The addresses that were used, where none of them could be connected to.
fn unconnected(case: &Case) -> Option<(&Resolution, &Vec<IpAddr>)> {
    let resolution = case.resolution().filter(|r| !r.literal)?;
    let used = resolution.outcome.as_ref().ok()?;
    let attempts = case.attempts().filter(|a| a.connected().is_none())?;
    (!attempts.tried.is_empty()).then_some((resolution, used))
}

fn hosts_file_override(case: &Case) -> Option<Diagnosis> {
    let (resolution, used) = unconnected(case)?;
    let line = resolution.hosts_lines.iter().find(|l| used.contains(&l.address))?;
    let told = case.name_servers()?.addresses();
    if told.is_empty() || told.contains(&line.address) {
        return None;
    }
    let others: Vec<_> = told.iter().map(ToString::to_string).collect();
    Some(
        Diagnosis::new(Id::HostsFileOverride)
            .because(text![
                path(&line.path),
                ", line ",
                number(line.line),
                ", says that ",
                host(&resolution.name),
                " is ",
                address(line.address),
                ". That address cannot be connected to.",
            ])
            .because(text!["The name servers say: ", address(others.join(", ")), "."])
            .step(Hint::advice(text![
                "Remove line ",
                number(line.line),
                " of ",
                path(&line.path),
                ", or correct it, as administrator (root).",
            ])),
    )
}

fn dns_disagreement(case: &Case) -> Option<Diagnosis> {
    let (resolution, used) = unconnected(case)?;
    let servers = case.name_servers()?;
    if !resolution.hosts_lines.is_empty() || !dns::disagreement(servers) {
        return None;
    }
    let used: Vec<_> = used.iter().map(ToString::to_string).collect();
    let found = Diagnosis::new(Id::DnsDisagreement).because(text![
        "ssh uses ",
        address(used.join(", ")),
        " for ",
        host(&resolution.name),
        ", which cannot be connected to.",
    ]);
    Some(
        with_servers(found, case)
            .step(Hint::advice(text![
                "One of these name servers is wrong, or answers for another network (a VPN). ",
                "Connect or disconnect the VPN, so that only the right one is asked.",
            ]))
            .step(show_name_servers(case)),
    )
}
