//! One SYN, and what it met.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{Answer, Probe};
use crate::evidence::{connection::OsError, icmp};

/// How long one SYN may take. The kernel sends it again after a second (RFC 6298, section 2), and
/// each that it repeats would be one more knock.
const LIMIT: Duration = Duration::from_millis(900);

/// Sends one SYN that lives for `ttl` hops, or as long as the system's do; `from` a local end, or
/// from the one that the system chooses.
pub(super) async fn send(to: SocketAddr, from: Option<SocketAddr>, ttl: Option<u8>) -> Probe {
    let began = Instant::now();
    let answer = match tokio::time::timeout(LIMIT, connect(to, from, ttl)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::Failed(error),
        Err(_) => Answer::Silence,
    };
    let took_ms = began.elapsed().as_secs_f64() * 1000.0;
    Probe { ttl: ttl.unwrap_or_default(), answer, took_ms, tries: 1 }
}

/// The operation that fails where a system, or a container, keeps messages of routers to itself.
pub(super) const PREPARE: &str = "setsockopt";

fn socket(to: SocketAddr, from: Option<SocketAddr>, ttl: Option<u8>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A connection that comes about is given up at once, with a reset: it is no visit.
    socket.set_linger(Some(Duration::ZERO))?;
    icmp::keep(&socket, to)?;
    if let Some(from) = from {
        socket.bind(&from.into())?;
    }
    match (to, ttl) {
        (_, None) => {}
        (SocketAddr::V4(_), Some(ttl)) => socket.set_ttl_v4(ttl.into())?,
        (SocketAddr::V6(_), Some(ttl)) => socket.set_unicast_hops_v6(ttl.into())?,
    }
    Ok(socket)
}

async fn connect(
    to: SocketAddr,
    from: Option<SocketAddr>,
    ttl: Option<u8>,
) -> Result<Answer, OsError> {
    let socket = socket(to, from, ttl).map_err(|error| OsError::of(PREPARE, &error))?;
    match icmp::connect(socket, to).await {
        Ok(_) => Ok(Answer::Connected),
        Err((_, Some(message))) => Ok(Answer::Icmp(message)),
        Err((error, None)) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Ok(Answer::Reset),
            io::ErrorKind::TimedOut => Ok(Answer::Silence),
            _ => Err(OsError::of("connect", &error)),
        },
    }
}
