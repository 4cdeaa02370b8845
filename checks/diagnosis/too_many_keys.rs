//! The server hangs up before `ssh` gets to the right key.

use super::{
    Diagnosis, Id,
    keys::{Failing, is_unasked},
};
use crate::{
    case::Case,
    command,
    evidence::{
        identities::IdentityFile,
        queries::{Answer, Query},
    },
    finding::Hint,
    portal, text,
    text::{Text, foreign, key, number, path, shell},
};

/// How many keys that were not reached are named one by one.
const MOST_NAMED: usize = 4;

/// Keys were left that the server did not want to hear of any more.
pub(super) fn finds(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    let queries = failing.queries?;
    let limit = queries.offers.iter().any(|query| query.answer == Answer::LimitReached);
    if queries.accepted().is_some() || !(queries.is_cut_off() || limit) {
        return None;
    }
    let left: Vec<(usize, &Query)> =
        queries.offers.iter().enumerate().filter(|(_, query)| is_unasked(query.answer)).collect();
    let is_named = |query: &Query| {
        let path = query.offer.path.as_deref();
        let named = |file: &IdentityFile| file.named && Some(file.path.as_str()) == path;
        failing.identities.files.iter().any(named)
    };
    // Where all were asked about, another cause is left: none is accepted.
    let (place, right) = left
        .iter()
        .find(|(_, query)| is_named(query))
        .or_else(|| left.iter().find(|(_, query)| query.offer.path.is_some()))
        .or_else(|| left.first())?;
    let refused = queries.refused();
    let mut found = Diagnosis::new(Id::TooManyKeys).because(text![
        "ssh would offer ",
        number(queries.offers.len()),
        " keys, one after the other; the server refused the first",
        if refused == 1 { String::new() } else { format!(" {refused}") },
        "."
    ]);
    found = found.because(match queries.disconnect.as_ref().filter(|_| queries.is_cut_off()) {
        Some(goodbye) => text![
            "Then it hung up: ",
            &goodbye.description,
            ". So it bears ",
            number(refused),
            if refused == 1 { " refused key" } else { " refused keys" },
            " in one login (its MaxAuthTries)."
        ],
        None => text![
            "Most servers hang up after six, so the others were not asked about; ssh would not get \
             to them either."
        ],
    });
    found = found.because(
        text!["The key "]
            .then(name(right))
            .with(" comes in place ")
            .with(number(place + 1))
            .with(". Whether the server takes it is not known."),
    );
    if left.len() > 1 {
        found = found.because(not_reached(&left));
    }
    for step in steps(case, right, left.len() == 1) {
        found = found.step(step);
    }
    Some(
        found
            .step(Hint::advice(
                "If it helps, put IdentityFile and IdentitiesOnly yes for this host into ~/.ssh/config.",
            ))
            .or(Id::KeyNotAccepted),
    )
}

/// Offers one key alone.
fn steps(case: &Case, right: &Query, only_one: bool) -> Vec<Hint> {
    const SAVED: &str = "~/.ssh/from_agent.pub";
    let only = |file: &str| {
        Hint::run("Offer this one key alone:", case.plan.ssh().only_identity(file).command())
    };
    if let Some(file) = &right.offer.path {
        return vec![only(file)];
    }
    // A public line is enough for ssh to pick the key in the agent.
    let save = if only_one {
        Hint::run(
            "Save the public line of that key; the private half stays in the agent:",
            command!["echo", text![foreign(&right.offer.key.line)], shell(">"), path(SAVED)],
        )
    } else {
        Hint::run(
            "Save the public lines of the agent to a file, and keep the line of the right key:",
            command!["ssh-add", "-L", shell(">"), path(SAVED)],
        )
    };
    vec![save, only(SAVED)]
}

/// Keys of an agent often have the same comment, so the fingerprint goes with it.
fn name(query: &Query) -> Text {
    let name = text![portal::name(query)];
    match query.offer.path {
        Some(_) => name,
        None => name.with(" (").with(key(&query.offer.key.sha256)).with(")"),
    }
}

fn not_reached(left: &[(usize, &Query)]) -> Text {
    let mut line = text!["Not reached: "];
    for (n, (_, query)) in left.iter().take(MOST_NAMED).enumerate() {
        line = line.with(if n > 0 { ", " } else { "" }).then(name(query));
    }
    if left.len() > MOST_NAMED {
        line = line.with(" and ").with(number(left.len() - MOST_NAMED)).with(" more");
    }
    line.with(".")
}
