//! With `--redact` nothing private is left in any form, whatever was recorded.

use std::{collections::BTreeSet, net::IpAddr};

use checks::report::Report;
use serde_json::Value;
use ssh_preflight::{
    cli::{Format, Redact},
    redact,
};

use super::{ALL, Recorded, forms, judged, named, written};

/// The same for everybody: who reads it learns nothing about anybody. The person of the demo is
/// called `you`.
const PUBLIC: [&str; 21] = [
    "you",
    "root",
    "akeneo",
    "git",
    "localhost",
    "environment",
    "none",
    "internal",
    "config",
    "known_hosts",
    "known_hosts2",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_xmss",
    "ssh_config",
    "hosts",
    "null",
];

/// Fields whose values are hosts or users.
const NAMES: [&str; 14] = [
    "host",
    "name",
    "aliases",
    "search",
    "host_key_alias",
    "found_as",
    "hop_of",
    "user",
    "sudo_user",
    "principals",
    "key_id",
    "comment",
    "proxy_jump",
    "input",
];

/// What is private in a recording, found without the program's own list of fields.
fn originals(case: &Value, all: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut plan = case.clone();
    // Its words are those of a provider.
    plan["plan"]["profile"] = Value::Null;
    plan["plan"]["own_profiles"] = Value::Null;
    collect(&plan, "", all, &mut found);
    found.retain(|word| word.len() > 2 && !PUBLIC.contains(&word.trim_end_matches(".pub")));
    found
}

fn collect(value: &Value, field: &str, all: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, if name == "Ok" { field } else { name }, all, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, field, all, found)),
        Value::String(text) => of_string(text, field, all, found),
        _ => {}
    }
}

fn of_string(text: &str, field: &str, all: bool, found: &mut BTreeSet<String>) {
    let ip =
        text.parse::<std::net::SocketAddr>().map(|a| a.ip()).or_else(|_| text.parse::<IpAddr>());
    if let Ok(ip) = ip {
        let private = match ip {
            IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        };
        if private || all && !ip.is_unspecified() {
            found.insert(ip.to_string());
        }
    } else if NAMES.contains(&field) {
        for word in text.split(['@', ',', '[', ']', ' ', '/']) {
            let word = word.trim_start_matches(':').trim_end_matches(|c: char| c.is_ascii_digit());
            let word =
                if word.ends_with(':') { word.trim_end_matches(':') } else { text_of(text, word) };
            if word.parse::<IpAddr>().is_ok() || word.is_empty() || word == "ssh" {
                continue;
            }
            // A provider's domain is the provider's.
            let own =
                word.trim_end_matches(".cloud.akeneo.com").trim_end_matches(".akeneo.cloud.com");
            found.insert(own.to_owned());
        }
    } else if text.starts_with(['/', '~']) && !text.contains(' ') {
        let system = ["/etc/hosts", "/etc/ssh/", "/dev/", "/bin/", "/usr/bin/"];
        if !system.iter().any(|begin| text.starts_with(begin)) {
            found.insert(text.to_owned());
            // A file called "revoked" says no more than the word does.
            let file = text.rsplit('/').next().unwrap();
            if !file.chars().all(char::is_alphabetic) {
                found.insert(file.to_owned());
            }
        }
    }
    if all {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || ":+/=".contains(c)));
        for word in words {
            let sha256 = word.starts_with("SHA256:");
            let blob = word.starts_with("AAAA") && word.len() > 40;
            let md5 = word.len() == 47 && word.split(':').count() == 16;
            if sha256 || blob || md5 {
                found.insert(word.to_owned());
            }
        }
    }
}

/// The word as it stands in the text, with the digits at its end.
fn text_of<'t>(text: &'t str, word: &str) -> &'t str {
    let from = text.find(word).unwrap_or(0);
    let end =
        text[from..].find(['@', ',', '[', ']', ' ', '/', ':']).map_or(text.len(), |end| from + end);
    &text[from..end]
}

/// Whether a word stands in a text by itself, not as a part of a longer one.
fn stands_in(word: &str, text: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !part(before) && !part(after)
    })
}

fn leaks(case: &Value, report: &Report, what: Redact) -> Vec<String> {
    let originals = originals(case, what == Redact::All);
    let reports = redact::reports(std::slice::from_ref(report), what);
    let mut leaks = Vec::new();
    for format in forms() {
        // A page about the diagnosis is the same for everybody.
        let text = match format {
            Format::Sarif => without_rules(&written(*format, &reports)),
            Format::Html => without_style(&written(*format, &reports)),
            _ => written(*format, &reports),
        };
        let text = text.replace("cloud.akeneo.com", "");
        for word in originals.iter().filter(|word| stands_in(word, &text)) {
            let line = text.lines().find(|line| stands_in(word, line)).unwrap_or_default();
            leaks.push(format!("{format:?}: {word}: {line:.300}"));
        }
    }
    leaks
}

/// The style is the same for everybody too, and has words such as `first` and `last`.
pub fn without_style(page: &str) -> String {
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let after = after.replace("class=\"first\"", "").replace("class=\"last\"", "");
    format!("{before}{after}")
}

fn without_rules(sarif: &str) -> String {
    let mut log: Value = serde_json::from_str(sarif).unwrap();
    log["runs"][0]["tool"] = Value::Null;
    log.to_string()
}

fn assert_nothing_leaks(name: &str, case: &Value, report: &Report, what: Redact) {
    let leaks = leaks(case, report, what);
    assert!(
        leaks.is_empty(),
        "{name}, {what:?}:
{}",
        leaks.join(
            "
"
        )
    );
}

#[test]
fn nothing_private_of_any_recording_is_left_in_any_form() {
    for Recorded { name, case, report } in &*ALL {
        assert_nothing_leaks(name, case, report, Redact::All);
    }
}

/// The recordings are of one person on one computer. This makes them another's, whose names hold
/// everything that names may hold.
#[test]
fn nothing_private_is_left_whatever_it_is_called() {
    let others = [
        ("127.0.0.1", "10.20.30.40"),
        ("192.0.2.", "192.168.7."),
        ("/home/alex/.ssh/", "/home/zoë.o-neill/.ssh/acme corp/"),
        ("/home/alex", "/home/zoë.o-neill"),
        ("alex@laptop", "zoë.o-neill@acme-thinkpad.corp.acme.example"),
        ("alex", "zoë.o-neill"),
        ("localhost", "db7.corp.acme.example"),
        ("my-project-staging", "acme-shop-prod"),
        ("demo-staging", "acme-demo"),
        ("id_a", "acme_customers.key"),
        ("shop.invalid", "shop.acme.example"),
    ];
    for Recorded { name, case, .. } in &*ALL {
        let text = others.iter().fold(case.to_string(), |text, (old, new)| text.replace(old, new));
        let case = serde_json::from_str(&text).unwrap();
        assert_nothing_leaks(name, &case, &judged(&case), Redact::Private);
    }
}

/// Everything that a renderer may read is still there: what a case held, a redacted one holds.
#[test]
fn no_observation_is_lost() {
    for Recorded { name, report, .. } in &*ALL {
        for what in [Redact::Private, Redact::All] {
            let redacted = redact::reports(std::slice::from_ref(report), what).remove(0);
            let seen = |report: &Report| {
                let data = serde_json::to_value(&report.case).unwrap();
                let there = |(field, value): (&String, &Value)| {
                    (!value.is_null()).then(|| format!("{field} {}", value["seen"]["Ok"].is_null()))
                };
                data.as_object().unwrap().iter().filter_map(there).collect::<Vec<_>>()
            };
            assert_eq!(seen(report), seen(&redacted), "{name}");
            assert_eq!(report.verdict, redacted.verdict);
            let words = |r: &Report| written(Format::Text, std::slice::from_ref(r)).lines().count();
            assert!(words(&redacted) + 40 > words(report), "{name}");
        }
    }
}

#[test]
fn one_thing_has_one_name_in_a_whole_run() {
    let of = |name| named(name).report.clone();
    let both = [of("akeneo_ready"), of("akeneo_key_not_accepted")];
    let text = written(Format::Text, &redact::reports(&both, Redact::All));
    // The same host, user and key file in both; two reports, and still one of each.
    assert!(text.contains("HOST_1.cloud.akeneo.com") && !text.contains("HOST_2"), "{text}");
    assert_eq!(text, written(Format::Text, &redact::reports(&both, Redact::All)), "by chance");
    // What says whose system it is stays: the provider's domain and its user.
    assert!(text.contains("akeneo@HOST_1.cloud.akeneo.com"), "{text}");
    // A fingerprint is public, and a helpdesk needs it.
    let text = written(Format::Text, &redact::reports(&both, Redact::Private));
    assert!(text.contains("SHA256:") && text.contains("192.0.2.17"), "{text}");
}

#[test]
fn a_stranger_s_text_is_searched() {
    let mut case = named("chatty-banner").case.clone();
    let banner = "Welcome alex to gate.corp.example (10.1.2.3, fe80::1%eth0), mail bob@corp.example.\n\
                  See https://wiki.corp.example/ssh/alex and C:\\Users\\bob\\x or /srv/acme/motd. \
                  OpenSSH_9.2p1, curve25519-sha256@libssh.org";
    let said = format!("{banner} {} alexander", "alex");
    case["queries"]["seen"]["Ok"]["banner"] = said.clone().into();
    case["handshake"]["seen"]["Ok"]["lines_before"] = serde_json::json!([said]);
    let reports = redact::reports(&[judged(&case)], Redact::Private);
    let data = written(Format::Json, &reports);
    for private in ["gate", "corp", "10.1.2.3", "fe80", "bob", "wiki", "acme", "Users"] {
        assert!(!data.contains(private), "{private}: {data}");
    }
    assert!(!stands_in("alex", &data) && data.contains("alexander"), "{data}");
    assert!(
        data.contains("OpenSSH_9.2p1") && data.contains("curve25519-sha256@libssh.org"),
        "{data}"
    );
}

/// A command that is brought to another host in one word: its own words stay, the names in it go.
#[test]
fn a_command_within_a_command_is_still_one() {
    let report = named("sftp-files-of-others").report.clone();
    let text = written(Format::Text, &redact::reports(&[report], Redact::All));
    let line = text.lines().find(|line| line.contains("chmod")).unwrap();
    let words = shlex::split(line).unwrap();
    let brought = shlex::split(words.last().unwrap()).unwrap();
    assert_eq!(brought[..2], ["chmod", "g+rwX"], "{line}");
    assert!(brought[2..].iter().all(|place| place.starts_with("PATH_")), "{line}");
}
