//! Reads what earlier runs wrote: reports, several of them in one, and recordings.

use checks::{case::Case, evidence::Evidence, report::Report};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::render::json::{ReportJson, SCHEMA_VERSION};

/// What standard input is called.
pub const STANDARD_INPUT: &str = "standard input";

/// A file, or a run of now.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name of the file, or the target.
    pub name: String,
    /// One for each target.
    pub reports: Vec<Reported>,
}

/// What is read of a report. Fields that a newer program adds are passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct Reported {
    /// When the run began.
    pub started_at: jiff::Timestamp,
    /// What was examined.
    pub target: Target,
    /// `ready`, `not-ready` or `inconclusive`.
    pub verdict: Verdict,
    /// Whether all checks ran.
    #[serde(default = "yes")]
    pub complete: bool,
    /// Where it is about a log: when what that tells of happened is not known.
    #[serde(default)]
    pub log: Option<Map<String, Value>>,
    /// The one cause.
    pub diagnosis: Option<Diagnosed>,
    /// The checks.
    pub checks: Vec<Checked>,
}

fn yes() -> bool {
    true
}

/// What was examined.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// As it was typed.
    pub input: String,
    /// The host that `ssh` connects to.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The user.
    pub user: Option<String>,
    /// Name of the provider's profile.
    #[serde(default)]
    pub profile: String,
}

/// Whether it will work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It will.
    Ready,
    /// It will not.
    NotReady,
    /// It could not be found out.
    Inconclusive,
}

impl Verdict {
    /// As in the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// The one cause.
#[derive(Debug, Clone, Deserialize)]
pub struct Diagnosed {
    /// Stable word.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The jump host that has it.
    #[serde(default)]
    pub jump_host: Option<String>,
    /// What to do.
    #[serde(default)]
    pub next_steps: Vec<Step>,
}

/// Something to do.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// In words.
    pub text: String,
    /// The command that does it.
    #[serde(default)]
    pub command: Option<String>,
    /// What to paste elsewhere than into a terminal.
    #[serde(default)]
    pub paste: Option<String>,
}

/// One check.
#[derive(Debug, Clone, Deserialize)]
pub struct Checked {
    /// Stable word.
    pub id: String,
    /// `pass`, `warn`, `fail` or `skip`.
    #[serde(default)]
    pub status: String,
    /// The facts behind the words.
    #[serde(default)]
    pub evidence: Map<String, Value>,
}

impl Reported {
    /// A fact of a check, where it is known.
    #[must_use]
    pub fn fact(&self, check: &str, name: &str) -> Option<&Value> {
        let check = self.checks.iter().find(|c| c.id == check)?;
        check.evidence.get(name).filter(|value| !value.is_null())
    }
}

/// A report of now.
///
/// # Errors
/// That it does not have the form of a report, which would be a defect of ours.
pub fn of_report(report: &Report) -> Result<Reported, String> {
    let value = serde_json::to_value(ReportJson::from(report));
    value.and_then(serde_json::from_value).map_err(|e| format!("Cannot compare: {e}."))
}

/// How a file begins that could be ours.
#[derive(Deserialize)]
struct Head {
    schema_version: Option<Value>,
    tool: Option<Tool>,
    reports: Option<Vec<Value>>,
    /// Only recordings have it.
    plan: Option<Value>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
}

/// Reads reports or recordings.
///
/// # Errors
/// What the text is, if it is neither.
pub fn parse(name: &str, text: &str) -> Result<Source, String> {
    let other = |is: &str| {
        format!("{name} {is}. A report is kept with: ssh-preflight --output OLD.json USER@HOST")
    };
    if text.trim().is_empty() {
        return Err(other("is empty"));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|e| other(&format!("is no JSON ({e})")))?;
    let reports = match value {
        Value::Array(cases) => cases.into_iter().map(|case| recorded(name, case)).collect(),
        one => {
            let not_ours = || other("is JSON, but no report of ssh-preflight");
            let head = Head::deserialize(&one).map_err(|_| not_ours())?;
            match head {
                Head { plan: Some(_), tool: None, .. } => recorded(name, one).map(|one| vec![one]),
                Head { schema_version: Some(version), tool: Some(tool), reports, .. }
                    if tool.name == "ssh-preflight" =>
                {
                    if version.as_u64() != Some(u64::from(SCHEMA_VERSION)) {
                        return Err(format!(
                            "{name} has schema_version {version}, and this program reads {SCHEMA_VERSION}. \
                             Use the version of ssh-preflight that wrote it, or a newer one."
                        ));
                    }
                    let reports = reports.unwrap_or_else(|| vec![one]);
                    reports.into_iter().map(|report| read(name, report)).collect()
                }
                _ => return Err(not_ours()),
            }
        }
    };
    let reports: Vec<Reported> = reports?;
    if reports.is_empty() {
        return Err(other("holds no report"));
    }
    Ok(Source { name: name.to_owned(), reports })
}

fn read(name: &str, report: Value) -> Result<Reported, String> {
    serde_json::from_value(report)
        .map_err(|e| format!("{name} is no whole report of ssh-preflight: {e}."))
}

/// A recording is judged again, as `--replay` does.
fn recorded(name: &str, case: Value) -> Result<Reported, String> {
    let case: Case = serde_json::from_value(case).map_err(|e| {
        format!("{name} is neither a report nor a recording of ssh-preflight: {e}.")
    })?;
    crate::run::in_runtime(async {
        let evidence = Evidence::recorded(case);
        of_report(&checks::examine(&evidence, |_| true, |_, _| {}).await)
    })
}
