//! What a good report says of a separate SFTP access, and no more than was seen.

use checks::{
    report::Report,
    text,
    text::{Text, user},
};

/// The verdict in words.
#[must_use]
pub fn ready(report: &Report) -> Text {
    let case = &report.case;
    let login = case.password_login();
    let who = user(login.map_or("", |login| login.user.as_str()));
    if let Some(session) = case.sftp() {
        let place = session.folder().map(|folder| folder.path.clone()).unwrap_or_default();
        let words = text!["Ready: sftp gets in as ", who, " and lists ", place, "."];
        return match session.write_test {
            Some(_) => words.with(" A test file could be made, renamed and removed there."),
            None => words,
        };
    }
    if login.is_some_and(|login| login.open_door) {
        return text!["Ready: the server lets ", who, " in with no password."];
    }
    text![
        "The server offers a login with a password for ",
        who,
        ". Whether the password is right was not tried."
    ]
}

/// Whether the password is still to be tried.
#[must_use]
pub fn is_untried(report: &Report) -> bool {
    let case = &report.case;
    let asked = case.plan.access.sftp().is_some() && case.sftp().is_none();
    asked && case.password_login().is_some_and(|l| !l.open_door)
}
