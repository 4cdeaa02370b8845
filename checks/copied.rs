//! The reports of a copy, seen together: pure, but for the order in which they are made.

use futures_util::future::BoxFuture;

use crate::{
    command,
    copying::{self, Role},
    diagnosis::{Diagnosis, Id},
    evidence::Evidence,
    finding::{Hint, Status},
    report::{Report, Verdict},
    text,
    text::{host, path},
};

/// The reports of a copy.
#[derive(Debug, Clone, Copy)]
pub struct Copied<'r> {
    /// The source; its diagnosis and verdict are those of the copy.
    pub source: &'r Report,
    /// The destination, as it is seen from the source; none where nobody got there.
    pub hop: Option<&'r Report>,
    /// The destination, as it is seen from here.
    pub destination: Option<&'r Report>,
}

impl<'r> Copied<'r> {
    /// The parts of a copy among reports; `None` where they are about something else.
    #[must_use]
    pub fn of(reports: &'r [Report]) -> Option<Self> {
        let part = |role| reports.iter().find(|report| report.case.role() == Some(role));
        let source = part(Role::Source)?;
        Some(Self { source, hop: part(Role::Hop), destination: part(Role::Destination) })
    }

    /// In the order in which they are shown.
    pub fn reports(self) -> impl Iterator<Item = &'r Report> {
        std::iter::once(self.source).chain(self.hop).chain(self.destination)
    }

    /// The verdict about the copy.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        self.source.verdict
    }

    /// The one cause; none where the copy will work.
    #[must_use]
    pub const fn diagnosis(self) -> Option<&'r Diagnosis> {
        self.source.diagnosis.as_ref()
    }

    /// The worst status of all checks.
    #[must_use]
    pub fn worst(self) -> Status {
        self.reports().map(Report::worst).max().unwrap_or(Status::Pass)
    }

    /// The commands with which a person makes the copy; none where it does not work.
    #[must_use]
    pub fn commands(self) -> Vec<Hint> {
        let there = self.hop.and_then(|hop| Some((hop.case.effective()?, &hop.case.plan.host)));
        match there {
            Some((effective, name)) if self.verdict() == Verdict::Ready => {
                copying::commands(&self.source.case, effective, name)
            }
            _ => Vec::new(),
        }
    }
}

/// Puts the report about the second hop between those of its ends, and holds the three together.
/// What is about something else is left as it is.
pub async fn together(reports: Vec<Report>) -> Vec<Report> {
    let mut out = Vec::new();
    for report in reports {
        let hop = report.case.second_hop().map(|hop| hop.case.clone());
        out.push(report);
        if let Some(case) = hop {
            let recorded = Evidence::recorded(*case);
            // A report holds a case that holds a case, so the type of this future must be named.
            let judged: BoxFuture<'_, Report> =
                Box::pin(crate::examine(&recorded, |_| true, |_, _| {}));
            out.push(judged.await);
        }
    }
    let Some(copied) = Copied::of(&out) else { return out };
    let from_here = copied.destination.map(|report| report.verdict);
    let not_in_agent = copied.destination.and_then(|report| {
        let case = &report.case;
        let won = case.queries()?.winner(case.is_interactive())?;
        won.offer.path.clone().filter(|_| !won.offer.in_agent)
    });
    let why = copied.destination.and_then(|report| report.diagnosis.as_ref()).map(|d| d.id);
    for report in &mut out {
        match report.case.role() {
            Some(Role::Source) => {
                let diagnosis = report.diagnosis.take();
                let part = report.case.plan.copy.as_deref();
                report.diagnosis = diagnosis.map(|mut found| {
                    let Some(part) = part.filter(|_| found.between.is_some()) else {
                        return found;
                    };
                    let to = host(&part.destination.input);
                    let way = matches!(found.id, Id::SecondHopName | Id::SecondHopFailed);
                    match (from_here, why) {
                        (Some(Verdict::Ready), _) if way => found.because.push(text![
                            "From this computer ",
                            to,
                            " answers and takes your key: only the way from the source is at fault.",
                        ]),
                        (Some(Verdict::Ready), _) if found.id == Id::KeyNotAccepted && not_in_agent.is_some() => {
                            let file = not_in_agent.clone().unwrap_or_default();
                            found.because.push(text![
                                "From this computer ",
                                to,
                                " takes ",
                                path(&file),
                                ". That key is not in your agent, so the source cannot use it.",
                            ]);
                            let load = command!["ssh-add", path(&file)];
                            found.next_steps.insert(0, Hint::run("Load that key into your agent:", load));
                        }
                        (Some(Verdict::Ready), _) if found.id == Id::KeyNotAccepted => {
                            found.because.push(text![
                                "From this computer ",
                                to,
                                " takes your key: it may be allowed from some addresses alone.",
                            ]);
                        }
                        (_, Some(id)) if id == found.id => found.because.push(text![
                            "From this computer it is the same with ",
                            to,
                            "."
                        ]),
                        _ => {}
                    }
                    if from_here != Some(Verdict::Ready) {
                        // By way of this computer it would not work either.
                        found.next_steps.retain(|step| *step != copying::by_way_of_here(part));
                    }
                    found
                });
            }
            // A copy does not go this way.
            Some(Role::Destination) => {
                for checked in &mut report.checks {
                    checked.finding.status = at_most_a_warning(checked.finding.status);
                }
            }
            Some(Role::Hop) | None => {}
        }
    }
    out
}

const fn at_most_a_warning(status: Status) -> Status {
    match status {
        Status::Fail => Status::Warn,
        other => other,
    }
}
