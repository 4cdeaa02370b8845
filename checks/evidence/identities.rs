//! Key files: each identity that `ssh` would try.

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective, key::PublicKeyFacts};

/// The key files, in ssh's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identities {
    /// One entry for each IdentityFile.
    pub files: Vec<IdentityFile>,
    /// One entry for each CertificateFile.
    pub certificates: Vec<CertificateFile>,
    /// Private keys in `~/.ssh` with other names, which `ssh` does not try.
    pub untried: Vec<String>,
}

/// One identity file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityFile {
    /// Path as `ssh` expands it.
    pub path: String,
    /// Whether somebody named it.
    pub named: bool,
    /// What is in it.
    pub content: Content,
    /// Mode bits, on Unix.
    pub mode: Option<u32>,
    /// Owner, on Unix.
    pub owner: Option<u32>,
    /// Whether `ssh` ignores the private key because others can read it: owner is this user, and
    /// mode has bits for others (`authfile.c`, sshkey_perm_ok).
    pub too_open: bool,
    /// The public half beside it (`PATH.pub`), which `ssh` offers.
    pub pub_file: Option<PublicKeyFacts>,
    /// Certificate beside it (`PATH-cert.pub`).
    pub cert_file: Option<PublicKeyFacts>,
}

/// What is in an identity file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// No such file.
    Missing,
    /// Cannot be read: the system's words.
    Unreadable(String),
    /// A directory.
    Directory,
    /// A private key.
    Private {
        /// `openssh`, `pem` or `pkcs8`.
        format: String,
        /// The public half, where it can be read without passphrase.
        public: Option<PublicKeyFacts>,
        /// The cipher, where a passphrase locks it.
        locked_by: Option<String>,
    },
    /// A public key or certificate, not a private one.
    Public(PublicKeyFacts),
    /// PuTTY's format; version 2 or 3.
    Ppk {
        /// Version.
        version: u8,
        /// The public half, where it could be read.
        public: Option<PublicKeyFacts>,
    },
    /// Something else that has a name: `X.509 certificate`, `SSH2 public key (RFC 4716)`, ….
    Stranger(String),
    /// Was meant to be a private key and is damaged: what and where.
    Damaged(Damage),
}

/// What is wrong with a key file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Zero bytes.
    Empty,
    /// Windows line ends, which OpenSSH's format does not allow.
    Crlf,
    /// The last line has no end.
    NoFinalNewline,
    /// No END line: cut off.
    Truncated,
    /// Newlines were lost: all in one line.
    Flattened,
    /// Spaces, quotes or a byte order mark before BEGIN.
    BeforeBegin,
    /// The BEGIN line is not one that `ssh` knows.
    WrongHeader(crate::text::Foreign),
    /// The content does not decode: the library's words.
    Undecodable(String),
}

/// A certificate file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFile {
    /// Path.
    pub path: String,
    /// What is in it, or why it cannot be used.
    pub content: Result<PublicKeyFacts, String>,
}

impl IdentityFile {
    /// The public key that `ssh` would offer for this file: the one of the `.pub` beside it, else
    /// the one inside (`sshconnect2.c`, load_public_identity_files).
    #[must_use]
    pub fn offered(&self) -> Option<&PublicKeyFacts> {
        self.pub_file.as_ref().or(match &self.content {
            Content::Private { public, .. } => public.as_ref(),
            Content::Public(public) => Some(public),
            _ => None,
        })
    }

    /// The public half of the private key inside, where it can be read.
    #[must_use]
    pub fn inside(&self) -> Option<&PublicKeyFacts> {
        match &self.content {
            Content::Private { public, .. } => public.as_ref(),
            _ => None,
        }
    }

    /// Whether a passphrase is needed.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(&self.content, Content::Private { locked_by: Some(_), .. })
    }

    /// Whether `ssh` could sign with this file, given the passphrase.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        matches!(self.content, Content::Private { .. })
            && !self.too_open
            && match (&self.pub_file, self.inside()) {
                (Some(outside), Some(inside)) => outside.same_key(inside),
                _ => true,
            }
    }
}

/// Reads the files.
pub async fn observe(_effective: Effective) -> Seen<Identities> {
    Err(super::Unseen::Unable("not wired".into()))
}
