//! Takes the marks of a log apart: one attempt from the next, and the jump host's words from the
//! target's: pure.

use std::collections::HashSet;

use super::{
    log::{Log, Mark, Program},
    signs::Sign,
};

/// Lines that end an attempt by themselves.
pub(super) const ENDS: &[Sign] = &[
    Sign::ConfigOpen,
    Sign::NotResolved,
    Sign::NotConnected,
    Sign::ClosedFirst,
    Sign::ResetFirst,
    Sign::SilentFirst,
    Sign::NoCommon,
    Sign::HostKeyFailed,
    Sign::TooMany,
    Sign::Denied,
    Sign::Closed,
    Sign::FileError,
];

/// Lines that say besides that an attempt failed.
const FAILS: &[Sign] = &[
    Sign::ConfigWrong,
    Sign::NotBound,
    Sign::WayClosed,
    Sign::Goodbye,
    Sign::Broke,
    Sign::TimedOut,
    Sign::Git,
    Sign::Rsync,
    Sign::Copy,
    Sign::Putty,
];

/// Lines with which another attempt may begin, where no `-v` shows its first line.
const BEGINS: &[Sign] = &[
    Sign::ConfigOpen,
    Sign::NotResolved,
    Sign::NotConnected,
    Sign::ClosedFirst,
    Sign::ResetFirst,
    Sign::SilentFirst,
    Sign::NoCommon,
    Sign::HostKeyChanged,
    Sign::HostKeyStrict,
    Sign::HostKeyAsks,
    Sign::HostKeyAdded,
    Sign::KeyOpen,
    Sign::KeyNotThere,
    Sign::KeyNotLoaded,
    Sign::AsksPassphrase,
    Sign::AsksPassword,
    Sign::TooMany,
    Sign::Denied,
    Sign::FileError,
];

/// The attempts of a log: the last one, and those before it.
#[must_use]
pub fn take_apart(marks: Vec<Mark>, verbosity: u8) -> (Log, Vec<Log>) {
    let mut starts = vec![0];
    let mut since = 0;
    let mut seen: HashSet<Sign> = HashSet::new();
    for (place, mark) in marks.iter().enumerate() {
        let begun = marks.get(since..place).unwrap_or_default();
        if place > since && begins(begun, &seen, mark, marks.get(place + 1), verbosity) {
            starts.push(place);
            since = place;
            seen.clear();
        }
        seen.insert(mark.sign);
    }
    let program = program(&marks);
    let mut rest = marks;
    let mut parts: Vec<Log> = Vec::new();
    for start in starts.iter().rev() {
        let marks = rest.split_off(*start);
        parts.push(Log { attempts: starts.len(), program, verbosity, marks, ..Log::default() });
    }
    // The first that was split off is the last.
    let last = if parts.is_empty() { Log::default() } else { parts.remove(0) };
    (last, parts)
}

/// Whether an attempt is said to have failed. Takes it apart: what is told of a jump host counts too.
#[must_use]
pub fn failed(log: &mut Log) -> bool {
    let ends = |log: &Log| {
        let ends = |m: &Mark| ENDS.contains(&m.sign) || FAILS.contains(&m.sign);
        log.login().is_none() && log.marks.iter().any(ends)
    };
    let hop = take_jump_host(log);
    log.login().is_none() && (hop.is_some_and(|hop| ends(&hop)) || ends(log))
}

/// Whether a mark is the first of another attempt than the one that has begun, in which these signs
/// were `seen`.
fn begins(
    begun: &[Mark],
    seen: &HashSet<Sign>,
    mark: &Mark,
    next: Option<&Mark>,
    verbosity: u8,
) -> bool {
    let count = |sign| begun.iter().filter(|m| m.sign == sign).count();
    let has = |sign| seen.contains(&sign);
    let has_ended = || ENDS.iter().any(|sign| seen.contains(sign));
    match mark.sign {
        Sign::Typed => true,
        // Who is greeted was let in, so what failed before was another attempt.
        Sign::Greeting => has_ended(),
        // The ssh that goes to a jump host tells its version as well.
        Sign::Client if mark.word(0).starts_with("OpenSSH") => {
            let clients = count(Sign::Client);
            clients > 0 && clients > count(Sign::ProxyCommand)
        }
        sign if verbosity == 0 => {
            let may_begin =
                BEGINS.contains(&sign) || ENDS.contains(&sign) && has(Sign::SessionClosed);
            let ended = || has_ended() || has(Sign::SessionClosed) || has(Sign::Greeting);
            let is_way = next.is_some_and(|next| next.sign == Sign::WayClosed);
            // "Could not resolve" and the like of a jump host come before the end of the way.
            let one = is_one_word(begun, sign) || is_repeated(begun, mark);
            may_begin && ended() && !is_way && !one
        }
        _ => false,
    }
}

/// Whether a line goes on with what the one before it began: `ssh` tells some ends in two lines.
fn is_one_word(begun: &[Mark], sign: Sign) -> bool {
    let last = begun.last().map(|m| m.sign);
    matches!(
        (last, sign),
        (Some(Sign::ConfigOpen), Sign::ConfigWrong) | (Some(Sign::Disconnected), Sign::TooMany)
    )
}

/// Whether a line goes with the one before it: a program names each file that fails, and plink says
/// its last word twice, the second time behind "FATAL ERROR".
fn is_repeated(begun: &[Mark], mark: &Mark) -> bool {
    let ends = || begun.iter().rev().filter(|m| ENDS.contains(&m.sign));
    if mark.sign == Sign::FileError {
        return ends().all(|m| m.sign == Sign::FileError);
    }
    let fatal = mark.text.raw().strip_prefix("FATAL ERROR: ");
    fatal.is_some_and(|words| ends().next().is_some_and(|m| words.contains(m.text.raw())))
}

fn program(marks: &[Mark]) -> Program {
    let has = |sign| marks.iter().any(|m| m.sign == sign);
    let putty = |m: &Mark| {
        let said = m.text.raw();
        let words =
            said.starts_with("FATAL ERROR: ") || said.starts_with("Unable to use key file ");
        words || m.sign == Sign::Client && m.word(0).contains("PuTTY")
    };
    if has(Sign::Putty) || has(Sign::KeyRefused) || marks.iter().any(putty) {
        Program::Putty
    } else if has(Sign::Git) {
        Program::Git
    } else if has(Sign::Rsync) || has(Sign::FilesLeft) {
        Program::Rsync
    } else if has(Sign::Copy) || has(Sign::FileError) {
        Program::Copy
    } else {
        Program::Ssh
    }
}

/// Takes out what the `ssh` said that goes to a jump host. `None` where the way is direct, or where
/// nothing is told of the jump host.
///
/// With `-v` both write into one log. The one for the target waits for the other, so what stands
/// between the begin of the other and its login is of the jump host.
pub fn take_jump_host(log: &mut Log) -> Option<Log> {
    let marks = &log.marks;
    let way_end = marks.iter().rposition(|m| m.sign == Sign::WayClosed);
    // Older ones say the same twice.
    let way_end = way_end.map(|end| {
        let before = end.checked_sub(1).and_then(|place| marks.get(place));
        if before.is_some_and(|m| m.sign == Sign::ClosedFirst) { end - 1 } else { end }
    });
    let runs = marks.iter().position(|m| m.sign == Sign::ProxyCommand);
    let other = runs.and_then(|runs| {
        let behind = marks.iter().skip(runs).position(|m| m.sign == Sign::Client);
        behind.map(|place| runs + place)
    });
    let (from, to) = match (other, way_end) {
        (Some(from), end) => {
            let inner = marks.get(from..).unwrap_or_default();
            let clients = inner.iter().filter(|m| m.sign == Sign::Client).count();
            let deeper = clients.saturating_sub(1);
            let mut logins = (from..).zip(inner).filter(|(_, m)| m.sign == Sign::LoggedIn);
            match logins.nth(deeper) {
                Some((place, _)) => (from, place + 1),
                None => (from, end.unwrap_or(marks.len())),
            }
        }
        // Without -v there is only what went wrong.
        (None, Some(end)) => {
            let typed = marks.iter().take(end).rposition(|m| m.sign == Sign::Typed);
            (typed.map_or(0, |place| place + 1), end)
        }
        (None, None) => return None,
    };
    let ends = |m: &Mark| {
        // It is the target that is silent, behind the way.
        if other.is_none() && m.sign == Sign::SilentFirst {
            return false;
        }
        ENDS.contains(&m.sign) || matches!(m.sign, Sign::WayClosed | Sign::LoggedIn | Sign::Client)
    };
    if !marks.get(from..to).unwrap_or_default().iter().any(ends) {
        return None;
    }
    let mut own = log.marks.clone();
    let taken: Vec<Mark> = own.drain(from..to).collect();
    let hop = Log { marks: taken, verbosity: log.verbosity, attempts: 1, ..Log::default() };
    log.marks = own;
    Some(hop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::marks;

    #[test]
    fn the_last_attempt_counts() {
        for (log, attempts, first) in [
            (
                "a@h: Permission denied (publickey).\nssh: connect to host h port 22: No route to host",
                2,
                2,
            ),
            (
                "a@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                1,
                1,
            ),
            ("OpenSSH_9.2p1, x\ndebug1: Connection established.\nOpenSSH_9.2p1, x", 2, 3),
            ("$ ssh a@h\na@h: Permission denied (publickey).\n$ ssh b@h", 2, 3),
            (
                "a@j: Permission denied (publickey).\nkex_exchange_identification: Connection closed by \
              remote host\nConnection closed by UNKNOWN port 65535",
                1,
                1,
            ),
        ] {
            let (found, verbosity) = marks(log);
            let (log, _) = take_apart(found, verbosity);
            assert_eq!(log.attempts, attempts, "{log:?}");
            assert_eq!(log.marks[0].line, first, "{log:?}");
        }
    }

    #[test]
    fn the_jump_hosts_words_are_its_own() {
        let text = "OpenSSH_9.2p1, x
debug1: Executing proxy command: exec ssh -vvv -W '[h]:22' j
OpenSSH_9.2p1, x
debug1: Connecting to j [192.0.2.1] port 22.
Authenticated to j ([192.0.2.1]:22) using \"publickey\".
debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1
a@h: Permission denied (publickey).";
        let (found, verbosity) = marks(text);
        let (mut log, _) = take_apart(found, verbosity);
        let hop = take_jump_host(&mut log).unwrap();
        assert!(hop.has(Sign::LoggedIn) && !log.has(Sign::LoggedIn) && log.has(Sign::Denied));
        let (found, _) =
            marks("a@j: Permission denied (publickey).\nConnection closed by UNKNOWN port 65535");
        let (mut log, _) = take_apart(found, 0);
        let hop = take_jump_host(&mut log).unwrap();
        assert!(hop.has(Sign::Denied) && log.has(Sign::WayClosed) && !log.has(Sign::Denied));
    }
}
