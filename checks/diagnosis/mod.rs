//! From all the evidence to the one root cause: pure.
//!
//! [`RULES`] stand in causal order: the first that finds something wins, since what comes later in
//! the chain are its consequences.

mod address;
mod agent;
mod auth;
mod certificates;
mod configuration;
mod forwarding;
mod host_key;
pub mod id;
mod keys;
mod log;
mod login;
mod name;
mod path;
mod proxy;
mod second_hop;
mod security_keys;
mod sftp;
mod ssh_says;
#[cfg(test)]
mod tests;
mod too_many_keys;
mod transport;
mod undetermined;
mod way;

use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

pub(crate) use agent::trouble as agent_trouble;
pub use host_key::is_trusted;
pub use id::{Group, Id};
pub use second_hop::{named, of_the_hop, refuses};
pub use ssh_says::ssh_says;

use crate::{
    allow_list,
    case::Case,
    finding::Hint,
    pair::{Part, Role},
    ssh_add,
    text::Text,
};

/// The one cause, why we say so, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Which cause.
    pub id: Id,
    /// The jump host that has it; none where it is the target itself.
    #[serde(default)]
    pub at: Option<Text>,
    /// The two hosts between which it is, where it is on the second hop of a copy.
    #[serde(default)]
    pub between: Option<Between>,
    /// What `ssh` itself prints, a line each, so that people find themselves here; empty where it
    /// hangs without a word, or where that is not known.
    #[serde(default)]
    pub ssh_says: Vec<Text>,
    /// What was observed, a sentence each.
    pub because: Vec<Text>,
    /// What to do, the first thing first.
    pub next_steps: Vec<Hint>,
    /// Causes that look the same from here.
    pub also_possible: Vec<Id>,
}

/// From where to where, as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// The source.
    pub from: Text,
    /// The destination.
    pub to: Text,
}

impl Diagnosis {
    /// A diagnosis without words yet.
    #[must_use]
    pub fn new(id: Id) -> Self {
        Self {
            id,
            at: None,
            between: None,
            ssh_says: Vec::new(),
            because: Vec::new(),
            next_steps: Vec::new(),
            also_possible: Vec::new(),
        }
    }
    /// What it is, in a few words. On a second hop another host than this computer knows keys.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match (self.id, &self.between) {
            (Id::HostKeyChanged, Some(_)) => {
                "The second host's key is not the one that the first knows"
            }
            (Id::PubkeyDisabled, Some(_)) => {
                "The first host's ssh configuration turns public key login off"
            }
            _ => self.id.title(),
        }
    }
    /// Adds what was observed.
    #[must_use]
    pub fn because(mut self, sentence: impl Into<Text>) -> Self {
        self.because.push(sentence.into());
        self
    }
    /// Adds a line that `ssh` prints. A rule only needs this where the line follows from something
    /// that [`ssh_says()`] does not read.
    #[must_use]
    pub fn ssh_says(mut self, line: impl Into<Text>) -> Self {
        self.ssh_says.push(line.into());
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
        address::RULES,
        path::RULES,
        transport::RULES,
        host_key::RULES,
        keys::RULES,
        agent::RULES,
        auth::RULES,
        login::RULES,
        forwarding::RULES,
        sftp::RULES,
        second_hop::RULES,
        undetermined::RULES,
        second_hop::UNDETERMINED,
    ]
    .into_iter()
    .flatten()
}

/// The rules for a case. Of a destination that is seen from another host, this computer's names,
/// network and keys are no causes.
fn rules_for(case: &Case) -> Box<dyn Iterator<Item = &'static Rule> + '_> {
    if case.role() != Some(Role::Hop) {
        return Box::new(rules());
    }
    let part = case.plan.pair.as_deref();
    if case.from_source().and_then(|from| from.instead.as_ref()).is_some_and(|i| i.works(part)) {
        // ssh there got in: there is nothing else to be seen, and little can be wrong.
        return Box::new(second_hop::KEYS_OFF.iter().chain(second_hop::ROOM));
    }
    let there = [
        second_hop::FROM_SOURCE,
        transport::RULES,
        second_hop::HOST_KEY,
        second_hop::KEYS_OFF,
        second_hop::AGENT,
        second_hop::KEYS,
        auth::RULES,
    ];
    let is_copy = part.is_none_or(Part::is_copy);
    let behind = login::RULES.iter().filter(move |rule| {
        // A copy needs SFTP there and no shell; whether ssh would ask first is told beside it.
        !is_copy || !second_hop::speaks_sftp(case) && rule.id != Id::LoginNotFinished
    });
    let room = second_hop::ROOM.iter().filter(move |_| is_copy);
    Box::new(there.into_iter().flatten().chain(behind).chain(room).chain(undetermined::RULES))
}

/// All ids of a stage, in causal order: those that the rules look for first come first.
#[must_use]
pub fn in_order(group: Group) -> Vec<Id> {
    // Those that only a log shows come last: what they are about comes last.
    let place = |id: &Id| rules().position(|rule| rule.id == *id).unwrap_or(usize::MAX);
    let mut ids: Vec<Id> = Id::iter().filter(|id| id.group() == group).collect();
    ids.sort_by_key(place);
    ids
}

/// The one cause, or `None` where the connection will work.
#[must_use]
pub fn diagnose(case: &Case) -> Option<Diagnosis> {
    if let Some(log) = case.log() {
        return log::diagnose(case, log);
    }
    // Who logs in with a password is not told of keys.
    let by_key = [Group::Keys, Group::Agent, Group::Authentication];
    let about =
        |rule: &&Rule| case.plan.access.sftp().is_none() || !by_key.contains(&rule.id.group());
    let found = rules_for(case).filter(about).find_map(|rule| (rule.finds)(case))?;
    let mut found = allow_list::settle(address::with_doubts(found, case), case);
    if matches!(found.id.group(), Group::Path | Group::Transport)
        && let Some(note) = &case.profile().note
    {
        found.because.push(note.clone().into());
    }
    found.because.extend(sftp::left_behind(case));
    found.next_steps =
        found.next_steps.into_iter().map(|step| ssh_add::where_ssh_asks(case, step)).collect();
    if found.ssh_says.is_empty() {
        found.ssh_says = ssh_says(case);
    }
    Some(found)
}
