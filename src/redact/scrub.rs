//! Text of which nobody knows what is in it: a server's banner, a line that `ssh` wrote.
//!
//! What was learnt is replaced wherever it stands; and so is what looks like an address, a path, a
//! host, or a user at a host.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{
    names::{Known, Names, Thing},
    public,
};
use crate::cli::Redact;

/// What private things look like, the most telling first.
static LOOKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?P<url> [A-Za-z][A-Za-z0-9+.-]* :// [^\s"'<>`]+ )
      | (?P<key> SHA256:[A-Za-z0-9+/]{43}=? | \bAAAA[A-Za-z0-9+/]{16,}={0,2}
          | (?:MD5:)? \b(?:[0-9a-f]{2}:){15}[0-9a-f]{2}\b | \b[0-9a-f]{40}\b )
      | (?P<path> (?:~[a-z0-9_-]*|\.{1,2})?/[^\s"'`:,;()<>\[\]{}|]+ | [A-Za-z]:\\[^\s"'`<>|]+ )
      | (?P<ip> \[? (?: [0-9A-Fa-f]{0,4}:){2,7} (?: \d{1,3}(?:\.\d{1,3}){3} | [0-9A-Fa-f]{0,4} )
          (?:%[A-Za-z0-9]+)? (?:\]:\d+)? | \b\d{1,3}(?:\.\d{1,3}){3}\b )
      | (?P<at> [\w.+%-]+ @ (?: \[[^\]\s]+\] | [\w.-]*\w ) )
      | (?P<name> \b[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])? (?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)* \.[A-Za-z]{2,}\b )
        "#,
    )
    .ok()
});

impl Names {
    /// The text with names for all that is private in it.
    pub(super) fn scrub(&mut self, text: &str) -> String {
        self.replace(text, |_| true, true)
    }

    /// Our own words: only what cannot be one of them is replaced.
    pub(super) fn scrub_ours(&mut self, words: &str) -> String {
        self.replace(words, |known| known.distinct, false)
    }

    fn replace(&mut self, text: &str, counts: impl Fn(&Known) -> bool, looks: bool) -> String {
        let mut out = String::new();
        let mut from = 0;
        for (start, end, name) in self.found(text, counts) {
            let between = text.get(from..start).unwrap_or_default();
            out.push_str(&if looks { self.by_looks(between) } else { between.to_owned() });
            out.push_str(&name);
            from = end;
        }
        let rest = text.get(from..).unwrap_or_default();
        out.push_str(&if looks { self.by_looks(rest) } else { rest.to_owned() });
        out
    }

    /// What was learnt and stands in a text: the longest at each place.
    fn found(
        &mut self,
        text: &str,
        counts: impl Fn(&Known) -> bool,
    ) -> Vec<(usize, usize, String)> {
        let Some(search) = &self.search else { return Vec::new() };
        let mut all: Vec<(usize, usize, usize)> = search
            .find_overlapping_iter(text)
            .map(|m| (m.start(), m.end(), m.pattern().as_usize()))
            .filter(|(start, end, which)| {
                let whole = stands_alone(text, *start, *end);
                whole && self.known.get(*which).is_some_and(&counts)
            })
            .collect();
        all.extend(self.cut_off(text));
        all.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let mut found: Vec<(usize, usize, String)> = Vec::new();
        for (start, mut end, which) in all {
            if found.last().is_some_and(|(_, before, _)| start < *before) {
                continue;
            }
            let Some(known) = self.known.get(which).cloned() else { continue };
            let mut name = known.name;
            // A folder that is known, and a file in it that is not.
            let more = text.get(end..).map_or(0, |rest| {
                let is_path = |c: char| !c.is_whitespace() && !"\"'`:,;()<>[]{}|".contains(c);
                if rest.starts_with('/') {
                    rest.find(|c| !is_path(c)).unwrap_or(rest.len())
                } else {
                    0
                }
            });
            if known.thing == Thing::Path && more > 1 {
                end += more;
                name = self.path(text.get(start..end).unwrap_or_default());
            }
            found.push((start, end, name));
        }
        found
    }

    /// A private thing of which a text that was cut has the begin alone.
    fn cut_off(&self, text: &str) -> Option<(usize, usize, usize)> {
        let body = text.strip_suffix('…')?;
        let starts = body.char_indices().map(|(start, _)| start).rev().take(256);
        let whole = starts.filter(|start| body.len() - start > 2 && is_edge(body, *start));
        let mut begins = whole.filter_map(|start| {
            let tail = body.get(start..)?.to_lowercase();
            let is_begin = |known: &Known| known.written.to_lowercase().starts_with(&tail);
            Some((start, body.len(), self.known.iter().position(is_begin)?))
        });
        begins.next()
    }

    /// What looks private, though nothing else says so.
    fn by_looks(&mut self, text: &str) -> String {
        let Some(looks) = LOOKS.as_ref() else { return text.to_owned() };
        looks
            .replace_all(text, |found: &Captures<'_>| {
                let whole = found.get(0).map(|whole| (whole.start(), whole.as_str()));
                let (start, whole) = whole.unwrap_or_default();
                let before = text.get(..start).and_then(|before| before.chars().next_back());
                self.one_by_looks(found, whole, before)
            })
            .into_owned()
    }

    fn one_by_looks(&mut self, found: &Captures<'_>, whole: &str, before: Option<char>) -> String {
        let is = |kind| found.name(kind).is_some();
        if is("url") {
            self.url(whole)
        } else if is("key") {
            if self.what == Redact::All { self.key_name(whole) } else { whole.to_owned() }
        } else if is("path") {
            // "and/or" and "OpenSSL/3.0" are no paths.
            let inside = before.is_some_and(|c| c.is_alphanumeric() || "/%.~_-".contains(c));
            if inside { whole.to_owned() } else { self.path(whole) }
        } else if is("ip") {
            self.address(whole).unwrap_or_else(|| whole.to_owned())
        } else if is("at") {
            self.endpoint(whole)
        } else {
            self.host(whole)
        }
    }

    fn url(&mut self, url: &str) -> String {
        if public::is_url(url) {
            return url.to_owned();
        }
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = self.endpoint(authority);
        let path = if path.len() > 1 {
            format!("/{}", self.name(Thing::Path, path))
        } else {
            path.to_owned()
        };
        format!("{scheme}://{authority}{path}")
    }

    /// `user@host:port`, or a list of them.
    pub(super) fn endpoint(&mut self, text: &str) -> String {
        let one = |names: &mut Self, one: &str| -> String {
            let (user, place) = match one.rsplit_once('@') {
                Some((user, place)) => (Some(user), place),
                None => (None, one),
            };
            // The names of algorithms.
            if user.is_some()
                && public::is_host(&place.to_lowercase())
                && place != "localhost"
                && !is_login(user)
            {
                return one.to_owned();
            }
            let user = user.map(|user| format!("{}@", names.user(user))).unwrap_or_default();
            format!("{user}{}", names.place(place))
        };
        text.split(',').map(|part| one(self, part)).collect::<Vec<_>>().join(",")
    }

    /// `host:port`, `[host]:port` or a host.
    fn place(&mut self, place: &str) -> String {
        if let Some(address) = self.address(place) {
            return address;
        }
        let is_port = |port: &&str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let split = place.rsplit_once(':').filter(|(_, port)| is_port(port));
        let (host, port) = split.map_or((place, None), |(host, port)| (host, Some(port)));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let name = match bare.unwrap_or(host) {
            odd if odd.contains(['*', '?', '!', '/', ' ', '[', ':', '%']) => odd.to_owned(),
            name => self.host(name),
        };
        let name = if bare.is_some() { format!("[{name}]") } else { name };
        port.map_or(name.clone(), |port| format!("{name}:{port}"))
    }
}

/// Whether it is `git@github.com` rather than `curve25519-sha256@libssh.org`.
fn is_login(user: Option<&str>) -> bool {
    user.is_some_and(|user| !user.contains('-'))
}

/// Whether a place in a text is between two words.
fn is_edge(text: &str, place: usize) -> bool {
    let before = text.get(..place).and_then(|before| before.chars().next_back());
    let after = text.get(place..).and_then(|after| after.chars().next());
    match (before, after) {
        (Some(before), Some(after)) => !(is_of_word(before) && is_of_word(after)),
        _ => true,
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Whether what was found is no part of a longer word or name.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    // A dot joins names; one at the end of a sentence does not.
    let joined_before = before.strip_suffix('.').is_some_and(|rest| rest.ends_with(is_of_word));
    let joined_after = after.strip_prefix('.').is_some_and(|rest| rest.starts_with(is_of_word));
    is_edge(text, start) && is_edge(text, end) && !joined_before && !joined_after
}
