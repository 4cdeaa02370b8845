//! What is in an identity file, from its bytes: pure. No private part leaves this file.

use base64ct::{Base64, Encoding};
use russh::keys::ssh_key::PrivateKey;

use super::{Content, Damage};
use crate::{evidence::key::PublicKeyFacts, text::Foreign};

const OPENSSH_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const OPENSSH_END: &str = "-----END OPENSSH PRIVATE KEY-----";

/// Reads what is in the file as `ssh` does (`sshkey.c`, `authfile.c`), and names what is not a key.
#[must_use]
pub fn read(bytes: &[u8]) -> Content {
    if bytes.is_empty() {
        return Content::Damaged(Damage::Empty);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return stranger_of_bytes(bytes) };
    if let Some(version) = text.strip_prefix("PuTTY-User-Key-File-") {
        return ppk(version, text);
    }
    if let Some(public) = text.lines().next().and_then(PublicKeyFacts::of_line) {
        return Content::Public(public);
    }
    if let Some(name) = stranger(text) {
        return Content::Stranger(name.to_owned());
    }
    private(text)
}

/// A private key, whole or damaged.
fn private(text: &str) -> Content {
    let Some(begin) = text.find("-----BEGIN ") else {
        let first = text.lines().next().unwrap_or_default();
        let unwrapped = Base64::decode_vec(&text.split_whitespace().collect::<String>());
        if unwrapped.is_ok_and(|inner| inner.starts_with(b"-----BEGIN ")) {
            return Content::Damaged(Damage::Flattened);
        }
        return Content::Damaged(Damage::WrongHeader(shown(first)));
    };
    let header = text.get(begin..).and_then(|t| t.lines().next()).unwrap_or_default();
    if header.contains("\\n") || header.matches("-----").count() > 2 {
        return Content::Damaged(Damage::Flattened);
    }
    let Some(label) =
        header.trim_end().strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"))
    else {
        return Content::Damaged(Damage::WrongHeader(shown(header)));
    };
    let end = format!("-----END {label}-----");
    match label {
        "OPENSSH PRIVATE KEY" => openssh(text, begin),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" if !text.contains(&end) => {
            Content::Damaged(Damage::Truncated)
        }
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" if !text.contains(&end) => {
            Content::Damaged(Damage::Truncated)
        }
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" => {
            let locked_by = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("DEK-Info: "))
                .map(|info| shown(info.split(',').next().unwrap_or(info)).printable());
            pem(text, "pem", locked_by)
        }
        "ENCRYPTED PRIVATE KEY" => pem(text, "pkcs8", Some("PKCS#8".to_owned())),
        "PRIVATE KEY" => pem(text, "pkcs8", None),
        _ => Content::Damaged(Damage::WrongHeader(shown(header))),
    }
}

/// OpenSSH's own format (PROTOCOL.key): both lines must stand exactly so, each with its line end.
fn openssh(text: &str, begin: usize) -> Content {
    if begin > 0 {
        return Content::Damaged(Damage::BeforeBegin);
    }
    if text.contains("\r\n") {
        return Content::Damaged(Damage::Crlf);
    }
    let Some(end) = text.find(OPENSSH_END) else { return Content::Damaged(Damage::Truncated) };
    if text.get(end + OPENSSH_END.len()..).is_none_or(|rest| !rest.starts_with('\n')) {
        return Content::Damaged(Damage::NoFinalNewline);
    }
    if !text.get(OPENSSH_BEGIN.len()..).is_some_and(|rest| rest.starts_with('\n')) {
        return Content::Damaged(Damage::WrongHeader(shown(text.lines().next().unwrap_or(""))));
    }
    match PrivateKey::from_openssh(text) {
        Ok(key) => Content::Private {
            format: "openssh".to_owned(),
            public: Some(PublicKeyFacts::of(key.public_key())),
            locked_by: key.is_encrypted().then(|| key.cipher().to_string()),
        },
        Err(error) => Content::Damaged(Damage::Undecodable(error.to_string())),
    }
}

/// PEM and PKCS#8. The public half of a locked one cannot be read.
fn pem(text: &str, format: &str, locked_by: Option<String>) -> Content {
    let format = format.to_owned();
    if locked_by.is_some() {
        return Content::Private { format, public: None, locked_by };
    }
    match russh::keys::decode_secret_key(text, None) {
        Ok(key) => {
            let public = Some(PublicKeyFacts::of(key.public_key()));
            Content::Private { format, public, locked_by }
        }
        Err(error) => Content::Damaged(Damage::Undecodable(error.to_string())),
    }
}

/// PuTTY's format: its public half is in the clear.
fn ppk(version: &str, text: &str) -> Content {
    let version = if version.starts_with('2') { 2 } else { 3 };
    let mut lines = text.lines();
    let count = lines
        .find_map(|line| line.strip_prefix("Public-Lines: "))
        .and_then(|count| count.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let encoded: String = lines.take(count.min(400)).map(str::trim).collect();
    let comment = text.lines().find_map(|line| line.strip_prefix("Comment: ")).unwrap_or_default();
    let public = Base64::decode_vec(&encoded).ok();
    let public = public.and_then(|blob| PublicKeyFacts::of_blob(&blob, comment.trim()));
    Content::Ppk { version, public }
}

/// Files that people take for a key, by their first words.
fn stranger(text: &str) -> Option<&'static str> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let has = |words: &str| start.starts_with(words);
    Some(match () {
        () if has("---- BEGIN SSH2 PUBLIC KEY") => "a public key in SSH2 form (RFC 4716)",
        () if has("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY") => "a private key of Tectia SSH",
        () if has("-----BEGIN CERTIFICATE") => "an X.509 certificate",
        () if has("-----BEGIN PUBLIC KEY") || has("-----BEGIN RSA PUBLIC KEY") => {
            "a public key in PEM form"
        }
        () if has("-----BEGIN PGP ") => "a PGP key",
        () if has("AGE-SECRET-KEY-") || has("# created: ") => "an age key",
        () if has("{") && start.contains("\"kty\"") => "a JSON Web Key",
        () if has("<!DOCTYPE") || has("<html") => "a web page",
        () => return None,
    })
}

fn stranger_of_bytes(bytes: &[u8]) -> Content {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if utf16 {
        return Content::Stranger("text in UTF-16, as Windows editors save it".to_owned());
    }
    Content::Stranger("binary data".to_owned())
}

/// The start of a line, never so much that a key could be in it.
fn shown(line: &str) -> Foreign {
    Foreign::from_bytes(line.chars().take(40).collect::<String>().as_bytes())
}
