//! A line per check as soon as it is judged: on standard error, and only on a terminal.

use std::io::{IsTerminal, Write};

use checks::{check::Row, finding::Finding};

use crate::render::look::Look;

/// Tells how far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    shown: bool,
    look: Look,
}

impl Progress {
    /// Shown where standard error is a terminal and nobody asked for quiet.
    #[must_use]
    pub fn new(look: Look) -> Self {
        let shown = std::io::stderr().is_terminal() && !look.quiet;
        Self { shown, look }
    }

    /// One check is judged.
    pub fn found(&self, target: &str, row: &Row, finding: &Finding) {
        if self.shown {
            let symbol = self.look.symbol(finding.status);
            let target = checks::text::foreign(target).plain();
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{symbol} {} ({target})", row.about.title);
        }
    }
}
