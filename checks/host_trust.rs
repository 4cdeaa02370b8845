//! Whether `ssh` would trust the key that a server shows: pure.
//!
//! The rules are the ones of OpenSSH's `sshconnect.c`, `check_host_key` and `order_hostkeyalgs`.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    case::Case,
    evidence::{
        configuration::{Effective, StrictHostKeyChecking},
        handshake::Handshake,
        key::{CertificateFacts, PublicKeyFacts},
        known_hosts::{KnownHosts, KnownHostsLine, Marker, RevokedList, Unread},
    },
    text,
    text::{Text, number},
};

/// A line of a known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// File.
    pub path: String,
    /// Line number, from 1.
    pub line: usize,
    /// Algorithm of the key in it.
    pub algorithm: String,
    /// Fingerprint of the key in it, where it decodes.
    pub sha256: Option<String>,
    /// Whether the line names hosts by a pattern, which `ssh-keygen -R` leaves.
    pub by_pattern: bool,
}

/// What the known_hosts files say about a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Trust {
    /// This very key is known.
    Known(Place),
    /// The key is not looked up: the connection stays on this computer, and the configuration has
    /// NoHostAuthenticationForLocalhost.
    NotChecked,
    /// The key has a valid certificate of an authority that is known.
    KnownByAuthority(Place),
    /// The key, or the authority of its certificate, is marked as revoked.
    Revoked(Place),
    /// The key, or the authority of its certificate, is in the file of RevokedHostKeys.
    RevokedByList {
        /// File.
        path: String,
    },
    /// The file of RevokedHostKeys cannot be read, so that `ssh` takes no key at all.
    ListUnreadable {
        /// File.
        path: String,
        /// The system's words.
        why: String,
    },
    /// Other keys are known for this host. `ssh` says so for another type of key, too.
    Changed {
        /// Lines with another key of the same type.
        same_type: Vec<Place>,
        /// Lines with keys of other types.
        other_types: Vec<Place>,
    },
    /// No key is known for this host.
    Unknown,
    /// The authority is known, its certificate is not valid, and the plain key is unknown.
    CertificateInvalid {
        /// The authority's line.
        authority: Place,
        /// What is wrong.
        reason: CertificateFault,
    },
}

/// What is wrong with a host certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFault {
    /// It is for a user.
    NotForHosts,
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for other names.
    WrongPrincipal,
    /// It has critical options, of which `ssh` knows none for hosts.
    CriticalOption,
}

/// What `ssh` does after looking the key up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// It goes on.
    Accepts,
    /// It asks the user.
    Asks,
    /// It ends.
    Refuses,
}

/// The name that a host certificate must be for.
#[must_use]
pub fn principal(effective: &Effective) -> String {
    effective.host_key_alias.as_ref().unwrap_or(&effective.host).to_lowercase()
}

/// The name of a host in known_hosts, and for `ssh-add -h` (OpenSSH, `get_hostfile_hostname_ipaddr`).
#[must_use]
pub fn known_name(effective: &Effective) -> String {
    if let Some(alias) = &effective.host_key_alias {
        return alias.to_lowercase();
    }
    at_port(&effective.host.to_lowercase(), effective.port)
}

/// A host at a port, as known_hosts writes it: the usual port is left out.
#[must_use]
pub fn at_port(host: &str, port: u16) -> String {
    if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") }
}

/// What the known_hosts files say about a key; `principal` is the name that a certificate must be
/// for, `now` the moment at which it must be valid.
#[must_use]
pub fn judge_key(
    known: &KnownHosts,
    presented: &PublicKeyFacts,
    principal: &str,
    now: Timestamp,
) -> Trust {
    if let Some(revoked) = &known.revoked {
        match &revoked.list {
            Ok(list) if is_listed(list, presented) => {
                return Trust::RevokedByList { path: revoked.path.clone() };
            }
            Err(Unread::Unreadable(why)) => {
                return Trust::ListUnreadable { path: revoked.path.clone(), why: why.clone() };
            }
            _ => {}
        }
    }
    if known.waived {
        return Trust::NotChecked;
    }
    let named = look_up(&lines(known, false), presented, principal, now);
    if named != Trust::Unknown {
        return named;
    }
    // For another port than 22 ssh also looks under the plain name, where only a match counts.
    match look_up(&lines(known, true), presented, principal, now) {
        trust @ (Trust::Known(_) | Trust::KnownByAuthority(_)) => trust,
        _ => Trust::Unknown,
    }
}

/// Why `ssh` does not even look the key up: it is an RSA key of fewer bits than RequiredRSASize
/// (`sshconnect2.c`, verify_host_key_callback).
#[must_use]
pub fn too_small(effective: &Effective, shown: &PublicKeyFacts) -> Option<Text> {
    let small = shown.algorithm.starts_with("ssh-rsa") && shown.bits < effective.required_rsa_size;
    small.then(|| {
        text![
            "The server's RSA key has ",
            number(shown.bits),
            " bits; your ssh demands at least ",
            number(effective.required_rsa_size),
            " (RequiredRSASize)."
        ]
    })
}

/// The same of the key that a server showed in a conversation; none where it showed none.
#[must_use]
pub fn in_handshake(
    handshake: &Handshake,
    known: &KnownHosts,
    effective: &Effective,
    now: Timestamp,
) -> Option<Trust> {
    let shown = handshake.host_key.as_ref()?;
    Some(judge_key(known, shown, &principal(effective), now))
}

/// The same of what was seen in one run; none where the key or the known ones were not seen.
#[must_use]
pub fn in_case(case: &Case) -> Option<Trust> {
    in_handshake(case.handshake()?, case.known_hosts()?, case.effective()?, case.started_at)
}

/// Whether `ssh` would go on to this server, perhaps after a question. Not where nothing is known of
/// its key.
#[must_use]
pub fn goes_on(trust: Option<&Trust>, effective: &Effective, interactive: bool) -> bool {
    trust.is_some_and(|trust| acceptance(trust, effective, interactive) != Acceptance::Refuses)
}

/// What `ssh` does about it.
#[must_use]
pub fn acceptance(trust: &Trust, effective: &Effective, interactive: bool) -> Acceptance {
    use StrictHostKeyChecking::{AcceptNew, Ask, No, Yes};
    match (trust, effective.strict_host_key_checking) {
        // Whatever StrictHostKeyChecking says (sshconnect.c, verify_host_key).
        (Trust::RevokedByList { .. } | Trust::ListUnreadable { .. }, _) => Acceptance::Refuses,
        (Trust::Known(_) | Trust::KnownByAuthority(_) | Trust::NotChecked, _) | (_, No) => {
            Acceptance::Accepts
        }
        (Trust::Revoked(_) | Trust::Changed { .. }, _) | (_, Yes) => Acceptance::Refuses,
        (_, AcceptNew) => Acceptance::Accepts,
        (_, Ask) if interactive && !effective.batch_mode => Acceptance::Asks,
        (_, Ask) => Acceptance::Refuses,
    }
}

/// Whether more may be asked of a server with this key. Not where its identity is in doubt: what
/// it then says about keys proves nothing, and it learns which keys the user has.
#[must_use]
pub fn may_go_on(trust: &Trust, effective: &Effective) -> bool {
    match trust {
        Trust::RevokedByList { .. } | Trust::ListUnreadable { .. } => false,
        Trust::Revoked(_) | Trust::Changed { .. } => {
            effective.strict_host_key_checking == StrictHostKeyChecking::No
        }
        _ => true,
    }
}

/// `HostKeyAlgorithms` in the order in which `ssh` asks for them: algorithms of key types that are
/// known for this host first, so that the known key is shown where the server has several.
#[must_use]
pub fn preferred_algorithms(effective: &Effective, known: &KnownHosts) -> Vec<String> {
    let lines = lines(known, false);
    let is_known = |algorithm: &str| {
        lines.iter().any(|(_, line)| {
            line.marker.is_none()
                && line.sha256.is_some()
                && line.algorithm == key_type(algorithm)
                && !is_revoked(&lines, line.sha256.as_deref())
        })
    };
    let all = &effective.host_key_algorithms;
    if all.first().is_none_or(|best| is_known(best)) {
        return all.clone();
    }
    let authority = lines.iter().any(|(_, line)| line.marker == Some(Marker::CertAuthority));
    let (mut first, last): (Vec<String>, Vec<String>) =
        all.iter().cloned().partition(|a| (authority && a.contains("-cert-")) || is_known(a));
    first.extend(last);
    first
}

/// The type of key that an algorithm uses: `rsa-sha2-512-cert-v01@openssh.com` uses `ssh-rsa`.
fn key_type(algorithm: &str) -> String {
    let plain = match algorithm.split_once("-cert-v0") {
        Some((plain, _)) if plain.starts_with("sk-") => format!("{plain}@openssh.com"),
        Some((plain, _)) => plain.to_owned(),
        None => algorithm.to_owned(),
    };
    if plain.starts_with("rsa-sha2-") { "ssh-rsa".into() } else { plain }
}

fn is_listed(list: &RevokedList, presented: &PublicKeyFacts) -> bool {
    let authority = presented.certificate.as_ref().map(|c| &c.authority_sha256);
    list.sha256.contains(&presented.sha256)
        || authority.is_some_and(|authority| list.sha256.contains(authority))
        || !list.sha1.is_empty() && presented.sha1().is_some_and(|sha1| list.sha1.contains(&sha1))
}

type Lines<'k> = Vec<(&'k str, &'k KnownHostsLine)>;

/// The lines that name the host as it is looked up, or (`plain`) only without its port.
fn lines(known: &KnownHosts, plain: bool) -> Lines<'_> {
    let all = known
        .files
        .iter()
        .flat_map(|file| file.lines.iter().map(|line| (file.path.as_str(), line)));
    all.filter(|(_, line)| line.found_as.is_some() == plain).collect()
}

fn place(&(path, line): &(&str, &KnownHostsLine)) -> Place {
    Place {
        path: path.to_owned(),
        line: line.line,
        algorithm: line.algorithm.clone(),
        sha256: line.sha256.clone(),
        by_pattern: line.by_pattern,
    }
}

/// The line of this marker with this key.
fn find(lines: &Lines<'_>, marker: Option<Marker>, sha256: &str) -> Option<Place> {
    let is =
        |line: &KnownHostsLine| line.marker == marker && line.sha256.as_deref() == Some(sha256);
    lines.iter().find(|(_, line)| is(line)).map(place)
}

fn is_revoked(lines: &Lines<'_>, sha256: Option<&str>) -> bool {
    sha256.is_some_and(|sha256| find(lines, Some(Marker::Revoked), sha256).is_some())
}

fn look_up(
    lines: &Lines<'_>,
    presented: &PublicKeyFacts,
    principal: &str,
    now: Timestamp,
) -> Trust {
    let certificate = presented.certificate.as_ref();
    // A revoked key or authority counts before everything else.
    let signer = certificate.map(|c| c.authority_sha256.as_str());
    let suspects = std::iter::once(presented.sha256.as_str()).chain(signer);
    for sha256 in suspects {
        if let Some(place) = find(lines, Some(Marker::Revoked), sha256) {
            return Trust::Revoked(place);
        }
    }
    let mut invalid = None;
    if let Some(certificate) = certificate
        && let Some(authority) =
            find(lines, Some(Marker::CertAuthority), &certificate.authority_sha256)
    {
        match fault(certificate, principal, now) {
            None => return Trust::KnownByAuthority(authority),
            Some(reason) => invalid = Some(Trust::CertificateInvalid { authority, reason }),
        }
    }
    // Without authority, or with a certificate that is not valid, ssh goes by the plain key.
    if let Some(place) = find(lines, None, &presented.sha256) {
        return Trust::Known(place);
    }
    // A line whose key does not decode is skipped by ssh, too.
    let others = lines.iter().filter(|(_, l)| l.marker.is_none() && l.sha256.is_some());
    let (same_type, other_types): (Vec<Place>, Vec<Place>) =
        others.map(place).partition(|place| place.algorithm == presented.algorithm);
    if same_type.is_empty() && other_types.is_empty() {
        return invalid.unwrap_or(Trust::Unknown);
    }
    Trust::Changed { same_type, other_types }
}

/// What is wrong with a certificate, in the order in which `ssh` looks.
fn fault(
    certificate: &CertificateFacts,
    principal: &str,
    now: Timestamp,
) -> Option<CertificateFault> {
    // No principal at all means every host, for the clients that this program stands in for.
    let names = &certificate.principals;
    if certificate.is_user {
        Some(CertificateFault::NotForHosts)
    } else if certificate.valid_after.is_some_and(|after| now < after) {
        Some(CertificateFault::NotYetValid)
    } else if certificate.valid_before.is_some_and(|before| now >= before) {
        Some(CertificateFault::Expired)
    } else if !names.is_empty() && !names.iter().any(|name| name == principal) {
        Some(CertificateFault::WrongPrincipal)
    } else if !certificate.critical_options.is_empty() {
        Some(CertificateFault::CriticalOption)
    } else {
        None
    }
}
