//! Causes: certificates of users.

use super::{Diagnosis, Id, keys::Failing};
use crate::{
    case::Case,
    command,
    evidence::{
        identities::{CertificateFile, IdentityFile},
        key::{CertificateFacts, PublicKeyFacts},
    },
    finding::Hint,
    key_files,
    offers::{Offer, Provable},
    text,
    text::{foreign, key, path, shell},
};

/// A certificate, and the file that it is in; none where the agent holds it.
struct Held<'c> {
    certificate: &'c CertificateFacts,
    file: Option<String>,
}

/// A certificate that does not help this user now.
pub(super) fn not_valid(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    if failing.accepted().is_some() {
        return None;
    }
    let login = &failing.effective.user;
    let (Held { certificate, file }, why) =
        certificates(&failing).into_iter().find_map(|held| {
            let why = key_files::certificate_fault(held.certificate, login, case.started_at)?;
            Some((held, why))
        })?;
    let name = match &file {
        Some(file) => text![path(file)],
        None => text!["in the agent"],
    };
    let mut found = Diagnosis::new(Id::CertificateExpired)
        .because(
            text!["You log in with the certificate \"", foreign(&certificate.key_id), "\" ("]
                .then(name)
                .with(")."),
        )
        .because(why);
    let now = case.started_at;
    let dated = certificate.is_user
        && (certificate.valid_after.is_some_and(|start| start > now)
            || certificate.valid_before.is_some_and(|end| end <= now));
    if dated {
        found = found.because(text![
            "Now it is ",
            key_files::moment(now),
            " by this computer's clock."
        ]);
    }
    let is_it = |offer: &Offer| offer.key.certificate.as_ref() == Some(certificate);
    if let Some(answers) = failing.answers_beside(is_it) {
        found = found.because(answers);
    }
    found = found.step(Hint::advice(
        "Get a new certificate for this user, with the tool or the page that gave you this one.",
    ));
    if let Some(file) = file {
        found =
            found.step(Hint::run("Look at it:", command!["ssh-keygen", "-L", "-f", path(file)]));
    }
    if dated {
        let clock = command!["date", "-u"];
        found = found.step(Hint::run("If the dates look right, check your clock:", clock));
    }
    Some(found.or(Id::KeyNotAccepted))
}

/// All certificates: those that `ssh` offers, then those of hosts, which it passes over.
fn certificates<'c>(failing: &'c Failing<'c>) -> Vec<Held<'c>> {
    let held = |key: &'c PublicKeyFacts, file: Option<String>| {
        key.certificate.as_ref().map(|certificate| Held { certificate, file })
    };
    let beside = |key: &PublicKeyFacts| {
        let is_it = |file: &&IdentityFile| {
            file.cert_file.as_ref().is_some_and(|beside| beside.certificate == key.certificate)
        };
        let file = failing.identities.files.iter().find(is_it);
        file.map(|file| format!("{}-cert.pub", file.path))
    };
    let offered = failing.offers.iter().filter_map(|offer| {
        let file = beside(&offer.key).or_else(|| offer.path.clone());
        held(&offer.key, file.filter(|_| !offer.in_agent || offer.path.is_some()))
    });
    let in_files = failing.identities.files.iter().flat_map(|file| {
        let beside = file.cert_file.iter().map(|key| (key, format!("{}-cert.pub", file.path)));
        let itself = file.known().into_iter().map(|key| (key, file.path.clone()));
        beside.chain(itself)
    });
    let named = failing.identities.certificates.iter().filter_map(|file| {
        let key = file.content.as_ref().ok()?;
        Some((key, file.path.clone()))
    });
    let of_hosts = in_files.chain(named).filter_map(|(key, file)| held(key, Some(file)));
    offered.chain(of_hosts.filter(|held| !held.certificate.is_user)).collect()
}

/// The server would take a certificate, and the private key that it belongs to is nowhere.
pub(super) fn without_private_key(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    let offer = failing.accepted()?;
    let certificate = offer.key.certificate.as_ref()?;
    if offer.provable != Provable::No || offer.key.is_hardware() {
        return None;
    }
    let file = offer.path.clone()?;
    let found = Diagnosis::new(Id::KeyFileMissing)
        .because(text![
            "The server would accept the certificate \"",
            foreign(&certificate.key_id),
            "\" (",
            path(&file),
            ")."
        ])
        .because(text![
            "A certificate only counts with the private key that it was made for (",
            key(&offer.key.sha256),
            "). No file that ssh looks at holds it, and no agent."
        ]);
    let guess = file.strip_suffix("-cert.pub").map(str::to_owned);
    let found = match guess.or_else(|| failing.identities.untried.first().cloned()) {
        Some(private) => found.step(Hint::run(
            "Name the private key. It usually has the same name without -cert.pub:",
            case.plan.ssh().identity(&private).command(),
        )),
        None => found,
    };
    Some(found.step(Hint::run("See which keys there are:", command!["ls", "-l", shell("~/.ssh")])))
}

/// A certificate was named that is not there, and the plain key is not accepted without it.
pub(super) fn not_there(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    let unusable = |file: &&CertificateFile| file.content.is_err();
    let file = failing.identities.certificates.iter().find(unusable)?;
    let why = file.content.as_ref().err()?;
    if failing.accepted().is_some() {
        return None;
    }
    let found = Diagnosis::new(Id::KeyFileMissing).because(if file.missing {
        text!["The certificate file ", path(&file.path), " does not exist."]
    } else {
        text!["The certificate file ", path(&file.path), " cannot be used: ", foreign(why), "."]
    });
    let mut found = found.because(text![
        "Your configuration names it (CertificateFile). ssh goes on without a word, with the plain \
         key alone."
    ]);
    if let Some(answers) = failing.answers() {
        found = found.because(answers);
    }
    Some(
        found
            .step(Hint::advice(
                "Get the certificate again, with the tool or the page that gave it to you, or \
                 correct CertificateFile.",
            ))
            .step(Hint::run(
                "A certificate shows its dates and names so:",
                command!["ssh-keygen", "-L", "-f", path(&file.path)],
            ))
            .or(Id::KeyNotAccepted),
    )
}
