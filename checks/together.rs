//! The reports of a pair of hosts, seen together: pure, but for the order in which they are made.

use futures_util::future::BoxFuture;

use crate::{
    case::Case,
    command, copying,
    diagnosis::{Diagnosis, Id},
    evidence::Evidence,
    finding::{Hint, Status},
    pair::{Part, Role},
    report::{Report, Verdict},
    text,
    text::{host, path},
};

/// The reports of a copy, or of a service that is used from an environment.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'r> {
    /// The source. Its diagnosis and verdict are those of a copy.
    pub source: &'r Report,
    /// The destination, as it is seen from the source; none where nobody got there.
    pub hop: Option<&'r Report>,
    /// The destination, as it is seen from here.
    pub destination: Option<&'r Report>,
}

impl<'r> Pair<'r> {
    /// The parts of a pair among reports; `None` where they are about something else.
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

    /// What the two have to do with each other.
    #[must_use]
    pub fn part(self) -> Option<&'r Part> {
        self.source.case.plan.pair.as_deref()
    }

    /// Whether the second counts as it is seen from here, too: a service is used from both, while no
    /// copy goes that way.
    fn also_used(self) -> Option<&'r Report> {
        self.destination.filter(|_| self.part().is_some_and(|part| !part.is_copy()))
    }

    /// The report that decides: the first that is not ready, the source before the service from here.
    #[must_use]
    pub fn decisive(self) -> &'r Report {
        let open = |report: &&Report| report.verdict != Verdict::Ready;
        let from_here = self.also_used().filter(open);
        match (self.source.verdict, from_here) {
            (Verdict::Ready, Some(service)) => service,
            // What is wrong for certain comes before what is not known.
            (Verdict::Inconclusive, Some(service)) if service.verdict == Verdict::NotReady => {
                service
            }
            _ => self.source,
        }
    }

    /// Whether this report of it is the one that decides.
    #[must_use]
    pub fn decides(self, report: &Report) -> bool {
        std::ptr::eq(self.decisive(), report)
    }

    /// Whether all checks ran, in each part.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.reports().all(Report::is_complete)
    }

    /// The verdict about the whole.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        self.decisive().verdict
    }

    /// The one cause; none where it will work.
    #[must_use]
    pub fn diagnosis(self) -> Option<&'r Diagnosis> {
        self.decisive().diagnosis.as_ref()
    }

    /// The worst status of all checks.
    #[must_use]
    pub fn worst(self) -> Status {
        self.reports().map(Report::worst).max().unwrap_or(Status::Pass)
    }

    /// The commands with which a person makes the copy, or uses the service; none where it does not
    /// work.
    #[must_use]
    pub fn commands(self) -> Vec<Hint> {
        let there = self.hop.and_then(|hop| Some((hop.case.effective()?, hop)));
        match there {
            Some((effective, hop)) if self.verdict() == Verdict::Ready => match self.part() {
                Some(part) if !part.is_copy() => used_from(part, &self.source.case, hop),
                _ => copying::commands(&self.source.case, effective, &hop.case.plan.host),
            },
            _ => Vec::new(),
        }
    }
}

/// The commands with which a service is used from an environment.
fn used_from(part: &Part, source: &Case, hop: &Report) -> Vec<Hint> {
    let greet = hop.case.plan.ssh().flag("-T").command();
    vec![
        Hint::run(
            text!["Log in at ", host(&part.source.host), ", with your agent:"],
            source.plan.ssh().flag("-t").command(),
        ),
        Hint::run("There, see the greeting of the service; git goes the same way:", greet),
    ]
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
    let Some(pair) = Pair::of(&out) else { return out };
    let from_here = pair.destination.map(|report| report.verdict);
    let not_in_agent = pair.destination.and_then(|report| {
        let case = &report.case;
        let won = case.queries()?.winner(case.is_interactive())?;
        won.offer.path.clone().filter(|_| !won.offer.in_agent)
    });
    let why = pair.destination.and_then(|report| report.diagnosis.as_ref()).map(|d| d.id);
    for report in &mut out {
        match report.case.role() {
            Some(Role::Source) => {
                let diagnosis = report.diagnosis.take();
                let part = report.case.plan.pair.as_deref();
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
                        let round = copying::by_way_of_here(&report.case.plan, part);
                        found.next_steps.retain(|step| Some(step) != round.as_ref());
                    }
                    found
                });
                report.say_what_the_ends_are();
            }
            // A copy does not go this way; a service is used from here as well.
            Some(Role::Destination) => {
                let part = report.case.plan.pair.as_deref();
                let is_copy = part.is_none_or(Part::is_copy);
                for checked in report.checks.iter_mut().filter(|_| is_copy) {
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
