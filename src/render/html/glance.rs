//! What was examined, for whoever is asked for help.

use checks::{evidence::configuration::Source, report::Report, text::printable};
use maud::{Markup, html};

use super::Place;
use crate::redact::shown;

/// The target in a few facts.
pub fn section(report: &Report, place: Place) -> Markup {
    html! {
        section aria-labelledby=[place.landmark("glance")] {
            (place.section("glance", "The target"))
            dl.glance {
                @for (name, fact) in facts(report) { dt { (name) } dd { (fact) } }
            }
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let case = &report.case;
    let effective = case.effective();
    let host = effective.map_or(&case.plan.host, |e| &e.host);
    let user = effective.map(|e| &e.user).or(case.plan.user.as_ref());
    let port = case.port().or(case.plan.port);
    let address = case.attempts().and_then(|seen| seen.connected()).map(|seen| seen.to.ip());
    let software = case.handshake().and_then(|seen| seen.identification.as_ref());
    let client = case.configuration().map(|seen| match &seen.source {
        Source::Ssh { version } | Source::Log { version, .. } => version.printable(),
        Source::Files => "none".to_owned(),
    });
    let all = [
        ("Host", Some(printable(host))),
        ("User", user.map(|user| printable(user))),
        ("Port", port.map(|port| port.to_string())),
        ("Address", address.map(shown)),
        ("Server", software.map(|software| software.software.printable())),
        ("Profile", Some(printable(&case.profile().name))),
        ("ssh on this computer", client),
        ("Examined", Some(format!("{:.0}", case.started_at))),
    ];
    all.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}
