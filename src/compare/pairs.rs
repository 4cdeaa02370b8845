//! Which report is held against which: those of the same target.

use super::{Comparison, Reported, Source, compare};

/// One comparison for each report of now.
///
/// # Errors
/// That the other file has several reports, and none of this target.
pub fn of(old: &Source, new: &Source) -> Result<Vec<Comparison>, String> {
    if let ([then], [now]) = (old.reports.as_slice(), new.reports.as_slice()) {
        // Two targets can be compared too: that they differ is the first thing that is told.
        return Ok(vec![compare(&old.name, then, &new.name, now)]);
    }
    // Of several reports, the one about the target of the other file is meant.
    if let ([then], [_, _, ..]) = (old.reports.as_slice(), new.reports.as_slice()) {
        let now = partner(then, new)?;
        return Ok(vec![compare(&old.name, then, &new.name, now)]);
    }
    let pair = |now| Ok(compare(&old.name, partner(now, old)?, &new.name, now));
    new.reports.iter().map(pair).collect()
}

/// The report about the same target: as it was typed, else what `ssh` makes of it.
fn partner<'s>(report: &Reported, among: &'s Source) -> Result<&'s Reported, String> {
    let target = |r: &Reported| (r.target.host.clone(), r.target.port, r.target.user.clone());
    let typed = among.reports.iter().find(|other| other.target.input == report.target.input);
    let meant = || among.reports.iter().find(|other| target(other) == target(report));
    typed.or_else(meant).ok_or_else(|| {
        let shown = |r: &Reported| checks::text::foreign(&r.target.input).plain();
        let all: Vec<_> = among.reports.iter().map(shown).collect();
        format!(
            "{} has no report about {}. It has reports about: {}.",
            among.name,
            shown(report),
            all.join(", ")
        )
    })
}
