//! Facts of names and of the way.

use std::net::IpAddr;

use checks::{
    text,
    text::{Text, address, foreign, host, path},
};
use serde_json::Value;

use crate::compare::{
    read::Reported,
    value::{Item, Known, an_address, field, list, word, words},
};

pub(super) fn name_servers(report: &Reported) -> Known {
    words(list(report.fact("dns", "name_servers")?.get("configured")), an_address)
}

pub(super) fn hosts_file(report: &Reported) -> Known {
    let lines = list(report.fact("dns", "resolution")?.get("hosts_lines"));
    words(lines, |line| {
        Some(text![path(field(line, "/path")?), " says ", address(field(line, "/address")?)])
    })
}

/// A line for each name server: its answer, without the time that it took or may be kept.
pub(super) fn dns_answers(report: &Reported) -> Known {
    let servers = list(report.fact("dns", "name_servers")?.get("servers"))?;
    let line = |server: &Value| {
        let of = |family: &str| -> Option<Text> {
            let answer = server.get(family)?;
            let code = word(answer.get("code")?)?;
            let mut addresses: Vec<&str> =
                list(answer.get("addresses"))?.iter().filter_map(Value::as_str).collect();
            addresses.sort_unstable();
            Some(match addresses.as_slice() {
                [] if code == "no-error" => "none".into(),
                [] => foreign(code).into(),
                [first, rest @ ..] => rest
                    .iter()
                    .fold(text![address(first)], |line, next| line.with(" ").with(address(next))),
            })
        };
        let name = field(server, "/server")?;
        let line = text![address(name), " says IPv4 "].then(of("a")?);
        Some(Item::about(name, line.with(", IPv6 ").then(of("aaaa")?)))
    };
    servers.iter().map(line).collect()
}

pub(super) fn addresses(report: &Reported) -> Known {
    let outcome = report.fact("dns", "resolution")?.get("outcome")?;
    if let Some(error) = outcome.get("Err") {
        return Some(vec![text!["none: ", foreign(field(error, "/message")?)].into()]);
    }
    words(list(outcome.get("Ok")), an_address)
}

/// The address here, and the interface that has it.
pub(super) fn source_address(report: &Reported) -> Known {
    let ways = list(report.fact("egress", "source")?.get("ways"))?;
    let from = |way: &Value| {
        let from = text![address(field(way, "/from/Ok")?)];
        Some(Item::from(match field(way, "/interface") {
            Some(interface) => from.with(" (").with(foreign(interface)).with(")"),
            None => from,
        }))
    };
    // An address to which there is no way tells nothing about where this computer is.
    let known: Vec<_> = ways.iter().filter_map(from).collect();
    Some(known).filter(|known| !known.is_empty())
}

pub(super) fn public_address(report: &Reported) -> Known {
    let asked = list(report.fact("egress", "egress")?.get("asked"))?;
    let seen = |asked: &Value| Some(text![address(field(asked, "/sees/Ok")?)].into());
    let seen: Vec<Item> = asked.iter().filter_map(seen).collect();
    Some(seen).filter(|seen| !seen.is_empty())
}

pub(super) fn jump_hosts(report: &Reported) -> Known {
    words(list(report.fact("tcp", "hops")), |hop| {
        let name = match (field(hop, "/user"), field(hop, "/host")?) {
            (Some(user), name) => text![text::user(user), "@", host(name)],
            (None, name) => text![host(name)],
        };
        let cause = field(hop, "/diagnosis").or_else(|| field(hop, "/verdict"))?;
        Some(name.with(": ").with(foreign(cause)))
    })
}

/// Which address is tried first is a matter of chance, so a connection is a connection.
pub(super) fn connection(report: &Reported) -> Known {
    let attempts = list(report.fact("tcp", "attempts"))?;
    if attempts.iter().any(|a| a.get("outcome").and_then(word) == Some("connected")) {
        return Some(vec![Text::from("connected").into()]);
    }
    words(Some(attempts), |attempt| {
        let outcome = attempt.get("outcome")?;
        let how = field(outcome, "/failed/kind").or_else(|| word(outcome))?;
        let to: std::net::SocketAddr = field(attempt, "/to")?.parse().ok()?;
        let to: IpAddr = to.ip();
        Some(text![address(to), ": ", foreign(how)])
    })
}
