//! Verdict, proof and next steps in plain lines: for forms that show a text as it is.

use checks::{
    finding::Finding,
    report::Report,
    text::{Command, Text},
    together::Pair,
};

use super::{look::Look, text, words::Words};

/// Such forms break lines themselves.
const WIDE: Look =
    Look { width: 100_000, color: false, unicode: true, quiet: true, verbose: false };

/// What `--quiet` shows: verdict, proof and next steps; no line break at its end.
#[must_use]
pub fn of(report: &Report) -> String {
    text::render(report, &WIDE).trim_end().to_owned()
}

/// The same about a pair.
#[must_use]
pub fn of_pair(pair: Pair<'_>) -> String {
    text::render_pair(pair, &WIDE).trim_end().to_owned()
}

/// The details of a finding and what to do about it, a line each.
#[must_use]
pub fn behind(finding: &Finding, words: &Words<'_>) -> String {
    let mut lines: Vec<_> =
        finding.details.iter().map(|detail: &Text| words.plain(detail)).collect();
    for hint in &finding.hints {
        lines.push(format!("→ {}", words.plain(&hint.text)));
        let command = |command: &Command| format!("    {}", words.command(command));
        lines.extend(hint.command.as_ref().map(command));
        lines.extend(hint.paste.as_ref().map(|line| format!("    {}", line.plain())));
    }
    lines.join("\n")
}
