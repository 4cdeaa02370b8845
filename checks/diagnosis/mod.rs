//! From all the evidence to the one root cause: pure.
//!
//! [`RULES`] stand in causal order: the first that finds something wins, since what comes later in
//! the chain are its consequences.

mod agent;
mod auth;
mod configuration;
mod host_key;
pub mod id;
mod keys;
mod name;
mod path;
mod proxy;
#[cfg(test)]
mod tests;
mod transport;
mod undetermined;
mod way;

use serde::{Deserialize, Serialize};

pub(crate) use agent::trouble as agent_trouble;
pub use host_key::is_trusted;
pub use id::Id;

use crate::{case::Case, finding::Hint, text::Text};

/// The one cause, why we say so, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Which cause.
    pub id: Id,
    /// The jump host that has it; none where it is the target itself.
    #[serde(default)]
    pub at: Option<Text>,
    /// What was observed, a sentence each.
    pub because: Vec<Text>,
    /// What to do, the first thing first.
    pub next_steps: Vec<Hint>,
    /// Causes that look the same from here.
    pub also_possible: Vec<Id>,
}

impl Diagnosis {
    /// A diagnosis without words yet.
    #[must_use]
    pub fn new(id: Id) -> Self {
        Self {
            id,
            at: None,
            because: Vec::new(),
            next_steps: Vec::new(),
            also_possible: Vec::new(),
        }
    }
    /// Adds what was observed.
    #[must_use]
    pub fn because(mut self, sentence: impl Into<Text>) -> Self {
        self.because.push(sentence.into());
        self
    }
    /// Adds something to do.
    #[must_use]
    pub fn step(mut self, step: Hint) -> Self {
        self.next_steps.push(step);
        self
    }
    /// Adds a cause that looks the same from here.
    #[must_use]
    pub fn or(mut self, id: Id) -> Self {
        self.also_possible.push(id);
        self
    }
}

/// One rule: what it finds, if it applies.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The cause.
    pub id: Id,
    /// Looks at the case.
    pub finds: fn(&Case) -> Option<Diagnosis>,
}

/// All rules, in causal order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        configuration::RULES,
        way::RULES,
        name::RULES,
        path::RULES,
        transport::RULES,
        host_key::RULES,
        keys::RULES,
        agent::RULES,
        auth::RULES,
        undetermined::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The one cause, or `None` where the connection will work.
#[must_use]
pub fn diagnose(case: &Case) -> Option<Diagnosis> {
    rules().find_map(|rule| (rule.finds)(case))
}
