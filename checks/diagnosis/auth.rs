//! Causes in what the server says about keys.

use super::{Diagnosis, Id, Rule, configuration};
use crate::{
    case::Case,
    command,
    evidence::{
        identities::Content,
        key::PublicKeyFacts,
        password::Method,
        queries::{Answer, Queries, Query, RsaSignatures},
    },
    finding::Hint,
    offers, portal, registration, text,
    text::{Text, foreign, key, number, path, user},
};

/// In causal order: whether keys are taken at all, of this type, for this user, and this key.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::PasswordOnly, finds: password_only },
    Rule { id: Id::KeyTypeRefused, finds: key_type_refused },
    Rule { id: Id::UnexpectedUser, finds: configuration::unexpected_user },
    Rule { id: Id::KeyNotAccepted, finds: key_not_accepted },
];

/// How many keys are named one by one.
const MOST_NAMED: usize = 6;

/// The answers, where no key was accepted.
fn refused(case: &Case) -> Option<&Queries> {
    case.queries().filter(|q| q.accepted().is_none() && !q.open_door)
}

fn password_only(case: &Case) -> Option<Diagnosis> {
    let queries = refused(case)?;
    let methods = queries.methods.as_ref()?;
    if queries.refused() == 0 || methods.iter().any(|m| m == "publickey") {
        return None;
    }
    let who = user(&queries.user);
    if methods.is_empty() {
        return Some(
            Diagnosis::new(Id::PasswordOnly)
                .because(text![
                    "The server offers no way at all to log in as ",
                    who,
                    " from here: no key, no password."
                ])
                .step(Hint::advice(text!["Check that this is the right host and user."]))
                .step(Hint::advice(text![
                    "If they are right, those who run the server have a rule that turns every ",
                    "method off for this user or for your address (Match in sshd_config).",
                ])),
        );
    }
    let mut found = Diagnosis::new(Id::PasswordOnly).because(text![
        "The server offers these ways to log in as ",
        who,
        ": ",
        foreign(methods.join(", ")),
        ". A key is not among them.",
    ]);
    if asks_for_password(case, methods) {
        found = found.step(Hint::run("If you have a password for it:", case.plan.ssh().command()));
    }
    Some(
        found
            .step(Hint::advice(text![
                "Check that this is the right host and user: an SFTP account, for example, often ",
                "has a password and no key.",
            ]))
            .step(Hint::advice(text![
                "If they are right, those who run the server must allow login by key ",
                "(PubkeyAuthentication) for this user.",
            ])),
    )
}

/// Whether `ssh`, as it is set, would ask somebody for a password.
pub(super) fn asks_for_password(case: &Case, methods: &[String]) -> bool {
    let asks = |method: Method| {
        methods.iter().any(|offered| offered == method.name())
            && case.effective().is_some_and(|effective| effective.allows(method))
    };
    case.is_interactive() && (asks(Method::Password) || asks(Method::KeyboardInteractive))
}

fn key_type_refused(case: &Case) -> Option<Diagnosis> {
    let queries = refused(case)?;
    let told = queries.rsa_signatures?;
    let only_rsa = queries.offers.iter().all(|q| q.answer == Answer::NotOffered);
    if told == RsaSignatures::Sha2 || !only_rsa {
        return None;
    }
    let because = match told {
        RsaSignatures::Sha1Only => {
            text!["The server takes RSA keys only with SHA-1 signatures, which ssh refuses."]
        }
        _ => text![
            "The server does not say that it takes RSA keys with SHA-2 signatures, and ssh ",
            "refuses the old SHA-1 ones, so it does not even offer your RSA key.",
        ],
    };
    Some(
        Diagnosis::new(Id::KeyTypeRefused)
            .because(because)
            .step(Hint::run(
                text!["Make a key of a current type, and have it registered:"],
                command!["ssh-keygen", "-t", "ed25519"],
            ))
            .step(Hint::run(
                text!["Until then, this allows the old kind of signature for one login:"],
                case.plan.ssh().set("PubkeyAcceptedAlgorithms=+ssh-rsa").command(),
            )),
    )
}

fn key_not_accepted(case: &Case) -> Option<Diagnosis> {
    let queries = refused(case)?;
    let asked: Vec<_> = queries.offers.iter().filter(|q| q.answer == Answer::Refused).collect();
    if asked.is_empty() {
        return None;
    }
    let who = user(&queries.user);
    let mut found = Diagnosis::new(Id::KeyNotAccepted);
    if let [one] = asked.as_slice() {
        let k = &one.offer.key;
        found = found
            .because(
                text!["Asked as ssh asks it, the server would not take this key for the user "]
                    .then(text![who.clone(), ": "])
                    .then(identity(one))
                    .with("."),
            )
            .because(text!["Its fingerprint is ", key(&k.sha256), ", as MD5 ", key(&k.md5), "."]);
    } else {
        found = found.because(text![
            "Asked as ssh asks it, the server would take none of these ",
            offers::counted(asked.iter().map(|query| &query.offer), 0),
            " for the user ",
            who.clone(),
            ":"
        ]);
        for query in asked.iter().take(MOST_NAMED) {
            let k = &query.offer.key;
            found = found.because(identity(query).then(text![
                ": ",
                key(&k.sha256),
                ", as MD5 ",
                key(&k.md5)
            ]));
        }
    }
    let gone = case.identities().into_iter().flat_map(|i| &i.files);
    let gone = gone.filter(|f| f.named && f.content == Content::Missing && f.offered().is_none());
    let gone: Vec<_> = gone.map(|file| &file.path).collect();
    if let Some(first) = gone.first() {
        found = found
            .because(text![
                "Your ssh configuration also names the key file ",
                path(*first),
                ", which does not exist."
            ])
            .step(Hint::advice(text![
                "If ",
                path(*first),
                " was the key for this host, put it back there.",
            ]))
            .or(Id::KeyFileMissing);
    }
    let held = case.agent().map(|agent| agent.keys()).unwrap_or_default();
    let unasked = |key: &&PublicKeyFacts| !asked.iter().any(|q| q.offer.key.same_key(key));
    let hidden = held.iter().filter(unasked).count();
    if hidden > 0 && case.effective().is_some_and(|e| e.identities_only) {
        let keys = if hidden == 1 { " key" } else { " keys" };
        found = found
            .because(text![
                "Your agent holds ",
                number(hidden),
                " other",
                keys,
                ", which IdentitiesOnly forbids ssh to offer here."
            ])
            .step(Hint::run(
                "See whether the server takes what the agent holds:",
                case.plan.ssh().preflight(None).set("IdentitiesOnly=no").command(),
            ));
    }
    if case.effective().is_some_and(|e| e.user_is_local_default) {
        found = found
            .because(text![
                "ssh sends the name that you have on this computer: ",
                user(&queries.user),
                "."
            ])
            .step(Hint::run(
                "If you have another name on the server, put it in the place of USER:",
                case.plan.ssh().user("USER").command(),
            ));
    }
    for step in registration::steps(case, &asked) {
        found = found.step(step);
    }
    // Where the provider has one user for all, and it is this one, the user is not the cause.
    if case.profile().user.as_ref() != Some(&queries.user) {
        found = found.or(Id::UnexpectedUser).step(Hint::advice(text![
            "If the key is allowed, ask whether the account ",
            who,
            " is open: for one that does not exist, is locked or has expired, many servers answer \
             the same.",
        ]));
    }
    // Only for RSA keys does the library tell which signatures the server takes.
    if asked
        .iter()
        .all(|query| query.algorithm != "ssh-rsa" && !query.algorithm.starts_with("rsa-"))
    {
        found = found.or(Id::KeyTypeRefused);
    }
    Some(found)
}

/// A key as people know it: its file or comment, where it is, its kind.
fn identity(query: &Query) -> Text {
    let place = if query.offer.in_agent { " (in the agent), " } else { ", " };
    text![portal::name(query), place, query.offer.key.kind()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{configuration::Effective, made},
        host_trust::tests::key,
        offers::{Offer, Provable},
    };

    #[test]
    fn who_may_have_a_password_is_told_to_try_it() {
        let key = key("ssh-ed25519", "x");
        let offer =
            Offer { key, path: Some("/k".into()), in_agent: false, provable: Provable::Yes };
        let algorithm = "ssh-ed25519".to_owned();
        let query = Query { offer, algorithm, answer: Answer::Refused };
        for (interactive, batch_mode, methods, tried) in [
            (true, false, &["password"][..], true),
            (true, false, &["keyboard-interactive"], true),
            (true, true, &["password"], false),
            (false, false, &["password"], false),
            (true, false, &["gssapi-with-mic"], false),
        ] {
            let mut case = made::case(Effective { batch_mode, ..made::effective(22) });
            case.plan.interactive = interactive;
            case.queries = made::seen(Queries {
                user: "ada".into(),
                offers: vec![query.clone()],
                methods: Some(methods.iter().map(|&method| method.to_owned()).collect()),
                ..Queries::default()
            });
            let found = password_only(&case).unwrap();
            let command = found.next_steps.first().and_then(|step| step.command.as_ref());
            let command = command.map(crate::text::Command::plain);
            let expected = tried.then(|| "ssh ada@host.example.com".to_owned());
            assert_eq!(command, expected, "{interactive} {batch_mode} {methods:?}");
        }
    }
}
