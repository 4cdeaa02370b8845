//! What waiting can mend, and how far apart looks at a server must be: pure.
//!
//! [`mended_by`] is the table of all causes, [`pace::next`] says when to look again or why to stop.

pub mod pace;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::{
    case::Case,
    diagnosis::Id,
    evidence::{
        connection::{OsErrorKind, Outcome},
        handshake::Step,
        resolution::LookupErrorKind,
    },
};
use pace::Reception;

/// Who or what removes a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mender {
    /// It can pass by itself: a server that starts, a ban that ends.
    Time,
    /// Somebody else has to do something, and may be about to: a key is activated, a name is set up.
    Others,
    /// Only the person who waits can, so that waiting is of no use.
    You,
}

/// Who removes a cause: each one, so that a new one cannot be forgotten.
///
/// Where both somebody else and the person could, what counts is what a person who waits for this
/// may hope for.
#[must_use]
pub const fn mended_by(id: Id) -> Mender {
    match id {
        // A computer that starts or wakes up, a network that comes back, a server that is busy.
        Id::NoNetwork
        | Id::NoNameServer
        | Id::DnsServerFailure
        | Id::DnsTimeout
        | Id::DnsDisagreement
        | Id::RefusedByHost
        | Id::HostUnreachable
        | Id::JumpHostCannotConnect
        | Id::ClosedBeforeBanner
        | Id::ServerOverloaded
        | Id::SourcePenalty
        | Id::SilentServer
        | Id::Interrupted
        | Id::TimedOut => Mender::Time,

        // Those who run the name, the network, the server or the portal.
        Id::AliasBroken
        | Id::NameNotFound
        | Id::NameHasNoAddress
        | Id::DnssecInvalid
        | Id::DnsTcpBlocked
        | Id::NameBlocked
        | Id::RefusedOnTheWay
        | Id::Filtered
        | Id::IpNotAllowed
        | Id::Ipv6Broken
        | Id::ProxyFailed
        | Id::ForwardingProhibited
        | Id::HandshakeStalled
        | Id::HandshakeCut
        | Id::HostCertificateInvalid
        | Id::PasswordOnly
        | Id::KeyNotAccepted
        | Id::LoginRefused
        | Id::SessionHangs
        | Id::SecondHopName
        | Id::SecondHopFailed
        | Id::SftpUnavailable => Mender::Others,

        // What was typed and configured, and what is on this computer.
        Id::TargetInvalid
        | Id::SshConfigInvalid
        | Id::SshConfigPermissions
        | Id::UnexpectedUser
        | Id::ShortNameOutside
        | Id::DnsNotUsed
        | Id::HostsFileOverride
        | Id::NameHijacked
        | Id::FakeAddress
        | Id::PrivateAddress
        | Id::LocalFirewall
        | Id::BindAddressUnavailable
        | Id::QosDropped
        | Id::SystemError
        | Id::KeyNotForJumpHost
        // Another place was meant, or one of the two sides has to be updated.
        | Id::NotSsh
        | Id::Tarpit
        | Id::NoCommonAlgorithm
        | Id::ProtocolTooOld
        // Whom to trust is the decision of a person.
        | Id::HostKeyTooWeak
        | Id::HostKeyRevoked
        | Id::RevokedKeysUnreadable
        | Id::HostKeyChanged
        | Id::HostKeyUnknown
        // Keys and the agent.
        | Id::PubkeyDisabled
        | Id::NoKey
        | Id::KeyFileMissing
        | Id::KeyPermissions
        | Id::KeyUnreadable
        | Id::KeyIsPublic
        | Id::KeyIsPpk
        | Id::KeyMalformed
        | Id::KeyTooWeak
        | Id::KeyPairMismatch
        | Id::KeyLocked
        | Id::SecurityKeyOff
        | Id::SecurityKeyAbsent
        | Id::CertificateExpired
        | Id::AgentNotRunning
        | Id::AgentUnreachable
        | Id::AgentEmpty
        | Id::AgentLocked
        | Id::AgentKeyRestricted
        | Id::AgentLacksKey
        | Id::TooManyKeys
        | Id::KeyTypeRefused
        // A proof that cannot be given, or that does not lead where it should.
        | Id::SigningFailed
        | Id::PassphraseWrong
        | Id::SecondFactorNeeded
        | Id::NoShell
        | Id::ForwardingRefused
        | Id::FailsAfterLogin
        | Id::CopyFileMissing
        | Id::CopyNoRoom
        | Id::CopyNotWritable
        | Id::PasswordDisabled
        | Id::PasswordNotEnough
        | Id::PasswordExpired
        | Id::PasswordWrong
        | Id::SftpNoise
        | Id::SftpClosed
        | Id::SftpFolderUnreadable
        | Id::SftpFolderUnwritable
        | Id::LoginNotFinished
        | Id::PasswordNotSent
        // Looking again shows no more than before.
        | Id::AcceptsAnything
        | Id::BehindJumpHost
        | Id::NotExamined => Mender::You,
    }
}

impl Mender {
    /// A sentence for people who wait.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Time => "This can pass by itself.",
            Self::Others => "Somebody else has to mend this.",
            Self::You => "Waiting does not mend this: only you can.",
        }
    }
}

/// How the server, or a jump host on the way to it, received one look.
#[must_use]
pub fn reception(case: &Case, id: Option<Id>) -> Reception {
    let reached = reached(case);
    let away =
        matches!(id, Some(Id::ServerOverloaded | Id::SourcePenalty | Id::ClosedBeforeBanner));
    match (reached, away) {
        (false, _) => Reception::Unreached,
        (true, true) => Reception::TurnedAway,
        (true, false) => Reception::Served,
    }
}

/// Whether a server was connected to, which it may count: the target, or a jump host.
fn reached(case: &Case) -> bool {
    let connected = case.attempts().is_some_and(|attempts| attempts.connected().is_some());
    let relayed = case.handshake().is_some_and(|h| h.received > 0 || h.reached > Step::Connected);
    connected
        || relayed
        || case.proxy().is_some()
        || case.hop().is_some_and(|hop| reached(&hop.case))
}

/// How a connection ends before a server is reached: what the look-up says, and each address.
#[derive(Debug, PartialEq, Eq)]
enum Short<'c> {
    Lookup(LookupErrorKind),
    Addresses(BTreeMap<IpAddr, Option<(&'c str, OsErrorKind)>>),
}

fn short(case: &Case) -> Option<Short<'_>> {
    if let Err(error) = &case.resolution()?.outcome {
        return Some(Short::Lookup(error.kind));
    }
    let attempts = case.attempts()?;
    if attempts.connected().is_some() {
        return None;
    }
    let tried = attempts.tried.iter().map(|attempt| {
        let how = match &attempt.outcome {
            Outcome::Failed(error) => Some((error.operation.as_str(), error.kind)),
            Outcome::TimedOut { .. } | Outcome::Connected => None,
        };
        (attempt.to.ip(), how)
    });
    Some(Short::Addresses(tried.collect()))
}

/// Whether a look that went no further than the connection ended as the one before it did: then
/// nothing more has to be sent to know it.
#[must_use]
pub fn ends_alike(before: &Case, now: &Case) -> bool {
    let (before, now) = (short(before), short(now));
    now.is_some() && before == now
}
