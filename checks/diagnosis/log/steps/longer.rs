//! Steps that take more than a few lines.

use crate::{
    case::Case,
    command,
    diagnosis::Id,
    explain::{Log, Mark, Sign},
    finding::Hint,
    host_trust, negotiation,
    registration::{not_yet, where_keys_are},
    text,
    text::{foreign, host, key, path, shell},
};

/// Where to look for a key that was not taken. A log has its fingerprint and not the key itself.
pub(super) fn not_accepted(case: &Case) -> Vec<Hint> {
    let offers = case.queries().map(|queries| queries.offers.as_slice()).unwrap_or_default();
    let file = || offers.iter().filter_map(|query| query.offer.path.as_deref());
    // The one that was named is the one that is meant.
    let named = file().find(|path| case.plan.is_typed_identity(path));
    let file = named.or_else(|| case.plan.typed_identities().next()).or_else(|| file().next());
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
    let wait = text![". If it is there, ", not_yet(portal)];
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
pub(super) fn file_of(mark: &Mark) -> &str {
    match mark.sign {
        Sign::KeyOpen if mark.words.len() == 2 => mark.word(1),
        Sign::Accepted => accepted_file(mark.word(0)).unwrap_or_default(),
        Sign::KeyOpen
        | Sign::ConfigOpen
        | Sign::KeyNotLoaded
        | Sign::KeyNotThere
        | Sign::WrongPair
        | Sign::AsksPassphrase
        | Sign::BadPassphrase
        | Sign::NoHalf => mark.word(0),
        _ => "",
    }
}

/// `FILE TYPE FINGERPRINT explicit`, or the comment of a key in the agent in its place.
fn accepted_file(told: &str) -> Option<&str> {
    let (name, more) = told.split_once(" SHA256:")?;
    let (name, _) = name.rsplit_once(' ')?;
    let is_file = name.contains(['/', '\\']) || more.split(' ').any(|word| word == "explicit");
    is_file.then_some(name)
}

pub(super) fn no_common(case: &Case, mark: Option<&Mark>) -> Vec<Hint> {
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
        let theirs = offer.split(',').map(str::trim).filter(|name| !name.is_empty());
        if let Some((theirs, words)) = negotiation::to_allow(theirs) {
            steps.push(Hint::run(
                words,
                case.plan.ssh().set(text![format!("{option}=+"), foreign(theirs)]).command(),
            ));
        }
    }
    steps.push(Hint::advice(
        "The lasting remedy: those who run the server enable a current method, or you update your \
         ssh, whichever is the older.",
    ));
    steps
}

/// The fingerprint of the key that the server showed.
pub(super) fn sent(log: &Log) -> Option<&str> {
    let sent = log.last(Sign::SentKey).map(|m| m.word(0));
    sent.or_else(|| log.last(Sign::HostKey).map(|m| m.word(1)))
}

pub(super) fn whether_it_has_changed(log: &Log) -> Hint {
    let ask = text![
        "Ask those who run the server whether its key has changed. Until they say so, do not log \
         in: somebody may stand in between."
    ];
    Hint::advice(match sent(log) {
        Some(sent) => {
            ask.then(text![" The key that it showed has the fingerprint ", key(sent), "."])
        }
        None => ask,
    })
}

pub(super) fn host_key_changed(case: &Case, log: &Log) -> Vec<Hint> {
    let mut steps = vec![whether_it_has_changed(log)];
    // As ssh itself wrote it, with its brackets: so it stands in known_hosts.
    let told = log.last(Sign::ChangedFor).or_else(|| log.last(Sign::Alias));
    let told = told.map(|m| m.word(0).to_owned());
    let live = || case.effective().map_or_else(|| case.plan.host.clone(), host_trust::known_name);
    let entry = told.unwrap_or_else(live);
    let mut forget = command!["ssh-keygen"];
    if let Some(offending) = log.last(Sign::Offending).filter(|m| m.words.len() == 3) {
        forget = command!["ssh-keygen", "-f", path(offending.word(1))];
    }
    forget.0.extend(["-R".into(), host(entry).into()]);
    steps.push(Hint::run("If they have changed it, forget the old one:", forget));
    steps
}

pub(super) fn after_login(case: &Case, mark: Option<&Mark>) -> Vec<Hint> {
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
        Some(Sign::FileError | Sign::FilesLeft) => files(mark),
        Some(Sign::NotFoundThere | Sign::NotFoundSomewhere | Sign::CommandFailed) => {
            vec![Hint::advice(
                "Ask those who run the server to install the program that the line names, or where it \
                 is: rsync is told with --rsync-path, git with --upload-pack and --receive-pack.",
            )]
        }
        Some(Sign::JumpRefused) => vec![Hint::advice(
            "Check host and port of the tunnel as the server knows them: the connection is made from \
             there. If the line says \"administratively prohibited\", ask those who run the server to \
             allow it (AllowTcpForwarding, PermitOpen).",
        )],
        _ => vec![Hint::advice(
            "Your key, your user and the network are not the reason. Look at what was run there, and \
             ask those who run the server.",
        )],
    }
}

/// What rsync, scp or sftp could not read or write.
fn files(mark: Option<&Mark>) -> Vec<Hint> {
    let said = mark.map(|m| m.text.raw().to_ascii_lowercase()).unwrap_or_default();
    let words = if said.contains("permission denied") || said.contains("not permitted") {
        "Choose a folder in which your user may write (for a download: one that it may read), or ask \
         those who run the server for the right to it. It is the right to a file, and not the login."
    } else if said.contains("no such file") || said.contains("not found") {
        "Check the path letter by letter, on the side that the line is about. A folder has to be there \
         before a file is copied into it."
    } else {
        "Read the lines before the last one: they name the file or folder, and the reason."
    };
    vec![Hint::advice(words)]
}

/// How to come to trust the key of a server that nobody here has seen.
pub(super) fn trust(case: &Case, log: &Log) -> Vec<Hint> {
    let ask = match log.last(Sign::HostKey) {
        Some(shown) => text![
            "Ask those who run the server whether the fingerprint of its key is ",
            key(shown.word(1)),
            ". If so, connect once at a terminal and answer with it:"
        ],
        None => text![
            "Ask those who run the server for the fingerprint of its key. Connect once at a \
             terminal, compare, and answer yes only if it is the same:"
        ],
    };
    vec![Hint::run(ask, case.plan.ssh().command())]
}

/// What helps where the lines do not tell how it ended.
pub(super) fn unknown(case: &Case, log: &Log, mark: Option<&Mark>) -> Vec<Hint> {
    match mark.map(|m| (m.sign, m.word(0))) {
        Some((Sign::HostKey | Sign::HostKeyAsks, _)) => {
            super::of(Id::HostKeyUnknown, case, log, mark)
        }
        Some((Sign::HostKeyChanged, _)) => super::of(Id::HostKeyChanged, case, log, mark),
        Some((Sign::Accepted, _)) if mark.is_some_and(|m| !file_of(m).is_empty()) => {
            super::of(Id::PassphraseWrong, case, log, mark)
        }
        Some((Sign::AsksPassphrase, file)) => vec![Hint::run(
            "Type the passphrase of the key file; nothing is shown while you type. This only tests \
             whether you know it:",
            command!["ssh-keygen", "-y", "-f", path(file)],
        )],
        Some((Sign::NotFoundThere | Sign::NotFoundSomewhere | Sign::CommandFailed, _)) => {
            vec![Hint::advice(
                "Install the program on the computer whose shell says so. ssh, ssh-add and ssh-agent are \
                 in the package openssh-client, or openssh.",
            )]
        }
        _ => Vec::new(),
    }
}
