//! The report for people.

use checks::{
    diagnosis::Diagnosis,
    finding::{Hint, Status},
    report::{Checked, Report},
    text::Command,
    together::Pair,
};
use colored::Colorize;
use unicode_width::UnicodeWidthStr;

use super::{
    look::Look,
    timeline::Timeline,
    waterfall,
    words::{self, Words},
};

/// The report as text, ending in a line break.
#[must_use]
pub fn render(report: &Report, look: &Look) -> String {
    let client = words::client(report);
    let mut page = Page { look, words: Words::of(report), client, out: String::new() };
    if look.quiet {
        page.verdict(report);
    } else {
        page.line(&look.paint(&format!("ssh-preflight {}", words::input(report)), |t| t.bold()));
        page.line("");
        let column = report.checks.iter().map(|c| c.about.title.width()).max().unwrap_or(0);
        // Beside a log there is nothing to look at: what it does not show is most of it.
        let of_log = report.case.log().is_some() && !look.verbose;
        let shown = |c: &&Checked| !of_log || c.finding.status != Status::Skip;
        for checked in report.checks.iter().filter(shown) {
            page.check(checked, column);
        }
        page.line("");
        page.verdict(report);
        if look.verbose {
            let timeline = waterfall::render(&Timeline::of(report), look);
            if !timeline.is_empty() {
                page.out.push_str(&format!("\n{timeline}"));
            }
        }
    }
    page.out
}

/// A pair: its three parts, then the one diagnosis or the commands.
#[must_use]
pub fn render_pair(pair: Pair<'_>, look: &Look) -> String {
    let of = pair.decisive();
    let mut page =
        Page { look, words: Words::of(of), client: words::client(of), out: String::new() };
    page.pair(pair);
    page.out
}

struct Page<'a> {
    look: &'a Look,
    words: Words<'a>,
    /// The program whose words are quoted.
    client: &'static str,
    out: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(&self.look.letters(line.trim_end()));
        self.out.push('\n');
    }

    /// Words, wrapped; later lines are indented as deep as the first line's mark is wide.
    fn wrapped(&mut self, mark: &str, words: &str) {
        let hanging = " ".repeat(mark.width());
        for line in textwrap::wrap(words, self.look.wrap(mark, &hanging)) {
            self.line(&line);
        }
    }

    /// On a line of its own, never broken and no letter replaced, so that it can be pasted.
    fn command(&mut self, indent: &str, command: &Command) {
        let written = self.words.command(command);
        let painted = self.look.paint(&written, |t| t.cyan());
        self.out.push_str(&format!("{indent}{painted}\n"));
    }

    fn check(&mut self, checked: &Checked, column: usize) {
        let (look, finding) = (self.look, &checked.finding);
        let title = checked.about.title;
        let gap = " ".repeat(column.saturating_sub(title.width()));
        let symbol = look.symbol(finding.status);
        let first = format!("{symbol} {title}{gap}  ");
        // In a narrow terminal the summary goes below the title.
        let summary = self.words.plain(&finding.summary);
        let indent = if look.width < 60 { "  ".to_owned() } else { " ".repeat(first.width()) };
        let mut lines = textwrap::wrap(&summary, self.look.wrap(&indent, &indent)).into_iter();
        let painted = format!("{} {title}{gap}", look.status(finding.status, symbol));
        if look.width < 60 {
            self.line(&painted);
        } else {
            let words = lines.next().unwrap_or_default();
            self.line(&format!("{painted}  {}", words.trim_start()));
        }
        for line in lines {
            self.line(&line);
        }
        // What is behind a failure, and what to do about it, is in the diagnosis, once.
        if finding.status == Status::Warn || look.verbose {
            for detail in &finding.details {
                self.wrapped(&indent, &self.words.plain(detail));
            }
            for hint in &finding.hints {
                self.hint(&format!("{indent}{} ", self.arrow()), &indent, hint);
            }
        }
    }

    fn pair(&mut self, pair: Pair<'_>) {
        let Some(part) = pair.part() else { return };
        let named = super::pair::Words::of(part);
        if !self.look.quiet {
            self.line(&self.look.paint(&named.title().plain(), |t| t.bold()));
            self.wrapped("", named.what_is_done());
            let titles = pair.reports().flat_map(|r| &r.checks).map(|c| c.about.title.width());
            let column = titles.max().unwrap_or(0);
            for report in pair.reports() {
                self.line("");
                self.wrapped("", &named.heading(report.case.role()).plain());
                for checked in &report.checks {
                    self.check(checked, column);
                }
            }
            self.line("");
        }
        let (_, status) = words::verdict(pair.verdict());
        self.painted(&super::pair::headline(pair), status);
        match pair.diagnosis() {
            Some(diagnosis) => self.diagnosis(diagnosis),
            None => {
                self.but_note(pair.reports());
                self.line("");
                for hint in pair.commands() {
                    self.hint("", "", &hint);
                }
            }
        }
    }

    fn arrow(&self) -> &'static str {
        if self.look.unicode { "→" } else { ">" }
    }

    fn hint(&mut self, mark: &str, indent: &str, hint: &Hint) {
        self.wrapped(mark, &self.words.plain(&hint.text));
        if let Some(command) = &hint.command {
            self.command(&format!("{indent}    "), command);
        }
        if let Some(line) = &hint.paste {
            let painted = self.look.paint(&line.plain(), |t| t.cyan());
            self.out.push_str(&format!("{indent}    {painted}\n"));
        }
    }

    fn verdict(&mut self, report: &Report) {
        let (words, status) = self.words.headline(report);
        self.painted(&words, status);
        if let Some(diagnosis) = &report.diagnosis {
            return self.diagnosis(diagnosis);
        }
        self.but_note([report]);
        if report.is_complete() && report.case.log().is_none() {
            self.line("");
            let (before, command) = words::next(report);
            if let Some(before) = before {
                self.wrapped("", before);
            }
            self.command("    ", &command);
        }
    }

    fn but_note<'r>(&mut self, reports: impl IntoIterator<Item = &'r Report>) {
        let warnings: Vec<_> = reports.into_iter().flat_map(words::warnings).collect();
        if !warnings.is_empty() {
            self.line("");
            self.line("But note:");
            for warn in warnings {
                let words = self.words.plain(&warn.finding.summary);
                self.wrapped("  ! ", &format!("{}: {words}", warn.about.title));
            }
        }
    }

    /// A whole paragraph in one colour; wrapped first, since colours have no width.
    fn painted(&mut self, words: &str, status: Status) {
        for line in textwrap::wrap(words, self.look.wrap("", "")) {
            let line = self.look.status(status, &line);
            self.line(&line);
        }
    }

    /// Word by word, with paths in full and no line broken: people search for it.
    fn ssh_says(&mut self, diagnosis: &Diagnosis) {
        let first = format!("{} says: ", self.client);
        for (place, line) in diagnosis.ssh_says.iter().enumerate() {
            let mark = if place == 0 { first.clone() } else { " ".repeat(first.len()) };
            self.line(&format!("{mark}{}", line.plain()));
        }
    }

    fn diagnosis(&mut self, diagnosis: &Diagnosis) {
        self.ssh_says(diagnosis);
        if !diagnosis.because.is_empty() {
            self.line("");
            self.line("Because:");
            let mark = if self.look.unicode { "  • " } else { "  * " };
            for sentence in &diagnosis.because {
                self.wrapped(mark, &self.words.plain(sentence));
            }
        }
        if !diagnosis.next_steps.is_empty() {
            self.line("");
            self.line("Do this:");
            for (n, step) in (1..).zip(&diagnosis.next_steps) {
                self.hint(&format!("  {n}. "), "  ", step);
            }
        }
        if !diagnosis.also_possible.is_empty() {
            self.line("");
            self.line("It could also be:");
            let mark = if self.look.unicode { "  • " } else { "  * " };
            for id in &diagnosis.also_possible {
                self.wrapped(mark, &format!("{} ({id})", id.title()));
            }
        }
        self.line("");
        self.line(&format!("More: ssh-preflight catalogue {}", diagnosis.id));
        self.line(&format!("      {}", super::json::docs(diagnosis.id)));
    }
}
