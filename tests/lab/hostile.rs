//! Hostile input: whatever comes, the program ends with a report or a plain error.

use std::time::Duration;

use crate::{
    faults::{self, Fault},
    in_a_world,
    oracle::{preflight, report, with_config},
    world::World,
};

fn json(world: &World, arguments: &[String]) -> Vec<String> {
    let own = ["--format", "json", "--timeout", "8s"].map(str::to_owned);
    own.into_iter().chain(with_config(world, arguments)).collect()
}

fn target(world: &World, port: u16, key: &str) -> Vec<String> {
    let user = format!("{}@127.0.0.1", world.person.name);
    ["-i", key, "-p", &port.to_string(), &user].map(str::to_owned).to_vec()
}

/// A connection that is cut at each step, by a server that is otherwise real.
#[test]
fn a_cut_at_any_byte_is_never_ready() {
    in_a_world("a_cut_at_any_byte_is_never_ready", |w| {
        let key = w.key("id_a", "ed25519");
        let sshd = w.sshd(&[&key], &["MaxStartups 100"]);
        let host = std::fs::read_to_string(w.server("host.pub")).unwrap();
        for bytes in [1, 5, 21, 40, 45, 200, 900, 1150, 1300, 1600, 1700, 1760] {
            let fault = Fault::cut_after(bytes, sshd);
            w.know(&format!("[127.0.0.1]:{} {}", fault.port, host.trim()));
            let ended = preflight(w, &json(w, &target(w, fault.port, key.arg())));
            let report = report(&ended);
            assert_ne!(report["verdict"], "ready", "cut after {bytes} bytes: {report:#}");
            println!("cut after {bytes}: {} {}", report["verdict"], report["diagnosis"]["id"]);
            assert_eq!(fault.connections(), 1, "one connection for each run");
        }
    });
}

/// Whatever a server does, the limit of the user holds.
#[test]
fn the_time_limit_holds() {
    in_a_world("the_time_limit_holds", |w| {
        let key = w.key("id_a", "ed25519");
        let servers = [
            Fault::start(faults::silent),
            Fault::start(faults::silent_after_banner),
            Fault::start(faults::tarpit),
            Fault::start(faults::endless_line),
        ];
        for fault in servers {
            let config = with_config(w, &target(w, fault.port, key.arg()));
            let own = ["--format", "json", "--timeout", "1s"].map(str::to_owned);
            let ended = preflight(w, &[&own[..], &config].concat());
            assert!(ended.took < Duration::from_secs(4), "took {:?}", ended.took);
            assert_ne!(report(&ended)["verdict"], "ready");
        }
    });
}

/// A home that does not exist, or none at all.
#[test]
fn without_a_home() {
    in_a_world("without_a_home", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        for home in [Some("/nonexistent"), None] {
            let mut command = w.person.command(crate::oracle::program(), &w.home());
            match home {
                Some(home) => command.env("HOME", home),
                None => command.env_remove("HOME"),
            };
            let ended = crate::person::run(command.args(json(w, &target(w, port, key.arg()))));
            assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
            assert_eq!(report(&ended)["verdict"], "ready", "{}", ended.stdout);
        }
    });
}

/// A recording that is damaged, or none, is said in a line.
#[test]
fn a_damaged_recording_is_said() {
    in_a_world("a_damaged_recording_is_said", |w| {
        for bytes in [&b""[..], b"{", b"[]", b"\x00\x1b[2J\xff", b"{\"plan\":{}}", b"[[[[[[[["] {
            let file = w.write("case.json", bytes, 0o600);
            let arguments = ["--replay".to_owned(), file.display().to_string()];
            let ended = preflight(w, &arguments);
            assert_eq!(ended.code(), Some(2), "{bytes:?}: {}", ended.stderr);
            assert!(ended.stderr.contains("Cannot replay"), "{}", ended.stderr);
            assert_eq!(ended.stdout, "", "standard output is the report alone");
        }
    });
}

/// The one thing that a question without a signature cannot show: the server wants a password as
/// well. It only says so after the signature, and a signature is what the program never makes. The
/// page about the check tells this limit.
#[test]
fn a_password_after_the_key_stays_hidden() {
    in_a_world("a_password_after_the_key_stays_hidden", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["AuthenticationMethods publickey,password"]);
        let arguments = target(w, port, key.arg());
        let ssh = crate::oracle::ssh(w, &with_config(w, &arguments));
        assert!(ssh.last_line().ends_with("Permission denied (password)."), "{}", ssh.stderr);
        let report = report(&preflight(w, &json(w, &arguments)));
        assert_eq!(report["verdict"], "ready", "{report:#}");
        let page = include_str!("../../docs/checks/portal.md");
        assert!(page.contains("a second proof"), "the limit is documented");
    });
}

/// Bytes that mean nothing, as an answer and as a key.
#[test]
fn noise() {
    in_a_world("noise", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        for seed in 0..8_u64 {
            // Any bytes do, and the same ones each time (xorshift).
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut bytes = if seed % 2 == 0 { b"SSH-2.0-x\r\n".to_vec() } else { Vec::new() };
            bytes.extend((0..2000).map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            }));
            w.write(".ssh/noise", &bytes, 0o600);
            let fault = Fault::says(bytes);
            let ended = preflight(w, &json(w, &target(w, fault.port, key.arg())));
            assert_ne!(report(&ended)["verdict"], "ready");
            let noise = w.dot_ssh("noise");
            let ended = preflight(w, &json(w, &target(w, port, noise.to_str().unwrap())));
            assert_eq!(report(&ended)["diagnosis"]["id"], "key-malformed");
        }
    });
}

/// Sequences that a terminal would obey, at every place where a server may speak.
#[test]
fn sequences_for_the_terminal() {
    in_a_world("sequences_for_the_terminal", |w| {
        let key = w.key("id_a", "ed25519");
        let said: [&[u8]; 6] = [
            b"\x1b[2J\x1b]0;title\x07 gone\r\n",
            b"SSH-2.0-\x1b[31mred\r\n",
            b"SSH-2.0-a \x9b31m\x00\xff\r\n",
            b"\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\\r\nSSH-2.0-x\r\n",
            "SSH-2.0-\u{202e}gnp.exe\r\n".as_bytes(),
            b"SSH-2.0-x\r\n\xff\xff\xff\xff\x04\x14aaaaaaaaaaaaaaaaaaaaaa",
        ];
        for bytes in said {
            let fault = Fault::says(bytes.to_vec());
            let ended = preflight(w, &json(w, &target(w, fault.port, key.arg())));
            assert_ne!(report(&ended)["verdict"], "ready");
            let text = [&["--verbose".to_owned()][..], &target(w, fault.port, key.arg())].concat();
            preflight(w, &with_config(w, &text));
        }
    });
}
