//! Causes in a real login, where one was asked for: after all that could be seen without it.

mod session;
#[cfg(test)]
mod tests;

use super::{Diagnosis, Id, Rule};
use crate::{
    case::Case,
    command, copying,
    evidence::{
        Needed, Unseen,
        login::{Login, NotSigned, Proof, RunEnd},
        queries::{Answer, Broken, Query},
    },
    finding::Hint,
    login::{not_asked, not_signed},
    portal, text,
    text::{Text, foreign, key, number, path, user},
    transport::seconds,
};

/// In causal order: the signature, what the server makes of it, the session.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::LoginNotFinished, finds: unknown_host },
    Rule { id: Id::LoginNotFinished, finds: a_person_has_to },
    Rule { id: Id::PassphraseWrong, finds: wrong_passphrase },
    Rule { id: Id::SigningFailed, finds: signing_failed },
    Rule { id: Id::SecondFactorNeeded, finds: second_factor },
    Rule { id: Id::UnexpectedUser, finds: session::another_user },
    Rule { id: Id::LoginRefused, finds: refused },
    Rule { id: Id::LoginRefused, finds: session::no_session },
    Rule { id: Id::NoShell, finds: session::no_shell },
    Rule { id: Id::SessionHangs, finds: session::hangs },
    Rule { id: Id::NotExamined, finds: session::another_greeting },
];

/// What of ours ended a login: time or Ctrl-C.
pub(super) fn ended(case: &Case) -> Option<Broken> {
    let login = case.login()?;
    if let Proof::Broken(why @ (Broken::Interrupted | Broken::OutOfTime)) = login.proof {
        return Some(why);
    }
    let forwarding = case.forwarding().map(|forwarding| &forwarding.run.end);
    let mut ends = login.session.iter().map(|run| &run.end).chain(forwarding);
    ends.find_map(|end| match end {
        RunEnd::Interrupted => Some(Broken::Interrupted),
        RunEnd::OutOfTime => Some(Broken::OutOfTime),
        _ => None,
    })
}

/// A server with a person's patience (LoginGraceTime) hangs up sooner than this says.
const PATIENCE_MS: u64 = 25_000;

/// The key that a login is about, as it was asked about.
fn query<'c>(case: &'c Case, login: &Login) -> Option<&'c Query> {
    let sha256 = login.key.as_ref()?;
    case.queries()?.offers.iter().find(|query| query.offer.key.sha256 == *sha256)
}

/// "The server would take ~/.ssh/id_ed25519 for user ada"
fn would_take(case: &Case, login: &Login) -> Text {
    let name = query(case, login).map_or_else(|| "a key".into(), portal::name);
    text!["The server said that it would take ", name, " for user ", user(&login.user), "."]
}

fn tell_them(words: &'static str) -> Hint {
    Hint::advice(words)
}

/// `ssh` would first ask whether this is the right server, and nobody answers that in its place.
fn unknown_host(case: &Case) -> Option<Diagnosis> {
    let Some(Err(Unseen::Needs(Needed::KnownHost))) = case.login.as_ref().map(|l| &l.seen) else {
        return None;
    };
    let shown = case.handshake()?.host_key.as_ref()?;
    Some(
        Diagnosis::new(Id::LoginNotFinished)
            .because(
                "This computer does not know the server's key yet, so ssh would ask you first.",
            )
            .because(
                "Whoever logs in hands the server a proof of the key. ssh-preflight trusts no \
                 server in your place, so it did not log in.",
            )
            .step(Hint::advice(text![
                "Compare the server's fingerprint with the one that its owner gives you: ",
                key(&shown.sha256),
                ".",
            ]))
            .step(Hint::run(
                "If it is the same, connect once with ssh and answer yes:",
                case.plan.ssh().command(),
            ))
            .step(Hint::run("Then try the login again:", again(case))),
    )
}

fn again(case: &Case) -> text::Command {
    if let Some(part) = case.plan.pair.as_deref().filter(|part| part.is_copy()) {
        return copying::again(&case.plan, part, text![foreign(&part.destination.input)]);
    }
    case.plan.ssh().preflight(Some("--login")).command()
}

/// What only a person can give was not given, or only `ssh` itself can take it.
fn a_person_has_to(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let found = Diagnosis::new(Id::LoginNotFinished);
    match &login.proof {
        Proof::NotSigned(why @ (NotSigned::NoPassphrase | NotSigned::NoPerson)) => {
            let query = query(case, login)?;
            let file = query.offer.path.as_deref()?;
            let found = found.because(would_take(case, login)).because(
                text!["The login was not tried: "].then(not_asked(&case.plan, why)).with("."),
            );
            Some(
                found
                    .step(Hint::run(
                        "Load the key into the agent, which asks for the passphrase once:",
                        command!["ssh-add", path(file)],
                    ))
                    .step(Hint::run(
                        if case.plan.pair.is_some() {
                            "Then run this again:"
                        } else {
                            "Then try the login again:"
                        },
                        again(case),
                    )),
            )
        }
        Proof::NotSigned(why @ NotSigned::Unsupported(_)) => {
            let found = found
                .because(would_take(case, login))
                .because(text!["The login was not tried: "].then(not_signed(why)).with("."));
            let file = query(case, login).and_then(|query| query.offer.path.as_deref());
            let found = match file {
                Some(file) => found.step(Hint::run(
                    "Load the key into the agent, which can sign with it, and try again:",
                    command!["ssh-add", path(file)],
                )),
                None => found,
            };
            Some(found.step(super::undetermined::with_ssh(case)))
        }
        Proof::Partial { methods } if case.is_interactive() => Some(
            found
                .because(text![
                    "The key is proven for user ",
                    user(&login.user),
                    ". The server wants one more proof: ",
                    foreign(methods.join(", ")),
                    ".",
                ])
                .because("Only you have that, and ssh-preflight asks for no password and no code.")
                .step(Hint::run(
                    "Have it ready, and log in with ssh, which asks for it:",
                    case.plan.ssh().command(),
                )),
        ),
        Proof::Broken(Broken::ServerEnded) if login.person_ms >= PATIENCE_MS => Some(
            found
                .because(text![
                    "The server hung up. The passphrase took ",
                    seconds(login.person_ms),
                    ", and servers do not wait for long (LoginGraceTime).",
                ])
                .step(Hint::run("Try it again, a little faster:", again(case))),
        ),
        _ => None,
    }
}

fn wrong_passphrase(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    if login.proof != Proof::NotSigned(NotSigned::WrongPassphrase) {
        return None;
    }
    let file = query(case, login)?.offer.path.as_deref()?;
    Some(
        Diagnosis::new(Id::PassphraseWrong)
            .because(would_take(case, login))
            .because(text!["Three passphrases were typed, and none opens ", path(file), "."])
            .step(Hint::run(
                "See whether you know the passphrase. This asks for it, prints the public half, and \
                 changes nothing:",
                command!["ssh-keygen", "-y", "-f", path(file)],
            ))
            .step(Hint::advice(
                "It is the passphrase of this key file, and neither your password there nor the \
                 one of this computer.",
            ))
            .step(Hint::run(
                "A forgotten passphrase cannot be recovered. Make a new key then, and have it \
                 registered in the place of this one:",
                command!["ssh-keygen", "-t", "ed25519"],
            )),
    )
}

fn signing_failed(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let Proof::NotSigned(why) = &login.proof else { return None };
    let file = query(case, login).and_then(|query| query.offer.path.as_deref());
    let found = Diagnosis::new(Id::SigningFailed)
        .because(would_take(case, login))
        .because(text!["No proof could be sent: "].then(not_signed(why)).with("."));
    let found = login.passed_over.iter().skip(1).fold(found, |found, passed| {
        let words = text!["ssh goes on with ", key(&passed.key), ". That key fails, too: "];
        found.because(words.then(not_signed(&passed.why)).with("."))
    });
    Some(match why {
        NotSigned::AgentRefused | NotSigned::AgentFailed(_) | NotSigned::AgentSilent { .. } => {
            let hardware = query(case, login).is_some_and(|query| query.offer.key.is_hardware());
            let found = if hardware {
                found.step(Hint::advice(
                    "The key sits in a security key. Plug it in, and touch it when it blinks.",
                ))
            } else {
                found.step(Hint::advice(
                    "Agents that ask before they sign (ssh-add -c, password managers, gpg-agent) \
                     open a window, sometimes behind others. Look for it, and unlock the program.",
                ))
            };
            let found = found.step(Hint::run(
                "See what the agent itself says when it is asked to sign with this key:",
                command![
                    "ssh-add",
                    "-T",
                    file.map_or_else(|| path("KEY.pub"), |f| path(format!("{f}.pub")))
                ],
            ));
            // Without the agent there is nothing to forward.
            let forwards = case.plan.wants_forwarding;
            match file.filter(|_| !forwards) {
                Some(file) => found.step(Hint::run(
                    "The key is in a file as well. ssh does not fall back to it by itself; this \
                     leaves the agent out:",
                    case.plan.ssh().set("IdentityAgent=none").identity(file).command(),
                )),
                None => found,
            }
        }
        NotSigned::OtherKey => found.or(Id::KeyPairMismatch).step(Hint::advice(
            "The .pub file beside the private key belongs to another key. Make it anew from the \
             private half, and have that key registered.",
        )),
        NotSigned::File(_) => found.step(Hint::advice("Make the key file readable for you again.")),
        NotSigned::NoPerson
        | NotSigned::NoPassphrase
        | NotSigned::WrongPassphrase
        | NotSigned::Unsupported(_) => return None,
    })
}

fn second_factor(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let Proof::Partial { methods } = &login.proof else { return None };
    let keys_too = methods.iter().any(|method| method == "publickey");
    let found = Diagnosis::new(Id::SecondFactorNeeded)
        .because(text![
            "The key is proven for user ",
            user(&login.user),
            ". The server says that this is one half, and wants one of these as well: ",
            foreign(methods.join(", ")),
            ".",
        ])
        .because("Nobody is there to type a password or a code (no terminal, or BatchMode).");
    let found = if keys_too {
        found.step(Hint::advice(
            "It would take a second key. If two keys of yours are registered there, name both with -i.",
        ))
    } else {
        found
    };
    Some(found.step(Hint::run("At a terminal, ssh asks for it:", case.plan.ssh().command())).step(
        Hint::advice(
            "For a program that runs alone, those who run the server must let this account in \
                 by key only (AuthenticationMethods).",
        ),
    ))
}

/// What the server said before it ended the conversation: its notice, its goodbye.
fn said(login: &Login, mut found: Diagnosis) -> Diagnosis {
    if let Some(banner) = &login.banner {
        found = found.because(text!["The server says: ", banner.in_a_line().short()]);
    }
    if let Some(goodbye) = login.disconnect.as_ref().filter(|g| !g.description.is_empty()) {
        found = found.because(text!["Its goodbye: ", &goodbye.description]);
    }
    found
}

fn refused(case: &Case) -> Option<Diagnosis> {
    let login = case.login()?;
    let found = Diagnosis::new(Id::LoginRefused).because(would_take(case, login));
    let log = "The reason is in the server's log. Send this report to those who run it, with the \
               time of the login.";
    let banner = login.banner.as_ref().map(|b| b.raw().to_ascii_lowercase()).unwrap_or_default();
    match &login.proof {
        Proof::Refused { .. } => {
            let found =
                said(login, found.because("Then the key was proven, and it refused the proof."));
            let unasked = |query: &&Query| query.answer == Answer::NotNeeded;
            let left = case.queries().map_or(0, |q| q.offers.iter().filter(unasked).count());
            let found = if left > 0 {
                found.because(text![
                    "ssh would go on with the other keys (",
                    number(left),
                    "), which were not tried: a refused proof counts against you.",
                ])
            } else {
                found
            };
            let found = if login.user == "root" {
                found
                    .because("Many servers refuse the user root in this way (PermitRootLogin).")
                    .step(Hint::run(
                        "Log in with your own name on that server, in the place of USER:",
                        case.plan.ssh().user("USER").command(),
                    ))
            } else {
                found.or(Id::SigningFailed)
            };
            Some(found.step(tell_them(log)))
        }
        Proof::Broken(Broken::ServerEnded) => {
            let found = said(
                login,
                found.because("As soon as the key was proven, the server ended the conversation."),
            );
            Some(if banner.contains("expired") {
                found.step(tell_them(
                    "The account there has expired. Ask those who run the server to prolong it.",
                ))
            } else if !banner.is_empty() {
                found
                    .step(tell_them(
                        "If the notice above speaks of a shutdown, a boot or maintenance, wait and \
                         try again later: nobody but root is let in meanwhile (/etc/nologin).",
                    ))
                    .step(tell_them(log))
            } else {
                found
                    .because(
                        "That is what rules about accounts do (PAM): who may log in, from where, \
                         at what time.",
                    )
                    .step(tell_them(log))
            })
        }
        _ => None,
    }
}
