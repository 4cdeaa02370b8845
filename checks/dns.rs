//! Name resolution: the system resolver's answer beside each name server's.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    address_kind,
    address_kind::AddressKind,
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen, Unseen,
        configuration::{AddressFamily, Effective},
        machine::Machine,
        name_servers::{Answer, AnswerCode, NameServer, NameServers, Searched},
        nearby::Nearby,
        resolution::{LookupErrorKind, Resolution},
    },
    finding::{Finding, Hint},
    text,
    text::{Text, address, foreign, host, number, path},
};

/// Name resolution.
pub struct Dns;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    resolution: &'e Seen<Resolution>,
    name_servers: &'e Seen<NameServers>,
    nearby: Option<&'e Seen<Nearby>>,
    machine: &'e Seen<Machine>,
    ranges: Vec<IpNet>,
}

impl Check for Dns {
    const ABOUT: About = About { id: "dns", title: "Name resolution" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (resolution, name_servers, machine) =
            futures_util::join!(evidence.resolution(), evidence.name_servers(), evidence.machine());
        let no_such_name = matches!(resolution, Ok(Resolution { outcome: Err(e), .. })
            if e.kind == LookupErrorKind::NoName);
        // An alias that leads nowhere is no slip.
        let is_alias =
            name_servers.as_ref().is_ok_and(|s| s.answers().any(|(_, a)| !a.aliases.is_empty()));
        let nearby = if no_such_name && !is_alias { Some(evidence.nearby().await) } else { None };
        let effective = evidence.effective().await;
        let ranges = evidence.profile().await.ranges();
        Facts { effective, resolution, name_servers, nearby, machine, ranges }
    }

    fn judge(_plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, resolution) = match (&facts.effective, facts.resolution) {
            (Ok(effective), Ok(resolution)) => (*effective, resolution),
            (Err(why), _) => return Finding::unseen(why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        if resolution.literal && resolution.outcome.is_ok() {
            return Finding::skip("The target is an address already; no name is looked up.");
        }
        let servers = facts.name_servers.as_ref().ok();
        let finding = match &resolution.outcome {
            Ok(addresses) => resolved(effective, resolution, addresses, &facts),
            Err(error) => {
                let name = host(&resolution.name);
                let words = foreign(&error.message);
                if resolution.literal {
                    return Finding::fail(text![
                        name,
                        " is not an address of the family that is allowed here, by -4, -6 or ",
                        "AddressFamily."
                    ])
                    .fact("resolution", resolution);
                }
                Finding::fail(text!["No address for ", name, ": ", words, "."])
            }
        };
        let finding = match facts.nearby {
            Some(Ok(nearby)) => nearby.names.iter().fold(finding, |finding, near| {
                finding.hint(Hint::advice(text!["A name near it exists: ", host(&near.name)]))
            }),
            _ => finding,
        };
        finding
            .detail_all(servers.iter().flat_map(|s| s.servers.iter()).map(server_says))
            .detail_all(servers.iter().flat_map(|s| s.searched.iter()).map(searched_says))
            .detail_all(resolution.hosts_lines.iter().map(|line| {
                let file = path(&line.path);
                text![file, ":", number(line.line), " says ", address(line.address), "."]
            }))
            .fact("resolution", resolution)
            .fact("name_servers", servers)
            .fact("nearby", facts.nearby)
    }
}

/// A sentence about one name server.
#[must_use]
pub fn server_says(server: &NameServer) -> Text {
    let line = text!["The name server ", address(server.server), " says: IPv4 "];
    line.then(words(&server.a)).with(", IPv6 ").then(words(&server.aaaa)).with(".")
}

/// A sentence about the name with a search domain behind it.
#[must_use]
pub fn searched_says(searched: &Searched) -> Text {
    let line = text!["With a search domain, ", host(&searched.name), ": IPv4 "];
    line.then(words(&searched.a)).with(", IPv6 ").then(words(&searched.aaaa)).with(".")
}

/// There is an address; what may still surprise is told.
fn resolved(
    effective: &Effective,
    resolution: &Resolution,
    addresses: &[IpAddr],
    facts: &Facts<'_>,
) -> Finding {
    let summary = text![host(&effective.host), " is ", list(addresses), "."];
    let mut doubts = of_addresses(addresses, facts);
    let mut details = Vec::new();
    if let Ok(servers) = facts.name_servers {
        doubts.extend(of_servers(effective, resolution, servers));
        if resolution.hosts_lines.is_empty()
            && let Some(used) = completed(servers, addresses)
        {
            details.push(text![
                "The name was completed with a search domain; the full name is ",
                host(&used.name),
                "."
            ]);
        }
    }
    let finding = if doubts.is_empty() { Finding::pass(summary) } else { Finding::warn(summary) };
    finding.detail_all(doubts).detail_all(details)
}

/// What is odd about the addresses themselves.
fn of_addresses(addresses: &[IpAddr], facts: &Facts<'_>) -> Vec<Text> {
    let mut doubts = Vec::new();
    let all = |kind: AddressKind| addresses.iter().all(|a| AddressKind::of(*a) == kind);
    if all(AddressKind::Unspecified) {
        doubts.push(text!["That is no real address: filters of names answer so."]);
    }
    if all(AddressKind::Benchmark) {
        doubts.push(text!["No real host has such an address: a proxy program made it up."]);
    }
    if let Some(outside) = outside(&facts.ranges, addresses) {
        doubts.push(text![
            address(outside),
            " is in none of the ranges that the provider has published."
        ]);
    }
    if let Ok(machine) = facts.machine {
        let only = |ipv4: bool| addresses.iter().all(|a| a.is_ipv4() == ipv4);
        // What is here, or on a link of this computer, needs no route.
        let near = [AddressKind::Loopback, AddressKind::LinkLocal];
        let elsewhere = addresses.iter().any(|a| !near.contains(&AddressKind::of(*a)));
        if elsewhere && only(false) && !machine.ipv6_route {
            doubts
                .push(text!["It has IPv6 addresses alone, and this computer has no way to IPv6."]);
        }
        if elsewhere && only(true) && !machine.ipv4_route && machine.ipv6_route {
            doubts
                .push(text!["It has IPv4 addresses alone, and this computer has no way to IPv4."]);
        }
    }
    doubts
}

/// What is odd about the name servers.
fn of_servers(effective: &Effective, resolution: &Resolution, servers: &NameServers) -> Vec<Text> {
    let mut doubts = Vec::new();
    if let Some(line) = resolution.hosts_lines.first() {
        let told = servers.addresses();
        if !told.is_empty() && !told.contains(&line.address) {
            doubts.push(text!["The hosts file decides here: name servers say ", list(&told), ".",]);
        }
        return doubts;
    }
    if disagreement(servers) {
        doubts.push(text!["The name servers tell different addresses."]);
    }
    if servers.completed().count() > 1 {
        let words = "The short name fits several search domains, and the first one is used:";
        let names = servers.completed().map(|s| text![" ", host(&s.name), ","]);
        let mut doubt = names.fold(text![words], Text::then);
        doubt.0.pop();
        doubts.push(doubt.with("."));
    }
    for server in &servers.servers {
        let slow = "; whenever it is asked first, connecting is slow.";
        if server.a.is_failure() && server.aaaa.is_failure() {
            doubts.push(text!["The name server ", address(server.server), " does not work", slow]);
        } else if server.aaaa.code == AnswerCode::Timeout
            && effective.address_family != AddressFamily::Inet
        {
            doubts.push(text![
                "The name server ",
                address(server.server),
                " answers for IPv4 and never for IPv6",
                slow
            ]);
        }
    }
    doubts
}

/// An address that is in none of the ranges, where there are any.
#[must_use]
pub fn outside(ranges: &[IpNet], addresses: &[IpAddr]) -> Option<IpAddr> {
    let held = |a: &&IpAddr| address_kind::holding(ranges, **a).is_none();
    addresses.iter().filter(|_| !ranges.is_empty()).find(held).copied()
}

/// The full name, where a search domain was put behind the one that was typed.
#[must_use]
pub fn completed<'s>(servers: &'s NameServers, used: &[IpAddr]) -> Option<&'s Searched> {
    servers.completed().next().filter(|s| s.addresses().iter().any(|a| used.contains(a)))
}

/// Whether servers that answer tell addresses that have none in common.
#[must_use]
pub fn disagreement(servers: &NameServers) -> bool {
    let told: Vec<Vec<IpAddr>> = servers
        .servers
        .iter()
        .map(NameServer::addresses)
        .filter(|addresses| !addresses.is_empty())
        .collect();
    told.iter().any(|one| told.iter().any(|other| !one.iter().any(|a| other.contains(a))))
}

/// What one answer says.
#[must_use]
pub fn words(answer: &Answer) -> Text {
    let took = format!(" ({} ms)", answer.took_ms);
    let mut said = code_words(answer);
    if answer.code == AnswerCode::NotAName {
        return said;
    }
    if answer.code == AnswerCode::TcpFailed
        && let Some(error) = &answer.error
    {
        said = said.with(": ").with(foreign(&error.message));
    }
    if !answer.aliases.is_empty() {
        said = said.with(" by way of ").with(foreign(answer.aliases.join(" → ")));
    }
    if let Some(ttl) = answer.ttl_s {
        said = said.with(format!(", valid for {ttl} s"));
    }
    said.with(took)
}

/// What the code of an answer says, with the addresses where there are some.
pub(crate) fn code_words(answer: &Answer) -> Text {
    match &answer.code {
        AnswerCode::NoError if answer.addresses.is_empty() => text!["none"],
        AnswerCode::NoError => text![list(&answer.addresses)],
        AnswerCode::NxDomain => text!["no such name (NXDOMAIN)"],
        AnswerCode::NotAName => text!["not asked, since a part of the name is too long for one"],
        AnswerCode::ServFail => text!["failure (SERVFAIL)"],
        AnswerCode::Refused => text!["refused to answer (REFUSED)"],
        AnswerCode::Other(code) => text![foreign(code)],
        AnswerCode::Timeout => text!["no answer"],
        AnswerCode::Unreachable(why) => text!["not reachable: ", foreign(why)],
        AnswerCode::TcpFailed => text!["cut: it is too long for UDP, and TCP failed"],
    }
}

/// Addresses, one after the other.
fn list(addresses: &[IpAddr]) -> crate::text::Span {
    let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    address(all.join(", "))
}

impl Answer {
    /// Whether the server did not do its work: no answer, or an error of its own.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self.code, AnswerCode::NoError | AnswerCode::NxDomain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address_kind::range, evidence::made, finding::Status};

    fn told(code: AnswerCode, addresses: &[&str]) -> Answer {
        let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        Answer { code, addresses, ..Answer::default() }
    }

    fn server(a: Answer, aaaa: Answer) -> NameServer {
        NameServer { server: "192.0.2.53:53".parse().unwrap(), a, aaaa, unchecked: None }
    }

    fn searched(name: &str, address: &str) -> Searched {
        let (a, aaaa) = (told(AnswerCode::NoError, &[address]), told(AnswerCode::NoError, &[]));
        Searched { name: name.into(), a, aaaa }
    }

    fn finding(address: &str, servers: NameServers, ranges: &[&str]) -> (Status, String) {
        let effective = made::effective(22);
        let resolution = Ok(Resolution {
            name: effective.host.clone(),
            literal: false,
            outcome: Ok(vec![address.parse().unwrap()]),
            other_family: Vec::new(),
            hosts_lines: Vec::new(),
        });
        let machine = Ok(Machine { ipv4_route: true, ..Machine::default() });
        let facts = Facts {
            effective: Ok(&effective),
            resolution: &resolution,
            name_servers: &Ok(servers),
            nearby: None,
            machine: &machine,
            ranges: ranges.iter().map(|r| range(r).unwrap()).collect(),
        };
        let finding = Dns::judge(&made::plan(), facts);
        let said: Vec<_> = finding.details.iter().map(Text::plain).collect();
        (finding.status, said.join("\n"))
    }

    #[test]
    fn what_surprises_is_a_warning() {
        use AnswerCode::{NoError, NxDomain, ServFail, Timeout};
        let none = || told(NoError, &[]);
        let good = || server(told(NoError, &["192.0.2.7"]), none());
        let of = |servers: Vec<NameServer>| NameServers { servers, ..NameServers::default() };
        let short = |names: &[&str]| NameServers {
            servers: vec![server(told(NxDomain, &[]), told(NxDomain, &[]))],
            searched: names.iter().map(|name| searched(name, "192.0.2.7")).collect(),
            ..NameServers::default()
        };
        let broken = || server(told(ServFail, &[]), told(ServFail, &[]));
        let only_ipv4 = server(told(NoError, &["192.0.2.7"]), told(Timeout, &[]));
        let other = server(told(NoError, &["192.0.2.8"]), none());
        for (address, servers, ranges, status, words) in [
            ("192.0.2.7", of(vec![good()]), &[][..], Status::Pass, "192.0.2.53:53 says"),
            ("192.0.2.7", of(vec![good(), broken()]), &[], Status::Warn, "does not work"),
            ("192.0.2.7", of(vec![only_ipv4]), &[], Status::Warn, "never for IPv6"),
            ("192.0.2.7", of(vec![good(), other]), &[], Status::Warn, "different addresses"),
            ("192.0.2.7", short(&["a.b"]), &[], Status::Pass, "the full name is a.b"),
            ("192.0.2.7", short(&["a.b", "a.c"]), &[], Status::Warn, "a.b, a.c"),
            ("192.0.2.7", of(vec![good()]), &["192.0.2.0/24"], Status::Pass, ""),
            ("192.0.2.7", of(vec![good()]), &["198.51.100.0/24"], Status::Warn, "published"),
            ("0.0.0.0", of(vec![]), &[], Status::Warn, "no real address"),
            ("198.18.0.7", of(vec![]), &[], Status::Warn, "proxy program"),
            ("2001:db8::1", of(vec![]), &[], Status::Warn, "no way to IPv6"),
        ] {
            let (found, said) = finding(address, servers, ranges);
            assert!(found == status && said.contains(words), "{words}: {found:?} {said}");
        }
    }
}
