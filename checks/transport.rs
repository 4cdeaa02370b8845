//! SSH transport: identification, algorithms, exchange of keys (RFC 4253).

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Needed, Seen, Unseen,
        configuration::Effective,
        handshake::{Arrived, Handshake, HandshakeEnd, Step},
        proxy::ProxyEnd,
    },
    finding::Finding,
    greeting::{self, TurnedAway},
    negotiation, text,
    text::{Foreign, Text, foreign, number},
};

/// SSH transport: identification, algorithms, exchange of keys.
pub struct Transport;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    handshake: &'e Seen<Handshake>,
    /// How the command stood that carries the conversation, where the way is not direct.
    way: Option<&'e Seen<ProxyEnd>>,
}

impl Check for Transport {
    const ABOUT: About = About { id: "transport", title: "SSH transport" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let handshake = evidence.handshake().await;
        let effective = evidence.effective().await;
        let proxied = effective.as_ref().is_ok_and(|e| e.is_proxied());
        let way =
            if proxied && handshake.is_ok() { Some(evidence.proxy_end().await) } else { None };
        Facts { effective, handshake, way }
    }

    fn judge(_plan: &Plan, facts: Facts<'_>) -> Finding {
        let handshake = match facts.handshake {
            Ok(handshake) => handshake,
            Err(why) => return Finding::unseen(why),
        };
        let led_nowhere = facts.way.is_some_and(|end| end.as_ref().is_ok_and(|e| !e.connected()));
        let cut = matches!(handshake.end, HandshakeEnd::OutOfTime | HandshakeEnd::Interrupted);
        if led_nowhere && handshake.received == 0 && !cut {
            // Whose silence this is, the check of the connection says.
            return Finding::unseen(&Unseen::Needs(Needed::Connection));
        }
        let apart = facts.effective.as_ref().is_ok_and(|e| negotiation::do_not_meet(e, handshake));
        let finding = match (&handshake.end, &handshake.identification) {
            (HandshakeEnd::Complete, Some(id)) if !apart => {
                Finding::pass(text!["Keys are exchanged with ", foreign(id.software.raw()), "."])
            }
            (HandshakeEnd::Complete, None) => Finding::pass("Keys are exchanged."),
            (HandshakeEnd::OutOfTime | HandshakeEnd::Interrupted | HandshakeEnd::LogEnds, _) => {
                Finding::skip(words(handshake, None))
            }
            _ => Finding::fail(words(handshake, facts.effective.as_ref().ok().copied())),
        };
        finding
            .detail_all(details(handshake, facts.effective.ok()))
            .fact("identification", &handshake.identification)
            .fact("lines_before", &handshake.lines_before)
            .fact("lines_before_count", handshake.lines_before_count)
            .fact("reached", handshake.reached)
            .fact("steps", &handshake.steps)
            .fact("offered", &handshake.offered)
            .fact("agreed", &handshake.agreed)
            .fact("disconnect", &handshake.disconnect)
            .fact("received", handshake.received)
            .fact("sent", handshake.sent)
            .fact("unacknowledged", handshake.unacknowledged)
            .fact("end", &handshake.end)
            .fact("ended_us", handshake.ended_us)
    }
}

/// One line about a handshake that did not complete; the diagnosis uses it too.
#[must_use]
pub fn words(handshake: &Handshake, effective: Option<&Effective>) -> Text {
    if let Some((why, line)) = turned_away(handshake) {
        return match why {
            TurnedAway::NoRoom => {
                text!["The server has no room for new logins now; it says: ", line, "."]
            }
            TurnedAway::NotNow => {
                text!["The server turns this connection away; it says: ", line, "."]
            }
        };
    }
    if let Some(id) = &handshake.identification {
        if id.protocol != "2.0" && id.protocol != "1.99" {
            return text!["The server speaks a version of SSH that nobody takes: ", &id.line, "."];
        }
    } else if handshake.received > 0 {
        let first = handshake.first_bytes.short();
        match greeting::recognise(handshake.first_bytes.raw()) {
            Some(name) => return text!["This is not an SSH server but ", name, ": ", first, "."],
            // A server may say something before it identifies itself, which the log does not show.
            None if handshake.end == HandshakeEnd::LogEnds => {}
            None => return text!["What answers does not identify itself as SSH: ", first, "."],
        }
    }
    if let (Some(effective), Some(offered)) = (effective, &handshake.offered)
        && let Some(Err(no)) = negotiation::agree(effective, offered)
    {
        return text!["Your ssh and the server have no ", no.list.words(), " in common."];
    }
    let step = match handshake.reached {
        Step::Connected if handshake.received == 0 => "before the server said a word",
        Step::Connected => "before the server identified itself",
        Step::Identification => "after the server had identified itself",
        Step::Algorithms => "after the server had listed its algorithms",
        Step::HostKey => "after the server had shown its key",
        Step::Keys => "after keys had been exchanged",
    };
    match &handshake.end {
        HandshakeEnd::Closed => text!["The connection was closed ", step, "."],
        HandshakeEnd::Failed(e) => {
            text!["The connection broke ", step, ": ", foreign(&e.message), "."]
        }
        HandshakeEnd::TimedOut { after_ms } if handshake.received == 0 => {
            text!["The server did not say one word within ", seconds(*after_ms), "."]
        }
        HandshakeEnd::TimedOut { after_ms } => {
            text!["Nothing more came for ", seconds(*after_ms), " ", step, "."]
        }
        HandshakeEnd::Stopped(why) => {
            text!["The conversation could not go on ", step, ": ", foreign(why), "."]
        }
        HandshakeEnd::OutOfTime => {
            text!["Not found out: the time limit for the whole run was reached ", step, "."]
        }
        HandshakeEnd::Interrupted => text!["Not found out: interrupted ", step, "."],
        HandshakeEnd::LogEnds => text!["Not found out: the log ends ", step, "."],
        HandshakeEnd::Complete => text!["Keys are exchanged."],
    }
}

/// The line with which the server turns the connection away, with or without its end.
#[must_use]
pub fn turned_away(handshake: &Handshake) -> Option<(TurnedAway, &Foreign)> {
    let lines = handshake.lines_before.iter().chain([&handshake.first_bytes]);
    let mut told = lines.filter_map(|line| Some((greeting::turned_away(line.raw())?, line)));
    told.next().filter(|_| handshake.identification.is_none())
}

/// As people say it: "2 seconds", "0.3 seconds".
#[must_use]
pub fn seconds(ms: u64) -> String {
    match (ms / 1000, ms % 1000 / 100) {
        (1, 0) => "1 second".to_owned(),
        (whole, 0) => format!("{whole} seconds"),
        (whole, tenths) => format!("{whole}.{tenths} seconds"),
    }
}

/// What became of the bytes that were sent, where the conversation fell silent and the system
/// tells: it says in which direction they are lost.
#[must_use]
pub fn arrival(handshake: &Handshake) -> Option<Text> {
    let sent = number(handshake.sent);
    Some(match handshake.arrived() {
        Arrived::Unknown => return None,
        Arrived::All => {
            text![
                "All ",
                sent,
                " bytes that this computer sent arrived there (TCP acknowledged them)."
            ]
        }
        Arrived::Nothing => text![
            "Of the ",
            sent,
            " bytes that this computer sent nothing arrived there, not even the short first line.",
        ],
        Arrived::Begin => text![
            "Of the ",
            sent,
            " bytes that this computer sent the first ones arrived there, the last ",
            number(handshake.unacknowledged.unwrap_or_default()),
            " did not, though they were sent again and again.",
        ],
    })
}

fn details(handshake: &Handshake, effective: Option<&Effective>) -> Vec<Text> {
    let mut lines: Vec<_> = arrival(handshake).into_iter().collect();
    if let Some(id) = &handshake.identification {
        lines.push(text!["Identification: ", &id.line]);
    }
    for line in &handshake.lines_before {
        lines.push(text!["Line before the identification: ", line.short()]);
    }
    if handshake.lines_before_count > handshake.lines_before.len() as u64 {
        lines.push(text![number(handshake.lines_before_count), " such lines in all."]);
    }
    if let Some(goodbye) = &handshake.disconnect {
        let code = number(goodbye.code);
        lines.push(text!["The server's goodbye: ", &goodbye.description, " (reason ", code, ")"]);
    }
    if let (Some(effective), Some(offered)) = (effective, &handshake.offered) {
        match negotiation::agree(effective, offered) {
            Some(Ok(agreed)) => lines.push(text![
                "ssh would agree on ",
                foreign(&agreed.kex),
                ", ",
                foreign(&agreed.host_key),
                ", ",
                foreign(&agreed.cipher),
                ".",
            ]),
            Some(Err(no)) => {
                lines.push(text!["The server offers: ", foreign(no.theirs.join(","))]);
                lines.push(text!["Your ssh takes: ", foreign(no.ours.join(","))]);
            }
            None => {}
        }
    }
    let times = handshake.steps.iter().map(|s| {
        let name = match s.step {
            Step::Connected => "connected",
            Step::Identification => "identification",
            Step::Algorithms => "algorithms",
            Step::HostKey => "host key",
            Step::Keys => "keys",
        };
        format!("{name} after {}.{} ms", s.at_us / 1000, s.at_us % 1000 / 100)
    });
    let times: Vec<_> = times.collect();
    if !times.is_empty() {
        lines.push(text!["Steps: ", times.join(", "), "."]);
    }
    lines
}
