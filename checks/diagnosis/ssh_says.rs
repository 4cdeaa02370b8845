//! What `ssh` itself prints where it ends, so that people find themselves in a report: pure.
//!
//! The words are those of OpenSSH's sources (`ssh.c`, `sshconnect.c`, `sshconnect2.c`, `kex.c`,
//! `packet.c`, `authfile.c`). They follow from the evidence and not from the diagnosis: several
//! causes end in the same line. Where versions differ, the client's own decides, and where it is not
//! known only what they have in common is quoted. What follows from no evidence is left out.

mod keys;
mod login;
mod sftp;
#[cfg(test)]
mod tests;

use crate::{
    case::Case,
    evidence::{
        Needed, Unseen,
        agent::{AgentKeys, AgentState},
        configuration::{Effective, Source, StrictHostKeyChecking},
        connection::{Attempts, OsError, OsErrorKind, Outcome},
        handshake::{Disconnect, Handshake, HandshakeEnd},
        local_end::{GETADDRINFO, GETIFADDRS},
        queries::{Broken, Queries},
    },
    host_trust::{self, Acceptance, CertificateFault, Trust},
    negotiation::{self, List},
    text,
    text::{FOREIGN_LIMIT, Span, Text, foreign, host, number, user},
};

/// What `ssh` prints, a line each; nothing where it gets in, hangs, or where it is not known.
#[must_use]
pub fn ssh_says(case: &Case) -> Vec<Text> {
    if let Some(Err(refusal)) = case.configuration().map(|c| &c.effective) {
        return refusal.lines.iter().map(|line| text![line]).collect();
    }
    let Some(effective) = case.effective() else { return Vec::new() };
    follows(case, effective).into_iter().map(as_printed).collect()
}

/// What follows from the evidence behind a configuration that `ssh` takes.
fn follows(case: &Case, effective: &Effective) -> Vec<Text> {
    if let Some(resolution) = case.resolution()
        && let Err(error) = &resolution.outcome
    {
        let name = host(&resolution.name);
        let words = foreign(&error.message);
        return vec![text!["ssh: Could not resolve hostname ", name, ": ", words]];
    }
    if let Some(attempts) = case.attempts().filter(|a| a.connected().is_none()) {
        return unconnected(effective, attempts);
    }
    if let Some(no) = &effective.unexpandable {
        return no.lines.iter().map(|line| text![line]).collect();
    }
    let Some(handshake) = case.handshake() else { return Vec::new() };
    let client = Client::of(case);
    if handshake.end != HandshakeEnd::Complete || negotiation::do_not_meet(effective, handshake) {
        return no_keys_exchanged(effective, handshake, &peer(case, effective), &client);
    }
    if let Some(lines) = host_key_refused(case, effective, handshake) {
        return lines;
    }
    if let Some(login) = case.login() {
        return login::lines(case, effective, login, peer(case, effective));
    }
    if case.plan.access.sftp().is_some() {
        return sftp::says(case, effective);
    }
    no_login(case, effective, &client).unwrap_or_default()
}

/// `ssh` writes a letter outside ASCII as the numbers of its bytes, and a backslash twice
/// (`log.c`, LOG_STDERR_VIS).
fn as_printed(line: Text) -> Text {
    // A warning of `ssh.c` about its arguments does not go that way.
    if line.0.first().is_some_and(|span| span.plain().starts_with("Warning: ")) {
        return line;
    }
    let shown = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'\\' => out.push_str("\\\\"),
                byte if byte.is_ascii() => out.push(char::from(byte)),
                byte => out.push_str(&format!("\\{byte:03o}")),
            }
            out
        })
    };
    Text(
        line.0
            .into_iter()
            .map(|span| match span {
                Span::Host(name) => Span::Host(shown(&name)),
                Span::User(name) => Span::User(shown(&name)),
                Span::Path(path) => Span::Path(shown(&path)),
                span => span,
            })
            .collect(),
    )
}

/// The client, as `ssh -V` names it.
struct Client {
    /// Major and minor version of OpenSSH.
    version: Option<(u32, u32)>,
    /// Whether it is built with OpenSSL 3.
    openssl_3: bool,
}

impl Client {
    fn of(case: &Case) -> Self {
        let told = match case.configuration().map(|c| &c.source) {
            Some(Source::Ssh { version }) => version.raw(),
            _ => "",
        };
        let version = case.configuration().and_then(|c| c.source.openssh());
        Self { version, openssl_3: told.contains("OpenSSL 3.") }
    }

    /// Before 9.5 the client also told what went wrong while it waited for the identification;
    /// since then only with -v.
    fn tells_of_identification(&self) -> bool {
        self.version.is_some_and(|version| version < (9, 5))
    }
}

/// The other side, as `ssh` names it once it is connected.
fn peer(case: &Case, effective: &Effective) -> Text {
    if effective.is_proxied() {
        return "UNKNOWN port 65535".into();
    }
    match case.attempts().and_then(Attempts::connected) {
        Some(attempt) => {
            text![text::address(attempt.to.ip()), " port ", number(attempt.to.port())]
        }
        None => text![host(&effective.host), " port ", number(effective.port)],
    }
}

/// No connection: `ssh` tells of the last address alone.
fn unconnected(effective: &Effective, attempts: &Attempts) -> Vec<Text> {
    let Some(last) = attempts.tried.last() else { return Vec::new() };
    let start = text!["ssh: connect to host ", host(&effective.host), " port "]
        .with(number(effective.port))
        .with(": ");
    if !attempts.untried.is_empty() {
        return vec![start];
    }
    match &last.outcome {
        Outcome::Connected => Vec::new(),
        Outcome::TimedOut { .. } => vec![start.with("Connection timed out")],
        Outcome::Failed(error) if error.is_of_local_end() => {
            let why = not_bound(effective, error);
            why.into_iter().chain([start.with("failure")]).collect()
        }
        Outcome::Failed(error) if error.operation == "connect" => {
            vec![start.with(foreign(&error.message))]
        }
        Outcome::Failed(_) => Vec::new(),
    }
}

/// Why the local address could not be used, where `ssh`'s words for it are certain.
fn not_bound(effective: &Effective, error: &OsError) -> Option<Text> {
    let words = foreign(&error.message);
    let own = effective.bind_address.as_ref();
    match error.operation.as_str() {
        GETADDRINFO => Some(text!["getaddrinfo: ", text::address(own?), ": ", words]),
        GETIFADDRS => {
            let interface = foreign(effective.bind_interface.as_ref()?);
            Some(text!["getifaddrs: ", interface, ": ", words])
        }
        _ => {
            // It names the address, also where a name was configured.
            let literal = own.filter(|a| a.parse::<std::net::IpAddr>().is_ok())?;
            let known = error.kind == OsErrorKind::AddressNotAvailable;
            known.then(|| text!["bind ", text::address(literal), ": ", words])
        }
    }
}

/// A conversation that ended before keys were exchanged.
fn no_keys_exchanged(
    effective: &Effective,
    handshake: &Handshake,
    peer: &Text,
    client: &Client,
) -> Vec<Text> {
    if let Some(goodbye) = &handshake.disconnect {
        return disconnected(goodbye, peer);
    }
    if handshake.identification.is_none() {
        return no_identification(effective, handshake, peer, client);
    }
    if let Some(lines) = other_version(handshake, peer) {
        return lines;
    }
    if let Some(line) = no_common(effective, handshake, peer) {
        return vec![line];
    }
    match &handshake.end {
        HandshakeEnd::Closed => vec![text!["Connection closed by "].then(peer.clone())],
        HandshakeEnd::Failed(error) if error.kind == OsErrorKind::ConnectionReset => {
            vec![text!["Connection reset by "].then(peer.clone())]
        }
        _ => Vec::new(),
    }
}

/// The server's goodbye, where it is made of letters that `ssh` prints as they are.
fn disconnected(goodbye: &Disconnect, peer: &Text) -> Vec<Text> {
    let words = goodbye.description.raw();
    if !words.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) || words.len() > 400 {
        return Vec::new();
    }
    let received = text!["Received disconnect from "].then(peer.clone());
    let code = number(goodbye.code);
    vec![
        received.with(":").with(code).with(": ").with(&goodbye.description),
        text!["Disconnected from "].then(peer.clone()),
    ]
}

/// What ended the wait for the identification string, as `kex_exchange_identification` tells it.
fn no_identification(
    effective: &Effective,
    handshake: &Handshake,
    peer: &Text,
    client: &Client,
) -> Vec<Text> {
    let with = |why: &'static str, line: Text| -> Vec<Text> {
        let why = client.tells_of_identification().then(|| text![why]);
        why.into_iter().chain([line]).collect()
    };
    let invalid = || {
        let line = text!["banner exchange: Connection to "].then(peer.clone());
        line.with(": invalid format")
    };
    if reads_no_further(handshake) {
        let why = "kex_exchange_identification: banner line contains invalid characters";
        return with(why, invalid());
    }
    let too_many = handshake.lines_before_count > 1024;
    match &handshake.end {
        HandshakeEnd::Stopped(_) if too_many => {
            let why = "kex_exchange_identification: No SSH version received in first 1024 lines \
                       from server";
            with(why, invalid())
        }
        HandshakeEnd::Stopped(_) if handshake.received > 8192 => {
            with("kex_exchange_identification: banner line too long", invalid())
        }
        HandshakeEnd::Closed => with(
            "kex_exchange_identification: Connection closed by remote host",
            text!["Connection closed by "].then(peer.clone()),
        ),
        HandshakeEnd::Failed(error) if error.kind == OsErrorKind::ConnectionReset => with(
            "kex_exchange_identification: read: Connection reset by peer",
            text!["Connection reset by "].then(peer.clone()),
        ),
        // Without ConnectTimeout ssh waits on, and says nothing.
        HandshakeEnd::TimedOut { .. } if effective.connect_timeout_s.is_some() => vec![
            "Connection timed out during banner exchange".into(),
            text!["Connection to "].then(peer.clone()).with(" timed out"),
        ],
        _ => Vec::new(),
    }
}

/// Whether a line has what no line before an identification may have: a zero, or a carriage
/// return in its midst.
fn reads_no_further(handshake: &Handshake) -> bool {
    let unfit = |line: &str| line.contains('\0') || line.trim_end_matches('\r').contains('\r');
    let lines = handshake.lines_before.iter().chain([&handshake.first_bytes]);
    lines.into_iter().any(|line| unfit(line.raw()))
}

/// SSH-1, or an identification that does not parse.
fn other_version(handshake: &Handshake, peer: &Text) -> Option<Vec<Text>> {
    let protocol = handshake.identification.as_ref()?.protocol.as_str();
    if matches!(protocol, "2.0" | "1.99") {
        return None;
    }
    let end = |words| text!["banner exchange: Connection to "].then(peer.clone()).with(words);
    let major: Option<u32> = protocol.split_once('.').and_then(|(major, _)| major.parse().ok());
    match major {
        Some(2) => None,
        Some(major) => Some(vec![
            text!["Protocol major versions differ: 2 vs. ", number(major)],
            end(": could not read protocol version"),
        ]),
        None => Some(vec![end(": invalid format")]),
    }
}

/// The list in which the two sides do not meet, with the server's side as it sent it.
fn no_common(effective: &Effective, handshake: &Handshake, peer: &Text) -> Option<Text> {
    let offered = handshake.offered.as_ref()?;
    let no = negotiation::agree(effective, offered)?.err()?;
    let meets = |theirs: &[String]| no.ours.iter().any(|name| theirs.contains(name));
    // ssh looks at what the server sends first.
    let theirs = match no.list {
        List::Kex => &offered.kex,
        List::HostKey => &offered.host_key,
        List::Cipher if meets(&offered.ciphers_to_client) => &offered.ciphers_to_server,
        List::Cipher => &offered.ciphers_to_client,
        List::Mac if meets(&offered.macs_to_client) => &offered.macs_to_server,
        List::Mac => &offered.macs_to_client,
    };
    let theirs = theirs.join(",");
    let line = text!["Unable to negotiate with "].then(peer.clone()).then(text![
        ": no matching ",
        no.list.words(),
        " found. Their offer: ",
    ]);
    Some(if theirs.len() > FOREIGN_LIMIT { line } else { line.with(foreign(theirs)) })
}

/// The server's key, where `ssh` ends because of it.
fn host_key_refused(
    case: &Case,
    effective: &Effective,
    handshake: &Handshake,
) -> Option<Vec<Text>> {
    let shown = handshake.host_key.as_ref()?;
    let known = case.known_hosts()?;
    if host_trust::too_small(effective, shown).is_some() {
        return Some(vec!["Bad server host key: Invalid key length".into()]);
    }
    let trust = host_trust::in_handshake(handshake, known, effective, case.started_at)?;
    let accepts = host_trust::acceptance(&trust, effective, case.plan.interactive);
    if accepts != Acceptance::Refuses {
        return None;
    }
    let strict = effective.strict_host_key_checking == StrictHostKeyChecking::Yes;
    let first = match &trust {
        Trust::Revoked(_) => Some(text!["WARNING: REVOKED HOST KEY DETECTED!"]),
        Trust::Changed { .. } => Some(text!["WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"]),
        Trust::CertificateInvalid { reason, .. } => match reason {
            CertificateFault::Expired => Some(text!["Certificate invalid: expired"]),
            CertificateFault::NotYetValid => Some(text!["Certificate invalid: not yet valid"]),
            CertificateFault::WrongPrincipal => {
                Some(text!["Certificate invalid: name is not a listed principal"])
            }
            CertificateFault::NotForHosts | CertificateFault::CriticalOption => None,
        },
        Trust::Unknown if strict => Some(text![
            type_of(&shown.algorithm),
            "host key is known for ",
            host(&known.name),
            " and you have requested strict checking."
        ]),
        Trust::Known(_)
        | Trust::KnownByAuthority(_)
        | Trust::NotChecked
        | Trust::RevokedByList { .. }
        | Trust::ListUnreadable { .. }
        | Trust::Unknown => None,
    };
    Some(first.into_iter().chain(["Host key verification failed.".into()]).collect())
}

/// The begin of the sentence about an unknown key, where its type has a name that is certain.
fn type_of(algorithm: &str) -> &'static str {
    match algorithm {
        "ssh-ed25519" => "No ED25519 ",
        "ssh-rsa" => "No RSA ",
        "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => "No ECDSA ",
        _ => "",
    }
}

/// Keys were exchanged, and nobody is let in.
fn no_login(case: &Case, effective: &Effective, client: &Client) -> Option<Vec<Text>> {
    let peer = || peer(case, effective);
    // ssh asks the agent first, and waits for it without a word.
    let hangs = |agent: &AgentKeys| matches!(agent.state, AgentState::TimedOut { .. });
    if effective.pubkey_authentication && case.agent().is_some_and(hangs) {
        return None;
    }
    let preferred = effective.preferred_authentications.as_ref();
    let no_keys = preferred.is_some_and(|methods| !methods.iter().any(|m| m == "publickey"));
    let methods = match &case.queries.as_ref()?.seen {
        Ok(queries) if no_keys && !queries.open_door => queries.methods.as_deref(),
        Ok(queries) => {
            if queries.open_door || queries.winner(case.is_interactive()).is_some() {
                return None;
            }
            if let Some(goodbye) = &queries.disconnect {
                return Some(disconnected(goodbye, &peer()));
            }
            match queries.broken {
                None => {}
                Some(Broken::ServerEnded) => {
                    return Some(vec![text!["Connection closed by "].then(peer())]);
                }
                Some(_) => return None,
            }
            if is_cut_short(queries) {
                return None;
            }
            queries.methods.as_deref()
        }
        Err(Unseen::Needs(Needed::Key)) => None,
        Err(_) => return None,
    };
    let mut lines = keys::load_errors(case, client);
    let who = || text![user(&effective.user), "@", host(effective.host.to_lowercase())];
    let takes = |name| methods.is_some_and(|m: &[String]| m.iter().any(|method| method == name));
    if methods.is_some_and(|methods| super::auth::asks_for_password(case, methods)) {
        // What comes then depends on what is typed, and the other method has the server's words.
        if !takes("keyboard-interactive") {
            lines.push(who().with("'s password:"));
        }
        return Some(lines);
    }
    let denied = who().with(": Permission denied");
    lines.push(match methods {
        Some(methods) => denied.with(" (").with(foreign(methods.join(","))).with(")."),
        None => denied,
    });
    Some(lines)
}

/// Whether keys were left unasked that `ssh` might go on with.
fn is_cut_short(queries: &Queries) -> bool {
    queries.offers.iter().any(|query| super::keys::is_unasked(query.answer))
}
