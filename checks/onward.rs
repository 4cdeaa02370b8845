//! What the report of a first host says about the second: shared by the checks of a copy and of a
//! service.

use crate::{
    case::Case,
    diagnosis,
    evidence::{
        Seen,
        second_hop::{SecondHop, Tried},
    },
    finding::Finding,
    from_source,
    pair::Part,
    portal, text,
    text::{Text, address, host, number},
};

/// The finding about the second hop; `works` says what is good about it, if it is.
pub fn judge(
    part: &Part,
    hop: &Seen<SecondHop>,
    works: impl FnOnce(&SecondHop) -> Finding,
) -> Finding {
    let hop = match hop {
        Ok(hop) => hop,
        Err(why) => return Finding::unseen(why),
    };
    let finding = match diagnosis::of_the_hop(part, hop) {
        Some(found) if found.id.is_inconclusive() => {
            Finding::skip(text!["Not found out: ", found.title(), "."])
        }
        Some(found) => Finding::fail(text![found.title(), "."]),
        None => works(hop),
    };
    finding
        .detail_all(way(hop))
        .fact("name_there", &hop.case.plan.host)
        .fact("keys_there", hop.case.from_source().map(|from| &from.keys_there))
        .fact("own_keys_there", hop.case.from_source().map(|from| &from.own_keys))
}

/// That the second takes a key, in a sentence.
#[must_use]
pub fn takes(part: &Part, hop: &Case) -> Text {
    let way = text!["From ", host(&part.source.host), ", ", host(&hop.plan.host)];
    match hop.queries().and_then(|queries| queries.winner(hop.is_interactive())) {
        Some(won) => way.then(text![" takes ", portal::name(won), " of your agent."]),
        None => way.with(" lets in."),
    }
}

/// What was seen of the way, a line each.
fn way(hop: &SecondHop) -> Vec<Text> {
    let Some(from) = hop.case.from_source() else { return Vec::new() };
    let mut lines = Vec::new();
    if let Some(used) = from.used() {
        let others = from.tried.iter().enumerate().filter(|(_, tried)| tried.name != used.name);
        lines.extend(others.filter_map(|(place, other)| in_place_of(other, place == 0, used)));
    }
    if !from.own_keys.is_empty() {
        lines.push(
            text!["ssh there would also try these files, which nobody looked into: "]
                .then(from_source::own_keys(from))
                .with("."),
        );
    }
    if let Some(instead) = &from.instead {
        lines.push(text![
            "Your agent signed ",
            number(instead.signatures),
            if instead.signatures == 1 { " login" } else { " logins" },
            " for ssh there."
        ]);
    }
    lines
}

/// Why the other name is not the one of the commands; nothing where it would do as well. `first`: it
/// was the first to be looked at.
fn in_place_of(other: &Tried, first: bool, used: &Tried) -> Option<Text> {
    let (there, name) = (host(&other.name), host(&used.name));
    if other.is_same_place(used) {
        return first.then(|| {
            text![
                "At the source, ",
                there,
                " and ",
                name,
                " are one host, and it knows the key of ",
                host(&used.name),
                " alone."
            ]
        });
    }
    if other.leads() {
        let elsewhere = other.addresses.first().filter(|_| !used.addresses.is_empty())?;
        let is = text!["At the source, ", there, " is ", address(elsewhere)];
        return Some(is.then(text![", another address than that of ", name, "."]));
    }
    (first && used.leads()).then(|| {
        text![
            "By the name ",
            there,
            " the source does not get there; by the name ",
            name,
            " it does."
        ]
    })
}
