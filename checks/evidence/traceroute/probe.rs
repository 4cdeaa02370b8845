//! One SYN, and what the error queue of its socket tells.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt,
    sockopt::{Ipv4RecvErr, Ipv6RecvErr},
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::{Answer, Icmp, Probe};
use crate::evidence::connection::OsError;

/// How long one SYN may take. The kernel sends it again after a second (RFC 6298, section 2), and
/// each that it repeats would be one more knock.
const LIMIT: Duration = Duration::from_millis(900);

/// Sends one SYN that lives for `ttl` hops, or as long as the system's do.
pub(super) async fn send(to: SocketAddr, ttl: Option<u8>) -> Probe {
    let began = Instant::now();
    let answer = match tokio::time::timeout(LIMIT, connect(to, ttl)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::Failed(OsError::of("connect", &error)),
        Err(_) => Answer::Silence,
    };
    let took_ms = began.elapsed().as_secs_f64() * 1000.0;
    Probe { ttl: ttl.unwrap_or_default(), answer, took_ms }
}

async fn connect(to: SocketAddr, ttl: Option<u8>) -> io::Result<Answer> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A connection that comes about is given up at once, with a reset: it is no visit.
    socket.set_linger(Some(Duration::ZERO))?;
    if to.is_ipv4() {
        setsockopt(&socket, Ipv4RecvErr, &true)?;
        ttl.map_or(Ok(()), |ttl| socket.set_ttl_v4(ttl.into()))?;
    } else {
        setsockopt(&socket, Ipv6RecvErr, &true)?;
        ttl.map_or(Ok(()), |ttl| socket.set_unicast_hops_v6(ttl.into()))?;
    }
    match socket.connect(&to.into()) {
        Ok(()) => return Ok(Answer::Connected),
        Err(e) if e.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32) => {}
        Err(e) => return told(&socket, e),
    }
    let stream = TcpStream::from_std(socket.into())?;
    // An error wakes those who wait for writing too.
    stream.writable().await?;
    match stream.take_error()? {
        None => Ok(Answer::Connected),
        Some(error) => told(&stream, error),
    }
}

/// What is behind an error: a message in the queue, or a bare refusal.
fn told(socket: &impl AsRawFd, error: io::Error) -> io::Result<Answer> {
    if let Some(icmp) = message(socket) {
        return Ok(Answer::Icmp(icmp));
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Ok(Answer::Reset),
        io::ErrorKind::TimedOut => Ok(Answer::Silence),
        _ => Err(error),
    }
}

/// The ICMP message in the error queue (ip(7), IP_RECVERR).
fn message(socket: &impl AsRawFd) -> Option<Icmp> {
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
