//! Causes on the second hop, from a source to a destination: of a copy, or of a service that is used
//! from an environment.
//!
//! The destination as it is seen from the source is a case of its own ([`Role::Hop`]), with rules of
//! its own; what they find is the cause of the whole too, named with both ends.

mod file;
mod keys;
mod settings;
#[cfg(test)]
mod tests;

use super::{Between, Diagnosis, Id, Rule, diagnose};
use crate::{
    case::Case,
    command, copying,
    evidence::{
        Unseen,
        login::RunEnd,
        second_hop::{Instead, SecondHop, Tried, Tunnel},
    },
    finding::Hint,
    from_source,
    pair::{Part, Role, at_the_source, from_here},
    text,
    text::{Command, address, host, number},
};
pub(super) use file::{ROOM, speaks_sftp};
pub(super) use keys::{HOST_KEY, KEYS};
pub(super) use settings::{AGENT, KEYS_OFF};

/// Of the source: what was found about the second hop, then the file.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::SecondHopName, finds: |case| hop(case, Id::SecondHopName) },
    Rule { id: Id::SecondHopFailed, finds: |case| hop(case, Id::SecondHopFailed) },
    Rule { id: Id::CopyFileMissing, finds: file::missing },
    Rule { id: Id::CopyNotWritable, finds: |case| hop(case, Id::CopyNotWritable) },
    Rule { id: Id::CopyNoRoom, finds: |case| hop(case, Id::CopyNoRoom) },
    Rule { id: Id::SecondHopFailed, finds: any_other },
];

/// Of the source: what was left open about the second hop.
pub(super) const UNDETERMINED: &[Rule] = &[
    Rule { id: Id::NotExamined, finds: left_open },
    Rule { id: Id::NotExamined, finds: not_looked_at },
];

/// Of the destination as the source sees it: the way there.
pub(super) const FROM_SOURCE: &[Rule] = &[
    Rule { id: Id::SecondHopFailed, finds: no_client },
    Rule { id: Id::SecondHopName, finds: unknown_name },
    Rule { id: Id::SecondHopFailed, finds: no_connection },
];

/// What is wrong with a second hop, if anything.
#[must_use]
pub fn of_the_hop(part: &Part, hop: &SecondHop) -> Option<Diagnosis> {
    let found = diagnose(&hop.case).map(|found| named(part, found));
    match found {
        Some(found) if !found.id.is_inconclusive() && !is_last(found.id) => Some(found),
        other => file::of_entry(part, hop).or(other),
    }
}

/// Causes that stand behind a missing file.
fn is_last(id: Id) -> bool {
    matches!(id, Id::CopyNoRoom | Id::CopyNotWritable)
}

fn part(case: &Case) -> Option<&Part> {
    case.plan.pair.as_deref().filter(|part| part.role == Role::Source)
}

/// What the rules find about the destination as the source sees it, if it is of this id.
fn hop(case: &Case, id: Id) -> Option<Diagnosis> {
    let found = diagnose(&case.second_hop()?.case).filter(|found| found.id == id)?;
    Some(named(part(case)?, found))
}

/// Causes that are the same as for any target.
fn any_other(case: &Case) -> Option<Diagnosis> {
    let found = diagnose(&case.second_hop()?.case)?;
    if found.id.is_inconclusive() { None } else { Some(named(part(case)?, found)) }
}

fn left_open(case: &Case) -> Option<Diagnosis> {
    Some(named(part(case)?, diagnose(&case.second_hop()?.case)?))
}

/// A second hop that was not looked at must never pass as a quiet success.
fn not_looked_at(case: &Case) -> Option<Diagnosis> {
    let part = part(case)?;
    let why = match case.second_hop.as_ref().map(|seen| &seen.seen) {
        Some(Ok(_)) => return None,
        Some(Err(why)) => Some(why),
        None => None,
    };
    let login = case.login.as_ref().and_then(|login| login.seen.as_ref().err());
    let mut found = Diagnosis::new(Id::NotExamined).because(text![
        "Nothing is known of the way from ",
        host(&part.source.input),
        " to ",
        host(&part.destination.input),
        ": it can only be seen after a login at the source, and there was none.",
    ]);
    found.because.extend(login.or(why).map(Unseen::words));
    found = found.step(Hint::run(
        "Log in at the source once by hand, and answer what ssh asks:",
        case.plan.ssh().command(),
    ));
    found.between = Some(between(part));
    Some(found.step(Hint::advice("Then run this again.")))
}

fn between(part: &Part) -> Between {
    Between { from: text![host(&part.source.input)], to: text![host(&part.destination.input)] }
}

/// What is wrong on the second hop, as a cause of the copy.
#[must_use]
pub fn named(part: &Part, mut found: Diagnosis) -> Diagnosis {
    if found.between.is_some() {
        return found;
    }
    let way = text![
        "You get in at the source, ",
        host(&part.source.input),
        ". What follows is about the second hop, from there to ",
        host(&part.destination.input),
        ".",
    ];
    found.because.insert(0, way);
    if found.id.is_inconclusive() {
        // Whether it comes to that is what is not known.
        found.ssh_says.clear();
    }
    found.between = Some(between(part));
    for step in &mut found.next_steps {
        // Of the same rules, commands of ssh are for where ssh is run: there.
        let is_ssh = |command: &Command| {
            let is_at = |end: &str| command.0.iter().any(|word| word.0.contains(&host(end)));
            let goes_from_here = is_at(&part.source.host) || is_at(&part.destination.host);
            let command = command.plain();
            !goes_from_here && (command.starts_with("ssh ") || command.starts_with("ssh-keyscan "))
        };
        if step.command.as_ref().is_some_and(is_ssh) {
            step.text = text!["At the source: "].then(std::mem::take(&mut step.text));
        }
    }
    found
}

/// The destination's name at the source, and what was tried.
fn used(case: &Case) -> Option<&Tried> {
    case.from_source()?.used()
}

fn no_client(case: &Case) -> Option<Diagnosis> {
    let tried = used(case)?;
    if tried.client.end != RunEnd::Exited(127) {
        return None;
    }
    let found = Diagnosis::new(Id::SecondHopFailed)
        .because(
            "The source has no ssh, or its path leaves it out, so nothing can go on from there.",
        )
        .because(text!["Asked for ssh, it says: ", tried.client.complaint(), "."])
        .step(Hint::advice("Ask those who run the source for an OpenSSH client there."));
    Some(by_way_of_here(found, case))
}

/// The way round the second hop, where there is one.
fn by_way_of_here(mut found: Diagnosis, case: &Case) -> Diagnosis {
    let part = case.plan.pair.as_deref();
    found.next_steps.extend(part.and_then(|part| copying::by_way_of_here(&case.plan, part)));
    found
}

fn unknown_name(case: &Case) -> Option<Diagnosis> {
    let from = case.from_source()?;
    let tried = used(case)?;
    let said =
        from.instead.as_ref().and_then(|instead| line(instead, "Could not resolve hostname"));
    if !from_source::is_unknown_name(tried) && said.is_none() {
        return None;
    }
    let mut found = Diagnosis::new(Id::SecondHopName);
    // What getaddrinfo says where no name server answers (EAI_AGAIN).
    let no_answer = from.tried.iter().any(|tried| {
        matches!(&tried.tunnel, Tunnel::NotOpened(no) if no.words.raw().contains("Temporary failure"))
    });
    for tried in &from.tried {
        found = found.because(text![
            "Looked up at the source, the name ",
            host(&tried.name),
            if no_answer {
                " could not be looked up."
            } else if from_source::is_unknown_name(tried) {
                " is not known."
            } else {
                " leads nowhere."
            },
        ]);
        if let Tunnel::NotOpened(no) = &tried.tunnel {
            let words = text!["Asked to connect to ", host(&tried.name), ", the source says: "];
            found = found.because(words.with(&no.words).with("."));
        }
    }
    found = found.because(
        "The name is looked up by the source, in its network; what this computer knows has no part in \
         it.",
    );
    let part = case.plan.pair.as_deref()?;
    if no_answer {
        return Some(
            found
                .because("No name server gave the source an answer; the name may well be right.")
                .step(Hint::advice(text![
                    "Wait a minute and run this again. If it stays so, tell those who run ",
                    host(&part.source.host),
                    " that the look-up of names does not work there.",
                ])),
        );
    }
    if !part.is_copy() {
        let look_up = at_the_source(case, &command!["getent", "hosts", host(&tried.name)]);
        return Some(found.step(Hint::run("See it from there:", look_up)).step(Hint::advice(
            text![
                "Ask those who run ",
                host(&part.source.host),
                " for a name server there that knows ",
                host(&tried.name),
                ".",
            ],
        )));
    }
    let destination = from_here(&case.plan, part, &part.destination);
    let log_in = destination.ssh().without("-A").command().and(command!["hostname"]);
    found = found
        .step(Hint::run("See by which name the destination calls itself; scp needs that one:", log_in))
        .step(Hint::advice(text![
            "If that name is ",
            host(&tried.name),
            ", the two are in different networks: ask those who run them whether a copy between them \
             is meant to work, and by which name.",
        ]));
    Some(by_way_of_here(found, case))
}

/// The line in which `ssh` there says something.
pub(super) fn line<'i>(instead: &'i Instead, part: &str) -> Option<&'i crate::text::Foreign> {
    instead.said.iter().find(|line| line.raw().contains(part))
}

/// Whether the source's connection is refused; none where there is one, or nobody tried.
fn refusal(case: &Case) -> Option<bool> {
    match (&used(case)?.tunnel, &case.from_source()?.instead) {
        (Tunnel::NoAnswer { .. }, _) => Some(false),
        (Tunnel::NotOpened(no), _) if no.reason == "connect-failed" => {
            Some(no.words.raw().to_ascii_lowercase().contains("refused"))
        }
        (_, Some(instead)) => Some(line(instead, "connect to host ")?.raw().contains("refused")),
        _ => None,
    }
}

/// Whether the destination, as the source sees it, refuses the connection.
#[must_use]
pub fn refuses(hop: &Case) -> bool {
    refusal(hop) == Some(true)
}

fn no_connection(case: &Case) -> Option<Diagnosis> {
    let from = case.from_source()?;
    let tried = used(case)?;
    let refused = refusal(case)?;
    let port = case.effective().map_or(22, |effective| effective.port);
    let goal = text![host(&tried.name), ", port ", number(port)];
    let mut found = Diagnosis::new(Id::SecondHopFailed);
    let said = from.instead.as_ref().and_then(|instead| line(instead, "connect to host "));
    found = found.because(match said {
        Some(said) => text!["ssh at the source says: ", said, "."],
        None => text!["From the source, "]
            .then(goal.clone())
            .with(" ")
            .then(from_source::no(&tried.tunnel)),
    });
    if let Some(first) = tried.addresses.first() {
        found = found.because(text!["There, ", host(&tried.name), " is ", address(first), "."]);
    }
    let part = case.plan.pair.as_deref()?;
    found = if !part.is_copy() {
        found.step(Hint::advice(text![
            "A firewall between the two closes it, or the service lets in listed addresses alone. Ask \
             those who run ",
            host(&part.source.host),
            " whether it may connect to ",
        ]
        .then(goal)
        .with(".")))
    } else if refused {
        found.step(Hint::advice(text![
            "Nobody listens there, or a firewall between the two refuses. Ask those who run the \
             destination whether the source may connect to it.",
        ]))
    } else {
        found.step(Hint::advice(text![
            "Something between the two keeps them apart: a firewall, a security group, a missing \
             route. Ask those who run them whether the source may connect to the destination.",
        ]))
    };
    let verify = command!["nc", "-vz", host(&tried.name), number(port)];
    let verify = at_the_source(case, &verify);
    Some(by_way_of_here(found.step(Hint::run("See it from there:", verify)), case))
}
