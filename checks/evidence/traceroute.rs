//! Where on the way a connection ends: SYNs that live for a few hops only.
//!
//! On Linux an ordinary `connect` with a small time to live and the error queue (IP_RECVERR) tells
//! which router ended it, or who refused it and how; no privilege is needed. Other systems keep
//! this from programs without privilege.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Seen, connection::OsError};

#[cfg(target_os = "linux")]
mod probe;

/// How far SYNs to the target's port are sent, in hops.
const FARTHEST: u8 = 20;
/// Control ports that are tried at most.
const MOST_CONTROLS: usize = 2;
/// How many hops beyond the refusal the host is looked for.
const BEYOND: u8 = 7;

/// What SYNs met. At most [`FARTHEST`] + [`MOST_CONTROLS`] + [`BEYOND`] + 1 are sent, which is 30.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traceroute {
    /// Where to.
    pub to: SocketAddr,
    /// One for each time to live, rising.
    pub probes: Vec<Probe>,
    /// Other ports of the same host.
    pub controls: Vec<Control>,
}

/// One SYN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Hops that it was allowed.
    pub ttl: u8,
    /// What came back.
    pub answer: Answer,
    /// Milliseconds until then.
    pub took_ms: f64,
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
    /// A connection; it was closed at once.
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

/// An ICMP message (RFC 792, RFC 4443).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icmp {
    /// Who sent it.
    pub from: IpAddr,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
}

/// What a message says, the same for both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The time to live was over: this is a hop on the way.
    Hop,
    /// Forbidden by an administrator.
    Prohibited,
    /// Nothing listens on that port, or a firewall says so.
    PortUnreachable,
    /// The host does not answer its last router.
    HostUnreachable,
    /// No route to the network.
    NetworkUnreachable,
    /// Anything else.
    Other,
}

impl Icmp {
    /// What it says.
    #[must_use]
    pub const fn says(&self) -> Says {
        match (self.from.is_ipv4(), self.kind, self.code) {
            (true, 11, _) | (false, 3, _) => Says::Hop,
            (true, 3, 9 | 10 | 13) | (false, 1, 1 | 5 | 6) => Says::Prohibited,
            (true, 3, 3) | (false, 1, 4) => Says::PortUnreachable,
            (true, 3, 1) | (false, 1, 3) => Says::HostUnreachable,
            (true, 3, 0) | (false, 1, 0) => Says::NetworkUnreachable,
            _ => Says::Other,
        }
    }
}

impl Answer {
    /// Whether it comes from the far end, or from somebody who pretends to be it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Connected | Self::Reset)
    }
}

/// Searches the way to a port, with the control ports of the provider.
#[cfg(target_os = "linux")]
pub async fn observe(to: SocketAddr, control_ports: Vec<u16>) -> Seen<Traceroute> {
    use futures_util::future::{join, join_all};

    let control_ports = control_ports.into_iter().filter(|port| *port != to.port());
    let control = |port| async move {
        let probe = probe::send(SocketAddr::new(to.ip(), port), None).await;
        Control { port, answer: probe.answer, probes: Vec::new() }
    };
    let probes = (1..=FARTHEST).map(|ttl| probe::send(to, Some(ttl)));
    let controls = control_ports.take(MOST_CONTROLS).map(control);
    let (probes, mut controls) = join(join_all(probes), join_all(controls)).await;
    // Who refuses is told apart by the distance: the host's own answers come from where it is.
    let refused_at = probes.iter().find(|p| p.answer == Answer::Reset).map(|p| p.ttl);
    let host = controls.iter_mut().find(|control| control.answer.is_final());
    if let (Some(refused_at), Some(host)) = (refused_at, host) {
        let at = SocketAddr::new(to.ip(), host.port);
        let around = refused_at.saturating_sub(1).max(1)..=refused_at.saturating_add(BEYOND);
        host.probes = join_all(around.map(|ttl| probe::send(at, Some(ttl)))).await;
    }
    Ok(Traceroute { to, probes, controls })
}

/// This system tells programs without privilege nothing about the way.
#[cfg(not(target_os = "linux"))]
pub async fn observe(_to: SocketAddr, _control_ports: Vec<u16>) -> Seen<Traceroute> {
    Err(super::Unseen::Unable(format!(
        "where on the way it ends cannot be seen on {} without privilege",
        std::env::consts::OS
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_families() {
        let icmp = |from: &str, kind, code| Icmp { from: from.parse().unwrap(), kind, code }.says();
        assert_eq!(icmp("192.0.2.1", 11, 0), Says::Hop);
        assert_eq!(icmp("2001:db8::1", 3, 0), Says::Hop);
        assert_eq!(icmp("192.0.2.1", 3, 13), Says::Prohibited);
        assert_eq!(icmp("2001:db8::1", 1, 1), Says::Prohibited);
        assert_eq!(icmp("192.0.2.1", 3, 1), Says::HostUnreachable);
        assert_eq!(icmp("192.0.2.1", 5, 1), Says::Other);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_port_of_this_computer_refuses_at_the_first_hop() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = free.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let found = observe(closed, vec![open.port(), closed.port()]).await.unwrap();
        assert_eq!(found.probes.len(), usize::from(FARTHEST));
        assert!(found.probes.iter().all(|p| p.answer == Answer::Reset), "{found:?}");
        let [control] = found.controls.as_slice() else { unreachable!("one is the target's") };
        assert_eq!(control.answer, Answer::Connected);
        assert_eq!(control.probes.first().map(|p| p.ttl), Some(1));
    }
}
