//! The page of a report in a real browser: it opens with no network and no complaint, fits narrow
//! and wide windows, can be read in light, dark and on paper, by keyboard and by screen readers.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[path = "browser/devtools.rs"]
mod devtools;
mod reports;
mod tools;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use devtools::Browser;
use serde_json::{Value, json};
use ssh_preflight::render::html;
use tools::skip;

/// Pages that differ in what they show, in a folder: ready, not ready, through a jump host, stalled,
/// hop by hop, and several targets.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let names =
        ["akeneo_ready", "akeneo_key_not_accepted", "through-a-jump-host", "stalled-after-banner"];
    let all: Vec<_> = names.into_iter().map(reports::of).chain([reports::followed()]).collect();
    let alone = all.iter().map(|report| html::render(std::slice::from_ref(report)));
    let pages: Vec<_> = alone.chain([html::render(&all)]).collect();
    let write = |(number, page): (usize, &String)| {
        let file = folder.join(format!("{number}.html"));
        std::fs::write(&file, page).unwrap();
        file
    };
    pages.iter().enumerate().map(write).collect()
}

#[test]
fn the_page_in_a_browser() {
    let Some(program) = devtools::program() else {
        return skip("the_page_in_a_browser", "chromium-headless-shell is not installed");
    };
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(program);
    the_browser_tells_what_is_wrong(&mut browser, folder.path());
    for page in pages(folder.path()) {
        loads_nothing(&mut browser, &page);
        fits(&mut browser);
        has_contrast(&mut browser);
        is_whole_on_paper(&mut browser);
        can_be_heard(&mut browser);
        obeys_the_keyboard(&mut browser);
    }
}

/// Without this, silence would prove nothing.
fn the_browser_tells_what_is_wrong(browser: &mut Browser, folder: &Path) {
    let file = folder.join("wrong.html");
    let policy = "default-src 'none'";
    let body = "<p style='width:2000px;color:#888;background:#999'>x</p>\
        <img src='http://example.invalid/a.png'><script>console.error(1)</script>";
    let open = |browser: &mut Browser, head: &str| {
        let page = format!("<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>");
        std::fs::write(&file, page).unwrap();
        browser.open(&file)
    };
    browser.width(1280);
    let opened = open(browser, "");
    assert!(opened.requests.iter().any(|url| url.contains("example.invalid")), "{opened:?}");
    assert!(opened.complaints.iter().any(|said| said.contains("stackTrace")), "{opened:?}");
    assert!(opened.complaints.iter().any(|said| said.contains("ERR_NAME")), "{opened:?}");
    let layout = browser.evaluate(include_str!("browser/layout.js"));
    assert!(layout["overflow"].as_i64().unwrap() > 0 && layout["beyond"] != json!([]), "{layout}");
    let contrast = browser.evaluate(include_str!("browser/contrast.js"));
    assert_ne!(contrast["failing"], json!([]), "{contrast}");
    let policy = format!("<meta http-equiv='Content-Security-Policy' content=\"{policy}\">");
    let opened = open(browser, &policy);
    assert!(opened.complaints.iter().any(|said| said.contains("img-src")), "{opened:?}");
}

fn loads_nothing(browser: &mut Browser, page: &Path) {
    browser.medium("screen", "light");
    let opened = browser.open(page);
    assert_eq!(opened.requests, Vec::<String>::new());
    assert_eq!(opened.complaints, Vec::<String>::new());
    // The style sheet is the one that the policy allows, so it is in force.
    let background = browser.evaluate("getComputedStyle(document.body).backgroundColor");
    assert_eq!(background, "rgb(250, 249, 247)");
    // And nothing else would be.
    let spoilt = "(() => { const s = document.createElement('style'); s.textContent = \
        'body { background: red }'; document.head.append(s); \
        return getComputedStyle(document.body).backgroundColor; })()";
    assert_eq!(browser.evaluate(spoilt), "rgb(250, 249, 247)");
    for needed in ["title", "main", "h1", ".do", ".checks li", "figure svg title", "footer"] {
        let found = browser.evaluate(&format!("!!document.querySelector('{needed}')"));
        assert_eq!(found, true, "{needed}");
    }
}

fn fits(browser: &mut Browser) {
    for width in [360, 768, 1280] {
        browser.width(width);
        let layout = browser.evaluate(include_str!("browser/layout.js"));
        assert_eq!(layout, json!({ "overflow": 0, "beyond": [] }), "{width} pixels");
    }
}

fn has_contrast(browser: &mut Browser) {
    for (medium, scheme) in [("screen", "light"), ("screen", "dark"), ("print", "dark")] {
        browser.medium(medium, scheme);
        let contrast = browser.evaluate(include_str!("browser/contrast.js"));
        assert!(contrast["looked"].as_u64().unwrap() > 50, "{contrast}");
        assert_eq!(contrast["failing"], json!([]), "{medium} {scheme}");
    }
}

/// What is closed on a screen is there on paper, and black on white.
fn is_whole_on_paper(browser: &mut Browser) {
    let seen = "(() => { const all = [...document.querySelectorAll('details > :not(summary)')]; \
        document.querySelectorAll('details').forEach(d => { d.open = false; }); \
        return [all.length, all.filter(e => e.checkVisibility()).length]; })()";
    browser.medium("screen", "dark");
    let on_screen = browser.evaluate(seen);
    assert!(on_screen[0].as_u64().unwrap() > 0 && on_screen[1] == 0, "{on_screen}");
    browser.medium("print", "dark");
    let on_paper = browser.evaluate(seen);
    assert_eq!(on_paper[0], on_paper[1]);
    let colours = "[getComputedStyle(document.body).color, \
        getComputedStyle(document.body).backgroundColor]";
    assert_eq!(browser.evaluate(colours), json!(["rgb(0, 0, 0)", "rgb(255, 255, 255)"]));
    browser.medium("screen", "light");
}

/// What a screen reader is given.
fn can_be_heard(browser: &mut Browser) {
    browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })");
    let tree = browser.ask("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let nodes: Vec<_> = nodes.iter().filter(|node| node["ignored"] == false).collect();
    let role = |node: &Value| node["role"]["value"].as_str().unwrap_or_default().to_owned();
    let name = |node: &Value| node["name"]["value"].as_str().unwrap_or_default().to_owned();
    for landmark in ["main", "banner", "navigation", "contentinfo", "article"] {
        assert!(nodes.iter().any(|node| role(node) == landmark), "{landmark}");
    }
    for node in &nodes {
        let needs_name = [
            "image",
            "link",
            "heading",
            "region",
            "navigation",
            "table",
            "article",
            "columnheader",
        ];
        assert!(!needs_name.contains(&role(node).as_str()) || !name(node).is_empty(), "{node}");
    }
    let drawing = nodes.iter().find(|node| role(node) == "image").unwrap();
    assert!(drawing["description"]["value"].as_str().unwrap().contains("All of it took"));
    // The levels of the headings leave none out.
    let level = |node: &Value| {
        let properties = node["properties"].as_array().unwrap();
        let level = properties.iter().find(|p| p["name"] == "level").unwrap();
        level["value"]["value"].as_u64().unwrap()
    };
    let levels: Vec<_> =
        nodes.iter().filter(|node| role(node) == "heading").map(|node| level(node)).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{levels:?}");
    assert!(levels[0] == 1 && levels.windows(2).all(|two| two[1] <= two[0] + 1), "{levels:?}");
    // A status is said, not only coloured.
    let said = nodes
        .iter()
        .any(|node| ["passed", "warning", "failed", "skipped"].contains(&name(node).as_str()));
    assert!(said);
}

fn obeys_the_keyboard(browser: &mut Browser) {
    browser.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    browser.press("Tab", 9);
    let focus = "(() => { const e = document.activeElement, r = e.getBoundingClientRect(); \
        return [e.className, r.top >= 0, getComputedStyle(e).outlineStyle !== 'none']; })()";
    assert_eq!(browser.evaluate(focus), json!(["skip-link", true, true]));
    browser.press("Enter", 13);
    assert_eq!(browser.evaluate("location.hash + document.activeElement.tagName"), "#resultMAIN");
    let summary = "document.querySelector('summary')";
    browser.evaluate(&format!("{summary}.parentElement.open = false; {summary}.focus()"));
    browser.press("Enter", 13);
    assert_eq!(browser.evaluate(&format!("{summary}.parentElement.open")), true);
}

/// Another reader of HTML, with another opinion on it.
#[test]
fn tidy_has_nothing_to_say() {
    if Command::new("tidy").arg("-version").output().is_err() {
        return skip("tidy_has_nothing_to_say", "tidy is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let tidy = |file: &Path| {
        let said = Command::new("tidy").args(["-errors", "-quiet"]).arg(file).output().unwrap();
        String::from_utf8(said.stderr).unwrap()
    };
    for page in pages(folder.path()) {
        assert_eq!(tidy(&page), "", "{}", page.display());
    }
    let wrong = folder.path().join("wrong.html");
    std::fs::write(&wrong, "<!DOCTYPE html><title>x</title><p></div>").unwrap();
    assert_ne!(tidy(&wrong), "");
}
