//! What is wrong, and first of all what to do about it.

use checks::{diagnosis::Diagnosis, finding::Hint, report::Report, text::Command};
use maud::{Markup, html};

use super::{
    super::{
        json,
        words::{Words, client, next, warnings},
    },
    Place, mark,
};

/// The next step, which nobody must miss.
pub fn to_do(report: &Report, words: &Words<'_>, place: Place) -> Markup {
    match &report.diagnosis {
        Some(diagnosis) => html! {
            @if !diagnosis.next_steps.is_empty() {
                section.do aria-labelledby=[place.landmark("do")] {
                    (place.section("do", "Do this"))
                    ol.steps {
                        @for step in &diagnosis.next_steps { li { (hint(step, words)) } }
                    }
                }
            }
        },
        None => html! {
            @if report.is_complete() {
                section.do aria-labelledby=[place.landmark("do")] {
                    (place.section("do", "Connect"))
                    (command(&next(report).1, words))
                }
            }
            (notes(&[report], place))
        },
    }
}

/// The warnings of reports, with what can be done about them.
pub fn notes(reports: &[&Report], place: Place) -> Markup {
    html! {
        @if reports.iter().any(|report| warnings(report).next().is_some()) {
            section aria-labelledby=[place.landmark("note")] {
                (place.section("note", "But note"))
                ul.notes {
                    @for report in reports {
                        @let words = Words::of(report);
                        @for warn in warnings(report) {
                            li {
                                p {
                                    (mark(warn.finding.status)) " "
                                    strong { (warn.about.title) ": " }
                                    (words.plain(&warn.finding.summary))
                                }
                                @for step in &warn.finding.hints { (hint(step, &words)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How it is known, what ssh says, and what else it could be.
pub fn why(report: &Report, words: &Words<'_>, place: Place) -> Markup {
    let Some(diagnosis) = &report.diagnosis else { return html! {} };
    html! {
        @if !diagnosis.because.is_empty() {
            section aria-labelledby=[place.landmark("because")] {
                (place.section("because", "Because"))
                ul { @for sentence in &diagnosis.because { li { (words.plain(sentence)) } } }
            }
        }
        @if !diagnosis.ssh_says.is_empty() {
            section aria-labelledby=[place.landmark("says")] {
                (place.section("says", &format!("What {} says", client(report))))
                pre.says { code { (said(diagnosis)) } }
            }
        }
        @if !diagnosis.also_possible.is_empty() {
            section aria-labelledby=[place.landmark("also")] {
                (place.section("also", "It could also be"))
                ul {
                    @for id in &diagnosis.also_possible {
                        li { a href=(json::docs(*id)) { (id.title()) } " " code { (id) } }
                    }
                }
            }
        }
        p.more {
            "More about this cause: "
            a href=(json::docs(diagnosis.id)) { "its page" }
            ", or " code { "ssh-preflight catalogue " (diagnosis.id) }
            "."
        }
    }
}

/// Word by word: people search for it.
fn said(diagnosis: &Diagnosis) -> String {
    let lines = diagnosis.ssh_says.iter().map(checks::text::Text::plain);
    lines.collect::<Vec<_>>().join("\n")
}

/// Something to do.
pub fn hint(hint: &Hint, words: &Words<'_>) -> Markup {
    html! {
        p { (words.plain(&hint.text)) }
        @if let Some(run) = &hint.command { (command(run, words)) }
        @if let Some(line) = &hint.paste { pre.paste { code { (line.plain()) } } }
    }
}

/// On lines of its own, and selected as a whole by one click.
fn command(command: &Command, words: &Words<'_>) -> Markup {
    html! { pre.command { code { (words.command(command)) } } }
}
