//! Causes on the way through jump hosts and proxy commands.
//!
//! A jump host is a target of its own, so the whole table of rules runs over its case; what it finds
//! is the cause here too, named with the jump host.

use super::{Diagnosis, Id, Rule, diagnose, proxy, ssh_says};
use crate::{
    case::Case,
    command,
    evidence::{
        agent::AgentState,
        handshake::{Handshake, HandshakeEnd},
        identities::{Content, IdentityFile},
        proxy::ProxyEnd,
    },
    finding::Hint,
    passage::{self, Told},
    ssh_add, text,
    text::{FOREIGN_LIMIT, Foreign, Text, foreign, host, number, path},
    transport,
};

/// In causal order: the jump host itself, then what it or the command says of the way behind it.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::KeyNotForJumpHost, finds: key_not_for_jump_host },
    Rule { id: Id::ProxyFailed, finds: jump_host_fails },
    Rule { id: Id::ForwardingProhibited, finds: forwarding_prohibited },
    Rule { id: Id::JumpHostCannotConnect, finds: jump_host_cannot_connect },
    Rule { id: Id::BehindJumpHost, finds: proxy::needs_a_question },
    Rule { id: Id::ProxyFailed, finds: proxy::proxy_failed },
];

/// The jump host at which it ends, and what is wrong with it by itself.
pub(super) fn failing(case: &Case) -> Option<(&Case, Diagnosis)> {
    passage::hops(case).into_iter().find_map(|hop| Some((hop, diagnose(hop)?)))
}

/// What is wrong at the jump host, as a cause of the target.
pub(super) fn named(case: &Case, hop: &Case, mut found: Diagnosis) -> Diagnosis {
    let at = text![host(&hop.plan.host)];
    let port = hop.plan.port.map(|port| format!(", port {port}")).unwrap_or_default();
    let through = text![
        "The connection to ",
        host(&case.plan.host),
        " goes through the jump host ",
        host(&hop.plan.host),
        port,
        ", and that is where it ends. What follows is about the jump host.",
    ];
    found.because.insert(0, through);
    let as_typed = hop.plan.ssh().command();
    let is_ssh = |step: &Hint| {
        let command = step.command.as_ref().filter(|command| **command != as_typed);
        command.map(crate::text::Command::plain).is_some_and(|c| c.starts_with("ssh "))
    };
    if found.next_steps.iter().any(is_ssh) {
        found = found.step(Hint::advice(text![
            "These commands try the jump host alone. ssh hands no option of a command line on to it: \
             what helps there, write into your ssh configuration, below a line \"Host ",
            host(&hop.plan.host),
            "\". User and port can stand in -J as well: USER@HOST:PORT.",
        ]));
    }
    found.at = Some(at);
    if !found.ssh_says.is_empty() {
        found = found.ssh_says(UNKNOWN);
    }
    found
}

fn jump_host_fails(case: &Case) -> Option<Diagnosis> {
    let (hop, found) = failing(case)?;
    (!found.id.is_inconclusive()).then(|| named(case, hop, found))
}

/// What may be wrong with a login at a jump host for want of the key that was named for the target.
const FOR_WANT_OF_A_KEY: [Id; 5] =
    [Id::NoKey, Id::KeyNotAccepted, Id::AgentEmpty, Id::AgentNotRunning, Id::AgentUnreachable];

fn key_not_for_jump_host(case: &Case) -> Option<Diagnosis> {
    let (hop, found) = failing(case)?;
    if !FOR_WANT_OF_A_KEY.contains(&found.id) {
        return None;
    }
    let at = hop.effective()?;
    let tried = |file: &&IdentityFile| {
        let offered = hop.queries().map(|q| q.offers.as_slice()).unwrap_or_default();
        let same = |o: &crate::evidence::queries::Query| {
            file.offered().is_some_and(|key| key.same_key(&o.offer.key))
        };
        at.identity_files.iter().any(|known| known.path == file.path) || offered.iter().any(same)
    };
    let is_key = |file: &&IdentityFile| matches!(file.content, Content::Private { .. });
    let files = &case.identities()?.files;
    let file = files.iter().filter(|f| f.named).filter(is_key).find(|f| !tried(f))?;
    let name = host(&hop.plan.host);
    let mut said = Diagnosis::new(Id::KeyNotForJumpHost).because(text![
        "ssh uses ",
        path(&file.path),
        " for ",
        host(&case.plan.host),
        ", but not for the jump host ",
        name.clone(),
        ": -i and the other options of the command line are not handed on to a jump host.",
    ]);
    said.because.extend(found.because);
    said.ssh_says = found.ssh_says;
    said = said.ssh_says(UNKNOWN);
    let works = case.agent().is_some_and(|a| matches!(a.state, AgentState::Keys(_)));
    let verify = hop.plan.ssh().preflight(None).identity(&file.path);
    said = said.step(Hint::run("See whether the jump host takes that key:", verify.command()));
    if !at.identities_only {
        let words = "If it does, load the key into the agent: ssh offers what is in there to every \
                     jump host.";
        let load = command!["ssh-add", path(&file.path)];
        let load = if works { load } else { ssh_add::start_and_load(&file.path) };
        said = said.step(Hint::run(words, load));
    }
    said = said.step(Hint::advice(text![
        "Or name it for good in your ssh configuration, in two lines: \"Host ",
        name,
        "\" and, below it, \"IdentityFile ",
        path(&file.path),
        "\".",
    ]));
    said.at = Some(text![host(&hop.plan.host)]);
    Some(said.or(Id::KeyNotAccepted))
}

/// The command ended, or fell silent, before a byte of the target came.
pub(super) fn no_byte(case: &Case) -> Option<(&Handshake, &ProxyEnd)> {
    let handshake = case.handshake()?;
    let over = matches!(
        handshake.end,
        HandshakeEnd::Closed | HandshakeEnd::Failed(_) | HandshakeEnd::TimedOut { .. }
    );
    (over && handshake.received == 0).then_some((handshake, case.proxy_end()?))
}

/// The jump host next to the target, as far as it is known by name.
pub(super) fn next(case: &Case) -> Text {
    match case.hop() {
        Some(hop) => text!["the jump host ", host(&hop.case.plan.host)],
        None => text!["the jump host of the proxy command"],
    }
}

fn goal(case: &Case) -> Text {
    let (name, port) = match case.effective() {
        Some(e) => (e.host.as_str(), e.port),
        None => (case.plan.host.as_str(), 22),
    };
    text![host(name), ", port ", number(port)]
}

/// What is printed: the command's own words come through, then `ssh` says that the way ended.
pub(super) fn printed(mut found: Diagnosis, case: &Case, end: &ProxyEnd) -> Diagnosis {
    // What is cut here, or shown otherwise than it is printed, is no quote.
    let as_it_is =
        |line: &&Foreign| line.raw().len() < FOREIGN_LIMIT && line.printable() == line.raw();
    found.ssh_says = end.words().filter(as_it_is).map(|line| text![line]).collect();
    // With ConnectTimeout it ends itself, in other words.
    match case.handshake().map(|handshake| &handshake.end) {
        Some(HandshakeEnd::TimedOut { .. }) => found.ssh_says.extend(ssh_says(case)),
        _ => found = found.ssh_says(UNKNOWN),
    }
    found
}

/// How `ssh` tells that the way ended, whatever the reason. Where a command ends before `ssh` has
/// written its first line, it is by chance another one ("Broken pipe").
const UNKNOWN: &str = "Connection closed by UNKNOWN port 65535";

/// Explains the name that `ssh` has for a way that is not direct.
pub(super) fn explained(found: Diagnosis) -> Diagnosis {
    let is_told = found.ssh_says.iter().any(|line| line.plain().contains("UNKNOWN port 65535"));
    if !is_told {
        return found;
    }
    found.because(
        "\"UNKNOWN port 65535\" is neither the host nor its port: so ssh calls the way that leads \
         there.",
    )
}

fn forwarding_prohibited(case: &Case) -> Option<Diagnosis> {
    let (_, end) = no_byte(case)?;
    if end.told() != Told::Prohibited {
        return None;
    }
    let mut found = Diagnosis::new(Id::ForwardingProhibited).because(
        text!["You got in at "]
            .then(next(case))
            .then(text![", but it may not be used to go on to "])
            .then(goal(case))
            .with("."),
    );
    found = explained(printed(found, case, end));
    let key = text![
        "those who run it can take \"restrict\" or \"no-port-forwarding\" from before your key in \
         authorized_keys, or add \"port-forwarding\" to it."
    ];
    let server = text![
        "Ask those who run it to allow TCP forwarding to this host for you (AllowTcpForwarding and \
         PermitOpen in its sshd_config)."
    ];
    found = if end.key_is_restricted() {
        found
            .because("The jump host lists what your key may do, and forwarding is not among it.")
            .step(Hint::advice(text!["It is your key that is restricted: "].then(key)))
    } else {
        let same = text!["An option before your key in authorized_keys can forbid it too: "];
        found.step(Hint::advice(server)).step(Hint::advice(same.then(key)))
    };
    Some(found.step(log_in_there(case)))
}

/// What works without forwarding.
fn log_in_there(case: &Case) -> Hint {
    let words = "Until then, log in at the jump host and run ssh from there:";
    match case.hop() {
        Some(hop) => Hint::run(words, hop.case.plan.ssh().command()),
        None => Hint::advice("Until then, log in at the jump host and run ssh from there."),
    }
}

fn jump_host_cannot_connect(case: &Case) -> Option<Diagnosis> {
    let (handshake, end) = no_byte(case)?;
    let why = match end.told() {
        Told::NoConnection(why) => Some(why),
        // It was asked to connect, and neither did nor said that it cannot.
        Told::Nothing if end.exit.is_none() && end.logged_in() && !end.connected() => None,
        _ => return None,
    };
    let way = text!["You got in at "].then(next(case)).with(", but ");
    let mut found = Diagnosis::new(Id::JumpHostCannotConnect).because(
        way.then(match why {
            Some(why) => text!["it cannot connect to "]
                .then(goal(case))
                .with(": ")
                .with(foreign(why))
                .with("."),
            None => text!["it has not connected to "]
                .then(goal(case))
                .with(" by now, and has not said that it cannot. ")
                .then(transport::words(handshake, None)),
        }),
    );
    found = explained(printed(found, case, end));
    let lower = why.unwrap_or_default().to_ascii_lowercase();
    let is = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    found = if is(&["refused"]) {
        found.step(Hint::advice(
            text![
                "Check host and port. If they are right, the SSH server there does not run, or a \
                   firewall between the jump host and it refuses: ask those who run "
            ]
            .then(goal(case))
            .with("."),
        ))
    } else if is(&["name", "resol", "nodename", "hostname"]) {
        found
            .because(
                "The name is looked up on the jump host, with the name servers of that network, not \
                 on this computer.",
            )
            .step(Hint::advice(
                "Use the name that the host has inside that network, or its address there; or ask \
                 those who run the jump host why it does not know the name.",
            ))
    } else {
        found.step(Hint::advice(
            text!["Something between the jump host and the host keeps them apart: a firewall, a \
                   security group or a missing route. Ask those who run the jump host whether it may \
                   reach "]
            .then(goal(case))
            .with(", and whether the host is up."),
        ))
    };
    Some(found.step(from_there(case)))
}

/// Tries the same from the jump host.
fn from_there(case: &Case) -> Hint {
    Hint::advice(
        text!["See it from there: log in at the jump host and run \"nc -v "]
            .then(match case.effective() {
                Some(e) => text![host(&e.host), " ", number(e.port)],
                None => text![host(&case.plan.host)],
            })
            .with("\"; nothing on this computer has a part in that step."),
    )
}

#[cfg(test)]
mod tests;
