//! SSH agent.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// SSH agent.
pub struct Agent;

impl Check for Agent {
    const ABOUT: About = About { id: "agent", title: "SSH agent" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
