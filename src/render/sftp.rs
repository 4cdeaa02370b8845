//! What a good report says of a separate SFTP access, and no more than was seen.

use checks::{report::Report, text::user};

/// The verdict in words.
#[must_use]
pub fn ready(report: &Report) -> String {
    let case = &report.case;
    let login = case.password_login();
    let who = login.map_or("", |login| login.user.as_str());
    let who = user(who).plain();
    if let Some(session) = case.sftp() {
        let place = session.folder().map(|folder| folder.path.printable()).unwrap_or_default();
        let mut words = format!("Ready: sftp gets in as {who} and lists {place}.");
        if session.write_test.is_some() {
            words.push_str(" A test file could be made, renamed and removed there.");
        }
        return words;
    }
    if login.is_some_and(|login| login.open_door) {
        return format!("Ready: the server lets {who} in with no password.");
    }
    format!(
        "The server offers a login with a password for {who}. Whether the password is right was \
         not tried."
    )
}

/// Whether the password is still to be tried.
#[must_use]
pub fn is_untried(report: &Report) -> bool {
    let case = &report.case;
    let asked = case.plan.access.sftp().is_some() && case.sftp().is_none();
    asked && case.password_login().is_some_and(|l| !l.open_door)
}
