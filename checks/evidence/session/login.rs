//! Proves a key, and so logs in: one proof at most.

use std::{sync::Arc, time::Duration};

use russh::{
    client::AuthResult,
    keys::{HashAlg, PublicKey, ssh_key::Certificate},
};

use super::{
    Session,
    answer::{names, wait},
    queries::MAX_REFUSED,
    run::{SHELL, run},
    sign::{self, Failed, Proving},
};
use crate::{
    evidence::{
        Limits,
        login::{self, Login, NotSigned, PassedOver, Proof, SignedBy},
        person::Person,
        queries::{Broken, Query},
    },
    offers::Offer,
};

/// How long a person may take to touch a security key, or to answer a window of the agent.
const PERSON: Duration = Duration::from_secs(30);

/// A key to log in with.
pub struct Candidate<'l> {
    /// The key, and what is known of the server's answer.
    pub query: &'l Query,
    /// Whose private half signs: for a certificate that may be the plain key.
    pub by: &'l Offer,
}

/// With what is logged in.
pub struct LogIn<'l> {
    /// The user.
    pub user: String,
    /// The key that the server takes, then those that `ssh` would go on with where that one cannot
    /// sign; none where the server let us in without one.
    pub candidates: Vec<Candidate<'l>>,
    /// How many keys the server has refused by now.
    pub refused: usize,
    /// The agent's socket.
    pub agent: Option<String>,
    /// Who can be asked for a passphrase.
    pub person: Option<Arc<dyn Person>>,
    /// Whether the server greets in place of giving a shell, and so takes no command.
    pub greets: bool,
    /// How long one answer of the server may take.
    pub answer: Duration,
}

/// Proves a key and runs one command.
pub async fn log_in(session: &mut Session, with: LogIn<'_>, limits: &Limits) -> Login {
    let mut login = Login { user: with.user.clone(), ..Login::open_door() };
    let mut refused = with.refused;
    for candidate in &with.candidates {
        let (told, signed_by) = prove(session, &with, candidate, limits, &mut login).await;
        let why = match told {
            Told::Proof(Proof::NotSigned(why)) => Some(why),
            Told::Proof(proof) => {
                login.key = Some(candidate.query.offer.key.sha256.clone());
                login.signed_by = Some(signed_by);
                login.proof = proof;
                break;
            }
            Told::NotTaken => {
                refused += 1;
                None
            }
        };
        // What is our own limit, ssh does not have; and it waits for a silent agent for ever.
        let ends = matches!(
            why,
            Some(NotSigned::Unsupported(_) | NotSigned::AgentSilent { .. } | NotSigned::NoPerson)
        );
        if let Some(why) = why {
            if login.passed_over.is_empty() {
                // The first one is the cause, should no other key get in.
                login.key = Some(candidate.query.offer.key.sha256.clone());
                login.signed_by = Some(signed_by);
                login.proof = Proof::NotSigned(why.clone());
            }
            let key = candidate.query.offer.key.sha256.clone();
            login.passed_over.push(PassedOver { key, why });
        }
        if ends || refused >= MAX_REFUSED {
            break;
        }
    }
    if login.proof == Proof::Accepted {
        let command = if with.greets { SHELL } else { login::COMMAND };
        login.session = Some(run(session, command, false, with.answer, limits).await);
    }
    let trail = session.trail.lock();
    login.banner = trail.heard_banner().cloned();
    login.disconnect = trail.disconnect().cloned();
    login
}

/// What came of one key.
enum Told {
    Proof(Proof),
    /// The server does not take it, so nothing was signed.
    NotTaken,
}

async fn prove(
    session: &mut Session,
    with: &LogIn<'_>,
    Candidate { query, by }: &Candidate<'_>,
    limits: &Limits,
    login: &mut Login,
) -> (Told, SignedBy) {
    let signed_by = if by.in_agent { SignedBy::Agent } else { SignedBy::File };
    let told = |proof| (Told::Proof(proof), signed_by);
    let person = with.person.as_ref();
    let found = tokio::select! {
        biased;
        key = sign::key(session, with.agent.as_deref(), person, by, &mut login.person_ms) => key,
        () = limits.cut.cancelled() => return told(Proof::Broken(Broken::Interrupted)),
        () = tokio::time::sleep_until(limits.until.into()) => {
            return told(Proof::Broken(Broken::OutOfTime));
        }
    };
    let key = match found {
        Ok(key) => key,
        Err(why) => return told(Proof::NotSigned(why)),
    };
    if by.key.is_hardware()
        && let Some(person) = person
    {
        person.touch(by.path.as_deref().unwrap_or(&by.key.comment));
    }
    let hash = match query.algorithm.as_str() {
        "rsa-sha2-256" => Some(HashAlg::Sha256),
        "rsa-sha2-512" => Some(HashAlg::Sha512),
        // It was not asked about yet.
        "ssh-rsa" => match session.handle.best_supported_rsa_hash().await {
            Ok(Some(Some(hash))) => Some(hash),
            _ => return (Told::NotTaken, signed_by),
        },
        _ => None,
    };
    let mut signer = Proving::with(key);
    let limit = with.answer + PERSON;
    let unsupported =
        |e: &dyn std::fmt::Display| told(Proof::NotSigned(NotSigned::Unsupported(e.to_string())));
    let handle = &mut session.handle;
    let ended = match &query.offer.key.certificate {
        Some(certificate) => match Certificate::from_openssh(&certificate.line) {
            Ok(certificate) => {
                let user = with.user.as_str();
                let proof =
                    handle.authenticate_certificate_with(user, certificate, hash, &mut signer);
                wait(proof, limit, limits).await
            }
            Err(e) => return unsupported(&e),
        },
        None => match PublicKey::from_openssh(&query.offer.key.line) {
            Ok(public) => {
                let user = with.user.as_str();
                let proof = handle.authenticate_publickey_with(user, public, hash, &mut signer);
                wait(proof, limit, limits).await
            }
            Err(e) => return unsupported(&e),
        },
    };
    told(match ended {
        Ok(Ok(AuthResult::Success)) => Proof::Accepted,
        Ok(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
            // The library reports a lost conversation as a refusal without methods too.
            if remaining_methods.is_empty() && !session.has_no_methods().await {
                return told(Proof::Broken(Broken::ServerEnded));
            }
            if !signer.asked {
                return (Told::NotTaken, signed_by);
            }
            let methods = names(&remaining_methods);
            if partial_success { Proof::Partial { methods } } else { Proof::Refused { methods } }
        }
        Ok(Err(Failed::NotSigned(why))) => Proof::NotSigned(why),
        Ok(Err(Failed::Lost)) => Proof::Broken(Broken::ServerEnded),
        Err(Broken::NoAnswer) if signer.asked && !signer.signed => {
            Proof::NotSigned(NotSigned::AgentSilent {
                after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            })
        }
        Err(why) => Proof::Broken(why),
    })
}
