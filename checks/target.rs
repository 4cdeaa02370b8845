//! Reads a target as `ssh` does: `[user@]host` or `ssh://[user@]host[:port]`. Pure.

use std::net::{IpAddr, Ipv6Addr};

/// Whom and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// User, where named.
    pub user: Option<String>,
    /// Host, without brackets.
    pub host: String,
    /// Port, where named.
    pub port: Option<u16>,
}

/// What is wrong with a target, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TargetError {
    /// What is wrong.
    pub problem: Problem,
    /// A command that does what was probably meant.
    pub suggestion: Option<String>,
}

/// What is wrong with a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing.
    #[error("the host is missing")]
    Empty,
    /// `ssh user@host`, pasted as one word.
    #[error("this is a whole ssh command; give its words without quotes around them")]
    WholeCommand,
    /// Copied from a web page or chat.
    #[error("it contains {name} (U+{code:04X}), as web pages and chats put it in; type it again")]
    Typographic {
        /// What the character is called.
        name: &'static str,
        /// Its code.
        code: u32,
    },
    /// host:port.
    #[error("ssh takes no port after a colon; it is given with -p")]
    PortInHost,
    /// host:path.
    #[error("host:path is a form of scp and git; ssh takes the host alone")]
    ScpPath,
    /// https:// and others.
    #[error("ssh takes no {0}:// address; give the host alone")]
    Scheme(String),
    /// ssh://host/path.
    #[error("an ssh:// address has no path")]
    UrlPath,
    /// Not a port.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// host/24 or host/.
    #[error("a host has no slash in it")]
    Slash,
    /// [address].
    #[error("square brackets belong in ssh:// addresses alone")]
    Brackets,
    /// -host.
    #[error("a host cannot begin with a dash")]
    Dash,
    /// Space, quotes, shell characters.
    #[error("{0:?} cannot be part of a host or user")]
    Character(char),
    /// `@host`.
    #[error("the user name before the @ is missing")]
    EmptyUser,
}

/// Reads a target.
///
/// # Errors
/// With what is wrong and what was probably meant.
pub fn parse(input: &str) -> Result<Target, TargetError> {
    let wrong = |problem, suggestion: Option<String>| Err(TargetError { problem, suggestion });
    if let Some((c, name)) = input.chars().find_map(|c| Some((c, typographic(c)?))) {
        let cleaned: String = input
            .chars()
            .filter_map(|c| match c {
                '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
                c if typographic(c).is_some() => None,
                c => Some(c),
            })
            .collect();
        let meant = parse(&cleaned).ok().map(|t| command(&t));
        return wrong(Problem::Typographic { name, code: u32::from(c) }, meant);
    }
    let input = input.trim();
    if let Some(rest) = input.strip_prefix("ssh ") {
        let harmless = rest.chars().all(|c| c.is_alphanumeric() || " @.-_:/=~+%".contains(c));
        let meant = harmless.then(|| format!("ssh-preflight {}", rest.trim()));
        return wrong(Problem::WholeCommand, meant);
    }
    if let Some(rest) = input.strip_prefix("ssh://") {
        return url(rest);
    }
    if let Some((scheme, rest)) = input.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (user, place) = user_and_host(authority);
        let host = place.split(':').next().unwrap_or(place);
        return wrong(Problem::Scheme(scheme.to_owned()), suggest(user, host, None));
    }
    let (user, host) = user_and_host(input);
    if host.starts_with('[') {
        let (inner, rest) = host.trim_start_matches('[').split_once(']').unwrap_or((host, ""));
        let port = rest.strip_prefix(':').and_then(port);
        return wrong(Problem::Brackets, suggest(user, inner, port));
    }
    // A zone (fe80::1%eth0) is part of an IPv6 address.
    if host.split('%').next().is_some_and(|a| a.parse::<Ipv6Addr>().is_err())
        && let Some((before, after)) = host.split_once(':')
    {
        if !after.is_empty() && after.bytes().all(|b| b.is_ascii_digit()) {
            return match port(after) {
                Some(port) => wrong(Problem::PortInHost, suggest(user, before, Some(port))),
                None => wrong(Problem::Port, suggest(user, before, None)),
            };
        }
        return wrong(Problem::ScpPath, suggest(user, before, None));
    }
    if let Some((before, _)) = host.split_once('/') {
        return wrong(Problem::Slash, suggest(user, before, None));
    }
    target(user, host, None)
}

fn url(rest: &str) -> Result<Target, TargetError> {
    let wrong = |problem, suggestion| Err(TargetError { problem, suggestion });
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, place) = user_and_host(authority);
    let (host, after) = match place.strip_prefix('[').and_then(|p| p.split_once(']')) {
        Some((address, after)) => (address, after.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = match after.map(port) {
        None => None,
        Some(Some(port)) => Some(port),
        Some(None) => return wrong(Problem::Port, suggest(user, host, None)),
    };
    if !path.is_empty() {
        return wrong(Problem::UrlPath, suggest(user, host, port));
    }
    target(user, host, port)
}

/// The last `@` splits, as in `ssh`: a user name may contain one.
fn user_and_host(text: &str) -> (Option<&str>, &str) {
    text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host))
}

fn port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|p| *p > 0)
}

fn target(user: Option<&str>, host: &str, port: Option<u16>) -> Result<Target, TargetError> {
    let wrong = |problem| Err(TargetError { problem, suggestion: None });
    if host.is_empty() {
        return wrong(Problem::Empty);
    }
    if user == Some("") {
        return Err(TargetError {
            problem: Problem::EmptyUser,
            suggestion: suggest(None, host, port),
        });
    }
    if host.starts_with('-') || user.is_some_and(|u| u.starts_with('-')) {
        return wrong(Problem::Dash);
    }
    let unfit =
        |c: &char| c.is_whitespace() || c.is_control() || "'\"`$\\;&<>|(){}*?!#,[]/".contains(*c);
    // Users of some providers have signs in them that a host cannot have.
    let unfit_user = |c: &char| c.is_whitespace() || c.is_control() || "'\"`;&<>|(){}".contains(*c);
    let found = host.chars().find(unfit).or_else(|| user.and_then(|u| u.chars().find(unfit_user)));
    if let Some(c) = found {
        return wrong(Problem::Character(c));
    }
    Ok(Target { user: user.map(str::to_owned), host: host.to_owned(), port })
}

fn suggest(user: Option<&str>, host: &str, port: Option<u16>) -> Option<String> {
    if host.contains([':', '/']) && host.parse::<IpAddr>().is_err() {
        return None;
    }
    target(user, host, port).ok().map(|t| command(&t))
}

fn command(target: &Target) -> String {
    let port = target.port.map(|p| format!("-p {p} ")).unwrap_or_default();
    let user = target.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
    format!("ssh-preflight {port}{user}{}", target.host)
}

fn typographic(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "a typographic dash",
        '\u{a0}' | '\u{2007}' | '\u{202f}' => "a no-break space",
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{ad}' => "an invisible character",
        '\u{2018}'..='\u{201f}' => "a typographic quote",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_ssh_takes() {
        for (input, user, host, port) in [
            ("h", None, "h", None),
            ("u@h.example", Some("u"), "h.example", None),
            ("u@corp@h", Some("u@corp"), "h", None),
            ("2001:db8::1", None, "2001:db8::1", None),
            ("fe80::1%eth0", None, "fe80::1%eth0", None),
            ("ssh://u@h:2222/", Some("u"), "h", Some(2222)),
            ("ssh://[2001:db8::1]:22", None, "2001:db8::1", Some(22)),
        ] {
            let t = parse(input).unwrap();
            assert_eq!((t.user.as_deref(), t.host.as_str(), t.port), (user, host, port), "{input}");
        }
    }

    #[test]
    fn what_was_meant_is_suggested() {
        for (input, problem, meant) in [
            ("u@h:22", Problem::PortInHost, Some("-p 22 u@h")),
            ("h:99999", Problem::Port, Some("h")),
            ("git@h:org/repo.git", Problem::ScpPath, Some("git@h")),
            ("https://h/x", Problem::Scheme("https".into()), Some("h")),
            ("ssh://u@h:2/x", Problem::UrlPath, Some("-p 2 u@h")),
            ("ssh://h:abc", Problem::Port, Some("h")),
            ("192.0.2.1/24", Problem::Slash, Some("192.0.2.1")),
            ("h/", Problem::Slash, Some("h")),
            ("[2001:db8::1]:22", Problem::Brackets, Some("-p 22 2001:db8::1")),
            ("ssh -p 22 u@h", Problem::WholeCommand, Some("-p 22 u@h")),
            ("h\u{a0}", Problem::Typographic { name: "a no-break space", code: 0xa0 }, Some("h")),
            ("\u{2013}i", Problem::Typographic { name: "a typographic dash", code: 0x2013 }, None),
            ("", Problem::Empty, None),
            ("u@", Problem::Empty, None),
            ("@h", Problem::EmptyUser, Some("h")),
            ("-oProxyCommand=x", Problem::Dash, None),
            ("a b", Problem::Character(' '), None),
            ("h;id", Problem::Character(';'), None),
        ] {
            let e = parse(input).unwrap_err();
            let meant = meant.map(|m| format!("ssh-preflight {m}"));
            assert_eq!((e.problem, e.suggestion), (problem, meant), "{input:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics_and_no_host_is_an_option(input in ".*") {
            if let Ok(t) = parse(&input) {
                assert!(!t.host.is_empty() && !t.host.starts_with('-'));
            }
        }
    }
}
