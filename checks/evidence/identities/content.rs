//! What is in an identity file, from its bytes: pure. No private part leaves this file.

use base64ct::{Base64, Encoding};
use russh::keys::ssh_key::PrivateKey;
use zeroize::Zeroizing;

use super::{Content, Damage};
use crate::{
    evidence::key::{PublicKeyFacts, nests_certificates},
    text::Foreign,
};

const OPENSSH_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const OPENSSH_END: &str = "-----END OPENSSH PRIVATE KEY-----";

/// Whether the first bytes of a file are those of a private key.
#[must_use]
pub fn begins_like_a_key(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    let line = text.lines().next().unwrap_or_default();
    line.starts_with("-----BEGIN ") && line.contains("PRIVATE KEY")
}

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
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    if let Some(public) = lines.next().and_then(PublicKeyFacts::of_line) {
        return Content::Public(public);
    }
    if let Some(name) = stranger(text) {
        return Content::Stranger(name.to_owned());
    }
    private(text)
}

/// A private key, whole or damaged.
fn private(text: &str) -> Content {
    let Some((header, block)) = first_block(text) else { return without_begin(text) };
    if header.contains("\\n") || header.matches("-----").count() > 2 {
        return Content::Damaged(Damage::Flattened);
    }
    let begin = header.find("-----BEGIN ").unwrap_or(0);
    let (before, marked) = header.split_at_checked(begin).unwrap_or(("", header));
    let label = marked.trim_end().strip_prefix("-----BEGIN ");
    let Some(label) = label.and_then(|rest| rest.strip_suffix("-----")) else {
        return wrong_header(header);
    };
    if label == "OPENSSH PRIVATE KEY" {
        return openssh(text);
    }
    let format = match label {
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" => "pem",
        "DSA PRIVATE KEY" => "dsa",
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => "pkcs8",
        _ => return wrong_header(header),
    };
    // The reader of PEM takes anything between lines, and nothing in front of BEGIN in its line.
    if !before.trim_start_matches('\u{feff}').is_empty() {
        return Content::Damaged(Damage::BeforeBegin);
    }
    let end = format!("-----END {label}-----");
    let Some((body, _)) = block.split_once(end.as_str()) else {
        return Content::Damaged(Damage::Truncated);
    };
    let dek = body.lines().find_map(|line| line.trim().strip_prefix("DEK-Info: "));
    let locked_by = match dek {
        Some(info) => Some(shown(info.split(',').next().unwrap_or(info)).printable()),
        None => (label == "ENCRYPTED PRIVATE KEY").then(|| "PKCS#8".to_owned()),
    };
    if locked_by.is_some() || format == "dsa" {
        return Content::Private { format: format.to_owned(), public: None, locked_by };
    }
    pem(label, body, format)
}

/// The first line with BEGIN and KEY, and what follows it. Parameters of a curve may stand before.
fn first_block(text: &str) -> Option<(&str, &str)> {
    let is_begin = |line: &&str| line.contains("-----BEGIN ") && line.contains("KEY");
    let header = text.split('\n').find(is_begin)?;
    let (_, block) = text.split_once(header)?;
    Some((header, block))
}

fn without_begin(text: &str) -> Content {
    let packed = Zeroizing::new(text.split_whitespace().collect::<String>());
    let unwrapped = Base64::decode_vec(&packed).map(Zeroizing::new);
    if unwrapped.is_ok_and(|inner| inner.starts_with(b"-----BEGIN ")) {
        return Content::Stranger("a key that was packed once more, in base64".to_owned());
    }
    match text.lines().find(|line| line.contains("BEGIN ")) {
        Some(line) => wrong_header(line),
        // Nothing of it is shown: it may be a password.
        None => Content::Stranger("text without a BEGIN line".to_owned()),
    }
}

fn wrong_header(line: &str) -> Content {
    let begin = line.find("BEGIN").unwrap_or(0);
    let end = line.find("KEY").filter(|end| *end > begin).map_or(line.len(), |end| end + 3);
    Content::Damaged(Damage::WrongHeader(shown(line.get(..end).unwrap_or_default())))
}

/// OpenSSH's own format (PROTOCOL.key). Both lines must stand exactly so, each with its line end;
/// in between `ssh` passes over line ends of any kind, and spaces (`sshkey.c`, private2_uudecode).
fn openssh(text: &str) -> Content {
    let Some(after) = text.strip_prefix(OPENSSH_BEGIN) else {
        return Content::Damaged(Damage::BeforeBegin);
    };
    if after.starts_with("\r\n") {
        return Content::Damaged(Damage::Crlf);
    }
    let Some(block) = after.strip_prefix('\n') else {
        return wrong_header(text.lines().next().unwrap_or_default());
    };
    let Some((body, rest)) = block.split_once(OPENSSH_END) else {
        return Content::Damaged(Damage::Truncated);
    };
    if rest.starts_with('\r') {
        return Content::Damaged(Damage::Crlf);
    }
    if rest.is_empty() {
        return Content::Damaged(Damage::NoFinalNewline);
    }
    if !rest.starts_with('\n') || !body.ends_with('\n') {
        let why = "something stands beside the END line".to_owned();
        return Content::Damaged(Damage::Undecodable(why));
    }
    let packed = packed(body);
    let Ok(bytes) = Base64::decode_vec(&packed).map(Zeroizing::new) else {
        return Content::Damaged(Damage::Undecodable("it is not base64".to_owned()));
    };
    if nests_certificates(&bytes) {
        return Content::Damaged(Damage::Undecodable("certificates inside".to_owned()));
    }
    match PrivateKey::from_bytes(&bytes) {
        Ok(key) => Content::Private {
            format: "openssh".to_owned(),
            public: Some(PublicKeyFacts::of(key.public_key())),
            locked_by: key.is_encrypted().then(|| key.cipher().to_string()),
        },
        Err(error) => Content::Damaged(Damage::Undecodable(error.to_string())),
    }
}

/// The base64 of a block, without its line ends and spaces.
fn packed(body: &str) -> Zeroizing<String> {
    let mut packed = Zeroizing::new(String::with_capacity(body.len()));
    packed.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    packed
}

/// An unlocked key in PEM or PKCS#8.
fn pem(label: &str, body: &str, format: &str) -> Content {
    let packed = packed(body);
    // The library wants the lines bare; `ssh` does not mind spaces and text around them.
    let mut bare = Zeroizing::new(String::with_capacity(packed.len() + 2 * label.len() + 64));
    for part in ["-----BEGIN ", label, "-----\n", &packed, "\n-----END ", label, "-----\n"] {
        bare.push_str(part);
    }
    match russh::keys::decode_secret_key(&bare, None) {
        Ok(key) => Content::Private {
            format: format.to_owned(),
            public: Some(PublicKeyFacts::of(key.public_key())),
            locked_by: None,
        },
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
