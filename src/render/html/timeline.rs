//! What ran when, as a drawing and as a table.
//!
//! All places along the time are percentages, so that the drawing fits every width while its letters
//! keep their size.

use checks::report::Report;
use maud::{Markup, html};

use super::{
    super::timeline::{End, Micros, Row, Timeline, time},
    Place,
};

/// Pixels of the scale above the rows.
const SCALE: usize = 26;
/// Pixels of a row: its words, and its bar below them.
const ROW: usize = 36;
/// Pixels from the top of a row to its bar, and of the bar.
const BAR: usize = 20;
const THICK: usize = 9;
/// Pixels by which the words of a part are indented.
const INDENT: usize = 14;
/// Letters of a label that have room beside its time on a narrow screen.
const LETTERS: usize = 28;

/// Whether anything is known of times.
pub fn is_there(report: &Report) -> bool {
    !Timeline::of(report).rows.is_empty()
}

/// What ran when.
pub fn section(report: &Report, place: Place) -> Markup {
    let timeline = Timeline::of(report);
    html! {
        @if !timeline.rows.is_empty() {
            section aria-labelledby=[place.landmark("timeline")] {
                (place.section("timeline", "What ran when"))
                p { (timeline.summary()) }
                figure.timeline {
                    (drawing(&timeline))
                    figcaption { (legend(&timeline)) }
                }
                details.numbers {
                    summary { "The same in numbers" }
                    (table(&timeline, place))
                }
            }
        }
    }
}

/// A place along the time.
fn along(us: Micros, timeline: &Timeline) -> String {
    format!("{}%", share(us, timeline))
}

/// Hundredths of the whole.
fn share(us: Micros, timeline: &Timeline) -> f64 {
    let share = us as f64 / timeline.end_us.max(1) as f64;
    (share * 100_000.0).round() / 1000.0
}

fn drawing(timeline: &Timeline) -> Markup {
    let height = SCALE + ROW * timeline.rows.len();
    html! {
        svg role="img" width="100%" height=(height) {
            title { "What ran when: a bar for each step" }
            desc {
                (timeline.summary()) " The table below the drawing has all its numbers."
            }
            (scale(timeline, height))
            @for (number, row) in timeline.rows.iter().enumerate() {
                (drawn(row, number, timeline))
            }
        }
    }
}

/// Lines at round times.
fn scale(timeline: &Timeline, height: usize) -> Markup {
    let step = step(timeline.end_us);
    // A recording may hold any number.
    let next = |us: &Micros| us.checked_add(step).filter(|us| *us <= timeline.end_us);
    let ticks = std::iter::successors(Some(0), next);
    html! {
        @for us in ticks {
            @let x = along(us, timeline);
            // The words of a line at the very end would be outside.
            @let anchor = match share(us, timeline) {
                0.0 => "first",
                92.0.. => "last",
                _ => "tick",
            };
            line.grid x1=(x) x2=(x) y1="18" y2=(height) {}
            text class=(anchor) x=(x) y="12" { (time(us)) }
        }
    }
}

/// The round time between two lines: at most five of them.
fn step(end: Micros) -> Micros {
    let decades = (0..19).map(|power| 10_u64.pow(power));
    let steps = decades.flat_map(|decade| [1, 2, 5].map(|n| decade.saturating_mul(n)));
    steps.into_iter().find(|step| end / step <= 5).unwrap_or(end.max(1))
}

fn drawn(row: &Row, number: usize, timeline: &Timeline) -> Markup {
    let top = SCALE + ROW * number;
    let (bar, middle) = (top + BAR, top + BAR + THICK / 2);
    let whole = timeline.has_parts(number);
    // Even what took no time at all is seen.
    let width = share(row.took_us(), timeline).max(0.6);
    let from = share(row.began_us, timeline).min(100.0 - width);
    let class = match (whole, row.whom.is_elsewhere()) {
        (true, _) => "whole",
        (false, true) => "elsewhere",
        (false, false) => "here",
    };
    let (y, thick) = if whole { (middle - 1, 3) } else { (bar, THICK) };
    let end = along(row.ended_us, timeline);
    html! {
        text.label x=(INDENT * row.depth) y=(top + 13) { (short(&row.label)) }
        text.took x="100%" y=(top + 13) { (took(row)) }
        @if row.asked_us < row.began_us {
            line.waits x1=(along(row.asked_us, timeline)) x2=(along(row.began_us, timeline))
                y1=(middle) y2=(middle) {}
        }
        rect class=(class) x=(format!("{from}%")) y=(y) width=(format!("{width}%")) height=(thick)
            rx="2" {}
        @if !whole && row.end != End::Done {
            text.silence x=(end) y=(middle) { "×" }
        } @else if !whole && row.answers > 0 {
            circle.answer cx=(end) cy=(middle) r="4.5" {}
        }
    }
}

fn took(row: &Row) -> String {
    match row.end.words() {
        Some(words) => format!("{}, {words}", time(row.took_us())),
        None => time(row.took_us()),
    }
}

fn short(label: &str) -> String {
    if label.chars().count() <= LETTERS {
        return label.to_owned();
    }
    label.chars().take(LETTERS - 1).chain(['…']).collect()
}

/// What the marks mean, of those that are there.
fn legend(timeline: &Timeline) -> Markup {
    let bars = || {
        let rows = timeline.rows.iter().enumerate();
        rows.filter(|(place, _)| !timeline.has_parts(*place)).map(|(_, row)| row)
    };
    let swatch =
        |inside: Markup| html! { svg width="22" height="12" aria-hidden="true" { (inside) } };
    let bar =
        |class: &str| swatch(html! { rect class=(class) y="2" width="22" height="9" rx="2" {} });
    html! {
        ul.legend {
            @if bars().any(|row| row.whom.is_elsewhere()) {
                li { (bar("elsewhere")) " waits for somebody else" }
            }
            @if bars().any(|row| row.answers > 0 && row.end == End::Done) {
                li {
                    (swatch(html! { circle.answer cx="11" cy="6" r="4.5" {} }))
                    " the answer came"
                }
            }
            @if bars().any(|row| row.end != End::Done) {
                li {
                    (swatch(html! { text.silence x="11" y="6" { "×" } }))
                    " no answer, or cut off"
                }
            }
            @if bars().any(|row| !row.whom.is_elsewhere()) {
                li { (bar("here")) " this computer itself" }
            }
            @if timeline.rows.iter().any(|row| row.asked_us < row.began_us) {
                li {
                    (swatch(html! { line.waits x1="0" x2="22" y1="6" y2="6" {} }))
                    " waits for an earlier step"
                }
            }
        }
    }
}

fn table(timeline: &Timeline, place: Place) -> Markup {
    let name = match place {
        Place { alone: true, .. } => "What ran when, in numbers".to_owned(),
        Place { number, .. } => format!("What ran when at target {number}, in numbers"),
    };
    html! {
        div.wide role="region" aria-label=(name) tabindex="0" {
            table {
                caption.unseen { "What ran when, in numbers" }
                thead {
                    tr {
                        th scope="col" { "Step" }
                        th scope="col" { "Waited for" }
                        th.number scope="col" { "Began at" }
                        th.number scope="col" { "Took" }
                        th.number scope="col" { "Answers" }
                    }
                }
                tbody {
                    @for row in &timeline.rows {
                        tr {
                            th scope="row" class=(format!("depth-{}", row.depth.min(3))) {
                                (row.label)
                            }
                            td { (row.whom.words()) }
                            td.number { (time(row.began_us)) }
                            td.number { (took(row)) }
                            td.number { @if row.answers > 0 { (row.answers) } @else { "–" } }
                        }
                    }
                }
            }
        }
    }
}
