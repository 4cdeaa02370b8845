//! The table of the lines that say something, and what each is a sign of: pure.
//!
//! The words are those of OpenSSH 7 to 10 (`ssh.c`, `sshconnect.c`, `sshconnect2.c`, `kex.c`,
//! `packet.c`, `authfile.c`, `log.c`), of PuTTY, git and rsync. A line is the first sign in the table
//! whose pattern it has. Patterns of what is printed without `-v` may begin anywhere, since other
//! programs pass such lines on in sentences of their own.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::{Deserialize, Serialize};
use strum::EnumIter;

macro_rules! signs {
    ($($(#[$doc:meta])* $sign:ident: $($pattern:literal),+;)*) => {
        /// What a line is a sign of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter)]
        #[serde(rename_all = "kebab-case")]
        pub enum Sign { $($(#[$doc])* $sign),* }

        /// Each sign with its patterns. Groups are the words of a mark.
        pub const SIGNS: &[(Sign, &str)] = &[$($((Sign::$sign, $pattern)),+),*];
    };
}

signs! {
    // Beginnings.
    /// The first line of `ssh -v`.
    Client: r"^(OpenSSH_[^ ,]+[^,]*)(?:,.*)?$", r"^(?:We claim version: SSH-2.0-)(PuTTY.*)$";
    /// A shell's prompt, and a command behind it.
    Typed: r"^(?:[^$#>%❯]{0,80}[$#>%❯] *|\+ *|(?:Run|Running|Executing)(?: command)?:? )((?:ssh|sftp|scp|git|rsync|plink|pscp|psftp)(?:\.exe)? .+)$",
        r"^((?:ssh|sftp|scp|rsync) -.+)$", r"^(git (?:clone|fetch|pull|push|ls-remote) .+)$", r"^((?:ssh|sftp) [^ @]+@[^ ]+)$";

    // What ssh tells with -v.
    /// A configuration file that was read.
    ReadsConfig: r"^Reading configuration data (.+)$";
    /// The command that carries the conversation.
    ProxyJump: r"^Setting implicit ProxyCommand from ProxyJump: (.*)$";
    /// The same, as it is run.
    ProxyCommand: r"^Executing proxy (?:dialer )?command: (.*)$";
    /// A name is looked up.
    LooksUp: r#"^Looking up host "(.+)" for SSH connection$"#;
    /// An address is tried.
    Connecting: r"^Connecting to ([^ ]+) \[([^ ]+)\] port ([0-9]+)\.$",
        r"^Connecting to ([^ ]+) port ([0-9]+)\.$", r"^Connecting to ([^ ]+) port ([0-9]+)$";
    /// An address does not let connect.
    AddressFailed: r"^connect to address ([^ ]+) port ([0-9]+): (.+)$", r"^Failed to connect to ([^ ]+): (.+)$";
    /// A connection.
    Connected: r"^Connection established\.$", r"^Connected to .+$";
    /// An identity file, and the type of its public half.
    Identity: r"^identity file (.+) type (-?[0-9]+)$";
    /// The name under which the server's key is looked for.
    Alias: r"^using hostkeyalias: (.+)$";
    /// The server's identification.
    Remote: r"^Remote protocol version ([^ ,]+), remote software version (.*)$",
        r"^Remote version: SSH-([^-]+)-(.*)$";
    /// Who is to log in.
    LoggingIn: r"^Authenticating to ([^ ]+):([0-9]+) as '(.*)'$", r#"^Using username "(.*)"\.?$"#;
    /// Our algorithms went out.
    KexSent: r"SSH2_MSG_KEXINIT sent$";
    /// The server's algorithms came.
    KexReceived: r"SSH2_MSG_KEXINIT received$";
    /// The lists that follow are ours.
    OwnLists: r"local client KEXINIT proposal$";
    /// The lists that follow are the server's.
    TheirLists: r"peer server KEXINIT proposal$";
    /// A list of algorithms.
    List: r"^(KEX algorithms|host key algorithms|ciphers ctos|ciphers stoc|MACs ctos|MACs stoc): (.*)$";
    /// The method of the key exchange.
    AgreedKex: r"^kex: algorithm: (.+)$";
    /// The algorithm of the host key.
    AgreedHostKey: r"^kex: host key algorithm: (.+)$";
    /// The cipher and MAC towards the server.
    AgreedCipher: r"^kex: client->server (?:cipher: )?([^ ]+) (?:MAC: )?([^ ]+)";
    /// The server's answer in the key exchange is awaited.
    AwaitsHostKey: r"^expecting SSH2_MSG_KEX";
    /// The server's key.
    HostKey: r"^Server host key: ([^ ]+) (SHA256:[^ ]+)";
    /// The server's key is the known one.
    HostKeyKnown: r"^Host '(.+)' is known and matches the ([^ ]+) host (key|certificate)";
    /// The line of known_hosts that has it.
    FoundKey: r"^Found (?:key|CA key) in (.+):([0-9]+)$";
    /// Keys are in use.
    KeysInUse: r"^SSH2_MSG_NEWKEYS received$";
    /// The methods that the server would take.
    Methods: r"^Authentications that can continue: (.*)$";
    /// The method that is tried next.
    NextMethod: r"^Next authentication method: (.+)$";
    /// The agent could not be asked.
    AgentUnreachable: r"ssh_get_authentication_socket(?:_path)?: (.+)$", r"ssh_fetch_identitylist: (.+)$";
    /// The agent holds nothing.
    AgentEmpty: r"agent contains no identities$", r"^Pageant has 0 SSH-2 keys$";
    /// A key is offered.
    Offered: r"^Offering public key: (.+?) ([A-Z0-9-]+) (SHA256:[^ ]+)(.*)$",
        r"^Offering public key: ([A-Z0-9-]+) (SHA256:[^ ]+) (.+)$",
        r"^Offering ([A-Z0-9-]+) public key: (.+)$",
        r"^(Offered public key(?: from .*)?)$", r"^(Trying Pageant key .*)$";
    /// The server takes it.
    Accepted: r"^Server accepts key: (.*)$", r"^Offer of public key accepted(.*)$";
    /// A private key is read, whose public half is not known before.
    TriesPrivate: r"^Trying private key: (.+)$", r#"^Reading (?:private )?key file "(.+)"$"#;
    /// A key is left out.
    Skipped: r"^Skipping ([^ ]+) key (.+?) - (?:corresponding|not in).*$", r"^Skipping ([^ ]+) key (.+): Invalid key length$";
    /// No kind of signature is common.
    NoSignature: r"no mutual signature (?:algorithm|supported)";
    /// Nothing is left to try.
    NothingLeft: r"^No more authentication methods to try\.$";
    /// The login worked.
    LoggedIn: r"^Authenticated to ([^ ]+) \((?:\[(.+)\]:([0-9]+)|via proxy)\)", r"^Authentication succeeded \((.*)\)\.$", r"^Access granted$";
    /// The agent is forwarded.
    ForwardsAgent: r"^Requesting authentication agent forwarding\.?$";
    /// A command is sent.
    SendsCommand: r"^Sending command: (.*)$";
    /// A channel is asked for.
    Channel: r"^channel ([0-9]+): new (?:[^ ]+ )?\[([^\]]+)\]";
    /// How a server greets whoever is logged in, with the login before: the terminal windows of macOS
    /// greet in the same words and name no host.
    Greeting: r"^Last (?:failed )?login: .* (?:from |on pts/)", r"^Last (?:failed )?login: .*[0-9]{4}$";
    /// The last word of `ssh` after a session with a terminal.
    SessionClosed: r"^(?:Shared c|C)onnection to ([^ ]+) closed\.$";
    /// What only a session that was opened makes `ssh` and the server say.
    InSession: r"^Sending (?:environment|env |subsystem)", r"^Opened (?:main session )?channel", r"^channel [0-9]+: setting env ", r"^(?:PTY allocation|shell) request accepted",
        r"^channel_input_open_confirmation: ", r"rtype (?:exit-status|exit-signal|eow@openssh\.com)", r"^Last (?:failed )?login: .* on tty";
    /// The end of the command.
    ExitStatus: r"^Exit status (-?[0-9]+)$";

    // What ends an attempt, from the first step to the last.
    /// A configuration file that others could change.
    ConfigOpen: r"Bad owner or permissions on (.+)$";
    /// A configuration that is refused.
    ConfigWrong: r"Bad configuration option: ", r"terminating, [0-9]+ bad configuration options",
        r"[Uu]nsupported option ", r"no argument after keyword", r"extra arguments at end of line",
        r"Bad (?:SSH2 )?(?:cipher spec|KexAlgorithms|key types|Match condition|escape character|MAC spec)",
        r"Unsupported (?:Match attribute|KEX algorithm)", r"Unknown cipher type", r"jumphost loop via (.+)$",
        r"Can't open user config file (.+): ", r"percent_expand: (?:failed|unknown key)",
        r"^invalid environment variable expansion$", r": line [0-9]+: (?:[Mm]issing|[Ii]nvalid) ",
        r"^Bad port '", r"^No user exists for uid ";
    /// A name that does not resolve.
    NotResolved: r"Could not resolve hostname ([^ ]*): (.+?)\.?$",
        r"(?:FATAL ERROR|Unable to open connection).*?(Host does not exist|Name or service not known|No address associated with hostname|Temporary failure in name resolution)",
        r"^(Host does not exist)$", r#"^Failed to look up host "(.+)": (.+)$"#;
    /// No address lets connect.
    NotConnected: r"connect to host ([^ ]+) port ([0-9]+): (.*)$",
        r"FATAL ERROR: (?:Network error: )?(Connection refused|Connection timed out|No route to host|Network is unreachable|Permission denied)",
        r"^(?:Network error: |Unable to open connection: )(Connection refused|Connection timed out|No route to host|Network is unreachable)",
        r"^Ncat: (Connection refused|Connection timed out|No route to host|Network is unreachable)";
    /// The local address is not there.
    NotBound: r"^bind ([^ ]+): Cannot assign requested address", r"no suitable addresses$";
    /// A channel does not open: the one to the host, at a jump host, a session, or one of a tunnel.
    JumpRefused: r"channel ([0-9]+): open failed: (administratively prohibited|connect failed|unknown channel type|resource shortage): ?(.*)$";
    /// The end of the command that carries the conversation.
    StdioFailed: r"stdio forwarding failed";
    /// The command that should carry the conversation cannot be run.
    CommandFailed: r"(?:^|[ /])(nc|ncat|netcat|socat|corkscrew|connect|cloudflared|aws|gcloud|session-manager-plugin): (?:command )?not found", r"exec: ([^ ]+): (?:command )?not found",
        r"^zsh:1: command not found: (nc|ncat|netcat|socat|corkscrew|connect|cloudflared|aws|gcloud|session-manager-plugin)$",
        r"proxy dialer did not pass back a connection", r"^Proxy returned status code", r"^Ncat: Proxy",
        r"TargetNotConnected", r"failed to begin relaying via HTTP";
    /// Closed before the identification.
    ClosedFirst: r"(?:kex|ssh)_exchange_identification: (?:read: )?Connection closed by remote host",
        r"^ssh_exchange_identification: Connection closed", r"(?:Server|Remote side) (?:unexpectedly )?closed (?:network )?connection";
    /// Reset before the identification.
    ResetFirst: r"(?:kex|ssh)_exchange_identification: (?:read: )?Connection reset by (?:peer|remote)",
        r"FATAL ERROR: (?:Network error: )?Connection reset by peer", r"Network error: Software caused connection abort";
    /// What comes is no identification.
    NoIdentification: r"banner line contains invalid characters", r"banner line too long",
        r"No SSH version received in first", r"banner exchange: Connection to ([^ ]+) port ([0-9]+): invalid format",
        r"Bad remote protocol version identification: (.*)$";
    /// A line before the identification; the older of the two patterns fits others above it too.
    BeforeBanner: r"(?:kex_exchange_identification: banner line [0-9]+|^ssh_exchange_identification): (.*)$";
    /// SSH-1.
    OldProtocol: r"Protocol major versions differ: (.+)$", r"could not read protocol version", r"SSH protocol version 1 required|server only supports SSH-1|SSH protocol version 2 required";
    /// Nothing came in time.
    SilentFirst: r"Connection timed out during banner exchange";
    /// No algorithm in common.
    NoCommon: r"Unable to negotiate with ([^ ]+) port ([0-9]+): no matching (.+?) found\. Their offer: ?(.*)$",
        r"no matching (host key type|key exchange method|cipher|MAC) found(?:\. Their offer: ?(.*))?", r"^(no hostkey alg)$",
        r"Couldn't agree an? (.+?) \(available: (.*)\)";
    /// Bytes that are no packet, or not the right ones.
    Corrupt: r"Bad packet length [0-9]+", r"Corrupted MAC on input", r"message authentication code incorrect",
        r"ssh_dispatch_run_fatal: Connection to ([^ ]+) port ([0-9]+): (.+)$", r"strict KEX violation", r"Incorrect (?:MAC|CRC) received on packet";
    /// The jump host, or the command, led nowhere.
    WayClosed: r"Connection (?:closed|reset) by UNKNOWN port 65535", r"Connection to UNKNOWN port 65535",
        r"Disconnected from UNKNOWN port 65535", r"banner exchange: Connection to UNKNOWN";
    /// The server says goodbye because of too many keys.
    TooMany: r"(?:from ([^ ]+) port ([0-9]+):[0-9]+: )?Too many authentication failures";
    /// The server says goodbye.
    Goodbye: r"Received disconnect from ([^ ]+?)(?: port ([0-9]+))?:([0-9]+): (.*)$",
        r"Remote side sent disconnect message|Server sent disconnect message";
    /// The server's goodbye is over.
    Disconnected: r"^Disconnected from (?:authenticating user [^ ]+ |invalid user [^ ]+ )?([^ ]+) port ([0-9]+)";
    /// Another key than the known one.
    HostKeyChanged: r"REMOTE HOST IDENTIFICATION HAS CHANGED", r"POTENTIAL SECURITY BREACH",
        r"[Hh]ost key does not match the one (?:PuTTY|Plink|\w* ?has) cached", r"IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY";
    /// Under which name another key is known.
    ChangedFor: r"[Hh]ost key for ([^ ]+) has changed and you have requested strict checking";
    /// The line of known_hosts that is in the way.
    Offending: r"Offending (?:([^ ]+) )?key(?: for IP)? in (.+):([0-9]+)$", r"^Add correct host key in (.+) to get rid of this message";
    /// The key that the server sent.
    SentKey: r"^(SHA256:[A-Za-z0-9+/]{43})\.?$", r"^(?:ssh|ecdsa)-[a-z0-9-]+ [0-9]+ (SHA256:[A-Za-z0-9+/]{43})$";
    /// A revoked key.
    HostKeyRevoked: r"REVOKED HOST KEY DETECTED", r"host key for ([^ ]+) is marked as revoked", r"Host key .* revoked by file (.+)$";
    /// The list of revoked keys cannot be read.
    RevokedUnreadable: r"Error checking host key .* in revoked keys file (.+?): (.+)$";
    /// A certificate that is not valid.
    CertificateInvalid: r"^Certificate invalid: (.+)$", r"^(Certificate lacks principal list)";
    /// A key that is too small.
    HostKeyWeak: r"Bad server host key: (Invalid key length)";
    /// A key that is not known, where ssh may not ask.
    HostKeyStrict: r"No (?:([^ ]+) )?host key is known for (.+?) and you have requested strict checking";
    /// A key that is not known, and ssh asks.
    HostKeyAsks: r"The authenticity of host '(.+?)(?: \(.*\))?' can't be established", r"host key is not cached", r"is not cached for this server";
    /// The key is trusted from now on: somebody said yes, or nobody had to.
    HostKeyAdded: r"Permanently added '(.+?)' \(.+\) to the list of known hosts", r"Failed to add the host to the list of known hosts",
        r"continue connecting \(yes/no(?:/\[fingerprint\])?\)\? yes$", r"^Store key in cache\? \(y/n.*\) [yn]$";
    /// Another key than the known one, and `ssh` goes on all the same, with less (StrictHostKeyChecking=no).
    GoesOnUntrusted: r"is disabled to avoid man-in-the-middle attacks", r"^UpdateHostkeys is disabled because the host key is not trusted";
    /// The host key ends it.
    HostKeyFailed: r"Host key verification failed", r"Cannot confirm a host key in batch mode";
    /// A key file that others could read.
    KeyOpen: r"UNPROTECTED PRIVATE KEY FILE", r"Permissions ([0-7]+) for '(.+)' are too open", r#"(?:Load|Error loading) key "(.+)": bad permissions"#, r"Bad permissions\. Try removing permissions for user: .* on file (.+?)\.?$";
    /// A key file that cannot be used.
    KeyNotLoaded: r#"(?:Load|Error loading) key "(.+)": (.+)$"#, r#"load pubkey "(.+)": (Invalid key length)"#,
        r#"Unable to (?:load|use) (?:private )?key file "(.+)" \((.+)\)"#, r#"Couldn't load (?:private )?key file? ?"?(.+?)"? ?\((.+)\)"#;
    /// A key file that is not there.
    KeyNotThere: r"Identity file (.+) not accessible: (.+?)\.?$", r"no such identity: (.+): (.+)$";
    /// Two halves of different keys.
    WrongPair: r"private key (.+) contents do not match public", r"key_sign mismatch|sign_and_send_pubkey: signing failed.*incorrect signature";
    /// A certificate without its key.
    NoHalf: r#"no separate private key for certificate "(.+)""#;
    /// What `ssh-add` says where no agent is announced.
    NoAgent: r"Could not open a connection to your authentication agent";
    /// What `ssh-add` says where the announced agent does not answer.
    AgentGone: r"Error connecting to agent: (.+)$";
    /// What `ssh-add -l` says of an agent without keys.
    NoKeysInAgent: r"The agent has no identities";
    /// The agent does not take a key.
    NotAdded: r#"Could not add identity "(.+)": (.+)$"#;
    /// A key is in the agent now.
    IdentityAdded: r"Identity added: (.+?)(?: \((.+)\))?$";
    /// A passphrase that does not open the key.
    BadPassphrase: r"Bad passphrase, try again for (.+?): ?$";
    /// The passphrase of a key file is asked for.
    AsksPassphrase: r"Enter passphrase for (?:key )?'?(.+?)'?: ?$";
    /// A signature that was not made.
    NotSigned: r"(Agent admitted failure to sign) using the key", r#"signing failed(?: for ([^ ]+) "?(.*?)"?( from agent)?)?: (.+)$"#;
    /// A password that is wrong, or a key and no password.
    AskedAgain: r"Permission denied, please try again";
    /// Not let in.
    Denied: r"(?:([^ :@]+(?:@[^ :@]+)?)@([^ :]+): )?Permission denied \(((?:[a-z][a-z0-9@.,_-]*)?)\)",
        r"No supported authentication methods available \(server sent: (.*?)\)";
    /// A password is asked for.
    AsksPassword: r"([^ ']+)@([^ ']+)'s password:", r"^\(([^ ]+)@([^ )]+)\) Password:";
    /// plink's word for a key that is not taken.
    KeyRefused: r"^Server refused our key";
    /// A session that broke.
    Broke: r"client_loop: send disconnect", r"packet_write_wait: Connection to ([^ ]+) port [0-9]+: Broken pipe",
        r"^Write failed: Broken pipe", r"^Read from remote host ([^ ]+): ", r"^Connection to ([^ ]+) closed by remote host";
    /// Connection lost at a time that the line does not tell.
    Closed: r"Connection (closed|reset) by (?:authenticating user [^ ]+ |invalid user [^ ]+ )?([^ ]+) port ([0-9]+)",
        r"^(?:ssh_packet_read|packet_write_wait|read_passphrase): .*(closed|reset|Broken pipe)";
    /// Nothing came any more.
    TimedOut: r"^Connection to ([^ ]+) port ([0-9]+) timed out", r"Timeout, server ([^ ]+) not responding";

    // What fails after a login.
    /// The server has no such part.
    NoSubsystem: r"subsystem request failed on channel";
    /// No command, no shell.
    NoSession: r"(?:exec|shell) request failed on channel", r"Server refused to start a shell/command";
    /// The account's shell lets nobody in.
    NoShell: r"This account is currently not available", r"This service allows sftp connections only";
    /// A shell that prints where a program should speak.
    Noise: r"Received message too long", r"is your shell clean", r"Ensure the remote shell produces no output";
    /// A forwarding that failed.
    NotForwarded: r"remote port forwarding failed", r"Could not request local forwarding", r"cannot listen to port";
    /// The repository's host lets the person in, and not to this repository.
    NoRepository: r"ERROR: Permission to (.+?) denied to (.+?)\.?$", r"ERROR: Repository not found", r"'(.+)' does not appear to be a git repository", r"^(?:ERROR: )?The project you were looking for could not be found";
    /// A password that has to be changed.
    PasswordExpired: r"Password change required but no TTY", r"Your password has expired", r"Your account has expired";
    /// A program that the shell on the server does not find; first those that run only there.
    NotFoundThere: r"(?:^|[ /])(git-(?:upload-pack|receive-pack|upload-archive|lfs-[a-z]+)): (?:command )?not found",
        r"(?:^|[ /])(sftp-server): (?:(?:command )?not found|No such file or directory)", r"rsync error: (remote command) .*\(code 12[67]\)", r"^zsh:1: command not found: (.+)$",
        r"^-?(?:ba|da|z|k|a)?sh: (?:line )?1: ([^ :]+): (?:command )?not found";
    /// A program that some shell does not find.
    NotFoundSomewhere: r"^(?:[^ ]*[a-z])?sh: (?:(?:line )?[0-9]+: )?([^ :]+): (?:command )?not found", r"^zsh: command not found: (.+)$",
        r"^'(.+)' is not recognized as an internal or external command";
    /// A file or folder with which rsync, scp or sftp could not do what it should.
    FileError: r#"rsync: [^"]*"(.+)"[^"]*: (.+ \([0-9]+\))$"#,
        r#"^(?:scp: )?(?:dest open|open local|remote open|stat local|stat remote|local open|local mkdir|mkdir) "(.+)": (.+)$"#,
        r"^(?:scp: )?(?:stat remote|realpath)( [^:]+)?: (.+)$",
        r#"^(?:scp: )?remote (?:open|mkdir|rmdir|delete|rename|symlink|link|setstat|fsetstat|lsetstat|stat|lstat|readlink|readdir|read|write|close|statvfs)\(?"? ?"?(.+?)"?\)?: ([^:]+)$"#,
        r#"^(?:scp: )?Couldn't (?:open|stat|create|delete|rename|remove|get|canonicalize|write|setstat|fsetstat|change|symlink|link|read from|readlink|read directory)[a-z ]*(?:"(.+)"[^:"]*)?: (.+)$"#,
        r"^scp: failed to upload (?:file|directory) (.+) to (.+)$", r#"^File "(.+)" not found\.$"#, r#"^Can't ls: "(.+)" not found$"#,
        r#"^scp: (?:error: )?"?([^ "].*?)"?: ([Nn]o such file or directory|Permission denied|[Nn]ot a (?:directory|regular file)|Is a directory|No space left on device|Read-only file system|Operation not permitted|Disk quota exceeded|Failure)$"#,
        r"^(?:pscp: )?unable to open (.+): (?:permission denied|no such file.*|failure)$", r"^(?:pscp: )?(.+): open for (?:read|write): ";
    /// rsync's last word where not all files could be copied.
    FilesLeft: r"rsync error: .*\(code (?:23|24|25)\)";

    // What other programs add.
    /// git's last word.
    Git: r"fatal: Could not read from remote repository", r"fatal: the remote end hung up";
    /// rsync's last word.
    Rsync: r"rsync: .*connection unexpectedly closed", r"rsync error: (.+?\(code [0-9]+\)).*$", r"rsync error: (.+)$";
    /// The last word of scp and sftp.
    Copy: r"^(?:scp: |sftp> )?Connection closed\.?$", r"^lost connection$", r"^(?:scp|sftp): Connection closed";
    /// plink's last word.
    Putty: r"^FATAL ERROR: (.+)$";
}

struct Table {
    set: RegexSet,
    each: Vec<(Sign, Regex)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let each: Vec<_> = SIGNS
        .iter()
        .filter_map(|(sign, pattern)| Some((*sign, Regex::new(pattern).ok()?)))
        .collect();
    let set = RegexSet::new(each.iter().map(|(_, regex)| regex.as_str()));
    Table { set: set.unwrap_or_else(|_| RegexSet::empty()), each }
});

/// What a line is a sign of, and its words.
#[must_use]
pub fn sign(line: &str) -> Option<(Sign, Vec<String>)> {
    let first = TABLE.set.matches(line).iter().next()?;
    let (sign, regex) = TABLE.each.get(first)?;
    let words = regex.captures(line)?;
    let words = words.iter().skip(1).map(|w| w.map_or("", |w| w.as_str()).to_owned()).collect();
    Some((*sign, words))
}

#[cfg(test)]
mod tests;
