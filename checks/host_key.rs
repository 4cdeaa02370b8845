//! Host key.

#[cfg(test)]
mod tests;
mod secret;

use jiff::Timestamp;

use crate::{
    case::Plan,
    check::{About, Check},
    command,
    evidence::{
        Evidence, Needed, Seen, Unseen,
        configuration::{Effective, StrictHostKeyChecking},
        handshake::Handshake,
        key::PublicKeyFacts,
        known_hosts::{KnownHosts, Unread},
    },
    finding::{Finding, Hint},
    host_trust::{self, Acceptance, CertificateFault, Place, Trust},
    text,
    text::{Command, Text, foreign, host, key, number, path},
};

/// Host key.
pub struct HostKey;

/// What is judged.
pub struct Facts<'e> {
    /// What `ssh` would do.
    pub effective: Result<&'e Effective, Unseen>,
    /// What the server said.
    pub handshake: &'e Seen<Handshake>,
    /// What is known of the server.
    pub known_hosts: &'e Seen<KnownHosts>,
    /// The moment at which validity is judged.
    pub now: Timestamp,
}

impl Check for HostKey {
    const ABOUT: About = About { id: "host-key", title: "Host key" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (handshake, known_hosts) =
            futures_util::join!(evidence.handshake(), evidence.known_hosts());
        let effective = evidence.effective().await;
        Facts { effective, handshake, known_hosts, now: evidence.started_at() }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let effective = match facts.effective {
            Ok(effective) => effective,
            Err(why) => return Finding::unseen(&why),
        };
        let (handshake, known) = match (facts.handshake, facts.known_hosts) {
            (Ok(handshake), Ok(known)) => (handshake, known),
            (Err(why), _) | (_, Err(why)) => return Finding::unseen(why),
        };
        let Some(shown) = &handshake.host_key else {
            return Finding::unseen(&Unseen::Needs(Needed::Handshake));
        };
        if let Some(why) = host_trust::too_small(effective, shown) {
            return Finding::fail(why)
                .detail_all(fingerprints(shown))
                .fact("bits", shown.bits)
                .fact("algorithm", &shown.algorithm)
                .fact("sha256", &shown.sha256);
        }
        let principal = host_trust::principal(effective);
        let trust = host_trust::judge_key(known, shown, &principal, facts.now);
        let accepts = host_trust::acceptance(&trust, effective, plan.interactive);
        let finding = judge(plan, effective, known, shown, &trust, accepts);
        finding
            .detail_all(troubles(effective, known))
            .fact("algorithm", &shown.algorithm)
            .fact("sha256", &shown.sha256)
            .fact("md5", &shown.md5)
            .fact("looked_up_as", &known.name)
            .fact("trust", &trust)
            .fact("ssh", accepts)
    }
}

fn judge(
    plan: &Plan,
    effective: &Effective,
    known: &KnownHosts,
    shown: &PublicKeyFacts,
    trust: &Trust,
    accepts: Acceptance,
) -> Finding {
    let fingerprint = || key(&shown.sha256);
    match trust {
        Trust::Known(place) => {
            Finding::pass(text!["The server's ", shown.kind(), " key is known: ", at(place), "."])
                .detail(text!["Fingerprint ", fingerprint(), "."])
        }
        Trust::KnownByAuthority(place) => Finding::pass(text![
            "The server's certificate is signed by a known authority: ",
            at(place),
            "."
        ])
        .detail(text!["Fingerprint of the server's key ", fingerprint(), "."]),
        Trust::NotChecked => Finding::pass(text![
            "ssh does not check the server's ",
            shown.kind(),
            " key: the connection stays on this computer (NoHostAuthenticationForLocalhost)."
        ])
        .detail(text!["Fingerprint ", fingerprint(), "."]),
        Trust::Unknown => unknown(plan, effective, known, shown, accepts),
        _ => {
            let mut words = describe(effective, shown, trust);
            let first = if words.is_empty() { Text::default() } else { words.remove(0) };
            let refuses = accepts == Acceptance::Refuses && !may_know(effective, trust);
            let finding = if refuses { Finding::fail(first) } else { Finding::warn(first) };
            let finding = finding.detail_all(words);
            let finding = match (trust, accepts) {
                (Trust::Changed { .. } | Trust::Revoked(_), Acceptance::Accepts) => finding.detail(
                    "ssh goes on because StrictHostKeyChecking is off, without passwords and agent \
                     forwarding. Nothing protects the connection from a stranger in between.",
                ),
                _ => finding,
            };
            steps(plan, effective, known, shown, trust).into_iter().fold(finding, Finding::hint)
        }
    }
}

/// Whether KnownHostsCommand, which is not run, may know the key that the files do not know.
fn may_know(effective: &Effective, trust: &Trust) -> bool {
    let open = matches!(trust, Trust::Unknown | Trust::Changed { .. });
    open && effective.known_hosts_command.is_some()
}

fn unknown(
    plan: &Plan,
    effective: &Effective,
    known: &KnownHosts,
    shown: &PublicKeyFacts,
    accepts: Acceptance,
) -> Finding {
    let finding = match accepts {
        Acceptance::Refuses if may_know(effective, &Trust::Unknown) => Finding::warn(
            "No known_hosts file has the server's key; whether KnownHostsCommand knows it is open.",
        ),
        Acceptance::Refuses => Finding::fail(
            "This computer does not know the server's key, and ssh may not accept it.",
        ),
        Acceptance::Asks => Finding::warn(
            "This computer does not know the server's key yet: ssh will ask whether to trust it.",
        ),
        Acceptance::Accepts => Finding::warn(
            "This computer does not know the server's key yet: ssh will accept it unseen.",
        ),
    };
    let finding = finding.detail_all(fingerprints(shown));
    verify(plan, effective, known, accepts).into_iter().fold(finding, Finding::hint)
}

/// Both forms of the fingerprint that people may have to compare.
fn fingerprints(shown: &PublicKeyFacts) -> Vec<Text> {
    vec![
        text!["The server shows the ", shown.kind(), " key ", key(&shown.sha256), "."],
        text!["The same in the older form: MD5 ", key(&shown.md5), "."],
    ]
}

/// `file:line`.
fn at(place: &Place) -> crate::text::Span {
    path(format!("{}:{}", place.path, place.line))
}

/// What is wrong, a sentence each, the most important first. Empty for a known key.
pub(crate) fn describe(effective: &Effective, shown: &PublicKeyFacts, trust: &Trust) -> Vec<Text> {
    let name = host(&effective.host);
    let mut words = match trust {
        Trust::Known(_) | Trust::KnownByAuthority(_) | Trust::NotChecked => return Vec::new(),
        Trust::Unknown => vec![match &effective.host_key_alias {
            None => text!["No key of ", name, " is in the known_hosts files."],
            Some(alias) => text![
                "No key of ",
                host(alias),
                ", as which your configuration has ",
                name,
                " looked up (HostKeyAlias), is in the known_hosts files."
            ],
        }],
        Trust::Revoked(place) => {
            vec![text!["The key of ", name, " is marked as revoked in ", at(place), "."]]
        }
        Trust::RevokedByList { path: file } => {
            vec![text![
                "The key of ",
                name,
                " is in the list of revoked keys ",
                path(file),
                " (RevokedHostKeys)."
            ]]
        }
        Trust::ListUnreadable { path: file, why } => {
            vec![text![
                "The list of revoked keys ",
                path(file),
                " (RevokedHostKeys) cannot be read: ",
                foreign(why),
                ". Without it ssh accepts no key of any server."
            ]]
        }
        Trust::Changed { same_type, other_types } => {
            let mut words = vec![if same_type.is_empty() {
                text!["This computer knows ", name, " by a key of another type than it shows."]
            } else {
                text!["The key of ", name, " is not the one that this computer knows."]
            }];
            for known in same_type.iter().chain(other_types) {
                words.push(text![
                    "Known is ",
                    key(known.sha256.as_deref().unwrap_or("an unreadable key")),
                    " (",
                    foreign(&known.algorithm),
                    ") from ",
                    at(known),
                    "."
                ]);
            }
            words
        }
        Trust::CertificateInvalid { authority, reason } => {
            let wrong = match reason {
                CertificateFault::NotForHosts => text!["it is a certificate for a user"],
                CertificateFault::Expired => text!["it has expired"],
                CertificateFault::NotYetValid => {
                    text!["it is not valid yet (or this computer's clock is slow)"]
                }
                CertificateFault::WrongPrincipal => {
                    text!["it is not for the name ", host(host_trust::principal(effective))]
                }
                CertificateFault::CriticalOption => text!["it has options that ssh does not know"],
            };
            let mut words =
                vec![text!["The certificate of ", name, " is not valid: "].then(wrong).with(".")];
            words.extend(validity(shown));
            words.push(text!["Its authority is known from ", at(authority), "."]);
            words
        }
    };
    words.extend(fingerprints(shown));
    words
}

/// For whom and how long a certificate is valid.
fn validity(shown: &PublicKeyFacts) -> Option<Text> {
    let certificate = shown.certificate.as_ref()?;
    let moment = |at: Option<Timestamp>, none| at.map_or(none, |at| at.to_string());
    let mut line = text![
        "It is valid from ",
        moment(certificate.valid_after, "always".into()),
        " until ",
        moment(certificate.valid_before, "forever".into()),
        ", for"
    ];
    if certificate.principals.is_empty() {
        line = line.with(" any name");
    }
    for name in certificate.principals.iter().take(8) {
        line = line.with(" ").with(foreign(name));
    }
    Some(line.with("."))
}

/// What to do about it, the first thing first. Empty for a known key.
pub(crate) fn steps(
    plan: &Plan,
    effective: &Effective,
    known: &KnownHosts,
    shown: &PublicKeyFacts,
    trust: &Trust,
) -> Vec<Hint> {
    match trust {
        Trust::Known(_) | Trust::KnownByAuthority(_) | Trust::NotChecked => Vec::new(),
        Trust::Unknown => verify(plan, effective, known, Acceptance::Refuses),
        Trust::Revoked(place) => vec![Hint::advice(text![
            "Do not connect. Ask whoever operates the server for its new key. The mark in ",
            at(place),
            " was set because this key must never be trusted again."
        ])],
        Trust::RevokedByList { path: file } => vec![Hint::advice(text![
            "Do not connect. Ask whoever operates the server for its new key, and whoever keeps ",
            path(file),
            " why this one was revoked."
        ])],
        Trust::ListUnreadable { path: file, .. } => vec![
            Hint::run(
                "See whether the file is there and whether you may read it:",
                command!["ls", "-l", path(file)],
            ),
            Hint::advice(
                "If the file is not meant to be there, remove the RevokedHostKeys line from the \
                 ssh configuration; else restore it.",
            ),
        ],
        Trust::Changed { same_type, other_types } => {
            let mut steps = vec![Hint::advice(text![
                "First ask whoever operates the server, not over this connection, whether its key \
                 is now ",
                key(&shown.sha256),
                ". If nobody knows of a change, do not connect: somebody may be in between."
            ])];
            let mut files: Vec<&Place> = Vec::new();
            for place in same_type.iter().chain(other_types) {
                if place.by_pattern {
                    steps.push(Hint::advice(text![
                        "Only if the new key is confirmed: change line ",
                        number(place.line),
                        " of ",
                        path(&place.path),
                        " by hand. It names hosts by a pattern, so other hosts use it too."
                    ]));
                } else if !files.iter().any(|f| f.path == place.path) {
                    files.push(place);
                    if secret::is_origin_of(&place.path) {
                        steps.push(secret::forget(&known.name));
                        continue;
                    }
                    let words = "Only if the new key is confirmed: forget the old one.";
                    let words = text![words, then_ssh(effective)];
                    steps.push(Hint::run(words, forget(&known.name, &place.path)));
                }
            }
            // A line that is changed by hand has the new key already.
            let is_forgotten = !files.is_empty();
            steps.extend(learn_new(plan, effective, known, is_forgotten));
            if same_type.is_empty() {
                steps.push(Hint::advice(
                    "The known key may still be good: remove a HostKeyAlgorithms line from the ssh \
                     configuration, if there is one, so that ssh asks for the type that it knows.",
                ));
            }
            steps
        }
        Trust::CertificateInvalid { .. } => vec![Hint::advice(
            "Ask whoever operates the server to renew its certificate, for this name. Look whether \
             this computer's clock is right.",
        )],
    }
}

/// What the next `ssh` does with the new key, once the old one is forgotten.
fn then_ssh(effective: &Effective) -> &'static str {
    match effective.strict_host_key_checking {
        StrictHostKeyChecking::Ask if !effective.batch_mode => {
            " The next ssh then asks for the new one."
        }
        StrictHostKeyChecking::Ask | StrictHostKeyChecking::Yes => {
            " The next ssh then still refuses the new one, since it may not ask."
        }
        StrictHostKeyChecking::AcceptNew | StrictHostKeyChecking::No => {
            " The next ssh as it is set then takes the new one unseen."
        }
    }
}

/// How the new key becomes known, where `ssh` does not ask for it of its own accord.
fn learn_new(
    plan: &Plan,
    effective: &Effective,
    known: &KnownHosts,
    is_forgotten: bool,
) -> Vec<Hint> {
    match effective.strict_host_key_checking {
        StrictHostKeyChecking::Yes if is_forgotten => add_by_hand(plan, effective, known),
        StrictHostKeyChecking::Yes => Vec::new(),
        StrictHostKeyChecking::Ask if !effective.batch_mode => Vec::new(),
        StrictHostKeyChecking::Ask => vec![Hint::run(
            "Your ssh is set to ask nobody (BatchMode). At a terminal, let it ask this once, and \
             answer with the fingerprint:",
            asking(plan, effective),
        )],
        StrictHostKeyChecking::No | StrictHostKeyChecking::AcceptNew => vec![Hint::run(
            "Your ssh is set to accept new keys unasked (StrictHostKeyChecking). Let it ask \
             this once, and answer with the fingerprint:",
            asking(plan, effective),
        )],
    }
}

/// `ssh-keygen -R NAME -f FILE`.
fn forget(name: &str, file: &str) -> Command {
    command!["ssh-keygen", "-R", host(name), "-f", path(file)]
}

/// How to get from an unknown key to a known one.
fn verify(
    plan: &Plan,
    effective: &Effective,
    known: &KnownHosts,
    accepts: Acceptance,
) -> Vec<Hint> {
    let compare = Hint::advice(
        "Compare the fingerprint with the one that the operator of the server publishes or tells \
         you. Only if they are the same, accept it.",
    );
    let mut steps = vec![compare];
    if accepts != Acceptance::Refuses {
        steps.push(Hint::run(
            "Connect once and answer the question with the fingerprint, which is safer than yes.",
            asking(plan, effective),
        ));
        steps.extend(keep_known(plan, effective));
        return steps;
    }
    steps.extend(add_by_hand(plan, effective, known));
    steps
}

/// The file in which `ssh` keeps the keys of this user; none where it keeps them nowhere.
fn kept_in(effective: &Effective) -> Option<&str> {
    let mut files = effective.user_known_hosts_files.iter().map(String::as_str);
    files.find(|file| !matches!(*file, "/dev/null" | "none"))
}

/// Where known keys are kept unless somebody sets another place.
const USUAL_FILE: &str = "~/.ssh/known_hosts";

/// Whatever is learned is lost where it is kept nowhere.
fn keep_known(plan: &Plan, effective: &Effective) -> Option<Hint> {
    kept_in(effective).is_none().then(|| {
        Hint::run(
            "Your configuration keeps no known keys (UserKnownHostsFile). Let ssh read that file:",
            plan.client().set(text!["UserKnownHostsFile=", path(USUAL_FILE)]).command(),
        )
    })
}

/// How a compared key gets into the files where `ssh` may not ask about it.
fn add_by_hand(plan: &Plan, effective: &Effective, known: &KnownHosts) -> Vec<Hint> {
    if effective.is_proxied() {
        // ssh-keyscan knows no way through another host.
        let accept = Hint::run(
            "Then, at a terminal, connect once and answer the question with the fingerprint:",
            asking(plan, effective),
        );
        return [Some(accept), keep_known(plan, effective)].into_iter().flatten().collect();
    }
    let file = kept_in(effective).unwrap_or(USUAL_FILE);
    let mut scan = command!["ssh-keyscan", "-p", number(effective.port), host(&effective.host)];
    if let Some(alias) = &effective.host_key_alias {
        // ssh looks it up by that name alone.
        let rename = text!["s/^[^ ]* /", host(alias), " /"];
        scan.0.extend([text![text::shell("|")], text!["sed"], rename]);
    }
    if secret::is_origin_of(file) {
        return vec![secret::add(scan)];
    }
    let mut steps = Vec::new();
    let is_there = known.files.iter().any(|known| known.path == file && known.exists);
    if let Some((folder, _)) = file.rsplit_once('/').filter(|_| !is_there) {
        steps.push(Hint::run(
            "Make the folder, where it is not there yet:",
            command!["mkdir", "-p", "-m", "700", path(folder)],
        ));
    }
    scan.0.extend([text![text::shell(">>")], text![path(file)]]);
    steps.push(Hint::run(
        "Then add it. ssh-keyscan trusts whoever answers, so compare what it wrote as well.",
        scan,
    ));
    steps.extend(keep_known(plan, effective));
    steps
}

/// A connection in which `ssh` asks about a new key, whatever the configuration says.
fn asking(plan: &Plan, effective: &Effective) -> Command {
    let mut client = plan.client();
    if effective.batch_mode {
        client = client.set("BatchMode=no");
    }
    if effective.strict_host_key_checking != StrictHostKeyChecking::Ask {
        client = client.set("StrictHostKeyChecking=ask");
    }
    if kept_in(effective).is_none() {
        client = client.set(text!["UserKnownHostsFile=", path(USUAL_FILE)]);
    }
    client.command()
}

/// What kept this check, or `ssh`, from seeing all.
fn troubles(effective: &Effective, known: &KnownHosts) -> Vec<Text> {
    let mut lines = Vec::new();
    for file in &known.files {
        if let Some(why) = &file.unreadable {
            lines.push(text![path(&file.path), " cannot be read: ", foreign(why), "."]);
        }
        for line in file.lines.iter().filter(|line| line.sha256.is_none()) {
            lines.push(text![
                path(format!("{}:{}", file.path, line.line)),
                " names this host, but its key is damaged, so ssh skips the line."
            ]);
        }
    }
    if let Some(revoked) = &known.revoked {
        let what = match &revoked.list {
            Err(Unread::NotUnderstood) => Some(""),
            Ok(list) if list.certificates => Some("what it says of certificates in "),
            _ => None,
        };
        lines.extend(what.map(|what| {
            text![
                "The list of revoked keys was not looked at, or not whole: ",
                what,
                path(&revoked.path),
                " (RevokedHostKeys)."
            ]
        }));
    }
    if effective.known_hosts_command.is_some() {
        lines.push(text![
            "ssh also asks a command for known keys (KnownHostsCommand); it was not run."
        ]);
    }
    if effective.check_host_ip {
        lines.push(text![
            "ssh also looks the key up under the server's address (CheckHostIP); that was not done."
        ]);
    }
    lines
}
