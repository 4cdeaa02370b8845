//! Names that nobody has: whether they get an address all the same.
//!
//! Only asked after a connection failed, since then the address itself is in doubt.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Needed, Seen, Unseen,
    dns_query::{self, Kind},
    name_servers::{AnswerCode, NameServers},
};
use crate::case::TimeLimits;

/// What a name server says about names that were made up a moment ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeUpNames {
    /// Who was asked: the first server that knows the host.
    pub server: SocketAddr,
    /// A name beside the host's, in the same domain.
    pub beside: Option<MadeUp>,
    /// A name in a domain that is made up as well.
    pub nowhere: MadeUp,
}

/// One made-up name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeUp {
    /// The name.
    pub name: String,
    /// Response code, or why there is none.
    pub code: AnswerCode,
    /// Its IPv4 addresses; a name that does not exist has none.
    pub addresses: Vec<IpAddr>,
}

/// Asks for at most two names.
pub async fn observe(host: String, servers: NameServers, limits: TimeLimits) -> Seen<MadeUpNames> {
    let knows = |s: &&super::name_servers::NameServer| !s.addresses().is_empty();
    let Some(server) = servers.servers.iter().find(knows).map(|s| s.server) else {
        return Err(Unseen::Needs(Needed::Address));
    };
    let ask = |name: String| async move {
        let limit = Duration::from_millis(limits.dns_ms);
        let answer = dns_query::ask(server, &name, Kind::A, limit).await;
        MadeUp { name, code: answer.code, addresses: answer.addresses }
    };
    // Below a top-level domain, somebody may own any name.
    let parent = host.trim_end_matches('.').split_once('.').map(|(_, parent)| parent);
    let parent = parent.filter(|parent| parent.contains('.'));
    let beside = async {
        match parent {
            Some(parent) => Some(ask(format!("{}.{parent}", label())).await),
            None => None,
        }
    };
    let (beside, nowhere) = tokio::join!(beside, ask(format!("{}.{}", label(), label())));
    Ok(MadeUpNames { server, beside, nowhere })
}

/// A label that nobody has.
pub(super) fn label() -> String {
    format!("nx{:016x}", rand::random::<u64>())
}
