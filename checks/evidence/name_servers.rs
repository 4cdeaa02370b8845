//! What each configured name server says, side by side.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use futures_util::future::join_all;
use hickory_resolver::net::NetError;
use serde::{Deserialize, Serialize};

use super::{
    Seen,
    configuration::Effective,
    connection::OsError,
    dns_query::{self, Checking, Kind},
    zone,
};
use crate::case::TimeLimits;

/// Every configured name server with its answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServers {
    /// The addresses in the system's configuration, in its order, as many as the system asks.
    pub configured: Vec<SocketAddr>,
    /// One entry for each that was asked.
    pub servers: Vec<NameServer>,
    /// Search domains.
    pub search: Vec<String>,
    /// Why the list could not be read, where it could not.
    pub unreadable: Option<String>,
    /// The same, as the system's error; without a code where the list can be read and is empty.
    #[serde(default)]
    pub list_error: Option<OsError>,
    /// What the first server that answers says about the name with each search domain behind it.
    /// Only asked for a short name, or where the name alone has no address.
    #[serde(default)]
    pub searched: Vec<Searched>,
    /// What the system looks hosts up with, in order: the line `hosts:` of nsswitch.conf.
    #[serde(default)]
    pub sources: Option<Vec<String>>,
}

/// One name server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// Its address and port.
    pub server: SocketAddr,
    /// The answer for IPv4 addresses.
    pub a: Answer,
    /// The answer for IPv6 addresses.
    pub aaaa: Answer,
    /// The answer where signatures need not hold: only asked after a failure (SERVFAIL).
    #[serde(default)]
    pub unchecked: Option<Answer>,
}

/// A name with a search domain behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// The whole name.
    pub name: String,
    /// The answer for IPv4 addresses.
    pub a: Answer,
    /// The answer for IPv6 addresses.
    pub aaaa: Answer,
}

/// One answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Response code, or why there is none.
    pub code: AnswerCode,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Names on the way (CNAME), from the name asked for to the one that has the addresses.
    pub aliases: Vec<String>,
    /// Whether the aliases lead in a circle.
    #[serde(default)]
    pub alias_loop: bool,
    /// Seconds that the answer may be kept: the smallest of the chain.
    pub ttl_s: Option<u32>,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Whether the answer did not fit into a datagram.
    #[serde(default)]
    pub truncated: bool,
    /// The system's error, where one ended it.
    #[serde(default)]
    pub error: Option<OsError>,
}

/// RFC 1035 section 4.1.1, and what happens when no answer comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerCode {
    /// The name exists; it has the addresses that are listed, which may be none.
    #[default]
    NoError,
    /// The name does not exist.
    NxDomain,
    /// The name server failed.
    ServFail,
    /// The name server refuses to answer us.
    Refused,
    /// Another code, by its name.
    Other(String),
    /// Nobody was asked: a part of the name is longer than a name's may be (RFC 1035, section 2.3.4).
    NotAName,
    /// No answer in time.
    Timeout,
    /// The name server cannot be reached: the system's error.
    Unreachable(String),
    /// The answer did not fit into a datagram, and TCP, which would bring it whole, failed.
    TcpFailed,
}

/// How many name servers are asked: what `resolv.conf` has beyond three, the C library ignores
/// (`resolv.conf(5)`, MAXNS).
const MOST: usize = 3;
/// How many search domains are tried: as many as the C library did for long.
const MOST_SEARCHED: usize = 6;
/// Whom the C library asks where no name server is configured (`resolv.conf(5)`).
const NOBODY_NAMED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// Asks each name server for both families, all at once. `instead`: these servers in place of the
/// system's.
pub async fn observe(
    effective: Effective,
    instead: Vec<SocketAddr>,
    limits: TimeLimits,
) -> Seen<NameServers> {
    let (mut found, ndots) =
        if instead.is_empty() { configured() } else { (NameServers::default(), 1) };
    let name = effective.host;
    if zone::literal(&name).is_some() {
        // An address needs no name server.
        return Ok(found);
    }
    let addresses = match (instead.is_empty(), found.configured.is_empty()) {
        (false, _) => instead,
        (true, false) => found.configured.clone(),
        (true, true) if cfg!(unix) => vec![NOBODY_NAMED],
        (true, true) => Vec::new(),
    };
    let limit = Duration::from_millis(limits.dns_ms);
    let ask_one = |server: SocketAddr| {
        let name = &name;
        async move {
            let (a, aaaa) = both(server, name, limit).await;
            let failed = [&a, &aaaa].iter().any(|answer| answer.code == AnswerCode::ServFail);
            let unchecked = if failed {
                let kind = if a.code == AnswerCode::ServFail { Kind::A } else { Kind::Aaaa };
                Some(dns_query::ask_with(server, name, kind, Checking::Disabled, limit).await)
            } else {
                None
            };
            NameServer { server, a, aaaa, unchecked }
        }
    };
    found.servers = join_all(addresses.into_iter().map(ask_one)).await;
    let is_short = name.matches('.').count() < ndots;
    if !name.ends_with('.') && (is_short || found.addresses().is_empty()) {
        found.searched = search(&found, &name, limit).await;
    }
    Ok(found)
}

async fn both(server: SocketAddr, name: &str, limit: Duration) -> (Answer, Answer) {
    futures_util::join!(
        dns_query::ask(server, name, Kind::A, limit),
        dns_query::ask(server, name, Kind::Aaaa, limit),
    )
}

/// Asks the first server that works for the name with each search domain.
async fn search(found: &NameServers, name: &str, limit: Duration) -> Vec<Searched> {
    let works = |s: &&NameServer| !s.a.is_failure();
    let Some(server) = found.servers.iter().find(works).map(|s| s.server) else {
        return Vec::new();
    };
    let ask = |domain: &String| {
        let name = format!("{name}.{domain}");
        async move {
            let (a, aaaa) = both(server, &name, limit).await;
            Searched { name, a, aaaa }
        }
    };
    let domains = found.search.iter().filter(|domain| !domain.is_empty());
    join_all(domains.take(MOST_SEARCHED).map(ask)).await
}

/// The system's list, and how many dots a name needs to be asked for as it is.
fn configured() -> (NameServers, usize) {
    let found = NameServers { sources: sources(), ..NameServers::default() };
    match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, options)) => {
            let search = config.search().iter().map(|n| n.to_utf8());
            let search = search.map(|n| n.trim_end_matches('.').to_owned()).collect();
            let mut configured: Vec<SocketAddr> = Vec::new();
            for server in config.name_servers() {
                let port = server.connections.first().map_or(53, |c| c.port);
                let address = SocketAddr::new(server.ip, port);
                if !configured.contains(&address) && configured.len() < MOST {
                    configured.push(address);
                }
            }
            (NameServers { search, configured, ..found }, options.ndots)
        }
        Err(error) => {
            #[allow(clippy::useless_conversion, reason = "on Windows the error is of another type")]
            let error = match NetError::from(error) {
                NetError::Io(error) => OsError::of("read", &error),
                other => OsError::of("read", &std::io::Error::other(other)),
            };
            let unreadable = Some(error.message.clone());
            (NameServers { unreadable, list_error: Some(error), ..found }, 1)
        }
    }
}

/// What the C library looks hosts up with (`nsswitch.conf(5)`), where it reads such a file.
fn sources() -> Option<Vec<String>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let text = std::fs::read("/etc/nsswitch.conf").ok()?;
    hosts_sources(&String::from_utf8_lossy(&text))
}

fn hosts_sources(text: &str) -> Option<Vec<String>> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("hosts:"))?;
    let words = line.split('#').next()?.split_whitespace();
    Some(words.map(str::to_owned).collect())
}

impl NameServers {
    /// Every answer, with its server.
    pub fn answers(&self) -> impl Iterator<Item = (SocketAddr, &Answer)> {
        self.servers.iter().flat_map(|s| [(s.server, &s.a), (s.server, &s.aaaa)])
    }

    /// Every address that some server told, for the name alone or with a search domain.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        let searched = self.searched.iter().flat_map(|s| [&s.a, &s.aaaa]);
        let answers = self.answers().map(|(_, answer)| answer).chain(searched);
        answers.flat_map(|answer| answer.addresses.iter().copied()).collect()
    }

    /// The names with a search domain that have addresses; the first one is used.
    pub fn completed(&self) -> impl Iterator<Item = &Searched> {
        self.searched.iter().filter(|s| !s.addresses().is_empty())
    }

    /// Whether the C library is told to ask name servers at all.
    #[must_use]
    pub fn asks_name_servers(&self) -> bool {
        let asks = |word: &String| matches!(word.as_str(), "dns" | "resolve");
        self.sources.as_ref().is_none_or(|words| words.iter().any(asks))
    }
}

impl NameServer {
    /// Every address that it told.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.a.addresses.iter().chain(&self.aaaa.addresses).copied().collect()
    }
}

impl Searched {
    /// Every address of this name.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.a.addresses.iter().chain(&self.aaaa.addresses).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;
    use hickory_resolver::proto::{
        op::{Message, MessageType, ResponseCode},
        rr::{
            Name, RData, Record, RecordType,
            rdata::{A, CNAME},
        },
    };
    use tokio::net::UdpSocket;

    /// A name server that answers every question alike; `None`: never.
    async fn server(answer: Option<fn(&Message) -> Message>) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
                let question = Message::from_vec(&bytes[..length]).unwrap();
                if let Some(answer) = answer {
                    let reply = answer(&question).to_vec().unwrap();
                    socket.send_to(&reply, from).await.unwrap();
                }
            }
        });
        address
    }

    fn reply(question: &Message, code: ResponseCode) -> Message {
        let mut reply = question.clone();
        reply.metadata.message_type = MessageType::Response;
        reply.metadata.response_code = code;
        reply.additionals.clear();
        reply
    }

    fn chain(question: &Message) -> Message {
        let mut answer = reply(question, ResponseCode::NoError);
        let target: Name = "real.example.".parse().unwrap();
        let name = question.queries[0].name().clone();
        answer.answers.push(Record::from_rdata(name, 300, RData::CNAME(CNAME(target.clone()))));
        if question.queries[0].query_type() == RecordType::A {
            let address = RData::A(A::new(192, 0, 2, 7));
            answer.answers.push(Record::from_rdata(target, 20, address));
        }
        answer
    }

    /// A server that answers with noise behind the number of the question.
    async fn noisy(seed: u8) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
                let mut answer = bytes[..length].to_vec();
                // An answer (QR) that says it holds records, and then what nobody can read.
                answer[2] |= 0x80;
                answer[7] = seed;
                let noise = (0..200u8).map(|n| n.wrapping_mul(seed | 1) ^ seed);
                answer.extend(noise);
                answer.truncate(length + usize::from(seed) % 200);
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn noise_is_no_answer() {
        let mut servers = Vec::new();
        for seed in 1..=60 {
            servers.push(noisy(seed).await);
        }
        let limits = TimeLimits { dns_ms: 300, ..TimeLimits::default() };
        let found = observe(made::effective(22), servers, limits).await.unwrap();
        assert!(found.answers().all(|(_, answer)| answer.addresses.is_empty()), "{found:?}");
    }

    #[tokio::test]
    async fn each_answer_is_told_apart() {
        let servers = vec![
            server(Some(chain)).await,
            server(Some(|q| reply(q, ResponseCode::NXDomain))).await,
            server(Some(|q| reply(q, ResponseCode::ServFail))).await,
            server(Some(|q| reply(q, ResponseCode::Refused))).await,
            server(Some(|q| reply(q, ResponseCode::NoError))).await,
            server(None).await,
        ];
        let limits = TimeLimits { dns_ms: 400, ..TimeLimits::default() };
        let found = observe(made::effective(22), servers, limits).await.unwrap();
        let codes: Vec<_> = found.servers.iter().map(|s| s.a.code.clone()).collect();
        use AnswerCode::{NoError, NxDomain, Refused, ServFail, Timeout};
        assert_eq!(codes, [NoError, NxDomain, ServFail, Refused, NoError, Timeout]);
        let first = &found.servers[0].a;
        assert_eq!(first.addresses, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(
            (first.aliases.as_slice(), first.ttl_s),
            (&["real.example".to_owned()][..], Some(20))
        );
        assert!(found.servers[4].a.addresses.is_empty());
    }
}
