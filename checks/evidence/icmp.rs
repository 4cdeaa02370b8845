//! What routers and hosts say about a connection: ICMP messages, as the system hands them out.
//!
//! On Linux the error queue of a socket (IP_RECVERR, ip(7)) tells who ended a connection and how; no
//! privilege is needed. Other systems keep this from programs without privilege.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use serde::{Deserialize, Serialize};
use socket2::Socket;

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
    /// Nothing listens on that port. For TCP a host says this with a reset (RFC 9293, section
    /// 3.5.2), so it is a firewall that says it with a message.
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
            // 2 is "protocol unreachable", with which some firewalls reject too.
            (true, 3, 2 | 9 | 10 | 13) | (false, 1, 1 | 5 | 6) => Says::Prohibited,
            (true, 3, 3) | (false, 1, 4) => Says::PortUnreachable,
            (true, 3, 1 | 5 | 7 | 8 | 12) | (false, 1, 3) => Says::HostUnreachable,
            (true, 3, 0 | 6 | 11) | (false, 1, 0) => Says::NetworkUnreachable,
            _ => Says::Other,
        }
    }
}

/// The address that the routing table would send from; no packet is sent to find out.
#[must_use]
pub fn source_to(to: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = std::net::UdpSocket::bind(any).ok()?;
    // The port does not matter to the routing table; 9 is "discard" (RFC 863).
    socket.connect(super::zone::with_port(to, 9)).ok()?;
    socket.local_addr().ok().map(|from| from.ip())
}

/// Asks the system to keep the messages about a socket.
///
/// # Errors
/// That this system cannot, as a container's may.
#[cfg(target_os = "linux")]
pub(super) fn keep(socket: &Socket, to: SocketAddr) -> io::Result<()> {
    use nix::sys::socket::{
        setsockopt,
        sockopt::{Ipv4RecvErr, Ipv6RecvErr},
    };
    match to {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// On a connection that is made, a passing message must not become an error, as it would for a
/// socket that keeps them (ip(7)).
#[cfg(target_os = "linux")]
pub(super) fn keep_no_more(socket: &impl std::os::fd::AsFd, to: SocketAddr) {
    use nix::sys::socket::{
        setsockopt,
        sockopt::{Ipv4RecvErr, Ipv6RecvErr},
    };
    let _ = match to {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &false),
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &false),
    };
}

/// The message that waits in the error queue.
#[cfg(target_os = "linux")]
pub(super) fn kept(socket: &impl std::os::fd::AsRawFd) -> Option<Icmp> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
    let mut control = vec![0; 512];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let fd = socket.as_raw_fd();
    let received = recvmsg::<SockaddrStorage>(fd, &mut [], Some(&mut control), flags).ok()?;
    received.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, Some(from)) => {
            let from = IpAddr::from(u32::from_be(from.sin_addr.s_addr).to_be_bytes());
            Some(Icmp { from, kind: error.ee_type, code: error.ee_code })
        }
        ControlMessageOwned::Ipv6RecvErr(error, Some(from)) => {
            let from = IpAddr::from(from.sin6_addr.s6_addr);
            Some(Icmp { from, kind: error.ee_type, code: error.ee_code })
        }
        _ => None,
    })
}

/// Connects, and tells what ended it where somebody did.
///
/// # Errors
/// The system's, with the message that caused it where there was one.
#[cfg(target_os = "linux")]
pub(super) async fn connect(
    socket: Socket,
    to: SocketAddr,
) -> Result<tokio::net::TcpStream, (io::Error, Option<Icmp>)> {
    let alone = |error: io::Error| (error, None);
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(e) if e.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32) => {}
        Err(e) => {
            let message = kept(&socket);
            return Err((e, message));
        }
    }
    let stream = tokio::net::TcpStream::from_std(socket.into()).map_err(alone)?;
    // An error wakes those who wait for writing too.
    stream.writable().await.map_err(alone)?;
    match stream.take_error().map_err(alone)? {
        None => Ok(stream),
        Some(error) => {
            let message = kept(&stream);
            Err((error, message))
        }
    }
}

/// Connects; this system does not tell who ended it.
///
/// # Errors
/// The system's.
#[cfg(not(target_os = "linux"))]
pub(super) async fn connect(
    socket: Socket,
    to: SocketAddr,
) -> Result<tokio::net::TcpStream, (io::Error, Option<Icmp>)> {
    let socket = tokio::net::TcpSocket::from_std_stream(socket.into());
    socket.connect(to).await.map_err(|error| (error, None))
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

    #[test]
    fn this_computer_is_reached_from_itself() {
        let at = |to: &str| source_to(to.parse().unwrap());
        assert_eq!(at("127.0.0.1:22"), Some([127, 0, 0, 1].into()));
    }
}
