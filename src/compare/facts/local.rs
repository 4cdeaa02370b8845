//! Facts of this computer: configuration, keys, agent.

use checks::{
    text,
    text::{foreign, host, number, path, user},
};
use serde_json::Value;

use crate::compare::{
    read::Reported,
    value::{Item, Known, a_key, an_offer, any, field, file, list, one, word, word_of, words},
};

pub(super) fn target(report: &Reported) -> Known {
    let target = &report.target;
    let port = target.port.map(|port| text![", port ", number(port)]).unwrap_or_default();
    let name = text![host(&target.host)].then(port);
    one(Some(match &target.user {
        Some(name_of_user) => text![user(name_of_user), " at "].then(name),
        None => name,
    }))
}

pub(super) fn profile(report: &Reported) -> Known {
    let name = Some(&report.target.profile).filter(|name| !name.is_empty());
    one(name.map(|name| foreign(name).into()))
}

pub(super) fn ssh_version(report: &Reported) -> Known {
    one(word_of(report, "config", "ssh_version"))
}

/// As in a configuration file. What is not set is left out.
pub(super) fn settings(report: &Reported) -> Known {
    let settings = report.fact("config", "settings")?.as_object()?;
    let set = settings.iter().filter_map(|(name, value)| {
        let words = match value {
            Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            Value::Array(values) if values.is_empty() => return None,
            Value::Array(values) => {
                values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
            }
            other => any(other)?.plain(),
        };
        Some(text![foreign(name), " ", foreign(words)].into())
    });
    Some(set.collect())
}

pub(super) fn known_hosts_files(report: &Reported) -> Known {
    words(list(report.fact("config", "known_hosts_files")), file)
}

pub(super) fn identity_files(report: &Reported) -> Known {
    let files = list(report.fact("config", "identity_files"));
    words(files, |entry| Some(path(field(entry, "/path")?).into()))
}

pub(super) fn may_ask(report: &Reported) -> Known {
    let may = report.fact("config", "may_ask")?.as_bool()?;
    one(Some(if may { "it can" } else { "it cannot" }.into()))
}

/// Each file: what it is, its key, and whether `ssh` ignores it.
pub(super) fn key_files(report: &Reported) -> Known {
    let identities = report.fact("fingerprint", "identities")?;
    let files = list(identities.get("files"))?;
    let certificates = list(identities.get("certificates")).unwrap_or_default();
    let mut lines: Vec<Item> = Vec::new();
    for entry in files {
        let name = field(entry, "/path")?;
        let content = entry.get("content")?;
        let kind = word(content)?;
        let mut line = text![path(name), ": ", foreign(kind)];
        let inside = content.get(kind);
        let public = match inside {
            Some(inside) if kind == "public" => Some(inside),
            Some(inside) => inside.get("public").filter(|public| !public.is_null()),
            None => None,
        };
        let beside = entry.get("pub_file").filter(|public| !public.is_null());
        if let Some(key) = public.or(beside).and_then(a_key) {
            line = line.with(" ").then(key);
        } else if let Some(what) = inside.and_then(word) {
            line = line.with(" ").with(foreign(what));
        }
        if inside.and_then(|inside| field(inside, "/locked_by")).is_some() {
            line = line.with(", with a passphrase");
        }
        if entry.get("too_open").and_then(Value::as_bool) == Some(true) {
            line = line.with(", others can read it");
        }
        if let (Some(public), Some(beside)) = (public.and_then(a_key), beside.and_then(a_key))
            && public != beside
        {
            line = line.with(", the .pub beside it ").then(beside);
        }
        if let Some(key) = entry.get("cert_file").and_then(a_key) {
            line = line.with(", beside it ").then(key);
        }
        lines.push(Item::about(name, line));
    }
    for entry in certificates {
        let name = field(entry, "/path")?;
        let content = entry.pointer("/content/Ok").and_then(a_key);
        let line = text![path(name), ": "].then(content.unwrap_or_else(|| "no certificate".into()));
        lines.push(Item::about(name, line));
    }
    Some(lines)
}

pub(super) fn agent(report: &Reported) -> Known {
    one(Some(match word(report.fact("agent", "state")?)? {
        "keys" => "an agent answers".into(),
        "not-configured" => "there is none (SSH_AUTH_SOCK is not set)".into(),
        "disabled" => "turned off (IdentityAgent none)".into(),
        "unreachable" => "it cannot be reached".into(),
        "timed-out" => "it does not answer in time".into(),
        "not-an-agent" => "what answers is no agent".into(),
        other => foreign(other).into(),
    }))
}

pub(super) fn agent_keys(report: &Reported) -> Known {
    words(list(report.fact("agent", "state")?.get("keys")), a_key)
}

pub(super) fn offers(report: &Reported) -> Known {
    words(list(report.fact("fingerprint", "offers")), an_offer)
}
