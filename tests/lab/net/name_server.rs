//! A name server of our own, for what dnsmasq does not do on demand: failures, aliases in a circle,
//! answers that are cut, silence for one kind of question.

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME},
    },
};
use nix::sched::{CloneFlags, setns};

/// A question, as far as the answers depend on it.
pub struct Question {
    pub kind: RecordType,
    /// Whether it came by TCP.
    pub tcp: bool,
    /// Whether signatures need not hold.
    pub unchecked: bool,
}

/// What to answer.
pub enum Say {
    Nothing,
    Code(ResponseCode),
    /// These addresses, of the kind that is asked for.
    Addresses(Vec<&'static str>),
    /// Aliases, each the one before's target, then an address or a code.
    Aliases(Vec<&'static str>, ResponseCode, Option<&'static str>),
    /// "Ask again by TCP."
    Cut,
    /// The address of whoever asks.
    WhoAsks,
}

pub type Answers = fn(&Question) -> Say;

/// A server; it ends when this is dropped.
pub struct Serving {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// How often a server looks whether it is over.
const LOOK: Duration = Duration::from_millis(50);

/// Serves in a network namespace. Only a thread enters it; its sockets stay there.
pub fn serve(namespace: PathBuf, address: SocketAddr, answers: Answers) -> Serving {
    let over = Arc::new(AtomicBool::new(false));
    let sockets = std::thread::spawn(move || {
        setns(File::open(namespace).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
        (UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap())
    });
    let (udp, tcp) = sockets.join().unwrap();
    udp.set_read_timeout(Some(LOOK)).unwrap();
    tcp.set_nonblocking(true).unwrap();
    let (one, two) = (Arc::clone(&over), Arc::clone(&over));
    let by_udp = std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while !one.load(Ordering::SeqCst) {
            if let Ok((length, from)) = udp.recv_from(&mut bytes)
                && let Some(reply) = reply(&bytes[..length], from, false, answers)
            {
                let _ = udp.send_to(&reply, from);
            }
        }
    });
    let by_tcp = std::thread::spawn(move || {
        while !two.load(Ordering::SeqCst) {
            let Ok((mut stream, from)) = tcp.accept() else {
                std::thread::sleep(LOOK);
                continue;
            };
            std::thread::spawn(move || {
                let _ = stream.set_nonblocking(false);
                let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
                converse(&mut stream, from, answers);
            });
        }
    });
    Serving { over, threads: vec![by_udp, by_tcp] }
}

/// Answers the questions on one connection, one after the other.
fn converse(stream: &mut TcpStream, from: SocketAddr, answers: Answers) {
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut bytes).is_err() {
            return;
        }
        if let Some(reply) = reply(&bytes, from, true, answers) {
            let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
            let _ = stream.write_all(&[&length, reply.as_slice()].concat());
        }
    }
}

fn reply(bytes: &[u8], from: SocketAddr, tcp: bool, answers: Answers) -> Option<Vec<u8>> {
    let asked = Message::from_vec(bytes).ok()?;
    let query = asked.queries.first()?.clone();
    let question =
        Question { kind: query.query_type(), tcp, unchecked: asked.metadata.checking_disabled };
    let mut reply = Message::response(asked.metadata.id, asked.metadata.op_code);
    reply.metadata.recursion_desired = asked.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    let mut owner = query.name().clone();
    let own = from.ip().to_string();
    reply.add_query(query);
    match answers(&question) {
        Say::Nothing => return None,
        Say::Cut => reply.metadata.truncation = true,
        Say::Code(code) => reply.metadata.response_code = code,
        Say::Addresses(addresses) => {
            for address in addresses {
                add(&mut reply, &owner, address, question.kind);
            }
        }
        Say::WhoAsks => add(&mut reply, &owner, &own, question.kind),
        Say::Aliases(targets, code, address) => {
            for target in targets {
                let mut target = Name::from_ascii(target).unwrap();
                target.set_fqdn(true);
                let alias = RData::CNAME(CNAME(target.clone()));
                reply.add_answer(Record::from_rdata(owner, 60, alias));
                owner = target;
            }
            reply.metadata.response_code = code;
            if let Some(address) = address {
                add(&mut reply, &owner, address, question.kind);
            }
        }
    }
    reply.to_vec().ok()
}

fn add(reply: &mut Message, owner: &Name, address: &str, kind: RecordType) {
    let data = match (address.parse().unwrap(), kind) {
        (std::net::IpAddr::V4(a), RecordType::A) => RData::A(A(a)),
        (std::net::IpAddr::V6(a), RecordType::AAAA) => RData::AAAA(AAAA(a)),
        _ => return,
    };
    reply.add_answer(Record::from_rdata(owner.clone(), 60, data));
}
