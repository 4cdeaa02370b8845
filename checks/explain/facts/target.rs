//! Whom and where the attempt was for.

use crate::{
    case::Plan,
    evidence::configuration::Effective,
    explain::{
        command,
        log::{Log, Mark},
        signs::Sign,
    },
    target::Target,
};

/// What stands in a command where the log does not name the host.
pub const NO_HOST: &str = "HOST";

/// The port of SSH (RFC 4253, section 4).
const SSH: u16 = 22;

/// What the log tells of the target.
pub(super) struct Goal {
    pub plan: Plan,
    pub effective: Effective,
    /// Whether it names the host.
    pub named: bool,
    /// Whether it names the port.
    pub names_port: bool,
}

impl Goal {
    /// Whether this is certainly another target: what one of them does not name may be the same.
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        let (this, that) = (&self.effective, &other.effective);
        let named = self.named && other.named;
        let users = [&this.user, &that.user];
        named
            && (this.host != that.host
                || self.names_port && other.names_port && this.port != that.port
                || this.user != that.user && users.iter().all(|user| !user.is_empty()))
    }
}

pub(super) fn find(log: &Log) -> Goal {
    let typed = log.last(Sign::Typed);
    let typed = typed.and_then(|m| command::read_typed(m.word(0), m.text.raw()));
    let told = told(log);
    let (options, typed) = match typed {
        Some(typed) => (typed.options, Some(typed.target)),
        None => (Vec::new(), None),
    };
    let options = through(log, options);
    // What was typed is shown again; what ssh made of it is what counts.
    let known = typed.clone().or_else(|| told.host.clone().map(|host| told.as_target(host)));
    let named = known.is_some();
    let shown = known.unwrap_or_else(|| told.as_target(NO_HOST.to_owned()));
    let user = shown.user.clone().or(told.user.clone());
    let port = told.port.or(shown.port);
    let names_port = port.is_some();
    let port = port.unwrap_or(SSH);
    let host = told.host.clone().unwrap_or_else(|| shown.host.clone());
    let at = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let input = match (named, port) {
        (false, _) => "(a log that names no host)".to_owned(),
        (true, SSH) => format!("{at}{}", shown.host),
        (true, port) if shown.host.contains(':') => format!("{at}[{}]:{port}", shown.host),
        (true, port) => format!("{at}{}:{port}", shown.host),
    };
    let plan = Plan {
        input,
        user: user.clone(),
        port: shown.port.or(told.port).filter(|port| *port != SSH),
        wants_forwarding: options.iter().any(|o| o == "-A"),
        ssh_options: options,
        ..Plan::of_host(shown.host)
    };
    let effective = Effective {
        host,
        port,
        user_is_local_default: user.is_none(),
        user: user.unwrap_or_default(),
        pubkey_authentication: true,
        host_key_alias: log.last(Sign::Alias).map(|m| m.word(0).to_owned()),
        security_key_provider: Some("internal".to_owned()),
        ..own_lists(log)
    };
    Goal { plan, effective, named, names_port }
}

/// The jump host that the command names: the last one before the target.
pub(super) fn jump(log: &Log) -> Option<Target> {
    way(log).map(|typed| typed.target)
}

/// The options, with the way that `ssh` said to go where nobody typed it.
fn through(log: &Log, mut options: Vec<String>) -> Vec<String> {
    let Some(command::Typed { target, options: before }) = way(log) else { return options };
    if options.iter().any(|option| option == "-J") {
        return options;
    }
    let user = target.user.map(|user| format!("{user}@")).unwrap_or_default();
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host };
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    let first = before.iter().skip_while(|option| *option != "-J").nth(1);
    let first = first.map(|first| format!("{first},")).unwrap_or_default();
    options.extend(["-J".to_owned(), format!("{first}{user}{host}{port}")]);
    options
}

/// The `ssh` that carries the conversation, as a command.
fn way(log: &Log) -> Option<command::Typed> {
    let implicit = log.last(Sign::ProxyJump).or_else(|| log.last(Sign::ProxyCommand))?;
    let words = shlex::split(implicit.word(0))?;
    let command = words.join(" ");
    let ssh = command.strip_prefix("exec ").unwrap_or(&command);
    command::read(ssh)
}

#[derive(Debug, Clone, Default)]
struct Told {
    host: Option<String>,
    user: Option<String>,
    port: Option<u16>,
}

impl Told {
    fn as_target(&self, host: String) -> Target {
        Target { user: self.user.clone(), host, port: self.port.filter(|port| *port != SSH) }
    }
}

/// What the lines of `ssh` name. The first that names something counts.
fn told(log: &Log) -> Told {
    let mut told = Told::default();
    for (sign, host, user, port) in [
        (Sign::LoggingIn, Some(0), Some(2), Some(1)),
        (Sign::LooksUp, Some(0), None, None),
        (Sign::Connecting, Some(0), None, None),
        (Sign::ProxyCommand, None, None, None),
        (Sign::NotResolved, Some(0), None, None),
        (Sign::NotConnected, Some(0), None, Some(1)),
        (Sign::LoggedIn, Some(0), None, Some(2)),
        (Sign::Denied, Some(1), Some(0), None),
        (Sign::AsksPassword, Some(1), Some(0), None),
        (Sign::HostKeyStrict, Some(1), None, None),
        (Sign::HostKeyAsks, Some(0), None, None),
        (Sign::NoCommon, Some(0), None, Some(1)),
        (Sign::TooMany, Some(0), None, Some(1)),
        (Sign::Goodbye, Some(0), None, Some(1)),
        (Sign::Closed, Some(1), None, Some(2)),
        (Sign::TimedOut, Some(0), None, Some(1)),
        (Sign::Broke, Some(0), None, None),
        (Sign::SessionClosed, Some(0), None, None),
        (Sign::HostKeyAdded, Some(0), None, None),
        // It may be an alias of known_hosts alone, so all others come first.
        (Sign::ChangedFor, Some(0), None, None),
    ] {
        let Some(mark) = log.last(sign) else { continue };
        if sign == Sign::ProxyCommand {
            let (host, port) = behind_the_way(mark.word(0)).unzip();
            told.host = told.host.or(host);
            told.port = told.port.or(port.flatten());
            continue;
        }
        // plink tells less in some of these lines.
        let (host, user, port) = match (sign, mark.words.len()) {
            (Sign::LoggingIn, 1) => (None, Some(0), None),
            (Sign::Connecting, 3) => (Some(0), None, Some(2)),
            (Sign::Connecting, 2) => (Some(0), None, Some(1)),
            (Sign::NotResolved | Sign::NotConnected | Sign::Denied, 1) => continue,
            (Sign::NoCommon, words) if words < 4 => continue,
            _ => (host, user, port),
        };
        let word = |place: Option<usize>| place.map(|p| mark.word(p)).filter(|w| !w.is_empty());
        if told.host.is_none()
            && let Some(name) = word(host).filter(|name| could_be_host(name))
        {
            let (name, port_there) = parts(name);
            told.host = Some(name);
            told.port = told.port.or(port_there);
        }
        told.user = told.user.or_else(|| word(user).map(str::to_owned));
        told.port = told.port.or_else(|| word(port)?.parse().ok());
    }
    told
}

/// Where `ssh -W` goes on to, which carries the conversation.
fn behind_the_way(command: &str) -> Option<(String, Option<u16>)> {
    let words = shlex::split(command)?;
    let goal = words.iter().zip(words.iter().skip(1)).find(|(option, _)| *option == "-W")?.1;
    let (host, port) = match goal.starts_with('[') {
        true => parts(goal),
        false => goal.rsplit_once(':').map(|(host, port)| (host.to_owned(), port.parse().ok()))?,
    };
    could_be_host(&host).then_some((host, port))
}

/// A name as known_hosts writes it: `HOST`, or `[HOST]:PORT`.
fn parts(host: &str) -> (String, Option<u16>) {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => {
            (name.to_owned(), rest.strip_prefix(':').and_then(|port| port.parse().ok()))
        }
        None => (host.to_owned(), None),
    }
}

/// Not an option, and no name that `ssh` uses where it knows none.
fn could_be_host(word: &str) -> bool {
    !word.starts_with('-') && word != "UNKNOWN" && word.len() < 300
}

/// The client's own lists, which `-vv` shows.
fn own_lists(log: &Log) -> Effective {
    let mut effective = Effective::default();
    for (name, value) in lists(log, Sign::OwnLists) {
        let list = || value.split(',').map(str::to_owned).collect();
        match name {
            "KEX algorithms" => effective.kex_algorithms = list(),
            "host key algorithms" => effective.host_key_algorithms = list(),
            "ciphers ctos" => effective.ciphers = list(),
            "MACs ctos" => effective.macs = list(),
            _ => {}
        }
    }
    effective
}

/// The lists behind a heading.
pub(super) fn lists(log: &Log, heading: Sign) -> impl Iterator<Item = (&str, &str)> {
    let behind = log.marks.iter().skip_while(move |m| m.sign != heading).skip(1);
    let lists = behind.take_while(|m: &&Mark| m.sign == Sign::List);
    lists.map(|m| (m.word(0), m.word(1)))
}
