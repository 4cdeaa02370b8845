//! The lines of `ssh` after a key was taken, where a real login shows what then comes.

use crate::{
    arrival::{self, Arrival, NoSession},
    case::Case,
    evidence::{
        configuration::Effective,
        key::PublicKeyFacts,
        login::{Login, NotSigned, Proof},
        queries::Broken,
    },
    portal, text,
    text::{Text, foreign, host, user},
};

/// What `ssh` prints; nothing where it gets in, or where its words hang on chance.
pub(super) fn lines(case: &Case, effective: &Effective, login: &Login, peer: Text) -> Vec<Text> {
    let denied = |methods: Option<&Vec<String>>| {
        let name = host(effective.host.to_lowercase());
        let denied = text![user(&effective.user), "@", name, ": Permission denied"];
        match methods {
            Some(methods) => {
                // ssh has tried `none` before, and so it is not offered to it any more.
                let left: Vec<_> = methods.iter().filter(|m| *m != "none").cloned().collect();
                denied.with(" (").with(foreign(left.join(","))).with(").")
            }
            None => denied,
        }
    };
    match &login.proof {
        Proof::Refused { methods } => vec![denied(Some(methods))],
        Proof::Partial { methods } if !case.is_interactive() => vec![denied(Some(methods))],
        Proof::NotSigned(NotSigned::AgentRefused) => {
            let methods = case.queries().and_then(|queries| queries.methods.as_ref());
            agent_refused(case, login).into_iter().chain([denied(methods)]).collect()
        }
        Proof::Broken(Broken::ServerEnded) => match &login.disconnect {
            Some(goodbye) => super::disconnected(goodbye, &peer),
            None => vec![text!["Connection closed by "].then(peer)],
        },
        Proof::Accepted => no_session(login),
        Proof::Partial { .. } | Proof::NotSigned(_) | Proof::Broken(_) => Vec::new(),
    }
}

/// `sign_and_send_pubkey` of sshconnect2.c.
fn agent_refused(case: &Case, login: &Login) -> Option<Text> {
    let offers = &case.queries()?.offers;
    let query = offers.iter().find(|query| Some(&query.offer.key.sha256) == login.key.as_ref())?;
    Some(text![
        "sign_and_send_pubkey: signing failed for ",
        kind(&query.offer.key)?,
        " \"",
        portal::name(query),
        "\" from agent: agent refused operation",
    ])
}

/// The kind of a key as `ssh` names it, where that is certain.
fn kind(key: &PublicKeyFacts) -> Option<&'static str> {
    Some(match (key.algorithm.as_str(), key.certificate.is_some()) {
        ("ssh-ed25519", false) => "ED25519",
        ("ssh-rsa", false) => "RSA",
        (name, false) if name.starts_with("ecdsa-sha2-") => "ECDSA",
        _ => return None,
    })
}

fn no_session(login: &Login) -> Vec<Text> {
    let run = login.session.as_ref();
    match arrival::of(login) {
        Some(Arrival::NoSession(NoSession::NotOpened)) => {
            let Some(not) = run.and_then(|run| run.not_opened.as_ref()) else { return Vec::new() };
            let reason = not.reason.replace('-', " ");
            vec![text!["channel 0: open failed: ", foreign(reason), ": ", not.words.short()]]
        }
        Some(Arrival::NoSession(NoSession::NoCommand)) => {
            vec!["exec request failed on channel 0".into()]
        }
        _ => Vec::new(),
    }
}
