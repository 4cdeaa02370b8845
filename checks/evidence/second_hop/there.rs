//! What is run at the source. Each command reads, and changes nothing.
//!
//! The words are quoted, so that none of them can become a command: neither what a person typed, nor
//! a path that the source itself told. What they print is bounded, and read with distrust.

use std::net::IpAddr;

use super::{
    super::{
        configuration::{Effective, IdentityAgent, StrictHostKeyChecking, read_printed},
        known_hosts::{KnownHosts, KnownHostsFile, read_found},
        login::{Run, RunEnd},
        session,
    },
    Instead, Look,
};
use crate::{pair::quoted, text::Foreign};

/// How much of one command is read, in bytes: `ssh -G` prints some 5000.
const MOST: usize = 64 << 10;
/// How many files of known hosts are searched.
const MOST_FILES: usize = 4;
/// How many lines of a file of known hosts, addresses or debugging lines are kept.
const MOST_LINES: usize = 20;

/// What files the source has for its own ssh.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What its known_hosts files say about the destination.
    pub known: KnownHosts,
    /// Key files that are there.
    pub own_keys: Vec<Foreign>,
    /// The socket that is asked in place of the forwarded agent, where it may be there.
    pub own_agent: Option<Foreign>,
}

impl Look<'_> {
    /// Runs words as one command there.
    pub(super) async fn command(&self, words: &[&str], forwarding: bool) -> session::Kept {
        let limits = &self.evidence.limits;
        match quoted(words) {
            Ok(line) => {
                session::run_and_keep(self.session, &line, forwarding, MOST, self.answer, limits)
                    .await
            }
            Err(_) => session::Kept {
                run: Run { command: words.join(" ").replace('\0', "?"), ..Run::default() },
                stdout: String::new(),
                stderr: String::new(),
            },
        }
    }

    /// Options that name user and port, as `scp` there would be given them.
    fn to<'w>(&'w self, port: &'w str) -> Vec<&'w str> {
        let mut words = Vec::new();
        if let Some(user) = &self.part.destination.user {
            words.extend(["-l", user.as_str()]);
        }
        if self.part.destination.port.is_some() {
            words.extend(["-p", port]);
        }
        words
    }

    fn port(&self) -> String {
        self.part.destination.port.unwrap_or(22).to_string()
    }

    /// What `ssh` there makes of the name.
    pub(super) async fn client(&self, name: &str) -> (Run, Option<Effective>) {
        let port = self.port();
        let words = [&["ssh", "-G"][..], &self.to(&port), &["--", name]].concat();
        let kept = self.command(&words, false).await;
        let named = self.part.destination.user.is_some();
        let reads = kept.run.is_success() && kept.stdout.contains("hostname ");
        let effective = reads.then(|| read_printed(&kept.stdout, name, named));
        (kept.run, effective)
    }

    /// What a name resolves to there. Where the command is missing, the tunnel tells.
    pub(super) async fn lookup(&self, name: &str) -> (Option<Run>, Vec<IpAddr>) {
        if let Ok(address) = name.parse() {
            return (None, vec![address]);
        }
        let kept = self.command(&["getent", "ahosts", name], false).await;
        let first = |line: &str| line.split_whitespace().next()?.parse().ok();
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in kept.stdout.lines().filter_map(first) {
            if !addresses.contains(&address) && addresses.len() < MOST_LINES {
                addresses.push(address);
            }
        }
        (Some(kept.run), addresses)
    }

    /// What the known_hosts files there say about the destination, and which key files are there.
    pub(super) async fn files(&self, effective: &Effective) -> Files {
        let known = effective.user_known_hosts_files.iter();
        let known: Vec<_> = known.chain(&effective.global_known_hosts_files).collect();
        let named = effective.identity_files.iter().map(|key| key.path.clone());
        // A public half is enough to choose a key of the agent.
        let halves = |path: String| {
            let public = effective.identities_only.then(|| format!("{path}.pub"));
            std::iter::once(path).chain(public)
        };
        let keys: Vec<_> = named.flat_map(halves).collect();
        let agent = match &effective.identity_agent {
            IdentityAgent::Socket(socket) => Some(socket),
            IdentityAgent::None | IdentityAgent::Environment => None,
        };
        let mut words = vec!["ls", "-d", "--"];
        let files = known.iter().copied().chain(&keys).chain(agent);
        words.extend(files.map(|file| below_home(file)));
        let listed = self.command(&words, false).await.stdout;
        let is_there = |file: &String| listed.lines().any(|line| line == below_home(file));
        let mut found = KnownHosts {
            name: super::super::known_hosts::name(effective),
            ..KnownHosts::default()
        };
        for file in known.iter().filter(|file| is_there(file)).take(MOST_FILES) {
            let search = ["ssh-keygen", "-F", &found.name, "-f", below_home(file)];
            let kept = self.command(&search, false).await;
            // With nothing found, it ends with 1.
            let looked = matches!(kept.run.end, RunEnd::Exited(0 | 1));
            let why = (!looked).then(|| kept.run.stderr.printable());
            found.files.push(read_found(file, &kept.stdout, why, effective));
        }
        let shown = |file: &String| Foreign::from_bytes(file.as_bytes());
        // What stands in a variable there is not known here.
        let may_be_there = |socket: &&String| socket.starts_with('$') || is_there(socket);
        Files {
            known: found,
            own_keys: keys.iter().filter(|file| is_there(file)).map(shown).collect(),
            own_agent: agent.filter(may_be_there).map(shown),
        }
    }

    /// `ssh` there, where no tunnel may be used: it logs in with one signature of the agent, runs
    /// `hostname` (at a service: nothing), and writes nothing.
    pub(super) async fn instead(
        &self,
        name: &str,
        effective: &Effective,
        known: &KnownHosts,
    ) -> Instead {
        let port = self.port();
        let seconds = format!("ConnectTimeout={}", (self.answer.as_secs() / 2).max(1));
        let mut words = vec!["ssh", "-v", "-T"];
        let options = [&INSTEAD[..], host_key(effective, known), &[seconds.as_str()]].concat();
        for option in options {
            words.extend(["-o", option]);
        }
        words.extend(self.to(&port));
        words.extend(["--", name]);
        if self.part.is_copy() {
            words.push(super::super::login::COMMAND);
        }
        let forwarded = self.session.forwarded();
        if let Some(socket) = &self.agent.socket {
            let binding = self.session.agent_binding();
            forwarded.allow_one_login(socket.clone(), binding, &effective.user);
        }
        let kept = self.command(&words, self.asks_again).await;
        let signatures = forwarded.end().signatures_given;
        let lines = kept.stderr.lines().map(str::trim).filter(|line| tells(line));
        let said = lines.take(MOST_LINES).map(|line| Foreign::from_bytes(line.as_bytes()));
        Instead { run: kept.run, said: said.collect(), signatures }
    }
}

/// What must not happen there: no question, no key written down, nothing forwarded further, no
/// shared connection, no command on the source, no password.
const INSTEAD: [&str; 10] = [
    "BatchMode=yes",
    "UpdateHostKeys=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "ControlMaster=no",
    "ControlPath=none",
    "PermitLocalCommand=no",
    "PreferredAuthentications=publickey",
    "RemoteCommand=none",
];

/// What is said of the destination's key. One that `ssh` there would accept unseen is accepted, and
/// written nowhere; any other has to be known.
fn host_key(effective: &Effective, known: &KnownHosts) -> &'static [&'static str] {
    use StrictHostKeyChecking::{AcceptNew, No};
    let unseen = matches!(effective.strict_host_key_checking, AcceptNew | No);
    let is_new = |file: &KnownHostsFile| file.lines.is_empty() && file.unreadable.is_none();
    if unseen && known.files.iter().all(is_new) {
        &["StrictHostKeyChecking=accept-new", "UserKnownHostsFile=/dev/null"]
    } else {
        &["StrictHostKeyChecking=yes"]
    }
}

/// A session begins in the home, where `~` in quotes would stand for nothing.
fn below_home(path: &str) -> &str {
    path.strip_prefix("~/").unwrap_or(path)
}

/// Whether a line says how far `ssh` got.
fn tells(line: &str) -> bool {
    let debug = line.starts_with("debug1: ");
    let steps = [
        "Connecting to ",
        "Connection established",
        "Server host key: ",
        "Authenticated to ",
        "Authentications that can continue",
    ];
    if debug {
        steps.iter().any(|step| line.contains(step))
    } else {
        !line.is_empty() && !line.starts_with("OpenSSH_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tells_is_kept() {
        for (line, kept) in [
            ("debug1: Connecting to a [192.0.2.1] port 22.", true),
            ("debug1: Server host key: ssh-ed25519 SHA256:x", true),
            ("debug1: identity file /a", false),
            ("OpenSSH_9.2p1 Debian, OpenSSL", false),
            ("akeneo@a: Permission denied (publickey).", true),
            ("", false),
        ] {
            assert_eq!(tells(line), kept, "{line}");
        }
    }

    #[test]
    fn a_path_of_the_home_is_relative_to_it() {
        assert_eq!(below_home("~/.ssh/known_hosts"), ".ssh/known_hosts");
        assert_eq!(below_home("/etc/x"), "/etc/x");
    }
}
