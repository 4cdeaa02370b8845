//! What one check found.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::{Command, Text};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Not looked at, or not needed; the summary says why.
    Skip,
    /// Works, but will surprise somebody.
    Warn,
    /// Does not work.
    Fail,
}

impl Status {
    /// The same where a fault counts for a warning and no more.
    #[must_use]
    pub const fn at_most_a_warning(self) -> Self {
        match self {
            Self::Fail => Self::Warn,
            other => other,
        }
    }
}

/// Something to do, with the command that does it where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// What to do, in words.
    pub text: Text,
    /// What to paste into a terminal.
    pub command: Option<Command>,
    /// What to paste elsewhere, such as the line of a public key into a portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paste: Option<Text>,
}

impl Hint {
    /// Advice that no command can carry out.
    pub fn advice(text: impl Into<Text>) -> Self {
        Self { text: text.into(), command: None, paste: None }
    }
    /// Advice with the command that carries it out.
    pub fn run(text: impl Into<Text>, command: Command) -> Self {
        Self { text: text.into(), command: Some(command), paste: None }
    }
    /// Advice with the line to paste where it is needed.
    pub fn paste(text: impl Into<Text>, line: impl Into<Text>) -> Self {
        Self { text: text.into(), command: None, paste: Some(line.into()) }
    }
}

/// What one check found: for people in words, for machines in `evidence`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How it ended.
    pub status: Status,
    /// One line.
    pub summary: Text,
    /// More lines, for those who want to know.
    pub details: Vec<Text>,
    /// What to do about it.
    pub hints: Vec<Hint>,
    /// The facts behind the words, public data only.
    pub evidence: Map<String, Value>,
    /// Why it was not looked at, where that is the reason for [`Status::Skip`].
    pub unseen: Option<crate::evidence::Unseen>,
}

impl Finding {
    fn new(status: Status, summary: impl Into<Text>) -> Self {
        Self {
            status,
            summary: summary.into(),
            details: Vec::new(),
            hints: Vec::new(),
            evidence: Map::new(),
            unseen: None,
        }
    }
    /// As it should be.
    pub fn pass(summary: impl Into<Text>) -> Self {
        Self::new(Status::Pass, summary)
    }
    /// Works, but will surprise somebody.
    pub fn warn(summary: impl Into<Text>) -> Self {
        Self::new(Status::Warn, summary)
    }
    /// Does not work.
    pub fn fail(summary: impl Into<Text>) -> Self {
        Self::new(Status::Fail, summary)
    }
    /// Not needed here, for a reason that is no fault.
    pub fn skip(summary: impl Into<Text>) -> Self {
        Self::new(Status::Skip, summary)
    }
    /// Could not be looked at.
    #[must_use]
    pub fn unseen(why: &crate::evidence::Unseen) -> Self {
        Self { unseen: Some(why.clone()), ..Self::new(Status::Skip, why.words()) }
    }
    /// Adds a line of detail.
    #[must_use]
    pub fn detail(mut self, line: impl Into<Text>) -> Self {
        self.details.push(line.into());
        self
    }
    /// Adds lines of detail.
    #[must_use]
    pub fn detail_all(mut self, lines: impl IntoIterator<Item = Text>) -> Self {
        self.details.extend(lines);
        self
    }
    /// Adds something to do.
    #[must_use]
    pub fn hint(mut self, hint: Hint) -> Self {
        self.hints.push(hint);
        self
    }
    /// Adds a fact for machines. A value that does not serialise is left out: it would be a defect
    /// of ours, and no reason to lose the finding.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.evidence.insert(name.to_owned(), value);
        }
        self
    }
}
