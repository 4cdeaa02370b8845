//! Facts of the server: what it is, its key, what it answers.

use checks::{
    text,
    text::{Text, foreign, host, key, path},
};
use serde_json::Value;

use crate::compare::{
    read::Reported,
    value::{Item, Known, a_key, any, field, list, one, word, word_of, words},
};

pub(super) fn identification(report: &Reported) -> Known {
    let line = field(report.fact("transport", "identification")?, "/line")?;
    one(Some(foreign(line).into()))
}

/// The names in the lists of the server, each with its list. The two directions of a connection have
/// the same lists everywhere.
pub(super) fn algorithms(report: &Reported) -> Known {
    let offered = report.fact("transport", "offered")?;
    let mut all: Vec<Item> = Vec::new();
    for (name, title) in [
        ("kex", "key exchange "),
        ("host_key", "host key "),
        ("ciphers_to_server", "cipher "),
        ("macs_to_server", "MAC "),
    ] {
        let names = list(offered.get(name))?.iter().filter_map(Value::as_str);
        all.extend(names.map(|name| text![title, foreign(name)].into()));
    }
    Some(all)
}

pub(super) fn conversation(report: &Reported) -> Known {
    let end = word(report.fact("transport", "end")?)?;
    let reached = report.fact("transport", "reached")?.as_str()?;
    one(Some(match (end, reached) {
        ("complete", _) => "keys are exchanged".into(),
        (end, reached) => {
            let step = match reached {
                "connected" => "before the server identifies itself",
                "identification" => "after the server identifies itself",
                "algorithms" => "after the server lists its algorithms",
                "host-key" => "after the server shows its key",
                _ => "after the exchange of keys",
            };
            text![foreign(end), " ", step]
        }
    }))
}

pub(super) fn host_key(report: &Reported) -> Known {
    let sha256 = word_of(report, "host-key", "sha256")?.plain();
    let algorithm = word_of(report, "host-key", "algorithm")?;
    one(Some(algorithm.with(" ").with(key(sha256))))
}

pub(super) fn trust(report: &Reported) -> Known {
    let trust = report.fact("host-key", "trust")?;
    let file = field(trust, "/path").map(|file| text![" (", path(file), ")"]);
    let words: Text = match field(trust, "/is")? {
        "known" => "this key is known".into(),
        "known-by-authority" => "its certificate is by a known authority".into(),
        "revoked" | "revoked-by-list" => "this key is marked as revoked".into(),
        "list-unreadable" => "the list of revoked keys cannot be read".into(),
        "changed" => "another key is known for this host".into(),
        "unknown" => "no key is known for this host".into(),
        "certificate-invalid" => "its certificate is not valid".into(),
        other => foreign(other).into(),
    };
    one(Some(words.then(file.unwrap_or_default())))
}

pub(super) fn methods(report: &Reported) -> Known {
    words(list(report.fact("portal", "methods")), any)
}

/// A line for each key that was asked about.
pub(super) fn answers(report: &Reported) -> Known {
    let offers = list(report.fact("portal", "offers"))?;
    let asked = offers.iter().filter(|query| {
        // What was not asked, since another key is taken or ssh would not, is no answer.
        !matches!(field(query, "/answer"), Some("not-needed" | "not-offered"))
    });
    let line = |query: &Value| {
        let answer = match field(query, "/answer")? {
            "accepted" => ": taken".into(),
            "refused" => ": not taken".into(),
            "limit-reached" => ": not asked, the limit was reached".into(),
            "no-answer" => ": no answer".into(),
            other => text![": ", foreign(other)],
        };
        let asked = a_key(query.pointer("/offer/key")?)?;
        Some(Item::about(&asked.plain(), asked.then(answer)))
    };
    asked.map(line).collect()
}

/// Whether what a check tried worked; nothing where it was not tried.
pub(super) fn works(report: &Reported, check: &str) -> Known {
    let check = report.checks.iter().find(|c| c.id == check)?;
    one(Some(match check.status.as_str() {
        "pass" | "warn" => "it works".into(),
        "fail" => "it does not work".into(),
        _ => return None,
    }))
}

pub(super) fn diagnosis(report: &Reported) -> Known {
    let verdict = report.verdict.word();
    one(Some(match &report.diagnosis {
        None => verdict.into(),
        Some(found) => {
            let words = text![verdict, ": ", foreign(&found.id)];
            match &found.jump_host {
                Some(hop) => words.with(", at the jump host ").with(host(hop)),
                None => words,
            }
        }
    }))
}
