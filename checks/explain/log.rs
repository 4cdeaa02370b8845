//! What a log shows, as plain data.

use serde::{Deserialize, Serialize};

use super::{attempts::ENDS, signs::Sign};
use crate::{
    text,
    text::{Foreign, Text, number},
};

/// The part of a log that counts: its last attempt to connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// How many lines the whole log has.
    pub lines: usize,
    /// How many attempts to connect it holds.
    pub attempts: usize,
    /// How many of those before the last one failed.
    #[serde(default)]
    pub failed_before: usize,
    /// Whether one of these was to another target.
    #[serde(default)]
    pub failed_elsewhere: bool,
    /// How much was asked for: 0 for plain messages, 1 to 3 for `-v` to `-vvv`.
    pub verbosity: u8,
    /// The program whose words these are.
    pub program: Program,
    /// Whether the log names the host.
    pub names_host: bool,
    /// The lines that say something, in their order.
    pub marks: Vec<Mark>,
}

/// Whose words a log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// OpenSSH's `ssh`, or one that runs it.
    #[default]
    Ssh,
    /// OpenSSH's `scp` or `sftp`.
    Copy,
    /// git over `ssh`.
    Git,
    /// rsync over `ssh`.
    Rsync,
    /// PuTTY's `plink`, or another of its programs.
    Putty,
}

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number in the log, from 1.
    pub line: usize,
    /// What it is a sign of.
    pub sign: Sign,
    /// The line, without what a terminal or a CI system added.
    pub text: Foreign,
    /// The words of it that differ from log to log, in the order of the pattern.
    pub words: Vec<String>,
}

impl Mark {
    /// One of its words; empty where there is none.
    #[must_use]
    pub fn word(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }
}

impl Log {
    /// The last line that is this sign.
    #[must_use]
    pub fn last(&self, sign: Sign) -> Option<&Mark> {
        self.marks.iter().rev().find(|mark| mark.sign == sign)
    }

    /// Whether a line is this sign.
    #[must_use]
    pub fn has(&self, sign: Sign) -> bool {
        self.last(sign).is_some()
    }

    /// All lines that are this sign.
    pub fn all(&self, sign: Sign) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(move |mark| mark.sign == sign)
    }

    /// The line that shows that a login worked: what `ssh -v` says of it, else what only a session
    /// makes appear.
    #[must_use]
    pub fn login(&self) -> Option<&Mark> {
        // Behind a line that ends an attempt it is of another session, in which that `ssh` was run.
        let before_an_end = || self.marks.iter().take_while(|mark| !ENDS.contains(&mark.sign));
        let session = [Sign::Greeting, Sign::SessionClosed];
        self.last(Sign::LoggedIn)
            .or_else(|| before_an_end().find(|mark| session.contains(&mark.sign)))
    }

    /// That this is about the last of several attempts, and what became of those before.
    #[must_use]
    pub fn told_of_attempts(&self) -> Option<Text> {
        if self.attempts < 2 {
            return None;
        }
        let told = text![
            "The log holds ",
            number(self.attempts),
            " attempts to connect. This is about the last one."
        ];
        Some(match (self.failed_before, self.failed_elsewhere) {
            (0, _) => told,
            (1, false) => told.with(" One before it failed."),
            (1, true) => told.with(" One before it, to another target, failed."),
            (failed, elsewhere) => {
                let told = told.with(" ").with(number(failed)).with(" of those before it failed");
                told.with(if elsewhere { ", not all of them to this target." } else { "." })
            }
        })
    }

    /// Whether it tells of each step, so that what it does not tell did not happen.
    #[must_use]
    pub fn tells_steps(&self) -> bool {
        self.verbosity > 0
    }
}
