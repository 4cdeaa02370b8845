//! The one SSH conversation: handshake, then unsigned queries. Only [`sign`] signs and only
//! [`password`] sends a password, each only where the plan asks for it.

mod answer;
mod forward;
mod login;
mod password;
mod preferences;
mod queries;
mod run;
mod sign;
mod tap;
#[cfg(test)]
mod tests;
mod trail;
mod tunnel;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Names, SshId,
    client::{self, ChannelOpenHandle, DisconnectReason},
    keys::PublicKeyOrCertificate,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Limits,
    configuration::Effective,
    connection::Ends,
    handshake::{Agreed, Disconnect, Handshake, HandshakeEnd},
    key::PublicKeyFacts,
};
use crate::text::Foreign;
pub use answer::wait;
pub use forward::Forwarded;
pub use login::{Candidate, LogIn, log_in};
pub use password::{Wanted, log_in_with_password};
pub use queries::{Asked, ask};
pub use run::{Kept, run, run_and_keep};
use tap::{SharedTrail, Tap};
pub use tunnel::{TunnelStream, tunnel};

/// How this program names itself to servers: honestly.
pub const IDENTIFICATION: &str = concat!("SSH-2.0-ssh-preflight_", env!("CARGO_PKG_VERSION"));

/// A conversation in which keys were exchanged.
pub struct Session {
    handle: client::Handle<Observer>,
    trail: SharedTrail,
    forwarded: Forwarded,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// What tells an agent which host it is about, and proves it.
    pub fn agent_binding(&self) -> Option<russh::keys::agent::AgentSessionBinding> {
        self.handle.agent_session_binding().cloned()
    }

    /// The agent that the host may ask: none, until [`Forwarded::allow`].
    pub fn forwarded(&self) -> &Forwarded {
        &self.forwarded
    }

    /// A channel for a session, once somebody is logged in.
    ///
    /// # Errors
    /// That the server opens none, or is gone.
    pub async fn open(&self) -> Result<russh::Channel<client::Msg>, russh::Error> {
        self.handle.channel_open_session().await
    }

    /// Whether a refusal without methods was the server's word. The library then ends the
    /// conversation, and says so a moment later.
    async fn has_no_methods(&self) -> bool {
        for _ in 0..20 {
            if self.trail.lock().has_no_methods() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Says goodbye (RFC 4253, section 11.1) and waits shortly until it is out.
    pub async fn close(mut self) {
        let bye = self.handle.disconnect(russh::Disconnect::ByApplication, "", "");
        let _ = tokio::time::timeout(Duration::from_millis(500), bye).await;
        let _ = tokio::time::timeout(Duration::from_millis(500), &mut self.handle).await;
        self.trail.hang_up();
    }
}

/// Exchanges keys with the server and tells what was seen on the way.
///
/// `host_key_algorithms` is the list of the configuration in the order in which `ssh` would send
/// it for this host. Each step may take `answer` at most. The trail survives whatever ends it.
/// `ends`: of the connection, where it is one of this computer's own.
pub async fn shake_hands<S>(
    stream: S,
    ends: Option<Ends>,
    effective: &Effective,
    host_key_algorithms: &[String],
    answer: Duration,
    limits: &Limits,
) -> (Handshake, Option<Session>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let trail = SharedTrail::new();
    let config = Arc::new(client::Config {
        client_id: SshId::Standard(IDENTIFICATION.into()),
        preferred: preferences::preferred(effective, host_key_algorithms),
        nodelay: true,
        ..client::Config::default()
    });
    let forwarded = Forwarded::default();
    let observer = Observer { trail: trail.clone(), forwarded: forwarded.clone() };
    let tap = Tap::new(stream, trail.clone());
    let mut talk = tokio::spawn(client::connect_stream(config, tap, observer));

    // Progress is looked at more often than the limit ends, so that a stall is told in time.
    let look = answer / 10;
    let mut reached = (trail.lock().reached(), Instant::now());
    let end = loop {
        tokio::select! {
            biased;
            ended = &mut talk => match ended {
                Ok(Ok(handle)) => {
                    let facts = trail.lock().facts(HandshakeEnd::Complete);
                    return (facts, Some(Session { handle, trail, forwarded }));
                }
                // How the stream ended is told by the stream; the library only says that it did.
                Ok(Err(error)) => {
                    let stream_ended = trail.lock().ended().cloned();
                    break stream_ended.unwrap_or_else(|| HandshakeEnd::Stopped(error.to_string()));
                }
                Err(panic) => break HandshakeEnd::Stopped(panic.to_string()),
            },
            () = limits.cut.cancelled() => break HandshakeEnd::Interrupted,
            () = tokio::time::sleep_until(limits.until.into()) => break HandshakeEnd::OutOfTime,
            () = tokio::time::sleep(look) => {
                let now = trail.lock().reached();
                if now != reached.0 {
                    reached = (now, Instant::now());
                } else if reached.1.elapsed() >= answer {
                    let after_ms = u64::try_from(answer.as_millis()).unwrap_or(u64::MAX);
                    break HandshakeEnd::TimedOut { after_ms };
                }
            }
        }
    };
    if matches!(end, HandshakeEnd::TimedOut { .. } | HandshakeEnd::OutOfTime) {
        // Asked while the connection is still there.
        trail.lock().unacknowledged(ends.and_then(|ends| ends.unacknowledged()));
    }
    talk.abort();
    trail.hang_up();
    let facts = trail.lock().facts(end);
    (facts, None)
}

/// Listens to the library's callbacks. It lets the exchange of keys go through with any host key,
/// since only then does it end cleanly; whether the key is trusted is judged before anything more
/// is asked.
struct Observer {
    trail: SharedTrail,
    forwarded: Forwarded,
}

impl client::Handler for Observer {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let facts = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => PublicKeyFacts::of(key),
            PublicKeyOrCertificate::Certificate(c) => PublicKeyFacts::of_certificate(c, ""),
        };
        let at_us = self.trail.now_us();
        self.trail.lock().host_key(facts, at_us);
        Ok(true)
    }

    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        names: &Names,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let cipher: &str = names.cipher.as_ref();
        let authenticates = cipher.contains("gcm") || cipher.contains("poly1305");
        let mac: &str = names.client_mac.as_ref();
        let agreed = Agreed {
            kex: names.kex.as_ref().to_owned(),
            host_key: names.key.to_string(),
            cipher: cipher.to_owned(),
            mac: (!authenticates).then(|| mac.to_owned()),
        };
        let at_us = self.trail.now_us();
        self.trail.lock().agreed(agreed, at_us);
        Ok(())
    }

    async fn auth_banner(
        &mut self,
        banner: &str,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.trail.lock().banner(Foreign::from_bytes(banner.as_bytes()));
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _channel: ChannelId,
        _reason: ChannelOpenFailure,
        description: &str,
        _language: &str,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let words = Foreign::from_bytes(description.as_bytes());
        self.trail.lock().refused_channel(words);
        Ok(())
    }

    /// A host that opens such a channel without having been allowed to wants something that it has
    /// no right to.
    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<client::Msg>,
        reply: ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        if self.forwarded.is_allowed() {
            reply.accept().await;
            tokio::spawn(self.forwarded.clone().join(channel));
        } else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        }
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<Self::Error>,
    ) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let description = Foreign::from_bytes(info.message.as_bytes());
                let code = info.reason_code as u32;
                self.trail.lock().goodbye(Disconnect { code, description });
                Ok(())
            }
            // The library gives up where the server lists no method at all.
            DisconnectReason::Error(russh::Error::NoAuthMethod) => {
                self.trail.lock().no_methods();
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}
