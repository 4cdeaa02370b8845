//! Causes in name resolution: there is no address. What is wrong with an address that there is, see
//! [`super::address`].

use super::{Diagnosis, Id, Rule};
use std::net::IpAddr;

use crate::{
    address_kind::AddressKind,
    case::Case,
    command, dns,
    evidence::{
        connection::{Attempt, OsErrorKind, Outcome},
        name_servers::{Answer, AnswerCode, NameServers},
        nearby::NearName,
        resolution::{LookupError, LookupErrorKind, Resolution},
    },
    finding::Hint,
    near_names::Origin,
    text,
    text::{Text, address, foreign, host, path},
};

/// In causal order: no network at all, then what keeps questions from the servers, then what they
/// say.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::NoNetwork, finds: no_network },
    Rule { id: Id::LocalFirewall, finds: questions_forbidden },
    Rule { id: Id::NoNameServer, finds: no_name_server },
    Rule { id: Id::DnsNotUsed, finds: dns_not_used },
    Rule { id: Id::DnsDisagreement, finds: first_server_differs },
    Rule { id: Id::AliasBroken, finds: alias_broken },
    Rule { id: Id::NameNotFound, finds: name_not_found },
    Rule { id: Id::NameHasNoAddress, finds: name_has_no_address },
    Rule { id: Id::DnssecInvalid, finds: dnssec_invalid },
    Rule { id: Id::DnsTcpBlocked, finds: dns_tcp_blocked },
    Rule { id: Id::DnsServerFailure, finds: dns_server_failure },
    Rule { id: Id::DnsTimeout, finds: dns_timeout },
];

/// The lookup, where it failed.
fn failed(case: &Case) -> Option<(&Resolution, &LookupError)> {
    let resolution = case.resolution()?;
    Some((resolution, resolution.outcome.as_ref().err()?))
}

/// What each name server said, a sentence each; and what was said of the name that a search domain
/// made of it, where that is the one that is used.
fn servers_say(case: &Case) -> Vec<Text> {
    let Some(servers) = case.name_servers() else { return Vec::new() };
    let alone = servers.servers.iter().map(dns::server_says);
    alone.chain(servers.completed().next().map(dns::searched_says)).collect()
}

pub(super) fn with_servers(mut found: Diagnosis, case: &Case) -> Diagnosis {
    if case.resolution().is_some_and(|r| r.literal) {
        return found;
    }
    found.because.extend(servers_say(case));
    found
}

fn no_network(case: &Case) -> Option<Diagnosis> {
    let machine = case.machine()?;
    if machine.ipv4_route || machine.ipv6_route {
        return None;
    }
    let answered =
        |servers: &NameServers| servers.answers().any(|(_, answer)| !answer.is_failure());
    // What is in a network of this computer needs no route: a name server there, a host there.
    let unresolved = failed(case).is_some_and(|(_, e)| e.kind != LookupErrorKind::NoData)
        && !case.name_servers().is_some_and(answered);
    let unconnected = case.attempts().is_some_and(|attempts| {
        let no_route = |attempt: &Attempt| match &attempt.outcome {
            Outcome::Failed(error) => {
                matches!(
                    error.kind,
                    OsErrorKind::NetworkUnreachable | OsErrorKind::AddressNotAvailable
                )
            }
            Outcome::Connected | Outcome::TimedOut { .. } => false,
        };
        let is_link_local = |ip| AddressKind::of(ip) == AddressKind::LinkLocal;
        let needs_a_route = |ip: IpAddr| !ip.is_loopback() && !is_link_local(ip);
        attempts.tried.iter().all(|t| no_route(t) && needs_a_route(t.to.ip()))
    });
    (unresolved || unconnected).then(|| {
        Diagnosis::new(Id::NoNetwork)
            .because(text!["This computer has no route to any other network, by IPv4 or IPv6."])
            .step(Hint::advice("Connect it: cable, Wi-Fi, or VPN. Then run this again."))
            .step(Hint::run(text!["This shows what there is:"], command!["ip", "route"]))
    })
}

/// The failed lookup of a name, with what the servers say.
fn failed_name(case: &Case) -> Option<(&Resolution, &LookupError, &NameServers)> {
    let (resolution, error) = failed(case)?;
    if resolution.literal || !resolution.other_family.is_empty() {
        return None;
    }
    Some((resolution, error, case.name_servers()?))
}

/// Whether every question ended in an error of this system of that kind.
fn all_end_in(servers: &NameServers, kind: OsErrorKind) -> bool {
    let ended = |answer: &Answer| {
        let is_kind = answer.error.as_ref().is_some_and(|e| e.kind == kind);
        is_kind && matches!(answer.code, AnswerCode::Unreachable(_))
    };
    !servers.servers.is_empty() && servers.answers().all(|(_, answer)| ended(answer))
}

/// Why there is no address, with all that was said.
fn no_address(id: Id, why: Text, case: &Case) -> Option<Diagnosis> {
    failed(case)?;
    Some(with_servers(Diagnosis::new(id).because(why), case))
}

fn questions_forbidden(case: &Case) -> Option<Diagnosis> {
    let (_, _, servers) = failed_name(case)?;
    if !all_end_in(servers, OsErrorKind::PermissionDenied) {
        return None;
    }
    let why = "This computer itself forbids questions to name servers; none of them was sent.";
    Some(no_address(Id::LocalFirewall, why.into(), case)?.step(Hint::advice(
        "Allow outgoing UDP and TCP to port 53 in this computer's firewall or security software, \
         or ask whoever manages this computer. In a container or sandbox its network policy does \
         the same.",
    )))
}

fn no_name_server(case: &Case) -> Option<Diagnosis> {
    let (_, _, servers) = failed_name(case)?;
    let answered =
        servers.answers().any(|(_, a)| a.error.is_none() && a.code != AnswerCode::Timeout);
    let closed = all_end_in(servers, OsErrorKind::ConnectionRefused);
    if servers.configured.is_empty() && case.plan.name_servers.is_empty() {
        if answered {
            return None;
        }
        let found = Diagnosis::new(Id::NoNameServer);
        let found = match &servers.list_error {
            Some(error) if error.kind == OsErrorKind::PermissionDenied => found
                .because(text![
                    path("/etc/resolv.conf"),
                    ", which lists the name servers, cannot be read by you: ",
                    foreign(&error.message),
                    "."
                ])
                .step(Hint::run(
                    "Make it readable for everybody, as it has to be:",
                    command!["sudo", "chmod", "644", path("/etc/resolv.conf")],
                )),
            Some(error) if error.kind == OsErrorKind::NotFound => found.because(text![
                path("/etc/resolv.conf"),
                ", which lists the name servers, is not there."
            ]),
            _ => found.because("No name server is configured on this computer."),
        };
        return Some(
            found
                .step(Hint::advice(
                    "Reconnect the network: it usually brings its name servers. In a container, \
                     name one when it is started.",
                ))
                .step(show_name_servers(case)),
        );
    }
    if !closed {
        return None;
    }
    let here = servers.servers.iter().all(|s| s.server.ip().is_loopback());
    let why = "Nothing answers questions for names where this computer sends them: the port is \
               closed.";
    let found = no_address(Id::NoNameServer, why.into(), case)?;
    let found = if here {
        found
            .because("That name server is a program on this computer, and it is not running.")
            .step(match case.machine().map(|m| m.os.as_str()) {
                Some("linux") => Hint::run(
                    "Start it. On most systems it is this one; else dnsmasq, unbound or the VPN's:",
                    command!["sudo", "systemctl", "restart", "systemd-resolved"],
                ),
                _ => Hint::advice("Start it, or the VPN or filter that it belongs to."),
            })
    } else {
        found.step(Hint::advice(
            "Reconnect the network or the VPN, so that this computer learns the right name server.",
        ))
    };
    Some(found.step(show_name_servers(case)))
}

/// The name servers know the name, and the system's own lookup does not find it.
fn dns_not_used(case: &Case) -> Option<Diagnosis> {
    let (resolution, error, servers) = failed_name(case)?;
    let told = servers.addresses();
    if error.kind != LookupErrorKind::NoName || told.is_empty() {
        return None;
    }
    // Then it is the first server that decides.
    let bare = servers.answers().any(|(_, a)| !a.addresses.is_empty());
    if bare && servers.answers().any(|(_, a)| a.code == AnswerCode::NxDomain) {
        return None;
    }
    let completed = servers.completed().next().filter(|_| !bare).map(|s| s.name.as_str());
    let why = text![
        "A name server that is asked directly has an address for ",
        host(completed.unwrap_or(&resolution.name)),
        ", but this computer's own lookup, which ssh uses, finds none."
    ];
    let mut found = no_address(Id::DnsNotUsed, why, case)?;
    let sources = servers.sources.clone().unwrap_or_default();
    let line = text![path("/etc/nsswitch.conf"), " says: hosts: ", foreign(sources.join(" ")), "."];
    let edit = Hint::run(
        "See the line, and edit the file as administrator (root):",
        command!["grep", "^hosts:", path("/etc/nsswitch.conf")],
    );
    let stops = sources.iter().any(|w| w.contains("NOTFOUND=return"));
    if !servers.asks_name_servers() {
        found = found
            .because(line)
            .because("So name servers are not asked for hosts at all.")
            .step(Hint::advice("Add the word dns at the end of that line."))
            .step(edit);
    } else if is_local(&resolution.name) && stops {
        found = found
            .because(line)
            .because(
                "Names that end in .local are looked for on the local link (mDNS), and the search \
                 ends there.",
            )
            .step(Hint::advice(
                "Use a name that does not end in .local, or the address. Or take \
                 [NOTFOUND=return] out of that line.",
            ))
            .step(edit);
    } else {
        found = found
            .because("It may remember an earlier answer, from before the name existed.")
            .step(Hint::run(
                "Empty its memory, then run this again:",
                match case.machine().map(|m| m.os.as_str()) {
                    Some("macos") => command!["sudo", "dscacheutil", "-flushcache"],
                    Some("windows") => command!["ipconfig", "/flushdns"],
                    _ => command!["resolvectl", "flush-caches"],
                },
            ));
    }
    Some(found)
}

/// Names of the local link (RFC 6762).
fn is_local(name: &str) -> bool {
    name.trim_end_matches('.').to_ascii_lowercase().ends_with(".local")
}

/// The first server decides that there is no such name, and another one knows it.
fn first_server_differs(case: &Case) -> Option<Diagnosis> {
    let (resolution, error, servers) = failed_name(case)?;
    let knows = servers.servers.iter().find(|s| !s.addresses().is_empty())?;
    let denies = servers.servers.iter().find(|s| s.a.code == AnswerCode::NxDomain)?;
    if error.kind != LookupErrorKind::NoName {
        return None;
    }
    let why = text![
        "The name server ",
        address(denies.server),
        " says that there is no ",
        host(&resolution.name),
        ", and ",
        address(knows.server),
        " has an address for it. The first one that answers decides."
    ];
    Some(
        no_address(Id::DnsDisagreement, why, case)?
            .step(Hint::advice(
                "One of them answers for another network. If the name belongs to an office or \
                 company network, connect its VPN anew, so that its name server comes first.",
            ))
            .step(show_name_servers(case)),
    )
}

fn alias_broken(case: &Case) -> Option<Diagnosis> {
    let (resolution, error, servers) = failed_name(case)?;
    if error.kind == LookupErrorKind::Other || !servers.addresses().is_empty() {
        return None;
    }
    let broken = |a: &&Answer| {
        let leads_nowhere = matches!(a.code, AnswerCode::NxDomain | AnswerCode::NoError);
        !a.aliases.is_empty() && (leads_nowhere || a.alias_loop)
    };
    let answer = servers.answers().map(|(_, a)| a).find(broken)?;
    let target = answer.aliases.last()?;
    let name = host(&resolution.name);
    let why = if answer.alias_loop {
        text![
            "The name ",
            name,
            " is an alias, and its aliases lead in a circle, back to ",
            host(target),
            "."
        ]
    } else if answer.code == AnswerCode::NxDomain {
        text!["The name ", name, " is an alias for ", host(target), ", which does not exist."]
    } else {
        text!["The name ", name, " is an alias for ", host(target), ", which has no address."]
    };
    Some(no_address(Id::AliasBroken, why, case)?.step(Hint::advice(text![
        "Tell those who run ",
        host(&resolution.name),
        ": its alias (CNAME) to ",
        host(target),
        " leads nowhere. The machine behind it was probably taken down or renamed. You cannot ",
        "repair this from here.",
    ])))
}

/// A server fails, and answers where signatures need not hold.
fn dnssec_invalid(case: &Case) -> Option<Diagnosis> {
    let (resolution, _, servers) = failed_name(case)?;
    let server = servers
        .servers
        .iter()
        .find(|s| s.unchecked.as_ref().is_some_and(|a| a.code == AnswerCode::NoError))?;
    let unchecked = server.unchecked.as_ref()?;
    let why = text![
        "The name server ",
        address(server.server),
        " refuses its own answer for ",
        host(&resolution.name),
        ": the signatures of the zone (DNSSEC) do not hold."
    ];
    Some(
        no_address(Id::DnssecInvalid, why, case)?
            .because(
                text!["Told not to check them, it answers: "].then(dns::words(unchecked)).with("."),
            )
            .step(Hint::advice(
                "If it is only this name: tell those who run the host that the DNSSEC signatures \
                 of their zone are broken or have expired.",
            ))
            .step(Hint::advice(
                "If it is many names: the clock of the name server is probably wrong. If that \
                 is this computer, correct its time.",
            ))
            .step(show_name_servers(case)),
    )
}

fn dns_tcp_blocked(case: &Case) -> Option<Diagnosis> {
    let (resolution, _, servers) = failed_name(case)?;
    let (server, _) = servers.answers().find(|(_, a)| a.code == AnswerCode::TcpFailed)?;
    let why = text![
        "The answer for ",
        host(&resolution.name),
        " is too long for one UDP packet, and the name server cannot be asked by TCP."
    ];
    Some(
        no_address(Id::DnsTcpBlocked, why, case)?
            .step(Hint::advice(text![
                "Allow TCP to port 53 of ",
                address(server.ip()),
                " in the firewall between, or ask its administrators to.",
            ]))
            .step(show_name_servers(case)),
    )
}

fn name_not_found(case: &Case) -> Option<Diagnosis> {
    let (resolution, error) = failed(case)?;
    if error.kind != LookupErrorKind::NoName {
        return None;
    }
    let name = &resolution.name;
    let mut found = Diagnosis::new(Id::NameNotFound).because(text![
        "There is no host of the name ",
        host(name),
        "."
    ]);
    found = with_servers(found, case);
    if name.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Some(found.step(Hint::advice(text![
            "That is meant as an address, but it is none: an IPv4 address has four numbers from 0 ",
            "to 255. Correct it.",
        ])));
    }
    if !name.is_ascii() {
        found = found.because(text![
            "The name has letters outside ASCII, perhaps a dash or space that was pasted. ssh does ",
            "not translate them; a name with such letters begins with xn-- in DNS.",
        ]);
    }
    let misspelt = case.profile().misspelt_domains.iter();
    for (wrong, right) in misspelt.filter(|(wrong, _)| name.ends_with(&format!(".{wrong}"))) {
        found = found.because(text![
            "The name ends in ",
            host(wrong),
            ", a slip that is in the provider's own documentation: the domain is ",
            host(right),
            ".",
        ]);
        let meant = name.replace(wrong.as_str(), right);
        let exists = |near: &NearName| near.name.eq_ignore_ascii_case(&meant);
        if !case.nearby().is_some_and(|nearby| nearby.names.iter().any(exists)) {
            found = found.step(Hint::run(
                text!["Try the name with the right domain:"],
                case.plan.ssh().preflight(None).host(&meant).command(),
            ));
        }
    }
    if is_local(name) {
        found = found.because(
            "Names that end in .local are not in DNS; they are told on the local link (mDNS).",
        );
        found = found.step(Hint::advice(
            "Is the host on, and in the same network as this computer? Else use its address. On \
             Linux, the package libnss-mdns (or avahi) makes such names known.",
        ));
    }
    for near in case.nearby().iter().flat_map(|nearby| nearby.names.iter()) {
        found = found.step(near_name(near, case));
    }
    found = found.step(Hint::advice(text![
        "Compare the name letter by letter with the one that you were given.",
    ]));
    Some(found.step(Hint::advice(text![
        "If it is right, it may only be known inside a network: connect to its VPN, or ask those ",
        "who run the host whether it still exists.",
    ])))
}

/// A name that may have been meant.
fn near_name(near: &NearName, case: &Case) -> Hint {
    let words = match near.origin {
        Origin::Profile => "This name exists. If it is the one that you mean:",
        Origin::KnownHosts => {
            "You have connected to this name before, and it exists. If it is the one that you mean:"
        }
        Origin::Configuration => {
            "Your ssh configuration has this name. If it is the one that you mean:"
        }
        Origin::Encoded => "This is how the name is written in DNS, and it exists there:",
    };
    Hint::run(text![words], case.plan.ssh().preflight(None).host(&near.name).command())
}

fn name_has_no_address(case: &Case) -> Option<Diagnosis> {
    let (resolution, error) = failed(case)?;
    if error.kind != LookupErrorKind::NoData && resolution.other_family.is_empty() {
        return None;
    }
    let name = host(&resolution.name);
    let mut found = Diagnosis::new(Id::NameHasNoAddress);
    if let Some(first) = resolution.other_family.first() {
        let has = if first.is_ipv4() { "IPv4" } else { "IPv6" };
        let asked = if first.is_ipv4() { "IPv6" } else { "IPv4" };
        let fact = if resolution.literal {
            text![name, " is an ", has, " address"]
        } else {
            text![name, " has an ", has, " address (", address(first), ")"]
        };
        let rest = text![", but only ", asked, " is allowed here, by -4, -6 or AddressFamily."];
        found = found.because(fact.then(rest)).step(Hint::run(
            text!["Allow both families:"],
            case.plan.ssh().set("AddressFamily=any").command(),
        ));
    } else {
        found = found
            .because(text!["The name ", name, " exists, but no address belongs to it."])
            .step(Hint::advice(text![
                "Ask those who run the host: its DNS entry is incomplete, or the environment was ",
                "taken down.",
            ]));
    }
    Some(with_servers(found, case))
}

fn dns_server_failure(case: &Case) -> Option<Diagnosis> {
    let (resolution, _) = failed(case)?;
    let refuses = |code: &AnswerCode| {
        matches!(code, AnswerCode::ServFail | AnswerCode::Refused | AnswerCode::Other(_))
    };
    // An address is what is needed, whatever the server says of the other family.
    let family = case.effective()?.address_family;
    let useful = |answer: &Answer| answer.addresses.iter().any(|ip| family.allows(*ip));
    case.name_servers()?.servers.iter().find(|server| {
        let answers = [&server.a, &server.aaaa];
        answers.iter().any(|a| refuses(&a.code)) && !answers.iter().any(|a| useful(a))
    })?;
    let found = Diagnosis::new(Id::DnsServerFailure).because(text![
        "The name ",
        host(&resolution.name),
        " could not be looked up: a name server answers with an error.",
    ]);
    Some(
        with_servers(found, case)
            .step(Hint::advice(text![
                "If you are on a VPN, reconnect it; if you left one, reconnect your network: its ",
                "name server may still be configured.",
            ]))
            .step(show_name_servers(case))
            .step(Hint::advice(
                "If it stays, the zone itself is broken: tell those who run the host.",
            )),
    )
}

fn dns_timeout(case: &Case) -> Option<Diagnosis> {
    let (resolution, _) = failed(case)?;
    let answered = case
        .name_servers()
        .is_some_and(|s| s.answers().any(|(_, answer)| answer.code == AnswerCode::NoError));
    let who = if answered { "The system's own resolver" } else { "Nobody" };
    let mut found = Diagnosis::new(Id::DnsTimeout).because(text![
        who,
        if answered { " found no" } else { " answered the question for the" },
        " address of ",
        host(&resolution.name),
        if answered { ", though a name server that was asked directly answers." } else { "." },
    ]);
    found = with_servers(found, case);
    if answered {
        found = found.step(Hint::advice(
            "Run it again: if it works now, the name server was slow. If it stays, restart this \
             computer's resolver, or the computer.",
        ));
    }
    Some(
        found
            .step(Hint::advice(
                "Open any web page. If that fails too, reconnect the network or the VPN.",
            ))
            .step(show_name_servers(case))
            .or(Id::DnsServerFailure),
    )
}

/// How to see whom this computer asks.
pub(super) fn show_name_servers(case: &Case) -> Hint {
    let command = match case.machine().map(|m| m.os.as_str()) {
        Some("windows") => command!["ipconfig", "/all"],
        Some("macos") => command!["scutil", "--dns"],
        _ => command!["cat", path("/etc/resolv.conf")],
    };
    Hint::run(text!["This shows which name servers this computer uses:"], command)
}
