//! Keys in the agent: the list alone, nothing is signed.

mod others;

use std::{borrow::Cow, io, time::Duration};

use russh::keys::agent::{
    AgentSessionBinding,
    client::{AgentClient, AgentStream},
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    Needed, Seen, Unseen,
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
    /// The name of the program that answers, where the system tells it.
    #[serde(default)]
    pub program: Option<String>,
    /// Other agents of this user that hold keys; only looked for where this one holds none.
    #[serde(default)]
    pub others: Vec<OtherAgent>,
    /// Whether this runs under sudo, which drops `SSH_AUTH_SOCK`, and there is none.
    #[serde(default)]
    pub dropped_by_sudo: bool,
}

/// An agent that `ssh` would not ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherAgent {
    /// Its socket, or its name where it has none.
    pub socket: String,
    /// Whether `SSH_AUTH_SOCK` names it, and the configuration another one.
    pub announced: bool,
    /// Its keys.
    pub keys: Vec<PublicKeyFacts>,
}

/// What the agent says once it knows the host.
///
/// `ssh` tells it before it asks for the list, on the same connection (`session-bind@openssh.com`
/// of PROTOCOL.agent), and so do we. It changes nothing but what this one connection is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentForHost {
    /// Whether the agent took the name of the host. Agents other than OpenSSH's, those before
    /// version 8.9, and locked ones do not.
    pub bound: bool,
    /// The fingerprints of keys that it lists, but not for this host.
    pub withheld: Vec<String>,
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
        Self {
            socket: None,
            state: AgentState::NotConfigured,
            program: None,
            others: Vec::new(),
            dropped_by_sudo: false,
        }
    }
    /// Whether the program that answers is OpenSSH's agent on this computer; not one elsewhere that
    /// is forwarded to it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.program.as_deref() == Some("ssh-agent")
    }
    /// The agent as `ssh` sees it at this host: without the keys that it keeps back there.
    #[must_use]
    pub fn for_host(&self, told: Option<&AgentForHost>) -> Cow<'_, Self> {
        let withheld = told.map_or(&[][..], |told| &told.withheld);
        let AgentState::Keys(keys) = &self.state else { return Cow::Borrowed(self) };
        if withheld.is_empty() {
            return Cow::Borrowed(self);
        }
        let shown = keys.iter().filter(|key| !withheld.contains(&key.sha256));
        Cow::Owned(Self { state: AgentState::Keys(shown.cloned().collect()), ..self.clone() })
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
        IdentityAgent::None => None,
        IdentityAgent::Environment => environment("SSH_AUTH_SOCK").or_else(default_pipe),
        IdentityAgent::Socket(name) => match name.strip_prefix('$') {
            Some(variable) => environment(variable.trim_matches(['{', '}'])),
            None => Some(name.clone()),
        },
    };
    let mut found = AgentKeys { socket, ..AgentKeys::none() };
    if effective.identity_agent == IdentityAgent::None {
        found.state = AgentState::Disabled;
    }
    if let Some(socket) = &found.socket {
        let limit = Duration::from_millis(limits.answer_ms);
        (found.state, found.program) = match tokio::time::timeout(limit, list(socket)).await {
            Ok(told) => told,
            Err(_) => (AgentState::TimedOut { after_ms: limits.answer_ms }, None),
        };
    }
    if found.keys().is_empty() {
        let announced = environment("SSH_AUTH_SOCK");
        let sudo = std::env::var_os("SUDO_USER").is_some();
        found.dropped_by_sudo = found.state == AgentState::NotConfigured && sudo;
        found.others = others::holding_keys(found.socket.as_deref(), announced).await;
    }
    Ok(found)
}

/// The name of PuTTY's agent, which has no socket.
pub const PAGEANT: &str = "Pageant";

/// How long the agent may take to say what it shows to one host: it has just answered once.
const SECOND_ANSWER: Duration = Duration::from_secs(3);

/// Tells the agent which host it is about, as `ssh` does, and sees which keys it then keeps back.
pub async fn observe_for_host(
    agent: AgentKeys,
    binding: AgentSessionBinding,
) -> Seen<AgentForHost> {
    let unable = |why: &str| Unseen::Unable(format!("the agent did not answer again: {why}"));
    let (AgentState::Keys(keys), Some(socket)) = (&agent.state, &agent.socket) else {
        return Err(Unseen::Needs(Needed::Key));
    };
    let asked = tokio::time::timeout(SECOND_ANSWER, list_bound(socket, &binding)).await;
    match asked.map_err(|_| unable("time limit"))? {
        Ok((bound, AgentState::Keys(shown))) => {
            let kept = |key: &&PublicKeyFacts| !shown.iter().any(|s| s.sha256 == key.sha256);
            let withheld = keys.iter().filter(kept).map(|key| key.sha256.clone()).collect();
            Ok(AgentForHost { bound, withheld })
        }
        Ok(_) => Err(unable("no list")),
        Err(error) => Err(unable(&error.to_string())),
    }
}

fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// OpenSSH for Windows has its agent at this pipe, without any variable.
fn default_pipe() -> Option<String> {
    cfg!(windows).then(|| r"\\.\pipe\openssh-ssh-agent".to_owned())
}

/// A connection to an agent.
#[cfg(unix)]
async fn connect(socket: &str) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(socket).await
}

#[cfg(windows)]
async fn connect(pipe: &str) -> io::Result<tokio::net::windows::named_pipe::NamedPipeClient> {
    tokio::net::windows::named_pipe::ClientOptions::new().open(pipe)
}

async fn list(socket: &str) -> (AgentState, Option<String>) {
    match connect(socket).await {
        Ok(stream) => {
            let program = program(&stream);
            (ask(stream).await, program)
        }
        Err(error) => (AgentState::Unreachable(OsError::of("connect", &error)), None),
    }
}

/// Whether it takes the binding, and its list after it.
async fn list_bound(socket: &str, binding: &AgentSessionBinding) -> io::Result<(bool, AgentState)> {
    let mut client = AgentClient::connect(connect(socket).await?);
    // An agent that does not know this says so, and goes on.
    let bound = client.bind_session(binding, false).await.is_ok();
    Ok((bound, ask(client.into_inner()).await))
}

/// A connection to an agent on which it is told which host it is about, where that is known, and
/// whether that host will ask itself (`forwarding`).
///
/// # Errors
/// That the socket cannot be connected to.
pub async fn client(
    socket: &str,
    binding: Option<&AgentSessionBinding>,
    forwarding: bool,
) -> io::Result<AgentClient<Box<dyn AgentStream + Send + Unpin>>> {
    let mut client = AgentClient::connect(connect(socket).await?);
    if let Some(binding) = binding {
        // An agent that does not know this says so, and goes on.
        let _ = client.bind_session(binding, forwarding).await;
    }
    Ok(client.dynamic())
}

/// The name of the program at the other end. Its path would say more, but ssh-agent hides it.
#[cfg(target_os = "linux")]
fn program(stream: &tokio::net::UnixStream) -> Option<String> {
    let pid = stream.peer_cred().ok()?.pid()?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn program<S>(_stream: &S) -> Option<String> {
    None
}

/// Messages of draft-ietf-sshm-ssh-agent, sections 5.1 and 6.1.
pub const SSH_AGENT_FAILURE: u8 = 5;
/// Asks for the list of keys.
pub const SSH_AGENTC_REQUEST_IDENTITIES: u8 = 11;
const SSH_AGENT_IDENTITIES_ANSWER: u8 = 12;
/// `ssh` takes no longer answer (`authfd.c`, MAX_AGENT_REPLY_LEN), nor more keys
/// (MAX_AGENT_IDENTITIES).
pub const MOST_BYTES: u32 = 256 * 1024;
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
