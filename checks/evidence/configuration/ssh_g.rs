//! Reads what `ssh -G` prints. Pure.

use std::collections::HashMap;

use super::{AddressFamily, Effective, IdentityAgent, IdentityPath, StrictHostKeyChecking};

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
    let expand = |path: &str| expand(path, context, &host, &user, port);
    let paths = |key: &str, otherwise: &str| -> Vec<String> {
        match get(key) {
            Some("none") => Vec::new(),
            value => value.unwrap_or(otherwise).split_whitespace().map(expand).collect(),
        }
    };
    let is_default = |path: &&str| {
        path.strip_prefix("~/.ssh/").is_some_and(|name| DEFAULT_FILES.contains(&name))
    };
    // One name of the list alone was named by somebody: without any name, ssh prints them all.
    let named = files.len() < 3 || !files.iter().all(is_default);
    let by_option = context.named_files.iter().map(|path| (expand(path), true));
    let told = files.iter().filter(|path| **path != "none").map(|path| (expand(path), named));
    let mut identity_files: Vec<IdentityPath> = Vec::new();
    for (path, named) in by_option.chain(told) {
        // A file that is named twice is tried once (readconf.c, add_identity_file).
        if !identity_files.iter().any(|known| known.path == path) {
            identity_files.push(IdentityPath { path, named });
        }
    }
    Effective {
        user_is_local_default: !context.user_named && user == context.user,
        address_family: match get("addressfamily") {
            Some("inet") => AddressFamily::Inet,
            Some("inet6") => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        },
        bind_address: set("bindaddress").map(str::to_owned),
        bind_interface: set("bindinterface").map(str::to_owned),
        connect_timeout_s: get("connecttimeout").and_then(|t| t.parse().ok()),
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

/// `~` and the tokens of `ssh_config(5)`, which `ssh -G` leaves as they are.
fn expand(path: &str, context: &Context, host: &str, user: &str, port: u16) -> String {
    let path = path.trim_matches('"');
    let (mut out, rest) = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => (context.home.clone(), rest),
        _ => (String::new(), path),
    };
    let mut letters = rest.chars();
    while let Some(c) = letters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match letters.next() {
            Some('%') => out.push('%'),
            Some('d') => out.push_str(&context.home),
            Some('h') => out.push_str(host),
            Some('n') => out.push_str(&context.host),
            Some('r') => out.push_str(user),
            Some('u') => out.push_str(&context.user),
            Some('p') => out.push_str(&port.to_string()),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
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
             forwardagent $X\npubkeyauthentication true\nconnecttimeout none\nproxyjump a\n",
            &context(),
        );
        assert_eq!((e.host.as_str(), e.port, e.user_is_local_default), ("h.example", 2222, true));
        let files: Vec<_> = e.identity_files.iter().map(|f| (f.path.as_str(), f.named)).collect();
        assert_eq!(files, [("/home/jo/.ssh/k", true), ("/home/jo/jo", true)]);
        assert!(e.user_known_hosts_files.is_empty() && e.forward_agent && e.is_proxied());
        assert_eq!(e.identity_agent, IdentityAgent::None);
        assert_eq!(e.strict_host_key_checking, StrictHostKeyChecking::No);
        assert_eq!(e.connect_timeout_s, None);
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
