//! Causes of a separate SFTP access that does not work: in the server's answer to a password, and
//! in the session behind it.

use super::{Diagnosis, Id, Rule, agent::own_key, undetermined};
use crate::{
    case::Case,
    evidence::{
        password::{Answer, PasswordLogin},
        queries::Broken,
        sftp::{SftpSession, Subsystem, WriteStep},
    },
    finding::Hint,
    text,
    text::{Text, foreign, host, number, user},
};

/// In causal order: whether a password may be tried, whether it is taken, whether a session opens,
/// and what may be done in it.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::PasswordDisabled, finds: disabled_here },
    Rule { id: Id::SftpUnavailable, finds: no_password },
    Rule { id: Id::SftpUnavailable, finds: cut_before },
    Rule { id: Id::PasswordNotSent, finds: not_sent },
    Rule { id: Id::PasswordExpired, finds: expired },
    Rule { id: Id::PasswordNotEnough, finds: second_factor },
    Rule { id: Id::PasswordWrong, finds: wrong },
    Rule { id: Id::SftpUnavailable, finds: no_subsystem },
    Rule { id: Id::SftpNoise, finds: noise },
    Rule { id: Id::SftpClosed, finds: closed },
    Rule { id: Id::SftpFolderUnreadable, finds: unreadable },
    Rule { id: Id::SftpFolderUnwritable, finds: unwritable },
];

/// The configuration turns passwords off: seen before anything is connected to.
pub(super) fn password_disabled(case: &Case) -> Option<Diagnosis> {
    use crate::evidence::password::Method::{KeyboardInteractive, Password};
    case.plan.access.sftp()?;
    let e = case.effective()?;
    if e.allows(Password) || e.allows(KeyboardInteractive) {
        return None;
    }
    let what = if e.batch_mode {
        "BatchMode is on: ssh and sftp then never send a password."
    } else if !e.password_authentication && !e.kbd_interactive_authentication {
        "The effective configuration has PasswordAuthentication no and \
         KbdInteractiveAuthentication no."
    } else {
        "PreferredAuthentications is set and names no method with a password that is on."
    };
    Some(Diagnosis::new(Id::PasswordDisabled).because(what).step(turned_on(case)))
}

fn turned_on(case: &Case) -> Hint {
    let on = case.plan.client().set("BatchMode=no").set("PasswordAuthentication=yes");
    Hint::run(
        "Try once with it turned on, then correct your ssh configuration:",
        on.set("KbdInteractiveAuthentication=yes")
            .set("PreferredAuthentications=password,keyboard-interactive")
            .command(),
    )
}

/// The server offers the very way that is turned off here.
fn disabled_here(case: &Case) -> Option<Diagnosis> {
    let login = login(case)?;
    let offered = crate::sftp::turned_off(case, login)?;
    Some(
        Diagnosis::new(Id::PasswordDisabled)
            .because(text![
                "The server takes a password by this way alone: ",
                offered.join(", "),
                "."
            ])
            .because("Your ssh configuration turns that one off, and leaves the other way on.")
            .step(turned_on(case)),
    )
}

fn login(case: &Case) -> Option<&PasswordLogin> {
    case.plan.access.sftp()?;
    case.password_login()
}

/// Whether the password was sent.
fn sent(case: &Case) -> bool {
    let attempt = case.password_login().and_then(|login| login.attempt.as_ref());
    attempt.is_some_and(|attempt| attempt.sent)
}

/// The session of somebody who is logged in.
fn session(case: &Case) -> Option<&SftpSession> {
    login(case).filter(|login| login.is_in())?;
    case.sftp()
}

fn support(case: &Case) -> String {
    let support = case.profile().support.clone();
    support.unwrap_or_else(|| "those who run the server".to_owned())
}

fn no_password(case: &Case) -> Option<Diagnosis> {
    let login = login(case)?;
    let methods = login.methods.as_ref()?;
    if login.offers_any() || login.open_door || login.attempt.is_some() {
        return None;
    }
    let who = || user(&login.user);
    let found = Diagnosis::new(Id::SftpUnavailable).because(if methods.is_empty() {
        text!["The server offers no way at all to log in as ", who(), "."]
    } else {
        text![
            "The server offers these ways to log in as ",
            who(),
            ": ",
            foreign(methods.join(", ")),
            ". A password is not among them.",
        ]
    });
    let profile = case.profile();
    let other = profile.sftp.as_ref().and_then(|sftp| sftp.user.as_ref());
    let found = match other.filter(|other| **other != login.user) {
        Some(other) => found.step(Hint::run(
            text!["Passwords are for the SFTP user, which is ", user(other), " here:"],
            case.plan.client().user(other).command(),
        )),
        None => found.step(Hint::advice("Check that this is the right host and user.")),
    };
    let found = found.step(Hint::advice(text![
        "If they are right, ask ",
        support(case),
        " whether the SFTP access is set up for this user, and whether it has a password.",
    ]));
    Some(if methods.iter().any(|m| m == "publickey") {
        found.step(Hint::run(
            "If you have a key for this user, see whether it is taken:",
            case.plan.ssh().examined().command(),
        ))
    } else {
        found
    })
}

/// `ssh` tries keyboard-interactive first, and with that the server has had enough.
fn cut_before(case: &Case) -> Option<Diagnosis> {
    let login = login(case)?;
    if !login.is_cut_before() {
        return None;
    }
    let client = case.plan.client();
    let found = Diagnosis::new(Id::SftpUnavailable)
        .because(
            "The server offers keyboard-interactive, which ssh tries first. It refused it without a \
             question, and then ended the conversation: it bears no second attempt.",
        )
        .because("So the password could not be sent.")
        .step(Hint::run(
            "Try the password alone, and if that works, put this into your ssh configuration:",
            client.set("PreferredAuthentications=password").command(),
        ));
    Some(found.step(Hint::advice(text![
        "Tell ",
        support(case),
        ": the server should not offer what it has no use for (KbdInteractiveAuthentication no), or \
         bear more attempts (MaxAuthTries).",
    ])))
}

fn not_sent(case: &Case) -> Option<Diagnosis> {
    if !login(case)?.withheld {
        return None;
    }
    let shown = case.handshake()?.host_key.as_ref()?;
    let (effective, known) = (case.effective()?, case.known_hosts()?);
    let trust = crate::host_trust::in_case(case)?;
    let mut found = Diagnosis::new(Id::PasswordNotSent)
        .because("The server offers a login with a password, and you gave one.")
        .because(
            "This computer does not know the server's key, so it could be anybody's computer. \
             ssh-preflight sends a password to no such server.",
        );
    found.because.extend(crate::host_key::describe(effective, shown, &trust));
    let steps = crate::host_key::steps(&case.plan, effective, known, shown, &trust);
    Some(steps.into_iter().fold(found, Diagnosis::step))
}

fn second_factor(case: &Case) -> Option<Diagnosis> {
    let found = Diagnosis::new(Id::PasswordNotEnough);
    let attempt = login(case)?.attempt.as_ref()?;
    let found = match &attempt.answer {
        // Nobody asks for a key: the client has to offer it.
        Answer::Partial { methods } if *methods == ["publickey"] => {
            let typed = case.plan.typed_identities().next();
            let own = typed.map_or_else(|| own_key(case), str::to_owned);
            return Some(
                found
                    .because("The server takes the password, and wants a key as well.")
                    .step(Hint::run(
                        "Log in with the key that is registered for this access. If it is another \
                         file than this one, put that in its place:",
                        case.plan.client().only_identity(&own).command(),
                    ))
                    .step(Hint::advice(text![
                        "If no key was ever registered for it, send ",
                        support(case),
                        " the public half (the file that ends in .pub), or ask for an access that \
                         needs the password alone.",
                    ])),
            );
        }
        Answer::Partial { methods } => found
            .because("The server takes the password, and wants one more proof before it lets in.")
            .because(text!["It names these: ", foreign(methods.join(", ")), "."]),
        Answer::Asked { prompts } => {
            let first = if attempt.sent {
                "After the password the server asked for more, which was not answered: "
            } else {
                "The server does not ask for a password alone, so the password was not sent: "
            };
            found.because(text![first, asked(prompts)])
        }
        _ => return None,
    };
    Some(
        found
            .step(Hint::run(
                "Log in yourself and answer each question:",
                case.plan.client().command(),
            ))
            .step(Hint::advice(text![
                "If a program is to log in, where nobody can answer, ask ",
                support(case),
                " for an access that needs the password alone, or a key.",
            ])),
    )
}

/// Questions of PAM and of others for a new password.
fn asks_for_a_new_one(prompts: &[crate::text::Foreign]) -> bool {
    let words =
        ["new password", "new unix password", "change your password", "password has expired"];
    prompts.iter().any(|prompt| {
        let prompt = prompt.raw().to_ascii_lowercase();
        words.iter().any(|words| prompt.contains(words))
    })
}

fn asked(prompts: &[crate::text::Foreign]) -> crate::text::Span {
    let asked: Vec<_> = prompts.iter().map(|prompt| prompt.in_a_line().raw().to_owned()).collect();
    foreign(asked.join(" | "))
}

fn expired(case: &Case) -> Option<Diagnosis> {
    let found = Diagnosis::new(Id::PasswordExpired);
    let answer = login(case)?.answer();
    let found = if let Some(Answer::Asked { prompts }) = answer.filter(|_| sent(case)) {
        if !asks_for_a_new_one(prompts) {
            return None;
        }
        found
            .because("The password is right. The server then asked for a new one, which was not answered.")
            .because(text!["Its words: ", asked(prompts)])
    } else if answer == Some(&Answer::NeitherYesNorNo) {
        found.because(
            "The server answered the password with neither yes nor no. SSH has one such answer: \
             the wish for a new password, since the old one has expired.",
        )
    } else {
        let session = session(case).filter(|session| session.version.is_none())?;
        let words = session.stderr.raw().to_ascii_lowercase();
        if !words.contains("password has expired") && !words.contains("password change required") {
            return None;
        }
        found
            .because("The password is right, but the server lets nobody work with it any more.")
            .because(text!["It says: ", session.stderr.in_a_line().short()])
    };
    Some(
        found
            .step(Hint::run(
                "Log in once at a terminal. If the server asks for a new password, set one:",
                case.plan.ssh().command(),
            ))
            .step(Hint::advice(text![
                "If it does not ask, ",
                support(case),
                " must set a new password for this user.",
            ])),
    )
}

fn wrong(case: &Case) -> Option<Diagnosis> {
    let login = login(case)?;
    if login.answer() != Some(&Answer::Refused) {
        return None;
    }
    let mut found = Diagnosis::new(Id::PasswordWrong)
        .because(text![
            "The server offers a login with a password, and refused the one that was given for ",
            user(&login.user),
            ". It was tried once.",
        ])
        .because(
            "A server answers in the same way where the user does not exist, is locked or has \
             expired, may not log in from here, or has no password. It tells nobody which.",
        )
        .step(Hint::advice(
            "Type the password again, from where it was given to you: no space and no line break \
             before or after it, and the right keyboard layout.",
        ));
    let profile = case.profile();
    let other = profile.sftp.as_ref().and_then(|sftp| sftp.user.as_ref());
    let other = other.filter(|other| **other != login.user);
    if let Some(other) = other {
        found = found.step(Hint::advice(text![
            "Check the user: unless another one was agreed on, it is ",
            user(other),
            " here.",
        ]));
    }
    found = found.step(Hint::advice(text![
        if other.is_some() { "If both are right, ask " } else { "If it is right, ask " },
        support(case),
        " whether the access still exists, and for a new password. Do not try many times: servers \
         block addresses that fail.",
    ]));
    Some(found)
}

fn no_subsystem(case: &Case) -> Option<Diagnosis> {
    let found = Diagnosis::new(Id::SftpUnavailable);
    let session = session(case)?;
    let found = match session.subsystem {
        Subsystem::Refused => found
            .because("The password is right, and the server refuses to start SFTP.")
            .step(Hint::advice(text![
                "Ask ",
                support(case),
                " to turn SFTP on (in OpenSSH: the line \"Subsystem sftp internal-sftp\" in \
                 sshd_config).",
            ])),
        Subsystem::NoSession => found
            .because("The password is right, and the server opens no session for this user.")
            .step(Hint::advice(text![
                "Ask ",
                support(case),
                " which sessions this user may open (in OpenSSH: MaxSessions in sshd_config).",
            ])),
        _ => return None,
    };
    Some(found)
}

fn noise(case: &Case) -> Option<Diagnosis> {
    let session = session(case)?;
    if session.noise.is_empty() {
        return None;
    }
    let text = session.noise.raw();
    let found = Diagnosis::new(Id::SftpNoise)
        .because("The password is right, and the server starts the program for SFTP.")
        .because(text!["But text comes in its place: ", session.noise.in_a_line().short()]);
    let no_account = ["not available", "nologin", "/bin/false", "sftp connections only"];
    Some(if no_account.iter().any(|words| text.contains(words)) {
        found.because("It is what an account says whose shell lets nobody in.").step(Hint::advice(
            text![
                "Ask ",
                support(case),
                " to give this user SFTP without a shell (in OpenSSH: internal-sftp in place of \
                 sftp-server).",
            ],
        ))
    } else {
        found
            .because(
                "A file that the account's shell reads at each start, such as .bashrc, prints it. \
                 Programs for SFTP then end with \"Received message too long\".",
            )
            .step(Hint::advice(
                "In that file, print only where somebody sits at a terminal: put the line \
                 [ -t 1 ] || return before what prints.",
            ))
            .step(Hint::advice(text!["If you cannot change it, ask ", support(case), "."]))
    })
}

fn closed(case: &Case) -> Option<Diagnosis> {
    let session = session(case)?;
    let open = session.version.is_some() && !session.folders.is_empty();
    if session.broken != Some(Broken::ServerEnded) || open {
        return None;
    }
    let mut found = Diagnosis::new(Id::SftpClosed);
    found = if session.subsystem == Subsystem::NoAnswer {
        found
            .because("The password is right. The server then ended the connection before it started SFTP.")
            .because(
                "OpenSSH does so where the folder that it locks users into (ChrootDirectory) does \
                 not belong to root, or others may write to it or to a folder above it.",
            )
            .step(Hint::advice(text![
                "Ask ",
                support(case),
                " to look at owner and mode of that folder, and to send you what the log of the \
                 server says of your login.",
            ]))
    } else {
        let status = session.exit_status.map(|status| {
            text![
                "The program for SFTP ended with the status ",
                number(status),
                meaning(status),
                "."
            ]
        });
        found = found.because(
            "The password is right, and the server said that it starts SFTP. Then the session ended \
             without a word of SFTP.",
        );
        found.because.extend(status);
        if session.exit_status == Some(1) {
            // OpenSSH ends so, and keeps its words about it from SFTP (session.c, do_pwchange).
            found = found.or(Id::PasswordExpired);
        }
        found
            .because(
                "That is so where another command is forced upon this user (ForceCommand), where \
                 its shell lets nobody in, or where the program for SFTP is missing, as in a folder \
                 that users are locked into.",
            )
            .step(Hint::advice(text![
                "Ask ",
                support(case),
                " to use internal-sftp, both as Subsystem and as ForceCommand of this user.",
            ]))
    };
    if !session.stderr.is_empty() {
        found = found.because(text!["The server says: ", session.stderr.in_a_line().short()]);
    }
    Some(found)
}

const fn meaning(status: u32) -> &'static str {
    match status {
        127 => " (no such program)",
        126 => " (it may not be run)",
        _ => "",
    }
}

fn unreadable(case: &Case) -> Option<Diagnosis> {
    let folder = session(case)?.folder()?;
    let trouble = folder.trouble.as_ref()?;
    if *trouble == crate::evidence::sftp::Trouble::NoAnswer {
        return None;
    }
    let found = Diagnosis::new(Id::SftpFolderUnreadable)
        .because("The password is right, and SFTP starts.")
        .because(text!["The folder ", &folder.path, " cannot be listed: ", trouble.words(), "."]);
    let named = case.plan.access.sftp().is_some_and(|wish| wish.folder.is_some());
    let found = if named {
        found.step(Hint::advice(
            "Check the name of the folder. It is the one that the SFTP server uses, which is often \
             another one than the shell user sees; without --folder, the first one is looked at.",
        ))
    } else {
        found
    };
    Some(found.step(Hint::advice(text![
        "Ask ",
        support(case),
        " to let the SFTP user read the folder and go into it (chmod u+rwx for its owner, g+rx for \
         a group that the user is in).",
    ])))
}

fn unwritable(case: &Case) -> Option<Diagnosis> {
    let session = session(case)?;
    let test = session.write_test.as_ref()?;
    let (step, trouble) = test.failed()?;
    if session.broken.is_some() || *trouble == crate::evidence::sftp::Trouble::NoAnswer {
        return None;
    }
    let what = match step {
        WriteStep::Create => "A new file could not be made: ",
        WriteStep::Write => "A new file was made, but could not be filled: ",
        WriteStep::Rename => "A new file was made, but could not be renamed: ",
        WriteStep::Remove => "A new file was made, but could not be removed: ",
    };
    let folder = session.folder()?;
    let mut found = Diagnosis::new(Id::SftpFolderUnwritable)
        .because(text!["The password is right, and ", &folder.path, " can be listed."])
        .because(text![what, trouble.words(), "."]);
    let locked_in = folder.path.raw() == "/" && folder.rights.uid == Some(0);
    let below = folder.entries.iter().find(|entry| entry.rights.is_folder());
    if locked_in {
        found = found
            .because("Where users are locked in, nobody may write into / itself. That is as it should be.")
            .step(Hint::advice(match below {
                Some(below) => text![
                    "Upload into a folder in it, such as ",
                    &below.name,
                    ", and test that one with --folder.",
                ],
                None => text!["Ask ", support(case), " for a folder in it that is yours."],
            }));
    } else if step == WriteStep::Create && folder.rights.uid.is_some() {
        let own = crate::sftp_rights::own_number(session, &login(case)?.user);
        let nobody = u32::MAX;
        let those = crate::sftp_rights::obstacles(session, own.unwrap_or(nobody));
        let those: Vec<_> = those.into_iter().filter(|o| o.place == folder.path.raw()).collect();
        for step in crate::sftp_rights::remedies(case, session, &those) {
            found = found.step(step);
        }
    }
    let else_ask = if found.next_steps.is_empty() { "Ask " } else { "Else ask " };
    Some(found.step(Hint::advice(text![
        else_ask,
        support(case),
        " whether this access may write at all: some are for reading alone. A full disk or quota \
         looks the same on some servers.",
    ])))
}

/// The test file that could not be removed, whatever the cause.
pub(super) fn left_behind(case: &Case) -> Option<Text> {
    let test = case.sftp()?.write_test.as_ref()?;
    let places = crate::sftp::places(test, test.left_behind.as_ref()?);
    Some(text!["The test file may still be there. Please remove it: "].then(places))
}

/// No cause was found, and the verdict misses something.
pub(super) fn not_examined(case: &Case) -> Option<Diagnosis> {
    let found = Diagnosis::new(Id::NotExamined);
    let with_sftp = || undetermined::with_ssh(case);
    let login = match &case.password_login.as_ref()?.seen {
        Ok(login) => login,
        Err(why) => return Some(found.because(why.words()).step(with_sftp())),
    };
    if let Some(why) = login.broken {
        let sent = sent(case);
        let hung_up = why == Broken::ServerEnded;
        let words =
            if sent { "The password was sent once; " } else { "Before a password could be sent, " };
        let mut found = found.because(text![words, why.words(), "."]);
        if sent {
            found = found
                .because("Whether the password is right is not known.")
                .or(Id::PasswordWrong)
                .or(Id::SourcePenalty);
        }
        if hung_up {
            found = found.because(
                "Servers do so by rule for a user or an address, when they block an address that \
                 failed before, or when they fail themselves.",
            );
        }
        return Some(found.step(Hint::advice(
            "Wait some minutes before you try again: each attempt may count against your address. \
             Those who run the server see the reason in its log.",
        )));
    }
    let wants_login = case.plan.access.sftp().is_some_and(|wish| wish.login);
    if !wants_login {
        return None;
    }
    let whole = |s: &SftpSession| {
        let written = s.write_test.as_ref().is_none_or(|test| test.failed().is_none());
        let looked = s.version.is_some() && s.home.is_some() && !s.folders.is_empty();
        s.broken.is_none() && looked && written
    };
    match case.sftp.as_ref().map(|s| &s.seen) {
        Some(Ok(session)) if whole(session) => None,
        Some(Ok(session)) => {
            let why = session.broken.unwrap_or(Broken::ServerEnded);
            let found = found.because(text![
                "The password is right. In the SFTP session with ",
                host(&case.plan.host),
                " ",
                why.words(),
                ".",
            ]);
            Some(found.step(with_sftp()))
        }
        Some(Err(why)) => Some(found.because(why.words()).step(with_sftp())),
        None => None,
    }
}

#[cfg(test)]
mod tests;
