//! Causes in the SSH conversation before keys are exchanged.

use super::{
    Diagnosis, Id, Rule,
    advised::{ssh_at, ssh_with},
};
use crate::{
    case::Case,
    command,
    evidence::handshake::{Handshake, HandshakeEnd, Step},
    finding::Hint,
    greeting, negotiation, text,
    text::{Text, foreign, host, number},
    transport,
};

/// In causal order: what the server says itself, what it is, then where it fell silent or cut.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::ServerOverloaded, finds: server_overloaded },
    Rule { id: Id::ProtocolTooOld, finds: protocol_too_old },
    Rule { id: Id::NotSsh, finds: not_ssh },
    Rule { id: Id::Tarpit, finds: tarpit },
    Rule { id: Id::SilentServer, finds: silent_server },
    Rule { id: Id::ClosedBeforeBanner, finds: closed_before_banner },
    Rule { id: Id::NoCommonAlgorithm, finds: no_common_algorithm },
    Rule { id: Id::HandshakeStalled, finds: handshake_stalled },
    Rule { id: Id::HandshakeCut, finds: handshake_cut },
];

/// A handshake that did not complete, with what the check says of it.
fn broken(case: &Case) -> Option<(&Handshake, Text)> {
    let handshake = case.handshake()?;
    (handshake.end != HandshakeEnd::Complete)
        .then(|| (handshake, transport::words(handshake, case.effective())))
}

/// SSH_DISCONNECT_TOO_MANY_CONNECTIONS (RFC 4253, section 11.1).
const TOO_MANY_CONNECTIONS: u32 = 12;

fn server_overloaded(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let says_so = handshake.lines_before.iter().any(|l| greeting::is_no_room(l.raw()))
        || greeting::is_no_room(handshake.first_bytes.raw());
    let goodbye = handshake.disconnect.as_ref().filter(|d| d.code == TOO_MANY_CONNECTIONS);
    if !says_so && goodbye.is_none() {
        return None;
    }
    let mut found = Diagnosis::new(Id::ServerOverloaded).because(words);
    if let Some(goodbye) = goodbye {
        found = found.because(text!["Its goodbye: ", &goodbye.description, "."]);
    }
    Some(
        found
            .because(text![
                "Servers say this when too many people log in at once, or when too many failed ",
                "attempts came from your address. It says nothing about your key.",
            ])
            .step(Hint::advice(text![
                "Wait a minute without trying, then try once. Each further attempt can make the ",
                "pause longer (up to 10 minutes).",
            ]))
            .step(Hint::advice(text![
                "If it stays: stop whatever logs in again and again from your network (scripts, ",
                "editors, monitoring), or ask those who run the server.",
            ])),
    )
}

fn protocol_too_old(case: &Case) -> Option<Diagnosis> {
    let (handshake, _) = broken(case)?;
    let id = handshake.identification.as_ref()?;
    if id.protocol == "2.0" || id.protocol == "1.99" {
        return None;
    }
    Some(
        Diagnosis::new(Id::ProtocolTooOld)
            .because(text!["The server identifies itself as ", &id.line, "."])
            .because(text!["Every current ssh needs protocol 2.0; nothing on your side can help."])
            .step(Hint::advice(text![
                "Check that host and port are the right ones. If they are, those who run the ",
                "server must enable SSH 2.",
            ])),
    )
}

fn not_ssh(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    if handshake.identification.is_some() || handshake.received == 0 {
        return None;
    }
    let name = greeting::recognise(handshake.first_bytes.raw());
    if name.is_none() && is_trickle(handshake) {
        return None;
    }
    let effective = case.effective()?;
    let port = number(effective.port);
    let mut found = Diagnosis::new(Id::NotSsh)
        .because(words)
        .because(text!["Something answers on port ", port, ", but it does not speak SSH."])
        .step(Hint::run(
            text!["Check the port: SSH listens on port 22 unless you were told otherwise."],
            ssh_at(case, [], 22),
        ))
        .step(Hint::advice(text![
            "On a guest Wi-Fi or a company network, open a web page: a login page there, or a ",
            "proxy, answers in the server's place until you have signed in.",
        ]));
    if name.is_none() {
        found = found.or(Id::Tarpit).or(Id::HandshakeCut);
    }
    Some(found)
}

/// Several lines that nobody knows, one after the other, and no end.
fn is_trickle(handshake: &Handshake) -> bool {
    handshake.lines_before_count >= 2
        && matches!(
            handshake.end,
            HandshakeEnd::TimedOut { .. } | HandshakeEnd::Stopped(_) | HandshakeEnd::Abandoned
        )
}

fn tarpit(case: &Case) -> Option<Diagnosis> {
    let (handshake, _) = broken(case)?;
    if handshake.identification.is_some() || !is_trickle(handshake) {
        return None;
    }
    let effective = case.effective()?;
    let count = number(handshake.lines_before_count);
    let mut found = Diagnosis::new(Id::Tarpit)
        .because(text!["The server sent ", count, " lines, none of which identifies it as SSH."])
        .because(text![
            "A server may send a few lines before it identifies itself. One that goes on and on ",
            "is made to hold attackers: ssh would hang here without a word.",
        ]);
    if let Some(line) = handshake.lines_before.first() {
        found = found.because(text!["The first line: ", line]);
    }
    Some(
        found
            .step(Hint::run(
                text!["Check host and port: the real SSH server listens elsewhere."],
                command!["ssh", "-G", host(&effective.host)],
            ))
            .or(Id::NotSsh),
    )
}

fn silent_server(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    if !matches!(handshake.end, HandshakeEnd::TimedOut { .. }) || handshake.received > 0 {
        return None;
    }
    Some(
        Diagnosis::new(Id::SilentServer)
            .because(words)
            .because(text![
                "The connection was accepted, so the address is right and no firewall refuses it; ",
                "but an SSH server speaks first, and this one does not. ssh would hang here.",
            ])
            .step(Hint::advice(text![
                "Try again in a few minutes: a server that is starting or out of memory behaves so.",
            ]))
            .step(Hint::advice(text![
                "If it stays, tell those who run the server that port ",
                number(case.effective()?.port),
                " accepts connections and says nothing. A firewall that accepts in the server's ",
                "place and holds the traffic back looks the same.",
            ]))
            .or(Id::Filtered),
    )
}

fn closed_before_banner(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let ended = matches!(handshake.end, HandshakeEnd::Closed | HandshakeEnd::Failed(_));
    if !ended || handshake.received > 0 {
        return None;
    }
    let profile = case.profile();
    let mut found = Diagnosis::new(Id::ClosedBeforeBanner).because(words).because(text![
        "Something accepted the connection and hung up at once. Your key and user were not even ",
        "asked for, so they are not the reason.",
    ]);
    found = found.step(super::path::allow_list_hint(case));
    let title = if profile.title.is_empty() { "the provider" } else { &profile.title };
    Some(
        found
            .step(Hint::advice(text![
                "If your address is allowed: wait ten minutes (a ban after failed logins ends by ",
                "itself), try once more, then ask ",
                title.to_owned(),
                " and attach this report.",
            ]))
            .or(Id::IpNotAllowed)
            .or(Id::ServerOverloaded),
    )
}

fn no_common_algorithm(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let no = negotiation::agree(case.effective()?, handshake.offered.as_ref()?)?.err()?;
    let mut found = Diagnosis::new(Id::NoCommonAlgorithm)
        .because(words)
        .because(text!["The server offers: ", foreign(no.theirs.join(","))])
        .because(text!["Your ssh takes: ", foreign(no.ours.join(","))]);
    found = found.step(Hint::advice(text![
        "If your configuration sets ",
        no.list.option(),
        ", remove that line: the defaults of ssh are wider.",
    ]));
    if let Some(theirs) = no.theirs.first() {
        let option = format!("{}=+", no.list.option());
        found = found.step(Hint::run(
            text![
                "Until the server is updated, this allows its method for one login. It is weaker: ",
                "do not make it permanent.",
            ],
            ssh_with(case, [text!["-o"], text![option, foreign(theirs)]]),
        ));
    }
    Some(found.step(Hint::advice(text![
        "The lasting remedy: those who run the server enable a current method, or you update ",
        "your ssh, whichever is the older.",
    ])))
}

fn handshake_stalled(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let stalled = matches!(handshake.end, HandshakeEnd::TimedOut { .. });
    if !stalled || handshake.reached < Step::Identification {
        return None;
    }
    Some(
        Diagnosis::new(Id::HandshakeStalled)
            .because(words)
            .because(text![
                "The server's short first line came through; the long packets of the key exchange ",
                "did not, in one direction or the other.",
            ])
            .because(text![
                "This is typical of a VPN or tunnel that drops packets above a certain size (MTU), ",
                "and of firewalls that inspect SSH. A server that hangs looks the same.",
            ])
            .step(Hint::run(
                text!["If you are on a VPN: try once without it, or with smaller packets on it."],
                command!["sudo", "ip", "link", "set", "dev", "tun0", "mtu", "1280"],
            ))
            .step(Hint::run(
                text!["This makes the first packets of ssh smaller; if it gets further, it is the size."],
                ssh_with(case, ["-o", "KexAlgorithms=curve25519-sha256"].map(Text::from)),
            ))
            .or(Id::HandshakeCut),
    )
}

fn handshake_cut(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    if handshake.reached < Step::Identification {
        return None;
    }
    let mut found = match &handshake.end {
        HandshakeEnd::Closed | HandshakeEnd::Failed(_) => Diagnosis::new(Id::HandshakeCut),
        // Bytes that are no packet: something wrote into the conversation. Where the library
        // merely lacks an algorithm, nothing is known about the way.
        HandshakeEnd::Stopped(_) if handshake.offered.is_none() => Diagnosis::new(Id::HandshakeCut),
        _ => return None,
    }
    .because(words);
    if let Some(goodbye) = &handshake.disconnect {
        found = found.because(text!["The server's goodbye: ", &goodbye.description, "."]);
    }
    Some(
        found
            .because(text![
                "The server identified itself as SSH, then the conversation was ended before any ",
                "key of yours was asked for.",
            ])
            .step(Hint::advice(text![
                "Try from another network, such as a phone's hotspot. If it works there, a firewall ",
                "in your network inspects and cuts SSH: ask its administrators to allow it.",
            ]))
            .step(Hint::advice(text![
                "If it fails everywhere, the server itself ends the conversation: send this report ",
                "to those who run it.",
            ]))
            .or(Id::ServerOverloaded)
            .or(Id::IpNotAllowed),
    )
}
