//! What the known_hosts files say about the host: read, never written.

mod line;
mod revoked;

use std::io;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use super::{Seen, configuration::Effective, connection::OsError};
use crate::host_trust;
use line::Line;
pub use revoked::{RevokedKeys, RevokedList, Unread};

/// The files, in ssh's order: the user's, then the system's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHosts {
    /// The name that is looked up: HostKeyAlias, `host`, or `[host]:port`.
    pub name: String,
    /// One entry for each file.
    pub files: Vec<KnownHostsFile>,
    /// The file of `RevokedHostKeys`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<RevokedKeys>,
    /// Whether `ssh` looks no key up, since the connection stays on this computer
    /// (NoHostAuthenticationForLocalhost).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHostsFile {
    /// Path.
    pub path: String,
    /// Why it cannot be read; none where it can, or where it is not there.
    pub unreadable: Option<String>,
    /// Whether it is there.
    pub exists: bool,
    /// Lines that name the host.
    pub lines: Vec<KnownHostsLine>,
}

/// A line that names the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHostsLine {
    /// Line number, from 1.
    pub line: usize,
    /// `@revoked` or `@cert-authority`.
    pub marker: Option<Marker>,
    /// Algorithm of the key: `ssh-ed25519`, ….
    pub algorithm: String,
    /// Fingerprint, `SHA256:…`; none where the key does not decode.
    pub sha256: Option<String>,
    /// Whether the name is hashed.
    pub hashed: bool,
    /// Whether the name is a pattern (`*`, `?`, `!`): `ssh-keygen -R` leaves such lines.
    pub by_pattern: bool,
    /// Under which name it was found, where that is not [`KnownHosts::name`]: for another port
    /// than 22, ssh also tries the plain host name.
    pub found_as: Option<String>,
}

/// Markers of `sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marker {
    /// The key must never be accepted.
    Revoked,
    /// The key signs host certificates.
    CertAuthority,
}

/// How much of one file is read, in bytes; a list of 100,000 hosts is a tenth of it.
const READ_LIMIT: u64 = 16 << 20;

/// Reads the files.
pub async fn observe(effective: Effective) -> Seen<KnownHosts> {
    let names = Names::of(&effective);
    let mut files = Vec::new();
    let paths = effective.user_known_hosts_files.iter().chain(&effective.global_known_hosts_files);
    for path in paths.filter(|path| !path.eq_ignore_ascii_case("none")) {
        let file = match read(path).await {
            Ok(bytes) => KnownHostsFile {
                path: path.clone(),
                unreadable: None,
                exists: true,
                lines: names.lines(&bytes),
            },
            Err(error) => KnownHostsFile {
                path: path.clone(),
                unreadable: (error.kind() != io::ErrorKind::NotFound)
                    .then(|| OsError::of("open", &error).message),
                exists: error.kind() != io::ErrorKind::NotFound,
                lines: Vec::new(),
            },
        };
        files.push(file);
    }
    let revoked = match &effective.revoked_host_keys {
        Some(path) => Some(revoked::observe(path).await),
        None => None,
    };
    Ok(KnownHosts { name: names.name, files, revoked, waived: false })
}

/// The name under which a host is looked up.
pub(super) fn name(effective: &Effective) -> String {
    Names::of(effective).name
}

/// What `ssh-keygen -F` on another computer printed about a file there.
pub(super) fn read_found(
    path: &str,
    printed: &str,
    unreadable: Option<String>,
    effective: &Effective,
) -> KnownHostsFile {
    // `# Host NAME found: line 3` stands before each line.
    let (mut lines, mut number) = (Vec::new(), 0);
    for line in printed.lines() {
        match line.strip_prefix("# Host ") {
            Some(told) => {
                let last = told.split_whitespace().find_map(|word| word.parse().ok());
                number = last.unwrap_or(number);
            }
            None => {
                let found = Names::of(effective).lines(line.as_bytes());
                lines.extend(
                    found.into_iter().map(|found| KnownHostsLine { line: number, ..found }),
                );
            }
        }
    }
    KnownHostsFile { path: path.to_owned(), unreadable, exists: true, lines }
}

/// The hosts that the user's files name plainly; hashed names cannot be read.
pub(super) async fn plain_names(effective: &Effective) -> Vec<String> {
    let mut names = Vec::new();
    for path in &effective.user_known_hosts_files {
        let bytes = read(path).await.unwrap_or_default();
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = Line::parse(&String::from_utf8_lossy(line));
            names.extend(line.map(|line| line.names.plain()).unwrap_or_default());
        }
    }
    names
}

/// Reads a file up to the limit.
pub(super) async fn read(path: &str) -> io::Result<Vec<u8>> {
    // The usual way to say "no such file here"; it is empty, and no trouble worth a word.
    if path == "/dev/null" {
        return Ok(Vec::new());
    }
    let is_file = tokio::fs::metadata(path).await?.is_file();
    // A pipe would make us wait, and take from somebody else what can be read once.
    if !is_file {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(READ_LIMIT).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Under which names a host is looked up.
#[derive(Debug)]
struct Names {
    /// The name.
    name: String,
    /// The name without port, tried when the first is unknown.
    plain: Option<String>,
}

impl Names {
    fn of(effective: &Effective) -> Self {
        let odd_port = effective.host_key_alias.is_none() && effective.port != 22;
        let plain = odd_port.then(|| effective.host.to_lowercase());
        Self { name: host_trust::known_name(effective), plain }
    }

    /// The lines of a file that name the host.
    fn lines(&self, bytes: &[u8]) -> Vec<KnownHostsLine> {
        bytes
            .split(|byte| *byte == b'\n')
            .enumerate()
            .filter_map(|(index, bytes)| {
                let text = String::from_utf8_lossy(bytes);
                let line = Line::parse(text.trim_end_matches('\r'))?;
                let found_as = if line.names.matches(&self.name) {
                    None
                } else {
                    Some(self.plain.as_ref().filter(|plain| line.names.matches(plain))?.clone())
                };
                Some(KnownHostsLine {
                    line: index + 1,
                    marker: line.marker,
                    hashed: matches!(line.names, line::Names::Hashed { .. }),
                    by_pattern: line.names.is_pattern(),
                    algorithm: line.algorithm,
                    sha256: line.sha256,
                    found_as,
                })
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::evidence::made;
    use std::process::Command;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn numbers(lines: &[KnownHostsLine]) -> Vec<(usize, bool)> {
        lines.iter().map(|l| (l.line, l.found_as.is_some())).collect()
    }

    #[test]
    fn a_port_has_its_own_name_and_falls_back_to_the_plain_one() {
        let file = format!(
            "# mine\nhost.example.com {KEY}\r\n\u{fffd} broken\n[host.example.com]:2222 {KEY}\n* {KEY}\n"
        );
        let at = |port| Names::of(&made::effective(port)).lines(file.as_bytes());
        assert_eq!(numbers(&at(22)), [(2, false), (5, false)]);
        assert_eq!(numbers(&at(2222)), [(2, true), (4, false), (5, false)]);
        let effective = Effective { host_key_alias: Some("Other".into()), ..made::effective(2222) };
        let names = Names::of(&effective);
        assert_eq!((names.name.as_str(), names.plain), ("other", None));
    }

    #[tokio::test]
    async fn files_keep_their_order_and_their_troubles() {
        let folder = std::env::temp_dir().join(format!("known-hosts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        std::fs::write(folder.join("user"), format!("host.example.com {KEY}")).unwrap();
        std::fs::write(folder.join("binary"), [0, 159, 146, 150, 10, 255, 0]).unwrap();
        let effective = Effective {
            user_known_hosts_files: vec![path("user"), path("none"), "none".into()],
            global_known_hosts_files: vec![path("binary"), path(".")],
            ..made::effective(22)
        };
        let known = observe(effective).await.unwrap();
        let seen: Vec<_> =
            known.files.iter().map(|f| (f.exists, f.unreadable.is_some(), f.lines.len())).collect();
        let expected = [(true, false, 1), (false, false, 0), (true, false, 0), (true, true, 0)];
        assert_eq!(seen, expected);
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// `ssh-keygen -F` is the judge, where it is installed.
    #[test]
    fn finds_what_ssh_keygen_finds() {
        let folder = std::env::temp_dir().join(format!("known-hosts-f-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("known_hosts");
        let text = format!(
            "host.example.com {KEY}\n*.example.com,!host.example.com {KEY}\n\
             [host.example.com]:2222 {KEY}\n@cert-authority *.example.com {KEY}\n\
             @revoked HOST.example.com {KEY}\nhost.example.co? {KEY}\n"
        );
        std::fs::write(&file, text).unwrap();
        let keygen = || Command::new("ssh-keygen");
        // -H hashes the plain names and leaves the patterns.
        let hashed = keygen().arg("-H").arg("-f").arg(&file).output();
        if !hashed.is_ok_and(|o| o.status.success()) {
            return made::skipped("ssh-keygen");
        }
        let bytes = std::fs::read(&file).unwrap();
        for port in [22, 2222] {
            let names = Names::of(&made::effective(port));
            let found = keygen().args(["-F", &names.name, "-f"]).arg(&file).output().unwrap();
            let theirs: Vec<usize> = String::from_utf8_lossy(&found.stdout)
                .lines()
                .filter_map(|l| l.split("found: line ").nth(1)?.split(' ').next()?.parse().ok())
                .collect();
            let ours = names.lines(&bytes);
            let ours: Vec<usize> =
                ours.iter().filter(|l| l.found_as.is_none()).map(|l| l.line).collect();
            assert_eq!(ours, theirs, "port {port}");
            assert!(!ours.is_empty());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
