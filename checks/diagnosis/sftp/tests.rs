use super::*;
use crate::{
    access::{Access, SftpWish},
    diagnosis::diagnose,
    evidence::{
        Unseen,
        connection::{Attempt as Connection, Attempts, Outcome},
        handshake::{Disconnect, Handshake, HandshakeEnd},
        made,
        password::{Attempt, Method},
        sftp::{Entry, Folder, Rights, Trouble, WriteTest},
    },
    host_trust::tests::{key, known, line},
    text::Foreign,
};

fn words(text: &str) -> Foreign {
    Foreign::from_bytes(text.as_bytes())
}

fn login(methods: &[&str], answer: Option<Answer>) -> PasswordLogin {
    PasswordLogin {
        user: "ada".into(),
        methods: Some(methods.iter().map(|m| (*m).to_owned()).collect()),
        attempt: answer.map(|answer| Attempt { method: Method::Password, answer, sent: true }),
        ..PasswordLogin::default()
    }
}

/// A server whose key is known, and what became of a login there.
fn case(login: PasswordLogin, session: Option<SftpSession>) -> Case {
    let mut case = made::case(made::effective(22));
    let wish = SftpWish { login: login.attempt.is_some(), ..SftpWish::default() };
    case.plan.access = Access::Sftp(wish);
    let to = "192.0.2.1:22".parse().unwrap();
    let tried =
        Connection { to, from: None, outcome: Outcome::Connected, message: None, took_ms: 1.0 };
    case.attempts = made::seen(Attempts { tried: vec![tried], untried: Vec::new() });
    case.known_hosts = made::seen(known(vec![line(None, "ssh-ed25519", "a")]));
    case.handshake = made::seen(Handshake {
        host_key: Some(key("ssh-ed25519", "a")),
        end: HandshakeEnd::Complete,
        ..Handshake::default()
    });
    case.password_login = made::seen(login);
    case.sftp = session.and_then(made::seen);
    case
}

fn good() -> SftpSession {
    SftpSession {
        subsystem: Subsystem::Granted,
        version: Some(3),
        home: Some(words("/in")),
        folders: vec![Folder { path: words("/in"), ..Folder::default() }],
        ..SftpSession::default()
    }
}

fn found(case: &Case) -> Option<Id> {
    let found = diagnose(case)?;
    assert!(!found.because.is_empty(), "{:?}", found.id);
    assert!(!found.next_steps.is_empty(), "{:?}", found.id);
    Some(found.id)
}

#[test]
fn an_offer_is_enough_where_no_login_was_wanted() {
    for (methods, expected) in [
        (&["publickey", "password"][..], None),
        (&["keyboard-interactive"], None),
        (&["publickey"], Some(Id::SftpUnavailable)),
        (&[], Some(Id::SftpUnavailable)),
    ] {
        assert_eq!(found(&case(login(methods, None), None)), expected, "{methods:?}");
    }
    let hung_up =
        PasswordLogin { methods: None, broken: Some(Broken::ServerEnded), ..login(&[], None) };
    assert_eq!(found(&case(hung_up, None)), Some(Id::NotExamined));
}

#[test]
fn each_answer_to_the_password_has_its_cause() {
    let asked = |question| Answer::Asked { prompts: vec![words(question)] };
    for (answer, expected) in [
        (Answer::Refused, Id::PasswordWrong),
        (Answer::Partial { methods: vec!["publickey".into()] }, Id::PasswordNotEnough),
        (asked("Verification code:"), Id::PasswordNotEnough),
        (asked("New password:"), Id::PasswordExpired),
        (Answer::NeitherYesNorNo, Id::PasswordExpired),
    ] {
        assert_eq!(found(&case(login(&["password"], Some(answer)), None)), Some(expected));
    }
    let silent = PasswordLogin {
        broken: Some(Broken::ServerEnded),
        disconnect: Some(Disconnect { code: 2, description: words("Bye") }),
        ..login(&["password"], Some(Answer::None))
    };
    let silent = case(silent, None);
    assert_eq!(found(&silent), Some(Id::NotExamined));
    assert!(diagnose(&silent).unwrap().also_possible.contains(&Id::PasswordWrong));
    // A server that has nothing to ask, and bears one failure alone, cuts off before.
    let mut cut = case(login(&["password"], Some(Answer::None)), None);
    if let Some(Ok(login)) = cut.password_login.as_mut().map(|l| l.seen.as_mut()) {
        login.broken = Some(Broken::ServerEnded);
        login.disconnect = Some(Disconnect { code: 2, description: words("Too many") });
        login.attempt.as_mut().unwrap().sent = false;
    }
    assert_eq!(found(&cut), Some(Id::SftpUnavailable));
    let withheld = PasswordLogin { withheld: true, ..login(&["password"], None) };
    let mut withheld = case(withheld, None);
    withheld.known_hosts = made::seen(known(Vec::new()));
    assert_eq!(found(&withheld), Some(Id::PasswordNotSent));
}

#[test]
fn each_session_has_its_cause() {
    let denied =
        |trouble| Folder { trouble: Some(trouble), path: words("/in"), ..Folder::default() };
    let failed = WriteTest {
        steps: vec![(WriteStep::Create, Some(Trouble::PermissionDenied))],
        ..WriteTest::default()
    };
    let early = |session: SftpSession| SftpSession {
        version: None,
        home: None,
        folders: Vec::new(),
        broken: Some(Broken::ServerEnded),
        ..session
    };
    let rows = [
        (good(), None),
        (
            SftpSession { subsystem: Subsystem::Refused, ..SftpSession::default() },
            Some(Id::SftpUnavailable),
        ),
        (
            SftpSession { subsystem: Subsystem::NoSession, ..SftpSession::default() },
            Some(Id::SftpUnavailable),
        ),
        (SftpSession { noise: words("hello"), ..early(good()) }, Some(Id::SftpNoise)),
        (early(good()), Some(Id::SftpClosed)),
        (SftpSession { subsystem: Subsystem::NoAnswer, ..early(good()) }, Some(Id::SftpClosed)),
        (
            SftpSession { stderr: words("Your password has expired."), ..early(good()) },
            Some(Id::PasswordExpired),
        ),
        (
            SftpSession { folders: vec![denied(Trouble::PermissionDenied)], ..good() },
            Some(Id::SftpFolderUnreadable),
        ),
        (SftpSession { write_test: Some(failed), ..good() }, Some(Id::SftpFolderUnwritable)),
        // What stopped on the way proves nothing about what would have come.
        (SftpSession { broken: Some(Broken::ServerEnded), ..good() }, Some(Id::NotExamined)),
        (SftpSession { broken: Some(Broken::OutOfTime), ..good() }, Some(Id::TimedOut)),
        (SftpSession { broken: Some(Broken::Interrupted), ..good() }, Some(Id::Interrupted)),
    ];
    for (session, expected) in rows {
        let told = format!("{session:?}");
        let case = case(login(&["password"], Some(Answer::Accepted)), Some(session));
        assert_eq!(found(&case), expected, "{told}");
    }
}

#[test]
fn where_users_are_locked_in_a_folder_below_is_named() {
    let below = Entry {
        name: words("upload"),
        rights: Rights { mode: Some(0o040_755), uid: Some(7), ..Rights::default() },
    };
    let root = Folder {
        path: words("/"),
        rights: Rights { mode: Some(0o040_755), uid: Some(0), ..Rights::default() },
        entries: vec![below],
        trouble: None,
    };
    let failed = WriteTest {
        steps: vec![(WriteStep::Create, Some(Trouble::PermissionDenied))],
        ..WriteTest::default()
    };
    let session = SftpSession { folders: vec![root], write_test: Some(failed), ..good() };
    let case = case(login(&["password"], Some(Answer::Accepted)), Some(session));
    let found = diagnose(&case).unwrap();
    assert_eq!(found.id, Id::SftpFolderUnwritable);
    assert!(found.next_steps[0].text.plain().contains("such as upload"));
    assert!(found.next_steps.iter().all(|step| step.command.is_none()), "no chmod of a chroot");
}

#[test]
fn a_configuration_without_passwords_is_told_before_all_else() {
    use crate::evidence::configuration::Effective;
    let off = [
        Effective { batch_mode: true, ..made::effective(22) },
        Effective {
            password_authentication: false,
            kbd_interactive_authentication: false,
            ..made::effective(22)
        },
        Effective {
            preferred_authentications: Some(vec!["publickey".into()]),
            ..made::effective(22)
        },
    ];
    for effective in off {
        let mut case = made::case(effective);
        assert_ne!(diagnose(&case).map(|d| d.id), Some(Id::PasswordDisabled), "a login by key");
        case.plan.access = Access::Sftp(SftpWish::default());
        assert_eq!(found(&case), Some(Id::PasswordDisabled));
    }
}

/// Whatever ended the run, a file that may still be there is named.
#[test]
fn a_file_that_stays_is_named() {
    for why in [Broken::ServerEnded, Broken::Interrupted, Broken::OutOfTime] {
        let test = WriteTest { left_behind: Some(words("/in/.x")), ..WriteTest::default() };
        let session = SftpSession { write_test: Some(test), broken: Some(why), ..good() };
        let case = case(login(&["password"], Some(Answer::Accepted)), Some(session));
        let found = diagnose(&case).unwrap();
        assert!(found.because.iter().any(|s| s.plain().contains("/in/.x")), "{found:?}");
    }
}

#[test]
fn nothing_seen_is_no_success() {
    let mut case = case(login(&["password"], Some(Answer::Accepted)), None);
    case.sftp =
        Some(crate::case::Observed { started_ms: 0, duration_ms: 0, seen: Err(Unseen::Crashed) });
    assert_eq!(found(&case), Some(Id::NotExamined));
}
