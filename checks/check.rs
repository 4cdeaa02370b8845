//! The form that every check has.

use futures_util::future::BoxFuture;

use crate::{case::Plan, evidence::Evidence, finding::Finding, profile::Profile};

/// Name of a check: `id` for machines, `title` for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Stable word, as in `--only dns`.
    pub id: &'static str,
    /// As the report shows it.
    pub title: &'static str,
}

/// One check: what it needs to see, and what it makes of it.
pub trait Check {
    /// Its name.
    const ABOUT: About;
    /// What it judges. What is not named here it cannot read.
    type Facts<'e>: Send;
    /// Whether it belongs to what was asked for. What a person did not ask for is not in the report.
    fn applies(_plan: &Plan) -> bool {
        true
    }
    /// Its title for a host of this provider, where the usual one does not fit.
    fn title(_profile: &Profile) -> &'static str {
        Self::ABOUT.title
    }
    /// Asks for the evidence; whatever is not there yet is observed now, once, for everybody.
    fn observe(evidence: &Evidence) -> impl Future<Output = Self::Facts<'_>> + Send;
    /// Makes a finding of the facts: pure, so that it can be tested with made evidence and
    /// repeated on a recorded case.
    fn judge(plan: &Plan, facts: Self::Facts<'_>) -> Finding;
}

/// A check in the table [`crate::CHECKS`].
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name.
    pub about: About,
    /// Whether it belongs to what was asked for.
    pub applies: fn(&Plan) -> bool,
    /// Its title for a host of this provider.
    pub title: fn(&Profile) -> &'static str,
    /// Observes and judges.
    pub run: for<'e> fn(&'e Evidence) -> BoxFuture<'e, Finding>,
}

impl Row {
    /// The row of a check.
    #[must_use]
    pub const fn of<C: Check>() -> Self {
        Self {
            about: C::ABOUT,
            applies: C::applies,
            title: C::title,
            run: |e| Box::pin(async move { C::judge(e.plan(), C::observe(e).await) }),
        }
    }
}
