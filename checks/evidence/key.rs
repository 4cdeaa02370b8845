//! What is public about a key.

use base64ct::{Base64, Base64Unpadded, Encoding};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;
use ssh_key::{Certificate, Fingerprint, HashAlg, PublicKey};

use crate::text::Foreign;

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
    /// Whether its private half sits in a security key (FIDO), which has to be plugged in.
    #[must_use]
    pub fn is_hardware(&self) -> bool {
        self.algorithm.starts_with("sk-")
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
    /// Of a plain key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        let comment = key.comment().to_string();
        let blob = key.to_bytes().unwrap_or_default();
        Self::of_blob(&blob, comment).unwrap_or_else(|| Self {
            // Only a key that does not encode gets here: there is none.
            algorithm: key.algorithm().to_string(),
            bits: 0,
            sha256: key.fingerprint(HashAlg::Sha256).to_string(),
            md5: String::new(),
            comment: key.comment().to_string(),
            line: String::new(),
            certificate: None,
        })
    }

    /// Of a certificate: its plain key, with what the certificate adds.
    #[must_use]
    pub fn of_certificate(certificate: &Certificate, comment: &str) -> Self {
        let plain = PublicKey::new(certificate.public_key().clone(), comment);
        let moment = |seconds: u64| {
            let seconds = i64::try_from(seconds).ok().filter(|s| *s != 0)?;
            jiff::Timestamp::from_second(seconds).ok()
        };
        let line = certificate.to_openssh().unwrap_or_default();
        let authority = Fingerprint::new(HashAlg::Sha256, certificate.signature_key());
        let facts = CertificateFacts {
            line: line.split(' ').take(2).collect::<Vec<_>>().join(" "),
            is_user: certificate.cert_type().is_user(),
            key_id: Foreign::from_bytes(certificate.key_id().as_bytes()).printable(),
            serial: certificate.serial(),
            principals: certificate.valid_principals().to_vec(),
            valid_after: moment(certificate.valid_after()),
            // "Forever" is the largest number; it is no moment.
            valid_before: moment(certificate.valid_before()),
            authority_sha256: authority.to_string(),
            critical_options: certificate.critical_options().keys().cloned().collect(),
        };
        Self { certificate: Some(facts), ..Self::of(&plain) }
    }

    /// Of a key as it goes over the wire (RFC 4253, section 6.6), also of types that the library
    /// does not know: their fingerprints are those of the bytes.
    #[must_use]
    pub fn of_blob(blob: &[u8], comment: impl Into<String>) -> Option<Self> {
        let comment = comment.into();
        let (algorithm, rest) = string(blob)?;
        let algorithm = std::str::from_utf8(algorithm).ok()?.to_owned();
        let is_name = |c: char| c.is_ascii_graphic() && c != ',';
        if algorithm.is_empty() || algorithm.len() > 64 || !algorithm.chars().all(is_name) {
            return None;
        }
        if algorithm.contains(CERTIFICATE_MARK) {
            if nests_certificates(blob) {
                return None;
            }
            let certificate = Certificate::from_bytes(blob).ok()?;
            return Some(Self::of_certificate(&certificate, &comment));
        }
        let encoded = Base64::encode_string(blob);
        let hash = Sha256::digest(blob);
        let md5 = Md5::digest(blob);
        let md5: Vec<_> = md5.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            bits: bits(&algorithm, rest),
            sha256: Self::sha256_form(&hash),
            md5: md5.join(":"),
            comment,
            line: format!("{algorithm} {encoded}"),
            algorithm,
            certificate: None,
        })
    }

    /// A SHA256 fingerprint as `ssh-keygen -l` prints it.
    pub(in crate::evidence) fn sha256_form(hash: &[u8]) -> String {
        format!("SHA256:{}", Base64Unpadded::encode_string(hash))
    }

    /// SHA-1 of the key in hexadecimal, as lists of revoked keys name it.
    #[must_use]
    pub fn sha1(&self) -> Option<String> {
        let blob = Base64::decode_vec(self.line.split(' ').nth(1)?).ok()?;
        let hash = Sha1::digest(blob);
        Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Of a line as in a `.pub` file or in `authorized_keys`.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let mut words = line.trim().splitn(3, [' ', '\t']);
        let (algorithm, encoded) = (words.next()?, words.next()?);
        let blob = Base64::decode_vec(encoded.trim_end()).ok()?;
        let comment = words.next().unwrap_or_default().trim();
        let (inner, _) = string(&blob)?;
        (inner == algorithm.as_bytes()).then(|| Self::of_blob(&blob, comment))?
    }
}

/// What the name of every certificate's algorithm has in it (PROTOCOL.certkeys).
const CERTIFICATE_MARK: &str = "-cert-v01@";

/// Whether certificates could stand inside certificates. PROTOCOL.certkeys forbids them, and the
/// library reads them with a depth that only the sender limits. A few marks may be plain text.
pub(in crate::evidence) fn nests_certificates(blob: &[u8]) -> bool {
    let mark = CERTIFICATE_MARK.as_bytes();
    blob.windows(mark.len()).filter(|window| *window == mark).count() > 4
}

/// A string of RFC 4251, section 5, and what follows it.
pub(super) fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Size in bits, as `ssh-keygen -l` prints it; 0 for types that are not known.
fn bits(algorithm: &str, rest: &[u8]) -> u32 {
    // The n-th number after the name: RSA's modulus is the second, DSA's prime the first.
    let number_bits = |place: usize| {
        let mut rest = rest;
        let mut number: &[u8] = &[];
        for _ in 0..place {
            let Some((read, after)) = string(rest) else { return 0 };
            (number, rest) = (read, after);
        }
        let number = number.iter().position(|b| *b != 0).and_then(|at| number.get(at..));
        let Some((first, others)) = number.and_then(<[u8]>::split_first) else { return 0 };
        let whole = u32::try_from(others.len()).unwrap_or(0).saturating_mul(8);
        whole + (8 - first.leading_zeros())
    };
    match algorithm {
        "ssh-rsa" => number_bits(2),
        "ssh-dss" => number_bits(1),
        "ssh-ed25519" | "sk-ssh-ed25519@openssh.com" => 256,
        "ecdsa-sha2-nistp256" | "sk-ecdsa-sha2-nistp256@openssh.com" => 256,
        "ecdsa-sha2-nistp384" => 384,
        "ecdsa-sha2-nistp521" => 521,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2mYVMQqG0/xUF0yKFMm8Rqv4Mxw3wlyvKaTBfRZ1Iw me@here";

    #[test]
    fn facts_are_those_that_ssh_keygen_prints() {
        // Each line: what ssh-keygen made, and what `ssh-keygen -l` and `-l -E md5` print of it.
        for kind in [
            &["-t", "ed25519"][..],
            &["-t", "rsa", "-b", "1024"],
            &["-t", "rsa", "-b", "3072"],
            &["-t", "ecdsa", "-b", "256"],
            &["-t", "ecdsa", "-b", "384"],
            &["-t", "ecdsa", "-b", "521"],
        ] {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("k");
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-N", "", "-C", "a b", "-f"])
                .arg(&file)
                .args(kind)
                .status();
            let Ok(status) = made else { return crate::evidence::made::skipped("ssh-keygen") };
            assert!(status.success());
            let line = std::fs::read_to_string(file.with_extension("pub")).unwrap();
            let facts = PublicKeyFacts::of_line(&line).unwrap();
            for (form, print) in
                [("sha256", facts.sha256.clone()), ("md5", format!("MD5:{}", facts.md5))]
            {
                let told = std::process::Command::new("ssh-keygen")
                    .args(["-l", "-E", form, "-f"])
                    .arg(&file)
                    .output()
                    .unwrap();
                let told = String::from_utf8(told.stdout).unwrap();
                let ours = format!("{} {print} a b ({})\n", facts.bits, facts.kind());
                assert_eq!(told, ours);
            }
        }
    }

    #[test]
    fn a_hardware_key_has_its_size_and_kind() {
        let mut blob = Vec::new();
        for part in [&b"sk-ssh-ed25519@openssh.com"[..], &[7; 32], b"ssh:"] {
            blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            blob.extend(part);
        }
        let facts = PublicKeyFacts::of_blob(&blob, "").unwrap();
        assert_eq!((facts.kind(), facts.bits), ("ED25519-SK", 256));
        let key = PublicKey::from_openssh(&facts.line).unwrap();
        assert_eq!(key.fingerprint(HashAlg::Sha256).to_string(), facts.sha256);
    }

    #[test]
    fn a_certificate_tells_its_plain_key_names_and_dates() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let keygen = |args: &[&str]| {
            let mut run = std::process::Command::new("ssh-keygen");
            run.current_dir(dir.path()).arg("-q").args(args).status()
        };
        let Ok(made) = keygen(&["-t", "ed25519", "-N", "", "-f", "ca"]) else {
            return crate::evidence::made::skipped("ssh-keygen");
        };
        assert!(made.success());
        keygen(&["-t", "ed25519", "-N", "", "-C", "c", "-f", "k"]).unwrap();
        let line = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        let facts = |name: &str| PublicKeyFacts::of_line(&line(name)).unwrap();
        let sign = |more: &[&str]| {
            let args = [&["-s", "ca", "-I", "an id", "-z", "7"], more, &["k.pub"]].concat();
            assert!(keygen(&args).unwrap().success());
            facts("k-cert.pub")
        };
        let forever = sign(&["-n", "ada,bob"]);
        assert!(forever.same_key(&facts("k.pub")) && forever.line == facts("k.pub").line);
        let told = forever.certificate.unwrap();
        assert_eq!((told.key_id.as_str(), told.serial, told.is_user), ("an id", 7, true));
        assert_eq!(told.principals, ["ada", "bob"]);
        assert_eq!((told.valid_after, told.valid_before), (None, None));
        assert_eq!(told.authority_sha256, facts("ca.pub").sha256);
        let dated = sign(&["-h", "-V", "20200101000000Z:20210101000000Z"]).certificate.unwrap();
        assert!(!dated.is_user);
        assert_eq!(dated.valid_before.unwrap().to_string(), "2021-01-01T00:00:00Z");
    }

    #[test]
    fn the_library_and_the_bytes_tell_the_same() {
        let key = PublicKey::from_openssh(ED25519).unwrap();
        assert_eq!(PublicKeyFacts::of(&key), PublicKeyFacts::of_line(ED25519).unwrap());
        assert_eq!(PublicKeyFacts::of(&key).comment, "me@here");
    }

    #[test]
    fn certificates_inside_certificates_are_not_followed() {
        let name = b"ssh-ed25519-cert-v01@openssh.com";
        let mut blob = Vec::new();
        for _ in 0..50_000 {
            blob.extend(32u32.to_be_bytes());
            blob.extend(name);
        }
        assert_eq!(PublicKeyFacts::of_blob(&blob, ""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>, line in "\\PC*") {
            let _ = PublicKeyFacts::of_blob(&bytes, "");
            let _ = PublicKeyFacts::of_line(&line);
        }
    }
}
