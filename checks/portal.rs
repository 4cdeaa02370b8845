//! Portal activation.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// Portal activation.
pub struct Portal;

impl Check for Portal {
    const ABOUT: About = About { id: "portal", title: "Portal activation" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
