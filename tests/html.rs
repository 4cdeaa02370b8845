//! The report as a page, read by a parser that we did not write; and the timeline on a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod reports;

use std::{collections::BTreeSet, sync::LazyLock};

use checks::{report::Report, text::is_obeyed};
use proptest::prelude::*;
use scraper::{ElementRef, Html, Selector};
use serde_json::{Value, json};
use ssh_preflight::render::{html, look::Look, timeline::Timeline, waterfall};
use unicode_width::UnicodeWidthStr;

/// What a page may be made of. There is nothing here that runs, loads or sends.
const ELEMENTS: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "header",
    "nav",
    "main",
    "footer",
    "article",
    "section",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "pre",
    "code",
    "strong",
    "span",
    "div",
    "details",
    "summary",
    "figure",
    "figcaption",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "svg",
    "desc",
    "g",
    "line",
    "text",
    "rect",
    "circle",
];
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "href",
    "id",
    "tabindex",
    "role",
    "aria-label",
    "aria-labelledby",
    "aria-hidden",
    "open",
    "scope",
    "width",
    "height",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
];

fn select<'h>(page: &'h Html, selector: &str) -> Vec<ElementRef<'h>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn words(element: ElementRef<'_>) -> String {
    element.text().collect()
}

/// Reads a page, and holds it to what every page must be.
fn read(page: &str) -> Html {
    let read = Html::parse_document(page);
    assert_eq!(read.errors, Vec::<String>::new(), "{page}");
    for element in select(&read, "*") {
        let name = element.value().name();
        assert!(ELEMENTS.contains(&name), "<{name}>");
        for (attribute, value) in element.value().attrs() {
            assert!(ATTRIBUTES.contains(&attribute), "<{name} {attribute}>");
            let stays = value.starts_with('#') || value.starts_with(env!("CARGO_PKG_REPOSITORY"));
            assert!(attribute != "href" || stays, "{value}");
        }
    }
    let obeyed = page.chars().find(|c| is_obeyed(*c) && *c != '\n');
    assert_eq!(obeyed, None);
    let ids: Vec<_> = select(&read, "[id]").iter().map(|e| e.value().id().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    for element in select(&read, "[aria-labelledby], a[href^='#']") {
        let value = element.value();
        let to = value.attr("aria-labelledby").or_else(|| value.attr("href")).unwrap();
        assert!(ids.contains(&to.trim_start_matches('#')), "{to}");
    }
    read
}

/// A page as it is compared: an element on each line, and without what is the same in all.
fn laid_out(page: &str) -> String {
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let (_, hash) = before.split_once("'sha256-").unwrap();
    let (hash, _) = hash.split_once('\'').unwrap();
    let page = format!("{before}{after}").replace(hash, "HASH");
    page.replace(concat!("ssh-preflight ", env!("CARGO_PKG_VERSION")), "ssh-preflight VERSION")
        .replace("><", ">\n<")
}

#[test]
fn the_reader_sees_what_is_wrong() {
    let page = html::render(&[reports::of("akeneo_ready")]);
    read(&page);
    for (from, to) in [
        ("<main", "<script>1</script><main"),
        ("<main", "<main onclick=\"1\""),
        ("</main>", "</p></main>"),
        ("Ready", "Re\u{202e}ady"),
        ("href=\"#checks\"", "href=\"http://example.invalid/\""),
        ("href=\"#checks\"", "href=\"#nowhere\""),
        ("id=\"checks\"", "id=\"timeline\""),
    ] {
        let spoilt = page.replacen(from, to, 1);
        assert!(spoilt != page && std::panic::catch_unwind(|| read(&spoilt)).is_err(), "{to}");
    }
}

#[test]
fn pages_of_recorded_cases() {
    for name in reports::CASES {
        let page = html::render(&[reports::of(name)]);
        read(&page);
        insta::assert_snapshot!(format!("page-{name}"), laid_out(&page));
    }
    let page = html::render(&[reports::followed()]);
    read(&page);
    insta::assert_snapshot!("page-followed", laid_out(&page));
}

/// Each fifth of them, so that it stays a matter of seconds.
#[test]
fn recorded_cases_make_pages_and_sound_timelines() {
    let names = reports::names();
    assert!(names.len() > 100, "{names:?}");
    for name in names.iter().step_by(5) {
        let report = reports::of(name);
        is_whole(&read(&html::render(std::slice::from_ref(&report))), &report);
        is_sound(&Timeline::of(&report), &report);
    }
}

fn is_whole(page: &Html, report: &Report) {
    let headline = words(select(page, "h1")[0]);
    match &report.diagnosis {
        None => {
            let told = headline.contains("Ready: ") || report.case.plan.access.sftp().is_some();
            assert!(told, "{headline}");
        }
        Some(diagnosis) => {
            assert!(headline.contains(diagnosis.id.title()), "{headline}");
            let steps = select(page, ".do > ol > li").len();
            assert_eq!(steps, diagnosis.next_steps.len());
            let commands = diagnosis.next_steps.iter().filter(|s| s.command.is_some()).count();
            assert_eq!(select(page, ".do .command").len(), commands);
            let lines = diagnosis.next_steps.iter().filter(|s| s.paste.is_some()).count();
            assert_eq!(select(page, ".do .paste").len(), lines);
        }
    }
    assert_eq!(select(page, ".checks > li").len(), report.checks.len());
    assert_eq!(select(page, "svg[role=img] > title").len(), 1);
    assert_eq!(select(page, "svg[role=img] > desc").len(), 1);
}

/// Rows lie within the whole, parts within their row, and nothing counts that was not seen.
fn is_sound(timeline: &Timeline, report: &Report) {
    let mut parents: Vec<(usize, u64, u64)> = Vec::new();
    for row in &timeline.rows {
        assert!(row.asked_us <= row.began_us && row.began_us <= row.ended_us, "{row:?}");
        assert!(row.ended_us <= timeline.end_us);
        parents.retain(|(depth, ..)| *depth < row.depth);
        if let Some((_, asked, ended)) = parents.last() {
            assert!(*asked <= row.asked_us && row.ended_us <= *ended + 999, "{row:?}");
        }
        parents.push((row.depth, row.asked_us, row.ended_us));
    }
    let asked = report.case.queries().map_or(0, |queries| queries.offers.len() + 1);
    // Connection, name, host key; then the keys, and a login with two commands.
    let login = if report.case.login().is_some() { 3 } else { 0 };
    assert!(timeline.round_trips <= 3 + login + asked as u64);
    let talked = report.case.handshake().is_some_and(|seen| seen.received > 0);
    assert!(talked || timeline.round_trips <= 1);
}

#[test]
fn several_targets_have_an_overview_that_leads_to_each() {
    let all: Vec<Report> = reports::CASES.iter().map(|name| reports::of(name)).collect();
    let page = read(&html::render(&all));
    assert_eq!(words(select(&page, "h1")[0]), "4 of 9 targets are ready.");
    assert_eq!(select(&page, ".overview tbody a").len(), all.len());
    assert_eq!(select(&page, "main > article h2").len(), all.len());
    read(&html::render(&[]));
}

/// Every place of a recording at which any text may stand.
fn free_texts(case: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        let step = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::String(_) => found.push(path.to_owned()),
            Value::Array(all) => {
                all.iter().enumerate().for_each(|(n, v)| walk(v, &step(&n.to_string()), found));
            }
            Value::Object(all) => all.iter().for_each(|(key, v)| walk(v, &step(key), found)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(case, "", &mut all);
    all.retain(|place| {
        let mut changed = case.clone();
        *changed.pointer_mut(place).unwrap() = "<x".into();
        serde_json::from_value::<checks::case::Case>(changed).is_ok()
    });
    all
}

/// Recordings, each with these places.
static RECORDINGS: LazyLock<Vec<(Value, Vec<String>)>> = LazyLock::new(|| {
    let names = ["akeneo_key_not_accepted", "through-a-jump-host", "relay", "http-server"];
    let read = |name: &str| -> (Value, Vec<String>) {
        let case = serde_json::from_str(&reports::recording(name)).unwrap();
        let places = free_texts(&case);
        assert!(places.len() > 10, "{places:?}");
        (case, places)
    };
    names.into_iter().map(read).collect()
});

fn hostile() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "</title><script>alert(1)</script>",
        "</style><style>@import 'http://example.invalid/'",
        "\"onmouseover=\"alert(1)",
        "' onfocus='alert(1)",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "</pre></code></text></svg></details></main>",
        "]]>",
        "<!--",
        "-->",
        "<![CDATA[",
        "&lt;script&gt;",
        "&#x3c;script>",
        "&notit;",
        "javascript:alert(1)",
        "\u{202e}gnp.exe",
        "\u{2066}\u{200f}",
        "\u{feff}\u{fffe}\u{fdd0}",
        "\u{0}\u{1b}[2J\r\n\u{85}\u{2028}",
        "{{7*7}}${7*7}",
        "`",
        "=",
    ]);
    let any = prop_oneof![nasty.prop_map(str::to_owned), any::<char>().prop_map(String::from)];
    prop::collection::vec(any, 1..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whatever a server, a file or a name says is shown, and does nothing.
    #[test]
    fn hostile_text_is_only_text(text in hostile(), which in 0..4usize) {
        let (mut case, places) = RECORDINGS[which].clone();
        for place in places {
            *case.pointer_mut(&place).unwrap() = text.clone().into();
        }
        let case: checks::case::Case = serde_json::from_value(case).unwrap();
        let input = checks::text::foreign(&case.plan.input).plain();
        let report = reports::judge(case);
        let page = read(&html::render(std::slice::from_ref(&report)));
        let shown = words(select(&page, ".target")[0]);
        // What HTML does not allow at all is shown as an escape too.
        let noncharacter = |c: char| matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff) || ('\u{fdd0}'..='\u{fdef}').contains(&c);
        if !input.contains(noncharacter) {
            prop_assert_eq!(shown, input);
        }
        let details: usize = report.checks.iter().map(|c| c.finding.details.len()).sum();
        prop_assert_eq!(select(&page, ".behind > ul > li").len(), details);

        let look = Look { width: 60, color: false, unicode: true, quiet: false, verbose: true };
        let drawn = waterfall::render(&Timeline::of(&report), &look);
        prop_assert!(!drawn.contains(|c| is_obeyed(c) && c != '\n'));
        let too_wide = drawn.lines().find(|line| line.width() > 60);
        prop_assert_eq!(too_wide, None);
    }
}

/// Whoever adds a fact to the evidence adds its row.
#[test]
fn every_fact_has_its_row() {
    let recorded = reports::of("akeneo_ready").case;
    let nothing = checks::case::Case::unobserved(recorded.plan, recorded.started_at);
    let nothing = serde_json::to_value(nothing).unwrap();
    let facts = nothing.as_object().unwrap().iter().filter(|(_, value)| value.is_null());
    // A log is read, not waited for.
    let facts: Vec<_> = facts.map(|(name, _)| name).filter(|name| *name != "log").collect();
    assert!(facts.len() > 15, "{facts:?}");
    for name in facts {
        let mut case = nothing.clone();
        case[name] = json!({ "started_ms": 5, "duration_ms": 7, "seen": { "Err": "out-of-time" } });
        let report = Report::of(serde_json::from_value(case).unwrap(), Vec::new(), 0);
        let rows = Timeline::of(&report).rows;
        assert!(matches!(&*rows, [row] if row.ended_us == 12_000), "{name}: {rows:?}");
    }
}

#[test]
fn the_timeline_on_a_terminal() {
    let look = Look { width: 90, color: false, unicode: true, quiet: false, verbose: true };
    for name in reports::CASES {
        let timeline = Timeline::of(&reports::of(name));
        insta::assert_snapshot!(format!("timeline-{name}"), waterfall::render(&timeline, &look));
    }
    let timeline = Timeline::of(&reports::of("stalled-after-banner"));
    let narrow = Look { width: 42, unicode: false, ..look };
    let drawn = waterfall::render(&timeline, &narrow);
    assert!(drawn.is_ascii());
    insta::assert_snapshot!("timeline-narrow", drawn);
    let coloured = waterfall::render(&timeline, &Look { color: true, ..look });
    assert!(coloured.contains('\x1b') && !waterfall::render(&timeline, &look).contains('\x1b'));
}

/// The drawing of the documentation is what the program prints. `PREFLIGHT_UPDATE_README=1` draws it.
#[test]
fn the_documentation_shows_a_real_timeline() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/html.md");
    let written = std::fs::read_to_string(page).unwrap();
    let (before, rest) =
        written.split_once("<!-- timeline:second-key-accepted -->\n```text\n").unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    let look = Look { width: 80, color: false, unicode: true, quiet: false, verbose: true };
    let timeline = waterfall::render(&Timeline::of(&reports::of("second-key-accepted")), &look);
    let start = "<!-- timeline:second-key-accepted -->\n```text\n";
    let drawn = format!("{before}{start}{timeline}```\n{after}");
    if std::env::var_os("PREFLIGHT_UPDATE_README").is_some() {
        std::fs::write(page, &drawn).unwrap();
    }
    assert_eq!(written, drawn);
}

#[test]
fn the_ending_of_a_file_chooses_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let case = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/akeneo_ready.json");
    let mut program = assert_cmd::Command::cargo_bin("ssh-preflight").unwrap();
    program.args(["--replay", case, "--format", "html"]);
    let files = ["report.html", "REPORT.HTM"].map(|name| folder.path().join(name));
    files.iter().for_each(|file| {
        program.arg("--output").arg(file);
    });
    let said = program.output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let page = String::from_utf8(said.stdout).unwrap();
    assert_eq!(page, html::render(&[reports::of("akeneo_ready")]));
    files.iter().for_each(|file| assert_eq!(std::fs::read_to_string(file).unwrap(), page));
    let mut catalogue = assert_cmd::Command::cargo_bin("ssh-preflight").unwrap();
    let refused = catalogue.args(["catalogue", "--format", "html"]).output().unwrap();
    assert_eq!((refused.status.code(), refused.stdout), (Some(2), Vec::new()));
}

#[test]
fn no_line_of_the_timeline_is_wider_than_the_terminal() {
    for name in reports::CASES {
        let timeline = Timeline::of(&reports::of(name));
        for width in 40..=100 {
            let look = Look { width, color: false, unicode: true, quiet: false, verbose: true };
            let drawn = waterfall::render(&timeline, &look);
            assert_eq!(drawn.lines().find(|line| line.width() > width), None, "{name}");
        }
    }
}
