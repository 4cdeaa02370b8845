//! What `ssh` would do: the effective configuration of a target.
//!
//! Where an OpenSSH client is installed, this is what `ssh -G` prints for the same arguments;
//! without one, ssh2-config reads the files.

use serde::{Deserialize, Serialize};

mod files;
mod scan;
mod ssh_g;

use std::time::Duration;

use super::{Seen, Unseen, handshake::openssh_version, machine::Machine, password::Method};
use crate::{case::Plan, text::Foreign};
use ssh_g::Context;

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
    /// A log, which shows what `ssh` did with it.
    Log {
        /// The client, as the first line of `ssh -v` names it; empty where it does not.
        version: Foreign,
        /// Whether it names the port: what is configured may be another one than the usual.
        #[serde(default = "yes")]
        names_port: bool,
    },
}

impl Source {
    /// Major and minor version of OpenSSH, where it is known.
    #[must_use]
    pub fn openssh(&self) -> Option<(u32, u32)> {
        let Self::Ssh { version } = self else { return None };
        openssh_version(version.raw())
    }
}

/// The name of a key or certificate file that `ssh` cannot fill in. It only notices once it is
/// connected, and ends (`ssh.c`, load_public_identity_files).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unexpandable {
    /// The name as it is set.
    pub path: String,
    /// Whether CertificateFile names it, and not IdentityFile.
    pub certificate: bool,
    /// The variable that has no value, where that is the reason.
    pub variable: Option<String>,
    /// What `ssh` prints, a line each.
    pub lines: Vec<Foreign>,
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

impl ConfigFile {
    /// Whether `ssh` refuses the file since somebody else could change it: it belongs to another
    /// user than this one and root, or others may write to it (readconf.c,
    /// `read_config_file_depth`).
    fn others_could_change_it(&self, uid: Option<u32>) -> bool {
        let another = self.owner.is_some_and(|owner| owner != 0 && Some(owner) != uid);
        another || self.mode.is_some_and(|mode| mode & 0o022 != 0)
    }
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

impl AddressFamily {
    /// Whether an address may be used.
    #[must_use]
    pub const fn allows(self, address: std::net::IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Inet => address.is_ipv4(),
            Self::Inet6 => address.is_ipv6(),
        }
    }
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
    /// Whether `ssh` leaves it out, with all that is beside it: it was typed with `-i`, and there is
    /// no such file (`ssh.c`, main).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
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
    /// IPQoS for interactive sessions: the byte that `ssh` marks its packets with from the first
    /// one on (RFC 2474; the older type of service of RFC 791).
    #[serde(default)]
    pub ip_qos: Option<u8>,
    /// IdentityFile, in order.
    pub identity_files: Vec<IdentityPath>,
    /// CertificateFile, in order.
    pub certificate_files: Vec<String>,
    /// The first of those files whose name cannot be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unexpandable: Option<Unexpandable>,
    /// IdentitiesOnly.
    pub identities_only: bool,
    /// IdentityAgent.
    pub identity_agent: IdentityAgent,
    /// ForwardAgent.
    pub forward_agent: bool,
    /// The socket that ForwardAgent names, or the variable that holds it (`$NAME`); none where the
    /// agent of the login is forwarded.
    #[serde(default)]
    pub forward_agent_socket: Option<String>,
    /// PubkeyAuthentication.
    pub pubkey_authentication: bool,
    /// PasswordAuthentication.
    #[serde(default = "yes")]
    pub password_authentication: bool,
    /// KbdInteractiveAuthentication.
    #[serde(default = "yes")]
    pub kbd_interactive_authentication: bool,
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
    /// KnownHostsCommand, which is never run: it could do anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts_command: Option<String>,
    /// StrictHostKeyChecking.
    pub strict_host_key_checking: StrictHostKeyChecking,
    /// HostKeyAlias.
    pub host_key_alias: Option<String>,
    /// NoHostAuthenticationForLocalhost.
    #[serde(default)]
    pub no_host_authentication_for_localhost: bool,
    /// CheckHostIP.
    pub check_host_ip: bool,
    /// ProxyJump.
    pub proxy_jump: Option<String>,
    /// ProxyCommand.
    pub proxy_command: Option<String>,
    /// ProxyUseFdpass: the proxy command hands over a connection in place of relaying one.
    #[serde(default)]
    pub proxy_use_fdpass: bool,
    /// BatchMode: nobody is asked for anything.
    pub batch_mode: bool,
    /// PKCS11Provider: keys in it are not examined.
    pub pkcs11_provider: Option<String>,
    /// SecurityKeyProvider: what talks to security keys (FIDO), `internal` unless set. Without one,
    /// `ssh` passes over keys that need it.
    #[serde(default = "internal")]
    pub security_key_provider: Option<String>,
}

fn internal() -> Option<String> {
    Some("internal".to_owned())
}

fn yes() -> bool {
    true
}

impl Effective {
    /// Whether the configuration lets `ssh` log in by this method.
    #[must_use]
    pub fn allows(&self, method: Method) -> bool {
        let on = match method {
            Method::Password => self.password_authentication,
            Method::KeyboardInteractive => self.kbd_interactive_authentication,
        };
        let preferred = self.preferred_authentications.as_ref();
        // In BatchMode ssh passes over both (sshconnect2.c, authmethod_is_enabled).
        on && !self.batch_mode
            && preferred.is_none_or(|methods| methods.iter().any(|m| m == method.name()))
    }

    /// Whether `ssh` takes any key of a server at such an address (`sshconnect.c`, check_host_key).
    #[must_use]
    pub fn waives_host_key(&self, address: std::net::IpAddr) -> bool {
        self.no_host_authentication_for_localhost
            && self.host_key_alias.is_none()
            && address.is_loopback()
    }

    /// Whether the connection goes through another host or command.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.proxy_jump.is_some() || self.proxy_command.is_some()
    }
}

/// How long `ssh -G` may take: a `Match exec` in the configuration runs commands.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks `ssh -G`, or reads the files.
pub async fn observe(plan: Plan, machine: Machine) -> Seen<Configuration> {
    let context = Context {
        home: machine.home.unwrap_or_default(),
        user: machine.user.unwrap_or_default(),
        uid: machine.uid,
        host: plan.host.clone(),
        user_named: plan.user.is_some()
            || values(&plan, 'l').next().is_some()
            || values(&plan, 'o').any(|o| key_of(o).eq_ignore_ascii_case("user")),
        named_files: values(&plan, 'i').map(str::to_owned).collect(),
        this_host: this_host(),
        variable: Some(|name| std::env::var(name).ok()),
    };
    let files = config_files(&plan, &context.home);
    let mut version = ssh();
    version.arg("-V");
    let mut effective = ssh();
    effective.arg("-G").args(&plan.ssh_options);
    if let Some(port) = plan.port {
        effective.args(["-p", &port.to_string()]);
    }
    if let Some(user) = &plan.user {
        effective.args(["-l", user]);
    }
    effective.args(["--", &plan.host]);
    let both = async { tokio::join!(version.output(), effective.output()) };
    let Ok((version, output)) = tokio::time::timeout(LIMIT, both).await else {
        return Err(Unseen::Unable("`ssh -G` did not answer within 5 s".into()));
    };
    let output = match output {
        Ok(output) => output,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let effective = files::read(&plan, &files, &context)?;
            return Ok(Configuration { source: Source::Files, effective, files });
        }
        Err(e) => return Err(Unseen::Unable(format!("`ssh -G` cannot be run: {e}"))),
    };
    let version = version.map(|v| v.stderr).unwrap_or_default();
    let version = Foreign::from_bytes(version.split(|b| *b == b'\n').next().unwrap_or_default());
    let source = Source::Ssh { version };
    let effective = if output.status.success() {
        let mut effective = ssh_g::parse(&String::from_utf8_lossy(&output.stdout), &context);
        // At a jump host ssh opens no session, so nothing is forwarded to it.
        effective.forward_agent &=
            plan.hop_of.is_empty() && !turns_forwarding_off(&plan.ssh_options);
        resolve_security_key_provider(&mut effective);
        // Older clients take `${NAME}` as it stands.
        if source.openssh().is_some_and(|version| version < (8, 4)) {
            effective.unexpandable = effective.unexpandable.filter(|no| no.variable.is_none());
        }
        Ok(effective)
    } else if output.status.code().is_none() {
        // Killed: mostly by the Ctrl-C that is about to reach us too, and then is the reason.
        tokio::time::sleep(Duration::from_millis(300)).await;
        return Err(Unseen::Unable("`ssh -G` was ended by a signal".into()));
    } else {
        let lines = complaints(&output.stderr);
        Err(Refusal { lines, exit: output.status.code() })
    };
    Ok(Configuration { source, effective, files })
}

/// What `ssh -G` printed where it found a mistake. That our call has no terminal, of which it tells
/// first, is none.
fn complaints(stderr: &[u8]) -> Vec<Foreign> {
    let lines = stderr.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let is_one =
        |l: &&[u8]| !l.is_empty() && !l.starts_with(b"Pseudo-terminal will not be allocated");
    lines.filter(is_one).take(20).map(Foreign::from_bytes).collect()
}

/// `$VARIABLE` stands for what it holds; one that is not set means: none (`ssh.c`, main).
fn resolve_security_key_provider(effective: &mut Effective) {
    let named = effective.security_key_provider.as_deref().and_then(|set| set.strip_prefix('$'));
    if let Some(name) = named.filter(|name| !name.is_empty()) {
        effective.security_key_provider = std::env::var(name).ok();
    }
}

/// Reads what `ssh -G` printed on another computer, for a host; `user_named`: somebody named the user.
/// What only that computer knows, such as its home, stays as it was printed.
pub(super) fn read_printed(printed: &str, host: &str, user_named: bool) -> Effective {
    let context =
        Context { home: "~".to_owned(), host: host.to_owned(), user_named, ..Context::default() };
    ssh_g::parse(printed, &context)
}

fn ssh() -> tokio::process::Command {
    let mut command = tokio::process::Command::new("ssh");
    command.env("LC_ALL", "C").stdin(std::process::Stdio::null()).kill_on_drop(true);
    command
}

/// The values of one of ssh's options, joined to its letter or not.
fn values(plan: &Plan, letter: char) -> impl Iterator<Item = &str> {
    let flag = format!("-{letter}");
    let after = plan.ssh_options.iter().skip(1).chain(std::iter::once(&plan.host));
    plan.ssh_options.iter().zip(after).filter_map(move |(option, next)| {
        let joined = option.strip_prefix(flag.as_str())?;
        Some(if joined.is_empty() { next.as_str() } else { joined })
    })
}

/// The keyword of `Key=value` or `Key value`.
fn key_of(option: &str) -> &str {
    option.trim().split(['=', ' ', '\t']).next().unwrap_or_default()
}

/// The files that `ssh` reads first; `-F` replaces both.
fn config_files(plan: &Plan, home: &str) -> Vec<ConfigFile> {
    let named = values(plan, 'F').next().map(str::to_owned);
    let paths = match named {
        Some(none) if none == "none" => Vec::new(),
        Some(file) => vec![file],
        None => vec![format!("{home}/.ssh/config"), "/etc/ssh/ssh_config".to_owned()],
    };
    paths.into_iter().filter_map(config_file).collect()
}

fn config_file(path: String) -> Option<ConfigFile> {
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        Err(e) => {
            let unreadable = Some(e.to_string());
            return Some(ConfigFile { path, owner: None, mode: None, unreadable });
        }
    };
    #[cfg(unix)]
    let (owner, mode) = {
        use std::os::unix::fs::MetadataExt;
        (Some(metadata.uid()), Some(metadata.mode() & 0o7777))
    };
    #[cfg(not(unix))]
    let (owner, mode) = (None, None);
    // A pipe would wait for a writer.
    let unreadable = metadata.is_file().then(|| std::fs::File::open(&path).err()).flatten();
    Some(ConfigFile { path, owner, mode, unreadable: unreadable.map(|e| e.to_string()) })
}
/// What this computer calls itself; empty where that is not known.
fn this_host() -> String {
    #[cfg(unix)]
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok();
    name.unwrap_or_default()
}

/// Whether `-a` has the last word. `ssh -G` then still prints an agent that ForwardAgent names, though
/// it is not forwarded.
fn turns_forwarding_off(options: &[String]) -> bool {
    options
        .iter()
        .rev()
        .find(|typed| matches!(typed.as_str(), "-A" | "-a"))
        .is_some_and(|l| l == "-a")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_of_our_call_is_no_mistake() {
        let said = b"Pseudo-terminal will not be allocated because stdin is not a terminal.\r\n\
                     \r\nvdollar_percent_expand: unknown key %z\r\n";
        let lines = complaints(said);
        assert_eq!(
            lines.iter().map(Foreign::raw).collect::<Vec<_>>(),
            ["vdollar_percent_expand: unknown key %z"]
        );
    }

    #[test]
    fn the_last_letter_about_forwarding_counts() {
        let off = |line: &str| {
            turns_forwarding_off(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
        };
        assert!(off("-A -o ForwardAgent=/agent -a"));
        assert!(!off("-a -A") && !off("-o ForwardAgent=/agent"));
    }
}
