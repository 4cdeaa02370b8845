//! Keys in the agent: the list alone, nothing is signed.

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    Seen,
    configuration::{Effective, IdentityAgent},
    connection::OsError,
    key::{PublicKeyFacts, string},
};
use crate::{case::TimeLimits, text::Foreign};

/// The agent and its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentKeys {
    /// Where it was looked for; none where nothing says so.
    pub socket: Option<String>,
    /// What came of it.
    pub state: AgentState,
}

/// What came of asking the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// `SSH_AUTH_SOCK` is not set, and no IdentityAgent is configured.
    NotConfigured,
    /// `IdentityAgent none`.
    Disabled,
    /// The socket or pipe does not answer.
    Unreachable(OsError),
    /// Something answers that is no agent.
    NotAnAgent(String),
    /// No answer in time.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// Its keys, in its order; possibly none.
    Keys(Vec<PublicKeyFacts>),
}

impl AgentKeys {
    /// No agent at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { socket: None, state: AgentState::NotConfigured }
    }
    /// The keys; none where there is no agent.
    #[must_use]
    pub fn keys(&self) -> &[PublicKeyFacts] {
        match &self.state {
            AgentState::Keys(keys) => keys,
            _ => &[],
        }
    }
}

/// Asks the agent for its list.
pub async fn observe(effective: Effective, limits: TimeLimits) -> Seen<AgentKeys> {
    let socket = match &effective.identity_agent {
        IdentityAgent::None => {
            return Ok(AgentKeys { socket: None, state: AgentState::Disabled });
        }
        IdentityAgent::Environment => environment("SSH_AUTH_SOCK").or_else(default_pipe),
        IdentityAgent::Socket(name) => match name.strip_prefix('$') {
            Some(variable) => environment(variable.trim_matches(['{', '}'])),
            None => Some(name.clone()),
        },
    };
    let Some(socket) = socket else { return Ok(AgentKeys::none()) };
    let limit = Duration::from_millis(limits.answer_ms);
    let state = match tokio::time::timeout(limit, list(&socket)).await {
        Ok(state) => state,
        Err(_) => AgentState::TimedOut { after_ms: limits.answer_ms },
    };
    Ok(AgentKeys { socket: Some(socket), state })
}

fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// OpenSSH for Windows has its agent at this pipe, without any variable.
fn default_pipe() -> Option<String> {
    cfg!(windows).then(|| r"\\.\pipe\openssh-ssh-agent".to_owned())
}

#[cfg(unix)]
async fn list(socket: &str) -> AgentState {
    match tokio::net::UnixStream::connect(socket).await {
        Ok(stream) => ask(stream).await,
        Err(error) => AgentState::Unreachable(OsError::of("connect", &error)),
    }
}

#[cfg(windows)]
async fn list(socket: &str) -> AgentState {
    use tokio::net::windows::named_pipe::ClientOptions;
    match ClientOptions::new().open(socket) {
        Ok(stream) => ask(stream).await,
        Err(error) => AgentState::Unreachable(OsError::of("open", &error)),
    }
}

/// Messages of draft-ietf-sshm-ssh-agent, sections 5.1 and 6.1.
const SSH_AGENT_FAILURE: u8 = 5;
const SSH_AGENTC_REQUEST_IDENTITIES: u8 = 11;
const SSH_AGENT_IDENTITIES_ANSWER: u8 = 12;
/// `ssh` takes no longer answer (`authfd.c`, MAX_AGENT_REPLY_LEN), nor more keys
/// (MAX_AGENT_IDENTITIES).
const MOST_BYTES: u32 = 256 * 1024;
const MOST_KEYS: u32 = 2048;

/// One question, the one for the list. The library's client gives the list up at the first key of
/// a type that it does not know; here each key stands for itself.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> AgentState {
    let answer = async {
        stream.write_all(&[0, 0, 0, 1, SSH_AGENTC_REQUEST_IDENTITIES]).await?;
        let length = stream.read_u32().await?;
        if !(1..=MOST_BYTES).contains(&length) {
            return Err(io::Error::other("an answer of impossible length"));
        }
        let mut message = vec![0; usize::try_from(length).unwrap_or(0)];
        stream.read_exact(&mut message).await?;
        Ok(message)
    };
    match answer.await {
        Ok(message) => read_list(&message),
        Err(error) => AgentState::NotAnAgent(OsError::of("read", &error).message),
    }
}

/// The keys of an answer; those that do not parse are left out.
fn read_list(message: &[u8]) -> AgentState {
    let not_an_agent = || AgentState::NotAnAgent("an answer that is no list of keys".to_owned());
    let Some((&kind, mut rest)) = message.split_first() else { return not_an_agent() };
    if kind == SSH_AGENT_FAILURE {
        return AgentState::NotAnAgent("it refuses to list its keys".to_owned());
    }
    if kind != SSH_AGENT_IDENTITIES_ANSWER {
        return not_an_agent();
    }
    let Some((count, after)) = rest.split_first_chunk::<4>() else { return not_an_agent() };
    rest = after;
    let mut keys = Vec::new();
    for _ in 0..u32::from_be_bytes(*count).min(MOST_KEYS) {
        let pair = string(rest)
            .and_then(|(blob, after)| string(after).map(|(comment, after)| (blob, comment, after)));
        let Some((blob, comment, after)) = pair else { return not_an_agent() };
        rest = after;
        let comment = Foreign::from_bytes(comment).raw().to_owned();
        keys.extend(PublicKeyFacts::of_blob(blob, comment));
    }
    AgentState::Keys(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(keys: &[(&[u8], &str)]) -> Vec<u8> {
        let mut out = vec![SSH_AGENT_IDENTITIES_ANSWER];
        out.extend(u32::try_from(keys.len()).unwrap().to_be_bytes());
        for (blob, comment) in keys {
            for part in [*blob, comment.as_bytes()] {
                out.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
                out.extend(part);
            }
        }
        out
    }

    #[test]
    fn a_key_of_unknown_type_does_not_hide_the_others() {
        let strange = b"\0\0\0\x07ssh-new\0\0\0\x01x";
        let state = read_list(&answer(&[(strange, "new"), (b"rubbish", "bad"), (strange, "2")]));
        let AgentState::Keys(keys) = state else { panic!("{state:?}") };
        let found: Vec<_> =
            keys.iter().map(|k| (k.algorithm.as_str(), k.comment.as_str())).collect();
        assert_eq!(found, [("ssh-new", "new"), ("ssh-new", "2")]);
    }

    #[tokio::test]
    async fn what_is_no_agent_is_told() {
        for reply in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"\0\0\0\0", b"\0\0\0\x01\x05"]
        {
            let (ours, mut theirs) = tokio::io::duplex(1024);
            theirs.write_all(reply).await.unwrap();
            let state = tokio::spawn(async move { ask(ours).await });
            drop(theirs);
            assert!(matches!(state.await.unwrap(), AgentState::NotAnAgent(_)), "{reply:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(message: Vec<u8>) {
            read_list(&message);
        }
    }
}
