//! Which key to register with the provider, where, and what comes then: pure.

use serde::Serialize;

use crate::{
    case::{Case, Plan},
    evidence::{
        key::PublicKeyFacts,
        queries::{Answer, Queries, Query},
    },
    finding::Hint,
    profile::{FingerprintForm, Portal, Profile, menu},
    text,
    text::{Text, host, key, path},
};

/// How many fingerprints are named one by one.
const MOST_NAMED: usize = 6;

/// What has to be registered, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// The host whose list of keys counts: each environment has its own.
    pub environment: String,
    /// The fingerprint as the portal shows it.
    pub fingerprint: String,
    /// The one line of the public half, as it is pasted into the portal.
    pub line: String,
    /// The portal's address.
    pub url: String,
    /// Menus to the keys of a person.
    pub key_path: Vec<String>,
    /// Menus to the keys of an environment.
    pub environment_key_path: Vec<String>,
    /// What the portal shows first.
    pub pending: Vec<String>,
    /// What it shows when the key can be used.
    pub active: Vec<String>,
    /// Who may do it.
    pub who: Option<String>,
    /// How long it takes, in the provider's words.
    pub duration: Option<String>,
}

impl Registration {
    /// What has to be registered, where the server took none of the keys and the provider has a
    /// portal.
    #[must_use]
    pub fn of(
        plan: &Plan,
        profile: &Profile,
        environment: &str,
        queries: &Queries,
    ) -> Option<Self> {
        let portal = profile.portal.as_ref()?;
        if queries.accepted().is_some() {
            return None;
        }
        let refused = queries.offers.iter().filter(|q| q.answer == Answer::Refused);
        let best = best(plan, profile, refused)?;
        Some(Self {
            environment: environment.to_owned(),
            fingerprint: shown(portal, &best.offer.key).to_owned(),
            line: best.offer.key.line.clone(),
            url: portal.url.clone(),
            key_path: portal.key_path.clone(),
            environment_key_path: portal.environment_key_path.clone(),
            pending: portal.pending.clone(),
            active: portal.active.clone(),
            who: portal.who.clone(),
            duration: portal.duration.clone(),
        })
    }
}

/// The key that is best to register: the one that was named on the command line, then one of a type that
/// the portal surely takes, then one in the agent, since that one can be forwarded, then the first that
/// `ssh` offers.
fn best<'q>(
    plan: &Plan,
    profile: &Profile,
    refused: impl Iterator<Item = &'q Query>,
) -> Option<&'q Query> {
    let typed = |q: &Query| q.offer.path.as_ref().is_some_and(|file| plan.is_typed_identity(file));
    let doubtful = |q: &Query| profile.key_type_note.is_some() && q.offer.key.kind() != "RSA";
    refused.min_by_key(|q| (!typed(q), doubtful(q), !q.offer.in_agent))
}

fn shown<'k>(portal: &Portal, public: &'k PublicKeyFacts) -> &'k str {
    match portal.fingerprint_form {
        FingerprintForm::Md5 => &public.md5,
        FingerprintForm::Sha256 => &public.sha256,
    }
}

/// What to do where the server takes none of these keys: the provider's portal, or what any
/// provider needs.
#[must_use]
pub fn steps(case: &Case, refused: &[&Query]) -> Vec<Hint> {
    let profile = case.profile();
    let Some(best) = best(&case.plan, profile, refused.iter().copied()) else { return Vec::new() };
    let Some(portal) = &profile.portal else { return without_portal(best) };
    let mut compare = where_keys_are(portal)
        .with(" for ")
        .with(environment(case))
        .with(", and look for the fingerprint ");
    for (place, query) in refused.iter().take(MOST_NAMED).enumerate() {
        if place > 0 {
            compare.0.push(" or ".into());
        }
        compare.0.push(key(shown(portal, &query.offer.key)));
    }
    compare.0.push(".".into());
    let wait = Hint::run(
        text![
            "If it is there, but says ",
            quoted(&portal.pending),
            ": wait until it says ",
            quoted(&portal.active),
            ". Nothing on your computer needs to change. It takes a while",
            portal.duration.as_ref().map(|d| format!(" ({d})")).unwrap_or_default(),
            ". This waits for you, and tells when the server takes the key:",
        ],
        case.plan.ssh().preflight(Some("wait")).command(),
    );
    let mut steps = vec![Hint::advice(compare), wait, register(case, portal, refused, best)];
    let newer = refused.iter().any(|q| q.offer.key.kind() != "RSA");
    if let Some(note) = profile.key_type_note.as_ref().filter(|_| newer) {
        steps.push(Hint::advice(text![note.clone()]));
    }
    steps
}

/// The begin of a sentence: which menus lead to the keys that are registered.
#[must_use]
pub fn where_keys_are(portal: &Portal) -> Text {
    text![
        "See whether the key is there: log in to ",
        portal.name.clone(),
        " (",
        portal.url.clone(),
        "), open ",
        menu(&portal.environment_key_path),
    ]
}

fn register(case: &Case, portal: &Portal, refused: &[&Query], best: &Query) -> Hint {
    let several = refused.len() > 1;
    let which = match (&best.offer.path, several) {
        (Some(file), true) => {
            text!["If none is there: add one, best ", path(file), ", first as yours ("]
        }
        (None, true) => text!["If none is there: add one, first as yours ("],
        (_, false) => text!["If it is not there: add it first as yours ("],
    };
    let words = which
        .with(menu(&portal.key_path))
        .with("), then on this environment, ")
        .with(environment(case))
        .with("; each environment has its own list. It may be added by ")
        .with(portal.who.clone().unwrap_or_else(|| "those who manage the project".to_owned()))
        .with(". This is the line to paste there:");
    Hint::paste(words, key(&best.offer.key.line))
}

fn without_portal(best: &Query) -> Vec<Hint> {
    vec![Hint::paste(
        "Send the public half of your key to those who run the server, and ask whether exactly this \
         key is allowed for this user. It is no secret:",
        key(&best.offer.key.line),
    )]
}

/// What to do with a new key.
#[must_use]
pub fn of_a_new_key(case: &Case) -> Hint {
    let Some(portal) = &case.profile().portal else {
        return Hint::advice(
            "Give the public half (the file that ends in .pub) to those who run the host or to \
             their portal. Never send the other file.",
        );
    };
    Hint::advice(text![
        "Add the public half (the file that ends in .pub; never the other one) in ",
        portal.name.clone(),
        " (",
        portal.url.clone(),
        "), first as yours: ",
        menu(&portal.key_path),
        ", then on the environment ",
        environment(case),
        ": ",
        menu(&portal.environment_key_path),
        ". It may be added by ",
        portal.who.clone().unwrap_or_else(|| "those who manage the project".to_owned()),
        ". It can be used as soon as it says ",
        quoted(&portal.active),
        ".",
    ])
}

fn environment(case: &Case) -> text::Span {
    host(case.effective().map_or(case.plan.host.as_str(), |e| e.host.as_str()))
}

/// The words of a portal, one or the other.
#[must_use]
pub fn quoted(words: &[String]) -> String {
    words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{made, queries::Query},
        offers::{Offer, Provable},
        profile::built_in,
    };

    fn query(kind: &str, in_agent: bool) -> Query {
        let key = PublicKeyFacts {
            algorithm: kind.into(),
            bits: 256,
            sha256: format!("SHA256:{kind}"),
            md5: format!("md5:{kind}"),
            comment: String::new(),
            line: format!("{kind} AAAA {in_agent}"),
            certificate: None,
        };
        let path = Some(format!("/home/ada/.ssh/{kind}"));
        let offer = Offer { key, path, in_agent, provable: Provable::Yes };
        Query { offer, algorithm: kind.into(), answer: Answer::Refused }
    }

    fn said(profile: &str, refused: &[Query]) -> Vec<(String, Option<String>, Option<String>)> {
        let mut case = made::case(made::effective(22));
        case.plan.profile = built_in(profile).cloned();
        let refused: Vec<_> = refused.iter().collect();
        let of = |hint: Hint| {
            let command = hint.command.map(|c| c.plain());
            (hint.text.plain(), command, hint.paste.map(|line| line.plain()))
        };
        steps(&case, &refused).into_iter().map(of).collect()
    }

    #[test]
    fn a_portal_is_told_with_fingerprint_environment_status_and_line() {
        let said = said("akeneo", &[query("ssh-ed25519", true), query("ssh-rsa", false)]);
        let [compare, wait, register, note] = said.as_slice() else { panic!("{said:?}") };
        assert!(compare.0.contains("md5:ssh-ed25519 or md5:ssh-rsa"), "{}", compare.0);
        assert!(compare.0.contains("for host.example.com"), "{}", compare.0);
        assert!(wait.0.contains("\"Activation pending\"") && wait.0.contains("\"Activated\""));
        assert_eq!(
            wait.1.as_deref(),
            Some("ssh-preflight wait --profile akeneo ada@host.example.com")
        );
        // The key that the portal surely takes.
        assert_eq!(register.2.as_deref(), Some("ssh-rsa AAAA false"));
        assert!(register.0.contains("best /home/ada/.ssh/ssh-rsa"), "{}", register.0);
        assert!(register.0.contains("project manager"), "{}", register.0);
        assert!(note.0.contains("may be"), "a possibility, no fact: {}", note.0);
    }

    #[test]
    fn without_a_portal_the_line_goes_to_those_who_run_the_server() {
        let said = said("generic", &[query("ssh-ed25519", false), query("ssh-rsa", true)]);
        let [(words, None, Some(line))] = said.as_slice() else { panic!("{said:?}") };
        assert!(words.contains("no secret"));
        assert_eq!(line, "ssh-rsa AAAA true", "the one that can be forwarded");
    }

    #[test]
    fn machines_are_told_what_people_are() {
        let (plan, akeneo) = (Plan::of_host("a"), built_in("akeneo").unwrap());
        let mut queries = Queries { offers: vec![query("ssh-rsa", true)], ..Queries::default() };
        let told = Registration::of(&plan, akeneo, "a.cloud.akeneo.com", &queries).unwrap();
        assert_eq!(told.fingerprint, "md5:ssh-rsa");
        assert_eq!(told.active, ["Activated"]);
        assert!(Registration::of(&plan, built_in("generic").unwrap(), "a", &queries).is_none());
        queries.offers[0].answer = Answer::Accepted;
        assert!(Registration::of(&plan, akeneo, "a", &queries).is_none());
    }
}
