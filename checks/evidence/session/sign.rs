//! The only code that signs: by the agent, or with an unlocked key file.

use std::{sync::Arc, time::Instant};

use russh::{
    SendError, Signer,
    keys::{
        HashAlg, PrivateKey, PublicKey,
        agent::{
            AgentIdentity,
            client::{AgentClient, AgentStream},
        },
        ssh_key::{Signature, encoding::Encode, private::KeypairData},
    },
};
use signature::Signer as _;
use zeroize::Zeroizing;

use super::Session;
use crate::{
    evidence::{
        agent, connection::OsError, fact::millis, key::PublicKeyFacts, login::NotSigned,
        person::Person,
    },
    offers::{Offer, Provable},
};

/// How often `ssh` asks for a passphrase (NumberOfPasswordPrompts).
const PROMPTS: usize = 3;

/// What can sign.
pub(super) enum Key {
    /// An agent, and the key as it knows it, where that is not the one that is offered: for a
    /// certificate it may hold the plain key alone.
    Agent(AgentClient<Box<dyn AgentStream + Send + Unpin>>, Option<Box<PublicKey>>),
    /// A key file.
    File(Box<PrivateKey>),
}

/// Finds what can sign for a key: `by` is the offer whose private half is used. `waited_ms` grows by
/// the time that a person took.
pub(super) async fn key(
    session: &Session,
    agent: Option<&str>,
    person: Option<&Arc<dyn Person>>,
    by: &Offer,
    waited_ms: &mut u64,
) -> Result<Key, NotSigned> {
    if by.in_agent {
        let failed = |e: &dyn std::fmt::Display| NotSigned::AgentFailed(e.to_string());
        let socket = agent.ok_or_else(|| failed(&"it is gone"))?;
        let client = agent::client(socket, session.agent_binding().as_ref(), false).await;
        let plain = by.key.certificate.is_none();
        let plain = plain.then(|| PublicKey::from_openssh(&by.key.line).ok().map(Box::new));
        return Ok(Key::Agent(client.map_err(|e| failed(&e))?, plain.flatten()));
    }
    let Some(path) = &by.path else {
        return Err(NotSigned::Unsupported("no file holds the private half".into()));
    };
    if by.key.is_hardware() {
        return Err(NotSigned::Unsupported(
            "a security key signs by the agent or by ssh itself".into(),
        ));
    }
    let read = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = read.map_err(|e| NotSigned::File(OsError::of("open", &e)))?;
    let decode = |passphrase: Option<&str>| russh::keys::decode_secret_key(&text, passphrase);
    let unsupported = |e: russh::keys::Error| NotSigned::Unsupported(e.to_string());
    if by.provable != Provable::NeedsPassphrase {
        return fitting(decode(None).map_err(unsupported)?, &by.key);
    }
    // The library decrypts the old format of PEM with one cipher alone.
    if text.contains("DEK-Info:") && !text.contains("DEK-Info: AES-128-CBC") {
        return Err(NotSigned::Unsupported("the file is encrypted in an old way".into()));
    }
    let person = person.ok_or(NotSigned::NoPerson)?;
    for _ in 0..PROMPTS {
        let asked = Instant::now();
        let given = person.passphrase(path).await;
        *waited_ms = waited_ms.saturating_add(millis(asked));
        let Some(given) = given.filter(|given| !given.is_empty()) else {
            return Err(NotSigned::NoPassphrase);
        };
        // Opening a key takes a moment of pure work on purpose (bcrypt).
        if let Ok(key) = tokio::task::block_in_place(|| decode(Some(&given))) {
            return fitting(key, &by.key);
        }
    }
    Err(NotSigned::WrongPassphrase)
}

/// A private half that belongs to the key that is offered; `ssh` checks that, too.
fn fitting(private: PrivateKey, offered: &PublicKeyFacts) -> Result<Key, NotSigned> {
    if PublicKeyFacts::of(private.public_key()).same_key(offered) {
        Ok(Key::File(Box::new(private)))
    } else {
        Err(NotSigned::OtherKey)
    }
}

/// Signs what the library asks it to.
pub(super) struct Proving {
    key: Key,
    /// The server said that it takes the key, so that a signature was asked for.
    pub asked: bool,
    /// There was a signature.
    pub signed: bool,
}

impl Proving {
    pub(super) fn with(key: Key) -> Self {
        Self { key, asked: false, signed: false }
    }
}

/// Why there was no proof.
pub(super) enum Failed {
    NotSigned(NotSigned),
    /// The conversation is over.
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
        self.asked = true;
        let signed = match &mut self.key {
            Key::Agent(client, plain) => {
                let plain = plain.take().map(|key| AgentIdentity::from(*key));
                let identity = plain.as_ref().unwrap_or(identity);
                match client.sign_request(identity, hash, to_sign).await {
                    Ok(signed) => signed,
                    Err(russh::keys::Error::AgentFailure) => {
                        return Err(Failed::NotSigned(NotSigned::AgentRefused));
                    }
                    Err(e) => {
                        return Err(Failed::NotSigned(NotSigned::AgentFailed(e.to_string())));
                    }
                }
            }
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
