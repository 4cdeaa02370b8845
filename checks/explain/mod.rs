//! From what `ssh -v` printed to a [`Case`]: pure.
//!
//! A log is read into the same plain data that a live run fills. What it does not show stays
//! [`Unseen::NotInLog`], so that no check and no rule takes it for seen. Then the same checks and
//! rules judge it; where they need more than a log can hold, those of [`crate::diagnosis`] for logs do.
//!
//! [`Unseen::NotInLog`]: crate::evidence::Unseen::NotInLog

mod attempts;
mod command;
mod facts;
pub mod lines;
mod log;
mod signs;

use std::collections::VecDeque;

pub use command::SSH_VALUED;
pub use facts::NO_HOST;
pub use log::{Log, Mark, Program};
pub use signs::{SIGNS, Sign};

use crate::{case::Case, profile::Profile, text::Foreign};

/// How large a log may be, in bytes.
pub const MOST: usize = 16 << 20;

/// How many telling lines are kept. The last attempt counts, and none has so many.
const MOST_MARKS: usize = 20_000;

/// What else is known where a log is read.
#[derive(Debug, Clone)]
pub struct About {
    /// The moment at which it is judged.
    pub now: jiff::Timestamp,
    /// The profile that was named.
    pub profile: Option<Profile>,
    /// Profiles of the user's own.
    pub own_profiles: Vec<Profile>,
}

/// Reads a log.
#[must_use]
pub fn case(bytes: &[u8], about: About) -> Case {
    let text = lines::decode(bytes);
    let (found, verbosity) = marks(&text);
    let (mut log, before) = attempts::take_apart(found, verbosity);
    log.lines = text.lines().count();
    facts::case(log, before, about)
}

/// The lines that say something, and the highest level of `-v`.
fn marks(text: &str) -> (Vec<Mark>, u8) {
    let mut found: VecDeque<Mark> = VecDeque::new();
    let mut verbosity = 0;
    // A line that says nothing may be the first half of one that a mail or terminal has broken.
    let mut half: Option<lines::Line> = None;
    for line in lines::lines(text) {
        verbosity = verbosity.max(line.level);
        let alone = signs::sign(&line.text).filter(|(sign, _)| fits(*sign, line.level));
        let (line, told) = match (alone, half.take()) {
            (Some(told), _) => (line, Some(told)),
            (None, Some(before)) if line.level == 0 => {
                let joined =
                    lines::Line { text: format!("{} {}", before.text, line.text), ..before };
                let told = (joined.text.len() < lines::LINE_LIMIT)
                    .then(|| signs::sign(&joined.text))
                    .flatten()
                    .filter(|(sign, _)| fits(*sign, joined.level));
                if told.is_some() { (joined, told) } else { (line, None) }
            }
            (None, _) => (line, None),
        };
        match told {
            Some((sign, words)) => {
                if found.len() >= MOST_MARKS {
                    found.pop_front();
                }
                let shown = match line.level {
                    0 => line.text,
                    level => format!("debug{level}: {}", line.text),
                };
                let text = Foreign::from_bytes(shown.as_bytes());
                found.push_back(Mark { line: line.number, sign, text, words });
            }
            None => half = Some(line),
        }
    }
    (found.into(), verbosity)
}

/// What `ssh` prints to everybody is no sign in a line of `-v`, and the other way round: there a
/// server or a file may be quoted.
fn fits(sign: Sign, level: u8) -> bool {
    // A default file that is not there is no trouble, and -v names each.
    let plain = matches!(
        sign,
        Sign::Typed
            | Sign::Denied
            | Sign::Copy
            | Sign::Git
            | Sign::Rsync
            | Sign::FileError
            | Sign::FilesLeft
            | Sign::KeyNotThere
            | Sign::KeyNotLoaded
            | Sign::KeyOpen
    );
    level == 0 || !plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn about() -> About {
        let now = jiff::Timestamp::UNIX_EPOCH;
        About { now, profile: None, own_profiles: Vec::new() }
    }

    #[test]
    fn a_broken_line_is_put_together() {
        let (found, _) = marks("alex@shop.example.com: Permission\ndenied (publickey,password).\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sign, Sign::Denied);
        assert_eq!(found[0].line, 1);
    }

    #[test]
    fn a_log_without_an_end_is_bounded() {
        let log = "a@h: Permission denied (publickey).\n".repeat(MOST_MARKS + 10);
        assert!(marks(&log).0.len() <= MOST_MARKS);
    }

    fn line() -> impl Strategy<Value = String> {
        let words = crate::explain::SIGNS.iter().map(|(_, pattern)| *pattern).collect::<Vec<_>>();
        prop_oneof![
            ".{0,40}",
            proptest::sample::select(words).prop_flat_map(|pattern| {
                let made = proptest::string::string_regex(pattern.trim_matches(['^', '$']));
                made.map_or_else(|_| Just("x".to_owned()).boxed(), Strategy::boxed)
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let case = case(&bytes, about());
            let _ = crate::diagnosis::diagnose(&case);
        }

        /// Whatever lines stand behind each other: it is judged, it is never ready without a login,
        /// and what is recorded is judged the same.
        #[test]
        fn no_lines_make_it_panic(
            lines in proptest::collection::vec((0_u8..3, line()), 0..12)
        ) {
            let log: Vec<String> = lines
                .into_iter()
                .map(|(level, line)| if level == 0 { line } else { format!("debug{level}: {line}") })
                .collect();
            let log = log.join("\n");
            let case = case(log.as_bytes(), about());
            let found = crate::diagnosis::diagnose(&case);
            let logged_in = case.log().is_some_and(|log| log.login().is_some());
            prop_assert!(found.is_some() || logged_in, "{log}");
            let recorded: Case =
                serde_json::from_str(&serde_json::to_string(&case).unwrap()).unwrap();
            prop_assert_eq!(crate::diagnosis::diagnose(&recorded), found);
        }
    }
}
