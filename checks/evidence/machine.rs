//! This computer and its user.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Seen;

/// This computer and its user, as far as `ssh` cares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `linux`, `macos`, `windows`.
    pub os: String,
    /// The user's numeric id, on Unix.
    pub uid: Option<u32>,
    /// Login name.
    pub user: Option<String>,
    /// The home directory that OpenSSH uses: the one of the passwd database, not `$HOME`.
    pub home: Option<String>,
    /// `$HOME`, where it differs from `home`.
    pub home_variable: Option<String>,
    /// Whether there is a folder `.ssh` in that one.
    #[serde(default)]
    pub home_variable_has_ssh: bool,
    /// Who became root by sudo for this run.
    #[serde(default)]
    pub sudo_user: Option<String>,
    /// Whether there is a route to the IPv4 internet; no packet is sent to find out.
    pub ipv4_route: bool,
    /// Whether there is a route to the IPv6 internet; no packet is sent to find out.
    pub ipv6_route: bool,
    /// Whether this is a CI job (`CI` is set).
    pub ci: bool,
}

/// Looks at the system.
pub async fn observe() -> Seen<Machine> {
    tokio::task::spawn_blocking(look).await.map_err(|_| super::Unseen::Crashed)
}

/// Blocking, since the user database may be on the network.
fn look() -> Machine {
    let variable = std::env::var("HOME").ok().filter(|home| !home.is_empty());
    let (uid, user, home) = account();
    let home = home.or_else(|| variable.clone());
    let other = variable.filter(|v| home.as_ref() != Some(v));
    Machine {
        os: std::env::consts::OS.to_owned(),
        uid,
        user,
        home_variable_has_ssh: other.as_ref().is_some_and(|v| Path::new(v).join(".ssh").is_dir()),
        home_variable: other,
        sudo_user: std::env::var("SUDO_USER").ok().filter(|name| uid == Some(0) && name != "root"),
        home,
        ipv4_route: has_route("0.0.0.0:0", "192.0.2.1:9"),
        ipv6_route: has_route("[::]:0", "[2001:db8::1]:9"),
        ci: is_ci(),
    }
}

/// Whether this is a CI job: they all set `CI`, and some people set it to "false" elsewhere.
#[must_use]
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false")
}

#[cfg(unix)]
fn account() -> (Option<u32>, Option<String>, Option<String>) {
    let uid = nix::unistd::Uid::current();
    let entry = nix::unistd::User::from_uid(uid).ok().flatten();
    let home = entry.as_ref().map(|e| e.dir.to_string_lossy().into_owned());
    (Some(uid.as_raw()), entry.map(|e| e.name), home)
}

#[cfg(not(unix))]
fn account() -> (Option<u32>, Option<String>, Option<String>) {
    (None, std::env::var("USERNAME").ok(), std::env::var("USERPROFILE").ok())
}

/// Connecting a UDP socket asks the routing table and sends nothing. The addresses are of the
/// blocks for documentation (RFC 5737, RFC 3849), so only a default route leads there.
fn has_route(from: &str, to: &str) -> bool {
    match std::net::UdpSocket::bind(from) {
        Ok(socket) => socket.connect(to).is_ok(),
        // No port is free, which says nothing about routes.
        Err(error) => error.kind() == std::io::ErrorKind::AddrInUse,
    }
}

/// How many targets this process has open files enough for, at most `most`. The soft limit is
/// raised to the hard one first, which needs no privilege.
#[must_use]
pub fn room_for_targets(most: usize) -> usize {
    fitting(open_files(), most)
}

/// A target needs up to sixteen at once: pipes of `ssh -G`, questions to name servers, the
/// connection, the agent, files. Some are needed by the program itself.
fn fitting(open_files: u64, most: usize) -> usize {
    let room = open_files.saturating_sub(32) / 16;
    usize::try_from(room).unwrap_or(most).clamp(1, most.max(1))
}

#[cfg(unix)]
fn open_files() -> u64 {
    use nix::sys::resource::{Resource::RLIMIT_NOFILE, getrlimit, setrlimit};
    /// More than all targets at once could use.
    const ENOUGH: u64 = 4096;
    let Ok((soft, hard)) = getrlimit(RLIMIT_NOFILE) else { return 256 };
    let wanted = hard.min(ENOUGH);
    if soft < wanted && setrlimit(RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft }
}

#[cfg(not(unix))]
fn open_files() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    #[test]
    fn few_open_files_mean_few_targets_at_once() {
        let table = [(0, 1), (64, 2), (128, 6), (256, 14), (1056, 64), (u64::MAX, 64)];
        for (open_files, targets) in table {
            assert_eq!(super::fitting(open_files, 64), targets, "{open_files}");
        }
    }

    #[tokio::test]
    async fn this_computer_has_a_system() {
        let machine = super::observe().await.unwrap();
        assert_eq!(machine.os, std::env::consts::OS);
        assert_ne!(machine.home, machine.home_variable);
    }
}
