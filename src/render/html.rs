//! The report as one HTML page that needs nothing but itself: no script, no font, no picture and no
//! style from elsewhere. A Content-Security-Policy forbids them even if a defect let one in.
//!
//! maud escapes whatever is put into it. Foreign text is made printable before, as for a terminal.

mod checks_list;
mod diagnosis;
mod glance;
mod timeline;
mod way;

use ::checks::{
    finding::Status,
    report::{Report, Verdict},
    text::is_obeyed,
    together::Pair,
};
use base64ct::{Base64, Encoding};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::{
    look::Look,
    words::{self, Words},
};

/// The one style sheet.
const STYLE: &str = include_str!("html/style.css");

/// The reports as one page, ending in a line break.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let top = match reports {
        [one] => contents(one),
        many => overview(many),
    };
    let main = html! {
        @for (number, report) in (1..).zip(reports) {
            (article(report, Place::of(number, reports.len())))
        }
    };
    document(&title(reports), &top, &main)
}

/// A pair as one page: the one cause or the commands, then what was seen of each part.
#[must_use]
pub fn render_pair(pair: Pair<'_>) -> String {
    let Some(part) = pair.part() else { return String::new() };
    let (named, of) = (super::pair::Words::of(part), pair.decisive());
    let (words, place) = (Words::of(of), Place::of(1, 1));
    let headline = super::pair::headline(pair);
    let (_, status) = words::verdict(pair.verdict());
    let heading = |report: &Report| named.heading(report.case.role()).plain();
    let top = html! {
        nav aria-label="Parts of this page" {
            ul {
                @for (number, report) in (2..).zip(pair.reports()) {
                    li { a href=(format!("#{}", Place::of(number, 4).id("report"))) { (heading(report)) } }
                }
            }
        }
    };
    let main = html! {
        article.report id="report" aria-labelledby="verdict" {
            header.verdict {
                p.target { code { (named.subject().plain()) } }
                (place.heading(&html! { (mark(status)) span { (headline) } }))
            }
            @if pair.diagnosis().is_some() {
                (diagnosis::to_do(of, &words, place))
            } @else {
                section.do aria-labelledby="do" {
                    (place.section("do", "Do this"))
                    ol.steps {
                        @for hint in pair.commands() { li { (diagnosis::hint(&hint, &words)) } }
                    }
                }
            }
            (diagnosis::notes(&pair.reports().filter(|r| r.diagnosis.is_none()).collect::<Vec<_>>(), place))
            (diagnosis::why(of, &words, place))
        }
        @for (number, report) in (2..).zip(pair.reports()) {
            @let place = Place::of(number, 4);
            @let words = Words::of(report);
            article.report id=(place.id("report")) aria-labelledby=(place.id("verdict")) {
                header.verdict { h2.headline id=(place.id("verdict")) { (heading(report)) } }
                (checks_list::section(report, &words, place))
                (timeline::section(report, place))
                (way::section(report, place))
                (glance::section(report, place))
            }
        }
    };
    document(
        &format!("{} – {}", named.subject().plain(), headline.trim_end_matches('.')),
        &top,
        &main,
    )
}

fn document(title: &str, top: &Markup, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip-link href="#result" { "Skip to the result" }
                header.top {
                    p.brand { "ssh-preflight" }
                    (top)
                }
                main #result tabindex="-1" {
                    (main)
                }
                footer.bottom {
                    p {
                        "Made by ssh-preflight " (env!("CARGO_PKG_VERSION")) ". This page loads \
                         nothing and sends nothing. It names hosts, users, paths and public keys: \
                         look through it before you give it to others."
                    }
                }
            }
        }
    };
    inert(&page.into_string())
}

/// Only the style sheet of the page itself, and nothing else at all.
fn policy() -> String {
    let hash = Base64::encode_string(&Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// The last line of defence, for the page as a whole: no character is left that changes the look of
/// its neighbours, and none that HTML does not allow.
fn inert(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + 1);
    for letter in page.chars() {
        let noncharacter = matches!(letter, '\u{fdd0}'..='\u{fdef}')
            || matches!(u32::from(letter) & 0xffff, 0xfffe | 0xffff);
        if noncharacter || is_obeyed(letter) && letter != '\n' {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out.push('\n');
    out
}

/// What a tab of the browser shows, and what a saved or printed page is called.
fn title(reports: &[Report]) -> String {
    match reports {
        [one] => {
            let (headline, _) = Words::of(one).headline(one);
            format!("{} – {}", words::input(one), headline.trim_end_matches('.'))
        }
        many => format!("ssh-preflight: {}", counted(many)),
    }
}

/// How many are ready.
fn counted(reports: &[Report]) -> String {
    let ready = reports.iter().filter(|r| r.verdict == Verdict::Ready).count();
    match reports.len() {
        0 => "no target was examined".to_owned(),
        all if ready == all => format!("all {all} targets are ready"),
        all => format!("{ready} of {all} targets are ready"),
    }
}

/// Which of several reports it is.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    alone: bool,
}

impl Place {
    const fn of(number: usize, all: usize) -> Self {
        Self { number, alone: all == 1 }
    }

    /// A name that no other part of the page has.
    fn id(self, name: &str) -> String {
        if self.alone { name.to_owned() } else { format!("{name}-{}", self.number) }
    }

    /// The name of a part that stands alone in the page. With several reports there would be several
    /// of the same name, which is no help to whoever jumps from one to the next by ear.
    fn landmark(self, name: &str) -> Option<String> {
        self.alone.then(|| self.id(name))
    }

    /// The heading of the report: the page's own where it stands alone.
    fn heading(self, words: &Markup) -> Markup {
        let id = self.id("verdict");
        html! {
            @if self.alone { h1.headline id=(id) { (words) } }
            @else { h2.headline id=(id) { (words) } }
        }
    }

    /// The heading of a section of the report.
    fn section(self, name: &str, words: &str) -> Markup {
        let id = self.id(name);
        html! {
            @if self.alone { h2 id=(id) { (words) } } @else { h3 id=(id) { (words) } }
        }
    }
}

/// The mark of a status, and the word for those who do not see it.
fn mark(status: Status) -> Markup {
    let sign = Look::file(false).symbol(status);
    html! { span class=(format!("mark {}", class(status))) aria-hidden="true" { (sign) } }
}

const fn class(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Warn => "warn",
        Status::Fail => "fail",
        Status::Skip => "skip",
    }
}

/// One report.
fn article(report: &Report, place: Place) -> Markup {
    let words = Words::of(report);
    let (headline, status) = words.headline(report);
    html! {
        article.report id=(place.id("report")) aria-labelledby=(place.id("verdict")) {
            header.verdict {
                p.target { code { (words::input(report)) } }
                (place.heading(&html! { (mark(status)) span { (headline) } }))
            }
            (diagnosis::to_do(report, &words, place))
            (diagnosis::why(report, &words, place))
            (checks_list::section(report, &words, place))
            (timeline::section(report, place))
            (way::section(report, place))
            (glance::section(report, place))
        }
    }
}

/// The way to the parts of a page about one target.
fn contents(report: &Report) -> Markup {
    let parts = [
        ("checks", "Checks", !report.checks.is_empty()),
        ("timeline", "What ran when", timeline::is_there(report)),
        ("way", "The way", way::is_there(report)),
        ("glance", "The target", true),
    ];
    html! {
        nav aria-label="Parts of this page" {
            ul {
                @for (id, words, _) in parts.iter().filter(|(_, _, there)| *there) {
                    li { a href=(format!("#{id}")) { (words) } }
                }
            }
        }
    }
}

/// All targets at one glance, the way to each.
fn overview(reports: &[Report]) -> Markup {
    let mut sentence = counted(reports);
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    html! {
        h1.headline { (sentence) "." }
        nav aria-label="Targets" {
            table.overview {
                caption.unseen { "Each target and its result" }
                thead { tr { th scope="col" { "Target" } th scope="col" { "Result" } } }
                tbody {
                    @for (number, report) in (1..).zip(reports) {
                        @let (headline, status) = Words::of(report).headline(report);
                        @let place = Place::of(number, reports.len());
                        tr {
                            th scope="row" {
                                a href=(format!("#{}", place.id("report"))) {
                                    (words::input(report))
                                }
                            }
                            td { (mark(status)) " " (headline) }
                        }
                    }
                }
            }
        }
    }
}
