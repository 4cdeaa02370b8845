//! SFTP: whether a login with a password is offered, and with the password, what it opens.

use crate::{
    agent::MOST_TRIES,
    case::{Case, Plan},
    check::{About, Check},
    evidence::{
        Evidence, Seen,
        agent::AgentKeys,
        password::{Answer, Method, PasswordLogin},
        queries::Broken,
        sftp::{Folder, MOST_ENTRIES, SftpSession, Subsystem, Trouble, WriteStep, WriteTest},
    },
    finding::{Finding, Hint, Status},
    offers,
    sftp_rights::{self, Obstacle},
    text,
    text::{Command, Text, number, user},
};

/// SFTP with a password.
pub struct Sftp;

/// What is judged.
pub struct Facts<'e> {
    login: &'e Seen<PasswordLogin>,
    /// None where nobody asked for a login.
    session: Option<&'e Seen<SftpSession>>,
    /// For the commands that are advised.
    case: Case,
}

/// How many obstacles are named.
const MOST_NAMED: usize = 20;

impl Check for Sftp {
    const ABOUT: About = About { id: "sftp", title: "SFTP access" };
    type Facts<'e> = Facts<'e>;

    fn applies(plan: &Plan) -> bool {
        plan.access.sftp().is_some()
    }

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let login = evidence.password_login().await;
        let wanted = evidence.plan().access.sftp().is_some_and(|wish| wish.login);
        let session = if wanted { Some(evidence.sftp().await) } else { None };
        if login.as_ref().is_ok_and(takes_keys) {
            // sftp would offer these before it asks for a password.
            futures_util::join!(evidence.identities(), evidence.agent());
        }
        Facts { login, session, case: evidence.case() }
    }

    fn judge(_: &Plan, facts: Facts<'_>) -> Finding {
        let login = match facts.login {
            Ok(login) => login,
            Err(why) => return Finding::unseen(why),
        };
        let finding = match facts.session {
            Some(Ok(session)) => of_session(&facts.case, login, session),
            _ => of_login(&facts.case, login),
        };
        let keys = keys_before(&facts.case);
        let finding =
            if keys >= MOST_TRIES { too_many_keys(&facts.case, finding, keys) } else { finding };
        finding
            .detail_all(login.banner.iter().map(|b| text!["The server's notice: ", b.in_a_line()]))
            .fact("user", &login.user)
            .fact("methods", &login.methods)
            .fact("attempt", &login.attempt)
            .fact("disconnect", &login.disconnect)
    }
}

fn takes_keys(login: &PasswordLogin) -> bool {
    login.methods.as_ref().is_some_and(|methods| methods.iter().any(|m| m == "publickey"))
}

/// How many keys `sftp` offers before it asks for the password.
fn keys_before(case: &Case) -> usize {
    let takes = case.password_login().is_some_and(takes_keys);
    let (Some(effective), Some(identities)) = (case.effective(), case.identities()) else {
        return 0;
    };
    let nobody = AgentKeys::none();
    let agent = case.agent().unwrap_or(&nobody);
    if takes { offers::in_order(effective, identities, agent).len() } else { 0 }
}

/// `sftp` as it was typed; without keys where they would use up the server's patience.
#[must_use]
pub fn command(case: &Case) -> Command {
    let client = case.plan.client();
    let client = match keys_before(case) >= MOST_TRIES {
        true => client.set("PubkeyAuthentication=no"),
        false => client,
    };
    client.command()
}

fn too_many_keys(case: &Case, finding: Finding, keys: usize) -> Finding {
    let told = text![
        "sftp would first offer ",
        number(keys),
        " keys, and most servers hang up after six failures: then it never gets to the password."
    ];
    let hint = Hint::run("Leave the keys out, since this access is by password:", command(case));
    match finding.status {
        Status::Pass => Finding::warn(told).detail(finding.summary).detail_all(finding.details),
        _ => finding.detail(told),
    }
    .hint(hint)
}

/// Whether the server offers logins with a password by methods alone that the configuration turns off.
#[must_use]
pub(crate) fn turned_off(case: &Case, login: &PasswordLogin) -> Option<Vec<&'static str>> {
    let methods = login.methods.as_ref()?;
    let effective = case.effective()?;
    let both = [Method::Password, Method::KeyboardInteractive];
    let offered: Vec<_> =
        both.into_iter().filter(|m| methods.iter().any(|named| named == m.name())).collect();
    let none = !offered.is_empty() && !offered.iter().any(|method| effective.allows(*method));
    none.then(|| offered.into_iter().map(Method::name).collect())
}

/// Nobody asked for a login, or it did not come to a session.
fn of_login(case: &Case, login: &PasswordLogin) -> Finding {
    let who = || user(&login.user);
    if let Some(answer) = login.answer() {
        return match answer {
            Answer::Accepted => Finding::skip("The password is right; no session was opened."),
            Answer::Refused => {
                Finding::fail(text!["The server does not take this password for user ", who(), "."])
            }
            Answer::Partial { .. } => {
                Finding::fail("The password is taken, but the server wants more than a password.")
            }
            Answer::Asked { .. } => {
                Finding::fail("The server asks for something else than a password alone.")
            }
            Answer::NeitherYesNorNo => {
                Finding::fail("The server answers the password with neither yes nor no.")
            }
            Answer::None if login.attempt.as_ref().is_some_and(|a| !a.sent) => {
                stopped(login, "The password was not sent yet")
            }
            Answer::None => stopped(login, "The password was sent"),
        };
    }
    if login.withheld {
        return Finding::skip(
            "The password was not sent: this computer does not know the server's key.",
        );
    }
    if login.open_door {
        return Finding::warn(text!["The server lets ", who(), " in with no password at all."]);
    }
    match &login.methods {
        None => stopped(login, "The server was asked how one may log in"),
        Some(_) if !login.offers_any() => {
            Finding::fail(text!["The server offers no login with a password for user ", who(), "."])
        }
        Some(_) if turned_off(case, login).is_some() => Finding::fail(
            "The server offers a login with a password, in a way that your ssh configuration turns off.",
        ),
        Some(_) => Finding::pass(text![
            "The server offers a login with a password for user ",
            who(),
            "; none was tried."
        ])
        .detail(
            "Many servers offer it for every name, also for one that does not exist. Only a login \
             shows whether the password is right.",
        ),
    }
}

fn stopped(login: &PasswordLogin, what: &'static str) -> Finding {
    let why = login.broken.unwrap_or(Broken::ServerEnded);
    let words = text![what, ", then ", why.words(), "."];
    match why {
        Broken::OutOfTime | Broken::Interrupted => Finding::skip(words),
        _ => Finding::fail(words),
    }
}

fn of_session(case: &Case, login: &PasswordLogin, session: &SftpSession) -> Finding {
    let finding = judged(case, login, session);
    let lists = session.folders.iter().map(|folder| {
        let holds = match &folder.trouble {
            None => entries(session, folder),
            Some(trouble) => text![trouble.words()],
        };
        text!["Folder ", &folder.path, ": "].then(holds).with(".")
    });
    let cut = session.cut.then(|| text!["Not everything below it was looked at."]);
    let folders = session.folders.iter().map(|f| (f.path.raw(), f.entries.len()));
    finding
        .detail_all(session.version.map(|v| text!["The protocol is SFTP version ", number(v), "."]))
        .detail_all(lists.take(MOST_NAMED))
        .detail_all(cut)
        .detail_all(session.write_test.iter().map(tested))
        .fact("subsystem", session.subsystem)
        .fact("version", session.version)
        .fact("home", &session.home)
        .fact("folders", folders.collect::<Vec<_>>())
        .fact("noise", &session.noise)
        .fact("stderr", &session.stderr)
        .fact("exit_status", session.exit_status)
        .fact("write_test", &session.write_test)
        .fact("session_ended", session.broken)
}

/// How many entries are in a folder; of the last one, at least, where the list was not read to its end.
fn entries(session: &SftpSession, folder: &Folder) -> Text {
    let all: usize = session.folders.iter().map(|folder| folder.entries.len()).sum();
    let is_last = session.folders.last() == Some(folder);
    let at_least = session.cut && is_last && all >= MOST_ENTRIES;
    let (begin, many) = (if at_least { "at least " } else { "" }, folder.entries.len());
    text![begin, number(many), if many == 1 { " entry" } else { " entries" }]
}

fn judged(case: &Case, login: &PasswordLogin, session: &SftpSession) -> Finding {
    match session.subsystem {
        Subsystem::Granted => {}
        Subsystem::NoSession => {
            return Finding::fail("Logged in, but the server opens no session.");
        }
        Subsystem::Refused => {
            return Finding::fail("Logged in, but there is no SFTP on this server.");
        }
        Subsystem::NoAnswer => return ended(session, "Logged in"),
    }
    if !session.noise.is_empty() {
        return Finding::fail(text![
            "Logged in, but text comes where SFTP should begin: ",
            session.noise.in_a_line().short(),
        ]);
    }
    let Some(folder) = session.folder().filter(|_| session.version.is_some()) else {
        return ended(session, "Logged in");
    };
    let place = || folder.path.clone();
    if let Some(trouble) = &folder.trouble {
        return Finding::fail(text![
            "Logged in, but ",
            place(),
            " cannot be listed: ",
            trouble.words(),
            "."
        ]);
    }
    if let Some((_, trouble)) = session.write_test.as_ref().and_then(WriteTest::failed) {
        return Finding::fail(text![
            "Logged in, but the test upload into ",
            place(),
            " failed: ",
            trouble.words(),
            "."
        ]);
    }
    if session.broken.is_some() {
        return ended(session, "Logged in and began to look");
    }
    if session.is_whole_server() {
        return Finding::warn(
            "Logged in, and the session starts in /, at the top of the whole server: the folder of this \
             account is probably missing.",
        )
        .hint(Hint::advice(text![
            "Tell those who run the server that the home folder of ",
            user(&login.user),
            " is missing; or name the folder that is meant with --folder."
        ]));
    }
    let own = sftp_rights::own_number(session, &login.user);
    let obstacles = own.map(|own| sftp_rights::obstacles(session, own)).unwrap_or_default();
    if !obstacles.is_empty() {
        let note = own.and_then(|own| sftp_rights::group_note(session, own));
        return in_the_way(case, login, session, &obstacles).detail_all(note);
    }
    let mut words = text!["Logged in as ", user(&login.user), "; ", place(), " holds "]
        .then(entries(session, folder));
    if session.write_test.is_some() {
        words = words.with(", and a test file could be made, renamed and removed");
    }
    let finding = Finding::pass(words.with("."));
    if own.is_some() {
        return finding;
    }
    finding.detail(
        "The server does not tell which owner you are there, so it is not known what you may rename \
         or delete. An upload shows it (--write-test).",
    )
}

fn ended(session: &SftpSession, what: &'static str) -> Finding {
    let why = session.broken.unwrap_or(Broken::ServerEnded);
    let words = text![what, ", then ", why.words(), "."];
    match why {
        Broken::OutOfTime | Broken::Interrupted => Finding::skip(words),
        _ => Finding::fail(words),
    }
}

fn in_the_way(
    case: &Case,
    login: &PasswordLogin,
    session: &SftpSession,
    obstacles: &[Obstacle],
) -> Finding {
    let who = user(&login.user);
    let count = number(obstacles.len());
    let more = obstacles.len().saturating_sub(MOST_NAMED);
    let finding = Finding::warn(text![
        "Logged in, but ",
        who,
        " cannot rename, delete or overwrite everything: ",
        count,
        if obstacles.len() == 1 { " place is" } else { " places are" },
        " in the way.",
    ])
    .detail_all(obstacles.iter().take(MOST_NAMED).map(sftp_rights::line))
    .detail_all((more > 0).then(|| text!["And ", number(more), " more."]))
    .fact("in_the_way", obstacles.iter().map(|o| &o.place).collect::<Vec<_>>());
    let hints: Vec<Hint> = sftp_rights::remedies(case, session, obstacles);
    hints.into_iter().fold(finding, Finding::hint)
}

/// Where the test file may still be: a rename that nobody answered may have been done.
#[must_use]
pub fn places(test: &WriteTest, place: &text::Foreign) -> Text {
    let in_doubt = (WriteStep::Rename, Some(Trouble::NoAnswer));
    match test.steps.contains(&in_doubt) {
        true if *place != test.renamed => text![place, " or ", &test.renamed],
        true => text![place, " or ", &test.path],
        false => text![place],
    }
}

/// What the test file went through, and where it is if it could not be removed.
fn tested(test: &WriteTest) -> Text {
    let words = text!["The test file ", &test.path];
    match (&test.left_behind, test.failed()) {
        (Some(place), _) => words
            .then(text![" could not be removed. It may still be there: "])
            .then(places(test, place)),
        (None, Some(_)) => words.with(" is not there any more."),
        (None, None) => {
            words.then(text![" was made, renamed to ", &test.renamed, ", and removed."])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            made,
            password::{Attempt, Method},
            sftp::Folder,
        },
        finding::Status,
    };

    fn login(methods: &[&str], answer: Option<Answer>) -> PasswordLogin {
        PasswordLogin {
            user: "ada".into(),
            methods: Some(methods.iter().map(|m| (*m).to_owned()).collect()),
            attempt: answer.map(|answer| Attempt { method: Method::Password, answer, sent: true }),
            ..PasswordLogin::default()
        }
    }

    fn judge(login: PasswordLogin, session: Option<SftpSession>) -> Finding {
        let case = made::case(made::effective(22));
        let (login, session) = (Ok(login), session.map(Ok));
        Sftp::judge(&made::plan(), Facts { login: &login, session: session.as_ref(), case })
    }

    #[test]
    fn an_offer_is_no_login() {
        let offered = judge(login(&["publickey", "password"], None), None);
        assert_eq!(offered.status, Status::Pass);
        assert!(offered.summary.plain().contains("none was tried"));
        assert_eq!(judge(login(&["publickey"], None), None).status, Status::Fail);
        let wrong = judge(login(&["password"], Some(Answer::Refused)), None);
        assert_eq!(wrong.status, Status::Fail);
        let withheld = PasswordLogin { withheld: true, ..login(&["password"], None) };
        assert_eq!(judge(withheld, None).status, Status::Skip);
    }

    #[test]
    fn a_session_is_judged_by_what_it_shows() {
        let good = || SftpSession {
            subsystem: Subsystem::Granted,
            version: Some(3),
            folders: vec![Folder::default()],
            ..SftpSession::default()
        };
        let holds = |count, cut| {
            let entries = vec![crate::evidence::sftp::Entry::default(); count];
            let folders = vec![Folder { entries, ..Folder::default() }];
            SftpSession { folders, cut, ..good() }
        };
        let denied = Folder { trouble: Some(Trouble::PermissionDenied), ..Folder::default() };
        for (session, status, words) in [
            (good(), Status::Pass, "holds 0 entries."),
            (holds(1, false), Status::Pass, "holds 1 entry."),
            (holds(MOST_ENTRIES, false), Status::Pass, "holds 1000 entries."),
            (holds(MOST_ENTRIES, true), Status::Pass, "holds at least 1000 entries."),
            (SftpSession { subsystem: Subsystem::Refused, ..good() }, Status::Fail, "no SFTP"),
            (SftpSession { noise: text::Foreign::from_bytes(b"hi"), ..good() }, Status::Fail, "hi"),
            (SftpSession { version: None, ..good() }, Status::Fail, "ended"),
            (SftpSession { folders: vec![denied], ..good() }, Status::Fail, "permission denied"),
            (
                SftpSession { broken: Some(Broken::Interrupted), ..good() },
                Status::Skip,
                "interrupted",
            ),
        ] {
            let finding = judge(login(&["password"], Some(Answer::Accepted)), Some(session));
            assert_eq!(finding.status, status, "{}", finding.summary.plain());
            assert!(finding.summary.plain().contains(words), "{}", finding.summary.plain());
        }
    }

    #[test]
    fn a_file_that_may_still_be_there_is_named() {
        let place = Some(text::Foreign::from_bytes(b"/in/.x"));
        let test = WriteTest { left_behind: place, ..WriteTest::default() };
        assert!(tested(&test).plain().contains("may still be there: /in/.x"));
        let [path, renamed] = [&b"/in/.x"[..], b"/in/.x-renamed"].map(text::Foreign::from_bytes);
        let steps = vec![(WriteStep::Rename, Some(Trouble::NoAnswer))];
        let test = WriteTest { path, renamed, steps, ..test };
        assert!(tested(&test).plain().ends_with("/in/.x or /in/.x-renamed"));
    }
}
