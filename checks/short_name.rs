//! Host short name.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// Host short name.
pub struct ShortName;

impl Check for ShortName {
    const ABOUT: About = About { id: "short-name", title: "Host short name" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
