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
//! Each key is left out whose type PubkeyAcceptedAlgorithms does not allow.

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
    /// By the agent, or a file without passphrase.
    Yes,
    /// A passphrase is needed first.
    NeedsPassphrase,
    /// No: the private half is missing, not readable, too open, or belongs to another key.
    No,
}

/// The keys in the order in which `ssh` would offer them.
#[must_use]
pub fn in_order(effective: &Effective, identities: &Identities, agent: &AgentKeys) -> Vec<Offer> {
    if !effective.pubkey_authentication {
        return Vec::new();
    }
    let mut files = from_files(effective, identities);
    let mut order = from_certificate_files(identities, agent);
    let mut others = Vec::new();
    for key in agent.keys() {
        match files.iter().position(|file| is_same(&file.key, key)) {
            Some(place) => {
                let file = files.remove(place);
                order.push(Offer { in_agent: true, provable: Provable::Yes, ..file });
            }
            None if effective.identities_only => {}
            None => others.push(Offer {
                key: key.clone(),
                path: None,
                in_agent: true,
                provable: Provable::Yes,
            }),
        }
    }
    order.extend(others);
    order.extend(files);
    order.retain(|offer| is_allowed(effective, &offer.key));
    let mut once: Vec<Offer> = Vec::new();
    for mut offer in order {
        // A certificate is signed for by whoever holds its plain key (sign_and_send_pubkey).
        let held = |key: &PublicKeyFacts| key.same_key(&offer.key);
        if offer.key.certificate.is_some() && agent.keys().iter().any(held) {
            offer.provable = Provable::Yes;
        }
        if !once.iter().any(|known| is_same(&known.key, &offer.key)) {
            once.push(offer);
        }
    }
    once
}

/// Identity files whose public half cannot be read without the passphrase: `ssh` asks for it
/// before it can offer anything, so they cannot be asked about.
pub fn unknown_public(identities: &Identities) -> impl Iterator<Item = &IdentityFile> {
    identities.files.iter().filter(|file| file.is_locked() && file.offered().is_none())
}

fn from_files(effective: &Effective, identities: &Identities) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for file in &identities.files {
        let beside = file.cert_file.as_ref().filter(|_| effective.certificate_files.is_empty());
        for key in file.offered().into_iter().chain(beside) {
            let offer = Offer {
                key: key.clone(),
                path: Some(file.path.clone()),
                in_agent: false,
                provable: provable(file, key),
            };
            if !offers.iter().any(|o| is_same(&o.key, key)) {
                offers.push(offer);
            }
        }
    }
    offers
}

/// Certificates that CertificateFile names are proven by the agent or by an identity file that
/// holds the plain key.
fn from_certificate_files(identities: &Identities, agent: &AgentKeys) -> Vec<Offer> {
    let certificates = identities.certificates.iter();
    let usable = certificates.filter_map(|c| c.content.as_ref().ok().map(|key| (c, key)));
    usable
        .filter(|(_, key)| key.certificate.as_ref().is_some_and(|c| c.is_user))
        .map(|(file, key)| {
            let in_agent = agent.keys().iter().any(|k| k.same_key(key));
            let holder = identities
                .files
                .iter()
                .find(|f| f.offered().or(f.inside()).is_some_and(|k| k.same_key(key)));
            let provable = match holder {
                _ if in_agent => Provable::Yes,
                Some(holder) => provable(holder, key),
                None => Provable::No,
            };
            Offer { key: key.clone(), path: Some(file.path.clone()), in_agent, provable }
        })
        .collect()
}

/// The same plain key, or the same certificate.
fn is_same(one: &PublicKeyFacts, other: &PublicKeyFacts) -> bool {
    let line = |key: &PublicKeyFacts| key.certificate.as_ref().map(|c| c.line.clone());
    one.same_key(other) && line(one) == line(other)
}

fn provable(file: &IdentityFile, key: &PublicKeyFacts) -> Provable {
    let other_key = file.inside().is_some_and(|inside| !inside.same_key(key));
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
            pub_file: None,
            cert_file: None,
        }
    }

    fn agent(names: &[&str]) -> AgentKeys {
        let keys = names.iter().map(|n| key(n)).collect();
        AgentKeys { socket: None, state: AgentState::Keys(keys) }
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
