//! A comparison for machines: a contract, as the report is. New fields may be added, none changes
//! meaning.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    difference::{Comparison, Difference, Side},
    read::Verdict,
    value::Item,
};
use crate::render::json::{self, Step, Tool, VerdictJson};

/// The version of the form. It changes only if a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// What is printed: one comparison for one target, an envelope for several.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "ssh-preflight comparison")]
pub enum Document {
    /// One target.
    One(Box<ComparisonJson>),
    /// Several targets.
    Many(Envelope),
}

/// The comparisons of several targets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Envelope {
    /// Version of the form: 1.
    pub schema_version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// Whether anything differs in any of them.
    pub differs: bool,
    /// One for each report of now.
    pub comparisons: Vec<ComparisonJson>,
}

/// Two reports, held together.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparisonJson {
    /// Version of the form: 1.
    pub schema_version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// The report that is named first.
    pub then: SideJson,
    /// The report that is named second, or the run of now.
    pub now: SideJson,
    /// Whether anything differs.
    pub differs: bool,
    /// The fact that differs first in the order in which a connection goes; null where nothing does.
    pub first: Option<String>,
    /// Whether a fact before it is known in one report only, so that it may not be the first.
    pub first_in_doubt: bool,
    /// What differs, in the order in which a connection goes.
    pub differences: Vec<DifferenceJson>,
    /// What only one of the reports knows. It is not known whether it differs.
    pub not_known: Vec<MissingJson>,
    /// What has to be kept in mind, for people.
    pub notes: Vec<String>,
    /// What to do: that of the second report's diagnosis.
    pub next_steps: Vec<Step>,
}

/// One of the two reports.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SideJson {
    /// The file, or the target that was examined.
    pub source: String,
    /// When the run began: RFC 3339, UTC, with milliseconds.
    pub started_at: String,
    /// Whether the run read a log. When that was made is not known.
    pub of_log: bool,
    /// The target as it was typed.
    pub target: String,
    /// The verdict.
    pub verdict: VerdictJson,
    /// Whether all checks ran.
    pub complete: bool,
    /// The id of the one cause; null where ready.
    pub diagnosis: Option<String>,
}

/// Something that differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DifferenceJson {
    /// Stable word for what differs.
    pub fact: String,
    /// The check that tells it; null for the diagnosis.
    pub check: Option<String>,
    /// For people.
    pub title: String,
    /// What it means, for people.
    pub means: String,
    /// All of it in the first report.
    pub then: Vec<String>,
    /// All of it in the second report.
    pub now: Vec<String>,
}

/// Something that only one of the reports knows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MissingJson {
    /// Stable word for it.
    pub fact: String,
    /// For people.
    pub title: String,
    /// Which report does not know it.
    #[serde(rename = "in")]
    pub side: SideName,
}

/// One of the two.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SideName {
    /// The first.
    Then,
    /// The second.
    Now,
}

/// The comparisons as JSON, ending in a line break.
#[must_use]
pub fn render(comparisons: &[Comparison]) -> String {
    let document = match comparisons {
        [one] => Document::One(Box::new(ComparisonJson::from(one))),
        many => Document::Many(Envelope {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            differs: many.iter().any(Comparison::differs),
            comparisons: many.iter().map(ComparisonJson::from).collect(),
        }),
    };
    json::pretty(&document).unwrap_or_default()
}

impl From<&Comparison> for ComparisonJson {
    fn from(comparison: &Comparison) -> Self {
        let steps = comparison.next_steps().iter();
        let missing = comparison.missing.iter().map(|missing| MissingJson {
            fact: missing.fact.id.into(),
            title: missing.fact.title.into(),
            side: if missing.then { SideName::Then } else { SideName::Now },
        });
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            then: SideJson::from(&comparison.then),
            now: SideJson::from(&comparison.now),
            differs: comparison.differs(),
            first: comparison.first().map(|first| first.fact.id.into()),
            first_in_doubt: comparison.is_first_in_doubt(),
            differences: comparison.differences.iter().map(DifferenceJson::from).collect(),
            not_known: missing.collect(),
            notes: comparison.notes.iter().map(|note| (*note).into()).collect(),
            next_steps: steps
                .map(|step| Step {
                    text: step.text.clone(),
                    command: step.command.clone(),
                    paste: step.paste.clone(),
                })
                .collect(),
        }
    }
}

impl From<&Side> for SideJson {
    fn from(side: &Side) -> Self {
        Self {
            source: side.name.clone(),
            started_at: format!("{:.3}", side.started_at),
            of_log: side.of_log,
            target: side.target.clone(),
            verdict: side.verdict.into(),
            complete: side.complete,
            diagnosis: side.diagnosis.as_ref().map(|found| found.id.clone()),
        }
    }
}

impl From<&Difference> for DifferenceJson {
    fn from(difference: &Difference) -> Self {
        let fact = difference.fact;
        let plain = |item: &Item| item.text.plain();
        Self {
            fact: fact.id.into(),
            check: Some(fact.check).filter(|check| !check.is_empty()).map(str::to_owned),
            title: fact.title.into(),
            means: fact.means.into(),
            then: difference.then.iter().map(plain).collect(),
            now: difference.now.iter().map(plain).collect(),
        }
    }
}

impl From<Verdict> for VerdictJson {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ready => Self::Ready,
            Verdict::NotReady => Self::NotReady,
            Verdict::Inconclusive => Self::Inconclusive,
        }
    }
}
