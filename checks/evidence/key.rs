//! What is public about a key.

use serde::{Deserialize, Serialize};

/// What is public about a key: type, size, fingerprints, the line to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeyFacts {
    /// Algorithm name of RFC 4253 section 6.6, without certificate: `ssh-ed25519`, `ssh-rsa`, ….
    pub algorithm: String,
    /// Size in bits, as `ssh-keygen -l` prints it.
    pub bits: u32,
    /// `SHA256:` and base64, as `ssh-keygen -l` prints it.
    pub sha256: String,
    /// Colon-separated hex without prefix, as older tools and some portals print it.
    pub md5: String,
    /// Comment.
    pub comment: String,
    /// The key as one line of `authorized_keys`, without comment. For a certificate: the plain key.
    pub line: String,
    /// The certificate, where this is one.
    pub certificate: Option<CertificateFacts>,
}

/// What is public about an OpenSSH certificate (PROTOCOL.certkeys).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Certificate's own line, base64 of the whole.
    pub line: String,
    /// For a user, not for a host.
    pub is_user: bool,
    /// Key id.
    pub key_id: String,
    /// Serial number.
    pub serial: u64,
    /// For whom.
    pub principals: Vec<String>,
    /// Start of validity; none for "always".
    pub valid_after: Option<jiff::Timestamp>,
    /// End of validity; none for "forever".
    pub valid_before: Option<jiff::Timestamp>,
    /// Fingerprint of the authority that signed it, `SHA256:…`.
    pub authority_sha256: String,
    /// Names of the critical options.
    pub critical_options: Vec<String>,
}

impl PublicKeyFacts {
    /// Whether two keys are the same key, certificate or not.
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
    /// Type as people say it: ED25519, RSA, ECDSA, with `-SK` for a hardware key.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.algorithm.as_str() {
            "ssh-ed25519" => "ED25519",
            "ssh-rsa" => "RSA",
            "ssh-dss" => "DSA",
            "sk-ssh-ed25519@openssh.com" => "ED25519-SK",
            "sk-ecdsa-sha2-nistp256@openssh.com" => "ECDSA-SK",
            a if a.starts_with("ecdsa-sha2-") => "ECDSA",
            _ => "unknown type",
        }
    }
}
impl PublicKeyFacts {
    /// temp
    pub fn of(k: &ssh_key::PublicKey) -> Self {
        let line = k.to_openssh().unwrap_or_default();
        let line = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        Self {
            algorithm: k.algorithm().to_string(),
            bits: 0,
            sha256: k.fingerprint(ssh_key::HashAlg::Sha256).to_string(),
            md5: String::new(),
            comment: k.comment().to_string(),
            line,
            certificate: None,
        }
    }
    /// temp
    pub fn of_certificate(_: &ssh_key::Certificate, _: &str) -> Self {
        todo!()
    }
}
