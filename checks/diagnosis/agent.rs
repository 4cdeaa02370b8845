//! Causes in the agent. It is needed where forwarding is asked for; to log in, a key file will do.

use super::{Diagnosis, Id, Rule};
use crate::{
    agent::{self, FORWARDING_NEEDS_IT},
    case::Case,
    command,
    evidence::{
        agent::{AgentKeys, AgentState},
        queries::{Answer, Query},
    },
    finding::Hint,
    portal, text,
    text::{foreign, number, path},
};

/// In causal order: what keeps the right key from being offered, then what keeps it from being
/// forwarded.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::TooManyKeys, finds: too_many_keys },
    Rule { id: Id::AgentNotRunning, finds: |case| forwarding(case, Id::AgentNotRunning) },
    Rule { id: Id::AgentUnreachable, finds: |case| forwarding(case, Id::AgentUnreachable) },
    Rule { id: Id::AgentEmpty, finds: |case| forwarding(case, Id::AgentEmpty) },
    Rule { id: Id::AgentLacksKey, finds: agent_lacks_key },
];

/// The key with which login works, and the agent, where forwarding is wanted.
fn wanted(case: &Case) -> Option<(&Query, &AgentKeys)> {
    if !case.plan.wants_forwarding && !case.effective()?.forward_agent {
        return None;
    }
    let won = case.queries()?.winner(case.is_interactive())?;
    Some((won, case.agent()?))
}

fn forwarding(case: &Case, id: Id) -> Option<Diagnosis> {
    let (won, held) = wanted(case)?;
    let cause = match &held.state {
        AgentState::NotConfigured | AgentState::Disabled => Id::AgentNotRunning,
        AgentState::Unreachable(_) | AgentState::NotAnAgent(_) | AgentState::TimedOut { .. } => {
            Id::AgentUnreachable
        }
        AgentState::Keys(keys) if keys.is_empty() => Id::AgentEmpty,
        AgentState::Keys(_) => return None,
    };
    if cause != id {
        return None;
    }
    let mut found = Diagnosis::new(id)
        .because(agent::trouble(held)?)
        .because(FORWARDING_NEEDS_IT)
        .because(text!["Login itself works, with ", portal::name(won), "."]);
    if id == Id::AgentEmpty {
        found = found.or(Id::AgentLocked);
    }
    let steps = agent::remedy(held, won.offer.path.as_deref());
    Some(steps.into_iter().fold(found, Diagnosis::step))
}

fn agent_lacks_key(case: &Case) -> Option<Diagnosis> {
    let (won, held) = wanted(case)?;
    if won.offer.in_agent || held.keys().is_empty() {
        return None;
    }
    let steps = agent::remedy(held, won.offer.path.as_deref());
    let found = Diagnosis::new(Id::AgentLacksKey)
        .because(text!["The server takes ", portal::name(won), ", so login works."])
        .because(
            text!["The agent holds ", number(held.keys().len()), " other keys, not this one.",],
        )
        .because(FORWARDING_NEEDS_IT);
    Some(steps.into_iter().fold(found, Diagnosis::step))
}

/// SSH_DISCONNECT_PROTOCOL_ERROR, with which OpenSSH ends after MaxAuthTries (`auth.c`).
const TOO_MANY_FAILURES: u32 = 2;

fn too_many_keys(case: &Case) -> Option<Diagnosis> {
    let queries = case.queries()?;
    if queries.winner(case.is_interactive()).is_some() {
        return None;
    }
    let is_left = |q: &&Query| matches!(q.answer, Answer::LimitReached | Answer::NoAnswer);
    let left: Vec<_> = queries.offers.iter().filter(is_left).collect();
    let cut = queries.disconnect.as_ref().filter(|d| d.code == TOO_MANY_FAILURES);
    let limit = left.iter().any(|q| q.answer == Answer::LimitReached);
    let first = left.first()?;
    if cut.is_none() && !limit {
        return None;
    }
    let mut found = Diagnosis::new(Id::TooManyKeys).because(text![
        "ssh would offer ",
        number(queries.offers.len()),
        " keys. The server refused ",
        number(queries.refused()),
        ".",
    ]);
    found = found.because(match cut {
        Some(goodbye) => text!["Then it ended the conversation: ", &goodbye.description, "."],
        None => text!["Most servers end the conversation there, so no more were offered."],
    });
    let target = case.target();
    // A key that somebody named is the one that is meant.
    let named = left.iter().find_map(|q| q.offer.path.as_deref());
    let place = queries.offers.iter().position(|q| Some(q.offer.path.as_deref()) == Some(named));
    found = match (named, place) {
        (Some(file), Some(place)) => found
            .because(text![path(file), " would only be number ", number(place + 1), "."])
            .step(Hint::run(
                text!["Offer this key alone:"],
                command!["ssh", "-o", "IdentitiesOnly=yes", "-i", path(file), target],
            )),
        _ => found
            .because(text!["The next one would have been ", foreign(&first.offer.key.comment), "."])
            .step(Hint::run(
                text!["Name the right key, and offer it alone (its .pub file will do):"],
                command![
                    "ssh",
                    "-o",
                    "IdentitiesOnly=yes",
                    "-i",
                    path("~/.ssh/id_ed25519.pub"),
                    target
                ],
            )),
    };
    Some(
        found
            .step(Hint::advice(
                "To keep it so: \"IdentitiesOnly yes\" and \"IdentityFile\" for this host in \
                 ~/.ssh/config.",
            ))
            .or(Id::KeyNotAccepted),
    )
}
