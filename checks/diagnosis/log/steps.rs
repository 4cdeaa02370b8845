//! What to do about a cause that a log shows, with the words of that log in the commands.

use crate::{
    case::Case,
    command,
    diagnosis::{Id, path as network},
    explain::{Log, Mark, Sign},
    finding::Hint,
    registration::{quoted, where_keys_are},
    text,
    text::{foreign, host, key, number, path, shell},
};

/// The first thing first. `mark` is the line that decides.
pub(super) fn of(id: Id, case: &Case, log: &Log, mark: Option<&Mark>) -> Vec<Hint> {
    let ssh = || case.plan.ssh();
    let file = mark.map(file_of).filter(|file| !file.is_empty());
    let named = |or: &'static str| path(file.unwrap_or(or));
    let port = case.effective().map_or(22, |e| e.port);
    match id {
        Id::SshConfigPermissions => vec![Hint::run(
            "Let nobody else change the file:",
            command!["chmod", "600", named("~/.ssh/config")],
        )],
        Id::SshConfigInvalid => {
            vec![Hint::advice("Correct the line that ssh names, then try again.")]
        }
        Id::ForwardingProhibited => vec![Hint::advice(
            "Ask those who run the jump host to allow going on to this host (AllowTcpForwarding, \
             PermitOpen), or use the jump host that they name.",
        )],
        Id::JumpHostCannotConnect => vec![Hint::advice(
            "Check the host's name and port as the jump host knows them, and whether its SSH server \
             runs.",
        )],
        Id::ProxyFailed => vec![Hint::advice(
            "Read the lines before the last one: the jump host or the command says there what it \
             lacks. Try it by itself first.",
        )],
        Id::NameNotFound | Id::NameHasNoAddress | Id::ShortNameOutside => vec![Hint::advice(
            "Check the name letter by letter with those who gave it to you. If it is right, the name \
             may only exist in another network, such as a VPN.",
        )],
        Id::DnsTimeout | Id::DnsServerFailure | Id::NoNetwork => vec![Hint::advice(
            "Check the network connection, the VPN and the name server of the computer on which this \
             was printed. If other names work there, wait a minute and try again.",
        )],
        Id::BindAddressUnavailable => vec![Hint::advice(
            "Remove BindAddress or BindInterface (-b, -B), or connect the network (VPN) that has it.",
        )],
        Id::RefusedByHost | Id::Filtered | Id::HostUnreachable | Id::SystemError => {
            let mut steps = vec![Hint::advice(text![
                "Check host and port with those who gave them to you: here it is port ",
                number(port),
                "."
            ])];
            steps.push(network::allow_list_hint(case));
            steps.push(network::try_elsewhere());
            steps
        }
        Id::LocalFirewall => vec![Hint::advice(
            "Look at the firewall of the computer on which this was printed, and at what its \
             administrators allow.",
        )],
        Id::ServerOverloaded | Id::SourcePenalty | Id::ClosedBeforeBanner => vec![
            network::allow_list_hint(case),
            Hint::run(
                "Wait ten minutes without trying, then try once; with -v it also shows what the \
                 server says before it closes:",
                ssh().flag("-v").command(),
            ),
        ],
        Id::NotSsh | Id::Tarpit | Id::ProtocolTooOld => vec![Hint::advice(text![
            "Check host and port: something else than a current SSH server answers on port ",
            number(port),
            "."
        ])],
        Id::SilentServer => vec![
            Hint::advice(
                "Try again in a few minutes: a server that is starting or out of memory behaves so.",
            ),
            network::try_elsewhere(),
        ],
        Id::HandshakeStalled => vec![
            Hint::advice(
                "If a VPN is in use: try once without it. If that helps, ask those who run it to \
                 lower its packet size (MTU), for example to 1280.",
            ),
            Hint::run(
                "See whether it is the size. This makes ssh's first packet short:",
                ssh().set("KexAlgorithms=curve25519-sha256").command(),
            ),
        ],
        Id::HandshakeCut => vec![network::try_elsewhere()],
        Id::NoCommonAlgorithm => no_common(case, mark),
        Id::HostKeyChanged => host_key_changed(case, log),
        Id::HostKeyRevoked => vec![Hint::advice(
            "Do not connect. Ask those who run the server why its key is revoked, and for the new \
             one.",
        )],
        Id::HostCertificateInvalid => vec![Hint::advice(
            "Check the host's name as the certificate has it. If it is right, those who run the \
             server must renew its certificate.",
        )],
        Id::RevokedKeysUnreadable => vec![Hint::advice(
            "Make the file of RevokedHostKeys readable, or take the line out of the configuration.",
        )],
        Id::HostKeyTooWeak => vec![Hint::advice(
            "Those who run the server must give it a larger key, or one of another type.",
        )],
        Id::HostKeyUnknown => vec![Hint::run(
            "Ask those who run the server for the fingerprint of its key. Connect once at a terminal, \
             compare, and answer yes only if it is the same:",
            ssh().command(),
        )],
        Id::PasswordOnly => vec![
            Hint::advice("Check that this is the right host and user."),
            Hint::advice(
                "If they are, those who run the server must allow login by key for this user \
                 (PubkeyAuthentication).",
            ),
        ],
        Id::PubkeyDisabled => vec![Hint::run(
            "Allow it for one login, then correct the configuration (PubkeyAuthentication, \
             PreferredAuthentications):",
            ssh()
                .set("PubkeyAuthentication=yes")
                .set("PreferredAuthentications=publickey")
                .command(),
        )],
        Id::AgentUnreachable => vec![
            Hint::advice("Open a new terminal: this one may remember an agent that has ended."),
            Hint::run("Or name a key file:", ssh().identity("~/.ssh/id_ed25519").command()),
        ],
        Id::NoKey | Id::KeyFileMissing => vec![
            Hint::run("See which keys there are:", command!["ls", "-l", path("~/.ssh")]),
            Hint::run("See what the agent holds:", command!["ssh-add", "-l"]),
            Hint::run(
                "Name the right one; put its file in the place of the last word of -i:",
                ssh().identity("~/.ssh/id_ed25519").command(),
            ),
        ],
        Id::KeyUnreadable => vec![Hint::run(
            "See whose file it is:",
            command!["ls", "-l", named("~/.ssh/id_ed25519")],
        )],
        Id::KeyPermissions => vec![Hint::run(
            "Let nobody else read it:",
            command!["chmod", "600", named("~/.ssh/id_ed25519")],
        )],
        Id::KeyIsPublic => {
            let private = file.map(|file| file.trim_end_matches(".pub").to_owned());
            vec![Hint::run(
                "Name the private half, without .pub:",
                ssh().only_identity(private.as_deref().unwrap_or("~/.ssh/id_ed25519")).command(),
            )]
        }
        Id::KeyIsPpk => vec![Hint::run(
            "Write it in the format of OpenSSH, and name the new file:",
            command!["puttygen", named("KEY.ppk"), "-O", "private-openssh", "-o", "KEY"],
        )],
        Id::KeyMalformed => vec![
            Hint::run(
                "See what is in it. A private key begins with -----BEGIN and ends with a line break; \
                 never show it to anybody:",
                command!["head", "-1", named("~/.ssh/id_ed25519")],
            ),
            Hint::advice(
                "Copy it again from where it came, as a file and not by way of a text field.",
            ),
        ],
        Id::KeyTooWeak | Id::KeyTypeRefused => vec![Hint::run(
            "Make a key of a current type, and have its public half registered:",
            command!["ssh-keygen", "-t", "ed25519"],
        )],
        Id::KeyPairMismatch => vec![Hint::run(
            "Write the public half anew from the private one:",
            command![
                "ssh-keygen",
                "-y",
                "-f",
                named("~/.ssh/id_ed25519"),
                shell(">"),
                path(format!("{}.pub", file.unwrap_or("~/.ssh/id_ed25519")))
            ],
        )],
        Id::KeyLocked => vec![
            Hint::run(
                "Load the key into the agent before this runs:",
                command!["ssh-add", named("~/.ssh/id_ed25519")],
            ),
            Hint::advice(
                "For a CI job, use a key of its own without passphrase, kept as a secret of the CI.",
            ),
        ],
        Id::SecurityKeyAbsent => {
            vec![Hint::advice("Plug the security key in, and touch it when it blinks.")]
        }
        Id::CertificateExpired => vec![Hint::run(
            "See for whom and until when the certificate is:",
            command!["ssh-keygen", "-L", "-f", named("~/.ssh/id_ed25519-cert.pub")],
        )],
        Id::TooManyKeys => vec![Hint::run(
            "Offer the right key alone; put its file in the place of the last word of -i:",
            ssh().only_identity("~/.ssh/id_ed25519").command(),
        )],
        Id::KeyNotAccepted => not_accepted(case),
        Id::FailsAfterLogin => after_login(case, mark),
        _ => Vec::new(),
    }
}

/// Where to look for a key that was not taken. A log has its fingerprint and not the key itself.
fn not_accepted(case: &Case) -> Vec<Hint> {
    let offers = case.queries().map(|queries| queries.offers.as_slice()).unwrap_or_default();
    let file = offers.iter().find_map(|query| query.offer.path.as_deref());
    let public = |words: &'static str| {
        let file = file.unwrap_or("~/.ssh/id_ed25519");
        Hint::run(words, command!["ssh-keygen", "-y", "-f", path(file)])
    };
    let Some(portal) = &case.profile().portal else {
        return vec![
            Hint::advice(
                "Send the public half of the key that you mean to use to those who run the server, \
                 and ask whether exactly this key is allowed for this user.",
            ),
            public("This prints the public half:"),
        ];
    };
    let mut compare = where_keys_are(portal).with(", and look for its fingerprint");
    let known = offers.iter().map(|query| &query.offer.key.sha256).filter(|f| !f.is_empty());
    for (place, fingerprint) in known.take(6).enumerate() {
        compare.0.push(if place > 0 { " or ".into() } else { ", which the log has as ".into() });
        compare.0.push(key(fingerprint));
    }
    let wait = text![
        ". If it says ",
        quoted(&portal.pending),
        ", wait until it says ",
        quoted(&portal.active),
        "."
    ];
    let steps = vec![Hint::advice(compare.then(wait))];
    let md5 = Hint::run(
        "The portal shows the fingerprint as MD5. Yours is:",
        command!["ssh-keygen", "-l", "-E", "md5", "-f", path(file.unwrap_or("~/.ssh/id_ed25519"))],
    );
    let shows_md5 = portal.fingerprint_form == crate::profile::FingerprintForm::Md5;
    let more = shows_md5.then_some(md5);
    let add = public(
        "If it is not there, have this line added, first as yours, then on this environment:",
    );
    steps.into_iter().chain(more).chain([add]).collect()
}

/// The file that a line names.
fn file_of(mark: &Mark) -> &str {
    match mark.sign {
        Sign::KeyOpen if mark.words.len() == 2 => mark.word(1),
        Sign::Accepted => mark.word(0).split(' ').next().filter(|w| w.contains('/')).unwrap_or(""),
        Sign::KeyOpen
        | Sign::ConfigOpen
        | Sign::KeyNotLoaded
        | Sign::KeyNotThere
        | Sign::WrongPair
        | Sign::NoHalf => mark.word(0),
        _ => "",
    }
}

fn no_common(case: &Case, mark: Option<&Mark>) -> Vec<Hint> {
    let words = mark.filter(|m| m.sign == Sign::NoCommon).map(|m| match m.words.len() {
        4 => (m.word(2), m.word(3)),
        _ => (m.word(0), m.word(1)),
    });
    let mut steps = Vec::new();
    if let Some((list, offer)) = words {
        let option = match list {
            l if l.contains("host key") || l.contains("hostkey") => "HostKeyAlgorithms",
            l if l.contains("key exchange") => "KexAlgorithms",
            l if l.contains("cipher") => "Ciphers",
            _ => "MACs",
        };
        // Of several the last is the youngest more often than the first.
        if let Some(theirs) = offer.split(',').find(|name| !name.trim().is_empty()) {
            steps.push(Hint::run(
                "Until the server is updated, this allows its method for one login. It is weaker: do \
                 not make it permanent.",
                case.plan.ssh().set(text![format!("{option}=+"), foreign(theirs.trim())]).command(),
            ));
        }
    }
    steps.push(Hint::advice(
        "The lasting remedy: those who run the server enable a current method, or you update your \
         ssh, whichever is the older.",
    ));
    steps
}

fn host_key_changed(case: &Case, log: &Log) -> Vec<Hint> {
    let sent = log.last(Sign::SentKey).map(|m| m.word(0));
    let sent = sent.or_else(|| log.last(Sign::HostKey).map(|m| m.word(1)));
    let mut ask = text![
        "Ask those who run the server whether its key has changed. Until they say so, do not log \
         in: somebody may stand in between."
    ];
    if let Some(sent) = sent {
        ask = ask.then(text![" The key that it showed has the fingerprint ", key(sent), "."]);
    }
    let mut steps = vec![Hint::advice(ask)];
    let name = case.effective().map_or(case.plan.host.as_str(), |e| e.host.as_str());
    let port = case.effective().map_or(22, |e| e.port);
    let entry = if port == 22 { name.to_owned() } else { format!("[{name}]:{port}") };
    let mut forget = command!["ssh-keygen"];
    if let Some(offending) = log.last(Sign::Offending).filter(|m| m.words.len() == 3) {
        forget = command!["ssh-keygen", "-f", path(offending.word(1))];
    }
    forget.0.extend(["-R".into(), host(entry).into()]);
    steps.push(Hint::run("If they have changed it, forget the old one:", forget));
    steps
}

fn after_login(case: &Case, mark: Option<&Mark>) -> Vec<Hint> {
    let ssh = || case.plan.ssh();
    let mut quiet = ssh().command();
    quiet.0.extend(["/bin/true".into(), shell("|").into(), "od".into(), "-c".into()]);
    match mark.map(|m| m.sign) {
        Some(Sign::Noise) => vec![
            Hint::run("See what it prints; there should be nothing:", quiet),
            Hint::advice(
                "In the start file on the server, print only where somebody reads it: begin it with \
                 a line that returns where the shell is not interactive.",
            ),
        ],
        Some(Sign::NoSubsystem) => vec![Hint::advice(
            "Ask those who run the server for SFTP (Subsystem sftp). scp of OpenSSH 9 needs it too; \
             scp -O copies the old way.",
        )],
        Some(Sign::NoRepository) => vec![Hint::advice(
            "Check the name of the repository, and that the account that this key belongs to has a \
             right to it.",
        )],
        Some(Sign::Broke | Sign::TimedOut) => vec![Hint::run(
            "Have ssh speak up now and then, so that the connection does not look unused:",
            ssh().set("ServerAliveInterval=30").command(),
        )],
        _ => vec![Hint::advice(
            "Your key, your user and the network are not the reason. Look at what was run there, and \
             ask those who run the server.",
        )],
    }
}
