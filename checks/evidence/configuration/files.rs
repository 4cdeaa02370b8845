//! Without an OpenSSH client: reads the files with ssh2-config.

use std::{fmt::Write, io::Cursor};

use ssh2_config::{DefaultAlgorithms, HostParams, ParseRule, SshConfig};

use super::{ConfigFile, Context, Effective, Refusal, ssh_g, values};
use crate::{case::Plan, text::Foreign};

/// Options first, then the files in their order: the first value of a keyword counts.
pub(super) fn read(
    plan: &Plan,
    files: &[ConfigFile],
    context: &Context,
) -> Result<Effective, Refusal> {
    let mut lines = options(plan);
    for file in files.iter().filter(|f| f.unreadable.is_none()) {
        let refuse = |why: String| Refusal {
            lines: vec![Foreign::from_bytes(format!("{}: {why}", file.path).as_bytes())],
            exit: None,
        };
        // Only the user's own default file is held against its mode, not one that -F names.
        let own = format!("{}/.ssh/config", context.home);
        if file.path == own && file.others_could_change_it(context.uid) {
            let line = format!("Bad owner or permissions on {}", file.path);
            return Err(Refusal { lines: vec![Foreign::from_bytes(line.as_bytes())], exit: None });
        }
        let text = std::fs::read_to_string(&file.path).map_err(|e| refuse(e.to_string()))?;
        let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
        let config = SshConfig::default()
            .home_dir(&context.home)
            .default_algorithms(DefaultAlgorithms::empty())
            .parse(&mut Cursor::new(text), rules)
            .map_err(|e| refuse(e.to_string()))?;
        lines.push_str(&params(&config.query(&plan.host)));
    }
    if !lines.contains("identityfile ") {
        for name in ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"] {
            _ = writeln!(lines, "identityfile ~/.ssh/{name}");
        }
    }
    // What ssh has where nothing is set; the first line counts.
    lines.push_str("securitykeyprovider internal\n");
    Ok(ssh_g::parse(&lines, context))
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
            _ = writeln!(lines, "{key} {value}");
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
        _ = writeln!(lines, "{}", option.replacen('=', " ", 1));
    }
    lines
}

fn params(params: &HostParams) -> String {
    let mut lines = String::new();
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    let single = [
        ("hostname", params.host_name.clone()),
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
            _ = writeln!(lines, "{key} {}", algorithms.algorithms().join(","));
        }
    }
    for (key, values) in params.unsupported_fields.iter().chain(&params.ignored_fields) {
        _ = writeln!(lines, "{key} {}", values.join(" "));
    }
    lines
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
        read(&plan, files, &context)
    }

    #[test]
    fn options_count_before_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config").display().to_string();
        std::fs::write(
            &path,
            "Host shop\n  HostName shop.example\n  User bob\n  Port 2222\n  Ciphers aes256-ctr\n",
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
        assert!(plain.identity_files.iter().any(|f| f.path == "/home/ada/.ssh/id_ed25519"));
        let typed = ["-4", "-A", "-o", "User=eve", "-c", "aes128-ctr", "-i", "/k"];
        let typed = read_with(&typed, files, "/home/ada").unwrap();
        assert_eq!((typed.user.as_str(), typed.forward_agent), ("eve", true));
        assert_eq!(typed.address_family, AddressFamily::Inet);
        assert_eq!(typed.ciphers, ["aes128-ctr"]);
        assert_eq!(typed.identity_files.first().unwrap().path, "/k");
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
