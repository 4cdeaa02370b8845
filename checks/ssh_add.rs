//! Commands for the agent that `ssh` asks: pure.
//!
//! `ssh` looks for its agent at IdentityAgent first; `ssh-add` looks at SSH_AUTH_SOCK alone. Where the
//! two differ, `ssh-add` as it is usually typed loads a key where `ssh` never looks.

use crate::{
    case::Case,
    command,
    evidence::configuration::IdentityAgent,
    finding::Hint,
    text,
    text::{Command, path, shell},
};

/// A step, with the socket in its command where `ssh-add` would go to another agent than `ssh`.
#[must_use]
pub fn where_ssh_asks(case: &Case, mut step: Hint) -> Hint {
    if let Some(command) = &step.command
        && command.0.first().is_some_and(|program| program.plain() == "ssh-add")
        && let Some(socket) = configured(case)
    {
        step.command = Some(at(socket, command.clone()));
    }
    step
}

/// Starts an agent in this terminal and loads a key: the begin of a sentence, and the file, where there
/// is one that could be loaded.
#[must_use]
pub fn start(begin: &'static str, own: Option<&str>) -> Hint {
    match own {
        Some(file) => Hint::run(text![begin, " and load your key:"], start_and_load(file)),
        None => Hint::run(text![begin, ", then load your key. ", NO_FILE], start_agent()),
    }
}

fn start_agent() -> Command {
    command!["eval", shell("\"$(ssh-agent -s)\"")]
}

/// Starts an agent in this terminal and loads this key.
#[must_use]
pub fn start_and_load(file: &str) -> Command {
    start_agent().and(command![shell("&&"), "ssh-add", path(file)])
}

/// Loads a key, where there is a file that could be loaded.
#[must_use]
pub fn load(own: Option<&str>) -> Hint {
    match own {
        Some(file) => Hint::run("Load your key:", command!["ssh-add", path(file)]),
        None => Hint::advice(text!["Load your key. ", NO_FILE]),
    }
}

/// How to name a file that is not known here.
const NO_FILE: &str = "No key file is where ssh looks, so name yours: ssh-add FILE, with the private \
                       key in place of FILE.";

/// `ssh-add`, told which agent to go to.
#[must_use]
pub fn at(socket: &str, command: Command) -> Command {
    command.given_to(Command(vec!["env".into(), text!["SSH_AUTH_SOCK=", path(socket)]]))
}

/// The socket that the configuration names in place of the one of the terminal.
#[must_use]
pub fn configured(case: &Case) -> Option<&str> {
    match &case.effective()?.identity_agent {
        // What a command at the source would go to is not known here.
        IdentityAgent::Socket(_) if case.from_source().is_none() => case.agent()?.socket.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        case::Observed,
        evidence::{agent::AgentKeys, made},
    };

    #[test]
    fn the_agent_of_the_configuration_is_named() {
        let said = |named: &str, command: Command| {
            let mut effective = made::effective(22);
            effective.identity_agent = match named {
                "" => IdentityAgent::Environment,
                _ => IdentityAgent::Socket(named.into()),
            };
            let mut case = made::case(effective);
            let agent = AgentKeys { socket: Some("/a b/c".into()), ..AgentKeys::none() };
            case.agent = Some(Observed { started_ms: 0, duration_ms: 0, seen: Ok(agent) });
            where_ssh_asks(&case, Hint::run("", command)).command.unwrap().plain()
        };
        let load = || command!["ssh-add", path("k")];
        assert_eq!(said("/a b/c", load()), "env 'SSH_AUTH_SOCK=/a b/c' ssh-add k");
        assert_eq!(said("", load()), "ssh-add k");
        assert_eq!(said("/a b/c", command!["ssh", "h"]), "ssh h");
    }
}
