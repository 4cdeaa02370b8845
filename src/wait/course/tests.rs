#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

use std::time::Duration;

use checks::{
    case::{Case, Plan},
    diagnosis::{Diagnosis, Id},
    report::{Report, Verdict},
    waiting::pace::{End, Pace},
};
use clap::Parser;
use tokio_util::sync::CancellationToken;

use super::{How, Looked, Waited, run};
use crate::{
    cli::Options,
    plans, ssh_options,
    wait::{Tell, Wait},
};

fn plan() -> Plan {
    let sorted = ssh_options::sort(["ada@192.0.2.1".to_owned()]).unwrap();
    let options = Options::try_parse_from(["ssh-preflight"]).unwrap();
    plans::of_targets(&sorted, &options).unwrap().remove(0)
}

fn wait() -> Wait {
    let ms = Duration::from_millis;
    let pace = Pace {
        every: ms(10),
        unreached: ms(10),
        floor: ms(10),
        unreached_floor: ms(5),
        turned_away: ms(20),
        most: ms(50),
        last: ms(10),
        limit: ms(400),
    };
    Wait { plan: plan(), pace, check: None, chosen: Vec::new(), without_warnings: false }
}

/// A report with this cause; nothing was reached.
fn report(id: Option<Id>) -> Box<Report> {
    let diagnosis = id.map(Diagnosis::new);
    let verdict = match id {
        None => Verdict::Ready,
        Some(id) if id.is_inconclusive() => Verdict::Inconclusive,
        Some(_) => Verdict::NotReady,
    };
    let case = Case::unobserved(plan(), jiff::Timestamp::UNIX_EPOCH);
    Box::new(Report { case, duration_ms: 1, verdict, diagnosis, checks: Vec::new() })
}

/// A wait in which the looks show these causes, the last one again and again.
async fn course(wait: &Wait, cut: &CancellationToken, causes: &[Option<Id>]) -> (Waited, Vec<How>) {
    let mut taken: Vec<How> = Vec::new();
    let mut tell = Tell::nothing();
    let look = async |before: Option<Box<Report>>, how: How| {
        let cause = causes.get(taken.len()).or(causes.last()).copied().unwrap();
        taken.push(how);
        let id = |report: &Report| report.diagnosis.as_ref().map(|found| found.id);
        match before {
            Some(before) if how.briefly && id(&before) == cause => Looked::Alike(before),
            before => Looked::Anew { report: report(cause), before },
        }
    };
    let waited = run(wait, cut, &mut tell, look).await;
    (waited, taken)
}

#[tokio::test]
async fn it_looks_until_it_is_there() {
    let causes = [Some(Id::RefusedByHost), Some(Id::RefusedByHost), Some(Id::KeyNotAccepted), None];
    let (waited, taken) = course(&wait(), &CancellationToken::new(), &causes).await;
    assert_eq!((waited.end, waited.looks.len()), (End::Passed, 4));
    assert_eq!(waited.report.verdict, Verdict::Ready);
    // The first one is whole, and each after one that reached nobody is brief.
    let brief: Vec<_> = taken.iter().map(|how| how.briefly).collect();
    assert_eq!(brief, [false, true, true, true]);
    let ids: Vec<_> = waited.looks.iter().map(|look| look.id).collect();
    assert_eq!(ids, causes);
}

#[tokio::test]
async fn the_last_look_is_a_whole_one() {
    let causes = [Some(Id::RefusedByHost)];
    let (waited, taken) = course(&wait(), &CancellationToken::new(), &causes).await;
    assert_eq!(waited.end, End::TimeOver);
    assert!(waited.took <= Duration::from_millis(800), "{:?}", waited.took);
    assert!(taken.iter().skip(1).rev().skip(1).all(|how| how.briefly), "{taken:?}");
    // No look is given more time than is left.
    assert!(taken.iter().all(|how| how.limit <= wait().pace.limit), "{taken:?}");
    assert!(taken.windows(2).all(|two| two[1].limit < two[0].limit), "{taken:?}");
}

#[tokio::test]
async fn what_only_a_person_can_mend_ends_it() {
    let causes = [Some(Id::RefusedByHost), Some(Id::NoKey)];
    let (waited, taken) = course(&wait(), &CancellationToken::new(), &causes).await;
    assert_eq!((waited.end, taken.len()), (End::OnlyYou, 2));
    assert_eq!(crate::wait::exit(&waited), crate::exit::Exit::NotReady);
}

#[tokio::test]
async fn ctrl_c_ends_a_pause_and_the_last_whole_report_is_given() {
    let long = Duration::from_secs(100);
    let pace = Pace { unreached: long, limit: long * 100, ..wait().pace };
    let cut = CancellationToken::new();
    let soon = cut.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        soon.cancel();
    });
    let causes = [Some(Id::RefusedByHost)];
    let (waited, _) = course(&Wait { pace, ..wait() }, &cut, &causes).await;
    assert_eq!(waited.end, End::Interrupted);
    assert!(waited.took < Duration::from_secs(10));
    assert_eq!(crate::wait::exit(&waited), crate::exit::Exit::NotReady);

    // In the middle of the second look: that one says less than the first.
    let cut = CancellationToken::new();
    let mut looks = 0;
    let look = async |before: Option<Box<Report>>, _: How| {
        looks += 1;
        if looks == 1 {
            return Looked::Anew { report: report(Some(Id::KeyNotAccepted)), before };
        }
        cut.cancel();
        Looked::Anew { report: report(Some(Id::Interrupted)), before }
    };
    let waited = run(&wait(), &cut, &mut Tell::nothing(), look).await;
    assert_eq!((waited.end, waited.looks.len()), (End::Interrupted, 1));
    assert_eq!(waited.report.diagnosis.as_ref().unwrap().id, Id::KeyNotAccepted);

    // In the first one there is no other.
    let cut = CancellationToken::new();
    cut.cancel();
    let (waited, _) = course(&wait(), &cut, &[Some(Id::Interrupted)]).await;
    assert_eq!(waited.end, End::Interrupted);
    assert_eq!(crate::wait::exit(&waited), crate::exit::Exit::Inconclusive);
}
