//! A comparison for people: what differs first, what it means, what to do.

use checks::{
    finding::Status,
    text::{Text, printable},
};
use colored::Colorize;
use unicode_width::UnicodeWidthStr;

use super::{
    difference::{Comparison, Difference, Side},
    facts::Shape,
    read::Verdict,
    value::Item,
};
use crate::render::look::Look;

/// The comparisons as text, ending in a line break.
#[must_use]
pub fn render(comparisons: &[Comparison], look: &Look) -> String {
    let pages = comparisons.iter().map(|comparison| {
        let mut page = Page { look, out: String::new() };
        page.comparison(comparison);
        page.out
    });
    pages.collect::<Vec<_>>().join("\n")
}

struct Page<'a> {
    look: &'a Look,
    out: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(&self.look.letters(line.trim_end()));
        self.out.push('\n');
    }

    /// Lines break at spaces alone, so that a fingerprint can be copied; later ones are indented as
    /// deep as the mark is wide.
    fn wrapped(&mut self, mark: &str, words: &str) {
        let hanging = " ".repeat(mark.width());
        for line in textwrap::wrap(words, self.look.wrap(mark, &hanging)) {
            self.line(&line);
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        if !self.look.quiet {
            let (then, now) = (&comparison.then, &comparison.now);
            let target = printable(&now.target);
            self.line(&self.look.paint(&format!("ssh-preflight compare {target}"), |t| t.bold()));
            self.line("");
            self.line(&format!("then: {}, {}", moment(then), then.name));
            self.line(&format!("now:  {}, {}", moment(now), now.name));
            self.line("");
        }
        let status = match comparison.now.verdict {
            _ if !comparison.differs() => Status::Pass,
            Verdict::Ready => Status::Pass,
            Verdict::NotReady => Status::Fail,
            Verdict::Inconclusive => Status::Warn,
        };
        for line in textwrap::wrap(&sentence(comparison), self.look.width) {
            let line = self.look.status(status, &line);
            self.line(&line);
        }
        if let Some(first) = comparison.first() {
            self.line("");
            self.difference("", first);
            self.line("");
            self.wrapped("", &format!("What it means: {}", first.fact.means));
        }
        if let [_, others @ ..] = comparison.differences.as_slice()
            && !others.is_empty()
        {
            self.line("");
            self.line("What differs besides, most of it perhaps in consequence:");
            for other in others {
                self.difference("  ", other);
            }
        }
        self.not_known(comparison);
        for note in &comparison.notes {
            self.line("");
            self.wrapped("Note: ", note);
        }
        self.what_to_do(comparison);
    }

    /// What it was and what it is. Of a list that has something in common, only what came and went.
    fn difference(&mut self, indent: &str, difference: &Difference) {
        let title = capital(difference.fact.title);
        self.wrapped(indent, &format!("{title}:"));
        let (gone, new) = (difference.gone(), difference.come());
        let moved = gone.is_empty() && new.is_empty();
        let disjoint = gone.len() == difference.then.len() && new.len() == difference.now.len();
        let all = |items: &[Item]| items.iter().map(|item| item.text.plain()).collect();
        let some = |items: &[&Text]| items.iter().map(|item| item.plain()).collect();
        let sides: [(&str, Vec<String>); 2] = match difference.fact.shape {
            Shape::ByName => [("then", some(&gone)), ("now", some(&new))],
            Shape::Set | Shape::Order if !moved && !disjoint => {
                [("gone", some(&gone)), ("new", some(&new))]
            }
            _ => [("then", all(&difference.then)), ("now", all(&difference.now))],
        };
        for (word, mut items) in sides {
            match (items.is_empty(), word) {
                (true, "gone" | "new") => continue,
                (true, _) => items.push("none".into()),
                (false, _) => {}
            }
            let mark = format!("{indent}  {:6}", format!("{word}:"));
            let hanging = " ".repeat(mark.width());
            for (place, item) in items.iter().enumerate() {
                let number = if moved { format!("{}. ", place + 1) } else { String::new() };
                let mark = if place == 0 { &mark } else { &hanging };
                self.wrapped(mark, &format!("{number}{item}"));
            }
        }
    }

    fn not_known(&mut self, comparison: &Comparison) {
        if self.look.quiet {
            return;
        }
        for (then, side) in [(true, "first"), (false, "second")] {
            let titles: Vec<_> = comparison
                .missing
                .iter()
                .filter(|missing| missing.then == then)
                .map(|missing| missing.fact.title)
                .collect();
            if !titles.is_empty() {
                self.line("");
                let titles = titles.join("; ");
                self.wrapped(
                    "",
                    &format!("Not known in the {side} report, so not compared: {titles}."),
                );
            }
        }
    }

    fn what_to_do(&mut self, comparison: &Comparison) {
        let Some(found) = &comparison.now.diagnosis else { return };
        self.line("");
        let word =
            if comparison.now.verdict == Verdict::NotReady { "Not ready" } else { "Not found out" };
        self.wrapped(
            "",
            &format!("{word} now: {} ({}).", printable(&found.title), printable(&found.id)),
        );
        if !found.next_steps.is_empty() {
            self.line("");
            self.line("Do this:");
        }
        for (n, step) in (1..).zip(&found.next_steps) {
            self.wrapped(&format!("  {n}. "), &printable(&step.text));
            for copied in [&step.command, &step.paste].into_iter().flatten() {
                let copied = self.look.paint(&printable(copied), |t| t.cyan());
                self.out.push_str(&format!("      {copied}\n"));
            }
        }
        self.line("");
        self.line(&format!("More: ssh-preflight catalogue {}", printable(&found.id)));
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn moment(side: &Side) -> String {
    let moment = side.started_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    if side.of_log { format!("a log, read {moment}") } else { moment.to_string() }
}

/// The first sentence: whether it worked, and what differs first.
fn sentence(comparison: &Comparison) -> String {
    let (then, now) = (&comparison.then, &comparison.now);
    let day = then.started_at.strftime("%Y-%m-%d at %H:%M UTC");
    let cause = |side: &Side| {
        side.diagnosis
            .as_ref()
            .map(|found| format!(" ({})", printable(&found.id)))
            .unwrap_or_default()
    };
    let was = match then.verdict {
        verdict if then.of_log => {
            let what = match verdict {
                Verdict::Ready => "It worked when the log was made",
                Verdict::NotReady => "It did not work when the log was made",
                Verdict::Inconclusive => "From the log it could not be found out",
            };
            format!("{what}{}; the log does not tell when that was.", cause(then))
        }
        Verdict::Ready if then.complete => format!("It worked on {day}."),
        Verdict::Ready => format!("On {day} nothing was wrong in what was looked at."),
        Verdict::NotReady => format!("It did not work on {day}{}.", cause(then)),
        Verdict::Inconclusive => format!("On {day} it could not be found out{}.", cause(then)),
    };
    let is = match (now.verdict, then.verdict == now.verdict) {
        _ if !now.of_log => now_is(now, then),
        (Verdict::Ready, _) => " It worked when the log of the second report was made.",
        (Verdict::NotReady, true) => {
            " It did not work either when the log of the second report was made."
        }
        (Verdict::NotReady, false) => {
            " It did not work when the log of the second report was made."
        }
        (Verdict::Inconclusive, _) => {
            " From the log of the second report it could not be found out."
        }
    };
    let since = if now.of_log || then.of_log { "between the two" } else { "since then" };
    let Some(first) = comparison.first() else {
        return format!("{was}{is} Nothing that matters differs {since}.");
    };
    let known = if comparison.is_first_in_doubt() { "is known to differ" } else { "differs" };
    let begin = if now.of_log || then.of_log { "The" } else { "Since then the" };
    format!("{was}{is} {begin} first thing that {known} is {}.", first.fact.title)
}

/// Whether a target that was examined works, after what was found then.
fn now_is(now: &Side, then: &Side) -> &'static str {
    match (now.verdict, then.verdict == now.verdict) {
        (Verdict::Ready, false) if now.complete => " It works now.",
        (Verdict::Ready, true) if now.complete => " It works now too.",
        (Verdict::Ready, _) => " Now nothing is wrong in what was looked at.",
        (Verdict::NotReady, true) => " It does not work now either.",
        (Verdict::NotReady, false) => "",
        (Verdict::Inconclusive, _) => " Now it could not be found out.",
    }
}
