//! Causes in what comes once the server has let in: no session, no shell, silence.

use super::{said, tell_them, would_take};
use crate::{
    arrival::{self, Arrival, NoSession, NoShell},
    case::Case,
    command,
    diagnosis::{Diagnosis, Id},
    evidence::{
        login::{Proof, Run, RunEnd},
        queries::Broken,
    },
    finding::Hint,
    text,
    text::{Text, foreign, number, path, user},
    transport::seconds,
};

pub(super) fn another_user(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let Arrival::AnotherUser(name) = arrival::of(login)? else { return None };
    Some(
        Diagnosis::new(Id::UnexpectedUser)
            .because(text![
                "The key is proven, and the server says: ",
                login.session.as_ref().and_then(arrival::printed).unwrap_or_else(|| "".into()),
            ])
            .step(Hint::run(
                "Log in as the user that it names:",
                case.plan.ssh().user(name).command(),
            )),
    )
}

pub(super) fn no_session(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let found = Diagnosis::new(Id::LoginRefused).because(text![
        "The key was proven, and the server let ",
        user(&login.user),
        " in."
    ]);
    let run = login.session.as_ref()?;
    let found = match arrival::of(login)? {
        Arrival::NoSession(why) => without_session(why, run, found),
        Arrival::PasswordExpired => found
            .because("But the password of the account has expired, also for those who use a key.")
            .step(Hint::run(
                "Log in with a terminal, which asks for a new password:",
                case.plan.ssh().flag("-t").command(),
            )),
        _ => return None,
    };
    Some(said(login, found))
}

fn without_session(why: NoSession, run: &Run, found: Diagnosis) -> Diagnosis {
    match why {
        NoSession::NotOpened => {
            let reason = run.not_opened.as_ref();
            let words = reason.map(|not| {
                text!["It opened no session: ", foreign(&not.reason), " (", not.words.short(), ")."]
            });
            found
                .because(words.unwrap_or_else(|| "It opened no session.".into()))
                .step(tell_them(
                    "If this account is only a way to other hosts, use it as one (ssh -J): it needs \
                     no session then.",
                ))
                .step(tell_them(
                    "Else those who run the server must allow a session (MaxSessions in \
                     sshd_config; 0 allows none).",
                ))
        }
        NoSession::NoCommand => found
            .because(text!["It would not run a command (`", foreign(&run.command), "`)."])
            .step(tell_them(
                "Some devices give an interactive shell alone. If this is one, ssh without a \
                 command works.",
            ))
            .step(tell_them(
                "Else the server cannot start programs for this account (no processes left, a \
                 rule); those who run it see why in its log.",
            )),
        NoSession::Closed => found
            .because("Then it closed the session before it said a word.")
            .because(
                "Servers do so where the folder that locks the account in has the wrong owner \
                 (ChrootDirectory), where root may only run commands of its key \
                 (forced-commands-only), or where a rule about sessions fails (PAM).",
            )
            .step(tell_them(
                "None of that can be seen or mended from here. Send this report to those who run \
                 the server; the reason is in its log.",
            )),
        NoSession::Denied => {
            // A message of the day may stand before the reason.
            let found = match arrival::last_line(run) {
                Some(line) => found.because(text!["The server says: ", line]),
                None => found.because("It ended the session at once, with status 254."),
            };
            found
                .because(
                    "Status 254 is how sshd says that nobody is let in now (/etc/nologin), or that \
                     a rule about sessions forbids it (PAM, too many logins).",
                )
                .step(tell_them(
                    "Wait some minutes and try again. If it stays so, send this report to those who \
                     run the server.",
                ))
        }
        NoSession::Killed => {
            let signal = match &run.end {
                RunEnd::Signalled(name) => name.as_str(),
                _ => "a signal",
            };
            found.because(text!["What ran there was killed by ", foreign(signal), "."]).step(
                tell_them(
                    "A limit there (memory, time, processes) or somebody ends the programs of this \
                     account. Those who run the server can see which.",
                ),
            )
        }
    }
}

pub(super) fn no_shell(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let Arrival::NoShell(why) = arrival::of(login)? else { return None };
    let run = login.session.as_ref()?;
    let found = Diagnosis::new(Id::NoShell).because(text![
        "The key was proven, and the server let ",
        user(&login.user),
        " in."
    ]);
    let found = match arrival::printed(run) {
        Some(printed) => found.because(text!["In place of a shell there was: ", printed]),
        None => found,
    };
    Some(match why {
        NoShell::SftpOnly => found
            .because("This account is for the transfer of files alone.")
            .step(Hint::run("Use it so:", sftp(case)))
            .step(tell_them(
                "If you need a shell, ask those who run the server for another account.",
            )),
        NoShell::NoLogin => found
            .because("The shell of the account is nologin: it is there to let nobody in.")
            .step(tell_them(
                "Ask those who run the server whether this is the right user. If it is, they must \
                 give it a shell (chsh).",
            ))
            .step(Hint::run("Accounts without a shell are sometimes for files alone:", sftp(case))),
        NoShell::Missing => found
            .because(
                "The shell of the account does not exist there, as in a folder that locks the \
                 account in (ChrootDirectory) and has no programs.",
            )
            .step(tell_them("Those who run the server must give the account a shell that exists."))
            .step(Hint::run("If it is meant for files alone:", sftp(case))),
        NoShell::Silent(status) => found
            .because(text![
                "Every command ends there at once, without a word and with status ",
                number(status),
                ".",
            ])
            .because(
                "Either the shell of the account is /bin/false, or a start-up file of the shell \
                 (~/.bashrc, ~/.profile) ends it. From here they look the same.",
            )
            .step(Hint::run(
                "If you have edited such a file lately, look at it by SFTP, which needs no shell \
                 where the server brings its own:",
                sftp(case),
            ))
            .step(tell_them(
                "Else ask those who run the server whether this account has a shell (chsh).",
            )),
    })
}

/// `sftp` to the same place. It shares some options with `ssh`, and means other things by the rest.
fn sftp(case: &Case) -> text::Command {
    let mut words = command!["sftp"];
    let mut typed = case.plan.ssh_options.iter();
    while let Some(word) = typed.next() {
        match word.as_str() {
            "-4" | "-6" => words.0.push(foreign(word).into()),
            "-F" | "-i" => {
                words.0.push(foreign(word).into());
                words.0.extend(typed.next().map(|file| Text::from(path(file))));
            }
            "-J" | "-o" | "-c" => {
                words.0.push(foreign(word).into());
                words.0.extend(typed.next().map(|value| Text::from(foreign(value))));
            }
            _ => {}
        }
    }
    if let Some(port) = case.plan.port {
        words.0.extend(["-P".into(), number(port).into()]);
    }
    words.0.push(case.target());
    words
}

/// A service that is known to greet in certain words says others: whether it serves is not known.
pub(super) fn another_greeting(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let profile = case.profile();
    profile.greeting.as_ref()?;
    let other = matches!(arrival::of(login)?, Arrival::OtherProgram | Arrival::Shell { .. });
    if !other || crate::login::greets(profile, login) {
        return None;
    }
    let found = Diagnosis::new(Id::NotExamined).because(text![
        "The key was proven, and the server let ",
        user(&login.user),
        " in. It greets otherwise than ",
        profile.title.clone(),
        " is known to greet, so whether it serves you is not known."
    ]);
    let found = match login.session.as_ref().and_then(arrival::printed) {
        Some(printed) => found.because(text!["It says: ", printed]),
        None => found.because("It says nothing at all."),
    };
    Some(found.step(Hint::run(
        "See what it says, and send it to those who run the service:",
        case.plan.ssh().flag("-T").command(),
    )))
}

pub(super) fn hangs(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let found = Diagnosis::new(Id::SessionHangs);
    let waited = seconds(case.plan.limits.answer_ms);
    if login.proof == Proof::Broken(Broken::NoAnswer) {
        return Some(
            found
                .because(would_take(case, login))
                .because(text!["Then the key was proven, and no answer came within ", waited, "."])
                .step(tell_them(
                    "The server waits for something itself: a directory of users, a home folder on \
                     another computer. Those who run it see it in its log.",
                )),
        );
    }
    (arrival::of(login)? == Arrival::Hangs).then(|| {
        found
            .because(text!["The key was proven, and the server let ", user(&login.user), " in."])
            .because(text![
                "Then `hostname` was to be run, and for ",
                waited,
                " nothing came back.",
            ])
            .step(Hint::run(
                "See whether the network drops the packets of a session, which ssh marks anew once \
                 you are in. If this works, it does:",
                case.plan.ssh().set("IPQoS=none").command(),
            ))
            .step(tell_them(
                "Else a start-up file of the shell there (~/.bashrc, ~/.profile) waits for \
                 something. Look at it by SFTP, and rename it to try.",
            ))
            .step(tell_them(
                "A home folder on another computer (NFS) that does not answer does the same; that \
                 is for those who run the server.",
            ))
    })
}
