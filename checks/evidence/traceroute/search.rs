//! Which SYNs are sent, in which round: the plan is pure, only [`search`] sends.
//!
//! A lost packet looks like a silent hop, and a distance that is wrong by one names the wrong
//! culprit. So what a verdict hangs on is asked again.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::{Answer, Control, FARTHEST, MOST_SYNS, Probe, Traceroute, probe};
use crate::evidence::{
    Seen, Unseen,
    icmp::{self, Says},
    zone,
};

/// How far SYNs to the target's port are sent in the first round, in hops.
const NEAR: u8 = 6;
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
pub(super) async fn search(
    to: SocketAddr,
    from: Option<SocketAddr>,
    control_ports: Vec<u16>,
) -> Seen<Traceroute> {
    let controls = control_ports.into_iter().filter(|port| *port != to.port()).take(MOST_CONTROLS);
    let control = |port| Control { port, answer: Answer::Silence, probes: Vec::new() };
    let mut route = Traceroute {
        to,
        from: from.map(|end| end.ip()).or_else(|| icmp::source_to(to)),
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
            (question, probe::send(at, from, question.ttl).await)
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
    // All that is said about who refuses hangs on the one that answers.
    way.chain([Question { port, ttl: None }]).chain(other_ports(route)).collect()
}

/// What has to be asked, or asked again, before anything can be said.
fn next(route: &Traceroute) -> Vec<Question> {
    // Each SYN that gets through now would be one more visit.
    if route.connects() {
        return Vec::new();
    }
    let refused_at = route.probes.iter().find(|p| p.answer.is_final()).map(|p| p.ttl);
    match refused_at {
        Some(refused_at) => who_refuses(route, refused_at),
        None if route.probes.iter().any(|p| ends_here(&p.answer)) => other_ports(route),
        None => where_it_vanishes(route),
    }
}

/// Whether silence has not been asked often enough to count.
fn is_open(probe: &Probe) -> bool {
    probe.answer == Answer::Silence && !probe.is_surely_silent()
}

/// Whether somebody before the host refuses: the distance of the refusal, and of the host by a port
/// that answers.
fn who_refuses(route: &Traceroute, refused_at: u8) -> Vec<Question> {
    let port = route.to.port();
    // Whoever refuses may be nearer: answers from the hops before may have been lost, most probably
    // that of the last one.
    let open = route.probes.iter().filter(|p| p.ttl < refused_at && is_open(p)).map(|p| p.ttl);
    let often = |ttl: &u8| ttl + 1 >= refused_at;
    let asked = |port, ttls: Vec<u8>| {
        let (near, far): (Vec<_>, Vec<_>) = ttls.into_iter().partition(often);
        let ask = move |ttl| Question { port, ttl: Some(ttl) };
        near.into_iter().map(ask).flat_map(twice).chain(far.into_iter().map(ask))
    };
    let open: Vec<_> = open.collect();
    let mut questions: Vec<_> = asked(port, open.clone()).chain(other_ports(route)).collect();
    if let Some(host) = crate::hops::host_answers(route) {
        // All hangs on what comes from as far away as the refusal, and silence may be the answer.
        let known = |ttl: &u8| host.probes.iter().find(|p| p.ttl == *ttl);
        let suspects = open.into_iter().chain([refused_at]);
        let hangs_on = suspects.filter(|ttl| known(ttl).is_none_or(is_open)).collect();
        questions.extend(asked(host.port, hangs_on));
        let ask = |ttl| Question { port: host.port, ttl: Some(ttl) };
        if host.probes.is_empty() {
            let around = refused_at.saturating_sub(1).max(1)..=refused_at.saturating_add(BEYOND);
            questions.extend(around.map(ask));
        }
    }
    questions
}

/// Behind which hop nothing comes back, and whether the port answers now after all.
fn where_it_vanishes(route: &Traceroute) -> Vec<Question> {
    let port = route.to.port();
    let heard = |probe: &&Probe| probe.answer != Answer::Silence;
    let last = route.probes.iter().filter(heard).map(|p| p.ttl).max().unwrap_or(0);
    let behind = route.probes.iter().filter(|p| p.ttl > last).take(2).filter(|p| is_open(p));
    let mut questions: Vec<_> =
        behind.map(|p| Question { port, ttl: Some(p.ttl) }).flat_map(twice).collect();
    questions.push(Question { port, ttl: None });
    questions.extend(other_ports(route));
    if route.probes.len() < usize::from(FARTHEST) {
        questions.extend((NEAR + 1..=FARTHEST).map(|ttl| Question { port, ttl: Some(ttl) }));
    }
    questions
}

/// Whether the host lets connect on another port, where that is not known.
fn other_ports(route: &Traceroute) -> Vec<Question> {
    if route.controls.iter().any(|control| control.answer == Answer::Connected) {
        return Vec::new();
    }
    let silent = route.controls.iter().filter(|c| c.answer == Answer::Silence);
    silent.map(|c| Question { port: c.port, ttl: None }).flat_map(twice).collect()
}

/// The same question two times in a round: there are few rounds, and each may lose one.
fn twice(question: Question) -> [Question; 2] {
    [question, question]
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
        let (ssh, web) = (|ttl| [(22, Some(ttl)); 2], |ttl| [(443, Some(ttl)); 2]);
        let silent_web = [(443, None); 2];
        // Nothing hangs on anything: the refusal is where it is, and there is no other port.
        assert_eq!(asked("rrRRRR", None), []);
        assert_eq!(asked("rrpppp", None), []);
        // The hop before the refusal was silent.
        assert_eq!(asked("r.RRRR", None), ssh(2));
        // A control port answers: where is it?
        let around = |from, to| (from..=to).map(|ttl| (443, Some(ttl)));
        let unplaced = |way| {
            let mut route = route(way, Some("rrCC"));
            route.controls[0].probes.clear();
            next(&route).into_iter().map(|q| (q.port, q.ttl)).collect::<Vec<_>>()
        };
        assert_eq!(unplaced("rrRRRR"), [&web(3)[..], &around(2, 8).collect::<Vec<_>>()].concat());
        // And the refusal may come from one hop nearer.
        let nearer = [ssh(2), web(2), web(3)].into_iter().flatten().chain(around(2, 8));
        assert_eq!(unplaced("r.RRRR"), nearer.collect::<Vec<_>>());
        // Its answer from as far away as the refusal was lost.
        assert_eq!(asked("rrRRRR", Some("rr.C")), web(3));
        // One that refuses is no proof that no other lets connect.
        let mut two = route("rrRRRR", Some("rrRRRR"));
        two.controls.push(Control { port: 80, answer: Answer::Silence, probes: Vec::new() });
        assert!(next(&two).contains(&Question { port: 80, ttl: None }));
        // Silence: the hops behind the last that was heard, the port itself, the control port, what
        // is farther away.
        let silent = [&ssh(3)[..], &ssh(4), &[(22, None)], &silent_web].concat();
        let farther = (NEAR + 1..=FARTHEST).map(|ttl| (22, Some(ttl)));
        let all = [silent, farther.collect()].concat();
        assert_eq!(asked("rr....", Some("....")), all);
        let far = "rr..................";
        assert_eq!(asked(far, Some("rrCC")), [&ssh(3)[..], &ssh(4), &[(22, None)]].concat());
        // The port has become open: no more visits.
        let mut open = route("rr....", None);
        open.again = Some(Answer::Connected);
        assert_eq!(next(&open), []);
        assert_eq!(asked("rrCC..", Some("....")), []);
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
        let found = search(closed, None, vec![open.port(), closed.port()]).await.unwrap();
        assert_eq!(found.probes.len(), usize::from(NEAR));
        assert_eq!(found.again, Some(Answer::Reset));
        assert!(found.probes.iter().all(|p| p.answer == Answer::Reset), "{found:?}");
        let [control] = found.controls.as_slice() else { unreachable!("one is the target's") };
        assert_eq!(control.answer, Answer::Connected);
        assert_eq!(control.probes.first().map(|p| p.ttl), Some(1));
        assert!(found.sent <= MOST_SYNS);
    }
}
