//! Causes in what the server says about keys.

use super::{Diagnosis, Id, Rule, configuration};
use crate::{
    case::Case,
    command,
    evidence::queries::{Answer, Queries, Query, RsaSignatures},
    finding::Hint,
    portal,
    profile::{FingerprintForm, menu},
    text,
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
                    .then(text![who, ": "])
                    .then(identity(one))
                    .with("."),
            )
            .because(text!["Its fingerprint is ", key(&k.sha256), ", as MD5 ", key(&k.md5), "."]);
    } else {
        let count = number(asked.len());
        found = found.because(text![
            "Asked as ssh asks it, the server would take none of these ",
            count,
            " keys for the user ",
            who,
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
    if case.effective().is_some_and(|e| e.user_is_local_default) {
        found = found
            .because(text![
                "Nobody named a user, so ssh sends the name that you have on this computer: ",
                user(&queries.user),
                "."
            ])
            .step(Hint::run(
                "If you have another name on the server, put it in the place of USER:",
                case.plan.ssh().user("USER").command(),
            ));
    }
    for step in registration_steps(case, &asked) {
        found = found.step(step);
    }
    // Where the provider has one user for all, and it is this one, the user is not the cause.
    if case.profile().user.as_ref() != Some(&queries.user) {
        found = found.or(Id::UnexpectedUser);
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

/// What to do where a log shows that no key was taken.
pub(super) fn steps_for_log(case: &Case) -> Vec<Hint> {
    let offers = case.queries().map(|q| q.offers.iter().collect::<Vec<_>>()).unwrap_or_default();
    registration_steps(case, &offers)
}

/// Where to register which key: the provider's portal, or what any provider needs.
fn registration_steps(case: &Case, asked: &[&Query]) -> Vec<Hint> {
    let profile = case.profile();
    let mut steps = Vec::new();
    let file = asked.iter().find_map(|q| q.offer.path.as_deref());
    let Some(portal) = &profile.portal else {
        steps.push(Hint::advice(text![
            "Send the public half of the key that you mean to use to those who run the server, ",
            "and ask whether exactly this key is allowed for this user.",
        ]));
        if let Some(file) = file {
            let public = command!["ssh-keygen", "-y", "-f", path(file)];
            steps.push(Hint::run(text!["This prints the public half:"], public));
        }
        return steps;
    };
    let md5 = portal.fingerprint_form == FingerprintForm::Md5;
    let fingerprints = asked.iter().map(|q| &q.offer.key).take(MOST_NAMED);
    let shown: Vec<_> = fingerprints
        // A log has no MD5 fingerprints, and an old one none at all.
        .map(|k| if md5 && !k.md5.is_empty() { &k.md5 } else { &k.sha256 })
        .filter(|fingerprint| !fingerprint.is_empty())
        .collect();
    let mut compare = text![
        "See whether the key is there: log in to ",
        portal.name.clone(),
        " (",
        portal.url.clone(),
        "), open ",
        menu(&portal.environment_key_path),
        ", and look for the fingerprint ",
    ];
    for (place, fingerprint) in shown.into_iter().enumerate() {
        if place > 0 {
            compare.0.push(" or ".into());
        }
        compare.0.push(key(fingerprint));
    }
    compare.0.push(".".into());
    steps.push(Hint::advice(compare));
    let pending = quoted(&portal.pending);
    let active = quoted(&portal.active);
    steps.push(Hint::advice(text![
        "If it is there, but says ",
        pending,
        ": wait until it says ",
        active,
        ". Nothing on your computer needs to change. It takes a while",
        portal.duration.as_ref().map(|d| format!(" ({d})")).unwrap_or_default(),
        ".",
    ]));
    let mut register = text!["If it is not there: add it first as yours (", menu(&portal.key_path)];
    register = register.then(text![
        "), then on this environment; each environment has its own list. It may be added by ",
        portal.who.clone().unwrap_or_else(|| "those who manage the project".to_owned()),
        ".",
    ]);
    steps.push(match file {
        Some(file) => Hint::run(
            register.then(text![" This prints the line to paste there:"]),
            command!["ssh-keygen", "-y", "-f", path(file)],
        ),
        None => Hint::advice(register),
    });
    let newer = asked.iter().any(|q| q.offer.key.algorithm != "ssh-rsa");
    if let Some(note) = profile.key_type_note.as_ref().filter(|_| newer) {
        steps.push(Hint::advice(text![note.clone()]));
    }
    steps
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(" or ")
}
