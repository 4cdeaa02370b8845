//! The public address of this network, as somebody outside sees it. Only asked for with `--egress`.
//!
//! It is asked by DNS, of name servers that answer with the address from which a question comes.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Needed, Seen, Unseen,
    dns_query::{self, Checking, Kind, Trouble},
    name_servers::AnswerCode,
};
use crate::{case::TimeLimits, profile::Asker, profile::AskerKind};

/// Whom was asked, and what they said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// In the order in which they were asked.
    pub asked: Vec<Asked>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whose name server it is.
    pub whom: String,
    /// Its address.
    pub server: SocketAddr,
    /// The name that was asked for.
    pub question: String,
    /// The address that it sees, or why it said none.
    pub sees: Result<IpAddr, NoAddress>,
}

/// Why somebody told no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoAddress {
    /// No answer in time.
    Silence,
    /// An answer without an address: its code, and the begin of what it says. So answers a name
    /// server that stands in for the one that was asked.
    Other(AnswerCode, String),
    /// An error of this system.
    Failed(super::connection::OsError),
}

/// How many are asked for one family, at most.
const MOST: usize = 2;

/// Asks until somebody tells, in each of the families that count here.
pub async fn observe(askers: Vec<Asker>, families: Vec<bool>, limits: TimeLimits) -> Seen<Egress> {
    if families.is_empty() {
        return Err(Unseen::Needs(Needed::Address));
    }
    let limit = Duration::from_millis(limits.dns_ms);
    let of_family = |ipv4: bool| {
        let askers = askers.iter().filter(move |a| a.server.is_ipv4() == ipv4).take(MOST);
        async move {
            let mut asked = Vec::new();
            for asker in askers {
                let sees = ask(asker, limit).await;
                let told = sees.is_ok();
                asked.push(Asked {
                    whom: asker.whom.clone(),
                    server: asker.server,
                    question: asker.question.clone(),
                    sees,
                });
                if told {
                    break;
                }
            }
            asked
        }
    };
    let all = futures_util::future::join_all(families.into_iter().map(of_family)).await;
    Ok(Egress { asked: all.into_iter().flatten().collect() })
}

async fn ask(asker: &Asker, limit: Duration) -> Result<IpAddr, NoAddress> {
    let ipv4 = asker.server.is_ipv4();
    let kind = match (asker.kind, ipv4) {
        (AskerKind::Address, true) => Kind::A,
        (AskerKind::Address, false) => Kind::Aaaa,
        (AskerKind::Text, _) => Kind::Txt,
    };
    if kind != Kind::Txt {
        let answer = dns_query::ask(asker.server, &asker.question, kind, limit).await;
        return match (answer.addresses.first(), answer.error, answer.code) {
            (Some(address), ..) => Ok(*address),
            (None, Some(error), _) => Err(NoAddress::Failed(error)),
            (None, None, AnswerCode::Timeout) => Err(NoAddress::Silence),
            (None, None, code) => Err(NoAddress::Other(code, String::new())),
        };
    }
    let told =
        dns_query::exchange(asker.server, &asker.question, kind, Checking::Usual, limit).await;
    match told {
        Ok(message) => {
            let strings = dns_query::strings(&message);
            let address = strings.iter().find_map(|s| s.trim().parse::<IpAddr>().ok());
            address.filter(|a| a.is_ipv4() == ipv4).ok_or_else(|| {
                let code = dns_query::code(message.metadata.response_code);
                let begin = strings.join(" ").chars().take(80).collect();
                NoAddress::Other(code, begin)
            })
        }
        Err(Trouble::Os(error) | Trouble::Cut(Some(error))) => Err(NoAddress::Failed(error)),
        Err(Trouble::Silence | Trouble::Cut(None)) => Err(NoAddress::Silence),
        Err(Trouble::Name) => Err(NoAddress::Other(AnswerCode::NotAName, String::new())),
    }
}
