//! The report for machines: a contract. New fields may be added, none changes meaning.

use checks::{
    diagnosis::{Diagnosis, Id},
    finding::{Hint, Status},
    pair::{End, Role},
    report::{Report, Verdict},
    together::Pair,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The version of the form. It changes only if a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// The page about a diagnosis.
#[must_use]
pub fn docs(id: Id) -> String {
    format!("{}/blob/main/docs/diagnoses/{id}.md", env!("CARGO_PKG_REPOSITORY"))
}

/// What is printed: one report for one target, an envelope for several.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "ssh-preflight report")]
pub enum Document {
    /// One target.
    One(Box<ReportJson>),
    /// Two targets, of which the second is reached from the first.
    Pair(Box<PairJson>),
    /// Several targets.
    Many(Envelope),
}

/// The reports about a copy, or about a service that is used from an environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PairJson {
    /// Version of the form: 1.
    pub schema_version: u32,
    /// The program that made the report.
    pub tool: Tool,
    /// What is copied; absent where a service is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<CopiedJson>,
    /// Which service is used; absent where something is copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<UsedJson>,
    /// Whether the copy will work. Of a service: whether it will work from both places.
    pub verdict: VerdictJson,
    /// The one cause; null where ready. It is the one of the source's report, or of the service from
    /// here where that alone has one.
    pub diagnosis: Option<DiagnosisJson>,
    /// The commands of the copy or for the service, the first one first; empty where it does not work.
    pub commands: Vec<Step>,
    /// The source, then the destination as it is seen from there (where somebody got there), then the
    /// destination as it is seen from here. The field `role` says which.
    pub reports: Vec<ReportJson>,
}

/// What is copied, as it was typed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CopiedJson {
    /// The source.
    pub from: String,
    /// The destination.
    pub to: String,
    /// The file; null where none was named.
    pub file: Option<String>,
}

/// Which service is used from where, as it was typed or as the profile has it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UsedJson {
    /// The profile of the service, such as akeneo-repository.
    pub name: String,
    /// The environment.
    pub from: String,
    /// The service.
    pub to: String,
}

/// The part of a report in a copy, or about a service that is used from an environment.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleJson {
    /// The source of a copy; its verdict and diagnosis are those of the copy. Or the environment.
    Source,
    /// The destination or the service as it is seen from there.
    Hop,
    /// The same as it is seen from here. The destination of a copy counts for a warning at most.
    Destination,
}

impl From<Role> for RoleJson {
    fn from(role: Role) -> Self {
        match role {
            Role::Source => Self::Source,
            Role::Hop => Self::Hop,
            Role::Destination => Self::Destination,
        }
    }
}

/// The reports about several targets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Envelope {
    /// Version of the form: 1.
    pub schema_version: u32,
    /// The program that made the report.
    pub tool: Tool,
    /// The worst verdict: not-ready over inconclusive over ready.
    pub verdict: VerdictJson,
    /// One report for each target, in the order of the command line.
    pub reports: Vec<ReportJson>,
}

/// The report about one target.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReportJson {
    /// Version of the form: 1.
    pub schema_version: u32,
    /// The program that made the report.
    pub tool: Tool,
    /// When the run began: RFC 3339, UTC, with milliseconds.
    pub started_at: String,
    /// Milliseconds that the run took.
    pub duration_ms: u64,
    /// What was examined.
    pub target: TargetJson,
    /// Its part in a copy, or beside a service that is used from an environment; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleJson>,
    /// The log that was explained; absent where a connection was examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogJson>,
    /// Whether the connection will work.
    pub verdict: VerdictJson,
    /// Whether all checks ran. If some were left out, ready means that nothing is wrong in what
    /// was looked at, and no more.
    pub complete: bool,
    /// The one cause; null where ready.
    pub diagnosis: Option<DiagnosisJson>,
    /// Each check that ran, in the order in which a connection goes.
    pub checks: Vec<CheckJson>,
}

/// The program that made the report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tool {
    /// Always ssh-preflight.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was examined.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TargetJson {
    /// As it was typed.
    pub input: String,
    /// The host that ssh connects to.
    pub host: String,
    /// The port; null where the configuration could not be read, or a log does not name it.
    pub port: Option<u16>,
    /// The user; null where the configuration could not be read.
    pub user: Option<String>,
    /// Name of the provider's profile.
    pub profile: String,
    /// Which access was examined: ssh for the login by key, sftp for the separate one with a
    /// password.
    #[schemars(default)]
    pub access: String,
}

/// A log that was explained. The report is about its last attempt to connect.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct LogJson {
    /// How many lines it has.
    pub lines: usize,
    /// How many attempts to connect it holds.
    pub attempts: usize,
    /// How many of those before the last one failed.
    pub failed_before: usize,
    /// Whether one of these was to another target.
    pub failed_elsewhere: bool,
}

/// Whether the connection will work.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictJson {
    /// It will work.
    Ready,
    /// It will not.
    NotReady,
    /// It could not be found out.
    Inconclusive,
}

/// The one cause, why it is the cause, and what to do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiagnosisJson {
    /// Stable word, as in the documentation.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The jump host that has it; null where it is the target itself.
    pub jump_host: Option<String>,
    /// The two hosts between which it is, where it is on the way from the source to the destination; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<BetweenJson>,
    /// What ssh itself prints in this situation, a line each; empty where it hangs without a word,
    /// or where that is not known.
    #[schemars(default)]
    pub ssh_says: Vec<String>,
    /// What was observed, a sentence each.
    pub because: Vec<String>,
    /// What to do, the first thing first.
    pub next_steps: Vec<Step>,
    /// Ids of causes that look the same from here.
    pub also_possible: Vec<String>,
    /// The page about it.
    pub docs: String,
}

/// From where to where, as it was typed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BetweenJson {
    /// The source.
    pub from: String,
    /// The destination.
    pub to: String,
}

/// Something to do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Step {
    /// In words.
    pub text: String,
    /// The command that does it, quoted for a POSIX shell; null where none can.
    pub command: Option<String>,
    /// What to paste elsewhere than into a terminal, such as the line of a public key; null where
    /// there is nothing.
    #[schemars(default)]
    pub paste: Option<String>,
}

/// What one check found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckJson {
    /// Stable word, as in --only.
    pub id: String,
    /// For people.
    pub title: String,
    /// How it ended.
    pub status: StatusJson,
    /// One line.
    pub summary: String,
    /// More lines.
    pub details: Vec<String>,
    /// What to do about it.
    pub hints: Vec<Step>,
    /// The facts behind the words. Text that a server or a file gave is as it came: escape it
    /// before you show it.
    pub evidence: Map<String, Value>,
    /// Milliseconds since the run began.
    pub started_ms: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatusJson {
    /// As it should be.
    Pass,
    /// Not looked at, or not needed; the summary says why.
    Skip,
    /// Works, but will surprise somebody.
    Warn,
    /// Does not work.
    Fail,
}

/// The reports as JSON, ending in a line break.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let document = match reports {
        [one] => Document::One(Box::new(ReportJson::from(one))),
        many => Document::Many(Envelope {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            verdict: crate::exit::worst_verdict(many).into(),
            reports: many.iter().map(ReportJson::from).collect(),
        }),
    };
    pretty(&document).unwrap_or_default()
}

/// A pair as JSON, ending in a line break.
#[must_use]
pub fn render_pair(pair: Pair<'_>) -> String {
    let part = pair.part();
    let end = |end: &End| checks::text::foreign(&end.input).plain();
    let from = part.map(|part| end(&part.source)).unwrap_or_default();
    let to = part.map(|part| end(&part.destination)).unwrap_or_default();
    let service = part.and_then(|part| part.service.as_deref());
    let copied = || CopiedJson {
        from: from.clone(),
        to: to.clone(),
        file: part.and_then(|part| part.file.clone()),
    };
    let document = Document::Pair(Box::new(PairJson {
        schema_version: SCHEMA_VERSION,
        tool: Tool::this(),
        copy: service.is_none().then(copied),
        service: service.map(|service| UsedJson {
            name: service.name.clone(),
            from: from.clone(),
            to: to.clone(),
        }),
        verdict: pair.verdict().into(),
        diagnosis: pair.diagnosis().map(DiagnosisJson::from),
        commands: pair.commands().iter().map(Step::from).collect(),
        reports: pair.reports().map(ReportJson::from).collect(),
    }));
    pretty(&document).unwrap_or_default()
}

/// JSON with line breaks, the last at its end. Every character that a terminal would obey is
/// written as an escape: nothing is lost for a program, and nothing happens to who looks at it.
///
/// # Errors
/// That a value cannot be written as JSON.
pub fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    let written = serde_json::to_string_pretty(value)?;
    let mut text = String::with_capacity(written.len() + 1);
    for c in written.chars() {
        // Outside of strings there are only line breaks, and inside serde_json has escaped those.
        if c == '\n' || !checks::text::is_obeyed(c) {
            text.push(c);
        } else {
            let mut units = [0; 2];
            text.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text.push('\n');
    Ok(text)
}

impl Tool {
    /// This program.
    #[must_use]
    pub fn this() -> Self {
        Self { name: "ssh-preflight".into(), version: env!("CARGO_PKG_VERSION").into() }
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

impl From<Status> for StatusJson {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Self::Pass,
            Status::Skip => Self::Skip,
            Status::Warn => Self::Warn,
            Status::Fail => Self::Fail,
        }
    }
}

impl From<&Hint> for Step {
    fn from(hint: &Hint) -> Self {
        let command = hint.command.as_ref().map(checks::text::Command::plain);
        let paste = hint.paste.as_ref().map(checks::text::Text::plain);
        Self { text: hint.text.plain(), command, paste }
    }
}

impl From<&Diagnosis> for DiagnosisJson {
    fn from(d: &Diagnosis) -> Self {
        Self {
            id: d.id.to_string(),
            title: d.title().into(),
            jump_host: d.at.as_ref().map(checks::text::Text::plain),
            between: d
                .between
                .as_ref()
                .map(|b| BetweenJson { from: b.from.plain(), to: b.to.plain() }),
            ssh_says: d.ssh_says.iter().map(checks::text::Text::plain).collect(),
            because: d.because.iter().map(checks::text::Text::plain).collect(),
            next_steps: d.next_steps.iter().map(Step::from).collect(),
            also_possible: d.also_possible.iter().map(ToString::to_string).collect(),
            docs: docs(d.id),
        }
    }
}

impl From<&Report> for ReportJson {
    fn from(report: &Report) -> Self {
        let case = &report.case;
        let effective = case.effective();
        let target = TargetJson {
            input: checks::text::foreign(&case.plan.input).plain(),
            host: effective.map_or(&case.plan.host, |e| &e.host).clone(),
            port: case.port().or(case.plan.port),
            user: effective.map(|e| &e.user).or(case.plan.user.as_ref()).cloned(),
            profile: case.profile().name.clone(),
            access: if case.plan.access.sftp().is_some() { "sftp" } else { "ssh" }.into(),
        };
        let checks = report.checks.iter().map(|c| CheckJson {
            id: c.about.id.into(),
            title: c.about.title.into(),
            status: c.finding.status.into(),
            summary: c.finding.summary.plain(),
            details: c.finding.details.iter().map(checks::text::Text::plain).collect(),
            hints: c.finding.hints.iter().map(Step::from).collect(),
            evidence: c.finding.evidence.clone(),
            started_ms: c.started_ms,
            duration_ms: c.duration_ms,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            started_at: format!("{:.3}", case.started_at),
            duration_ms: report.duration_ms,
            target,
            role: case.role().map(RoleJson::from),
            log: case.log().map(|log| LogJson {
                lines: log.lines,
                attempts: log.attempts,
                failed_before: log.failed_before,
                failed_elsewhere: log.failed_elsewhere,
            }),
            verdict: report.verdict.into(),
            complete: report.is_complete(),
            diagnosis: report.diagnosis.as_ref().map(DiagnosisJson::from),
            checks: checks.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_obeyed_and_nothing_is_lost() {
        let hostile = "\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{e0041}\nüé";
        let written = super::pretty(&[hostile]).unwrap();
        assert!(!written.replace('\n', "").contains(checks::text::is_obeyed), "{written:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&written).unwrap(), [hostile]);
    }
}
