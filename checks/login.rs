//! Login: a real one, where it was asked for.

use crate::{
    arrival::{self, Arrival, NoSession, NoShell},
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen,
        login::{self, NotSigned, Proof, Run, SignedBy},
        queries::Broken,
    },
    finding::{Finding, Hint},
    profile::Profile,
    text,
    text::{Foreign, Text, foreign, host, key, number, user},
    transport::seconds,
};

/// Login.
pub struct Login;

impl Check for Login {
    const ABOUT: About = About { id: "login", title: "Login" };
    type Facts<'e> = (&'e Profile, &'e Seen<login::Login>);

    fn applies(plan: &Plan) -> bool {
        plan.login
    }

    async fn observe(evidence: &Evidence) -> Self::Facts<'_> {
        let login = evidence.login().await;
        (evidence.profile().await, login)
    }

    fn judge(plan: &Plan, (profile, login): Self::Facts<'_>) -> Finding {
        let login = match login {
            Ok(login) => login,
            Err(why) => return Finding::unseen(why),
        };
        let who = user(&login.user);
        let finding = match arrival::of(login) {
            // What the profile says that the server greets with is no surprise.
            Some(Arrival::OtherProgram) if greets(profile, login) => {
                arrived(&Arrival::Greeting, login, who)
            }
            Some(arrival) => arrived(&arrival, login, who),
            None if is_open(&login.proof, plan.interactive) => {
                Finding::skip(unproven(plan, &login.proof))
            }
            None => Finding::fail(unproven(plan, &login.proof)),
        };
        finding
            .detail_all(by(login))
            .detail_all(login.passed_over.iter().filter(|_| login.proof == Proof::Accepted).map(
                |passed| {
                    text!["Passed over: ", key(&passed.key), ", since "]
                        .then(not_signed(&passed.why))
                        .with(".")
                },
            ))
            .detail_all(
                login
                    .banner
                    .iter()
                    .map(|banner| text!["The server's notice: ", banner.in_a_line()]),
            )
            .detail_all(login.session.iter().flat_map(session))
            .fact("login", login)
    }
}

/// Whether it is what the profile says that the server greets with.
pub(crate) fn greets(profile: &Profile, login: &login::Login) -> bool {
    login.session.as_ref().is_some_and(|run| {
        profile.is_greeting(run.stdout.raw()) || profile.is_greeting(run.stderr.raw())
    })
}

/// Of a login that was let in.
fn arrived(arrival: &Arrival<'_>, login: &login::Login, who: text::Span) -> Finding {
    let run = login.session.as_ref();
    let with_text = |words: &'static str| match run.and_then(arrival::printed) {
        Some(printed) => text![words, ": ", printed],
        None => text![words, ", and without a word."],
    };
    match arrival {
        Arrival::Shell { name: Some(name), noisy: true } => Finding::warn(text![
            "Logged in as ",
            who,
            " at ",
            host(*name),
            ", where the shell prints something before any command does.",
        ])
        .detail_all(run.map(|run| text!["It prints: ", arrival::noise(run)]))
        .detail("Programs that talk through the shell (scp, sftp, rsync, git) can stumble over it.")
        .hint(arrival::quiet_shell("there")),
        Arrival::Shell { .. }
            if run.is_some_and(|run| run.stderr.raw().contains("Could not chdir to home")) =>
        {
            Finding::warn(text!["Logged in as ", who, ", who has no home folder there."])
                .hint(Hint::advice("Tell those who run the server: the home folder is missing."))
        }
        Arrival::Shell { name: Some(name), .. } => {
            Finding::pass(text!["Logged in as ", who, " at ", host(*name), ", and out again."])
        }
        Arrival::Shell { name: None, .. } => {
            Finding::pass(text!["Logged in as ", who, ", and out again."])
                .detail("The host has no program hostname, so its own name is not known.")
        }
        Arrival::Greeting => {
            let greeting = run.and_then(arrival::greeting);
            let words = text!["Logged in as ", who, "; the server greets: "];
            Finding::pass(greeting.into_iter().fold(words, Text::with))
                .detail("This server gives nobody a shell, and that is as it should be.")
        }
        Arrival::OtherProgram => Finding::warn(text![
            "Logged in as ",
            who,
            ", where another program runs in place of your command.",
        ])
        .detail(with_text("In place of the host's name it printed"))
        .detail(
            "So it is where the server forces a command: for all (ForceCommand), or for this key \
             (command= in authorized_keys). A start-up file of the shell can do so, too.",
        ),
        Arrival::NoShell(NoShell::SftpOnly) => {
            Finding::fail("The server takes your key, and allows SFTP alone.")
        }
        Arrival::NoShell(_) => Finding::fail("The server takes your key, and gives you no shell."),
        Arrival::NoSession(NoSession::NotOpened) => {
            Finding::fail("The server takes your key, and opens no session.")
        }
        Arrival::NoSession(NoSession::NoCommand) => {
            Finding::fail("The server takes your key, and runs no command.")
        }
        Arrival::NoSession(NoSession::Killed) => {
            Finding::fail("You are let in, and what runs there for you is killed.")
        }
        Arrival::NoSession(NoSession::Closed | NoSession::Denied) => {
            Finding::fail("The server takes your key, and then closes the session.")
        }
        Arrival::AnotherUser(other) => Finding::fail(text![
            "You are let in, only to hear that you should log in as ",
            user(*other),
            ".",
        ]),
        Arrival::PasswordExpired => {
            Finding::fail("You are let in, but the password has expired and must be changed first.")
        }
        Arrival::Hangs => Finding::fail("You are let in, and then nothing more comes."),
        Arrival::Unfinished => Finding::skip("Logged in, and then the run ended."),
    }
}

/// Whether it is not known what would have come of it: a person has to go on, or did not wait.
fn is_open(proof: &Proof, interactive: bool) -> bool {
    match proof {
        Proof::NotSigned(why) => {
            matches!(why, NotSigned::NoPerson | NotSigned::NoPassphrase | NotSigned::Unsupported(_))
        }
        Proof::Broken(why) => matches!(why, Broken::Interrupted | Broken::OutOfTime),
        Proof::Partial { .. } => interactive,
        Proof::Accepted | Proof::Refused { .. } => false,
    }
}

fn unproven(plan: &Plan, proof: &Proof) -> Text {
    match proof {
        Proof::Accepted => text!["The server wanted no proof."],
        Proof::Partial { methods } => text![
            "The key is proven, and the server wants more: ",
            foreign(methods.join(", ")),
            ".",
        ],
        Proof::Refused { .. } => {
            text!["The server would take the key, and then refuses its proof."]
        }
        Proof::NotSigned(why) => {
            text!["The key was not proven: "].then(not_asked(plan, why)).with(".")
        }
        Proof::Broken(why @ (Broken::Interrupted | Broken::OutOfTime)) => {
            text!["Not found out: ", why.words(), " before the key was proven."]
        }
        Proof::Broken(why) => text!["The key was not taken in the end: ", why.words(), "."],
    }
}

/// The same where somebody may be there, whom a copy does not ask.
#[must_use]
pub fn not_asked(plan: &Plan, why: &NotSigned) -> Text {
    match why {
        NotSigned::NoPerson if plan.interactive && plan.pair.is_some() => {
            text!["copy asks for no passphrase"]
        }
        _ => not_signed(why),
    }
}

/// Why a key did not sign, as the end of a sentence.
#[must_use]
pub fn not_signed(why: &NotSigned) -> Text {
    match why {
        NotSigned::AgentRefused => text!["the agent refuses to sign"],
        NotSigned::AgentFailed(words) => text!["the agent fails (", foreign(words), ")"],
        NotSigned::AgentSilent { after_ms } => {
            text!["the agent did not answer within ", seconds(*after_ms)]
        }
        NotSigned::NoPerson => text!["nobody can be asked for its passphrase"],
        NotSigned::NoPassphrase => text!["no passphrase was given"],
        NotSigned::WrongPassphrase => text!["the passphrase was wrong"],
        NotSigned::File(error) => {
            text!["its file cannot be read (", foreign(&error.message), ")"]
        }
        NotSigned::OtherKey => text!["its file holds another key"],
        NotSigned::Unsupported(words) => {
            text!["ssh-preflight cannot sign with it (", foreign(words), ")"]
        }
    }
}

fn by(login: &login::Login) -> Option<Text> {
    let key = key(login.key.as_ref()?);
    let who = match login.signed_by? {
        SignedBy::Agent => "the agent",
        SignedBy::File => "the key file",
    };
    let proven = matches!(login.proof, Proof::Accepted | Proof::Partial { .. });
    Some(if proven {
        text!["Signed by ", who, ": ", key]
    } else {
        text!["Key: ", key, ", by ", who]
    })
}

fn session(run: &Run) -> Vec<Text> {
    let mut lines = Vec::new();
    if let login::RunEnd::Exited(status) = run.end {
        let what = if run.command.is_empty() {
            text!["The session without a command"]
        } else {
            text!["`", foreign(&run.command), "`"]
        };
        lines.push(what.then(text![
            " ended there with status ",
            number(status),
            ", after ",
            number(run.duration_ms),
            " ms.",
        ]));
    }
    let complaint = run.stderr.raw().trim();
    if !complaint.is_empty() {
        lines.push(text![
            "On standard error: ",
            Foreign::from_bytes(complaint.as_bytes()).in_a_line().short()
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evidence::login::RunEnd, finding::Status};

    fn judged(out: &str, end: RunEnd) -> Finding {
        let session = Run {
            command: login::COMMAND.into(),
            accepted: Some(true),
            stdout: Foreign::from_bytes(out.as_bytes()),
            end,
            ..Run::default()
        };
        let user = "ada".to_owned();
        let login = login::Login { user, session: Some(session), ..login::Login::open_door() };
        Login::judge(&crate::evidence::made::plan(), (&Profile::default(), &Ok(login)))
    }

    #[test]
    fn a_login_and_what_it_meets() {
        let table = [
            ("web-1\n", RunEnd::Exited(0), Status::Pass, "at web-1"),
            ("Hello!\nweb-1\n", RunEnd::Exited(0), Status::Warn, "prints something"),
            ("x y\n", RunEnd::Exited(3), Status::Warn, "another program"),
            ("", RunEnd::Exited(1), Status::Fail, "no shell"),
            ("", RunEnd::TimedOut { after_ms: 9 }, Status::Fail, "nothing more comes"),
            ("logged in as ada\n", RunEnd::Exited(0), Status::Pass, "greets: logged in as ada"),
        ];
        for (out, end, status, words) in table {
            let finding = judged(out, end);
            let summary = finding.summary.plain();
            assert_eq!(finding.status, status, "{summary}");
            assert!(summary.contains(words), "{summary}");
        }
    }
}
