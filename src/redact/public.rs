//! What names nobody: it is the same for everybody, and a helpdesk needs it.

use std::sync::LazyLock;

use checks::profile::{Profile, all_built_in, built_in};

/// Hosts that providers publish, and names that are the same on every computer.
static HOSTS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let published = all_built_in().iter().flat_map(|profile| {
        let whole = profile.hosts.iter().filter(|host| !host.contains(['*', '?']));
        let asked = profile.egress.iter().map(|asker| &asker.question);
        let services = profile.services.iter().map(|service| &service.host);
        whole.chain(asked).chain(services).map(String::as_str)
    });
    let everywhere = ["localhost", "ip6-localhost", "opendns.com", "google.com"];
    // Where the names of algorithms and programs come from.
    let makers = ["openssh.com", "libssh.org", "lysator.liu.se", "ssh.com", "openbsd.org"];
    published.chain(everywhere).chain(makers).collect()
});

/// Domains in which a provider has the environments of all customers: they say which provider it
/// is, and nothing about the customer.
static DOMAINS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let of = |profile: &'static Profile| {
        profile.domain.iter().chain(profile.misspelt_domains.keys()).map(String::as_str)
    };
    all_built_in().iter().flat_map(of).collect()
});

/// Files and folders that are the same on every computer.
const FILES: [&str; 8] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/ssh/ssh_config",
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssh/ssh_known_hosts2",
    "/etc/gai.conf",
];
const FOLDERS: [&str; 7] =
    ["/dev/", "/proc/", "/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/lib/openssh/"];

/// Names of files that everybody has, so that they name nothing.
const FILE_NAMES: [&str; 14] = [
    "config",
    "known_hosts",
    "known_hosts2",
    "authorized_keys",
    "authorized_keys2",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_xmss",
    "ssh_config",
    "environment",
];

/// Programs that carry a connection, and the words of a shell around them.
const PROGRAMS: [&str; 30] = [
    "ssh",
    "nc",
    "ncat",
    "netcat",
    "nc.openbsd",
    "nc.traditional",
    "socat",
    "connect",
    "corkscrew",
    "sh",
    "bash",
    "dash",
    "zsh",
    "exec",
    "exit",
    "echo",
    "env",
    "true",
    "false",
    "sleep",
    "cat",
    "timeout",
    "openssl",
    "s_client",
    "cloudflared",
    "access",
    "aws",
    "ssm",
    "gcloud",
    "tcp",
];

/// A host that everybody knows.
pub(super) fn is_host(name: &str) -> bool {
    HOSTS.iter().any(|host| name == *host || (host.contains('.') && is_below(name, host)))
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// The customer's part of a name, and the provider's domain with its dot.
pub(super) fn split_domain(name: &str) -> Option<(&str, &str)> {
    let domain = DOMAINS.iter().find(|domain| is_below(name, domain))?;
    name.split_at_checked(name.len() - domain.len() - 1)
}

/// The domain of a provider itself.
pub(super) fn is_domain(name: &str) -> bool {
    DOMAINS.contains(&name)
}

/// A user that a provider gives to everybody, or that every computer has.
pub(super) fn is_user(name: &str) -> bool {
    let gives = |profile: &Profile| {
        let services = profile.services.iter().filter_map(|service| service.user.as_deref());
        profile.user.as_deref().into_iter().chain(services).any(|user| user == name)
    };
    name == "root" || all_built_in().iter().any(gives)
}

/// The address of a web page that a provider publishes.
pub(super) fn is_url(url: &str) -> bool {
    url.starts_with(env!("CARGO_PKG_REPOSITORY"))
        || all_built_in().iter().any(|profile| {
            let services = profile.services.iter().filter_map(|service| service.portal.as_ref());
            let portals = profile.portal.iter().chain(services);
            let portal = portals.map(|portal| portal.url.as_str());
            let mut pages = profile.docs.iter().map(String::as_str).chain(portal);
            pages.any(|page| !page.is_empty() && url.starts_with(page))
        })
}

/// A file that every computer has.
pub(super) fn is_file(path: &str) -> bool {
    FILES.contains(&path) || FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// The name of a file that everybody has.
pub(super) fn is_file_name(name: &str) -> bool {
    let name = name.strip_suffix(".pub").unwrap_or(name);
    FILE_NAMES.contains(&name.strip_suffix("-cert").unwrap_or(name))
}

/// A program that everybody has.
pub(super) fn is_program(word: &str) -> bool {
    PROGRAMS.contains(&word)
}

/// A network interface that is called as the system calls it.
pub(super) fn is_interface(name: &str) -> bool {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let begins = ["en", "eth", "wl", "ww", "lo", "tun", "tap", "utun", "ppp", "wg", "br", "veth"];
    letters.len() <= 4 && begins.iter().any(|begin| letters.starts_with(begin))
}

/// A profile that is inside the program, or the one of a service that it names.
pub(super) fn profile(name: &str) -> Option<Profile> {
    let of_service = || {
        all_built_in().iter().find_map(|profile| {
            let service = name.strip_prefix(&profile.name)?.strip_prefix('-')?;
            profile.of_service(service)
        })
    };
    built_in(name).cloned().or_else(of_service)
}
