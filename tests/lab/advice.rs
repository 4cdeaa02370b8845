//! What is advised helps: the command of a report is pasted into a shell, and `ssh` gets in.

use std::fs;

use crate::{
    in_a_world,
    oracle::{preflight, report, with_config},
    person::run,
    world::World,
};

/// Runs the advised `ssh` command as it stands, and all commands before it.
fn helps(world: &World, arguments: &[&str]) {
    let arguments: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let own = ["--format", "json"].map(str::to_owned);
    let report = report(&preflight(world, &[&own[..], &with_config(world, &arguments)].concat()));
    assert_eq!(report["verdict"], "not-ready", "{report:#}");
    let steps = report["diagnosis"]["next_steps"].as_array().unwrap();
    let mut commands = Vec::new();
    for command in steps.iter().filter_map(|step| step["command"].as_str()) {
        if command.starts_with("ssh ") {
            // Options may stand behind the host too; what follows them is the remote command.
            commands.push(format!("{command} -o BatchMode=yes true"));
            break;
        }
        commands.push(command.to_owned());
    }
    // An agent that is started on the way ends with this.
    commands.insert(0, "trap 'ssh-agent -k >/dev/null 2>&1 || true' EXIT".to_owned());
    let script = commands.join("\n");
    assert!(script.contains("BatchMode"), "no ssh command is advised: {report:#}");
    let mut shell = world.person.command("/bin/sh", &world.home());
    if let Some(socket) = &world.agent {
        shell.env("SSH_AUTH_SOCK", socket);
    }
    let ended = run(shell.args(["-e", "-c", &script]));
    assert_eq!(ended.code(), Some(0), "{script}\n{}", ended.stderr);
}

fn me(world: &World) -> String {
    format!("{}@127.0.0.1", world.person.name)
}

/// One key, one server with these settings; then the advice for each command line.
fn one_key(name: &str, settings: &[&str], arguments: &[&str]) {
    in_a_world(name, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], settings).to_string();
        let (me, rest) = (me(w), ["-i", key.arg(), "-p", &port]);
        helps(w, &[arguments, &rest[..], &[me.as_str()]].concat());
    });
}

#[test]
fn keys_turned_off() {
    one_key("keys_turned_off", &[], &["-o", "PubkeyAuthentication=no"]);
}
#[test]
fn methods_without_keys() {
    one_key("methods_without_keys", &[], &["-o", "PreferredAuthentications=password"]);
}
#[test]
fn key_type_not_offered() {
    one_key("key_type_not_offered", &[], &["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-512"]);
}
#[test]
fn no_common_cipher() {
    one_key("no_common_cipher", &["Ciphers aes128-ctr"], &["-c", "aes256-gcm@openssh.com"]);
}
#[test]
fn no_common_key_exchange() {
    let only = ["KexAlgorithms diffie-hellman-group14-sha1"];
    one_key("no_common_key_exchange", &only, &[]);
}
/// One command mends all lists, of which `ssh` only names the first.
#[test]
fn nothing_in_common() {
    let old = ["KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc", "MACs hmac-md5"];
    one_key("nothing_in_common", &old, &[]);
    one_key("nothing_in_common", &old, &["-c", "3des-cbc", "-m", "hmac-sha1"]);
}
#[test]
fn option_of_another_system() {
    one_key("option_of_another_system", &[], &["-o", "UseKeychain=yes"]);
}
#[test]
fn target_as_its_own_jump_host() {
    in_a_world("target_as_its_own_jump_host", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]).to_string();
        let me = me(w);
        let jump = format!("{me}:{port}");
        helps(w, &["-J", &jump, "-i", key.arg(), "-p", &port, &me]);
    });
}
#[test]
fn wrong_address_family() {
    one_key("wrong_address_family", &[], &["-6"]);
}

/// The right key is in the agent, and IdentitiesOnly keeps ssh from offering it.
#[test]
fn key_that_identities_only_hides() {
    in_a_world("key_that_identities_only_hides", |w| {
        let (named, right) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        w.agent(&[&right]);
        let port = w.sshd(&[&right], &[]).to_string();
        let (only, me) = ("IdentitiesOnly=yes", me(w));
        let typed = ["-o", only, "-i", named.arg(), "-p", &port, &me].map(str::to_owned);
        let json = ["--format", "json"].map(str::to_owned);
        let before = report(&preflight(w, &[&json[..], &with_config(w, &typed)].concat()));
        assert_eq!(before["diagnosis"]["id"], "key-not-accepted", "{before:#}");
        let advised = before["diagnosis"]["next_steps"][0]["command"].as_str().unwrap();
        let words = shlex::split(advised).unwrap();
        assert_eq!(words[0], "ssh-preflight");
        let after = preflight(w, &[&json[..], &words[1..]].concat());
        assert_eq!(report(&after)["verdict"], "ready", "{advised}: {}", after.stdout);
    });
}

/// The agent of the configuration is another one than that of the terminal, in which `ssh-add` as it is
/// usually typed would load the key.
#[test]
fn agent_of_the_configuration() {
    in_a_world("agent_of_the_configuration", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]).to_string();
        let socket = w.agent(&[]).display().to_string();
        w.agent = None;
        let me = me(w);
        let typed = |agent: &str| {
            let agent = format!("IdentityAgent={agent}");
            ["-A", "-o", &agent, "-i", key.arg(), "-p", &port, &me].map(str::to_owned)
        };
        let words = with_config(w, &typed(&socket));
        let examined =
            || report(&preflight(w, &[&["--format".into(), "json".into()], &words[..]].concat()));
        let before = examined();
        assert_eq!(before["diagnosis"]["id"], "agent-empty", "{before:#}");
        let load = before["diagnosis"]["next_steps"][0]["command"].as_str().unwrap();
        let ended = run(w.person.command("/bin/sh", &w.home()).args(["-c", load]));
        assert_eq!(ended.code(), Some(0), "{load}: {}", ended.stderr);
        assert_eq!(examined()["verdict"], "ready", "{load}");

        let gone = w.dot_ssh("gone.sock").display().to_string();
        helps(w, &typed(&gone).iter().map(String::as_str).collect::<Vec<_>>());
    });
}

#[test]
fn too_many_keys() {
    in_a_world("too_many_keys", |w| {
        let keys: Vec<_> = (0..4).map(|n| w.key(&format!("key_{n}"), "ed25519")).collect();
        let refs: Vec<_> = keys.iter().collect();
        w.agent(&refs[..3]);
        let port = w.sshd(&[&keys[3]], &["MaxAuthTries 2"]).to_string();
        let me = me(w);
        helps(w, &["-i", keys[3].arg(), "-p", &port, &me]);
    });
}

#[test]
fn open_key() {
    in_a_world("open_key", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]).to_string();
        w.write(".ssh/id_a", fs::read(&key.path).unwrap(), 0o644);
        let me = me(w);
        let arguments = ["-i", key.arg(), "-p", &port, &me].map(str::to_owned);
        let own = ["--format", "json"].map(str::to_owned);
        let told = report(&preflight(w, &[&own[..], &with_config(w, &arguments)].concat()));
        let command = told["diagnosis"]["next_steps"][0]["command"].as_str().unwrap();
        w.must(w.person.command("/bin/sh", &w.home()).args(["-e", "-c", command]));
        let again = report(&preflight(w, &[&own[..], &with_config(w, &arguments)].concat()));
        assert_eq!(again["verdict"], "ready", "{command}");
    });
}

/// The key that was compared gets into the file where `ssh` may not ask about it.
#[test]
fn changed_key_under_strict_checking() {
    in_a_world("changed_key_under_strict_checking", |w| {
        let (key, old) = (w.key("id_a", "ed25519"), w.server_key("old", "ed25519"));
        let port = w.sshd(&[&key], &[]).to_string();
        w.write(".ssh/known_hosts", format!("[127.0.0.1]:{port} {}\n", old.public), 0o600);
        let (strict, me) = ("StrictHostKeyChecking=yes", me(w));
        let typed = ["-o", strict, "-i", key.arg(), "-p", &port, &me].map(str::to_owned);
        let json = ["--format", "json"].map(str::to_owned);
        let told = || report(&preflight(w, &[&json[..], &with_config(w, &typed)].concat()));
        let before = told();
        assert_eq!(before["diagnosis"]["id"], "host-key-changed", "{before:#}");
        let steps = before["diagnosis"]["next_steps"].as_array().unwrap();
        let commands: Vec<_> = steps.iter().filter_map(|step| step["command"].as_str()).collect();
        let script = commands.join("\n");
        w.must(w.person.command("/bin/sh", &w.home()).args(["-e", "-c", &script]));
        assert_eq!(told()["verdict"], "ready", "{script}");
    });
}

/// The agent's key is named by its public half, where the private one is gone.
#[test]
fn public_half_of_a_key_in_the_agent() {
    in_a_world("public_half_of_a_key_in_the_agent", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]).to_string();
        w.agent(&[&key]);
        fs::remove_file(&key.path).unwrap();
        let me = me(w);
        helps(w, &["-o", "IdentitiesOnly=yes", "-i", key.arg(), "-p", &port, &me]);
    });
}
