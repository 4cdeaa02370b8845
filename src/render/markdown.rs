//! The report as Markdown, for tickets and chats: Jira, GitHub, GitLab.
//!
//! What is not our own word stands in code: there no markup, link, image, mention or HTML of a
//! hostile server becomes active, in any dialect. Only CommonMark and tables are used, and no HTML,
//! which Jira would show as text.

use checks::{
    diagnosis::Diagnosis,
    finding::{Hint, Status},
    report::Report,
    text::{Span, Text, foreign},
    together::Pair,
};

use super::{
    look::Look,
    words::{self, Words},
};

/// All reports, one below the other.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let pages: Vec<_> = reports.iter().map(page).collect();
    pages.join("\n---\n\n")
}

/// A pair as one report: the one cause or the commands, then what was seen of each part.
#[must_use]
pub fn render_pair(pair: Pair<'_>) -> String {
    let Some(part) = pair.part() else { return String::new() };
    let (named, of) = (super::pair::Words::of(part), pair.decisive());
    let mut page = Page { words: Words::of(of), out: String::new() };
    let subject = page.inline(&named.subject());
    page.heading_of(of, &subject);
    match pair.diagnosis() {
        Some(diagnosis) => page.diagnosis(diagnosis),
        None => {
            let ready = if pair.is_complete() { named.ready() } else { words::PARTLY.into() };
            page.block(&page.inline(&ready));
            for hint in pair.commands() {
                page.block(&page.hint("- ", &hint));
            }
        }
    }
    for report in pair.reports() {
        page.block(&format!("### {}", page.inline(&named.heading(report.case.role()))));
        page.table(report);
        page.warnings(report, "####");
    }
    page.out
}

/// One report: what to know first stands first.
pub(super) fn page(report: &Report) -> String {
    let mut page = Page { words: Words::of(report), out: String::new() };
    page.heading(report);
    match &report.diagnosis {
        Some(diagnosis) => page.diagnosis(diagnosis),
        None => page.ready(report),
    }
    page.warnings(report, "###");
    page.checks(report);
    page.out
}

struct Page<'r> {
    words: Words<'r>,
    out: String,
}

impl Page<'_> {
    fn block(&mut self, block: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(block.trim_end());
        self.out.push('\n');
    }

    fn heading(&mut self, report: &Report) {
        let target = self.inline(&foreign(&report.case.plan.input).into());
        self.heading_of(report, &format!("Target: {target}"));
    }

    /// `subject`: what was examined, as Markdown.
    fn heading_of(&mut self, report: &Report, subject: &str) {
        let (verdict, _) = words::verdict(report.verdict);
        let title = match &report.diagnosis {
            Some(diagnosis) => {
                let at = diagnosis.at.as_ref();
                let at = at.map(|hop| format!(" at the jump host {}", self.inline(hop)));
                format!("{verdict}{}: {}", at.unwrap_or_default(), escaped(diagnosis.title()))
            }
            None if report.is_complete() => verdict.to_owned(),
            None => "Nothing wrong in what was looked at".to_owned(),
        };
        self.block(&format!("## {title}"));
        let when = report.case.started_at.strftime("%Y-%m-%d %H:%M:%S UTC");
        let version = env!("CARGO_PKG_VERSION");
        self.block(&format!("{subject}. Examined {when} by ssh-preflight {version}."));
    }

    fn ready(&mut self, report: &Report) {
        self.block(&self.inline(&words::ready(report)));
        if !report.is_complete() {
            return;
        }
        let (before, command) = words::next(report);
        if let Some(before) = before {
            self.block(before);
        }
        let command = self.words.command(&command);
        self.block(&fence("sh", &command, ""));
    }

    fn diagnosis(&mut self, diagnosis: &Diagnosis) {
        if !diagnosis.because.is_empty() {
            self.block("### Because");
            let lines: String =
                diagnosis.because.iter().map(|why| format!("- {}\n", self.inline(why))).collect();
            self.block(&lines);
        }
        if !diagnosis.next_steps.is_empty() {
            self.block("### What to do");
            let steps: Vec<_> = (1..)
                .zip(&diagnosis.next_steps)
                .map(|(n, step)| self.hint(&format!("{n}. "), step))
                .collect();
            self.block(&steps.join("\n"));
        }
        if !diagnosis.ssh_says.is_empty() {
            self.block("### What ssh says");
            let lines: Vec<_> = diagnosis.ssh_says.iter().map(Text::plain).collect();
            self.block(&fence("text", &lines.join("\n"), ""));
        }
        if !diagnosis.also_possible.is_empty() {
            self.block("### It could also be");
            let lines = diagnosis.also_possible.iter();
            let lines: String =
                lines.map(|id| format!("- {} (`{id}`)\n", escaped(id.title()))).collect();
            self.block(&lines);
        }
        let (id, docs) = (diagnosis.id, super::json::docs(diagnosis.id));
        self.block(&format!("More about `{id}`: <{docs}>"));
    }

    /// Warnings with what is behind them, and what can be done about them.
    fn warnings(&mut self, report: &Report, level: &str) {
        let warnings: Vec<_> = words::warnings(report).collect();
        if warnings.is_empty() {
            return;
        }
        self.block(&format!("{level} Warnings"));
        let mut items = Vec::new();
        for warning in warnings {
            let finding = &warning.finding;
            let title = escaped(warning.about.title);
            let mut item = format!("- {title}: {}\n", self.inline(&finding.summary));
            for detail in &finding.details {
                item.push_str(&format!("  - {}\n", self.inline(detail)));
            }
            for hint in &finding.hints {
                item.push_str(&indented(&self.hint("- ", hint), "  "));
            }
            items.push(item);
        }
        self.block(&items.join(""));
    }

    fn checks(&mut self, report: &Report) {
        self.block("### Checks");
        self.table(report);
    }

    fn table(&mut self, report: &Report) {
        let look = Look::file(false);
        let mut table = "| Check | Result | What was found |\n| --- | --- | --- |\n".to_owned();
        for checked in &report.checks {
            let status = checked.finding.status;
            let result = format!("{} {}", look.symbol(status), result(status));
            let summary = in_cell(&self.pieces(&checked.finding.summary));
            let title = escaped(checked.about.title);
            table.push_str(&format!("| {title} | {result} | {summary} |\n"));
        }
        self.block(&table);
    }

    /// An item of a list, with its command in a block of its own, from which it can be copied.
    fn hint(&self, mark: &str, hint: &Hint) -> String {
        let mut item = format!("{mark}{}\n", self.inline(&hint.text));
        if let Some(command) = &hint.command {
            let indent = " ".repeat(mark.len());
            item.push('\n');
            item.push_str(&fence("sh", &self.words.command(command), &indent));
        }
        if let Some(line) = &hint.paste {
            item.push('\n');
            item.push_str(&fence("text", &line.plain(), &" ".repeat(mark.len())));
        }
        item
    }

    fn inline(&self, text: &Text) -> String {
        let pieces = self.pieces(text);
        let written = pieces.iter().map(|piece| match piece {
            Piece::Ours(words) => escaped(words),
            Piece::Code(code) => in_code(code),
        });
        begin_is_no_mark(written.collect())
    }

    /// The parts of a text, with what belongs together (`user@host`) in one.
    fn pieces(&self, text: &Text) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut between = String::new();
        for span in &text.0 {
            if matches!(span, Span::Plain(_)) {
                between.push_str(&span.plain());
                continue;
            }
            let code = self.words.plain(&Text(vec![span.clone()]));
            match pieces.last_mut() {
                Some(Piece::Code(before)) if !between.contains(char::is_whitespace) => {
                    before.push_str(&between);
                    before.push_str(&code);
                }
                _ => {
                    pieces.extend((!between.is_empty()).then(|| Piece::Ours(between.clone())));
                    pieces.push(Piece::Code(code));
                }
            }
            between.clear();
        }
        pieces.extend((!between.is_empty()).then_some(Piece::Ours(between)));
        pieces
    }
}

enum Piece {
    Ours(String),
    Code(String),
}

/// Between the bars of a table a bar ends the cell, in code too, and the dialects differ in how
/// it is escaped. So it is written as every other character that would be obeyed.
fn in_cell(pieces: &[Piece]) -> String {
    let written = pieces.iter().map(|piece| match piece {
        Piece::Ours(words) => escaped(words),
        Piece::Code(code) => in_code(&code.replace('|', "\\u{7c}")),
    });
    written.collect()
}

const fn result(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Skip => "skipped",
        Status::Warn => "warning",
        Status::Fail => "fail",
    }
}

/// Our own words, in which letters that Markdown reads are meant as letters.
fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut before = ' ';
    let mut rest = words.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let marks = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '$' => true,
            // Inside of a word it is a letter: known_hosts.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            _ => false,
        };
        if marks {
            out.push('\\');
        }
        // A line break would begin a block.
        out.push(if c.is_control() { ' ' } else { c });
        before = c;
    }
    out
}

/// A text that begins like a list, a heading or a number of a list is none.
fn begin_is_no_mark(line: String) -> String {
    let line = line.trim_start();
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let after_digits = line.chars().nth(digits);
    if line.starts_with(['-', '+', '#', '=']) {
        return format!("\\{line}");
    }
    match after_digits {
        Some(mark @ ('.' | ')')) if digits > 0 => {
            let (number, rest) = line.split_at(digits);
            format!("{number}\\{mark}{}", rest.trim_start_matches(mark))
        }
        _ => line.to_owned(),
    }
}

/// How many backticks stand side by side at most.
fn longest_run(code: &str) -> usize {
    code.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A code span. What is inside cannot end it: the marks around it are longer than any inside.
fn in_code(code: &str) -> String {
    if code.is_empty() {
        return String::new();
    }
    let marks = "`".repeat(longest_run(code) + 1);
    let touches = |c: char| c == '`' || c == ' ';
    let pad = if code.starts_with(touches) || code.ends_with(touches) { " " } else { "" };
    format!("{marks}{pad}{code}{pad}{marks}")
}

/// A block of code, which nothing inside can end.
fn fence(language: &str, code: &str, indent: &str) -> String {
    let marks = "`".repeat(longest_run(code).max(2) + 1);
    indented(&format!("{marks}{language}\n{code}\n{marks}\n"), indent)
}

fn indented(block: &str, indent: &str) -> String {
    let line = |line: &str| if line.is_empty() { "\n".into() } else { format!("{indent}{line}\n") };
    block.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_ended_from_inside() {
        assert_eq!(in_code("a`b``c"), "```a`b``c```");
        assert_eq!(in_code("`"), "`` ` ``");
        assert_eq!(fence("sh", "```\nx", "  "), "  ````sh\n  ```\n  x\n  ````\n");
    }

    #[test]
    fn our_own_words_are_no_markup() {
        assert_eq!(
            escaped("known_hosts has *no* <b> _x_"),
            "known_hosts has \\*no\\* \\<b\\> \\_x\\_"
        );
        assert_eq!(begin_is_no_mark("1. x".into()), "1\\. x");
        assert_eq!(begin_is_no_mark("- x".into()), "\\- x");
        assert_eq!(begin_is_no_mark("10 keys".into()), "10 keys");
    }
}
