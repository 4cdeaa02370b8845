//! The conversation up to the exchange of keys: identification, algorithms, host key.

use serde::{Deserialize, Serialize};

use super::{connection::OsError, key::PublicKeyFacts};
use crate::text::Foreign;

/// What was said on the connection until keys were exchanged, or it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The last step that was reached.
    pub reached: Step,
    /// When each step was reached, in microseconds since the TCP connection.
    pub steps: Vec<StepTime>,
    /// Lines that the server sent before its identification (RFC 4253, section 4.2): the first ones.
    pub lines_before: Vec<Foreign>,
    /// How many such lines there were.
    pub lines_before_count: u64,
    /// The server's identification string, without line end.
    pub identification: Option<Identification>,
    /// The first bytes, where no identification came.
    pub first_bytes: Foreign,
    /// How many bytes came.
    pub received: u64,
    /// How many bytes were sent.
    #[serde(default)]
    pub sent: u64,
    /// Where it ended in silence: how many of the bytes that were sent the other computer had not
    /// even acknowledged (TCP); none where the system does not tell.
    #[serde(default)]
    pub unacknowledged: Option<u64>,
    /// The server's algorithm lists.
    pub offered: Option<AlgorithmLists>,
    /// What was agreed on.
    pub agreed: Option<Agreed>,
    /// The server's key.
    pub host_key: Option<PublicKeyFacts>,
    /// The server's own goodbye, where it sent one in the clear or in session.
    pub disconnect: Option<Disconnect>,
    /// How it ended.
    pub end: HandshakeEnd,
    /// When the other side ended it, in microseconds since the TCP connection.
    #[serde(default)]
    pub ended_us: Option<u64>,
}

/// Steps of RFC 4253, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// TCP connection; our identification was written.
    #[default]
    Connected,
    /// The server's identification came (section 4.2).
    Identification,
    /// The server's SSH_MSG_KEXINIT came (section 7.1).
    Algorithms,
    /// The server's answer in the key exchange came, with its host key (section 8).
    HostKey,
    /// Keys are in use (section 7.3).
    Keys,
}

/// When a step was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// The step.
    pub step: Step,
    /// Microseconds since the TCP connection.
    pub at_us: u64,
}

/// The identification string `SSH-protoversion-softwareversion SP comments` (RFC 4253, section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    /// All of it.
    pub line: Foreign,
    /// `2.0`, `1.99` or `1.5`.
    pub protocol: String,
    /// `OpenSSH_9.2p1`.
    pub software: Foreign,
}

/// The name lists of SSH_MSG_KEXINIT, the server's (RFC 4253, section 7.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlgorithmLists {
    /// kex_algorithms
    pub kex: Vec<String>,
    /// server_host_key_algorithms
    pub host_key: Vec<String>,
    /// encryption_algorithms, client to server
    pub ciphers_to_server: Vec<String>,
    /// encryption_algorithms, server to client
    pub ciphers_to_client: Vec<String>,
    /// mac_algorithms, client to server
    pub macs_to_server: Vec<String>,
    /// mac_algorithms, server to client
    pub macs_to_client: Vec<String>,
}

/// What was agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Key exchange method.
    pub kex: String,
    /// Host key algorithm.
    pub host_key: String,
    /// Cipher.
    pub cipher: String,
    /// MAC; none where the cipher authenticates by itself.
    pub mac: Option<String>,
}

/// SSH_MSG_DISCONNECT (RFC 4253, section 11.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnect {
    /// Reason code.
    pub code: u32,
    /// The server's words.
    pub description: Foreign,
}

/// How the handshake ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeEnd {
    /// Keys are in use.
    Complete,
    /// The server closed the connection (FIN).
    #[default]
    Closed,
    /// The connection was reset (RST), or another error of the system.
    Failed(OsError),
    /// Nothing more came within the limit.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// The time for the whole run was over.
    OutOfTime,
    /// Ctrl-C.
    Interrupted,
    /// The log from which this was read ends.
    LogEnds,
    /// This side stopped: no common algorithm, a broken packet, too many lines; the library's words.
    Stopped(String),
}

/// What became of the bytes that were sent, where the conversation fell silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// All of them arrived.
    All,
    /// The first ones did, the later ones did not.
    Begin,
    /// None did, not even the short first line.
    Nothing,
    /// The system does not tell.
    Unknown,
}

/// Major and minor version in what an OpenSSH calls itself: `OpenSSH_9.2p1`, `OpenSSH_for_Windows_9.5p1`.
#[must_use]
pub fn openssh_version(told: &str) -> Option<(u32, u32)> {
    let (major, rest) = told.split_once("OpenSSH_")?.1.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let major = major.rsplit(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Handshake {
    /// What became of the bytes that were sent.
    #[must_use]
    pub const fn arrived(&self) -> Arrived {
        match self.unacknowledged {
            None => Arrived::Unknown,
            Some(0) => Arrived::All,
            Some(bytes) if bytes >= self.sent => Arrived::Nothing,
            Some(_) => Arrived::Begin,
        }
    }

    /// Whether the server's software is known to answer a key query truthfully, for users and keys
    /// that do not exist too: OpenSSH (`auth2-pubkey.c`) and Dropbear (`svr-authpubkey.c`) do.
    #[must_use]
    pub fn answers_truthfully(&self) -> bool {
        self.identification.as_ref().is_some_and(|id| {
            let software = id.software.raw();
            software.starts_with("OpenSSH_") || software.starts_with("dropbear_")
        })
    }
}
