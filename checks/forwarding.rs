//! Agent forwarding: whether the agent can be used from the host, where that was asked for.

use crate::{
    arrival,
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen,
        forwarding::{self, COMMAND},
        key::PublicKeyFacts,
        login::{Login, RunEnd},
        queries::Queries,
    },
    finding::{Finding, Hint},
    text,
    text::{host, key, number},
};

/// Agent forwarding.
pub struct Forwarding;

/// What is judged.
pub struct Facts<'e> {
    host: String,
    /// None where forwarding is not asked for.
    forwarding: Option<&'e Seen<forwarding::Forwarding>>,
    login: Option<&'e Login>,
    queries: Option<&'e Queries>,
}

impl Check for Forwarding {
    const ABOUT: About = About { id: "forwarding", title: "Agent forwarding" };
    type Facts<'e> = Facts<'e>;

    fn applies(plan: &Plan) -> bool {
        plan.login
    }

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let effective = evidence.effective().await;
        let wanted = match &effective {
            Ok(effective) => evidence.plan().forwards(effective),
            Err(_) => evidence.plan().wants_forwarding,
        };
        let host = effective.map_or_else(|_| evidence.plan().host.clone(), |e| e.host.clone());
        if !wanted {
            return Facts { host, forwarding: None, login: None, queries: None };
        }
        let forwarding = Some(evidence.forwarding().await);
        let login = evidence.login().await.as_ref().ok();
        Facts { host, forwarding, login, queries: evidence.queries().await.as_ref().ok() }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let forwarding = match facts.forwarding {
            None => return Finding::skip("Not asked for: -A asks for it."),
            Some(Err(why)) => return Finding::unseen(why),
            Some(Ok(forwarding)) => forwarding,
        };
        // Of a pair, the second host is asked itself which key it takes.
        let wanted = needed(facts.login, facts.queries)
            .filter(|key| plan.pair.is_none() || forwarding.keys_there.contains(&key.sha256));
        let mut finding = found(forwarding, wanted);
        if forwarding.signatures_refused > 0 {
            finding = Finding::warn(text![
                "The host asked your agent for signatures by itself (",
                number(forwarding.signatures_refused),
                "), and got none.",
            ])
            .detail(finding.summary)
            .detail(
                "Nothing that was run there needs one. So a program there uses whatever agent \
                 comes along.",
            )
            .hint(Hint::advice(
                "Do not forward your agent to this host before you know what that was.",
            ));
        }
        finding
            .detail_all(
                forwarding.keys_there.iter().map(|sha256| text!["Seen there: ", key(sha256)]),
            )
            .detail(text![
                "Whoever is root at ",
                host(facts.host),
                " can use every key of your agent while you are logged in with -A. Forward it to \
                 hosts that you trust alone; for a login at the next host, ssh -J does without it.",
            ])
            .fact("forwarding", forwarding)
    }
}

fn found(forwarding: &forwarding::Forwarding, wanted: Option<&PublicKeyFacts>) -> Finding {
    match reach(forwarding) {
        Reach::Refused => Finding::fail("The server refuses to forward your agent."),
        Reach::NotUsed => Finding::fail(
            "The server forwards your agent, but the shell there uses another one, or none.",
        ),
        Reach::OurSide(_) => Finding::fail("The agent here could not be joined to the host."),
        Reach::Unseen => Finding::skip("Not found out: the question there came to no end."),
        Reach::Granted => Finding::warn(
            "The server forwards your agent; whether it can be used there was not seen.",
        )
        .detail(text!["`", COMMAND, "`, which would show it, does not run there."]),
        Reach::Answers => match wanted {
            Some(wanted) if forwarding.keys_there.contains(&wanted.sha256) => {
                Finding::pass("Your agent answers from the host, with the key that was taken here.")
                    .detail("So a next host that knows this key takes you on from there.")
            }
            Some(_) => Finding::fail(
                "Your agent answers from the host, but does not show the key that was taken here.",
            ),
            None => Finding::pass("Your agent answers from the host."),
        },
    }
}

/// How far the agent reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach<'f> {
    /// The server refuses to forward it.
    Refused,
    /// The server agreed, and nobody asked the agent although `ssh-add` ran there.
    NotUsed,
    /// Our side could not join the two: why.
    OurSide(&'f str),
    /// It answered.
    Answers,
    /// The server agreed; there is no way to see more.
    Granted,
    /// It was not seen.
    Unseen,
}

/// How far the agent reaches.
#[must_use]
pub fn reach(forwarding: &forwarding::Forwarding) -> Reach<'_> {
    let run = &forwarding.run;
    if run.agent_forwarding == Some(false) {
        return Reach::Refused;
    }
    if let Some(why) = &forwarding.not_joined {
        return Reach::OurSide(why);
    }
    if forwarding.asked > 0 {
        return Reach::Answers;
    }
    let ran_ssh_add = ["agent", "SHA256:"]
        .iter()
        .any(|word| run.stdout.raw().contains(word) || run.stderr.raw().contains(word));
    match run.end {
        _ if run.agent_forwarding != Some(true) => Reach::Unseen,
        RunEnd::Exited(0..=2) if ran_ssh_add => Reach::NotUsed,
        RunEnd::Exited(_) | RunEnd::Signalled(_) => Reach::Granted,
        RunEnd::Closed | RunEnd::TimedOut { .. } | RunEnd::OutOfTime | RunEnd::Interrupted => {
            Reach::Unseen
        }
    }
}

/// The key that the next host needs, as far as can be known: the one that was taken here.
#[must_use]
pub fn needed<'q>(
    login: Option<&Login>,
    queries: Option<&'q Queries>,
) -> Option<&'q PublicKeyFacts> {
    let login = login.filter(|login| arrival::of(login).is_some())?;
    let sha256 = login.key.as_ref()?;
    let offers = &queries?.offers;
    offers.iter().map(|query| &query.offer.key).find(|key| key.sha256 == *sha256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evidence::login::Run, text::Foreign};

    #[test]
    fn how_far_the_agent_reaches() {
        let run = |granted, out: &str, end| Run {
            agent_forwarding: Some(granted),
            stdout: Foreign::from_bytes(out.as_bytes()),
            end,
            ..Run::default()
        };
        let seen = |run, asked| forwarding::Forwarding {
            socket: Some("/a".into()),
            run,
            asked,
            signatures_refused: 0,
            keys_there: Vec::new(),
            not_joined: None,
        };
        let table = [
            (run(false, "", RunEnd::Closed), 0, Reach::Refused),
            (run(true, "256 SHA256:x y (ED25519)\n", RunEnd::Exited(0)), 1, Reach::Answers),
            (run(true, "The agent has no identities.\n", RunEnd::Exited(1)), 1, Reach::Answers),
            (run(true, "The agent has no identities.\n", RunEnd::Exited(1)), 0, Reach::NotUsed),
            (run(true, "", RunEnd::Exited(127)), 0, Reach::Granted),
            (run(true, "FORCED\n", RunEnd::Exited(0)), 0, Reach::Granted),
            (run(true, "", RunEnd::TimedOut { after_ms: 1 }), 0, Reach::Unseen),
        ];
        for (run, asked, expected) in table {
            assert_eq!(reach(&seen(run, asked)), expected);
        }
    }
}
