//! Causes on the second hop: the destination's key at the source, and the person's keys there.

use super::{line, used};
use crate::{
    case::Case,
    command,
    diagnosis::{Diagnosis, Id, Rule},
    evidence::{key::PublicKeyFacts, queries::Answer, second_hop::Instead},
    finding::Hint,
    from_source,
    host_trust::{Acceptance, Place, Trust},
    pair::at_the_source,
    text,
    text::{Text, foreign, host, key, number},
};

/// The destination's key, as the source knows it.
pub(in crate::diagnosis) const HOST_KEY: &[Rule] = &[
    Rule { id: Id::HostKeyRevoked, finds: |case| host_key(case, Id::HostKeyRevoked) },
    Rule { id: Id::HostKeyChanged, finds: |case| host_key(case, Id::HostKeyChanged) },
    Rule {
        id: Id::HostCertificateInvalid,
        finds: |case| host_key(case, Id::HostCertificateInvalid),
    },
    Rule { id: Id::HostKeyUnknown, finds: |case| host_key(case, Id::HostKeyUnknown) },
    Rule { id: Id::HostKeyChanged, finds: |case| told(case, Id::HostKeyChanged) },
    Rule { id: Id::HostKeyUnknown, finds: |case| told(case, Id::HostKeyUnknown) },
];

/// The keys of the agent, at the destination.
pub(in crate::diagnosis) const KEYS: &[Rule] = &[
    Rule { id: Id::NotExamined, finds: own_keys },
    Rule { id: Id::NotExamined, finds: asks_first },
    Rule { id: Id::TooManyKeys, finds: too_many },
    Rule { id: Id::KeyNotAccepted, finds: refused_there },
    Rule { id: Id::SecondHopFailed, finds: failed_there },
];

fn host_key(case: &Case, id: Id) -> Option<Diagnosis> {
    let (trust, accepts) = from_source::trust(case)?;
    let cause = match &trust {
        Trust::Known(_)
        | Trust::KnownByAuthority(_)
        | Trust::NotChecked
        | Trust::ListUnreadable { .. } => return None,
        Trust::Revoked(_) | Trust::RevokedByList { .. } => Id::HostKeyRevoked,
        Trust::Changed { .. } => Id::HostKeyChanged,
        Trust::CertificateInvalid { .. } => Id::HostCertificateInvalid,
        Trust::Unknown => Id::HostKeyUnknown,
    };
    if cause != id || accepts != Acceptance::Refuses {
        return None;
    }
    let shown = case.handshake()?.host_key.as_ref()?;
    let name = &case.plan.host;
    let mut found = Diagnosis::new(id);
    match &trust {
        Trust::Changed { same_type, other_types } => {
            let places: Vec<_> = same_type.iter().chain(other_types).collect();
            found = found.because(text![
                "The source knows ",
                host(name),
                " by another key than the destination shows."
            ]);
            found.because.extend(places.iter().map(|place| known(place)));
            found.because.extend(from_source::fingerprints(shown));
            found = found.step(ask_the_operator(shown));
            for place in places.iter().filter(|place| !place.by_pattern).take(1) {
                let forget = command![
                    "ssh-keygen",
                    "-R",
                    host(&case.known_hosts()?.name),
                    "-f",
                    foreign(&place.path)
                ];
                found = found.step(Hint::run(
                    "Only if the new key is confirmed: forget the old one at the source. The next login \
                     from there then asks for the new one.",
                    at_the_source(case, &forget),
                ));
            }
        }
        Trust::Unknown => {
            found.because.push(text!["The source does not know the key of ", host(name), "."]);
            found.because.extend(from_source::fingerprints(shown));
            found.because.push(text![
                "ssh there would have to ask whether to trust it, and nobody is there to answer.",
            ]);
            found = found.step(ask_the_operator(shown)).step(Hint::run(
                "Then, at a terminal, go there once and answer with the fingerprint:",
                at_the_source(case, &case.plan.ssh().command()),
            ));
        }
        Trust::Revoked(place) => {
            found.because.push(text!["The source has the destination's key marked as revoked."]);
            found.because.push(known(place));
            found = found.step(Hint::advice(
                "Do not go on. Ask whoever operates the destination for its new key.",
            ));
        }
        _ => {
            found.because.push(text!["The source does not trust the destination's key."]);
            found.because.extend(from_source::fingerprints(shown));
            found = found.step(Hint::advice("Ask whoever operates the destination about its key."));
        }
    }
    Some(found)
}

fn known(place: &Place) -> Text {
    text![
        "Known there is ",
        key(place.sha256.as_deref().unwrap_or("an unreadable key")),
        " (",
        foreign(&place.algorithm),
        ") from ",
        foreign(format!("{}:{}", place.path, place.line)),
        "."
    ]
}

fn ask_the_operator(shown: &PublicKeyFacts) -> Hint {
    Hint::advice(text![
        "First ask whoever operates the destination, not over this connection, whether its key is ",
        key(&shown.sha256),
        "."
    ])
}

fn instead(case: &Case) -> Option<&Instead> {
    let part = case.plan.pair.as_deref();
    case.from_source()?.instead.as_ref().filter(|instead| !instead.works(part))
}

/// The same, as `ssh` there tells it, where no tunnel could show the key.
fn told(case: &Case, id: Id) -> Option<Diagnosis> {
    let instead = instead(case)?;
    line(instead, "Host key verification failed")?;
    let changed = line(instead, "IDENTIFICATION HAS CHANGED").is_some()
        || line(instead, "Offending ").is_some();
    let cause = if changed { Id::HostKeyChanged } else { Id::HostKeyUnknown };
    let name = &case.plan.host;
    if cause != id || cause == Id::HostKeyUnknown && case.is_interactive() {
        return None;
    }
    let shown = line(instead, "Server host key: ");
    let mut found = Diagnosis::new(id).because(if changed {
        text!["The source knows ", host(name), " by another key than the destination shows."]
    } else {
        text![
            "The source does not know the key of ",
            host(name),
            ", and nobody is there to accept it."
        ]
    });
    found.because.extend(shown.map(|line| text!["ssh there says: ", line, "."]));
    let step = if changed {
        let forget = command!["ssh-keygen", "-R", host(&case.known_hosts()?.name)];
        Hint::run(
            "If whoever operates the destination confirms its new key, forget the old one at the \
             source:",
            at_the_source(case, &forget),
        )
    } else {
        Hint::run(
            "At a terminal, go there once, compare the fingerprint with what the operator tells you, \
             and accept it:",
            at_the_source(case, &case.plan.ssh().command()),
        )
    };
    Some(found.step(step))
}

/// Whether the destination takes none of the agent's keys, as far as they were asked about.
fn takes_none(case: &Case) -> bool {
    let asked = case.queries().is_some_and(|q| q.accepted().is_none() && q.refused() > 0);
    let there = instead(case).is_some_and(|i| line(i, "Permission denied").is_some());
    asked || there
}

/// `ssh` there has files of its own, which might do.
fn own_keys(case: &Case) -> Option<Diagnosis> {
    let from = case.from_source()?;
    let by_ssh_there = instead(case).is_some();
    if from.own_keys.is_empty() || by_ssh_there || !takes_none(case) {
        return None;
    }
    Some(
        Diagnosis::new(Id::NotExamined)
            .because("The destination takes none of the keys of your agent.")
            .because(
                text!["But ssh at the source has key files of its own, which nobody looked into: "]
                    .then(from_source::own_keys(from))
                    .with("."),
            )
            .step(Hint::run(
                "See whether ssh there gets in with one of them:",
                at_the_source(case, &case.plan.ssh().command().and(command!["hostname"])),
            )),
    )
}

/// Without a tunnel, what is behind ssh's question cannot be seen.
fn asks_first(case: &Case) -> Option<Diagnosis> {
    let instead = instead(case)?;
    line(instead, "Host key verification failed")?;
    let mut found = Diagnosis::new(Id::NotExamined).because(text![
        "The source does not know the destination's key: ssh there will ask whether to trust it. \
         Whether the destination then takes your key could not be seen.",
    ]);
    found.because.extend(
        line(instead, "Server host key: ").map(|line| text!["ssh there says: ", line, "."]),
    );
    Some(found.step(Hint::run(
        "Go there once, compare the fingerprint, and accept it; then run this again:",
        at_the_source(case, &case.plan.ssh().command()),
    )))
}

/// The agent offers more keys than the destination wants to hear of.
fn too_many(case: &Case) -> Option<Diagnosis> {
    let queries = case.queries()?;
    let limit = queries.offers.iter().any(|query| query.answer == Answer::LimitReached);
    let unasked = queries.offers.iter().any(|query| query.answer == Answer::NoAnswer);
    if queries.accepted().is_some() || !(limit || queries.is_cut_off() && unasked) {
        return None;
    }
    let mut found = Diagnosis::new(Id::TooManyKeys)
        .because(text![
            "ssh at the source offers every key of your agent, ",
            number(queries.offers.len()),
            " of them, one after the other; the destination refused the first ",
            number(queries.refused()),
            "."
        ])
        .because("There is no other order for a forwarded agent: it has no files beside it.");
    let left = queries
        .offers
        .iter()
        .filter(|q| matches!(q.answer, Answer::LimitReached | Answer::NoAnswer));
    for query in left.take(4) {
        found = found.because(text![
            "Not asked about: ",
            crate::portal::name(query),
            ", ",
            key(&query.offer.key.sha256),
            "."
        ]);
    }
    Some(found.step(Hint::run(
        "Start an agent with the one key that the destination takes, and use it in this terminal:",
        crate::ssh_add::start_and_load("~/.ssh/id_ed25519"),
    )))
}

/// As `ssh` there tells it.
fn refused_there(case: &Case) -> Option<Diagnosis> {
    let instead = instead(case)?;
    let said = line(instead, "Permission denied")?;
    let mut found =
        Diagnosis::new(Id::KeyNotAccepted).because(text!["ssh at the source says: ", said, "."]);
    let keys = case.agent().map(|agent| agent.keys()).unwrap_or_default();
    for held in keys.iter().take(6) {
        found = found.because(text![
            "Your agent holds ",
            foreign(&held.comment),
            ": ",
            key(&held.sha256),
            ", as MD5 ",
            key(&held.md5),
            "."
        ]);
    }
    let who = &case.effective()?.user;
    Some(found.or(Id::UnexpectedUser).step(Hint::advice(text![
        "Have your key registered for the destination too, for the user ",
        text::user(who),
        ": each host has its own list.",
    ])))
}

/// `ssh` there did not get in, in words that no rule knows.
fn failed_there(case: &Case) -> Option<Diagnosis> {
    let instead = instead(case)?;
    let mut found = Diagnosis::new(Id::SecondHopFailed).because(text![
        "The source lets nobody look through it, and its own ssh did not get in at ",
        host(&used(case)?.name),
        "."
    ]);
    let said = instead.said.iter().filter(|line| !line.raw().starts_with("debug1"));
    found.because.extend(said.take(4).map(|line| text!["It says: ", line, "."]));
    Some(found.step(Hint::run(
        "See it from there:",
        at_the_source(case, &case.plan.ssh().flag("-v").command().and(command!["hostname"])),
    )))
}
