//! Text made of marked parts.
//!
//! No check formats for a terminal. It says which parts of its words are a host, a path or bytes
//! that a stranger sent; renderers escape, redact and quote them. So nothing hostile can reach a
//! terminal, and a report can be redacted without knowing the words around what is private.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One part of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// Our own words.
    Plain(Cow<'static, str>),
    /// A host name.
    Host(String),
    /// A user name, here or there.
    User(String),
    /// A path on this machine.
    Path(String),
    /// An IP address, with or without port.
    Address(String),
    /// A fingerprint or public key: public, and needed by a helpdesk.
    Key(String),
    /// Bytes that came from a server or a file: hostile until escaped.
    Foreign(Foreign),
    /// Shell syntax that must not be quoted; only in a [`Command`].
    Shell(Cow<'static, str>),
    /// A command for the shell of another host: one word of the command that brings it there.
    There(Command),
}

impl From<&'static str> for Span {
    fn from(words: &'static str) -> Self {
        Self::Plain(Cow::Borrowed(words))
    }
}
impl From<String> for Span {
    /// For numbers and words that were made here; what came from elsewhere has its own kind.
    fn from(words: String) -> Self {
        Self::Plain(Cow::Owned(words))
    }
}
impl From<Foreign> for Span {
    fn from(bytes: Foreign) -> Self {
        Self::Foreign(bytes)
    }
}
impl From<&Foreign> for Span {
    fn from(bytes: &Foreign) -> Self {
        Self::Foreign(bytes.clone())
    }
}

/// Marks a host name.
pub fn host(name: impl Into<String>) -> Span {
    Span::Host(name.into())
}
/// Marks a user name.
pub fn user(name: impl Into<String>) -> Span {
    Span::User(name.into())
}
/// Marks a path on this machine.
pub fn path(path: impl Into<String>) -> Span {
    Span::Path(path.into())
}
/// Marks an IP address.
pub fn address(address: impl ToString) -> Span {
    Span::Address(address.to_string())
}
/// Marks a fingerprint or a public key.
pub fn key(key: impl Into<String>) -> Span {
    Span::Key(key.into())
}
/// Marks text that came from outside.
pub fn foreign(text: impl AsRef<[u8]>) -> Span {
    Span::Foreign(Foreign::from_bytes(text.as_ref()))
}
/// A number in our own words.
pub fn number(n: impl ToString) -> Span {
    Span::Plain(Cow::Owned(n.to_string()))
}
/// Marks a command for the shell of another host.
pub fn there(command: Command) -> Span {
    Span::There(command)
}
/// Shell syntax that stays unquoted in a command.
pub fn shell(words: &'static str) -> Span {
    Span::Shell(Cow::Borrowed(words))
}

/// How many bytes of one foreign text are kept. More says nothing more to a reader.
pub const FOREIGN_LIMIT: usize = 512;

/// Bytes that a server or a file gave, bounded in size, not yet made printable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Foreign(String);

impl Foreign {
    /// Keeps the first [`FOREIGN_LIMIT`] bytes; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let kept = bytes.get(..FOREIGN_LIMIT).unwrap_or(bytes);
        let mut text = String::from_utf8_lossy(kept).into_owned();
        if bytes.len() > kept.len() {
            text.push('…');
        }
        Self(text)
    }

    /// The text as it can be shown on a terminal: see [`printable`].
    #[must_use]
    pub fn printable(&self) -> String {
        printable(&self.0)
    }

    /// The begin of the text: as much as a sentence can hold.
    #[must_use]
    pub fn short(&self) -> Self {
        const LIMIT: usize = 80;
        let text = self.0.trim();
        let end = text.char_indices().nth(LIMIT).map(|(place, _)| place);
        match end.and_then(|end| text.get(..end)) {
            Some(begin) => Self(format!("{begin}…")),
            None => Self(text.to_owned()),
        }
    }

    /// What a server says in several lines, in one: its lines with strokes between them.
    #[must_use]
    pub fn in_a_line(&self) -> Self {
        let lines = self.0.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
        Self(lines.collect::<Vec<_>>().join(" / "))
    }

    /// The text as it came. Never for a terminal.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A text with every control, format and private character written as an escape, so that it can
/// be shown on a terminal. `\u{1b}[2J` is shown, not obeyed.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if is_obeyed(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// The same for a text of several lines, which stay.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Characters that a terminal obeys, or that change the look of their neighbours.
#[must_use]
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || is_format(c)
}

/// Characters that change the look of their neighbours without being seen: bidirectional
/// overrides, zero-width marks, tags (Unicode TR 36, section 2).
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' | '\u{e000}'..='\u{f8ff}')
}

/// A sentence of marked parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Span>);

impl Text {
    /// The whole text in plain letters, foreign parts escaped. Renderers that redact or colour
    /// walk the spans instead.
    #[must_use]
    pub fn plain(&self) -> String {
        self.0.iter().map(Span::plain).collect()
    }
    /// Adds a part at the end.
    #[must_use]
    pub fn with(mut self, span: impl Into<Span>) -> Self {
        self.0.push(span.into());
        self
    }
    /// Adds another text at the end.
    #[must_use]
    pub fn then(mut self, more: Text) -> Self {
        self.0.extend(more.0);
        self
    }
}

impl Span {
    /// This part in plain letters, foreign bytes escaped.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Shell(s) => s.clone().into_owned(),
            // Words of a profile are among ours, and a profile may come in somebody's recording.
            Self::Plain(s) => printable(s),
            Self::Host(s) | Self::User(s) | Self::Path(s) | Self::Address(s) | Self::Key(s) => {
                Foreign(s.clone()).printable()
            }
            Self::Foreign(bytes) => bytes.printable(),
            Self::There(command) => command.plain(),
        }
    }
}

impl<S: Into<Span>> From<S> for Text {
    fn from(span: S) -> Self {
        Self(vec![span.into()])
    }
}

/// `text!["The host ", host(name), " refused."]`: a [`Text`] from its parts.
#[macro_export]
macro_rules! text {
    ($($span:expr),* $(,)?) => { $crate::text::Text(vec![$($crate::text::Span::from($span)),*]) };
}

/// A command that one can paste: words, each of which the renderer quotes for a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Command(pub Vec<Text>);

impl Command {
    /// The command in plain letters, quoted for a POSIX shell where a word needs it.
    #[must_use]
    pub fn plain(&self) -> String {
        self.render_words(Text::plain)
    }

    /// This command with further words at its end, as in `ssh HOST hostname`.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        more.given_to(self)
    }

    /// This command, given to another one as its last words, as in `sudo COMMAND`.
    #[must_use]
    pub fn given_to(self, other: Self) -> Self {
        Self(other.0.into_iter().chain(self.0).collect())
    }

    /// The command with each word written by `write`, then quoted for a POSIX shell where it needs
    /// it.
    pub fn render_words(&self, write: impl Fn(&Text) -> String) -> String {
        let word = |word: &Text| -> String {
            let is_syntax = word.0.iter().any(|s| matches!(s, Span::Shell(_)));
            if is_syntax { write(word) } else { quote(&write(word)) }
        };
        self.0.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// Quotes one word for a POSIX shell. A leading `~/` stays outside the quotes, where the shell
/// still expands it.
fn quote(word: &str) -> String {
    let (home, rest) = match word.strip_prefix("~/") {
        Some("") => return word.to_owned(),
        Some(rest) => ("~/", rest),
        None => ("", word),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%_-+=:,./".contains(c);
    if !rest.is_empty() && rest.chars().all(plain) {
        // shlex would quote `=` too, which only matters in the first word of a command.
        return word.to_owned();
    }
    // Only a NUL byte cannot be quoted, and that was escaped when the word was made printable.
    let quoted = shlex::try_quote(rest).unwrap_or_default();
    format!("{home}{quoted}")
}

/// `command!["ssh-add", path(file)]`: a [`Command`] from its words.
#[macro_export]
macro_rules! command {
    ($($word:expr),* $(,)?) => { $crate::text::Command(vec![$($crate::text::Text::from($word)),*]) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_not_obeyed() {
        let hostile = Foreign::from_bytes(b"\x1b[2Jok\r\n\xe2\x80\xae\xff");
        assert_eq!(hostile.printable(), "\\u{1b}[2Jok\\u{d}\\u{a}\\u{202e}\u{fffd}");
    }

    #[test]
    fn a_command_survives_a_shell() {
        let words = ["ssh-add", "/my keys/id's", "$(reboot)", "a;b", "", "–i"];
        let command = Command(words.iter().map(|w| Text::from(path(*w))).collect());
        assert_eq!(shlex::split(&command.plain()).unwrap(), words);
        let home = command!["ls", path("~/.ssh/id_rsa"), shell("&&"), path("~/a b")];
        assert_eq!(home.plain(), "ls ~/.ssh/id_rsa && ~/'a b'");
    }

    #[test]
    fn a_hundred_megabytes_become_a_line() {
        let long = Foreign::from_bytes(&vec![b'x'; 1 << 20]);
        assert_eq!(long.raw().len(), FOREIGN_LIMIT + '…'.len_utf8());
        assert_eq!(long.short().raw(), "x".repeat(80) + "…");
        assert_eq!(Foreign::from_bytes(b"x").short().raw(), "x");
        let lines = Foreign::from_bytes(b"\r\n Closed.\r\n\nBack at noon.\n");
        assert_eq!(lines.in_a_line().raw(), "Closed. / Back at noon.");
    }

    #[test]
    fn a_command_for_elsewhere_is_one_word_and_stays_whole() {
        let long = "x".repeat(2 * FOREIGN_LIMIT);
        let inner = command!["chmod", "g+w", path(format!("/srv/{long} b"))];
        let outer = command!["ssh", host("a"), there(inner.clone())].plain();
        assert_eq!(shlex::split(&outer).unwrap(), ["ssh", "a", inner.plain().as_str()]);
        assert!(outer.contains(&long));
    }
}
