//! What each configured name server says, side by side (hickory-resolver).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective};
use crate::case::TimeLimits;

/// Every configured name server with its answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServers {
    /// In the order of the configuration.
    pub servers: Vec<NameServer>,
    /// Search domains.
    pub search: Vec<String>,
    /// Why the list could not be read, where it could not.
    pub unreadable: Option<String>,
}

/// One name server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// Its address and port.
    pub server: SocketAddr,
    /// The answer for IPv4 addresses.
    pub a: Answer,
    /// The answer for IPv6 addresses.
    pub aaaa: Answer,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Response code, or why there is none.
    pub code: AnswerCode,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Names on the way (CNAME), from the name asked for to the one that has the addresses.
    pub aliases: Vec<String>,
    /// Seconds that the answer may be kept: the smallest of the chain.
    pub ttl_s: Option<u32>,
    /// Milliseconds that it took.
    pub took_ms: u64,
}

/// RFC 1035 section 4.1.1, and what happens when no answer comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerCode {
    /// The name exists; it has the addresses that are listed, which may be none.
    NoError,
    /// The name does not exist.
    NxDomain,
    /// The name server failed.
    ServFail,
    /// The name server refuses to answer us.
    Refused,
    /// Another code, by its name.
    Other(String),
    /// No answer in time.
    Timeout,
    /// The name server cannot be reached: the system's error.
    Unreachable(String),
}

/// Asks each name server for both families, all at once.
pub async fn observe(_effective: Effective, _limits: TimeLimits) -> Seen<NameServers> {
    Err(super::Unseen::Unable("not wired".into()))
}
