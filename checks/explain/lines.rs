//! From the bytes of a log to its lines: pure.
//!
//! What people send went through terminals, mails, web pages and the logs of CI systems. Here all
//! of that is taken off, so that what is left of a line is what the program printed. Line numbers
//! stay those of the file.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// How much of a line is looked at, in bytes. The longest that `ssh` prints are lists of algorithms.
pub const LINE_LIMIT: usize = 4096;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What the program printed, without what was put before it.
    pub text: String,
    /// The level of `debug1:` to `debug3:`, which is taken off; 0 where there was none.
    pub level: u8,
}

/// The bytes as text. PowerShell writes what it redirects as UTF-16, with a mark at the begin.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            rest.chunks_exact(2).filter_map(|pair| Some(read(pair.try_into().ok()?))).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        // Such a file without its mark: every second byte of what ssh prints is zero.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => wide(bytes, u16::from_le_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// The lines that hold something. A lone carriage return ends a line too, but has no number of its
/// own in an editor.
pub fn lines(text: &str) -> impl Iterator<Item = Line> + '_ {
    (1..).zip(text.split('\n')).flat_map(|(number, line)| {
        line.split('\r').filter_map(move |part| {
            let text = cleaned(part);
            (!text.is_empty()).then(|| of(number, &text))
        })
    })
}

fn of(number: usize, text: &str) -> Line {
    let debug = text.strip_prefix("debug").and_then(|rest| {
        let (level, said) = rest.split_once(':')?;
        let level = level.parse().ok().filter(|level| (1..=3).contains(level))?;
        Some((level, said.trim_start()))
    });
    let (level, text) = debug.unwrap_or((0, text));
    Line { number, text: text.to_owned(), level }
}

/// What CI systems, mails and shells put before a line, each as often as it stands there.
const BEFORE: &[&str] = &[
    // Quotes of mails and chats.
    r"^> ?",
    // Times: 2024-01-31T09:30:00.123Z, 2024-01-31 09:30:00, [09:30:00], with GitLab's "00O " behind.
    r"^\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?\]?(?: [0-9]{2}[OE]\+?)?(?: |$)",
    r"^\[?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?\]?(?: |$)",
    // A question that was not meant for ssh, and names who is asked: its answer has no line end of its own.
    r"^\[sudo(?:: [a-z]+)?\] (?:Password|[^: ]+ [^:]{1,80}): ?",
    r"^doas \([^)]{1,80}\) password: ?",
    // GitHub's marks, and those of other programs that pass lines on.
    r"^##\[[a-z]+\]",
    r"^(?:remote|stderr|stdout|err|out): ",
    // Names of services and jobs: `deploy_1  | `, `[deploy] `.
    r"^[A-Za-z0-9_.-]{1,40} +\| ",
    r"^\[[A-Za-z][A-Za-z0-9_ .-]{0,40}\] ",
];

static BEFORE_A_LINE: LazyLock<Vec<Regex>> =
    LazyLock::new(|| BEFORE.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect());

fn cleaned(line: &str) -> String {
    let end = (0..=LINE_LIMIT.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
    let kept = end.and_then(|end| line.get(..end)).unwrap_or_default();
    // Colours and movements of the cursor; what is left of control characters goes as well.
    let plain: String = anstream::adapter::strip_str(kept).to_string();
    let plain: String =
        plain.chars().filter(|c| *c == '\t' || !crate::text::is_obeyed(*c)).collect();
    let mut rest = plain.trim();
    // Each round takes something off, so this ends.
    while let Some(shorter) = BEFORE_A_LINE.iter().find_map(|before| {
        before.find(rest).filter(|m| m.end() > 0).and_then(|m| rest.get(m.end()..))
    }) {
        rest = shorter.trim_start();
    }
    // Fences of Markdown, and single ticks around a pasted line.
    rest.trim_matches('`').trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(log: &str) -> Vec<String> {
        lines(log).map(|line| line.text).collect()
    }

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(BEFORE_A_LINE.len(), BEFORE.len());
    }

    #[test]
    fn what_others_put_before_a_line_is_taken_off() {
        for before in [
            "2024-01-31T09:30:00.1234567Z ",
            "2024-01-31 09:30:00,123 ",
            "2024-01-31T09:30:00.123456Z 01E ",
            "[2024-01-31T09:30:00+0100] ",
            "[09:30:00] ",
            "> ",
            "> > ",
            "##[error]",
            "deploy_1  | ",
            "[deploy] 09:30:00 ",
            "[sudo] password for alice: ",
            "[sudo] Mot de passe de alice : ",
            "[sudo: authenticate] Password: ",
            "doas (alice@pc) password: ",
            "remote: ",
            "\u{1b}[31m",
            "\t",
        ] {
            assert_eq!(texts(&format!("{before}Connection refused\r\n")), ["Connection refused"]);
        }
        assert_eq!(
            texts("```\n`Host key verification failed.`\n```"),
            ["Host key verification failed."]
        );
    }

    #[test]
    fn numbers_are_those_of_the_file() {
        let log = "\n\ndebug1: a\rdebug3: b\r\n\nc";
        let found: Vec<_> = lines(log).map(|l| (l.number, l.level, l.text)).collect();
        assert_eq!(found, [(3, 1, "a".into()), (3, 3, "b".into()), (5, 0, "c".into())]);
    }

    #[test]
    fn what_powershell_writes_is_read() {
        let words = "Permission denied (publickey).\r\n";
        let wide: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&[&[0xff, 0xfe], wide.as_slice()].concat()), words);
        assert_eq!(decode(&wide), words);
        let other: Vec<u8> = words.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&[&[0xfe, 0xff], other.as_slice()].concat()), words);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let long = "é".repeat(LINE_LIMIT);
        assert!(texts(&long).iter().all(|text| text.len() <= LINE_LIMIT));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for line in lines(&decode(&bytes)) {
                prop_assert!(!line.text.chars().any(|c| c != '\t' && crate::text::is_obeyed(c)));
            }
        }
    }
}
