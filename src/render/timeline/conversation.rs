//! The conversation with the server in its parts: the connection, the handshake, the key questions.

use checks::{
    case::Case,
    evidence::{
        connection::{Attempts, Outcome},
        forwarding::Forwarding,
        handshake::{Handshake, HandshakeEnd, Step},
        login::{Login, Proof, Run, RunEnd},
        queries::{Answer, Broken, Queries, Query},
    },
    offers::is_same,
};

use crate::redact::shown_with_port;

use super::{
    End, Micros, Row, Whom, micros,
    rows::{Filling, part},
};

/// How long the connection to the server took, where one was made.
pub fn connect_us(case: &Case) -> Option<Micros> {
    case.attempts()?.connected().map(|attempt| micros(attempt.took_ms))
}

/// One attempt after another.
pub fn attempts(attempts: &Attempts) -> Filling {
    let mut at: Micros = 0;
    let mut parts = Vec::new();
    for attempt in &attempts.tried {
        let from = at;
        at = at.saturating_add(micros(attempt.took_ms));
        let (end, answers) = match attempt.outcome {
            Outcome::Connected => (End::Done, 1),
            // An error of this computer, or a message of somebody on the way.
            Outcome::Failed(_) => (End::Done, 0),
            Outcome::TimedOut { .. } => (End::Silence, 0),
        };
        let label = shown_with_port(attempt.to);
        parts.push(Row { answers, ..part(label, Whom::Server, (from, at), end) });
    }
    let end = parts.last().map_or(End::Done, |last| last.end);
    let answers = parts.iter().map(|part| part.answers).sum();
    // One attempt is the row itself.
    let parts = if parts.len() > 1 { parts } else { Vec::new() };
    Filling { end, answers, lasted_us: at, parts }
}

/// Step by step, with the time until each was reached.
pub fn handshake(handshake: &Handshake) -> Filling {
    let mut at = 0;
    let mut parts = Vec::new();
    for step in &handshake.steps {
        let from = at;
        at = step.at_us.max(at);
        let (label, answers) = match step.step {
            Step::Connected => continue,
            // A server names itself when it has our side of the connection.
            Step::Identification => ("Identification", 1),
            // Some servers send them together with their name, others when they have heard ours.
            Step::Algorithms => ("Algorithms", 0),
            Step::HostKey => ("Host key", 1),
            // The last message of the answer that had the host key.
            Step::Keys => ("Keys in use", 0),
        };
        let times = (from, at);
        let row = part(label.into(), Whom::Server, times, End::Done);
        parts.push(Row { answers, ..row });
    }
    let (label, end) = match handshake.end {
        HandshakeEnd::Complete => (None, End::Done),
        HandshakeEnd::Closed => (Some("Closed by the server"), End::Done),
        HandshakeEnd::Failed(_) => (Some("Broken off"), End::Done),
        HandshakeEnd::TimedOut { .. } => (Some("Nothing more came"), End::Silence),
        HandshakeEnd::OutOfTime | HandshakeEnd::Interrupted | HandshakeEnd::LogEnds => {
            (Some("Cut off"), End::Cut)
        }
        HandshakeEnd::Stopped(_) => (Some("Ended from here"), End::Done),
    };
    if let Some(label) = label {
        // Where the end has no time of its own, it is the end of the whole.
        let to = handshake.ended_us.unwrap_or(Micros::MAX).max(at);
        parts.push(part(label.into(), Whom::Server, (at, to), end));
    }
    let answers = parts.iter().map(|part| part.answers).sum();
    Filling { end, answers, lasted_us: at, parts }
}

/// The keys were asked about one after another; when, the evidence does not say.
pub fn queries(queries: &Queries) -> Filling {
    let answered = |query: &&Query| matches!(query.answer, Answer::Accepted | Answer::Refused);
    let mut asked: Vec<&Query> = Vec::new();
    for query in queries.offers.iter().filter(answered) {
        // The same key in another file is not asked about again.
        if !asked.iter().any(|before| is_same(&before.offer.key, &query.offer.key)) {
            asked.push(query);
        }
    }
    let control = matches!(queries.control, Some(Answer::Accepted | Answer::Refused));
    let end = queries.broken.map_or(End::Done, broken);
    let answers = asked.len() as u64 + u64::from(control);
    Filling { end, answers, lasted_us: 0, parts: Vec::new() }
}

/// The proof, and one command.
pub fn login(login: &Login) -> Filling {
    let proof = match &login.proof {
        Proof::Accepted | Proof::Partial { .. } | Proof::Refused { .. } => (End::Done, 1),
        Proof::NotSigned(_) => (End::Done, 0),
        Proof::Broken(why) => (broken(*why), 0),
    };
    let (end, answers) = login.session.as_ref().map_or(proof, |session| {
        let (end, more) = run(session);
        (end, proof.1 + more)
    });
    Filling { end, answers, lasted_us: 0, parts: Vec::new() }
}

/// The one command that sees the agent from there.
pub fn forwarding(forwarding: &Forwarding) -> Filling {
    let (end, answers) = run(&forwarding.run);
    Filling { end, answers, lasted_us: 0, parts: Vec::new() }
}

/// How a command ended, and whether anything was answered to it.
fn run(run: &Run) -> (End, u64) {
    let (end, ended) = match run.end {
        RunEnd::Exited(_) | RunEnd::Signalled(_) => (End::Done, true),
        RunEnd::Closed => (End::Done, false),
        RunEnd::TimedOut { .. } => (End::Silence, false),
        RunEnd::OutOfTime | RunEnd::Interrupted => (End::Cut, false),
    };
    let answered = ended || run.not_opened.is_some() || run.accepted.is_some();
    (end, u64::from(answered))
}

const fn broken(why: Broken) -> End {
    match why {
        Broken::ServerEnded => End::Done,
        Broken::NoAnswer => End::Silence,
        Broken::OutOfTime | Broken::Interrupted | Broken::LogEnds => End::Cut,
    }
}
