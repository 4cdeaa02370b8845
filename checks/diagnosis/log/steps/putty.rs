//! Steps for PuTTY's programs: they have a list of host keys, key files and an agent of their own.

use super::longer::{file_of, sent, whether_it_has_changed};
use crate::{
    case::Case,
    command,
    explain::{Log, Mark, Sign},
    finding::Hint,
    text,
    text::{Command, Text, host, key, path, user},
};

/// `plink` to the host of the log.
fn plink(case: &Case, options: impl IntoIterator<Item = Text>) -> Command {
    let mut plink = command!["plink"];
    plink.0.extend(options);
    plink.0.extend(case.plan.port.iter().flat_map(|p| ["-P".into(), p.to_string().into()]));
    plink.0.push(case.plan.user.as_ref().map_or_else(
        || host(&case.plan.host).into(),
        |name| text![user(name), "@", host(&case.plan.host)],
    ));
    plink
}

/// How the key of a server comes into PuTTY's cache.
pub(super) fn trust(case: &Case, log: &Log) -> Vec<Hint> {
    let Some(sent) = sent(log) else {
        return vec![Hint::run(
            "Ask those who run the server for the fingerprint of its key. Connect once at a terminal, \
             without -batch, compare, and answer y only if it is the same:",
            plink(case, []),
        )];
    };
    vec![
        Hint::run(
            text![
                "Ask those who run the server whether the fingerprint of its key is ",
                key(sent),
                ". If so, connect once at a terminal, without -batch, and answer y:"
            ],
            plink(case, []),
        ),
        Hint::run(
            "Where nobody can answer, name that fingerprint:",
            plink(case, ["-hostkey".into(), text![key(sent)]]),
        ),
    ]
}

pub(super) fn host_key_changed(case: &Case, log: &Log) -> Vec<Hint> {
    vec![
        whether_it_has_changed(log),
        Hint::run(
            "If they have changed it, connect once at a terminal, without -batch, and answer y: that \
             puts the new one into PuTTY's cache:",
            plink(case, []),
        ),
    ]
}

/// The key file that was named, or a word in its place.
fn named<'l>(case: &'l Case, log: &'l Log) -> &'l str {
    let read = log.last(Sign::TriesPrivate).map(|m| m.word(0));
    read.or_else(|| case.plan.typed_identities().next()).unwrap_or("KEY.ppk")
}

/// A key that was not taken, or of which the log does not say that it was offered.
pub(super) fn not_accepted(case: &Case, log: &Log) -> Vec<Hint> {
    let file = named(case, log);
    vec![
        Hint::advice(
            "Send the public half of the key that you mean to use to those who run the server, and ask \
             whether exactly this key is allowed for this user.",
        ),
        Hint::run(
            "This prints the public half. On Windows, PuTTYgen shows it where the file is loaded:",
            command!["puttygen", "-L", path(file)],
        ),
        Hint::run(
            "Have plink offer that key: load it into Pageant, or name its file:",
            plink(case, ["-i".into(), text![path(file)]]),
        ),
    ]
}

/// A key of OpenSSH for PuTTY.
pub(super) fn to_ppk(case: &Case, mark: Option<&Mark>) -> Vec<Hint> {
    let file = mark.map(file_of).filter(|file| !file.is_empty()).unwrap_or("~/.ssh/id_ed25519");
    let ppk = format!("{file}.ppk");
    vec![
        Hint::run(
            "Write the key in PuTTY's format, as another file. On Windows: PuTTYgen, Conversions, \
             Import key, then Save private key.",
            command!["puttygen", path(file), "-o", path(&ppk)],
        ),
        Hint::run("Use that file:", plink(case, ["-i".into(), text![path(&ppk)]])),
    ]
}
