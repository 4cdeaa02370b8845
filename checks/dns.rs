//! Name resolution.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// Name resolution.
pub struct Dns;

impl Check for Dns {
    const ABOUT: About = About { id: "dns", title: "Name resolution" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
