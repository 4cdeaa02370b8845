//! What to do about a cause that a log shows, with the words of that log in the commands.

mod longer;
mod putty;

use crate::{
    case::Case,
    command,
    diagnosis::{Id, path as network},
    explain::{Log, Mark, Program},
    finding::Hint,
    ssh_add, text,
    text::{number, path, shell},
};

/// The first thing first. `mark` is the line that decides.
pub(super) fn of(id: Id, case: &Case, log: &Log, mark: Option<&Mark>) -> Vec<Hint> {
    let ssh = || case.plan.ssh();
    let file = mark.map(longer::file_of).filter(|file| !file.is_empty());
    let named = |or: &'static str| path(file.unwrap_or(or));
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
            let ask = text!["Check host and port with those who gave them to you"];
            let mut steps = vec![Hint::advice(match case.port() {
                Some(port) => ask.then(text![": here it is port ", number(port), "."]),
                None => ask.with("."),
            })];
            steps.push(network::allow_list_hint(case));
            steps.push(network::try_elsewhere(case));
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
        Id::NotSsh | Id::Tarpit | Id::ProtocolTooOld => {
            let ask =
                text!["Check host and port: something else than a current SSH server answers"];
            vec![Hint::advice(match case.port() {
                Some(port) => ask.then(text![" on port ", number(port), "."]),
                None => ask.with(" there."),
            })]
        }
        Id::SilentServer => vec![
            Hint::advice(
                "Try again in a few minutes: a server that is starting or out of memory behaves so.",
            ),
            network::try_elsewhere(case),
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
        Id::HandshakeCut => vec![network::try_elsewhere(case)],
        Id::NoCommonAlgorithm => longer::no_common(case, mark),
        Id::HostKeyChanged if log.program == Program::Putty => putty::host_key_changed(case, log),
        Id::HostKeyChanged => longer::host_key_changed(case, log),
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
        Id::HostKeyUnknown if log.program == Program::Putty => putty::trust(case, log),
        Id::HostKeyUnknown => longer::trust(case, log),
        Id::AgentNotRunning => vec![Hint::run(
            "Start an agent in that terminal and load your key:",
            ssh_add::start_and_load("~/.ssh/id_ed25519"),
        )],
        Id::AgentEmpty => {
            vec![Hint::run("Load your key:", command!["ssh-add", path("~/.ssh/id_ed25519")])]
        }
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
        Id::KeyUnreadable if log.program == Program::Putty => putty::to_ppk(case, mark),
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
        Id::KeyNotAccepted if log.program == Program::Putty => putty::not_accepted(case, log),
        Id::KeyNotAccepted => longer::not_accepted(case),
        Id::SigningFailed => vec![
            Hint::advice(
                "Look for a window or a device that asks whether the key may be used; if the agent is a \
                 password manager's, unlock that.",
            ),
            Hint::run(
                "Where the key is a file too, use that in place of the agent:",
                ssh().set("IdentityAgent=none").command(),
            ),
        ],
        Id::PassphraseWrong => vec![Hint::run(
            "See whether you know the passphrase of this file. This asks for it and prints the public half:",
            command!["ssh-keygen", "-y", "-f", named("~/.ssh/id_ed25519")],
        )],
        Id::LoginRefused => vec![Hint::advice(
            "Your key, your user name and the network are not the reason. Send these lines to those who \
             run the server; its own log says why there is no session (MaxSessions, ChrootDirectory, rules \
             about accounts).",
        )],
        Id::NotExamined => longer::unknown(case, log, mark),
        Id::NoShell => vec![Hint::advice(
            "Your key, your user and the network are not the reason. Ask those who run the server for a \
             shell, or use what the account is for (sftp, git).",
        )],
        Id::FailsAfterLogin => longer::after_login(case, mark),
        _ => Vec::new(),
    }
}
