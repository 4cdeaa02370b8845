//! The ids of all causes: stable words that people search for.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

macro_rules! ids {
    ($($group:ident $about:literal {
        $($(#[$doc:meta])* $id:ident = $title:literal),* $(,)?
    })*) => {
        /// One id per root cause that has its own next step.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            Display, EnumIter, EnumString, IntoStaticStr)]
        #[serde(rename_all = "kebab-case")]
        #[strum(serialize_all = "kebab-case")]
        pub enum Id { $($($(#[$doc])* $id),*),* }

        impl Id {
            /// One line for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $($(Self::$id => $title),*),* }
            }

            /// The stage of a connection that it belongs to.
            #[must_use]
            pub const fn group(self) -> Group {
                match self { $($(Self::$id => Group::$group),*),* }
            }
        }

        /// The stages of a connection, in their order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter)]
        pub enum Group { $(#[doc = $about] $group),* }

        impl Group {
            /// One line for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$group => $about),* }
            }
        }
    };
}

ids! {
    Configuration "Target and configuration" {
    /// Not a host, URL or user that `ssh` could use; told when arguments are read, exit code 2.
    TargetInvalid = "That is not a target that ssh could use",
    /// `ssh -G` refuses.
    SshConfigInvalid = "ssh refuses its own configuration",
    /// A config file is owned by somebody else or writable by others.
    SshConfigPermissions = "ssh refuses its configuration file because others could change it",
    /// Not the user that the profile requires.
    UnexpectedUser = "The user name is not the one that this provider uses",
    /// A short name where only the full name works.
    ShortNameOutside = "The short host name only works inside the provider's network",
    }

    Name "Name resolution" {
    /// No route at all.
    NoNetwork = "This computer has no network connection",
    /// Nobody is there to be asked.
    NoNameServer = "This computer has no name server that it could ask",
    /// The system's lookup leaves name servers out.
    DnsNotUsed = "This computer's own lookup does not find what the name servers know",
    /// A CNAME that leads nowhere.
    AliasBroken = "The name is an alias that leads nowhere",
    /// NXDOMAIN.
    NameNotFound = "The host name does not exist",
    /// NOERROR without address.
    NameHasNoAddress = "The host name exists but has no usable address",
    /// SERVFAIL, and an answer with checking disabled.
    DnssecInvalid = "The signatures of the name (DNSSEC) do not hold",
    /// Truncated, and no TCP.
    DnsTcpBlocked = "The answer of the name server is too long for UDP, and TCP to it fails",
    /// SERVFAIL or REFUSED.
    DnsServerFailure = "The name server answers with an error",
    /// Silence.
    DnsTimeout = "The name servers do not answer",
    /// Different answers, and the one in use fails.
    DnsDisagreement = "Name servers tell different addresses, and the one in use fails",
    /// The hosts file points elsewhere, and that fails.
    HostsFileOverride = "The hosts file of this computer sends the name to another address, which fails",
    /// Made-up names get the same address.
    NameHijacked = "The name server answers for any name, even for one that does not exist",
    /// 0.0.0.0 or loopback from DNS.
    NameBlocked = "A filter of names sends this name nowhere",
    /// 198.18.0.0/15.
    FakeAddress = "A proxy program stands in for the host, and does not let SSH through",
    /// RFC 1918 and the like, and no VPN.
    PrivateAddress = "The host has a private address that does not answer in this network",
    }

    Path "Network path" {
    /// EPERM or EACCES.
    LocalFirewall = "This computer's own firewall forbids the connection",
    /// The local address or interface asked for does not exist here.
    BindAddressUnavailable = "The local address that the configuration asks for is not on this computer",
    /// The host refuses.
    RefusedByHost = "The host refuses the connection on this port",
    /// What ssh marks with a priority vanishes, what is not marked does not.
    QosDropped = "The network drops the packets that ssh marks with a priority",
    /// A box on the way refuses.
    RefusedOnTheWay = "A firewall on the way refuses the connection",
    /// Silence.
    Filtered = "The connection gets no answer: a firewall or an IP allow-list drops it",
    /// The provider's allow-list.
    IpNotAllowed = "Your IP address is not allowed to reach this environment",
    /// EHOSTUNREACH.
    HostUnreachable = "There is no way to the host",
    /// IPv6 fails, IPv4 works.
    Ipv6Broken = "IPv6 does not work on the way to the host",
    /// An error of this system that none of the others is.
    SystemError = "This computer's own system cannot make the connection",
    /// The proxy command, or `ssh -W` at a jump host, ends without a connection.
    ProxyFailed = "The jump host or proxy command fails",
    /// `-i` and IdentityFile of the target do not count at the jump host.
    KeyNotForJumpHost = "The key that was named for the host is not used at the jump host",
    /// SSH_OPEN_ADMINISTRATIVELY_PROHIBITED.
    ForwardingProhibited = "The jump host forbids going on to other hosts",
    /// SSH_OPEN_CONNECT_FAILED, or no answer to the wish to connect.
    JumpHostCannotConnect = "The jump host cannot connect to the host",
    }

    Transport "Transport" {
    /// Something else answers.
    NotSsh = "Something else than an SSH server answers on this port",
    /// Closed before a byte.
    ClosedBeforeBanner = "The server closes the connection before it says a word",
    /// The server says that it has too many connections, or punishes.
    ServerOverloaded = "The server is refusing new logins for the moment",
    /// The server punishes the address.
    SourcePenalty = "The server turns your address away for a while",
    /// Endless lines.
    Tarpit = "This port is a trap for attackers, not the SSH server",
    /// No byte at all.
    SilentServer = "The connection opens, but the server never says a word",
    /// Large packets vanish.
    HandshakeStalled = "The connection stalls when larger packets are sent",
    /// Cut in the middle.
    HandshakeCut = "The connection is cut during the exchange of keys",
    /// Lists do not meet.
    NoCommonAlgorithm = "Your ssh and the server have no algorithm in common",
    /// SSH-1.
    ProtocolTooOld = "The server only speaks SSH 1, which no client accepts any more",
    }

    HostKey "Host key" {
    /// RSA of fewer bits than RequiredRSASize.
    HostKeyTooWeak = "The server's key is smaller than your ssh allows",
    /// Marked @revoked.
    HostKeyRevoked = "The server's key is marked as revoked",
    /// The file of RevokedHostKeys cannot be read.
    RevokedKeysUnreadable = "The list of revoked keys cannot be read, so ssh trusts no server",
    /// Another key.
    HostKeyChanged = "The server's key is not the one that this computer knows",
    /// Certificate of the host is not valid.
    HostCertificateInvalid = "The server's certificate is not valid for this host",
    /// Unknown and nobody may accept it.
    HostKeyUnknown = "The server's key is unknown, and ssh may not accept it",
    }

    Keys "Keys" {
    /// Public key authentication is off.
    PubkeyDisabled = "Your ssh configuration turns public key login off",
    /// None at all.
    NoKey = "There is no SSH key to log in with",
    /// The named file is not there.
    KeyFileMissing = "The key file does not exist",
    /// Readable by others.
    KeyPermissions = "ssh ignores the key because other users could read it",
    /// Cannot be read.
    KeyUnreadable = "The key file cannot be read",
    /// The public half.
    KeyIsPublic = "The file given as key is the public half",
    /// PuTTY.
    KeyIsPpk = "The key is in PuTTY's format, which ssh cannot read",
    /// Damaged.
    KeyMalformed = "The key file is damaged",
    /// Too small.
    KeyTooWeak = "The key is of a kind or size that is no longer accepted",
    /// Halves do not match.
    KeyPairMismatch = "The .pub file beside the private key belongs to another key",
    /// A passphrase and nobody to ask.
    KeyLocked = "The key is locked with a passphrase and nobody can type it",
    /// SecurityKeyProvider none.
    SecurityKeyOff = "Your ssh configuration turns security keys off",
    /// The device is not there.
    SecurityKeyAbsent = "The security key that this key needs is not plugged in",
    /// Certificate not valid.
    CertificateExpired = "The certificate is not valid now, or not for this user",
    }

    Agent "Agent" {
    /// No agent.
    AgentNotRunning = "There is no SSH agent in this terminal",
    /// Does not answer.
    AgentUnreachable = "The SSH agent does not answer",
    /// No keys.
    AgentEmpty = "The SSH agent holds no key",
    /// Locked.
    AgentLocked = "The SSH agent is locked",
    /// Loaded for other hosts.
    AgentKeyRestricted = "The agent keeps the key back, since it was loaded for other hosts",
    /// Holds others.
    AgentLacksKey = "The key that the server takes is not in the agent",
    /// Cut off before the right one.
    TooManyKeys = "The server cuts off before ssh gets to the right key",
    }

    Authentication "Authentication" {
    /// No public key login for this user.
    PasswordOnly = "The server offers no login by key for this user",
    /// The type is refused.
    KeyTypeRefused = "The server takes no key of this type",
    /// None is taken.
    KeyNotAccepted = "The server does not accept your key for this user",
    /// The agent or the file does not sign.
    SigningFailed = "The server would take the key, but it cannot be used to sign",
    /// Three wrong passphrases.
    PassphraseWrong = "The passphrase that was typed does not open the key",
    /// Partial success, and nobody to go on.
    SecondFactorNeeded = "The server wants a second proof besides the key, and nobody can give it",
    }

    Session "Login and session" {
    /// Proven, and refused all the same; or no session.
    LoginRefused = "The server takes your key and then does not let you in",
    /// nologin, false, SFTP alone.
    NoShell = "You are let in, but the account there gives you no shell",
    /// The login works; only a log shows what failed then.
    FailsAfterLogin = "The login works, and what fails comes after it",
    /// Silence after the proof.
    SessionHangs = "The login hangs after your key was taken",
    /// The agent is not there, on the host.
    ForwardingRefused = "Your agent cannot be used from the host",
    }

    Sftp "SFTP" {
    /// PasswordAuthentication no, BatchMode, PreferredAuthentications.
    PasswordDisabled = "Your ssh configuration turns login with a password off",
    /// No password method, or no subsystem.
    SftpUnavailable = "There is no such SFTP access for this user",
    /// Partial success, or further questions.
    PasswordNotEnough = "The server wants more than a password",
    /// SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, or OpenSSH's words.
    PasswordExpired = "The password has expired",
    /// SSH_MSG_USERAUTH_FAILURE.
    PasswordWrong = "The server does not take this password for this user",
    /// Something prints where SFTP should begin.
    SftpNoise = "The account prints text where SFTP should begin",
    /// Logged in, and out again.
    SftpClosed = "The server ends the session right after the login",
    /// SSH_FX_PERMISSION_DENIED.
    SftpFolderUnreadable = "The SFTP user cannot list the folder",
    /// The test upload fails.
    SftpFolderUnwritable = "The SFTP user cannot write into the folder",
    }

    Copy "Copy between two hosts" {
    /// The source cannot resolve the destination's name.
    SecondHopName = "The first host does not know the second by this name",
    /// The source cannot connect to the destination, or has no ssh.
    SecondHopFailed = "The first host cannot reach the second",
    /// Missing, unreadable, or no plain file.
    CopyFileMissing = "The file to copy is not there, or cannot be read",
    /// Free space.
    CopyNoRoom = "There is no room for the file at the destination",
    /// The folder.
    CopyNotWritable = "The file may not be written at the destination",
    }

    NotFoundOut "Not found out" {
    /// Ctrl-C.
    Interrupted = "Interrupted before it could be found out",
    /// Time limit.
    TimedOut = "The time limit was reached before it could be found out",
    /// The server says yes to any key.
    AcceptsAnything = "The server says yes to any key, so its answer proves nothing",
    /// A person has to go on.
    LoginNotFinished = "The login was not carried to its end, so it proves nothing",
    /// The way through was not gone, since that logs in elsewhere and nobody asked for it.
    BehindJumpHost = "What is behind the jump host or proxy command was not looked at",
    /// The server has not proven who it is.
    PasswordNotSent = "The password was not sent, since the server's key is not known here",
    /// Something that the verdict needs was not observed.
    NotExamined = "Not everything that the verdict needs could be looked at",
    }
}

impl Id {
    /// Whether this id says that it could not be found out.
    #[must_use]
    pub const fn is_inconclusive(self) -> bool {
        matches!(
            self,
            Self::Interrupted
                | Self::TimedOut
                | Self::AcceptsAnything
                | Self::LoginNotFinished
                | Self::BehindJumpHost
                | Self::PasswordNotSent
                | Self::NotExamined
        )
    }
}
