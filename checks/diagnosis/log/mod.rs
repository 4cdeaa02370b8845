//! From a log to the one cause: pure.
//!
//! The log was read into a [`Case`], so the rules for live runs judge where it holds all that they
//! read. [`causes`] says where that is so, and which lines stand for which cause elsewhere. What a
//! log cannot tell is said, with the command that looks.

mod after;
mod causes;
mod lines;
mod steps;
#[cfg(test)]
mod tests;

use causes::{By, CAUSES, Cause, Sure};

use super::{Diagnosis, Group, Id, rules};
use crate::{
    case::Case,
    explain::{Log, Mark, Program, Sign},
    finding::Hint,
    text,
    text::{Text, host, number},
};

/// How many lines of a log are quoted.
const MOST_QUOTED: usize = 8;

/// The one cause, or `None` where the log shows a login that worked, and nothing that failed then.
pub(super) fn diagnose(case: &Case, log: &Log) -> Option<Diagnosis> {
    if log.login().is_some() {
        return after::login(case, log).map(|found| finish(found, case, log));
    }
    if let Some(hop) = case.hop().map(|hop| hop.case.as_ref())
        && hop.log().is_none_or(|log| log.login().is_none())
        && let Some(mut found) = hop.log().and_then(|told| diagnose(hop, told))
    {
        found.because.insert(
            0,
            text![
                "The connection goes through the jump host ",
                host(&hop.plan.host),
                ", and that is where it ends. What follows is about the jump host."
            ],
        );
        found.at = Some(text![host(&hop.plan.host)]);
        return Some(found);
    }
    // What only a login makes possible comes before the last word of git or scp.
    let found = after::login(case, log);
    let found = found.or_else(|| CAUSES.iter().find_map(|cause| find(cause, case, log)));
    Some(finish(found.unwrap_or_else(|| nothing(log)), case, log))
}

fn find(cause: &Cause, case: &Case, log: &Log) -> Option<Diagnosis> {
    let shown = match &cause.by {
        By::RuleOfSteps if !log.tells_steps() => return None,
        By::Rule | By::RuleOfSteps => return by_rule(cause.id, case, log),
        By::Sign(sign) => vec![log.last(*sign)?],
        By::Word(sign, words) => {
            let has = |m: &&Mark| {
                m.sign == *sign && m.words.iter().any(|w| w.to_ascii_lowercase().contains(words))
            };
            vec![log.marks.iter().rev().find(has)?]
        }
        By::Lines(show) => show(case, log)?,
    };
    let mut found = Diagnosis::new(cause.id);
    found.because.extend(quoted(&shown));
    found = found.because(cause.means);
    // The first of several lines names the file or the key.
    found.next_steps = steps::of(cause.id, case, log, shown.first().copied());
    found.also_possible = cause.also.to_vec();
    let only_warns = shown.iter().all(|m| is_warning(m)) && !tells_failure(log);
    Some(if only_warns { in_doubt(found) } else { told_surely(found, cause.sure) })
}

/// Lines after which `ssh` goes on: another key, or a password, may let in. `ssh-add` ends with its own.
fn is_warning(mark: &Mark) -> bool {
    matches!(
        mark.sign,
        Sign::KeyOpen
            | Sign::KeyNotLoaded
            | Sign::KeyNotThere
            | Sign::NoHalf
            | Sign::WrongPair
            | Sign::NotSigned
            | Sign::NoSignature
    ) && !mark.text.raw().starts_with("Error loading key")
}

/// A cause that is one only if the login failed, which no line says.
fn in_doubt(found: Diagnosis) -> Diagnosis {
    let mut found = found.because(
        "No line of the log says that the login failed. ssh goes on after such a line: where another \
         key or a password lets in, it is only a warning. If the login failed, it is probably why.",
    );
    if !found.id.is_inconclusive() {
        found.also_possible.insert(0, found.id);
        found.id = Id::NotExamined;
    }
    found
}

/// A rule that judges live runs as well.
fn by_rule(id: Id, case: &Case, log: &Log) -> Option<Diagnosis> {
    let rule = rules().find(|rule| rule.id == id)?;
    let mut found = (rule.finds)(case)?;
    let shown: Vec<&Mark> = log.marks.iter().filter(|m| is_end(m.sign)).collect();
    let mut because = quoted(&shown);
    because.append(&mut found.because);
    found.because = because;
    Some(found)
}

/// Lines that tell how an attempt ended, which every reader looks for.
fn is_end(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::ConfigOpen
            | Sign::ConfigWrong
            | Sign::NotResolved
            | Sign::AddressFailed
            | Sign::NotConnected
            | Sign::BeforeBanner
            | Sign::ClosedFirst
            | Sign::ResetFirst
            | Sign::NoIdentification
            | Sign::OldProtocol
            | Sign::NoCommon
            | Sign::Corrupt
            | Sign::Goodbye
            | Sign::WayClosed
            | Sign::Closed
            | Sign::Denied
    )
}

fn quoted(marks: &[&Mark]) -> Vec<Text> {
    let skip = marks.len().saturating_sub(MOST_QUOTED);
    let quote = |m: &&Mark| text!["Line ", number(m.line), " of the log: ", &m.text];
    marks.iter().skip(skip).map(quote).collect()
}

fn told_surely(found: Diagnosis, sure: Sure) -> Diagnosis {
    match sure {
        Sure::Certain => found,
        Sure::Likely if found.id.is_inconclusive() || found.also_possible.is_empty() => found,
        Sure::Likely => found.because(
            "This is the most likely cause. The log does not tell it from those named below.",
        ),
    }
}

/// No line is known.
fn nothing(log: &Log) -> Diagnosis {
    let found = Diagnosis::new(Id::NotExamined);
    if log.marks.is_empty() {
        return found.because(text![
            "None of the ",
            number(log.lines),
            " lines is one that ssh, sftp, scp, git, rsync or plink is known to print where it fails."
        ]);
    }
    found.because(
        "The log shows steps of a connection, and no line that tells how it ended. Perhaps its last \
         lines are missing.",
    )
}

/// Adds what every log has: its last words, its limits, and where to look further.
fn finish(mut found: Diagnosis, case: &Case, log: &Log) -> Diagnosis {
    found.because.splice(0..0, log.told_of_attempts());
    found.ssh_says = last_words(log);
    if found.id == Id::HostKeyChanged && !tells_failure(log) {
        found = found.because(
            "No line of the log says that ssh ended there. With StrictHostKeyChecking=no it goes on, \
             and this is only a warning.",
        );
    }
    if let Some(untold) = untold(found.id, log) {
        found = found.because(text!["A log cannot tell ", untold, "."]);
    }
    let unnamed = match (log.names_host, case.port()) {
        (false, _) => " Put the host, and the user before it, in its place:",
        (true, None) => " The log names no port: where it is not 22, add -p and the port.",
        (true, Some(_)) => "",
    };
    found = found.step(Hint::run(
        text![
            "See how it is now, with all that a log leaves out. It logs in nowhere and changes \
             nothing.",
            unnamed
        ],
        case.plan.ssh().preflight(None).command(),
    ));
    if !log.tells_steps() && log.program != Program::Putty {
        found = found.step(Hint::run(
            "Or have ssh tell each step, and explain that:",
            case.plan.ssh().flag("-vvv").command(),
        ));
    }
    found
}

/// Whether a line says that the attempt failed, and not only that something is odd.
fn tells_failure(log: &Log) -> bool {
    let tells = |m: &Mark| {
        is_end(m.sign)
            || matches!(
                m.sign,
                Sign::TooMany
                    | Sign::HostKeyFailed
                    // Only where no key was let in.
                    | Sign::AsksPassword
                    | Sign::AskedAgain
                    | Sign::Git
                    | Sign::Rsync
                    | Sign::Copy
                    | Sign::Putty
            )
    };
    log.marks.iter().any(tells)
}

/// The last lines that are printed without `-v`.
fn last_words(log: &Log) -> Vec<Text> {
    let plain = |m: &&Mark| !m.text.raw().starts_with("debug") && is_spoken(m.sign);
    let words: Vec<&Mark> = log.marks.iter().filter(plain).collect();
    let skip = words.len().saturating_sub(2);
    words.into_iter().skip(skip).map(|m| text![&m.text]).collect()
}

fn is_spoken(sign: Sign) -> bool {
    !matches!(
        sign,
        Sign::Typed
            | Sign::Client
            | Sign::LooksUp
            | Sign::LoggedIn
            // The server says so.
            | Sign::Greeting
            | Sign::InSession
            | Sign::ExitStatus
            | Sign::Connecting
            | Sign::Connected
            | Sign::Remote
            | Sign::LoggingIn
            | Sign::Offered
            | Sign::Accepted
            | Sign::TriesPrivate
            // It is ssh-add that says so.
            | Sign::NoAgent
            | Sign::AgentGone
            | Sign::NoKeysInAgent
            | Sign::NotAdded
            | Sign::IdentityAdded
            | Sign::BadPassphrase
            // And a shell.
            | Sign::NotFoundSomewhere
    )
}

/// What would be needed to be certain, the end of a sentence.
fn untold(id: Id, log: &Log) -> Option<&'static str> {
    match id {
        Id::RefusedByHost | Id::RefusedOnTheWay => {
            Some("who refused: the host itself or a firewall on the way")
        }
        Id::Filtered | Id::HostUnreachable => Some("where on the way the packets are lost"),
        Id::NoNetwork | Id::LocalFirewall | Id::SystemError => {
            Some("how that computer's network is set up")
        }
        Id::ClosedBeforeBanner | Id::SilentServer | Id::HandshakeStalled | Id::HandshakeCut => {
            Some("whether the server or something on the way did this")
        }
        Id::KeyNotAccepted | Id::CertificateExpired => {
            Some("whether the key is registered there, or for whom; only the server knows")
        }
        Id::NoKey | Id::KeyLocked | Id::AgentUnreachable => {
            Some("what is in the key files and the agent of that computer")
        }
        Id::HostKeyUnknown if log.program == Program::Putty => {
            Some("which keys PuTTY has cached on that computer")
        }
        Id::HostKeyUnknown => Some("what the known_hosts files hold"),
        _ if id.group() == Group::Name => Some("what each name server answers"),
        _ => None,
    }
}
