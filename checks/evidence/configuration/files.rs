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
    ] {
        for value in values(plan, letter) {
            _ = writeln!(lines, "{key} {value}");
        }
    }
    for (flag, line) in
        [("-A", "forwardagent yes"), ("-4", "addressfamily inet"), ("-6", "addressfamily inet6")]
    {
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
