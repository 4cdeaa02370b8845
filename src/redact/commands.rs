//! Options and commands that a person wrote: each word has its own meaning.

use checks::explain::SSH_VALUED;

use super::{
    names::{Names, Thing},
    public,
};

/// Settings of `ssh` whose values are files, hosts or commands.
const FILES: [&str; 10] = [
    "identityfile",
    "certificatefile",
    "userknownhostsfile",
    "globalknownhostsfile",
    "identityagent",
    "controlpath",
    "pkcs11provider",
    "securitykeyprovider",
    "revokedhostkeys",
    "xauthlocation",
];
const HOSTS: [&str; 5] =
    ["hostname", "hostkeyalias", "bindaddress", "proxyjump", "canonicaldomains"];
const ALGORITHMS: [&str; 11] = [
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "hostbasedacceptedalgorithms",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "casignaturealgorithms",
    "preferredauthentications",
    "loglevel",
    "ipqos",
];
/// Values that say the same for everybody.
const COMMON: [&str; 12] = [
    "yes",
    "no",
    "ask",
    "none",
    "auto",
    "any",
    "inet",
    "inet6",
    "accept-new",
    "force",
    "autoask",
    "confirm",
];

impl Names {
    /// The options of `ssh`, as they were typed.
    pub(super) fn options(&mut self, typed: &[String]) -> Vec<String> {
        let mut before = "";
        let mut out = Vec::new();
        for word in typed {
            out.push(match before {
                "-i" | "-F" | "-I" | "-S" | "-E" => self.path(word),
                "-J" => self.endpoint(word),
                "-l" => self.user(word),
                "-b" => self.host(word),
                "-B" => self.interface(word),
                "-o" => self.setting(word),
                "-L" | "-R" | "-D" | "-W" | "-w" => self.command(word),
                "-c" | "-m" | "-p" | "-e" | "-O" | "-Q" => word.clone(),
                _ if word.starts_with('-') => word.clone(),
                _ => self.scrub(word),
            });
            before = if before.is_empty() || !takes_value(before) { word } else { "" };
        }
        out
    }

    /// `Name=value` or `Name value`.
    fn setting(&mut self, setting: &str) -> String {
        let Some(place) = setting.find(|c: char| c == '=' || c.is_whitespace()) else {
            return setting.to_owned();
        };
        let (name, rest) = setting.split_at(place);
        let value = rest.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
        let between = rest.get(..rest.len() - value.len()).unwrap_or_default();
        let lower = name.to_lowercase();
        let is_number =
            |value: &str| value.chars().all(|c| c.is_ascii_digit() || "smhdw".contains(c));
        let value = if is_number(value)
            || COMMON.contains(&value)
            || ALGORITHMS.contains(&lower.as_str())
        {
            value.to_owned()
        } else if FILES.contains(&lower.as_str()) {
            value.split(' ').map(|file| self.path(file)).collect::<Vec<_>>().join(" ")
        } else if HOSTS.contains(&lower.as_str()) {
            value.split(' ').map(|host| self.host(host)).collect::<Vec<_>>().join(" ")
        } else if lower == "user" {
            self.user(value)
        } else if lower == "bindinterface" {
            self.interface(value)
        } else {
            self.command(value)
        };
        format!("{name}{between}{value}")
    }

    pub(super) fn interface(&mut self, name: &str) -> String {
        if public::is_interface(name) { name.to_owned() } else { self.name(Thing::Interface, name) }
    }

    /// A command: every word that is not known to be common is replaced.
    pub(super) fn command(&mut self, command: &str) -> String {
        let mut out = String::new();
        let mut word = String::new();
        for c in command.chars() {
            if c.is_whitespace() || "\"'=,;|&<>()$".contains(c) {
                out.push_str(&self.word(&std::mem::take(&mut word)));
                out.push(c);
            } else {
                word.push(c);
            }
        }
        out.push_str(&self.word(&word));
        out
    }

    fn word(&mut self, word: &str) -> String {
        let tokens = word.replace("%%", "");
        let only_tokens = tokens.split(':').all(|part| {
            let mut letters = part.chars();
            matches!((letters.next(), letters.next(), letters.next()), (Some('%'), Some(_), None))
        });
        let only_marks = word.chars().all(|c| !c.is_alphabetic());
        let is_option = word.starts_with('-');
        if let Some(address) = self.address(word) {
            return address;
        }
        if word.is_empty() || only_tokens || only_marks || is_option || public::is_program(word) {
            return word.to_owned();
        }
        let scrubbed = self.scrub(word);
        if scrubbed != word {
            return scrubbed;
        }
        if word.contains(['/', '\\']) {
            return self.path(word);
        }
        if word.contains('@') || word.contains(':') {
            return self.endpoint(word);
        }
        self.name(Thing::Text, word)
    }

    /// The words of a command that are private, so that they are known wherever they stand.
    pub(super) fn learn_command(&mut self, command: &str) {
        for word in command.split(|c: char| c.is_whitespace() || "\"'=,;|&<>()$".contains(c)) {
            if word.contains('@') {
                for end in word.split(',') {
                    let (user, host) = end.rsplit_once('@').unwrap_or(("", end));
                    self.learn_user(user);
                    self.learn_host(host);
                }
            } else if word.contains('/') && !word.contains('%') {
                self.learn_path(word);
            } else if self.word(word).starts_with("TEXT_") {
                self.learn_word(Thing::Text, word);
            }
        }
    }
}

fn takes_value(option: &str) -> bool {
    let mut letters = option.chars();
    let (dash, letter, rest) = (letters.next(), letters.next(), letters.next());
    dash == Some('-') && rest.is_none() && letter.is_some_and(|l| SSH_VALUED.contains(l))
}
