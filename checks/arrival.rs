//! What became of a login: pure.
//!
//! `hostname` was run. What it prints, and how it ends, tells whether there is a shell at the other
//! end, or something else.

use crate::{
    evidence::login::{Login, Proof, Run, RunEnd},
    finding::Hint,
    text,
    text::{Foreign, foreign},
};

/// What is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival<'r> {
    /// A shell, which ran the command.
    Shell {
        /// What the host calls itself; none where it has no `hostname`.
        name: Option<&'r str>,
        /// Whether something else was printed before it.
        noisy: bool,
    },
    /// Another program than the one that was asked for: a command that the server forces.
    OtherProgram,
    /// The greeting of a Git hosting, which gives nobody a shell.
    Greeting,
    /// No shell, or one that ends at once.
    NoShell(NoShell),
    /// The login was good, and then there was no session.
    NoSession(NoSession),
    /// Somebody else is to log in: the name that the server says.
    AnotherUser(&'r str),
    /// The password has to be changed first.
    PasswordExpired,
    /// Nothing more comes.
    Hangs,
    /// The wait ended for a reason of ours.
    Unfinished,
}

/// Why there is no shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoShell {
    /// `nologin`, in its own words.
    NoLogin,
    /// SFTP alone, in sshd's own words.
    SftpOnly,
    /// The shell of the account does not exist there.
    Missing,
    /// It ended with this status and without a word.
    Silent(u32),
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSession {
    /// The server opened none.
    NotOpened,
    /// The server would not run a command.
    NoCommand,
    /// The connection or the session was closed without a word.
    Closed,
    /// Status 254, by which sshd says that it let nobody in after all.
    Denied,
    /// The command was killed there.
    Killed,
}

/// What is at the other end of a login that was let in; none where it was not.
#[must_use]
pub fn of(login: &Login) -> Option<Arrival<'_>> {
    let run = login.session.as_ref().filter(|_| login.proof == Proof::Accepted)?;
    Some(of_run(run))
}

fn of_run(run: &Run) -> Arrival<'_> {
    if run.not_opened.is_some() {
        return Arrival::NoSession(NoSession::NotOpened);
    }
    if run.accepted == Some(false) {
        return Arrival::NoSession(NoSession::NoCommand);
    }
    let says = |words: &str| run.stdout.raw().contains(words) || run.stderr.raw().contains(words);
    if let Some(user) = user_to_log_in_as(&run.stdout) {
        return Arrival::AnotherUser(user);
    }
    if says("This account is currently not available") {
        return Arrival::NoShell(NoShell::NoLogin);
    }
    if says("This service allows sftp connections only") {
        return Arrival::NoShell(NoShell::SftpOnly);
    }
    if says("Password change required but no TTY available") {
        return Arrival::PasswordExpired;
    }
    let silent = run.stdout.raw().trim().is_empty() && run.stderr.raw().trim().is_empty();
    match &run.end {
        RunEnd::Interrupted | RunEnd::OutOfTime => Arrival::Unfinished,
        RunEnd::TimedOut { .. } => Arrival::Hangs,
        RunEnd::Signalled(_) => Arrival::NoSession(NoSession::Killed),
        RunEnd::Exited(254) => Arrival::NoSession(NoSession::Denied),
        // Some devices close without a status.
        RunEnd::Exited(0) | RunEnd::Closed if is_named(run) => Arrival::Shell {
            name: run.host_name().or(run.noisy_host_name()),
            noisy: run.host_name().is_none(),
        },
        RunEnd::Exited(127) => Arrival::Shell { name: None, noisy: !run.stdout.is_empty() },
        RunEnd::Closed if silent => Arrival::NoSession(NoSession::Closed),
        _ if is_greeting(run) => Arrival::Greeting,
        RunEnd::Exited(status) if silent && *status != 0 => {
            Arrival::NoShell(NoShell::Silent(*status))
        }
        // sshd's own words where the shell cannot be started (session.c, do_child).
        RunEnd::Exited(1)
            if run.stdout.is_empty()
                && run.stderr.raw().trim_end().ends_with(": No such file or directory")
                && run.stderr.raw().starts_with('/')
                && run.stderr.raw().lines().count() == 1 =>
        {
            Arrival::NoShell(NoShell::Missing)
        }
        RunEnd::Exited(_) | RunEnd::Closed => Arrival::OtherProgram,
    }
}

fn is_named(run: &Run) -> bool {
    run.host_name().or(run.noisy_host_name()).is_some()
}

/// Parts of what Git hostings greet with: GitHub, GitLab, Bitbucket, gitolite, Gitea.
const GREETINGS: [&str; 5] = [
    "successfully authenticated",
    "Welcome to GitLab",
    "logged in as ",
    "running gitolite",
    "Forgejo",
];

fn is_greeting(run: &Run) -> bool {
    let says = |words: &str| run.stdout.raw().contains(words) || run.stderr.raw().contains(words);
    GREETINGS.into_iter().any(says)
}

/// The name in what an image of a cloud says to root.
fn user_to_log_in_as(stdout: &Foreign) -> Option<&str> {
    let (_, rest) = stdout.raw().split_once("login as the user \"")?;
    let (name, rest) = rest.split_once('"')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = !name.is_empty() && !name.starts_with('-') && name.chars().all(fits);
    (is_name && rest.trim_start().starts_with("rather than")).then_some(name)
}

/// What was printed, as a part of a sentence; none where it was nothing.
#[must_use]
pub fn printed(run: &Run) -> Option<crate::text::Span> {
    let [out, err] = [&run.stdout, &run.stderr].map(|text| text.raw().trim());
    let text = if out.is_empty() { err } else { out };
    (!text.is_empty()).then(|| Foreign::from_bytes(text.as_bytes()).in_a_line().short().into())
}

/// The line with which a service greets, as a part of a sentence; none where it says nothing.
#[must_use]
pub fn greeting(run: &Run) -> Option<crate::text::Span> {
    first_words([&run.stdout, &run.stderr].into_iter().flat_map(|text| text.raw().lines()))
}

/// The last line that was printed, as a part of a sentence; none where nothing was.
#[must_use]
pub fn last_line(run: &Run) -> Option<crate::text::Span> {
    first_words([&run.stderr, &run.stdout].into_iter().flat_map(|text| text.raw().lines().rev()))
}

/// What to do about a start-up file of the shell that prints; `place`: where it is.
#[must_use]
pub fn quiet_shell(place: &'static str) -> Hint {
    Hint::advice(text![
        "Look ",
        place,
        " for lines that print (echo, cat, fortune …) in ~/.bashrc or in the other start-up file of the \
         shell, and let them run in a terminal alone. For bash, put this line before them: \
         [[ $- == *i* ]] || return",
    ])
}

/// The first of these lines that says something.
fn first_words<'l>(mut lines: impl Iterator<Item = &'l str>) -> Option<crate::text::Span> {
    let line = lines.find(|line| !line.trim().is_empty())?;
    Some(Foreign::from_bytes(line.as_bytes()).short().into())
}

/// What was printed before the name of the host, as a part of a sentence.
#[must_use]
pub fn noise(run: &Run) -> crate::text::Span {
    let text = run.stdout.raw().trim();
    let before = text.rsplit_once('\n').map_or(text, |(before, _)| before.trim());
    match before {
        "" => foreign(run.stdout.in_a_line().short().raw()),
        before => Foreign::from_bytes(before.as_bytes()).in_a_line().short().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(out: &str, err: &str, end: RunEnd) -> Run {
        Run {
            accepted: Some(true),
            stdout: Foreign::from_bytes(out.as_bytes()),
            stderr: Foreign::from_bytes(err.as_bytes()),
            end,
            ..Run::default()
        }
    }

    #[test]
    fn what_is_at_the_other_end() {
        let shell = |name, noisy| Arrival::Shell { name, noisy };
        let table = [
            ("web-1\n", "", RunEnd::Exited(0), shell(Some("web-1"), false)),
            ("web-1\n", "", RunEnd::Closed, shell(Some("web-1"), false)),
            ("Welcome!\nweb-1\n", "", RunEnd::Exited(0), shell(Some("web-1"), true)),
            ("", "sh: 1: hostname: not found\n", RunEnd::Exited(127), shell(None, false)),
            (
                "This account is currently not available.\n",
                "",
                RunEnd::Exited(1),
                Arrival::NoShell(NoShell::NoLogin),
            ),
            (
                "This service allows sftp connections only.\r\n",
                "",
                RunEnd::Exited(1),
                Arrival::NoShell(NoShell::SftpOnly),
            ),
            ("", "", RunEnd::Exited(1), Arrival::NoShell(NoShell::Silent(1))),
            (
                "",
                "/bin/bash: No such file or directory\n",
                RunEnd::Exited(1),
                Arrival::NoShell(NoShell::Missing),
            ),
            (
                "",
                "System is going down\n",
                RunEnd::Exited(254),
                Arrival::NoSession(NoSession::Denied),
            ),
            ("FORCED\nx y\n", "", RunEnd::Exited(7), Arrival::OtherProgram),
            ("", "", RunEnd::Exited(0), Arrival::OtherProgram),
            (
                "Hi ada! You've successfully authenticated, but GitHub does not provide shell access.",
                "",
                RunEnd::Exited(1),
                Arrival::Greeting,
            ),
            (
                "Please login as the user \"ubuntu\" rather than the user \"root\".\n\n",
                "",
                RunEnd::TimedOut { after_ms: 1 },
                Arrival::AnotherUser("ubuntu"),
            ),
            (
                "Please login as the user \"-oProxyCommand=x\" rather than",
                "",
                RunEnd::Exited(142),
                Arrival::OtherProgram,
            ),
            (
                "",
                "WARNING: Your password has expired.\nPassword change required but no TTY available.\n",
                RunEnd::Exited(1),
                Arrival::PasswordExpired,
            ),
            ("", "", RunEnd::TimedOut { after_ms: 1 }, Arrival::Hangs),
            ("", "", RunEnd::Closed, Arrival::NoSession(NoSession::Closed)),
            ("", "", RunEnd::Signalled("TERM".into()), Arrival::NoSession(NoSession::Killed)),
            ("", "", RunEnd::Interrupted, Arrival::Unfinished),
        ];
        for (out, err, end, expected) in table {
            assert_eq!(of_run(&run(out, err, end)), expected, "{out}{err}");
        }
        let no_exec = Run { accepted: Some(false), ..Run::default() };
        assert_eq!(of_run(&no_exec), Arrival::NoSession(NoSession::NoCommand));
    }

    #[test]
    fn noise_is_what_stands_before_the_name() {
        let loud = run("Welcome!\nDay 3\nweb-1\n", "", RunEnd::Exited(0));
        assert_eq!(noise(&loud).plain(), "Welcome! / Day 3");
    }
}
