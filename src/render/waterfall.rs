//! The timeline on a terminal: a line for each row.

use checks::finding::Status;
use colored::Colorize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    look::Look,
    timeline::{End, Row, Timeline, time},
};

/// Columns before a row, and between its columns.
const GAP: usize = 2;
/// Columns of a length of time: `999.9 ms`.
const TIME: usize = 8;

/// The timeline, ending in a line break; nothing where there is none.
#[must_use]
pub fn render(timeline: &Timeline, look: &Look) -> String {
    if timeline.rows.is_empty() {
        return String::new();
    }
    let label = |row: &Row| GAP * row.depth + row.label.width();
    let widest = timeline.rows.iter().map(label).max().unwrap_or(0);
    let labels = widest.min(look.width * 2 / 5);
    let bars = look.width.saturating_sub(3 * GAP + labels + TIME).max(8);
    let marks = if look.unicode { UNICODE } else { ASCII };
    let mut out = String::new();
    let mut line = |words: &str| {
        out.push_str(look.letters(words).trim_end());
        out.push('\n');
    };
    let until = time(timeline.end_us);
    let scale = bars.saturating_sub(1);
    let title = "What ran when";
    let before = GAP + labels + GAP + TIME + GAP - title.width().min(GAP + labels + GAP + TIME);
    let title = look.paint(title, |t| t.bold());
    line(&format!("{title}{}0{until:>scale$}", " ".repeat(before)));
    for (place, row) in timeline.rows.iter().enumerate() {
        let label = fit(&format!("{}{}", "  ".repeat(row.depth), row.label), labels);
        let bar = bar(row, timeline, place, bars, &marks, look);
        line(&format!("  {label}  {:>TIME$}  {bar}", time(row.took_us())));
    }
    line("");
    for wrapped in textwrap::wrap(&timeline.summary(), look.width) {
        line(&wrapped);
    }
    // A mark and its meaning stay together.
    for wrapped in textwrap::wrap(&legend(timeline, &marks), look.width) {
        line(&wrapped.replace(TOGETHER, " "));
    }
    out
}

/// A space at which no line breaks.
const TOGETHER: &str = "\u{a0}";

/// What a bar is drawn with.
struct Marks {
    elsewhere: char,
    here: char,
    whole: char,
    waits: char,
    silence: char,
}

const UNICODE: Marks =
    Marks { elsewhere: '█', here: '▒', whole: '─', waits: '·', silence: '×' };
const ASCII: Marks = Marks { elsewhere: '#', here: '=', whole: '-', waits: '.', silence: 'x' };

fn bar(
    row: &Row,
    timeline: &Timeline,
    place: usize,
    columns: usize,
    marks: &Marks,
    look: &Look,
) -> String {
    let column = |us: u64| {
        let at = u128::from(us) * columns as u128 / u128::from(timeline.end_us.max(1));
        usize::try_from(at).unwrap_or(columns).min(columns - 1)
    };
    let (asked, first) = (column(row.asked_us), column(row.began_us));
    // What ends at the begin of a column does not fill it.
    let last = column(row.ended_us.saturating_sub(1)).max(first);
    let waits = String::from(marks.waits).repeat(first - asked.min(first));
    let length = last - first + 1;
    let mark = match (timeline.has_parts(place), row.whom.is_elsewhere()) {
        (true, _) => marks.whole,
        (false, true) => marks.elsewhere,
        (false, false) => marks.here,
    };
    let unfinished = row.end != End::Done && mark != marks.whole;
    let filled = String::from(mark).repeat(length - usize::from(unfinished));
    let filled =
        look.paint(&filled, |t| if mark == marks.elsewhere { t.cyan() } else { t.normal() });
    let end = if unfinished {
        look.status(Status::Fail, &marks.silence.to_string())
    } else {
        String::new()
    };
    format!("{}{}{filled}{end}", " ".repeat(asked), look.paint(&waits, |t| t.dimmed()))
}

/// What the marks mean, of those that are there.
fn legend(timeline: &Timeline, marks: &Marks) -> String {
    let bars = || {
        let whole = |(place, _): &(usize, &Row)| !timeline.has_parts(*place);
        timeline.rows.iter().enumerate().filter(whole).map(|(_, row)| row)
    };
    let all = [
        (marks.elsewhere, "waits for somebody else", bars().any(|row| row.whom.is_elsewhere())),
        (marks.here, "this computer itself", bars().any(|row| !row.whom.is_elsewhere())),
        (
            marks.waits,
            "waits for an earlier line",
            timeline.rows.iter().any(|row| row.asked_us < row.began_us),
        ),
        (marks.silence, "no answer, or cut off", bars().any(|row| row.end != End::Done)),
    ];
    let there = all.iter().filter(|(_, _, there)| *there);
    let there = there.map(|(mark, words, _)| format!("{mark} {words}").replace(' ', TOGETHER));
    there.collect::<Vec<_>>().join("   ")
}

/// A label in exactly so many columns.
fn fit(label: &str, columns: usize) -> String {
    let gap = |width: usize| " ".repeat(columns.saturating_sub(width));
    if label.width() <= columns {
        return format!("{label}{}", gap(label.width()));
    }
    let mut kept = String::new();
    for letter in label.chars() {
        if kept.width() + letter.width().unwrap_or(0) + 1 > columns {
            break;
        }
        kept.push(letter);
    }
    kept.push('…');
    let width = kept.width();
    format!("{kept}{}", gap(width))
}
