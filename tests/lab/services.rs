//! Further services of a provider, by a profile that names them: a Git server that greets in place of
//! giving a shell. `ssh -T` is the oracle.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    in_a_world,
    oracle::{preflight, report, ssh, with_config},
    situations::args,
    world::{Key, World, until},
};

pub const GREETING: &str = "hello alex, this is git@lab running gitolite3 v3.6.12 on git 2.39.2";

/// A server that runs a program of its own for this key, as gitolite does, and a profile whose
/// service it is. Returned are the port and the file of the profile.
fn repository(w: &mut World, key: &Key, listed: bool) -> (u16, String) {
    let program = program(w);
    let port = w.sshd(&[], &[]);
    if listed {
        let line = format!("restrict,command=\"{}\" {}\n", program.display(), key.public);
        fs::write(w.server("authorized_keys"), line).unwrap();
    }
    let profile = profile(w, "127.0.0.1", port);
    let file = w.write("lab.toml", profile, 0o600);
    (port, file.to_str().unwrap().to_owned())
}

/// The program that gitolite runs in place of a shell: it greets, and takes no other command.
pub fn program(w: &World) -> PathBuf {
    let program = w.server("gitolite-shell");
    let script = format!(
        "#!/bin/sh\nif [ -n \"$SSH_ORIGINAL_COMMAND\" ]; then\n  echo \"FATAL: unknown git/gitolite \
         command: '$SSH_ORIGINAL_COMMAND'\" >&2\n  exit 1\nfi\necho '{GREETING}'\necho\necho ' R W shop'\n"
    );
    fs::write(&program, script).unwrap();
    w.must(std::process::Command::new("chmod").args(["755"]).arg(&program));
    program
}

/// A profile with a repository at this place, which has a list of keys of its own.
pub fn profile(w: &World, host: &str, port: u16) -> String {
    format!(
        "name = \"lab\"\nhosts = [\"*.lab.test\"]\n\n[[services]]\nname = \"repository\"\n\
         title = \"The lab's repository\"\nhost = \"{host}\"\nuser = \"{}\"\nport = {port}\n\
         greeting = \"(?m)^hello .*gitolite\"\nnote = \"It speaks SSH on an odd port.\"\n\n\
         [services.portal]\nname = \"the lab's portal\"\nurl = \"https://portal.lab.test\"\n\
         key_path = [\"Your keys\"]\nenvironment_key_path = [\"Repository\", \"SSH keys\"]\n\
         pending = [\"Pending\"]\nactive = [\"Active\"]\nfingerprint_form = \"md5\"\n",
        w.person.name
    )
}

fn examine(w: &World, key: &Key, own: &[&str]) -> Value {
    let own = own.iter().map(|word| (*word).to_owned());
    let named = args!["-i", key.arg()];
    let words: Vec<_> = own.chain(with_config(w, &named)).collect();
    report(&preflight(w, &words))
}

fn check<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap()
}

#[test]
fn a_service_that_greets() {
    in_a_world("a_service_that_greets", |w| {
        let key = w.key("id_a", "ed25519");
        let (port, profile) = repository(w, &key, true);
        let service = ["--format", "json", "--profile", &profile, "--service", "repository"];
        let unsigned = examine(w, &key, &service);
        assert_eq!(unsigned["verdict"], "ready", "{unsigned:#}");
        assert_eq!(unsigned["target"]["port"], port);
        assert!(unsigned.to_string().contains("odd port"), "the note of the profile");
        assert!(!w.sshd_log().contains("Starting session"), "{}", w.sshd_log());

        let logged_in = examine(w, &key, &[&service[..], &["--login"]].concat());
        assert_eq!(logged_in["verdict"], "ready", "{logged_in:#}");
        let login = check(&logged_in, "login");
        assert_eq!(login["status"], "pass", "{login:#}");
        assert!(login["summary"].as_str().unwrap().contains(GREETING), "{login:#}");
        until("the session", || w.sshd_log().contains("Starting session: "));
        assert_eq!(w.sshd_log().matches("Starting session").count(), 1, "{}", w.sshd_log());

        // What git itself does there, and `ssh -T`.
        let user = w.person.name.clone();
        let words = args!["-T", "-i", key.arg(), "-p", port, format!("{user}@127.0.0.1")];
        let arguments = with_config(w, &words);
        let mut command = w.command("ssh");
        let greeted = w.must(command.args(["-o", "BatchMode=yes"]).args(&arguments));
        assert!(greeted.starts_with("hello "), "{greeted}");
    });
}

#[test]
fn a_service_with_a_list_of_keys_of_its_own() {
    in_a_world("a_service_with_a_list_of_keys_of_its_own", |w| {
        let key = w.key("id_a", "ed25519");
        let (port, profile) = repository(w, &key, false);
        let own = ["--format", "json", "--profile", &profile, "--service", "repository"];
        let found = examine(w, &key, &own);
        assert_eq!(found["diagnosis"]["id"], "key-not-accepted", "{found:#}");
        let steps = found["diagnosis"]["next_steps"].to_string();
        assert!(steps.contains("Repository → SSH keys"), "the service's own list: {steps}");
        let register = &check(&found, "portal")["evidence"]["register"];
        assert_eq!(register["environment_key_path"][0], "Repository");
        let line = register["line"].as_str().unwrap();
        assert!(key.public.starts_with(line), "{line}");
        let user = w.person.name.clone();
        let words = args!["-i", key.arg(), "-p", port, format!("{user}@127.0.0.1")];
        let refused = ssh(w, &with_config(w, &words));
        assert_eq!(refused.code(), Some(255));
        // Both at once: the environment that was typed, and the service.
        let both = examine(w, &key, &[&own[..], &["nowhere.lab.test"]].concat());
        assert_eq!(both["reports"].as_array().unwrap().len(), 2, "{both:#}");
    });
}
