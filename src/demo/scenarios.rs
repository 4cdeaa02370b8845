//! All scenarios: what each shows, and in what it differs from an environment that works.

use checks::diagnosis::Id;
use colored::Colorize;

use crate::render::look::Look;

use super::stage::{Agent, Fault, KeyFile, Known, Names, Rules, Server, Stage};

/// One environment to look at.
#[derive(Debug)]
pub struct Scenario {
    /// The name by which it is asked for: the diagnosis, where it shows one.
    pub name: &'static str,
    /// One line for people.
    pub shows: &'static str,
    /// The diagnosis that it is made for; `None`: ready.
    pub diagnosis: Option<Id>,
    /// In what it differs from an environment that works.
    pub(super) change: fn(&mut Stage),
}

impl Scenario {
    /// What stands above its report, ending in an empty line.
    #[must_use]
    pub fn heading(&self, look: &Look) -> String {
        let name = look.paint(&format!("Demo {}: {}", self.name, self.shows), |t| t.bold());
        format!("{name}.\nAll of it is made up, and gone when you read this.\n\n")
    }

    pub(super) fn stage(&self) -> Stage {
        let mut stage = Stage::default();
        (self.change)(&mut stage);
        stage
    }
}

const EMPTY: Agent = Agent::Holds { others: 0, own: false };

macro_rules! scenarios {
    ($($name:literal $shows:literal $diagnosis:expr, $stage:ident $change:block)*) => {
        /// All scenarios, in the order in which a connection goes.
        pub static SCENARIOS: &[Scenario] = &[$(Scenario {
            name: $name,
            shows: $shows,
            diagnosis: $diagnosis,
            change: |$stage: &mut Stage| $change,
        }),*];
    };
}

scenarios! {
    "ready" "Everything is in place" None, _stage {}
    "ready-with-warnings" "It works, but the server's key is new and there is no agent" None, stage {
        stage.known = Known::Nothing;
        stage.agent = Agent::None;
    }
    "unexpected-user" "The user is root; Akeneo's is always akeneo" Some(Id::UnexpectedUser), stage {
        stage.user = "root";
    }
    "name-not-found" "The domain is misspelt, as it often is" Some(Id::NameNotFound), stage {
        stage.host = "demo-staging.akeneo.cloud.com";
    }
    "dns-server-failure" "The name server answers with an error" Some(Id::DnsServerFailure), stage {
        stage.names = Names::Failing;
    }
    "dns-timeout" "The name server does not answer" Some(Id::DnsTimeout), stage {
        stage.names = Names::Silent;
    }
    "refused-by-host" "Nothing listens on the port" Some(Id::RefusedByHost), stage {
        stage.server = Server::Nothing;
    }
    "not-ssh" "A web server answers on the port" Some(Id::NotSsh), stage {
        stage.server = Server::Faulty(Fault::SpeaksHttp);
    }
    "closed-before-banner" "The server closes before it says a word" Some(Id::ClosedBeforeBanner), stage {
        stage.server = Server::Faulty(Fault::ClosesAtOnce);
    }
    "server-overloaded" "The server has too many connections and says so" Some(Id::ServerOverloaded), stage {
        stage.server = Server::Faulty(Fault::Overloaded);
    }
    "tarpit" "Line after line, and never an identification" Some(Id::Tarpit), stage {
        stage.server = Server::Faulty(Fault::Tarpit);
    }
    "silent-server" "The connection opens and nothing comes" Some(Id::SilentServer), stage {
        stage.server = Server::Faulty(Fault::Silent);
    }
    "handshake-stalled" "Nothing comes after the first large packet" Some(Id::HandshakeStalled), stage {
        stage.server = Server::Faulty(Fault::StallsHandshake);
    }
    "handshake-cut" "The connection is reset while keys are exchanged" Some(Id::HandshakeCut), stage {
        stage.server = Server::Faulty(Fault::CutsHandshake);
    }
    "no-common-algorithm" "Server and configuration have no cipher in common" Some(Id::NoCommonAlgorithm), stage {
        stage.server = Server::Ssh(Rules { odd_cipher: true, ..Rules::default() });
        stage.config = &["Ciphers aes256-ctr"];
    }
    "protocol-too-old" "The server only speaks SSH 1" Some(Id::ProtocolTooOld), stage {
        stage.server = Server::Faulty(Fault::Ssh1);
    }
    "host-key-changed" "known_hosts has another key for the server" Some(Id::HostKeyChanged), stage {
        stage.known = Known::Other;
    }
    "host-key-revoked" "known_hosts marks the server's key as revoked" Some(Id::HostKeyRevoked), stage {
        stage.known = Known::Revoked;
    }
    "host-key-unknown" "The server's key is new, and StrictHostKeyChecking is yes" Some(Id::HostKeyUnknown), stage {
        stage.known = Known::Nothing;
        stage.config = &["StrictHostKeyChecking yes"];
    }
    "key-file-missing" "The key file is not where -i says" Some(Id::KeyFileMissing), stage {
        stage.key_file = KeyFile::Missing;
        stage.agent = EMPTY;
    }
    "key-permissions" "The key file can be read by everybody" Some(Id::KeyPermissions), stage {
        stage.key_file = KeyFile::TooOpen;
        stage.agent = EMPTY;
    }
    "key-is-ppk" "The key file is in PuTTY's format" Some(Id::KeyIsPpk), stage {
        stage.key_file = KeyFile::Ppk;
        stage.agent = EMPTY;
    }
    "key-malformed" "The key file was cut when it was copied" Some(Id::KeyMalformed), stage {
        stage.key_file = KeyFile::Truncated;
        stage.agent = EMPTY;
    }
    "key-locked" "The key has a passphrase, and a CI job cannot type it" Some(Id::KeyLocked), stage {
        stage.key_file = KeyFile::Locked;
        stage.agent = EMPTY;
        stage.interactive = false;
    }
    "agent-not-running" "Forwarding is wanted and no agent runs" Some(Id::AgentNotRunning), stage {
        stage.options = &["-A"];
        stage.agent = Agent::None;
    }
    "agent-unreachable" "Forwarding is wanted and the agent is gone" Some(Id::AgentUnreachable), stage {
        stage.options = &["-A"];
        stage.agent = Agent::Gone;
    }
    "agent-empty" "Forwarding is wanted and the agent holds no key" Some(Id::AgentEmpty), stage {
        stage.options = &["-A"];
        stage.agent = EMPTY;
    }
    "agent-lacks-key" "Forwarding is wanted and the agent holds another key" Some(Id::AgentLacksKey), stage {
        stage.options = &["-A"];
        stage.agent = Agent::Holds { others: 1, own: false };
    }
    "too-many-keys" "The server cuts off before the right key is offered" Some(Id::TooManyKeys), stage {
        // ssh offers what the agent holds before what is in files alone.
        stage.agent = Agent::Holds { others: 4, own: false };
        stage.server = Server::Ssh(Rules { most_tries: 3, ..Rules::default() });
    }
    "password-only" "The server offers no login by key" Some(Id::PasswordOnly), stage {
        stage.server = Server::Ssh(Rules { by_key: false, ..Rules::default() });
    }
    "key-not-accepted" "The key is not registered, or not yet activated" Some(Id::KeyNotAccepted), stage {
        stage.server = Server::Ssh(Rules { registered: false, ..Rules::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::stage::HOST, *};

    #[test]
    fn a_scenario_is_called_what_it_shows() {
        for scenario in SCENARIOS {
            match scenario.diagnosis {
                Some(id) => assert_eq!(scenario.name, id.to_string()),
                None => assert!(scenario.name.starts_with("ready")),
            }
            let host = scenario.stage().host;
            assert!(host == HOST || scenario.name == "name-not-found");
        }
    }
}
