//! Whether the name by which the source goes to the destination leads to the host that was typed:
//! pure. A short name may be another host's there.

use crate::{
    case::Case,
    command, copying,
    diagnosis::{Diagnosis, Id},
    evidence::second_hop::Tried,
    finding::Hint,
    from_source,
    pair::{Part, at_the_source},
    profile::normal,
    text,
    text::{Text, address, host, key},
};

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To the host that was typed.
    There,
    /// To another host: how that was seen.
    Elsewhere(Vec<Text>),
    /// Nobody knows: what is to be seen first.
    Unknown(Text),
}

/// A key that a host showed: its type, and its fingerprint.
type Shown<'c> = (&'c str, &'c str);

/// Where the name leads. `here`: the destination, as it is seen from this computer.
#[must_use]
pub fn leads(source: &Case, hop: &Case, here: Option<&Case>) -> Leads {
    let parts = hop.plan.pair.as_deref().zip(hop.from_source().and_then(|from| from.used()));
    let Some((part, used)) = parts.filter(|(part, used)| part.is_copy() && used.leads()) else {
        return Leads::There;
    };
    let is_typed = |name: &str| normal(name) == normal(&part.destination.host);
    let from = hop.from_source();
    let typed = from.and_then(|from| from.tried.iter().find(|tried| is_typed(&tried.name)));
    if is_typed(&used.name) {
        return match (here.and_then(shown), shown(hop)) {
            // A name of two networks is one host with two addresses, or two hosts.
            (Some(here), Some(there)) if here.0 == there.0 && here.1 != there.1 => {
                Leads::Unknown(two_keys(hop, here.1, there.1))
            }
            _ => Leads::There,
        };
    }
    if typed.is_some_and(|typed| typed.is_same_place(used)) {
        return Leads::There;
    }
    if let Some(first) = used.addresses.first().filter(|_| used.is_itself()) {
        return Leads::Elsewhere(vec![text![
            "At the source, the name ",
            host(&used.name),
            " is ",
            address(first),
            ": that is the source itself."
        ]]);
    }
    let unknown = || Leads::Unknown(not_compared(hop, part));
    let Some(there) = shown(hop) else { return unknown() };
    let to = host(&part.destination.input);
    match (here.and_then(shown), shown(source)) {
        (Some(here), own) if here.1 == there.1 => {
            // Hosts that were made from one image have one key.
            if own == Some(there) { unknown() } else { Leads::There }
        }
        (Some(here), _) if here.0 == there.0 => Leads::Elsewhere(vec![
            text![
                "By the name ",
                host(&used.name),
                " the source gets to the key ",
                key(there.1),
                "."
            ],
            text!["From this computer, ", to, " shows the key ", key(here.1), "."],
        ]),
        (None, Some(own)) if own == there => Leads::Elsewhere(vec![text![
            "By the name ",
            host(&used.name),
            " the source gets to the key ",
            key(there.1),
            ", which is its own."
        ]]),
        _ => unknown(),
    }
}

/// The key that a host showed; where no tunnel could show it, as `ssh` at the source tells it.
fn shown(case: &Case) -> Option<Shown<'_>> {
    if let Some(shown) = case.handshake().and_then(|handshake| handshake.host_key.as_ref()) {
        return Some((&shown.algorithm, &shown.sha256));
    }
    let said = &case.from_source()?.instead.as_ref()?.said;
    let line = said.iter().find_map(|line| line.raw().split_once("Server host key: "))?.1;
    line.split_once(' ')
}

/// What is wrong with a name that leads elsewhere, and what to do.
#[must_use]
pub fn diagnosis(hop: &Case, part: &Part, seen: &[Text]) -> Diagnosis {
    let mut found = Diagnosis::new(Id::SecondHopName);
    found.because = seen.to_vec();
    let name = host(&hop.plan.host);
    let typed = &part.destination.host;
    found.because.push(text![
        "So ",
        name.clone(),
        " is another host there than ",
        host(typed),
        ": scp to that name would copy to the wrong place."
    ]);
    let tried = hop.from_source().into_iter().flat_map(|from| &from.tried);
    let full: Vec<&Tried> = tried.filter(|tried| tried.name == *typed).collect();
    let look = command!["getent", "hosts", name, host(typed)];
    found = found.step(Hint::run("See both names at the source:", at_the_source(hop, &look)));
    if full.iter().any(|full| full.leads())
        && let Some(effective) = hop.effective()
    {
        found = found.step(Hint::run(
            "Copy by the full name, which leads on from there. The source does not know its key yet: \
             compare the fingerprint.",
            at_the_source(hop, &copying::scp(part, effective, typed)),
        ));
        return found;
    }
    found.because.extend(full.iter().zip(hop.from_source().and_then(|f| f.used())).map(
        |(full, used)| {
            text!["By its full name, ", host(typed), ", the source does not get there: "]
                .then(from_source::left(full, used))
                .with(".")
        },
    ));
    found.next_steps.extend(copying::by_way_of_here(&hop.plan, part));
    found.step(Hint::advice(text![
        "Ask those who run the source by which name it reaches ",
        host(typed),
        "."
    ]))
}

fn two_keys(hop: &Case, here: &str, there: &str) -> Text {
    text![
        "By the name ",
        host(&hop.plan.host),
        " the source gets to the key ",
        key(there),
        ", and this computer to the key ",
        key(here),
        ". They may be two hosts: see it before you copy (hostname there)."
    ]
}

fn not_compared(hop: &Case, part: &Part) -> Text {
    text![
        "Whether ",
        host(&hop.plan.host),
        ", as the source knows it, is ",
        host(&part.destination.host),
        " could not be compared from here: see it before you copy (hostname there)."
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            handshake::Handshake,
            made,
            second_hop::{FromSource, Tunnel},
        },
        host_trust::tests::key as made_key,
        pair::{Role, tests::part},
    };

    fn showing(seed: Option<&str>) -> Case {
        let mut case = made::case(made::effective(22));
        case.handshake = seed.and_then(|seed| {
            let host_key = Some(made_key("ssh-ed25519", seed));
            made::seen(Handshake { host_key, ..Handshake::default() })
        });
        case
    }

    /// The destination as the source sees it by its short name.
    fn hop(seed: Option<&str>, short: &str, full: &[&str]) -> Case {
        let mut case = showing(seed);
        case.plan.host = "a".into();
        case.plan.pair = Some(Box::new(Part { role: Role::Hop, ..part(None) }));
        let from = made::from_source("a", Tunnel::Open);
        let tried = |name: &str, addresses: &[&str]| Tried {
            name: name.into(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            ..from.tried[0].clone()
        };
        let tried = vec![tried("a", &[short]), tried("a.example.com", full)];
        case.from_source = made::seen(FromSource { tried, ..from });
        case
    }

    #[test]
    fn a_short_name_may_be_another_host() {
        let (own, same) = ("192.0.2.1", &["192.0.2.9", "192.0.2.1"][..]);
        for (source, there, address, full, here, leads) in [
            ("s", Some("d"), own, same, None, Some(true)),
            ("s", Some("d"), own, &[], Some("d"), Some(true)),
            ("s", Some("x"), own, &[], Some("d"), Some(false)),
            ("s", Some("s"), own, &[], None, Some(false)),
            ("s", Some("d"), own, &[], None, None),
            // Made from one image.
            ("d", Some("d"), own, &[], Some("d"), None),
            ("s", None, own, &[], Some("d"), None),
            ("s", None, "127.0.1.1", &["192.0.2.2"], None, Some(false)),
        ] {
            let hop = hop(there, address, full);
            let found =
                super::leads(&showing(Some(source)), &hop, here.map(|k| showing(Some(k))).as_ref());
            let told = format!("{source} {there:?} {address} {full:?} {here:?}: {found:?}");
            match leads {
                Some(true) => assert_eq!(found, Leads::There, "{told}"),
                Some(false) => assert!(matches!(found, Leads::Elsewhere(_)), "{told}"),
                None => assert!(matches!(found, Leads::Unknown(_)), "{told}"),
            }
        }
    }

    #[test]
    fn what_was_typed_is_what_is_meant() {
        let mut hop = hop(Some("x"), "192.0.2.1", &[]);
        let mut from = hop.from_source().unwrap().clone();
        from.name = "a.example.com".into();
        hop.from_source = made::seen(from);
        let to = |here: Option<&str>| leads(&showing(None), &hop, Some(&showing(here)));
        assert_eq!(to(Some("x")), Leads::There);
        assert_eq!(to(None), Leads::There);
        assert!(matches!(to(Some("d")), Leads::Unknown(_)));
    }

    #[test]
    fn the_full_name_is_used_where_it_leads() {
        let hop = hop(Some("x"), "127.0.1.1", &["192.0.2.2"]);
        let Leads::Elsewhere(seen) = leads(&showing(None), &hop, None) else { unreachable!() };
        let found = diagnosis(&hop, &part(None), &seen);
        let commands: Vec<_> = found.next_steps.iter().filter_map(|s| s.command.as_ref()).collect();
        let scp = commands[1].plain();
        assert!(scp.contains("scp FILE ada@a.example.com:FILE"), "{scp}");
    }
}
