//! Whether the server offers a login with a password, and how the one attempt ended.

use serde::{Deserialize, Serialize};

use super::{handshake::Disconnect, queries::Broken};
use crate::text::Foreign;

/// What was asked and answered, on the one connection. The password is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordLogin {
    /// The user that was asked about.
    pub user: String,
    /// The methods that the server lists for this user, as it answers the request `none`.
    pub methods: Option<Vec<String>>,
    /// Text that the server sent before login (RFC 4252, section 5.4).
    pub banner: Option<Foreign>,
    /// The server let us in with no proof at all (method `none`).
    pub open_door: bool,
    /// A password was given, and not sent, since the server has not proven who it is.
    pub withheld: bool,
    /// The one attempt, where a password was given.
    pub attempt: Option<Attempt>,
    /// The server's goodbye, where it cut the conversation.
    pub disconnect: Option<Disconnect>,
    /// Why the conversation ended early, where it did.
    pub broken: Option<Broken>,
}

/// The one attempt to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The method by which the password was sent.
    pub method: Method,
    /// What the server answered.
    pub answer: Answer,
    /// Whether the password was sent: a server may refuse, or ask for something else, before.
    pub sent: bool,
}

/// The two methods that take a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// RFC 4252, section 8.
    Password,
    /// RFC 4256: the server asks, and the answer is the password.
    KeyboardInteractive,
}

impl Method {
    /// The name on the wire, and in `PreferredAuthentications`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::KeyboardInteractive => "keyboard-interactive",
        }
    }
}

/// The server's answer to the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// SSH_MSG_USERAUTH_SUCCESS.
    Accepted,
    /// SSH_MSG_USERAUTH_FAILURE, or the goodbye of a server that bears one failure alone.
    Refused,
    /// SSH_MSG_USERAUTH_FAILURE with partial success: taken, and more is wanted.
    Partial {
        /// The methods that the server wants next.
        methods: Vec<String>,
    },
    /// The server asks for something else than one hidden word, before or after the password.
    Asked {
        /// What it says before its questions, and the questions.
        prompts: Vec<Foreign>,
    },
    /// It answered, and neither yes nor no: SSH_MSG_USERAUTH_PASSWD_CHANGEREQ is such an answer.
    NeitherYesNorNo,
    /// No answer: the conversation ended, or no time was left.
    None,
}

impl PasswordLogin {
    /// Whether the server lists this method.
    #[must_use]
    pub fn offers(&self, method: Method) -> bool {
        let methods = self.methods.as_ref();
        methods.is_some_and(|methods| methods.iter().any(|m| m == method.name()))
    }

    /// Whether the server lists a method for a password.
    #[must_use]
    pub fn offers_any(&self) -> bool {
        self.offers(Method::Password) || self.offers(Method::KeyboardInteractive)
    }

    /// Whether the conversation was over before the password could be sent, though it was wanted:
    /// the server refused another method first, and bears no more.
    #[must_use]
    pub fn is_cut_before(&self) -> bool {
        let unsent = self.attempt.as_ref().is_some_and(|a| !a.sent && a.answer == Answer::None);
        unsent && self.disconnect.is_some() && self.broken == Some(Broken::ServerEnded)
    }

    /// The answer to the one attempt.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.attempt.as_ref().map(|attempt| &attempt.answer)
    }

    /// Whether somebody is logged in now.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.open_door || self.answer() == Some(&Answer::Accepted)
    }
}
