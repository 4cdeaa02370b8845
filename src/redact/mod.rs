//! Reports without what is private: pure, reports in and reports out.
//!
//! It stands before every renderer, so that no form of a report can forget it. What is private is
//! replaced by names such as `HOST_1`; the same thing has the same name in all reports and forms of
//! one run, however it was written.
//!
//! First everything private is learnt, from the marked parts of all texts and from the evidence
//! ([`kinds`] says which field holds what). Then all texts are rewritten: the marked parts, the
//! evidence, and every text of a stranger, which may hold the same names ([`scrub`]).

mod commands;
mod evidence;
mod kinds;
mod logs;
mod names;
mod profiles;
mod public;
mod scrub;

use checks::{
    diagnosis::{Between, Diagnosis},
    finding::{Finding, Hint},
    report::{Checked, Report},
    text::{Command, Foreign, Span, Text},
};

use crate::cli::Redact;
pub use evidence::{shown, shown_with_port};
use names::Names;

/// The same reports, with names such as `HOST_1` for what is private.
#[must_use]
pub fn reports(reports: &[Report], what: Redact) -> Vec<Report> {
    let mut names = Names::new(what);
    let cases: Vec<_> = reports.iter().map(|report| evidence::learn(report, &mut names)).collect();
    for report in reports {
        each_text(report, &mut |text| learn(text, &mut names));
    }
    names.know();
    let both = reports.iter().zip(cases);
    both.map(|(report, case)| Report {
        case: evidence::rewritten(report, case, &mut names),
        duration_ms: report.duration_ms,
        verdict: report.verdict,
        diagnosis: report.diagnosis.as_ref().map(|found| diagnosis(found, &mut names)),
        checks: report.checks.iter().map(|check| checked(check, &mut names)).collect(),
    })
    .collect()
}

/// Every text of a report, in the order in which people read it.
fn each_text(report: &Report, see: &mut impl FnMut(&Text)) {
    let hints = |hints: &[Hint], see: &mut dyn FnMut(&Text)| {
        for hint in hints {
            see(&hint.text);
            hint.command.iter().flat_map(|command| &command.0).for_each(&mut *see);
            hint.paste.iter().for_each(&mut *see);
        }
    };
    if let Some(found) = &report.diagnosis {
        found.at.iter().chain(&found.because).chain(&found.ssh_says).for_each(&mut *see);
        found.between.iter().flat_map(|way| [&way.from, &way.to]).for_each(&mut *see);
        hints(&found.next_steps, see);
    }
    for Checked { finding, .. } in &report.checks {
        see(&finding.summary);
        finding.details.iter().for_each(&mut *see);
        hints(&finding.hints, see);
    }
}

fn learn(text: &Text, names: &mut Names) {
    for span in &text.0 {
        match span {
            Span::Host(name) => names.learn_host(name),
            Span::User(name) => names.learn_user(name),
            Span::Path(path) => names.learn_path(path),
            Span::There(command) => command.0.iter().for_each(|word| learn(word, names)),
            _ => {}
        }
    }
}

fn diagnosis(found: &Diagnosis, names: &mut Names) -> Diagnosis {
    Diagnosis {
        id: found.id,
        at: found.at.as_ref().map(|hop| text(hop, names)),
        between: found
            .between
            .as_ref()
            .map(|way| Between { from: text(&way.from, names), to: text(&way.to, names) }),
        ssh_says: texts(&found.ssh_says, names),
        because: texts(&found.because, names),
        next_steps: found.next_steps.iter().map(|step| hint(step, names)).collect(),
        also_possible: found.also_possible.clone(),
    }
}

fn checked(check: &Checked, names: &mut Names) -> Checked {
    let finding = &check.finding;
    Checked {
        about: check.about,
        finding: Finding {
            status: finding.status,
            summary: text(&finding.summary, names),
            details: texts(&finding.details, names),
            hints: finding.hints.iter().map(|step| hint(step, names)).collect(),
            evidence: evidence::facts(&finding.evidence, names),
            unseen: finding.unseen.as_ref().and_then(|why| evidence::reason(why, names)),
        },
        started_ms: check.started_ms,
        duration_ms: check.duration_ms,
    }
}

fn hint(hint: &Hint, names: &mut Names) -> Hint {
    let command = hint.command.as_ref().map(|words| command(words, names));
    let paste = hint.paste.as_ref().map(|line| text(line, names));
    Hint { text: text(&hint.text, names), command, paste }
}

fn command(command: &Command, names: &mut Names) -> Command {
    Command(texts(&command.0, names))
}

fn texts(all: &[Text], names: &mut Names) -> Vec<Text> {
    all.iter().map(|one| text(one, names)).collect()
}

fn text(text: &Text, names: &mut Names) -> Text {
    let span = |span: &Span| match span {
        // Our own words are public, but a name may have got into them.
        Span::Plain(words) => Span::Plain(names.scrub_ours(words).into()),
        Span::Shell(words) => Span::Shell(words.clone()),
        Span::Host(name) => Span::Host(names.host(name)),
        Span::User(name) => Span::User(names.user(name)),
        Span::Path(path) => Span::Path(names.path(path)),
        Span::Address(address) => Span::Address(names.address_or_text(address)),
        Span::Key(key) => Span::Key(names.key(key)),
        Span::Foreign(bytes) => {
            Span::Foreign(Foreign::from_bytes(names.scrub(bytes.raw()).as_bytes()))
        }
        Span::There(words) => Span::There(command(words, names)),
    };
    Text(text.0.iter().map(span).collect())
}
