//! What the system's resolver says, the one that `ssh` uses.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use dns_lookup::AddrInfoHints;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Type};

use super::{
    Seen,
    configuration::{AddressFamily, Effective},
    dns_query::{self, Kind},
    name_servers::AnswerCode,
    zone,
};
use crate::case::TimeLimits;

/// What `getaddrinfo` says about the host, and what the hosts file does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The name that was looked up.
    pub name: String,
    /// Whether it is an address already.
    pub literal: bool,
    /// Addresses in the order in which `ssh` would try them, in the families that it may use.
    pub outcome: Result<Vec<IpAddr>, LookupError>,
    /// Where one family alone is allowed and has no address: the addresses of the other.
    pub other_family: Vec<IpAddr>,
    /// Lines of the hosts file that name the host.
    pub hosts_lines: Vec<HostsLine>,
}

impl Resolution {
    /// Whether the name servers did not answer, or not in a way that the system understood.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        let kind = self.outcome.as_ref().err().map(|error| error.kind);
        kind == Some(LookupErrorKind::TemporaryFailure)
    }
}

/// `getaddrinfo`'s answer when there is no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupError {
    /// What it means.
    pub kind: LookupErrorKind,
    /// The C library's words, which are the ones that `ssh` prints.
    pub message: String,
}

/// `getaddrinfo` codes (RFC 3493, section 6.1; glibc's EAI_NODATA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupErrorKind {
    /// EAI_NONAME: no such name.
    NoName,
    /// EAI_NODATA, EAI_ADDRFAMILY: the name has no address of this family.
    NoData,
    /// EAI_AGAIN: name servers did not answer, or answered with an error.
    TemporaryFailure,
    /// Anything else, or no answer within our limit of time.
    Other,
}

/// A line of the hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsLine {
    /// File.
    pub path: String,
    /// Line number, from 1.
    pub line: usize,
    /// Address.
    pub address: IpAddr,
}

/// Asks the system: `getaddrinfo`, as `ssh` does, with the family that it may use. `instead`: these
/// name servers in its place.
pub async fn observe(
    effective: Effective,
    instead: Vec<SocketAddr>,
    limits: TimeLimits,
) -> Seen<Resolution> {
    let name = effective.host.clone();
    if let Some(address) = zone::literal(&name) {
        let (outcome, other_family) = if effective.address_family.allows(address) {
            (Ok(vec![address]), Vec::new())
        } else {
            (Err(LookupError::wrong_family()), vec![address])
        };
        let hosts_lines = Vec::new();
        return Ok(Resolution { name, literal: true, outcome, other_family, hosts_lines });
    }
    let hosts_lines = if instead.is_empty() { hosts_lines(&name) } else { Vec::new() };
    // Where one family alone is allowed, the other tells why it fails.
    let other = match effective.address_family {
        AddressFamily::Inet => Some(AddressFamily::Inet6),
        AddressFamily::Inet6 => Some(AddressFamily::Inet),
        AddressFamily::Any => None,
    };
    let other_family = async {
        match other {
            Some(family) => look_up(&name, family, &instead, limits).await.unwrap_or_default(),
            None => Vec::new(),
        }
    };
    let asked = look_up(&name, effective.address_family, &instead, limits);
    let (outcome, other_family) = futures_util::join!(asked, other_family);
    Ok(Resolution { name, literal: false, outcome, other_family, hosts_lines })
}

/// Asks once more, where a name server knows better: a lost packet is no cause.
pub async fn again(
    found: Resolution,
    effective: Effective,
    instead: Vec<SocketAddr>,
    limits: TimeLimits,
) -> Seen<Resolution> {
    let outcome = look_up(&found.name, effective.address_family, &instead, limits).await;
    Ok(Resolution { outcome, ..found })
}

/// Looks a name up as `ssh` would, or at the first of the given servers.
pub(super) async fn look_up(
    name: &str,
    family: AddressFamily,
    instead: &[SocketAddr],
    limits: TimeLimits,
) -> Result<Vec<IpAddr>, LookupError> {
    match instead.first() {
        Some(server) => ask_server(*server, name, family, limits).await,
        None => {
            let limit = patience_ms(limits);
            let limit = Duration::from_millis(limit);
            ask_system(name.to_owned(), family, limit).await
        }
    }
}

/// How long the C library is waited for. With the usual settings it asks each of three name servers
/// twice for five seconds, and its answer is the one that counts; but some time must be left to say
/// so.
fn patience_ms(limits: TimeLimits) -> u64 {
    limits.dns_ms.saturating_mul(5).min(limits.total_ms.saturating_mul(2) / 3)
}

/// One server in place of the system, with the answers that glibc would make of it.
async fn ask_server(
    server: SocketAddr,
    name: &str,
    family: AddressFamily,
    limits: TimeLimits,
) -> Result<Vec<IpAddr>, LookupError> {
    let limit = Duration::from_millis(limits.dns_ms);
    let (a, aaaa) = futures_util::join!(
        dns_query::ask(server, name, Kind::A, limit),
        dns_query::ask(server, name, Kind::Aaaa, limit),
    );
    let both = aaaa.addresses.iter().chain(&a.addresses).copied();
    let addresses: Vec<_> = both.filter(|address| family.allows(*address)).collect();
    if !addresses.is_empty() {
        return Ok(addresses);
    }
    let (kind, message) = match (&a.code, &aaaa.code) {
        (AnswerCode::NxDomain, _) => (LookupErrorKind::NoName, "Name or service not known"),
        (AnswerCode::NoError, AnswerCode::NoError) => {
            (LookupErrorKind::NoData, "No address associated with hostname")
        }
        _ => (LookupErrorKind::TemporaryFailure, "Temporary failure in name resolution"),
    };
    Err(LookupError { kind, message: message.to_owned() })
}

/// One call of `getaddrinfo`, in a thread of its own: it blocks, and nothing can end it early.
async fn ask_system(
    name: String,
    family: AddressFamily,
    limit: Duration,
) -> Result<Vec<IpAddr>, LookupError> {
    let hints = AddrInfoHints {
        address: match family {
            AddressFamily::Any => 0,
            AddressFamily::Inet => Domain::IPV4.into(),
            AddressFamily::Inet6 => Domain::IPV6.into(),
        },
        socktype: Type::STREAM.into(),
        ..AddrInfoHints::default()
    };
    let asked = tokio::task::spawn_blocking(move || {
        let found = dns_lookup::getaddrinfo(Some(&name), None, Some(hints));
        found.map_err(LookupError::from).map(|entries| {
            let mut addresses = Vec::new();
            for entry in entries.flatten() {
                if !addresses.contains(&entry.sockaddr.ip()) {
                    addresses.push(entry.sockaddr.ip());
                }
            }
            addresses
        })
    });
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(LookupError {
            kind: LookupErrorKind::Other,
            message: "the lookup crashed".to_owned(),
        }),
        Err(_) => Err(LookupError {
            kind: LookupErrorKind::TemporaryFailure,
            message: format!("no answer within {} seconds", limit.as_secs()),
        }),
    }
}

impl LookupError {
    /// What `getaddrinfo` says about an address of the family that was not asked for.
    fn wrong_family() -> Self {
        let message = "Address family for hostname not supported".to_owned();
        Self { kind: LookupErrorKind::NoData, message }
    }
}

impl From<dns_lookup::LookupError> for LookupError {
    fn from(error: dns_lookup::LookupError) -> Self {
        use dns_lookup::LookupErrorKind::{Again, NoData, NoName};
        let kind = match error.kind() {
            NoName => LookupErrorKind::NoName,
            NoData => LookupErrorKind::NoData,
            Again => LookupErrorKind::TemporaryFailure,
            // EAI_ADDRFAMILY, which glibc gives for a name of the hosts file in the other family.
            _ if error.error_num() == -9 => LookupErrorKind::NoData,
            _ => LookupErrorKind::Other,
        };
        let words = std::io::Error::from(error).to_string();
        let message = words.strip_prefix("failed to lookup address information: ");
        Self { kind, message: message.unwrap_or(&words).to_owned() }
    }
}

/// The hosts file of this system.
fn hosts_file() -> String {
    if cfg!(windows) {
        let root = std::env::var("SystemRoot").unwrap_or_else(|_| r"C:\Windows".to_owned());
        return format!(r"{root}\System32\drivers\etc\hosts");
    }
    "/etc/hosts".to_owned()
}

fn hosts_lines(name: &str) -> Vec<HostsLine> {
    let path = hosts_file();
    let bytes = std::fs::read(&path).unwrap_or_default();
    read_hosts(&String::from_utf8_lossy(&bytes), name, &path)
}

/// The lines of a hosts file that name the host (`hosts(5)`).
fn read_hosts(text: &str, name: &str, path: &str) -> Vec<HostsLine> {
    let name = name.trim_end_matches('.');
    let line = |(place, line): (usize, &str)| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then(|| HostsLine {
            path: path.to_owned(),
            line: place + 1,
            address,
        })
    };
    text.lines().enumerate().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;
    use proptest::prelude::*;

    #[test]
    fn lines_of_the_hosts_file() {
        let text = "127.0.0.1 localhost # me\n\n10.0.0.1\tWeb web.example\n# 10.0.0.2 web\nbad web\n::1 web";
        let lines: Vec<_> = read_hosts(text, "WEB.", "/h").iter().map(|l| l.line).collect();
        assert_eq!(lines, [3, 6]);
    }

    async fn seen(effective: Effective) -> Resolution {
        observe(effective, vec![], TimeLimits::default()).await.unwrap()
    }

    #[tokio::test]
    async fn a_literal_is_not_looked_up_and_a_wrong_name_is_told() {
        let literal = Effective { host: "192.0.2.1".into(), ..made::effective(22) };
        let found = seen(literal).await;
        assert!(found.literal);
        assert_eq!(found.outcome.unwrap(), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        let literal = Effective {
            host: "192.0.2.1".into(),
            address_family: AddressFamily::Inet6,
            ..made::effective(22)
        };
        let found = seen(literal).await;
        assert_eq!(found.outcome.unwrap_err().kind, LookupErrorKind::NoData);
        assert_eq!(found.other_family.len(), 1);
        let local = Effective { host: "localhost".into(), ..made::effective(22) };
        let found = seen(local).await;
        assert!(found.outcome.unwrap().iter().all(IpAddr::is_loopback));
        // Not a name at all: no name server is asked (RFC 1035, section 2.3.4).
        let long = Effective { host: "x".repeat(300), ..made::effective(22) };
        assert!(seen(long).await.outcome.is_err());
    }

    proptest! {
        #[test]
        fn no_hosts_file_breaks_it(text in "\\PC*", name in "\\PC*") {
            read_hosts(&text, &name, "/h");
        }
    }
}
