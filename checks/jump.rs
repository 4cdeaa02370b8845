//! What `ssh` hands on to a jump host, and the command with which it goes through one: pure.
//!
//! For `ProxyJump a,b` ssh runs `ssh -J a -W '[HOST]:PORT' b`, with the user and port of the jump
//! host, `-F` and `-v` as they were typed, and nothing else (ssh.c, `main`): no `-i`, `-o`, `-l`,
//! `-4` or `-6` of the command line reaches a jump host.

use crate::{
    access::Access,
    case::{Case, Plan},
    evidence::configuration::Effective,
};

/// How many jump hosts are followed in a row. A configuration that leads in a circle has no end.
pub const MOST_HOPS: usize = 8;

/// A place in a ProxyJump list: `[user@]host[:port]` or `ssh://[user@]host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// The way to the jump host next to the target, as a plan of its own; `None` where there is none.
#[must_use]
pub fn plan(of: &Plan, effective: &Effective) -> Option<Plan> {
    let list = effective.proxy_jump.as_ref()?;
    let list = tokens(list, of, effective).ok()?;
    let (before, last) = match list.rsplit_once(',') {
        Some((before, last)) => (Some(before), last),
        None => (None, list.as_str()),
    };
    let place = place(last.trim());
    let mut ssh_options = Vec::new();
    if let Some(before) = before {
        ssh_options.extend(["-J".to_owned(), before.to_owned()]);
    }
    if let Some(file) = value(of, 'F') {
        ssh_options.extend(["-F".to_owned(), file]);
    }
    Some(Plan {
        input: last.trim().to_owned(),
        host: place.host,
        user: place.user,
        port: place.port,
        ssh_options,
        wants_forwarding: false,
        // A login at the target is no session at the jump host.
        login: false,
        // A profile is about the target; which one belongs to the jump host, its name decides.
        profile: None,
        access: Access::Shell,
        pair: None,
        hop_of: of.hop_of.iter().chain([&of.input]).cloned().collect(),
        ..of.clone()
    })
}

/// The last value of one of ssh's options with a value.
fn value(plan: &Plan, letter: char) -> Option<String> {
    let flag = format!("-{letter}");
    let mut words = plan.ssh_options.iter();
    let mut found = None;
    while let Some(word) = words.next() {
        let Some(joined) = word.strip_prefix(flag.as_str()) else { continue };
        found = if joined.is_empty() { words.next().cloned() } else { Some(joined.to_owned()) };
    }
    found
}

/// As `parse_user_host_port` and `parse_ssh_uri` of OpenSSH's misc.c read it.
fn place(text: &str) -> Place {
    let text = text.strip_prefix("ssh://").unwrap_or(text);
    let text = text.trim_end_matches('/');
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, text),
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    Place { user, host: host.to_owned(), port: port.and_then(|p| p.parse().ok()) }
}

/// Expands the tokens of ProxyCommand and ProxyJump (sshconnect.c, `expand_proxy_command`).
///
/// # Errors
/// The letter that `ssh` does not know here; it refuses to go on then.
pub fn tokens(text: &str, plan: &Plan, effective: &Effective) -> Result<String, char> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match letters.next() {
            Some('%') => out.push('%'),
            Some('h') => out.push_str(&effective.host),
            Some('k') => {
                out.push_str(effective.host_key_alias.as_ref().unwrap_or(&plan.host));
            }
            Some('n') => out.push_str(&plan.host),
            Some('p') => out.push_str(&effective.port.to_string()),
            Some('r') => out.push_str(&effective.user),
            other => return Err(other.unwrap_or('%')),
        }
    }
    Ok(out)
}

/// What must not happen in a check, and what `ssh` is to say. Nobody is asked anything, which `ssh`
/// does not hand on; no shared connection is left behind (one that is there is used); no command of
/// the configuration is run on this computer; and LogLevel makes it say what it got done.
const OPTIONS: [&str; 5] = [
    "BatchMode=yes",
    "ControlMaster=no",
    "PermitLocalCommand=no",
    "UpdateHostKeys=no",
    "LogLevel=DEBUG2",
];

/// `ssh` writes new host keys to the first of the files, and reads them all. So none is written.
fn known_hosts(hop: &Case) -> Option<String> {
    let quoted = |file: &String| format!(" \"{file}\"");
    let files = &hop.effective()?.user_known_hosts_files;
    // A quote within the name of a file cannot be written in a configuration.
    let files = files.iter().filter(|file| !file.contains('"')).map(quoted);
    Some(format!("UserKnownHostsFile=/dev/null{}", files.collect::<String>()))
}

/// The command that goes through a jump host to `goal` (`[HOST]:PORT`), as `ssh` would run it, but
/// for what must not happen in a check.
#[must_use]
pub fn command(hop: &Case, goal: &str) -> Vec<String> {
    let mut words = vec!["ssh".to_owned()];
    let plan = &hop.plan;
    if let Some(file) = value(plan, 'F') {
        words.extend(["-F".to_owned(), file]);
    }
    for option in OPTIONS.into_iter().map(str::to_owned).chain(known_hosts(hop)) {
        words.extend(["-o".to_owned(), option]);
    }
    if let Some(before) = hop.hop() {
        let inner = command(&before.case, "[%h]:%p");
        words.extend(["-o".to_owned(), format!("ProxyCommand={}", in_a_proxy_command(&inner))]);
    }
    if let Some(user) = &plan.user {
        words.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = plan.port {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    words.extend(["-W".to_owned(), goal.to_owned(), "--".to_owned(), plan.host.clone()]);
    words
}

/// Words for a shell, within a text in which `%` begins a token. The goal's own tokens stay.
#[must_use]
pub fn in_a_proxy_command(words: &[String]) -> String {
    let word = |word: &String| {
        if word == "[%h]:%p" {
            return "'[%h]:%p'".to_owned();
        }
        // Only a NUL byte cannot be quoted, and no argument of a command holds one.
        shlex::try_quote(word).unwrap_or_default().replace('%', "%%")
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    fn via(jump: &str, options: &[&str]) -> Plan {
        let mut of = made::plan();
        of.ssh_options = options.iter().map(|&o| o.to_owned()).collect();
        let effective = Effective { proxy_jump: Some(jump.to_owned()), ..made::effective(22) };
        plan(&of, &effective).unwrap()
    }

    #[test]
    fn only_the_configuration_file_is_handed_on() {
        let hop = via("bob@b.example:2200", &["-i", "key", "-4", "-l", "x", "-F", "my config"]);
        assert_eq!(hop.ssh_options, ["-F", "my config"]);
        assert_eq!(
            (hop.host.as_str(), hop.user.as_deref(), hop.port),
            ("b.example", Some("bob"), Some(2200))
        );
        assert_eq!(hop.hop_of, ["ada@host.example.com"]);
        assert!(hop.ssh_options.iter().all(|o| o != "-i"));
    }

    #[test]
    fn the_last_of_a_list_is_next_to_the_target() {
        let hop = via("a,ssh://u@[2001:db8::1]:22", &[]);
        assert_eq!(hop.ssh_options, ["-J", "a"]);
        assert_eq!(
            (hop.host.as_str(), hop.user.as_deref(), hop.port),
            ("2001:db8::1", Some("u"), Some(22))
        );
        let first = via("%r@b", &[]);
        assert_eq!((first.host.as_str(), first.user.as_deref()), ("b", Some("ada")));
    }

    #[test]
    fn tokens_are_those_of_ssh() {
        let (plan, effective) = (made::plan(), made::effective(2222));
        let told = |text| tokens(text, &plan, &effective);
        assert_eq!(
            told("nc %h %p %r %n %%").unwrap(),
            "nc host.example.com 2222 ada host.example.com %"
        );
        assert_eq!(told("nc %z"), Err('z'));
        assert_eq!(told("nc %"), Err('%'));
    }

    #[test]
    fn a_chain_is_one_command() {
        let mut first = made::case(made::effective(22));
        first.plan = via("a", &["-F", "50% own"]);
        let mut second =
            made::case(Effective { proxy_jump: Some("a".into()), ..made::effective(22) });
        second.plan = via("a,bob@b:2200", &["-F", "50% own"]);
        let hop = crate::evidence::hop::Hop { case: Box::new(first) };
        second.hop = made::seen(hop);
        let words = command(&second, "[t]:22");
        assert_eq!(words.last().unwrap(), "b");
        let inner = words.iter().find_map(|w| w.strip_prefix("ProxyCommand=")).unwrap();
        assert!(inner.starts_with("ssh -F '50%% own' -o 'BatchMode=yes' -o "), "{inner}");
        assert!(inner.ends_with(" -o 'UserKnownHostsFile=/dev/null' -W '[%h]:%p' -- a"), "{inner}");
        assert!(words.windows(2).any(|w| w == ["-W", "[t]:22"]), "{words:?}");
    }
}
