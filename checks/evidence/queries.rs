//! Which keys the server would take: the unsigned query of RFC 4252, section 7.

use serde::{Deserialize, Serialize};

use super::handshake::Disconnect;
use crate::{offers::Provable, text::Foreign};

/// What was asked and answered, on the one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queries {
    /// The user that was asked about.
    pub user: String,
    /// One entry for each key that `ssh` would offer, in its order.
    pub offers: Vec<Query>,
    /// The methods that can continue, as the server last listed them.
    pub methods: Option<Vec<String>>,
    /// Text that the server sent before login (RFC 4252, section 5.4).
    pub banner: Option<Foreign>,
    /// The signature algorithms that the server says it takes (RFC 8308, section 3.1); only asked
    /// for RSA keys. The inner `None`: it sent no such list.
    pub rsa_signatures: Option<RsaSignatures>,
    /// The answer to one query with a throw-away key, where the server's software is not known to
    /// answer truthfully.
    pub control: Option<Answer>,
    /// The server let us in with no proof at all (method `none`).
    pub open_door: bool,
    /// The server's goodbye, where it cut the conversation.
    pub disconnect: Option<Disconnect>,
    /// Why the conversation ended before all keys were asked about, where it did.
    pub broken: Option<Broken>,
}

/// Why a conversation ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// The server hung up.
    ServerEnded,
    /// No answer came within the limit.
    NoAnswer,
    /// The time for the whole run was over.
    OutOfTime,
    /// Ctrl-C.
    Interrupted,
    /// The log from which this was read ends.
    LogEnds,
}

impl Broken {
    /// The end of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ServerEnded => "the server ended the conversation",
            Self::NoAnswer => "the server did not answer in time",
            Self::OutOfTime => "the time limit for the whole run was reached",
            Self::Interrupted => "the run was interrupted",
            Self::LogEnds => "the log ends",
        }
    }
}

/// What `server-sig-algs` says about RSA keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RsaSignatures {
    /// rsa-sha2-512 or rsa-sha2-256 (RFC 8332).
    Sha2,
    /// Only ssh-rsa with SHA-1, which today's clients refuse.
    Sha1Only,
    /// The server sends no list: then `ssh` uses ssh-rsa alone, which it refuses by default.
    NotTold,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What `ssh` would offer.
    pub offer: crate::offers::Offer,
    /// The signature algorithm that was asked about.
    pub algorithm: String,
    /// The answer.
    pub answer: Answer,
}

/// The server's answer to one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// SSH_MSG_USERAUTH_PK_OK: a signature by this key would be accepted.
    Accepted,
    /// SSH_MSG_USERAUTH_FAILURE.
    Refused,
    /// Not asked: the limit of refused keys was reached.
    LimitReached,
    /// Not asked: an earlier key is accepted, `ssh` would stop there.
    NotNeeded,
    /// Not asked: `ssh` itself would not offer it to this server.
    NotOffered,
    /// No answer: the conversation ended.
    NoAnswer,
}

impl Queries {
    /// The first key that the server accepts.
    #[must_use]
    pub fn accepted(&self) -> Option<&Query> {
        self.offers.iter().find(|q| q.answer == Answer::Accepted)
    }
    /// The key with which `ssh` would log in: accepted, and provable as far as can be seen.
    #[must_use]
    pub fn winner(&self, interactive: bool) -> Option<&Query> {
        self.offers.iter().find(|q| {
            q.answer == Answer::Accepted
                && match q.offer.provable {
                    Provable::Yes => true,
                    Provable::NeedsPassphrase => interactive,
                    Provable::No | Provable::Unknown => false,
                }
        })
    }
    /// Whether the server hung up because too many keys were refused (OpenSSH's `auth_maxtries_exceeded`,
    /// and the same words elsewhere).
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        let words = self.disconnect.as_ref().map(|goodbye| goodbye.description.raw());
        words.is_some_and(|words| words.to_ascii_lowercase().contains("too many authentication"))
    }
    /// How many keys were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.offers.iter().filter(|q| q.answer == Answer::Refused).count()
    }
}
