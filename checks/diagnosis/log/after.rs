//! What fails although the login worked: pure.
//!
//! A server that lets in may still open no session; then the login is refused all the same. What
//! fails in a session is none of the login's business.

#[cfg(test)]
mod tests;

use super::{
    lines::{has_any, way_ended},
    quoted, steps,
};
use crate::{
    case::Case,
    diagnosis::{Diagnosis, Id},
    explain::{Log, Mark, Sign},
};

type Shown<'l> = Option<Vec<&'l Mark>>;

/// What only a login makes possible, in causal order.
const AFTER_LOGIN: &[(Sign, &str)] = &[
    (
        Sign::NoSubsystem,
        "The server lets you in, and has no SFTP (the part that scp and sftp need), or does not allow it.",
    ),
    (
        Sign::Noise,
        "A start file of the shell on the server (.bashrc, .profile) prints something. scp, sftp, rsync and git take that for their own conversation and give up.",
    ),
    (Sign::NoShell, "The account has no shell: it lets in, and allows no command."),
    (Sign::NoSession, "The server lets you in and cannot start a command or a shell."),
    (
        Sign::PasswordExpired,
        "The account or its password has expired, so the server starts nothing.",
    ),
    (
        Sign::NoRepository,
        "The server knows who you are, and this repository does not exist for you: it is misspelt, or you have no right to it.",
    ),
    (Sign::NotFoundThere, MISSING),
    (Sign::NotFoundSomewhere, MISSING),
    (Sign::CommandFailed, MISSING),
    (
        Sign::FileError,
        "The login is not the reason: the two sides were already speaking about files. This line names the file or folder, and why it cannot be read or written.",
    ),
    (
        Sign::FilesLeft,
        "The login is not the reason: rsync worked, and could not copy all files. Which, and why, is in lines before this one.",
    ),
    (Sign::NotForwarded, "A port could not be forwarded: it is in use, or not allowed."),
    (
        Sign::JumpRefused,
        "A connection was to go on from the server through a tunnel (-L, -D), and the server could not or would not make it. Its destination is the reason, and not the login.",
    ),
    (
        Sign::Broke,
        "The session began and broke later: a network that changed, a firewall that forgets quiet connections, or a server that ended.",
    ),
    (Sign::TimedOut, "The session began, and later nothing came from the server any more."),
    (Sign::Goodbye, "The login worked, and the server ended the connection in its own words."),
    (Sign::Closed, CLOSED),
    (Sign::ClosedFirst, CLOSED),
    (Sign::ResetFirst, CLOSED),
];

const MISSING: &str = "The server lets you in, and the program that is needed there is not installed, or its shell does not find it.";
const CLOSED: &str = "The login worked, and the connection was closed later.";

/// The login worked; what failed came later.
pub(super) fn login(case: &Case, log: &Log) -> Option<Diagnosis> {
    no_session(case, log).or_else(|| failed(case, log))
}

/// Whether a line says, beside the others, that a login came before it.
fn shows_login(mark: &Mark, case: &Case, log: &Log) -> bool {
    if log.login().is_some() {
        // A session that ended well was not cut.
        let cut = [Sign::Goodbye, Sign::Closed, Sign::ClosedFirst, Sign::ResetFirst];
        return !cut.contains(&mark.sign)
            || !has_any(log, &[Sign::ExitStatus, Sign::SessionClosed]);
    }
    let user_of_ssh = has_any(log, &[Sign::Git, Sign::Rsync, Sign::Copy]);
    match mark.sign {
        Sign::TimedOut | Sign::Goodbye | Sign::Closed | Sign::ClosedFirst | Sign::ResetFirst => {
            false
        }
        Sign::CommandFailed => false,
        // A program that uses ssh is there, so what is missing is missing at the other end.
        Sign::NotFoundSomewhere => user_of_ssh && !way_ended(log),
        Sign::NotFoundThere => (user_of_ssh || !mark.word(0).starts_with("ssh")) && !way_ended(log),
        Sign::JumpRefused => !goes_on(case, log) && mark.word(0) != "0",
        // With -v ssh would have told of the login.
        Sign::Broke => !log.tells_steps() && !way_ended(log),
        _ => true,
    }
}

fn failed(case: &Case, log: &Log) -> Option<Diagnosis> {
    let known = AFTER_LOGIN.iter().find_map(|(sign, means)| {
        let mark = log.last(*sign).filter(|mark| shows_login(mark, case, log))?;
        Some((mark, *means))
    });
    let ended = || {
        let status = log.last(Sign::ExitStatus).filter(|m| m.word(0) != "0")?;
        // What a proxy command ends with is about the way.
        log.last(Sign::SendsCommand).filter(|_| log.has(Sign::LoggedIn) || !goes_on(case, log))?;
        Some((status, "The command that was run there ended with an error of its own."))
    };
    let other = || {
        let last = [Sign::Git, Sign::Rsync, Sign::Copy].into_iter().find_map(|s| log.last(s))?;
        log.login()
            .is_some()
            .then_some((last, "The login worked, and the program that used it failed then."))
    };
    let (mark, means) = known.or_else(ended).or_else(other)?;
    let id = if mark.sign == Sign::NoShell { Id::NoShell } else { Id::FailsAfterLogin };
    let mut found = told(id, case, log, mark, means);
    let may_be_no_session = match mark.sign {
        Sign::Broke => log.login().is_none(),
        Sign::JumpRefused => !log.has(Sign::LoggedIn) && mark.word(2) == "open failed",
        _ => false,
    };
    if may_be_no_session {
        found.also_possible = vec![Id::LoginRefused];
        found = found.because(
            "The log does not tell it from a server that lets in and then opens no session.",
        );
    }
    let here = mark.sign == Sign::NotFoundThere
        && !has_any(log, &[Sign::LoggedIn, Sign::Git, Sign::Rsync, Sign::Copy]);
    if here && !log.tells_steps() {
        found = found.because(
            "The line alone does not say that it was printed on the server. Where it comes from a \
             shell of your own computer, the program is missing there.",
        );
    }
    Some(found)
}

fn told(id: Id, case: &Case, log: &Log, mark: &Mark, means: &'static str) -> Diagnosis {
    let shown: Vec<&Mark> = log.login().into_iter().chain([mark]).collect();
    let mut found = Diagnosis::new(id);
    found.because.extend(quoted(&shown));
    found = found.because(means);
    found.next_steps = steps::of(id, case, log, Some(mark));
    found
}

/// Let in, and given no session.
fn no_session(case: &Case, log: &Log) -> Option<Diagnosis> {
    if let Some(mark) = log.last(Sign::JumpRefused).filter(|m| is_session(m, case, log)) {
        let means = "The login worked, and the server opened no session for it: it has a rule against \
                     that for this user, or against so many sessions (MaxSessions).";
        let mut found = told(Id::LoginRefused, case, log, mark, means);
        if !log.has(Sign::LoggedIn) {
            found.also_possible = vec![Id::JumpHostCannotConnect, Id::FailsAfterLogin];
            found = found.because(
                "This is the most likely cause. The log does not tell it from those named below.",
            );
        }
        return Some(found);
    }
    let login = log.last(Sign::LoggedIn)?;
    let later = || log.marks.iter().filter(|m| m.line > login.line);
    let asked = later().any(|m| m.sign == Sign::Channel && m.word(1).contains("session"))
        || log.program == crate::explain::Program::Putty;
    let ends = [Sign::Broke, Sign::Closed, Sign::ClosedFirst, Sign::ResetFirst, Sign::Goodbye];
    let end = later().find(|m| ends.contains(&m.sign))?;
    let began = [Sign::InSession, Sign::SendsCommand, Sign::Noise, Sign::FileError];
    if !asked || later().any(|m| began.contains(&m.sign)) {
        return None;
    }
    let means = "The login worked, and the connection ended before a session began. Servers do that by a \
                 rule about accounts, or where something that a session needs is set up wrong, such as \
                 the folder of ChrootDirectory.";
    let mut found = told(Id::LoginRefused, case, log, end, means);
    // Only from -vv on ssh says that the server opened the channel.
    if log.verbosity < 2 {
        found.also_possible = vec![Id::FailsAfterLogin];
        found = found.because(
            "The log does not tell it from a session in which nothing was sent, and which broke later.",
        );
    }
    Some(found)
}

/// Whether a channel that did not open was to be a session.
fn is_session(refused: &Mark, case: &Case, log: &Log) -> bool {
    let Some(login) = log.last(Sign::LoggedIn) else {
        // What a server says of connections has another end.
        let (kind, words) = (refused.word(1), refused.word(2));
        let bare = kind == "connect failed" && words == "open failed";
        return refused.word(0) == "0" && bare && !goes_on(case, log);
    };
    let same = |m: &&Mark| m.line > login.line && m.word(0) == refused.word(0);
    match log.all(Sign::Channel).filter(same).last() {
        Some(channel) => channel.word(1).contains("session"),
        None => refused.word(0) == "0",
    }
}

/// Whether the way to the host leads through a jump host or a command.
pub(super) fn goes_on(case: &Case, log: &Log) -> bool {
    let signs = [Sign::ProxyJump, Sign::ProxyCommand, Sign::StdioFailed, Sign::WayClosed];
    let says_so = |word: &str| {
        let small = word.to_ascii_lowercase();
        word.starts_with("-J") || word.starts_with("-W") || small.contains("proxy")
    };
    let typed = log.last(Sign::Typed).is_some_and(|m| m.word(0).split(' ').any(says_so));
    case.hop().is_some() || has_any(log, &signs) || typed
}

/// A channel that did not open where the way goes on, and none of a session or a tunnel.
pub(super) fn refused_on_the_way<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    let refused = log.last(Sign::JumpRefused)?;
    goes_on(case, log).then(|| vec![refused])
}

pub(super) fn prohibited_on_the_way<'l>(case: &Case, log: &'l Log) -> Shown<'l> {
    let shown = refused_on_the_way(case, log)?;
    shown.iter().any(|m| m.word(1) == "administratively prohibited").then_some(shown)
}
