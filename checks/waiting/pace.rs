//! When to look again: pure. Times are counted from the beginning of the wait.
//!
//! OpenSSH 9.8 and later adds up seconds for each connection that leaves without a login (1, or 5
//! with a refused key), and turns an address away from 15 on. Whoever stays 15 seconds away after
//! each look has paid for it before the next one, with room for others behind the same address.

use std::time::Duration;

use super::{Mender, mended_by};
use crate::diagnosis::Id;

/// How far apart looks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks at a server that answers, if nothing else is asked for.
    pub every: Duration,
    /// Between two looks where no server is reached, if nothing else is asked for.
    pub unreached: Duration,
    /// No server that was reached is looked at again sooner.
    pub floor: Duration,
    /// No look is nearer to the one before, though no server was reached.
    pub unreached_floor: Duration,
    /// The first pause after a server turned us away; it doubles each time that it does so again.
    pub turned_away: Duration,
    /// Pauses do not grow beyond this: no penalty of OpenSSH lasts longer, unless set so.
    pub most: Duration,
    /// What is kept for the last look, so that it ends in time; of a short wait, a tenth.
    pub last: Duration,
    /// The whole wait.
    pub limit: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            every: seconds(60),
            unreached: seconds(10),
            floor: seconds(15),
            unreached_floor: seconds(5),
            turned_away: seconds(60),
            most: seconds(600),
            last: seconds(10),
            limit: seconds(30 * 60),
        }
    }
}

impl Pace {
    /// With another interval, for whatever is looked at.
    #[must_use]
    pub fn every(self, every: Duration) -> Self {
        Self { every: every.max(self.floor), unreached: every.max(self.unreached_floor), ..self }
    }
}

/// How a look was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// No server was reached: no name, no connection.
    Unreached,
    /// A server was reached and turned us away before it heard what we want.
    TurnedAway,
    /// A server was reached and spoke to us.
    Served,
}

/// One look that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When it ended.
    pub ended: Duration,
    /// How it was received.
    pub reception: Reception,
    /// The cause; none where everything that was looked at is well.
    pub id: Option<Id>,
    /// Whether what is waited for is there.
    pub passed: Passed,
}

/// Whether what is waited for is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It is.
    Yes,
    /// Not yet.
    NotYet,
    /// It will never be: the awaited check has nothing to look at here.
    Never,
}

/// What comes after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next look.
    Look {
        /// When it begins.
        at: Duration,
        /// Whether no other can follow it.
        last: bool,
    },
    /// No further look.
    End(End),
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What was waited for is there.
    Passed,
    /// Waiting cannot mend what is wrong.
    OnlyYou,
    /// The awaited check has nothing to look at here.
    NothingToWaitFor,
    /// The time is over.
    TimeOver,
    /// Ctrl-C.
    Interrupted,
}

/// What comes next, after these looks, at this moment.
#[must_use]
pub fn next(pace: &Pace, looks: &[Look], now: Duration) -> Next {
    let Some(look) = looks.last() else { return Next::Look { at: now, last: false } };
    match (look.passed, look.id.map(mended_by)) {
        (Passed::Yes, _) => return Next::End(End::Passed),
        (Passed::Never, _) => return Next::End(End::NothingToWaitFor),
        (Passed::NotYet, Some(Mender::You)) => return Next::End(End::OnlyYou),
        (Passed::NotYet, _) => {}
    }
    let begin_by = pace.limit.saturating_sub(pace.last.min(pace.limit / 10));
    let at = (look.ended + pause(pace, looks)).max(now);
    if at <= begin_by {
        return Next::Look { at, last: false };
    }
    // The time that was given is used: one look at its end, if that is not too near.
    if begin_by >= look.ended + nearest(pace, looks) && begin_by >= now {
        return Next::Look { at: begin_by, last: true };
    }
    Next::End(End::TimeOver)
}

/// How long to stay away after the last of these looks.
fn pause(pace: &Pace, looks: &[Look]) -> Duration {
    let times = is_away(looks).iter().rev().take_while(|away| **away).count();
    let most = |usual: Duration, wanted: Duration| wanted.min(pace.most.max(usual));
    let wanted = match (times, looks.last().map(|look| look.reception)) {
        (0, Some(Reception::Unreached)) => pace.unreached,
        (0, _) => most(pace.every, doubled(pace.every, punished(looks))),
        (_, _) => {
            let soon = looks.last().is_some_and(|look| look.id == Some(Id::ServerOverloaded));
            let first = if soon { pace.floor } else { pace.turned_away };
            most(pace.every, doubled(first, times - 1)).max(pace.every)
        }
    };
    wanted.max(nearest(pace, looks))
}

/// What is kept between two looks in any case: a server that was reached at any time of this wait
/// remembers it.
fn nearest(pace: &Pace, looks: &[Look]) -> Duration {
    let Some(last) = looks.last() else { return Duration::ZERO };
    let reached = looks.iter().rev().find(|look| look.reception != Reception::Unreached);
    let after_reached =
        reached.map(|reached| (reached.ended + pace.floor).saturating_sub(last.ended));
    after_reached.unwrap_or_default().max(pace.unreached_floor)
}

/// For each look, whether the server kept us out. Where it spoke to us before and now does not let us
/// connect, that may be a ban after our own looks.
fn is_away(looks: &[Look]) -> Vec<bool> {
    let mut served = false;
    let away = |look: &Look| {
        served |= look.reception == Reception::Served;
        look.reception == Reception::TurnedAway || (served && may_be_banned(look))
    };
    looks.iter().map(away).collect()
}

/// Whether the last look can have met a ban after earlier ones, which nobody has said.
#[must_use]
pub fn is_perhaps_banned(looks: &[Look]) -> bool {
    looks.last().is_some_and(may_be_banned)
        && looks.iter().any(|look| look.reception == Reception::Served)
}

/// What a ban by the log (fail2ban and its like) looks like: packets are dropped or refused.
fn may_be_banned(look: &Look) -> bool {
    let kept_out = matches!(
        look.id,
        Some(
            Id::RefusedByHost
                | Id::RefusedOnTheWay
                | Id::Filtered
                | Id::IpNotAllowed
                | Id::HostUnreachable
        )
    );
    look.reception == Reception::Unreached && kept_out
}

/// How often a look that was served was followed by one that was turned away: then our own looks may
/// be what the server counts.
fn punished(looks: &[Look]) -> usize {
    let away = is_away(looks);
    let pairs = looks.iter().zip(away.iter().skip(1));
    pairs.filter(|(look, next)| look.reception == Reception::Served && **next).count()
}

fn doubled(first: Duration, times: usize) -> Duration {
    let factor = u32::try_from(times).ok().and_then(|times| 2_u32.checked_pow(times));
    first.saturating_mul(factor.unwrap_or(u32::MAX))
}
