//! Causes: agent.
//!
//! An agent is needed where its keys are to be forwarded, or where it is the only place of a key.

use super::{
    Diagnosis, Id, Rule,
    keys::{Failing, is_unasked, start_agent},
};
use crate::{
    case::Case,
    command,
    evidence::{
        agent::{AgentKeys, AgentState},
        connection::OsErrorKind,
        identities::Content,
        queries::{Answer, Query},
    },
    finding::Hint,
    key_files, portal, text,
    text::{Text, foreign, key, number, path, shell},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::AgentNotRunning, finds: not_running },
    Rule { id: Id::AgentUnreachable, finds: unreachable },
    Rule { id: Id::AgentEmpty, finds: empty },
    Rule { id: Id::AgentLacksKey, finds: lacks_key },
    Rule { id: Id::TooManyKeys, finds: too_many },
];

/// For what an agent is needed.
enum Need {
    /// Its keys are to be used on the host.
    Forwarding,
    /// There is no key elsewhere.
    OnlyPlace,
}

impl Need {
    fn words(&self) -> Text {
        match self {
            Self::Forwarding => {
                text![
                    "You want your agent forwarded, so that the host can use your keys for the next hop."
                ]
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
    if (case.plan.wants_forwarding || effective.forward_agent) && !refused {
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
fn own_key(case: &Case) -> String {
    let known = case.identities().and_then(key_files::own_key);
    known.unwrap_or("~/.ssh/id_ed25519").to_owned()
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
                    .because(need.words())
                    .step(Hint::run(
                        "Use the agent of this terminal:",
                        case.plan.ssh().flag("-A").set("IdentityAgent=SSH_AUTH_SOCK").command(),
                    ))
                    .step(Hint::advice("Then correct IdentityAgent in your ssh configuration.")),
            );
        }
        _ => return None,
    };
    let found = found.because(need.words()).step(Hint::run(
        "Start one in this terminal and load your key:",
        start_agent(&own_key(case)),
    ));
    Some(found.step(Hint::advice(
        "Under sudo, in cron and in old tmux windows the variable is missing although an agent runs: \
         run this as yourself, in a new terminal.",
    )))
}

fn unreachable(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    let place = agent.socket.clone().unwrap_or_default();
    let why = trouble(&agent.state, &place)?;
    let found = Diagnosis::new(Id::AgentUnreachable).because(why).because(need.words());
    let denied = matches!(&agent.state, AgentState::Unreachable(e) if e.kind == OsErrorKind::PermissionDenied);
    let found = if denied {
        found.step(Hint::advice(
            "The agent belongs to another user. Run this as the user who started it, or start your own.",
        ))
    } else {
        found.step(Hint::advice(
            "Open a new terminal: this one may remember an agent that has ended.",
        ))
    };
    Some(
        found
            .step(Hint::run(
                "Or start an agent here and load your key:",
                start_agent(&own_key(case)),
            ))
            .step(Hint::run(
                "If the path stands in your ssh configuration (IdentityAgent), start the program \
                 that it belongs to. This shows where it is looked for:",
                command!["echo", shell("\"$SSH_AUTH_SOCK\"")],
            )),
    )
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

fn empty(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    // Without forwarding an empty agent is no cause: the key may never have been meant for it.
    if !agent_is_empty(agent) || matches!(need, Need::OnlyPlace) {
        return None;
    }
    Some(
        Diagnosis::new(Id::AgentEmpty)
            .because(text!["The SSH agent answers and holds no key."])
            .because(need.words())
            .step(Hint::run("Load your key:", command!["ssh-add", path(own_key(case))]))
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

/// Login works with a file, and forwarding will not: the agent holds other keys.
fn lacks_key(case: &Case) -> Option<Diagnosis> {
    let (agent, need) = agent(case)?;
    let won = case.queries()?.winner(case.is_interactive())?;
    if matches!(need, Need::OnlyPlace) || agent.keys().is_empty() || won.offer.in_agent {
        return None;
    }
    let file = won.offer.path.clone()?;
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

/// Keys were left that the server did not want to hear of any more.
fn too_many(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    let queries = failing.queries?;
    let goodbye = queries.disconnect.as_ref().filter(|goodbye| {
        let words = goodbye.description.raw().to_ascii_lowercase();
        words.contains("too many authentication")
    });
    let limit = queries.offers.iter().any(|query| query.answer == Answer::LimitReached);
    if queries.accepted().is_some() || (goodbye.is_none() && !limit) {
        return None;
    }
    let left: Vec<(usize, &Query)> =
        queries.offers.iter().enumerate().filter(|(_, q)| is_unasked(q.answer)).collect();
    let is_named = |query: &Query| {
        let named = |file: &&crate::evidence::identities::IdentityFile| {
            file.named && Some(file.path.as_str()) == query.offer.path.as_deref()
        };
        failing.identities.files.iter().any(|file| named(&file))
    };
    let in_file = |query: &Query| query.offer.path.is_some();
    let (place, right) = left
        .iter()
        .find(|(_, query)| is_named(query))
        .or_else(|| left.iter().find(|(_, query)| in_file(query)))
        .or_else(|| left.first())?;
    let mut found = Diagnosis::new(Id::TooManyKeys).because(text![
        "ssh would offer ",
        number(queries.offers.len()),
        " keys, one after the other; the server refused ",
        match queries.refused() {
            0 => "none of them openly".to_owned(),
            1 => "the first".to_owned(),
            n => format!("the first {n}"),
        },
        "."
    ]);
    found = found.because(match goodbye {
        Some(goodbye) => text!["Then it hung up: ", &goodbye.description, "."],
        None => text![
            "Most servers hang up after six, so the others were not asked about; ssh would not get \
             to them either."
        ],
    });
    found = found.because(text![
        "The key ",
        portal::name(right),
        " comes in place ",
        number(place + 1),
        ". Whether the server takes it is not known."
    ]);
    let only = |file: &str| case.plan.ssh().set("IdentitiesOnly=yes").identity(file).command();
    found = match &right.offer.path {
        Some(file) => found.step(Hint::run("Offer this one key alone:", only(file))),
        None => found
            .step(Hint::run(
                "Save the public lines of the agent to a file, and keep the line of the right key:",
                command!["ssh-add", "-L", shell(">"), shell("~/.ssh/from_agent.pub")],
            ))
            .step(Hint::run("Offer this one key alone:", only("~/.ssh/from_agent.pub"))),
    };
    Some(
        found
            .step(Hint::advice(
                "If it helps, put IdentityFile and IdentitiesOnly yes for this host into ~/.ssh/config.",
            ))
            .or(Id::KeyNotAccepted),
    )
}
