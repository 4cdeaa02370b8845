//! Copy: whether the second hop of a copy, from the source to the destination, will work.

use crate::{
    case::{Case, Plan},
    check::{About, Check},
    copying::{self, Part, Role, size},
    diagnosis,
    evidence::{Evidence, Seen, second_hop::SecondHop},
    finding::Finding,
    from_source,
    host_trust::Acceptance,
    portal, text,
    text::{Text, foreign, host, number},
};

/// Copy.
pub struct Copy;

impl Check for Copy {
    const ABOUT: About = About { id: "copy", title: "Copy" };
    type Facts<'e> = &'e Seen<SecondHop>;

    fn applies(plan: &Plan) -> bool {
        plan.copy.as_ref().is_some_and(|part| part.role == Role::Source)
    }

    async fn observe(evidence: &Evidence) -> &Seen<SecondHop> {
        evidence.second_hop().await
    }

    fn judge(plan: &Plan, hop: &Seen<SecondHop>) -> Finding {
        let Some(part) = &plan.copy else { return Finding::skip("Nothing is to be copied.") };
        let hop = match hop {
            Ok(hop) => hop,
            Err(why) => return Finding::unseen(why),
        };
        let finding = match diagnosis::of_the_hop(part, hop) {
            Some(found) if found.id.is_inconclusive() => {
                Finding::skip(text!["Not found out: ", found.id.title(), "."])
            }
            Some(found) => Finding::fail(text![found.id.title(), "."]),
            None => ready(part, &hop.case),
        };
        finding
            .detail_all(details(part, hop))
            .fact("copied_from", &part.source.input)
            .fact("copied_to", &part.destination.input)
            .fact("name_there", &hop.case.plan.host)
            .fact("file", &hop.file)
            .fact("room", hop.case.room())
            .fact("keys_there", hop.case.from_source().map(|from| &from.keys_there))
            .fact("own_keys_there", hop.case.from_source().map(|from| &from.own_keys))
    }
}

fn ready(part: &Part, hop: &Case) -> Finding {
    let way = text!["From ", host(&part.source.host), ", ", host(&hop.plan.host)];
    let winner = hop.queries().and_then(|q| q.winner(hop.is_interactive()));
    let words = match winner {
        Some(won) => way.then(text![" takes ", portal::name(won), " of your agent."]),
        None => way.with(" lets in."),
    };
    let mut surprises = surprises(hop).into_iter();
    match surprises.next() {
        None => Finding::pass(words),
        Some(first) => Finding::warn(first).detail_all(surprises).detail(words),
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
    if let Some(there) = hop.room().and_then(|room| room.there.as_ref()) {
        let bytes = there.size.map(|bytes| text![" (", size(bytes), ")"]);
        found.push(
            text!["A file of that name is there already"]
                .then(bytes.unwrap_or_default())
                .with(": the copy takes its place."),
        );
    }
    found
}

/// What was seen of it, a line each.
fn details(part: &Part, hop: &SecondHop) -> Vec<Text> {
    let mut lines = vec![text!["Copied is "].then(copying::direction(part)).with(".")];
    if let Some(from) = hop.case.from_source() {
        let tried = from.tried.iter().take_while(|tried| tried.name != from.name);
        lines.extend(tried.map(|tried| {
            text![
                "By the name ",
                host(&tried.name),
                " the source does not get there; by the name ",
                host(&from.name),
                " it does."
            ]
        }));
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
    }
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
            second_hop::{Entry, FromSource, Tried, Tunnel},
        },
        finding::Status,
    };

    fn end(input: &str) -> copying::End {
        let host = input.to_owned();
        copying::End { input: input.into(), host, user: None, port: None }
    }

    fn hop(tunnel: Tunnel) -> SecondHop {
        let mut case = made::case(made::effective(22));
        case.plan.host = "b".into();
        let part = Part {
            role: Role::Hop,
            source: end("a.example.com"),
            destination: end("b.example.com"),
            file: Some("x".into()),
            options: Vec::new(),
            size: None,
        };
        case.plan.copy = Some(Box::new(part));
        let tried = Tried {
            name: "b".into(),
            client: Run { end: RunEnd::Exited(0), ..Run::default() },
            lookup: None,
            addresses: Vec::new(),
            tunnel,
            took_ms: 1,
        };
        case.from_source = made::seen(FromSource {
            name: "b".into(),
            tried: vec![tried],
            keys_there: Vec::new(),
            own_keys: Vec::new(),
            instead: None,
        });
        let list = Run { end: RunEnd::Exited(0), ..Run::default() };
        let file = Entry { list, readable: Some(true), is_file: Some(true), size: Some(2048) };
        SecondHop { case: Box::new(case), file: Some(file) }
    }

    #[test]
    fn it_says_from_where_to_where() {
        let mut plan = made::plan();
        plan.copy = hop(Tunnel::Lost)
            .case
            .plan
            .copy
            .map(|part| Box::new(Part { role: Role::Source, ..*part }));
        let finding = Copy::judge(&plan, &Ok(hop(Tunnel::NoAnswer { after_ms: 10_000 })));
        assert_eq!(finding.status, Status::Fail);
        let all: String = finding.details.iter().map(|line| line.plain() + "\n").collect();
        assert!(all.contains("from a.example.com to b.example.com"), "{all}");
        assert!(all.contains("2 KiB"), "{all}");
        let unseen = Copy::judge(&plan, &Err(Unseen::Needs(Needed::Login)));
        assert_eq!(unseen.status, Status::Skip);
    }
}
