//! Causes in the SSH conversation before keys are exchanged.

use super::{Diagnosis, Id, Rule};
use crate::{
    case::Case,
    command,
    evidence::handshake::{Arrived, Handshake, HandshakeEnd, Step},
    finding::Hint,
    greeting::{self, TurnedAway},
    negotiation::{self, Mismatch},
    text,
    text::{Command, Text, foreign, host, number, shell},
    transport,
};

/// In causal order: what the server says itself, what it is, then where it fell silent or cut.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::ServerOverloaded, finds: server_overloaded },
    Rule { id: Id::SourcePenalty, finds: source_penalty },
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

/// Too many that have not logged in yet, from everywhere or from this address: over in seconds.
fn server_overloaded(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let says_so = transport::turned_away(handshake).is_some_and(|(w, _)| w == TurnedAway::NoRoom);
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
                "Too many connections are open that have not logged in yet: from everywhere ",
                "(MaxStartups), or from your address alone (PerSourceMaxStartups). It says nothing ",
                "about your key.",
            ])
            .step(Hint::run(
                "This passes within seconds. Wait a little, then try once:",
                after_waiting("10", case),
            ))
            .step(Hint::advice(text![
                "If it stays: end what opens many connections from your network at once (scripts, ",
                "editors, monitoring, other logins that wait for a passphrase). If there is none, ",
                "those who run the server must raise the limit.",
            ])),
    )
}

/// OpenSSH from 9.8 on punishes addresses that fail again and again (`srclimit.c`); it says the
/// same where it is full. What helps against the one helps against the other too.
fn source_penalty(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    transport::turned_away(handshake).filter(|(why, _)| *why == TurnedAway::NotNow)?;
    Some(
        Diagnosis::new(Id::SourcePenalty)
            .because(words)
            .because(text![
                "OpenSSH 9.8 and later says this to an address from which too many logins failed. ",
                "Each failed login adds seconds (5, unless set otherwise); from 15 on, all new ",
                "connections from this address are turned away, for at most 10 minutes.",
            ])
            .because(text![
                "It says the same where too many people log in at one moment. It has not been told ",
                "who you are and which key you have, so those are not the reason.",
            ])
            .step(Hint::run(
                "Stop everything that tries to log in there, wait a minute, then try once:",
                after_waiting("60", case),
            ))
            .step(Hint::advice(text![
                "If it says the same then, wait ten minutes. Do not try in between: failed attempts ",
                "make it longer, for everybody who shares your address.",
            ]))
            .step(Hint::advice(text![
                "Find out what fails again and again from your network: a script, an editor, ",
                "monitoring, a CI job with an old key.",
            ]))
            .step(Hint::advice(text![
                "Those who run the server see the word penalty in its log, and can exempt your ",
                "address (PerSourcePenaltyExemptList).",
            ]))
            .or(Id::ServerOverloaded),
    )
}

fn after_waiting(seconds: &'static str, case: &Case) -> Command {
    case.plan.ssh().command().given_to(command!["sleep", seconds, shell("&&")])
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
    let untold = handshake.end == HandshakeEnd::LogEnds;
    if name.is_none() && (untold || is_trickle(handshake)) {
        return None;
    }
    let effective = case.effective()?;
    let port = number(effective.port);
    let mut found = Diagnosis::new(Id::NotSsh)
        .because(words)
        .because(text!["Something answers on port ", port, ", but it does not speak SSH."])
        .step(Hint::run(
            text!["Check the port: SSH listens on port 22 unless you were told otherwise."],
            case.plan.ssh().port(22).command(),
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
            HandshakeEnd::TimedOut { .. }
                | HandshakeEnd::Stopped(_)
                | HandshakeEnd::OutOfTime
                | HandshakeEnd::Interrupted
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
            .step(Hint::advice(text![
                "Check host and port with those who gave them to you: the real SSH server listens ",
                "at another port or address than ",
                host(&effective.host),
                ", port ",
                number(effective.port),
                ".",
            ]))
            .or(Id::NotSsh),
    )
}

fn silent_server(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    if !matches!(handshake.end, HandshakeEnd::TimedOut { .. }) || handshake.received > 0 {
        return None;
    }
    let found = Diagnosis::new(Id::SilentServer).because(words).because(text![
        "The connection was accepted, so the address is right and no firewall refuses it; but an SSH \
         server speaks first, and this one does not. ssh would hang here.",
    ]);
    let found = with_arrival(found, handshake);
    let port = number(case.effective()?.port);
    let tell = Hint::advice(text![
        "If it stays, tell those who run the server that port ",
        port,
        " accepts connections and says nothing.",
    ]);
    let later = Hint::advice(
        "Try again in a few minutes: a server that is starting or out of memory behaves so.",
    );
    Some(match handshake.arrived() {
        // The other computer works, so its program hangs; or its first line was lost once and then
        // sent again together with what follows, in a packet that is too large for the way.
        Arrived::All => found.step(later).step(tell).or(Id::HandshakeStalled),
        // It was let in and then cut off: nobody there had a chance to answer.
        Arrived::Nothing | Arrived::Begin => found
            .because(
                "So it is not the server that is slow: something on the way lets connections open \
                 and drops what is said in them.",
            )
            .step(elsewhere("holds SSH back"))
            .step(tell)
            .or(Id::HandshakeCut)
            .or(Id::Filtered),
        Arrived::Unknown => found
            .step(later)
            .step(tell)
            .step(Hint::advice(
                "A firewall that accepts in the server's place and holds the traffic back looks \
                 the same: try from another network, such as a phone's hotspot.",
            ))
            .or(Id::Filtered),
    })
}

/// What became of the bytes that were sent, where the system tells.
fn with_arrival(found: Diagnosis, handshake: &Handshake) -> Diagnosis {
    match transport::arrival(handshake) {
        Some(words) => found.because(words),
        None => found,
    }
}

/// What another network shows.
fn elsewhere(does: &'static str) -> Hint {
    Hint::advice(text![
        "Try from another network, such as a phone's hotspot. If it works there, a firewall in your \
         network ",
        does,
        ": ask its administrators to allow it.",
    ])
}

/// No server needs so long to hang up, in microseconds; a name server that does not answer does.
const LONG_US: u64 = 3_000_000;

fn closed_before_banner(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let ended = matches!(handshake.end, HandshakeEnd::Closed | HandshakeEnd::Failed(_));
    if !ended || handshake.received > 0 {
        return None;
    }
    let profile = case.profile();
    let waited = handshake.ended_us.is_some_and(|us| us >= LONG_US);
    let mut found = Diagnosis::new(Id::ClosedBeforeBanner).because(words).because(text![
        "Something accepted the connection and hung up",
        if waited { "" } else { " at once" },
        ". Your key and user were not even asked for, so they are not the reason.",
    ]);
    if waited {
        found = found.because(
            "It took its time before: servers that look up the name of your address (reverse DNS) \
             before they refuse it do so (TCP wrappers, /etc/hosts.deny).",
        );
    }
    found = found.step(super::path::allow_list_hint(case));
    // Who inspects SSH resets when this computer has said its first word; a closed door is no sign.
    let reset = matches!(handshake.end, HandshakeEnd::Failed(_));
    if reset {
        found = found.step(elsewhere("cuts SSH")).or(Id::HandshakeCut);
    }
    let support = profile.support.as_deref().unwrap_or("those who run the server");
    Some(
        found
            .step(Hint::advice(text![
                "If the address is allowed: wait ten minutes (a ban after failed logins ends by ",
                "itself), try once more, then ask ",
                support.to_owned(),
                " and attach this report.",
            ]))
            .or(Id::IpNotAllowed)
            .or(Id::ServerOverloaded)
            .or(Id::SourcePenalty),
    )
}

fn no_common_algorithm(case: &Case) -> Option<Diagnosis> {
    // Whether our own exchange of keys went well says nothing: the lists decide.
    let (handshake, effective) = (case.handshake()?, case.effective()?);
    let all = negotiation::mismatches(effective, handshake.offered.as_ref()?);
    let (first, others) = all.split_first()?;
    let mut found = Diagnosis::new(Id::NoCommonAlgorithm)
        .because(transport::words(handshake, Some(effective)))
        .because(text!["The server offers: ", foreign(first.theirs.join(","))])
        .because(text!["Your ssh takes: ", foreign(first.ours.join(","))]);
    for no in others.iter().filter(|no| no.list != first.list) {
        found = found.because(text![
            "Nor would they have a ",
            no.list.words(),
            " in common; the server offers: ",
            foreign(no.theirs.join(","))
        ]);
    }
    let mut options: Vec<_> = all.iter().map(|no| no.list.option()).collect();
    options.dedup();
    found = found.step(Hint::advice(text![
        "If your configuration sets ",
        options.join(" or "),
        ", remove ",
        if options.len() == 1 { "that line" } else { "those lines" },
        ": the defaults of ssh are wider.",
    ]));
    Some(allowing(found, case, &all).step(Hint::advice(text![
        "The lasting remedy: those who run the server enable a current method, or you update ",
        "your ssh, whichever is the older.",
    ])))
}

/// One command for all lists: the first alone would only lead to the next.
fn allowing(found: Diagnosis, case: &Case, all: &[Mismatch]) -> Diagnosis {
    let mut options: Vec<(&str, Vec<&str>)> = Vec::new();
    for no in all {
        let theirs = no.theirs.iter().map(String::as_str);
        let Some((method, _)) = negotiation::to_allow(theirs) else { continue };
        let option = no.list.option();
        // The two directions may need one each.
        match options.iter_mut().find(|(known, _)| *known == option) {
            Some((_, methods)) => methods.push(method),
            None => options.push((option, vec![method])),
        }
    }
    let names: Vec<_> = options.iter().flat_map(|(_, methods)| methods.clone()).collect();
    if names.is_empty() {
        return found;
    }
    let command = options.iter().fold(case.plan.ssh(), |ssh, (option, methods)| {
        ssh.set(text![format!("{option}=+"), foreign(methods.join(","))])
    });
    found.step(Hint::run(negotiation::words_for(&names), command.command()))
}

fn handshake_stalled(case: &Case) -> Option<Diagnosis> {
    let (handshake, words) = broken(case)?;
    let stalled = matches!(handshake.end, HandshakeEnd::TimedOut { .. });
    if !stalled || handshake.reached < Step::Identification {
        return None;
    }
    let found = with_arrival(Diagnosis::new(Id::HandshakeStalled).because(words), handshake);
    let try_short = Hint::run(
        "See whether it is the size. This makes ssh's first packet short; if it gets further, large \
         packets are lost on the way:",
        case.plan.ssh().set("KexAlgorithms=curve25519-sha256").command(),
    );
    let lower = Hint::advice(
        "If you are on a VPN: try once without it. If that helps, ask those who run it to lower its \
         packet size (MTU), for example to 1280.",
    );
    let hangs = Hint::advice(
        "If it fails from there too, the server hangs: send this report to those who run it.",
    );
    Some(match (handshake.arrived(), handshake.reached) {
        (Arrived::Begin, _) => found
            .because(
                "The server's answers come through, and so do short packets to it; longer ones are \
                 lost on the way to it. That is typical of a VPN or tunnel that drops packets \
                 above a certain size (MTU).",
            )
            .step(lower)
            .step(try_short)
            .step(elsewhere("drops packets above a certain size"))
            .or(Id::HandshakeCut),
        (Arrived::Nothing, _) => found
            .because(
                "The server's first line came through, so the way is open; what this computer says \
                 is dropped since it speaks SSH. That is what firewalls do that inspect it.",
            )
            .step(elsewhere("inspects SSH and holds it back"))
            .step(hangs)
            .or(Id::HandshakeCut),
        (Arrived::All, Step::Identification) => found
            .because(
                "The server's short first line came through; its list of algorithms, a long packet, \
                 did not. Either long packets to you are lost on the way (the packet size of a VPN \
                 or tunnel, MTU), or the server hangs.",
            )
            .step(lower)
            .step(elsewhere("drops packets above a certain size"))
            .step(hangs),
        (Arrived::All, _) => found
            .because(
                "The server's long list of algorithms came through, so the size of packets is hardly \
                 the reason: the server is slow or hangs, or a firewall holds its answer back.",
            )
            .step(elsewhere("inspects SSH and holds it back"))
            .step(hangs)
            .or(Id::HandshakeCut),
        (Arrived::Unknown, _) => found
            .because(
                "The server's short first line came through; the long packets of the key exchange \
                 did not, in one direction or the other. This is typical of a VPN or tunnel that \
                 drops packets above a certain size (MTU), and of firewalls that inspect SSH. \
                 A server that hangs looks the same.",
            )
            .step(try_short)
            .step(lower)
            .step(elsewhere("holds SSH back"))
            .or(Id::HandshakeCut),
    })
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
            .step(elsewhere("inspects and cuts SSH"))
            .step(Hint::advice(text![
                "If it fails everywhere, the server itself ends the conversation: send this report ",
                "to those who run it.",
            ]))
            .or(Id::ServerOverloaded)
            .or(Id::IpNotAllowed),
    )
}
