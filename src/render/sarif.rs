//! The report as SARIF 2.1.0 (OASIS), the exchange form of analysers.
//!
//! The rules are the catalogue; a target that is not ready is one result. A target that is ready is
//! no result: a `pass` of SARIF is about one rule, and ready is about none. So an alert that was
//! raised before is closed. `properties.targets` has the verdict of every target.

use checks::{
    diagnosis::{Diagnosis, Group, Id, in_order},
    report::{Report, Verdict},
    together::Pair,
};
use serde::Serialize;
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::{
    json,
    look::Look,
    page,
    pair::{name_of, subject_of},
    story,
    words::Words,
};
use crate::catalogue;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: AutomationDetails,
    invocations: [Invocation; 1],
    results: Vec<Outcome>,
    properties: Value,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
    help_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Help>,
    properties: Value,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: &'static str,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time_utc: Option<String>,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    descriptor: Value,
}

/// A result, as SARIF calls it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: String,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: Vec<Value>,
    partial_fingerprints: Value,
    properties: Value,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

/// All reports as one run.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let ids: Vec<Id> = Group::iter().flat_map(in_order).collect();
    let found = |id: Id| reports.iter().any(|r| r.diagnosis.as_ref().is_some_and(|d| d.id == id));
    let rules = ids.iter().map(|id| rule(*id, found(*id))).collect();
    // Of a pair, one report decides.
    let pair = Pair::of(reports);
    let decisive = || reports.iter().filter(|r| pair.is_none_or(|pair| pair.decides(r)));
    let whole = |report: &Report| subject_of(pair, report);
    let results = decisive().filter_map(|report| result(report, &whole(report), &ids)).collect();
    let open = decisive().filter(|report| report.verdict == Verdict::Inconclusive);
    let began = reports.iter().map(|report| report.case.started_at).min();
    let targets = reports.iter().map(|report| {
        let mut target = json!({
            "target": name_of(pair, report),
            "verdict": json::VerdictJson::from(report.verdict),
            "complete": report.is_complete(),
        });
        // A target that is ready is no result, which could say it.
        let told = report.case.log().and_then(checks::explain::Log::told_of_attempts);
        if let (Some(told), Some(fields)) = (told, target.as_object_mut()) {
            fields.insert("note".into(), told.plain().into());
        }
        target
    });
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "ssh-preflight",
                semantic_version: env!("CARGO_PKG_VERSION"),
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules,
            },
        },
        automation_details: AutomationDetails { id: "ssh-preflight/" },
        invocations: [Invocation {
            execution_successful: true,
            start_time_utc: began.map(|began| format!("{began:.3}")),
            tool_execution_notifications: open
                .filter_map(|report| notification(report, &whole(report)))
                .collect(),
        }],
        results,
        properties: json!({ "targets": targets.collect::<Vec<_>>() }),
    };
    json::pretty(&Log { schema: SCHEMA, version: "2.1.0", runs: [run] }).unwrap_or_default()
}

/// A rule; with its page only where it was found, since all pages would be much to carry about.
fn rule(id: Id, is_found: bool) -> Rule {
    let markdown = catalogue::source(id).filter(|_| is_found);
    let text = |source: &str| literal(&page::render(source, &Look::file(false)));
    Rule {
        id: id.to_string(),
        short_description: Message { text: literal(id.title()) },
        help_uri: json::docs(id),
        help: markdown.map(|markdown| Help { text: text(markdown), markdown }),
        properties: json!({ "tags": ["ssh", id.group().title()] }),
    }
}

fn result(report: &Report, target: &str, ids: &[Id]) -> Option<Outcome> {
    let diagnosis = report.diagnosis.as_ref()?;
    // Section 3.27.10: what is no failure has no level.
    let (kind, level) = match report.verdict {
        Verdict::NotReady => ("fail", "error"),
        Verdict::Inconclusive | Verdict::Ready => ("open", "none"),
    };
    Some(Outcome {
        rule_id: diagnosis.id.to_string(),
        rule_index: ids.iter().position(|id| *id == diagnosis.id)?,
        kind,
        level,
        message: Message { text: literal(&story::of(report)) },
        locations: vec![json!({
            "logicalLocations": [{ "fullyQualifiedName": target, "kind": "resource" }]
        })],
        partial_fingerprints: json!({ "causeAtTarget/v1": fingerprint(report, diagnosis) }),
        properties: json!({ "target": target, "durationMs": report.duration_ms }),
    })
}

/// The same cause at the same target is the same problem tomorrow: no time, no port of ours, no
/// words that may be said better.
fn fingerprint(report: &Report, diagnosis: &Diagnosis) -> String {
    let case = &report.case;
    let effective = case.effective();
    let host = effective.map_or(&case.plan.host, |e| &e.host);
    // Of a log that names no port nothing is told of it; else the usual one is meant.
    let usual = || case.log().is_none().then_some(22);
    let port = case.port().or(case.plan.port).or_else(usual);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let user = effective.map(|e| &e.user).or(case.plan.user.as_ref());
    let at = diagnosis.at.as_ref().map(|hop| format!(" at {}", hop.plain()));
    let to = diagnosis.between.as_ref().map(|way| format!(" to {}", way.to.plain()));
    let at = at.or(to);
    let user = user.map(|user| format!("{user}@"));
    let (user, at) = (user.unwrap_or_default(), at.unwrap_or_default());
    format!("{} {user}{host}{port}{at}", diagnosis.id)
}

fn notification(report: &Report, target: &str) -> Option<Notification> {
    let diagnosis = report.diagnosis.as_ref()?;
    let (headline, _) = Words::of(report).headline(report);
    let text = literal(&format!("{target}: {headline}"));
    Some(Notification {
        level: "warning",
        message: Message { text },
        descriptor: json!({ "id": diagnosis.id.to_string() }),
    })
}

/// A message is a small language: braces are places to fill in (section 3.11.5), and `[words](place)`
/// is a link (section 3.11.6). Ours has neither.
fn literal(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text }
}
