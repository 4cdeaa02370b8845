//! What is said while it waits: pure.

use std::time::Duration;

use checks::{
    finding::Status,
    report::{Checked, Report, Verdict},
    waiting::{
        self, Mender,
        pace::{End, Look, Pace, is_perhaps_banned},
    },
};

use super::{Wait, Waited};

/// A span of time as people write it: `45s`, `2m 15s`.
#[must_use]
pub fn span(time: Duration) -> String {
    // What began a moment before the second is over is that second.
    let seconds = (time.as_millis() + 500) / 1000;
    let seconds = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    format!("{seconds:#}")
}

/// One sentence about a report.
#[must_use]
pub fn head(report: &Report) -> String {
    let word = match report.verdict {
        Verdict::Ready if report.is_complete() && report.worst() >= Status::Warn => {
            return "Ready, with warnings.".into();
        }
        Verdict::Ready if report.is_complete() => return "Ready.".into(),
        Verdict::Ready => return "Nothing is wrong in what is looked at.".into(),
        Verdict::NotReady => "Not ready",
        Verdict::Inconclusive => "Not found out",
    };
    let Some(found) = &report.diagnosis else { return format!("{word}.") };
    let place = found.at.as_ref().map(|hop| format!(" at the jump host {}", hop.plain()));
    format!("{word}{}: {} ({}).", place.unwrap_or_default(), found.title(), found.id)
}

/// What a report says that the one before it did not: the cause, and each check that ended otherwise.
#[must_use]
pub fn changes(before: Option<&Report>, report: &Report, looks: &[Look]) -> Vec<String> {
    let mut lines = Vec::new();
    let said = before.map(head);
    let sentence = head(report);
    if said.as_ref() != Some(&sentence) {
        let mender = report.diagnosis.as_ref().map(|found| waiting::mended_by(found.id));
        let mut line = sentence;
        match mender {
            _ if is_perhaps_banned(looks) => line.push_str(
                " It answered before: perhaps this is a ban for looking too often, which ends by \
                 itself.",
            ),
            Some(mender @ (Mender::Time | Mender::Others)) => {
                line.push(' ');
                line.push_str(mender.words());
            }
            // That is said at the end, which comes at once.
            Some(Mender::You) | None => {}
        }
        lines.push(line);
    }
    let Some(before) = before else {
        lines.extend(meanwhile(report));
        return lines;
    };
    let was = |now: &&Checked| {
        let then = before.checks.iter().find(|then| then.about.id == now.about.id);
        then.is_none_or(|then| then.finding.status != now.finding.status)
    };
    lines.extend(report.checks.iter().filter(was).map(|checked| {
        let mark = match checked.finding.status {
            Status::Pass => "now passes",
            Status::Warn => "now warns",
            Status::Fail => "now fails",
            Status::Skip => "is not looked at any more",
        };
        format!("  {} {mark}: {}", checked.about.title, checked.finding.summary.plain())
    }));
    lines
}

/// What is wrong on this computer too, though something before it is the cause: it can be mended while
/// the other is waited for.
fn meanwhile(report: &Report) -> Vec<String> {
    let mender = report.diagnosis.as_ref().map(|found| waiting::mended_by(found.id));
    if matches!(mender, None | Some(Mender::You)) {
        return Vec::new();
    }
    let here = report.checks.iter().filter(|c| super::HERE.contains(&c.about.id));
    here.filter(|checked| checked.finding.status == Status::Fail)
        .map(|checked| {
            let summary = checked.finding.summary.plain();
            format!("  {} fails as well: {summary} Mend that while you wait.", checked.about.title)
        })
        .collect()
}

/// What is waited for, as the end of a sentence.
#[must_use]
pub fn goal(wait: &Wait) -> String {
    match wait.check {
        None => "ssh gets in".into(),
        Some(check) => format!("the check {check} passes"),
    }
}

/// That less was asked for than a server bears.
#[must_use]
pub fn raised(asked: Duration, pace: &Pace) -> String {
    let unreached = if asked < pace.unreached_floor {
        format!(", and where it cannot be reached every {}", span(pace.unreached_floor))
    } else {
        String::new()
    };
    format!(
        "--every {} is more often than servers bear. A server that answers is looked at every {}\
         {unreached}.",
        span(asked),
        span(pace.floor)
    )
}

/// Why it is over.
#[must_use]
pub fn end(waited: &Waited, wait: &Wait) -> String {
    let looks = match waited.looks.len() {
        1 => "1 look".to_owned(),
        many => format!("{many} looks"),
    };
    let after = format!("after {} and {looks}", span(waited.took));
    match waited.end {
        End::Passed => format!("Done {after}: {}.", goal(wait)),
        End::OnlyYou => format!("Over {after}. {}", Mender::You.words()),
        End::NothingToWaitFor => {
            let check = wait.check.unwrap_or("awaited");
            format!("Over {after}: there is nothing here for the check {check} to pass.")
        }
        End::TimeOver => {
            let limit = span(wait.pace.limit);
            format!("Over {after}: no further look fits into the time that was given ({limit}).")
        }
        End::Interrupted => format!("Interrupted {after}: this is the last report."),
    }
}
