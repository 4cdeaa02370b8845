//! Which SYNs are sent, in which round: the plan is pure, only [`search`] sends.
//!
//! A lost packet looks like a silent hop, and a distance that is wrong by one names the wrong
//! culprit. So what a verdict hangs on is asked again.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::{Answer, Control, MOST_SYNS, Probe, TRIES, Traceroute, probe};
use crate::evidence::{
    Seen, Unseen,
    icmp::{self, Says},
    zone,
};

/// How far SYNs to the target's port are sent in the first round, in hops.
const NEAR: u8 = 6;
/// How far they are sent at most.
const FARTHEST: u8 = 20;
/// Control ports that are tried at most.
const MOST_CONTROLS: usize = 2;
/// How many hops beyond the refusal the host is looked for.
const BEYOND: u8 = 5;
/// Rounds: each waits a second at most, and three seconds are what a person waits for a reason.
const ROUNDS: usize = 3;

/// One SYN to send: to which port, how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Question {
    port: u16,
    ttl: Option<u8>,
}

/// Sends SYNs in rounds, all of a round at once.
pub(super) async fn search(to: SocketAddr, control_ports: Vec<u16>) -> Seen<Traceroute> {
    let controls = control_ports.into_iter().filter(|port| *port != to.port()).take(MOST_CONTROLS);
    let control = |port| Control { port, answer: Answer::Silence, probes: Vec::new() };
    let mut route = Traceroute {
        to,
        from: icmp::source_to(to),
        again: None,
        probes: Vec::new(),
        controls: controls.map(control).collect(),
        sent: 0,
    };
    let mut questions = first(&route);
    for _ in 0..ROUNDS {
        questions.truncate(MOST_SYNS.saturating_sub(route.sent));
        if questions.is_empty() {
            break;
        }
        route.sent += questions.len();
        let ask = |question: Question| async move {
            let at = zone::with_port(to, question.port);
            (question, probe::send(at, question.ttl).await)
        };
        for (question, probe) in join_all(questions.into_iter().map(ask)).await {
            note(&mut route, question, probe);
        }
        if let Some(why) = route.probes.iter().find_map(unable) {
            return Err(Unseen::Unable(format!("this system does not tell it ({why})")));
        }
        questions = next(&route);
    }
    Ok(route)
}

/// Why this system cannot send such SYNs, where it cannot.
fn unable(probe: &Probe) -> Option<&str> {
    match &probe.answer {
        Answer::Failed(error) if error.operation == probe::PREPARE => Some(&error.message),
        _ => None,
    }
}

/// The first round: the near part of the way, whether the port answers now, and whether other
/// ports answer at all.
fn first(route: &Traceroute) -> Vec<Question> {
    let port = route.to.port();
    let way = (1..=NEAR).map(|ttl| Question { port, ttl: Some(ttl) });
    // Twice, since all that is said about who refuses hangs on the one that answers.
    let twice = || route.controls.iter().map(|c| Question { port: c.port, ttl: None });
    way.chain([Question { port, ttl: None }]).chain(twice()).chain(twice()).collect()
}

/// What has to be asked, or asked again, before anything can be said.
fn next(route: &Traceroute) -> Vec<Question> {
    // Each SYN that gets through now would be one more visit.
    if route.again == Some(Answer::Connected) {
        return Vec::new();
    }
    let port = route.to.port();
    let mut questions = Vec::new();
    let again = |probe: &&Probe| probe.answer == Answer::Silence && probe.tries < TRIES;
    let heard = |probe: &&Probe| probe.answer != Answer::Silence;
    let refused_at = route.probes.iter().find(|p| p.answer.is_final()).map(|p| p.ttl);
    let ends = route.probes.iter().any(|p| ends_here(&p.answer));
    if refused_at.is_none() && !ends && route.probes.len() < usize::from(FARTHEST) {
        questions.extend((NEAR + 1..=FARTHEST).map(|ttl| Question { port, ttl: Some(ttl) }));
    }
    // Whether the port answers now, which one lost packet must not hide.
    if refused_at.is_none() && !ends && route.again == Some(Answer::Silence) {
        questions.push(Question { port, ttl: None });
    }
    match refused_at {
        // Whoever refuses may be nearer: the answer of the hop before may have been lost.
        Some(refused_at) => {
            let before = route.probes.iter().filter(|p| p.ttl + 1 == refused_at).filter(again);
            questions.extend(before.map(|p| Question { port, ttl: Some(p.ttl) }));
        }
        // Where it ends: the hops behind the last one that was heard of.
        None if !ends => {
            let last = route.probes.iter().filter(heard).map(|p| p.ttl).max().unwrap_or(0);
            let behind = route.probes.iter().filter(|p| p.ttl > last).take(2).filter(again);
            questions.extend(behind.map(|p| Question { port, ttl: Some(p.ttl) }));
        }
        None => {}
    }
    // How far away the host is, by a port that answers.
    let host = crate::hops::host_answers(route);
    match (refused_at, host) {
        (Some(refused_at), Some(host)) if host.probes.is_empty() => {
            let around = refused_at.saturating_sub(1).max(1)..=refused_at.saturating_add(BEYOND);
            let ask = |ttl| Question { port: host.port, ttl: Some(ttl) };
            questions.extend(around.chain([refused_at]).map(ask));
        }
        (Some(refused_at), Some(host)) => {
            // Twice, since there is no further round.
            let at = host.probes.iter().filter(|p| p.ttl == refused_at).filter(again);
            let ask = |p: &Probe| Question { port: host.port, ttl: Some(p.ttl) };
            questions.extend(at.map(ask).flat_map(|question| [question, question]));
        }
        (_, None) => {
            let silent = route.controls.iter().filter(|c| c.answer == Answer::Silence);
            questions.extend(silent.map(|c| Question { port: c.port, ttl: None }));
        }
        (None, Some(_)) => {}
    }
    questions
}

/// Whether nothing can be farther away than the sender of this answer.
fn ends_here(answer: &Answer) -> bool {
    match answer {
        Answer::Icmp(icmp) => !matches!(icmp.says(), Says::Hop | Says::Other),
        Answer::Connected | Answer::Reset | Answer::Failed(_) => true,
        Answer::Silence => false,
    }
}

/// Keeps what came back; silence never replaces something that was heard.
fn note(route: &mut Traceroute, question: Question, found: Probe) {
    let probes = if question.port == route.to.port() {
        if question.ttl.is_none() {
            if matches!(route.again, None | Some(Answer::Silence)) {
                route.again = Some(found.answer);
            }
            return;
        }
        &mut route.probes
    } else {
        let Some(control) = route.controls.iter_mut().find(|c| c.port == question.port) else {
            return;
        };
        if question.ttl.is_none() {
            if control.answer == Answer::Silence {
                control.answer = found.answer;
            }
            return;
        }
        &mut control.probes
    };
    match probes.iter_mut().find(|known| known.ttl == found.ttl) {
        Some(known) => {
            let tries = known.tries.saturating_add(1);
            if known.answer == Answer::Silence {
                *known = found;
            }
            known.tries = tries;
        }
        None => probes.push(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hops::tests::route;

    fn asked(way: &str, control: Option<&str>) -> Vec<(u16, Option<u8>)> {
        next(&route(way, control)).into_iter().map(|q| (q.port, q.ttl)).collect()
    }

    #[test]
    fn what_a_verdict_hangs_on_is_asked_again() {
        let to_22 = |ttl| (22, Some(ttl));
        let farther = (NEAR + 1..=FARTHEST).map(to_22);
        // Nothing hangs on anything: the refusal is where it is, and there is no other port.
        assert_eq!(asked("rrRRRR", None), []);
        assert_eq!(asked("rrpppp", None), []);
        // The hop before the refusal was silent.
        assert_eq!(asked("r.RRRR", None), [to_22(2)]);
        // A control port answers: where is it?
        let around: Vec<_> = (2..=8).chain([3]).map(|ttl| (443, Some(ttl))).collect();
        let mut unplaced = route("rrRRRR", Some("rrCC"));
        unplaced.controls[0].probes.clear();
        let questions: Vec<_> = next(&unplaced).into_iter().map(|q| (q.port, q.ttl)).collect();
        assert_eq!(questions, around);
        // Its answer from as far away as the refusal was lost.
        assert_eq!(asked("rrRRRR", Some("rr.C")), [(443, Some(3)), (443, Some(3))]);
        // Silence: what is farther away, the hops behind the last that was heard, the control port.
        let silent: Vec<_> = farther.chain([to_22(3), to_22(4), (443, None)]).collect();
        assert_eq!(asked("rr....", Some("....")), silent);
        let all = "rr..................";
        assert_eq!(asked(all, Some("rrCC")), [to_22(3), to_22(4)]);
        // The port has become open: no more visits.
        let mut shut = route("rr....", None);
        shut.again = Some(Answer::Silence);
        assert!(next(&shut).contains(&Question { port: 22, ttl: None }));
        let mut open = route("rr....", None);
        open.again = Some(Answer::Connected);
        assert_eq!(next(&open), []);
    }

    #[test]
    fn no_search_sends_more_than_its_limit() {
        for way in ["......", "r.RRRR", ".....R", "rrrrrr"] {
            for control in ["....", "...RRR"] {
                let mut sent = first(&route("", Some(control))).len();
                let mut found = route(way, Some(control));
                for _ in 1..ROUNDS {
                    let questions = next(&found);
                    sent += questions.len();
                    for question in questions {
                        let (answer, ttl) = (Answer::Silence, question.ttl.unwrap_or_default());
                        let probe = Probe { ttl, answer, took_ms: 1.0, tries: 1 };
                        note(&mut found, question, probe);
                    }
                }
                assert!(sent <= MOST_SYNS, "{way}: {sent}");
            }
        }
    }

    #[test]
    fn silence_never_replaces_what_was_heard() {
        let mut found = route("rr", None);
        let question = Question { port: 22, ttl: Some(2) };
        let silence = Probe { ttl: 2, answer: Answer::Silence, took_ms: 1.0, tries: 1 };
        note(&mut found, question, silence.clone());
        assert_ne!(found.probes[1].answer, Answer::Silence);
        assert_eq!(found.probes[1].tries, 2);
        let heard = Probe { answer: Answer::Reset, ..silence };
        let mut found = route("r.", None);
        note(&mut found, question, heard);
        assert_eq!(found.probes[1].answer, Answer::Reset);
    }

    #[tokio::test]
    async fn a_port_of_this_computer_refuses_at_the_first_hop() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = free.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let found = search(closed, vec![open.port(), closed.port()]).await.unwrap();
        assert_eq!(found.probes.len(), usize::from(NEAR));
        assert_eq!(found.again, Some(Answer::Reset));
        assert!(found.probes.iter().all(|p| p.answer == Answer::Reset), "{found:?}");
        let [control] = found.controls.as_slice() else { unreachable!("one is the target's") };
        assert_eq!(control.answer, Answer::Connected);
        assert_eq!(control.probes.first().map(|p| p.ttl), Some(1));
        assert!(found.sent <= MOST_SYNS);
    }
}
