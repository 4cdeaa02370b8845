//! The file of `RevokedHostKeys`: keys as lines, or a key revocation list in OpenSSH's binary form
//! (PROTOCOL.krl).

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::read;
use crate::evidence::{
    connection::OsError,
    key::{PublicKeyFacts, string},
};

/// The file of `RevokedHostKeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedKeys {
    /// Path.
    pub path: String,
    /// What is in it.
    pub list: Result<RevokedList, Unread>,
}

/// The keys that are revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedList {
    /// Fingerprints, `SHA256:…`.
    pub sha256: Vec<String>,
    /// SHA-1 of the keys in hexadecimal, the other form in which lists name them.
    pub sha1: Vec<String>,
    /// Whether it also revokes certificates by their number or name, which is not looked at.
    pub certificates: bool,
}

/// Why there is no list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unread {
    /// The file cannot be read: the system's words. `ssh` then refuses every key.
    Unreadable(String),
    /// It is of a form or size that this program does not read, and `ssh` perhaps does.
    NotUnderstood,
}

const MAGIC: &[u8] = b"SSHKRL\n\0";
/// More entries than that are not kept.
const MOST: usize = 20_000;

pub(super) async fn observe(path: &str) -> RevokedKeys {
    let list = match read(path).await {
        Ok(bytes) => list(&bytes).ok_or(Unread::NotUnderstood),
        Err(error) => Err(Unread::Unreadable(OsError::of("open", &error).message)),
    };
    RevokedKeys { path: path.to_owned(), list }
}

fn list(bytes: &[u8]) -> Option<RevokedList> {
    let found = match bytes.strip_prefix(MAGIC) {
        Some(body) => binary(body)?,
        None => {
            let lines = bytes.split(|byte| *byte == b'\n').filter_map(|l| str::from_utf8(l).ok());
            let keys = lines.filter_map(PublicKeyFacts::of_line).map(|key| key.sha256);
            RevokedList { sha256: keys.collect(), ..RevokedList::default() }
        }
    };
    (found.sha256.len() + found.sha1.len() <= MOST).then_some(found)
}

fn binary(body: &[u8]) -> Option<RevokedList> {
    // Version of the format, of the list, date, flags; then two strings.
    let (version, rest) = body.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*version) != 1 {
        return None;
    }
    let (_reserved, rest) = string(rest.get(24..)?)?;
    let (_comment, mut rest) = string(rest)?;
    let mut found = RevokedList::default();
    while let Some((&kind, after)) = rest.split_first() {
        let (mut section, after) = string(after)?;
        rest = after;
        // KRL_SECTION_CERTIFICATES, EXPLICIT_KEY, FINGERPRINT_SHA1, SIGNATURE, FINGERPRINT_SHA256.
        match kind {
            1 => found.certificates = true,
            2 | 3 | 5 => {
                while !section.is_empty() {
                    let (entry, others) = string(section)?;
                    section = others;
                    match kind {
                        2 => found
                            .sha256
                            .extend(PublicKeyFacts::of_blob(entry, "").map(|k| k.sha256)),
                        3 => found.sha1.push(hex(entry)),
                        _ => found.sha256.push(PublicKeyFacts::sha256_form(entry)),
                    }
                }
            }
            // Signatures come last, and ssh does not look at them either.
            4 => break,
            _ => return None,
        }
    }
    Some(found)
}

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn a_list_names_what_ssh_keygen_put_into_it() {
        let dir = tempfile::tempdir().unwrap();
        let keygen = |args: &[&str]| {
            let mut run = Command::new("ssh-keygen");
            run.current_dir(dir.path()).arg("-q").args(args).status()
        };
        let Ok(made) = keygen(&["-t", "ed25519", "-N", "", "-f", "k"]) else {
            return crate::evidence::made::skipped("ssh-keygen");
        };
        assert!(made.success());
        let line = std::fs::read_to_string(dir.path().join("k.pub")).unwrap();
        let key = PublicKeyFacts::of_line(&line).unwrap();
        assert_eq!(list(line.as_bytes()).unwrap().sha256, std::slice::from_ref(&key.sha256));
        for (specification, by_sha1) in [
            (line.clone(), false),
            (format!("sha256: {line}"), false),
            (format!("sha1: {line}"), true),
        ] {
            std::fs::write(dir.path().join("spec"), specification).unwrap();
            assert!(keygen(&["-k", "-f", "krl", "spec"]).unwrap().success());
            let found = list(&std::fs::read(dir.path().join("krl")).unwrap()).unwrap();
            assert_eq!(found.sha256.contains(&key.sha256), !by_sha1, "{found:?}");
            assert_eq!(found.sha1 == [key.sha1().unwrap()], by_sha1, "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>, sections: Vec<u8>) {
            let _ = list(&bytes);
            let mut krl = MAGIC.to_vec();
            krl.extend([0, 0, 0, 1]);
            krl.extend([0; 32]);
            krl.extend(sections);
            let _ = list(&krl);
        }
    }
}
