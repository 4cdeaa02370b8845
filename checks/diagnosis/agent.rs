//! Causes: agent.
//!
//! An agent is needed where its keys are to be forwarded, or where it is the only place of a key.

use super::{Diagnosis, Id, Rule, keys::Failing, too_many_keys};
use crate::{
    case::Case,
    command,
    evidence::{
        agent::{AgentKeys, AgentState, OtherAgent, PAGEANT},
        connection::OsErrorKind,
        identities::Content,
        key::PublicKeyFacts,
        queries::Queries,
    },
    finding::Hint,
    host_trust, key_files,
    pair::Role,
    portal, ssh_add, text,
    text::{Text, foreign, host, key, number, path},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::AgentNotRunning, finds: not_running },
    Rule { id: Id::AgentUnreachable, finds: hangs },
    Rule { id: Id::AgentUnreachable, finds: unreachable },
    Rule { id: Id::AgentKeyRestricted, finds: restricted },
    Rule { id: Id::AgentLocked, finds: locked },
    Rule { id: Id::AgentEmpty, finds: empty },
    Rule { id: Id::AgentLacksKey, finds: lacks_key },
    Rule { id: Id::TooManyKeys, finds: too_many_keys::finds },
];

/// For what an agent is needed.
enum Need {
    /// Its keys are to be used on the host.
    Forwarding,
    /// There is no key elsewhere.
    OnlyPlace,
}

impl Need {
    fn words(&self, case: &Case) -> Text {
        match self {
            Self::Forwarding => {
                let words = text![
                    "You want your agent forwarded, so that the host can use your keys for the next hop."
                ];
                match case.queries().and_then(|q| q.winner(case.is_interactive())) {
                    Some(won) => words
                        .with(" The login itself needs no agent: the server takes ")
                        .with(portal::name(won))
                        .with("."),
                    None => words,
                }
            }
            Self::OnlyPlace => text!["There is no key file that ssh could use instead."],
        }
    }
}

/// Forwarding is a cause only where the login itself does not fail for another reason.
fn need(case: &Case) -> Option<Need> {
    let effective = case.effective()?;
    let interactive = case.is_interactive();
    let refused = case
        .queries()
        .is_some_and(|q| !q.open_door && q.winner(interactive).is_none() && !q.offers.is_empty());
    if case.plan.forwards_asked_agent(effective) && !refused {
        return Some(Need::Forwarding);
    }
    let failing = Failing::of(case)?;
    let usable = |content: &Content| matches!(content, Content::Private { .. });
    let only_place = failing.offers.is_empty()
        && !failing.identities.files.iter().any(|file| usable(&file.content));
    only_place.then_some(Need::OnlyPlace)
}

fn agent(case: &Case) -> Option<(&AgentKeys, Need)> {
    Some((case.agent()?, need(case)?))
}

/// The file that one would load: what the user has, else the name that ssh-keygen proposes.
pub(super) fn own_key(case: &Case) -> String {
    own_file(case).unwrap_or("~/.ssh/id_ed25519").to_owned()
}

/// The file that one would load, where there is one.
fn own_file(case: &Case) -> Option<&str> {
    case.identities().and_then(key_files::own_key)
}

fn not_running(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    let found = Diagnosis::new(Id::AgentNotRunning);
    let found = match agent.state {
        AgentState::NotConfigured => found.because(text![
            "No SSH agent is announced in this terminal: SSH_AUTH_SOCK is not set."
        ]),
        AgentState::Disabled if matches!(need, Need::Forwarding) => {
            return Some(
                found
                    .because(text![
                        "Your ssh configuration turns the agent off (IdentityAgent none)."
                    ])
                    .because(need.words(case))
                    .step(Hint::run(
                        "Use the agent of this terminal:",
                        case.plan.ssh().flag("-A").set("IdentityAgent=SSH_AUTH_SOCK").command(),
                    ))
                    .step(Hint::advice("Then correct IdentityAgent in your ssh configuration.")),
            );
        }
        _ => return None,
    };
    let found = found.because(need.words(case));
    if agent.dropped_by_sudo {
        return Some(
            found
                .because(text!["This runs under sudo, which drops that variable."])
                .step(Hint::run("Run it as yourself, without sudo:", case.plan.ssh().command()))
                .step(Hint::run(
                    "If it has to be root, keep the variable:",
                    case.plan
                        .ssh()
                        .command()
                        .given_to(command!["sudo", "--preserve-env=SSH_AUTH_SOCK"]),
                )),
        );
    }
    let found =
        elsewhere(case, found).step(ssh_add::start("Start one in this terminal", own_file(case)));
    Some(found.step(Hint::advice(
        "In cron and in old tmux windows the variable is missing although an agent runs: run this \
         in a new terminal.",
    )))
}

/// Another agent of the user that holds keys: what it is, and how to use it.
pub(super) fn elsewhere(case: &Case, mut found: Diagnosis) -> Diagnosis {
    let Some(agent) = case.agent() else { return found };
    // The one with a key of a file that was named is the one that is meant.
    let named = |other: &&OtherAgent| {
        let files = case.identities().into_iter().flat_map(|i| &i.files);
        let mut wanted = files.filter(|f| f.named).filter_map(|f| f.offered());
        wanted.any(|key| other.keys.iter().any(|held| held.same_key(key)))
    };
    let others = &agent.others;
    let Some(other) = others.iter().find(named).or(others.first()) else { return found };
    let count = match other.keys.len() {
        1 => "one key".to_owned(),
        n => format!("{n} keys"),
    };
    let names = other.keys.iter().take(3).map(|key| key.comment.as_str()).collect::<Vec<_>>();
    let holds = text![" holds ", count, " (", foreign(names.join(", ")), ")."];
    if other.socket == PAGEANT {
        return found
            .because(text!["Pageant, PuTTY's agent,"].then(holds).with(" ssh does not ask it."))
            .step(Hint::run(
                "Let Pageant offer its keys to ssh too. It writes a line for ssh's configuration:",
                command!["pageant", "--openssh-config", path("pageant.conf")],
            ))
            .step(Hint::advice(
                "Then add the line Include pageant.conf at the top of your ssh configuration, \
                 with the full path of that file.",
            ));
    }
    found = found.because(
        text![if other.announced {
            "The agent of this terminal, "
        } else {
            "Another agent of yours, "
        }]
        .with(path(&other.socket))
        .with(",")
        .then(holds),
    );
    if other.announced {
        return found.step(Hint::run(
            "Use the agent of this terminal, which IdentityAgent in your configuration leaves out:",
            case.plan.ssh().set("IdentityAgent=SSH_AUTH_SOCK").command(),
        ));
    }
    let set = Hint::run(
        "Use that agent in this terminal, then try again:",
        command!["export", text!["SSH_AUTH_SOCK=", path(&other.socket)]],
    );
    found.step(set)
}

/// `ssh` asks the agent before it offers anything, and waits without limit.
fn hangs(case: &Case) -> Option<Diagnosis> {
    let agent = case.agent()?;
    if !matches!(agent.state, AgentState::TimedOut { .. })
        || !case.effective()?.pubkey_authentication
    {
        return None;
    }
    let why = trouble(&agent.state, agent.socket.as_deref().unwrap_or_default())?;
    Some(
        Diagnosis::new(Id::AgentUnreachable)
            .because(why)
            .because(text![
                "ssh asks the agent before it offers any key, and waits for it without limit."
            ])
            .step(Hint::advice(
                "Look for a window or a device that wants your consent, or unlock the password \
                 manager that the agent belongs to.",
            ))
            .step(Hint::run(
                "If there is none, do without this agent, with a key in a file:",
                case.plan.ssh().set("IdentityAgent=none").command(),
            ))
            .step(Hint::advice(
                "Or open a new terminal: this one may remember an agent behind a connection that \
                 has ended.",
            )),
    )
}

fn unreachable(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    let place = agent.socket.clone().unwrap_or_default();
    let why = trouble(&agent.state, &place)?;
    let found = Diagnosis::new(Id::AgentUnreachable).because(why).because(need.words(case));
    let found = elsewhere(case, found);
    let denied = matches!(&agent.state, AgentState::Unreachable(e) if e.kind == OsErrorKind::PermissionDenied);
    let found = if denied {
        found.step(Hint::advice(
            "The agent belongs to another user. Run this as the user who started it, or start your own.",
        ))
    } else if ssh_add::configured(case).is_some() {
        found.step(Hint::advice(
            "Your ssh configuration names this socket (IdentityAgent). Start the program that it \
             belongs to, such as a password manager.",
        ))
    } else {
        found.step(Hint::advice(
            "Open a new terminal: this one may remember an agent that has ended.",
        ))
    };
    let found = found.step(ssh_add::start("Or start an agent here", own_file(case)));
    Some(match ssh_add::configured(case) {
        None => found,
        Some(_) => found.step(Hint::run(
            "Then let ssh use that one in place of the one in your configuration:",
            case.plan.ssh().set("IdentityAgent=SSH_AUTH_SOCK").command(),
        )),
    })
}

/// Why an agent that is announced cannot be used.
pub(crate) fn trouble(state: &AgentState, place: &str) -> Option<Text> {
    let at = || path(place);
    Some(match state {
        AgentState::Unreachable(error) => match error.kind {
            OsErrorKind::NotFound => text![
                "The agent's socket ",
                at(),
                " does not exist: the agent has ended, or the path is wrong."
            ],
            OsErrorKind::ConnectionRefused => {
                text!["Nobody listens at the agent's socket ", at(), ": the agent has ended."]
            }
            OsErrorKind::PermissionDenied => {
                text![
                    "You may not use the agent's socket ",
                    at(),
                    ": ",
                    foreign(&error.message),
                    "."
                ]
            }
            _ => text![
                "The agent's socket ",
                at(),
                " cannot be opened: ",
                foreign(&error.message),
                "."
            ],
        },
        AgentState::NotAnAgent(why) => {
            text!["What answers at ", at(), " is no usable SSH agent: ", foreign(why), "."]
        }
        AgentState::TimedOut { after_ms } => text![
            "The agent at ",
            at(),
            " gave no answer within ",
            number(after_ms.div_ceil(1000)),
            " seconds. It may wait for you in a window that is hidden."
        ],
        AgentState::NotConfigured | AgentState::Disabled | AgentState::Keys(_) => return None,
    })
}

/// The key that is meant is in the agent, which keeps it back: it was loaded for other hosts only.
fn restricted(case: &Case) -> Option<Diagnosis> {
    let told = case.agent_for_host().filter(|told| !told.withheld.is_empty())?;
    let failing = Failing::of(case)?;
    let agent = case.agent()?;
    let kept = agent.keys().iter().filter(|key| told.withheld.contains(&key.sha256));
    // The key of a file that was named is the one that is meant.
    let named = |key: &&PublicKeyFacts| {
        let mut files = failing.identities.files.iter().filter(|file| file.named);
        files.any(|file| file.offered().is_some_and(|offered| offered.same_key(key)))
    };
    let meant = kept.clone().find(named).or_else(|| kept.clone().next())?;
    let asked = failing.queries.map_or(0, Queries::refused);
    let found = Diagnosis::new(Id::AgentKeyRestricted)
        .because(text![
            "The SSH agent holds the key ",
            foreign(&meant.comment),
            " (",
            key(&meant.sha256),
            ")."
        ])
        .because(text![
            "Told which host this is, as ssh tells it, the agent keeps ",
            match kept.count() {
                1 => "that key back".to_owned(),
                n => format!("back that key and {} more", n - 1),
            },
            ": it was loaded for use with other hosts only (ssh-add -h)."
        ]);
    let found = found.because(match asked {
        0 => text!["ssh has no other key to offer."],
        1 => text!["The one other key that ssh has was refused by the server."],
        n => text!["The ", number(n), " other keys that ssh has were refused by the server."],
    });
    let file = match failing
        .identities
        .files
        .iter()
        .find(|file| file.offered().is_some_and(|offered| offered.same_key(meant)))
    {
        Some(file) => file.path.clone(),
        None => own_key(case),
    };
    // The name in known_hosts is what the agent compares with.
    let name = host_trust::known_name(failing.effective);
    let found = found
        .step(Hint::run(
            "Load the key for this host too. Name each host that it is for with a -h of its own:",
            command!["ssh-add", "-h", host(name), path(&file)],
        ))
        .step(Hint::run("Or load it without that limit:", command!["ssh-add", path(&file)]));
    Some(if asked > 0 { found.or(Id::KeyNotAccepted) } else { found })
}

/// Proven: OpenSSH's own agent shows nothing, and refuses what it takes from everybody while it is
/// open (`ssh-agent.c`, process_message).
pub(super) fn is_locked(case: &Case) -> bool {
    let refuses = case.agent_for_host().is_some_and(|told| !told.bound);
    refuses && case.agent().is_some_and(|agent| agent_is_empty(agent) && agent.is_local())
}

fn locked(case: &Case) -> Option<Diagnosis> {
    let (_, need) = agent(case).filter(|_| is_locked(case))?;
    Some(
        Diagnosis::new(Id::AgentLocked)
            .because(text![
                "The SSH agent shows no key, and refuses to be told which host this is. An agent \
                 that is merely empty does not refuse that."
            ])
            .because(need.words(case))
            .step(Hint::run(
                "Unlock it with the password that it was locked with:",
                command!["ssh-add", "-X"],
            ))
            .step(Hint::run("See which keys it holds then:", command!["ssh-add", "-l"]))
            // Before OpenSSH 8.9 an agent refuses this always.
            .or(Id::AgentEmpty),
    )
}

fn empty(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    // Without forwarding an empty agent is no cause: the key may never have been meant for it.
    if !agent_is_empty(agent) || matches!(need, Need::OnlyPlace) {
        return None;
    }
    Some(
        Diagnosis::new(Id::AgentEmpty)
            .because(text!["The SSH agent answers and holds no key."])
            .because(need.words(case))
            .step(ssh_add::load(own_file(case)))
            .step(Hint::run(
                "If it stays empty, the agent may be locked. Unlock it:",
                command!["ssh-add", "-X"],
            ))
            .or(Id::AgentLocked),
    )
}

fn agent_is_empty(agent: &AgentKeys) -> bool {
    matches!(&agent.state, AgentState::Keys(keys) if keys.is_empty())
}

/// Login works with a file; the agent holds that key, and keeps it back at this host.
fn kept_back_here(file: &str, taken: &PublicKeyFacts) -> Diagnosis {
    let found = Diagnosis::new(Id::AgentKeyRestricted)
        .because(text![
            "The server accepts the key ",
            path(file),
            " (",
            key(&taken.sha256),
            "): login works."
        ])
        .because(
            "The agent holds this key too, and keeps it back at this host: it was loaded for use with \
             other hosts only (ssh-add -h). So it is not there for the next hop.",
        );
    found.step(Hint::run("Load it without that limit:", command!["ssh-add", path(file)]))
}

/// Login works with a file, and forwarding will not: the agent holds other keys.
fn lacks_key(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    let won = case.queries()?.winner(case.is_interactive())?;
    if matches!(need, Need::OnlyPlace) || agent.keys().is_empty() || won.offer.in_agent {
        return None;
    }
    // Which key a second host takes is asked there.
    if case.role() == Some(Role::Source) {
        return None;
    }
    let file = won.offer.path.clone()?;
    if agent.keys().iter().any(|held| held.same_key(&won.offer.key)) {
        return Some(kept_back_here(&file, &won.offer.key));
    }
    Some(
        Diagnosis::new(Id::AgentLacksKey)
            .because(text![
                "The server accepts the key ",
                path(&file),
                " (",
                key(&won.offer.key.sha256),
                "): login works."
            ])
            .because(text![
                "The agent holds ",
                match agent.keys().len() {
                    1 => "one other key".to_owned(),
                    n => format!("{n} other keys"),
                },
                " and not this one."
            ])
            .because(text![
                "You want your agent forwarded: on the host it is asked for this key, and does not have it."
            ])
            .step(Hint::run("Load that key:", command!["ssh-add", path(&file)]))
            .step(Hint::run("See that it is there:", command!["ssh-add", "-l"])),
    )
}
