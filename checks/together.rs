//! The reports of a pair of hosts, seen together: pure, but for the order in which they are made.

use futures_util::future::BoxFuture;

use crate::{
    case::{Case, Plan},
    check::Check,
    command,
    copy::Copy,
    copying,
    diagnosis::{self, Diagnosis, Group, Id},
    evidence::Evidence,
    finding::{Hint, Status},
    namesake::{self, Leads},
    pair::{Part, Role},
    report::{Report, Verdict},
    ssh_add, text,
    text::{Text, host, path, user},
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

    /// Where the name leads by which the source goes to the destination.
    fn leads(self, hop: &Report) -> Leads {
        let here = self.destination.map(|report| &report.case);
        namesake::leads(&self.source.case, &hop.case, here)
    }

    /// The commands with which a person makes the copy, or uses the service; none where it does not
    /// work.
    #[must_use]
    pub fn commands(self) -> Vec<Hint> {
        match self.hop {
            Some(hop) if self.verdict() == Verdict::Ready => match self.part() {
                Some(part) if !part.is_copy() => used_from(part, &self.source.case, hop),
                _ => {
                    let mut commands = copying::commands(&self.source.case, &hop.case);
                    // Who copies to the wrong place is not told by scp.
                    if let (Leads::Unknown(doubt), Some(copy)) =
                        (self.leads(hop), commands.get_mut(1))
                    {
                        copy.text = doubt.with(" ").then(std::mem::take(&mut copy.text));
                    }
                    commands
                }
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
    let here = pair.destination.map(Here::of);
    let leads = pair.hop.map(|hop| (pair.leads(hop), hop.case.clone()));
    for report in &mut out {
        if report.case.role() == Some(Role::Source)
            && let Some((leads, hop)) = &leads
        {
            compare_names(report, leads, hop);
        }
        match report.case.role() {
            Some(Role::Source) => {
                let diagnosis = report.diagnosis.take();
                let case = &report.case;
                report.diagnosis = diagnosis.map(|found| match case.plan.pair.as_deref() {
                    Some(part) => compared(found, case, part, here.as_ref()),
                    None => found,
                });
            }
            // A copy does not go this way; a service is used from here as well.
            Some(Role::Destination) => {
                let part = report.case.plan.pair.as_deref();
                let is_copy = part.is_none_or(Part::is_copy);
                for checked in report.checks.iter_mut().filter(|_| is_copy) {
                    checked.finding.status = checked.finding.status.at_most_a_warning();
                }
            }
            Some(Role::Hop) | None => {}
        }
        report.say_what_the_ends_are();
    }
    out
}

/// Holds the name that the source goes by against the one that was typed: what was found behind another
/// host's name says nothing.
fn compare_names(report: &mut Report, leads: &Leads, hop: &Case) {
    let Some(part) = report.case.plan.pair.clone() else { return };
    let at = report.diagnosis.as_ref();
    let is_behind =
        at.is_none_or(|found| found.between.is_some() || found.id.group() == Group::Copy);
    let copy = report.checks.iter_mut().find(|checked| checked.about.id == Copy::ABOUT.id);
    let say = |status, summary: Text| {
        if let Some(checked) = copy {
            let finding = &mut checked.finding;
            finding.status = finding.status.max(status);
            finding.details.insert(0, std::mem::replace(&mut finding.summary, summary));
        }
    };
    match leads {
        Leads::Elsewhere(seen) if is_behind => {
            let found = diagnosis::named(&part, namesake::diagnosis(hop, &part, seen));
            say(Status::Fail, text![found.title(), "."]);
            report.diagnosis = Some(found);
            report.verdict = Verdict::NotReady;
        }
        Leads::Unknown(doubt) if at.is_none() => say(Status::Warn, doubt.clone()),
        Leads::Elsewhere(_) | Leads::Unknown(_) | Leads::There => {}
    }
}

/// What is known of the destination as it is seen from this computer.
struct Here {
    verdict: Verdict,
    cause: Option<Id>,
    /// The stage at which it fails.
    group: Option<Group>,
    /// The first thing to do about it.
    first: Option<Hint>,
    /// The key file that it takes, where that key is not in the agent.
    not_in_agent: Option<String>,
    /// The host that the configuration here makes of the name.
    host: Option<String>,
}

impl Here {
    fn of(report: &Report) -> Self {
        let case = &report.case;
        let won = case.queries().and_then(|queries| queries.winner(case.is_interactive()));
        let not_in_agent = won.filter(|won| !won.offer.in_agent);
        let diagnosis = report.diagnosis.as_ref();
        Self {
            verdict: report.verdict,
            cause: diagnosis.map(|found| found.id),
            group: diagnosis.map(|found| found.id.group()),
            first: diagnosis.and_then(|found| found.next_steps.first().cloned()),
            not_in_agent: not_in_agent.and_then(|won| won.offer.path.clone()),
            host: case.effective().map(|effective| effective.host.clone()),
        }
    }
}

/// A cause at the source, with what this computer sees of the destination.
fn compared(mut found: Diagnosis, case: &Case, part: &Part, here: Option<&Here>) -> Diagnosis {
    let base = &case.plan;
    let ready = here.is_some_and(|here| here.verdict == Verdict::Ready);
    if !ready {
        // By way of this computer it would not work either.
        let round = copying::by_way_of_here(base, part);
        found.next_steps.retain(|step| Some(step) != round.as_ref());
    }
    let Some(here) = here.filter(|_| found.between.is_some()) else { return found };
    let to = host(&part.destination.input);
    if found.id == Id::SecondHopName && part.is_copy() {
        if here.cause == Some(Id::NameNotFound) {
            found.because.push(text!["This computer does not know ", to, " either."]);
            // Whatever goes there by that name fails as well.
            found.next_steps = here.first.iter().cloned().collect();
            return found;
        }
        let typed = &part.destination.host;
        if let Some(real) = here.host.as_ref().filter(|real| !real.eq_ignore_ascii_case(typed)) {
            found.because.push(text![
                host(typed),
                " is a name in the ssh configuration of this computer, for ",
                host(real),
                ". The source has none of it."
            ]);
            found.next_steps = vec![by_its_name(base, part, real)];
            return found;
        }
    }
    let way = matches!(found.id, Id::SecondHopName | Id::SecondHopFailed);
    match &here.not_in_agent {
        _ if ready && way => found.because.push(text![
            "From this computer ",
            to,
            " answers and takes your key: only the way from the source is at fault.",
        ]),
        Some(file) if ready && found.id == Id::KeyNotAccepted => {
            found.because.push(text![
                "From this computer ",
                to,
                " takes ",
                path(file),
                ". That key is not in your agent, so the source cannot use it.",
            ]);
            let load = command!["ssh-add", path(file)];
            let load = Hint::run("Load that key into your agent:", load);
            found.next_steps.insert(0, ssh_add::where_ssh_asks(case, load));
        }
        None if ready && found.id == Id::KeyNotAccepted => found.because.push(text![
            "From this computer ",
            to,
            " takes your key: it may be allowed from some addresses alone.",
        ]),
        _ if way && !ready && here.group == Some(Group::Path) => is_down(&mut found, case, here),
        _ if here.cause == Some(found.id) => {
            found.because.push(text!["From this computer it is the same with ", to, "."]);
        }
        _ => {}
    }
    found
}

/// The destination does not answer this computer either. Where it refuses both, the fault is its own.
fn is_down(found: &mut Diagnosis, case: &Case, here: &Here) {
    let refused = case.second_hop().is_some_and(|hop| diagnosis::refuses(&hop.case));
    let is_its_own = refused && here.cause == Some(Id::RefusedByHost);
    let begin = if is_its_own {
        "From this computer it is the same, the destination itself does not answer: "
    } else {
        "From this computer the destination does not answer either: "
    };
    found.because.push(text![begin, here.cause.map_or("", Id::title), "."]);
    if is_its_own {
        // What could be between the two is not asked about.
        found.next_steps.retain(|step| step.command.is_some());
        found.next_steps.insert(
            0,
            Hint::advice(
                "Begin with the destination itself, which takes no connection on this port: ask those \
                 who run it whether its SSH server runs, and on which port.",
            ),
        );
    }
}

/// The same copy, with the name that the destination has for everybody.
fn by_its_name(base: &Plan, part: &Part, real: &str) -> Hint {
    let to = match &part.destination.user {
        Some(name) => text![user(name), "@", host(real)],
        None => text![host(real)],
    };
    Hint::run("Run this again with that name:", copying::again(base, part, to))
}
