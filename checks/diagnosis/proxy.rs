//! Causes in a command that carries the conversation and ends without it.

use super::{
    Diagnosis, Id,
    undetermined::with_ssh,
    way::{explained, next, no_byte, printed},
};
use crate::{
    case::Case,
    evidence::{
        handshake::HandshakeEnd,
        proxy::{Exit, ProxyEnd, ProxyTrouble},
    },
    finding::Hint,
    jump,
    passage::Told,
    relay, text,
    text::{Command, Text, foreign, host, number},
};

/// Whether at a terminal the way might have opened after a question (a password, a second factor),
/// which could not be put here.
fn might_ask(case: &Case, end: &ProxyEnd) -> bool {
    let waits = end.exit.is_none() && !end.logged_in();
    let refused =
        matches!(end.told(), Told::NotIn(line) if line.raw().contains("Permission denied"));
    let relays = case.effective().and_then(|e| e.proxy_command.as_ref());
    let asks_nothing = relays.is_some_and(|line| relay::is_plain(line) && !relay::may_ask(line));
    case.is_interactive() && !asks_nothing && (waits || refused)
}

/// Not a failure for certain, but as far as it could be gone here.
pub(super) fn needs_a_question(case: &Case) -> Option<Diagnosis> {
    let (_, end) = no_byte(case)?;
    if !might_ask(case, end) {
        return None;
    }
    let hop = case.hop().map(|hop| &hop.case.plan);
    let way = match hop {
        Some(next) => text!["ssh on its way through the jump host ", host(&next.host)],
        None => text!["The proxy command"],
    };
    let mut found = Diagnosis::new(Id::BehindJumpHost).because(way.with(match end.exit {
        None => " runs, but not one byte came from the host.",
        Some(_) => " ended before a byte came from the host.",
    }));
    found = printed(found, case, end).because(
        "At a terminal it may ask you for something, such as a password or a second factor, which it \
         could not do here. If it asks for nothing there, it fails.",
    );
    if let Some(next) = hop {
        found = found.step(Hint::run("Log in at the jump host alone:", next.ssh().command()));
    }
    Some(found.step(with_ssh(case)))
}

pub(super) fn proxy_failed(case: &Case) -> Option<Diagnosis> {
    let proxy = case.proxy()?;
    let effective = case.effective()?;
    let is_jump = effective.proxy_jump.is_some();
    let name = foreign(&proxy.program);
    let what = match is_jump {
        true => text!["ssh on its way through "].then(next(case)),
        false => text!["the proxy command (", name.clone(), ")"],
    };
    let found = Diagnosis::new(Id::ProxyFailed);
    match &proxy.trouble {
        Some(ProxyTrouble::UnknownToken(letter)) => {
            let letter = format!("%{letter}");
            return Some(
                found
                    .ssh_says(text!["unknown key ", foreign(&letter)])
                    .because(text![
                        "ssh does not know ",
                        foreign(&letter),
                        " in a ProxyCommand and refuses it.",
                    ])
                    .step(Hint::advice(
                        "Correct it: %h is the host, %p the port, %r the user, %n the host as typed, \
                         and a percent sign itself is written %%.",
                    )),
            );
        }
        Some(ProxyTrouble::Failed(error)) => {
            return Some(
                found
                    .because(text![
                        "Cannot start ",
                        foreign(&proxy.program),
                        ": ",
                        foreign(&error.message),
                        ".",
                    ])
                    .step(Hint::advice(match is_jump {
                        true => "Install the OpenSSH client: ssh goes through jump hosts with it.",
                        false => {
                            "ssh starts a proxy command with your shell, the one in $SHELL: see \
                                  that it is there."
                        }
                    })),
            );
        }
        None => {}
    }
    let (handshake, end) = no_byte(case)?;
    // The jump host connected: what is behind it hung up, or is silent.
    if end.connected() || (is_jump && end.exit.is_none() && end.logged_in()) {
        return None;
    }
    let how = match end.exit {
        Some(Exit::Code(code)) => text!["ended with exit code ", number(code)],
        Some(Exit::Signal(signal)) => text!["was ended by signal ", number(signal)],
        None if matches!(handshake.end, HandshakeEnd::TimedOut { .. }) => text!["runs"],
        None => text!["closed its output"],
    };
    let mut found = found.because(
        text!["The connection goes through "].then(what).with(". It ").then(how).with(
            match end.exit {
                None if handshake.received == 0 => ", but not one byte came from the host.",
                _ => " before a byte came from the host.",
            },
        ),
    );
    found = explained(printed(found, case, end));
    if is_jump {
        let login = case.hop().map(|hop| hop.case.plan.ssh().command());
        let words = "Log in at the jump host alone, and see what it says:";
        return Some(match login {
            Some(login) => found.step(Hint::run(words, login)),
            None => found,
        });
    }
    Some(command_failed(case, found, end, &proxy.program))
}

/// What to do about a command of the configuration, by how it ended and what it said.
fn command_failed(case: &Case, found: Diagnosis, end: &ProxyEnd, program: &str) -> Diagnosis {
    let by_hand = by_hand(case);
    match (end.code(), end.told()) {
        (Some(127), _) => found
            .because(text!["Exit code 127 of a shell means that there is no such program."])
            .step(Hint::advice(text![
                "Install ",
                foreign(program),
                ", or correct its name in ProxyCommand. If it is there when you type it, its folder \
                 is missing in PATH where ssh is started.",
            ]))
            .step(Hint::advice(
                "To go through an SSH server no such program is needed: ProxyJump does that.",
            )),
        (Some(126), _) => found
            .because("Exit code 126 of a shell means that the program may not be run.")
            .step(Hint::advice(text![
                "Make ",
                foreign(program),
                " executable (chmod +x), or correct its path in ProxyCommand.",
            ])),
        (_, Told::HttpStatus(407)) => found.step(Hint::advice(
            "The HTTP proxy wants a user name and a password (code 407): give them to the proxy \
             command, or ask those who run the proxy for access.",
        )),
        (_, Told::HttpStatus(403)) => found
            .step(Hint::advice(text![
                "The HTTP proxy forbids this port (code 403): most allow 443 alone. Ask those who run \
                 it, or use a host that has SSH on port 443.",
            ])),
        (_, Told::HttpStatus(code)) => found.step(Hint::advice(text![
            "The HTTP proxy could not connect to the host (code ",
            number(code),
            "). Check host and port; if they are right, the host is down or the proxy may not reach \
             it: ask those who run the proxy.",
        ])),
        (_, Told::NotIn(_)) if program == "ssh" => found
            .step(Hint::advice(
                "The ssh in your proxy command does not get in at its own host. Examine that host as \
                 a target of its own: ssh-preflight USER@JUMP_HOST.",
            ))
            .step(by_hand),
        (None, _) => found
            .step(by_hand)
            .step(Hint::advice(
                "A program that waits for something (a login, a proxy that drops packets) looks like \
                 this, and so does a host that is silent behind it.",
            ))
            .or(Id::SilentServer)
            .or(Id::Filtered),
        (Some(0), _) if end.words().next().is_none() => found
            .because("It reports no failure: the host itself may have closed the connection.")
            .step(by_hand)
            .or(Id::ClosedBeforeBanner),
        _ => found.step(by_hand),
    }
}

/// The command, for pasting: only one that holds no password, so of the known relays.
fn by_hand(case: &Case) -> Hint {
    let expanded = case.effective().and_then(|e| {
        let command = e.proxy_command.as_ref()?;
        jump::tokens(command, &case.plan, e).ok()
    });
    let words = expanded.filter(|line| relay::is_plain(line)).and_then(|line| shlex::split(&line));
    match words {
        Some(words) => {
            let words = words.iter().map(|word| Text::from(foreign(word))).collect();
            Hint::run(
                "Run the proxy command by hand. It works when a line comes that begins with SSH-2.0:",
                Command(words),
            )
        }
        None => Hint::advice(
            "Run the command in ProxyCommand by hand, with the host for %h and the port for %p. It \
             works when a line comes that begins with SSH-2.0; if not, put right what it says.",
        ),
    }
}
