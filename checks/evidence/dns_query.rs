//! One question to one name server (hickory-resolver).

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use hickory_resolver::{
    Resolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};

use super::{
    connection::OsError,
    fact::millis,
    name_servers::{Answer, AnswerCode},
};

/// Which addresses are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 (RFC 1035, section 3.4.1).
    A,
    /// IPv6 (RFC 3596, section 2.1).
    Aaaa,
}

/// Asks one server for one kind of address of an absolute name: once, no search list, no cache, no
/// hosts file.
pub async fn ask(server: SocketAddr, name: &str, kind: Kind, limit: Duration) -> Answer {
    let began = Instant::now();
    let asked = tokio::time::timeout(limit, look_up(server, name, kind, limit)).await;
    let (code, records) = match asked {
        Err(_) | Ok(Err(NetError::Timeout)) => (AnswerCode::Timeout, Vec::new()),
        Ok(Ok(records)) => (AnswerCode::NoError, records),
        Ok(Err(error)) => (code(error), Vec::new()),
    };
    let addresses = records.iter().filter_map(address).collect();
    let aliases = records.iter().filter_map(alias).collect();
    let ttl_s = records.iter().map(|record| record.ttl).min();
    Answer { code, addresses, aliases, ttl_s, took_ms: millis(began) }
}

async fn look_up(
    server: SocketAddr,
    name: &str,
    kind: Kind,
    limit: Duration,
) -> Result<Vec<Record>, NetError> {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = server.port();
    }
    let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    let mut options = ResolverOpts::default();
    options.timeout = limit;
    options.attempts = 0;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.preserve_intermediates = true;
    options.edns0 = false;
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()?;
    let mut name = Name::from_utf8(name)?;
    name.set_fqdn(true);
    let kind = match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
    };
    let found = resolver.lookup(name, kind).await?;
    Ok(found.answers().to_vec())
}

fn address(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

fn alias(record: &Record) -> Option<String> {
    match &record.data {
        RData::CNAME(name) => Some(name.0.to_utf8().trim_end_matches('.').to_owned()),
        _ => None,
    }
}

/// What an error of the library says about the server's answer.
fn code(error: NetError) -> AnswerCode {
    let by_code = |code: ResponseCode| match code {
        ResponseCode::NoError => AnswerCode::NoError,
        ResponseCode::NXDomain => AnswerCode::NxDomain,
        ResponseCode::ServFail => AnswerCode::ServFail,
        ResponseCode::Refused => AnswerCode::Refused,
        other => AnswerCode::Other(other.to_str().to_owned()),
    };
    match error {
        NetError::Dns(DnsError::ResponseCode(code)) => by_code(code),
        NetError::Dns(DnsError::NoRecordsFound(none)) => by_code(none.response_code),
        NetError::Timeout => AnswerCode::Timeout,
        NetError::Io(error) => AnswerCode::Unreachable(OsError::of("send", &error).message),
        NetError::NoConnections => AnswerCode::Unreachable("no connection".to_owned()),
        other => AnswerCode::Other(other.to_string()),
    }
}
