//! Real logins (`--login`), with `ssh HOST hostname` as the oracle.
//!
//! Of each run the server's log has to tell of exactly what was announced: one connection, one
//! proof, one session for each command; and at either end every file is as it was.

use std::{fs, time::Duration};

use serde_json::Value;

use crate::{
    cases, in_a_world,
    oracle::{
        Expect::{self, ButLogsIn, NotReady, Ready},
        inventory, keeps_secrets, preflight, report, with_config,
    },
    person::{Ended, run_for},
    situations::{args, me},
    table,
    world::{Key, OpenSsh, World, until},
};

/// What a run has to leave in the log of the server.
#[derive(Debug, Clone, Copy)]
pub struct Traces {
    /// Keys that were proven to it.
    pub proofs: usize,
    /// Sessions that began.
    pub sessions: usize,
}

pub const ONE: Traces = Traces { proofs: 1, sessions: 1 };
pub const TWO: Traces = Traces { proofs: 1, sessions: 2 };
pub const NONE: Traces = Traces { proofs: 0, sessions: 0 };

/// A login in a world of its own, and `ssh` beside it.
pub fn login(
    name: &str,
    expect: Expect,
    traces: Traces,
    build: impl FnOnce(&mut World) -> Vec<String>,
    also: impl FnOnce(&World, &Value),
) {
    in_a_world(name, |w| {
        let words = build(w);
        let arguments = with_config(w, &words);
        let report = compare(name, w, &arguments, expect, traces);
        also(w, &report);
    });
}

fn judged(report: &Value) -> (Option<&str>, Option<&str>) {
    (report["verdict"].as_str(), report["diagnosis"]["id"].as_str())
}

/// Runs the program with `--login`, then `ssh`, and holds them together.
pub fn compare(
    name: &str,
    w: &World,
    arguments: &[String],
    expect: Expect,
    traces: Traces,
) -> Value {
    let recording = w.out("case.json");
    let file = recording.to_str().unwrap();
    let own = ["--login", "--format", "json", "--timeout", "20s", "--record", file];
    let before = inventory(&w.home());
    let words: Vec<_> =
        own.iter().map(|word| (*word).to_owned()).chain(arguments.iter().cloned()).collect();
    let live = preflight(w, &words);
    assert_eq!(before, inventory(&w.home()), "the home is as it was");
    left(w, traces);
    let live_report = report(&live);
    let recorded = fs::read_to_string(&recording).unwrap();
    keeps_secrets(w, "the recording", &recorded);
    let again = preflight(w, &["--format", "json", "--replay", file].map(str::to_owned));
    assert_eq!(judged(&report(&again)), judged(&live_report), "the same when replayed");
    let page = preflight(w, &["--verbose", "--replay", file].map(str::to_owned));
    let ssh = hostname(w, arguments, expect);
    let told = format!(
        "{name}\nssh: {:?}, {}\n{}\n{}",
        ssh.code(),
        ssh.last_line(),
        page.stdout,
        live.stderr
    );
    let (verdict, id, code) = expect.parts();
    assert_eq!(judged(&live_report), (Some(verdict), id), "{told}");
    assert_eq!(live.code(), Some(code), "{told}");
    for line in live_report["diagnosis"]["ssh_says"].as_array().into_iter().flatten() {
        let line = line.as_str().unwrap();
        assert!(
            ssh.stderr.replace('\r', "").contains(line),
            "{line:?} is not what ssh says: {told}"
        );
    }
    let gets_in = matches!(expect, Ready | ButLogsIn(_));
    // 255 is what ssh itself ends with; every other status comes from the host.
    let got_in = ssh.code().is_some_and(|code| code != 255);
    assert!(got_in || !gets_in, "ssh does not get in: {told}");
    cases::keep(name, w, &recorded);
    table::row(name, w, &ssh, id);
    live_report
}

/// The same command by `ssh`.
pub fn hostname(w: &World, arguments: &[String], expect: Expect) -> Ended {
    let mut command = w.command("ssh");
    if let Some(socket) = &w.agent {
        command.env("SSH_AUTH_SOCK", socket);
    }
    let command = command.args(["-o", "BatchMode=yes"]).args(arguments).arg("hostname");
    let hangs = expect == NotReady("session-hangs");
    run_for(command, Duration::from_secs(if hangs { 3 } else { 30 }))
}

/// The log tells of one connection, and of this many proofs and sessions on it.
fn left(w: &World, traces: Traces) {
    if w.log.is_none() {
        return;
    }
    let count = |words: &str| w.sshd_log().matches(words).count();
    until("the end of the connection", || {
        count("Connection from ") > 0
            && (count("closed by")
                + count("disconnected by")
                + count("Disconnected from")
                + count("do_cleanup")
                > 0)
    });
    let log = w.sshd_log();
    assert_eq!(count("Connection from "), 1, "{log}");
    assert_eq!(count("signature using"), traces.proofs, "{log}");
    assert_eq!(count("Starting session"), traces.sessions, "{log}");
}

/// A server with these settings that takes a key with these options in front.
pub fn server(w: &mut World, settings: &[&str], options: &str) -> (Key, Vec<String>) {
    let key = w.key("id_a", "ed25519");
    let with = Key { public: format!("{options} {}", key.public), ..key.clone() };
    let port = w.sshd(&[&with], settings);
    let arguments = args!["-i", key.arg(), "-p", port, me(w)];
    (key, arguments)
}

/// The finding of a check.
pub fn check<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap()
}

#[test]
fn login_with_a_key_file() {
    login(
        "login_with_a_key_file",
        Ready,
        ONE,
        |w| server(w, &[], "").1,
        |w, report| {
            let name = hostname_here(w);
            let evidence = &check(report, "login")["evidence"]["login"];
            assert_eq!(evidence["session"]["stdout"], format!("{name}\n"));
            assert_eq!(check(report, "short-name")["evidence"]["short_name"], name);
            assert_eq!(report["complete"], true);
        },
    );
}

fn hostname_here(w: &World) -> String {
    w.must(&mut w.command("hostname")).trim().to_owned()
}

/// Every kind of key, in its file and in the agent.
#[test]
fn login_with_every_kind_of_key() {
    in_a_world("login_with_every_kind_of_key", |w| {
        let keys = ["ed25519", "ecdsa", "rsa"].map(|kind| w.key(&format!("id_{kind}"), kind));
        let port = w.sshd(&keys.iter().collect::<Vec<_>>(), &[]);
        let socket = w.agent(&keys.iter().collect::<Vec<_>>());
        for key in &keys {
            for (agent, by) in [(Some(socket.clone()), "agent"), (None, "file")] {
                w.agent = agent;
                let own = args!["--login", "--format", "json", "-o", "IdentitiesOnly=yes", "-i"];
                let to = args![key.arg(), "-p", port, me(w)];
                let report = report(&preflight(w, &with_config(w, &[own, to].concat())));
                assert_eq!(judged(&report), (Some("ready"), None), "{report:#}");
                let login = &check(&report, "login")["evidence"]["login"];
                assert_eq!(login["signed_by"], by, "{report:#}");
            }
        }
    });
}

/// The private half of a certificate may be in several places.
#[test]
fn login_with_a_certificate() {
    in_a_world("login_with_a_certificate", |w| {
        let authority = w.server_key("authority", "ed25519");
        let key = w.key("id_a", "ed25519");
        let name = w.person.name.clone();
        let trusted = format!("TrustedUserCAKeys {}.pub", authority.arg());
        let port = w.sshd(&[], &[&trusted]);
        // In the agent is the plain key alone: the certificate is made after it was loaded.
        let plain_alone = w.agent(&[&key]);
        w.certify(&authority, &key.pub_path(), &["-n", &name, "-V", "+1h"]);
        let certificate = w.dot_ssh("id_a-cert.pub");
        let elsewhere = w.dot_ssh("elsewhere.pub");
        fs::copy(&certificate, &elsewhere).unwrap();
        w.person.owns(&elsewhere);
        let beside = args!["-i", key.arg()];
        let apart =
            args!["-o", format!("CertificateFile={}", elsewhere.display()), "-i", key.arg()];
        for (options, agent, by) in [
            (&beside, None, "file"),
            (&apart, None, "file"),
            (&beside, Some(plain_alone.clone()), "agent"),
            (&apart, Some(plain_alone), "agent"),
        ] {
            w.agent = agent;
            let own = args!["--login", "--format", "json"];
            let to = args!["-p", port, me(w)];
            let arguments = with_config(w, &[options.clone(), to].concat());
            assert_eq!(hostname(w, &arguments, Ready).code(), Some(0));
            let report = report(&preflight(w, &[own, arguments].concat()));
            assert_eq!(judged(&report), (Some("ready"), None), "{report:#}");
            let login = &check(&report, "login")["evidence"]["login"];
            assert_eq!(login["signed_by"], by, "{report:#}");
        }
    });
}

/// `name: expected, traces, settings of sshd, options of the key, words of the login's finding`.
macro_rules! logins {
    ($($(#[$doc:meta])* $name:ident: $expect:expr, $traces:expr, $settings:expr, $options:expr, $words:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            login(
                stringify!($name),
                $expect,
                $traces,
                |w| {
                    let settings: &[&str] = &$settings;
                    server(w, settings, $options).1
                },
                |_, report| {
                    let finding = check(report, "login");
                    let words = finding["summary"].as_str().unwrap();
                    assert!(words.contains($words), "{finding:#}");
                },
            );
        }
    )*};
}

logins! {
    no_login_shell: NotReady("no-shell"), ONE,
        ["ForceCommand /usr/sbin/nologin"], "", "no shell";
    shell_that_is_false: NotReady("no-shell"), ONE,
        ["ForceCommand /bin/false"], "", "no shell";
    sftp_alone: NotReady("no-shell"), ONE,
        ["ForceCommand internal-sftp"], "", "SFTP alone";
    no_shell_in_the_folder: NotReady("no-shell"), ONE,
        ["ChrootDirectory /proc"], "", "no shell";
    forced_command: Ready, ONE,
        [], "command=\"echo FORCED to this; exit 7\"", "another program runs";
    a_git_hosting: Ready, ONE,
        [], "command=\"echo hello alex, this is git@web running gitolite3; exit 1\"", "greets";
    noisy_shell: Ready, ONE,
        [], "command=\"echo Welcome!; echo Day 3; $SSH_ORIGINAL_COMMAND\"", "prints something";
    shell_with_a_long_greeting: Ready, ONE,
        [], "command=\"seq 300; $SSH_ORIGINAL_COMMAND\"", "prints something";
    no_program_hostname: Ready, ONE,
        [], "command=\"PATH=/nowhere; $SSH_ORIGINAL_COMMAND\"", "and out again";
    killed_by_a_signal: NotReady("login-refused"), ONE,
        [], "command=\"kill -9 $$\"", "killed";
    image_of_a_cloud: NotReady("unexpected-user"), ONE,
        [], "command=\"echo 'Please login as the user \\\"ubuntu\\\" rather than the user \\\"root\\\".'; exit 142\"",
        "log in as ubuntu";
    no_session_at_all: NotReady("login-refused"), Traces { proofs: 1, sessions: 0 },
        ["MaxSessions 0"], "", "opens no session";
    folder_with_a_wrong_owner: NotReady("login-refused"), Traces { proofs: 1, sessions: 0 },
        ["ChrootDirectory %h"], "", "closes the session";
    second_proof: NotReady("second-factor-needed"), Traces { proofs: 1, sessions: 0 },
        ["AuthenticationMethods publickey,password"], "", "wants more";
    session_that_hangs: NotReady("session-hangs"), ONE,
        ["ForceCommand sleep 30"], "", "nothing more comes";
}

/// The unsigned answer is a yes, and the proof is refused all the same.
#[test]
fn root_is_refused() {
    login(
        "root_is_refused",
        NotReady("login-refused"),
        Traces { proofs: 1, sessions: 0 },
        |w| {
            let mut arguments = server(w, &["PermitRootLogin no"], "").1;
            *arguments.last_mut().unwrap() = "root@127.0.0.1".into();
            arguments
        },
        |_, report| assert_eq!(check(report, "portal")["status"], "warn", "{report:#}"),
    );
}

/// What it looks like where rules about accounts (PAM) refuse.
#[test]
fn closed_after_the_proof() {
    login(
        "closed_after_the_proof",
        NotReady("login-refused"),
        Traces { proofs: 1, sessions: 0 },
        |w| {
            let mut arguments = server(w, &["PermitRootLogin forced-commands-only"], "").1;
            *arguments.last_mut().unwrap() = "root@127.0.0.1".into();
            arguments
        },
        |_, _| {},
    );
}

/// An agent that asks first (`ssh-add -c`), and nobody there to say yes.
fn unwilling(w: &mut World, key: &Key) {
    let socket = w.agent(&[]);
    let mut add = w.command("ssh-add");
    add.env("SSH_AUTH_SOCK", socket).args(["-q", "-c"]).arg(&key.path);
    w.must(&mut add);
}

#[test]
fn agent_that_refuses_to_sign() {
    login(
        "agent_that_refuses_to_sign",
        NotReady("signing-failed"),
        NONE,
        |w| {
            let (key, arguments) = server(w, &[], "");
            unwilling(w, &key);
            arguments
        },
        |_, report| {
            let summary = check(report, "login")["summary"].as_str().unwrap();
            assert!(summary.contains("the agent refuses to sign"), "{summary}");
        },
    );
}

/// `ssh` goes on with the next key, and so does the program.
#[test]
fn another_key_signs_in_its_place() {
    login(
        "another_key_signs_in_its_place",
        Ready,
        ONE,
        |w| {
            let (unwilling_key, key) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
            let port = w.sshd(&[&unwilling_key, &key], &[]);
            unwilling(w, &unwilling_key);
            args!["-i", unwilling_key.arg(), "-i", key.arg(), "-p", port, me(w)]
        },
        |w, report| {
            let login = &check(report, "login")["evidence"]["login"];
            assert_eq!(login["passed_over"][0]["why"], "agent-refused", "{report:#}");
            let page = preflight(
                w,
                &["--replay", w.out("case.json").to_str().unwrap()].map(str::to_owned),
            );
            assert!(
                page.stdout.contains("you got in") && page.stdout.contains("id_b"),
                "{}",
                page.stdout
            );
        },
    );
}

/// A jump host is gone through by `ssh`, which opens no session there.
#[test]
fn login_behind_a_jump_host() {
    login(
        "login_behind_a_jump_host",
        Ready,
        ONE,
        |w| {
            let key = w.key("id_a", "ed25519");
            w.config(&format!("Host *\nIdentityFile {}\n", key.arg()));
            let jump = w.jump_host(&key.public, &[]);
            let port = w.sshd(&[&key], &[]);
            args!["-J", format!("{}:{jump}", me(w)), "-p", port, me(w)]
        },
        |w, _| {
            let logs = w.jump_host_logs();
            assert!(logs.iter().all(|log| !log.contains("Starting session")), "{logs:?}");
        },
    );
}

#[test]
fn dropbear_login() {
    login(
        "dropbear_login",
        Ready,
        ONE,
        |w| {
            let key = w.key("id_a", "ed25519");
            crate::keyring::allow(w, &key);
            w.agent(&[&key]);
            let port = w.dropbear("ed25519");
            args!["-A", "-i", key.arg(), "-p", port, me(w)]
        },
        |_, report| assert_eq!(check(report, "forwarding")["status"], "pass", "{report:#}"),
    );
}

#[test]
fn login_at_a_newer_server() {
    let name = "login_at_a_newer_server/new-server";
    if !OpenSsh::Ten.is_there() {
        return crate::skip(name, "there is no OpenSSH 10 (tests/openssh10.sh fetches it)");
    }
    in_a_world(name, |w| {
        w.server_is = OpenSsh::Ten;
        let (key, arguments) = server(w, &[], "");
        w.agent(&[&key]);
        let arguments = with_config(w, &[args!["-A"], arguments].concat());
        let report = compare(name, w, &arguments, Ready, TWO);
        assert_eq!(check(&report, "forwarding")["status"], "pass", "{report:#}");
    });
}

/// Without a person, a server that is new is left to `ssh`; and nothing is proven to it.
#[test]
fn login_at_a_server_that_is_new() {
    login(
        "login_at_a_server_that_is_new",
        NotReady("host-key-unknown"),
        NONE,
        |w| {
            let arguments = server(w, &[], "").1;
            w.write(".ssh/known_hosts", "", 0o600);
            arguments
        },
        |_, report| assert_eq!(check(report, "login")["status"], "skip"),
    );
}

#[test]
fn login_with_a_locked_key_and_nobody_there() {
    login(
        "login_with_a_locked_key_and_nobody_there",
        NotReady("key-locked"),
        NONE,
        |w| {
            let key = w.key_with("id_a", "ed25519", "correct horse");
            let port = w.sshd(&[&key], &[]);
            args!["-i", key.arg(), "-p", port, me(w)]
        },
        |_, _| {},
    );
}

/// The answer that proves nothing is put to the proof.
#[test]
fn login_at_a_server_that_says_yes_to_any_key() {
    in_a_world("login_at_a_server_that_says_yes_to_any_key", |w| {
        let key = w.key("id_a", "ed25519");
        let fault = crate::remaining::yes_man(w, russh::Preferred::default());
        let to = args!["-i", key.arg(), "-p", fault.port, me(w)];
        let arguments = with_config(w, &to);
        let report = compare(
            "login_at_a_server_that_says_yes_to_any_key",
            w,
            &arguments,
            NotReady("login-refused"),
            NONE,
        );
        assert_ne!(check(&report, "login")["status"], "pass");
    });
}
