//! This computer and its user.

use serde::{Deserialize, Serialize};

use super::Seen;

/// This computer and its user, as far as `ssh` cares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `linux`, `macos`, `windows`.
    pub os: String,
    /// The user's numeric id, on Unix.
    pub uid: Option<u32>,
    /// Login name.
    pub user: Option<String>,
    /// The home directory that OpenSSH uses: the one of the passwd database, not `$HOME`.
    pub home: Option<String>,
    /// `$HOME`, where it differs from `home`.
    pub home_variable: Option<String>,
    /// Whether there is a route to the IPv4 internet; no packet is sent to find out.
    pub ipv4_route: bool,
    /// Whether there is a route to the IPv6 internet; no packet is sent to find out.
    pub ipv6_route: bool,
    /// Whether this is a CI job (`CI` is set).
    pub ci: bool,
}

/// Looks at the system.
pub async fn observe() -> Seen<Machine> {
    Err(super::Unseen::Unable("not wired".into()))
}
