//! No cause was found, but not everything that the verdict needs was seen: inconclusive.
//!
//! An observation that is missing must never pass as a quiet success.

use super::{Diagnosis, Id, Rule};
use crate::{
    case::Case,
    evidence::{Unseen, handshake::HandshakeEnd, queries::Answer},
    finding::Hint,
    text,
    text::foreign,
};

/// What ended the run comes first, then what it left open.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::Interrupted, finds: interrupted },
    Rule { id: Id::TimedOut, finds: timed_out },
    Rule { id: Id::AcceptsAnything, finds: accepts_anything },
    Rule { id: Id::NotExamined, finds: not_examined },
];

fn interrupted(case: &Case) -> Option<Diagnosis> {
    let unseen = case.unseen();
    unseen.iter().any(|(_, why)| **why == Unseen::Interrupted).then(|| {
        Diagnosis::new(Id::Interrupted)
            .because(text!["The run was interrupted; what was found by then is in the report."])
            .step(Hint::advice("Run it again and let it finish."))
    })
}

fn timed_out(case: &Case) -> Option<Diagnosis> {
    let out_of_time = case.unseen().iter().any(|(_, why)| **why == Unseen::OutOfTime);
    let abandoned = case.handshake().is_some_and(|h| h.end == HandshakeEnd::Abandoned);
    (out_of_time || abandoned).then(|| {
        let seconds = case.plan.limits.total_ms.div_ceil(1000).to_string();
        Diagnosis::new(Id::TimedOut)
            .because(text!["After ", seconds, " seconds not everything had been found out."])
            .step(Hint::advice(text!["Run it again with more time, for example --timeout 2m."]))
    })
}

fn accepts_anything(case: &Case) -> Option<Diagnosis> {
    let queries = case.queries()?;
    if queries.control != Some(Answer::Accepted) && !queries.open_door {
        return None;
    }
    let mut found = Diagnosis::new(Id::AcceptsAnything).because(text![
        "The server answered yes to a key that was made up for this one question.",
    ]);
    if let Some(id) = case.handshake().and_then(|h| h.identification.as_ref()) {
        found = found.because(text!["Its software: ", &id.software, "."]);
    }
    Some(found.step(Hint::advice(text![
        "Only a real login shows whether your key works there: run ssh itself.",
    ])))
}

/// Everything was asked for and something was not seen, for a reason of its own.
fn not_examined(case: &Case) -> Option<Diagnosis> {
    let found = Diagnosis::new(Id::NotExamined);
    let own: Vec<_> = case.unseen().into_iter().filter(|(_, why)| !why.is_consequence()).collect();
    if let Some((_, why)) = own.first() {
        return Some(
            found
                .because(why.words())
                .step(Hint::advice(text!["Run ssh itself with -v to see the rest of the way.",])),
        );
    }
    let handshake = case.handshake()?;
    if let HandshakeEnd::Stopped(why) = &handshake.end {
        return Some(
            found
                .because(text!["The SSH library inside ssh-preflight stopped: ", foreign(why), "."])
                .because(text!["What ssh itself would do here is not known."])
                .step(Hint::advice(text!["Run ssh itself with -v."])),
        );
    }
    let queries = case.queries.as_ref()?;
    match &queries.seen {
        Ok(queries) if queries.winner(case.is_interactive()).is_none() => Some(
            found
                .because(text!["No key was found with which ssh could certainly log in."])
                .step(Hint::advice(text!["Run ssh itself with -v."])),
        ),
        Err(why) => Some(found.because(why.words())),
        Ok(_) => None,
    }
}
