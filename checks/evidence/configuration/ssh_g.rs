//! Reads what `ssh -G` prints. Pure.

use std::collections::HashMap;

use super::{
    AddressFamily, Effective, IdentityAgent, IdentityPath, StrictHostKeyChecking, Unexpandable,
};
use crate::text::Foreign;

/// What the printed text does not tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    /// Home of the passwd database.
    pub home: String,
    /// Login name.
    pub user: String,
    /// The user's numeric id, on Unix.
    pub uid: Option<u32>,
    /// Host as typed.
    pub host: String,
    /// Whether `-l`, `user@` or `-o User` named a user.
    pub user_named: bool,
    /// Files named by `-i`: `ssh -G` leaves those out that do not exist.
    pub named_files: Vec<String>,
    /// What this computer calls itself.
    pub this_host: String,
    /// A variable of the environment.
    pub variable: Option<fn(&str) -> Option<String>>,
}

/// The names that `ssh` tries where none is named; older and newer clients know fewer of them.
const DEFAULT_FILES: [&str; 7] =
    ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];

/// Reads `key value` lines; the first line of a key counts, as in `ssh_config`.
pub(super) fn parse(text: &str, context: &Context) -> Effective {
    let mut first: HashMap<String, &str> = HashMap::new();
    let (mut files, mut certificates) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (key, value) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let (key, value) = (key.to_ascii_lowercase(), value.trim());
        match key.as_str() {
            "identityfile" => files.push(value),
            "certificatefile" => certificates.push(value),
            _ => _ = first.entry(key).or_insert(value),
        }
    }
    let get = |key: &str| first.get(key).copied().filter(|v| !v.is_empty());
    let set = |key: &str| get(key).filter(|v| *v != "none");
    let yes = |key: &str, otherwise: bool| {
        get(key).map_or(otherwise, |v| matches!(v, "yes" | "true" | "ask" | "confirm"))
    };
    let list = |key: &str| -> Vec<String> {
        get(key).map(|v| v.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let host = get("hostname").unwrap_or(&context.host).to_owned();
    let user = get("user").unwrap_or(&context.user).to_owned();
    let port = get("port").and_then(|p| p.parse().ok()).unwrap_or(22);
    let tokens = Tokens {
        context,
        host: &host,
        user: &user,
        port,
        key_alias: set("hostkeyalias").unwrap_or(&host),
        jump: set("proxyjump").unwrap_or_default(),
    };
    let expand = |path: &str| expand(path, &tokens);
    let paths = |key: &str, otherwise: &str| -> Vec<String> {
        match get(key) {
            Some("none") => Vec::new(),
            value => separate(value.unwrap_or(otherwise)).iter().map(|path| expand(path)).collect(),
        }
    };
    let is_default = |path: &&str| {
        path.strip_prefix("~/.ssh/").is_some_and(|name| DEFAULT_FILES.contains(&name))
    };
    // One name of the list alone was named by somebody: without any name, ssh prints them all.
    let named = files.len() < 3 || !files.iter().all(is_default);
    let by_option = context.named_files.iter().map(|path| (expand(path), true));
    let told = files.iter().filter(|path| **path != "none").map(|path| (expand(path), named));
    let told: Vec<_> = told.collect();
    let mut identity_files: Vec<IdentityPath> = Vec::new();
    for (path, named) in by_option.chain(told.iter().cloned()) {
        // A file that is named twice is tried once (readconf.c, add_identity_file).
        if !identity_files.iter().any(|known| known.path == path) {
            let left_out = !told.iter().any(|(told, _)| *told == path);
            identity_files.push(IdentityPath { path, named, left_out });
        }
    }
    let unexpandable = files
        .iter()
        .map(|path| (path, false))
        .chain(certificates.iter().map(|path| (path, true)))
        .find_map(|(path, certificate)| unexpandable(path, certificate, context));
    Effective {
        unexpandable,
        user_is_local_default: !context.user_named && user == context.user,
        address_family: match get("addressfamily") {
            Some("inet") => AddressFamily::Inet,
            Some("inet6") => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        },
        bind_address: set("bindaddress").map(str::to_owned),
        bind_interface: set("bindinterface").map(str::to_owned),
        // Zero is no limit, as none is (misc.c, timeout_connect).
        connect_timeout_s: get("connecttimeout").and_then(|t| t.parse().ok()).filter(|t| *t != 0),
        ip_qos: get("ipqos").and_then(|v| quality(v.split_whitespace().next()?)),
        identity_files,
        certificate_files: certificates
            .into_iter()
            .filter(|path| *path != "none")
            .map(expand)
            .collect(),
        identities_only: yes("identitiesonly", false),
        identity_agent: match get("identityagent") {
            None | Some("SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK") => IdentityAgent::Environment,
            Some("none") => IdentityAgent::None,
            Some(socket) => IdentityAgent::Socket(expand(socket)),
        },
        // A path or $VARIABLE also turns it on: that agent is forwarded.
        forward_agent: get("forwardagent").is_some_and(|v| !matches!(v, "no" | "false")),
        forward_agent_socket: get("forwardagent")
            .filter(|v| !matches!(*v, "no" | "false" | "yes" | "true" | "SSH_AUTH_SOCK"))
            .map(expand),
        pubkey_authentication: get("pubkeyauthentication")
            .is_none_or(|v| !matches!(v, "no" | "false")),
        password_authentication: yes("passwordauthentication", true),
        kbd_interactive_authentication: match get("kbdinteractiveauthentication") {
            // The name before OpenSSH 8.7.
            None => yes("challengeresponseauthentication", true),
            Some(_) => yes("kbdinteractiveauthentication", true),
        },
        preferred_authentications: set("preferredauthentications")
            .map(|v| v.split(',').map(str::to_owned).collect()),
        pubkey_accepted_algorithms: match list("pubkeyacceptedalgorithms") {
            // The name before OpenSSH 8.5.
            none if none.is_empty() => list("pubkeyacceptedkeytypes"),
            algorithms => algorithms,
        },
        host_key_algorithms: list("hostkeyalgorithms"),
        kex_algorithms: list("kexalgorithms"),
        ciphers: list("ciphers"),
        macs: list("macs"),
        required_rsa_size: get("requiredrsasize").and_then(|n| n.parse().ok()).unwrap_or(1024),
        user_known_hosts_files: paths(
            "userknownhostsfile",
            "~/.ssh/known_hosts ~/.ssh/known_hosts2",
        ),
        global_known_hosts_files: paths(
            "globalknownhostsfile",
            "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
        ),
        revoked_host_keys: set("revokedhostkeys").map(expand),
        known_hosts_command: set("knownhostscommand").map(str::to_owned),
        strict_host_key_checking: match get("stricthostkeychecking") {
            Some("true" | "yes") => StrictHostKeyChecking::Yes,
            Some("false" | "no" | "off") => StrictHostKeyChecking::No,
            Some("accept-new") => StrictHostKeyChecking::AcceptNew,
            _ => StrictHostKeyChecking::Ask,
        },
        host_key_alias: set("hostkeyalias").map(str::to_owned),
        no_host_authentication_for_localhost: yes("nohostauthenticationforlocalhost", false),
        check_host_ip: yes("checkhostip", false),
        proxy_jump: set("proxyjump").map(str::to_owned),
        proxy_command: set("proxycommand").map(str::to_owned),
        proxy_use_fdpass: yes("proxyusefdpass", false),
        batch_mode: yes("batchmode", false),
        pkcs11_provider: set("pkcs11provider").map(str::to_owned),
        // `ssh -G` leaves the line out where there is none; clients that do not know the word do
        // not know such keys either.
        security_key_provider: set("securitykeyprovider").map(str::to_owned),
        host,
        port,
        user,
    }
}

/// The byte of a name of `ssh_config(5)`, IPQoS; none for `none`.
fn quality(name: &str) -> Option<u8> {
    let digit = |place: usize| name.get(place..=place)?.parse::<u8>().ok();
    Some(match name {
        "ef" => 0xb8,
        "va" => 0xb0,
        "lowdelay" => 0x10,
        "throughput" => 0x08,
        "reliability" => 0x04,
        // OpenSSH's value (ssh.h, IPTOS_DSCP_LE), which is not the one of RFC 8622.
        "le" => 0x01,
        // RFC 2597, section 6, and RFC 2474, section 4.2.2.2.
        _ if name.starts_with("af") && name.len() == 4 => {
            digit(2).filter(|n| *n < 8)? << 5 | digit(3).filter(|n| *n < 4)? << 3
        }
        _ if name.starts_with("cs") && name.len() == 3 => digit(2).filter(|n| *n < 8)? << 5,
        _ => u8::from_str_radix(name.strip_prefix("0x")?, 16).ok()?,
    })
}

/// The paths of a list. `ssh -G` prints them without the quotes that they were written with: what
/// does not begin as a path does belongs to the one before, whose name has a space.
fn separate(list: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let has_drive = |word: &str| word.chars().nth(1) == Some(':');
    let begins = |word: &str| word.starts_with(['/', '~', '%', '$', '"']) || has_drive(word);
    for word in list.split(' ').filter(|word| !word.is_empty()) {
        match paths.last_mut() {
            Some(before) if !begins(word) => {
                before.push(' ');
                before.push_str(word);
            }
            _ => paths.push(word.to_owned()),
        }
    }
    paths
}

/// What the tokens of `ssh_config(5)` stand for.
struct Tokens<'t> {
    context: &'t Context,
    host: &'t str,
    user: &'t str,
    port: u16,
    /// HostKeyAlias, or the host.
    key_alias: &'t str,
    /// ProxyJump; empty where there is none.
    jump: &'t str,
}

impl Tokens<'_> {
    /// What a letter stands for. `%C`, a hash over others, is no name for the file of a key.
    fn get(&self, letter: char) -> Option<String> {
        let Context { home, user, host, this_host, uid, .. } = self.context;
        Some(match letter {
            '%' => "%".to_owned(),
            'd' => home.clone(),
            'h' => self.host.to_owned(),
            'i' => uid.as_ref()?.to_string(),
            'j' => self.jump.to_owned(),
            'k' => self.key_alias.to_owned(),
            'L' => this_host.split('.').next()?.to_owned(),
            'l' => this_host.clone(),
            'n' => host.clone(),
            'p' => self.port.to_string(),
            'r' => self.user.to_owned(),
            'u' => user.clone(),
            _ => return None,
        })
    }
}

/// `~`, the tokens of `ssh_config(5)` and variables of the environment, which `ssh -G` leaves as they
/// are. What nobody knows here stays as it is.
fn expand(path: &str, tokens: &Tokens<'_>) -> String {
    let path = path.trim_matches('"');
    let (mut out, mut rest) = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            (tokens.context.home.clone(), rest)
        }
        _ => (String::new(), path),
    };
    let variable = |name: &str| tokens.context.variable.and_then(|value| value(name));
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let token = after.chars().next().filter(|_| c == '%');
        let named = after.strip_prefix('{').filter(|_| c == '$').and_then(|a| a.split_once('}'));
        if let Some((letter, value)) = token.and_then(|letter| Some((letter, tokens.get(letter)?)))
        {
            out.push_str(&value);
            rest = after.get(letter.len_utf8()..).unwrap_or_default();
        } else if let Some((value, left)) = named.and_then(|(n, left)| Some((variable(n)?, left))) {
            out.push_str(&value);
            rest = left;
        } else {
            out.push(c);
            rest = after;
        }
    }
    out
}

/// The letters of all tokens that a client knows for such a name; older ones know fewer.
const TOKENS: &str = "%CLdhijklnpru";

/// Why `ssh` cannot fill in a name, in its words (`misc.c`, vdollar_percent_expand).
fn unexpandable(path: &str, certificate: bool, context: &Context) -> Option<Unexpandable> {
    // Of another computer's environment nothing is known.
    let value = context.variable?;
    let path = path.trim_matches('"');
    let mut missing = None;
    let no = |why: String, end: &str, variable| {
        let why = format!("vdollar_percent_expand: {why}");
        let lines = [why.as_str(), end].map(|line| Foreign::from_bytes(line.as_bytes())).to_vec();
        Some(Unexpandable { path: path.to_owned(), certificate, variable, lines })
    };
    let failed = "percent_dollar_expand: failed";
    let mut rest = path;
    while let Some(at) = rest.find(['$', '%']) {
        let (sign, after) = rest.get(at..)?.split_at(1);
        rest = after;
        if sign == "%" {
            let Some(letter) = after.chars().next() else {
                return no("invalid format".to_owned(), failed, None);
            };
            if !TOKENS.contains(letter) {
                return no(format!("unknown key %{letter}"), failed, None);
            }
            rest = after.get(letter.len_utf8()..)?;
        } else if let Some(name) = after.strip_prefix('{') {
            let Some((name, left)) = name.split_once('}') else {
                let why = format!("environment variable '{name}' missing closing '}}'");
                return no(why, failed, None);
            };
            if name.is_empty() {
                return no("zero-length environment variable".to_owned(), failed, None);
            }
            if value(name).is_none() && missing.is_none() {
                missing = Some(name);
            }
            rest = left;
        }
    }
    let name = missing?;
    let why = format!("env var ${{{name}}} has no value");
    no(why, "invalid environment variable expansion", Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            home: "/home/jo".into(),
            user: "jo".into(),
            host: "h".into(),
            ..Context::default()
        }
    }

    #[test]
    fn names_with_spaces_stay_whole() {
        for (list, paths) in [
            ("/a /b", &["/a", "/b"][..]),
            ("/Users/Jo Doe/.ssh/known_hosts ~/b", &["/Users/Jo Doe/.ssh/known_hosts", "~/b"]),
            ("known_hosts", &["known_hosts"]),
            ("C:\\Jo Doe\\k D:/k", &["C:\\Jo Doe\\k", "D:/k"]),
            ("", &[]),
        ] {
            assert_eq!(separate(list), paths, "{list}");
        }
    }

    #[test]
    fn tokens_and_variables() {
        let context = Context {
            uid: Some(1000),
            this_host: "desk.example.com".into(),
            variable: Some(|name| (name == "KEYS").then(|| "/keys".to_owned())),
            ..context()
        };
        let printed = "hostname h.example\nuser eve\nhostkeyalias alias\nproxyjump gate\n";
        for (path, is) in [
            ("%d/%r-%u-%n-%h-%p", "/home/jo/eve-jo-h-h.example-22"),
            ("/run/%i/%k/%j/%l/%L", "/run/1000/alias/gate/desk.example.com/desk"),
            ("${KEYS}/${NONE}$x%%%y%", "/keys/${NONE}$x%%y%"),
        ] {
            let effective = parse(&format!("{printed}identityfile {path}\n"), &context);
            assert_eq!(effective.identity_files[0].path, is, "{path}");
        }
    }

    #[test]
    fn names_that_cannot_be_filled_in() {
        let context = Context {
            variable: Some(|name| (name == "KEYS").then(|| "/keys".to_owned())),
            ..context()
        };
        for (line, says) in [
            ("identityfile ${KEYS}/%d/%%/$x", None),
            ("identityfile ${NOPE}/k", Some("env var ${NOPE} has no value")),
            ("identityfile ~/a\ncertificatefile ${NOPE}/c", Some("env var ${NOPE} has no value")),
            ("identityfile /x/%z", Some("unknown key %z")),
            ("identityfile /x/%", Some("invalid format")),
            ("identityfile ${NOPE", Some("environment variable 'NOPE' missing closing '}'")),
            ("identityfile ${}", Some("zero-length environment variable")),
            // ssh -G fills this one in, and refuses it.
            ("userknownhostsfile ${NOPE}/k", None),
        ] {
            let found = parse(&format!("{line}\n"), &context).unexpandable;
            let first = found.as_ref().and_then(|no| no.lines.first()).map(|line| line.raw());
            let first = first.map(|line| line.trim_start_matches("vdollar_percent_expand: "));
            assert_eq!(first, says, "{line}");
            assert!(found.is_none_or(|no| no.certificate == line.contains("certificate")));
            let elsewhere = Context { variable: None, ..context.clone() };
            assert_eq!(parse(&format!("{line}\n"), &elsewhere).unexpandable, None);
        }
    }

    #[test]
    fn the_agent_that_is_forwarded_may_be_another() {
        let forwarded = |value: &str| {
            let parsed = parse(&format!("forwardagent {value}\n"), &context());
            (parsed.forward_agent, parsed.forward_agent_socket)
        };
        assert_eq!(forwarded("no"), (false, None));
        assert_eq!(forwarded("yes"), (true, None));
        assert_eq!(forwarded("~/a.sock"), (true, Some("/home/jo/a.sock".into())));
        assert_eq!(forwarded("$WORK_AGENT"), (true, Some("$WORK_AGENT".into())));
    }

    #[test]
    fn values_are_read() {
        let e = parse(
            "user jo\nhostname h.example\nport 2222\nidentityfile ~/.ssh/k\nidentityfile %d/%r\n\
             userknownhostsfile none\nstricthostkeychecking false\nidentityagent none\n\
             forwardagent $X\npubkeyauthentication true\nconnecttimeout none\nproxyjump a\n\
             nohostauthenticationforlocalhost yes\n",
            &context(),
        );
        assert_eq!((e.host.as_str(), e.port, e.user_is_local_default), ("h.example", 2222, true));
        let files: Vec<_> = e.identity_files.iter().map(|f| (f.path.as_str(), f.named)).collect();
        assert_eq!(files, [("/home/jo/.ssh/k", true), ("/home/jo/jo", true)]);
        assert!(e.user_known_hosts_files.is_empty() && e.forward_agent && e.is_proxied());
        assert_eq!(e.identity_agent, IdentityAgent::None);
        assert_eq!(e.strict_host_key_checking, StrictHostKeyChecking::No);
        assert_eq!(e.connect_timeout_s, None);
        let limit = |text: &str| parse(text, &context()).connect_timeout_s;
        assert_eq!((limit("connecttimeout 0"), limit("connecttimeout 7")), (None, Some(7)));
        assert!(e.no_host_authentication_for_localhost);
    }

    #[test]
    fn qualities() {
        let byte = |text: &str| parse(&format!("ipqos {text}"), &context()).ip_qos;
        for (text, expected) in [
            ("af21 cs1", Some(0x48)),
            ("ef none", Some(0xb8)),
            ("lowdelay throughput", Some(0x10)),
            ("cs7 cs7", Some(0xe0)),
            ("0x2c 0x2c", Some(0x2c)),
            ("none none", None),
            ("af99", None),
            ("cs", None),
        ] {
            assert_eq!(byte(text), expected, "{text}");
        }
    }

    #[test]
    fn the_default_list_was_named_by_nobody() {
        let text: String =
            DEFAULT_FILES.iter().map(|f| format!("identityfile ~/.ssh/{f}\n")).collect();
        assert!(parse(&text, &context()).identity_files.iter().all(|f| !f.named));
        assert!(parse("identityfile ~/.ssh/id_rsa", &context()).identity_files[0].named);
        let missing = Context { named_files: vec!["~/gone".into(), "~/gone".into()], ..context() };
        let files = parse(&text, &missing).identity_files;
        assert_eq!((files[0].path.as_str(), files[0].named), ("/home/jo/gone", true));
        assert!(files[0].left_out && !files[1].left_out);
        // What IdentityFile names as well is tried, whether it is there or not.
        let both = parse("identityfile ~/gone\n", &missing).identity_files;
        assert!(both.len() == 1 && !both[0].left_out);
        assert_eq!(files.iter().filter(|file| file.path == "/home/jo/gone").count(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}", key in "[a-z]{0,12}", value in ".{0,40}") {
            let _ = parse(&text, &context());
            let _ = parse(&format!("{key} {value}\nidentityfile {value}"), &context());
        }
    }
}
