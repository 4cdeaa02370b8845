//! TCP port.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// TCP port.
pub struct Tcp;

impl Check for Tcp {
    const ABOUT: About = About { id: "tcp", title: "TCP port" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
