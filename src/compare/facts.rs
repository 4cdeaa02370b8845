//! What is compared, in causal order: what comes later follows from what comes earlier.

use super::{read::Reported, value::Known};

mod local;
mod network;
mod server;

/// What counts in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It is one thing.
    One,
    /// Which ones there are, in whatever order.
    Set,
    /// Their order too.
    Order,
    /// What is said about each that both reports tell of. Which ones there are is another fact.
    ByName,
}

/// One thing that two reports may tell differently.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// Stable word.
    pub id: &'static str,
    /// The check in whose evidence it is; empty for the verdict.
    pub check: &'static str,
    /// As the middle of a sentence.
    pub title: &'static str,
    /// What counts.
    pub shape: Shape,
    /// What a report says of it; nothing where it does not know it.
    pub read: fn(&Reported) -> Known,
    /// What it means that it differs.
    pub means: &'static str,
}

/// Everything that is compared.
pub const FACTS: &[Fact] = &[
    Fact {
        id: "target",
        check: "config",
        title: "the target",
        shape: Shape::One,
        read: local::target,
        means: "ssh goes to another host, port or user: another name was typed, or the configuration \
                makes something else of it.",
    },
    Fact {
        id: "profile",
        check: "config",
        title: "the profile of the provider",
        shape: Shape::One,
        read: local::profile,
        means: "The rules of another provider are applied.",
    },
    Fact {
        id: "ssh-version",
        check: "config",
        title: "the version of ssh on this computer",
        shape: Shape::One,
        read: local::ssh_version,
        means: "Another version of ssh has other defaults: it may refuse algorithms and keys that the \
                other one takes.",
    },
    Fact {
        id: "settings",
        check: "config",
        title: "the configuration of ssh",
        shape: Shape::Set,
        read: local::settings,
        means: "Your ssh configuration was changed, or other options were typed.",
    },
    Fact {
        id: "known-hosts-files",
        check: "config",
        title: "the files of known hosts",
        shape: Shape::Order,
        read: local::known_hosts_files,
        means: "ssh looks up the server's key in other files.",
    },
    Fact {
        id: "identity-files",
        check: "config",
        title: "the list of key files that ssh tries",
        shape: Shape::Order,
        read: local::identity_files,
        means: "ssh takes its keys from other files, or in another order.",
    },
    Fact {
        id: "may-ask",
        check: "config",
        title: "whether ssh can ask somebody",
        shape: Shape::One,
        read: local::may_ask,
        means: "At a terminal ssh can ask for a passphrase, and whether to trust a new server. In a \
                script or a CI job it cannot.",
    },
    Fact {
        id: "name-servers",
        check: "dns",
        title: "the list of name servers",
        shape: Shape::Order,
        read: network::name_servers,
        means: "This computer asks other name servers: it is in another network, a VPN was turned on \
                or off, or its settings were changed.",
    },
    Fact {
        id: "hosts-file",
        check: "dns",
        title: "what the hosts file says",
        shape: Shape::Set,
        read: network::hosts_file,
        means: "The hosts file of this computer was changed. What it says counts before DNS.",
    },
    Fact {
        id: "dns-answers",
        check: "dns",
        title: "what the name servers say",
        shape: Shape::ByName,
        read: network::dns_answers,
        means: "Those who run the name have changed it, or a name server does not know the change yet.",
    },
    Fact {
        id: "addresses",
        check: "dns",
        title: "the address of the host",
        shape: Shape::Set,
        read: network::addresses,
        means: "The name now leads to another computer, or to another way to the same one.",
    },
    Fact {
        id: "source-address",
        check: "egress",
        title: "the address that you connect from",
        shape: Shape::Set,
        read: network::source_address,
        means: "This computer is in another network, or a VPN was turned on or off. An IP allow-list \
                may know only the other address.",
    },
    Fact {
        id: "public-address",
        check: "egress",
        title: "your public address",
        shape: Shape::Set,
        read: network::public_address,
        means: "The host sees you come from another address. An IP allow-list may know only the other \
                one.",
    },
    Fact {
        id: "jump-hosts",
        check: "tcp",
        title: "the way through jump hosts",
        shape: Shape::Order,
        read: network::jump_hosts,
        means: "Another jump host is used, or one of them behaves differently.",
    },
    Fact {
        id: "connection",
        check: "tcp",
        title: "the connection to the port",
        shape: Shape::Set,
        read: network::connection,
        means: "The host answers differently on this port: its SSH server was started or stopped, or \
                a firewall or an allow-list was changed.",
    },
    Fact {
        id: "identification",
        check: "transport",
        title: "the server's software",
        shape: Shape::One,
        read: server::identification,
        means: "The server was updated or set up anew, or another computer answers.",
    },
    Fact {
        id: "algorithms",
        check: "transport",
        title: "the algorithms that the server offers",
        shape: Shape::Set,
        read: server::algorithms,
        means: "The server was updated, or those who run it have changed its configuration.",
    },
    Fact {
        id: "conversation",
        check: "transport",
        title: "how far the SSH conversation gets",
        shape: Shape::One,
        read: server::conversation,
        means: "The server, or something on the way to it, ends the conversation at another point.",
    },
    Fact {
        id: "host-key",
        check: "host-key",
        title: "the server's key",
        shape: Shape::One,
        read: server::host_key,
        means: "The server was set up anew or its key replaced; or something else answers in its \
                place. Ask those who run it before you trust the new key.",
    },
    Fact {
        id: "known-hosts",
        check: "host-key",
        title: "what this computer knows about the server's key",
        shape: Shape::One,
        read: server::trust,
        means: "A known_hosts file on this computer was changed, or does not fit to the server's key \
                any more.",
    },
    Fact {
        id: "key-files",
        check: "fingerprint",
        title: "what is in the key files",
        shape: Shape::ByName,
        read: local::key_files,
        means: "A key file was replaced, removed or changed, or others may now read it.",
    },
    Fact {
        id: "agent",
        check: "agent",
        title: "whether an SSH agent answers",
        shape: Shape::One,
        read: local::agent,
        means: "Another terminal, a restart or sudo may have no agent, or another one.",
    },
    Fact {
        id: "agent-keys",
        check: "agent",
        title: "the keys in the agent",
        shape: Shape::Order,
        read: local::agent_keys,
        means: "Keys were added to the agent or removed from it, or it was started anew.",
    },
    Fact {
        id: "offers",
        check: "fingerprint",
        title: "the keys that ssh offers, in their order",
        shape: Shape::Order,
        read: local::offers,
        means: "ssh tries other keys, or in another order. Most servers hang up after six.",
    },
    Fact {
        id: "answers",
        check: "portal",
        title: "the server's answer to your keys",
        shape: Shape::ByName,
        read: server::answers,
        means: "For this user the server takes other keys than before: one was registered, activated or \
                removed there, or has expired.",
    },
    // A server only lists them after it has refused something: a report in which the first key is
    // taken does not know them, which puts no doubt on what comes before.
    Fact {
        id: "methods",
        check: "portal",
        title: "the ways to log in that the server offers",
        shape: Shape::Set,
        read: server::methods,
        means: "The server's rules for this user were changed.",
    },
    Fact {
        id: "login",
        check: "login",
        title: "the login itself",
        shape: Shape::One,
        read: |report| server::works(report, "login"),
        means: "The key is one thing, the session another: the account, its shell or the rules of the \
                server were changed.",
    },
    Fact {
        id: "forwarding",
        check: "forwarding",
        title: "the forwarding of the agent",
        shape: Shape::One,
        read: |report| server::works(report, "forwarding"),
        means: "One of the two sides now allows it, or does not any more.",
    },
    Fact {
        id: "diagnosis",
        check: "",
        title: "the diagnosis",
        shape: Shape::One,
        read: server::diagnosis,
        means: "Nothing that a report holds differs before it: look at what the diagnosis says.",
    },
];
