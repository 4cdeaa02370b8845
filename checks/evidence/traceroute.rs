//! Where on the way a connection ends: SYNs that live for a few hops only.
//!
//! On Linux an ordinary `connect` with a small time to live and the error queue tells which router
//! ended it, or who refused it and how; no privilege is needed.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Seen, connection::OsError, icmp::Icmp};

#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod search;

/// How many SYNs one search may send, to all ports together.
pub const MOST_SYNS: usize = 40;

/// How far they are sent at most, in hops.
pub const FARTHEST: u8 = 20;

/// How often a silent hop is asked before its silence counts: where every tenth try fails (the
/// question and the answer can each be lost), that misleads once in a hundred thousand times.
pub const TRIES: u8 = 5;

/// What SYNs met. At most [`MOST_SYNS`] are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traceroute {
    /// Where to.
    pub to: SocketAddr,
    /// The address of this computer that they were sent from.
    #[serde(default)]
    pub from: Option<IpAddr>,
    /// What one more SYN to the port met, with the usual time to live and without the mark that
    /// `ssh` gives its packets.
    #[serde(default)]
    pub again: Option<Answer>,
    /// One for each time to live, rising.
    pub probes: Vec<Probe>,
    /// Other ports of the same host.
    pub controls: Vec<Control>,
    /// How many SYNs were sent.
    #[serde(default)]
    pub sent: usize,
}

/// One time to live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Hops that the SYN was allowed.
    pub ttl: u8,
    /// What came back.
    pub answer: Answer,
    /// Milliseconds until then.
    pub took_ms: f64,
    /// How many SYNs were sent until something came back.
    #[serde(default)]
    pub tries: u8,
}

/// A port that tells whether the host is up, and how far away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// The port.
    pub port: u16,
    /// What a SYN with the usual time to live met.
    pub answer: Answer,
    /// SYNs around the distance at which the target's port refuses, where it does.
    pub probes: Vec<Probe>,
}

/// What a SYN met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A connection; it was given up at once.
    Connected,
    /// RST: a refusal that names nobody (RFC 9293, section 3.5.2).
    Reset,
    /// A message of a router or host on the way.
    Icmp(Icmp),
    /// Nothing within the limit.
    Silence,
    /// An error of this system.
    Failed(OsError),
}

impl Answer {
    /// Whether it comes from the far end, or from somebody who pretends to be it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Connected | Self::Reset)
    }
}

impl Traceroute {
    /// Whether a SYN of the search connected: the port is open now, at least to packets without the
    /// mark that `ssh` gives its own.
    #[must_use]
    pub fn connects(&self) -> bool {
        let on_the_way = self.probes.iter().map(|probe| &probe.answer);
        on_the_way.chain(&self.again).any(|answer| *answer == Answer::Connected)
    }
}

impl Probe {
    /// Whether nothing came back, asked often enough for that to mean something.
    #[must_use]
    pub fn is_surely_silent(&self) -> bool {
        self.answer == Answer::Silence && self.tries >= TRIES
    }
}

/// Searches the way to a port, with the control ports of the provider. `from`: the local end that
/// the connection was to have.
#[cfg(target_os = "linux")]
pub async fn observe(
    to: SocketAddr,
    from: Option<SocketAddr>,
    control_ports: Vec<u16>,
) -> Seen<Traceroute> {
    search::search(to, from, control_ports).await
}

/// This system tells programs without privilege nothing about the way.
#[cfg(not(target_os = "linux"))]
pub async fn observe(
    _to: SocketAddr,
    _from: Option<SocketAddr>,
    _control_ports: Vec<u16>,
) -> Seen<Traceroute> {
    Err(super::Unseen::Unable(format!(
        "{} tells it to nobody without privilege",
        std::env::consts::OS
    )))
}
