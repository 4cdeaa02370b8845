//! Key files: each identity that `ssh` would try.

mod content;
mod disk;
mod security_keys;
#[cfg(test)]
mod tests;

use std::{
    io::{self, ErrorKind, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Seen,
    configuration::{Effective, IdentityPath},
    connection::OsError,
    key::PublicKeyFacts,
};

/// The key files, in ssh's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identities {
    /// One entry for each IdentityFile.
    pub files: Vec<IdentityFile>,
    /// One entry for each CertificateFile.
    pub certificates: Vec<CertificateFile>,
    /// Private keys in `~/.ssh` with other names, which `ssh` does not try.
    pub untried: Vec<String>,
    /// How many security keys (FIDO devices) are plugged in; `None` where nobody looked, since no
    /// key needs one, or where it cannot be seen.
    #[serde(default)]
    pub security_keys: Option<usize>,
}

/// One identity file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityFile {
    /// Path as `ssh` expands it.
    pub path: String,
    /// Whether somebody named it.
    pub named: bool,
    /// Whether `ssh` leaves it out, with its `.pub`: typed with `-i`, and not to be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// What is in it.
    pub content: Content,
    /// Mode bits, on Unix.
    pub mode: Option<u32>,
    /// Owner, on Unix.
    pub owner: Option<u32>,
    /// Whether it belongs to the user who runs this.
    #[serde(default)]
    pub own: bool,
    /// Whether `ssh` ignores the private key because others can read it: owner is this user, and
    /// mode has bits for others (`authfile.c`, sshkey_perm_ok).
    pub too_open: bool,
    /// The kind of disk, where it is one that keeps no permissions: `vfat`, `exfat`, `ntfs`, `smb`.
    #[serde(default)]
    pub disk: Option<String>,
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
        /// `openssh`, `pem`, `pkcs8`, or `dsa` for a DSA key in PEM, which no ssh uses any more.
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
    /// Whether there is no such file.
    #[serde(default)]
    pub missing: bool,
}

impl IdentityFile {
    /// The public key that `ssh` would offer for this file, after it has opened the private one
    /// where it must (`sshconnect2.c`, userauth_pubkey).
    #[must_use]
    pub fn offered(&self) -> Option<&PublicKeyFacts> {
        self.known().or_else(|| self.inside())
    }

    /// The public key that `ssh` knows without opening the private one: the file itself where it is
    /// a public one, else the `.pub` beside it, else what OpenSSH's own format tells in the clear
    /// (`authfile.c`, sshkey_load_public).
    #[must_use]
    pub fn known(&self) -> Option<&PublicKeyFacts> {
        match &self.content {
            _ if self.left_out => None,
            Content::Public(public) => Some(public),
            Content::Private { format, public, .. } if format == "openssh" => {
                self.pub_file.as_ref().or(public.as_ref())
            }
            _ => self.pub_file.as_ref(),
        }
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

impl Identities {
    fn need_security_key(&self) -> bool {
        let files = self.files.iter().filter_map(IdentityFile::offered);
        let certificates = self.certificates.iter().filter_map(|file| file.content.as_ref().ok());
        files.chain(certificates).any(PublicKeyFacts::is_hardware)
    }
}

/// Larger files are no keys (`authfile.c`, MAX_KEY_FILE_SIZE).
const MOST_BYTES: u64 = 1024 * 1024;
/// Why a pipe or a device is not read.
pub(crate) const NOT_REGULAR: &str = "not a regular file";
/// Files of `~/.ssh` that are looked at for keys with other names.
const MOST_OTHERS: usize = 64;

/// Reads the files: those that `ssh` would try, and the names of those that it would not.
pub async fn observe(effective: Effective) -> Seen<Identities> {
    let read = move || {
        let files: Vec<_> = effective.identity_files.iter().map(read_identity).collect();
        let certificates =
            effective.certificate_files.iter().map(|p| read_certificate(p)).collect();
        let untried = untried(&files);
        let mut identities = Identities { files, certificates, untried, security_keys: None };
        if identities.need_security_key() {
            identities.security_keys = security_keys::plugged_in(&effective);
        }
        identities
    };
    tokio::task::spawn_blocking(read).await.map_err(|_| super::Unseen::Crashed)
}

fn read_identity(identity: &IdentityPath) -> IdentityFile {
    let path = Path::new(&identity.path);
    let found = std::fs::metadata(path);
    let mut file = IdentityFile {
        path: identity.path.clone(),
        named: identity.named,
        left_out: identity.left_out,
        content: Content::Missing,
        mode: None,
        owner: None,
        own: false,
        too_open: false,
        disk: None,
        pub_file: read_public(&format!("{}.pub", identity.path)),
        cert_file: read_public(&format!("{}-cert.pub", identity.path))
            .filter(|key| key.certificate.is_some()),
    };
    match found {
        Ok(found) => {
            (file.mode, file.owner) = mode_and_owner(&found);
            file.own = is_own(file.owner);
            file.content = if found.is_dir() { Content::Directory } else { read_content(path) };
            let private = matches!(file.content, Content::Private { .. } | Content::Damaged(_));
            file.too_open = private && file.own && file.mode.is_some_and(|m| m & 0o077 != 0);
            file.disk = file.too_open.then(|| disk::without_permissions(path)).flatten();
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => file.content = Content::Unreadable(OsError::of("stat", &error).message),
    }
    file
}

fn read_content(path: &Path) -> Content {
    match read_bounded(path) {
        Ok(Some(bytes)) => content::read(&bytes),
        Ok(None) => Content::Stranger("too large for a key".to_owned()),
        Err(error) => Content::Unreadable(OsError::of("open", &error).message),
    }
}

/// The bytes of a regular file; `None` where it is too large. A pipe or device is never opened: it
/// could block, or have an effect.
fn read_bounded(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    // Room for all of it at once: a buffer that grows would leave copies behind.
    let room = usize::try_from(found.len().min(MOST_BYTES) + 64).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MOST_BYTES).then_some(bytes))
}

fn read_public(path: &str) -> Option<PublicKeyFacts> {
    let bytes = read_bounded(Path::new(path)).ok()??;
    let text = std::str::from_utf8(&bytes).ok()?;
    text.lines().find_map(PublicKeyFacts::of_line)
}

fn read_certificate(path: &str) -> CertificateFile {
    let mut missing = false;
    let content = match read_bounded(Path::new(path)) {
        Ok(_) => read_public(path)
            .filter(|key| key.certificate.is_some())
            .ok_or_else(|| "there is no certificate in it".to_owned()),
        Err(error) => {
            missing = error.kind() == ErrorKind::NotFound;
            Err(OsError::of("open", &error).message)
        }
    };
    CertificateFile { path: path.to_owned(), content, missing }
}

/// Private keys in `~/.ssh` that are not among those that `ssh` tries.
fn untried(tried: &[IdentityFile]) -> Vec<String> {
    let Some(folder) = nix_home().map(|home| home.join(".ssh")) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut others: Vec<_> = entries
        .filter_map(Result::ok)
        .take(MOST_OTHERS)
        .map(|entry| entry.path())
        .filter(|path| !tried.iter().any(|t| Path::new(&t.path) == path))
        .filter(|path| begins_like_a_key(path))
        .map(|path| path.display().to_string())
        .collect();
    others.sort();
    others
}

/// The first line is enough: what `ssh` does not use is not read any further.
fn begins_like_a_key(path: &Path) -> bool {
    let mut start = [0; 40];
    let regular = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    regular
        && std::fs::File::open(path).and_then(|mut file| file.read(&mut start)).is_ok()
        && content::begins_like_a_key(&start)
}

#[cfg(unix)]
fn nix_home() -> Option<std::path::PathBuf> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok()??;
    Some(user.dir)
}
#[cfg(not(unix))]
fn nix_home() -> Option<std::path::PathBuf> {
    std::env::home_dir()
}

#[cfg(unix)]
fn mode_and_owner(found: &std::fs::Metadata) -> (Option<u32>, Option<u32>) {
    use std::os::unix::fs::MetadataExt;
    (Some(found.mode() & 0o7777), Some(found.uid()))
}
#[cfg(not(unix))]
fn mode_and_owner(_found: &std::fs::Metadata) -> (Option<u32>, Option<u32>) {
    (None, None)
}

/// `ssh` only looks at the mode of files that belong to the user who runs it.
#[cfg(unix)]
fn is_own(owner: Option<u32>) -> bool {
    owner == Some(nix::unistd::getuid().as_raw())
}
#[cfg(not(unix))]
fn is_own(_owner: Option<u32>) -> bool {
    false
}
