//! `ssh-preflight catalogue`: every diagnosis, and each one explained at length.
//!
//! The pages of `docs/diagnoses` are the one source; they are inside the program.

use checks::diagnosis::{Group, Id, in_order};
use include_dir::{Dir, include_dir};
use serde::Serialize;
use strum::IntoEnumIterator;

use crate::{
    cli::Format,
    exit::Exit,
    render::{json, look::Look, page},
    run,
    subcommands::{self, Call},
};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/diagnoses");

/// How much a word has to be like an id for that one to be meant (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// `ssh-preflight catalogue [ID]`: nothing is examined.
///
/// # Errors
/// That there is no such diagnosis, or that nothing can be printed.
pub fn run(call: &Call<'_>) -> Result<Exit, String> {
    let look = subcommands::look(call.options);
    if !matches!(call.options.format, Format::Text | Format::Json) {
        return Err("The catalogue has two forms: --format text and --format json.".into());
    }
    let page = match call.words {
        [] if call.options.format == Format::Json => list_as_json(),
        [] => list(&look),
        [word, ..] => match (named(word)?, call.options.format) {
            (id, Format::Json) => explain_as_json(id),
            (id, _) => explain(id, &look),
        },
    };
    run::print(&page).map(|()| Exit::Ready)
}

/// A diagnosis with its page, as data.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Stable word, as in a report.
    pub id: String,
    /// One line for people.
    pub title: &'static str,
    /// The stage of a connection that it belongs to.
    pub group: &'static str,
    /// The page about it, as Markdown.
    pub page: &'static str,
}

/// All diagnoses, as data.
#[derive(Debug, Clone, Serialize)]
struct Catalogue {
    schema_version: u32,
    diagnoses: Vec<Entry>,
}

impl From<Id> for Entry {
    fn from(id: Id) -> Self {
        Self {
            id: id.to_string(),
            title: id.title(),
            group: id.group().title(),
            page: source(id).unwrap_or_default(),
        }
    }
}

/// The page about a diagnosis, as it is in `docs/diagnoses`. A test holds that each has one.
#[must_use]
pub fn source(id: Id) -> Option<&'static str> {
    PAGES.get_file(format!("{id}.md"))?.contents_utf8()
}

/// The diagnosis of this name.
///
/// # Errors
/// That there is none, and which one was probably meant.
pub fn named(word: &str) -> Result<Id, String> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let shown = checks::text::foreign(word).plain();
    let meant = nearest(word);
    let meant = meant.map(|id| format!("\nDid you mean: ssh-preflight catalogue {id}"));
    Err(format!(
        "There is no diagnosis \"{shown}\". ssh-preflight catalogue lists all of them.{}",
        meant.unwrap_or_default()
    ))
}

fn nearest(word: &str) -> Option<Id> {
    let word = word.trim().to_lowercase().replace([' ', '_'], "-");
    let likeness = |id: &Id| strsim::jaro_winkler(&word, &id.to_string());
    let best = Id::iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    let holds = |id: &Id| word.len() > 2 && id.to_string().contains(&word);
    Id::iter().find(holds).or_else(|| (likeness(&best) >= ALIKE).then_some(best))
}

/// All diagnoses, a line each, by the stages of a connection.
#[must_use]
pub fn list(look: &Look) -> String {
    let column = Id::iter().map(|id| id.to_string().len()).max().unwrap_or(0);
    let mut out = String::new();
    for group in Group::iter() {
        out.push_str(&page::heading(group.title(), look));
        for id in in_order(group) {
            out.push_str(&page::entry(&id.to_string(), id.title(), column, look));
        }
        out.push('\n');
    }
    out.push_str("More about one of them: ssh-preflight catalogue ID\n");
    out
}

/// All diagnoses as JSON.
#[must_use]
pub fn list_as_json() -> String {
    let diagnoses = Group::iter().flat_map(in_order).map(Entry::from).collect();
    let catalogue = Catalogue { schema_version: json::SCHEMA_VERSION, diagnoses };
    json::pretty(&catalogue).unwrap_or_default()
}

/// One diagnosis at length.
#[must_use]
pub fn explain(id: Id, look: &Look) -> String {
    let page = page::render(source(id).unwrap_or_default(), look);
    format!("{page}\nMore: {}\n", json::docs(id))
}

/// One diagnosis as JSON.
#[must_use]
pub fn explain_as_json(id: Id) -> String {
    json::pretty(&Entry::from(id)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_diagnosis_has_its_page_inside_and_no_page_is_left_over() {
        for id in Id::iter() {
            let page = source(id).unwrap_or_default();
            assert!(page.starts_with(&format!("# {}\n", id.title())), "{id}");
        }
        assert_eq!(PAGES.files().count(), Id::iter().count());
    }

    #[test]
    fn what_was_probably_meant() {
        for (word, meant) in [
            ("key-not-acepted", Some(Id::KeyNotAccepted)),
            ("KEY_NOT_ACCEPTED", Some(Id::KeyNotAccepted)),
            ("host key changed", Some(Id::HostKeyChanged)),
            ("tarpits", Some(Id::Tarpit)),
            ("overloaded", Some(Id::ServerOverloaded)),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(word), meant, "{word}");
            let told = named(word).unwrap_err();
            assert_eq!(told.contains("Did you mean"), meant.is_some(), "{told}");
        }
        assert!(named("\u{1b}[2J").unwrap_err().contains("\\u{1b}"));
        assert_eq!(named("tarpit"), Ok(Id::Tarpit));
    }
}
