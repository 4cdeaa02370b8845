//! A case: what was asked, and all that was observed. Plain data.
//!
//! A live run fills it, `--record` writes it, `--replay` judges it again with no network, and
//! diagnosis reads nothing else.

use std::net::SocketAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    access::Access,
    evidence::{
        Seen, Unseen,
        agent::{AgentForHost, AgentKeys},
        configuration::{self, Configuration, Effective},
        connection::Attempts,
        egress::Egress,
        forwarding::Forwarding,
        handshake::Handshake,
        hop::Hop,
        identities::Identities,
        known_hosts::KnownHosts,
        login::Login,
        machine::Machine,
        made_up_name::MadeUpNames,
        name_servers::NameServers,
        nearby::Nearby,
        password::PasswordLogin,
        proxy::{Proxy, ProxyEnd},
        queries::Queries,
        resolution::Resolution,
        second_hop::{FromSource, Room, SecondHop},
        sftp::SftpSession,
        source::Source,
        traceroute::Traceroute,
    },
    explain::Log,
    near_names,
    pair::{Part, Role},
    profile::Profile,
    text,
    text::{Text, host, user},
};

/// What was asked for, before anything was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The target as typed.
    pub input: String,
    /// Host as typed: no user, no port, no brackets.
    pub host: String,
    /// User as typed in `user@host`, a URL or `-l`.
    pub user: Option<String>,
    /// Port as typed in a URL or `-p`.
    pub port: Option<u16>,
    /// `ssh`'s own options, as they are given to `ssh -G`; the host is not among them.
    pub ssh_options: Vec<String>,
    /// Whether `-A` asked for agent forwarding on the command line.
    pub wants_forwarding: bool,
    /// Whether somebody is there to type a passphrase or to answer `yes`.
    pub interactive: bool,
    /// Profile named by `--profile`; without it the host decides.
    pub profile: Option<Profile>,
    /// The file of that profile, where `--profile` named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_file: Option<String>,
    /// Profiles of the user's own configuration directory.
    pub own_profiles: Vec<Profile>,
    /// Name servers to ask in place of the system's resolver: for an environment that is made up.
    #[serde(default)]
    pub name_servers: Vec<SocketAddr>,
    /// Whether `--through` asked to go through jump hosts and proxy commands, which logs in there.
    #[serde(default)]
    pub through: bool,
    /// Where a jump host is examined: the targets whose way leads through it, outermost first.
    #[serde(default)]
    pub hop_of: Vec<String>,
    /// Whether somebody outside is to be asked for the public address of this network.
    #[serde(default)]
    pub egress: bool,
    /// Address ranges that the person knows to be registered with the provider.
    #[serde(default)]
    pub allowed: Vec<IpNet>,
    /// Whether `--login` asked for a real login, which signs.
    #[serde(default)]
    pub login: bool,
    /// What this target has to do with a second one, where that is reached from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Box<Part>>,
    /// Which access is examined.
    #[serde(default)]
    pub access: Access,
    /// Limits of time, in milliseconds.
    pub limits: TimeLimits,
}

/// Limits of time, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLimits {
    /// For the whole run.
    pub total_ms: u64,
    /// For one connection attempt, where ssh's ConnectTimeout does not say less.
    pub connect_ms: u64,
    /// For one answer of a server.
    pub answer_ms: u64,
    /// For one question to a name server.
    pub dns_ms: u64,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { total_ms: 45_000, connect_ms: 10_000, answer_ms: 10_000, dns_ms: 5_000 }
    }
}

/// A fact with the time at which it was looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed<T> {
    /// Milliseconds since the run began.
    pub started_ms: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
    /// The fact, or why there is none.
    pub seen: Seen<T>,
}

/// All that is known about one target. `None`: nobody asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What was asked.
    pub plan: Plan,
    /// When the run began (UTC).
    pub started_at: jiff::Timestamp,
    /// This computer and its user.
    pub machine: Option<Observed<Machine>>,
    /// What `ssh` would do.
    pub configuration: Option<Observed<Configuration>>,
    /// The jump host next to the target, where there is one.
    #[serde(default)]
    pub hop: Option<Observed<Hop>>,
    /// The command that carries the conversation, where the way is not a direct one.
    #[serde(default)]
    pub proxy: Option<Observed<Proxy>>,
    /// How that command stood after the conversation.
    #[serde(default)]
    pub proxy_end: Option<Observed<ProxyEnd>>,
    /// What the system's resolver says.
    pub resolution: Option<Observed<Resolution>>,
    /// What each name server says.
    pub name_servers: Option<Observed<NameServers>>,
    /// Names near the one that does not exist.
    pub nearby: Option<Observed<Nearby>>,
    /// Connections that were tried.
    pub attempts: Option<Observed<Attempts>>,
    /// Where on the way connections end, where none was made.
    #[serde(default)]
    pub traceroute: Option<Observed<Traceroute>>,
    /// What a name server says about made-up names, where no connection was made.
    #[serde(default)]
    pub made_up_names: Option<Observed<MadeUpNames>>,
    /// Where connections to the host start.
    #[serde(default)]
    pub source: Option<Observed<Source>>,
    /// The public address of this network, where somebody was to be asked for it.
    #[serde(default)]
    pub egress: Option<Observed<Egress>>,
    /// The conversation up to the exchange of keys.
    pub handshake: Option<Observed<Handshake>>,
    /// What is known of the server's key.
    pub known_hosts: Option<Observed<KnownHosts>>,
    /// Key files.
    pub identities: Option<Observed<Identities>>,
    /// Keys in the agent.
    pub agent: Option<Observed<AgentKeys>>,
    /// What the agent shows to this host.
    #[serde(default)]
    pub agent_for_host: Option<Observed<AgentForHost>>,
    /// Which keys the server would take.
    pub queries: Option<Observed<Queries>>,
    /// The log that all of this was read from, where nothing was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    /// A real login, where the plan asks for it.
    #[serde(default)]
    pub login: Option<Observed<Login>>,
    /// The forwarded agent, seen from the host.
    #[serde(default)]
    pub forwarding: Option<Observed<Forwarding>>,
    /// Of the first of a pair: the second as it is seen from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_hop: Option<Observed<SecondHop>>,
    /// Of the destination as it is seen from the source: how it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_source: Option<Observed<FromSource>>,
    /// Of the destination as it is seen from the source: whether a file may be written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Observed<Room>>,
    /// Whether a login with a password is offered, and how one ended.
    #[serde(default)]
    pub password_login: Option<Observed<PasswordLogin>>,
    /// What an SFTP session showed.
    #[serde(default)]
    pub sftp: Option<Observed<SftpSession>>,
}

/// Facts that make a cause clearer and decide none: without them a verdict stands.
const ASIDE: [&str; 3] = ["made_up_names", "source", "egress"];

macro_rules! seen {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> Option<&$type> {
            self.$name.as_ref().and_then(|o| o.seen.as_ref().ok())
        }
    )*

        /// Why something was not seen, for each item that was asked for and that a verdict may
        /// depend on: name and reason.
        #[must_use]
        pub fn unseen(&self) -> Vec<(&'static str, &Unseen)> {
            let all = [
                $((stringify!($name), self.$name.as_ref().and_then(|o| o.seen.as_ref().err()))),*
            ];
            let counts = |(name, _): &(&str, _)| !ASIDE.contains(name);
            all.into_iter().filter(counts).filter_map(|(name, why)| Some((name, why?))).collect()
        }
    };
}

/// What rules read: the fact where it was seen, else `None`.
impl Case {
    seen! {
        /// This computer and its user.
        machine: Machine,
        /// What `ssh` would do, or its refusal.
        configuration: Configuration,
        /// The jump host next to the target.
        hop: Hop,
        /// The command that carries the conversation.
        proxy: Proxy,
        /// How that command stood after the conversation.
        proxy_end: ProxyEnd,
        /// What the system's resolver says.
        resolution: Resolution,
        /// What each name server says.
        name_servers: NameServers,
        /// Names near the one that does not exist.
        nearby: Nearby,
        /// Connections that were tried.
        attempts: Attempts,
        /// Where on the way connections end.
        traceroute: Traceroute,
        /// What a name server says about made-up names.
        made_up_names: MadeUpNames,
        /// Where connections to the host start.
        source: Source,
        /// The public address of this network.
        egress: Egress,
        /// The conversation up to the exchange of keys.
        handshake: Handshake,
        /// What is known of the server's key.
        known_hosts: KnownHosts,
        /// Key files.
        identities: Identities,
        /// Keys in the agent.
        agent: AgentKeys,
        /// What the agent shows to this host.
        agent_for_host: AgentForHost,
        /// Which keys the server would take.
        queries: Queries,
        /// A real login.
        login: Login,
        /// The forwarded agent, seen from the host.
        forwarding: Forwarding,
        /// The destination of a copy, as it is seen from the source.
        second_hop: SecondHop,
        /// How the destination was looked at from the source.
        from_source: FromSource,
        /// Whether a file may be written at the destination.
        room: Room,
        /// Whether a login with a password is offered, and how one ended.
        password_login: PasswordLogin,
        /// What an SFTP session showed.
        sftp: SftpSession,
    }

    /// A case in which nothing was looked at yet.
    #[must_use]
    pub fn unobserved(plan: Plan, started_at: jiff::Timestamp) -> Self {
        Self {
            plan,
            started_at,
            machine: None,
            configuration: None,
            hop: None,
            proxy: None,
            proxy_end: None,
            resolution: None,
            name_servers: None,
            nearby: None,
            attempts: None,
            traceroute: None,
            made_up_names: None,
            source: None,
            egress: None,
            handshake: None,
            known_hosts: None,
            identities: None,
            agent: None,
            agent_for_host: None,
            queries: None,
            log: None,
            login: None,
            forwarding: None,
            second_hop: None,
            from_source: None,
            room: None,
            password_login: None,
            sftp: None,
        }
    }

    /// The log that all of this was read from.
    #[must_use]
    pub fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// The effective configuration, where `ssh` did not refuse it.
    #[must_use]
    pub fn effective(&self) -> Option<&Effective> {
        self.configuration()?.effective.as_ref().ok()
    }

    /// The port, where it is known: a log may not name it.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match &self.configuration()?.source {
            configuration::Source::Log { names_port: false, .. } => None,
            _ => self.effective().map(|effective| effective.port),
        }
    }

    /// Whether somebody is there to type a passphrase or to answer `yes`, and `ssh` may ask.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.effective().map_or(self.plan.interactive, |e| self.plan.may_ask(e))
    }

    /// The target as one word for a command, as it was typed.
    #[must_use]
    pub fn target(&self) -> Text {
        self.at(&self.plan.host)
    }

    /// The same user at another host, as one word for a command.
    #[must_use]
    pub fn at(&self, name: &str) -> Text {
        match self.effective() {
            Some(e) if !e.user_is_local_default => text![user(&e.user), "@", host(name)],
            _ => text![host(name)],
        }
    }

    /// Whether this is the case of a jump host.
    #[must_use]
    pub fn is_hop(&self) -> bool {
        !self.plan.hop_of.is_empty()
    }

    /// What this case has to do with a copy.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.plan.pair.as_ref().map(|part| part.role)
    }

    /// The same case where nobody is there to type a passphrase or to answer `yes`.
    #[must_use]
    pub fn with_nobody(&self) -> Self {
        let mut case = self.clone();
        case.plan.interactive = false;
        if let Some(Observed { seen: Ok(hop), .. }) = &mut case.hop {
            *hop.case = hop.case.with_nobody();
        }
        case
    }

    /// The profile of this target.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        let host = self.effective().map_or(self.plan.host.as_str(), |e| e.host.as_str());
        self.plan.profile_for(host)
    }
}

/// The value of a word as it follows `-o`, where it sets this option; ssh takes `=` or a space, and upper
/// and lower case as the same.
#[must_use]
pub fn setting<'w>(word: &'w str, option: &str) -> Option<&'w str> {
    let (key, value) = word.split_once(|c: char| c == '=' || c.is_whitespace())?;
    key.trim().eq_ignore_ascii_case(option).then(|| value.trim())
}

impl Plan {
    /// To look at a host as it is typed, with nothing else asked for and nobody there to answer.
    #[must_use]
    pub fn of_host(host: impl Into<String>) -> Self {
        let host = host.into();
        Self {
            input: host.clone(),
            host,
            user: None,
            port: None,
            ssh_options: Vec::new(),
            wants_forwarding: false,
            interactive: false,
            profile: None,
            profile_file: None,
            own_profiles: Vec::new(),
            name_servers: Vec::new(),
            through: false,
            hop_of: Vec::new(),
            egress: false,
            allowed: Vec::new(),
            login: false,
            access: Access::Shell,
            pair: None,
            limits: TimeLimits::default(),
        }
    }

    /// Whether an agent is to be forwarded, by the command line or the configuration.
    #[must_use]
    pub fn forwards(&self, effective: &Effective) -> bool {
        self.wants_forwarding || effective.forward_agent
    }

    /// Whether it is the agent that `ssh` asks; ForwardAgent may name another one.
    #[must_use]
    pub fn forwards_asked_agent(&self, effective: &Effective) -> bool {
        self.forwards(effective) && effective.forward_agent_socket.is_none()
    }

    /// The key files that were named on the command line, as they were typed there.
    pub fn typed_identities(&self) -> impl Iterator<Item = &str> {
        let pairs = self.ssh_options.iter().zip(self.ssh_options.iter().skip(1));
        pairs.filter_map(|(option, value)| match option.as_str() {
            "-i" => Some(value.as_str()),
            "-o" => setting(value, "IdentityFile"),
            _ => None,
        })
    }

    /// Whether an option was typed, by its letter or after `-o`.
    #[must_use]
    pub fn types(&self, letter: &str, key: &str) -> bool {
        let pairs = self.ssh_options.iter().zip(self.ssh_options.iter().skip(1));
        let mut pairs = pairs.map(|(option, value)| (option.as_str(), value));
        pairs.any(|(o, value)| o == letter || (o == "-o" && setting(value, key).is_some()))
    }

    /// Whether this key file was named on the command line.
    #[must_use]
    pub fn is_typed_identity(&self, path: &str) -> bool {
        let below = |typed: &str| {
            let typed = typed.strip_prefix("~/").or(typed.strip_prefix("./")).unwrap_or(typed);
            path == typed || path.ends_with(&format!("/{typed}"))
        };
        self.typed_identities().any(below)
    }

    /// Whether somebody is there to type a passphrase or to answer `yes`, and `ssh` may ask.
    #[must_use]
    pub fn may_ask(&self, effective: &Effective) -> bool {
        self.interactive && !effective.batch_mode
    }

    /// The profile that is valid for an effective host name.
    #[must_use]
    pub fn profile_for(&self, host: &str) -> &Profile {
        if let Some(named) = &self.profile {
            return named;
        }
        let own = self.own_profiles.iter().find(|p| p.matches(host));
        own.unwrap_or_else(|| crate::profile::built_in_for(host))
    }

    /// The profile that somebody probably means: for a name without a domain, the one whose user is
    /// the one that is typed; else one whose domain is nearly the one that is typed.
    #[must_use]
    pub fn profile_meant(&self, host: &str, user: &str) -> &Profile {
        let valid = self.profile_for(host);
        if self.profile.is_some() || valid.domain.is_some() {
            return valid;
        }
        let mut all = self.own_profiles.iter().chain(crate::profile::all_built_in());
        let meant = |p: &&Profile| {
            p.domain.as_ref().is_some_and(|domain| {
                if host.contains('.') {
                    near_names::is_near_domain(host, domain)
                } else {
                    p.has_user(user)
                }
            })
        };
        all.find(meant).unwrap_or(valid)
    }
}
