//! The form that every check has.

use futures_util::future::BoxFuture;

use crate::{access::Concerns, case::Plan, evidence::Evidence, finding::Finding};

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
    /// The access that it is about: where another one is examined, it does not run.
    const CONCERNS: Concerns = Concerns::Either;
    /// What it judges. What is not named here it cannot read.
    type Facts<'e>: Send;
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
    /// The access that it is about.
    pub concerns: Concerns,
    /// Observes and judges.
    pub run: for<'e> fn(&'e Evidence) -> BoxFuture<'e, Finding>,
}

impl Row {
    /// The row of a check.
    #[must_use]
    pub const fn of<C: Check>() -> Self {
        Self {
            about: C::ABOUT,
            concerns: C::CONCERNS,
            run: |e| Box::pin(async move { C::judge(e.plan(), C::observe(e).await) }),
        }
    }

    /// Whether it runs where this is examined.
    #[must_use]
    pub const fn is_for(&self, plan: &Plan) -> bool {
        self.concerns.fits(&plan.access)
    }
}
