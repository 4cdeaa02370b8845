//! What several lines of a log show together.

use super::after::goes_on;
use crate::{
    case::Case,
    evidence::queries::Answer,
    explain::{Log, Mark, Program, Sign},
};

type Shown<'l> = Option<Vec<&'l Mark>>;

/// Lines after which nothing is awaited any more.
const ENDED: &[Sign] = &[
    Sign::NotResolved,
    Sign::NotConnected,
    Sign::ClosedFirst,
    Sign::ResetFirst,
    Sign::NoIdentification,
    Sign::SilentFirst,
    Sign::NoCommon,
    Sign::Corrupt,
    Sign::WayClosed,
    Sign::HostKeyFailed,
    Sign::Denied,
    Sign::Closed,
    Sign::Goodbye,
    Sign::Disconnected,
    Sign::TooMany,
    Sign::TimedOut,
    Sign::Broke,
    Sign::Putty,
    Sign::LoggedIn,
    Sign::Greeting,
    Sign::SessionClosed,
];

pub(super) fn has_any(log: &Log, signs: &[Sign]) -> bool {
    log.marks.iter().any(|m| signs.contains(&m.sign))
}

/// The last line that is one of these, where the log tells each step and ends without an end.
fn last_of<'l>(log: &'l Log, signs: &[Sign]) -> Shown<'l> {
    if !log.tells_steps() || has_any(log, ENDED) {
        return None;
    }
    let last = log.marks.iter().rev().find(|m| signs.contains(&m.sign))?;
    Some(vec![last])
}

pub(super) fn waits_for_connection<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let further = [Sign::Connected, Sign::Remote, Sign::KexSent, Sign::BeforeBanner];
    if has_any(log, &further) { None } else { last_of(log, &[Sign::Connecting]) }
}

pub(super) fn waits_for_identification<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let further = [Sign::Remote, Sign::KexReceived, Sign::KeysInUse, Sign::Methods];
    if has_any(log, &further) { None } else { last_of(log, &[Sign::Connected]) }
}

pub(super) fn waits_for_keys<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let further = [Sign::KeysInUse, Sign::Methods, Sign::HostKeyAsks, Sign::HostKey];
    if has_any(log, &further) {
        return None;
    }
    last_of(log, &[Sign::Remote, Sign::KexSent, Sign::KexReceived, Sign::AwaitsHostKey])
}

/// `ssh` has a key of the host before it, which it does not say to know.
pub(super) fn waits_for_trust<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let further = [Sign::HostKeyKnown, Sign::HostKeyAdded, Sign::KeysInUse, Sign::Methods];
    if has_any(log, &further) { None } else { last_of(log, &[Sign::HostKey]) }
}

/// The server takes a key, and `ssh` is to prove it.
pub(super) fn waits_for_proof<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let steps = [Sign::Methods, Sign::NextMethod, Sign::Offered, Sign::Accepted];
    last_of(log, &steps).filter(|shown| shown.iter().all(|m| m.sign == Sign::Accepted))
}

/// A method that is left where no key was taken.
pub(super) fn waits_for_password<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let asks = |m: &&Mark| matches!(m.word(0), "password" | "keyboard-interactive");
    let shown = last_of(log, &[Sign::Methods, Sign::NextMethod])?;
    shown.iter().all(asks).then_some(shown)
}

/// The way through a jump host that let in, closed before the target said a word.
pub(super) fn way_closed_first<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    let through = case.hop()?.case.log()?.has(Sign::LoggedIn);
    let closed = log.last(Sign::WayClosed).filter(|_| !log.has(Sign::Remote))?;
    through.then(|| vec![closed])
}

/// Nothing came through the way to the target.
pub(super) fn way_silent<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let (silent, way) = (log.last(Sign::SilentFirst)?, log.last(Sign::WayClosed)?);
    Some(vec![silent, way])
}

/// Words for a command that a shell does not find.
const NOT_FOUND: &[Sign] = &[Sign::CommandFailed, Sign::NotFoundThere, Sign::NotFoundSomewhere];

/// Whether the way to the host is said to have ended, by the `ssh` that was to use it.
pub(super) fn way_ended(log: &Log) -> bool {
    has_any(log, &[Sign::WayClosed, Sign::ClosedFirst])
}

/// A command that is not there, and the end of the way that it should have been.
pub(super) fn command_missing<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let missing = log.marks.iter().rev().find(|m| NOT_FOUND.contains(&m.sign))?;
    let ended = log.last(Sign::WayClosed).or_else(|| log.last(Sign::ClosedFirst))?;
    missing.text.raw().contains("not found").then(|| vec![missing, ended])
}

/// What a proxy command says where it runs and fails.
pub(super) fn command_failed<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let failed = log.last(Sign::CommandFailed)?;
    (!failed.text.raw().contains("not found")).then(|| vec![failed])
}

pub(super) fn not_found_anywhere<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    log.marks.iter().rev().find(|m| NOT_FOUND.contains(&m.sign)).map(|m| vec![m])
}

/// A key that `ssh` reads, given to PuTTY.
pub(super) fn key_for_another_program<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let reasons = ["OpenSSH SSH-2 private key", "ssh.com SSH-2 private key"];
    let is_it = |m: &&Mark| reasons.iter().any(|reason| m.word(1).starts_with(reason));
    log.all(Sign::KeyNotLoaded).filter(is_it).last().map(|m| vec![m])
}

/// A passphrase that does not open the key, and none that did afterwards.
pub(super) fn passphrase_refused<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let refused = log.last(Sign::BadPassphrase)?;
    let added = log.last(Sign::IdentityAdded).is_some_and(|m| m.line >= refused.line);
    (!added).then(|| vec![refused])
}

/// Not let in, after a passphrase was asked for more than once for the same key. Where the way leads
/// through a jump host, its `ssh` asks for itself.
pub(super) fn passphrase_asked_again<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    let denied = log.last(Sign::Denied).filter(|_| !goes_on(case, log))?;
    let asked = log.last(Sign::AsksPassphrase)?;
    let same = log.all(Sign::AsksPassphrase).filter(|m| m.word(0) == asked.word(0));
    let mut shown: Vec<&Mark> = same.filter(|m| m.line <= denied.line).collect();
    let again = shown.len() > 1 && !log.has(Sign::IdentityAdded);
    shown.push(denied);
    again.then_some(shown)
}

/// Not let in, after a passphrase was asked for.
pub(super) fn denied_after_prompt<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let (asked, denied) = (log.last(Sign::AsksPassphrase)?, log.last(Sign::Denied)?);
    (asked.line <= denied.line && !log.has(Sign::IdentityAdded)).then(|| vec![asked, denied])
}

pub(super) fn host_key_changed<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    // With StrictHostKeyChecking=no ssh warns and goes on.
    let further = [Sign::Denied, Sign::Methods, Sign::GoesOnUntrusted];
    if has_any(log, &further) && !log.has(Sign::HostKeyFailed) {
        return None;
    }
    let warned = log.last(Sign::HostKeyChanged)?;
    Some([warned].into_iter().chain(log.last(Sign::Offending)).collect())
}

pub(super) fn host_key_changed_and_on<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    if has_any(log, ENDED) || has_any(log, &[Sign::Methods, Sign::AsksPassword]) {
        return None;
    }
    Some(vec![log.last(Sign::HostKeyChanged)?, log.last(Sign::GoesOnUntrusted)?])
}

pub(super) fn host_key_asked<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let asked = log.last(Sign::HostKeyAsks)?;
    let failed = log.last(Sign::HostKeyFailed);
    let further = [Sign::Denied, Sign::Methods, Sign::KeysInUse, Sign::HostKeyAdded];
    let comes =
        |signs: &[Sign]| log.marks.iter().any(|m| m.line >= asked.line && signs.contains(&m.sign));
    let ended = failed.is_some() || comes(ENDED) && !comes(&further);
    ended.then(|| [asked].into_iter().chain(failed).collect())
}

/// The same, where the log ends with the question.
pub(super) fn host_key_is_asked<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let further = [Sign::Methods, Sign::KeysInUse, Sign::HostKeyAdded];
    let asked = log.last(Sign::HostKeyAsks)?;
    let comes =
        |m: &Mark| m.line >= asked.line && (further.contains(&m.sign) || ENDED.contains(&m.sign));
    (!log.marks.iter().any(comes)).then(|| vec![asked])
}

/// The same, in the words of PuTTY.
pub(super) fn host_key_not_cached<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    host_key_asked(case, log).filter(|_| log.program == Program::Putty)
}

/// A key that `ssh` shows and does not trust, where it would have named each other reason.
pub(super) fn host_key_new<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let other =
        [Sign::HostKeyChanged, Sign::HostKeyRevoked, Sign::RevokedUnreadable, Sign::HostKeyWeak];
    if has_any(log, &other) || log.has(Sign::CertificateInvalid) {
        return None;
    }
    Some(vec![log.last(Sign::HostKey)?, log.last(Sign::HostKeyFailed)?])
}

/// The line with the methods, and these.
fn methods(log: &Log) -> Option<(&Mark, Vec<&str>)> {
    let told = |m: &&Mark| matches!(m.sign, Sign::Methods | Sign::Denied);
    let mark = log.marks.iter().rev().find(told)?;
    let list = match (mark.sign, mark.words.len()) {
        (Sign::Denied, 3) => mark.word(2),
        _ => mark.word(0),
    };
    Some((mark, list.split(',').filter(|m| !m.is_empty()).collect()))
}

pub(super) fn password_only<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let (mark, methods) = methods(log)?;
    // A key that was offered was one of the methods before.
    let offered = log.has(Sign::Offered) && !methods.is_empty();
    let no_keys = !methods.contains(&"publickey") && !offered;
    (no_keys && !log.has(Sign::KeyRefused)).then(|| vec![mark])
}

/// The lines that show that the server waits for a key, where ssh tells each step and offers none.
fn no_offer(log: &Log) -> Option<Vec<&Mark>> {
    if !log.tells_steps() || has_any(log, &[Sign::Offered, Sign::KeyRefused]) {
        return None;
    }
    let (mark, methods) = methods(log)?;
    let denied = log.last(Sign::Denied)?;
    methods.contains(&"publickey").then(|| match mark.line == denied.line {
        true => vec![denied],
        false => vec![mark, denied],
    })
}

pub(super) fn nothing_offered<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    no_offer(log)
}

pub(super) fn agent_unreachable<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let other = [Sign::KeyNotThere, Sign::KeyNotLoaded, Sign::KeyOpen, Sign::Skipped];
    if has_any(log, &other) {
        return None;
    }
    let shown = no_offer(log)?;
    let trouble = log.last(Sign::AgentUnreachable)?;
    Some([trouble].into_iter().chain(shown).collect())
}

pub(super) fn keys_not_tried<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let tried = log.all(Sign::NextMethod).any(|m| m.word(0) == "publickey");
    if tried || log.program == Program::Putty { None } else { no_offer(log) }
}

pub(super) fn skipped<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let skipped = log.last(Sign::Skipped)?;
    let shown = no_offer(log)?;
    Some([skipped].into_iter().chain(shown).collect())
}

pub(super) fn accepted_unproven<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    case.queries()?.accepted()?;
    let ended = log.last(Sign::Denied)?;
    Some([log.last(Sign::Accepted)?, ended].into())
}

fn offers(log: &Log) -> Vec<&Mark> {
    log.all(Sign::Offered).collect()
}

/// Cut off after several keys, or after nobody knows how many.
pub(super) fn cut_off<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let said = log.last(Sign::TooMany)?;
    let offers = offers(log);
    (offers.len() != 1).then(|| offers.into_iter().take(6).chain([said]).collect())
}

/// Keys were offered, and none was taken.
pub(super) fn refused<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    let queries = case.queries()?;
    let ended = log.last(Sign::Denied)?;
    let all =
        !queries.offers.is_empty() && queries.offers.iter().all(|q| q.answer == Answer::Refused);
    all.then(|| offers(log).into_iter().take(6).chain([ended]).collect())
}

pub(super) fn certificate_refused<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    let shown = refused(case, log)?;
    let is_certificate = |m: &&Mark| m.words.iter().any(|word| word.ends_with("-CERT"));
    shown.iter().any(is_certificate).then_some(shown)
}

/// The server hung up once keys were in use.
pub(super) fn closed_in_login<'l>(_: &Case, log: &'l Log) -> Shown<'l> {
    let closed = log.last(Sign::Closed).or_else(|| log.last(Sign::Broke))?;
    let telling = [Sign::KeysInUse, Sign::Methods, Sign::Offered, Sign::HostKeyAdded];
    has_any(log, &telling).then(|| vec![closed])
}
