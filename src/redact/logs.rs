//! The lines of a log that `explain` read: what its patterns caught is known to be a path, a host, a
//! user or the comment of a key, whatever it looks like.

use std::sync::LazyLock;

use checks::{
    case::Case,
    explain::{Log, Mark, Sign},
};
use regex::Regex;

use super::{
    kinds::Kind,
    names::{Names, Thing},
    public,
};

/// Learns what is private in the log of a case, and in those of its jump hosts.
pub(super) fn learn(case: &Case, names: &mut Names) {
    if let Some(log) = case.log() {
        of_log(log, names);
    }
    if let Some(hop) = case.hop() {
        learn(&hop.case, names);
    }
}

fn of_log(log: &Log, names: &mut Names) {
    for mark in &log.marks {
        for (place, kind) in kinds(mark) {
            word(mark.word(*place), *kind, names);
        }
        if mark.sign == Sign::ConfigWrong
            && let Some(file) = file_before(mark.text.raw())
        {
            names.learn_path(file);
        }
    }
}

/// Which words of a line hold what. A path may be told as the comment of a key, which
/// [`word`] tells apart.
fn kinds(mark: &Mark) -> &'static [(usize, Kind)] {
    use Kind::{Comment, Host, Path, User};
    let says = |words: &str| mark.text.raw().contains(words);
    match (mark.sign, mark.words.len()) {
        (Sign::LoggingIn, 3) => &[(0, Host), (2, User)],
        (Sign::LoggingIn, _) => &[(0, User)],
        (Sign::Denied, 3) | (Sign::AsksPassword, 2) => &[(0, User), (1, Host)],
        (Sign::NotResolved | Sign::AddressFailed | Sign::Corrupt, 2..)
        | (Sign::NotConnected | Sign::LoggedIn, 3)
        | (Sign::NoCommon, 4)
        | (
            Sign::LooksUp
            | Sign::Connecting
            | Sign::Alias
            | Sign::ChangedFor
            | Sign::HostKeyKnown
            | Sign::HostKeyAsks
            | Sign::TooMany
            | Sign::Goodbye
            | Sign::Disconnected
            | Sign::Broke
            | Sign::SessionClosed
            | Sign::HostKeyAdded
            | Sign::TimedOut,
            _,
        ) => &[(0, Host)],
        (Sign::HostKeyStrict, _) | (Sign::Closed, 3) => &[(1, Host)],
        (Sign::HostKeyRevoked, _) if says("by file") => &[(0, Path)],
        (Sign::HostKeyRevoked, _) => &[(0, Host)],
        (Sign::ConfigWrong, _) if says("user config file") => &[(0, Path)],
        (Sign::ConfigWrong, _) => &[(0, Host)],
        (Sign::Offered, 4) => &[(0, Comment)],
        (Sign::Offered, 3) => &[(2, Comment)],
        (Sign::Offered, 2) | (Sign::NotSigned, 4) | (Sign::Skipped, _) => &[(1, Comment)],
        (Sign::TriesPrivate, _) => &[(0, Comment)],
        (Sign::IdentityAdded, _) => &[(0, Path), (1, Comment)],
        (Sign::NoRepository, 2) => &[(0, Path), (1, User)],
        (Sign::Offending, 3) | (Sign::KeyOpen, 2) => &[(1, Path)],
        (Sign::FileError, _) if says("failed to upload") => &[(0, Path), (1, Path)],
        (
            Sign::ReadsConfig
            | Sign::Identity
            | Sign::FoundKey
            | Sign::Offending
            | Sign::RevokedUnreadable
            | Sign::ConfigOpen
            | Sign::KeyOpen
            | Sign::KeyNotLoaded
            | Sign::KeyNotThere
            | Sign::WrongPair
            | Sign::NoHalf
            | Sign::NotAdded
            | Sign::BadPassphrase
            | Sign::AsksPassphrase
            | Sign::NoRepository
            | Sign::FileError,
            _,
        ) => &[(0, Path)],
        // A program that is not found says who uses it only where its folder is told.
        (Sign::NotFoundThere | Sign::NotFoundSomewhere | Sign::CommandFailed, _)
            if mark.word(0).contains(['/', '\\']) =>
        {
            &[(0, Path)]
        }
        _ => &[],
    }
}

fn word(written: &str, kind: Kind, names: &mut Names) {
    match kind {
        // Two paths in one line: of a file that was to be renamed.
        Kind::Path => written
            .split("\" -> \"")
            .flat_map(|part| part.split("\" to \""))
            .map(str::trim)
            .filter(|part| !public::is_file_name(part))
            .for_each(|part| names.learn_path(part)),
        Kind::Comment if written.starts_with('~') || written.contains(['/', '\\']) => {
            names.learn_path(written);
        }
        Kind::Comment if !public::is_file_name(written) => {
            names.learn_word(Thing::Comment, written);
        }
        Kind::User => names.learn_user(written),
        // `ssh` calls a host so where it knows none.
        Kind::Host if written != "UNKNOWN" => {
            let inner = written.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            names.learn_host(inner.map_or(written, |(name, _)| name));
        }
        _ => {}
    }
}

/// The configuration file that a line begins with, in the words of all generations.
static FILE_BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^((?:[/~.]|[A-Za-z]:[/\\]).*?):? (?:line [0-9]+:|terminating,)").ok()
});

fn file_before(line: &str) -> Option<&str> {
    let found = FILE_BEFORE.as_ref()?.captures(line)?;
    Some(found.get(1)?.as_str())
}
