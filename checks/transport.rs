//! SSH transport.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
};

/// SSH transport.
pub struct Transport;

impl Check for Transport {
    const ABOUT: About = About { id: "transport", title: "SSH transport" };
    type Facts<'e> = ();

    async fn observe(_evidence: &Evidence) {}

    fn judge(_plan: &Plan, (): ()) -> Finding {
        Finding::skip("Not looked at.")
    }
}
