//! How far a run is: on standard error, only on a terminal, and gone when the report comes.

use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use checks::{CHECKS, check::Row, finding::Finding, report::Verdict};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::render::look::Look;

/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(100);
/// Of many targets so many are named at the same time: more would fill the screen.
const MOST_NAMED: usize = 6;

/// The progress of a whole run.
#[derive(Debug)]
pub struct Progress {
    lines: MultiProgress,
    look: Look,
    /// One target gets a line for each check; several get a bar over all of them.
    over_all: Option<Mutex<OverAll>>,
    /// Held by each target that has a line.
    named: Arc<()>,
}

#[derive(Debug)]
struct OverAll {
    bar: ProgressBar,
    /// Ready, not ready, not found out.
    counts: [usize; 3],
}

impl Progress {
    /// Shown where standard error is a terminal that can move its cursor, and nobody asked for
    /// quiet.
    #[must_use]
    pub fn new(look: Look, targets: usize) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let shown = std::io::stderr().is_terminal() && !dumb && !look.quiet;
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let lines = MultiProgress::with_draw_target(target);
        let over_all = (targets > 1 && shown).then(|| {
            let bar = lines.add(ProgressBar::new(u64::try_from(targets).unwrap_or(u64::MAX)));
            let template = "[{bar:20}] {pos} of {len}{wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars(if look.unicode { "━╸ " } else { "=> " }));
            }
            bar.tick();
            Mutex::new(OverAll { bar, counts: [0; 3] })
        });
        Self { lines, look, over_all, named: Arc::new(()) }
    }

    /// The lines alone, for whoever has to talk to the person between them.
    #[must_use]
    pub fn screen(&self) -> Screen {
        Screen { lines: self.lines.clone() }
    }

    /// Begins the lines of one target.
    #[must_use]
    pub fn target(&self, input: &str, chosen: impl Fn(&Row) -> bool) -> TargetProgress {
        let mut lines = Vec::new();
        let named = Arc::clone(&self.named);
        if self.lines.is_hidden() {
            // Nobody looks: no line, and no thread that moves its sign of life.
        } else if self.over_all.is_some() {
            if Arc::strong_count(&named) <= MOST_NAMED + 1 {
                lines.push(("", self.line(checks::text::foreign(input).plain())));
            }
        } else {
            for row in CHECKS.iter().filter(|row| chosen(row)) {
                lines.push((row.about.id, self.line(row.about.title.to_owned())));
            }
        }
        let named = (!lines.is_empty()).then_some(named);
        TargetProgress { lines, look: self.look, _named: named }
    }

    /// The report of one of several targets is there.
    pub fn ended(&self, verdict: Verdict) {
        let Some(over_all) = &self.over_all else { return };
        let mut over_all = over_all.lock().unwrap_or_else(PoisonError::into_inner);
        let [ready, not_ready, unknown] = &mut over_all.counts;
        match verdict {
            Verdict::Ready => *ready += 1,
            Verdict::NotReady => *not_ready += 1,
            Verdict::Inconclusive => *unknown += 1,
        }
        let words = [(ready, "ready"), (not_ready, "not ready"), (unknown, "not found out")];
        let told = words.into_iter().filter(|(count, _)| **count > 0);
        let told: Vec<_> = told.map(|(count, what)| format!("{count} {what}")).collect();
        over_all.bar.set_message(format!(": {}", told.join(", ")));
        over_all.bar.inc(1);
        if over_all.bar.length().is_some_and(|all| over_all.bar.position() >= all) {
            over_all.bar.finish_and_clear();
        }
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

/// What the lines are on.
#[derive(Debug, Clone)]
pub struct Screen {
    lines: MultiProgress,
}

impl Screen {
    /// A screen on which nothing is shown yet.
    #[must_use]
    pub fn empty() -> Self {
        Self { lines: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()) }
    }

    /// Takes the lines away as long as a person is asked something.
    #[must_use]
    pub fn pause(&self) -> Paused {
        let shown = !self.lines.is_hidden();
        if shown {
            let _ = self.lines.clear();
            self.lines.set_draw_target(ProgressDrawTarget::hidden());
        }
        Paused { lines: shown.then(|| self.lines.clone()) }
    }

    /// Says something to the person beside the lines.
    pub fn say(&self, words: &str) {
        let say = || {
            // A closed standard error is no reason to panic.
            let _ = writeln!(std::io::stderr(), "{words}");
        };
        self.lines.suspend(say);
    }
}

/// The lines come back when it is dropped.
#[derive(Debug)]
pub struct Paused {
    lines: Option<MultiProgress>,
}

impl Drop for Paused {
    fn drop(&mut self) {
        if let Some(lines) = &self.lines {
            lines.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// The lines of one target; they vanish when it is dropped.
#[derive(Debug)]
pub struct TargetProgress {
    lines: Vec<(&'static str, ProgressBar)>,
    look: Look,
    _named: Option<Arc<()>>,
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
