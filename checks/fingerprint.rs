//! Public key.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// Public key.
pub struct Fingerprint;

impl Check for Fingerprint {
    const ABOUT: About = About { id: "fingerprint", title: "Public key" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
