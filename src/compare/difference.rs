//! Holds two reports together: pure.

use checks::text::Text;

use super::{
    facts::{FACTS, Fact, Shape},
    read::{Diagnosed, Reported, Step, Verdict},
    value::Item,
};

/// One of the two reports.
#[derive(Debug, Clone)]
pub struct Side {
    /// The file, or the target that was examined.
    pub name: String,
    /// When the run began.
    pub started_at: jiff::Timestamp,
    /// Whether the run read a log, which was made at another time.
    pub of_log: bool,
    /// The target as it was typed.
    pub target: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether all checks ran.
    pub complete: bool,
    /// The one cause.
    pub diagnosis: Option<Diagnosed>,
}

/// Something that the two reports tell differently.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What.
    pub fact: &'static Fact,
    /// All of it in the first report.
    pub then: Vec<Item>,
    /// All of it in the second.
    pub now: Vec<Item>,
}

/// Something that only one of them knows.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    /// What.
    pub fact: &'static Fact,
    /// Whether it is the first report that does not know it.
    pub then: bool,
}

/// Two reports, held together.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The first report.
    pub then: Side,
    /// The second.
    pub now: Side,
    /// What differs, in causal order.
    pub differences: Vec<Difference>,
    /// What only one of them knows.
    pub missing: Vec<Missing>,
    /// What has to be kept in mind.
    pub notes: Vec<&'static str>,
}

impl Side {
    fn of(name: &str, report: &Reported) -> Self {
        Self {
            name: name.to_owned(),
            started_at: report.started_at,
            of_log: report.log.is_some(),
            target: report.target.input.clone(),
            verdict: report.verdict,
            complete: report.complete,
            diagnosis: report.diagnosis.clone(),
        }
    }
}

impl Comparison {
    /// Whether anything differs.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.differences.is_empty()
    }
    /// What differs first.
    #[must_use]
    pub fn first(&self) -> Option<&Difference> {
        self.differences.first()
    }
    /// Whether something before the first difference is not known.
    #[must_use]
    pub fn is_first_in_doubt(&self) -> bool {
        let place = |fact: &Fact| FACTS.iter().position(|other| other.id == fact.id);
        let first = self.first().map(|first| place(first.fact));
        first.is_some_and(|first| self.missing.iter().any(|missing| place(missing.fact) < first))
    }
    /// What to do now.
    #[must_use]
    pub fn next_steps(&self) -> &[Step] {
        self.now.diagnosis.as_ref().map_or(&[], |found| found.next_steps.as_slice())
    }
}

impl Difference {
    /// What there was and is no more, where it is a matter of which ones there are.
    #[must_use]
    pub fn gone(&self) -> Vec<&Text> {
        only_in(&self.then, &self.now)
    }
    /// What there is and was not.
    #[must_use]
    pub fn come(&self) -> Vec<&Text> {
        only_in(&self.now, &self.then)
    }
}

fn only_in<'d>(these: &'d [Item], others: &[Item]) -> Vec<&'d Text> {
    let comparable =
        |item: &&Item| item.about.is_none() || others.iter().any(|other| other.about == item.about);
    let here = these.iter().filter(comparable).filter(|item| !others.contains(item));
    here.map(|item| &item.text).collect()
}

/// Compares.
#[must_use]
pub fn compare(old: &str, then: &Reported, new: &str, now: &Reported) -> Comparison {
    let mut differences = Vec::new();
    let mut missing = Vec::new();
    let mut redacted = false;
    for fact in FACTS {
        let (before, after) = ((fact.read)(then), (fact.read)(now));
        let replaced = [&before, &after]
            .map(|known| known.iter().flatten().any(|item: &Item| has_token(&item.text)));
        redacted |= replaced.contains(&true);
        match (before, after) {
            (Some(then), Some(now)) if is_alike(fact.shape, &then, &now) => {}
            // A word that stands for a name is neither that name nor another one.
            (Some(_), Some(_)) if replaced == [true, false] || replaced == [false, true] => {
                missing.push(Missing { fact, then: replaced == [true, false] });
            }
            (Some(then), Some(now)) => differences.push(Difference { fact, then, now }),
            (None, None) => {}
            (then, _) => missing.push(Missing { fact, then: then.is_none() }),
        }
    }
    let mut notes = Vec::new();
    if redacted {
        notes.push(
            "Private parts of a report were replaced (such as HOST_1). The same word may stand for \
             different things in two reports, and different words for the same, so look at \
             differences in them with care.",
        );
    }
    if then.target.input != now.target.input && then.target.host != now.target.host {
        notes.push("The two reports are about two hosts.");
    }
    let of_log = then.log.is_some() || now.log.is_some();
    if then.started_at > now.started_at && !of_log {
        notes.push(
            "The first report is younger than the second: perhaps they are the wrong way round.",
        );
    }
    Comparison { then: Side::of(old, then), now: Side::of(new, now), differences, missing, notes }
}

fn is_alike(shape: Shape, then: &[Item], now: &[Item]) -> bool {
    match shape {
        Shape::One | Shape::Order => then == now,
        Shape::Set | Shape::ByName => {
            only_in(then, now).is_empty() && only_in(now, then).is_empty()
        }
    }
}

/// Whether a text holds a word that stands for something private: capitals, `_`, a number.
fn has_token(text: &Text) -> bool {
    text.plain().split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| {
        word.rsplit_once('_').is_some_and(|(kind, number)| {
            kind.len() > 1
                && kind.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                && !number.is_empty()
                && number.chars().all(|c| c.is_ascii_digit())
        })
    })
}
