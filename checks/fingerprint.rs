//! Public key: each identity that `ssh` would try, and whether it can be used.

use jiff::Timestamp;

use crate::{
    case::Plan,
    check::{About, Check},
    command,
    evidence::{
        Evidence, Seen, Unseen,
        agent::AgentKeys,
        configuration::Effective,
        identities::{Content, Identities, IdentityFile},
        key::PublicKeyFacts,
    },
    finding::{Finding, Hint},
    key_trouble::{self, Trouble},
    offers::{self, Offer, Provable},
    text,
    text::{Text, foreign, key, number, path},
};

/// Public key.
pub struct Fingerprint;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    identities: &'e Seen<Identities>,
    agent: &'e Seen<AgentKeys>,
    now: Timestamp,
}

impl Check for Fingerprint {
    const ABOUT: About = About { id: "fingerprint", title: "Public key" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (identities, agent) = futures_util::join!(evidence.identities(), evidence.agent());
        let effective = evidence.effective().await;
        Facts { effective, identities, agent, now: evidence.started_at() }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, identities) = match (facts.effective, facts.identities) {
            (Ok(effective), Ok(identities)) => (effective, identities),
            (Err(why), _) => return Finding::unseen(&why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        let none = AgentKeys::none();
        let agent = facts.agent.as_ref().unwrap_or(&none);
        let interactive = plan.interactive && !effective.batch_mode;
        let order = offers::in_order(effective, identities, agent);
        let troubles = troubles(effective, identities, agent, facts.now);
        verdict(&order, &troubles, identities, interactive)
            .detail_all(order.iter().enumerate().map(|(place, offer)| line(place + 1, offer)))
            .detail_all(offers::unknown_public(identities).map(|file| {
                let p = path(&file.path);
                text![p, " is locked, and its public half is not known without the passphrase."]
            }))
            .detail_all(troubles.iter().map(|t| t.what.clone()))
            .detail_all(others(identities))
            .fact("offers", &order)
            .fact("files", &identities.files)
            .fact("certificates", &identities.certificates)
    }
}

/// What is wrong with files and certificates, in ssh's order.
#[must_use]
pub fn troubles(
    effective: &Effective,
    identities: &Identities,
    agent: &AgentKeys,
    now: Timestamp,
) -> Vec<Trouble> {
    let of_file = |file: &IdentityFile| {
        let certificate = file.cert_file.as_ref().and_then(|k| k.certificate.as_ref());
        let beside = certificate
            .and_then(|c| key_trouble::of_certificate(c, &file.path, &effective.user, now));
        key_trouble::of_file(file, effective, agent).into_iter().chain(beside)
    };
    let of_certificates = identities.certificates.iter().filter_map(|file| {
        let facts = file.content.as_ref().ok()?.certificate.as_ref()?;
        key_trouble::of_certificate(facts, &file.path, &effective.user, now)
    });
    identities.files.iter().flat_map(of_file).chain(of_certificates).collect()
}

fn verdict(
    order: &[Offer],
    troubles: &[Trouble],
    identities: &Identities,
    interactive: bool,
) -> Finding {
    let usable = |offer: &&Offer| match offer.provable {
        Provable::Yes => true,
        Provable::NeedsPassphrase => interactive,
        Provable::No => false,
    };
    let count = order.iter().filter(usable).count();
    let locked = offers::unknown_public(identities).count();
    let Some(first) = order.iter().find(usable) else {
        if locked > 0 && interactive {
            return Finding::warn("The only key is locked; ssh will ask for its passphrase first.");
        }
        return no_usable_key(order, troubles, locked);
    };
    let others = match count {
        1 => String::new(),
        n => format!(", the first of {n} that ssh would try"),
    };
    let summary =
        text![kind(&first.key), " ", key(&first.key.sha256), " (", place(first), ")", others, "."];
    let mut finding = match troubles.first() {
        Some(_) => Finding::warn(summary),
        None => Finding::pass(summary),
    };
    for step in troubles.iter().filter_map(|t| t.steps.first()) {
        finding = finding.hint(step.clone());
    }
    if first.provable == Provable::NeedsPassphrase
        && let Some(file) = &first.path
    {
        finding = finding.hint(Hint::run(
            text!["ssh will ask for the key's passphrase. To type it only once:"],
            command!["ssh-add", path(file)],
        ));
    }
    finding
}

fn no_usable_key(order: &[Offer], troubles: &[Trouble], locked: usize) -> Finding {
    if let Some(trouble) = troubles.first() {
        let finding = Finding::fail(trouble.what.clone()).detail(trouble.means.clone());
        return trouble.steps.iter().cloned().fold(finding, Finding::hint);
    }
    let needs = order.iter().find(|o| o.provable == Provable::NeedsPassphrase);
    if needs.is_some() || locked > 0 {
        let finding = Finding::fail("Each key is locked, and nobody can type a passphrase here.");
        return match needs.and_then(|offer| offer.path.as_ref()) {
            Some(file) => finding.hint(Hint::run(
                text!["Put the key into an agent first, at a terminal:"],
                command!["ssh-add", path(file)],
            )),
            None => finding,
        };
    }
    Finding::fail("There is no key that ssh could use.").hint(Hint::run(
        text!["Make one, then have its public half registered:"],
        command!["ssh-keygen", "-t", "ed25519"],
    ))
}

/// Type and size, as people say them.
fn kind(public: &PublicKeyFacts) -> String {
    let certificate = if public.certificate.is_some() { " certificate" } else { "" };
    match public.algorithm.as_str() {
        "ssh-rsa" | "ssh-dss" => format!("{} {}{certificate}", public.kind(), public.bits),
        _ => format!("{}{certificate}", public.kind()),
    }
}

fn place(offer: &Offer) -> crate::text::Span {
    match &offer.path {
        Some(file) => path(file),
        None => "in the agent".into(),
    }
}

/// One line for one key: what it is, where, and both fingerprints.
fn line(number_in_order: usize, offer: &Offer) -> Text {
    let public = &offer.key;
    let state = match (offer.in_agent, offer.provable) {
        (true, _) if offer.path.is_some() => ", in the agent too",
        (true, _) => "",
        (false, Provable::Yes) => ", not locked",
        (false, Provable::NeedsPassphrase) => ", locked with a passphrase",
        (false, Provable::No) => ", its private half cannot be used",
    };
    let mut line = text![
        number(number_in_order),
        ". ",
        kind(public),
        " ",
        key(&public.sha256),
        ", MD5 ",
        key(&public.md5),
        ", ",
        place(offer),
    ];
    if !public.comment.is_empty() {
        line = line.with(" (").with(foreign(&public.comment)).with(")");
    }
    line = line.with(state);
    if let Some(certificate) = &public.certificate {
        line = line.with(", for ").with(foreign(certificate.principals.join(", ")));
        if let Some(end) = certificate.valid_before {
            line = line.with(", until ").with(end.to_string());
        }
    }
    line
}

/// What `ssh` does not try.
fn others(identities: &Identities) -> Vec<Text> {
    let mut lines = Vec::new();
    let default: Vec<_> = identities.files.iter().filter(|f| !f.named).collect();
    if !default.is_empty() && default.iter().all(|f| f.content == Content::Missing) {
        lines.push(text!["None of ssh's default key files exists."]);
    }
    for file in &identities.untried {
        lines.push(text![path(file), " is a private key that ssh does not try for this host."]);
    }
    lines
}
