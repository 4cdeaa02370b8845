//! The checks: a line each, and what is behind it on demand.

use checks::{
    finding::Status,
    report::{Checked, Report},
};
use maud::{Markup, html};

use super::{super::words::Words, Place, class, diagnosis::hint, mark};

/// All checks, in the order in which a connection goes.
pub fn section(report: &Report, words: &Words<'_>, place: Place) -> Markup {
    html! {
        @if !report.checks.is_empty() {
            section aria-labelledby=[place.landmark("checks")] {
                (place.section("checks", "Checks"))
                ul.checks {
                    @for checked in &report.checks {
                        li { (check(checked, report.diagnosis.is_none(), words)) }
                    }
                }
            }
        }
    }
}

/// `ready`: what to do about a warning stands above already.
fn check(checked: &Checked, ready: bool, words: &Words<'_>) -> Markup {
    let finding = &checked.finding;
    let hints = if ready && finding.status == Status::Warn { &[] } else { &*finding.hints };
    let line = html! {
        (mark(finding.status))
        span.title { (checked.about.title) }
        span class=(format!("status {}", class(finding.status))) { (status(finding.status)) }
        span.summary { (words.plain(&finding.summary)) }
    };
    let more = !(finding.details.is_empty() && hints.is_empty());
    // What did not go well is open from the start.
    let open = matches!(finding.status, Status::Warn | Status::Fail);
    html! {
        @if more {
            details open[open] {
                summary.line { (line) }
                div.behind {
                    @if !finding.details.is_empty() {
                        ul { @for detail in &finding.details { li { (words.plain(detail)) } } }
                    }
                    @for step in hints { (hint(step, words)) }
                }
            }
        } @else {
            div.line { (line) }
        }
    }
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Pass => "passed",
        Status::Warn => "warning",
        Status::Fail => "failed",
        Status::Skip => "skipped",
    }
}
