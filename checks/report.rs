//! All that was found about one target: what renderers read.

use serde::Serialize;

use crate::{
    case::Case,
    check::About,
    diagnosis::{self, Diagnosis},
    finding::{Finding, Hint, Status},
    ssh_add,
    text::Text,
};

/// Whether the connection will work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It will work.
    Ready,
    /// It will not.
    NotReady,
    /// It could not be found out.
    Inconclusive,
}

/// One check as it went.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Which check.
    pub about: About,
    /// What it found.
    pub finding: Finding,
    /// Milliseconds since the run began.
    pub started_ms: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// A report.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was asked, and all evidence.
    pub case: Case,
    /// Milliseconds that the run took.
    pub duration_ms: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The one cause; none where ready.
    pub diagnosis: Option<Diagnosis>,
    /// In the order of [`crate::checks_for`].
    pub checks: Vec<Checked>,
}

impl Report {
    /// Judges a case: the diagnosis and the verdict that follow from it and its findings.
    #[must_use]
    pub fn of(case: Case, mut checks: Vec<Checked>, duration_ms: u64) -> Self {
        for finding in checks.iter_mut().map(|checked| &mut checked.finding) {
            let hints = std::mem::take(&mut finding.hints).into_iter();
            finding.hints = hints.map(|hint| ssh_add::where_ssh_asks(&case, hint)).collect();
        }
        let diagnosis = diagnosis::diagnose(&case);
        let mut report = Self { case, duration_ms, verdict: Verdict::Ready, diagnosis, checks };
        if report.diagnosis.is_none() && report.looked_at_nothing() {
            report.diagnosis = Some(nothing_chosen(&report.case));
        }
        report.verdict = match &report.diagnosis {
            None => Verdict::Ready,
            Some(d) if d.id.is_inconclusive() => Verdict::Inconclusive,
            Some(_) => Verdict::NotReady,
        };
        report
    }

    /// Says environment and service where those are the ends of a pair.
    pub(crate) fn say_what_the_ends_are(&mut self) {
        let Some(part) = self.case.plan.pair.as_deref().filter(|part| !part.is_copy()) else {
            return;
        };
        let said = |text: &mut Text| *text = part.in_its_words(std::mem::take(text));
        for finding in self.checks.iter_mut().map(|checked| &mut checked.finding) {
            said(&mut finding.summary);
            finding.details.iter_mut().for_each(said);
            finding.hints.iter_mut().for_each(|hint| said(&mut hint.text));
        }
        if let Some(found) = &mut self.diagnosis {
            found.because.iter_mut().for_each(said);
            found.next_steps.iter_mut().for_each(|step| said(&mut step.text));
        }
    }

    /// Whether all checks of this access ran. If some were left out, ready means that nothing is wrong in what was
    /// looked at, and no more.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let ran = |row: &crate::check::Row| self.checks.iter().any(|c| c.about.id == row.about.id);
        crate::checks_for(&self.case.plan)
            .iter()
            .filter(|row| (row.applies)(&self.case.plan))
            .all(ran)
    }

    /// Whether a choice of checks was made, and each of them was skipped.
    fn looked_at_nothing(&self) -> bool {
        let skipped = |checked: &Checked| checked.finding.status == Status::Skip;
        !self.checks.is_empty() && self.checks.iter().all(skipped) && !self.is_complete()
    }

    /// The worst status of the checks.
    #[must_use]
    pub fn worst(&self) -> Status {
        self.checks.iter().map(|c| c.finding.status).max().unwrap_or(Status::Pass)
    }
}

/// That nothing is wrong with what nobody looked at would be no news.
fn nothing_chosen(case: &Case) -> Diagnosis {
    Diagnosis::new(diagnosis::Id::NotExamined)
        .because("Each check that was chosen was skipped, for the reason beside it: nothing was looked at.")
        .step(Hint::run("Look at all of it:", case.plan.ssh().preflight(None).command()))
}
