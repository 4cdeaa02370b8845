//! What the known_hosts files say about the host: read, never written.

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective};

/// The files, in ssh's order: the user's, then the system's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHosts {
    /// The name that is looked up: HostKeyAlias, `host`, or `[host]:port`.
    pub name: String,
    /// One entry for each file.
    pub files: Vec<KnownHostsFile>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHostsFile {
    /// Path.
    pub path: String,
    /// Why it cannot be read; none where it can, or where it is not there.
    pub unreadable: Option<String>,
    /// Whether it is there.
    pub exists: bool,
    /// Lines that name the host.
    pub lines: Vec<KnownHostsLine>,
}

/// A line that names the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHostsLine {
    /// Line number, from 1.
    pub line: usize,
    /// `@revoked` or `@cert-authority`.
    pub marker: Option<Marker>,
    /// Algorithm of the key: `ssh-ed25519`, ….
    pub algorithm: String,
    /// Fingerprint, `SHA256:…`; none where the key does not decode.
    pub sha256: Option<String>,
    /// Whether the name is hashed.
    pub hashed: bool,
    /// Under which name it was found, where that is not [`KnownHosts::name`]: for another port
    /// than 22, ssh also tries the plain host name.
    pub found_as: Option<String>,
}

/// Markers of `sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marker {
    /// The key must never be accepted.
    Revoked,
    /// The key signs host certificates.
    CertAuthority,
}

/// Reads the files.
pub async fn observe(_effective: Effective) -> Seen<KnownHosts> {
    Err(super::Unseen::Unable("not wired".into()))
}
