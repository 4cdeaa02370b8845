//! The keys that `ssh` would offer, in its order: pure.
//!
//! The rules are the ones of OpenSSH's `sshconnect2.c` (`pubkey_prepare`) and `ssh.c`
//! (`load_public_identity_files`):
//!
//! 1. certificates of CertificateFile;
//! 2. agent keys that an identity file names too, in the agent's order;
//! 3. the other agent keys, unless IdentitiesOnly;
//! 4. identity files that the agent does not hold, each with the certificate beside it, unless
//!    CertificateFile is used.
//!
//! Each key is left out whose type PubkeyAcceptedAlgorithms does not allow, certificates of hosts,
//! and hardware keys where no SecurityKeyProvider is set. A key that two files hold is offered
//! twice: `ssh` compares names of files, not keys.
//!
//! Keys that PKCS11Provider would add are not known here; who judges has to say so.

use serde::{Deserialize, Serialize};

use crate::evidence::{
    agent::AgentKeys,
    configuration::Effective,
    identities::{Content, Identities, IdentityFile},
    key::PublicKeyFacts,
};

/// One key that `ssh` would offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The key.
    pub key: PublicKeyFacts,
    /// The file, where one holds it.
    pub path: Option<String>,
    /// Whether the agent holds it.
    pub in_agent: bool,
    /// Whether `ssh` could prove it, as far as can be seen without trying.
    pub provable: Provable,
}

/// Whether `ssh` could sign with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provable {
    /// By the agent, or a file without passphrase; a hardware key may have to be touched.
    Yes,
    /// A passphrase is needed first.
    NeedsPassphrase,
    /// No: the private half is missing, not readable, too open, or belongs to another key; or the
    /// device that holds it is not plugged in.
    No,
    /// A log does not tell.
    Unknown,
}

/// How many keys and certificates these are, in words; `ssh` offers both, one by one. `hidden`: how many
/// keys there are besides, whose public half is not known.
#[must_use]
pub fn counted<'o>(offers: impl Iterator<Item = &'o Offer>, hidden: usize) -> String {
    let (certificates, keys): (Vec<_>, Vec<_>) =
        offers.partition(|offer| offer.key.certificate.is_some());
    let words = |n: usize, one: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {one}s")),
    };
    let words = [words(keys.len() + hidden, "key"), words(certificates.len(), "certificate")];
    words.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// The keys in the order in which `ssh` would offer them.
#[must_use]
pub fn in_order(effective: &Effective, identities: &Identities, agent: &AgentKeys) -> Vec<Offer> {
    if !effective.pubkey_authentication {
        return Vec::new();
    }
    let mut files = from_files(effective, identities);
    let mut order = from_certificate_files(effective, identities);
    let mut others = Vec::new();
    for key in agent.keys() {
        let provable = held(identities, agent, key);
        match files.iter().position(|file| file.known && is_same(&file.offer.key, key)) {
            Some(place) => {
                let Candidate { offer, .. } = files.remove(place);
                order.push(Offer { in_agent: true, provable, ..offer });
            }
            None if effective.identities_only => {}
            None => {
                others.push(Offer { key: key.clone(), path: None, in_agent: true, provable });
            }
        }
    }
    order.extend(others);
    order.extend(files.into_iter().map(|file| file.offer));
    order.retain(|offer| is_allowed(effective, &offer.key));
    signed_by_plain_keys(order)
}

/// A certificate is signed for by the plain key, where that is among those that `ssh` uses, else by
/// what stands behind the certificate itself (`sign_and_send_pubkey`).
fn signed_by_plain_keys(mut order: Vec<Offer>) -> Vec<Offer> {
    let plain: Vec<Offer> = order.iter().filter(|o| o.key.certificate.is_none()).cloned().collect();
    for offer in order.iter_mut().filter(|offer| offer.key.certificate.is_some()) {
        if let Some(signer) = plain.iter().find(|plain| plain.key.same_key(&offer.key)) {
            offer.provable = signer.provable;
        }
    }
    order
}

/// Whether the agent can sign with a key that it holds: not with one that sits in a device which is
/// not plugged in, where the agent is a program of this computer.
fn held(identities: &Identities, agent: &AgentKeys, key: &PublicKeyFacts) -> Provable {
    let absent = key.is_hardware() && identities.security_keys == Some(0);
    if absent && agent.is_local() { Provable::No } else { Provable::Yes }
}

/// A key of an identity file, and whether `ssh` knows its public half before it opens the private
/// one: only then is it recognised in the agent.
struct Candidate {
    offer: Offer,
    known: bool,
}

/// Identity files whose public half cannot be read without the passphrase: `ssh` asks for it
/// before it can offer anything, so they cannot be asked about.
pub fn unknown_public(identities: &Identities) -> impl Iterator<Item = &IdentityFile> {
    identities.files.iter().filter(|file| file.is_locked() && file.offered().is_none())
}

fn from_files(effective: &Effective, identities: &Identities) -> Vec<Candidate> {
    let mut offers = Vec::new();
    for file in identities.files.iter().filter(|file| !file.left_out) {
        let beside = file.cert_file.as_ref().filter(|_| effective.certificate_files.is_empty());
        for key in file.offered().into_iter().chain(beside) {
            if is_ignored(effective, key) {
                continue;
            }
            let offer = Offer {
                key: key.clone(),
                path: Some(file.path.clone()),
                in_agent: false,
                provable: provable(identities, file, key),
            };
            let known = key.certificate.is_some() || file.known().is_some();
            offers.push(Candidate { offer, known });
        }
    }
    offers
}

/// Certificates that CertificateFile names; who signs for them is found out at the end.
fn from_certificate_files(effective: &Effective, identities: &Identities) -> Vec<Offer> {
    let certificates = identities.certificates.iter();
    certificates
        .filter_map(|file| file.content.as_ref().ok().map(|key| (file, key)))
        .filter(|(_, key)| key.certificate.is_some() && !is_ignored(effective, key))
        .map(|(file, key)| {
            // A private key whose public half ssh cannot read is found by the name of the file
            // alone, and the names differ here.
            let path = Some(file.path.clone());
            Offer { key: key.clone(), path, in_agent: false, provable: Provable::No }
        })
        .collect()
}

/// Whether `ssh` passes over a key of a file: a certificate of a host, or a hardware key where
/// nothing can talk to the hardware.
fn is_ignored(effective: &Effective, key: &PublicKeyFacts) -> bool {
    key.certificate.as_ref().is_some_and(|certificate| !certificate.is_user)
        || (key.is_hardware() && effective.security_key_provider.is_none())
}

/// The same plain key, or the same certificate.
#[must_use]
pub fn is_same(one: &PublicKeyFacts, other: &PublicKeyFacts) -> bool {
    let line = |key: &PublicKeyFacts| key.certificate.as_ref().map(|c| c.line.clone());
    one.same_key(other) && line(one) == line(other)
}

fn provable(identities: &Identities, file: &IdentityFile, key: &PublicKeyFacts) -> Provable {
    let other_key = file.inside().is_some_and(|inside| !inside.same_key(key));
    if key.is_hardware() && identities.security_keys == Some(0) {
        return Provable::No;
    }
    match &file.content {
        Content::Private { locked_by, .. } if !file.too_open && !other_key => {
            if locked_by.is_some() { Provable::NeedsPassphrase } else { Provable::Yes }
        }
        _ => Provable::No,
    }
}

/// Whether the client's own rules allow this type and size of key.
fn is_allowed(effective: &Effective, key: &PublicKeyFacts) -> bool {
    if key.algorithm == "ssh-rsa" && key.bits < effective.required_rsa_size {
        return false;
    }
    let accepted = &effective.pubkey_accepted_algorithms;
    if accepted.is_empty() {
        return key.algorithm != "ssh-dss";
    }
    let suffix = if key.certificate.is_some() { "-cert-v01@openssh.com" } else { "" };
    let plain = key.algorithm.trim_end_matches("@openssh.com");
    let names = match plain {
        "ssh-rsa" => vec!["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
        _ if suffix.is_empty() => vec![key.algorithm.as_str()],
        _ => vec![plain],
    };
    names.iter().any(|name| accepted.contains(&format!("{name}{suffix}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::agent::AgentState;

    fn key(name: &str) -> PublicKeyFacts {
        PublicKeyFacts {
            algorithm: "ssh-ed25519".into(),
            bits: 256,
            sha256: format!("SHA256:{name}"),
            md5: String::new(),
            comment: String::new(),
            line: String::new(),
            certificate: None,
        }
    }

    fn file(name: &str) -> IdentityFile {
        IdentityFile {
            path: format!("/k/{name}"),
            named: true,
            content: Content::Private {
                format: "openssh".into(),
                public: Some(key(name)),
                locked_by: None,
            },
            mode: Some(0o600),
            owner: Some(0),
            too_open: false,
            disk: None,
            left_out: false,
            own: false,
            pub_file: None,
            cert_file: None,
        }
    }

    fn agent(names: &[&str]) -> AgentKeys {
        let keys = names.iter().map(|n| key(n)).collect();
        AgentKeys { socket: None, state: AgentState::Keys(keys), ..AgentKeys::none() }
    }

    fn effective() -> Effective {
        Effective { pubkey_authentication: true, ..Effective::default() }
    }

    fn names(offers: &[Offer]) -> Vec<&str> {
        offers.iter().map(|o| o.key.sha256.trim_start_matches("SHA256:")).collect()
    }

    #[test]
    fn agent_keys_that_are_in_files_come_first_then_the_agents_then_the_files() {
        let ids = Identities { files: vec![file("a"), file("b")], ..Identities::default() };
        let order = in_order(&effective(), &ids, &agent(&["x", "b", "y"]));
        assert_eq!(names(&order), ["b", "x", "y", "a"]);
        let only = Effective { identities_only: true, ..effective() };
        assert_eq!(names(&in_order(&only, &ids, &agent(&["x", "b", "y"]))), ["b", "a"]);
        let off = Effective { pubkey_authentication: false, ..effective() };
        assert_eq!(in_order(&off, &ids, &agent(&["x"])), []);
    }

    #[test]
    fn the_pub_file_decides_what_is_offered_and_whether_it_can_be_proven() {
        let mut wrong = file("a");
        wrong.pub_file = Some(key("other"));
        let ids = Identities { files: vec![wrong], ..Identities::default() };
        let order = in_order(&effective(), &ids, &AgentKeys::none());
        assert_eq!(names(&order), ["other"]);
        assert_eq!(order[0].provable, Provable::No);
    }

    #[test]
    fn types_and_sizes_that_the_client_refuses_are_left_out() {
        let mut rsa = file("r");
        let small = PublicKeyFacts { algorithm: "ssh-rsa".into(), bits: 1024, ..key("r") };
        rsa.pub_file = Some(small);
        let ids = Identities { files: vec![rsa, file("a")], ..Identities::default() };
        let strict = Effective { required_rsa_size: 2048, ..effective() };
        assert_eq!(names(&in_order(&strict, &ids, &AgentKeys::none())), ["a"]);
        let rsa_only =
            Effective { pubkey_accepted_algorithms: vec!["rsa-sha2-256".into()], ..effective() };
        assert_eq!(names(&in_order(&rsa_only, &ids, &AgentKeys::none())), ["r"]);
    }
}
