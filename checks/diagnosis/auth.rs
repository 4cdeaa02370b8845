//! Causes in what the server says about keys.

use super::{Diagnosis, Id, Rule, configuration};
use crate::{
    case::Case,
    command,
    evidence::queries::{Answer, Queries, Query, RsaSignatures},
    finding::Hint,
    portal, text,
    text::{Text, foreign, host, key, number, user},
};

/// In causal order: whether keys are taken at all, of this type, for this user, and this key.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::PasswordOnly, finds: password_only },
    Rule { id: Id::KeyTypeRefused, finds: key_type_refused },
    Rule { id: Id::UnexpectedUser, finds: configuration::unexpected_user },
    Rule { id: Id::KeyNotAccepted, finds: key_not_accepted },
];

/// The answers, where no key was accepted.
fn refused(case: &Case) -> Option<&Queries> {
    case.queries().filter(|q| q.accepted().is_none() && !q.open_door)
}

fn password_only(case: &Case) -> Option<Diagnosis> {
    let queries = refused(case)?;
    let methods = queries.methods.as_ref()?;
    if queries.refused() == 0 || methods.is_empty() || methods.iter().any(|m| m == "publickey") {
        return None;
    }
    let who = user(&queries.user);
    Some(
        Diagnosis::new(Id::PasswordOnly)
            .because(text![
                "The server offers these ways to log in as ",
                who,
                ": ",
                foreign(methods.join(", ")),
                ". A key is not among them.",
            ])
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
                command![
                    "ssh",
                    "-o",
                    "PubkeyAcceptedAlgorithms=+ssh-rsa",
                    Text(vec![
                        user(&queries.user),
                        "@".into(),
                        host(&case.effective()?.host),
                    ]),
                ],
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
    let host_name = host(&case.effective()?.host);
    let mut found = Diagnosis::new(Id::KeyNotAccepted).because(text![
        "The server was asked, as ssh asks it, whether it would take a login as ",
        who,
        " with each of your keys. It said no to ",
        number(asked.len()),
        ":",
    ]);
    for query in asked.iter().take(6) {
        found = found.because(identity(query));
    }
    let ssh_says = text![
        "ssh would print: ",
        user(&queries.user),
        "@",
        host_name,
        ": Permission denied (",
        foreign(queries.methods.clone().unwrap_or_default().join(",")),
        ").",
    ];
    found = found.because(ssh_says);
    for step in registration_steps(case, &asked) {
        found = found.step(step);
    }
    found = found.or(Id::UnexpectedUser);
    Some(found)
}

fn identity(query: &Query) -> Text {
    let k = &query.offer.key;
    let place = if query.offer.in_agent { " (in the agent)" } else { "" };
    let kind = k.kind();
    let mut line = text![portal::name(query), place, ": ", kind, " ", key(&k.sha256)];
    line.0.push(", MD5 ".into());
    line.0.push(key(&k.md5));
    line
}

fn registration_steps(_case: &Case, _asked: &[&Query]) -> Vec<Hint> {
    Vec::new()
}
