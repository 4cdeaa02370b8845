//! SSH agent: whether it answers, what it holds, and whether that is enough.

use crate::{
    case::Plan,
    check::{About, Check},
    command,
    diagnosis::agent_trouble,
    evidence::{
        Evidence, Seen, Unseen,
        agent::{AgentKeys, AgentState},
        configuration::Effective,
        identities::Identities,
        queries::{Queries, Query},
    },
    finding::{Finding, Hint},
    key_files,
    pair::Role,
    portal, ssh_add, text,
    text::{Text, foreign, key, number, path},
};

/// How many refused keys most servers bear (MaxAuthTries of sshd_config, default 6).
pub(crate) const MOST_TRIES: usize = 6;

/// SSH agent.
pub struct Agent;

/// What is judged.
pub struct Facts<'e> {
    /// What `ssh` would do.
    pub effective: Result<&'e Effective, Unseen>,
    /// Keys in the agent.
    pub agent: &'e Seen<AgentKeys>,
    /// Key files.
    pub identities: &'e Seen<Identities>,
    /// Which key the server takes; only looked at where the agent is to be forwarded, so that
    /// otherwise nobody waits for the network here.
    pub queries: Option<&'e Seen<Queries>>,
}

impl Check for Agent {
    const ABOUT: About = About { id: "agent", title: "SSH agent" };
    type Facts<'e> = Facts<'e>;

    fn applies(plan: &Plan) -> bool {
        plan.access.sftp().is_none()
    }

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (agent, identities) = futures_util::join!(evidence.agent(), evidence.identities());
        let effective = evidence.effective().await;
        let forwards = effective.as_ref().is_ok_and(|e| evidence.plan().forwards_asked_agent(e));
        let queries = if forwards { Some(evidence.queries().await) } else { None };
        Facts { effective, agent, identities, queries }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, agent) = match (facts.effective, facts.agent) {
            (Ok(effective), Ok(agent)) => (effective, agent),
            (Err(why), _) => return Finding::unseen(&why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        let identities = facts.identities.as_ref().ok();
        let forwards = plan.forwards_asked_agent(effective);
        let interactive = plan.may_ask(effective);
        let won = facts
            .queries
            .and_then(|queries| queries.as_ref().ok())
            .and_then(|queries| queries.winner(interactive));
        let own = identities.and_then(key_files::own_key);
        let mut finding = judge(effective, agent, own, forwards, won);
        let used_there = plan.pair.as_ref().is_some_and(|part| part.role == Role::Source);
        if used_there && won.is_some() {
            // Which key the second host takes is asked there.
            finding.status = finding.status.at_most_a_warning();
        }
        finding
            .detail_all(agent.keys().iter().enumerate().map(|(place, held)| {
                let named = if held.comment.is_empty() {
                    text![number(place + 1), ". "]
                } else {
                    text![number(place + 1), ". ", foreign(&held.comment), ": "]
                };
                named
                    .then(text![held.kind(), " ", key(&held.sha256)])
                    .with(if held.certificate.is_some() { ", certificate" } else { "" })
            }))
            .detail_all(use_of(effective, identities, agent))
            .detail_all(others(agent))
            .detail_all(effective.forward_agent_socket.as_ref().map(|named| {
                text![
                    "Another agent is forwarded, which ForwardAgent in your ssh configuration names: ",
                    path(named),
                    "."
                ]
            }))
            .fact("socket", &agent.socket)
            .fact("state", &agent.state)
            .fact("forwarding", forwards)
    }
}

fn judge(
    effective: &Effective,
    agent: &AgentKeys,
    own: Option<&str>,
    forwards: bool,
    won: Option<&Query>,
) -> Finding {
    let place = agent.socket.as_deref().unwrap_or_default();
    let broken = |why: Text| {
        if forwards {
            Finding::fail(why.with(" Forwarding needs it."))
        } else {
            Finding::warn(why.with(" Keys in files work without it."))
        }
    };
    // Nothing is wrong with having no agent, or none that holds keys, where nobody asks for one.
    let absent = |why: Text| {
        if forwards {
            broken(why)
        } else {
            Finding::skip(why.with(" Keys in files work without it."))
        }
    };
    match &agent.state {
        AgentState::Disabled if forwards => Finding::fail(
            "Forwarding needs an agent, but your ssh configuration turns it off (IdentityAgent none).",
        )
        .hint(Hint::advice("Remove IdentityAgent none for this host from your ssh configuration.")),
        AgentState::Disabled => {
            Finding::skip("Not used: your ssh configuration turns the agent off (IdentityAgent none).")
        }
        AgentState::NotConfigured => {
            absent(text!["There is no SSH agent in this terminal (SSH_AUTH_SOCK is not set)."])
                .hint(ssh_add::start("Start one", own))
        }
        AgentState::TimedOut { .. } => {
            let why = agent_trouble(&agent.state, place).unwrap_or_default();
            Finding::fail(why.with(" ssh asks it before it offers any key, and waits without limit."))
                .hint(Hint::advice("Look for a window or a device that wants your consent."))
                .hint(Hint::advice("To do without this agent: -o IdentityAgent=none."))
        }
        AgentState::Unreachable(_) | AgentState::NotAnAgent(_) => {
            let why = agent_trouble(&agent.state, place).unwrap_or_default();
            broken(why)
                .hint(Hint::advice(
                    "Open a new terminal: this one may remember an agent that has ended.",
                ))
                .hint(ssh_add::start("Or start an agent here", own))
        }
        AgentState::Keys(keys) if keys.is_empty() => {
            absent(text!["The SSH agent holds no key, or it is locked."])
                .hint(ssh_add::load(own))
                .hint(Hint::run("If it is locked, unlock it:", command!["ssh-add", "-X"]))
        }
        AgentState::Keys(keys) => holds(effective, keys.len(), forwards, won),
    }
}

/// The agent answers and holds keys.
fn holds(effective: &Effective, count: usize, forwards: bool, won: Option<&Query>) -> Finding {
    let keys = if count == 1 { " key" } else { " keys" };
    let holds = text!["The SSH agent holds ", number(count), keys];
    match won {
        Some(won) if forwards && won.offer.in_agent && count == 1 => Finding::pass(
            text!["The SSH agent holds the key that the server takes: "]
                .with(portal::name(won))
                .with("."),
        ),
        Some(won) if forwards && won.offer.in_agent => Finding::pass(
            holds
                .with(", among them the one that the server takes: ")
                .with(portal::name(won))
                .with("."),
        ),
        Some(won) if forwards => {
            let finding = Finding::fail(
                holds
                    .with(", but not the one that the server takes (")
                    .with(portal::name(won))
                    .with("): login works, forwarding it does not."),
            );
            match &won.offer.path {
                Some(file) => {
                    finding.hint(Hint::run("Load that key:", command!["ssh-add", path(file)]))
                }
                None => finding,
            }
        }
        _ if count > MOST_TRIES && !effective.identities_only => Finding::warn(
            holds.with("; most servers hang up after six, so the right one may come too late."),
        )
        .hint(Hint::advice(
            "Name the one key for this host: IdentityFile and IdentitiesOnly yes in ~/.ssh/config.",
        )),
        _ => Finding::pass(holds.with(".")),
    }
}

/// What `ssh` makes of the agent's keys.
fn use_of(
    effective: &Effective,
    identities: Option<&Identities>,
    agent: &AgentKeys,
) -> Option<Text> {
    let keys = agent.keys();
    if keys.is_empty() {
        return None;
    }
    let named = |held: &&crate::evidence::key::PublicKeyFacts| {
        let mut files = identities.into_iter().flat_map(|i| &i.files);
        files.any(|file| file.offered().is_some_and(|public| public.same_key(held)))
    };
    let in_files = keys.iter().filter(named).count();
    Some(if effective.identities_only {
        text![
            "IdentitiesOnly: of these, ssh offers the ",
            number(in_files),
            " that a key file names too."
        ]
    } else if in_files > 0 {
        text![
            "ssh offers the ",
            number(in_files),
            " that a key file names too first, then the others, then the remaining files."
        ]
    } else {
        text!["ssh offers these first, then the key files."]
    })
}

/// Agents that hold keys, and that ssh does not ask.
fn others(agent: &AgentKeys) -> impl Iterator<Item = Text> {
    agent.others.iter().map(|other| {
        text![
            "Another agent, which ssh does not ask, holds ",
            number(other.keys.len()),
            if other.keys.len() == 1 { " key: " } else { " keys: " },
            path(&other.socket),
            "."
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            connection::{OsError, OsErrorKind},
            key::PublicKeyFacts,
            made,
            queries::Answer,
        },
        finding::Status,
        offers::{Offer, Provable},
    };

    fn public(name: &str) -> PublicKeyFacts {
        PublicKeyFacts {
            algorithm: "ssh-ed25519".into(),
            bits: 256,
            sha256: format!("SHA256:{name}"),
            md5: String::new(),
            comment: name.into(),
            line: String::new(),
            certificate: None,
        }
    }

    fn held(count: usize) -> AgentState {
        AgentState::Keys((0..count).map(|n| public(&n.to_string())).collect())
    }

    fn accepted(in_agent: bool) -> Queries {
        let offer = Offer {
            key: public("0"),
            path: Some("/k/a".into()),
            in_agent,
            provable: Provable::Yes,
        };
        let query = Query { offer, algorithm: "ssh-ed25519".into(), answer: Answer::Accepted };
        Queries { offers: vec![query], ..Queries::default() }
    }

    #[test]
    fn statuses() {
        let stale = || {
            AgentState::Unreachable(OsError {
                operation: "connect".into(),
                errno: Some(111),
                kind: OsErrorKind::ConnectionRefused,
                message: "Connection refused".into(),
            })
        };
        let (wants, not) = (true, false);
        let table = [
            (AgentState::NotConfigured, not, None, Status::Skip, "no SSH agent"),
            (AgentState::NotConfigured, wants, None, Status::Fail, "Forwarding needs it"),
            (AgentState::Disabled, not, None, Status::Skip, "turns the agent off"),
            (AgentState::Disabled, wants, None, Status::Fail, "turns it off"),
            (stale(), not, None, Status::Warn, "Nobody listens"),
            (stale(), wants, None, Status::Fail, "/run/agent"),
            (AgentState::NotAnAgent("x".into()), not, None, Status::Warn, "no usable SSH agent"),
            (AgentState::TimedOut { after_ms: 9000 }, not, None, Status::Fail, "9 seconds"),
            (held(0), not, None, Status::Skip, "holds no key"),
            (held(0), wants, None, Status::Fail, "holds no key"),
            (held(2), not, None, Status::Pass, "2 keys"),
            (held(9), not, None, Status::Warn, "hang up after six"),
            (held(1), wants, Some(true), Status::Pass, "holds the key that the server takes"),
            (held(2), wants, Some(true), Status::Pass, "among them"),
            (held(1), wants, Some(false), Status::Fail, "login works"),
        ];
        for (state, wants, won, status, says) in table {
            let effective = made::effective(22);
            let agent =
                Ok(AgentKeys { socket: Some("/run/agent".into()), state, ..AgentKeys::none() });
            let identities = Ok(Identities::default());
            let queries = won.map(|in_agent| Ok(accepted(in_agent)));
            let facts = Facts {
                effective: Ok(&effective),
                agent: &agent,
                identities: &identities,
                queries: queries.as_ref(),
            };
            let plan = Plan { wants_forwarding: wants, ..made::plan() };
            let finding = Agent::judge(&plan, facts);
            let told = finding.summary.plain();
            assert_eq!(finding.status, status, "{told}");
            assert!(told.contains(says), "{says:?}: {told}");
            let fine = matches!(status, Status::Pass | Status::Skip);
            assert!(fine || !finding.hints.is_empty(), "{told}");
        }
    }
}
