//! Proves a key, and so logs in: the only code that signs.

use std::{sync::Arc, time::Duration};

use russh::{
    SendError, Signer,
    client::AuthResult,
    keys::{
        HashAlg, PrivateKey, PublicKey,
        agent::{AgentIdentity, client::AgentClient},
        ssh_key::{Certificate, Signature, encoding::Encode, private::KeypairData},
    },
};
use signature::Signer as _;
use zeroize::Zeroizing;

use super::{Session, queries::Ended, run::run};
use crate::{
    evidence::{
        Limits, agent,
        connection::OsError,
        login::{self, Login, NotSigned, Proof, SignedBy},
        person::Person,
        queries::{Broken, Query},
    },
    offers::Provable,
};

/// How often `ssh` asks for a passphrase (NumberOfPasswordPrompts).
const PROMPTS: usize = 3;

/// How long a person may take to touch a security key, or to answer a window of the agent.
const PERSON: Duration = Duration::from_secs(30);

/// With what is logged in.
pub struct LogIn<'l> {
    /// The user.
    pub user: String,
    /// The key that the server takes; none where it let us in without one.
    pub query: Option<&'l Query>,
    /// The agent's socket.
    pub agent: Option<String>,
    /// Who can be asked for a passphrase.
    pub person: Option<Arc<dyn Person>>,
    /// How long one answer of the server may take.
    pub answer: Duration,
}

/// Proves the key and runs one command.
pub async fn log_in(session: &mut Session, with: LogIn<'_>, limits: &Limits) -> Login {
    let mut login = Login {
        user: with.user.clone(),
        key: with.query.map(|query| query.offer.key.sha256.clone()),
        signed_by: None,
        proof: Proof::Accepted,
        banner: None,
        session: None,
        disconnect: None,
    };
    if let Some(query) = with.query {
        let in_agent = query.offer.in_agent;
        login.signed_by = Some(if in_agent { SignedBy::Agent } else { SignedBy::File });
        login.proof = prove(session, &with, query, limits).await;
    }
    if login.proof == Proof::Accepted {
        login.session = Some(run(session, login::COMMAND, false, with.answer, limits).await);
    }
    let trail = session.trail.lock();
    login.banner = trail.heard_banner().cloned();
    login.disconnect = trail.disconnect().cloned();
    login
}

async fn prove(session: &mut Session, with: &LogIn<'_>, query: &Query, limits: &Limits) -> Proof {
    let key = match signing_key(session, with, query).await {
        Ok(key) => key,
        Err(why) => return Proof::NotSigned(why),
    };
    if query.offer.key.is_hardware()
        && let Some(person) = &with.person
    {
        person.touch(query.offer.path.as_deref().unwrap_or(&query.offer.key.comment));
    }
    let hash = match query.algorithm.as_str() {
        "rsa-sha2-256" => Some(HashAlg::Sha256),
        "rsa-sha2-512" => Some(HashAlg::Sha512),
        _ => None,
    };
    let mut signer = Proving { key, signed: false };
    let line = &query.offer.key.line;
    let certificate = query.offer.key.certificate.as_ref();
    let limit = with.answer + PERSON;
    let handle = &mut session.handle;
    let ended = match certificate {
        Some(certificate) => match Certificate::from_openssh(&certificate.line) {
            Ok(certificate) => {
                let proof = handle.authenticate_certificate_with(
                    &with.user,
                    certificate,
                    hash,
                    &mut signer,
                );
                super::queries::wait(proof, limit, limits).await
            }
            Err(e) => return Proof::NotSigned(NotSigned::Unsupported(e.to_string())),
        },
        None => match PublicKey::from_openssh(line) {
            Ok(public) => {
                let proof =
                    handle.authenticate_publickey_with(&with.user, public, hash, &mut signer);
                super::queries::wait(proof, limit, limits).await
            }
            Err(e) => return Proof::NotSigned(NotSigned::Unsupported(e.to_string())),
        },
    };
    match ended {
        Ended::Told(Ok(AuthResult::Success)) => Proof::Accepted,
        Ended::Told(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
            // The library reports a lost conversation as a refusal without methods too.
            if remaining_methods.is_empty() && !session.has_no_methods().await {
                return Proof::Broken(Broken::ServerEnded);
            }
            let name = |method| {
                let name: &str = method;
                name.to_owned()
            };
            let methods = remaining_methods.iter().map(|m| name(m.into())).collect();
            if partial_success { Proof::Partial { methods } } else { Proof::Refused { methods } }
        }
        Ended::Told(Err(Failed::NotSigned(why))) => Proof::NotSigned(why),
        Ended::Told(Err(Failed::Lost)) => Proof::Broken(Broken::ServerEnded),
        Ended::TooLate if signer.signed => Proof::Broken(Broken::NoAnswer),
        Ended::TooLate => Proof::NotSigned(NotSigned::AgentSilent {
            after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }),
        Ended::OutOfTime => Proof::Broken(Broken::OutOfTime),
        Ended::Interrupted => Proof::Broken(Broken::Interrupted),
    }
}

/// What can sign.
enum Key {
    Agent(AgentClient<Box<dyn russh::keys::agent::client::AgentStream + Send + Unpin>>),
    File(Box<PrivateKey>),
}

async fn signing_key(session: &Session, with: &LogIn<'_>, query: &Query) -> Result<Key, NotSigned> {
    if query.offer.in_agent {
        let failed = |e: &dyn std::fmt::Display| NotSigned::AgentFailed(e.to_string());
        let socket = with.agent.as_deref().ok_or_else(|| failed(&"it is gone"))?;
        let client = agent::client(socket, session.agent_binding().as_ref(), false).await;
        return Ok(Key::Agent(client.map_err(|e| failed(&e))?));
    }
    let Some(path) = &query.offer.path else {
        return Err(NotSigned::Unsupported("no file holds the private half".into()));
    };
    if query.offer.key.is_hardware() {
        return Err(NotSigned::Unsupported(
            "a security key signs by the agent or by ssh itself".into(),
        ));
    }
    // The path of a key is the one of its private half, also where a certificate is offered.
    let read = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = read.map_err(|e| NotSigned::File(OsError::of("open", &e)))?;
    let decode = |passphrase: Option<&str>| russh::keys::decode_secret_key(&text, passphrase);
    let unsupported = |e: russh::keys::Error| NotSigned::Unsupported(e.to_string());
    if query.offer.provable != Provable::NeedsPassphrase {
        return decode(None).map(|key| Key::File(Box::new(key))).map_err(unsupported);
    }
    let person = with.person.as_ref().ok_or(NotSigned::NoPassphrase)?;
    for _ in 0..PROMPTS {
        let Some(given) = person.passphrase(path).await else {
            return Err(NotSigned::NoPassphrase);
        };
        // Opening a key takes a moment of pure work on purpose (bcrypt).
        if let Ok(key) = tokio::task::block_in_place(|| decode(Some(&given))) {
            return Ok(Key::File(Box::new(key)));
        }
    }
    Err(NotSigned::WrongPassphrase)
}

/// Signs what the library asks it to.
struct Proving {
    key: Key,
    signed: bool,
}

enum Failed {
    NotSigned(NotSigned),
    Lost,
}

impl From<SendError> for Failed {
    fn from(_: SendError) -> Self {
        Self::Lost
    }
}

impl Signer for Proving {
    type Error = Failed;

    async fn auth_sign(
        &mut self,
        identity: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Failed> {
        let signed = match &mut self.key {
            Key::Agent(client) => match client.sign_request(identity, hash, to_sign).await {
                Ok(signed) => signed,
                Err(russh::keys::Error::AgentFailure) => {
                    return Err(Failed::NotSigned(NotSigned::AgentRefused));
                }
                Err(e) => return Err(Failed::NotSigned(NotSigned::AgentFailed(e.to_string()))),
            },
            Key::File(key) => {
                let unsupported = |e: &dyn std::fmt::Display| {
                    Failed::NotSigned(NotSigned::Unsupported(e.to_string()))
                };
                let signature: Result<Signature, _> = match key.key_data() {
                    KeypairData::Rsa(pair) => (pair, hash).try_sign(&to_sign),
                    pair => pair.try_sign(&to_sign),
                };
                let signature = signature.map_err(|e| unsupported(&e))?;
                let encoded = signature.encode_vec().map_err(|e| unsupported(&e))?;
                let mut signed = to_sign;
                encoded.encode(&mut signed).map_err(|e| unsupported(&e))?;
                signed
            }
        };
        self.signed = true;
        Ok(signed)
    }
}
