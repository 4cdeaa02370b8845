//! No cause was found, but not everything that the verdict needs was seen: inconclusive.
//!
//! An observation that is missing must never pass as a quiet success.

use super::{Diagnosis, Id, Rule, sftp, way};
use crate::{
    case::Case,
    evidence::{
        Needed, Unseen,
        handshake::{Handshake, HandshakeEnd},
        queries::{Answer, Broken, Queries},
    },
    finding::Hint,
    passage, relay, text,
    text::{foreign, host, path, user},
    transport,
};

/// What ended the run comes first, then what it left open.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::Interrupted, finds: interrupted },
    Rule { id: Id::TimedOut, finds: timed_out },
    Rule { id: Id::AcceptsAnything, finds: accepts_anything },
    Rule { id: Id::NotExamined, finds: at_the_jump_host },
    Rule { id: Id::BehindJumpHost, finds: would_ask },
    Rule { id: Id::BehindJumpHost, finds: behind_jump_host },
    Rule { id: Id::NotExamined, finds: not_examined },
];

fn interrupted(case: &Case) -> Option<Diagnosis> {
    let unseen = case.unseen().iter().any(|(_, why)| **why == Unseen::Interrupted);
    let handshake = case.handshake().filter(|h| h.end == HandshakeEnd::Interrupted);
    let asking = case.queries().is_some_and(|q| q.broken == Some(Broken::Interrupted));
    let login = super::login::ended(case) == Some(Broken::Interrupted)
        || broken(case) == Some(Broken::Interrupted);
    (unseen || handshake.is_some() || asking || login).then(|| {
        let found = Diagnosis::new(Id::Interrupted)
            .because(text!["The run was interrupted; what was found by then is in the report."]);
        how_far(found, handshake).step(Hint::advice("Run it again and let it finish."))
    })
}

/// What ended a login with a password or the session behind it.
fn broken(case: &Case) -> Option<Broken> {
    let login = case.password_login().and_then(|login| login.broken);
    login.or_else(|| case.sftp().and_then(|session| session.broken))
}

/// Where the conversation stood: a server that hangs is often why somebody interrupts.
fn how_far(found: Diagnosis, handshake: Option<&Handshake>) -> Diagnosis {
    match handshake {
        Some(handshake) => found.because(transport::words(handshake, None)),
        None => found,
    }
}

fn timed_out(case: &Case) -> Option<Diagnosis> {
    let unseen = case.unseen().iter().any(|(_, why)| **why == Unseen::OutOfTime);
    let handshake = case.handshake().filter(|h| h.end == HandshakeEnd::OutOfTime);
    let asking = case.queries().is_some_and(|q| q.broken == Some(Broken::OutOfTime));
    let login = super::login::ended(case) == Some(Broken::OutOfTime)
        || broken(case) == Some(Broken::OutOfTime);
    (unseen || handshake.is_some() || asking || login).then(|| {
        let limit = transport::seconds(case.plan.limits.total_ms);
        let found = Diagnosis::new(Id::TimedOut).because(text![
            "After ",
            limit,
            " not everything had been found out."
        ]);
        how_far(found, handshake)
            .step(Hint::advice(text!["Run it again with more time, for example --timeout 2m."]))
    })
}

fn accepts_anything(case: &Case) -> Option<Diagnosis> {
    let queries = case.queries()?;
    if queries.control != Some(Answer::Accepted) && !queries.open_door {
        return None;
    }
    // A real login proves what the answer does not.
    if case.login().is_some() {
        return None;
    }
    let mut found = Diagnosis::new(Id::AcceptsAnything).because(text![
        "The server answered yes to a key that was made up for this one question.",
    ]);
    if let Some(id) = case.handshake().and_then(|h| h.identification.as_ref()) {
        found = found.because(text!["Its software: ", &id.software, "."]);
    }
    Some(found.step(Hint::run(
        "Only a real login shows whether your key works there. This logs in with it, and out again:",
        case.plan.ssh().preflight(Some("--login")).command(),
    )))
}

/// A jump host of which it is not known whether it lets in. With `--through` ssh itself was the test.
fn at_the_jump_host(case: &Case) -> Option<Diagnosis> {
    let (hop, mut found) = way::failing(case)?;
    let not_gone = case.handshake().is_none() || way::no_byte(case).is_some();
    if !not_gone {
        return None;
    }
    if found.id == Id::BehindJumpHost {
        if hop.effective().is_some_and(|e| e.proxy_jump.is_some()) {
            // Nothing is wrong with it: what is before it was not gone through either.
            return None;
        }
        // To go through to the target is to go through to its jump host.
        found.next_steps = vec![through(case)];
        return Some(way::named(case, hop, found));
    }
    let found = way::named(case, hop, found);
    Some(if case.plan.through { found } else { found.step(through(case)) })
}

/// This program again, and through.
fn through(case: &Case) -> Hint {
    Hint::run(
        "Look behind it. This logs in there with your key, as ssh does, and leaves again:",
        case.plan.ssh().preflight(Some("--through")).command(),
    )
}

/// The way was not gone, since `ssh` would ask something on it.
fn would_ask(case: &Case) -> Option<Diagnosis> {
    if unseen(case) != Some(Needed::NoQuestion) {
        return None;
    }
    let nobody: Vec<_> = passage::hops(case).iter().map(|hop| hop.with_nobody()).collect();
    let (hop, asks) = nobody.iter().find_map(|hop| Some((hop, super::diagnose(hop)?)))?;
    let mut found = Diagnosis::new(Id::BehindJumpHost)
        .because(text![
            "The jump host ",
            host(&hop.plan.host),
            " would let you in, but only after ssh has asked you something. Unasked it ends there: ",
            asks.id.title(),
            ".",
        ])
        .because("ssh-preflight asks for no passphrase and trusts no key in your place.");
    // The others are about a login at which nobody is there.
    found.next_steps.extend(asks.next_steps.into_iter().filter(|step| step.command.is_some()));
    Some(found.step(through(case)))
}

/// What keeps the way from being gone.
fn unseen(case: &Case) -> Option<Needed> {
    match case.proxy.as_ref().map(|p| &p.seen) {
        Some(Err(Unseen::Needs(needed))) => Some(*needed),
        _ => None,
    }
}

fn behind_jump_host(case: &Case) -> Option<Diagnosis> {
    if unseen(case) != Some(Needed::Consent) {
        return None;
    }
    let found = Diagnosis::new(Id::BehindJumpHost);
    let Some(command) = &case.effective()?.proxy_command else {
        let hops = passage::hops(case);
        let first = hops.first()?;
        let with = first.queries().and_then(|q| q.winner(first.is_interactive()));
        let key = with.and_then(|q| q.offer.path.as_ref());
        let mut lets_in = text!["The jump host ", host(&first.plan.host), " would let you in"];
        if let Some(file) = key {
            lets_in = lets_in.then(text![" with ", path(file)]);
        }
        return Some(
            found
                .because(lets_in.with("."))
                .because(
                    "What is behind it can only be seen by logging in there, and nothing is logged \
                     in without your asking for it.",
                )
                .step(through(case)),
        );
    };
    let program = relay::program(command);
    Some(
        found
            .because(text![
                "The connection goes through a proxy command that runs ",
                foreign(program),
                ". It may log in somewhere, so it is only run if you ask for it.",
            ])
            .step(Hint::run(
                "Run it, as ssh does, and look behind it:",
                case.plan.ssh().preflight(Some("--through")).command(),
            )),
    )
}

/// What shows more than we could see.
pub(super) fn with_ssh(case: &Case) -> Hint {
    let words = match case.plan.access.sftp() {
        Some(_) => "Run sftp itself, which tells each step:",
        None => "Run ssh itself, which tells each step:",
    };
    Hint::run(words, case.plan.client().flag("-v").command())
}

/// The server ended the conversation at the first question, without a goodbye.
fn hung_up_on_user(queries: &Queries) -> bool {
    queries.broken == Some(Broken::ServerEnded)
        && queries.refused() == 0
        && queries.accepted().is_none()
        && queries.disconnect.is_none()
}

/// Everything was asked for and something was not seen, for a reason of its own.
fn not_examined(case: &Case) -> Option<Diagnosis> {
    let found = Diagnosis::new(Id::NotExamined);
    let own: Vec<_> = case.unseen().into_iter().filter(|(_, why)| !why.is_consequence()).collect();
    if let Some((_, why)) = own.first() {
        let step = match why {
            Unseen::OnlySsh(_) => Hint::advice(
                "Install an OpenSSH client (the package is mostly called openssh-client), and run \
                 this again.",
            ),
            _ => with_ssh(case),
        };
        return Some(found.because(why.words()).step(step));
    }
    if case.plan.access.sftp().is_some() {
        return stopped(case).or_else(|| sftp::not_examined(case));
    }
    let winner = case.queries().and_then(|queries| queries.winner(case.is_interactive()));
    let module = case.effective().and_then(|effective| effective.pkcs11_provider.as_ref());
    if let (Some(module), None) = (module, winner) {
        return Some(
            found
                .because(text![
                    "ssh would also try the keys of the module ",
                    path(module),
                    " (PKCS11Provider). To list them, the module would have to be run, and might \
                     ask for a PIN; so they were not looked at."
                ])
                .step(with_ssh(case)),
        );
    }
    if let Some(found) = stopped(case) {
        return Some(found);
    }
    let queries = case.queries.as_ref()?;
    match &queries.seen {
        Ok(queries) if hung_up_on_user(queries) => Some(
            found
                .because(text![
                    "The server hung up as soon as it heard the user name ",
                    user(&queries.user),
                    ", before it said a word about a key. ssh would be cut off in the same way."
                ])
                .because(text![
                    "Servers do so by rule (RefuseConnection for a user or an address), or when \
                     they fail themselves; that cannot be told apart from here."
                ])
                .step(Hint::advice(
                    "Check the user name. If it is right, send this report to those who run the \
                     server; the reason is in its log.",
                ))
                .step(Hint::advice(
                    "Do not try again and again: such a server counts each attempt against your \
                     address.",
                )),
        ),
        Ok(queries) if queries.winner(case.is_interactive()).is_none() => Some(
            found
                .because(text!["No key was found with which ssh could certainly log in."])
                .step(with_ssh(case)),
        ),
        Err(Unseen::Needs(Needed::TrustedHost)) if runs_a_command(case) => Some(
            found
                .because(text![
                    "The known_hosts files do not know the server's key. ssh also asks a command \
                     (KnownHostsCommand), which ssh-preflight does not run."
                ])
                .step(with_ssh(case)),
        ),
        Err(why) => Some(found.because(why.words()).step(with_ssh(case))),
        Ok(_) => None,
    }
}

/// The library stopped, for a reason that no rule knows.
fn stopped(case: &Case) -> Option<Diagnosis> {
    let Some(HandshakeEnd::Stopped(why)) = case.handshake().map(|handshake| &handshake.end) else {
        return None;
    };
    Some(
        Diagnosis::new(Id::NotExamined)
            .because(text!["The SSH library inside ssh-preflight stopped: ", foreign(why), "."])
            .because(text!["What ssh itself would do here is not known."])
            .step(with_ssh(case)),
    )
}

fn runs_a_command(case: &Case) -> bool {
    case.effective().is_some_and(|effective| effective.known_hosts_command.is_some())
}
