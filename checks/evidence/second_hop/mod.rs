//! The second hop of a pair: the destination as it is seen from the source.
//!
//! Only where the plan asks for a copy, or for a service from there. The source is logged in at, and a
//! few commands are run there that read and change nothing ([`there`]). The destination is then seen
//! through a tunnel, by the same probes as any other target; where the source forbids tunnels, by its
//! own `ssh`.

mod names;
mod room;
mod there;

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Evidence, Needed, Seen, Unseen,
    agent::{AgentKeys, AgentState},
    configuration::{Configuration, Effective, IdentityAgent, Source},
    identities::Identities,
    known_hosts::KnownHosts,
    login::{Login, NotOpened, Run},
    session::{self, Session},
};
use crate::{
    case::{Case, Observed, Plan},
    pair::{Part, Role},
    text::Foreign,
};
pub use room::{Entry, Room, Space};
use there::Files;

/// The destination, seen from the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecondHop {
    /// All that is known about it: a case of its own, with the role [`Role::Hop`].
    pub case: Box<Case>,
    /// The file at the source, where one was named.
    pub file: Option<Entry>,
}

/// How the destination was looked at from the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FromSource {
    /// The name that is used, which is the first that leads somewhere.
    pub name: String,
    /// Each name that was tried.
    pub tried: Vec<Tried>,
    /// The keys of the agent, as they are seen there (SHA256).
    pub keys_there: Vec<String>,
    /// Key files that `ssh` there would try too. Nobody looked into them.
    pub own_keys: Vec<Foreign>,
    /// The socket that `ssh` there asks in place of the forwarded agent, where one may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_agent: Option<Foreign>,
    /// What `ssh` there came to, where no tunnel is allowed.
    pub instead: Option<Instead>,
}

/// One name, tried there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The name.
    pub name: String,
    /// What `ssh -G` there came to: it says what `ssh` makes of the name.
    pub client: Run,
    /// What the look-up there came to.
    pub lookup: Option<Run>,
    /// The addresses that it printed.
    pub addresses: Vec<IpAddr>,
    /// The connection from there.
    pub tunnel: Tunnel,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
}

impl Tried {
    /// Whether the source gets somewhere by this name, as far as can be seen.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.tunnel, Tunnel::Open | Tunnel::NotDirect)
            || self.tunnel.is_forbidden() && !self.addresses.is_empty()
    }

    /// Whether both lead to one address for certain.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.addresses.iter().any(|address| other.addresses.contains(address))
    }

    /// Whether the name leads back to the source.
    #[must_use]
    pub fn is_itself(&self) -> bool {
        !self.addresses.is_empty() && self.addresses.iter().all(IpAddr::is_loopback)
    }
}

/// What came of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tunnel {
    /// The source has connected.
    Open,
    /// It did not: why.
    NotOpened(NotOpened),
    /// It has neither connected nor said that it cannot.
    NoAnswer {
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// The conversation with the source ended.
    Lost,
    /// It was not tried, since `ssh` there goes another way (a jump host or proxy command).
    NotDirect,
    /// It was not tried, since another name is used.
    NotNeeded,
    /// The time for the whole run was over.
    OutOfTime,
    /// Ctrl-C.
    Interrupted,
}

impl Tunnel {
    /// Whether the source says that nobody may go through it, whatever the goal.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::NotOpened(no) if no.reason != "connect-failed")
    }
}

/// `ssh` there, with a command that changes nothing, and one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instead {
    /// The command.
    pub run: Run,
    /// The lines with which it told how far it got.
    pub said: Vec<Foreign>,
    /// How many signatures it was given.
    pub signatures: u32,
}

impl Instead {
    /// Whether it got in, and where a host was to be used, ran the command. A service that greets in
    /// place of giving a shell may end with any status.
    #[must_use]
    pub fn works(&self, part: Option<&Part>) -> bool {
        let service = part.is_some_and(|part| !part.is_copy());
        let let_in = || self.said.iter().any(|line| line.raw().contains("Authenticated to "));
        self.run.is_success() || service && let_in()
    }
}

impl FromSource {
    /// The name that is used.
    #[must_use]
    pub fn used(&self) -> Option<&Tried> {
        self.tried.iter().find(|tried| tried.name == self.name)
    }
}

impl Evidence {
    /// The destination of a pair, as it is seen from the source: after a login there.
    pub async fn second_hop(&self) -> &Seen<SecondHop> {
        self.second_hop
            .once(&self.limits, || async {
                let part = self.plan.pair.as_ref().filter(|part| part.role == Role::Source);
                let part = part.ok_or(Unseen::Needs(Needed::Login))?;
                if !self.login().await.as_ref().is_ok_and(Login::has_session) {
                    return Err(Unseen::Needs(Needed::Login));
                }
                let keys_there = match self.forwarding().await {
                    Ok(forwarding) => forwarding.keys_there.clone(),
                    Err(_) => Vec::new(),
                };
                let agent = self.agent().await.as_ref().ok().cloned();
                // OpenSSH takes the wish once on a connection, and then forwards in all its sessions.
                let told = self.handshake().await.as_ref().ok();
                let told = told.and_then(|handshake| handshake.identification.as_ref());
                let is_openssh = told.is_some_and(|id| id.software.raw().starts_with("OpenSSH"));
                let software = told.map(|id| id.line.clone());
                let session = self.live.session.lock().await;
                let session = session.as_ref().ok_or(Unseen::Needs(Needed::Handshake))?;
                let look = Look {
                    evidence: self,
                    session,
                    part,
                    agent: agent.unwrap_or_else(AgentKeys::none),
                    keys_there,
                    asks_again: !is_openssh,
                    software,
                    answer: self.answer_limit(),
                };
                Ok(look.whole().await)
            })
            .await
    }

    /// How the destination was looked at from the source: it is there before anything else.
    pub async fn from_source(&self) -> &Seen<FromSource> {
        let none = || async { Err(Unseen::Needs(Needed::Login)) };
        self.from_source.once(&self.limits, none).await
    }
}

/// One look at a destination, from the source.
struct Look<'e> {
    evidence: &'e Evidence,
    session: &'e Session,
    part: &'e Part,
    agent: AgentKeys,
    keys_there: Vec<String>,
    /// Whether the server wants to be asked for the agent in each session.
    asks_again: bool,
    /// What the server of the source calls itself.
    software: Option<Foreign>,
    answer: Duration,
}

impl Look<'_> {
    async fn whole(&self) -> SecondHop {
        let file = match &self.part.file {
            Some(file) => Some(self.entry(file).await),
            None => None,
        };
        let profile = match &self.part.service {
            Some(service) => (**service).clone(),
            None => self.evidence.plan.profile_for(&self.part.destination.host).clone(),
        };
        let short = profile.short_name(&self.part.destination.host);
        let (looked, used) = self.names(short, profile.domain.is_some()).await;
        let tried = looked.iter().map(|looked| looked.tried.clone()).collect();
        let used = looked.into_iter().nth(used);
        let name = used.as_ref().map(|used| used.tried.name.clone()).unwrap_or_default();
        let (effective, stream, files) =
            used.map(|used| (used.effective, used.stream, used.files)).unwrap_or_default();
        let Files { known, own_keys, own_agent } = files.unwrap_or_default();
        let keys_there = self.keys_there.clone();
        let mut from = FromSource { name, tried, keys_there, own_keys, own_agent, instead: None };
        let used = from.used().map(|used| &used.tunnel);
        if let Some(effective) = &effective
            && used.is_some_and(|t| t.is_forbidden() || *t == Tunnel::NotDirect)
        {
            from.instead = Some(self.instead(&from.name, effective, &known).await);
        }
        let case = Box::new(
            self.examine(
                profile,
                from,
                effective,
                known,
                stream,
                file.as_ref().and_then(|file| file.size),
            )
            .await,
        );
        SecondHop { case, file }
    }

    /// The same checks as for any other target, through the tunnel.
    async fn examine(
        &self,
        profile: crate::profile::Profile,
        from: FromSource,
        effective: Option<Effective>,
        known: KnownHosts,
        stream: Option<session::TunnelStream>,
        size: Option<u64>,
    ) -> Case {
        let (end, own) = (&self.part.destination, &self.evidence.plan);
        let user = effective.as_ref().map(|e| e.user.clone()).or_else(|| end.user.clone());
        let plan = Plan {
            input: match &user {
                Some(user) => format!("{user}@{}", from.name),
                None => from.name.clone(),
            },
            host: from.name.clone(),
            user,
            port: end.port,
            ssh_options: Vec::new(),
            wants_forwarding: false,
            profile: Some(profile),
            through: false,
            egress: false,
            login: self.part.file.is_some() || !self.part.is_copy(),
            pair: Some(Box::new(Part {
                role: Role::Hop,
                size,
                software: self.software.clone(),
                ..self.part.clone()
            })),
            ..own.clone()
        };
        let mut case = Case::unobserved(plan, self.evidence.started_at);
        let source = Source::Ssh { version: Foreign::default() };
        let configuration = effective
            .map(|effective| Configuration { source, effective: Ok(effective), files: Vec::new() })
            .ok_or(Unseen::Needs(Needed::ClientThere));
        case.configuration = self.seen(configuration);
        case.known_hosts = self.seen(Ok(known));
        case.from_source = self.seen(Ok(from));
        // Which files hold keys there is known; nobody looked into them.
        case.identities = self.seen(Ok(Identities::default()));
        let asked = case.effective().map(|effective| effective.identity_agent.clone());
        case.agent = self.seen(Ok(self.forwarded_agent(&asked.unwrap_or_default())));
        case.agent_for_host = self.seen(Err(Unseen::Needs(Needed::DirectWay)));
        // It is about this computer, from which nothing goes there.
        case.machine = self.seen(Err(Unseen::Needs(Needed::DirectWay)));
        let evidence = Evidence::limited(case, self.evidence.limits.clone());
        *evidence.live.tunnelled.lock().await = stream;
        // The room belongs to the copy as a whole; it is looked at before the goodbye.
        if self.part.file.is_some() {
            evidence.room().await;
        }
        crate::examine(&evidence, |_| true, |_, _| {}).await.case
    }

    fn seen<T>(&self, seen: Seen<T>) -> Option<Observed<T>> {
        let started_ms = self.evidence.limits.elapsed_ms();
        Some(Observed { started_ms, duration_ms: 0, seen })
    }

    /// The agent as `ssh` there uses it: the keys that were seen there, where it asks that agent.
    fn forwarded_agent(&self, asked: &IdentityAgent) -> AgentKeys {
        if *asked != IdentityAgent::Environment {
            return AgentKeys { state: AgentState::Disabled, ..AgentKeys::none() };
        }
        let keys = self.agent.keys().iter();
        let keys = keys.filter(|key| self.keys_there.contains(&key.sha256)).cloned().collect();
        AgentKeys { state: AgentState::Keys(keys), others: Vec::new(), ..self.agent.clone() }
    }
}
