//! Source address: from which address the connection comes, here and as the host sees it.

use ipnet::IpNet;

use crate::{
    address_kind::AddressKind,
    allow_list,
    allow_list::Listed,
    case::Plan,
    check::{About, Check},
    dns,
    evidence::{
        Evidence, Seen, Unseen,
        configuration::Effective,
        egress::{Asked, Egress as Outside, NoAddress},
        name_servers::AnswerCode,
        source::{Source, Way},
    },
    finding::{Finding, Hint},
    text,
    text::{Text, address, foreign, host},
};

/// Source address.
pub struct Egress;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    source: &'e Seen<Source>,
    egress: Option<&'e Seen<Outside>>,
    /// Whether the provider is known to have an allow-list.
    has_list: bool,
}

impl Check for Egress {
    const ABOUT: About = About { id: "egress", title: "Source address" };
    type Facts<'e> = Facts<'e>;

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let source = evidence.source().await;
        let egress = if evidence.plan().egress { Some(evidence.egress().await) } else { None };
        let profile = evidence.profile().await;
        let has_list = profile.portal.as_ref().is_some_and(|portal| !portal.ip_path.is_empty());
        Facts { effective: evidence.effective().await, source, egress, has_list }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        if facts.effective.as_ref().is_ok_and(|e| e.is_proxied()) {
            return Finding::skip(
                "The connection goes through another host or program; its address is what counts.",
            );
        }
        let source = match facts.source {
            Ok(source) => source,
            Err(why) => return Finding::unseen(why),
        };
        let Some(way) = main_way(source) else {
            return Finding::skip("There is no way to the host, so no address to come from.")
                .fact("source", source);
        };
        let egress = facts.egress.and_then(|e| e.as_ref().ok());
        let finding = judge(plan, way, source, egress, facts.has_list)
            .detail_all(source.ways.iter().filter(|w| *w != way).map(other_way))
            .detail_all(egress.iter().flat_map(|e| e.asked.iter()).map(told));
        let finding = match facts.egress {
            Some(Err(why)) => finding.detail(why.words()),
            _ => finding,
        };
        finding.fact("source", source).fact("egress", egress)
    }
}

/// The way that `ssh` tries first.
fn main_way(source: &Source) -> Option<&Way> {
    source.ways.iter().find(|way| way.from.is_ok())
}

fn judge(
    plan: &Plan,
    way: &Way,
    source: &Source,
    egress: Option<&Outside>,
    has_list: bool,
) -> Finding {
    let Ok(from) = way.from else { return Finding::skip("There is no way to the host.") };
    let kind = AddressKind::of(from);
    if kind == AddressKind::Loopback {
        return Finding::pass("The host is this computer itself.");
    }
    let mut summary = text!["Connections start from ", address(from), ", ", kind.words()];
    if way.tunnel
        && let Some(interface) = &way.interface
    {
        summary = summary.with(", in the VPN ").with(foreign(interface));
    }
    let seen = allow_list::seen(Some(source), egress, way.to);
    if let Some(by) = seen.as_ref().and_then(|seen| seen.by.as_ref().map(|by| (seen.address, by))) {
        summary = summary.with("; ").with(foreign(by.1)).with(" sees ").with(address(by.0));
    }
    let summary = summary.with(".");
    let unknown = seen.is_none() && kind.is_inside() && !AddressKind::of(way.to).is_inside();
    let finding = match allow_list::listed(&plan.allowed, seen) {
        Listed::NoRanges => Finding::pass(summary),
        Listed::Unknown => Finding::warn(summary).detail(text![
            "Whether that is in ",
            allow_list::words(&plan.allowed),
            " is not known: the host sees the public address of your network."
        ]),
        Listed::Inside(seen, range) => Finding::pass(summary).detail(inside(&seen, &range)),
        Listed::Outside(seen) => {
            let words = allow_list::whose(&seen).with(" is in none of the ranges that you named: ");
            Finding::warn(summary)
                .detail(words.with(allow_list::words(&plan.allowed)).with("."))
                .hint(Hint::advice(
                    "Have this address allowed, or connect from a network that is (a VPN).",
                ))
        }
    };
    let wants_to_know = has_list || !plan.allowed.is_empty();
    if egress.is_none() && unknown && wants_to_know {
        return finding.hint(Hint::run(
            "The host sees another address, the public one of your network. To find it out:",
            plan.ssh().preflight(Some("--egress")).command(),
        ));
    }
    finding
}

fn inside(seen: &allow_list::Seen, range: &IpNet) -> Text {
    allow_list::whose(seen).with(" is in ").with(address(range)).with(", which you named.")
}

/// A line about a further address of the host.
fn other_way(way: &Way) -> Text {
    match &way.from {
        Ok(from) => text!["To ", address(way.to), ": from ", address(from), "."],
        Err(error) => text!["To ", address(way.to), ": ", foreign(&error.message), "."],
    }
}

/// A line about somebody who was asked for the public address.
fn told(asked: &Asked) -> Text {
    let line = text![
        foreign(&asked.whom),
        ", asked at ",
        address(asked.server),
        " for ",
        host(&asked.question),
        ", "
    ];
    match &asked.sees {
        Ok(seen) if AddressKind::of(*seen) == AddressKind::Public => {
            let line = line.with("sees ").with(address(seen));
            line.with(": from there your DNS questions come, and usually your connections too.")
        }
        Ok(seen) => line
            .with("says ")
            .with(address(seen))
            .with(", which is no public address: somebody answers in its place."),
        Err(NoAddress::Silence) => line.with("does not answer."),
        Err(NoAddress::Failed(error)) => {
            line.with("cannot be asked: ").with(foreign(&error.message)).with(".")
        }
        Err(NoAddress::Other(code, said)) => {
            let answer =
                crate::evidence::name_servers::Answer { code: code.clone(), ..Default::default() };
            let line = line.with("tells no address: ").then(match code {
                AnswerCode::NoError if !said.is_empty() => text![foreign(said)],
                _ => dns::code_words(&answer),
            });
            line.with(". Probably somebody answers in its place.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address_kind::range, evidence::made, finding::Status};

    fn way(to: &str, from: &str) -> Way {
        Way {
            to: to.parse().unwrap(),
            from: Ok(from.parse().unwrap()),
            interface: Some("eth0".into()),
            tunnel: false,
            on_link: false,
        }
    }

    fn asked(sees: Result<&str, NoAddress>) -> Outside {
        let sees = sees.map(|a| a.parse().unwrap());
        let server = "192.0.2.53:53".parse().unwrap();
        let (whom, question) = ("OpenDNS".into(), "me.test".into());
        Outside { asked: vec![Asked { whom, server, question, sees }] }
    }

    fn finding(
        from: &str,
        allowed: &[&str],
        egress: Option<Outside>,
        has_list: bool,
    ) -> (Status, String, Option<String>) {
        let effective = made::effective(22);
        let source = Ok(Source { ways: vec![way("203.0.113.9", from)], tunnels: Vec::new() });
        let egress = egress.map(Ok);
        let facts =
            Facts { effective: Ok(&effective), source: &source, egress: egress.as_ref(), has_list };
        let mut plan = made::plan();
        plan.allowed = allowed.iter().map(|a| range(a).unwrap()).collect();
        let finding = Egress::judge(&plan, facts);
        let mut said = vec![finding.summary.plain()];
        said.extend(finding.details.iter().map(Text::plain));
        let command = finding.hints.iter().find_map(|h| h.command.as_ref()).map(|c| c.plain());
        (finding.status, said.join("\n"), command)
    }

    #[test]
    fn a_private_address_is_no_fault() {
        let (status, said, command) = finding("10.0.0.1", &[], None, false);
        assert_eq!((status, command), (Status::Pass, None));
        assert_eq!(said, "Connections start from 10.0.0.1, a private address.");
        // Where there is a list, it matters which address the host sees.
        let (status, _, command) = finding("10.0.0.1", &[], None, true);
        assert_eq!(status, Status::Pass);
        assert_eq!(command.unwrap(), "ssh-preflight --egress ada@host.example.com");
        let (status, said, _) = finding("100.64.3.4", &["192.0.2.0/24"], None, false);
        assert!(status == Status::Warn && said.contains("carrier NAT"), "{said}");
    }

    #[test]
    fn the_address_is_held_against_the_ranges() {
        let (status, said, _) =
            finding("10.0.0.1", &["192.0.2.0/24"], Some(asked(Ok("192.0.2.7"))), true);
        assert!(status == Status::Pass && said.contains("OpenDNS sees 192.0.2.7"), "{said}");
        assert!(said.contains("is in 192.0.2.0/24, which you named"), "{said}");
        let (status, said, _) =
            finding("10.0.0.1", &["198.51.100.0/24"], Some(asked(Ok("192.0.2.7"))), true);
        assert!(status == Status::Warn && said.contains("none of the ranges"), "{said}");
        let (status, said, _) = finding("192.0.2.9", &["192.0.2.9/32"], None, true);
        assert!(status == Status::Pass && said.contains("address of this computer"), "{said}");
    }

    #[test]
    fn who_tells_nothing_is_told() {
        for (sees, words) in [
            (Ok("10.0.0.53"), "no public address"),
            (Err(NoAddress::Silence), "does not answer"),
            (Err(NoAddress::Other(AnswerCode::NxDomain, String::new())), "NXDOMAIN"),
        ] {
            let (status, said, command) = finding("10.0.0.1", &[], Some(asked(sees)), true);
            assert!(status == Status::Pass && said.contains(words), "{said}");
            assert!(said.contains("192.0.2.53:53") && command.is_none(), "{said}");
        }
    }
}
