//! What the system's resolver says, the one that `ssh` uses.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective};
use crate::case::TimeLimits;

/// What `getaddrinfo` says about the host, and what the hosts file does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The name that was looked up.
    pub name: String,
    /// Whether it is an address already.
    pub literal: bool,
    /// Addresses in the order in which `ssh` would try them, in the families that it may use.
    pub outcome: Result<Vec<IpAddr>, LookupError>,
    /// Where one family alone is allowed and has no address: the addresses of the other.
    pub other_family: Vec<IpAddr>,
    /// Lines of the hosts file that name the host.
    pub hosts_lines: Vec<HostsLine>,
}

/// `getaddrinfo`'s answer when there is no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupError {
    /// What it means.
    pub kind: LookupErrorKind,
    /// The C library's words, which are the ones that `ssh` prints.
    pub message: String,
}

/// `getaddrinfo` codes (RFC 3493, section 6.1; glibc's EAI_NODATA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupErrorKind {
    /// EAI_NONAME: no such name.
    NoName,
    /// EAI_NODATA, EAI_ADDRFAMILY: the name has no address of this family.
    NoData,
    /// EAI_AGAIN: name servers did not answer, or answered with an error.
    TemporaryFailure,
    /// Anything else, or no answer within our limit of time.
    Other,
}

/// A line of the hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsLine {
    /// File.
    pub path: String,
    /// Line number, from 1.
    pub line: usize,
    /// Address.
    pub address: IpAddr,
}

/// Asks the system.
pub async fn observe(_effective: Effective, _limits: TimeLimits) -> Seen<Resolution> {
    Err(super::Unseen::Unable("not wired".into()))
}
