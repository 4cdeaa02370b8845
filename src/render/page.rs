//! A page of the documentation for a terminal: pure, Markdown in and text out.
//!
//! It knows what the pages of `docs/diagnoses` are made of: headings, paragraphs, lists and blocks of
//! code. Links become their words.

use colored::Colorize;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use unicode_width::UnicodeWidthStr;

use super::look::Look;

/// A heading and its line break.
#[must_use]
pub fn heading(words: &str, look: &Look) -> String {
    format!("{}\n", look.paint(words, |t| t.bold()))
}

/// A word and what it means, in two columns; in a narrow terminal below each other.
#[must_use]
pub fn entry(word: &str, meaning: &str, column: usize, look: &Look) -> String {
    let gap = " ".repeat(column.saturating_sub(word.width()));
    let word = look.paint(word, |t| t.cyan());
    let narrow = look.width < column + 40;
    let indent = " ".repeat(if narrow { 6 } else { column + 4 });
    let lines = textwrap::wrap(meaning, look.wrap(&indent, &indent));
    let mut out = if narrow { format!("  {word}\n") } else { format!("  {word}{gap}  ") };
    for (place, line) in lines.iter().enumerate() {
        let line = if place == 0 && !narrow { line.trim_start() } else { line };
        out.push_str(&look.letters(line));
        out.push('\n');
    }
    out
}

/// A page.
#[must_use]
pub fn render(markdown: &str, look: &Look) -> String {
    let mut page = Page { look, out: String::new(), words: String::new(), lists: Vec::new() };
    page.walk(markdown);
    page.out
}

struct Page<'l> {
    look: &'l Look,
    out: String,
    /// Of the paragraph that is open.
    words: String,
    /// The lists that are open, the innermost last.
    lists: Vec<List>,
}

struct List {
    /// The number of the next item; none for bullets.
    next: Option<u64>,
    /// The mark of an item whose first words are still to come.
    mark: Option<String>,
    /// Columns of its marks.
    width: usize,
}

impl Page<'_> {
    fn walk(&mut self, markdown: &str) {
        let mut in_code = false;
        let mut link = None;
        for event in Parser::new(markdown) {
            match event {
                Event::Text(text) if in_code => self.code(&text),
                Event::Text(text) => self.words.push_str(&text),
                // The marks stay: without colours nothing else tells words and code apart.
                Event::Code(code) => self.words.push_str(&format!("`{code}`")),
                Event::SoftBreak | Event::HardBreak => self.words.push(' '),
                Event::Start(Tag::CodeBlock(_)) => {
                    self.end_words();
                    self.blank();
                    in_code = true;
                }
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Start(Tag::Link { dest_url, .. }) => link = Some(dest_url),
                Event::End(TagEnd::Link) => self.end_link(link.take().as_deref()),
                Event::Start(Tag::List(first)) => self.begin_list(first),
                Event::End(TagEnd::List(_)) => {
                    self.end_words();
                    self.lists.pop();
                }
                Event::Start(Tag::Item) => self.begin_item(),
                Event::End(TagEnd::Item) => self.end_words(),
                Event::Start(Tag::Heading { .. }) => self.blank(),
                Event::End(TagEnd::Heading(_)) => {
                    let words = std::mem::take(&mut self.words);
                    for line in textwrap::wrap(&words, self.look.wrap("", "")) {
                        self.out.push_str(&heading(&self.look.letters(&line), self.look));
                    }
                }
                Event::Start(Tag::Paragraph) if self.at_mark() => {}
                Event::Start(Tag::Paragraph) => self.blank(),
                Event::End(TagEnd::Paragraph) => self.end_words(),
                _ => {}
            }
        }
        self.end_words();
    }

    /// A diagnosis is its word; where else a link leads to is told beside its words.
    fn end_link(&mut self, to: Option<&str>) {
        let to = to.and_then(|to| to.split('#').next());
        let Some(to) = to.filter(|to| to.contains('/')) else { return };
        let to =
            to.strip_prefix("../").map_or_else(|| to.to_owned(), |rest| format!("docs/{rest}"));
        self.words.push_str(&format!(" ({to})"));
    }

    fn begin_list(&mut self, first: Option<u64>) {
        self.end_words();
        if self.lists.is_empty() {
            self.blank();
        }
        let width = if first.is_some() { 3 } else { 2 };
        self.lists.push(List { next: first, mark: None, width });
    }

    fn begin_item(&mut self) {
        self.end_words();
        let bullet = if self.look.unicode { "• " } else { "* " };
        if let Some(list) = self.lists.last_mut() {
            list.mark = Some(match &mut list.next {
                Some(number) => {
                    *number += 1;
                    format!("{}. ", *number - 1)
                }
                None => bullet.to_owned(),
            });
        }
    }

    /// Whether the first words of an item are to come.
    fn at_mark(&self) -> bool {
        self.lists.last().is_some_and(|list| list.mark.is_some())
    }

    fn indent(&self) -> String {
        " ".repeat(self.lists.iter().map(|list| list.width + 2).sum())
    }

    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn end_words(&mut self) {
        if self.words.is_empty() {
            return;
        }
        let words = std::mem::take(&mut self.words);
        let later = self.indent();
        let first = match self.lists.last_mut().and_then(|list| list.mark.take()) {
            Some(mark) => {
                let before = later.len().saturating_sub(mark.width());
                format!("{}{mark}", " ".repeat(before))
            }
            None => later.clone(),
        };
        for line in textwrap::wrap(&words, self.look.wrap(&first, &later)) {
            self.out.push_str(self.look.letters(&line).trim_end());
            self.out.push('\n');
        }
    }

    /// Never broken, so that it can be pasted and searched for.
    fn code(&mut self, text: &str) {
        let indent = self.indent();
        for line in text.lines() {
            let painted = self.look.paint(line, |t| t.cyan());
            self.out.push_str(format!("{indent}    {painted}").trim_end());
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Look =
        Look { width: 40, color: false, unicode: true, quiet: false, verbose: false };

    #[test]
    fn everything_that_the_pages_are_made_of() {
        let markdown = "# A title\n\nWords that are so many that they do not fit, with `code` and\n\
            [profiles](../profiles.md).\n\n## What to do\n\n1. First:\n\n   ```sh\n   ssh -v \
            USER@HOST and a line that is longer than the width\n   ```\n2. Second, which is longer \
            than one line of it.\n\n## What looks alike\n\n- [tarpit](tarpit.md): lines.\n";
        let expected = "A title\n\nWords that are so many that they do not\nfit, with `code` and \
            profiles\n(docs/profiles.md).\n\nWhat to do\n\n  1. First:\n\n         ssh -v USER@HOST \
            and a line that is longer than the width\n  2. Second, which is longer than one\n     \
            line of it.\n\nWhat looks alike\n\n  • tarpit: lines.\n";
        assert_eq!(render(markdown, &NARROW), expected);
        let plain = Look { unicode: false, ..NARROW };
        assert!(render(markdown, &plain).contains("  * tarpit: lines."));
    }

    #[test]
    fn colour_is_only_where_it_is_allowed() {
        let markdown = "# Title\n\n```sh\nls\n```\n";
        assert!(!render(markdown, &NARROW).contains('\u{1b}'));
        let coloured = Look { color: true, ..NARROW };
        assert!(render(markdown, &coloured).contains("\u{1b}["));
    }

    #[test]
    fn a_narrow_terminal_has_the_meaning_below_the_word() {
        let said = entry("a-word", "What it means, in some words.", 20, &NARROW);
        assert_eq!(said, "  a-word\n      What it means, in some words.\n");
        let wide = Look { width: 80, ..NARROW };
        let said = entry("a-word", "What it means.", 8, &wide);
        assert_eq!(said, "  a-word    What it means.\n");
    }
}
