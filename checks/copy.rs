//! Copy: whether the second hop of a copy, from the source to the destination, will work.

use crate::{
    case::{Case, Plan},
    check::{About, Check},
    copying::{self, size},
    evidence::{Evidence, Seen, second_hop::SecondHop},
    finding::Finding,
    from_source,
    host_trust::Acceptance,
    onward,
    pair::{Part, Role},
    text,
    text::{Text, foreign},
};

/// Copy.
pub struct Copy;

impl Check for Copy {
    const ABOUT: About = About { id: "copy", title: "Copy" };
    type Facts<'e> = &'e Seen<SecondHop>;

    fn applies(plan: &Plan) -> bool {
        plan.pair.as_ref().is_some_and(|part| part.role == Role::Source && part.is_copy())
    }

    async fn observe(evidence: &Evidence) -> &Seen<SecondHop> {
        evidence.second_hop().await
    }

    fn judge(plan: &Plan, hop: &Seen<SecondHop>) -> Finding {
        let Some(part) = &plan.pair else { return Finding::skip("Nothing is to be copied.") };
        let finding = onward::judge(part, hop, |hop| ready(part, &hop.case));
        let hop = hop.as_ref().ok();
        finding
            .detail(text!["Copied is "].then(copying::direction(part)).with("."))
            .detail_all(hop.into_iter().flat_map(sizes))
            .fact("copied_from", &part.source.input)
            .fact("copied_to", &part.destination.input)
            .fact("file", hop.map(|hop| &hop.file))
            .fact("room", hop.and_then(|hop| hop.case.room()))
    }
}

fn ready(part: &Part, hop: &Case) -> Finding {
    let takes = onward::takes(part, hop);
    let mut surprises = surprises(hop).into_iter();
    match surprises.next() {
        None => Finding::pass(takes),
        Some(first) => Finding::warn(first).detail_all(surprises).detail(takes),
    }
}

/// What works, and will surprise somebody.
fn surprises(hop: &Case) -> Vec<Text> {
    let mut found = Vec::new();
    if let Some((_, Acceptance::Asks)) = from_source::trust(hop) {
        found.push(text![
            "scp there will first ask whether to trust the destination's key: compare the fingerprint, \
             then answer yes.",
        ]);
    }
    if hop.plan.login && hop.room().is_none() {
        found.push(text![
            "Nothing was looked at behind the login there: neither the room for the file nor whether it \
             may be written."
        ]);
    }
    let room = hop.room();
    if room.is_some_and(|room| room.writable.is_none()) {
        found.push(text![
            "There is SFTP there, and no shell: neither the room for the file nor whether it may be \
             written was seen."
        ]);
    }
    let there = room.and_then(|room| room.there.as_ref());
    if there.is_some_and(|there| there.is_folder) {
        found.push(text!["A folder of that name is there: the copy lands in it."]);
    } else if let Some(there) = there {
        let bytes = there.size.map(|bytes| text![" (", size(bytes), ")"]);
        found.push(
            text!["A file of that name is there already"]
                .then(bytes.unwrap_or_default())
                .with(": the copy takes its place."),
        );
    }
    found
}

/// How much there is to copy, and how much room for it.
fn sizes(hop: &SecondHop) -> Vec<Text> {
    let mut lines = Vec::new();
    if let Some(bytes) = hop.file.as_ref().and_then(|file| file.size) {
        lines.push(text!["The file has ", size(bytes), "."]);
    }
    if let Some(free) = hop.case.room().and_then(|room| room.free.as_ref()) {
        lines.push(text![
            "Free at the destination: ",
            size(free.bytes),
            " on ",
            foreign(&free.mounted_on),
            "."
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            Needed, Unseen,
            login::{Run, RunEnd},
            made,
            second_hop::{Entry, Tunnel},
        },
        finding::Status,
        pair::tests::part,
    };

    fn hop(tunnel: Tunnel) -> SecondHop {
        let mut case = made::case(made::effective(22));
        case.plan.host = "b".into();
        let part = Part { role: Role::Hop, ..part(Some("x")) };
        case.plan.pair = Some(Box::new(part));
        case.from_source = made::seen(made::from_source("b", tunnel));
        let list = Run { end: RunEnd::Exited(0), ..Run::default() };
        let file = Entry {
            list,
            readable: Some(true),
            is_file: Some(true),
            size: Some(2048),
            ..Entry::default()
        };
        SecondHop { case: Box::new(case), file: Some(file) }
    }

    #[test]
    fn it_says_from_where_to_where() {
        let mut plan = made::plan();
        plan.pair = Some(Box::new(part(Some("x"))));
        let finding = Copy::judge(&plan, &Ok(hop(Tunnel::NoAnswer { after_ms: 10_000 })));
        assert_eq!(finding.status, Status::Fail);
        let all: String = finding.details.iter().map(|line| line.plain() + "\n").collect();
        assert!(all.contains("from akeneo@a-staging.example.com to akeneo@a.example.com"), "{all}");
        assert!(all.contains("2 KiB"), "{all}");
        let unseen = Copy::judge(&plan, &Err(Unseen::Needs(Needed::Login)));
        assert_eq!(unseen.status, Status::Skip);
    }
}
