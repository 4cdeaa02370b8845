//! Causes in the keys on this computer.

use super::{Diagnosis, Id, Rule};
use crate::{
    agent,
    case::Case,
    command,
    evidence::{agent::AgentKeys, identities::Content},
    finding::Hint,
    fingerprint,
    key_trouble::{self, Trouble},
    offers::{self, Offer, Provable},
    text,
    text::{path, shell},
};

/// In causal order: the file, what is in it, whether it may be used, whether it can be unlocked.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::KeyFileMissing, finds: |case| file_trouble(case, Id::KeyFileMissing) },
    Rule { id: Id::KeyUnreadable, finds: |case| file_trouble(case, Id::KeyUnreadable) },
    Rule { id: Id::KeyIsPpk, finds: |case| file_trouble(case, Id::KeyIsPpk) },
    Rule { id: Id::KeyMalformed, finds: |case| file_trouble(case, Id::KeyMalformed) },
    Rule { id: Id::KeyIsPublic, finds: |case| file_trouble(case, Id::KeyIsPublic) },
    Rule { id: Id::KeyPermissions, finds: |case| file_trouble(case, Id::KeyPermissions) },
    Rule { id: Id::KeyPairMismatch, finds: |case| file_trouble(case, Id::KeyPairMismatch) },
    Rule { id: Id::KeyTooWeak, finds: |case| file_trouble(case, Id::KeyTooWeak) },
    Rule { id: Id::CertificateExpired, finds: |case| file_trouble(case, Id::CertificateExpired) },
    Rule { id: Id::KeyLocked, finds: key_locked },
    Rule { id: Id::NoKey, finds: no_key },
];

/// What there is to log in with, where that is not enough as it stands.
struct Keys {
    order: Vec<Offer>,
    troubles: Vec<(bool, Trouble)>,
}

/// `None` where a key is accepted that can be proven: then whatever else is wrong is no cause.
fn keys(case: &Case) -> Option<Keys> {
    let (effective, identities) = (case.effective()?, case.identities()?);
    if case.queries().is_some_and(|q| q.winner(case.is_interactive()).is_some()) {
        return None;
    }
    let none = AgentKeys::none();
    let held = case.agent().unwrap_or(&none);
    let accepted = case.queries().and_then(|q| q.accepted()).and_then(|q| q.offer.path.clone());
    let order = offers::in_order(effective, identities, held);
    // A file that nobody named is one of many that ssh happens to try: it is the cause only where
    // the server takes its key, or where there is no other.
    let others = order.iter().any(|offer| offer.provable != Provable::No);
    let mut troubles: Vec<_> = identities
        .files
        .iter()
        .filter_map(|file| {
            let meant = file.named || accepted.as_deref() == Some(&file.path) || !others;
            Some((meant, key_trouble::of_file(file, effective, held)?))
        })
        .collect();
    let certificates = fingerprint::troubles(effective, identities, held, case.started_at);
    let certificates = certificates.into_iter().filter(|t| t.id == Id::CertificateExpired);
    troubles.extend(certificates.map(|trouble| (true, trouble)));
    Some(Keys { order, troubles })
}

fn file_trouble(case: &Case, id: Id) -> Option<Diagnosis> {
    let troubles = keys(case)?.troubles;
    let (_, trouble) = troubles.into_iter().find(|(meant, trouble)| *meant && trouble.id == id)?;
    let found = Diagnosis::new(id).because(trouble.what).because(trouble.means);
    Some(trouble.steps.into_iter().fold(found, Diagnosis::step))
}

fn key_locked(case: &Case) -> Option<Diagnosis> {
    if case.is_interactive() {
        return None;
    }
    let keys = keys(case)?;
    let accepted = case.queries().and_then(|q| q.accepted()).map(|q| &q.offer);
    let accepted = accepted.filter(|offer| offer.provable == Provable::NeedsPassphrase);
    let hidden = offers::unknown_public(case.identities()?).next();
    let file = match (accepted, hidden) {
        (Some(offer), _) => offer.path.as_ref()?,
        // Nothing else could be offered: the locked one is all there is.
        (None, Some(file)) if keys.order.is_empty() => &file.path,
        _ => return None,
    };
    let mut found = Diagnosis::new(Id::KeyLocked).because(text![
        "The private key ",
        path(file),
        " is locked with a passphrase."
    ]);
    if accepted.is_some() {
        found = found.because(text!["The server would take it: it is registered and activated."]);
    }
    Some(
        found
            .because(text!["There is no terminal, or BatchMode is set, so ssh cannot ask for it."])
            .step(Hint::run(
                text!["At a terminal, put it into an agent once, in the shell that then runs ssh:"],
                command!["eval", shell("\"$(ssh-agent -s)\""), shell("&&"), "ssh-add", path(file),],
            ))
            .step(Hint::advice(text![
                "In CI: use a key of its own without passphrase, kept as a protected secret and ",
                "loaded into an agent.",
            ])),
    )
}

fn no_key(case: &Case) -> Option<Diagnosis> {
    let keys = keys(case)?;
    if !keys.order.is_empty() || !case.effective()?.pubkey_authentication {
        return None;
    }
    let identities = case.identities()?;
    if offers::unknown_public(identities).next().is_some() {
        return None;
    }
    let mut found = Diagnosis::new(Id::NoKey);
    for file in &identities.files {
        found = found.because(match &file.content {
            Content::Missing => text![path(&file.path), " does not exist."],
            _ => text![path(&file.path), " holds no key that ssh would offer."],
        });
    }
    let held = case.agent()?;
    if let Some(trouble) = agent::trouble(held) {
        found = found.because(trouble);
    } else {
        found = found.because(text![
            "The agent holds keys, but ssh may not offer them to this host (IdentitiesOnly, or ",
            "their type is not allowed).",
        ]);
    }
    if let Some(file) = identities.untried.first() {
        found = found.step(Hint::run(
            text!["There is a private key with another name. If it is the one, name it:"],
            command!["ssh", "-i", path(file), case.target()],
        ));
    }
    found = found.step(Hint::run(
        text!["If you have no key yet: make one."],
        command!["ssh-keygen", "-t", "ed25519"],
    ));
    found = found.step(Hint::advice(match &case.profile().portal {
        Some(portal) => text!["Then register its public half in ", portal.name.clone(), "."],
        None => text!["Then send its public half (the .pub file) to those who run the server."],
    }));
    Some(found.or(Id::AgentLocked))
}
