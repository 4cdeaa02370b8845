//! How a report may look: width, colour, letters.

use std::io::IsTerminal;

use checks::finding::Status;
use colored::{ColoredString, Colorize};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use crate::cli::Color;

/// How a report may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// Whether letters beyond ASCII can be shown.
    pub unicode: bool,
    /// Only verdict and diagnosis.
    pub quiet: bool,
    /// Details of all checks.
    pub verbose: bool,
}

impl Look {
    /// For a file: no colour, 80 columns.
    #[must_use]
    pub const fn file(verbose: bool) -> Self {
        Self { width: 80, color: false, unicode: true, quiet: false, verbose }
    }

    /// For standard output, as terminal and environment say.
    #[must_use]
    pub fn here(color: Color, quiet: bool, verbose: bool) -> Self {
        let variable = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        let terminal = std::io::stdout().is_terminal();
        let dumb = variable("TERM").is_some_and(|t| t == "dumb");
        let forced = variable("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => variable("NO_COLOR").is_none() && (forced || terminal && !dumb),
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        let utf8 = |l: String| {
            let l = l.to_ascii_lowercase();
            l.contains("utf-8") || l.contains("utf8")
        };
        let unicode = cfg!(windows) || locale.is_some_and(utf8);
        let measured = || terminal_size::terminal_size().map(|(w, _)| usize::from(w.0));
        let columns = variable("COLUMNS").and_then(|c| c.parse().ok());
        let width = columns.or_else(measured).unwrap_or(80).clamp(40, 100);
        Self { width, color, unicode, quiet, verbose }
    }

    /// A text in letters that can be shown.
    #[must_use]
    pub fn letters(&self, text: &str) -> String {
        if self.unicode { text.to_owned() } else { ascii(text) }
    }

    /// How words are wrapped: at spaces alone, since a path or fingerprint has to stay whole so that it
    /// can be copied. `first` stands before the first line, `later` before the others.
    #[must_use]
    pub fn wrap<'o>(&self, first: &'o str, later: &'o str) -> Options<'o> {
        Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(later)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .break_words(false)
    }

    /// The mark of a status, one column wide.
    #[must_use]
    pub const fn symbol(&self, status: Status) -> &'static str {
        match (status, self.unicode) {
            (Status::Pass, true) => "✓",
            (Status::Pass, false) => "+",
            (Status::Warn, _) => "!",
            (Status::Fail, true) => "✗",
            (Status::Fail, false) => "x",
            (Status::Skip, true) => "–",
            (Status::Skip, false) => "-",
        }
    }

    /// Colours, where that is allowed.
    #[must_use]
    pub fn paint(&self, text: &str, paint: impl Fn(&str) -> ColoredString) -> String {
        if !self.color {
            return text.to_owned();
        }
        // The decision is made: the crate must not look at the terminal again. It is a switch for
        // the whole process, so it is only ever set to one value.
        colored::control::set_override(true);
        paint(text).to_string()
    }

    /// In the colour of a status.
    #[must_use]
    pub fn status(&self, status: Status, text: &str) -> String {
        self.paint(text, |t| match status {
            Status::Pass => t.green(),
            Status::Warn => t.yellow(),
            Status::Fail => t.red(),
            Status::Skip => t.dimmed(),
        })
    }
}

/// Where the locale has no such letters. Foreign letters become `?`: nothing is lost in the JSON.
fn ascii(text: &str) -> String {
    let letter = |c: char| match c {
        '–' | '—' => '-',
        '’' | '‘' => '\'',
        '…' => '~',
        c if c.is_ascii() => c,
        _ => '?',
    };
    text.chars().map(letter).collect()
}
