//! What is observed, each thing once, shared by whoever needs it.
//!
//! All input and output is in this folder, and no judgement. The order of work follows from the
//! demand: whoever asks for a fact causes the ones that it needs.

#![allow(clippy::disallowed_methods, reason = "this folder is the one that looks at the world")]

pub mod agent;
pub mod configuration;
pub mod connection;
mod dns_query;
pub mod egress;
mod fact;
pub mod forwarding;
pub mod handshake;
pub mod hop;
pub mod icmp;
pub mod identities;
pub mod key;
pub mod known_hosts;
pub mod local_end;
pub mod login;
pub mod machine;
#[cfg(test)]
pub(crate) mod made;
pub mod made_up_name;
pub mod name_servers;
pub mod nearby;
pub mod password;
mod password_access;
pub mod person;
pub mod proxy;
pub mod queries;
pub mod resolution;
pub mod second_hop;
mod session;
pub mod sftp;
pub mod source;
pub mod traceroute;
mod way;
mod zone;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use fact::{Fact, Limits, Needed, Seen, Unseen};

use crate::{
    case::{Case, Plan},
    host_trust, negotiation, offers, passage,
    profile::Profile,
};
use configuration::{Configuration, Effective};
use person::Person;
use way::Stream;

/// All evidence about one target: a [`Fact`] for each field of [`Case`].
#[derive(Debug)]
pub struct Evidence {
    plan: Plan,
    started_at: jiff::Timestamp,
    limits: Limits,
    shared: hop::Shared,
    person: Option<Arc<dyn Person>>,
    /// For the one login that somebody asked for.
    password: Option<std::sync::Arc<crate::password::Password>>,
    /// The log that all of this was read from.
    log: Option<crate::explain::Log>,
    live: Live,
    machine: Fact<machine::Machine>,
    configuration: Fact<Configuration>,
    hop: Fact<hop::Hop>,
    proxy: Fact<proxy::Proxy>,
    proxy_end: Fact<proxy::ProxyEnd>,
    resolution: Fact<resolution::Resolution>,
    name_servers: Fact<name_servers::NameServers>,
    nearby: Fact<nearby::Nearby>,
    attempts: Fact<connection::Attempts>,
    traceroute: Fact<traceroute::Traceroute>,
    made_up_names: Fact<made_up_name::MadeUpNames>,
    source: Fact<source::Source>,
    egress: Fact<egress::Egress>,
    handshake: Fact<handshake::Handshake>,
    known_hosts: Fact<known_hosts::KnownHosts>,
    identities: Fact<identities::Identities>,
    agent: Fact<agent::AgentKeys>,
    agent_for_host: Fact<agent::AgentForHost>,
    queries: Fact<queries::Queries>,
    login: Fact<login::Login>,
    forwarding: Fact<forwarding::Forwarding>,
    password_login: Fact<password::PasswordLogin>,
    sftp: Fact<sftp::SftpSession>,
    second_hop: Fact<second_hop::SecondHop>,
    from_source: Fact<second_hop::FromSource>,
    room: Fact<second_hop::Room>,
}

/// What cannot be written down: the one connection, handed from probe to probe.
#[derive(Debug, Default)]
struct Live {
    stream: Mutex<Option<tokio::net::TcpStream>>,
    /// Where the way is not direct: what the command relays, and the command.
    relayed: Mutex<Option<proxy::Stream>>,
    /// Where the way leads through the source of a copy: the tunnel.
    tunnelled: Mutex<Option<session::TunnelStream>>,
    running: Mutex<Option<proxy::Running>>,
    /// Held from the start of that command until keys are exchanged through it, or it has failed.
    turn: Mutex<Option<tokio::sync::OwnedSemaphorePermit>>,
    session: Mutex<Option<session::Session>>,
}

impl Evidence {
    /// Evidence that is observed when it is asked for.
    #[must_use]
    pub fn live(plan: Plan, cut: CancellationToken) -> Self {
        Self::of(Case::unobserved(plan, jiff::Timestamp::now()), cut, false)
    }

    /// Evidence of a recorded case. What was not observed then is not observed now.
    #[must_use]
    pub fn recorded(case: Case) -> Self {
        let cut = CancellationToken::new();
        cut.cancel();
        Self::of(case, cut, true)
    }

    /// The same, beside other targets, which may have jump hosts in common with this one.
    #[must_use]
    pub fn beside(self, shared: &hop::Shared) -> Self {
        Self { shared: shared.clone(), ..self }
    }

    /// The same, with somebody who can be asked for a passphrase.
    #[must_use]
    pub fn with(self, person: Arc<dyn Person>) -> Self {
        Self { person: Some(person), ..self }
    }

    fn of(case: Case, cut: CancellationToken, recorded: bool) -> Self {
        let began = Instant::now();
        let until = began + Duration::from_millis(case.plan.limits.total_ms);
        Self::limited(case, Limits { began, until, cut, recorded })
    }

    fn limited(case: Case, limits: Limits) -> Self {
        Self {
            plan: case.plan,
            started_at: case.started_at,
            limits,
            shared: hop::Shared::default(),
            person: None,
            password: None,
            log: case.log,
            live: Live::default(),
            machine: Fact::new(case.machine),
            configuration: Fact::new(case.configuration),
            hop: Fact::new(case.hop),
            proxy: Fact::new(case.proxy),
            proxy_end: Fact::new(case.proxy_end),
            resolution: Fact::new(case.resolution),
            name_servers: Fact::new(case.name_servers),
            nearby: Fact::new(case.nearby),
            attempts: Fact::new(case.attempts),
            traceroute: Fact::new(case.traceroute),
            made_up_names: Fact::new(case.made_up_names),
            source: Fact::new(case.source),
            egress: Fact::new(case.egress),
            handshake: Fact::new(case.handshake),
            known_hosts: Fact::new(case.known_hosts),
            identities: Fact::new(case.identities),
            agent: Fact::new(case.agent),
            agent_for_host: Fact::new(case.agent_for_host),
            queries: Fact::new(case.queries),
            login: Fact::new(case.login),
            forwarding: Fact::new(case.forwarding),
            password_login: Fact::new(case.password_login),
            sftp: Fact::new(case.sftp),
            second_hop: Fact::new(case.second_hop),
            from_source: Fact::new(case.from_source),
            room: Fact::new(case.room),
        }
    }

    /// All that was observed by now.
    #[must_use]
    pub fn case(&self) -> Case {
        Case {
            plan: self.plan.clone(),
            started_at: self.started_at,
            machine: self.machine.observed().cloned(),
            configuration: self.configuration.observed().cloned(),
            hop: self.hop.observed().cloned(),
            proxy: self.proxy.observed().cloned(),
            proxy_end: self.proxy_end.observed().cloned(),
            resolution: self.resolution.observed().cloned(),
            name_servers: self.name_servers.observed().cloned(),
            nearby: self.nearby.observed().cloned(),
            attempts: self.attempts.observed().cloned(),
            traceroute: self.traceroute.observed().cloned(),
            made_up_names: self.made_up_names.observed().cloned(),
            source: self.source.observed().cloned(),
            egress: self.egress.observed().cloned(),
            handshake: self.handshake.observed().cloned(),
            known_hosts: self.known_hosts.observed().cloned(),
            identities: self.identities.observed().cloned(),
            agent: self.agent.observed().cloned(),
            agent_for_host: self.agent_for_host.observed().cloned(),
            queries: self.queries.observed().cloned(),
            log: self.log.clone(),
            login: self.login.observed().cloned(),
            forwarding: self.forwarding.observed().cloned(),
            password_login: self.password_login.observed().cloned(),
            sftp: self.sftp.observed().cloned(),
            second_hop: self.second_hop.observed().cloned(),
            from_source: self.from_source.observed().cloned(),
            room: self.room.observed().cloned(),
        }
    }

    /// What was asked.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The log from which all of this was read, where it was one.
    pub fn log(&self) -> Option<&crate::explain::Log> {
        self.log.as_ref()
    }

    /// When the run began (UTC): the moment at which validity is judged.
    pub fn started_at(&self) -> jiff::Timestamp {
        self.started_at
    }

    /// Time and Ctrl-C.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// This computer and its user.
    pub async fn machine(&self) -> &Seen<machine::Machine> {
        self.machine.once(&self.limits, || self.limits.hold(machine::observe())).await
    }

    /// What `ssh` would do, or its refusal.
    pub async fn configuration(&self) -> &Seen<Configuration> {
        self.configuration
            .once(&self.limits, || async {
                let machine = self.machine().await.clone()?;
                self.limits.hold(configuration::observe(self.plan.clone(), machine)).await
            })
            .await
    }

    /// What `ssh` would do.
    ///
    /// # Errors
    /// That there is none, because it was not seen or `ssh` refuses it.
    pub async fn effective(&self) -> Result<&Effective, Unseen> {
        let configuration = match self.configuration().await {
            Ok(configuration) => configuration,
            Err(Unseen::NotInLog) => return Err(Unseen::NotInLog),
            Err(_) => return Err(Unseen::Needs(Needed::Configuration)),
        };
        configuration.effective.as_ref().map_err(|_| Unseen::Needs(Needed::Configuration))
    }

    /// The profile of this target.
    pub async fn profile(&self) -> &Profile {
        let host = self.effective().await.map_or(self.plan.host.as_str(), |e| e.host.as_str());
        self.plan.profile_for(host)
    }

    /// What the system's resolver says.
    pub async fn resolution(&self) -> &Seen<resolution::Resolution> {
        self.resolution
            .once(&self.limits, || async {
                let effective = self.direct().await?;
                let (servers, limits) = (self.plan.name_servers.clone(), self.plan.limits);
                let first = resolution::observe(effective.clone(), servers.clone(), limits);
                let found = self.limits.hold(first).await?;
                if !found.is_unanswered() || !self.name_server_tells(&effective).await {
                    return Ok(found);
                }
                self.limits.hold(resolution::again(found, effective, servers, limits)).await
            })
            .await
    }

    /// How long one answer of a server is waited for.
    fn answer_limit(&self) -> Duration {
        Duration::from_millis(self.plan.limits.answer_ms)
    }

    /// How far the server's key is trusted; none where it, or the known ones, were not seen.
    fn trust(
        &self,
        known: &Seen<known_hosts::KnownHosts>,
        handshake: &handshake::Handshake,
        effective: &Effective,
    ) -> Option<host_trust::Trust> {
        let known = known.as_ref().ok()?;
        host_trust::in_handshake(handshake, known, effective, self.started_at)
    }

    /// Whether a name server, asked directly, has an address that may be used, or none.
    async fn name_server_tells(&self, effective: &Effective) -> bool {
        let Ok(servers) = self.name_servers().await else { return false };
        let may_be_used = |ip| effective.address_family.allows(ip);
        servers.addresses().into_iter().any(may_be_used)
            || servers
                .answers()
                .any(|(_, answer)| answer.code == name_servers::AnswerCode::NxDomain)
    }

    /// What each name server says.
    pub async fn name_servers(&self) -> &Seen<name_servers::NameServers> {
        self.name_servers
            .once(&self.limits, || async {
                let effective = self.direct().await?;
                let servers = self.plan.name_servers.clone();
                self.limits.hold(name_servers::observe(effective, servers, self.plan.limits)).await
            })
            .await
    }

    /// Names near the one that does not exist.
    pub async fn nearby(&self) -> &Seen<nearby::Nearby> {
        self.nearby
            .once(&self.limits, || async {
                let effective = self.direct().await?;
                let profile = self.plan.profile_meant(&effective.host, &effective.user);
                let configuration = self.configuration().await.clone()?;
                let (profile, instead) = (profile.clone(), self.plan.name_servers.clone());
                let limits = self.plan.limits;
                let probe = nearby::observe(profile, effective, configuration, instead, limits);
                self.limits.hold(probe).await
            })
            .await
    }

    /// Connections that were tried.
    pub async fn attempts(&self) -> &Seen<connection::Attempts> {
        self.attempts
            .once(&self.limits, || async {
                let effective = self.direct().await?;
                let Ok(resolution) = self.resolution().await else {
                    return Err(Unseen::Needs(Needed::Address));
                };
                let Ok(addresses) = resolution.outcome.clone() else {
                    return Err(Unseen::Needs(Needed::Address));
                };
                let probe = connection::observe(effective, addresses, self.plan.limits);
                let (attempts, stream) = self.limits.hold(probe).await?;
                *self.live.stream.lock().await = stream;
                Ok(attempts)
            })
            .await
    }

    /// Where on the way connections end: only looked at where none was made, since it knocks again.
    pub async fn traceroute(&self) -> &Seen<traceroute::Traceroute> {
        self.traceroute
            .once(&self.limits, || async {
                let attempts = self.attempts().await.clone()?;
                let Some(to) = attempts.unanswered() else {
                    return Err(Unseen::Needs(Needed::Failure));
                };
                let ports = self.profile().await.control_ports.clone();
                // From another address another answer may come: a server may let that one in.
                let effective = self.effective().await?;
                let from = local_end::local_end(effective, to.ip(), self.plan.limits).await;
                let from = from.map_err(|_| Unseen::Needs(Needed::Failure))?;
                self.limits.hold(traceroute::observe(to, from, ports)).await
            })
            .await
    }

    /// What a name server says about made-up names: only asked where no connection was made, since
    /// then the address is in doubt.
    pub async fn made_up_names(&self) -> &Seen<made_up_name::MadeUpNames> {
        self.made_up_names
            .once(&self.limits, || async {
                if self.attempts().await.clone()?.unanswered().is_none() {
                    return Err(Unseen::Needs(Needed::Failure));
                }
                let host = self.effective().await?.host.clone();
                let servers = self.name_servers().await.clone()?;
                self.limits.hold(made_up_name::observe(host, servers, self.plan.limits)).await
            })
            .await
    }

    /// Where connections to the host start: asks the routing table, and sends nothing.
    pub async fn source(&self) -> &Seen<source::Source> {
        self.source
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                if effective.is_proxied() {
                    return Err(Unseen::Needs(Needed::Connection));
                }
                let addresses = self.resolution().await.clone()?.outcome;
                let addresses = addresses.map_err(|_| Unseen::Needs(Needed::Address))?;
                self.limits.hold(source::observe(effective, addresses, self.plan.limits)).await
            })
            .await
    }

    /// The public address of this network, of those whom the profile names: only asked for where
    /// the plan says so.
    pub async fn egress(&self) -> &Seen<egress::Egress> {
        self.egress
            .once(&self.limits, || async {
                let ways = self.source().await.clone()?.ways;
                let mut families: Vec<bool> = ways
                    .iter()
                    .filter(|way| way.from.is_ok() && !way.to.is_loopback())
                    .map(|way| way.to.is_ipv4())
                    .collect();
                families.sort_unstable();
                families.dedup();
                let askers = self.profile().await.askers().to_vec();
                self.limits.hold(egress::observe(askers, families, self.plan.limits)).await
            })
            .await
    }

    /// Whether the connection goes to an address whose key `ssh` does not check.
    async fn waives_host_key(&self, effective: &Effective) -> bool {
        // The address is only waited for where it matters.
        if !effective.no_host_authentication_for_localhost {
            return false;
        }
        let attempts = self.attempts().await.as_ref().ok();
        let connected = attempts.and_then(connection::Attempts::connected);
        connected.is_some_and(|attempt| effective.waives_host_key(attempt.to.ip()))
    }

    /// What is known of the server's key.
    pub async fn known_hosts(&self) -> &Seen<known_hosts::KnownHosts> {
        self.known_hosts
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                let waived = self.waives_host_key(&effective).await;
                let known = self.limits.hold(known_hosts::observe(effective)).await?;
                Ok(known_hosts::KnownHosts { waived, ..known })
            })
            .await
    }

    /// Key files.
    pub async fn identities(&self) -> &Seen<identities::Identities> {
        self.identities
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                self.limits.hold(identities::observe(effective)).await
            })
            .await
    }

    /// Keys in the agent.
    pub async fn agent(&self) -> &Seen<agent::AgentKeys> {
        self.agent
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                self.limits.hold(agent::observe(effective, self.plan.limits)).await
            })
            .await
    }

    /// What the agent shows to this host, once the host has proven itself in the exchange of keys.
    pub async fn agent_for_host(&self) -> &Seen<agent::AgentForHost> {
        self.agent_for_host
            .once(&self.limits, || async {
                let (handshake, agent) = join(self.handshake(), self.agent()).await;
                let binding = match self.live.session.lock().await.as_ref() {
                    Some(session) => session.agent_binding(),
                    None => None,
                };
                let (Ok(_), Ok(agent), Some(binding)) = (handshake, agent, binding) else {
                    return Err(Unseen::Needs(Needed::Handshake));
                };
                self.limits.hold(agent::observe_for_host(agent.clone(), binding)).await
            })
            .await
    }

    /// The conversation up to the exchange of keys, on the connection that was made.
    pub async fn handshake(&self) -> &Seen<handshake::Handshake> {
        self.handshake
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                if effective.unexpandable.is_some() {
                    // ssh ends as soon as it is connected.
                    return Err(Unseen::Needs(Needed::Configuration));
                }
                let (stream, known) = join(self.stream(&effective), self.known_hosts()).await;
                let stream = stream.ok_or(Unseen::Needs(Needed::Connection))?;
                // ssh asks first for the type of host key that it knows; so do we.
                let algorithms = match known {
                    Ok(known) => host_trust::preferred_algorithms(&effective, known),
                    Err(_) => effective.host_key_algorithms.clone(),
                };
                let mut answer = self.answer_limit();
                if effective.is_proxied() {
                    // A login at each jump host comes first, and some servers take their time.
                    let hops = self.hop.observed().and_then(|hop| hop.seen.as_ref().ok());
                    let hops = hops.map_or(1, |hop| 1 + passage::hops(&hop.case).len());
                    answer = answer.saturating_mul(u32::try_from(1 + hops).unwrap_or(2));
                }
                if let Some(seconds) = effective.connect_timeout_s {
                    // It limits the exchange of keys too (ssh_config(5)).
                    answer = answer.min(Duration::from_secs(seconds));
                }
                let (facts, session) = match stream {
                    Stream::Direct(stream) => {
                        let ends = connection::Ends::of(&stream);
                        session::shake_hands(
                            stream,
                            ends,
                            &effective,
                            &algorithms,
                            answer,
                            &self.limits,
                        )
                        .await
                    }
                    Stream::Relayed(stream) => {
                        session::shake_hands(
                            stream,
                            None,
                            &effective,
                            &algorithms,
                            answer,
                            &self.limits,
                        )
                        .await
                    }
                    Stream::Tunnelled(stream) => {
                        session::shake_hands(
                            stream.0,
                            None,
                            &effective,
                            &algorithms,
                            answer,
                            &self.limits,
                        )
                        .await
                    }
                };
                self.live.turn.lock().await.take();
                *self.live.session.lock().await = match session {
                    // Keys were exchanged by methods that ssh may not use: it would have ended.
                    Some(session) if negotiation::do_not_meet(&effective, &facts) => {
                        session.close().await;
                        None
                    }
                    session => session,
                };
                Ok(facts)
            })
            .await
    }

    /// Which keys the server would take, on the same connection; then the goodbye, unless there is
    /// to be a login.
    pub async fn queries(&self) -> &Seen<queries::Queries> {
        self.queries
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                let (handshake, known, identities, agent, for_host) = tokio::join!(
                    self.handshake(),
                    self.known_hosts(),
                    self.identities(),
                    self.agent(),
                    self.agent_for_host()
                );
                let session = self.live.session.lock().await.take();
                let (Ok(handshake), Some(mut session)) = (handshake, session) else {
                    return Err(Unseen::Needs(Needed::Handshake));
                };
                let interactive = self.plan.may_ask(&effective);
                let trust = self.trust(known, handshake, &effective);
                if !host_trust::goes_on(trust.as_ref(), &effective, interactive) {
                    session.close().await;
                    return Err(Unseen::Needs(Needed::TrustedHost));
                }
                let (none, nobody) = (identities::Identities::default(), agent::AgentKeys::none());
                let identities = identities.as_ref().unwrap_or(&none);
                let agent = agent.as_ref().unwrap_or(&nobody).for_host(for_host.as_ref().ok());
                let offers = offers::in_order(&effective, identities, &agent);
                if offers.is_empty() {
                    session.close().await;
                    return Err(Unseen::Needs(Needed::Key));
                }
                let who = session::Asked {
                    user: effective.user.clone(),
                    interactive,
                    truthful: handshake.answers_truthfully(),
                    answer: self.answer_limit(),
                };
                let queries = session::ask(&mut session, who, offers, &self.limits).await;
                if self.plan.login {
                    *self.live.session.lock().await = Some(session);
                } else {
                    session.close().await;
                }
                Ok(queries)
            })
            .await
    }

    /// Ends what is still open, with a goodbye.
    pub async fn close(&self) {
        if self.proxy.observed().is_some() {
            // Whoever asked first may not have asked for this. The box keeps the type of the future
            // short, which holds all that it waits for.
            Box::pin(self.proxy_end()).await;
        }
        if let Some(session) = self.live.session.lock().await.take() {
            session.close().await;
        }
        self.live.relayed.lock().await.take();
        if let Some(running) = self.live.running.lock().await.take() {
            running.stop().await;
        }
    }
}
