//! How far a run is: on standard error, only on a terminal, and gone when the report comes.

use std::{io::IsTerminal, time::Duration};

use checks::{CHECKS, check::Row, finding::Finding};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::render::look::Look;

/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(100);

/// The progress of a whole run.
#[derive(Debug)]
pub struct Progress {
    lines: MultiProgress,
    look: Look,
    /// One target gets a line for each check, several get a line each.
    several: bool,
}

impl Progress {
    /// Shown where standard error is a terminal that can move its cursor, and nobody asked for
    /// quiet.
    #[must_use]
    pub fn new(look: Look, several: bool) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let shown = std::io::stderr().is_terminal() && !dumb && !look.quiet;
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { lines: MultiProgress::with_draw_target(target), look, several }
    }

    /// Begins the lines of one target.
    #[must_use]
    pub fn target(&self, input: &str, chosen: impl Fn(&Row) -> bool) -> TargetProgress {
        let mut lines = Vec::new();
        if self.lines.is_hidden() {
            // Nobody looks: no line, and no thread that moves its sign of life.
        } else if self.several {
            lines.push(("", self.line(checks::text::foreign(input).plain())));
        } else {
            for row in CHECKS.iter().filter(|row| chosen(row)) {
                lines.push((row.about.id, self.line(row.about.title.to_owned())));
            }
        }
        TargetProgress { lines, look: self.look }
    }

    /// One line whose words change; none where nobody looks.
    #[must_use]
    pub fn alone(&self) -> Option<ProgressBar> {
        (!self.lines.is_hidden()).then(|| self.line(String::new()))
    }

    fn line(&self, words: String) -> ProgressBar {
        let bar = self.lines.add(ProgressBar::new_spinner());
        let signs = if self.look.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style.tick_chars(signs));
        }
        bar.set_message(words);
        bar.enable_steady_tick(TICK);
        bar
    }
}

/// The lines of one target; they vanish when it is dropped.
#[derive(Debug)]
pub struct TargetProgress {
    lines: Vec<(&'static str, ProgressBar)>,
    look: Look,
}

impl TargetProgress {
    /// One check is judged.
    pub fn found(&self, row: &Row, finding: &Finding) {
        let Some((_, bar)) = self.lines.iter().find(|(id, _)| *id == row.about.id) else { return };
        let symbol = self.look.status(finding.status, self.look.symbol(finding.status));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(symbol);
        bar.abandon_with_message(format!("{}  {}", row.about.title, finding.summary.plain()));
    }
}

impl Drop for TargetProgress {
    fn drop(&mut self) {
        for (_, bar) in &self.lines {
            bar.finish_and_clear();
        }
    }
}
