//! The settings of `ssh` on which a login most often depends, for machines: two reports can be held
//! together by them.

use serde::Serialize;

use crate::{
    evidence::configuration::{AddressFamily, Effective, IdentityAgent, StrictHostKeyChecking},
    relay,
};

/// In the words of `ssh_config(5)`. Of a proxy command there is the program alone: the rest may hold
/// what is secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Settings<'e> {
    address_family: AddressFamily,
    bind_address: &'e Option<String>,
    bind_interface: &'e Option<String>,
    connect_timeout: Option<u64>,
    proxy_jump: &'e Option<String>,
    proxy_command: Option<String>,
    strict_host_key_checking: StrictHostKeyChecking,
    host_key_alias: &'e Option<String>,
    revoked_host_keys: &'e Option<String>,
    pubkey_authentication: bool,
    identities_only: bool,
    identity_agent: Agent<'e>,
    certificate_file: &'e [String],
    #[serde(rename = "PKCS11Provider")]
    pkcs11_provider: &'e Option<String>,
    security_key_provider: &'e Option<String>,
    forward_agent: bool,
    batch_mode: bool,
}

/// Where `ssh` looks for an agent, in a word.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", untagged)]
enum Agent<'e> {
    Word(&'static str),
    Socket(&'e str),
}

/// Of this configuration.
pub(super) fn of(effective: &Effective) -> Settings<'_> {
    Settings {
        address_family: effective.address_family,
        bind_address: &effective.bind_address,
        bind_interface: &effective.bind_interface,
        connect_timeout: effective.connect_timeout_s,
        proxy_jump: &effective.proxy_jump,
        proxy_command: effective.proxy_command.as_deref().map(relay::program),
        strict_host_key_checking: effective.strict_host_key_checking,
        host_key_alias: &effective.host_key_alias,
        revoked_host_keys: &effective.revoked_host_keys,
        pubkey_authentication: effective.pubkey_authentication,
        identities_only: effective.identities_only,
        identity_agent: match &effective.identity_agent {
            IdentityAgent::Environment => Agent::Word("SSH_AUTH_SOCK"),
            IdentityAgent::None => Agent::Word("none"),
            IdentityAgent::Socket(socket) => Agent::Socket(socket),
        },
        certificate_file: &effective.certificate_files,
        pkcs11_provider: &effective.pkcs11_provider,
        security_key_provider: &effective.security_key_provider,
        forward_agent: effective.forward_agent,
        batch_mode: effective.batch_mode,
    }
}
