//! A jump host, examined by the same checks as a target.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Evidence, Limits, Seen, Unseen};
use crate::{
    case::{Case, Plan},
    jump::MOST_HOPS,
};

/// The jump host next to the target. One before it is the jump host of this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// All that is known about it.
    pub case: Box<Case>,
}

/// Examines a jump host, within the limits of the run. A box breaks the circle of types: a jump host
/// can have a jump host.
pub fn observe(plan: Plan, limits: Limits) -> BoxFuture<'static, Seen<Hop>> {
    Box::pin(async move {
        if plan.hop_of.len() > MOST_HOPS {
            return Err(Unseen::Unable(format!("more than {MOST_HOPS} jump hosts in a row")));
        }
        let evidence = Evidence::within(plan, limits);
        let report = crate::examine(&evidence, |_| true, |_, _| {}).await;
        Ok(Hop { case: Box::new(report.case) })
    })
}
