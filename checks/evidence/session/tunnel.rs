//! A tunnel through the host to another one (RFC 4254, section 7.2).

use std::time::{Duration, Instant};

use russh::{ChannelStream, client::Msg};

use super::{Session, answer::wait, run::not_opened};
use crate::evidence::{Limits, fact::millis, queries::Broken, second_hop::Tunnel};

/// What goes through a tunnel.
pub struct TunnelStream(pub ChannelStream<Msg>);

impl std::fmt::Debug for TunnelStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TunnelStream")
    }
}

/// Asks the host to connect to another one, by the name that it knows there. Nothing is sent through.
pub async fn tunnel(
    session: &Session,
    to: &str,
    port: u16,
    answer: Duration,
    limits: &Limits,
) -> (Tunnel, u64, Option<TunnelStream>) {
    let began = Instant::now();
    // A server wants to know who asks; ssh -J says the same.
    let opening = session.handle.channel_open_direct_tcpip(to, port.into(), "127.0.0.1", 0);
    let (tunnel, stream) = match wait(opening, answer, limits).await {
        Ok(Ok(channel)) => (Tunnel::Open, Some(TunnelStream(channel.into_stream()))),
        Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
            (Tunnel::NotOpened(not_opened(&reason, session).await), None)
        }
        Ok(Err(_)) | Err(Broken::ServerEnded | Broken::LogEnds) => (Tunnel::Lost, None),
        Err(Broken::Interrupted) => (Tunnel::Interrupted, None),
        Err(Broken::OutOfTime) => (Tunnel::OutOfTime, None),
        Err(Broken::NoAnswer) => {
            let after_ms = u64::try_from(answer.as_millis()).unwrap_or(u64::MAX);
            (Tunnel::NoAnswer { after_ms }, None)
        }
    };
    (tunnel, millis(began), stream)
}
