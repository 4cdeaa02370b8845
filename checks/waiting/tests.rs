//! Tables of looks, and what comes after them.

use std::{collections::HashSet, time::Duration};

use strum::IntoEnumIterator;

use super::{
    Mender, mended_by,
    pace::{
        End, Look, Next, Pace, Passed,
        Reception::{self, Served, TurnedAway, Unreached},
        is_perhaps_banned, next,
    },
};
use crate::diagnosis::{Group, Id};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn look(ended: u64, reception: Reception, id: Id) -> Look {
    Look { ended: s(ended), reception, id: Some(id), passed: Passed::NotYet }
}

/// When the next look begins, where one does.
fn at(pace: &Pace, looks: &[Look]) -> Option<u64> {
    let now = looks.last().map(|look| look.ended).unwrap_or_default();
    match next(pace, looks, now) {
        Next::Look { at, .. } => Some(at.as_secs()),
        Next::End(_) => None,
    }
}

#[test]
fn the_first_look_is_at_once() {
    assert_eq!(next(&Pace::default(), &[], s(0)), Next::Look { at: s(0), last: false });
}

#[test]
fn what_is_wrong_decides_how_soon() {
    let asked = |seconds| Pace::default().every(s(seconds));
    let refused = look(1, Served, Id::KeyNotAccepted);
    let down = look(1, Unreached, Id::HostUnreachable);
    for (pace, looks, expected) in [
        // Without --every.
        (Pace::default(), vec![refused], 61),
        (Pace::default(), vec![down], 11),
        // What is asked for, down to the floors.
        (asked(20), vec![refused], 21),
        (asked(1), vec![refused], 16),
        (asked(1), vec![down], 6),
        (asked(300), vec![down], 301),
        // A server that was reached a moment ago is left alone, though it cannot be reached now.
        (asked(1), vec![refused, look(17, Unreached, Id::NameNotFound)], 22),
        (asked(1), vec![refused, look(2, Unreached, Id::NameNotFound)], 16),
    ] {
        assert_eq!(at(&pace, &looks), Some(expected), "{looks:?}");
    }
}

#[test]
fn a_server_that_turns_away_is_left_alone_longer_each_time() {
    let quick = Pace::default().every(s(15));
    for (id, reception, pauses) in [
        (Id::SourcePenalty, TurnedAway, [60, 120, 240, 480, 600, 600]),
        (Id::ClosedBeforeBanner, TurnedAway, [60, 120, 240, 480, 600, 600]),
        (Id::ServerOverloaded, TurnedAway, [15, 30, 60, 120, 240, 480]),
    ] {
        let pace = Pace { limit: s(100_000), ..quick };
        let mut looks = Vec::new();
        for pause in pauses {
            let ended = at(&pace, &looks).unwrap();
            looks.push(look(ended, reception, id));
            assert_eq!(at(&pace, &looks), Some(ended + pause), "{id} {looks:?}");
        }
        // Once it speaks again, all is as before.
        let ended = at(&pace, &looks).unwrap();
        looks.push(look(ended, Served, Id::KeyNotAccepted));
        assert_eq!(at(&pace, &looks), Some(ended + 15));
        // Who asked for long pauses gets no shorter ones.
        let slow = pace.every(s(900));
        assert_eq!(at(&slow, &[look(0, reception, id)]), Some(900));
    }
}

#[test]
fn a_ban_after_our_own_looks_makes_them_rarer() {
    let pace = Pace { limit: s(100_000), ..Pace::default().every(s(15)) };
    let mut looks = vec![look(0, Served, Id::KeyNotAccepted), look(15, Unreached, Id::Filtered)];
    assert!(is_perhaps_banned(&looks));
    assert_eq!(at(&pace, &looks), Some(75));
    looks.push(look(75, Unreached, Id::Filtered));
    assert_eq!(at(&pace, &looks), Some(195));
    looks.push(look(195, Served, Id::KeyNotAccepted));
    assert!(!is_perhaps_banned(&looks));
    assert_eq!(at(&pace, &looks), Some(225), "twice as far apart as before");
    looks.extend([look(225, TurnedAway, Id::SourcePenalty), look(285, Served, Id::KeyNotAccepted)]);
    assert_eq!(at(&pace, &looks), Some(345), "and twice again");
    // A server that never spoke to us has no reason for a ban.
    let down = [look(0, Unreached, Id::Filtered), look(15, Unreached, Id::Filtered)];
    assert!(!is_perhaps_banned(&down));
    assert_eq!(at(&pace, &down), Some(30));
}

#[test]
fn a_look_never_comes_sooner_than_the_floor() {
    let pace = Pace { limit: s(1_000_000), ..Pace::default().every(s(1)) };
    let receptions = [(Served, Id::KeyNotAccepted), (TurnedAway, Id::ServerOverloaded)];
    for first in receptions {
        for then in [(Unreached, Id::Filtered), (Unreached, Id::NameNotFound), first] {
            for gap in 0..20 {
                let looks = [look(0, first.0, first.1), look(gap, then.0, then.1)];
                let after = at(&pace, &looks).unwrap();
                assert!(after >= 15, "{looks:?}: {after}");
                assert!(after >= gap + 5, "{looks:?}: {after}");
                assert!(then.0 == Unreached || after >= gap + 15, "{looks:?}: {after}");
            }
        }
    }
}

#[test]
fn the_time_that_was_given_is_used_and_no_more() {
    let of = |limit| Pace { limit: s(limit), ..Pace::default() };
    let refused = look(1, Served, Id::KeyNotAccepted);
    for (limit, expected) in [
        (171, Next::Look { at: s(61), last: false }),
        (71, Next::Look { at: s(61), last: false }),
        // A pause that would outlast the wait is cut, down to the floor.
        (60, Next::Look { at: s(54), last: true }),
        (20, Next::Look { at: s(18), last: true }),
        (17, Next::End(End::TimeOver)),
        (5, Next::End(End::TimeOver)),
    ] {
        assert_eq!(next(&of(limit), &[refused], s(1)), expected, "{limit}");
    }
    // A computer that slept through it.
    assert_eq!(next(&of(600), &[refused], s(500)), Next::Look { at: s(500), last: false });
    assert_eq!(next(&of(600), &[refused], s(7000)), Next::End(End::TimeOver));
}

#[test]
fn what_ends_a_wait() {
    let with = |passed, id| Look { passed, id, ..look(1, Served, Id::KeyNotAccepted) };
    for (look, end) in [
        (with(Passed::Yes, None), End::Passed),
        // The awaited check passes, whatever else is wrong.
        (with(Passed::Yes, Some(Id::NoKey)), End::Passed),
        (with(Passed::Never, None), End::NothingToWaitFor),
        (with(Passed::NotYet, Some(Id::UnexpectedUser)), End::OnlyYou),
    ] {
        assert_eq!(next(&Pace::default(), &[look], s(1)), Next::End(end));
    }
    let not_yet = with(Passed::NotYet, None);
    assert!(matches!(next(&Pace::default(), &[not_yet], s(1)), Next::Look { .. }));
}

/// The table has all three, and each stage that is on this computer alone ends a wait.
#[test]
fn what_only_a_person_can_mend_is_not_waited_for() {
    let all = |mender| Id::iter().filter(|id| mended_by(*id) == mender).collect::<HashSet<_>>();
    for mender in [Mender::Time, Mender::Others, Mender::You] {
        assert!(all(mender).len() > 10, "{mender:?}");
    }
    let own = Id::iter()
        .filter(|id| matches!(id.group(), Group::Configuration | Group::Keys | Group::Agent));
    for id in own {
        assert_eq!(mended_by(id), Mender::You, "{id}");
    }
}

mod alike {
    use super::super::{ends_alike, pace::Reception, reception};
    use crate::{
        case::Case,
        diagnosis::Id,
        evidence::{
            connection::{Attempt, Attempts, OsError, OsErrorKind, Outcome},
            made::{self, effective, seen},
            resolution::{LookupError, LookupErrorKind, Resolution},
        },
    };

    fn case(attempts: &[(&str, Outcome)]) -> Case {
        let tried = attempts.iter().map(|(to, outcome)| Attempt {
            to: to.parse().unwrap(),
            from: None,
            outcome: outcome.clone(),
            message: None,
            took_ms: 1.0,
        });
        let tried: Vec<_> = tried.collect();
        let outcome = Ok(tried.iter().map(|attempt| attempt.to.ip()).collect());
        Case {
            attempts: seen(Attempts { tried, untried: Vec::new() }),
            resolution: seen(resolution(outcome)),
            ..made::case(effective(22))
        }
    }

    fn resolution(outcome: Result<Vec<std::net::IpAddr>, LookupError>) -> Resolution {
        Resolution {
            name: "host.example.com".into(),
            literal: false,
            outcome,
            other_family: Vec::new(),
            hosts_lines: Vec::new(),
        }
    }

    fn not_found(kind: LookupErrorKind) -> Case {
        let error = LookupError { kind, message: "no".into() };
        Case { resolution: seen(resolution(Err(error))), ..made::case(effective(22)) }
    }

    fn refused() -> Outcome {
        Outcome::Failed(OsError {
            operation: "connect".into(),
            errno: Some(111),
            kind: OsErrorKind::ConnectionRefused,
            message: "Connection refused".into(),
        })
    }

    #[test]
    fn a_failure_is_the_same_only_if_all_of_it_is() {
        let (one, two) = ("192.0.2.1:22", "192.0.2.2:22");
        let silent = || Outcome::TimedOut { after_ms: 10_000 };
        let base = case(&[(one, refused()), (two, silent())]);
        for (other, alike) in [
            (case(&[(one, refused()), (two, silent())]), true),
            // Names are answered in any order.
            (case(&[(two, silent()), (one, refused())]), true),
            (case(&[(one, silent()), (two, silent())]), false),
            (case(&[(one, refused())]), false),
            (case(&[(one, Outcome::Connected)]), false),
            (not_found(LookupErrorKind::NoName), false),
            (made::case(effective(22)), false),
        ] {
            assert_eq!(ends_alike(&base, &other), alike, "{other:?}");
        }
        let no_name = not_found(LookupErrorKind::NoName);
        assert!(ends_alike(&no_name, &no_name.clone()));
        assert!(!ends_alike(&no_name, &not_found(LookupErrorKind::TemporaryFailure)));
        // Who is connected goes on, and where nobody looked nothing is alike.
        let connected = case(&[(one, Outcome::Connected)]);
        assert!(!ends_alike(&connected, &connected.clone()));
        let nothing = made::case(effective(22));
        assert!(!ends_alike(&nothing, &nothing.clone()));
    }

    #[test]
    fn how_a_look_was_received() {
        let connected = || case(&[("192.0.2.1:22", Outcome::Connected)]);
        let unreached = case(&[("192.0.2.1:22", refused())]);
        for (case, id, expected) in [
            (connected(), None, Reception::Served),
            (connected(), Some(Id::KeyNotAccepted), Reception::Served),
            (connected(), Some(Id::SourcePenalty), Reception::TurnedAway),
            (connected(), Some(Id::ClosedBeforeBanner), Reception::TurnedAway),
            (unreached, Some(Id::RefusedByHost), Reception::Unreached),
            (not_found(LookupErrorKind::NoName), Some(Id::NameNotFound), Reception::Unreached),
        ] {
            assert_eq!(reception(&case, id), expected, "{id:?}");
        }
        // What a jump host has seen counts too.
        let hop = crate::evidence::hop::Hop { case: Box::new(connected()) };
        let behind = Case { hop: seen(hop), ..made::case(effective(22)) };
        assert_eq!(reception(&behind, Some(Id::BehindJumpHost)), Reception::Served);
    }
}
