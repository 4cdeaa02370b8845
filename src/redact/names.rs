//! Which name stands for which private thing.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use aho_corasick::AhoCorasick;
use checks::{address_kind::AddressKind, explain::NO_HOST};
use ipnet::IpNet;

use super::public;
use crate::cli::Redact;

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    Host,
    User,
    Path,
    PrivateIp,
    Ip,
    Key,
    Comment,
    Profile,
    Interface,
    /// A word of which only its owner knows what it means.
    Text,
}

impl Thing {
    const fn word(self) -> &'static str {
        match self {
            Self::Host => "HOST",
            Self::User => "USER",
            Self::Path => "PATH",
            Self::PrivateIp => "PRIVATE_IP",
            Self::Ip => "IP",
            Self::Key => "KEY",
            Self::Comment => "COMMENT",
            Self::Profile => "PROFILE",
            Self::Interface => "INTERFACE",
            Self::Text => "TEXT",
        }
    }
}

/// A private thing in one of its writings.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) written: String,
    pub(super) name: String,
    pub(super) thing: Thing,
    /// Whether it is replaced in our own words too: it cannot be one of them.
    pub(super) distinct: bool,
}

/// All names of one run.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) what: Redact,
    home: Option<String>,
    numbers: HashMap<(Thing, String), usize>,
    counts: HashMap<Thing, usize>,
    /// Fingerprints of one key, in their different forms, by the first form of it.
    same_key: HashMap<String, String>,
    writings: HashMap<String, Known>,
    pub(super) known: Vec<Known>,
    pub(super) search: Option<AhoCorasick>,
}

impl Names {
    pub(super) fn new(what: Redact) -> Self {
        Self {
            what,
            home: None,
            numbers: HashMap::new(),
            counts: HashMap::new(),
            same_key: HashMap::new(),
            writings: HashMap::new(),
            known: Vec::new(),
            search: None,
        }
    }

    /// The name of a thing: the one that it has, or the next one of its kind.
    pub(super) fn name(&mut self, thing: Thing, of: &str) -> String {
        let count = self.counts.entry(thing).or_insert(0);
        let number = self.numbers.entry((thing, of.to_owned())).or_insert_with(|| {
            *count += 1;
            *count
        });
        format!("{}_{number}", thing.word())
    }

    /// From now on this writing is replaced wherever it stands.
    fn write_down(&mut self, written: &str, name: &str, thing: Thing) {
        // A letter or two stand everywhere.
        if written.chars().count() < 2 || written == name {
            return;
        }
        let is_word = written.chars().all(char::is_alphabetic);
        let known = Known {
            written: written.to_owned(),
            name: name.to_owned(),
            thing,
            distinct: !is_word && written.len() > 3,
        };
        self.writings.entry(written.to_lowercase()).or_insert(known);
    }

    /// Ends the learning.
    pub(super) fn know(&mut self) {
        self.known = self.writings.drain().map(|(_, known)| known).collect();
        // The order of a map differs from run to run.
        self.known.sort_by(|a, b| a.written.cmp(&b.written));
        let words = self.known.iter().map(|known| &known.written);
        // Without it only marked parts are replaced; it fails for gigabytes of names alone.
        self.search = AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok();
    }

    pub(super) fn learn_home(&mut self, home: &str) {
        let home = home.trim_end_matches('/');
        if !home.is_empty() {
            self.home.get_or_insert_with(|| home.to_owned());
            // Its last part is a user, not a file.
            let name = self.path(home);
            self.write_down(home, &name, Thing::Path);
        }
    }

    pub(super) fn learn_host(&mut self, written: &str) {
        if self.address(written).is_some() {
            return;
        }
        if !is_one_name(written) {
            self.endpoint(written);
            return;
        }
        let name = self.host(written);
        let written = written.trim_end_matches('.');
        if let Some((label, _)) = public::split_domain(&written.to_lowercase()) {
            let token = self.name(Thing::Host, label);
            self.write_down(label, &token, Thing::Host);
        }
        if name != written {
            self.write_down(written, &name, Thing::Host);
        }
    }

    pub(super) fn learn_user(&mut self, written: &str) {
        let name = self.user(written);
        if name != written {
            self.write_down(written, &name, Thing::User);
        }
    }

    pub(super) fn learn_path(&mut self, written: &str) {
        let (written, _) = split_line(written);
        let name = self.path(written);
        if name == written || Some(written.trim_end_matches('/')) == self.home.as_deref() {
            return;
        }
        self.write_down(written, &name, Thing::Path);
        if let Some(rest) = written.strip_prefix("~/")
            && let Some(home) = self.home.clone()
        {
            self.write_down(&format!("{home}/{rest}"), &name, Thing::Path);
        }
        if let Some(rest) = self.below_home(written) {
            self.write_down(&format!("~/{rest}"), &name, Thing::Path);
        }
        let file = written.rsplit(['/', '\\']).next().unwrap_or_default();
        if file != written && file.len() > 2 && !public::is_file_name(file) {
            self.write_down(file, &name, Thing::Path);
        }
    }

    /// A word that is nothing else: a comment of a key, the name of a portal.
    pub(super) fn learn_word(&mut self, thing: Thing, written: &str) {
        if written.trim().is_empty() {
            return;
        }
        let name = self.name(thing, written);
        self.write_down(written, &name, thing);
    }

    /// The writings of one key.
    pub(super) fn learn_key(&mut self, writings: &[&str]) {
        let Some(first) = writings.first() else { return };
        for writing in writings {
            self.same_key.entry((*writing).to_owned()).or_insert_with(|| (*first).to_owned());
        }
    }

    /// The name of a host; for one in a provider's domain, the customer's part of it.
    pub(super) fn host(&mut self, written: &str) -> String {
        if let Some(address) = self.address(written) {
            return address;
        }
        if !is_one_name(written) {
            return self.endpoint(written);
        }
        let name = written.trim_end_matches('.').to_lowercase();
        // What stands for a host that is not known is nobody's.
        if name.is_empty()
            || written == NO_HOST
            || public::is_host(&name)
            || public::is_domain(&name)
        {
            return written.to_owned();
        }
        match public::split_domain(&name) {
            Some((label, domain)) => format!("{}{domain}", self.name(Thing::Host, label)),
            None => self.name(Thing::Host, &name),
        }
    }

    pub(super) fn user(&mut self, written: &str) -> String {
        // USER stands for a name that is to be put in its place.
        if matches!(written, "" | "USER") || public::is_user(written) {
            return written.to_owned();
        }
        self.name(Thing::User, written)
    }

    /// The name of a path; what differs from a private key by its ending alone shows that.
    pub(super) fn path(&mut self, written: &str) -> String {
        if written.is_empty()
            || matches!(written, "~" | "none" | "internal")
            || public::is_file(written)
        {
            return written.to_owned();
        }
        let (written, line) = split_line(written);
        let path = written.replace("/./", "/").replace("//", "/");
        let (path, ending) = match ["-cert.pub", ".pub"].iter().find(|e| path.ends_with(**e)) {
            Some(ending) => (path.trim_end_matches(ending).to_owned(), *ending),
            None => (path, ""),
        };
        let place = match self.below_home(&path) {
            Some(rest) => format!("~/{rest}"),
            None => path,
        };
        format!("{}{ending}{line}", self.name(Thing::Path, &place))
    }

    fn below_home<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(self.home.as_deref()?)?.strip_prefix('/').filter(|rest| !rest.is_empty())
    }

    /// The name of an address; the address itself where it may stay. None where it is none.
    pub(super) fn address(&mut self, written: &str) -> Option<String> {
        let bare = written.trim_start_matches('[').trim_end_matches(']');
        // `%eth0` says through which interface.
        let bare = bare.split('%').next().unwrap_or_default();
        if let Ok(ip) = bare.parse() {
            return Some(self.ip(ip).unwrap_or_else(|| written.to_owned()));
        }
        if let Ok(socket) = written.parse::<SocketAddr>() {
            let name = self.ip(socket.ip()).map(|name| format!("{name}:{}", socket.port()));
            return Some(name.unwrap_or_else(|| written.to_owned()));
        }
        let range: IpNet = written.parse().ok()?;
        let name = self.ip(range.addr()).map(|name| format!("{name}/{}", range.prefix_len()));
        Some(name.unwrap_or_else(|| written.to_owned()))
    }

    /// The name of an address, where it may not stay.
    pub(super) fn ip(&mut self, ip: IpAddr) -> Option<String> {
        let kind = AddressKind::of(ip);
        let thing = match (kind, self.what) {
            (AddressKind::Unspecified, _) => return None,
            (kind, _) if kind.is_inside() => Thing::PrivateIp,
            (_, Redact::All) => Thing::Ip,
            (_, Redact::Private) => return None,
        };
        Some(self.name(thing, &ip.to_canonical().to_string()))
    }

    pub(super) fn address_or_text(&mut self, written: &str) -> String {
        self.address(written).unwrap_or_else(|| self.scrub(written))
    }

    /// The name of a key, by any of its fingerprints or by itself.
    pub(super) fn key_name(&mut self, written: &str) -> String {
        let bare = written.strip_prefix("MD5:").unwrap_or(written);
        let first = self.same_key.get(bare).or_else(|| self.same_key.get(written)).cloned();
        self.name(Thing::Key, &first.unwrap_or_else(|| bare.to_owned()))
    }

    pub(super) fn key(&mut self, written: &str) -> String {
        let scrubbed = self.scrub(written);
        // What has no known form is a key all the same.
        if self.what == Redact::All && !scrubbed.is_empty() && scrubbed == written {
            return self.key_name(written);
        }
        scrubbed
    }
}

/// A path, and the number of a line in that file with its colon.
fn split_line(path: &str) -> (&str, &str) {
    let is_number = |line: &str| !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
    match path.rsplit_once(':') {
        Some((file, line)) if is_number(line) => path.split_at(file.len()),
        _ => (path, ""),
    }
}

/// A single name: no user, no port, no list.
fn is_one_name(written: &str) -> bool {
    !written.contains(['@', ':', ',', '[', ' ', '/', '*', '?', '!'])
}
