//! Reads a target as `ssh` does: `[user@]host` or `ssh://[user@]host[:port]`. Pure.
//!
//! What `ssh` would not take, or would take for a host name that cannot exist, is refused with what
//! was probably meant. What `ssh` takes and people rarely mean is told by [`odd`].

pub mod odd;
#[cfg(test)]
mod tests;

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
    /// The words that were probably meant in its place.
    pub meant: Option<Vec<String>>,
}

/// What is wrong with a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing.
    #[error("the host is missing. If it comes from a shell variable, the variable is empty")]
    Empty,
    /// `ssh user@host`, pasted as one word.
    #[error("this is a whole {0} command; give its words without quotes around them")]
    WholeCommand(&'static str),
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
    #[error("ssh takes no {0} address; give the host alone")]
    Scheme(String),
    /// scheme://user:password@host. The password is repeated nowhere.
    #[error(
        "the address has a password in it. ssh takes none there, and what is typed in a command line \
         others on this computer can see"
    )]
    Password,
    /// ssh://host/path.
    #[error("an ssh:// address has no path")]
    UrlPath,
    /// Not a port.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// host/24.
    #[error("a slash and a number name a whole network; ssh takes one address")]
    Network,
    /// host/.
    #[error("a host has no slash in it")]
    Slash,
    /// [address].
    #[error("square brackets belong in ssh:// addresses alone")]
    Brackets,
    /// -host.
    #[error("a host cannot begin with a dash")]
    Dash,
    /// `<project>.cloud.example.com`, `${HOST}`.
    #[error("\"{0}\" stands for a name of your own; put that name in its place")]
    Placeholder(String),
    /// A comma, dot or bracket of the sentence around it.
    #[error("the {0:?} belongs to the sentence that it was copied from")]
    Sentence(char),
    /// Space, quotes, shell characters.
    #[error("{0:?} cannot be part of a host or user")]
    Character(char),
    /// `@host`.
    #[error("the user name before the @ is missing")]
    EmptyUser,
}

/// Marks of a sentence that may stand at the end of a copied word. A single dot is not among them:
/// it makes a host name absolute.
const AFTER: &[char] = &[',', ';', ':', '!', '?', ')', ']', '}', '>', '"', '\'', '`'];
/// Marks that may stand before it.
const BEFORE: &[char] = &['(', '<', '"', '\'', '`'];
/// Schemes whose user, host and port are those of `ssh`.
const LIKE_SSH: [&str; 5] = ["sftp", "scp", "ssh+git", "git+ssh", "sshfs"];

/// Reads a target.
///
/// # Errors
/// With what is wrong and what was probably meant.
pub fn parse(input: &str) -> Result<Target, TargetError> {
    if let Some((c, name)) = input.chars().find_map(|c| Some((c, typographic(c)?))) {
        // What is behind the character is read again once it is gone.
        let problem = Problem::Typographic { name, code: u32::from(c) };
        return wrong(problem, Some(retyped(input)).filter(|words| !words.is_empty()));
    }
    let input = input.trim();
    if let Some((program, rest)) = whole_command(input) {
        let harmless = rest.chars().all(|c| c.is_alphanumeric() || " @.-_:/=~+%,".contains(c));
        let words = rest.split_whitespace().map(str::to_owned).collect();
        return wrong(Problem::WholeCommand(program), harmless.then_some(words));
    }
    if let Some(name) = placeholder(input) {
        return wrong(Problem::Placeholder(name), None);
    }
    if let Some((mark, rest)) = in_a_sentence(input) {
        return wrong(Problem::Sentence(mark), Some(meant_by(rest)));
    }
    if let Some(rest) = input.strip_prefix("ssh://") {
        return url(rest);
    }
    if let Some((scheme, rest)) = scheme(input) {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (user, place) = user_and_host(authority);
        let (host, after) = place.split_once(':').unwrap_or((place, ""));
        let port = port(after).filter(|_| LIKE_SSH.contains(&scheme.trim_end_matches("://")));
        if let Some(user) = before_password(user) {
            return wrong(Problem::Password, suggest(Some(user), host, port));
        }
        return wrong(Problem::Scheme(scheme.to_owned()), suggest(user, host, port));
    }
    let (user, host) = user_and_host(input);
    if host.starts_with('[') {
        let (inner, rest) = host.trim_start_matches('[').split_once(']').unwrap_or((host, ""));
        let port = rest.strip_prefix(':').and_then(port);
        return wrong(Problem::Brackets, suggest(user, inner, port));
    }
    if let Some((before, after)) = host.split_once('/')
        && before.parse::<Ipv6Addr>().is_ok()
    {
        return wrong(slash(after), suggest(user, before, None));
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
    if let Some((before, after)) = host.split_once('/') {
        return wrong(slash(after), suggest(user, before, None));
    }
    target(user, host, None)
}

fn wrong(problem: Problem, meant: Option<Vec<String>>) -> Result<Target, TargetError> {
    Err(TargetError { problem, meant })
}

/// A network is written as address, slash and number of bits.
fn slash(after: &str) -> Problem {
    let is_network = !after.is_empty() && after.bytes().all(|b| b.is_ascii_digit());
    if is_network { Problem::Network } else { Problem::Slash }
}

fn url(rest: &str) -> Result<Target, TargetError> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, place) = user_and_host(authority);
    let (host, after) = match place.strip_prefix('[').and_then(|p| p.split_once(']')) {
        Some((address, after)) => (address, after.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if let Some(user) = before_password(user) {
        return wrong(Problem::Password, suggest(Some(user), host, after.and_then(port)));
    }
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

/// The user of an address that has a password in it, as those of web pages do (RFC 3986, section 3.2.1).
fn before_password(user: Option<&str>) -> Option<&str> {
    user?.split_once(':').filter(|(_, password)| !password.is_empty()).map(|(user, _)| user)
}

fn port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|p| *p > 0)
}

fn target(user: Option<&str>, host: &str, port: Option<u16>) -> Result<Target, TargetError> {
    if host.is_empty() {
        return wrong(Problem::Empty, None);
    }
    if user == Some("") {
        return wrong(Problem::EmptyUser, suggest(None, host, port));
    }
    if host.starts_with('-') || user.is_some_and(|u| u.starts_with('-')) {
        return wrong(Problem::Dash, None);
    }
    let unfit =
        |c: &char| c.is_whitespace() || c.is_control() || "'\"`$\\;&<>|(){}*?!#,[]/".contains(*c);
    // Users of some providers have signs in them that a host cannot have.
    let unfit_user = |c: &char| c.is_whitespace() || c.is_control() || "'\"`;&<>|(){}".contains(*c);
    let found = host.chars().find(unfit).or_else(|| user.and_then(|u| u.chars().find(unfit_user)));
    if let Some(c) = found {
        return wrong(Problem::Character(c), None);
    }
    Ok(Target { user: user.map(str::to_owned), host: host.to_owned(), port })
}

fn suggest(user: Option<&str>, host: &str, port: Option<u16>) -> Option<Vec<String>> {
    if host.contains([':', '/']) && host.parse::<IpAddr>().is_err() {
        return None;
    }
    target(user.filter(|u| !u.is_empty()), host, port).ok().map(|t| t.words())
}

/// What is meant by a word that is freed of what does not belong to it.
fn meant_by(word: &str) -> Vec<String> {
    match parse(word) {
        Err(TargetError { meant: Some(words), .. }) => words,
        _ => vec![word.to_owned()],
    }
}

impl Target {
    /// As it is typed: a port before the target.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let port = self.port.iter().flat_map(|p| ["-p".to_owned(), p.to_string()]);
        let user = self.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
        port.chain([format!("{user}{}", self.host)]).collect()
    }
}

/// `ssh -p 22 u@h`, perhaps with the prompt before it.
fn whole_command(input: &str) -> Option<(&'static str, &str)> {
    let input = ["$ ", "# ", "% "].iter().find_map(|p| input.strip_prefix(p)).unwrap_or(input);
    let programs = ["ssh", "sftp", "ssh-preflight"];
    programs.into_iter().find_map(|program| {
        let rest = input.strip_prefix(program)?;
        rest.starts_with(char::is_whitespace).then(|| (program, rest.trim()))
    })
}

/// A part that documentation leaves to its reader: `<project>`, `{user}`, `${HOST}`, `%HOST%`.
fn placeholder(input: &str) -> Option<String> {
    let named = |open: &str, close: char| {
        let (_, rest) = input.split_once(open)?;
        let (name, _) = rest.split_once(close)?;
        let is_name = |c: char| c.is_alphanumeric() || " -_.".contains(c);
        // What mail programs write around an address is no placeholder.
        let fits = !name.is_empty() && name.chars().all(is_name) && !name.contains('.');
        fits.then(|| format!("{open}{name}{close}"))
    };
    let variable = || {
        let (_, rest) = input.split_once('$')?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..end).filter(|name| !name.is_empty())?;
        Some(format!("${name}"))
    };
    let word = || ["USER@HOST", "HOST"].into_iter().find(|w| *w == input).map(str::to_owned);
    named("<", '>')
        .or_else(|| named("${", '}'))
        .or_else(|| named("{", '}'))
        .or_else(|| named("%", '%'))
        .or_else(variable)
        .or_else(word)
}

/// The mark of a sentence around a word, and the word without any.
fn in_a_sentence(input: &str) -> Option<(char, &str)> {
    let is_address = |word: &str| {
        let (_, host) = user_and_host(word);
        host.starts_with('[') || host.parse::<Ipv6Addr>().is_ok()
    };
    if is_address(input) {
        return None;
    }
    let word = input.trim_start_matches(BEFORE);
    let word = word.trim_end_matches(|c| AFTER.contains(&c) || c == '.');
    // One dot alone is the one of the root.
    if input.strip_suffix('.') == Some(word) {
        return None;
    }
    let before = input.chars().next().filter(|c| BEFORE.contains(c));
    let mark = before.or_else(|| input.chars().next_back())?;
    (word.len() < input.len() && !word.is_empty()).then_some((mark, word))
}

/// A scheme as it is written, and what follows it.
fn scheme(input: &str) -> Option<(&str, &str)> {
    if let Some((scheme, rest)) = input.split_once("://") {
        return input.get(..scheme.len() + 3).map(|written| (written, rest));
    }
    ["mailto:", "ssh:", "sftp:"]
        .into_iter()
        .find_map(|s| Some((s, input.strip_prefix(s)?)))
        .filter(|(_, rest)| rest.contains('@'))
}

/// Names a character that a web page, a chat or a word processor put in the place of another.
#[must_use]
pub fn typographic(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "a typographic dash",
        '\u{a0}' | '\u{2007}' | '\u{202f}' => "a no-break space",
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{ad}' => "an invisible character",
        '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => "a typographic quote",
        _ => return None,
    })
}

/// A word with the characters that were meant: it may become several words, or none.
#[must_use]
pub fn retyped(word: &str) -> Vec<String> {
    let long = |rest: &str| rest.chars().take_while(char::is_ascii_lowercase).count() > 1;
    // Word processors make one long dash of two.
    let word = match word.strip_prefix('\u{2014}') {
        Some(rest) if long(rest) => format!("--{rest}"),
        _ => word.to_owned(),
    };
    let letter = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{a0}' | '\u{2007}' | '\u{202f}' => Some(' '),
        c if typographic(c).is_some() => None,
        c => Some(c),
    };
    let typed: String = word.chars().filter_map(letter).collect();
    typed.split_whitespace().map(str::to_owned).collect()
}
