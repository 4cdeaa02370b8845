//! Joins the agent to the host that asks for it: for its list of keys alone.
//!
//! What a host may ask of a forwarded agent, it may ask of every key in it. So nothing passes here
//! but the question for the list. A request for a signature is answered with a refusal, and counted.
//!
//! There is one exception, which `copy` asks for where it cannot see the destination otherwise: one
//! signature for a login as one user ([`Forwarded::allow_one_login`]).

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use russh::{Channel, client::Msg, keys::agent::AgentSessionBinding};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::evidence::{
    agent::{self, MOST_BYTES, SSH_AGENT_FAILURE, SSH_AGENTC_REQUEST_IDENTITIES},
    key::string,
};

/// SSH_AGENTC_SIGN_REQUEST (draft-ietf-sshm-ssh-agent, section 6.1).
const SSH_AGENTC_SIGN_REQUEST: u8 = 13;
/// SSH_AGENTC_EXTENSION (section 5.8), and the one that binds a connection to a host.
const SSH_AGENTC_EXTENSION: u8 = 27;
const BIND: &[u8] = b"session-bind@openssh.com";

/// Which agent the host may ask, and what it asked.
#[derive(Debug, Clone, Default)]
pub struct Forwarded(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// The socket and the binding of the session; none as long as nothing may be asked.
    to: Option<(String, Option<AgentSessionBinding>)>,
    asked: u32,
    signatures_refused: u32,
    /// The user of the one login that may be signed.
    login_as: Option<String>,
    signatures_given: u32,
    not_joined: Option<String>,
}

/// What the host asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// How many questions there were.
    pub asked: u32,
    /// How many of them were for a signature, and were refused.
    pub signatures_refused: u32,
    /// How many signatures it got.
    pub signatures_given: u32,
    /// Why a channel could not be joined to the agent, where that was so.
    pub not_joined: Option<String>,
}

impl Forwarded {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the host may ask.
    pub fn allow(&self, socket: String, binding: Option<AgentSessionBinding>) {
        self.inner().to = Some((socket, binding));
    }

    /// From now on the host may ask, and gets one signature, if that is for a login as this user.
    pub fn allow_one_login(
        &self,
        socket: String,
        binding: Option<AgentSessionBinding>,
        user: &str,
    ) {
        self.allow(socket, binding);
        self.inner().login_as = Some(user.to_owned());
    }
    /// From now on it may not; what it has asked by now.
    pub fn end(&self) -> Asked {
        let mut inner = self.inner();
        inner.to = None;
        inner.login_as = None;
        Asked {
            asked: inner.asked,
            signatures_refused: inner.signatures_refused,
            signatures_given: inner.signatures_given,
            not_joined: inner.not_joined.clone(),
        }
    }
    /// Whether a question may be handed on to the agent as it is; it is counted.
    fn may_pass(&self, question: &[u8]) -> bool {
        let mut inner = self.inner();
        // A channel that was joined before may still be open.
        if inner.to.is_none() {
            return false;
        }
        inner.asked = inner.asked.saturating_add(1);
        match question.first().copied() {
            Some(SSH_AGENTC_REQUEST_IDENTITIES) => question.len() == 1,
            Some(SSH_AGENTC_SIGN_REQUEST) => {
                let fits = inner.login_as.as_deref().is_some_and(|user| is_login(question, user));
                // It is used up, whatever becomes of it.
                if fits {
                    inner.login_as = None;
                    inner.signatures_given = inner.signatures_given.saturating_add(1);
                } else {
                    inner.signatures_refused = inner.signatures_refused.saturating_add(1);
                }
                fits
            }
            // It tells the agent which host the next signature is for, and can only narrow it.
            Some(SSH_AGENTC_EXTENSION) => {
                inner.login_as.is_some()
                    && question.get(1..).and_then(string).is_some_and(|(name, _)| name == BIND)
            }
            _ => false,
        }
    }

    /// Whether the host may ask at all.
    pub fn is_allowed(&self) -> bool {
        self.inner().to.is_some()
    }

    /// Joins a channel that the host opened, until either side ends it.
    pub async fn join(self, channel: Channel<Msg>) {
        let Some((socket, binding)) = self.inner().to.clone() else { return };
        let agent = match agent::client(&socket, binding.as_ref(), true).await {
            Ok(client) => client.into_inner(),
            Err(e) => {
                self.inner().not_joined = Some(e.to_string());
                return;
            }
        };
        let ended = self.relay(channel.into_stream(), agent).await;
        if let Err(e) = ended
            && e.kind() != io::ErrorKind::UnexpectedEof
        {
            self.inner().not_joined = Some(e.to_string());
        }
    }

    async fn relay(
        &self,
        mut host: impl AsyncRead + AsyncWrite + Unpin,
        mut agent: impl AsyncRead + AsyncWrite + Unpin,
    ) -> io::Result<()> {
        loop {
            let question = message(&mut host).await?;
            let answer = if self.may_pass(&question) {
                send(&mut agent, &question).await?;
                message(&mut agent).await?
            } else {
                vec![SSH_AGENT_FAILURE]
            };
            send(&mut host, &answer).await?;
        }
    }
}

/// Whether a request for a signature is one for a login as this user (RFC 4252, section 7, and
/// `publickey-hostbound-v00@openssh.com` of OpenSSH's PROTOCOL).
fn is_login(question: &[u8], user: &str) -> bool {
    const SSH_MSG_USERAUTH_REQUEST: u8 = 50;
    let login = || {
        let (_key, rest) = string(question.get(1..)?)?;
        let (data, _flags) = string(rest)?;
        let (_session, rest) = string(data)?;
        let (kind, rest) = rest.split_first()?;
        let (name, rest) = string(rest)?;
        let (service, rest) = string(rest)?;
        let (method, _) = string(rest)?;
        let is_login = *kind == SSH_MSG_USERAUTH_REQUEST
            && name == user.as_bytes()
            && service == b"ssh-connection"
            && method.starts_with(b"publickey");
        is_login.then_some(())
    };
    login().is_some()
}

/// One message of the agent's protocol, with its length before it.
async fn send(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(message).await?;
    to.flush().await
}

/// One message of the agent's protocol, without its length.
async fn message(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    if !(1..=MOST_BYTES).contains(&length) {
        return Err(io::Error::other("a message of impossible length"));
    }
    let mut message = vec![0; usize::try_from(length).unwrap_or(0)];
    from.read_exact(&mut message).await?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_passes_but_the_question_for_the_list() {
        let (mut host, host_end) = tokio::io::duplex(4096);
        let (mut agent, agent_end) = tokio::io::duplex(4096);
        let forwarded = Forwarded::default();
        forwarded.allow("/socket".into(), None);
        let relay = forwarded.clone();
        let relaying = tokio::spawn(async move { relay.relay(host_end, agent_end).await });
        // A signature, a removal of all keys, a list with something behind it, an extension.
        for question in [&[13, 0, 0, 0, 0][..], &[19], &[11, 0], &[27, 0]] {
            let length = u32::try_from(question.len()).unwrap();
            host.write_all(&length.to_be_bytes()).await.unwrap();
            host.write_all(question).await.unwrap();
            assert_eq!(message(&mut host).await.unwrap(), [SSH_AGENT_FAILURE]);
        }
        host.write_all(&[0, 0, 0, 1, 11]).await.unwrap();
        // The first byte that the agent ever sees is that of the list.
        assert_eq!(message(&mut agent).await.unwrap(), [SSH_AGENTC_REQUEST_IDENTITIES]);
        agent.write_all(&[0, 0, 0, 5, 12, 0, 0, 0, 0]).await.unwrap();
        assert_eq!(message(&mut host).await.unwrap(), [12, 0, 0, 0, 0]);
        drop(host);
        assert!(relaying.await.unwrap().is_err());
        let asked = forwarded.end();
        assert_eq!((asked.asked, asked.signatures_refused), (5, 1));
        assert!(!forwarded.may_pass(&[SSH_AGENTC_REQUEST_IDENTITIES]), "it is over");
    }

    fn framed(parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts {
            out.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            out.extend(*part);
        }
        out
    }

    /// A request for a signature of a login.
    fn login(user: &str, service: &str) -> Vec<u8> {
        let mut data = framed(&[b"session"]);
        data.push(50);
        data.extend(framed(&[user.as_bytes(), service.as_bytes(), b"publickey"]));
        let mut question = vec![13];
        question.extend(framed(&[b"key", &data]));
        question.extend([0, 0, 0, 0]);
        question
    }

    #[test]
    fn one_login_as_one_user_may_be_signed() {
        let forwarded = Forwarded::default();
        forwarded.allow_one_login("/socket".into(), None, "ada");
        assert!(!forwarded.may_pass(&login("eve", "ssh-connection")));
        assert!(!forwarded.may_pass(&login("ada", "other")));
        assert!(!forwarded.may_pass(&[13, 0, 0, 0, 0]));
        let mut bind = vec![27];
        bind.extend(framed(&[BIND, b"rest"]));
        assert!(forwarded.may_pass(&bind));
        assert!(forwarded.may_pass(&login("ada", "ssh-connection")));
        assert!(!forwarded.may_pass(&login("ada", "ssh-connection")), "one, and no more");
        assert!(!forwarded.may_pass(&bind));
        let asked = forwarded.end();
        assert_eq!((asked.signatures_given, asked.signatures_refused), (1, 4));
        forwarded.allow("/socket".into(), None);
        assert!(!forwarded.may_pass(&login("ada", "ssh-connection")));
    }
}
