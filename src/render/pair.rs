//! The words about two targets of which the second is reached from the first.

use checks::{
    pair::{Part, Role},
    report::Report,
    text,
    text::{Span, Text, foreign},
    together::Pair,
};

use super::words;

/// What the words are about.
pub struct Words<'p> {
    part: &'p Part,
    from: Span,
    to: Span,
}

impl<'p> Words<'p> {
    /// The words about a pair.
    #[must_use]
    pub fn of(part: &'p Part) -> Self {
        Self { part, from: foreign(&part.source.input), to: foreign(&part.destination.input) }
    }

    fn ends(&self) -> (Span, Span) {
        (self.from.clone(), self.to.clone())
    }

    /// The first line on a terminal.
    #[must_use]
    pub fn title(&self) -> Text {
        let (from, to) = self.ends();
        if self.part.is_copy() {
            text!["ssh-preflight copy from ", from, " to ", to]
        } else {
            text!["ssh-preflight ", to, " from ", from]
        }
    }

    /// What it is about, in other forms.
    #[must_use]
    pub fn subject(&self) -> Text {
        let (from, to) = self.ends();
        if self.part.is_copy() {
            text!["Copy from ", from, " to ", to]
        } else {
            text!["The service ", to, " from ", from]
        }
    }

    /// What the program did to find out.
    #[must_use]
    pub const fn what_is_done(&self) -> &'static str {
        match (self.part.is_copy(), self.part.file.is_some()) {
            (true, false) => {
                "copy logs in at the source, and runs commands there that change nothing."
            }
            (true, true) => {
                "copy logs in at the source and at the destination, and runs commands there that \
                 change nothing."
            }
            (false, _) => {
                "It logs in at the environment, runs commands there that change nothing, and logs in \
                 at the service from there and from here."
            }
        }
    }

    /// What stands above the checks of a part.
    #[must_use]
    pub fn heading(&self, role: Option<Role>) -> Text {
        let (from, to) = self.ends();
        match (role, self.part.is_copy()) {
            (Some(Role::Hop), _) => text!["From ", from, " to ", to],
            (Some(Role::Destination), true) => {
                text!["The destination ", to, ", from here (for comparison: no copy goes this way)"]
            }
            (Some(Role::Destination), false) => text!["The service ", to, ", from here"],
            (_, true) => text!["The source ", from],
            (_, false) => text!["The environment ", from],
        }
    }

    /// That nothing is wrong.
    #[must_use]
    pub fn ready(&self) -> Text {
        let (from, to) = self.ends();
        if self.part.is_copy() {
            text!["Ready: the copy from ", from, " to ", to, " will work."]
        } else {
            text!["Ready: ", to, " lets you in, from here and from ", from, "."]
        }
    }
}

/// What a report is about, where reports stand one by one: the part of a pair, or the target.
#[must_use]
pub fn name_of(pair: Option<Pair<'_>>, report: &Report) -> String {
    match pair.and_then(Pair::part) {
        Some(part) => Words::of(part).heading(report.case.role()).plain(),
        None => words::input(report),
    }
}

/// What a verdict is about: the pair as a whole, or the target.
#[must_use]
pub fn subject_of(pair: Option<Pair<'_>>, report: &Report) -> String {
    match pair.and_then(Pair::part) {
        Some(part) => Words::of(part).subject().plain(),
        None => words::input(report),
    }
}

/// The one sentence that a pair comes down to.
#[must_use]
pub fn headline(pair: Pair<'_>) -> String {
    match (pair.diagnosis(), pair.part()) {
        (None, Some(part)) if pair.is_complete() => Words::of(part).ready().plain(),
        (None, _) => words::PARTLY.to_owned(),
        _ => words::Words::of(pair.decisive()).headline(pair.decisive()).0,
    }
}
