//! What `ssh` would do: the effective configuration of a target.
//!
//! Where an OpenSSH client is installed, this is what `ssh -G` prints for the same arguments;
//! without one, ssh2-config reads the files.

use serde::{Deserialize, Serialize};

use super::Seen;
use crate::{case::Plan, text::Foreign};

/// The configuration, and where it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Who told it.
    pub source: Source,
    /// What `ssh` would do, or why it refuses to.
    pub effective: Result<Effective, Refusal>,
    /// The files that `ssh` reads first.
    pub files: Vec<ConfigFile>,
}

/// Who told the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `ssh -G` of an installed OpenSSH client; `version` is what `ssh -V` prints, as in
    /// `OpenSSH_9.2p1 Debian-2+deb12u6`.
    Ssh {
        /// First line of `ssh -V`.
        version: Foreign,
    },
    /// No OpenSSH client was found: the files were read by this program.
    Files,
}

/// `ssh` refuses its configuration or its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What `ssh` printed, a line each.
    pub lines: Vec<Foreign>,
    /// Its exit code.
    pub exit: Option<i32>,
}

/// A configuration file and who may change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Where it is.
    pub path: String,
    /// Owner, on Unix.
    pub owner: Option<u32>,
    /// Mode bits, on Unix.
    pub mode: Option<u32>,
    /// Why it cannot be read, where it is there but cannot.
    pub unreadable: Option<String>,
}

/// Which address families may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressFamily {
    /// Both.
    #[default]
    Any,
    /// IPv4 alone.
    Inet,
    /// IPv6 alone.
    Inet6,
}

/// Where `ssh` looks for an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityAgent {
    /// In `SSH_AUTH_SOCK`.
    #[default]
    Environment,
    /// Nowhere (`IdentityAgent none`).
    None,
    /// At this socket or pipe.
    Socket(String),
}

/// What `ssh` does with a host key that it does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrictHostKeyChecking {
    /// Refuse.
    Yes,
    /// Ask; refuse where nobody can be asked.
    #[default]
    Ask,
    /// Accept a new key, refuse a changed one.
    AcceptNew,
    /// Accept (`no` or `off`).
    No,
}

/// An identity file that `ssh` would try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityPath {
    /// Path, `~` and tokens expanded.
    pub path: String,
    /// Whether somebody named it (`-i`, `IdentityFile`), not one of ssh's default names.
    pub named: bool,
}

/// What `ssh` would do, in `ssh_config(5)`'s words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    /// HostName: the name or address that is connected to.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User.
    pub user: String,
    /// Whether nobody named a user, so that the local one is sent.
    pub user_is_local_default: bool,
    /// AddressFamily.
    pub address_family: AddressFamily,
    /// BindAddress.
    pub bind_address: Option<String>,
    /// BindInterface.
    pub bind_interface: Option<String>,
    /// ConnectTimeout in seconds.
    pub connect_timeout_s: Option<u64>,
    /// IdentityFile, in order.
    pub identity_files: Vec<IdentityPath>,
    /// CertificateFile, in order.
    pub certificate_files: Vec<String>,
    /// IdentitiesOnly.
    pub identities_only: bool,
    /// IdentityAgent.
    pub identity_agent: IdentityAgent,
    /// ForwardAgent.
    pub forward_agent: bool,
    /// PubkeyAuthentication.
    pub pubkey_authentication: bool,
    /// PreferredAuthentications, where set.
    pub preferred_authentications: Option<Vec<String>>,
    /// PubkeyAcceptedAlgorithms; empty where not known.
    pub pubkey_accepted_algorithms: Vec<String>,
    /// HostKeyAlgorithms; empty where not known.
    pub host_key_algorithms: Vec<String>,
    /// KexAlgorithms; empty where not known.
    pub kex_algorithms: Vec<String>,
    /// Ciphers; empty where not known.
    pub ciphers: Vec<String>,
    /// MACs; empty where not known.
    pub macs: Vec<String>,
    /// RequiredRSASize in bits.
    pub required_rsa_size: u32,
    /// UserKnownHostsFile, in order.
    pub user_known_hosts_files: Vec<String>,
    /// GlobalKnownHostsFile, in order.
    pub global_known_hosts_files: Vec<String>,
    /// RevokedHostKeys.
    pub revoked_host_keys: Option<String>,
    /// StrictHostKeyChecking.
    pub strict_host_key_checking: StrictHostKeyChecking,
    /// HostKeyAlias.
    pub host_key_alias: Option<String>,
    /// CheckHostIP.
    pub check_host_ip: bool,
    /// ProxyJump.
    pub proxy_jump: Option<String>,
    /// ProxyCommand.
    pub proxy_command: Option<String>,
    /// BatchMode: nobody is asked for anything.
    pub batch_mode: bool,
    /// PKCS11Provider: keys in it are not examined.
    pub pkcs11_provider: Option<String>,
}

impl Effective {
    /// Whether the connection goes through another host or command.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.proxy_jump.is_some() || self.proxy_command.is_some()
    }
}

/// Asks `ssh -G`, or reads the files.
pub async fn observe(_plan: Plan) -> Seen<Configuration> {
    Err(super::Unseen::Unable("not wired".into()))
}
