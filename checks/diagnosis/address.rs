//! Causes in the address: the name has one, and it is not the host's.

use std::net::IpAddr;

use super::{
    Diagnosis, Id, Rule,
    name::{show_name_servers, with_servers},
};
use crate::{
    address_kind::AddressKind,
    case::Case,
    dns,
    evidence::{
        connection::{Attempt, OsErrorKind, Outcome},
        icmp::Says,
        resolution::Resolution,
        source::Source,
        traceroute::Answer,
    },
    finding::Hint,
    hops, text,
    text::{Text, address, host, number, path},
};

/// In causal order: who says it, then what it is.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::HostsFileOverride, finds: hosts_file_override },
    Rule { id: Id::DnsDisagreement, finds: dns_disagreement },
    Rule { id: Id::NameHijacked, finds: name_hijacked },
    Rule { id: Id::NameBlocked, finds: name_blocked },
    Rule { id: Id::FakeAddress, finds: fake_address },
    Rule { id: Id::PrivateAddress, finds: private_address },
];

/// The addresses that were used, where none of them could be connected to.
fn unconnected(case: &Case) -> Option<(&Resolution, &Vec<IpAddr>)> {
    let resolution = case.resolution().filter(|r| !r.literal)?;
    let used = resolution.outcome.as_ref().ok()?;
    let attempts = case.attempts().filter(|a| a.connected().is_none())?;
    // Who could not start from the address that the configuration names has not tried this one.
    let went_out =
        |a: &Attempt| !matches!(&a.outcome, Outcome::Failed(error) if error.is_of_local_end());
    attempts.tried.iter().any(went_out).then_some((resolution, used))
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

fn list(addresses: &[IpAddr]) -> text::Span {
    let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    address(all.join(", "))
}

/// Names that nobody has get the host's address: a hotspot before its log-in page, or a provider
/// that answers for what does not exist.
fn name_hijacked(case: &Case) -> Option<Diagnosis> {
    let (resolution, used) = unconnected(case)?;
    let made_up = case.made_up_names()?;
    let same = made_up.nowhere.addresses.iter().find(|a| used.contains(a))?;
    Some(
        Diagnosis::new(Id::NameHijacked)
            .because(text![
                "The name server ",
                address(made_up.server),
                " says that ",
                host(&resolution.name),
                " is ",
                list(used),
                ", which cannot be connected to."
            ])
            .because(text![
                "It has the address ",
                address(same),
                " for ",
                host(&made_up.nowhere.name),
                " too, a name that was made up a moment ago. So its answers prove nothing."
            ])
            .step(Hint::advice(
                "In a hotel, train or guest network: open any web page, log in there, and run this \
                 again.",
            ))
            .step(Hint::advice(
                "Else the name may not exist, and your provider answers for it with the address of \
                 a search page: compare the name letter by letter, and set another name server.",
            ))
            .step(show_name_servers(case))
            .or(Id::NameNotFound),
    )
}

/// The kind of all addresses, where it is the same.
fn kind(used: &[IpAddr]) -> Option<AddressKind> {
    let (first, rest) = used.split_first()?;
    let kind = AddressKind::of(*first);
    rest.iter().all(|a| AddressKind::of(*a) == kind).then_some(kind)
}

/// A filter of names sends the name nowhere.
fn name_blocked(case: &Case) -> Option<Diagnosis> {
    let (resolution, used) = unconnected(case)?;
    let kind = kind(used)?;
    let nowhere = matches!(kind, AddressKind::Unspecified | AddressKind::Loopback);
    let lower = resolution.name.trim_end_matches('.').to_ascii_lowercase();
    let is_local = lower == "localhost" || lower.ends_with(".localhost") || !lower.contains('.');
    let told = case.name_servers()?.addresses();
    // With name servers of our own making, this computer is where it is meant to be.
    let made = !case.plan.name_servers.is_empty();
    if !nowhere || is_local || made || !used.iter().any(|a| told.contains(a)) {
        return None;
    }
    let found = Diagnosis::new(Id::NameBlocked).because(text![
        "Your name server says that ",
        host(&resolution.name),
        " is ",
        list(used),
        ": ",
        kind.words(),
        "."
    ]);
    let found = with_servers(found, case)
        .because("Filters of names (against advertising, or of an office) answer so for what they block.")
        .step(Hint::advice(text![
            "Ask whoever runs the filter (Pi-hole, AdGuard, the office, the VPN) to let ",
            host(&resolution.name),
            " through, or use another name server.",
        ]))
        .step(show_name_servers(case));
    Some(if kind == AddressKind::Loopback { found.or(Id::RefusedByHost) } else { found })
}

/// A proxy program stands in for all hosts, and does not let SSH through.
fn fake_address(case: &Case) -> Option<Diagnosis> {
    let resolution = case.resolution().filter(|r| !r.literal)?;
    let used = resolution.outcome.as_ref().ok()?;
    let nothing_heard = case.handshake().is_some_and(|h| h.identification.is_none());
    if kind(used) != Some(AddressKind::Benchmark) || !(unconnected(case).is_some() || nothing_heard)
    {
        return None;
    }
    let found = Diagnosis::new(Id::FakeAddress).because(text![
        host(&resolution.name),
        " is ",
        list(used),
        " for this computer. No real host has an address of 198.18.0.0/15: a proxy program made \
         it up, to take all connections itself."
    ]);
    let heard = if nothing_heard {
        "The program took the connection, and no SSH server spoke."
    } else {
        "The program took no connection for this port."
    };
    Some(
        with_servers(found, case)
            .because(heard)
            .step(Hint::advice(text![
                "Tell the proxy program (Clash, Surge, sing-box and the like) to send ",
                host(&resolution.name),
                ", port ",
                number(case.effective()?.port),
                ", directly (a DIRECT rule), or stop the program. Then run this again.",
            ]))
            .step(show_name_servers(case)),
    )
}

/// A private address, and the way to it leads out of this network and not into a VPN.
fn private_address(case: &Case) -> Option<Diagnosis> {
    let (resolution, used) = unconnected(case)?;
    let kind = kind(used).filter(|kind| kind.is_inside())?;
    let source = case.source()?;
    if !resolution.hosts_lines.is_empty() || !leads_out(source) || somebody_answers(case) {
        return None;
    }
    let mut found = Diagnosis::new(Id::PrivateAddress)
        .because(text![
            host(&resolution.name),
            " is ",
            list(used),
            ", ",
            kind.words(),
            ": it is only valid inside the network that the host is in."
        ])
        .because("Nothing answers there from the network that this computer is in.");
    found.because.push(match source.tunnels.as_slice() {
        [] => text!["No VPN is connected."],
        some => text![
            "A VPN is connected (",
            text::foreign(some.join(", ")),
            "), but the way to that address does not go through it."
        ],
    });
    Some(
        with_servers(found, case)
            .step(Hint::advice("Connect the VPN of that network, and run this again."))
            .step(Hint::advice(
                "If you are in that network, the host is down or a firewall drops the connection: \
                 ask those who run it.",
            ))
            .or(Id::HostUnreachable)
            .or(Id::Filtered),
    )
}

/// Whether every way is known, and leads to a router and into no tunnel.
fn leads_out(source: &Source) -> bool {
    let out = |way: &crate::evidence::source::Way| {
        way.from.is_ok() && way.interface.is_some() && !way.tunnel && !way.on_link
    };
    !source.ways.is_empty() && source.ways.iter().all(out)
}

/// Whether there is an answer of the host, or of a firewall that says so.
fn somebody_answers(case: &Case) -> bool {
    let silent = |outcome: &Outcome| match outcome {
        Outcome::TimedOut { .. } => true,
        Outcome::Failed(error) => matches!(
            error.kind,
            OsErrorKind::TimedOut | OsErrorKind::HostUnreachable | OsErrorKind::NetworkUnreachable
        ),
        Outcome::Connected => false,
    };
    let all_silent = case.attempts().is_some_and(|a| a.tried.iter().all(|t| silent(&t.outcome)));
    let told = case.traceroute().is_some_and(|route| {
        let forbids = |answer: &Answer| {
            matches!(answer, Answer::Icmp(icmp)
                if matches!(icmp.says(), Says::Prohibited | Says::PortUnreachable))
        };
        hops::host_answers(route).is_some() || route.probes.iter().any(|p| forbids(&p.answer))
    });
    !all_silent || told
}

/// What else is in doubt about an address that cannot be connected to, or about the host that it
/// leads to: added to whatever was found.
pub(super) fn with_doubts(mut found: Diagnosis, case: &Case) -> Diagnosis {
    let Some(resolution) = case.resolution().filter(|r| !r.literal) else { return found };
    let Ok(used) = &resolution.outcome else { return found };
    // Without any way out, the address has no part in it.
    if found.id == Id::NoNetwork {
        return found;
    }
    if let Some(servers) = case.name_servers().filter(|_| resolution.hosts_lines.is_empty())
        && let Some(name) = dns::completed(servers, used)
    {
        found = found.because(completed(resolution, &name.name, servers.completed().count()));
    }
    if unconnected(case).is_none() || found.id == Id::NameHijacked {
        return found;
    }
    if let Some(outside) = dns::outside(&case.profile().ranges(), used) {
        found = found.because(text![
            address(outside),
            " is in none of the address ranges that the provider has published, so the name server \
             may be wrong."
        ]);
        found = also(found, Id::DnsDisagreement);
    }
    let beside = case.made_up_names().and_then(|names| names.beside.as_ref());
    if let Some(beside) = beside.filter(|beside| !beside.addresses.is_empty()) {
        found = found
            .because(text![
                "The name may be a slip: its domain has an address for any name, even for ",
                host(&beside.name),
                ", which was made up a moment ago."
            ])
            .step(Hint::advice("Compare the host name letter by letter with what you were given."));
        found = also(found, Id::NameNotFound);
    }
    found
}

fn also(found: Diagnosis, id: Id) -> Diagnosis {
    let there = found.id == id || found.also_possible.contains(&id);
    if there { found } else { found.or(id) }
}

fn completed(resolution: &Resolution, full: &str, matching: usize) -> Text {
    let words = text![
        "A search domain was put behind ",
        host(&resolution.name),
        ": ssh goes to ",
        host(full)
    ];
    if matching > 1 { words.with(", the first of several that exist.") } else { words.with(".") }
}

#[cfg(test)]
mod tests;
