//! A jump host, examined by the same checks as a target.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

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
fn observe(plan: Plan, limits: Limits, shared: Shared) -> BoxFuture<'static, Seen<Hop>> {
    Box::pin(async move {
        if plan.hop_of.len() > MOST_HOPS {
            return Err(Unseen::Unable(format!("more than {MOST_HOPS} jump hosts in a row")));
        }
        let evidence = Evidence::within(plan, limits, shared);
        let report = crate::examine(&evidence, |_| true, |_, _| {}).await;
        Ok(Hop { case: Box::new(report.case) })
    })
}

/// What several targets of one run have in common: their jump hosts. Each is examined once, however
/// many targets are behind it, since each look counts against the user there.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Hops>);

type Cell = Arc<OnceCell<Seen<Hop>>>;

#[derive(Debug)]
struct Hops {
    seen: Mutex<HashMap<String, Cell>>,
    logins: Arc<Semaphore>,
}

/// How many logins at jump hosts are made at the same time: servers drop connections when ten are
/// open without a login (MaxStartups).
const LOGINS_AT_ONCE: usize = 4;

impl Default for Shared {
    fn default() -> Self {
        let logins = Arc::new(Semaphore::new(LOGINS_AT_ONCE));
        Self(Arc::new(Hops { seen: Mutex::default(), logins }))
    }
}

impl Shared {
    /// The jump host, examined now or when another target asked for it.
    pub(super) async fn hop(&self, plan: Plan, limits: Limits) -> Seen<Hop> {
        let hop_of = plan.hop_of.clone();
        let same = Plan { hop_of: Vec::new(), ..plan.clone() };
        let Ok(key) = serde_json::to_string(&same) else { return Err(Unseen::Crashed) };
        let cell = {
            let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(seen.entry(key).or_default())
        };
        let mut hop = cell.get_or_init(|| observe(plan, limits, self.clone())).await.clone()?;
        hop.case.plan.hop_of = hop_of;
        Ok(hop)
    }

    /// A turn to log in at a jump host.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.logins).acquire_owned().await.ok()
    }
}
