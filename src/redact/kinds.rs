//! Which field of the evidence holds what.
//!
//! A field that is not named here is text of a stranger: it is searched for all that is private.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    User,
    Path,
    /// An address or a range, as its own type.
    Address,
    Comment,
    Interface,
    Profile,
    /// A command, of which each word may be private.
    Command,
    /// Options of `ssh`.
    Options,
    /// Fingerprints and keys.
    Key,
    /// One of a list of words that are the same for everybody.
    Word,
    /// Anything.
    Text,
}

/// What a field of this name holds. `Ok` and `Err` hold what their field holds.
pub(super) fn of(field: &str, outside: Kind) -> Kind {
    match field {
        "host" | "name" | "aliases" | "search" | "host_key_alias" | "found_as" | "short_name"
        | "looked_up_as" | "hop_of" | "proxy_jump" | "bind_address" | "jump_host"
        | "name_there" | "question" => Kind::Host,
        "user" | "sudo_user" | "principals" | "key_id" | "owner" | "group" => Kind::User,
        "path"
        | "home"
        | "home_variable"
        | "socket"
        | "folder"
        | "renamed"
        | "left_behind"
        | "in_the_way"
        | "announced"
        | "user_known_hosts_files"
        | "global_known_hosts_files"
        | "known_hosts_files"
        | "certificate_files"
        | "identity_files"
        | "revoked_host_keys"
        | "pkcs11_provider"
        | "security_key_provider"
        | "file"
        | "mounted_on"
        | "own_agent"
        | "own_keys"
        | "profile_file"
        | "own_keys_there" => Kind::Path,
        "to" | "from" | "addresses" | "address" | "server" | "configured" | "other_family"
        | "untried" | "outcome" | "sees" | "network" | "name_servers" | "allowed" | "by"
        | "after" => Kind::Address,
        "comment" => Kind::Comment,
        "interface" | "bind_interface" | "tunnels" => Kind::Interface,
        "profile" => Kind::Profile,
        "proxy_command" | "known_hosts_command" => Kind::Command,
        "ssh_options" | "options" => Kind::Options,
        "sha256" | "md5" | "sha1" | "authority_sha256" | "withheld" | "keys_there" => Kind::Key,
        "algorithm"
        | "kind"
        | "operation"
        | "state"
        | "code"
        | "needs"
        | "os"
        | "format"
        | "locked_by"
        | "marker"
        | "ciphers"
        | "macs"
        | "kex"
        | "host_key"
        | "mac"
        | "cipher"
        | "kex_algorithms"
        | "host_key_algorithms"
        | "pubkey_accepted_algorithms"
        | "ciphers_to_client"
        | "ciphers_to_server"
        | "macs_to_client"
        | "macs_to_server"
        | "identity_agent"
        | "strict_host_key_checking"
        | "address_family"
        | "reached"
        | "step"
        | "answer"
        | "provable"
        | "broken"
        | "rsa_signatures"
        | "methods"
        | "preferred_authentications"
        | "started_at"
        | "valid_after"
        | "valid_before"
        | "source"
        | "version"
        | "role"
        | "trust" => Kind::Word,
        "Ok" | "Err" => outside,
        _ => Kind::Text,
    }
}
