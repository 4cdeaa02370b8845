//! TCP: each address in ssh's order until one connects.

mod outstanding;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpStream, time::timeout};

use super::{
    Seen,
    configuration::Effective,
    fact::millis,
    icmp::{self, Icmp},
    local_end::{GETADDRINFO, GETIFADDRS, local_end},
    zone,
};
use crate::case::TimeLimits;
pub use outstanding::Ends;

/// Connections that were tried, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempts {
    /// One entry for each address that was tried.
    pub tried: Vec<Attempt>,
    /// Addresses that were not tried, since an earlier one connected or time ran out.
    pub untried: Vec<IpAddr>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where to.
    pub to: SocketAddr,
    /// The local address that was used.
    pub from: Option<SocketAddr>,
    /// How it ended.
    pub outcome: Outcome,
    /// The message of a router or host that ended it, where one did and the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Icmp>,
    /// Milliseconds that it took, as a fraction: on loopback it is far below one. Below zero where
    /// nobody measured it, as in a log.
    pub took_ms: f64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A connection.
    Connected,
    /// No answer within the limit.
    TimedOut {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// An error of the system.
    Failed(OsError),
}

/// An error of the operating system: which call, which code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsError {
    /// The call that failed: `connect`, `bind`, `socket`; or the one that finds what to bind to.
    pub operation: String,
    /// The code's number on this system.
    pub errno: Option<i32>,
    /// What it means, the same on every system.
    pub kind: OsErrorKind,
    /// The system's words.
    pub message: String,
}

/// What an error code means, the same on every system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter)]
#[serde(rename_all = "kebab-case")]
pub enum OsErrorKind {
    /// ECONNREFUSED.
    ConnectionRefused,
    /// ETIMEDOUT: the system itself gave up.
    TimedOut,
    /// EHOSTUNREACH.
    HostUnreachable,
    /// ENETUNREACH.
    NetworkUnreachable,
    /// EACCES or EPERM.
    PermissionDenied,
    /// EADDRNOTAVAIL.
    AddressNotAvailable,
    /// ECONNRESET.
    ConnectionReset,
    /// ENOENT.
    NotFound,
    /// Anything else.
    Other,
}

impl Attempts {
    /// The attempt that connected.
    #[must_use]
    pub fn connected(&self) -> Option<&Attempt> {
        self.tried.iter().find(|a| a.outcome == Outcome::Connected)
    }
}

impl Attempts {
    /// The first address elsewhere that did not let us in, where none did.
    #[must_use]
    pub fn unanswered(&self) -> Option<SocketAddr> {
        let went_out = |a: &&Attempt| match &a.outcome {
            Outcome::Failed(error) => error.operation == "connect",
            Outcome::TimedOut { .. } => true,
            Outcome::Connected => false,
        };
        let elsewhere = |a: &&Attempt| !a.to.ip().is_loopback() && !a.to.ip().is_unspecified();
        let none = self.connected().is_none();
        self.tried.iter().filter(|_| none).filter(elsewhere).find(went_out).map(|a| a.to)
    }
}

/// The share of the whole run's time that connecting may use: two thirds. So a host with many
/// dead addresses still leaves time to say so.
const fn budget_ms(limits: TimeLimits) -> u64 {
    limits.total_ms.saturating_mul(2) / 3
}

/// The least time for an attempt that is worth making, in milliseconds.
const LEAST_MS: u64 = 50;

/// Tries each address until one connects; the connection is returned beside the facts.
///
/// One after another, never in parallel: so does `ssh`, and each further connection counts against
/// the user at a server that punishes many.
pub async fn observe(
    effective: Effective,
    addresses: Vec<IpAddr>,
    limits: TimeLimits,
) -> Seen<(Attempts, Option<TcpStream>)> {
    let began = Instant::now();
    let wanted = effective.connect_timeout_s.map_or(u64::MAX, |s| s.saturating_mul(1000));
    let limit_ms = wanted.min(limits.connect_ms);
    let mut attempts = Attempts::default();
    let mut addresses = addresses.into_iter();
    while let Some(address) = addresses.next() {
        let left_ms = budget_ms(limits).saturating_sub(millis(began));
        if left_ms < LEAST_MS && !attempts.tried.is_empty() {
            attempts.untried.push(address);
            break;
        }
        let to = zone::at(&effective.host, address, effective.port);
        let after_ms = limit_ms.min(left_ms.max(LEAST_MS));
        let started = Instant::now();
        let ended = timeout(Duration::from_millis(after_ms), connect(&effective, to, limits)).await;
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        let (outcome, message, stream) = match ended {
            Ok(Ok(stream)) => (Outcome::Connected, None, Some(stream)),
            Ok(Err((error, message))) => (Outcome::Failed(error), message, None),
            Err(_) => (Outcome::TimedOut { after_ms }, None, None),
        };
        let from = stream.as_ref().and_then(|s| s.local_addr().ok());
        attempts.tried.push(Attempt { to, from, outcome, message, took_ms });
        if stream.is_some() {
            attempts.untried.extend(addresses);
            return Ok((attempts, stream));
        }
    }
    attempts.untried.extend(addresses);
    Ok((attempts, None))
}

/// One attempt without limit of time.
async fn connect(
    effective: &Effective,
    to: SocketAddr,
    limits: TimeLimits,
) -> Result<TcpStream, (OsError, Option<Icmp>)> {
    let socket = socket(effective, to, limits).await.map_err(|error| (error, None))?;
    let connected = icmp::connect(socket, to).await;
    let stream = connected.map_err(|(e, message)| (OsError::of("connect", &e), message))?;
    #[cfg(target_os = "linux")]
    icmp::keep_no_more(&stream, to);
    Ok(stream)
}

/// A socket as `ssh` makes it, from the local address that the configuration names.
async fn socket(
    effective: &Effective,
    to: SocketAddr,
    limits: TimeLimits,
) -> Result<Socket, OsError> {
    let failed = |e: io::Error| OsError::of("socket", &e);
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP));
    let socket = socket.map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    // ssh sets it for an interactive session; here it keeps small packets from waiting.
    socket.set_tcp_nodelay(true).map_err(failed)?;
    if let Some(quality) = effective.ip_qos {
        // A firewall may drop what is marked, so a packet without the mark would prove nothing.
        let _ = mark(&socket, to, quality);
    }
    if let Some(local) = local_end(effective, to.ip(), limits).await? {
        socket.bind(&local.into()).map_err(|e| OsError::of("bind", &e))?;
    }
    // Whoever ends the attempt is worth knowing; where the system does not tell, nothing is lost.
    #[cfg(target_os = "linux")]
    let _ = icmp::keep(&socket, to);
    Ok(socket)
}

/// Marks packets as `ssh` does (misc.c, set_sock_tos).
#[cfg(unix)]
fn mark(socket: &Socket, to: SocketAddr, quality: u8) -> io::Result<()> {
    match to {
        SocketAddr::V4(_) => socket.set_tos_v4(quality.into()),
        SocketAddr::V6(_) => socket.set_tclass_v6(quality.into()),
    }
}

/// Windows leaves marks to its administrators.
#[cfg(not(unix))]
fn mark(_socket: &Socket, _to: SocketAddr, _quality: u8) -> io::Result<()> {
    Ok(())
}

impl OsError {
    /// Whether the address that was to be used here could not be: nothing was sent.
    #[must_use]
    pub fn is_of_local_end(&self) -> bool {
        matches!(self.operation.as_str(), "bind" | GETADDRINFO | GETIFADDRS)
    }

    /// What the system said about one call.
    #[must_use]
    pub fn of(operation: &str, error: &io::Error) -> Self {
        let words = error.to_string();
        // Rust adds the number, which has its own field; `ssh` prints the words alone.
        let message = words.split(" (os error").next().unwrap_or(&words).to_owned();
        Self {
            operation: operation.to_owned(),
            errno: error.raw_os_error(),
            kind: OsErrorKind::of(error.kind()),
            message,
        }
    }
}

impl OsErrorKind {
    /// The same on every system.
    #[must_use]
    pub fn of(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::HostUnreachable => Self::HostUnreachable,
            io::ErrorKind::NetworkUnreachable => Self::NetworkUnreachable,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::AddrNotAvailable => Self::AddressNotAvailable,
            io::ErrorKind::ConnectionReset => Self::ConnectionReset,
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Other,
        }
    }

    /// The name of the code, as in `errno.h`; none for "anything else".
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::ConnectionRefused => Some("ECONNREFUSED"),
            Self::TimedOut => Some("ETIMEDOUT"),
            Self::HostUnreachable => Some("EHOSTUNREACH"),
            Self::NetworkUnreachable => Some("ENETUNREACH"),
            Self::PermissionDenied => Some("EACCES or EPERM"),
            Self::AddressNotAvailable => Some("EADDRNOTAVAIL"),
            Self::ConnectionReset => Some("ECONNRESET"),
            Self::NotFound => Some("ENOENT"),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::evidence::made;

    #[tokio::test]
    async fn the_second_address_connects_after_the_first_refuses() {
        // ::1 and 127.0.0.1 share a port number only by chance, so the refusing address is
        // another one of the loopback net, where nothing listens.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let effective = made::effective(port);
        let addresses = ["127.0.0.9", "127.0.0.1", "127.0.0.2"].map(|a| a.parse().unwrap());
        let (attempts, stream) =
            observe(effective, addresses.to_vec(), TimeLimits::default()).await.unwrap();
        assert!(stream.unwrap().nodelay().unwrap());
        let Outcome::Failed(error) = &attempts.tried[0].outcome else {
            unreachable!("nothing listens there")
        };
        assert_eq!(
            (error.operation.as_str(), error.kind),
            ("connect", OsErrorKind::ConnectionRefused)
        );
        assert!(error.errno.is_some());
        assert!(!error.message.contains("os error"), "{}", error.message);
        assert_eq!(attempts.connected().unwrap().to.ip(), addresses[1]);
        assert_eq!(attempts.untried, [addresses[2]]);
    }

    #[tokio::test]
    async fn an_address_that_is_not_here_fails_at_bind() {
        let effective = Effective { bind_address: Some("192.0.2.7".into()), ..made::effective(22) };
        let to = vec!["127.0.0.1".parse().unwrap()];
        let (attempts, _) = observe(effective, to, TimeLimits::default()).await.unwrap();
        let Outcome::Failed(error) = &attempts.tried[0].outcome else {
            unreachable!("TEST-NET-1 is on no computer")
        };
        assert_eq!(
            (error.operation.as_str(), error.kind),
            ("bind", OsErrorKind::AddressNotAvailable)
        );
    }

    #[tokio::test]
    async fn a_bind_address_of_the_other_family_fails_at_bind() {
        let effective = Effective { bind_address: Some("::1".into()), ..made::effective(22) };
        let to = vec!["127.0.0.1".parse().unwrap()];
        let (attempts, _) = observe(effective, to, TimeLimits::default()).await.unwrap();
        assert!(matches!(&attempts.tried[0].outcome, Outcome::Failed(e)
            if e.is_of_local_end() && e.operation == GETADDRINFO));
    }
}
