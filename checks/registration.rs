//! Which key to register with the provider, where, and what comes then: pure.

use serde::Serialize;

use crate::{
    case::{Case, Plan},
    evidence::{
        key::PublicKeyFacts,
        queries::{Answer, Queries, Query},
    },
    finding::Hint,
    pair::{Role, from_here},
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
            environment: typed(plan).unwrap_or(environment).to_owned(),
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

/// The name of a destination that is seen from another host, as everybody knows it.
fn typed(plan: &Plan) -> Option<&str> {
    let part = plan.pair.as_deref().filter(|part| part.role == Role::Hop)?;
    Some(part.destination.host.as_str())
}

/// The plan with which this computer waits for a key to become active there.
fn waited_for(plan: &Plan) -> Plan {
    let Some(part) = plan.pair.as_deref().filter(|part| part.role == Role::Hop) else {
        return plan.clone();
    };
    let mut plan = Plan { login: false, ..from_here(plan, part, &part.destination) };
    plan.ssh_options.retain(|option| option != "-A");
    plan
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
    let doubtful = refused.iter().any(|q| q.offer.key.kind() != "RSA");
    let note = profile.key_type_note.as_ref().filter(|_| doubtful);
    let steps = match &profile.portal {
        Some(portal) => at_portal(case, portal, refused, best),
        None => vec![without_portal(best)],
    };
    steps.into_iter().chain(note.map(|note| Hint::advice(note.clone()))).collect()
}

fn at_portal(case: &Case, portal: &Portal, refused: &[&Query], best: &Query) -> Vec<Hint> {
    let mut compare = where_keys_are(portal);
    if !portal.environment_key_path.is_empty() {
        compare = compare.with(" for ").with(environment(case));
    }
    compare = compare.with(", and look for the fingerprint ");
    for (place, query) in refused.iter().take(MOST_NAMED).enumerate() {
        if place > 0 {
            compare.0.push(" or ".into());
        }
        compare.0.push(key(shown(portal, &query.offer.key)));
    }
    let duration = portal.duration.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
    let wait = Hint::run(
        text![
            "If it is there, ",
            not_yet(portal),
            " Nothing on your computer needs to change. It takes a while",
            duration,
            ". This waits for you, and tells when the server takes the key:",
        ],
        waited_for(&case.plan).ssh().preflight(Some("wait")).command(),
    );
    vec![Hint::advice(compare.with(".")), wait, register(case, portal, refused, best)]
}

/// The portal, with its address where that is known.
fn named(portal: &Portal) -> Text {
    match portal.url.as_str() {
        "" => text![portal.name.clone()],
        url => text![portal.name.clone(), " (", url.to_owned(), ")"],
    }
}

/// The begin of a sentence: which menus lead to the keys that are registered, those of the
/// environment where it has a list of its own.
#[must_use]
pub fn where_keys_are(portal: &Portal) -> Text {
    let own = &portal.environment_key_path;
    let open = if own.is_empty() { &portal.key_path } else { own };
    let begin = text!["See whether the key is there: log in to "].then(named(portal));
    if open.is_empty() { begin } else { begin.with(", open ").with(menu(open)) }
}

/// What follows after "If it is there," where a key takes a while to become active: a sentence's
/// end, in the words of the portal as far as they are known.
#[must_use]
pub fn not_yet(portal: &Portal) -> String {
    let (pending, active) = (quoted(&portal.pending), quoted(&portal.active));
    match (pending.is_empty(), active.is_empty()) {
        (false, false) => format!("but says {pending}: wait until it says {active}."),
        (false, true) => format!("but says {pending}: wait."),
        (true, false) => format!("but does not say {active} yet: wait."),
        (true, true) => "but was only added now: wait.".to_owned(),
    }
}

fn register(case: &Case, portal: &Portal, refused: &[&Query], best: &Query) -> Hint {
    let several = refused.len() > 1;
    let which = match (&best.offer.path, several) {
        (Some(file), true) => text!["If none is there: add one, best ", path(file), ","],
        (None, true) => text!["If none is there: add one"],
        (_, false) => text!["If it is not there: add it"],
    };
    let own_list = match portal.environment_key_path.is_empty() {
        true => text![],
        false => text!["; each environment has its own list"],
    };
    let words = which
        .then(places(case, portal, ""))
        .then(own_list)
        .with(who(portal))
        .with(". This is the line to paste there:");
    Hint::paste(words, key(&best.offer.key.line))
}

/// Where a key is added: as that of a person, on the environment, or both. `menus` lead to the list
/// of the environment.
fn places(case: &Case, portal: &Portal, menus: &str) -> Text {
    let (person, own) = (menu(&portal.key_path), &portal.environment_key_path);
    let on_it = || text!["on this environment, ", environment(case), menus.to_owned()];
    match (person.is_empty(), own.is_empty()) {
        (true, true) => text![" there"],
        (false, true) => text![" there (", person, ")"],
        (true, false) => text![" "].then(on_it()),
        (false, false) => text![" first as yours (", person, "), then "].then(on_it()),
    }
}

/// Who may add a key. Whose list it is says whom to ask, where the provider does not tell.
fn who(portal: &Portal) -> String {
    let managers = || "those who manage the project".to_owned();
    let who = portal.who.clone();
    let who = who.or_else(|| (!portal.environment_key_path.is_empty()).then(managers));
    who.map(|who| format!(". It may be added by {who}")).unwrap_or_default()
}

fn without_portal(best: &Query) -> Hint {
    Hint::paste(
        "Send the public half of your key to those who run the server, and ask whether exactly this \
         key is allowed for this user. It is no secret:",
        key(&best.offer.key.line),
    )
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
    let menus = match portal.environment_key_path.as_slice() {
        [] => String::new(),
        menus => format!(" ({})", menu(menus)),
    };
    let usable = match quoted(&portal.active) {
        active if active.is_empty() => String::new(),
        active => format!(". It can be used as soon as it says {active}"),
    };
    Hint::advice(
        text!["Add the public half (the file that ends in .pub; never the other one) in "]
            .then(named(portal))
            .with(":")
            .then(places(case, portal, &menus))
            .with(who(portal))
            .with(usable)
            .with("."),
    )
}

fn environment(case: &Case) -> text::Span {
    let real = || case.effective().map_or(case.plan.host.as_str(), |e| e.host.as_str());
    host(typed(&case.plan).unwrap_or_else(real))
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
    fn the_destination_of_a_copy_has_the_name_that_was_typed() {
        let mut case = made::case(made::effective(22));
        case.plan.host = "a".into();
        case.plan.profile = built_in("akeneo").cloned();
        case.plan.pair = Some(Box::new(crate::pair::Part {
            role: Role::Hop,
            options: vec!["-A".into(), "-v".into()],
            ..crate::pair::tests::part(None)
        }));
        let refused = query("ssh-rsa", true);
        let steps = steps(&case, &[&refused]);
        assert!(steps[0].text.plain().contains("for a.example.com"), "{}", steps[0].text.plain());
        let wait = steps[1].command.as_ref().unwrap().plain();
        assert_eq!(wait, "ssh-preflight wait --profile akeneo -v akeneo@a.example.com");
        let queries = Queries { offers: vec![refused], ..Queries::default() };
        let told = Registration::of(&case.plan, case.profile(), "a", &queries).unwrap();
        assert_eq!(told.environment, "a.example.com");
    }

    #[test]
    fn what_is_not_known_of_a_portal_is_not_said() {
        let said = |key_path: &[&str], own: &[&str], pending: &[&str], active: &[&str]| {
            let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
            let portal = Portal {
                name: "the console".into(),
                key_path: words(key_path),
                environment_key_path: words(own),
                pending: words(pending),
                active: words(active),
                ..Portal::default()
            };
            let mut case = made::case(made::effective(22));
            case.plan.profile = Some(Profile { portal: Some(portal), ..Profile::default() });
            let refused = query("ssh-rsa", true);
            let steps = steps(&case, &[&refused]);
            let new = of_a_new_key(&case);
            steps.iter().chain([&new]).map(|hint| hint.text.plain()).collect::<Vec<_>>()
        };
        let all = said(&[], &[], &[], &[]);
        let begin = "See whether the key is there: log in to the console, and look for the ";
        assert!(all[0].starts_with(begin), "{}", all[0]);
        assert!(all[1].starts_with("If it is there, but was only added now: wait. "), "{}", all[1]);
        assert_eq!(all[2], "If it is not there: add it there. This is the line to paste there:");
        assert!(all[3].ends_with("in the console: there."), "{}", all[3]);
        let all = said(&["Keys"], &[], &[], &["listed"]);
        assert!(all[0].contains("the console, open Keys, and look"), "{}", all[0]);
        assert!(all[1].contains("but does not say \"listed\" yet: wait."), "{}", all[1]);
        assert!(all[2].starts_with("If it is not there: add it there (Keys). This"), "{}", all[2]);
        let all = said(&[], &["Project"], &["new"], &[]);
        assert!(all[0].contains("open Project for host.example.com, and"), "{}", all[0]);
        assert!(all[1].contains("but says \"new\": wait. "), "{}", all[1]);
        assert!(
            all[2].contains("add it on this environment, host.example.com; each"),
            "{}",
            all[2]
        );
        assert!(all[2].contains("by those who manage the project"), "{}", all[2]);
    }

    #[test]
    fn a_doubt_about_the_type_of_a_key_needs_no_portal() {
        let mut case = made::case(made::effective(22));
        let key_type_note = Some("RSA alone.".to_owned());
        case.plan.profile = Some(Profile { key_type_note, ..Profile::default() });
        let last = |query: &Query| steps(&case, &[query]).last().unwrap().text.plain();
        assert_eq!(last(&query("ssh-ed25519", true)), "RSA alone.");
        assert_ne!(last(&query("ssh-rsa", true)), "RSA alone.");
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
