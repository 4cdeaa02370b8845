//! How far a wait is: on standard error, as a line for each change, and on a terminal with what is
//! waited for and the time until the next look.

use std::{io::Write, time::Duration};

use checks::{
    report::Report,
    waiting::pace::{Look as Taken, Pace},
};
use indicatif::ProgressBar;

use super::{Wait, Waited, words};
use crate::{progress::Progress, render::look::Look};

/// Tells how far a wait is.
#[derive(Debug)]
pub struct Tell {
    quiet: bool,
    goal: String,
    limit: Duration,
    /// Whether the goal was told.
    begun: bool,
    /// The pause that was told last.
    pause: Option<Duration>,
    /// Where standard error is a terminal.
    line: Option<ProgressBar>,
}

impl Tell {
    /// Tells it where a person or the log of a CI job sees it, unless nobody wants to know.
    #[must_use]
    pub fn new(look: Look, wait: &Wait) -> Self {
        let goal = words::goal(wait);
        let line = Progress::new(look, 1).alone();
        let limit = wait.pace.limit;
        Self { quiet: look.quiet, goal, limit, begun: false, pause: None, line }
    }

    /// Tells nothing.
    #[must_use]
    pub fn nothing() -> Self {
        let (goal, limit) = (String::new(), Duration::ZERO);
        Self { quiet: true, goal, limit, begun: false, pause: None, line: None }
    }

    /// That less was asked for than a server bears.
    pub(super) fn raised(&self, asked: Duration, pace: &Pace) {
        self.say(&words::raised(asked, pace));
    }

    /// A look begins.
    pub(super) fn looking(&self, done: usize, now: Duration) {
        if let Some(line) = &self.line {
            line.set_message(format!("[{}] Look {} …", words::span(now), done + 1));
        }
    }

    /// A look is over.
    pub(super) fn looked(&self, before: Option<&Report>, report: &Report, looks: &[Taken]) {
        let ended = looks.last().map(|look| words::span(look.ended)).unwrap_or_default();
        for line in words::changes(before, report, looks) {
            self.say(&format!("[{ended}] {line}"));
        }
    }

    /// A pause begins.
    pub(super) fn pause(&mut self, looks: &[Taken], next: Duration) {
        let Some(ended) = looks.last().map(|look| look.ended) else { return };
        let pause = next.saturating_sub(ended);
        let now = words::span(ended);
        if !self.begun {
            let limit = words::span(self.limit);
            self.say(&format!(
                "[{now}] Waiting for at most {limit} until {}. Next look in {}.",
                self.goal,
                words::span(pause)
            ));
        } else if self.pause.is_none_or(|told| told.abs_diff(pause) > Duration::from_secs(1)) {
            self.say(&format!("[{now}] Next look in {}.", words::span(pause)));
        }
        self.begun = true;
        self.pause = Some(pause);
    }

    /// A pause goes on.
    pub(super) fn pausing(&self, report: &Report, looks: usize, now: Duration, left: Duration) {
        if let Some(line) = &self.line {
            let (now, left, limit) = (words::span(now), words::span(left), words::span(self.limit));
            let head = words::head(report);
            // What moves comes first: a narrow terminal cuts the rest off.
            let number = looks + 1;
            line.set_message(format!("[{now} of {limit}] Look {number} in {left}. {head}"));
        }
    }

    /// It is over.
    pub(super) fn ended(&self, waited: &Waited, wait: &Wait) {
        self.say(&words::end(waited, wait));
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }

    fn say(&self, words: &str) {
        if self.quiet {
            return;
        }
        match &self.line {
            Some(line) => line.println(words),
            // A closed standard error is no reason to end the wait.
            None => {
                let _ = writeln!(std::io::stderr(), "{words}");
            }
        }
    }
}
