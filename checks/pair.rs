//! Two hosts, of which the second is reached from the first, over the forwarded agent: both ends of a
//! copy, or an environment and a service that is used from it. Pure.

use serde::{Deserialize, Serialize};

use crate::{
    case::{Case, Plan},
    evidence::{handshake::openssh_version, login::is_host_name},
    profile::{Profile, normal},
    text::{Command, Foreign, Span, Text, there},
};

/// What a target has to do with the pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its part.
    pub role: Role,
    /// The first.
    pub source: End,
    /// The second.
    pub destination: End,
    /// The service that the second host is, where one is to be used from the first; none where
    /// something is to be copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<Profile>>,
    /// The file to copy, as it is named at the source; none where nobody named one.
    #[serde(default)]
    pub file: Option<String>,
    /// The options of `ssh` with which the source is reached, for commands that go there.
    #[serde(default)]
    pub options: Vec<String>,
    /// Its size in bytes, once that was seen.
    #[serde(default)]
    pub size: Option<u64>,
    /// What the server of the source calls itself, once that was seen: the `scp` there is of its age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<Foreign>,
}

/// The part of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The first: the source of a copy, or the environment from which a service is used.
    Source,
    /// The second, as it is seen from this computer.
    Destination,
    /// The second, as it is seen from the first.
    Hop,
}

/// One of the two, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The whole word.
    pub input: String,
    /// The host in it.
    pub host: String,
    /// The user that was named.
    pub user: Option<String>,
    /// The port that was named.
    pub port: Option<u16>,
}

impl Part {
    /// Whether something is to be copied; else a service is to be used.
    #[must_use]
    pub const fn is_copy(&self) -> bool {
        self.service.is_none()
    }

    /// The names by which the source may know the destination: the one that was typed, and its short
    /// name, which comes first where the provider's hosts know each other by that one. A service is the
    /// same for all, and so is its name.
    #[must_use]
    pub fn names(&self, short: Option<String>, documented: bool) -> Vec<String> {
        let typed = self.destination.host.clone();
        let short = short.filter(|_| self.is_copy());
        let mut names: Vec<String> = std::iter::once(typed).chain(short).collect();
        if documented {
            names.reverse();
        }
        names.dedup();
        names.retain(|name| is_host_name(name) || is_address(name));
        names
    }

    /// Words about a copy, as they are said of a service that is used from an environment.
    #[must_use]
    pub fn in_its_words(&self, Text(spans): Text) -> Text {
        if self.is_copy() {
            return Text(spans);
        }
        const ENDS: [(&str, &str); 4] = [
            ("the source", "the environment"),
            ("The source", "The environment"),
            ("the destination", "the service"),
            ("The destination", "The service"),
        ];
        let said = |span| match span {
            Span::Plain(words) => {
                let all = |words: String, (copy, own): &(&str, &str)| words.replace(copy, own);
                Span::from(ENDS.iter().fold(words.into_owned(), all))
            }
            other => other,
        };
        Text(spans.into_iter().map(said).collect())
    }

    /// The program with which people go on from the source.
    #[must_use]
    pub const fn client(&self) -> &'static str {
        if self.is_copy() { "scp" } else { "ssh" }
    }

    /// Whether the `scp` of the source speaks its older language, for which the destination needs a shell:
    /// that of OpenSSH before 8.7, and where nobody has changed it, before 9. Red Hat has.
    #[must_use]
    pub fn has_older_scp(&self) -> bool {
        let told = self.software.as_ref().map_or("", Foreign::raw);
        openssh_version(told).is_some_and(|version| {
            let as_published = told.contains("Debian") || told.contains("Ubuntu");
            version < (8, 7) || as_published && version < (9, 0)
        })
    }

    /// The folder, at the destination, in which the file is to be: the same as at the source.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        let file = self.file.as_deref()?;
        Some(match file.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
            None => ".",
        })
    }
}

impl End {
    /// Whether the second is the place of the first for certain: by its name, or by the first label of
    /// that, which is how a host calls itself.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (one, two) = (normal(&self.host), normal(&other.host));
        let own = one.split_once('.').map(|(own, _)| own).filter(|_| !is_address(&one));
        (one == two || own == Some(two.as_str()))
            && self.port.unwrap_or(22) == other.port.unwrap_or(22)
    }
}

fn is_address(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok()
}

/// One of the two as it is reached from this computer, with the options that were typed: for commands
/// that go there.
#[must_use]
pub fn from_here(base: &Plan, part: &Part, end: &End) -> Plan {
    Plan {
        host: end.host.clone(),
        user: end.user.clone(),
        port: end.port,
        ssh_options: part.options.clone(),
        ..base.clone()
    }
}

/// A command that goes to the source, with the agent, and is run there.
#[must_use]
pub fn at_the_source(case: &Case, command: &Command) -> Command {
    let Some(part) = &case.plan.pair else { return command.clone() };
    let mut words = from_here(&case.plan, part, &part.source).ssh().flag("-t").command();
    words.0.push(there(command.clone()).into());
    words
}

/// Words for the shell at the source; none of them can be anything but a word there.
///
/// # Errors
/// One of them holds a NUL byte, which no shell can take.
pub fn quoted(words: &[&str]) -> Result<String, shlex::QuoteError> {
    shlex::try_join(words.iter().copied())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An end, from `USER@HOST`.
    pub(crate) fn end(input: &str) -> End {
        let (name, host) = input.split_once('@').unwrap();
        End { input: input.into(), host: host.into(), user: Some(name.into()), port: None }
    }

    /// The source of a copy.
    pub(crate) fn part(file: Option<&str>) -> Part {
        Part {
            role: Role::Source,
            source: end("akeneo@a-staging.example.com"),
            destination: end("akeneo@a.example.com"),
            service: None,
            file: file.map(str::to_owned),
            options: Vec::new(),
            size: None,
            software: None,
        }
    }

    #[test]
    fn the_short_name_comes_first_where_it_is_documented() {
        let part = part(None);
        assert_eq!(part.names(Some("a".into()), true), ["a", "a.example.com"]);
        assert_eq!(part.names(Some("a".into()), false), ["a.example.com", "a"]);
        assert_eq!(part.names(None, true), ["a.example.com"]);
        let hostile =
            Part { destination: End { host: "-oProxyCommand=x".into(), ..end("u@h") }, ..part };
        assert!(hostile.names(None, false).is_empty());
    }

    #[test]
    fn a_service_has_words_of_its_own() {
        use crate::{text, text::host};
        let words = || text!["At the source, ", host("the source"), " refuses the destination."];
        let copy = part(None);
        assert_eq!(copy.in_its_words(words()), words());
        let service = Part { service: Some(Box::default()), ..copy };
        let said = service.in_its_words(words()).plain();
        assert_eq!(said, "At the environment, the source refuses the service.");
    }

    #[test]
    fn the_language_of_scp_is_a_matter_of_its_age() {
        for (told, older) in [
            ("SSH-2.0-OpenSSH_8.4p1 Debian-5+deb11u3", true),
            ("SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10", true),
            ("SSH-2.0-OpenSSH_8.0", true),
            // It is Red Hat's, which speaks SFTP.
            ("SSH-2.0-OpenSSH_8.7", false),
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2", false),
            ("SSH-2.0-OpenSSH_10.0p2 Debian-7", false),
            ("SSH-2.0-dropbear_2022.83", false),
        ] {
            let software = Some(Foreign::from_bytes(told.as_bytes()));
            assert_eq!(Part { software, ..part(None) }.has_older_scp(), older, "{told}");
        }
        assert!(!part(None).has_older_scp());
    }

    #[test]
    fn the_folder_is_that_of_the_source() {
        for (file, folder) in [("a", "."), ("/a", "/"), ("/b/a", "/b"), ("c/a", "c")] {
            assert_eq!(part(Some(file)).folder(), Some(folder), "{file}");
        }
    }
}
