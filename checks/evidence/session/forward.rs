//! Joins the agent to the host that asks for it: for its list of keys alone.
//!
//! What a host may ask of a forwarded agent, it may ask of every key in it. So nothing passes here
//! but the question for the list. A request for a signature is answered with a refusal, and counted.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use russh::{Channel, client::Msg, keys::agent::AgentSessionBinding};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::evidence::agent::{self, MOST_BYTES, SSH_AGENT_FAILURE, SSH_AGENTC_REQUEST_IDENTITIES};

/// SSH_AGENTC_SIGN_REQUEST (draft-ietf-sshm-ssh-agent, section 6.1).
const SSH_AGENTC_SIGN_REQUEST: u8 = 13;

/// Which agent the host may ask, and what it asked.
#[derive(Debug, Clone, Default)]
pub struct Forwarded(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// The socket and the binding of the session; none as long as nothing may be asked.
    to: Option<(String, Option<AgentSessionBinding>)>,
    asked: u32,
    signatures_refused: u32,
    not_joined: Option<String>,
}

/// What the host asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// How many questions there were.
    pub asked: u32,
    /// How many of them were for a signature.
    pub signatures_refused: u32,
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

    /// From now on it may not; what it has asked by now.
    pub fn end(&self) -> Asked {
        let mut inner = self.inner();
        inner.to = None;
        Asked {
            asked: inner.asked,
            signatures_refused: inner.signatures_refused,
            not_joined: inner.not_joined.clone(),
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
            let kind = question.first().copied();
            {
                let mut inner = self.inner();
                inner.asked = inner.asked.saturating_add(1);
                if kind == Some(SSH_AGENTC_SIGN_REQUEST) {
                    inner.signatures_refused = inner.signatures_refused.saturating_add(1);
                }
            }
            let answer = if kind == Some(SSH_AGENTC_REQUEST_IDENTITIES) && question.len() == 1 {
                agent.write_all(&[0, 0, 0, 1, SSH_AGENTC_REQUEST_IDENTITIES]).await?;
                message(&mut agent).await?
            } else {
                vec![SSH_AGENT_FAILURE]
            };
            let length = u32::try_from(answer.len()).map_err(io::Error::other)?;
            host.write_all(&length.to_be_bytes()).await?;
            host.write_all(&answer).await?;
            host.flush().await?;
        }
    }
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
    }
}
