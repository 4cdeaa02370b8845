//! `ssh-preflight compare`: what differs between two reports, the first thing in the order in which
//! a connection goes first.
//!
//! [`facts::FACTS`] is the table of what is compared. What is not known in one of the two reports is
//! never taken for a difference.

mod difference;
mod facts;
mod json;
mod pairs;
mod read;
mod text;
mod value;

use std::path::Path;

use checks::report::Report;

use crate::{cli::Format, exit::Exit, plans, render::look::Look, run, subcommands::Call};
pub use difference::{Comparison, Difference, Missing, compare};
pub use facts::{FACTS, Fact};
pub use json::Document;
pub use read::{Reported, Source, parse};

/// Compares a report with another one, or with a target that is examined now. Exit code 0: nothing
/// differs; 1: something does.
///
/// # Errors
/// What is wrong with the command line or a file.
pub fn run(call: &Call<'_>) -> Result<Exit, String> {
    let (sorted, options) = (call.sorted, call.options);
    let [old, new] = call.words else { return Err(usage()) };
    let known = |format: Format| format == Format::Json || format == Format::Text;
    if !known(options.format) || options.output.iter().any(|file| !known(file.format)) {
        return Err("A comparison has two forms, text and JSON.".into());
    }
    let old = source(old, None)?;
    let new = if is_file(new) {
        if sorted.has_ssh_options() {
            return Err(
                "Two reports are compared and nothing is examined: options of ssh have no \
                        place here."
                    .into(),
            );
        }
        source(new, Some(&old))?
    } else {
        // The report before comes first, and a target is parsed without it.
        let examined = sorted.after_subcommand().after_subcommand();
        let reports = run::examine_live(plans::of_targets(&examined, options)?, options)?;
        Source { name: new.clone(), reports: reported(&reports)? }
    };
    let comparisons = pairs::of(&old, &new)?;
    let page = |format, look: &Look| {
        if format == Format::Json {
            json::render(&comparisons)
        } else {
            text::render(&comparisons, look)
        }
    };
    let wrong = run::print_and_write(options, page);
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let differs = comparisons.iter().any(Comparison::differs);
    Ok(if differs { Exit::NotReady } else { Exit::Ready })
}

fn usage() -> String {
    "compare takes a report and what to hold it against: ssh-preflight compare OLD.json NEW.json, or \
     ssh-preflight compare OLD.json USER@HOST. A report is kept with --output OLD.json."
        .into()
}

/// Whether a word names a file: `-` is standard input, and a name that ends as our files do is no
/// host, so that a file that is missing is not looked up in DNS.
fn is_file(word: &str) -> bool {
    word == "-" || word.ends_with(".json") || Path::new(word).is_file()
}

/// Reads a file, or standard input.
fn source(name: &str, before: Option<&Source>) -> Result<Source, String> {
    let shown = match name {
        "-" => read::STANDARD_INPUT.to_owned(),
        file => checks::text::foreign(file).plain(),
    };
    if name == "-" && before.is_some_and(|before| before.name == read::STANDARD_INPUT) {
        return Err("Only one of the two reports can come from standard input.".into());
    }
    let text = plans::text_of(Path::new(name), plans::MOST_RECORDED);
    read::parse(&shown, &text.map_err(|e| format!("Cannot read {shown}: {e}."))?)
}

/// Reports of now, in the form in which those of a file are read.
fn reported(reports: &[Report]) -> Result<Vec<Reported>, String> {
    reports.iter().map(read::of_report).collect()
}
