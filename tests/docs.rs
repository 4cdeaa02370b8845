//! The documentation is complete, and nothing in it is stale.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use checks::diagnosis::{Group, Id, in_order};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use strum::IntoEnumIterator;

/// The sections of a diagnosis page, in this order.
const SECTIONS: [&str; 4] =
    ["What you see", "How ssh-preflight knows", "What to do", "What looks alike"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Fails with all complaints at once, so that one run tells everything.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Names of the pages in a folder, without `.md`.
fn pages(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// Headings of a page: level and words.
fn headings(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                open = Some((level as usize, String::new()))
            }
            Event::End(TagEnd::Heading(_)) => found.extend(open.take()),
            Event::Text(words) | Event::Code(words) => {
                if let Some((_, heading)) = &mut open {
                    heading.push_str(&words);
                }
            }
            _ => {}
        }
    }
    found
}

/// Destinations of all links and images of a page.
fn links(markdown: &str) -> Vec<String> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(dest_url.into_string())
            }
            _ => None,
        })
        .collect()
}

/// The name that GitHub gives to a heading in a link.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Every Markdown file of the project.
fn markdown_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_diagnosis_has_its_page() {
    let mut complaints = Vec::new();
    let there = pages("docs/diagnoses");
    for id in Id::iter() {
        if !there.contains(&id.to_string()) {
            complaints.push(format!("docs/diagnoses/{id}.md is missing"));
            continue;
        }
        let page = read(format!("docs/diagnoses/{id}.md"));
        let headings = headings(&page);
        if headings.first() != Some(&(1, id.title().to_owned())) {
            complaints
                .push(format!("docs/diagnoses/{id}.md does not begin with: # {}", id.title()));
        }
        let sections: Vec<_> =
            headings.iter().filter(|(level, _)| *level == 2).map(|(_, words)| words).collect();
        if sections != SECTIONS {
            complaints.push(format!("docs/diagnoses/{id}.md has the sections {sections:?}"));
        }
    }
    none(&complaints);
}

/// The page of failure modes leads to every diagnosis, and to none that there is not.
#[test]
fn the_failure_modes_lead_to_every_diagnosis() {
    let page = read("docs/failure-modes.md");
    let named: BTreeSet<_> = links(&page)
        .into_iter()
        .filter_map(|link| Some(link.strip_prefix("diagnoses/")?.strip_suffix(".md")?.to_owned()))
        .collect();
    let ids: BTreeSet<_> = Id::iter().map(|id| id.to_string()).collect();
    let mut complaints = Vec::new();
    complaints.extend(ids.difference(&named).map(|id| format!("{id} is missing")));
    complaints.extend(named.difference(&ids).map(|id| format!("{id} is no diagnosis")));
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let empty = rows.filter(|row| row.split('|').nth(2).is_none_or(|cell| cell.trim().is_empty()));
    complaints.extend(empty.map(|row| format!("nothing is said: {row}")));
    none(&complaints);
}

#[test]
fn no_diagnosis_page_without_a_diagnosis() {
    let ids: BTreeSet<_> = Id::iter().map(|id| id.to_string()).collect();
    let stale: Vec<_> = pages("docs/diagnoses").difference(&ids).cloned().collect();
    none(&stale);
}

/// The list is the one of the program. `PREFLIGHT_UPDATE_README=1` writes it.
#[test]
fn the_list_of_diagnoses_is_the_one_of_the_program() {
    const HEADING: &str = "## Diagnoses\n";
    let written = read("docs/README.md");
    let (before, _) = written.split_once(HEADING).expect("docs/README.md lists the diagnoses");
    let mut made = format!("{before}{HEADING}");
    for group in Group::iter() {
        made.push_str(&format!("\n### {}\n\n", group.title()));
        for id in in_order(group) {
            made.push_str(&format!("- [{id}](diagnoses/{id}.md): {}\n", id.title()));
        }
    }
    if made != written && std::env::var_os("PREFLIGHT_UPDATE_README").is_some() {
        fs::write(root().join("docs/README.md"), &made).unwrap();
    }
    assert_eq!(written, made);
}

#[test]
fn every_check_has_its_page_and_every_page_its_check() {
    let ids: BTreeSet<_> = checks::CHECKS.iter().map(|row| row.about.id.to_owned()).collect();
    assert_eq!(pages("docs/checks"), ids);
    let mut complaints = Vec::new();
    for row in checks::CHECKS {
        let page = read(format!("docs/checks/{}.md", row.about.id));
        if headings(&page).first() != Some(&(1, row.about.title.to_owned())) {
            complaints.push(format!(
                "docs/checks/{}.md does not begin with: # {}",
                row.about.id, row.about.title
            ));
        }
    }
    none(&complaints);
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut complaints = Vec::new();
    for file in markdown_files() {
        let page = fs::read_to_string(&file).unwrap();
        for link in links(&page) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let goal =
                if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            let complaint = if !goal.exists() {
                "no such file"
            } else if fragment.is_empty() || goal.extension().is_none_or(|e| e != "md") {
                continue;
            } else {
                let words = fs::read_to_string(&goal).unwrap();
                if headings(&words).iter().any(|(_, heading)| anchor(heading) == fragment) {
                    continue;
                }
                "no such heading"
            };
            complaints.push(format!("{}: {link}: {complaint}", file.display()));
        }
    }
    none(&complaints);
}

/// Crates that a manifest names, for this package or for all, our own aside.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(manifest).parse().unwrap();
    let workspace = manifest.get("workspace").and_then(toml::Value::as_table);
    let shared = workspace.map(dependencies_of).unwrap_or_default();
    dependencies_of(&manifest).into_iter().chain(shared).collect()
}

/// Crates that a package names, our own aside.
fn dependencies_of(package: &toml::Table) -> BTreeSet<String> {
    let targets = package.get("target").and_then(toml::Value::as_table);
    let targets =
        targets.into_iter().flat_map(|all| all.values().filter_map(toml::Value::as_table));
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    std::iter::once(package)
        .chain(targets)
        .flat_map(|from| kinds.iter().filter_map(|kind| from.get(*kind)?.as_table()))
        .flatten()
        .filter(|(_, how)| how.get("path").is_none())
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn every_dependency_is_justified() {
    let page = read("docs/dependencies.md");
    let justified: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    let mut used = dependencies("Cargo.toml");
    used.extend(dependencies("checks/Cargo.toml"));
    let mut complaints = Vec::new();
    complaints.extend(used.difference(&justified).map(|name| format!("{name} has no row")));
    complaints.extend(justified.difference(&used).map(|name| format!("{name} is not used")));
    for (manifest, folders) in
        [("Cargo.toml", &["src", "tests"][..]), ("checks/Cargo.toml", &["checks"])]
    {
        let code: String =
            folders.iter().flat_map(|folder| sources(&root().join(folder))).collect();
        // A library may leave the stroke of its package's name out.
        let named = |name: &String| ["_", ""].iter().any(|s| code.contains(&name.replace('-', s)));
        let own: toml::Table = read(manifest).parse().unwrap();
        let unused = dependencies_of(&own).into_iter().filter(|name| !named(name));
        complaints.extend(unused.map(|name| format!("{manifest}: {name} is in no source")));
    }
    none(&complaints);
}

/// The texts of all Rust files below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(end) if end == "rs" => vec![fs::read_to_string(&path).unwrap()],
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn every_option_is_explained() {
    let help =
        assert_cmd::Command::cargo_bin("ssh-preflight").unwrap().arg("--help").output().unwrap();
    assert!(help.status.success(), "--help fails: {help:?}");
    let help = String::from_utf8(help.stdout).unwrap();
    let options: BTreeSet<_> = help
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.len() > 3 && word.starts_with("--"))
        .collect();
    assert!(!options.is_empty(), "--help names no option: {help:?}");
    let page = read("docs/command-line.md");
    let explained: BTreeSet<_> =
        page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let missing: Vec<_> = options.difference(&explained).map(|o| (*o).to_owned()).collect();
    none(&missing);
}

/// What no row of the lab shows is no diagnosis, but a guess.
#[test]
fn every_diagnosis_has_its_situation_in_the_lab() {
    let lab = read("docs/lab.md");
    let missing = Id::iter().filter(|id| !lab.contains(&format!("| [{id}](diagnoses/{id}.md) |")));
    none(&missing.map(|id| format!("{id} has no row in docs/lab.md")).collect::<Vec<_>>());
}
