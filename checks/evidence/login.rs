//! A real login: the one key that the server takes is proven, and one harmless command is run.
//!
//! Only where the plan asks for it (`--login`).

use serde::{Deserialize, Serialize};

use super::{
    Evidence, Needed, Seen, Unseen,
    connection::OsError,
    handshake::Disconnect,
    queries::{Answer, Broken, Queries, Query},
    session,
};
use crate::{
    host_trust,
    offers::{Offer, Provable},
    text::Foreign,
};

/// The command that is run: it prints the host's own name, and changes nothing.
pub const COMMAND: &str = "hostname";

/// A login, as far as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The fingerprint (SHA256) of the key that was proven; none where the server wanted no proof.
    pub key: Option<String>,
    /// What signed.
    pub signed_by: Option<SignedBy>,
    /// What came of the proof.
    pub proof: Proof,
    /// Text that the server sent before login, such as why it refuses (RFC 4252, section 5.4).
    pub banner: Option<Foreign>,
    /// What came of [`COMMAND`]; none where the proof failed.
    pub session: Option<Run>,
    /// The server's goodbye, where it sent one.
    pub disconnect: Option<Disconnect>,
    /// Keys that did not sign, in order; `ssh` goes on with the next one, and so did we.
    #[serde(default)]
    pub passed_over: Vec<PassedOver>,
    /// How long a person took to type, in milliseconds: the server's patience goes on meanwhile.
    #[serde(default)]
    pub person_ms: u64,
}

/// A key that did not sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Its fingerprint (SHA256).
    pub key: String,
    /// Why.
    pub why: NotSigned,
}

/// What signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedBy {
    /// The agent.
    Agent,
    /// The key file.
    File,
}

/// What came of the proof of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// SSH_MSG_USERAUTH_SUCCESS.
    Accepted,
    /// The key is proven, and the server wants one of these methods as well (partial success,
    /// RFC 4252, section 5.1).
    Partial {
        /// Methods that can continue.
        methods: Vec<String>,
    },
    /// The server said before that it takes the key, and now refuses the proof.
    Refused {
        /// Methods that can continue.
        methods: Vec<String>,
    },
    /// There was nothing to send.
    NotSigned(NotSigned),
    /// The conversation ended in between.
    Broken(Broken),
}

/// Why a key did not sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotSigned {
    /// The agent refuses, or whoever it asked did.
    AgentRefused,
    /// The agent cannot be reached any more, or answers nonsense: the library's words.
    AgentFailed(String),
    /// The agent, or the person whom it asks, did not answer in time.
    AgentSilent {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// Nobody can be asked for the passphrase.
    NoPerson,
    /// A person was asked for the passphrase, and gave none.
    NoPassphrase,
    /// Wrong passphrases; as many as `ssh` asks for.
    WrongPassphrase,
    /// The file cannot be read.
    File(OsError),
    /// The file holds another key than the one that was offered.
    OtherKey,
    /// This program cannot sign with such a key: why.
    Unsupported(String),
}

/// One command in a session of its own (RFC 4254, section 6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The command; empty where there was none, but a wish for whatever the server gives.
    pub command: String,
    /// Why the server opened no session, where it did not.
    pub not_opened: Option<NotOpened>,
    /// Whether the server agreed to forward the agent; none where it was not asked to.
    pub agent_forwarding: Option<bool>,
    /// Whether the server agreed to run the command; none where it did not say.
    pub accepted: Option<bool>,
    /// The begin of what it printed.
    pub stdout: Foreign,
    /// How many bytes that was.
    pub stdout_bytes: u64,
    /// The last line that it printed, where the begin does not reach so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<Foreign>,
    /// The begin of what it complained about.
    pub stderr: Foreign,
    /// How it ended.
    pub end: RunEnd,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotOpened {
    /// `administratively-prohibited`, `connect-failed`, `unknown-channel-type`, `resource-shortage`,
    /// or the number of another reason.
    pub reason: String,
    /// The server's words.
    pub words: Foreign,
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// With this exit status.
    Exited(u32),
    /// By this signal.
    Signalled(String),
    /// The channel or the connection was closed without a status.
    #[default]
    Closed,
    /// Nothing more came within the limit.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// The time for the whole run was over.
    OutOfTime,
    /// Ctrl-C.
    Interrupted,
}

impl Run {
    /// Whether the command ran and ended well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.end == RunEnd::Exited(0)
    }

    /// The first line of what it complained about, as much as a sentence can hold.
    #[must_use]
    pub fn complaint(&self) -> Foreign {
        let mut lines = self.stderr.raw().lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
        Foreign::from_bytes(first.trim_end_matches('.').as_bytes()).short()
    }

    /// What it printed, if that is one line that can be the name of a host.
    #[must_use]
    pub fn host_name(&self) -> Option<&str> {
        let mut lines = self.stdout.raw().lines().filter(|line| !line.trim().is_empty());
        let (line, None) = (lines.next()?.trim(), lines.next()) else { return None };
        (self.last_line.is_none() && is_host_name(line)).then_some(line)
    }

    /// The name of the host as its last line, with other lines before it: the noise of a shell that
    /// prints something when it starts.
    #[must_use]
    pub fn noisy_host_name(&self) -> Option<&str> {
        let last = self.last_line()?.trim();
        let mut lines = self.stdout.raw().lines().filter(|line| !line.trim().is_empty());
        let is_alone = self.last_line.is_none() && lines.nth(1).is_none();
        (!is_alone && is_host_name(last)).then_some(last)
    }

    /// The last line that it printed, blank ones aside. What a command prints comes after all that
    /// a shell prints when it starts.
    #[must_use]
    pub fn last_line(&self) -> Option<&str> {
        let begin = || self.stdout.raw().lines().rfind(|line| !line.trim().is_empty());
        self.last_line.as_ref().map(Foreign::raw).or_else(begin)
    }
}

/// Letters, digits, hyphens and dots (RFC 952, RFC 1123), and the underscore that some have.
/// A first hyphen would make an option of it.
pub(crate) fn is_host_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !text.is_empty() && text.len() <= 253 && text.chars().all(fits) && !text.starts_with('-')
}

impl Login {
    /// The server lets in without a proof; nothing was run yet.
    #[must_use]
    pub fn open_door() -> Self {
        Self {
            user: String::new(),
            key: None,
            signed_by: None,
            proof: Proof::Accepted,
            banner: None,
            session: None,
            disconnect: None,
            passed_over: Vec::new(),
            person_ms: 0,
        }
    }

    /// Whether the login worked: the key is proven, and a session was opened.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.proof == Proof::Accepted
            && self.session.as_ref().is_some_and(|run| run.not_opened.is_none())
    }

    /// Whether there was a session in which a command came to its end.
    #[must_use]
    pub fn has_ended_well(&self) -> bool {
        let exited = |run: &Run| matches!(run.end, RunEnd::Exited(_));
        self.has_session() && self.session.as_ref().is_some_and(exited)
    }
}

impl Evidence {
    /// A real login, where the plan asks for it. It proves the key that `ssh` would log in with.
    pub async fn login(&self) -> &Seen<Login> {
        self.login
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                let Ok(queries) = self.queries().await else {
                    return Err(Unseen::Needs(Needed::AcceptedKey));
                };
                let winner = queries.winner(self.plan.may_ask(&effective));
                if winner.is_none() && !queries.open_door {
                    return Err(Unseen::Needs(Needed::AcceptedKey));
                }
                if !self.is_known_host().await {
                    return Err(Unseen::Needs(Needed::KnownHost));
                }
                let agent = self.agent().await.as_ref().ok();
                let with = session::LogIn {
                    user: effective.user.clone(),
                    candidates: winner.map(|w| candidates(queries, w)).unwrap_or_default(),
                    refused: queries.refused(),
                    agent: agent.and_then(|agent| agent.socket.clone()),
                    person: self.person.clone().filter(|_| self.plan.may_ask(&effective)),
                    greets: self.profile().await.greeting.is_some(),
                    answer: self.answer_limit(),
                };
                let mut session = self.live.session.lock().await;
                let session = session.as_mut().ok_or(Unseen::Needs(Needed::Handshake))?;
                Ok(session::log_in(session, with, &self.limits).await)
            })
            .await
    }

    /// Whether `ssh` would go on to this server without asking whether it is the right one.
    async fn is_known_host(&self) -> bool {
        let (Ok(effective), Ok(handshake)) = (self.effective().await, self.handshake().await)
        else {
            return false;
        };
        let trust = self.trust(self.known_hosts().await, handshake, effective);
        // With nobody there, `ssh` accepts only what it need not ask about.
        host_trust::goes_on(trust.as_ref(), effective, false)
    }
}

/// The key that the server takes, then those that `ssh` has not offered yet: it goes on with them
/// where a key cannot sign.
fn candidates<'q>(queries: &'q Queries, winner: &'q Query) -> Vec<session::Candidate<'q>> {
    let unasked =
        |query: &&Query| query.answer == Answer::NotNeeded && query.offer.provable != Provable::No;
    let order = std::iter::once(winner).chain(queries.offers.iter().filter(unasked));
    order.map(|query| session::Candidate { query, by: signer(queries, &query.offer) }).collect()
}

/// The offer whose private half signs: the plain key for a certificate, where `ssh` has that one.
fn signer<'q>(queries: &'q Queries, offer: &'q Offer) -> &'q Offer {
    if offer.key.certificate.is_none() {
        return offer;
    }
    let plain = |other: &&Offer| other.key.certificate.is_none() && other.key.same_key(&offer.key);
    queries.offers.iter().map(|query| &query.offer).find(plain).unwrap_or(offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_host_is_told_from_other_words() {
        let run = |out: &str| Run { stdout: Foreign::from_bytes(out.as_bytes()), ..Run::default() };
        assert_eq!(run("my-project\n").host_name(), Some("my-project"));
        assert_eq!(run("\nweb_1.example.org\r\n").host_name(), Some("web_1.example.org"));
        for other in ["", "two words\n", "a\nb\n", "hello alex, this is git@x\n"] {
            assert_eq!(run(other).host_name(), None, "{other}");
        }
        assert_eq!(run("Welcome!\nmy-project\n").noisy_host_name(), Some("my-project"));
        assert_eq!(run("my-project\n").noisy_host_name(), None);
    }
}
