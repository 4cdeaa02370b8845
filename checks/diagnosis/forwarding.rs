//! Causes in agent forwarding, where it was asked for together with a real login.

use super::{Diagnosis, Id, Rule, agent::own_key, diagnose};
use crate::{
    arrival::{self, Arrival},
    case::Case,
    command, copying,
    evidence::forwarding::Forwarding,
    finding::Hint,
    forwarding::{Reach, needed, reach},
    host_trust,
    pair::Role,
    ssh_add, text,
    text::{foreign, host, key, number, path, there},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::ForwardingRefused, finds: refused },
    Rule { id: Id::AgentKeyRestricted, finds: kept_back },
    Rule { id: Id::AgentLacksKey, finds: lacks_key },
    Rule { id: Id::NotExamined, finds: not_seen },
];

/// What was seen from a host at which there is a shell.
fn forwarding(case: &Case) -> Option<&Forwarding> {
    let arrival = arrival::of(case.login()?)?;
    matches!(arrival, Arrival::Shell { .. } | Arrival::OtherProgram)
        .then(|| case.forwarding())
        .flatten()
}

/// A way to the second host that needs no agent there.
fn without_agent(case: &Case, found: Diagnosis) -> Diagnosis {
    let plan = &case.plan;
    let copy = plan.pair.as_deref().and_then(|part| copying::by_way_of_here(plan, part));
    if let Some(copy) = copy {
        return found.step(copy);
    }
    // Of what was typed for this host, `ssh -J` hands on the configuration file alone (ssh.c, main).
    let typed = |option: &&str| plan.ssh_options.iter().any(|word| word == option);
    let here = plan.ssh().without("-A");
    let mut go = if ["-i", "-o", "-c", "-m", "-b", "-B"].iter().any(typed) {
        let way = here.with("-W", "%h:%p").command();
        command!["ssh", "-o", text!["ProxyCommand=", there(way)]]
    } else {
        let at = match plan.port {
            Some(port) => case.target().then(text![":", number(port)]),
            None => case.target(),
        };
        here.with("-J", at).options()
    };
    go.0.push("NEXT".into());
    found.step(Hint::run(
        "For a login at a second host no forwarding is needed. Go through this one, and your keys \
         stay here; put the second host in the place of NEXT:",
        go,
    ))
}

fn refused(case: &Case) -> Option<Diagnosis> {
    let seen = forwarding(case)?;
    if second_hop(case).is_some_and(|found| {
        let from = case.second_hop().and_then(|hop| hop.case.from_source());
        found.id.is_inconclusive() && from.is_some_and(|from| !from.own_keys.is_empty())
    }) {
        // A key that lies at the source may do without the agent.
        return None;
    }
    let found = Diagnosis::new(Id::ForwardingRefused);
    match reach(seen) {
        Reach::Refused => Some(without_agent(
            case,
            found
                .because(text!["You are let in, and the server refuses to forward your agent."])
                .because(
                    "Either the server forbids it (AllowAgentForwarding no, DisableForwarding), or \
                     the entry of your key there does (restrict, no-agent-forwarding in \
                     authorized_keys). From here they look the same.",
                )
                .step(Hint::advice(
                    "If the entry in ~/.ssh/authorized_keys there is yours, look whether it begins \
                     with restrict or no-agent-forwarding.",
                ))
                .step(Hint::advice(
                    "Else those who run the server must allow it (AllowAgentForwarding yes).",
                )),
        )),
        Reach::NotUsed => {
            let said = arrival::printed(&seen.run);
            let found = found.because(
                "The server agreed to forward your agent, but the shell there does not use it: \
                 nobody asked your agent for anything.",
            );
            let found = match said {
                Some(said) => found.because(text!["`ssh-add -l` says there: ", said]),
                None => found,
            };
            Some(without_agent(
                case,
                found
                    .because(
                        "A start-up file of the shell there that sets SSH_AUTH_SOCK, or starts an \
                         agent of its own (ssh-agent, keychain), does that.",
                    )
                    .step(Hint::run(
                        "Look for such lines there:",
                        command![
                            "grep",
                            "-n",
                            "SSH_AUTH_SOCK\\|ssh-agent\\|keychain",
                            path("~/.bashrc"),
                            path("~/.profile"),
                            path("~/.bash_profile")
                        ],
                    ))
                    .step(Hint::advice(
                        "Let them start an agent only where SSH_AUTH_SOCK is empty.",
                    )),
            ))
        }
        Reach::OurSide(why) => Some(
            found
                .because("The host asked for your agent, and this computer could not join them.")
                .because(text!["The reason: ", foreign(why), "."])
                .step(Hint::run("See whether the agent here answers:", command!["ssh-add", "-l"])),
        ),
        Reach::Answers | Reach::Granted | Reach::Unseen => None,
    }
}

/// What is wrong with the second hop of a pair, if there is one.
fn second_hop(case: &Case) -> Option<Diagnosis> {
    diagnose(&case.second_hop()?.case)
}

/// The agent answers there, and does not show a key that it has here.
fn kept_back(case: &Case) -> Option<Diagnosis> {
    let seen = forwarding(case)?;
    let wanted = needed(case.login(), case.queries())?;
    let lacks = reach(seen) == Reach::Answers && !seen.keys_there.contains(&wanted.sha256);
    let here = case.agent()?.keys().iter().any(|held| held.sha256 == wanted.sha256);
    let same_agent = seen.socket == case.agent()?.socket;
    // Where the second host takes another key of it, that one does.
    let does = case.second_hop().is_some() && second_hop(case).is_none();
    if !lacks || !here || !same_agent || does {
        return None;
    }
    let part = case.plan.pair.as_deref();
    let (words, next) = match part.map(|part| &part.destination) {
        Some(end) => {
            let next = host_trust::at_port(&end.host, end.port.unwrap_or(22));
            ("Load it for the way on:", text![host(next)])
        }
        None => ("Load it for the way on, with the next host in the place of NEXT:", text!["NEXT"]),
    };
    let name = host_trust::known_name(case.effective()?);
    let load = own_key(case);
    Some(
        Diagnosis::new(Id::AgentKeyRestricted)
            .because(text![
                "Your agent answers from the host, but does not show this key there: ",
                key(&wanted.sha256),
                "."
            ])
            .because(
                "It was loaded for certain hosts (ssh-add -h): for a login at this one, and not for \
                 going on from it.",
            )
            .step(Hint::run(
                words,
                command![
                    "ssh-add",
                    "-h",
                    host(&name),
                    "-h",
                    text![host(&name), ">"].then(next),
                    path(load)
                ],
            )),
    )
}

/// Another agent than the one of the login is forwarded (ForwardAgent with a path).
fn lacks_key(case: &Case) -> Option<Diagnosis> {
    let seen = forwarding(case)?;
    let wanted = needed(case.login(), case.queries())?;
    // Which key a second host takes is asked there.
    if case.role() == Some(Role::Source) {
        return None;
    }
    if reach(seen) != Reach::Answers || seen.keys_there.contains(&wanted.sha256) {
        return None;
    }
    let socket = seen.socket.clone()?;
    let file = own_key(case);
    Some(
        Diagnosis::new(Id::AgentLacksKey)
            .because(text![
                "The agent that is forwarded (",
                path(&socket),
                ") answers from the host, but holds another key than the one that was taken here: ",
                key(&wanted.sha256),
                ".",
            ])
            .because("So a second host that knows you by that key would not let you in.")
            .step(Hint::run(
                "Load the key into the agent that is forwarded:",
                ssh_add::at(&socket, command!["ssh-add", path(file)]),
            )),
    )
}

/// The question was asked, and no answer came that says anything.
fn not_seen(case: &Case) -> Option<Diagnosis> {
    let seen = forwarding(case)?;
    (reach(seen) == Reach::Unseen).then(|| {
        Diagnosis::new(Id::NotExamined)
            .because(
                "You are let in, but whether your agent can be used from the host could not be \
                 seen: the second session there did not come to an end.",
            )
            .step(Hint::run(
                "See for yourself. This lists the keys of your agent from the host:",
                case.plan.ssh().flag("-A").command().and(command!["ssh-add", "-l"]),
            ))
    })
}
