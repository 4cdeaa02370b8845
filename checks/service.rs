//! Service: whether a provider's service can be used from the environment, over the forwarded agent.

use crate::{
    arrival,
    case::Plan,
    check::{About, Check},
    evidence::{Evidence, Seen, second_hop::SecondHop},
    finding::Finding,
    from_source,
    host_trust::Acceptance,
    onward,
    pair::Role,
    text,
    text::{Text, host},
};

/// Service.
pub struct Service;

impl Check for Service {
    const ABOUT: About = About { id: "service", title: "Service from there" };
    type Facts<'e> = &'e Seen<SecondHop>;

    fn applies(plan: &Plan) -> bool {
        plan.pair.as_ref().is_some_and(|part| part.role == Role::Source && !part.is_copy())
    }

    async fn observe(evidence: &Evidence) -> &Seen<SecondHop> {
        evidence.second_hop().await
    }

    fn judge(plan: &Plan, hop: &Seen<SecondHop>) -> Finding {
        let Some(part) = &plan.pair else { return Finding::skip("No service was asked for.") };
        let finding = onward::judge(part, hop, |hop| {
            let takes = onward::takes(part, &hop.case);
            let finding = match from_source::trust(&hop.case) {
                Some((_, Acceptance::Asks)) => Finding::warn(text![
                    "ssh at the environment will first ask whether to trust the key of ",
                    host(&hop.case.plan.host),
                    ": compare the fingerprint, then answer yes.",
                ])
                .detail(takes),
                _ => Finding::pass(takes),
            };
            finding.detail_all(greeting(hop))
        });
        finding.fact("used_from", &part.source.input).fact("service", &part.destination.input)
    }
}

/// What the service greeted with.
fn greeting(hop: &SecondHop) -> Option<Text> {
    let by_login = hop.case.login().and_then(|login| login.session.as_ref());
    let run = match by_login {
        Some(run) => run,
        None => &hop.case.from_source()?.instead.as_ref()?.run,
    };
    Some(text!["It greets: ", arrival::greeting(run)?, "."])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            login::{Login, Run, RunEnd},
            made,
            second_hop::Tunnel,
        },
        finding::Status,
        pair::{Part, tests::part},
        profile::Profile,
        text::Foreign,
    };

    fn hop(tunnel: Tunnel) -> SecondHop {
        let mut case = made::case(made::effective(443));
        case.plan.host = "git.example.com".into();
        case.plan.pair = Some(Box::new(Part { role: Role::Hop, ..service() }));
        case.from_source = made::seen(made::from_source("git.example.com", tunnel));
        SecondHop { case: Box::new(case), file: None }
    }

    fn service() -> Part {
        Part { service: Some(Box::new(Profile::default())), ..part(None) }
    }

    #[test]
    fn a_closed_way_fails_and_a_greeting_is_told() {
        let mut plan = made::plan();
        plan.pair = Some(Box::new(service()));
        assert!(Service::applies(&plan));
        let closed = Service::judge(&plan, &Ok(hop(Tunnel::NoAnswer { after_ms: 10_000 })));
        assert_eq!(closed.status, Status::Fail, "{closed:?}");
        assert!(closed.hints.is_empty(), "the diagnosis has the steps");
        let mut greets = hop(Tunnel::Open);
        let run = Run {
            stdout: Foreign::from_bytes(b"hello ada, this is git@lab\n"),
            end: RunEnd::Exited(0),
            ..Run::default()
        };
        greets.case.login = made::seen(Login { session: Some(run), ..Login::open_door() });
        let told = greeting(&greets).map(|line| line.plain()).unwrap_or_default();
        assert!(told.contains("hello ada"), "{told}");
        plan.pair = Some(Box::new(part(None)));
        assert!(!Service::applies(&plan), "a copy");
    }
}
