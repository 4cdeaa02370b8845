//! The evidence: a case and the facts of findings, as the data that they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use checks::{
    case::{Case, Plan},
    evidence::Unseen,
    explain::NO_HOST,
    profile::Profile,
    report::Report,
};
use ipnet::IpNet;
use serde_json::{Map, Value};

use super::{
    kinds::{self, Kind},
    logs,
    names::{Names, Thing},
    profiles,
};

/// Learns what is private in a case, and gives it back as data.
pub(super) fn learn(report: &Report, names: &mut Names) -> Value {
    let case = &report.case;
    if let Some(home) = case.machine().and_then(|machine| machine.home.as_deref()) {
        names.learn_home(home);
    }
    let mut case = case.clone();
    strip(&mut case.plan, names);
    if let Some(Ok(hop)) = case.second_hop.as_mut().map(|hop| &mut hop.seen) {
        strip(&mut hop.case.plan, names);
    }
    logs::learn(&case, names);
    let data = serde_json::to_value(&case).unwrap_or_default();
    learn_value(&data, Kind::Text, names);
    for checked in &report.checks {
        for (field, value) in &checked.finding.evidence {
            learn_value(value, kinds::of(field, Kind::Text), names);
        }
    }
    data
}

/// Learns the profiles of a plan, and takes them out of it: they come back rewritten.
fn strip(plan: &mut Plan, names: &mut Names) {
    let own = plan.own_profiles.drain(..).chain(plan.profile.take());
    own.for_each(|profile| profiles::learn(&profile, names));
    if let Some(service) = plan.pair.as_mut().and_then(|part| part.service.as_mut()) {
        profiles::learn(service, names);
        **service = Profile { name: std::mem::take(&mut service.name), ..Profile::default() };
    }
}

fn learn_value(value: &Value, kind: Kind, names: &mut Names) {
    match value {
        Value::Object(fields) => {
            let text = |field: &str| fields.get(field).and_then(Value::as_str);
            if let (Some(sha256), Some(md5)) = (text("sha256"), text("md5")) {
                let blob = text("line").and_then(|line| line.split(' ').nth(1));
                names.learn_key(&[&[sha256, md5], blob.as_slice()].concat());
            }
            for (field, value) in fields {
                learn_value(value, kinds::of(field, kind), names);
            }
        }
        Value::Array(items) if kind == Kind::Options => {
            let words: Vec<_> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            for word in names.options(&words).iter().zip(&words).filter(|(new, old)| new != old) {
                let value =
                    word.1.split_once(['=', ' ']).map_or(word.1.as_str(), |(_, value)| value);
                names.learn_command(value);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| learn_value(item, kind, names)),
        Value::String(text) => learn_string(text, kind, names),
        _ => {}
    }
}

fn learn_string(text: &str, kind: Kind, names: &mut Names) {
    match kind {
        Kind::Host => names.learn_host(text),
        Kind::User => names.learn_user(text),
        Kind::Path => names.learn_path(text),
        Kind::Address if names.address(text).is_none() && text.contains('/') => {
            names.learn_path(text)
        }
        Kind::Comment => names.learn_word(Thing::Comment, text),
        Kind::Command => names.learn_command(text),
        Kind::Interface if names.interface(text) != text => {
            names.learn_word(Thing::Interface, text);
        }
        _ => {}
    }
}

/// A case without what is private. It is judged no more; renderers read from it.
pub(super) fn rewritten(report: &Report, data: Value, names: &mut Names) -> Case {
    let profile = profiles::rewritten(report.case.profile(), names);
    let data = value(data, Kind::Text, names, true);
    let mut case = restored(data).unwrap_or_else(|| {
        // Better a report that shows less than one that shows what is private.
        Case::unobserved(nothing(&report.case.plan), report.case.started_at)
    });
    case.plan.profile = Some(profile);
    let own = report.case.plan.pair.as_ref().and_then(|part| part.service.as_ref());
    let shown = case.plan.pair.as_mut().and_then(|part| part.service.as_mut());
    if let (Some(shown), Some(own)) = (shown, own) {
        **shown = profiles::rewritten(own, names);
    }
    case
}

/// The case of some data; what cannot be read back is left out, and the rest is kept.
fn restored(data: Value) -> Option<Case> {
    if let Ok(case) = serde_json::from_value(data.clone()) {
        return Some(case);
    }
    let Value::Object(fields) = data else { return None };
    let needed = |field: &str| field == "plan" || field == "started_at";
    let mut kept = fields.clone();
    for (field, value) in kept.iter_mut().filter(|(field, _)| !needed(field)) {
        let alone = |(name, of): (&String, &Value)| {
            let here = needed(name) || name == field;
            (name.clone(), if here { of.clone() } else { Value::Null })
        };
        let alone: Map<String, Value> = fields.iter().map(alone).collect();
        if serde_json::from_value::<Case>(Value::Object(alone)).is_err() {
            *value = Value::Null;
        }
    }
    serde_json::from_value(Value::Object(kept)).ok()
}

fn nothing(plan: &Plan) -> Plan {
    Plan {
        input: NO_HOST.into(),
        host: NO_HOST.into(),
        user: None,
        ssh_options: Vec::new(),
        profile: None,
        profile_file: None,
        own_profiles: Vec::new(),
        name_servers: Vec::new(),
        hop_of: Vec::new(),
        allowed: Vec::new(),
        pair: None,
        ..plan.clone()
    }
}

/// The facts of a finding.
pub(super) fn facts(facts: &Map<String, Value>, names: &mut Names) -> Map<String, Value> {
    let fact = |(field, fact): (&String, &Value)| {
        (field.clone(), value(fact.clone(), kinds::of(field, Kind::Text), names, false))
    };
    facts.iter().map(fact).collect()
}

/// Why something was not seen.
pub(super) fn reason(why: &Unseen, names: &mut Names) -> Option<Unseen> {
    let data = serde_json::to_value(why).ok()?;
    serde_json::from_value(value(data, Kind::Text, names, false)).ok()
}

/// With `typed`, addresses stay addresses, since the type of a case has no place for a name.
fn value(data: Value, kind: Kind, names: &mut Names, typed: bool) -> Value {
    match data {
        Value::Object(fields) => {
            let field = |(field, of): (String, Value)| {
                let of = value(of, kinds::of(&field, kind), names, typed);
                (field, of)
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        Value::Array(items) if kind == Kind::Options => {
            let words: Vec<_> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            names.options(&words).into()
        }
        Value::Array(items) => {
            items.into_iter().map(|item| value(item, kind, names, typed)).collect()
        }
        Value::String(text) => Value::String(string(&text, kind, names, typed)),
        other => other,
    }
}

fn string(text: &str, kind: Kind, names: &mut Names, typed: bool) -> String {
    match kind {
        Kind::Word => text.to_owned(),
        Kind::Host => names.host(text),
        Kind::User => names.user(text),
        Kind::Path => names.path(text),
        Kind::Comment if text.trim().is_empty() => text.to_owned(),
        Kind::Comment => names.name(Thing::Comment, text),
        Kind::Interface => names.interface(text),
        Kind::Profile => profiles::name(text, names),
        Kind::Command => names.command(text),
        Kind::Key => names.key_in_evidence(text),
        Kind::Address if typed => {
            encoded(text, names).unwrap_or_else(|| names.address_or_text(text))
        }
        Kind::Address => names.address_or_text(text),
        Kind::Options | Kind::Text => names.scrub(text),
    }
}

impl Names {
    fn key_in_evidence(&mut self, text: &str) -> String {
        if self.what == crate::cli::Redact::All && !text.is_empty() {
            return self.key_name(text);
        }
        text.to_owned()
    }
}

/// An address for people: where it only stands in for a name, that name.
#[must_use]
pub fn shown(ip: IpAddr) -> String {
    let (kind, number) = match ip {
        IpAddr::V4(v4) => match v4.octets() {
            [0, kind @ (0 | 1), high, low] => (kind, u16::from_be_bytes([high, low])),
            _ => return ip.to_string(),
        },
        IpAddr::V6(v6) => match v6.segments() {
            [0x100, 0, 0, 0, 0, 0, kind @ (0 | 1), number] => (u8::from(kind == 1), number),
            _ => return ip.to_string(),
        },
    };
    match (kind, number) {
        (_, 0) => ip.to_string(),
        (0, n) => format!("PRIVATE_IP_{n}"),
        (_, n) => format!("IP_{n}"),
    }
}

/// The same, with a port.
#[must_use]
pub fn shown_with_port(socket: SocketAddr) -> String {
    let name = shown(socket.ip());
    if name == socket.ip().to_string() {
        return socket.to_string();
    }
    format!("{name}:{}", socket.port())
}

/// An address that stands for `PRIVATE_IP_n` or `IP_n` where only an address can: from blocks that
/// no host has (RFC 1122, section 3.2.1.3; RFC 6666).
fn encoded(text: &str, names: &mut Names) -> Option<String> {
    let mut stand_in = |ip: IpAddr| -> Option<IpAddr> {
        let name = names.ip(ip)?;
        let (kind, number) = name.rsplit_once('_')?;
        let number: u16 = number.parse().ok()?;
        let [high, low] = number.to_be_bytes();
        let kind = u8::from(kind != "PRIVATE_IP");
        Some(match ip {
            IpAddr::V4(_) => Ipv4Addr::new(0, kind, high, low).into(),
            IpAddr::V6(_) => Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, kind.into(), number).into(),
        })
    };
    if let Ok(ip) = text.parse() {
        return stand_in(ip).map(|ip| ip.to_string());
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return stand_in(socket.ip()).map(|ip| SocketAddr::new(ip, socket.port()).to_string());
    }
    let range: IpNet = text.parse().ok()?;
    let ip = stand_in(range.addr())?;
    IpNet::new(ip, range.prefix_len()).ok().map(|range| range.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_is_shown_by_its_name() {
        for (address, name) in [
            ("0.0.0.2", "PRIVATE_IP_2"),
            ("0.1.1.0", "IP_256"),
            ("100::3", "PRIVATE_IP_3"),
            ("100::1:3", "IP_3"),
            ("0.0.0.0", "0.0.0.0"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(shown(address.parse().unwrap()), name);
        }
        assert_eq!(shown_with_port("0.0.0.2:22".parse().unwrap()), "PRIVATE_IP_2:22");
        assert_eq!(shown_with_port("[2001:db8::1]:22".parse().unwrap()), "[2001:db8::1]:22");
    }
}
