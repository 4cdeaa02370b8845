//! SSH agent: whether it answers, and what it holds.

use crate::{
    case::Plan,
    check::{About, Check},
    command,
    evidence::{
        Evidence, Seen, Unseen,
        agent::{AgentKeys, AgentState},
        configuration::Effective,
        identities::{Content, Identities},
        key::PublicKeyFacts,
    },
    finding::{Finding, Hint},
    text,
    text::{Command, Text, foreign, key, number, path, shell},
};

/// SSH agent.
pub struct Agent;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    agent: &'e Seen<AgentKeys>,
    identities: &'e Seen<Identities>,
}

impl Check for Agent {
    const ABOUT: About = About { id: "agent", title: "SSH agent" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (agent, identities) = futures_util::join!(evidence.agent(), evidence.identities());
        Facts { effective: evidence.effective().await, agent, identities }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, agent) = match (facts.effective, facts.agent) {
            (Ok(effective), Ok(agent)) => (effective, agent),
            (Err(why), _) => return Finding::unseen(&why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        let file = facts.identities.as_ref().ok().and_then(first_private);
        let wanted = plan.wants_forwarding || effective.forward_agent;
        let finding = match &agent.state {
            AgentState::Keys(keys) if !keys.is_empty() => holds(keys, effective),
            state => {
                let words = trouble(agent).unwrap_or_default();
                let finding = match state {
                    _ if wanted => Finding::fail(words).detail(FORWARDING_NEEDS_IT),
                    AgentState::Disabled | AgentState::NotConfigured => {
                        Finding::skip(words).detail("It is not needed to log in with a key file.")
                    }
                    AgentState::Keys(_) => Finding::warn(words),
                    _ => Finding::warn(words).detail("ssh goes on with key files alone."),
                };
                let needed = wanted || !matches!(state, AgentState::Disabled);
                let steps = if needed { remedy(agent, file) } else { Vec::new() };
                steps.into_iter().fold(finding, Finding::hint)
            }
        };
        finding
            .fact("socket", &agent.socket)
            .fact("state", &agent.state)
            .fact("forwarding_wanted", wanted)
    }
}

/// Why an agent matters with `-A`.
pub const FORWARDING_NEEDS_IT: &str = "Agent forwarding (-A) was asked for: it lets the first \
     environment use your key for a copy to a second one, and it passes on what the agent holds.";

/// The first private key file, to be named in commands.
fn first_private(identities: &Identities) -> Option<&str> {
    let mut files = identities.files.iter();
    let found = files.find(|file| matches!(file.content, Content::Private { .. }))?;
    Some(found.path.as_str())
}

fn holds(keys: &[PublicKeyFacts], effective: &Effective) -> Finding {
    let summary = match keys {
        [one] => text!["The agent holds one key: ", one.kind(), " ", key(&one.sha256), "."],
        many => text!["The agent holds ", number(many.len()), " keys."],
    };
    let line = |public: &PublicKeyFacts| {
        let comment = foreign(&public.comment);
        text![public.kind(), " ", key(&public.sha256), ", MD5 ", key(&public.md5), " ", comment]
    };
    let finding = Finding::pass(summary).detail_all(keys.iter().map(line));
    if effective.identities_only {
        return finding.detail(
            "IdentitiesOnly is set: ssh only offers those that an identity file names too.",
        );
    }
    finding
}

/// What is wrong with the agent, where something is.
#[must_use]
pub fn trouble(agent: &AgentKeys) -> Option<Text> {
    let socket = || path(agent.socket.clone().unwrap_or_default());
    Some(match &agent.state {
        AgentState::Keys(keys) if !keys.is_empty() => return None,
        AgentState::Keys(_) => text!["The agent answers and holds no key."],
        AgentState::NotConfigured => {
            text!["No agent: SSH_AUTH_SOCK, which tells where it is, is not set."]
        }
        AgentState::Disabled => {
            text!["The configuration turns the agent off (IdentityAgent none)."]
        }
        AgentState::Unreachable(error) => {
            text!["The agent does not answer at ", socket(), ": ", foreign(&error.message), "."]
        }
        AgentState::NotAnAgent(why) => {
            text!["What answers at ", socket(), " is no agent: ", foreign(why), "."]
        }
        AgentState::TimedOut { after_ms } => text![
            "The agent at ",
            socket(),
            " gave no answer within ",
            number(after_ms / 1000),
            " seconds. It may be waiting for a window that you have not seen.",
        ],
    })
}

/// What to do about it; `file` is the user's own key, where one is known.
#[must_use]
pub fn remedy(agent: &AgentKeys, file: Option<&str>) -> Vec<Hint> {
    let add = || match file {
        Some(file) => command!["ssh-add", path(file)],
        None => command!["ssh-add"],
    };
    match &agent.state {
        AgentState::Keys(_) => {
            vec![Hint::run(text!["Put your key into the agent:"], add())]
        }
        AgentState::Disabled => {
            vec![Hint::advice("Remove \"IdentityAgent none\" from your ssh configuration.")]
        }
        _ => {
            // One line, so that the variables are set in the shell that then runs ssh.
            let mut start = vec![Text::from("eval"), Text::from(shell("\"$(ssh-agent -s)\""))];
            start.push(Text::from(shell("&&")));
            start.extend(add().0);
            vec![Hint::run(
                text!["Start an agent in this shell and put your key into it:"],
                Command(start),
            )]
        }
    }
}
