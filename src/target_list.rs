//! `--targets FILE`: one target a line, from a file or from standard input.

use std::{collections::HashSet, path::Path};

use checks::{
    target::{self, Target, TargetError},
    text::foreign,
};

use crate::plans;

/// Larger files are no lists of targets.
const MOST_BYTES: u64 = 1 << 20;
/// Each target costs its host a connection, and us some memory for the report.
const MOST_TARGETS: usize = 5_000;
/// More mistakes than these are not told at once.
const MOST_TOLD: usize = 10;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// As it is written there.
    pub input: String,
    /// What it says.
    pub target: Target,
}

/// Whether the list comes from standard input.
#[must_use]
pub fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// The targets of a file, or of standard input where it is called `-`. A target that is there twice
/// counts once: its host would be asked twice.
///
/// # Errors
/// That it cannot be read, or what is wrong with its lines: file, line and reason.
pub fn read(file: &Path) -> Result<Vec<Listed>, String> {
    let name = if is_stdin(file) { "standard input".into() } else { file.display().to_string() };
    let text = plans::text_of(file, MOST_BYTES);
    let text = text.map_err(|e| format!("Cannot read targets from {name}: {e}."))?;
    parse(&text, &foreign(&name).plain())
}

fn parse(text: &str, name: &str) -> Result<Vec<Listed>, String> {
    let (mut listed, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let input = content(line);
        if input.is_empty() || !seen.insert(input) {
            continue;
        }
        match one(input) {
            Ok(target) => listed.push(Listed { input: input.to_owned(), target }),
            Err(why) => wrong.push(format!("{name}:{number}: {why}")),
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(MOST_TOLD);
        wrong.truncate(MOST_TOLD);
        if more > 0 {
            wrong.push(format!("{name}: {more} more lines are wrong."));
        }
        return Err(format!("{}\n{}", wrong.join("\n"), crate::mistakes::more()));
    }
    if listed.is_empty() {
        return Err(format!("{name} holds no target: one a line, as USER@HOST."));
    }
    if listed.len() > MOST_TARGETS {
        let count = listed.len();
        return Err(format!("{name} holds {count} targets; {MOST_TARGETS} are the most."));
    }
    Ok(listed)
}

/// A line without its comment: `#` at the start of the line or after a space.
fn content(line: &str) -> &str {
    let starts = |(place, _): &(usize, &str)| {
        line.get(..*place).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    };
    let comment = line.match_indices('#').find(starts);
    let end = comment.map_or(line.len(), |(place, _)| place);
    line.get(..end).unwrap_or(line).trim()
}

fn one(input: &str) -> Result<Target, String> {
    let shown = foreign(input).plain();
    let several = input.split_whitespace().count() > 1;
    target::parse(input).map_err(|wrong| {
        if several {
            return format!(
                "\"{shown}\" is more than a target. A line holds USER@HOST or \
                 ssh://USER@HOST:PORT; options of ssh belong on the command line or in \
                 ~/.ssh/config."
            );
        }
        let meant =
            meant(&wrong).map(|meant| format!(" Did you mean: {}", foreign(&meant).plain()));
        format!("\"{shown}\" is not a target: {wrong}.{}", meant.unwrap_or_default())
    })
}

/// What was meant, where it fits into a line: there a port needs the form of an address.
fn meant(wrong: &TargetError) -> Option<String> {
    match wrong.meant.as_deref()? {
        [target] => Some(target.clone()),
        [option, port, target] if option == "-p" => Some(format!("ssh://{target}:{port}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inputs(text: &str) -> Vec<String> {
        parse(text, "f").unwrap().into_iter().map(|listed| listed.input).collect()
    }

    #[test]
    fn comments_blank_lines_and_repetitions_are_passed_over() {
        let text = "\u{feff}# shops\r\n\r\nu@a  # the first\r\n\tb \r\nu@a\nssh://u@c:2222\n";
        assert_eq!(inputs(text), ["u@a", "b", "ssh://u@c:2222"]);
        assert_eq!(parse("ssh://u@c:2222", "f").unwrap()[0].target.port, Some(2222));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, told) in [
            ("a\nu@\n", "f:2: \"u@\" is not a target: the host is missing"),
            ("h:2222\n", "f:1: \"h:2222\" is not a target"),
            ("h:2222\n", "Did you mean: ssh://h:2222"),
            ("-p 22 h\n", "f:1: \"-p 22 h\" is more than a target"),
            ("ssh u@h\n", "options of ssh belong on the command line"),
            ("\n# none\n", "f holds no target"),
            ("\u{1b}[2J@\n", "\\u{1b}"),
        ] {
            let wrong = parse(text, "f").unwrap_err();
            assert!(wrong.contains(told), "{text:?}: {wrong}");
        }
        let many: String = (0..30).map(|n| format!("u{n}@\n")).collect();
        let wrong = parse(&many, "f").unwrap_err();
        assert!(wrong.contains("f:10: ") && wrong.contains("20 more lines"), "{wrong}");
        let many: String = (0..=MOST_TARGETS).map(|n| format!("h{n}\n")).collect();
        assert!(parse(&many, "f").unwrap_err().contains("5000 are the most"));
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(text in "(?s).{0,80}") {
            let _ = parse(&text, "f");
        }
    }
}
