//! Host names that this user has used before, for completions: from known_hosts and the configuration
//! of `ssh`. What cannot be read is left out; it is only a help in typing.

use std::{collections::BTreeSet, io::Read, path::Path};

use ssh_key::known_hosts::{HostPatterns, KnownHosts};

/// More of a file is not read: somebody waits for the answer between two keys.
const MOST_BYTES: u64 = 1 << 20;

/// Names from `~/.ssh/known_hosts` and the `Host` lines of `~/.ssh/config`.
#[must_use]
pub fn hosts() -> BTreeSet<String> {
    let Ok(home) = etcetera::home_dir() else { return BTreeSet::new() };
    let folder = home.join(".ssh");
    let mut hosts = in_known_hosts(&text_of(&folder.join("known_hosts")));
    hosts.extend(in_config(&text_of(&folder.join("config"))));
    hosts
}

fn text_of(file: &Path) -> String {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file);
    // What was read before an error is better than nothing.
    let _ = opened.and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Hashed names stay unknown, and those of other ports are written `[host]:port`, which is no target.
fn in_known_hosts(text: &str) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for entry in KnownHosts::new(text).flatten() {
        if let HostPatterns::Patterns(patterns) = entry.host_patterns() {
            hosts.extend(patterns.iter().filter(|pattern| is_a_name(pattern)).cloned());
        }
    }
    hosts
}

fn in_config(text: &str) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split(|c: char| c.is_whitespace() || c == '=' || c == '"');
        let mut words = words.by_ref().filter(|word| !word.is_empty());
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("Host")) {
            hosts.extend(words.filter(|word| is_a_name(word)).map(str::to_owned));
        }
    }
    hosts
}

/// No pattern, no `[host]:port`, nothing that a shell or a terminal would obey.
fn is_a_name(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('-')
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";

    #[test]
    fn names_are_found_and_what_is_none_is_not() {
        let known = format!(
            "# old\nshop.example,192.0.2.1 {KEY}\n[h]:2222 {KEY}\n|1|abc=|def= {KEY}\nbroken\n\
             *.example {KEY}\n"
        );
        assert_eq!(
            in_known_hosts(&known).into_iter().collect::<Vec<_>>(),
            ["192.0.2.1", "shop.example"]
        );
        let config = "Host a b *.c !d\n  HostName x\nhost=e \"f\"\nHost $(reboot) \u{1b}[2J\n";
        assert_eq!(in_config(config).into_iter().collect::<Vec<_>>(), ["a", "b", "e", "f"]);
    }
}
