//! Names near one that does not exist: pure. What may have been meant, the likeliest first.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use strsim::osa_distance;

use crate::profile::{Profile, normal};

/// A name that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The name.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a near name comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From what is known of the provider's names.
    #[default]
    Profile,
    /// A host that this user has connected to before (known_hosts).
    KnownHosts,
    /// A `Host` of the user's own ssh configuration, which need not be in DNS.
    Configuration,
    /// The same name as it is written in DNS, where the one that was typed has other letters.
    Encoded,
}

/// Names that this user has used before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Used {
    /// Of known_hosts, as far as they can be read there.
    pub known_hosts: Vec<String>,
    /// Of the lines `Host` of the configuration.
    pub configuration: Vec<String>,
}

/// Words that providers put after a project's name.
const ENVIRONMENTS: [&str; 4] = ["staging", "sandbox", "dev", "preprod"];
/// How many near names there are at most. With the one that shows a wildcard, eight look-ups.
pub const MOST: usize = 7;
/// How many letters may be wrong.
const SLIPS: usize = 2;

/// Names that may have been meant, at most [`MOST`], the likeliest first.
#[must_use]
pub fn candidates(profile: &Profile, typed: &str, used: &Used) -> Vec<Candidate> {
    let host = normal(typed);
    if host.is_empty() || host.parse::<IpAddr>().is_ok() {
        return Vec::new();
    }
    let mut names = Names { typed: host.clone(), found: Vec::new() };
    if !host.is_ascii()
        && let Ok(name) = hickory_resolver::proto::rr::Name::from_utf8(&host)
    {
        names.add(name.to_ascii().trim_end_matches('.').to_owned(), Origin::Encoded);
    }
    let (right, others) = of_profile(profile, &host);
    for name in right {
        names.add(name, Origin::Profile);
    }
    for (used, origin) in
        [(&used.configuration, Origin::Configuration), (&used.known_hosts, Origin::KnownHosts)]
    {
        let mut near: Vec<_> = used.iter().filter_map(|u| Some((slips(&host, u)?, u))).collect();
        near.sort();
        for (_, name) in near {
            names.add(normal(name), origin);
        }
    }
    for name in others {
        names.add(name, Origin::Profile);
    }
    names.found.truncate(MOST);
    names.found
}

/// Whether a name ends in what is probably a slip for this domain.
#[must_use]
pub fn is_near_domain(host: &str, domain: &str) -> bool {
    let host = normal(host);
    !host.ends_with(&format!(".{domain}")) && misspelt(&host, domain).is_some()
}

struct Names {
    typed: String,
    found: Vec<Candidate>,
}

impl Names {
    fn add(&mut self, name: String, origin: Origin) {
        let there = name == self.typed || self.found.iter().any(|c| c.name == name);
        if !there && !name.starts_with('.') && !name.starts_with('-') {
            self.found.push(Candidate { name, origin });
        }
    }
}

/// Names of the provider: those that correct a slip, and the project's other environments.
fn of_profile(profile: &Profile, host: &str) -> (Vec<String>, Vec<String>) {
    let Some(domain) = profile.domain.as_ref().filter(|domain| host != domain.as_str()) else {
        return (Vec::new(), Vec::new());
    };
    let known = profile.misspelt_domains.keys().find_map(|wrong| before(host, wrong));
    let prefix = known.or_else(|| before(host, domain)).or_else(|| misspelt(host, domain));
    let prefix = match prefix {
        Some(prefix) => prefix,
        None if !host.contains('.') => host,
        None => return (Vec::new(), Vec::new()),
    };
    let full = |label: &str| format!("{label}.{domain}");
    // With the domain corrected, the rest is probably right.
    let mut right = vec![full(prefix)];
    let (project, slip) = environment(prefix);
    if let Some(word) = slip {
        right.push(full(&format!("{project}-{word}")));
    }
    let mut others = vec![full(project)];
    others.extend(ENVIRONMENTS.iter().map(|word| full(&format!("{project}-{word}"))));
    others.retain(|name| !name.starts_with('.') && !name.starts_with('-'));
    (right, others)
}

/// The project of an environment's name, and the word for the environment where it was written
/// otherwise than it is used: `-stagging`, `_staging`, `staging-` in front.
fn environment(prefix: &str) -> (&str, Option<&'static str>) {
    let word = |text: &str| {
        let near = |word: &&&'static str| {
            let most = if word.len() < 5 { 1 } else { SLIPS };
            osa_distance(text, word) <= most && !text.is_empty()
        };
        ENVIRONMENTS
            .iter()
            .find(|w| **w == text)
            .or_else(|| ENVIRONMENTS.iter().find(near))
            .copied()
    };
    if let Some((project, text)) = prefix.rsplit_once(['-', '_'])
        && !project.is_empty()
        && let Some(word) = word(text)
    {
        let as_used = prefix.ends_with(&format!("-{word}"));
        return (project, (!as_used).then_some(word));
    }
    if let Some((text, project)) = prefix.split_once(['-', '_'])
        && !project.is_empty()
        && let Some(word) = word(text)
    {
        return (project, Some(word));
    }
    let joined = |word: &&&'static str| prefix.len() > word.len() && prefix.ends_with(**word);
    match ENVIRONMENTS.iter().find(joined) {
        Some(word) => (prefix.strip_suffix(word).unwrap_or(prefix), Some(word)),
        None => (prefix, None),
    }
}

/// What stands before an ending that is a slip for the domain: letters wrong, a part left out, or
/// the parts in another order.
fn misspelt<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let wanted: Vec<_> = domain.split('.').collect();
    let dots: Vec<_> = host.match_indices('.').map(|(at, _)| at).collect();
    dots.into_iter().find_map(|at| {
        let (prefix, ending) = (host.get(..at)?, host.get(at + 1..)?);
        let parts: Vec<_> = ending.split('.').collect();
        (!prefix.is_empty() && parts.len() >= 2 && is_slip(&parts, &wanted)).then_some(prefix)
    })
}

fn is_slip(parts: &[&str], wanted: &[&str]) -> bool {
    if parts.len() == wanted.len() {
        let (mut a, mut b) = (parts.to_vec(), wanted.to_vec());
        a.sort_unstable();
        b.sort_unstable();
        return a == b || osa_distance(&parts.join("."), &wanted.join(".")) <= SLIPS;
    }
    let one_missing = parts.len() + 1 == wanted.len();
    one_missing
        && (0..wanted.len()).any(|out| {
            let rest = wanted.iter().enumerate().filter(|(n, _)| *n != out).map(|(_, p)| p);
            rest.eq(parts)
        })
}

/// How many letters are wrong in a name that was used before, where few are.
fn slips(typed: &str, used: &str) -> Option<usize> {
    /// In a short name one letter makes another word.
    const SHORT: usize = 5;
    let used = normal(used);
    let most = if typed.chars().count() <= SHORT { 1 } else { SLIPS };
    let far = typed.chars().count().abs_diff(used.chars().count()) > most;
    let distance = if far { usize::MAX } else { osa_distance(typed, &used) };
    (1..=most).contains(&distance).then_some(distance)
}

/// What stands before `.domain`.
fn before<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    host.strip_suffix(domain)?.strip_suffix('.').filter(|prefix| !prefix.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    fn near(typed: &str) -> Vec<String> {
        let found = candidates(built_in("akeneo").unwrap(), typed, &Used::default());
        found.into_iter().map(|c| c.name).collect()
    }

    #[test]
    fn the_likeliest_comes_first() {
        for (typed, first) in [
            ("shop-staging", "shop-staging.cloud.akeneo.com"),
            ("shop.akeneo.cloud.com", "shop.cloud.akeneo.com"),
            ("shop.cluod.akeneo.com", "shop.cloud.akeneo.com"),
            ("shop.cloud.akeno.com", "shop.cloud.akeneo.com"),
            ("shop.akeneo.com", "shop.cloud.akeneo.com"),
            ("shop-stagging.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("shop-stging.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("shop-satging.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("shop_staging.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("staging-shop.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("shopstaging.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("shop-sandbx.cloud.akeneo.com", "shop-sandbox.cloud.akeneo.com"),
            ("shop-staging.cloud.akeneo.com", "shop.cloud.akeneo.com"),
            ("shop.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"),
            ("my-big-shop.cloud.akeneo.com", "my-big-shop-staging.cloud.akeneo.com"),
        ] {
            assert_eq!(near(typed).first().map(String::as_str), Some(first), "{typed}");
        }
        // Both at once: the domain first, then the environment as well.
        assert_eq!(
            near("shop-stagging.cluod.akeneo.com")[..2],
            ["shop-stagging.cloud.akeneo.com", "shop-staging.cloud.akeneo.com"]
        );
        for other in ["192.0.2.1", "shop.example.com", "cloud.akeneo.com", "", ".", "akeneo.com"] {
            assert_eq!(near(other), Vec::<String>::new(), "{other}");
        }
    }

    #[test]
    fn hosts_that_were_used_before() {
        let used = Used {
            known_hosts: ["web1.corp.test", "web10.corp.test", "db.corp.test"]
                .map(str::to_owned)
                .to_vec(),
            configuration: vec!["web2.corp.test".into()],
        };
        let found = candidates(built_in("generic").unwrap(), "wbe1.corp.test", &used);
        let found: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.origin)).collect();
        assert_eq!(
            found,
            [
                ("web2.corp.test", Origin::Configuration),
                ("web1.corp.test", Origin::KnownHosts),
                ("web10.corp.test", Origin::KnownHosts)
            ]
        );
        let short = Used { known_hosts: vec!["db2".into()], ..Used::default() };
        assert_eq!(candidates(built_in("generic").unwrap(), "db1x", &short), []);
    }

    #[test]
    fn letters_outside_ascii_are_written_as_in_dns() {
        let found = candidates(built_in("generic").unwrap(), "bücher.example", &Used::default());
        assert_eq!(found[0].name, "xn--bcher-kva.example");
        assert_eq!(found[0].origin, Origin::Encoded);
    }

    #[test]
    fn domains() {
        assert!(is_near_domain("a.cloud.akeno.com", "cloud.akeneo.com"));
        assert!(!is_near_domain("a.cloud.akeneo.com", "cloud.akeneo.com"));
        assert!(!is_near_domain("a.example.com", "cloud.akeneo.com"));
    }

    proptest::proptest! {
        #[test]
        fn few_for_any_name(host in ".*", one in "[a-z.-]{0,12}") {
            let used = Used { known_hosts: vec![one.clone()], configuration: vec![host.clone()] };
            for host in [&host, &one] {
                for profile in ["akeneo", "generic"] {
                    let found = candidates(built_in(profile).unwrap(), host, &used);
                    assert!(found.len() <= MOST);
                    assert!(found.iter().all(|c| c.name != *host));
                }
            }
        }
    }
}
