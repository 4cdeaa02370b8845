//! The checks of a destination as it is seen from the source: of a copy, or of a service.
//!
//! They have the names of the usual ones. What is particular to this computer (its resolver, its
//! addresses, its known_hosts, its login) is judged here from what the source says; the rest is the
//! same check over the tunnel.

use jiff::Timestamp;

use crate::{
    case::{Case, Plan},
    check::{About, Check, Row},
    config::Config,
    evidence::{
        Evidence, Seen, Unseen,
        configuration::Effective,
        handshake::Handshake,
        key::PublicKeyFacts,
        known_hosts::KnownHosts,
        second_hop::{FromSource, Instead, Tried, Tunnel},
    },
    finding::Finding,
    host_trust::{self, Acceptance, Trust},
    login, portal, text,
    text::{Text, address, foreign, host, key, number, path},
    transport,
};

/// What is seen of the destination from the source, in the order in which a connection goes.
pub const CHECKS: &[Row] = &[
    Row::of::<Config>(),
    Row::of::<Dns>(),
    Row::of::<Tcp>(),
    Row::of::<transport::Transport>(),
    Row::of::<HostKey>(),
    Row::of::<portal::Portal>(),
    Row::of::<Login>(),
];

/// Name resolution, by the source.
pub struct Dns;

impl Check for Dns {
    const ABOUT: About = crate::dns::Dns::ABOUT;
    type Facts<'e> = &'e Seen<FromSource>;

    async fn observe(evidence: &Evidence) -> &Seen<FromSource> {
        evidence.from_source().await
    }

    fn judge(_plan: &Plan, from: &Seen<FromSource>) -> Finding {
        let from = match from {
            Ok(from) => from,
            Err(why) => return Finding::unseen(why),
        };
        let Some(used) = from.used() else {
            return Finding::skip("No name of the destination can be a host name.");
        };
        let name = host(&used.name);
        let finding = if !used.addresses.is_empty() {
            let mut words = text!["At the source, ", name, " is"];
            for found in used.addresses.iter().take(3) {
                words = words.with(" ").with(address(found));
            }
            Finding::pass(words.with("."))
        } else if is_unknown_name(used) {
            Finding::fail(text!["The source does not know the name ", name, "."])
        } else if used.tunnel == Tunnel::Open {
            Finding::pass(text!["The source knows the name ", name, "."])
        } else {
            Finding::skip(text!["Whether the source knows the name ", name, " could not be seen."])
        };
        let others = from.tried.iter().filter(|tried| tried.name != used.name);
        finding
            .detail_all(others.map(|tried| {
                text!["Tried too: ", host(&tried.name), ": "].then(left(tried, used)).with(".")
            }))
            .fact("tried", &from.tried)
    }
}

/// Whether the source says that there is no such name.
#[must_use]
pub fn is_unknown_name(tried: &Tried) -> bool {
    use crate::evidence::login::RunEnd::Exited;
    if !tried.addresses.is_empty() {
        return false;
    }
    // getent(1): 2 is "one or more supplied key could not be found".
    let looked_up = tried.lookup.as_ref().is_some_and(|run| run.end == Exited(2));
    let by_tunnel = match &tried.tunnel {
        Tunnel::NotOpened(no) => {
            let words = no.words.raw().to_ascii_lowercase();
            ["name or service", "not known", "resol", "nodename", "no address", "hostname"]
                .iter()
                .any(|part| words.contains(part))
        }
        _ => false,
    };
    by_tunnel || looked_up && tried.tunnel != Tunnel::Open
}

/// Why another name than the one that is used was left: the end of a sentence.
#[must_use]
pub fn left(tried: &Tried, used: &Tried) -> Text {
    if is_unknown_name(tried) {
        text!["not known there"]
    } else if tried.is_same_place(used) {
        text!["the same address"]
    } else if let Some(first) = tried.addresses.first().filter(|_| tried.leads()) {
        text!["another address there, ", address(first)]
    } else if tried.tunnel == Tunnel::NotNeeded {
        text!["not needed"]
    } else {
        text!["no way there"]
    }
}

/// The port of the destination, from the source.
pub struct Tcp;

impl Check for Tcp {
    const ABOUT: About = crate::tcp::Tcp::ABOUT;
    type Facts<'e> = (Result<&'e Effective, Unseen>, &'e Seen<FromSource>);

    async fn observe(evidence: &Evidence) -> Self::Facts<'_> {
        (evidence.effective().await, evidence.from_source().await)
    }

    fn judge(plan: &Plan, (effective, from): Self::Facts<'_>) -> Finding {
        let from = match from {
            Ok(from) => from,
            Err(why) => return Finding::unseen(why),
        };
        let Some(used) = from.used() else {
            return Finding::skip("There is nothing to connect to.");
        };
        let port = effective.map_or(22, |e| e.port);
        let goal = text![host(&used.name), ", port ", number(port)];
        let finding = match &used.tunnel {
            Tunnel::Open => Finding::pass(text!["The source connected to "].then(goal).with(".")),
            tunnel if tunnel.is_forbidden() || *tunnel == Tunnel::NotDirect => {
                let why = match tunnel {
                    Tunnel::NotDirect => {
                        "ssh there goes another way (a jump host or proxy command)"
                    }
                    _ => "The source lets nobody look through it (it forbids tunnels)",
                };
                let done = from.instead.is_some();
                let then = if done { ", so its own ssh was asked." } else { "." };
                let words = text![why, then];
                if from.instead.as_ref().is_some_and(|i| i.works(plan.pair.as_deref())) {
                    Finding::pass(words)
                } else {
                    Finding::skip(words)
                }
            }
            tunnel => {
                Finding::fail(text!["From the source, "].then(goal).with(" ").then(no(tunnel)))
            }
        };
        let said = from.instead.iter().flat_map(|instead| &instead.said);
        finding
            .detail_all(said.map(|line| text!["ssh there says: ", line]))
            .fact("tunnel", &used.tunnel)
            .fact("instead", &from.instead)
    }
}

/// Why there is no connection: the end of a sentence about the destination.
#[must_use]
pub fn no(tunnel: &Tunnel) -> Text {
    match tunnel {
        Tunnel::Open => text!["answers."],
        Tunnel::NotOpened(no) => text!["cannot be reached: ", &no.words, "."],
        Tunnel::NoAnswer { after_ms } => {
            text!["does not answer within ", transport::seconds(*after_ms), "."]
        }
        Tunnel::Lost => text!["could not be tried: the source ended the conversation."],
        Tunnel::NotDirect | Tunnel::NotNeeded => text!["was not tried."],
        Tunnel::OutOfTime => text!["was not tried to the end: the time limit was reached."],
        Tunnel::Interrupted => text!["was not tried to the end: interrupted."],
    }
}

/// The destination's key, as the source knows it.
pub struct HostKey;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    handshake: &'e Seen<Handshake>,
    known_hosts: &'e Seen<KnownHosts>,
    now: Timestamp,
}

impl Check for HostKey {
    const ABOUT: About = crate::host_key::HostKey::ABOUT;
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (handshake, known_hosts) =
            futures_util::join!(evidence.handshake(), evidence.known_hosts());
        let effective = evidence.effective().await;
        Facts { effective, handshake, known_hosts, now: evidence.started_at() }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, handshake, known) =
            match (facts.effective, facts.handshake, facts.known_hosts) {
                (Ok(effective), Ok(handshake), Ok(known)) => (effective, handshake, known),
                (Err(why), ..) => return Finding::unseen(&why),
                (_, Err(why), _) | (.., Err(why)) => return Finding::unseen(why),
            };
        let Some(shown) = &handshake.host_key else {
            return Finding::unseen(&Unseen::Needs(crate::evidence::Needed::Handshake));
        };
        let name = host_trust::principal(effective);
        let trust = host_trust::judge_key(known, shown, &name, facts.now);
        let accepts = host_trust::acceptance(&trust, effective, plan.interactive);
        let client = plan.pair.as_ref().map_or("ssh", |part| part.client());
        let finding = match (&trust, accepts) {
            (Trust::Known(_) | Trust::KnownByAuthority(_), _) => {
                Finding::pass(text!["The source knows the destination's ", shown.kind(), " key."])
            }
            (Trust::Unknown, Acceptance::Asks) => Finding::warn(text![
                "The source does not know the destination's key yet: ",
                client,
                " there will ask whether to trust it.",
            ]),
            (Trust::Unknown, Acceptance::Accepts) => Finding::warn(text![
                "The source does not know the destination's key yet: ",
                client,
                " there accepts it unseen.",
            ]),
            (_, Acceptance::Refuses) => Finding::fail(summary(&trust)),
            _ => Finding::warn(summary(&trust)),
        };
        let finding = match trust {
            Trust::Known(_) | Trust::KnownByAuthority(_) => {
                finding.detail(text!["Fingerprint ", key(&shown.sha256), "."])
            }
            _ => finding.detail_all(fingerprints(shown)),
        };
        finding
            .fact("algorithm", &shown.algorithm)
            .fact("sha256", &shown.sha256)
            .fact("md5", &shown.md5)
            .fact("looked_up_as", &known.name)
            .fact("trust", &trust)
            .fact("ssh", accepts)
    }
}

/// One line about a key that is in doubt at the source.
fn summary(trust: &Trust) -> Text {
    match trust {
        Trust::Changed { .. } => {
            text!["The destination's key is not the one that the source knows."]
        }
        Trust::Revoked(_) | Trust::RevokedByList { .. } => {
            text!["At the source, the destination's key is marked as revoked."]
        }
        Trust::CertificateInvalid { .. } => {
            text!["The destination's certificate is not valid for the source."]
        }
        Trust::ListUnreadable { path: file, .. } => {
            text!["At the source, the list of revoked keys ", path(file), " cannot be read."]
        }
        Trust::Unknown | Trust::NotChecked | Trust::Known(_) | Trust::KnownByAuthority(_) => {
            text![
                "The source does not know the destination's key, and ssh there may not accept it."
            ]
        }
    }
}

/// Both forms of the fingerprint that people may have to compare.
#[must_use]
pub fn fingerprints(shown: &PublicKeyFacts) -> Vec<Text> {
    vec![
        text!["The destination shows the ", shown.kind(), " key ", key(&shown.sha256), "."],
        text!["The same in the older form: MD5 ", key(&shown.md5), "."],
    ]
}

/// A login at the destination, through the tunnel; where there is none, that of the source's own `ssh`.
pub struct Login;

impl Check for Login {
    const ABOUT: About = login::Login::ABOUT;
    type Facts<'e> = (Option<&'e Instead>, <login::Login as Check>::Facts<'e>);

    fn applies(plan: &Plan) -> bool {
        login::Login::applies(plan)
    }

    async fn observe(evidence: &Evidence) -> Self::Facts<'_> {
        let from = evidence.from_source().await.as_ref().ok();
        (from.and_then(|from| from.instead.as_ref()), login::Login::observe(evidence).await)
    }

    fn judge(plan: &Plan, (instead, through): Self::Facts<'_>) -> Finding {
        match instead {
            None => login::Login::judge(plan, through),
            Some(instead) if instead.works(plan.pair.as_deref()) => Finding::pass(
                "ssh at the source logged in there. What is behind that login was not looked at: \
                 there is no tunnel.",
            ),
            Some(_) => Finding::skip(
                "Not looked at: there is no tunnel, and ssh at the source did not get in.",
            ),
        }
    }
}

/// What the known_hosts files of the source say about the key that the destination showed.
#[must_use]
pub fn trust(case: &Case) -> Option<(Trust, Acceptance)> {
    let trust = host_trust::in_case(case)?;
    let accepts = host_trust::acceptance(&trust, case.effective()?, case.plan.interactive);
    Some((trust, accepts))
}

/// The names of key files at the source that nobody looked into.
#[must_use]
pub fn own_keys(from: &FromSource) -> Text {
    let mut words = text![];
    for (place, file) in from.own_keys.iter().enumerate() {
        if place > 0 {
            words = words.with(", ");
        }
        words = words.with(foreign(file.raw()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            login::{NotOpened, Run, RunEnd},
            made,
        },
        finding::Status,
        text::Foreign,
    };

    fn tried(end: RunEnd, addresses: &[&str], tunnel: Tunnel) -> Tried {
        Tried {
            name: "a".into(),
            client: Run::default(),
            lookup: Some(Run { end, ..Run::default() }),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            tunnel,
            took_ms: 1,
        }
    }

    fn not_opened(reason: &str, words: &str) -> Tunnel {
        let words = Foreign::from_bytes(words.as_bytes());
        Tunnel::NotOpened(NotOpened { reason: reason.into(), words })
    }

    #[test]
    fn names_and_ports() {
        let refused = || not_opened("connect-failed", "Connection refused");
        let unknown = || not_opened("connect-failed", "Name or service not known");
        let silent = Tunnel::NoAnswer { after_ms: 10_000 };
        let forbidden = || not_opened("administratively-prohibited", "open failed");
        for (at, dns, tcp) in [
            (tried(RunEnd::Exited(0), &["192.0.2.1"], Tunnel::Open), Status::Pass, Status::Pass),
            (tried(RunEnd::Exited(0), &["192.0.2.1"], refused()), Status::Pass, Status::Fail),
            (tried(RunEnd::Exited(0), &["192.0.2.1"], silent), Status::Pass, Status::Fail),
            (tried(RunEnd::Exited(2), &[], unknown()), Status::Fail, Status::Fail),
            (tried(RunEnd::Exited(2), &[], forbidden()), Status::Fail, Status::Skip),
            // No getent there: the tunnel tells.
            (tried(RunEnd::Exited(127), &[], Tunnel::Open), Status::Pass, Status::Pass),
            (tried(RunEnd::Exited(127), &[], unknown()), Status::Fail, Status::Fail),
            (tried(RunEnd::Exited(127), &[], refused()), Status::Skip, Status::Fail),
        ] {
            let told = format!("{at:?}");
            let from = made::from_source("a", Tunnel::Lost);
            let from = Ok(FromSource { tried: vec![at], ..from });
            let effective = made::effective(22);
            assert_eq!(Dns::judge(&made::plan(), &from).status, dns, "{told}");
            assert_eq!(Tcp::judge(&made::plan(), (Ok(&effective), &from)).status, tcp, "{told}");
        }
    }
}
