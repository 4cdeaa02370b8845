//! The table of causes that a log can show, in causal order: the first that applies wins.
//!
//! Where a log holds all that a rule for live runs needs, that rule judges. Else a line, or several,
//! stand for the cause, and `sure` says how far that carries.

use super::{after, lines};
use crate::{
    case::Case,
    diagnosis::Id,
    explain::{Log, Mark, Sign},
};

/// One cause, and what shows it.
pub(super) struct Cause {
    pub id: Id,
    pub by: By,
    pub sure: Sure,
    /// Causes that leave the same lines.
    pub also: &'static [Id],
    /// What the lines mean: a sentence.
    pub means: &'static str,
}

/// What shows a cause.
pub(super) enum By {
    /// The rule for live runs.
    Rule,
    /// The same, where the log tells each step: a plain message leaves out what the rule reads.
    RuleOfSteps,
    /// A line that is this sign.
    Sign(Sign),
    /// A line that is this sign, with these words in one of its own, in small letters.
    Word(Sign, &'static str),
    /// Several lines together: those that show it.
    Lines(for<'l> fn(&Case, &'l Log) -> Option<Vec<&'l Mark>>),
}

/// How far the lines carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sure {
    /// They mean nothing else.
    Certain,
    /// They mean this most of the time.
    Likely,
}

use By::{Lines, Rule, RuleOfSteps, Sign as Line, Word};
use Sure::{Certain, Likely};

macro_rules! causes {
    ($($id:ident $sure:ident $by:expr, [$($also:ident),*] $means:literal;)*) => {
        &[$(Cause {
            id: Id::$id, by: $by, sure: $sure, also: &[$(Id::$also),*], means: $means,
        }),*]
    };
}

pub(super) const CAUSES: &[Cause] = causes! {
    // ssh ends before it looks at a network.
    SshConfigPermissions Certain Rule, [] "";
    SshConfigInvalid Certain Rule, [] "";
    SshConfigPermissions Certain Line(Sign::ConfigOpen), []
        "ssh reads no configuration file that others could change, and ends.";
    SshConfigInvalid Certain Line(Sign::ConfigWrong), []
        "ssh reads its files and options first, and ends where it does not understand them.";

    // The way leads through another host or a command, and what is told of them.
    ForwardingProhibited Certain Lines(after::prohibited_on_the_way), []
        "The jump host let the login in and then refused to go on to another host.";
    JumpHostCannotConnect Certain Lines(after::refused_on_the_way), []
        "The jump host let the login in, tried to connect to the host, and could not.";
    ForwardingProhibited Likely Word(Sign::JumpRefused, "administratively prohibited"), [LoginRefused, FailsAfterLogin]
        "A server let the login in and then refused to open a channel. Where the way leads through a jump host, it refused to go on to another host.";
    JumpHostCannotConnect Likely Line(Sign::JumpRefused), [LoginRefused, FailsAfterLogin]
        "A server let the login in and could not open a channel. Where the way leads through a jump host, it could not connect to the host.";
    ProxyFailed Certain Lines(lines::command_missing), []
        "The command that should carry the connection is not there: a shell says so, and then the way to the host ended.";
    ProxyFailed Certain Lines(lines::command_failed), []
        "The command that should carry the connection does not do it.";
    ProxyFailed Likely Line(Sign::CommandFailed), [FailsAfterLogin]
        "A shell does not find a command that usually carries a connection (ProxyCommand). It does not say whether it is the shell of this computer or one on a host.";

    // The name.
    TargetInvalid Certain Rule, [] "";
    NameHasNoAddress Likely Word(Sign::NotResolved, "no address associated"), [NameNotFound]
        "The name exists, but has no address that ssh could use.";
    DnsTimeout Likely Word(Sign::NotResolved, "temporary failure"), [NoNetwork, NoNameServer, DnsServerFailure, DnssecInvalid, DnsTcpBlocked]
        "No name server gave a usable answer. The message is the same whether they are silent, answer with an error, or cannot be reached.";
    DnsTimeout Likely Word(Sign::NotResolved, "try again"), [NoNetwork, NoNameServer, DnsServerFailure]
        "No name server gave a usable answer.";
    DnsServerFailure Likely Word(Sign::NotResolved, "non-recoverable"), [DnsTimeout]
        "The name server answered with an error.";
    NameNotFound Likely Line(Sign::NotResolved), [AliasBroken, DnsNotUsed, NameHasNoAddress, ShortNameOutside, NoNameServer]
        "The system's lookup says that there is no such name.";

    // The network.
    BindAddressUnavailable Certain Line(Sign::NotBound), []
        "ssh was told to start from an address that this computer does not have.";
    RefusedByHost Likely Rule, [] "";
    HostUnreachable Likely Rule, [] "";
    Filtered Likely Rule, [] "";
    RefusedByHost Likely Word(Sign::NotConnected, "refused"), [RefusedOnTheWay, IpNotAllowed]
        "The connection was refused at once. The message does not say who refused: the host, since nothing listens on that port, or a firewall on the way.";
    Filtered Likely Word(Sign::NotConnected, "timed out"), [IpNotAllowed, HostUnreachable, QosDropped]
        "Nobody answered. Firewalls and allow-lists that drop packets do that, and so does a host that is off.";
    HostUnreachable Likely Word(Sign::NotConnected, "no route to host"), [RefusedOnTheWay]
        "A router or the network says that it cannot reach the host.";
    HostUnreachable Likely Word(Sign::NotConnected, "host is down"), [RefusedOnTheWay]
        "The host does not answer in its own network.";
    NoNetwork Likely Word(Sign::NotConnected, "network is unreachable"), [HostUnreachable, Ipv6Broken]
        "This computer has no way to that address.";
    LocalFirewall Likely Word(Sign::NotConnected, "permission denied"), [RefusedOnTheWay]
        "\"Permission denied\" without \"(publickey)\" is about the network: no key was asked for.";
    LocalFirewall Likely Word(Sign::NotConnected, "not permitted"), []
        "The system of this computer forbids the connection.";
    SystemError Likely Line(Sign::NotConnected), [BindAddressUnavailable]
        "The system of this computer could not make the connection.";
    NotExamined Likely Lines(lines::waits_for_connection), [Filtered, HostUnreachable, IpNotAllowed, QosDropped]
        "The log ends while ssh waits for a connection: nobody had answered by then. If it was cut there, or ssh was stopped within a minute, nobody knows what came next.";

    // The first words.
    ServerOverloaded Certain RuleOfSteps, [] "";
    SourcePenalty Certain RuleOfSteps, [] "";
    ProtocolTooOld Certain RuleOfSteps, [] "";
    ProtocolTooOld Certain Line(Sign::OldProtocol), []
        "The server speaks SSH 1 alone, which no current client takes.";
    NotSsh Likely RuleOfSteps, [] "";
    Tarpit Likely RuleOfSteps, [] "";
    NotSsh Likely Line(Sign::NoIdentification), [Tarpit, HandshakeCut]
        "What answers on this port does not begin as an SSH server begins.";
    JumpHostCannotConnect Likely Lines(lines::way_silent), [ProxyFailed, SilentServer, HandshakeStalled]
        "The way through a jump host or proxy command was opened, and nothing came through it in time.";
    SilentServer Likely Line(Sign::SilentFirst), [HandshakeStalled, Tarpit, NotSsh, Filtered]
        "The connection was made, and no identification of an SSH server came in time.";
    ClosedBeforeBanner Likely Lines(lines::way_closed_first), [ProxyFailed, ServerOverloaded]
        "The connection ended before the server had said a word.";
    ClosedBeforeBanner Likely RuleOfSteps, [] "";
    ProxyFailed Likely Line(Sign::WayClosed), [KeyNotAccepted, JumpHostCannotConnect, ForwardingProhibited, HostKeyUnknown, ClosedBeforeBanner]
        "The connection goes through a jump host or a proxy command, which ended before the host had said a word. Why is in the lines before this one, or was not printed.";
    ClosedBeforeBanner Likely Line(Sign::ClosedFirst), [ServerOverloaded, SourcePenalty, IpNotAllowed, NotSsh]
        "Something accepted the connection and hung up before it identified itself. No key and no user had been asked for, so they are not the reason.";
    ClosedBeforeBanner Likely Line(Sign::ResetFirst), [HandshakeCut, ServerOverloaded, SourcePenalty, IpNotAllowed]
        "Something accepted the connection and broke it before it identified itself. No key and no user had been asked for, so they are not the reason.";
    NoCommonAlgorithm Certain RuleOfSteps, [] "";
    NoCommonAlgorithm Certain Line(Sign::NoCommon), []
        "The two sides have no method in common, so they do not begin to speak in secret.";
    NotExamined Likely Lines(lines::waits_for_identification), [SilentServer, HandshakeStalled, Filtered, Tarpit]
        "The log ends after the connection was made, while ssh waits for the server's first word. If it was cut there, nobody knows what came next; if nothing more came for a minute, the server or something on the way is silent.";

    // The host key.
    HostCertificateInvalid Certain Line(Sign::CertificateInvalid), []
        "The server showed a certificate that does not hold for this host now.";
    RevokedKeysUnreadable Certain Line(Sign::RevokedUnreadable), []
        "ssh is to look into a list of revoked keys and cannot read it, so it trusts no server.";
    HostKeyRevoked Certain Line(Sign::HostKeyRevoked), []
        "The server showed a key that is marked as revoked.";
    HostKeyChanged Certain Lines(lines::host_key_changed), []
        "This computer knows another key for that host than the one that the server showed.";
    NotExamined Likely Lines(lines::host_key_changed_and_on), [HostKeyChanged]
        "This computer knows another key for that host than the one that the server showed. ssh was told to go on all the same (StrictHostKeyChecking=no), and no line says how it ended.";
    HostKeyTooWeak Certain Line(Sign::HostKeyWeak), []
        "The server showed a key that is smaller than ssh allows.";
    HostKeyUnknown Certain Line(Sign::HostKeyStrict), []
        "This computer knows no key of that host, and ssh was told to trust none that is new.";
    HostKeyUnknown Certain Lines(lines::host_key_not_cached), []
        "PuTTY's programs keep a list of host keys of their own, which is not known_hosts. The key of this host is not in it, and there was no yes; with -batch plink does not ask.";
    HostKeyUnknown Certain Lines(lines::host_key_asked), []
        "This computer knows no key of that host. ssh asks whether to trust the one that it was shown, and there was no yes.";
    NotExamined Likely Lines(lines::host_key_is_asked), [HostKeyUnknown]
        "This computer knows no key of that host. The log ends with the question whether to trust the one that was shown, and what was answered is not in it.";
    HostKeyUnknown Certain Lines(lines::host_key_new), []
        "ssh does not trust the server's key. It would have said so if it knew another one, or if the key were revoked: so it has never seen it, and nobody could be asked.";
    HostKeyUnknown Likely Line(Sign::HostKeyFailed), [HostKeyChanged, HostCertificateInvalid, HostKeyRevoked, RevokedKeysUnreadable]
        "ssh does not trust the server's key. Where this line stands alone, the key is mostly one that it has never seen, and nobody could be asked.";
    NotExamined Likely Lines(lines::waits_for_trust), [HostKeyUnknown]
        "The log ends after the server has shown its key, and no line says that this computer knows it. ssh was probably asking whether to trust the key: that question goes to the terminal, and not into a file. If the log was cut there, nobody knows what came next.";
    NotExamined Likely Lines(lines::waits_for_keys), [HandshakeStalled, HandshakeCut]
        "The log ends while ssh waits for the server's part of the exchange of keys. If it was cut there, nobody knows what came next; if nothing more came for a minute, the connection stalls.";
    HandshakeCut Likely RuleOfSteps, [] "";
    HandshakeCut Likely Line(Sign::Corrupt), []
        "Bytes came that are no part of an SSH conversation: something on the way changed or added them.";

    // The server offers no login by key.
    PasswordOnly Certain Lines(lines::password_only), []
        "The server lists the ways in which this user could log in, and a key is not among them.";

    // The keys of this computer.
    AgentUnreachable Likely Lines(lines::agent_unreachable), [NoKey, AgentLocked, AgentKeyRestricted]
        "No key was offered, and the agent that the environment names could not be asked.";
    PubkeyDisabled Likely Lines(lines::keys_not_tried), []
        "The server would take a key, and ssh did not even begin to try one: its configuration turns that off.";
    KeyFileMissing Likely Line(Sign::NoHalf), [KeyNotAccepted]
        "There is a certificate, and the private key that belongs to it is not found.";
    KeyUnreadable Likely Word(Sign::KeyNotThere, "permission denied"), [KeyNotAccepted]
        "A key that was named cannot be reached by this user.";
    KeyFileMissing Likely Line(Sign::KeyNotThere), [KeyNotAccepted]
        "A key that was named is not there.";
    KeyUnreadable Likely Word(Sign::KeyNotLoaded, "permission denied"), [KeyNotAccepted]
        "A key file cannot be read by this user.";
    KeyFileMissing Likely Word(Sign::KeyOpen, "-cert.pub"), [KeyIsPublic, KeyPermissions]
        "ssh looked for a private key where there is only a certificate.";
    KeyIsPublic Likely Word(Sign::KeyOpen, ".pub"), [KeyPermissions, AgentKeyRestricted]
        "The file is named like the public half of a key. ssh takes it for a private one that others could read.";
    KeyPermissions Likely Line(Sign::KeyOpen), [KeyNotAccepted]
        "ssh ignores a private key that other users could read.";
    KeyIsPublic Likely Word(Sign::KeyNotLoaded, ".pub"), [KeyMalformed]
        "The file is named like the public half of a key, and holds no private one.";
    KeyIsPpk Likely Word(Sign::KeyNotLoaded, ".ppk"), [KeyMalformed]
        "The file is named like a key of PuTTY, which ssh cannot read.";
    KeyUnreadable Likely Lines(lines::key_for_another_program), [KeyNotAccepted]
        "The key is whole, and in a format that ssh reads. PuTTY's programs read a format of their own (.ppk), so this key was not offered.";
    KeyFileMissing Likely Word(Sign::KeyNotLoaded, "unable to open file"), [KeyUnreadable]
        "The key file could not be opened: it is not there, or this user may not read it.";
    KeyLocked Likely Word(Sign::KeyNotLoaded, "passphrase"), []
        "The passphrase of the key was not given, or is wrong.";
    KeyTooWeak Likely Word(Sign::KeyNotLoaded, "invalid key length"), [KeyNotAccepted]
        "The key is smaller than ssh allows.";
    KeyTooWeak Likely Word(Sign::KeyNotLoaded, "unsupported key type"), [KeyMalformed]
        "The key is of a type that ssh does not use any more.";
    KeyMalformed Likely Line(Sign::KeyNotLoaded), [KeyIsPublic, KeyIsPpk, KeyNotAccepted]
        "What is in the key file is no private key that ssh can read.";
    KeyPairMismatch Likely Line(Sign::WrongPair), []
        "The public half beside the private key belongs to another key.";
    SecurityKeyAbsent Likely Word(Sign::NotSigned, "device not found"), []
        "The key needs a security key (FIDO), which was not found.";
    SecurityKeyAbsent Likely Word(Sign::NotSigned, "-sk"), [AgentLocked]
        "The key needs a security key (FIDO), and the signature was not made.";
    AgentUnreachable Likely Word(Sign::NotSigned, "communication with agent failed"), []
        "The agent did not answer when it was asked for a signature.";
    SigningFailed Likely Word(Sign::NotSigned, "agent refused operation"), [AgentLocked, SecurityKeyAbsent]
        "The server takes the key, and the agent that holds it refused to sign. It may have asked somebody for consent, or not have what it needs for this key.";
    SigningFailed Likely Word(Sign::NotSigned, "admitted failure"), [AgentLocked, SecurityKeyAbsent]
        "The server takes the key, and the agent that holds it did not sign.";
    NotExamined Likely Line(Sign::NotSigned), [AgentLocked, SecurityKeyAbsent, AgentUnreachable]
        "The server takes the key, and whoever holds it refused to sign: the agent may be locked, may ask somebody for consent, or may not have what it needs for this key.";
    KeyTypeRefused Likely Line(Sign::NoSignature), [KeyNotAccepted]
        "ssh and the server have no kind of signature in common for this key.";
    PassphraseWrong Likely Lines(lines::passphrase_asked_again), [KeyNotAccepted, KeyLocked]
        "ssh asked for the passphrase of the same key file again, which it does only where the one before did not open it; and then the server let nobody in. It is the passphrase of the file, and not a password on the server.";
    KeyLocked Likely Lines(lines::accepted_unproven), [PassphraseWrong, KeyFileMissing, KeyMalformed, KeyUnreadable]
        "The server takes this key, and ssh could not prove that it has its private half. Mostly the key has a passphrase that nobody could type.";
    KeyTooWeak Likely Lines(lines::skipped), [NoKey]
        "The only keys are of a type that ssh is not allowed to offer.";

    // What the server says of the keys.
    TooManyKeys Likely Lines(lines::cut_off), [KeyNotAccepted]
        "The server ends the conversation after too many keys that it does not take. The right one may not have been offered yet.";
    KeyNotAccepted Likely Line(Sign::TooMany), [TooManyKeys]
        "One key was offered, the server does not take it and allows no second try.";
    NoKey Likely Lines(lines::nothing_offered), [AgentEmpty, AgentNotRunning, AgentLocked, AgentKeyRestricted, KeyFileMissing, KeyTooWeak, KeyLocked, KeyIsPublic, KeyMalformed, SecurityKeyOff]
        "The server would take a key, and ssh had none to offer.";
    UnexpectedUser Likely Rule, [] "";
    CertificateExpired Likely Lines(lines::certificate_refused), [KeyNotAccepted]
        "A certificate was offered, and the server does not take it. Servers do not say why: it may have expired, be for another user, or be signed by somebody whom the server does not trust.";
    KeyNotAccepted Likely Lines(lines::refused), [UnexpectedUser, KeyTypeRefused, CertificateExpired, AgentKeyRestricted]
        "The server would not take any of the keys that ssh offered for this user.";
    KeyNotAccepted Likely Line(Sign::KeyRefused), [UnexpectedUser, KeyTypeRefused]
        "The server does not take this key for this user.";
    AgentNotRunning Certain Line(Sign::NoAgent), []
        "No agent is announced in that terminal (SSH_AUTH_SOCK is not set). Keys in files work without one; it is needed to forward a key, or to type a passphrase only once.";
    AgentUnreachable Certain Line(Sign::AgentGone), []
        "The agent that the terminal remembers does not answer any more.";
    AgentEmpty Certain Line(Sign::NoKeysInAgent), []
        "The agent runs, and no key was loaded into it.";
    PassphraseWrong Certain Lines(lines::passphrase_refused), []
        "The passphrase that was typed does not open the key file. It is that of the file, and not a password on the server.";
    NotExamined Likely Line(Sign::NotAdded), [AgentLocked, AgentUnreachable]
        "The agent does not take this key: it may be locked, may not know this type of key, or not allow what was asked for.";
    NotExamined Likely Lines(lines::closed_in_login), [KeyNotAccepted, TooManyKeys]
        "Keys were exchanged, and the server hung up while the login went on, without a word of why. It does so by rule (for a user or an address), when the login takes too long, or when it fails itself.";
    KeyNotAccepted Likely Lines(lines::denied_after_prompt), [PassphraseWrong, UnexpectedUser, KeyTypeRefused, CertificateExpired]
        "The key file's passphrase was asked for, and then the server let nobody in. ssh does not say whether what was typed opened the key: either it did not, or the server does not take the key.";
    KeyNotAccepted Likely Line(Sign::Denied), [NoKey, UnexpectedUser, KeyLocked, AgentEmpty, AgentNotRunning, KeyTypeRefused, CertificateExpired, PubkeyDisabled]
        "The server let nobody in. This one line does not say whether a key was offered at all.";
    KeyNotAccepted Likely Line(Sign::AsksPassword), [NoKey, UnexpectedUser, KeyLocked, AgentEmpty, AgentNotRunning, PasswordOnly]
        "ssh asks for a password only where no key was let in. Where access is by key alone, there is no password to type: the key was not taken, or none was offered.";
    NotExamined Likely Line(Sign::AskedAgain), [KeyNotAccepted, PasswordOnly]
        "A password was wrong. Whether a key was offered before, these lines do not say.";

    // Nothing failed yet.
    NotExamined Likely Lines(lines::waits_for_proof), [KeyLocked, SecurityKeyAbsent]
        "The log ends after the server has said that it takes a key. ssh was probably asking for the passphrase of that key, or waiting for a touch or for the agent: none of that goes into a file. If the log was cut there, nobody knows what came next.";
    NotExamined Likely Lines(lines::waits_for_password), [KeyNotAccepted, NoKey]
        "The log ends while ssh tries another method than a key. It was probably asking for a password, which it does only where no key was let in; that question goes to the terminal, and not into a file.";
    NotExamined Likely Line(Sign::HostKeyAdded), []
        "From here on ssh trusts the key of that host, and it went on. No line says that anything failed after that, and none that the login worked.";

    // What says little.
    ClosedBeforeBanner Likely Line(Sign::Closed), [ServerOverloaded, SourcePenalty, HandshakeCut, IpNotAllowed, NotSsh, KeyNotAccepted]
        "The server hung up. This one line does not say when; since OpenSSH 9.5 it is all that ssh prints where a server closes the connection before it has said a word.";
    NotExamined Likely Line(Sign::Broke), [ClosedBeforeBanner, LoginRefused, FailsAfterLogin]
        "The connection broke. The log does not show that a login came before.";
    NotExamined Likely Line(Sign::Goodbye), [TooManyKeys, ServerOverloaded]
        "The server said goodbye in its own words.";
    NotExamined Likely Line(Sign::TimedOut), [Filtered, SilentServer, HandshakeStalled]
        "Nothing more came from the server.";
    NotExamined Likely Line(Sign::Git), [KeyNotAccepted, HostKeyUnknown, NameNotFound, RefusedByHost]
        "git says only that ssh failed. Why is in the line that ssh printed before it.";
    NotExamined Likely Word(Sign::Rsync, "(code 10)"), []
        "rsync went to an rsync server (HOST::MODULE or rsync://), which has a port of its own. No ssh was used, so nothing here is about it.";
    NotExamined Likely Word(Sign::Rsync, "(code 3)"), []
        "rsync could not work with a file or folder. Which, and on which side, is in a line before this one. Where ssh fails, rsync ends with code 255 or 12.";
    NotExamined Likely Word(Sign::Rsync, "(code 11)"), []
        "rsync could not read or write a file. Which, and on which side, is in a line before this one. Where ssh fails, rsync ends with code 255 or 12.";
    NotExamined Likely Line(Sign::Rsync), [KeyNotAccepted, HostKeyUnknown, NameNotFound, RefusedByHost]
        "rsync says only that ssh ended. Why is in the line that ssh printed before it.";
    NotExamined Likely Line(Sign::Copy), [KeyNotAccepted, HostKeyUnknown, ClosedBeforeBanner]
        "scp and sftp say only that the connection ended. Why is in the line before it.";
    NotExamined Likely Line(Sign::Putty), [KeyNotAccepted, HostKeyUnknown]
        "PuTTY ended with an error of its own.";
    NotExamined Likely Lines(lines::not_found_anywhere), []
        "A shell does not find this program. The log does not show whether it is the shell of your own computer or one on the host.";
    NotExamined Likely Line(Sign::IdentityAdded), []
        "The key was loaded into the agent. Nothing failed in these lines, and none of them is about a connection.";
    NotExamined Likely Line(Sign::AsksPassphrase), []
        "This question comes from your own computer and is not for a password on the server: the key file is locked with a passphrase, which was chosen when the key was made. No line says what came of it.";
};
