//! The course of a wait: look, ask for the next time, stay away, look again.

use std::time::Duration;

use checks::{
    diagnosis::Id,
    report::Report,
    waiting::pace::{self, End, Look, Next, Reception},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Wait, tell::Tell};

/// How a wait ended.
#[derive(Debug)]
pub struct Waited {
    /// The last report.
    pub report: Box<Report>,
    /// Why no further look was taken.
    pub end: End,
    /// All looks, in order.
    pub looks: Vec<Look>,
    /// How long it took.
    pub took: Duration,
}

/// What came of one look.
#[derive(Debug)]
pub enum Looked {
    /// It ended as the one before it, whose report this is.
    Alike(Box<Report>),
    /// A new report.
    Anew {
        /// It.
        report: Box<Report>,
        /// The one before it.
        before: Option<Box<Report>>,
    },
}

/// How a look is to be taken.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Whether the one before it ended without a connection, so that it is enough to see that this
    /// one does too.
    pub briefly: bool,
    /// How much time is left of the whole wait.
    pub limit: Duration,
}

/// Looks with `look`, which is given the report before, until the wait is over.
pub async fn run(
    wait: &Wait,
    cut: &CancellationToken,
    tell: &mut Tell,
    mut look: impl AsyncFnMut(Option<Box<Report>>, How) -> Looked,
) -> Waited {
    let began = Instant::now();
    let mut looks: Vec<Look> = Vec::new();
    let mut seen: Option<Box<Report>> = None;
    let mut last = false;
    loop {
        tell.looking(looks.len(), began.elapsed());
        let unreached = looks.last().is_some_and(|l| l.reception == Reception::Unreached);
        let limit = wait.pace.limit.saturating_sub(began.elapsed());
        // The last report is a whole one.
        let how = How { briefly: unreached && !last, limit };
        let looked = look(seen.take(), how).await;
        let ended = began.elapsed();
        let over = |report, end, looks| Waited { report, end, looks, took: began.elapsed() };
        let report = match looked {
            Looked::Anew { report, before: Some(before) }
                if is_broken_off(&report, ended, &wait.pace, cut) =>
            {
                // It says less than the one before it.
                return over(before, ended_by(cut), looks);
            }
            Looked::Anew { report, before } => {
                looks.push(wait.judged(&report, ended));
                tell.looked(before.as_deref(), &report, &looks);
                report
            }
            Looked::Alike(report) => {
                looks.push(wait.judged(&report, ended));
                report
            }
        };
        let next = match pace::next(&wait.pace, &looks, began.elapsed()) {
            Next::End(end) => return over(report, end, looks),
            // A look that is done counts, though somebody pressed Ctrl-C in its last moment.
            Next::Look { .. } if cut.is_cancelled() || last => {
                return over(report, ended_by(cut), looks);
            }
            Next::Look { at, last: is_last } => {
                last = is_last;
                at
            }
        };
        if !stay_away(tell, &report, &looks, began, next, cut).await {
            return over(report, End::Interrupted, looks);
        }
        seen = Some(report);
    }
}

fn ended_by(cut: &CancellationToken) -> End {
    if cut.is_cancelled() { End::Interrupted } else { End::TimeOver }
}

/// Whether a look was ended by Ctrl-C or by the end of the wait, before it was done.
fn is_broken_off(
    report: &Report,
    ended: Duration,
    pace: &pace::Pace,
    cut: &CancellationToken,
) -> bool {
    match report.diagnosis.as_ref().map(|found| found.id) {
        Some(Id::Interrupted) => cut.is_cancelled(),
        Some(Id::TimedOut) => ended >= pace.limit,
        _ => false,
    }
}

/// How often the countdown moves.
const TICK: Duration = Duration::from_secs(1);

/// Lets time go by; false where Ctrl-C ended it.
async fn stay_away(
    tell: &mut Tell,
    report: &Report,
    looks: &[Look],
    began: Instant,
    next: Duration,
    cut: &CancellationToken,
) -> bool {
    tell.pause(looks, next);
    loop {
        let now = began.elapsed();
        let left = next.saturating_sub(now);
        if left.is_zero() {
            return !cut.is_cancelled();
        }
        tell.pausing(report, looks.len(), now, left);
        tokio::select! {
            biased;
            () = cut.cancelled() => return false,
            () = tokio::time::sleep(left.min(TICK)) => {}
        }
    }
}

#[cfg(test)]
mod tests;
