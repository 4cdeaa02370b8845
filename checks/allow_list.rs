//! The address that the provider sees, and whether its allow-list has it: pure.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    address_kind,
    address_kind::AddressKind,
    case::Case,
    diagnosis::{Diagnosis, Id},
    evidence::{
        egress::{Asked, Egress},
        source::Source,
    },
    finding::Hint,
    text,
    text::{Text, address, foreign, host, number},
};

/// The address that the provider sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The address.
    pub address: IpAddr,
    /// Who told it; none where it is this computer's own.
    pub by: Option<String>,
}

/// What is known of an address and the ranges that are said to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// Nobody named a range.
    NoRanges,
    /// The address that the provider sees is not known.
    Unknown,
    /// It is in this range.
    Inside(Seen, IpNet),
    /// It is in none of them.
    Outside(Seen),
}

/// The address that the host at this address sees. A public one sees the public address of the
/// network; one inside a network sees this computer's own, as far as there is no NAT between.
#[must_use]
pub fn seen(source: Option<&Source>, egress: Option<&Egress>, to: IpAddr) -> Option<Seen> {
    let way = source.and_then(|s| s.ways.iter().find(|way| way.to == to));
    let own = way.and_then(|way| way.from.clone().ok()).map(|address| Seen { address, by: None });
    match AddressKind::of(to) {
        AddressKind::Public => {}
        kind if kind.is_inside() => return own,
        _ => return None,
    }
    let public = |a: IpAddr| AddressKind::of(a) == AddressKind::Public;
    let told = |asked: &Asked| {
        let sees = asked.sees.clone().ok();
        let address = sees.filter(|a| public(*a) && a.is_ipv4() == to.is_ipv4())?;
        Some(Seen { address, by: Some(asked.whom.clone()) })
    };
    let told = egress.and_then(|e| e.asked.iter().find_map(told));
    told.or_else(|| own.filter(|own| public(own.address)))
}

/// Whether an address is in one of the ranges.
#[must_use]
pub fn listed(ranges: &[IpNet], seen: Option<Seen>) -> Listed {
    match (ranges, seen) {
        ([], _) => Listed::NoRanges,
        (_, None) => Listed::Unknown,
        (ranges, Some(seen)) => match address_kind::holding(ranges, seen.address) {
            Some(range) => Listed::Inside(seen, range),
            None => Listed::Outside(seen),
        },
    }
}

/// The ranges, one after the other.
#[must_use]
pub fn words(ranges: &[IpNet]) -> text::Span {
    address(ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// The address of the host that counts: the last one that was tried, else the first there is.
#[must_use]
pub fn target(case: &Case) -> Option<IpAddr> {
    let tried = case.attempts().and_then(|a| a.tried.last()).map(|a| a.to.ip());
    tried.or_else(|| case.source()?.ways.first().map(|way| way.to))
}

/// The address that the host sees of this connection.
#[must_use]
pub fn seen_in(case: &Case) -> Option<Seen> {
    seen(case.source(), case.egress(), target(case)?)
}

/// Whether the allow-list, as far as the person knows it, has the address.
#[must_use]
pub fn listed_in(case: &Case) -> Listed {
    listed(&case.plan.allowed, seen_in(case))
}

/// A sentence for a ticket or a portal: which address to allow, and why.
#[must_use]
pub fn request(case: &Case, seen: &Seen) -> Text {
    let effective = case.effective();
    let to = effective.map_or(case.plan.host.as_str(), |e| e.host.as_str());
    let port = effective.map_or(22, |e| e.port);
    let when = case.started_at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let whose = match &seen.by {
        Some(by) => text![" (the public address of our network, as ", foreign(by), " saw it on "],
        None => text![" (the address of our computer on "],
    };
    text!["Please allow ", address(address_kind::alone(seen.address))]
        .then(whose.with(when).with(")"))
        .with(" for SSH (TCP ")
        .with(number(port))
        .with(") to ")
        .with(host(to))
        .with(".")
}

/// Adds to a step about an allow-list which address it is about: a sentence to paste, or how to
/// find the address out.
#[must_use]
pub fn with_address(step: Hint, case: &Case) -> Hint {
    if let Some(seen) = seen_in(case) {
        let text = step.text.with(" Paste this: \"").then(request(case, &seen)).with("\"");
        return Hint { text, ..step };
    }
    if target(case).is_some_and(|to| AddressKind::of(to) != AddressKind::Public) {
        return step;
    }
    if case.egress.is_some() {
        let why = " Nobody told which public address that is; ask whoever runs your network.";
        return Hint { text: step.text.with(why), ..step };
    }
    let whom = case.profile().askers().first().map_or("a name server", |a| a.whom.as_str());
    let text = step.text.with(" To find out which address that is, ask ").with(foreign(whom));
    Hint::run(text.with(" by DNS:"), case.plan.ssh().preflight(Some("--egress")).command())
}

/// What the ranges that the person named say about a diagnosis in which an allow-list has a part.
#[must_use]
pub fn settle(mut found: Diagnosis, case: &Case) -> Diagnosis {
    let concerned = found.id == Id::IpNotAllowed || found.also_possible.contains(&Id::IpNotAllowed);
    if !concerned {
        return found;
    }
    match listed_in(case) {
        Listed::NoRanges => found,
        Listed::Unknown => found.because(text![
            "Whether your public address is in ",
            words(&case.plan.allowed),
            " is not known: the public address of this network is not."
        ]),
        Listed::Inside(seen, range) => {
            found.also_possible.retain(|id| *id != Id::IpNotAllowed);
            found.because(whose(&seen).with(" is in ").with(address(range)).with(
                ", which you say is allowed: if it is active, the allow-list is not the reason.",
            ))
        }
        Listed::Outside(seen) => found.because(
            whose(&seen)
                .with(" is in none of the ranges that you say are allowed: ")
                .with(words(&case.plan.allowed))
                .with("."),
        ),
    }
}

/// The begin of a sentence about the address.
#[must_use]
pub fn whose(seen: &Seen) -> Text {
    match &seen.by {
        Some(by) => text![
            "The public address of this network, ",
            address(seen.address),
            " (as ",
            foreign(by),
            " sees it),"
        ],
        None => text!["The address of this computer, ", address(seen.address), ","],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        address_kind::range,
        evidence::{egress::NoAddress, made, source::Way},
    };

    fn source(from: &str) -> Source {
        let way = Way {
            to: "203.0.113.9".parse().unwrap(),
            from: Ok(from.parse().unwrap()),
            interface: None,
            tunnel: false,
            on_link: false,
        };
        Source { ways: vec![way], tunnels: Vec::new() }
    }

    fn told(address: Option<&str>) -> Asked {
        Asked {
            whom: "OpenDNS".into(),
            server: "192.0.2.53:53".parse().unwrap(),
            question: "me".into(),
            sees: address.map(|a| a.parse().unwrap()).ok_or(NoAddress::Silence),
        }
    }

    #[test]
    fn what_is_told_outside_counts_more_than_what_is_here() {
        let egress = Egress { asked: vec![told(None), told(Some("192.0.2.7"))] };
        let to = |to: &str| to.parse::<IpAddr>().unwrap();
        let address = |source: &Source, egress: Option<&Egress>| {
            seen(Some(source), egress, to("203.0.113.9")).map(|s| (s.address.to_string(), s.by))
        };
        let (inside, outside) = (source("10.0.0.1"), source("203.0.113.1"));
        let by = Some("OpenDNS".to_owned());
        assert_eq!(address(&inside, Some(&egress)), Some(("192.0.2.7".into(), by.clone())));
        assert_eq!(address(&outside, Some(&egress)), Some(("192.0.2.7".into(), by)));
        assert_eq!(address(&outside, None), Some(("203.0.113.1".into(), None)));
        assert_eq!(address(&inside, None), None);
        // Who answers with a private address stands in for the one that was asked.
        let stand_in = Egress { asked: vec![told(Some("10.0.0.53"))] };
        assert_eq!(address(&inside, Some(&stand_in)), None);
        assert_eq!(seen(Some(&outside), Some(&egress), to("2001:db8::1")), None);
        // A host inside a network does not see what somebody on the internet sees.
        let mut vpn = source("10.0.0.1");
        vpn.ways[0].to = to("10.8.0.1");
        let own = seen(Some(&vpn), Some(&egress), to("10.8.0.1")).unwrap();
        assert_eq!((own.address, own.by), (to("10.0.0.1"), None));
        assert_eq!(seen(Some(&vpn), Some(&egress), to("127.0.0.1")), None);
    }

    #[test]
    fn the_ranges_prove_it_or_rule_it_out() {
        let ranges = ["192.0.2.0/24", "2001:db8::/32"].map(|r| range(r).unwrap());
        let seen = |a: &str| Some(Seen { address: a.parse().unwrap(), by: None });
        assert_eq!(listed(&[], seen("192.0.2.7")), Listed::NoRanges);
        assert_eq!(listed(&ranges, None), Listed::Unknown);
        assert!(matches!(listed(&ranges, seen("192.0.2.7")), Listed::Inside(..)));
        assert!(matches!(listed(&ranges, seen("192.0.3.7")), Listed::Outside(_)));

        let mut case = made::case(made::effective(22));
        case.plan.allowed = ranges.to_vec();
        let found = || Diagnosis::new(Id::Filtered).or(Id::IpNotAllowed);
        let said = |case: &Case| {
            let found = settle(found(), case);
            let said: Vec<_> = found.because.iter().map(Text::plain).collect();
            (said.join(" "), found.also_possible)
        };
        assert!(said(&case).0.contains("is not known"));
        case.source = made::seen(source("192.0.2.7"));
        let (words, others) = said(&case);
        assert!(words.contains("192.0.2.0/24") && others.is_empty(), "{words}");
        case.source = made::seen(source("192.0.3.7"));
        let (words, others) = said(&case);
        assert!(words.contains("192.0.3.7, is in none"), "{words}");
        assert_eq!(others, [Id::IpNotAllowed]);
        assert_eq!(settle(Diagnosis::new(Id::NoKey), &case).because, []);
    }

    #[test]
    fn the_sentence_can_be_pasted_and_else_the_command() {
        let mut case = made::case(made::effective(22));
        let step = || Hint::advice("Have it allowed.");
        let hint = with_address(step(), &case);
        let command = hint.command.unwrap().plain();
        assert_eq!(command, "ssh-preflight --egress ada@host.example.com");
        assert!(hint.text.plain().ends_with("ask OpenDNS by DNS:"));
        case.egress = made::seen(Egress { asked: vec![told(Some("192.0.2.7"))] });
        case.source = made::seen(source("10.0.0.1"));
        assert_eq!(
            with_address(step(), &case).text.plain(),
            "Have it allowed. Paste this: \"Please allow 192.0.2.7/32 (the public address of our \
             network, as OpenDNS saw it on 1970-01-01 00:00 UTC) for SSH (TCP 22) to \
             host.example.com.\""
        );
        case.egress = made::seen(Egress { asked: vec![told(None)] });
        assert!(with_address(step(), &case).text.plain().contains("Nobody told"));
    }
}
