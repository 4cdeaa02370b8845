//! The words that every report for people has in common: the headline, and texts in plain letters.

use checks::{
    evidence::queries::Query,
    finding::Status,
    report::{Checked, Report, Verdict},
    text,
    text::{Command, Span, Text, foreign, path, user},
};

/// Where checks were left out, and nothing is wrong.
pub const PARTLY: &str = "Nothing wrong in what was looked at; the other checks were left out.";

/// How texts become plain letters in one report: paths in the home begin with `~`, as people write
/// them.
#[derive(Debug, Clone, Copy)]
pub struct Words<'r> {
    home: Option<&'r str>,
}

impl<'r> Words<'r> {
    /// The words of a report.
    #[must_use]
    pub fn of(report: &'r Report) -> Self {
        let machine = report.case.machine();
        // `~` is the home to a shell only where $HOME says the same.
        let machine = machine.filter(|m| m.home_variable.is_none());
        Self { home: machine.and_then(|m| m.home.as_deref()) }
    }

    /// A text in plain letters, foreign parts escaped.
    #[must_use]
    pub fn plain(&self, text: &Text) -> String {
        text.0.iter().map(|span| self.span(span)).collect()
    }

    fn span(&self, span: &Span) -> String {
        let below = |path: &str| {
            let rest = path.strip_prefix(self.home?)?.strip_prefix('/')?;
            (!rest.is_empty()).then(|| Span::Path(format!("~/{rest}")).plain())
        };
        match span {
            Span::Path(path) => below(path).unwrap_or_else(|| span.plain()),
            _ => span.plain(),
        }
    }

    /// A command as it can be pasted.
    #[must_use]
    pub fn command(&self, command: &Command) -> String {
        command.render_words(|word| match word.0.as_slice() {
            // A shell expands `~` at the start of a word alone.
            [Span::Path(_), ..] => self.plain(word),
            _ => word.plain(),
        })
    }

    /// The one sentence that a report comes down to, and how good it is.
    #[must_use]
    pub fn headline(&self, report: &Report) -> (String, Status) {
        let Some(diagnosis) = &report.diagnosis else {
            return (self.plain(&ready(report)), Status::Pass);
        };
        let place = match &diagnosis.at {
            Some(hop) => format!(" at the jump host {}", self.plain(hop)),
            None => match &diagnosis.between {
                Some(way) => format!(" from {} to {}", self.plain(&way.from), self.plain(&way.to)),
                None => String::new(),
            },
        };
        let (word, status) = verdict(report.verdict);
        (format!("{word}{place}: {}.", diagnosis.title()), status)
    }
}

/// What a good report comes down to: no more than was seen.
#[must_use]
pub fn ready(report: &Report) -> Text {
    if !report.is_complete() {
        // Nobody may read the verdict as a promise that ssh gets in.
        return PARTLY.into();
    }
    if report.case.plan.access.sftp().is_some() {
        return super::sftp::ready(report);
    }
    let case = &report.case;
    if let Some(log) = case.log() {
        let ready =
            text!["Ready: the log shows a login that worked, and nothing that failed after it."];
        return match log.told_of_attempts() {
            Some(told) => ready.with(" ").then(told),
            None => ready,
        };
    }
    let name = case.queries().map(|q| &q.user).or_else(|| case.effective().map(|e| &e.user));
    let winner = case.queries().and_then(|q| q.winner(case.is_interactive()));
    let login = case.login();
    let key = login.and_then(|login| login.key.as_ref());
    let proven = |q: &&Query| Some(&q.offer.key.sha256) == key;
    let winner = case.queries().and_then(|q| q.offers.iter().find(proven)).or(winner);
    let begin = if login.is_some() { "Ready: you got in" } else { "Ready: ssh will get in" };
    let mut words = text![begin];
    if let Some(name) = name {
        words = words.with(" as ").with(user(name));
    }
    if let Some(winner) = winner {
        words = match (&winner.offer.key.certificate, &winner.offer.path) {
            // The key in the same file may be one that the server does not take.
            (Some(certificate), _) => {
                words.with(" with the certificate \"").with(foreign(&certificate.key_id)).with("\"")
            }
            (None, Some(file)) => words.with(" with ").with(path(file)),
            (None, None) => words.with(" with a key in the agent"),
        };
    }
    words.with(".")
}

/// A verdict in a word or three, and how good it is.
#[must_use]
pub const fn verdict(verdict: Verdict) -> (&'static str, Status) {
    match verdict {
        Verdict::Ready => ("Ready", Status::Pass),
        Verdict::NotReady => ("Not ready", Status::Fail),
        Verdict::Inconclusive => ("Not found out", Status::Warn),
    }
}

/// The target as it was typed, after the word for another access than the login by key.
#[must_use]
pub fn input(report: &Report) -> String {
    let input = checks::text::foreign(&report.case.plan.input).plain();
    if report.case.log().is_some() {
        format!("explain: {input}")
    } else if report.case.plan.access.sftp().is_some() {
        format!("sftp {input}")
    } else {
        input
    }
}

/// The program whose words are quoted, and which is to be typed next.
#[must_use]
pub fn client(report: &Report) -> &'static str {
    if report.case.plan.access.sftp().is_some() { "sftp" } else { "ssh" }
}

/// What to type now that it is ready, and words before it where it is not plain.
#[must_use]
pub fn next(report: &Report) -> (Option<&'static str>, Command) {
    let plan = &report.case.plan;
    if super::sftp::is_untried(report) {
        let again = plan.ssh().preflight(Some("--ask-password")).command();
        return (Some("To try it once, with a password that is typed here:"), again);
    }
    if plan.access.sftp().is_some() {
        return (None, checks::sftp::command(&report.case));
    }
    let ssh = plan.ssh();
    // A service that greets gives no terminal, and says so in words that look like an error.
    let greets = report.case.profile().greeting.is_some() && report.case.log().is_none();
    (None, if greets { ssh.flag("-T") } else { ssh }.command())
}

/// The checks that warn.
pub fn warnings(report: &Report) -> impl Iterator<Item = &Checked> {
    report.checks.iter().filter(|c| c.finding.status == Status::Warn)
}
