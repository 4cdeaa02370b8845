//! Without an OpenSSH client: reads the files with ssh2-config.

use std::{fmt::Write, io::Cursor, path::Path};

use ssh2_config::{DefaultAlgorithms, HostParams, ParseRule, SshConfig};

use super::{ConfigFile, Context, Effective, Refusal, key_of, scan, ssh_g, values};
use crate::{
    case::Plan,
    evidence::{Seen, Unseen},
    text::Foreign,
};

/// Options first, then the files in their order: the first value of a keyword counts.
pub(super) fn read(
    plan: &Plan,
    files: &[ConfigFile],
    context: &Context,
) -> Seen<Result<Effective, Refusal>> {
    // ssh passes over a default file that it cannot open, but not over one that -F names.
    let named = values(plan, 'F').next().filter(|file| *file != "none");
    if let Some(path) = named.filter(|_| files.iter().all(|file| file.unreadable.is_some())) {
        let why = files.iter().find_map(|file| file.unreadable.clone());
        let why = why.unwrap_or_else(|| "No such file or directory".to_owned());
        let line = format!("Can't open user config file {path}: {why}");
        return Ok(refusal(line));
    }
    let mut lines = options(plan);
    for file in files.iter().filter(|f| f.unreadable.is_none()) {
        let refuse = |why: String| Ok(refusal(format!("{}: {why}", file.path)));
        // Only the user's own default file is held against its mode, not one that -F names.
        let own = format!("{}/.ssh/config", context.home);
        if file.path == own && file.others_could_change_it(context.uid) {
            return Ok(refusal(format!("Bad owner or permissions on {}", file.path)));
        }
        let text = match scan::text_of(Path::new(&file.path)) {
            Ok(text) => text,
            Err(e) => return refuse(e.to_string()),
        };
        let system = file.path.strip_suffix("/ssh_config").filter(|f| *f == "/etc/ssh");
        let folder = system.map_or_else(|| format!("{}/.ssh", context.home), str::to_owned);
        if let Some(why) = scan::obstacle(&text, Path::new(&folder), &context.home, 0) {
            return Err(Unseen::OnlySsh(why));
        }
        let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
        let config = SshConfig::default()
            .home_dir(&context.home)
            .default_algorithms(unknown_algorithms())
            .parse(&mut Cursor::new(text), rules);
        let config = match config {
            Ok(config) => config,
            Err(e) => return refuse(e.to_string()),
        };
        lines.push_str(&params(&config.query(&plan.host), &plan.host));
    }
    let names_a_file = |line: &str| key_of(line).eq_ignore_ascii_case("identityfile");
    if !lines.lines().any(names_a_file) {
        for name in ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"] {
            _ = writeln!(lines, "identityfile ~/.ssh/{name}");
        }
    }
    // What ssh has where nothing is set; the first line counts.
    lines.push_str("securitykeyprovider internal\n");
    Ok(Ok(ssh_g::parse(&lines, context)))
}

fn refusal(line: String) -> Result<Effective, Refusal> {
    Err(Refusal { lines: vec![Foreign::from_bytes(line.as_bytes())], exit: None })
}

/// Stands for the algorithms that `ssh` has built in, which nobody knows where there is no `ssh`.
const UNKNOWN: &str = "?";

/// `Ciphers +aes128-cbc` adds to a list that is not known, so the whole is not known.
fn unknown_algorithms() -> DefaultAlgorithms {
    let unknown = || vec![UNKNOWN.to_owned()];
    DefaultAlgorithms {
        ca_signature_algorithms: unknown(),
        ciphers: unknown(),
        host_key_algorithms: unknown(),
        kex_algorithms: unknown(),
        mac: unknown(),
        pubkey_accepted_algorithms: unknown(),
    }
}

/// The value of an option, or none where it changes a list that is not known.
fn known<'v>(key: &str, value: &'v str) -> &'v str {
    const LISTS: [&str; 5] =
        ["ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms"];
    let changes = LISTS.iter().any(|list| list.eq_ignore_ascii_case(key))
        && value.starts_with(['+', '-', '^']);
    if changes { "" } else { value }
}

/// ssh's options as lines.
fn options(plan: &Plan) -> String {
    let mut lines = String::new();
    if let Some(port) = plan.port {
        _ = writeln!(lines, "port {port}");
    }
    if let Some(user) = &plan.user {
        _ = writeln!(lines, "user {user}");
    }
    for (letter, key) in [
        ('p', "port"),
        ('l', "user"),
        ('i', "identityfile"),
        ('J', "proxyjump"),
        ('b', "bindaddress"),
        ('B', "bindinterface"),
        ('c', "ciphers"),
        ('m', "macs"),
    ] {
        for value in values(plan, letter) {
            _ = writeln!(lines, "{key} {}", known(key, value));
        }
    }
    for (flag, line) in [
        ("-A", "forwardagent yes"),
        ("-a", "forwardagent no"),
        ("-4", "addressfamily inet"),
        ("-6", "addressfamily inet6"),
    ] {
        if plan.ssh_options.iter().any(|o| o == flag) {
            _ = writeln!(lines, "{line}");
        }
    }
    for option in values(plan, 'o') {
        // `Key=value` or `Key value`: a `=` in the value stays.
        let key = key_of(option);
        let value = option.trim().get(key.len()..).unwrap_or_default();
        let value = value.trim_start().strip_prefix('=').unwrap_or(value).trim();
        _ = writeln!(lines, "{key} {}", known(key, value));
    }
    lines
}

fn params(params: &HostParams, host: &str) -> String {
    let mut lines = String::new();
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    let single = [
        ("hostname", params.host_name.as_ref().map(|name| host_name(name, host))),
        ("user", params.user.clone()),
        ("port", params.port.map(|p| p.to_string())),
        ("bindaddress", params.bind_address.clone()),
        ("bindinterface", params.bind_interface.clone()),
        ("connecttimeout", params.connect_timeout.map(|t| t.as_secs().to_string())),
        ("forwardagent", params.forward_agent.map(yes)),
        ("pubkeyauthentication", params.pubkey_authentication.map(yes)),
        ("proxyjump", params.proxy_jump.as_ref().map(|hosts| hosts.join(","))),
        ("certificatefile", params.certificate_file.as_ref().map(|p| p.display().to_string())),
    ];
    for (key, value) in single {
        if let Some(value) = value {
            _ = writeln!(lines, "{key} {value}");
        }
    }
    for path in params.identity_file.iter().flatten() {
        _ = writeln!(lines, "identityfile {}", path.display());
    }
    for (key, algorithms) in [
        ("ciphers", &params.ciphers),
        ("hostkeyalgorithms", &params.host_key_algorithms),
        ("kexalgorithms", &params.kex_algorithms),
        ("macs", &params.mac),
        ("pubkeyacceptedalgorithms", &params.pubkey_accepted_algorithms),
    ] {
        if !algorithms.is_default() {
            let names = algorithms.algorithms();
            let known = !names.iter().any(|name| name == UNKNOWN);
            _ = writeln!(lines, "{key} {}", if known { names.join(",") } else { String::new() });
        }
    }
    for (key, values) in params.unsupported_fields.iter().chain(&params.ignored_fields) {
        _ = writeln!(lines, "{key} {}", values.join(" "));
    }
    lines
}

/// HostName may name the typed host (`%h`, and `%%`); it knows no other token.
fn host_name(name: &str, typed: &str) -> String {
    let parts: Vec<_> = name.split("%%").map(|part| part.replace("%h", typed)).collect();
    parts.join("%")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::evidence::{configuration::AddressFamily, made};

    fn read_with(options: &[&str], files: &[ConfigFile], home: &str) -> Result<Effective, Refusal> {
        let mut plan = made::plan();
        plan.host = "shop".into();
        plan.user = None;
        plan.ssh_options = options.iter().map(|&o| o.to_owned()).collect();
        let context = Context {
            home: home.into(),
            user: "ada".into(),
            host: "shop".into(),
            ..Context::default()
        };
        read(&plan, files, &context).unwrap()
    }

    #[test]
    fn options_count_before_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config").display().to_string();
        std::fs::write(
            &path,
            "Host shop\n  HostName shop.example\n  User bob\n  Port 2222\n  Ciphers aes256-ctr\n  \
             NoHostAuthenticationForLocalhost yes\n",
        )
        .unwrap();
        let file = ConfigFile { path, owner: None, mode: None, unreadable: None };
        let files = std::slice::from_ref(&file);
        let plain = read_with(&[], files, "/home/ada").unwrap();
        assert_eq!(
            (plain.host.as_str(), plain.user.as_str(), plain.port),
            ("shop.example", "bob", 2222)
        );
        assert_eq!(plain.ciphers, ["aes256-ctr"]);
        assert!(plain.no_host_authentication_for_localhost);
        assert!(plain.identity_files.iter().any(|f| f.path == "/home/ada/.ssh/id_ed25519"));
        let typed = ["-4", "-A", "-o", "User=eve", "-c", "aes128-ctr", "-i", "/k"];
        let typed = read_with(&typed, files, "/home/ada").unwrap();
        assert_eq!((typed.user.as_str(), typed.forward_agent), ("eve", true));
        assert_eq!(typed.address_family, AddressFamily::Inet);
        assert_eq!(typed.ciphers, ["aes128-ctr"]);
        assert_eq!(typed.identity_files.first().unwrap().path, "/k");
        let typed = ["-o", "IdentityFile=/k", "-o", "ProxyCommand nc --to=%h"];
        let typed = read_with(&typed, files, "/home/ada").unwrap();
        assert_eq!(typed.identity_files.len(), 1, "{:?}", typed.identity_files);
        assert_eq!(typed.proxy_command.as_deref(), Some("nc --to=%h"));
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config").display().to_string();
        let file = ConfigFile { path: path.clone(), owner: None, mode: None, unreadable: None };
        let files = std::slice::from_ref(&file);
        let text = "Host shop\n  HostName %h.example\n  Ciphers +aes128-cbc\n  MACs hmac-sha1\n";
        std::fs::write(&path, text).unwrap();
        let effective =
            read_with(&["-o", "KexAlgorithms=-curve25519-sha256"], files, "/h").unwrap();
        assert_eq!(effective.host, "shop.example");
        assert_eq!((effective.ciphers.len(), effective.kex_algorithms.len()), (0, 0));
        assert_eq!(effective.macs, ["hmac-sha1"]);
        std::fs::write(&path, "Host a\nMatch host shop\n  User bob\n").unwrap();
        let context = Context::default();
        let unable = read(&made::plan(), files, &context).unwrap_err();
        assert!(matches!(unable, Unseen::OnlySsh(why) if why.contains("Match")));
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let refusal = read_with(&["-F", "/nowhere"], &[], "/home/ada").unwrap_err();
        assert!(refusal.lines.first().unwrap().raw().contains("user config file /nowhere"));
        assert!(read_with(&["-F", "none"], &[], "/home/ada").is_ok());
        assert!(read_with(&[], &[], "/home/ada").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config").display().to_string();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()));
        let file = ConfigFile { path, owner: None, mode: None, unreadable: None };
        let refusal = read_with(&[], &[file], "/home/ada").unwrap_err();
        assert!(refusal.lines.first().unwrap().raw().contains("not a regular file"));
    }

    #[test]
    fn a_default_file_that_others_could_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        std::fs::create_dir(folder.path().join(".ssh")).unwrap();
        let path = format!("{home}/.ssh/config");
        std::fs::write(&path, "User bob\n").unwrap();
        for (owner, mode, refused) in
            [(0, 0o644, false), (0, 0o664, true), (0, 0o646, true), (4711, 0o600, true)]
        {
            let file = ConfigFile {
                path: path.clone(),
                owner: Some(owner),
                mode: Some(mode),
                unreadable: None,
            };
            let read = read_with(&[], &[file], &home);
            assert_eq!(read.is_err(), refused, "{owner} {mode:o}");
            if let Err(refusal) = read {
                let line = refusal.lines.first().unwrap().raw().to_owned();
                assert_eq!(line, format!("Bad owner or permissions on {path}"));
            }
        }
    }
}
