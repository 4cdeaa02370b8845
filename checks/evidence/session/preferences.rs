//! The configuration's algorithm lists in the SSH library's terms.
//!
//! What the library cannot do is left out; when nothing is left, its own defaults stand. What
//! `ssh` and the server would agree on is judged from the lists, not from what the library did.

use std::borrow::Cow;

use russh::{
    Preferred, cipher, kex,
    keys::{Algorithm, EcdsaCurve, HashAlg},
    mac,
};

use crate::evidence::configuration::Effective;

/// Preferences for a conversation that resembles the one that `ssh` would have.
pub fn preferred(effective: &Effective, host_key_algorithms: &[String]) -> Preferred {
    let mut kexes = known(&effective.kex_algorithms, kex::Name::try_from);
    if kexes.is_empty() {
        kexes = Preferred::DEFAULT.kex.to_vec();
        kexes.push(kex::DH_G14_SHA1);
    }
    for extension in [kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]
    {
        if !kexes.contains(&extension) {
            kexes.push(extension);
        }
    }
    let ciphers = known(&effective.ciphers, cipher::Name::try_from);
    let macs = known(&effective.macs, mac::Name::try_from);
    let (certificates, plain): (Vec<_>, Vec<_>) =
        host_key_algorithms.iter().partition(|name| name.contains("-cert-v01@"));
    let plain: Vec<_> = plain.iter().filter_map(|name| algorithm(name)).collect();
    // The library offers certificates before plain keys. So does ssh, but where no authority is
    // known for the host, it puts the known plain keys first.
    let certificates_first = host_key_algorithms.first().is_some_and(|n| n.contains("-cert-v01@"));
    let certificates: Vec<_> = certificates
        .iter()
        .filter(|_| certificates_first)
        .filter_map(|name| algorithm(&name.replace("-cert-v01@openssh.com", "")))
        .collect();
    Preferred {
        kex: Cow::Owned(kexes),
        key: if plain.is_empty() { Preferred::DEFAULT.key } else { Cow::Owned(plain) },
        host_key_certificates: Cow::Owned(certificates),
        cipher: if ciphers.is_empty() { Preferred::DEFAULT.cipher } else { Cow::Owned(ciphers) },
        mac: if macs.is_empty() { Preferred::DEFAULT.mac } else { Cow::Owned(macs) },
        ..Preferred::DEFAULT
    }
}

fn known<'n, T, E>(names: &'n [String], find: impl Fn(&'n str) -> Result<T, E>) -> Vec<T> {
    names.iter().filter_map(|name| find(name).ok()).collect()
}

/// Signature algorithms by name; the ones that the library knows.
fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "ssh-ed25519" => Algorithm::Ed25519,
        "ecdsa-sha2-nistp256" => Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        "ecdsa-sha2-nistp384" => Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        "ecdsa-sha2-nistp521" => Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        "rsa-sha2-512" => Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        "rsa-sha2-256" => Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        "ssh-rsa" => Algorithm::Rsa { hash: None },
        _ => return None,
    })
}
