//! What `sftp` prints once keys are exchanged (`sftp.c`, `sftp-client.c`, and `ssh` below it).

use super::{disconnected, peer};
use crate::{
    case::Case,
    evidence::{
        configuration::Effective,
        password::Answer,
        queries::Broken,
        sftp::{SftpSession, Subsystem},
    },
    text,
    text::{Text, foreign, host, number, user},
};

/// The longest packet that `sftp` reads (`sftp-common.h`, SFTP_MAX_MSG_LENGTH).
const MOST: u32 = 256 * 1024;

pub(super) fn says(case: &Case, effective: &Effective) -> Vec<Text> {
    let Some(login) = case.password_login() else { return Vec::new() };
    if let Some(session) = case.sftp().filter(|_| login.is_in()) {
        return of_session(session);
    }
    if let Some(goodbye) = &login.disconnect {
        return disconnected(goodbye, &peer(case, effective));
    }
    let denied = |methods: &[String]| {
        let who = text![user(&effective.user), "@", host(effective.host.to_lowercase())];
        let denied = who.with(": Permission denied (").with(foreign(methods.join(",")));
        vec![denied.with(")."), closed()]
    };
    let refused = login.answer() == Some(&Answer::Refused);
    // Without the other proof, which was not looked at.
    if let Some(Answer::Partial { methods }) = login.answer() {
        return denied(methods);
    }
    match (&login.methods, login.broken) {
        (_, Some(Broken::ServerEnded)) => {
            vec![text!["Connection closed by "].then(peer(case, effective)), closed()]
        }
        (Some(methods), None) if refused || !login.offers_any() => denied(methods),
        _ => Vec::new(),
    }
}

fn of_session(session: &SftpSession) -> Vec<Text> {
    match session.subsystem {
        Subsystem::Refused => vec!["subsystem request failed on channel 0".into(), closed()],
        Subsystem::Granted if !session.noise.is_empty() => {
            let length = session.noise.raw().as_bytes().first_chunk::<4>();
            let length = length.map(|bytes| u32::from_be_bytes(*bytes)).filter(|n| *n > MOST);
            match length {
                Some(length) => vec![text!["Received message too long ", number(length)]],
                None => Vec::new(),
            }
        }
        Subsystem::Granted if session.version.is_none() => vec![closed()],
        Subsystem::NoAnswer if session.broken == Some(Broken::ServerEnded) => vec![closed()],
        _ => Vec::new(),
    }
}

fn closed() -> Text {
    "Connection closed".into()
}
