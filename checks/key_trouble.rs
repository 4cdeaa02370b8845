//! What is wrong with a key file, in words, with the remedy: pure. The check and the diagnosis
//! both speak with these words.

use jiff::Timestamp;

use crate::{
    command,
    diagnosis::Id,
    evidence::{
        agent::AgentKeys,
        configuration::Effective,
        identities::{Content, Damage, IdentityFile},
        key::{CertificateFacts, PublicKeyFacts},
    },
    finding::Hint,
    text,
    text::{Text, foreign, key, number, path, shell, user},
};

/// What is wrong with one key file.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// The cause that it is.
    pub id: Id,
    /// What was seen.
    pub what: Text,
    /// What it means.
    pub means: Text,
    /// What to do, the first thing first.
    pub steps: Vec<Hint>,
}

/// What is wrong with an identity file; `None` where `ssh` can use it. A default file that is not
/// there is nothing wrong.
#[must_use]
pub fn of_file(file: &IdentityFile, effective: &Effective, agent: &AgentKeys) -> Option<Trouble> {
    let p = || path(&file.path);
    match &file.content {
        Content::Missing if file.named => Some(missing(file)),
        Content::Missing => None,
        Content::Unreadable(why) => Some(Trouble {
            id: Id::KeyUnreadable,
            what: text![p(), " cannot be read: ", foreign(why), "."],
            means: text!["ssh passes it over and goes on without this key."],
            steps: vec![Hint::run(
                text!["Make it yours again (it may have been made with sudo):"],
                command!["sudo", "chown", shell("\"$(id -un)\""), p()],
            )],
        }),
        Content::Directory => Some(malformed(
            text![p(), " is a folder, not a key file."],
            vec![Hint::run(text!["Give the file inside it:"], command!["ls", p()])],
        )),
        Content::Private { .. } if file.too_open => Some(too_open(file)),
        Content::Private { .. } => {
            mismatch(file).or_else(|| weak(file.offered()?, effective, file))
        }
        Content::Public(public) if agent.keys().iter().any(|k| k.same_key(public)) => None,
        Content::Public(_) => Some(public_half(file)),
        Content::Ppk { version, .. } => Some(Trouble {
            id: Id::KeyIsPpk,
            what: text![p(), " is a key in PuTTY's format (version ", number(version), ")."],
            means: text!["ssh cannot read that format, so it has no key to offer."],
            steps: ppk_steps(file),
        }),
        Content::Stranger(name) => Some(malformed(
            text![p(), " is not a private key but ", foreign(name), "."],
            vec![Hint::advice("Give the file with the private key that belongs to it.")],
        )),
        Content::Damaged(damage) => Some(damaged(file, damage)),
    }
}

/// What is wrong with a certificate at this moment for this user.
#[must_use]
pub fn of_certificate(
    certificate: &CertificateFacts,
    file: &str,
    user_name: &str,
    now: Timestamp,
) -> Option<Trouble> {
    let what = if !certificate.is_user {
        text!["The certificate beside ", path(file), " is one for hosts, not for users."]
    } else if let Some(end) = certificate.valid_before.filter(|end| *end <= now) {
        text!["The certificate for ", path(file), " ended on ", end.to_string(), "."]
    } else if let Some(start) = certificate.valid_after.filter(|start| *start > now) {
        text!["The certificate for ", path(file), " is only valid from ", start.to_string(), " on."]
    } else if !certificate.principals.iter().any(|name| name == user_name) {
        let names = foreign(certificate.principals.join(", "));
        text![
            "The certificate for ",
            path(file),
            " is for the users ",
            if certificate.principals.is_empty() { "(none)".into() } else { names },
            ", not for ",
            user(user_name),
            ".",
        ]
    } else {
        return None;
    };
    Some(Trouble {
        id: Id::CertificateExpired,
        what,
        means: text!["The server does not take it, although the key itself may be fine."],
        steps: vec![
            Hint::advice(text![
                "Get a new certificate from whoever issues them for you (",
                foreign(&certificate.key_id),
                ").",
            ]),
            Hint::run(
                text!["This shows for whom and until when a certificate is valid:"],
                command!["ssh-keygen", "-L", "-f", path(certificate_path(file))],
            ),
        ],
    })
}

/// Where the certificate of an identity file is.
fn certificate_path(file: &str) -> String {
    if file.ends_with(".pub") { file.to_owned() } else { format!("{file}-cert.pub") }
}

fn malformed(what: Text, steps: Vec<Hint>) -> Trouble {
    let means = text!["ssh cannot load it and goes on without this key."];
    Trouble { id: Id::KeyMalformed, what, means, steps }
}

fn missing(file: &IdentityFile) -> Trouble {
    let mut steps = vec![Hint::run(
        text!["Look which keys you have, and give the right path with -i:"],
        command!["ls", "-l", path("~/.ssh/")],
    )];
    if let Some(public) = &file.pub_file {
        steps.push(Hint::advice(text![
            "Its public half is still there (",
            key(&public.sha256),
            "): the private file was moved, renamed, or never copied to this computer.",
        ]));
    }
    Trouble {
        id: Id::KeyFileMissing,
        what: text!["The key file ", path(&file.path), " does not exist."],
        means: text![
            "It was named, so it is the key that you mean to use; ssh goes on without it."
        ],
        steps,
    }
}

fn too_open(file: &IdentityFile) -> Trouble {
    let mode = format!("{:04o}", file.mode.unwrap_or_default());
    Trouble {
        id: Id::KeyPermissions,
        what: text![
            "Other users of this computer may read the private key ",
            path(&file.path),
            " (its mode is ",
            mode,
            ").",
        ],
        means: text!["ssh refuses to use such a key: \"This private key will be ignored.\""],
        steps: vec![
            Hint::run(
                text!["Let only yourself read it:"],
                command!["chmod", "600", path(&file.path)],
            ),
            Hint::advice(text![
                "If that changes nothing, the file is on a Windows or network drive, which has no ",
                "such modes: copy it to ~/.ssh and try again.",
            ]),
        ],
    }
}

fn mismatch(file: &IdentityFile) -> Option<Trouble> {
    let (outside, inside) = (file.pub_file.as_ref()?, file.inside()?);
    if outside.same_key(inside) {
        return None;
    }
    let public = format!("{}.pub", file.path);
    Some(Trouble {
        id: Id::KeyPairMismatch,
        what: text![
            path(&public),
            " (",
            key(&outside.sha256),
            ") is not the public half of ",
            path(&file.path),
            " (",
            key(&inside.sha256),
            ").",
        ],
        means: text![
            "ssh offers the key of the .pub file and could not prove it: the right one is never ",
            "tried.",
        ],
        steps: vec![Hint::run(
            text!["Write the public half anew from the private key:"],
            command!["ssh-keygen", "-y", "-f", path(&file.path), shell(">"), path(&public)],
        )],
    })
}

fn weak(public: &PublicKeyFacts, effective: &Effective, file: &IdentityFile) -> Option<Trouble> {
    let what = if public.algorithm == "ssh-dss" {
        text![path(&file.path), " is a DSA key."]
    } else if public.algorithm == "ssh-rsa" && public.bits < effective.required_rsa_size {
        let needs = number(effective.required_rsa_size);
        let bits = number(public.bits);
        text![path(&file.path), " is an RSA key of ", bits, " bits; your ssh asks for ", needs, "."]
    } else {
        return None;
    };
    Some(Trouble {
        id: Id::KeyTooWeak,
        what,
        means: text!["ssh does not offer it to any server."],
        steps: vec![Hint::run(
            text!["Make a new key and have it registered in place of the old one:"],
            command!["ssh-keygen", "-t", "ed25519"],
        )],
    })
}

fn public_half(file: &IdentityFile) -> Trouble {
    let private = file.path.strip_suffix(".pub").map(str::to_owned);
    let mut steps = Vec::new();
    if let Some(private) = private {
        steps.push(Hint::run(
            text!["Name the private half, the same path without .pub:"],
            command!["ssh", "-i", path(private)],
        ));
    }
    steps.push(Hint::advice(
        "A public half only works where the SSH agent holds the private one; yours does not.",
    ));
    Trouble {
        id: Id::KeyIsPublic,
        what: text![path(&file.path), " is the public half of a key."],
        means: text!["Anybody may have that half; to log in, ssh needs the private one."],
        steps,
    }
}

fn ppk_steps(file: &IdentityFile) -> Vec<Hint> {
    let new = file.path.strip_suffix(".ppk").unwrap_or("id_converted").to_owned();
    vec![
        Hint::run(
            text!["Convert it (puttygen is in the package putty-tools):"],
            command!["puttygen", path(&file.path), "-O", "private-openssh", "-o", path(&new)],
        ),
        Hint::run(
            text!["On Windows, PuTTYgen does it by Conversions → Export OpenSSH key. Then use it:"],
            command!["ssh", "-i", path(&new)],
        ),
    ]
}

fn damaged(file: &IdentityFile, damage: &Damage) -> Trouble {
    let p = || path(&file.path);
    let again = || Hint::advice("Copy the key file again from where it works, as a file.");
    match damage {
        Damage::Empty => malformed(text![p(), " is empty."], vec![again()]),
        Damage::Crlf => malformed(
            text![p(), " has the line ends of Windows, which ssh does not take in a key."],
            vec![Hint::run(
                text!["Give it the line ends of Unix:"],
                command!["sed", "-i", "s/\\r$//", p()],
            )],
        ),
        Damage::NoFinalNewline => malformed(
            text![p(), " has no line end after its last line, which ssh needs."],
            vec![Hint::run(text!["Add it:"], command!["echo", shell(">>"), p()])],
        ),
        Damage::Truncated => malformed(
            text![p(), " is cut off: its last line, beginning with -----END, is missing."],
            vec![again()],
        ),
        Damage::Flattened => malformed(
            text![p(), " has lost its line breaks; a key must keep its lines."],
            vec![Hint::advice(
                "If it comes from a CI secret or a password store, store it as a file, or keep its \
                 line breaks.",
            )],
        ),
        Damage::BeforeBegin => malformed(
            text![
                p(),
                " has something before its first line (a space, a quote, an invisible mark)."
            ],
            vec![Hint::advice("Remove everything before -----BEGIN, or copy the file again.")],
        ),
        Damage::WrongHeader(first) => malformed(
            text![p(), " does not begin as a private key does; its first line is: ", first],
            vec![again()],
        ),
        Damage::Undecodable(why) => malformed(
            text![
                p(),
                " looks like a private key, but its content is damaged: ",
                foreign(why),
                "."
            ],
            vec![again()],
        ),
    }
}
