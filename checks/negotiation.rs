//! What `ssh` and a server agree on, from their algorithm lists: pure.
//!
//! RFC 4253, section 7.1: in each list the first name of the client's that the server has too.
//! This is judged from the lists of the configuration, so that the answer is the one for `ssh` and
//! not for the SSH library inside this program.

use serde::Serialize;

use crate::evidence::{
    configuration::Effective,
    handshake::{Agreed, AlgorithmLists, Handshake},
};

/// A list in which the two sides do not meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Which list.
    pub list: List,
    /// What `ssh` would take, as configured.
    pub ours: Vec<String>,
    /// What the server has.
    pub theirs: Vec<String>,
}

/// The lists that must meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// kex_algorithms
    Kex,
    /// server_host_key_algorithms
    HostKey,
    /// encryption_algorithms
    Cipher,
    /// mac_algorithms
    Mac,
}

impl List {
    /// As `ssh` calls it when the lists do not meet.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Kex => "key exchange method",
            Self::HostKey => "host key type",
            Self::Cipher => "cipher",
            Self::Mac => "MAC",
        }
    }
    /// The option of `ssh_config(5)`.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Kex => "KexAlgorithms",
            Self::HostKey => "HostKeyAlgorithms",
            Self::Cipher => "Ciphers",
            Self::Mac => "MACs",
        }
    }
}

/// Names in kex_algorithms that are signals, not methods.
fn is_signal(name: &str) -> bool {
    name.starts_with("ext-info-") || name.starts_with("kex-strict-")
}

/// What `ssh` and the server agree on, or the first list in which they do not meet. `None` where
/// the lists that are known meet and another is not known: the configuration was read without
/// `ssh`, which alone knows its defaults.
#[must_use]
pub fn agree(effective: &Effective, server: &AlgorithmLists) -> Option<Result<Agreed, Mismatch>> {
    let all = || {
        let kex = first(List::Kex, &effective.kex_algorithms, &server.kex)?;
        let host_key = first(List::HostKey, &effective.host_key_algorithms, &server.host_key)?;
        let cipher = first(List::Cipher, &effective.ciphers, &server.ciphers_to_server)?;
        first(List::Cipher, &effective.ciphers, &server.ciphers_to_client)?;
        // Ciphers that authenticate need no MAC (RFC 5647, section 5.1).
        let needs_mac = |name: &&String| !name.contains("gcm@") && !name.contains("poly1305");
        let mac = match cipher.as_ref().filter(needs_mac) {
            None => Some(None),
            Some(_) => {
                first(List::Mac, &effective.macs, &server.macs_to_client)?;
                first(List::Mac, &effective.macs, &server.macs_to_server)?.map(Some)
            }
        };
        Ok((kex, host_key, cipher, mac))
    };
    match all() {
        Err(mismatch) => Some(Err(mismatch)),
        Ok((Some(kex), Some(host_key), Some(cipher), Some(mac))) => {
            Some(Ok(Agreed { kex, host_key, cipher, mac }))
        }
        Ok(_) => None,
    }
}

/// Whether `ssh` would end here, since a list does not meet. This holds also where the SSH library
/// got further: where it has none of the configured methods, it takes others.
#[must_use]
pub fn do_not_meet(effective: &Effective, handshake: &Handshake) -> bool {
    let offered = handshake.offered.as_ref();
    offered.and_then(|offered| agree(effective, offered)).is_some_and(|agreed| agreed.is_err())
}

/// All lists that do not meet, in the order in which `ssh` would come upon them, as each is mended by
/// the method that [`to_allow`] names. `ssh` itself only tells of the first.
#[must_use]
pub fn mismatches(effective: &Effective, server: &AlgorithmLists) -> Vec<Mismatch> {
    let mut mended = effective.clone();
    let mut found: Vec<Mismatch> = Vec::new();
    while let Some(Err(no)) = agree(&mended, server) {
        let allowed =
            to_allow(no.theirs.iter().map(String::as_str)).map(|(name, _)| name.to_owned());
        let ours = match no.list {
            List::Kex => &mut mended.kex_algorithms,
            List::HostKey => &mut mended.host_key_algorithms,
            List::Cipher => &mut mended.ciphers,
            List::Mac => &mut mended.macs,
        };
        let is_mended = allowed.is_some();
        ours.extend(allowed);
        found.push(no);
        if !is_mended {
            break;
        }
    }
    found
}

/// The first of ours that is among theirs; `None` where ours are not known.
fn first(list: List, ours: &[String], theirs: &[String]) -> Result<Option<String>, Mismatch> {
    if ours.is_empty() {
        return Ok(None);
    }
    let theirs: Vec<_> = theirs.iter().filter(|n| !is_signal(n)).cloned().collect();
    match ours.iter().find(|name| theirs.contains(name)) {
        Some(name) => Ok(Some(name.clone())),
        None => Err(Mismatch { list, ours: ours.to_vec(), theirs }),
    }
}

/// Whether a method is one that current software leaves out of its defaults, since it can be broken or
/// is near to it (OpenSSH, release notes of 6.7 to 9.0; RFC 8758, RFC 9142).
#[must_use]
pub fn is_weak(method: &str) -> bool {
    const PARTS: [&str; 9] =
        ["sha1", "md5", "-cbc", "3des", "arcfour", "blowfish", "cast128", "ssh-dss", "umac-64"];
    let method = method.to_ascii_lowercase();
    method == "ssh-rsa" || PARTS.iter().any(|part| method.contains(part))
}

/// Of the methods of a server the one to allow by hand: the first that is not weak, else the first; and
/// what is to be said of it.
#[must_use]
pub fn to_allow<'m>(
    theirs: impl Iterator<Item = &'m str> + Clone,
) -> Option<(&'m str, &'static str)> {
    let strong = theirs.clone().find(|method| !is_weak(method));
    let method = strong.or_else(|| theirs.clone().next())?;
    Some((method, words_for(&[method])))
}

/// What is to be said where these methods of a server are allowed by hand.
#[must_use]
pub fn words_for(methods: &[&str]) -> &'static str {
    match (methods.iter().any(|method| is_weak(method)), methods.len()) {
        (false, 1) => {
            "This allows a method of the server for one login; it is none of the weak ones:"
        }
        (false, _) => {
            "This allows methods of the server for one login; none of them is one of the weak ones:"
        }
        (true, 1) => {
            "Until the server is updated, this allows its method for one login. It is weaker: do \
             not make it permanent."
        }
        (true, _) => {
            "Until the server is updated, this allows its methods for one login. They are weaker: do \
             not make it permanent."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_not_weak_is_allowed_first() {
        fn allowed(theirs: &str) -> (&str, &str) {
            to_allow(theirs.split(',')).unwrap()
        }
        let strong = allowed("aes128-cbc,aes256-gcm@openssh.com,aes256-ctr");
        assert_eq!(strong.0, "aes256-gcm@openssh.com");
        assert!(!strong.1.contains("weaker"));
        for weak in ["ssh-rsa", "ssh-dss", "diffie-hellman-group14-sha1", "3des-cbc", "hmac-md5"] {
            let (method, words) = allowed(weak);
            assert!(method == weak && words.contains("weaker"), "{weak}");
        }
        for strong in ["rsa-sha2-512", "ssh-ed25519", "hmac-sha2-256", "curve25519-sha256"] {
            assert!(!is_weak(strong), "{strong}");
        }
    }

    fn list(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    fn server(kex: &str, cipher: &str, mac: &str) -> AlgorithmLists {
        AlgorithmLists {
            kex: list(kex),
            host_key: list("h"),
            ciphers_to_server: list(cipher),
            ciphers_to_client: list(cipher),
            macs_to_server: list(mac),
            macs_to_client: list(mac),
        }
    }

    #[test]
    fn the_clients_order_decides() {
        let ours = Effective {
            kex_algorithms: list("ext-info-c,k1,k2"),
            host_key_algorithms: list("h"),
            ciphers: list("c1,a-gcm@o"),
            macs: list("m1"),
            ..Effective::default()
        };
        let agreed =
            agree(&ours, &server("ext-info-c,k2,k1", "a-gcm@o,c1", "m1")).unwrap().unwrap();
        assert_eq!((agreed.kex.as_str(), agreed.cipher.as_str()), ("k1", "c1"));
        let agreed = agree(&ours, &server("k2", "a-gcm@o", "none-of-ours")).unwrap().unwrap();
        assert_eq!((agreed.mac, agreed.cipher.as_str()), (None, "a-gcm@o"));
        let no = agree(&ours, &server("ext-info-c", "c1", "m1")).unwrap().unwrap_err();
        assert_eq!(no.list, List::Kex);
        assert_eq!(agree(&Effective::default(), &server("k1", "c1", "m1")), None);
    }

    #[test]
    fn all_lists_are_mended_at_once() {
        let ours = Effective {
            kex_algorithms: list("k1"),
            host_key_algorithms: list("h"),
            ciphers: list("c1,x-gcm@o"),
            macs: list("m1"),
            ..Effective::default()
        };
        let told = |server: &AlgorithmLists| {
            let told =
                mismatches(&ours, server).into_iter().map(|no| (no.list, no.theirs.join(",")));
            told.map(|(list, theirs)| format!("{} {theirs}", list.option())).collect::<Vec<_>>()
        };
        // The cipher that would be allowed needs a MAC, or does not.
        let three = told(&server("k9", "c9", "m9"));
        assert_eq!(three, ["KexAlgorithms k9", "Ciphers c9", "MACs m9"]);
        assert_eq!(told(&server("k1", "y-gcm@o", "m9")), ["Ciphers y-gcm@o"]);
        let mut two_ways = server("k1", "c8", "m1");
        two_ways.ciphers_to_client = list("c9");
        assert_eq!(told(&two_ways), ["Ciphers c8", "Ciphers c9"]);
        assert_eq!(told(&server("k1", "c1", "m1")), Vec::<String>::new());
        assert_eq!(told(&server("k1", "", "m1")), ["Ciphers "]);
    }

    #[test]
    fn a_list_that_does_not_meet_is_enough_where_others_are_not_known() {
        let ours = Effective { ciphers: list("c1"), ..Effective::default() };
        assert_eq!(agree(&ours, &server("k1", "c1", "m1")), None);
        let no = agree(&ours, &server("k1", "c2", "m1")).unwrap().unwrap_err();
        assert_eq!(no.list, List::Cipher);
    }
}
