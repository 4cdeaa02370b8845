//! Many targets for people: a table of all first, then the whole report of those that need something.

use checks::{
    finding::Status,
    report::{Report, Verdict},
    text::foreign,
};
use colored::Colorize;
use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width, presets};
use unicode_width::UnicodeWidthStr;

use super::{look::Look, text};

/// A narrower terminal has no room for columns.
const LEAST_FOR_A_TABLE: usize = 70;
/// Of what is to be done, the table has the begin; the report below has all of it.
const MOST_LINES: usize = 3;

/// With checks left out, nobody may read it as a promise that ssh gets in.
const PARTLY: &str = "nothing wrong seen";

/// The table, the sum, and the reports that it leads to; in quiet, a line for each.
#[must_use]
pub fn render(reports: &[Report], look: &Look) -> String {
    let rows: Vec<_> = reports.iter().map(Line::of).collect();
    if look.quiet {
        return rows.iter().map(|row| row.alone(look)).collect();
    }
    let mut out =
        if look.width < LEAST_FOR_A_TABLE { stacked(&rows, look) } else { table(&rows, look) };
    out.push('\n');
    out.push_str(&sum(reports, look));
    let told = |report: &&Report| look.verbose || report.verdict != Verdict::Ready;
    for report in reports.iter().filter(told) {
        let rule = if look.unicode { "─" } else { "-" };
        out.push_str(&format!("\n{}\n\n", rule.repeat(look.width)));
        out.push_str(&text::render(report, look));
    }
    out
}

/// One target, in a few words.
struct Line {
    target: String,
    status: Status,
    verdict: String,
    /// The id of the diagnosis, which the catalogue explains.
    id: Option<String>,
    /// Its title.
    title: &'static str,
    step: String,
}

impl Line {
    fn of(report: &Report) -> Self {
        let warnings = report.checks.iter().filter(|c| c.finding.status == Status::Warn);
        let (status, verdict) = match (report.verdict, warnings.count()) {
            (Verdict::NotReady, _) => (Status::Fail, "not ready".to_owned()),
            (Verdict::Inconclusive, _) => (Status::Warn, "not found out".to_owned()),
            (Verdict::Ready, _) if !report.is_complete() => (Status::Pass, PARTLY.to_owned()),
            (Verdict::Ready, 0) => (Status::Pass, "ready".to_owned()),
            (Verdict::Ready, 1) => (Status::Warn, "ready, 1 warning".to_owned()),
            (Verdict::Ready, count) => (Status::Warn, format!("ready, {count} warnings")),
        };
        let diagnosis = report.diagnosis.as_ref();
        let step = diagnosis.and_then(|d| d.next_steps.first());
        Self {
            target: foreign(&report.case.plan.input).plain(),
            status,
            verdict,
            id: diagnosis.map(|d| d.id.to_string()),
            title: diagnosis.map_or("", |d| d.title()),
            // What ends in a colon leads to a command, which is below in full.
            step: step.map(|s| s.text.plain().trim_end_matches(':').to_owned()).unwrap_or_default(),
        }
    }

    fn alone(&self, look: &Look) -> String {
        let symbol = look.status(self.status, look.symbol(self.status));
        let why = match &self.id {
            Some(id) => format!("{id}: {}", self.title),
            None => self.verdict.clone(),
        };
        let words = look.letters(&format!("{}  {why}", self.target));
        format!("{symbol} {words}\n")
    }
}

/// Columns, without lines between them: that is easy to read, to copy and to search.
fn table(rows: &[Line], look: &Look) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(look.width).unwrap_or(u16::MAX));
    table.set_truncation_indicator(if look.unicode { "…" } else { "..." });
    table.set_header(["", "Target", "Verdict", "Diagnosis", "First of all"]);
    for row in rows {
        let id = row.id.as_deref().unwrap_or_default();
        let symbol = look.symbol(row.status);
        let cells = [symbol, &row.target, &row.verdict, id, &row.step].map(|c| look.letters(c));
        let mut cells = Row::from(cells);
        cells.max_height(MOST_LINES);
        table.add_row(cells);
    }
    // Names and ids are searched for and copied: they stay whole where there is any room for it.
    let widest = |of: fn(&Line) -> &str| rows.iter().map(|row| of(row).width()).max().unwrap_or(0);
    let whole = |width: usize, most: usize| {
        let width = u16::try_from(width.min(most) + 2).unwrap_or(u16::MAX);
        ColumnConstraint::LowerBoundary(Width::Fixed(width))
    };
    let quarter = look.width / 4;
    let at_least = [
        whole(1, 1),
        whole(widest(|row| &row.target), quarter),
        whole(9, quarter),
        whole(widest(|row| row.id.as_deref().unwrap_or_default()), quarter),
        whole(16, quarter),
    ];
    table.set_constraints(at_least);
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if place == 0 { 1 } else { 2 }));
    }
    let mut status = rows.iter().map(|row| row.status).peekable();
    let mut out = String::new();
    for (n, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let begins = |status: &Status| line.starts_with(&look.letters(look.symbol(*status)));
        match status.next_if(|status| n > 0 && begins(status)) {
            // The mark is the first letter of each row and of no other line.
            Some(status) => {
                let mark = look.letters(look.symbol(status));
                let rest = line.strip_prefix(&mark).unwrap_or(line);
                out.push_str(&format!("{}{rest}\n", look.status(status, &mark)));
            }
            None if n == 0 => out.push_str(&format!("{}\n", look.paint(line, |t| t.bold()))),
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out
}

/// For narrow terminals: one below the other.
fn stacked(rows: &[Line], look: &Look) -> String {
    let mut out = String::new();
    for row in rows {
        let symbol = look.status(row.status, look.symbol(row.status));
        let verdict = [row.verdict.as_str(), row.id.as_deref().unwrap_or_default()];
        let verdict = verdict.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>();
        out.push_str(&format!("{symbol} {}\n", look.letters(&row.target)));
        let lines = [verdict.join(": "), row.step.clone()];
        for words in lines.into_iter().filter(|words| !words.is_empty()) {
            for line in textwrap::wrap(&look.letters(&words), look.wrap("  ", "  ")) {
                out.push_str(&format!("{line}\n"));
            }
        }
    }
    out
}

fn sum(reports: &[Report], look: &Look) -> String {
    let count = |is: fn(&&Report) -> bool| reports.iter().filter(is).count();
    let counts = [
        (count(|r| r.verdict == Verdict::Ready && r.is_complete()), "ready"),
        (count(|r| r.verdict == Verdict::Ready && !r.is_complete()), "with nothing wrong seen"),
        (count(|r| r.verdict == Verdict::NotReady), "not ready"),
        (count(|r| r.verdict == Verdict::Inconclusive), "not found out"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told.map(|(count, what)| format!("{count} {what}")).collect();
    let words = format!("{} targets: {}.", reports.len(), told.join(", "));
    let status = match crate::exit::worst_verdict(reports) {
        Verdict::Ready => Status::Pass,
        Verdict::NotReady => Status::Fail,
        Verdict::Inconclusive => Status::Warn,
    };
    format!("{}\n", look.status(status, &words))
}
