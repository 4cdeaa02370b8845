//! The commands with which a person makes a copy between two hosts: pure.

use crate::{
    case::{Case, Plan},
    command,
    evidence::configuration::Effective,
    finding::Hint,
    pair::{End, Part, from_here, quoted},
    text,
    text::{Command, Span, Text, foreign, host, number, user},
};

/// `scp` at the source, as a person types it there.
#[must_use]
pub fn scp(part: &Part, there: &Effective, name: &str) -> Command {
    scp_to(part, there, name, file(part))
}

/// The file, or the word in the place of one that nobody named.
fn file(part: &Part) -> &str {
    part.file.as_deref().unwrap_or("FILE")
}

/// The same, to another place at the destination.
#[must_use]
pub fn scp_to(part: &Part, there: &Effective, name: &str, to: &str) -> Command {
    let far = text![foreign(to)];
    words(part, there, name, if part.has_older_scp() { for_its_shell(to) } else { far })
}

/// The same in scp's older language, where it speaks SFTP unasked.
#[must_use]
pub fn older_scp(part: &Part, there: &Effective, name: &str) -> Command {
    let mut older = words(part, there, name, for_its_shell(file(part)));
    older.0.insert(1, "-O".into());
    older
}

/// A path for the shell at the destination, which reads it once more.
fn for_its_shell(to: &str) -> Text {
    text![foreign(quoted(&[to]).unwrap_or_else(|_| to.to_owned()))]
}

fn words(part: &Part, there: &Effective, name: &str, to: Text) -> Command {
    let mut words = command!["scp"];
    if let Some(port) = part.destination.port.filter(|port| *port != 22) {
        words.0.extend(["-P".into(), number(port).into()]);
    }
    let file = file(part);
    // A name that begins with a dash would be an option, one with a colon a host.
    let has_to_be_a_path = file.starts_with('-') || file.contains(':');
    let local = if has_to_be_a_path && !file.starts_with('/') {
        format!("./{file}")
    } else {
        file.to_owned()
    };
    words.0.push(foreign(local).into());
    words.0.push(text![user(&there.user), "@", in_address(name), ":"].then(to));
    words
}

/// The commands of the copy, the first one first. `source` is the case of the source, `hop` that of the
/// destination as it is seen from there.
#[must_use]
pub fn commands(source: &Case, hop: &Case) -> Vec<Hint> {
    let (Some(part), Some(there)) = (&hop.plan.pair, hop.effective()) else { return Vec::new() };
    let scp = scp(part, there, &hop.plan.host);
    let log_in = source.plan.ssh().flag("-t").command();
    let mut one_step = log_in.clone();
    one_step.0.push(text::there(scp.clone()).into());
    vec![
        Hint::run(
            text!["Log in at the source, ", host(&part.source.host), ", with your agent:"],
            log_in,
        ),
        Hint::run(text!["There, copy to ", host(&part.destination.host), ":"], scp),
        Hint::run("Or both in one step:", one_step),
    ]
}

/// The copy by way of this computer, which needs no way from the source to the destination. For a
/// service there is none. `base` is the plan of either end.
#[must_use]
pub fn by_way_of_here(base: &Plan, part: &Part) -> Option<Hint> {
    if !part.is_copy() {
        return None;
    }
    let file = file(part);
    let place = |end: &End| -> Text {
        let mut place = text![];
        if let Some(name) = &end.user {
            place = place.then(text![user(name), "@"]);
        }
        // scp has one option for the port of both; only an address of its own kind has a port.
        match end.port.filter(|port| *port != 22) {
            Some(port) => {
                let at = text![in_address(&end.host), ":", number(port), "/", foreign(file)];
                text!["scp://"].then(place).then(at)
            }
            None => place.then(text![in_address(&end.host), ":", foreign(file)]),
        }
    };
    let words = "Until then, copy by way of this computer, which reaches both. The data go over your \
                 own line, twice:";
    let mut copy = from_here(base, part, &part.source).scp().flag("-3").options();
    copy.0.extend([place(&part.source), place(&part.destination)]);
    Some(Hint::run(words, copy))
}

/// The same copy again, examined by this program; `to` is the destination.
#[must_use]
pub fn again(base: &Plan, part: &Part, to: impl Into<Text>) -> Command {
    let mut again = from_here(base, part, &part.source).ssh().examined().without("-A").options();
    again.0.insert(1, "copy".into());
    again.0.extend([text![foreign(&part.source.input)], to.into()]);
    if let Some(file) = &part.file {
        again.0.extend(["--file".into(), text![foreign(file)]]);
    }
    again
}

/// A host where a colon follows it: an IPv6 address stands in brackets.
fn in_address(name: &str) -> Span {
    if name.contains(':') { host(format!("[{name}]")) } else { host(name) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evidence::made, pair::tests::part};

    #[test]
    fn the_commands_are_those_of_the_direction() {
        let mut case = made::case(made::effective(22));
        case.plan.host = "a-staging.example.com".into();
        case.plan.user = Some("akeneo".into());
        case.plan.pair = Some(Box::new(part(Some("my dump.sql"))));
        let mut hop = made::case(Effective { user: "akeneo".into(), ..made::effective(22) });
        hop.plan = crate::case::Plan { host: "a".into(), ..case.plan.clone() };
        let said: Vec<_> = commands(&case, &hop)
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

    /// The shell at the destination reads the name once more.
    #[test]
    fn the_older_language_is_quoted_twice() {
        let there = Effective { user: "u".into(), ..made::effective(22) };
        let software = Some(crate::text::Foreign::from_bytes(b"SSH-2.0-OpenSSH_8.4p1"));
        for (file, to) in [("a b", "u@d:'a b'"), ("plain.sql", "u@d:plain.sql")] {
            let part = Part { software: software.clone(), ..part(Some(file)) };
            let words = shlex::split(&scp(&part, &there, "d").plain()).unwrap();
            assert_eq!(words, ["scp", file, to]);
            let newer = Part { software: None, ..part };
            let words = shlex::split(&older_scp(&newer, &there, "d").plain()).unwrap();
            assert_eq!(words, ["scp", "-O", file, to]);
            let words = shlex::split(&scp(&newer, &there, "d").plain()).unwrap();
            assert_eq!(words[2], format!("u@d:{file}"));
        }
    }

    #[test]
    fn sizes() {
        for (bytes, said) in
            [(0, "0 bytes"), (1, "1 byte"), (2048, "2 KiB"), (1536, "1.5 KiB"), (3 << 30, "3 GiB")]
        {
            assert_eq!(size(bytes), said);
        }
    }
}
