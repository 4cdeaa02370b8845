//! One question to one name server, and what became of it.
//!
//! The messages are read and written by hickory-proto. The exchange itself is ours, since what tells
//! causes apart is what a resolver library hides: the error of the socket, aliases beside "no such
//! name", and an answer that was cut and could not be fetched whole.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use hickory_resolver::proto::{
    op::{Message, MessageType, Query, ResponseCode},
    rr::{Name, RData, Record, RecordType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    connection::OsError,
    fact::millis,
    name_servers::{Answer, AnswerCode},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// IPv4 addresses (RFC 1035, section 3.4.1).
    A,
    /// IPv6 addresses (RFC 3596, section 2.1).
    Aaaa,
    /// Strings (RFC 1035, section 3.3.14).
    Txt,
}

/// Whether the server is to check signatures (RFC 4035, section 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checking {
    /// As it does for everybody.
    Usual,
    /// Not: what it answers now and not otherwise has signatures that do not hold.
    Disabled,
}

/// The longest message over UDP that may come without EDNS is 512 bytes; some send more.
const LONGEST: usize = 4096;
/// How many aliases are followed; libraries give up at about as many.
const MOST_ALIASES: usize = 16;

/// Why there is no message.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No answer in time.
    Silence,
    /// An error of this system.
    Os(OsError),
    /// The answer was cut to fit a datagram, and TCP did not bring it; the error, or silence.
    Cut(Option<OsError>),
    /// The name cannot be asked for: a part of it is too long.
    Name,
}

/// Asks one server for one kind of address of an absolute name: once, no search list, no cache, no
/// hosts file.
pub(super) async fn ask(server: SocketAddr, name: &str, kind: Kind, limit: Duration) -> Answer {
    ask_with(server, name, kind, Checking::Usual, limit).await
}

/// The same, and says whether signatures are to be checked.
pub(super) async fn ask_with(
    server: SocketAddr,
    name: &str,
    kind: Kind,
    checking: Checking,
    limit: Duration,
) -> Answer {
    let began = Instant::now();
    let told = exchange(server, name, kind, checking, limit).await;
    let took_ms = millis(began);
    let mut answer = Answer { took_ms, ..Answer::default() };
    match told {
        Ok(message) => {
            answer.code = code(message.metadata.response_code);
            answer.truncated = message.metadata.truncation;
            if let Ok(name) = absolute(name) {
                follow(&message.answers, name, &mut answer);
            }
        }
        Err(Trouble::Silence) => answer.code = AnswerCode::Timeout,
        Err(Trouble::Name) => answer.code = AnswerCode::NotAName,
        Err(Trouble::Os(error)) => {
            answer.code = AnswerCode::Unreachable(error.message.clone());
            answer.error = Some(error);
        }
        Err(Trouble::Cut(error)) => {
            (answer.code, answer.truncated, answer.error) = (AnswerCode::TcpFailed, true, error);
        }
    }
    answer
}

/// Sends a question and takes the answer to it: by UDP, and by TCP where that one is cut.
pub(super) async fn exchange(
    server: SocketAddr,
    name: &str,
    kind: Kind,
    checking: Checking,
    limit: Duration,
) -> Result<Message, Trouble> {
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.metadata.checking_disabled = checking == Checking::Disabled;
    let kind = match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Txt => RecordType::TXT,
    };
    question.add_query(Query::query(absolute(name)?, kind));
    let began = Instant::now();
    let answer = match timeout(limit, by_udp(server, &question, limit)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(Trouble::Os(error)),
        Err(_) => return Err(Trouble::Silence),
    };
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    let left = limit.saturating_sub(began.elapsed());
    match timeout(left, by_tcp(server, &question)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Trouble::Cut(Some(error))),
        Err(_) => Err(Trouble::Cut(None)),
    }
}

/// The name as `ssh` gives it to the C library: its bytes, whatever they are.
fn absolute(name: &str) -> Result<Name, Trouble> {
    let labels = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
    Name::from_labels(labels).map_err(|_| Trouble::Name)
}

fn bytes_of(question: &Message) -> Result<Vec<u8>, OsError> {
    question.to_vec().map_err(|e| OsError::of("write", &io::Error::other(e)))
}

/// How often a name server is asked that does not answer: where every tenth question or answer is
/// lost, all are lost once in a hundred thousand times.
const TRIES: u32 = 5;

/// Whether a message answers the question: anybody can send a datagram.
fn answers(message: &Message, question: &Message) -> bool {
    message.metadata.message_type == MessageType::Response
        && message.metadata.id == question.metadata.id
        && message.queries == question.queries
}

/// Asks by UDP, up to [`TRIES`] times.
async fn by_udp(
    server: SocketAddr,
    question: &Message,
    limit: Duration,
) -> Result<Message, OsError> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.map_err(|e| OsError::of("bind", &e))?;
    socket.connect(server).await.map_err(|e| OsError::of("connect", &e))?;
    let sent = bytes_of(question)?;
    let mut bytes = vec![0; LONGEST];
    // The last wait has no end of its own: the whole has one.
    for wait in (1..TRIES).map(|_| limit / TRIES).chain([limit]) {
        socket.send(&sent).await.map_err(|e| OsError::of("send", &e))?;
        let until = Instant::now() + wait;
        while let Ok(received) =
            timeout(until.saturating_duration_since(Instant::now()), socket.recv(&mut bytes)).await
        {
            let length = received.map_err(|e| OsError::of("receive", &e))?;
            let message = Message::from_vec(bytes.get(..length).unwrap_or_default());
            if let Ok(message) = message
                && answers(&message, question)
            {
                return Ok(message);
            }
        }
    }
    Err(OsError::of("receive", &io::ErrorKind::TimedOut.into()))
}

/// Asks by TCP (RFC 7766, section 8: the length stands first, in two bytes).
async fn by_tcp(server: SocketAddr, question: &Message) -> Result<Message, OsError> {
    let mut stream = TcpStream::connect(server).await.map_err(|e| OsError::of("connect", &e))?;
    let sent = bytes_of(question)?;
    let length = u16::try_from(sent.len()).unwrap_or_default().to_be_bytes();
    let whole = [&length, sent.as_slice()].concat();
    stream.write_all(&whole).await.map_err(|e| OsError::of("send", &e))?;
    let received = |e: io::Error| OsError::of("receive", &e);
    let length = stream.read_u16().await.map_err(received)?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.map_err(received)?;
    let message = Message::from_vec(&bytes).map_err(|e| received(io::Error::other(e)))?;
    if answers(&message, question) {
        return Ok(message);
    }
    Err(received(io::Error::other("not an answer to the question")))
}

/// From the name that was asked for along its aliases to the addresses.
fn follow(records: &[Record], name: Name, answer: &mut Answer) {
    let mut ttls = Vec::new();
    let mut at = name.clone();
    let mut passed = vec![name];
    while let Some((target, ttl)) = records.iter().find_map(|r| alias(r, &at)) {
        answer.aliases.push(words(target));
        ttls.push(ttl);
        let again = passed.contains(target);
        if again || passed.len() > MOST_ALIASES {
            answer.alias_loop = true;
            break;
        }
        at = target.clone();
        passed.push(at.clone());
    }
    for record in records.iter().filter(|r| r.name == at) {
        let address = match &record.data {
            RData::A(address) => IpAddr::V4(address.0),
            RData::AAAA(address) => IpAddr::V6(address.0),
            _ => continue,
        };
        answer.addresses.push(address);
        ttls.push(record.ttl);
    }
    answer.ttl_s = ttls.into_iter().min();
}

fn alias<'r>(record: &'r Record, of: &Name) -> Option<(&'r Name, u32)> {
    match &record.data {
        RData::CNAME(target) if record.name == *of => Some((&target.0, record.ttl)),
        _ => None,
    }
}

fn words(name: &Name) -> String {
    name.to_utf8().trim_end_matches('.').to_owned()
}

pub(super) fn code(code: ResponseCode) -> AnswerCode {
    match code {
        ResponseCode::NoError => AnswerCode::NoError,
        ResponseCode::NXDomain => AnswerCode::NxDomain,
        ResponseCode::ServFail => AnswerCode::ServFail,
        ResponseCode::Refused => AnswerCode::Refused,
        other => AnswerCode::Other(other.to_str().to_owned()),
    }
}

/// The strings of an answer, each record's joined.
pub(super) fn strings(message: &Message) -> Vec<String> {
    let text = |record: &Record| match &record.data {
        RData::TXT(txt) => {
            let bytes: Vec<u8> = txt.txt_data.iter().flat_map(|part| part.to_vec()).collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    };
    message.answers.iter().filter_map(text).collect()
}
