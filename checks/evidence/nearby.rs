//! After "no such name": names near it that do exist.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::{
    Seen,
    configuration::{AddressFamily, Configuration, Effective},
    known_hosts, made_up_name, resolution,
};
use crate::{
    case::TimeLimits,
    near_names::{self, Candidate, Origin, Used},
    profile::Profile,
};

/// Names near the one that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nearby {
    /// The ones that have an address, or a place in the configuration; the likeliest first.
    pub names: Vec<NearName>,
    /// Whether the provider's domain has an address for any name, so that one proves nothing.
    #[serde(default)]
    pub wildcard: bool,
}

/// A name that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearName {
    /// The whole name.
    pub name: String,
    /// Its addresses; none for a name of the configuration that is not in DNS.
    pub addresses: Vec<IpAddr>,
    /// Where it comes from.
    #[serde(default)]
    pub origin: Origin,
}

/// Looks up names that may have been meant: at most seven, and one that nobody has.
pub async fn observe(
    profile: Profile,
    effective: Effective,
    configuration: Configuration,
    instead: Vec<SocketAddr>,
    limits: TimeLimits,
) -> Seen<Nearby> {
    let used = Used {
        known_hosts: known_hosts::plain_names(&effective).await,
        configuration: configured_hosts(&configuration).await,
    };
    let candidates = near_names::candidates(&profile, &effective.host, &used);
    let look_up = |name: String| {
        let instead = &instead;
        async move {
            // The dot keeps search domains away from a name that is whole.
            let whole = format!("{name}.");
            let found = resolution::look_up(&whole, AddressFamily::Any, instead, limits).await;
            found.unwrap_or_default()
        }
    };
    let of_profile = candidates.iter().any(|c| c.origin == Origin::Profile);
    let control = async {
        match profile.domain.as_ref().filter(|_| of_profile) {
            Some(domain) => look_up(format!("{}.{domain}", made_up_name::label())).await,
            None => Vec::new(),
        }
    };
    let found = join_all(candidates.into_iter().map(|candidate| {
        let addresses = look_up(candidate.name.clone());
        async move { (candidate, addresses.await) }
    }));
    let (found, control) = tokio::join!(found, control);
    let wildcard = !control.is_empty();
    let exists = |(candidate, addresses): &(Candidate, Vec<IpAddr>)| match candidate.origin {
        Origin::Profile => !addresses.is_empty() && !wildcard,
        Origin::KnownHosts | Origin::Encoded => !addresses.is_empty(),
        // `ssh` knows it, whatever DNS says.
        Origin::Configuration => true,
    };
    let names = found.into_iter().filter(exists).map(|(candidate, addresses)| NearName {
        name: candidate.name,
        origin: candidate.origin,
        addresses,
    });
    Ok(Nearby { names: names.collect(), wildcard })
}

/// The hosts that the configuration files name; files that they include are not read.
async fn configured_hosts(configuration: &Configuration) -> Vec<String> {
    let mut hosts = Vec::new();
    for file in &configuration.files {
        let bytes = known_hosts::read(&file.path).await.unwrap_or_default();
        hosts.extend(hosts_of(&String::from_utf8_lossy(&bytes)));
    }
    hosts
}

/// The values of `Host`, without patterns.
fn hosts_of(text: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    for line in text.lines() {
        let mut words = line.trim().splitn(2, |c: char| c.is_whitespace() || c == '=');
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("host")) {
            let names = words.next().unwrap_or_default().split_whitespace();
            let names = names.map(|name| name.trim_matches(['=', '"']));
            let plain = names.filter(|name| !name.is_empty() && !name.contains(['*', '?', '!']));
            hosts.extend(plain.map(str::to_owned));
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_a_configuration() {
        let text = "Host shop \"the-shop\" *.test !x\n  HostName 10.0.0.1\nhost=web1\nHostKeyAlias x\n# Host no\nMatch host y";
        assert_eq!(hosts_of(text), ["shop", "the-shop", "web1"]);
    }

    proptest::proptest! {
        #[test]
        fn no_configuration_breaks_it(text in "\\PC*") {
            hosts_of(&text);
        }
    }
}
