//! Keys whose private half sits in a security key (FIDO): a device that has to be plugged in, and
//! that asks for a touch.

use super::{Diagnosis, Id, keys::Failing};
use crate::{
    case::Case,
    evidence::{identities::IdentityFile, key::PublicKeyFacts},
    finding::Hint,
    text,
    text::{Span, Text, foreign, key, number, path},
};

/// The configuration has nothing that could talk to a security key, so `ssh` passes over the file.
pub(super) fn turned_off(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    if failing.effective.security_key_provider.is_some() || failing.accepted().is_some() {
        return None;
    }
    let refused = failing.refused();
    let hardware = |file: &&IdentityFile| file.offered().is_some_and(PublicKeyFacts::is_hardware);
    let mut files = failing.identities.files.iter().filter(hardware);
    let file = files.find(|file| file.named || refused == 0)?;
    let found = Diagnosis::new(Id::SecurityKeyOff)
        .because(text![
            "The key ",
            path(&file.path),
            " needs a security key, a device such as a YubiKey."
        ])
        .because(text![
            "Your ssh configuration turns such devices off (SecurityKeyProvider none), so ssh does \
             not offer this key."
        ])
        .step(Hint::run(
            "Turn them on for one login:",
            case.plan.ssh().set("SecurityKeyProvider=internal").command(),
        ))
        .step(Hint::advice(
            "If it helps, remove SecurityKeyProvider none from your ssh configuration.",
        ));
    Some(with_refused(found, refused))
}

/// The device is not plugged in.
pub(super) fn absent(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    if failing.identities.security_keys != Some(0) {
        return None;
    }
    let offer = match failing.accepted() {
        Some(offer) => Some(offer).filter(|offer| offer.key.is_hardware()),
        // Not asked: it is the cause where each key needs a device.
        None if failing.queries.is_none() => failing
            .offers
            .first()
            .filter(|_| failing.offers.iter().all(|offer| offer.key.is_hardware())),
        None => None,
    }?;
    let name: Span = match &offer.path {
        Some(file) => path(file),
        None => foreign(&offer.key.comment),
    };
    let place = if offer.in_agent { " (in the agent)" } else { "" };
    let mut found = Diagnosis::new(Id::SecurityKeyAbsent).because(text![
        "The key ",
        name,
        place,
        " (",
        key(&offer.key.sha256),
        ") needs a security key, a device such as a YubiKey: its secret never leaves that device."
    ]);
    if failing.accepted().is_some() {
        found = found.because(text!["The server would accept this key."]);
    }
    Some(
        found
            .because(text!["No such device is plugged in to this computer."])
            .step(Hint::advice(
                "Plug in the security key that this key was made with.",
            ))
            .step(Hint::run(
                "Log in, and touch the device when it blinks:",
                case.plan.ssh().command(),
            ))
            .step(Hint::advice(
                "If you do not have that device any more, the key is lost: have a new one registered.",
            )),
    )
}

fn with_refused(found: Diagnosis, refused: usize) -> Diagnosis {
    let said: Text = match refused {
        0 => return found,
        1 => text!["Of the other keys one was offered; the server does not accept it."],
        n => text![
            "Of the other keys ",
            number(n),
            " were offered; the server accepts none of them."
        ],
    };
    found.because(said).or(Id::KeyNotAccepted)
}
