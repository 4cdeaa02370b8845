//! What is to be copied, from where to where, and the commands with which a person does it: pure.

use serde::{Deserialize, Serialize};

use crate::{
    case::{Case, Plan},
    command,
    evidence::{configuration::Effective, login::is_host_name},
    finding::Hint,
    text,
    text::{Command, Text, foreign, host, number, user},
};

/// What a target has to do with a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its part.
    pub role: Role,
    /// From where.
    pub source: End,
    /// To where.
    pub destination: End,
    /// The file, as it is named at the source; none where nobody named one.
    #[serde(default)]
    pub file: Option<String>,
    /// The options of `ssh` with which the source is reached, for commands that go there.
    #[serde(default)]
    pub options: Vec<String>,
    /// Its size in bytes, once that was seen.
    #[serde(default)]
    pub size: Option<u64>,
}

/// The part of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The file is there.
    Source,
    /// The destination, as it is seen from this computer.
    Destination,
    /// The destination, as it is seen from the source: the way of the copy.
    Hop,
}

/// One end of a copy, as it was typed.
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
    /// The names by which the source may know the destination, the likeliest first: its short name,
    /// then the one that was typed.
    #[must_use]
    pub fn names(&self, short: Option<String>) -> Vec<String> {
        let typed = self.destination.host.clone();
        let mut names: Vec<String> = short.into_iter().chain([typed]).collect();
        names.dedup();
        names.retain(|name| is_host_name(name) || name.parse::<std::net::IpAddr>().is_ok());
        names
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
    /// Whether both are the same place for certain.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let normal = crate::profile::normal;
        normal(&self.host) == normal(&other.host)
            && self.port.unwrap_or(22) == other.port.unwrap_or(22)
    }
}

/// `scp` at the source, as a person types it there.
#[must_use]
pub fn scp(part: &Part, there: &Effective, name: &str) -> Command {
    let mut words = command!["scp"];
    if let Some(port) = part.destination.port.filter(|port| *port != 22) {
        words.0.extend(["-P".into(), number(port).into()]);
    }
    let file = part.file.as_deref().unwrap_or("FILE");
    // A name that begins with a dash would be an option, one with a colon a host.
    let has_to_be_a_path = file.starts_with('-') || file.contains(':');
    let local = if has_to_be_a_path && !file.starts_with('/') {
        format!("./{file}")
    } else {
        file.to_owned()
    };
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    words.0.push(foreign(local).into());
    words.0.push(text![user(&there.user), "@", host(name), ":", foreign(file)]);
    words
}

/// The commands of the copy, the first one first. `source` is the case of the source, `there` what
/// `ssh` would do there, `name` the name of the destination there.
#[must_use]
pub fn commands(source: &Case, there: &Effective, name: &str) -> Vec<Hint> {
    let Some(part) = &source.plan.copy else { return Vec::new() };
    let scp = scp(part, there, name);
    let log_in = source.plan.ssh().flag("-t").command();
    let mut one_step = log_in.clone();
    one_step.0.push(foreign(scp.plain()).into());
    vec![
        Hint::run(
            text!["Log in at the source, ", host(&part.source.host), ", with your agent:"],
            log_in,
        ),
        Hint::run(text!["There, copy to ", host(&part.destination.host), ":"], scp),
        Hint::run("Or both in one step:", one_step),
    ]
}

/// The copy by way of this computer, which needs no way from the source to the destination.
#[must_use]
pub fn by_way_of_here(part: &Part) -> Hint {
    let file = part.file.as_deref().unwrap_or("FILE");
    let place = |end: &End| -> Text {
        let mut place = text![];
        if let Some(name) = &end.user {
            place = place.then(text![user(name), "@"]);
        }
        place.then(text![host(&end.host), ":", foreign(file)])
    };
    let words = "Until then, copy by way of this computer, which reaches both. The data go over your \
                 own line, twice:";
    Hint::run(words, command!["scp", "-3", place(&part.source), place(&part.destination)])
}

/// A command that goes to the source, with the agent, and is run there.
#[must_use]
pub fn at_the_source(case: &Case, command: &Command) -> Command {
    let Some(part) = &case.plan.copy else { return command.clone() };
    let source = Plan {
        host: part.source.host.clone(),
        user: part.source.user.clone(),
        port: part.source.port,
        ssh_options: part.options.clone(),
        ..case.plan.clone()
    };
    let mut words = source.ssh().flag("-t").command();
    words.0.push(foreign(command.plain()).into());
    words
}

/// From where to where, in a sentence.
#[must_use]
pub fn direction(part: &Part) -> Text {
    text!["from ", host(&part.source.input), " to ", host(&part.destination.input)]
}

/// A number of bytes as people read it: `42 bytes`, `1.5 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths / 1024, next);
    }
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        rest => format!("{}.{rest} {unit}", tenths / 10),
    }
}

/// Words for the shell at the source; none of them can be anything but a word there.
///
/// # Errors
/// One of them holds a NUL byte, which no shell can take.
pub fn quoted(words: &[&str]) -> Result<String, shlex::QuoteError> {
    shlex::try_join(words.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    fn end(input: &str) -> End {
        let (name, host) = input.split_once('@').unwrap();
        End { input: input.into(), host: host.into(), user: Some(name.into()), port: None }
    }

    fn part(file: Option<&str>) -> Part {
        Part {
            role: Role::Source,
            source: end("akeneo@a-staging.example.com"),
            destination: end("akeneo@a.example.com"),
            file: file.map(str::to_owned),
            options: Vec::new(),
            size: None,
        }
    }

    #[test]
    fn the_commands_are_those_of_the_direction() {
        let mut case = made::case(made::effective(22));
        case.plan.host = "a-staging.example.com".into();
        case.plan.user = Some("akeneo".into());
        case.plan.copy = Some(Box::new(part(Some("my dump.sql"))));
        let there = Effective { user: "akeneo".into(), ..made::effective(22) };
        let said: Vec<_> = commands(&case, &there, "a")
            .iter()
            .map(|hint| hint.command.as_ref().unwrap().plain())
            .collect();
        assert_eq!(said[0], "ssh -t akeneo@a-staging.example.com");
        assert_eq!(said[1], "scp 'my dump.sql' 'akeneo@a:my dump.sql'");
        let words = shlex::split(&said[2]).unwrap();
        assert_eq!(words.last().unwrap(), &said[1], "the shell at the source gets the same words");
    }

    #[test]
    fn a_file_is_never_an_option_or_a_host() {
        let there = Effective { user: "u".into(), ..made::effective(22) };
        let said = |file: &str| scp(&part(Some(file)), &there, "d").plain();
        assert_eq!(said("-r"), "scp ./-r u@d:-r");
        assert_eq!(said("host:x"), "scp ./host:x u@d:host:x");
        assert_eq!(said("$(reboot)"), "scp '$(reboot)' 'u@d:$(reboot)'");
    }

    #[test]
    fn the_short_name_comes_first() {
        let part = part(None);
        assert_eq!(part.names(Some("a".into())), ["a", "a.example.com"]);
        assert_eq!(part.names(None), ["a.example.com"]);
        let hostile =
            Part { destination: End { host: "-oProxyCommand=x".into(), ..end("u@h") }, ..part };
        assert!(hostile.names(None).is_empty());
    }

    #[test]
    fn sizes() {
        for (bytes, said) in
            [(0, "0 bytes"), (1, "1 byte"), (2048, "2 KiB"), (1536, "1.5 KiB"), (3 << 30, "3 GiB")]
        {
            assert_eq!(size(bytes), said);
        }
    }

    #[test]
    fn the_folder_is_that_of_the_source() {
        for (file, folder) in [("a", "."), ("/a", "/"), ("/b/a", "/b"), ("c/a", "c")] {
            assert_eq!(part(Some(file)).folder(), Some(folder), "{file}");
        }
    }
}
