//! The TCP check of a way that is not direct: what stands for the connection is what the jump host
//! or proxy command relays.

use crate::{
    case::Case,
    evidence::{
        Evidence, Needed, Seen, Unseen,
        configuration::Effective,
        handshake::Handshake,
        hop::Hop,
        proxy::{Proxy, ProxyEnd},
    },
    finding::{Finding, Status},
    report::Report,
    text,
    text::{Text, foreign, host},
};

/// What is judged.
pub struct Facts<'e> {
    hop: Option<&'e Seen<Hop>>,
    /// Each jump host, the first one first, judged by all checks.
    reports: Vec<Report>,
    proxy: &'e Seen<Proxy>,
    end: &'e Seen<ProxyEnd>,
    handshake: &'e Seen<Handshake>,
}

/// Asks for the evidence.
pub async fn observe<'e>(evidence: &'e Evidence, effective: &Effective) -> Facts<'e> {
    let hop = if effective.proxy_jump.is_some() { Some(evidence.hop().await) } else { None };
    let (end, proxy) = (evidence.proxy_end().await, evidence.proxy().await);
    let handshake = evidence.handshake().await;
    let mut reports = Vec::new();
    let mut next = hop.and_then(|hop| hop.as_ref().ok());
    while let Some(Hop { case }) = next {
        reports.push(report(case).await);
        next = case.hop();
    }
    reports.reverse();
    Facts { hop, reports, proxy, end, handshake }
}

/// The findings about a jump host are not kept with its case; they follow from it again.
async fn report(hop: &Case) -> Report {
    let recorded = Evidence::recorded(hop.clone());
    // A jump host can have a jump host, so the type of this future must be named.
    let report: futures_util::future::BoxFuture<'_, Report> =
        Box::pin(crate::examine(&recorded, |_| true, |_, _| {}));
    report.await
}

/// The finding.
#[must_use]
pub fn judge(effective: &Effective, facts: &Facts<'_>) -> Finding {
    let finding = finding(effective, facts);
    let hops: Vec<_> = facts.reports.iter().map(fact).collect();
    finding
        .detail_all(facts.reports.iter().flat_map(lines))
        .fact("hops", hops)
        .fact("proxy", facts.proxy.as_ref().ok())
        .fact("proxy_end", facts.end.as_ref().ok())
}

fn finding(effective: &Effective, facts: &Facts<'_>) -> Finding {
    if let Some(Err(why)) = facts.hop {
        return Finding::unseen(why);
    }
    let failed = |r: &&Report| r.diagnosis.as_ref().is_some_and(|d| !d.id.is_inconclusive());
    if let Some((report, found)) =
        facts.reports.iter().find(failed).and_then(|r| Some((r, r.diagnosis.as_ref()?)))
    {
        let name = host(&report.case.plan.host);
        return Finding::fail(text!["Jump host ", name, ": ", found.title(), "."]);
    }
    let way = match facts.reports.last() {
        Some(next) => text!["the jump host ", host(&next.case.plan.host)],
        None => {
            let command = effective.proxy_command.as_deref().unwrap_or_default();
            text!["the proxy command (", foreign(crate::relay::program(command)), ")"]
        }
    };
    match (facts.proxy, facts.handshake) {
        (Err(Unseen::Needs(Needed::Consent)), _) if facts.hop.is_some() => Finding::skip(
            text!["Nothing was looked at behind "]
                .then(way)
                .with(", since that needs a login there (--through)."),
        ),
        (Err(why), _) => Finding::unseen(why),
        (Ok(Proxy { trouble: Some(_), .. }), _) => {
            Finding::fail(text!["Could not be started: "].then(way).with("."))
        }
        (Ok(_), Ok(handshake)) if handshake.received > 0 => {
            Finding::pass(text!["Connected through "].then(way).with("."))
        }
        // The server behind it is silent, which is another matter.
        (Ok(_), Ok(_)) if facts.end.as_ref().is_ok_and(ProxyEnd::connected) => {
            Finding::pass(text!["Connected through "].then(way).with("."))
        }
        (Ok(_), Ok(_)) => Finding::fail(text!["No connection through "].then(way).with("."))
            .detail_all(said(facts.end)),
        (Ok(_), Err(why)) => Finding::unseen(why),
    }
}

/// What the command wrote, a line each.
fn said(end: &Seen<ProxyEnd>) -> Vec<Text> {
    let words = end.as_ref().ok().into_iter().flat_map(ProxyEnd::words);
    words.map(|line| text!["It says: ", line]).collect()
}

/// A line for each check of a jump host.
fn lines(report: &Report) -> Vec<Text> {
    let name = &report.case.plan.host;
    let line = |checked: &crate::report::Checked| {
        let mark = match checked.finding.status {
            Status::Fail => "fails: ",
            Status::Warn => "warning: ",
            Status::Pass | Status::Skip => "",
        };
        text!["Jump host ", host(name), ", ", checked.about.title, ": ", mark]
            .then(checked.finding.summary.clone())
    };
    report.checks.iter().map(line).collect()
}

/// A jump host for machines.
fn fact(report: &Report) -> serde_json::Value {
    let case = &report.case;
    let effective = case.effective();
    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|c| {
            serde_json::json!({
                "id": c.about.id,
                "status": c.finding.status,
                "summary": c.finding.summary.plain(),
                "evidence": c.finding.evidence,
            })
        })
        .collect();
    serde_json::json!({
        "input": case.plan.input,
        "host": effective.map_or(&case.plan.host, |e| &e.host),
        "port": effective.map(|e| e.port),
        "user": effective.map(|e| &e.user),
        "verdict": report.verdict,
        "diagnosis": report.diagnosis.as_ref().map(|d| d.id),
        "checks": checks,
    })
}
