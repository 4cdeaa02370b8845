//! Made evidence for tests of judgement.

use super::{
    configuration::{
        AddressFamily, Configuration, Effective, IdentityAgent, Source, StrictHostKeyChecking,
    },
    login::{Run, RunEnd},
    second_hop::{FromSource, Tried, Tunnel},
};
use crate::case::{Case, Observed, Plan};

/// What a plain `ssh HOST` would do.
pub(crate) fn effective(port: u16) -> Effective {
    Effective {
        host: "host.example.com".into(),
        port,
        user: "ada".into(),
        user_is_local_default: false,
        address_family: AddressFamily::Any,
        bind_address: None,
        bind_interface: None,
        connect_timeout_s: None,
        ip_qos: None,
        identity_files: Vec::new(),
        certificate_files: Vec::new(),
        unexpandable: None,
        identities_only: false,
        identity_agent: IdentityAgent::Environment,
        forward_agent: false,
        forward_agent_socket: None,
        pubkey_authentication: true,
        password_authentication: true,
        kbd_interactive_authentication: true,
        preferred_authentications: None,
        pubkey_accepted_algorithms: Vec::new(),
        host_key_algorithms: Vec::new(),
        kex_algorithms: Vec::new(),
        ciphers: Vec::new(),
        macs: Vec::new(),
        required_rsa_size: 1024,
        user_known_hosts_files: Vec::new(),
        global_known_hosts_files: Vec::new(),
        revoked_host_keys: None,
        known_hosts_command: None,
        strict_host_key_checking: StrictHostKeyChecking::Ask,
        host_key_alias: None,
        no_host_authentication_for_localhost: false,
        check_host_ip: false,
        proxy_jump: None,
        proxy_command: None,
        proxy_use_fdpass: false,
        batch_mode: false,
        pkcs11_provider: None,
        security_key_provider: Some("internal".into()),
    }
}

/// What was asked for.
pub(crate) fn plan() -> Plan {
    Plan {
        input: "ada@host.example.com".into(),
        user: Some("ada".into()),
        interactive: true,
        ..Plan::of_host("host.example.com")
    }
}

/// A fact that was seen.
pub(crate) fn seen<T>(fact: T) -> Option<Observed<T>> {
    Some(Observed { started_ms: 0, duration_ms: 0, seen: Ok(fact) })
}

/// A case with this configuration and nothing else.
pub(crate) fn case(effective: Effective) -> Case {
    let configuration =
        Configuration { source: Source::Files, effective: Ok(effective), files: Vec::new() };
    Case {
        configuration: seen(configuration),
        ..Case::unobserved(plan(), jiff::Timestamp::UNIX_EPOCH)
    }
}

/// A second hop that was looked at by this name, over this tunnel.
pub(crate) fn from_source(name: &str, tunnel: Tunnel) -> FromSource {
    let ok = Run { end: RunEnd::Exited(0), ..Run::default() };
    let tried = Tried {
        name: name.into(),
        client: ok,
        lookup: None,
        addresses: Vec::new(),
        tunnel,
        took_ms: 1,
    };
    FromSource {
        name: name.into(),
        tried: vec![tried],
        keys_there: Vec::new(),
        own_keys: Vec::new(),
        own_agent: None,
        instead: None,
    }
}

/// Ends a test that needs a tool which is not here, by name; where `CI` is set, that is a failure.
#[allow(clippy::disallowed_macros, reason = "this is for tests")]
pub(crate) fn skipped(tool: &str) {
    assert!(std::env::var_os("CI").is_none(), "{tool} is not installed");
    println!("skipped: {tool} is not installed");
}
