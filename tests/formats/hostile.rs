//! Whatever a server sends, it is shown and not obeyed, in every form.

use std::sync::LazyLock;

use checks::{
    command,
    diagnosis::{Diagnosis, Id},
    finding::{Finding, Hint},
    report::{Report, Verdict},
    text,
    text::{address, foreign, host, key, path, user},
};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use quick_xml::events::Event as Xml;
use ssh_preflight::cli::Format;

use super::{forms, named, written};

/// What each form obeys, and some that none does.
const WEAPONS: [&str; 34] = [
    "]]>",
    "</testcase>",
    "</failure>",
    "<!--",
    "&lt;",
    "&#27;",
    "::error::",
    "\n::error::x",
    "\r::add-mask::x",
    "##[error]",
    "%0A::warning::",
    "| table |",
    "\\|",
    "`",
    "```",
    "~~~",
    "<script>alert(1)</script>",
    "<img src=x>",
    "@everyone",
    "![i](http://evil.example)",
    "[l](http://evil.example)",
    "http://evil.example",
    "\n\n# heading\n",
    "\n- item",
    "**bold**",
    "__x__",
    "\u{1b}[31m",
    "\u{7}",
    "\u{202e}",
    "\u{0}",
    "\u{fffe}",
    "{0}",
    "$(reboot)",
    "' \"",
];

fn report_saying(said: &str) -> Report {
    let mut report = named("akeneo_key_not_accepted").report.clone();
    report.case.plan.input = said.to_owned();
    let texts = || {
        text![
            "The server said ",
            foreign(said),
            ", ",
            user(said),
            "@",
            host(said),
            " (",
            path(said),
            ") ",
            key(said),
            " ",
            address(said),
            "."
        ]
    };
    let step = Hint::run(texts(), command!["ssh", foreign(said), path(said), host(said)]);
    let mut diagnosis = Diagnosis::new(Id::NotSsh).because(texts()).step(step.clone());
    diagnosis = diagnosis.ssh_says(texts());
    diagnosis.at = Some(text![host(said)]);
    report.verdict = Verdict::NotReady;
    report.diagnosis = Some(diagnosis);
    for (place, check) in report.checks.iter_mut().enumerate() {
        let finding = match place % 4 {
            0 => Finding::warn(texts()),
            1 => Finding::fail(texts()),
            2 => Finding::skip(texts()),
            _ => Finding::pass(texts()),
        };
        check.finding = finding.detail(texts()).hint(step.clone()).fact("banner", said);
    }
    report
}

/// The structure of a page: a hostile server must not lead to another one than an innocent one.
fn shape_of_markdown(page: &str) -> Vec<String> {
    let mut shape = Vec::new();
    let mut in_code = false;
    for event in Parser::new_ext(page, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML: {html}"),
            Event::Start(Tag::Image { .. }) => panic!("an image"),
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with(env!("CARGO_PKG_REPOSITORY")), "{dest_url}");
            }
            Event::Start(tag) => {
                shape.push(format!("{tag:?}").split(['(', ' ']).next().unwrap().to_owned())
            }
            // Mentions and bare links are made of text that is no code.
            Event::Text(text) if !in_code => {
                assert!(!text.contains("evil") && !text.contains("everyone"), "{text}");
            }
            _ => {}
        }
    }
    shape
}

fn shape_of_xml(document: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().check_end_names = true;
    let mut shape = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) | Xml::Empty(tag) => {
                shape.push(tag.name().as_ref().to_owned());
                let attributes = tag.attributes().map(|a| a.unwrap());
                shape.extend(attributes.map(|a| a.key.as_ref().to_owned()));
            }
            Xml::Comment(_) | Xml::PI(_) | Xml::CData(_) | Xml::DocType(_) => panic!("{document}"),
            Xml::Eof => return shape,
            _ => {}
        }
    }
}

/// What an innocent server leads to, in each form.
static INNOCENT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let report = [report_saying("harmless")];
    forms().iter().map(|format| written(*format, &report)).collect()
});

fn is_inert(said: &str) {
    let hostile = report_saying(said);
    for (format, plain) in forms().iter().zip(&*INNOCENT) {
        let page = written(*format, std::slice::from_ref(&hostile));
        let obeyed = page.chars().find(|c| *c != '\n' && checks::text::is_obeyed(*c));
        assert_eq!(obeyed, None, "{format:?} of {said:?}");
        match format {
            Format::Markdown => {
                assert_eq!(shape_of_markdown(&page), shape_of_markdown(plain), "{said:?}:\n{page}");
            }
            Format::Junit => {
                assert_eq!(shape_of_xml(&page), shape_of_xml(plain), "{said:?}:\n{page}");
            }
            Format::Github => {
                assert_eq!(page.lines().count(), plain.lines().count(), "{page}");
                assert!(page.lines().all(|line| line.starts_with("::")), "{page}");
                assert!(!page.contains("##["), "{page}");
            }
            Format::Sarif => {
                let log: serde_json::Value = serde_json::from_str(&page).unwrap();
                let said = log["runs"][0]["results"][0]["message"]["text"].as_str().unwrap();
                assert!(!said.replace("\\]", "").contains("]("), "{said}");
            }
            Format::Json => {
                let data: serde_json::Value = serde_json::from_str(&page).unwrap();
                assert_eq!(data["checks"][0]["evidence"]["banner"], said, "nothing is lost");
            }
            _ => {}
        }
    }
}

#[test]
fn each_weapon_alone() {
    for weapon in WEAPONS {
        is_inert(weapon);
        is_inert(&format!("a {weapon} b"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn weapons_in_any_mixture(parts in proptest::collection::vec(
        prop_oneof![
            3 => proptest::sample::select(&WEAPONS[..]).prop_map(str::to_owned),
            1 => "\\PC{0,4}",
            1 => any::<char>().prop_map(String::from),
        ], 1..6)
    ) {
        let said = parts.concat();
        prop_assume!(!said.trim().is_empty());
        is_inert(&said);
    }
}
