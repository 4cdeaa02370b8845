//! A home of its own for a made-up person: keys, configuration and known_hosts in a temporary
//! folder. The real home is neither read nor written.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use russh::keys::{
    PrivateKey,
    ssh_key::{LineEnding, private::Ed25519Keypair},
};
use tempfile::TempDir;

use super::stage::{Agent, HOST, KeyFile, Known, Stage};

/// What locks the key that is locked. It protects nothing.
const PASSPHRASE: &str = "not a secret";
/// The start of a key as PuTTY writes it; the rest does not matter to who must not read it.
const PPK: &str = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n\
                   Comment: demo\nPublic-Lines: 2\n";

/// The folder, which goes away with the value.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// Makes the folder, which only its owner may enter.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ssh-preflight-demo-").tempdir()?;
        Ok(Self { folder })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the key pair, or what is left of it.
    pub fn write_key(&self, state: KeyFile, key: &PrivateKey) -> io::Result<()> {
        if state == KeyFile::Missing {
            return Ok(());
        }
        let text = |key: &PrivateKey| key.to_openssh(LineEnding::LF).map_err(io::Error::other);
        let whole = text(key)?;
        let file = self.path("id_ed25519");
        match state {
            KeyFile::Ppk => fs::write(&file, PPK)?,
            KeyFile::Truncated => fs::write(&file, whole.get(..whole.len() / 2).unwrap_or(""))?,
            KeyFile::Locked => {
                let mut random = rand::rng();
                let locked = key.encrypt(&mut random, PASSPHRASE).map_err(io::Error::other)?;
                fs::write(&file, text(&locked)?)?;
            }
            _ => fs::write(&file, whole)?,
        }
        restrict(&file, if state == KeyFile::TooOpen { 0o644 } else { 0o600 })?;
        if state != KeyFile::Ppk {
            let public = key.public_key().to_openssh().map_err(io::Error::other)?;
            fs::write(self.path("id_ed25519.pub"), public + "\n")?;
        }
        Ok(())
    }

    /// Writes what is known about the server.
    pub fn write_known_hosts(
        &self,
        known: Known,
        server: SocketAddr,
        host_key: &PrivateKey,
    ) -> io::Result<()> {
        let other = new_key("");
        let (mark, key) = match known {
            Known::Nothing => return fs::write(self.path("known_hosts"), ""),
            Known::Right => ("", host_key),
            Known::Revoked => ("@revoked ", host_key),
            Known::Other => ("", &other),
        };
        let key = key.public_key().to_openssh().map_err(io::Error::other)?;
        let line = format!("{mark}[{HOST}]:{} {key}\n", server.port());
        fs::write(self.path("known_hosts"), line)
    }

    /// Writes the configuration; nothing of the person's own counts beside it.
    pub fn write_config(&self, stage: &Stage, server: SocketAddr) -> io::Result<()> {
        let quoted = |name: &str| format!("\"{}\"", self.path(name).display());
        let agent = match stage.agent {
            // The variable is nobody's, so that the agent of this terminal is left alone.
            Agent::None => "$SSH_PREFLIGHT_DEMO_WITHOUT_AGENT".to_owned(),
            Agent::Gone | Agent::Holds { .. } => quoted("agent.sock"),
        };
        let mut lines = vec![
            format!("Port {}", server.port()),
            format!("IdentityFile {}", quoted("id_ed25519")),
            format!("IdentityAgent {agent}"),
            format!("UserKnownHostsFile {}", quoted("known_hosts")),
            format!("GlobalKnownHostsFile {}", quoted("global_known_hosts")),
        ];
        lines.extend(stage.config.iter().map(|&line| line.to_owned()));
        fs::write(self.path("config"), lines.join("\n") + "\n")
    }
}

/// A new key with a comment.
pub fn new_key(comment: &str) -> PrivateKey {
    let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&rand::random()));
    key.set_comment(comment);
    key
}

#[cfg(unix)]
fn restrict(file: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_file: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
