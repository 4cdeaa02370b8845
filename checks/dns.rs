//! Name resolution: the system resolver's answer beside each name server's.

use std::net::IpAddr;

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen, Unseen,
        configuration::Effective,
        name_servers::{Answer, AnswerCode, NameServers},
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
}

impl Check for Dns {
    const ABOUT: About = About { id: "dns", title: "Name resolution" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (resolution, name_servers) =
            futures_util::join!(evidence.resolution(), evidence.name_servers());
        let no_such_name = matches!(resolution, Ok(Resolution { outcome: Err(e), .. })
            if e.kind == LookupErrorKind::NoName);
        let nearby = if no_such_name { Some(evidence.nearby().await) } else { None };
        let effective = evidence.effective().await;
        Facts { effective, resolution, name_servers, nearby }
    }

    fn judge(_plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, resolution) = match (facts.effective, facts.resolution) {
            (Ok(effective), Ok(resolution)) => (effective, resolution),
            (Err(why), _) => return Finding::unseen(&why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        if resolution.literal && resolution.outcome.is_ok() {
            return Finding::skip("The target is an address already; no name is looked up.");
        }
        let servers = facts.name_servers.as_ref().ok();
        let finding = match &resolution.outcome {
            Ok(addresses) => resolved(effective, resolution, addresses, servers),
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
            .detail_all(servers.iter().flat_map(|s| s.servers.iter()).map(|s| {
                let line = text![address(s.server), " says: IPv4 "].then(words(&s.a));
                line.with(", IPv6 ").then(words(&s.aaaa)).with(".")
            }))
            .detail_all(resolution.hosts_lines.iter().map(|line| {
                let file = path(&line.path);
                text![file, ":", number(line.line), " says ", address(line.address), "."]
            }))
            .fact("resolution", resolution)
            .fact("name_servers", servers)
            .fact("nearby", facts.nearby)
    }
}

fn resolved(
    effective: &Effective,
    resolution: &Resolution,
    addresses: &[IpAddr],
    servers: Option<&NameServers>,
) -> Finding {
    let summary = text![host(&effective.host), " is ", list(addresses), "."];
    let Some(servers) = servers else { return Finding::pass(summary) };
    if let Some(line) = resolution.hosts_lines.first() {
        let told = servers.addresses();
        if !told.is_empty() && !told.contains(&line.address) {
            return Finding::warn(summary).detail(text![
                "The hosts file decides here: name servers say ",
                list(&told),
                ".",
            ]);
        }
        return Finding::pass(summary);
    }
    let quarrel = disagreement(servers);
    let silent = servers.servers.iter().find(|s| s.a.is_failure() && s.aaaa.is_failure());
    if quarrel {
        return Finding::warn(summary).detail("The name servers tell different addresses.");
    }
    match silent {
        Some(server) => Finding::warn(summary).detail(text![
            "The name server ",
            address(server.server),
            " does not work; whenever it is asked first, connecting is slow.",
        ]),
        None => Finding::pass(summary),
    }
}

/// Whether servers that answer tell addresses that have none in common.
#[must_use]
pub fn disagreement(servers: &NameServers) -> bool {
    let told: Vec<Vec<IpAddr>> = servers
        .servers
        .iter()
        .map(|s| s.a.addresses.iter().chain(&s.aaaa.addresses).copied().collect::<Vec<_>>())
        .filter(|addresses| !addresses.is_empty())
        .collect();
    told.iter().any(|one| told.iter().any(|other| !one.iter().any(|a| other.contains(a))))
}

/// What one answer says.
#[must_use]
pub fn words(answer: &Answer) -> Text {
    let took = format!(" ({} ms)", answer.took_ms);
    let mut said = match &answer.code {
        AnswerCode::NoError if answer.addresses.is_empty() => text!["none"],
        AnswerCode::NoError => text![list(&answer.addresses)],
        AnswerCode::NxDomain => text!["no such name (NXDOMAIN)"],
        AnswerCode::ServFail => text!["failure (SERVFAIL)"],
        AnswerCode::Refused => text!["refused to answer (REFUSED)"],
        AnswerCode::Other(code) => text![foreign(code)],
        AnswerCode::Timeout => text!["no answer"],
        AnswerCode::Unreachable(why) => text!["not reachable: ", foreign(why)],
    };
    if !answer.aliases.is_empty() {
        said = said.with(" by way of ").with(foreign(answer.aliases.join(" → ")));
    }
    if let Some(ttl) = answer.ttl_s {
        said = said.with(format!(", valid for {ttl} s"));
    }
    said.with(took)
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
