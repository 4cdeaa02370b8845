//! Reads one line of a known_hosts file and tells whether it names a host: pure.
//!
//! The rules are the ones of OpenSSH's `hostkeys_foreach_file` (`hostfile.c`) and
//! `match_pattern_list` (`match.c`), including what they do with odd lines.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use ssh_key::{HashAlg, PublicKey, known_hosts::HostPatterns};

use super::Marker;
use crate::evidence::key::PublicKeyFacts;

/// A line that could name a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) marker: Option<Marker>,
    pub(super) names: Names,
    pub(super) algorithm: String,
    /// `SHA256:…`; none where the key does not decode.
    pub(super) sha256: Option<String>,
}

/// For which hosts a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// Patterns with `*`, `?` and `!`.
    Patterns(Vec<String>),
    /// HMAC-SHA1 of one name, with the salt as key.
    Hashed { salt: Vec<u8>, hash: [u8; 20] },
}

impl Line {
    /// Reads a line; none for comments, empty lines and what names no host.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim_start_matches(BLANK);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (first, rest) = word(line);
        let (marker, names, rest) = match first {
            "@revoked" => (Some(Marker::Revoked), word(rest).0, word(rest).1),
            "@cert-authority" => (Some(Marker::CertAuthority), word(rest).0, word(rest).1),
            unknown if unknown.starts_with('@') => return None,
            names => (None, names, rest),
        };
        // ssh-key also decodes the hash, which is what is worth sharing here.
        let names = match names.parse().ok()? {
            HostPatterns::Patterns(patterns) => Names::Patterns(patterns),
            HostPatterns::HashedName { salt, hash } => Names::Hashed { salt, hash },
        };
        let (algorithm, rest) = word(rest);
        let (base64, _comment) = word(rest);
        if algorithm.is_empty() {
            return None;
        }
        let line = format!("{algorithm} {base64}");
        // The second reader follows certificates inside certificates without end; the first does not.
        let key = PublicKeyFacts::of_line(&line).and_then(|_| PublicKey::from_openssh(&line).ok());
        let sha256 = key.map(|key| key.fingerprint(HashAlg::Sha256).to_string());
        Some(Self { marker, names, algorithm: algorithm.to_owned(), sha256 })
    }
}

/// What separates words in these files.
const BLANK: [char; 2] = [' ', '\t'];

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(BLANK);
    text.split_once(BLANK).map_or((text.trim_end(), ""), |(word, rest)| (word, rest))
}

impl Names {
    /// Whether a line with these names is for a host; the name is in lower case, as `ssh` makes it.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Patterns(patterns) => matches_list(name, patterns),
            Self::Hashed { salt, hash } => {
                let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else {
                    return false;
                };
                mac.update(name.as_bytes());
                mac.verify_slice(hash).is_ok()
            }
        }
    }

    /// The names that are no patterns, without brackets and port.
    pub(super) fn plain(&self) -> Vec<String> {
        let Self::Patterns(patterns) = self else { return Vec::new() };
        let plain = patterns.iter().filter(|p| !p.contains(['*', '?', '!']));
        let name = |p: &String| match p.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default().to_owned(),
            None => p.clone(),
        };
        plain.map(name).collect()
    }

    /// Whether there is a wildcard or a negation, so that `ssh-keygen -R` does not remove the line.
    pub(super) fn is_pattern(&self) -> bool {
        match self {
            Self::Patterns(patterns) => patterns.iter().any(|p| p.contains(['*', '?', '!'])),
            Self::Hashed { .. } => false,
        }
    }
}

/// `match_pattern_list`: one positive match is needed, and no negated one may match.
fn matches_list(name: &str, patterns: &[String]) -> bool {
    let mut found = false;
    for pattern in patterns {
        let (negated, pattern) =
            pattern.strip_prefix('!').map_or((false, pattern.as_str()), |rest| (true, rest));
        // OpenSSH gives the whole list up at a pattern that does not fit its buffer.
        if pattern.len() >= 1023 {
            return false;
        }
        if matches_pattern(name.as_bytes(), pattern.to_ascii_lowercase().as_bytes()) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// `match_pattern`: `*` for any number of bytes, `?` for one. It goes back to the last `*` only,
/// which is enough, so that a hostile line costs no more than the product of both lengths.
fn matches_pattern(name: &[u8], pattern: &[u8]) -> bool {
    let (mut n, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((n, p));
                p += 1;
            }
            Some(b'?') => (n, p) = (n + 1, p + 1),
            Some(same) if same == byte => (n, p) = (n + 1, p + 1),
            _ => {
                let Some((from, star)) = back else {
                    return false;
                };
                back = Some((from + 1, star));
                (n, p) = (from + 1, star + 1);
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use base64ct::{Base64, Encoding};
    use proptest::prelude::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn names_match_as_ssh_matches_them() {
        for (names, name, expected) in [
            ("a.example", "a.example", true),
            ("A.Example", "a.example", true),
            ("b.example,a.example", "a.example", true),
            ("*.example", "a.example", true),
            ("*.example,!a.example", "a.example", false),
            ("!a.example,*.example", "a.example", false),
            ("!b.example", "a.example", false),
            ("?.example", "a.example", true),
            ("?.example", "ab.example", false),
            ("*", "[a.example]:2222", true),
            ("[*.example]:2222", "[a.example]:2222", true),
            ("[a.example]:2222", "a.example", false),
            ("a.exampl", "a.example", false),
            ("a*b*c", "axxbxbxc", true),
            ("a*b*c", "axxbxbx", false),
        ] {
            let line = Line::parse(&format!("{names} {KEY}")).unwrap();
            assert_eq!(line.names.matches(name), expected, "{names} for {name}");
        }
    }

    #[test]
    fn a_hashed_name_is_found() {
        // The salt and hash that ssh-keygen -H made for 192.0.2.1 would do as well; here the hash
        // is made by the definition of sshd(8): HMAC-SHA1 with the salt as key.
        let salt = [7; 20];
        let mut mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap();
        mac.update(b"[a.example]:2222");
        let hash = mac.finalize().into_bytes().into();
        let names = Names::Hashed { salt: salt.to_vec(), hash };
        assert!(names.matches("[a.example]:2222"));
        assert!(!names.matches("a.example"));
    }

    #[test]
    fn lines_are_read_as_ssh_reads_them() {
        let line = Line::parse(&format!("  @revoked\t*.example\t{KEY} a # comment")).unwrap();
        assert_eq!(line.marker, Some(Marker::Revoked));
        assert_eq!(line.algorithm, "ssh-ed25519");
        assert!(line.sha256.unwrap().starts_with("SHA256:"));
        assert!(line.names.is_pattern());
        let broken = Line::parse("a.example ssh-ed25519 AAAAC3NzaC1lZDI1").unwrap();
        assert_eq!(broken.sha256, None);
        let other_type = Line::parse(&format!("a {}", KEY.replace("ssh-ed25519", "ssh-rsa")));
        assert_eq!(other_type.unwrap().sha256, None);
        for nothing in
            ["", "   ", "# a", "@other a ssh-rsa AAAA", "a.example", "@revoked", "|1|x|y ssh-rsa A"]
        {
            assert_eq!(Line::parse(nothing), None, "{nothing}");
        }
    }

    /// The definition, slow and plain.
    #[test]
    fn certificates_inside_certificates_are_not_followed() {
        let name = "ssh-ed25519-cert-v01@openssh.com";
        let string = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).unwrap();
            [&length.to_be_bytes()[..], bytes].concat()
        };
        let mut inner = string(b"ssh-ed25519");
        for _ in 0..2000 {
            // Name, nonce, key, serial, kind, id, principals, validity, options, extensions,
            // reserved; then the key of the authority.
            let kind = [0, 0, 0, 2];
            let fields = [&string(&[]), &string(&[1; 32]), &[0; 8][..], &kind, &[0; 24], &[0; 12]];
            inner = [&string(name.as_bytes()), &fields.concat()[..], &string(&inner)].concat();
        }
        let base64 = Base64::encode_string(&inner);
        for algorithm in [name, "ssh-ed25519"] {
            let line = Line::parse(&format!("a.example {algorithm} {base64}")).unwrap();
            assert_eq!(line.sha256, None);
        }
    }

    fn by_definition(name: &[u8], pattern: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => {
                (0..=name.len()).any(|skipped| by_definition(name.get(skipped..).unwrap(), rest))
            }
            Some((first, rest)) => name.split_first().is_some_and(|(byte, others)| {
                (*first == b'?' || first == byte) && by_definition(others, rest)
            }),
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "\\PC*", bytes: Vec<u8>) {
            for line in [line, String::from_utf8_lossy(&bytes).into_owned()] {
                if let Some(read) = Line::parse(&line) {
                    read.names.matches(&line);
                }
            }
        }

        #[test]
        fn the_matcher_keeps_to_the_definition(name in "[ab]{0,8}", pattern in "[ab*?]{0,8}") {
            prop_assert_eq!(
                matches_pattern(name.as_bytes(), pattern.as_bytes()),
                by_definition(name.as_bytes(), pattern.as_bytes())
            );
        }
    }
}
