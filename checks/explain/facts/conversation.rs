//! The conversation with the server, as far as a log shows it.

use super::target::lists;
use crate::{
    evidence::{
        Seen, Unseen,
        connection::{OsError, OsErrorKind},
        handshake::{
            Agreed, AlgorithmLists, Disconnect, Handshake, HandshakeEnd, Identification, Step,
        },
        key::PublicKeyFacts,
        queries::{Answer, Broken, Queries, Query, RsaSignatures},
    },
    explain::{
        log::{Log, Mark},
        signs::Sign,
    },
    offers::{Offer, Provable},
    text::Foreign,
};

/// Signs that a connection stood.
const STOOD: &[Sign] = &[
    Sign::Connected,
    Sign::Remote,
    Sign::BeforeBanner,
    Sign::ClosedFirst,
    Sign::ResetFirst,
    Sign::NoCommon,
    Sign::KexSent,
];

/// How many lists of algorithms `ssh -vv` shows of the server.
const LISTS: usize = 6;

/// Signs that keys are in use.
const IN_USE: &[Sign] = &[
    Sign::KeysInUse,
    Sign::Methods,
    Sign::LoggedIn,
    Sign::Offered,
    Sign::NextMethod,
    Sign::Greeting,
    Sign::SessionClosed,
];

pub(super) fn handshake(log: &Log) -> Seen<Handshake> {
    let has_any = |signs: &[Sign]| log.marks.iter().any(|m| signs.contains(&m.sign));
    if !has_any(STOOD) {
        return Err(Unseen::NotInLog);
    }
    let lines_before: Vec<Foreign> = log
        .all(Sign::BeforeBanner)
        .map(|m| Foreign::from_bytes(m.word(0).as_bytes()))
        .filter(|line| !line.raw().starts_with("Connection closed"))
        .collect();
    let identification = log.last(Sign::Remote).map(|m| Identification {
        line: Foreign::from_bytes(format!("SSH-{}-{}", m.word(0), m.word(1)).as_bytes()),
        protocol: m.word(0).to_owned(),
        software: Foreign::from_bytes(m.word(1).as_bytes()),
    });
    let received: usize = lines_before.iter().map(|line| line.raw().len()).sum::<usize>()
        + identification.as_ref().map_or(0, |id| id.line.raw().len());
    let complete = has_any(IN_USE);
    let shown = log.last(Sign::HostKey);
    let reached = if complete {
        Step::Keys
    } else if shown.is_some() {
        Step::HostKey
    } else if log.has(Sign::KexReceived) || log.has(Sign::NoCommon) {
        Step::Algorithms
    } else if identification.is_some() {
        Step::Identification
    } else {
        Step::Connected
    };
    let kept = lines_before.len().min(10);
    let first_bytes = match &identification {
        None => lines_before.first().cloned().unwrap_or_default(),
        Some(_) => Foreign::default(),
    };
    Ok(Handshake {
        reached,
        lines_before_count: u64::try_from(lines_before.len()).unwrap_or(u64::MAX),
        lines_before: lines_before.into_iter().take(kept).collect(),
        first_bytes,
        identification,
        received: u64::try_from(received).unwrap_or(u64::MAX),
        offered: offered(log),
        agreed: agreed(log),
        host_key: shown.map(|m| key(m.word(0), m.word(1), "")),
        disconnect: log.last(Sign::Goodbye).filter(|_| !complete).and_then(goodbye),
        end: if complete { HandshakeEnd::Complete } else { end(log) },
        ..Handshake::default()
    })
}

/// How it ended before keys were in use.
fn end(log: &Log) -> HandshakeEnd {
    let reset = || {
        HandshakeEnd::Failed(OsError {
            operation: "read".to_owned(),
            errno: None,
            kind: OsErrorKind::ConnectionReset,
            message: "Connection reset by peer".to_owned(),
        })
    };
    for mark in log.marks.iter().rev() {
        match mark.sign {
            Sign::ResetFirst => return reset(),
            Sign::Closed if mark.word(0) == "reset" => return reset(),
            Sign::ClosedFirst
            | Sign::Closed
            | Sign::NoCommon
            | Sign::Goodbye
            | Sign::Disconnected
            | Sign::Broke => {
                return HandshakeEnd::Closed;
            }
            // Else it is the way that led nowhere.
            Sign::WayClosed if log.has(Sign::Remote) => return HandshakeEnd::Closed,
            Sign::HostKeyFailed => return HandshakeEnd::Stopped("ssh ended it".to_owned()),
            Sign::NoIdentification | Sign::OldProtocol | Sign::Corrupt | Sign::Putty => {
                return HandshakeEnd::Stopped(mark.text.raw().to_owned());
            }
            Sign::SilentFirst | Sign::TimedOut => {
                return HandshakeEnd::Stopped("no answer in time".to_owned());
            }
            _ => {}
        }
    }
    HandshakeEnd::LogEnds
}

/// The server's lists, where the log has all of them: of one that is missing nothing is known.
fn offered(log: &Log) -> Option<AlgorithmLists> {
    if lists(log, Sign::TheirLists).count() < LISTS {
        return None;
    }
    let mut theirs = AlgorithmLists::default();
    for (name, value) in lists(log, Sign::TheirLists) {
        let list = value.split(',').map(str::to_owned).collect();
        match name {
            "KEX algorithms" => theirs.kex = list,
            "host key algorithms" => theirs.host_key = list,
            "ciphers ctos" => theirs.ciphers_to_server = list,
            "ciphers stoc" => theirs.ciphers_to_client = list,
            "MACs ctos" => theirs.macs_to_server = list,
            _ => theirs.macs_to_client = list,
        }
    }
    Some(theirs)
}

fn agreed(log: &Log) -> Option<Agreed> {
    let word = |sign, place| log.last(sign).map(|m: &Mark| m.word(place).to_owned());
    Some(Agreed {
        kex: word(Sign::AgreedKex, 0)?,
        host_key: word(Sign::AgreedHostKey, 0)?,
        cipher: word(Sign::AgreedCipher, 0)?,
        mac: word(Sign::AgreedCipher, 1).filter(|mac| mac != "<implicit>"),
    })
}

/// `Received disconnect from HOST port 22:CODE: WORDS`.
fn goodbye(mark: &Mark) -> Option<Disconnect> {
    let code = mark.word(2).parse().ok()?;
    Some(Disconnect { code, description: Foreign::from_bytes(mark.word(3).as_bytes()) })
}

/// What a log shows of a key.
fn key(algorithm: &str, sha256: &str, comment: &str) -> PublicKeyFacts {
    PublicKeyFacts {
        algorithm: algorithm.to_owned(),
        bits: 0,
        sha256: sha256.to_owned(),
        md5: String::new(),
        comment: comment.to_owned(),
        line: String::new(),
        certificate: None,
    }
}

/// The algorithm of a type, as `ssh` writes it in a log.
fn algorithm(kind: &str) -> &'static str {
    match kind.strip_suffix("-CERT").unwrap_or(kind) {
        "RSA" => "ssh-rsa",
        "DSA" => "ssh-dss",
        "ECDSA" => "ecdsa-sha2-nistp256",
        "ED25519" => "ssh-ed25519",
        "ECDSA-SK" => "sk-ecdsa-sha2-nistp256@openssh.com",
        "ED25519-SK" => "sk-ssh-ed25519@openssh.com",
        _ => "",
    }
}

pub(super) fn queries(log: &Log, user: &str) -> Seen<Queries> {
    let telling = [Sign::Offered, Sign::Methods, Sign::NothingLeft];
    if !log.marks.iter().any(|m| telling.contains(&m.sign)) {
        return Err(Unseen::NotInLog);
    }
    let logged_in = log.login().is_some();
    let mut queries = Queries { user: user.to_owned(), ..Queries::default() };
    let answer = |queries: &mut Queries, answer| {
        let last = queries.offers.last_mut().filter(|q| q.answer == Answer::NoAnswer);
        if let Some(query) = last {
            query.answer = answer;
        }
    };
    for mark in &log.marks {
        match mark.sign {
            Sign::Offered => {
                answer(&mut queries, Answer::Refused);
                queries.offers.push(query(mark));
            }
            Sign::Accepted => answer(&mut queries, Answer::Accepted),
            Sign::LoggedIn => answer(&mut queries, Answer::Accepted),
            Sign::Methods => {
                answer(&mut queries, Answer::Refused);
                queries.methods = Some(methods(mark.word(0)));
            }
            Sign::KeyRefused | Sign::NothingLeft | Sign::TooMany => {
                answer(&mut queries, Answer::Refused);
            }
            Sign::Denied => {
                answer(&mut queries, Answer::Refused);
                let told = if mark.words.len() == 1 { mark.word(0) } else { mark.word(2) };
                queries.methods = Some(methods(told));
            }
            Sign::NoSignature => queries.rsa_signatures = Some(RsaSignatures::NotTold),
            _ => {}
        }
    }
    if log.has(Sign::TooMany) {
        let description = Foreign::from_bytes(b"Too many authentication failures");
        queries.disconnect = Some(Disconnect { code: 2, description });
    }
    // ssh gives up where it has nothing left with which it could prove a key.
    let gave_up = log.has(Sign::Denied) || log.has(Sign::NothingLeft);
    if !logged_in && (log.has(Sign::Closed) || log.has(Sign::TooMany)) {
        queries.broken = Some(Broken::ServerEnded);
    } else if !logged_in && !gave_up && !log.marks.iter().any(|m| is_end(m.sign)) {
        queries.broken = Some(Broken::LogEnds);
    }
    let proven = match (logged_in, gave_up) {
        (true, _) => Provable::Yes,
        (false, true) => Provable::No,
        (false, false) => Provable::Unknown,
    };
    for query in queries.offers.iter_mut().filter(|q| q.answer == Answer::Accepted) {
        query.offer.provable = proven;
    }
    if logged_in && queries.accepted().is_none() {
        // Another method than a key let in.
        return Err(Unseen::NotInLog);
    }
    Ok(queries)
}

/// Lines after which the conversation does not go on.
fn is_end(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::Goodbye
            | Sign::Disconnected
            | Sign::Broke
            | Sign::TimedOut
            | Sign::WayClosed
            | Sign::Putty
    )
}

fn methods(list: &str) -> Vec<String> {
    list.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect()
}

/// An offer, in the words of three generations.
fn query(mark: &Mark) -> Query {
    let (kind, sha256, name, more) = match mark.words.len() {
        4 => (mark.word(1), mark.word(2), mark.word(0), mark.word(3)),
        3 => (mark.word(0), mark.word(1), mark.word(2), ""),
        2 => (mark.word(0), "", mark.word(1), ""),
        _ => ("", "", "", ""),
    };
    let algorithm = algorithm(kind);
    let in_agent = more.split_whitespace().any(|word| word == "agent");
    let is_path = name.contains('/') || name.contains('\\');
    let offer = Offer {
        key: key(algorithm, sha256, if is_path { "" } else { name }),
        path: is_path.then(|| name.to_owned()),
        in_agent,
        provable: Provable::Unknown,
    };
    Query { offer, algorithm: algorithm.to_owned(), answer: Answer::NoAnswer }
}
