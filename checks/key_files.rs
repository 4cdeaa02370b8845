//! What keeps `ssh` from using a key file, in words and remedies: pure.
//!
//! The check of the keys and the diagnosis read the same table, so they cannot tell two stories.

use jiff::Timestamp;

use crate::{
    command,
    diagnosis::Id,
    evidence::{
        agent::AgentKeys,
        configuration::Effective,
        identities::{Content, Damage, Identities, IdentityFile, NOT_REGULAR},
        key::{CertificateFacts, PublicKeyFacts},
    },
    finding::Hint,
    text,
    text::{Text, foreign, key, number, path, shell, user},
};

/// RSA keys below this many bits are refused by many servers (NIST SP 800-131A, since 2014).
pub const WEAK_RSA_BITS: u32 = 2048;

/// What keeps `ssh` from using one key file.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// The cause that it would be.
    pub id: Id,
    /// What was observed; the first sentence stands alone.
    pub sentences: Vec<Text>,
    /// What to do, the first thing first.
    pub steps: Vec<Hint>,
}

impl Trouble {
    fn new(id: Id, sentence: Text) -> Self {
        Self { id, sentences: vec![sentence], steps: Vec::new() }
    }
    fn and(mut self, sentence: Text) -> Self {
        self.sentences.push(sentence);
        self
    }
    fn step(mut self, step: Hint) -> Self {
        self.steps.push(step);
        self
    }
}

/// Whether the agent holds this key: then `ssh` needs no file to prove it.
#[must_use]
pub fn is_in_agent(agent: &AgentKeys, wanted: &PublicKeyFacts) -> bool {
    agent.keys().iter().any(|held| held.same_key(wanted))
}

/// What keeps `ssh` from using this file; `None` where nothing does, where it is a default name
/// that does not exist, or where the agent holds its key.
#[must_use]
pub fn trouble(file: &IdentityFile, agent: &AgentKeys, others: &[String]) -> Option<Trouble> {
    let public = file.offered().or(match &file.content {
        Content::Ppk { public, .. } => public.as_ref(),
        _ => None,
    });
    if public.is_some_and(|public| is_in_agent(agent, public)) {
        return None;
    }
    match &file.content {
        Content::Missing => missing(file, others),
        Content::Unreadable(why) => Some(unreadable(file, why)),
        Content::Private { .. } if file.too_open => Some(too_open(file)),
        Content::Private { format, .. } if format == "dsa" => Some(is_dsa(file)),
        Content::Private { .. } => mismatch(file),
        Content::Public(_) => Some(is_public(file, others)),
        Content::Ppk { version, .. } => Some(is_ppk(file, *version)),
        Content::Directory => Some(
            Trouble::new(
                Id::KeyMalformed,
                text!["", path(&file.path), " is a directory, not a key."],
            )
            .step(Hint::run(
                "See what is in it, and name the private key itself:",
                command!["ls", "-l", path(&file.path)],
            )),
        ),
        Content::Stranger(what) => Some(stranger(file, what)),
        Content::Damaged(damage) => Some(damaged(file, damage)),
    }
}

fn missing(file: &IdentityFile, others: &[String]) -> Option<Trouble> {
    let place = || path(&file.path);
    if let Some(public) = &file.pub_file {
        let beside = path(format!("{}.pub", file.path));
        let found = Trouble::new(
            Id::KeyFileMissing,
            text!["The private key ", place(), " does not exist; only its public half does."],
        );
        let found = found.and(if file.left_out {
            text![
                "A file that is typed with -i and is not there is left out as a whole, so ssh does \
                 not offer the public half (",
                key(&public.sha256),
                ") either."
            ]
        } else {
            text![
                "ssh offers the public half (",
                key(&public.sha256),
                "), but cannot prove that the key is yours."
            ]
        });
        return Some(found.step(Hint::run(
            text!["Put the private key that belongs to ", beside, " there. See what there is:"],
            command!["ls", "-l", shell("~/.ssh")],
        )));
    }
    if !file.named {
        return None;
    }
    let mut found =
        Trouble::new(Id::KeyFileMissing, text!["The key file ", place(), " does not exist."]);
    if file.path.starts_with('~') || file.path.contains("/~") {
        found = found.and(text![
            "The ~ in it was taken as a letter. Inside quotes a shell does not replace it."
        ]);
    }
    if let Some(first) = others.first() {
        found = found.and(listing("Other private keys were found: ", others)).step(Hint::run(
            text!["If this is the one, name it with -i or IdentityFile. Its fingerprint:"],
            command!["ssh-keygen", "-l", "-f", path(first)],
        ));
    }
    Some(found.step(Hint::run(
        "See which keys there are, and correct the path:",
        command!["ls", "-l", shell("~/.ssh")],
    )))
}

fn unreadable(file: &IdentityFile, why: &str) -> Trouble {
    let mut found = Trouble::new(
        Id::KeyUnreadable,
        text!["The key file ", path(&file.path), " cannot be read: ", foreign(why), "."],
    );
    if why == NOT_REGULAR {
        return found.step(Hint::advice(
            "It is a pipe or a device. ssh opens a key file more than once: give it a real file.",
        ));
    }
    let (Some(mode), Some(owner)) = (file.mode, file.owner) else {
        return in_closed_folder(found, &file.path);
    };
    found = found.and(text![
        "It belongs to the user with the number ",
        number(owner),
        " and has mode ",
        octal(mode),
        "."
    ]);
    if file.own {
        return found.step(Hint::run(
            "It is yours. Let yourself read it:",
            command!["chmod", "600", path(&file.path)],
        ));
    }
    found
        .step(Hint::run(
            "If it is meant to be yours (it was made with sudo, say), make it yours alone:",
            command![
                "sudo",
                "chown",
                shell("\"$(id -u)\""),
                path(&file.path),
                shell("&&"),
                "chmod",
                "600",
                path(&file.path)
            ],
        ))
        .step(Hint::advice("If it belongs to somebody else on purpose, use a key of your own."))
}

/// Nobody could even look at it: then it is a folder that is closed, and no right of the file helps.
fn in_closed_folder(found: Trouble, file: &str) -> Trouble {
    let Some((folder, _)) = file.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) else {
        return found;
    };
    found
        .and(text![
            "You may not look into the folder ",
            path(folder),
            ", or into one above it. So it is not known whether the file is there at all."
        ])
        .step(Hint::run("See whose the folder is:", command!["ls", "-ld", path(folder)]))
        .step(Hint::advice(text![
            "If the folder is yours, open it for yourself alone (chmod 700). If it is somebody \
             else's, use a key of your own: name it with -i or IdentityFile.",
        ]))
}

fn too_open(file: &IdentityFile) -> Trouble {
    let mode = file.mode.map_or_else(String::new, octal);
    let found = Trouble::new(
        Id::KeyPermissions,
        text!["ssh ignores the key ", path(&file.path), ": other users could read it."],
    )
    .and(text!["Its mode is ", mode, "; ssh wants 600, so that only you can read it."]);
    if let Some(disk) = &file.disk {
        let copy = || path(format!("~/.ssh/{}", base_name(&file.path)));
        return found
            .and(text![
                "It is on a disk that keeps no permissions (",
                disk.clone(),
                "), so chmod changes nothing there."
            ])
            .step(Hint::run(
                "Copy it into your home, where only you can read it:",
                command![
                    "mkdir",
                    "-p",
                    path("~/.ssh"),
                    shell("&&"),
                    "cp",
                    path(&file.path),
                    copy(),
                    shell("&&"),
                    "chmod",
                    "600",
                    copy()
                ],
            ))
            .step(Hint::advice(text![
                "Then name the copy, ",
                copy(),
                ", with -i or IdentityFile."
            ]));
    }
    let found = found
        .step(Hint::run("Let only yourself read it:", command!["chmod", "600", path(&file.path)]));
    if file.path.starts_with("/mnt/") || file.path.starts_with("/media/") {
        let copy = shell("~/.ssh/");
        return found.step(Hint::run(
            "If that changes nothing, the disk knows no permissions. Copy the key, then chmod the copy:",
            command!["cp", path(&file.path), copy],
        ));
    }
    found
}

fn is_dsa(file: &IdentityFile) -> Trouble {
    Trouble::new(
        Id::KeyTooWeak,
        text!["The key ", path(&file.path), " is a DSA key; ssh and servers have given those up."],
    )
    .step(Hint::run(
        "Make a new pair of keys, with a passphrase, and have the public half registered:",
        command!["ssh-keygen", "-t", "ed25519"],
    ))
}

fn mismatch(file: &IdentityFile) -> Option<Trouble> {
    let (outside, inside) = (file.pub_file.as_ref()?, file.inside()?);
    if outside.same_key(inside) {
        return None;
    }
    let public = format!("{}.pub", file.path);
    Some(
        Trouble::new(
            Id::KeyPairMismatch,
            text!["", path(&public), " does not belong to the private key beside it."],
        )
        .and(text![
            "The private key ",
            path(&file.path),
            " is ",
            key(&inside.sha256),
            "; the .pub file is ",
            key(&outside.sha256),
            "."
        ])
        .and(text![
            "ssh believes the .pub file: it offers a key that it cannot prove, and never tries the other."
        ])
        .step(Hint::run(
            "Put the wrong .pub file aside, and write the right one from the private key:",
            command![
                "mv",
                path(&public),
                path(format!("{public}.old")),
                shell("&&"),
                "ssh-keygen",
                "-y",
                "-f",
                path(&file.path),
                shell(">"),
                path(&public)
            ],
        ))
        .step(Hint::advice(
            "Then compare the fingerprint with the one that the server's side has on its list.",
        )),
    )
}

fn is_public(file: &IdentityFile, others: &[String]) -> Trouble {
    let found = Trouble::new(
        Id::KeyIsPublic,
        text![
            "",
            path(&file.path),
            " is the public half of a key, and the agent does not hold it."
        ],
    )
    .and(text!["To prove that a key is yours, ssh needs the private half."]);
    let private = file.path.strip_suffix(".pub");
    let found = match private {
        Some(private) if others.iter().any(|other| other == private) => found.step(Hint::run(
            text!["Name the private half, the file without .pub. Test it:"],
            command!["ssh-keygen", "-y", "-f", path(private)],
        )),
        Some(private) => found.step(Hint::run(
            text!["Name the private half. It usually has the same name without .pub; is it there?"],
            command!["ls", "-l", path(private)],
        )),
        None => {
            found.step(Hint::advice("Put the private key there again. It begins with -----BEGIN."))
        }
    };
    found.step(Hint::advice(
        "If the private half is only in an agent (a password manager, a hardware key), start and unlock it.",
    ))
}

fn is_ppk(file: &IdentityFile, version: u8) -> Trouble {
    let name = base_name(&file.path);
    let new = format!("~/.ssh/{}", name.strip_suffix(".ppk").unwrap_or("id_from_putty"));
    Trouble::new(
        Id::KeyIsPpk,
        text!["The key ", path(&file.path), " is in PuTTY's format, which ssh cannot read."],
    )
    .and(text!["It begins with PuTTY-User-Key-File-", number(version), "."])
    .step(Hint::run(
        "Convert it (puttygen is in the package putty-tools), then name the new file:",
        command!["puttygen", path(&file.path), "-O", "private-openssh", "-o", path(new)],
    ))
    .step(Hint::advice(
        "On Windows: open PuTTYgen, load the key, choose Conversions, Export OpenSSH key.",
    ))
}

fn stranger(file: &IdentityFile, what: &str) -> Trouble {
    Trouble::new(
        Id::KeyMalformed,
        text!["", path(&file.path), " is not an SSH private key, but ", foreign(what), "."],
    )
    .step(Hint::advice("Name the file of the private key. It begins with -----BEGIN."))
}

fn damaged(file: &IdentityFile, damage: &Damage) -> Trouble {
    let place = || path(&file.path);
    let found = |why: Text| {
        Trouble::new(
            Id::KeyMalformed,
            text!["The key file ", place(), " is damaged: "].then(why).with("."),
        )
    };
    let again = || {
        Hint::advice(
            "Copy the whole key again from where it was made, as a file. In CI, use a variable of the kind \"file\".",
        )
    };
    let test = || {
        Hint::run(
            "Test it; this prints the public half:",
            command!["ssh-keygen", "-y", "-f", place()],
        )
    };
    match damage {
        Damage::Empty => found(text!["it is empty"]).step(Hint::advice(
            "Put the key there again. In CI: the secret is not set, or not for this job.",
        )),
        Damage::Crlf => {
            found(text!["its lines end as on Windows, and OpenSSH's format forbids that"])
                .step(Hint::run(
                    "Correct the line ends:",
                    command!["sed", "-i", shell(r"'s/\r$//'"), place()],
                ))
                .step(test())
        }
        Damage::NoFinalNewline => found(text!["its last line has no end"])
            .step(Hint::run("Add the missing line end:", command!["echo", shell(">>"), place()]))
            .step(test()),
        Damage::Truncated => found(text!["it is cut off; the END line is missing"]).step(again()),
        Damage::Flattened => {
            found(text!["its line breaks were lost, so that BEGIN and content stand in one line"])
                .step(again())
        }
        Damage::BeforeBegin => found(text!["something stands before -----BEGIN"])
            .step(Hint::advice(
                "Open it in an editor and remove what stands before -----BEGIN: spaces, quotes, an \
                 invisible byte order mark.",
            ))
            .step(test()),
        Damage::WrongHeader(line) => {
            found(text!["its first line is not one that ssh knows: ", line]).step(again())
        }
        Damage::Undecodable(why) => {
            found(text!["its content does not decode (", foreign(why), ")"])
                .step(test())
                .step(again())
        }
    }
}

/// Why a key is of a kind or size that the client or most servers refuse.
#[must_use]
pub fn weakness(effective: &Effective, public: &PublicKeyFacts) -> Option<Text> {
    match public.algorithm.as_str() {
        "ssh-dss" => Some(text!["It is a DSA key; ssh and servers have given those up."]),
        "ssh-rsa" if public.bits < effective.required_rsa_size => Some(text![
            "It is an RSA key of ",
            number(public.bits),
            " bits; your ssh demands at least ",
            number(effective.required_rsa_size),
            "."
        ]),
        "ssh-rsa" if public.bits < WEAK_RSA_BITS => Some(text![
            "It is an RSA key of ",
            number(public.bits),
            " bits; many servers demand at least 2048."
        ]),
        _ => None,
    }
}

/// Why a certificate does not help this user now.
#[must_use]
pub fn certificate_fault(
    certificate: &CertificateFacts,
    login: &str,
    now: Timestamp,
) -> Option<Text> {
    if !certificate.is_user {
        return Some(text!["It is a certificate for hosts, not for users."]);
    }
    if let Some(start) = certificate.valid_after.filter(|start| *start > now) {
        return Some(text!["It is not valid before ", moment(start), "."]);
    }
    if let Some(end) = certificate.valid_before.filter(|end| *end <= now) {
        return Some(text!["It was valid until ", moment(end), "."]);
    }
    // A certificate without names is valid for nobody in OpenSSH's authorized_keys, and for
    // everybody elsewhere: no fault that can be seen from here.
    let names = &certificate.principals;
    if names.is_empty() || names.iter().any(|name| name == login) {
        return None;
    }
    let mut words = text!["It is not for the user ", user(login), ", but for "];
    for (place, name) in names.iter().take(8).enumerate() {
        words = words.with(if place > 0 { ", " } else { "" }).with(foreign(name));
    }
    Some(words.with("."))
}

/// A time for people, to the second, in UTC.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The private key that this user would load: of a named file first.
#[must_use]
pub fn own_key(identities: &Identities) -> Option<&str> {
    let private = || {
        let files = identities.files.iter();
        let dsa = |f: &IdentityFile| f.offered().is_some_and(|key| key.algorithm == "ssh-dss");
        files
            .filter(|f| matches!(f.content, Content::Private { .. }) && !f.too_open)
            .filter(move |f| !dsa(f))
    };
    let first = private().find(|f| f.named).or_else(|| private().next());
    first.map(|f| f.path.as_str()).or(identities.untried.first().map(String::as_str))
}

/// `words a, b, c.`
#[must_use]
pub fn listing(words: &'static str, paths: &[String]) -> Text {
    let mut line = text![words];
    for (place, one) in paths.iter().take(8).enumerate() {
        line = line.with(if place > 0 { ", " } else { "" }).with(path(one));
    }
    if paths.len() > 8 {
        line = line.with(" and ").with(number(paths.len() - 8)).with(" more");
    }
    line.with(".")
}

fn octal(mode: u32) -> String {
    format!("{mode:03o}")
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
