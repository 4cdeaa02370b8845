//! The way to a target: direct, through jump hosts, or through a proxy command.

use super::{
    Evidence, Limits, Needed, Seen, Unseen, configuration::Effective, handshake::HandshakeEnd, hop,
    proxy,
};
use crate::{
    case::{Case, Plan},
    jump,
    pair::Role,
    passage, relay,
};

/// What a conversation goes over.
pub(super) enum Stream {
    Direct(tokio::net::TcpStream),
    Relayed(proxy::Stream),
    Tunnelled(super::session::TunnelStream),
}

impl Evidence {
    /// Evidence about a jump host of a target, within the limits of the target's run.
    pub(super) fn within(plan: Plan, limits: Limits, shared: hop::Shared) -> Self {
        let case = Case::unobserved(plan, jiff::Timestamp::now());
        Self::limited(case, limits).beside(&shared)
    }

    /// What `ssh` would do, where it connects by itself. A jump host or proxy command does that
    /// elsewhere, with another view of names and addresses, so nothing of it is looked at from here.
    pub(super) async fn direct(&self) -> Result<Effective, Unseen> {
        let effective = self.effective().await?.clone();
        if effective.is_proxied() { Err(Unseen::Needs(Needed::DirectWay)) } else { Ok(effective) }
    }

    /// The jump host next to the target, examined by the same checks.
    pub async fn hop(&self) -> &Seen<hop::Hop> {
        self.hop
            .once(&self.limits, || async {
                let effective = self.effective().await?;
                let plan = jump::plan(&self.plan, effective);
                let plan = plan.ok_or(Unseen::Needs(Needed::JumpHost))?;
                self.shared.hop(plan, self.limits.clone()).await
            })
            .await
    }

    /// The command that carries the conversation, where the way is not a direct one. It is started
    /// where it logs in nowhere, or where that was asked for.
    pub async fn proxy(&self) -> &Seen<proxy::Proxy> {
        self.proxy
            .once(&self.limits, || async {
                let effective = self.effective().await?;
                let hop =
                    if effective.proxy_jump.is_some() { Some(self.hop().await) } else { None };
                let launch = passage::launch(&self.plan, effective, hop)?;
                let command = effective.proxy_command.as_deref().unwrap_or("ssh");
                let program = relay::program(command);
                if hop.is_some() {
                    let shared = self.shared.clone();
                    let turn = self.limits.hold(async move { Ok(shared.turn().await) }).await?;
                    *self.live.turn.lock().await = turn;
                }
                let trouble = match launch {
                    Err(trouble) => Some(trouble),
                    Ok(launch) => match proxy::start(&launch) {
                        Err(error) => Some(proxy::ProxyTrouble::Failed(error)),
                        Ok((stream, running)) => {
                            *self.live.relayed.lock().await = Some(stream);
                            *self.live.running.lock().await = Some(running);
                            None
                        }
                    },
                };
                Ok(proxy::Proxy { program, trouble })
            })
            .await
    }

    /// How that command stood when keys had been exchanged, or the conversation had ended before.
    pub async fn proxy_end(&self) -> &Seen<proxy::ProxyEnd> {
        self.proxy_end
            .once(&self.limits, || async {
                self.proxy().await.as_ref().map_err(Clone::clone)?;
                let handshake = self.handshake().await;
                let ended = handshake
                    .as_ref()
                    .is_ok_and(|h| matches!(h.end, HandshakeEnd::Closed | HandshakeEnd::Failed(_)));
                let mut running = self.live.running.lock().await;
                let running = running.as_mut().ok_or(Unseen::Needs(Needed::Proxy))?;
                Ok(running.stands(ended).await)
            })
            .await
    }

    /// What the conversation goes over: the one connection, or what the command relays.
    pub(super) async fn stream(&self, effective: &Effective) -> Option<Stream> {
        if self.plan.pair.as_ref().is_some_and(|part| part.role == Role::Hop) {
            return self.live.tunnelled.lock().await.take().map(Stream::Tunnelled);
        }
        if effective.is_proxied() {
            self.proxy().await.as_ref().ok()?;
            return self.live.relayed.lock().await.take().map(Stream::Relayed);
        }
        self.attempts().await.as_ref().ok()?;
        self.live.stream.lock().await.take().map(Stream::Direct)
    }
}
