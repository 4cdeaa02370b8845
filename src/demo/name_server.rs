//! A name server that knows one name.

use std::net::{Ipv4Addr, SocketAddr};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::A},
};
use tokio::net::UdpSocket;

use super::stage::{HOST, Names};

/// Time to live of its answers, in seconds.
const TTL_S: u32 = 60;
/// A question over UDP is no longer than this (RFC 1035, section 4.2.1).
const LONGEST_QUESTION: usize = 512;

/// Listens on loopback and answers until it is dropped.
pub async fn start(names: Names) -> std::io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = socket.local_addr()?;
    Ok((address, tokio::spawn(serve(socket, names))))
}

async fn serve(socket: UdpSocket, names: Names) {
    let mut question = [0; LONGEST_QUESTION];
    while let Ok((length, from)) = socket.recv_from(&mut question).await {
        let question = question.get(..length).unwrap_or_default();
        if names != Names::Silent
            && let Some(answer) = answer(question, names)
        {
            // Who asked may be gone.
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

/// The answer to one message, where that is a question.
fn answer(question: &[u8], names: Names) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
    answer.metadata.recursion_desired = asked.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    let mut known = Name::from_ascii(HOST).ok()?;
    known.set_fqdn(true);
    answer.metadata.response_code = match names {
        Names::Failing => ResponseCode::ServFail,
        _ if *query.name() == known => ResponseCode::NoError,
        _ => ResponseCode::NXDomain,
    };
    if answer.metadata.response_code == ResponseCode::NoError && query.query_type() == RecordType::A
    {
        answer.add_answer(Record::from_rdata(known, TTL_S, RData::A(A(Ipv4Addr::LOCALHOST))));
    }
    answer.add_query(query);
    answer.to_vec().ok()
}
