//! Keys in the agent: the list alone, nothing is signed.

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective, connection::OsError, key::PublicKeyFacts};
use crate::case::TimeLimits;

/// The agent and its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentKeys {
    /// Where it was looked for; none where nothing says so.
    pub socket: Option<String>,
    /// What came of it.
    pub state: AgentState,
}

/// What came of asking the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// `SSH_AUTH_SOCK` is not set, and no IdentityAgent is configured.
    NotConfigured,
    /// `IdentityAgent none`.
    Disabled,
    /// The socket or pipe does not answer.
    Unreachable(OsError),
    /// Something answers that is no agent.
    NotAnAgent(String),
    /// No answer in time.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// Its keys, in its order; possibly none.
    Keys(Vec<PublicKeyFacts>),
}

impl AgentKeys {
    /// No agent at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { socket: None, state: AgentState::NotConfigured }
    }
    /// The keys; none where there is no agent.
    #[must_use]
    pub fn keys(&self) -> &[PublicKeyFacts] {
        match &self.state {
            AgentState::Keys(keys) => keys,
            _ => &[],
        }
    }
}

/// Asks the agent for its list.
pub async fn observe(_effective: Effective, _limits: TimeLimits) -> Seen<AgentKeys> {
    Err(super::Unseen::Unable("not wired".into()))
}
