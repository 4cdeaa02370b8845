//! What each configured name server says, side by side (hickory-resolver).

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Seen,
    configuration::Effective,
    dns_query::{self, Kind},
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
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Response code, or why there is none.
    pub code: AnswerCode,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Names on the way (CNAME), from the name asked for to the one that has the addresses.
    pub aliases: Vec<String>,
    /// Seconds that the answer may be kept: the smallest of the chain.
    pub ttl_s: Option<u32>,
    /// Milliseconds that it took.
    pub took_ms: u64,
}

/// RFC 1035 section 4.1.1, and what happens when no answer comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerCode {
    /// The name exists; it has the addresses that are listed, which may be none.
    NoError,
    /// The name does not exist.
    NxDomain,
    /// The name server failed.
    ServFail,
    /// The name server refuses to answer us.
    Refused,
    /// Another code, by its name.
    Other(String),
    /// No answer in time.
    Timeout,
    /// The name server cannot be reached: the system's error.
    Unreachable(String),
}

/// How many name servers are asked: what `resolv.conf` has beyond three, the C library ignores
/// (`resolv.conf(5)`, MAXNS).
const MOST: usize = 3;

/// Asks each name server for both families, all at once. `instead`: these servers in place of the
/// system's.
pub async fn observe(
    effective: Effective,
    instead: Vec<SocketAddr>,
    limits: TimeLimits,
) -> Seen<NameServers> {
    let mut found = if instead.is_empty() { configured() } else { NameServers::default() };
    if effective.host.parse::<IpAddr>().is_ok() {
        // An address needs no name server.
        return Ok(found);
    }
    let addresses = if instead.is_empty() { found.asked() } else { instead };
    let limit = Duration::from_millis(limits.dns_ms);
    let ask_one = |server: SocketAddr| {
        let name = effective.host.clone();
        async move {
            let (a, aaaa) = futures_util::join!(
                dns_query::ask(server, &name, Kind::A, limit),
                dns_query::ask(server, &name, Kind::Aaaa, limit),
            );
            NameServer { server, a, aaaa }
        }
    };
    found.servers = futures_util::future::join_all(addresses.into_iter().map(ask_one)).await;
    Ok(found)
}

/// The system's list.
fn configured() -> NameServers {
    match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, _)) => {
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
            NameServers { search, configured, ..NameServers::default() }
        }
        Err(error) => NameServers { unreadable: Some(error.to_string()), ..NameServers::default() },
    }
}

impl NameServers {
    fn asked(&self) -> Vec<SocketAddr> {
        self.configured.clone()
    }

    /// Every answer, with its server.
    pub fn answers(&self) -> impl Iterator<Item = (SocketAddr, &Answer)> {
        self.servers.iter().flat_map(|s| [(s.server, &s.a), (s.server, &s.aaaa)])
    }

    /// Every address that some server told.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.answers().flat_map(|(_, answer)| answer.addresses.iter().copied()).collect()
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
