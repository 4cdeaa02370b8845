//! TCP port.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Needed, Seen, Unseen,
        configuration::Effective,
        connection::{Attempt, Attempts, OsErrorKind, Outcome},
        traceroute::Traceroute,
    },
    finding::Finding,
    hops,
    hops::Place,
    proxied, text,
    text::{Text, address, foreign, host, number},
};

/// TCP port.
pub struct Tcp;

/// What is judged.
pub struct Facts<'e> {
    /// What `ssh` would do.
    pub effective: Result<&'e Effective, Unseen>,
    /// Connections that were tried.
    pub attempts: &'e Seen<Attempts>,
    /// Where on the way they end, where all of them did.
    pub route: Option<&'e Seen<Traceroute>>,
    /// What stands for them, where the way is not direct.
    pub proxied: Option<proxied::Facts<'e>>,
}

impl Check for Tcp {
    const ABOUT: About = About { id: "tcp", title: "TCP port" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let attempts = evidence.attempts().await;
        let failed = attempts.as_ref().is_ok_and(|attempts| attempts.unanswered().is_some());
        let route = if failed {
            // Where none connects, the address is in doubt as well.
            let (route, _) = futures_util::join!(evidence.traceroute(), evidence.made_up_names());
            Some(route)
        } else {
            None
        };
        let effective = evidence.effective().await;
        let proxied = match (attempts, &effective) {
            (Err(Unseen::Needs(Needed::DirectWay)), Ok(effective)) => {
                Some(proxied::observe(evidence, effective).await)
            }
            _ => None,
        };
        Facts { attempts, effective, route, proxied }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let effective = match facts.effective {
            Ok(effective) => effective,
            Err(why) => return Finding::unseen(&why),
        };
        let attempts = match facts.attempts {
            Ok(attempts) => attempts,
            Err(why) => {
                let proxied = facts.proxied.as_ref().map(|facts| proxied::judge(effective, facts));
                return proxied.unwrap_or_else(|| Finding::unseen(why));
            }
        };
        let finding = judge(plan, effective, attempts)
            .fact("attempts", &attempts.tried)
            .fact("untried", &attempts.untried);
        match facts.route {
            Some(Ok(route)) => {
                let ending = hops::ending(attempts, Some(route));
                finding
                    .detail_all(way(route, ending.as_ref()))
                    .fact("again", &route.again)
                    .fact("way", &route.probes)
                    .fact("control_ports", &route.controls)
                    .fact("syns_sent", route.sent)
                    .fact("ends", ending)
            }
            Some(Err(why)) => finding.detail(why.words()),
            None => finding,
        }
    }
}

/// The hops, a line each, and where it ends.
fn way(route: &Traceroute, ending: Option<&Place>) -> Vec<Text> {
    let hop = |(ttl, from)| text!["Hop ", number(ttl), ": ", address(from)];
    let mut lines: Vec<_> = hops::routers(route).map(hop).collect();
    lines.extend(ending.map(hops::words));
    lines
}

fn judge(plan: &Plan, effective: &Effective, attempts: &Attempts) -> Finding {
    let port = number(effective.port);
    let outcomes = attempts.tried.iter().map(outcome);
    let Some(connected) = attempts.connected() else {
        return Finding::fail(text![
            "No connection to ",
            host(&effective.host),
            " on port ",
            port,
            "."
        ])
        .detail_all(outcomes)
        .detail_all(untried(attempts));
    };
    let to = address(connected.to);
    let measured = connected.took_ms >= 0.0;
    let took = number(milliseconds(connected.took_ms));
    let earlier: Vec<&Attempt> =
        attempts.tried.iter().filter(|a| a.outcome != Outcome::Connected).collect();
    if earlier.is_empty() {
        let connected = text!["Connected to ", to];
        return Finding::pass(if measured {
            connected.then(text![" in ", took, "."])
        } else {
            connected.with(".")
        });
    }
    let families =
        match (earlier.iter().any(|a| a.to.is_ipv6()), earlier.iter().any(|a| a.to.is_ipv4())) {
            (true, false) if connected.to.is_ipv4() => "IPv6 does not work, IPv4 does",
            (false, true) if connected.to.is_ipv6() => "IPv4 does not work, IPv6 does",
            _ => "An earlier address does not work",
        };
    let mut finding = Finding::warn(text![
        families,
        ": connected to ",
        to,
        " in ",
        took,
        ", after other addresses had failed."
    ])
    .detail_all(outcomes);
    finding = match delay(effective, &earlier) {
        Delay::Ours(ms) => finding.detail(text![
            "ssh tries the addresses in this order, so it loses about ",
            number(milliseconds(ms)),
            " each time."
        ]),
        Delay::Timeout(seconds) => finding.detail(text![
            "ssh tries the addresses in this order and waits ",
            number(seconds),
            " seconds for each silent one (ConnectTimeout)."
        ]),
        Delay::System => finding.detail(
            "ssh tries the addresses in this order. Without ConnectTimeout it waits for each \
             silent one until the system gives up, which often takes more than a minute.",
        ),
    };
    if connected.to.is_ipv4() && earlier.iter().all(|a| a.to.is_ipv6()) {
        finding = finding.hint(crate::finding::Hint::run(
            "Use IPv4 alone until IPv6 is repaired.",
            plan.ssh().flag("-4").command(),
        ));
    }
    finding
}

/// How long `ssh` will hang at addresses that fail.
enum Delay {
    /// About as long as it took here, in milliseconds.
    Ours(f64),
    /// ConnectTimeout for each, in seconds.
    Timeout(u64),
    /// As long as the system tries.
    System,
}

fn delay(effective: &Effective, earlier: &[&Attempt]) -> Delay {
    let silent = earlier.iter().any(|a| matches!(a.outcome, Outcome::TimedOut { .. }));
    match (silent, effective.connect_timeout_s) {
        (false, _) => Delay::Ours(earlier.iter().map(|a| a.took_ms).sum()),
        (true, Some(seconds)) => Delay::Timeout(seconds),
        (true, None) => Delay::System,
    }
}

/// One attempt in a sentence.
pub(crate) fn outcome(attempt: &Attempt) -> Text {
    let to = text![address(attempt.to), ": "];
    match &attempt.outcome {
        Outcome::Connected => to.then(text!["connected"]).then(after(attempt)).with("."),
        Outcome::TimedOut { after_ms } => {
            to.then(text!["no answer within ", number(seconds(*after_ms)), " s."])
        }
        Outcome::Failed(error) => {
            let code = match (error.kind, error.kind.name(), error.errno) {
                // What looks for the local address has codes of its own, or none.
                (_, _, None) if error.is_of_local_end() => String::new(),
                // Two codes share this kind; the number tells them apart (1 is EPERM everywhere).
                (OsErrorKind::PermissionDenied, _, Some(1)) => " (EPERM)".to_owned(),
                (OsErrorKind::PermissionDenied, _, Some(13)) => " (EACCES)".to_owned(),
                (_, Some(name), _) => format!(" ({name})"),
                (_, None, Some(errno)) => format!(" (error {errno})"),
                (_, None, None) => String::new(),
            };
            let while_doing = match error.operation.as_str() {
                _ if error.is_of_local_end() => "the local address could not be used: ",
                "socket" => "no socket: ",
                _ => "",
            };
            to.then(text![while_doing, foreign(&error.message), code])
                .then(after(attempt))
                .with(".")
        }
    }
}

/// How long it took, where somebody measured it.
fn after(attempt: &Attempt) -> Text {
    if attempt.took_ms < 0.0 {
        return Text::default();
    }
    text![" after ", number(milliseconds(attempt.took_ms))]
}

/// Says which addresses were left out.
pub(crate) fn untried(attempts: &Attempts) -> Option<Text> {
    (!attempts.untried.is_empty()).then(|| {
        let mut line = text!["Not tried, for lack of time:"];
        for left in &attempts.untried {
            line = line.with(" ").with(address(left));
        }
        line.with(".")
    })
}

/// `0.08 ms`, `12 ms`.
fn milliseconds(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

/// `10`, `1.5`: seconds of a limit.
fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        (ms / 1000).to_string()
    } else {
        format!("{:.1}", ms as f64 / 1000.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        evidence::{connection::OsError, made},
        finding::Status,
    };

    /// An attempt that ended with this kind of error at `connect`.
    pub(crate) fn failed(to: &str, kind: OsErrorKind, words: &str) -> Attempt {
        let error =
            OsError { operation: "connect".into(), errno: None, kind, message: words.into() };
        attempt(to, Outcome::Failed(error))
    }
    /// An attempt.
    pub(crate) fn attempt(to: &str, outcome: Outcome) -> Attempt {
        Attempt { to: to.parse().unwrap(), from: None, outcome, message: None, took_ms: 1.5 }
    }
    const SILENCE: Outcome = Outcome::TimedOut { after_ms: 10_000 };

    #[test]
    fn the_finding_follows_from_the_outcomes() {
        let refused = failed("192.0.2.1:22", OsErrorKind::ConnectionRefused, "Connection refused");
        let good = attempt("192.0.2.2:22", Outcome::Connected);
        let silent6 = attempt("[2001:db8::1]:22", SILENCE);
        for (tried, timeout, status, words) in [
            (vec![good.clone()], None, Status::Pass, "Connected to 192.0.2.2:22 in 1.50 ms."),
            (vec![refused.clone()], None, Status::Fail, "Connection refused (ECONNREFUSED)"),
            (vec![refused.clone(), good.clone()], None, Status::Warn, "loses about 1.50 ms"),
            (
                vec![silent6.clone(), good.clone()],
                None,
                Status::Warn,
                "IPv6 does not work, IPv4 does",
            ),
            (vec![silent6.clone(), good.clone()], None, Status::Warn, "more than a minute"),
            (vec![silent6.clone(), good], Some(7), Status::Warn, "waits 7 seconds"),
            (vec![silent6, refused], None, Status::Fail, "no answer within 10 s"),
        ] {
            let effective = Effective { connect_timeout_s: timeout, ..made::effective(22) };
            let attempts = Attempts { tried, untried: Vec::new() };
            let facts = Facts {
                effective: Ok(&effective),
                attempts: &Ok(attempts),
                route: None,
                proxied: None,
            };
            let finding = Tcp::judge(&made::plan(), facts);
            let all: String = std::iter::once(&finding.summary)
                .chain(&finding.details)
                .map(|line| line.plain() + "\n")
                .collect();
            assert_eq!(finding.status, status, "{all}");
            assert!(all.contains(words), "{words} not in {all}");
        }
    }
}
