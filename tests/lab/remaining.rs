//! Situations that need a table of their own: a server that says yes to anybody, a run that is
//! broken off, a home that others can write to.

use std::{
    borrow::Cow,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use russh::{
    Preferred,
    keys::{Algorithm, PrivateKey, ssh_key::private::Ed25519Keypair},
    server::{Auth, Config, Handler, PublicKeyOffer, VerifiedPublicKey, run_stream},
};

use crate::{
    faults::{self, Fault},
    in_a_world,
    oracle::{
        Expect::{Inconclusive, NotReady},
        preflight, program, report, with_config,
    },
    person::run,
    situations::{args, me, situations},
    table,
    world::World,
};

/// Says that it would take any key, and then takes no proof: some servers do so, lest anybody
/// learn which keys they know.
struct YesMan;

impl Handler for YesMan {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        _offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(Auth::reject())
    }
}

/// A server of that kind, whose key the world knows, and what it takes.
pub fn yes_man(w: &World, preferred: Preferred) -> Fault {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
    let public = key.public_key().to_openssh().unwrap();
    let config = Config {
        auth_rejection_time: Duration::ZERO,
        keys: vec![key],
        preferred,
        nodelay: true,
        ..Config::default()
    };
    let config = Arc::new(config);
    let fault = Fault::start(move |stream, _| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            if let Ok(running) = run_stream(Arc::clone(&config), stream, YesMan).await {
                let _ = running.await;
            }
        });
    });
    w.know(&format!("[127.0.0.1]:{} {public}", fault.port));
    fault
}

situations! {
    a_server_that_says_yes_to_any_key: Inconclusive("accepts-anything"), |w| {
        let key = w.key("id_a", "ed25519");
        let fault = yes_man(w, Preferred::default());
        (args!["-i", key.arg(), "-p", fault.port, me(w)], Some(fault))
    }
    /// As servers of many years ago do.
    a_server_that_takes_rsa_keys_with_sha1_alone: NotReady("key-type-refused"), |w| {
        let key = w.key("id_rsa", "rsa");
        let signatures = [Algorithm::Ed25519, Algorithm::Rsa { hash: None }];
        let key_algorithms = Cow::Owned(signatures.to_vec());
        let fault = yes_man(w, Preferred { key: key_algorithms, ..Preferred::default() });
        (args!["-i", key.arg(), "-p", fault.port, me(w)], Some(fault))
    }
}

fn silent(w: &mut World) -> (Fault, Vec<String>) {
    let key = w.key("id_a", "ed25519");
    let fault = Fault::start(faults::silent);
    let arguments = args!["-i", key.arg(), "-p", fault.port, me(w)];
    (fault, with_config(w, &arguments))
}

/// Ctrl-C gives the report so far, as not found out.
#[test]
fn a_run_that_is_broken_off_tells_what_it_saw() {
    in_a_world("a_run_that_is_broken_off_tells_what_it_saw", |w| {
        let (fault, arguments) = silent(w);
        // With nohup, a terminal that is closed is no reason to end.
        for (signals, before) in [
            (&["-INT"][..], None),
            (&["-TERM"], None),
            (&["-HUP"], None),
            (&["-HUP", "-TERM"], Some("/usr/bin/nohup")),
        ] {
            let connected = fault.connections();
            let mut command = match before {
                Some(before) => {
                    let mut command = w.person.command(Path::new(before), &w.home());
                    command.arg(program());
                    command
                }
                None => w.person.command(program(), &w.home()),
            };
            command.args(["--format", "json"]).args(&arguments);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            crate::world::until("the connection", || fault.connections() > connected);
            // As root the child is a wrapper that has become the program, under the same number.
            let pid = child.id().to_string();
            let (last, ignored) = signals.split_last().unwrap();
            for signal in ignored {
                run(Command::new("kill").args([signal, &pid.as_str()]));
                std::thread::sleep(Duration::from_millis(500));
                assert!(child.try_wait().unwrap().is_none(), "{signal} with {before:?}");
            }
            let began = Instant::now();
            run(Command::new("kill").args([last, &pid.as_str()]));
            let out = child.wait_with_output().unwrap();
            assert!(began.elapsed() < Duration::from_secs(5), "it ends at once");
            let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
            assert_eq!(report["diagnosis"]["id"], "interrupted", "{report:#}");
            let made = &report["checks"][2]["status"];
            assert_eq!(made, "pass", "the connection was made: {report:#}");
            assert_eq!(out.status.code(), Some(3));
        }
        let ssh = crate::oracle::ssh(w, &arguments);
        table::row("a run that is broken off", w, &ssh, Some("interrupted"));
    });
}

#[test]
fn a_time_limit_tells_what_was_seen() {
    in_a_world("a_time_limit_tells_what_was_seen", |w| {
        let (_fault, arguments) = silent(w);
        let own = ["--format", "json", "--timeout", "1s"].map(str::to_owned);
        let ended = preflight(w, &[&own[..], &arguments].concat());
        let report = report(&ended);
        assert_eq!(report["diagnosis"]["id"], "timed-out", "{report:#}");
        assert_eq!(ended.code(), Some(3));
        let ssh = crate::oracle::ssh(w, &arguments);
        table::row("a time limit that is too short", w, &ssh, Some("timed-out"));
    });
}

/// ssh looks at who could change the configuration in the home that the passwd database names.
#[test]
fn a_configuration_that_others_could_change() {
    in_a_world("a_configuration_that_others_could_change", |w| {
        if !w.person.by_root {
            return crate::skip("a_configuration_that_others_could_change", "it is your own home");
        }
        let folder = w.person.passwd_home.join(".ssh");
        fs::create_dir_all(&folder).unwrap();
        w.person.owns(&folder);
        let config = folder.join("config");
        fs::write(&config, "").unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o666)).unwrap();
        w.person.owns(&config);
        let arguments = args!["-p", crate::world::free_port(), me(w)];
        let own = ["--format", "json"].map(str::to_owned);
        let ended = preflight(w, &[&own[..], &arguments].concat());
        let ssh = crate::oracle::ssh(w, &arguments);
        fs::remove_file(&config).unwrap();
        let report = report(&ended);
        assert_eq!(report["diagnosis"]["id"], "ssh-config-permissions", "{report:#}");
        crate::oracle::really_says(&report, &ssh, &report.to_string());
        crate::explained::holds("a configuration that others could change", w, &ssh, &report);
        let line = ssh.last_line().replace(&w.person.passwd_home.display().to_string(), "~");
        assert!(line.contains("Bad owner or permissions"), "{line}");
        table::row(
            "a configuration that others could change",
            w,
            &ssh,
            Some("ssh-config-permissions"),
        );
    });
}
