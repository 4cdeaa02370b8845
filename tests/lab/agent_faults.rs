//! Agents that hang, refuse, are locked, keep keys back, or are the wrong ones.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::PathBuf,
    time::Duration,
};

use crate::{
    generations::with,
    oracle::{
        Expect::{ButLogsIn, NotReady, Ready},
        preflight, report, with_config,
    },
    situations::{args, me, situations},
    world::{Key, OpenSsh, World},
};

/// A socket at which something answers with these bytes, or says nothing and holds the connection.
fn answers(w: &mut World, reply: Option<&'static [u8]>) {
    let socket = w.dot_ssh("odd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 256]);
                match reply {
                    Some(bytes) => _ = stream.write_all(bytes),
                    None => std::thread::sleep(Duration::from_secs(60)),
                }
            });
        }
    });
    w.agent = Some(socket);
}

/// The key in the agent alone.
fn in_agent_alone(w: &mut World) -> Key {
    let key = w.key("id_a", "ed25519");
    w.agent(&[&key]);
    w.without_pub(&key);
    fs::remove_file(&key.path).unwrap();
    key
}

/// Locks the agent of this world with a password.
fn lock(w: &mut World) {
    let asks = w.write("ask", "#!/bin/sh\necho correct horse\n", 0o700);
    w.secrets.push("correct horse".into());
    let mut lock = w.command("ssh-add");
    lock.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap()).env("SSH_ASKPASS", asks);
    w.must(lock.env("SSH_ASKPASS_REQUIRE", "force").arg("-x"));
}

/// Loads a key that the agent may use with one host only, named as in known_hosts.
fn load_for(w: &mut World, key: &Key, host: &str, host_key: &str) {
    let known = w.write("hosts", format!("{host} {host_key}\n"), 0o600);
    let socket = w.agent(&[]);
    let mut add = w.command("ssh-add");
    add.env("SSH_AUTH_SOCK", socket).args(["-q", "-h", host, "-H"]).arg(known).arg(&key.path);
    w.must(&mut add);
}

/// An agent that `SSH_AUTH_SOCK` does not name, where a desktop starts it.
fn elsewhere(w: &mut World, key: &Key) -> PathBuf {
    let run = w.home().join("run");
    fs::create_dir(&run).unwrap();
    w.person.owns(&run);
    let inside = w.agent(&[key]);
    w.agent = None;
    let socket = run.join("ssh-agent.socket");
    fs::rename(inside, &socket).unwrap();
    w.environment.push(("XDG_RUNTIME_DIR", run));
    socket
}

situations! {
    /// ssh asks the agent first, and waits for ever, whatever there is in files.
    agent_that_hangs: NotReady("agent-unreachable"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        answers(w, None);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    agent_that_hangs_and_is_not_asked: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        answers(w, None);
        (args!["-o", "IdentityAgent=none", "-i", key.arg(), "-p", port, me(w)], None)
    }
    agent_that_refuses_its_list: NotReady("agent-unreachable"), |w| {
        let key = w.key("id_z", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        answers(w, Some(&[0, 0, 0, 1, 5]));
        (args!["-p", port, me(w)], None)
    }
    agent_that_refuses_beside_a_file: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        answers(w, Some(&[0, 0, 0, 1, 5]));
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    agent_that_is_a_web_server: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        answers(w, Some(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    agent_of_somebody_else: NotReady("agent-unreachable"), |w| {
        in_agent_alone(w);
        let socket = w.agent.clone().unwrap();
        if w.person.by_root {
            std::os::unix::fs::chown(&socket, Some(0), Some(0)).unwrap();
        }
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
        let port = w.sshd(&[], &[]);
        (args!["-p", port, me(w)], None)
    }
    agent_path_that_is_a_file: NotReady("agent-unreachable"), |w| {
        let port = w.sshd(&[], &[]);
        w.agent = Some(w.write("not-a-socket", "", 0o600));
        (args!["-p", port, me(w)], None)
    }

    // The right key, hidden.
    agent_alone_hidden_by_identities_only: NotReady("no-key"), |w| {
        let key = in_agent_alone(w);
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "IdentitiesOnly=yes", "-p", port, me(w)], None)
    }
    another_agent_in_the_configuration: NotReady("agent-unreachable"), |w| {
        let key = in_agent_alone(w);
        let port = w.sshd(&[&key], &[]);
        w.config(&format!("IdentityAgent {}", w.dot_ssh("gone.sock").display()));
        (args!["-p", port, me(w)], None)
    }
    agent_that_is_not_announced: NotReady("agent-not-running"), |w| {
        let key = w.key("id_a", "ed25519");
        elsewhere(w, &key);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        (args!["-p", port, me(w)], None)
    }
    public_half_of_a_key_in_an_agent_that_is_not_announced: NotReady("key-is-public"), |w| {
        let key = w.key("id_a", "ed25519");
        elsewhere(w, &key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.pub_path().display(), "-p", port, me(w)], None)
    }
    wrong_keys_in_the_agent: NotReady("key-not-accepted"), |w| {
        let (held, right) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        w.agent(&[&held]);
        let port = w.sshd(&[&right], &[]);
        (args!["-o", "IdentityFile=none", "-p", port, me(w)], None)
    }

    // Locked.
    locked_agent: NotReady("agent-locked"), |w| {
        let key = in_agent_alone(w);
        let port = w.sshd(&[&key], &[]);
        lock(w);
        (args!["-p", port, me(w)], None)
    }
    locked_agent_to_be_forwarded: ButLogsIn("agent-locked"), |w| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[&key]);
        let port = w.sshd(&[&key], &[]);
        lock(w);
        (args!["-A", "-i", key.arg(), "-p", port, me(w)], None)
    }
    locked_agent_beside_a_file: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[&key]);
        let port = w.sshd(&[&key], &[]);
        lock(w);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }

    // Loaded for some hosts only.
    key_for_another_host: NotReady("agent-key-restricted"), |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.server_key("other", "ed25519"));
        let port = w.sshd(&[&key], &[]);
        load_for(w, &key, "shop.example", &other.public);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        (args!["-p", port, me(w)], None)
    }
    key_for_this_host: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let host = fs::read_to_string(w.server("host.pub")).unwrap();
        load_for(w, &key, &format!("[127.0.0.1]:{port}"), host.trim());
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        (args!["-p", port, me(w)], None)
    }
    key_for_another_host_beside_its_file: Ready, |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.server_key("other", "ed25519"));
        let port = w.sshd(&[&key], &[]);
        load_for(w, &key, "shop.example", &other.public);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
}

#[test]
fn a_key_kept_back_by_a_young_agent() {
    let name = "a_key_kept_back_by_a_young_agent/both-new";
    with(name, OpenSsh::Ten, OpenSsh::Ten, NotReady("agent-key-restricted"), |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.server_key("other", "ed25519"));
        let port = w.sshd(&[&key], &[]);
        load_for(w, &key, "shop.example", &other.public);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        args!["-p", port, me(w)]
    });
}

/// The other agent is named with the command that uses it, and that command helps.
#[test]
fn the_agent_that_is_meant_is_named() {
    crate::in_a_world("the_agent_that_is_meant_is_named", |w| {
        let key = w.key("id_a", "ed25519");
        let socket = elsewhere(w, &key);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        let typed: Vec<String> = args!["--format", "json", "-p", port, me(w)];
        let typed = with_config(w, &typed);
        let told = report(&preflight(w, &typed));
        let steps = told["diagnosis"]["next_steps"].as_array().unwrap();
        let commands: Vec<_> = steps.iter().filter_map(|step| step["command"].as_str()).collect();
        let wanted = format!("export SSH_AUTH_SOCK={}", socket.display());
        assert!(commands.contains(&wanted.as_str()), "{told:#}");
        w.agent = Some(socket.clone());
        assert_eq!(report(&preflight(w, &typed))["verdict"], "ready");
    });
}
