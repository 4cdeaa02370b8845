//! TCP: each address in ssh's order until one connects.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective};
use crate::case::TimeLimits;

/// Connections that were tried, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempts {
    /// One entry for each address that was tried.
    pub tried: Vec<Attempt>,
    /// Addresses that were not tried, since an earlier one connected.
    pub untried: Vec<IpAddr>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where to.
    pub to: SocketAddr,
    /// The local address that was used.
    pub from: Option<SocketAddr>,
    /// How it ended.
    pub outcome: Outcome,
    /// Milliseconds that it took, as a fraction: on loopback it is far below one.
    pub took_ms: f64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A connection.
    Connected,
    /// No answer within the limit.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// An error of the system.
    Failed(OsError),
}

/// An error of the operating system: which call, which code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsError {
    /// The call that failed: `connect`, `bind`, `socket`.
    pub operation: String,
    /// The code's number on this system.
    pub errno: Option<i32>,
    /// What it means, the same on every system.
    pub kind: OsErrorKind,
    /// The system's words.
    pub message: String,
}

/// What an error code means, the same on every system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OsErrorKind {
    /// ECONNREFUSED.
    ConnectionRefused,
    /// ETIMEDOUT: the system itself gave up.
    TimedOut,
    /// EHOSTUNREACH.
    HostUnreachable,
    /// ENETUNREACH.
    NetworkUnreachable,
    /// EACCES or EPERM.
    PermissionDenied,
    /// EADDRNOTAVAIL.
    AddressNotAvailable,
    /// ECONNRESET.
    ConnectionReset,
    /// ENOENT.
    NotFound,
    /// Anything else.
    Other,
}

impl Attempts {
    /// The attempt that connected.
    #[must_use]
    pub fn connected(&self) -> Option<&Attempt> {
        self.tried.iter().find(|a| a.outcome == Outcome::Connected)
    }
}

/// Tries each address until one connects; the connection is returned beside the facts.
pub async fn observe(
    _effective: Effective,
    _addresses: Vec<IpAddr>,
    _limits: TimeLimits,
) -> Seen<(Attempts, Option<tokio::net::TcpStream>)> {
    Err(super::Unseen::Unable("not wired".into()))
}
