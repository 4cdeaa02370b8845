//! Host key.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// Host key.
pub struct HostKey;

impl Check for HostKey {
    const ABOUT: About = About { id: "host-key", title: "Host key" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
