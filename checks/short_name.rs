//! Host short name: what a copy's second hop needs.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::Evidence,
    finding::Finding,
    text,
    text::host,
};

/// Host short name.
pub struct ShortName;

impl Check for ShortName {
    const ABOUT: About = About { id: "short-name", title: "Host short name" };
    type Facts<'e> = String;

    fn applies(plan: &Plan) -> bool {
        plan.access.sftp().is_none()
    }

    async fn observe(evidence: &Evidence) -> String {
        evidence.effective().await.map_or_else(|_| evidence.plan().host.clone(), |e| e.host.clone())
    }

    fn judge(plan: &Plan, name: String) -> Finding {
        match plan.profile_for(&name).short_name(&name) {
            Some(short) => Finding::pass(text!["By its name, the short name is ", host(&short), "."])
                .detail("A copy between environments names its destination so. What `hostname` prints there is what counts.")
                .fact("short_name", short),
            None => Finding::skip("An address or a name without a dot has no short name."),
        }
    }
}
