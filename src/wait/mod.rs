//! `ssh-preflight wait`: looks again until it is ready, politely, or until waiting is of no use.
//!
//! When to look and when to stop is decided in [`checks::waiting`]; here it is carried out.

mod course;
mod tell;
mod words;

use std::time::Duration;

use checks::{
    CHECKS,
    case::{Plan, TimeLimits},
    check::Row,
    evidence::{Evidence, hop::Shared},
    finding::Status,
    report::{Report, Verdict},
    waiting::{
        self,
        pace::{self, End, Pace, Passed},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Options, exit::Exit, plans, render::look::Look, run, ssh_options::Sorted, stop,
    subcommands::Call,
};
use course::{How, Looked};

pub use course::Waited;
pub use tell::Tell;

/// What is on this computer: to wait for it, nothing else has to be looked at.
const HERE: [&str; 3] = ["config", "fingerprint", "agent"];

/// What is waited for, and how.
#[derive(Debug, Clone)]
pub struct Wait {
    /// What each look is to look at.
    pub plan: Plan,
    /// How far apart looks are.
    pub pace: Pace,
    /// The check that has to pass; without one, the target has to be ready.
    pub check: Option<&'static str>,
    /// The checks of each look.
    pub chosen: Vec<&'static str>,
    /// Whether a warning is not good enough.
    pub without_warnings: bool,
}

/// Waits for one target, and prints the last report.
///
/// # Errors
/// What is wrong with the command line, or that the report cannot be written.
pub fn run(call: &Call<'_>) -> Result<Exit, String> {
    let options = call.options;
    let wait = wait(call.sorted, options)?;
    // What is said meanwhile names hosts, users and addresses.
    let quiet = options.quiet || options.redact.is_some();
    let look = Look::here(options.color, quiet, options.verbose);
    let mut tell = Tell::new(look, &wait);
    if let Some(asked) = options.every.filter(|asked| *asked < wait.pace.every) {
        tell.raised(asked, &wait.pace);
    }
    let waited = run::in_runtime(async {
        let cut = CancellationToken::new();
        let watch = tokio::spawn(stop::when_told(cut.clone()));
        let waited = until(&wait, &cut, &mut tell).await;
        watch.abort();
        Ok(waited)
    })?;
    tell.ended(&waited, &wait);
    run::finish(std::slice::from_ref(&*waited.report), options, None)?;
    Ok(exit(&waited))
}

/// Looks until what is waited for is there, or until it is of no use to go on.
pub async fn until(wait: &Wait, cut: &CancellationToken, tell: &mut Tell) -> Waited {
    let look = async |before: Option<Box<Report>>, how| wait.look(before, how, cut).await;
    course::run(wait, cut, tell, look).await
}

/// What the exit code says: 0 only where what was waited for is there.
#[must_use]
pub fn exit(waited: &Waited) -> Exit {
    match (waited.end, waited.report.verdict) {
        (End::Passed, _) => Exit::Ready,
        (_, Verdict::Inconclusive) | (End::Interrupted, Verdict::Ready) => Exit::Inconclusive,
        (_, Verdict::NotReady | Verdict::Ready) => Exit::NotReady,
    }
}

/// From the command line to what is waited for.
fn wait(sorted: &Sorted, options: &Options) -> Result<Wait, String> {
    if sorted.words.len() < 2 && options.service.is_none() {
        return Err("Wait for which host? Write it as for ssh: ssh-preflight wait USER@HOST".into());
    }
    // For a look, --timeout is no limit: it is the one of the whole wait.
    let of_look = Options { timeout: None, ..options.clone() };
    let plan = plans::of_targets(&sorted.after_subcommand(), &of_look)?.pop();
    let plan = plan.ok_or("There is nothing to wait for.")?;
    let mut pace = Pace::default();
    pace.limit = options.timeout.unwrap_or(pace.limit);
    if let Some(every) = options.every {
        pace = pace.every(every);
    }
    let check = options.for_check.as_deref();
    let check = check.and_then(|id| CHECKS.iter().map(|row| row.about.id).find(|it| *it == id));
    let wanted = |id: &str| {
        (options.only.is_empty() || options.only.iter().any(|only| only == id))
            && !options.skip.iter().any(|skip| skip == id)
    };
    let chosen: Vec<_> = needed(check).into_iter().filter(|id| wanted(id)).collect();
    let applies =
        |check: &&str| CHECKS.iter().any(|row| row.about.id == *check && (row.applies)(&plan));
    if let Some(check) = check.filter(|check| !applies(check)) {
        return Err(format!(
            "--for {check} waits for a check that is not run: it needs an option of its own. See \
             --help."
        ));
    }
    if let Some(check) = check.filter(|check| !chosen.contains(check)) {
        return Err(format!("--for {check} waits for a check that --only or --skip leaves out."));
    }
    let without_warnings = options.fail_on == crate::cli::FailOn::Warn;
    Ok(Wait { plan, pace, check, chosen, without_warnings })
}

/// The checks that tell whether one passes, and why not: those before it on the way. What is on this
/// computer needs no connection.
fn needed(check: Option<&str>) -> Vec<&'static str> {
    let all = CHECKS.iter().map(|row| row.about.id);
    let Some(check) = check else { return all.collect() };
    let place = all.clone().position(|id| id == check).unwrap_or(CHECKS.len());
    all.enumerate()
        .filter(|(n, id)| *n <= place && (!HERE.contains(&check) || HERE.contains(id)))
        .map(|(_, id)| id)
        .collect()
}

impl Wait {
    /// One look. Where the one before it ended at the connection, and this one ends there alike,
    /// nothing more is sent: no search of the way, no questions to name servers.
    async fn look(&self, before: Option<Box<Report>>, how: How, cut: &CancellationToken) -> Looked {
        let limit = u64::try_from(how.limit.as_millis()).unwrap_or(u64::MAX);
        let total_ms = self.plan.limits.total_ms.min(limit.max(1));
        let limits = TimeLimits { total_ms, ..self.plan.limits };
        let plan = Plan { limits, ..self.plan.clone() };
        let evidence = Evidence::live(plan, cut.clone()).beside(&Shared::default());
        let before = match before {
            Some(before) if how.briefly && self.ends_alike(&before, &evidence).await => {
                evidence.close().await;
                return Looked::Alike(before);
            }
            before => before,
        };
        let chosen = |row: &Row| self.chosen.contains(&row.about.id);
        let report = Box::new(checks::examine(&evidence, chosen, |_, _| {}).await);
        Looked::Anew { report, before }
    }

    /// Tries to connect, and says whether that ends as it did before. If not, the look goes on with
    /// the same connection.
    async fn ends_alike(&self, before: &Report, evidence: &Evidence) -> bool {
        if self.chosen.contains(&"tcp") {
            let _ = evidence.attempts().await;
        } else if self.chosen.contains(&"dns") {
            let _ = evidence.resolution().await;
        }
        waiting::ends_alike(&before.case, &evidence.case())
    }

    /// A look that is over, for those who plan the next one.
    fn judged(&self, report: &Report, ended: Duration) -> pace::Look {
        let id = report.diagnosis.as_ref().map(|found| found.id);
        let reception = waiting::reception(&report.case, id);
        pace::Look { ended, reception, id, passed: self.passed(report) }
    }

    /// Whether what is waited for is there.
    fn passed(&self, report: &Report) -> Passed {
        let Some(check) = self.check else {
            let there = Exit::of(report, self.without_warnings) == Exit::Ready;
            return if there { Passed::Yes } else { Passed::NotYet };
        };
        let finding = report.checks.iter().find(|c| c.about.id == check).map(|c| &c.finding);
        match finding.map(|finding| (finding.status, &finding.unseen)) {
            Some((Status::Pass, _)) => Passed::Yes,
            Some((Status::Warn, _)) if !self.without_warnings => Passed::Yes,
            // Skipped for a reason that is no fault: there is nothing that could ever pass.
            Some((Status::Skip, None)) => Passed::Never,
            _ => Passed::NotYet,
        }
    }
}
