//! The agent as it can be used from the host: asked for there, by its owner's own command.
//!
//! Only where the plan asks for a login, and `ssh` would forward the agent.

use serde::{Deserialize, Serialize};

use super::{
    Evidence, Needed, Seen, Unseen,
    login::{Login, Run},
    session,
};
/// What is run there: it lists keys, and changes nothing.
pub const COMMAND: &str = "ssh-add -l";

/// How much of what it prints is read, in bytes: a line of some 100 for each key.
const MOST: usize = 64 << 10;

/// The forwarded agent, seen from the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarding {
    /// The socket here that is forwarded; none where there is no agent.
    pub socket: Option<String>,
    /// What came of [`COMMAND`] there. Whether the server agreed to forward is in it.
    pub run: Run,
    /// How often the host asked the agent for something.
    pub asked: u32,
    /// How often it asked for a signature, which it did not get.
    pub signatures_refused: u32,
    /// Fingerprints (SHA256) that the command printed there.
    pub keys_there: Vec<String>,
    /// Why a channel from the host could not be joined to the agent here, where that was so.
    pub not_joined: Option<String>,
}

impl Evidence {
    /// The forwarded agent, seen from the host: after a login, where `ssh` would forward it.
    pub async fn forwarding(&self) -> &Seen<Forwarding> {
        self.forwarding
            .once(&self.limits, || async {
                // Where the first command came to no end, a second one would not either.
                if !self.login().await.as_ref().is_ok_and(Login::has_ended_well) {
                    return Err(Unseen::Needs(Needed::Login));
                }
                let socket = match &self.effective().await?.forward_agent_socket {
                    Some(named) => named_socket(named),
                    None => self.agent().await.as_ref().ok().and_then(|a| a.socket.clone()),
                };
                if socket.is_none() {
                    // ssh does not even ask for forwarding then.
                    return Err(Unseen::Needs(Needed::Agent));
                }
                let session = self.live.session.lock().await;
                let session = session.as_ref().ok_or(Unseen::Needs(Needed::Handshake))?;
                if let Some(socket) = &socket {
                    session.forwarded().allow(socket.clone(), session.agent_binding());
                }
                let answer = self.answer_limit();
                let kept =
                    session::run_and_keep(session, COMMAND, true, MOST, answer, &self.limits).await;
                let asked = session.forwarded().end();
                Ok(Forwarding {
                    socket,
                    keys_there: fingerprints(&kept.stdout),
                    run: kept.run,
                    asked: asked.asked,
                    signatures_refused: asked.signatures_refused,
                    not_joined: asked.not_joined,
                })
            })
            .await
    }
}

/// The socket that ForwardAgent names: a path, or a variable of the environment (ssh_config(5)).
fn named_socket(named: &str) -> Option<String> {
    match named.strip_prefix('$') {
        Some(variable) => std::env::var(variable).ok().filter(|socket| !socket.is_empty()),
        None => Some(named.to_owned()),
    }
}

/// The fingerprints in what `ssh-add -l` prints: `256 SHA256:... comment (ED25519)`, a line each.
fn fingerprints(printed: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let second = line.split_whitespace().nth(1)?;
        second.starts_with("SHA256:").then(|| second.to_owned())
    };
    printed.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_add_prints() {
        let printed = "256 SHA256:abc alex@laptop (ED25519)\n2048 SHA256:def two words (RSA)\n";
        assert_eq!(fingerprints(printed), ["SHA256:abc", "SHA256:def"]);
        let none = "The agent has no identities.\nCould not open a connection\n";
        assert!(fingerprints(none).is_empty());
    }
}
