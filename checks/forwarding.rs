//! Agent forwarding: whether the agent can be used from the host, where that was asked for.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{Evidence, Seen, forwarding},
    finding::Finding,
};

/// Agent forwarding.
pub struct Forwarding;

impl Check for Forwarding {
    const ABOUT: About = About { id: "forwarding", title: "Agent forwarding" };
    type Facts<'e> = Option<&'e Seen<forwarding::Forwarding>>;

    fn applies(plan: &Plan) -> bool {
        plan.login
    }

    async fn observe(evidence: &Evidence) -> Option<&Seen<forwarding::Forwarding>> {
        let wanted = evidence.plan().wants_forwarding
            || evidence.effective().await.is_ok_and(|effective| effective.forward_agent);
        if wanted { Some(evidence.forwarding().await) } else { None }
    }

    fn judge(_plan: &Plan, facts: Option<&Seen<forwarding::Forwarding>>) -> Finding {
        let forwarding = match facts {
            None => return Finding::skip("Not asked for: -A asks for it."),
            Some(Err(why)) => return Finding::unseen(why),
            Some(Ok(forwarding)) => forwarding,
        };
        let finding = if forwarding.keys_there.is_empty() {
            Finding::fail("The agent cannot be used from the host.")
        } else {
            Finding::pass("The agent can be used from the host.")
        };
        finding.fact("forwarding", forwarding)
    }
}
