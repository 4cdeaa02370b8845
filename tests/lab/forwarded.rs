//! Agent forwarding after a real login, seen from the host.

use std::fs;

use crate::{
    login::{ONE, TWO, check, login, server},
    oracle::Expect::{ButLogsIn, Ready},
    situations::args,
    world::World,
};

/// The same with `-A` and the key in an agent.
fn forwarded(w: &mut World, settings: &[&str], options: &str) -> Vec<String> {
    let (key, arguments) = server(w, settings, options);
    w.agent(&[&key]);
    [args!["-A"], arguments].concat()
}

/// `name: expected, settings of sshd, options of the key, status and words of the finding`.
macro_rules! forwardings {
    ($($(#[$doc:meta])* $name:ident: $expect:expr, $settings:expr, $options:expr, $status:expr, $words:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            login(
                stringify!($name),
                $expect,
                // A server that refuses is not asked to run anything in the second session.
                if $words.contains("refuses") { ONE } else { TWO },
                |w| {
                    let settings: &[&str] = &$settings;
                    forwarded(w, settings, $options)
                },
                |_, report| {
                    let finding = check(report, "forwarding");
                    assert_eq!(finding["status"], $status, "{finding:#}");
                    let words = finding["summary"].as_str().unwrap();
                    assert!(words.contains($words), "{finding:#}");
                },
            );
        }
    )*};
}

forwardings! {
    agent_that_is_forwarded: Ready, [], "", "pass", "answers from the host, with the key";
    server_that_forwards_no_agent: ButLogsIn("forwarding-refused"),
        ["AllowAgentForwarding no"], "", "fail", "refuses to forward";
    key_that_forwards_no_agent: ButLogsIn("forwarding-refused"),
        [], "restrict", "fail", "refuses to forward";
    shell_that_drops_the_agent: ButLogsIn("forwarding-refused"),
        [], "command=\"unset SSH_AUTH_SOCK; $SSH_ORIGINAL_COMMAND\"", "fail", "uses another one";
    no_ssh_add_at_the_host: Ready,
        [], "command=\"PATH=/nowhere; $SSH_ORIGINAL_COMMAND\"", "warn", "was not seen";
}

/// The list of keys there is longer than what a report shows of it.
#[test]
fn last_of_many_keys_is_seen_from_the_host() {
    login(
        "last_of_many_keys_is_seen_from_the_host",
        Ready,
        TWO,
        |w| {
            let (key, arguments) = server(w, &["MaxAuthTries 20"], "");
            let others: Vec<_> = (0..12).map(|n| w.key(&format!("id_{n}"), "ed25519")).collect();
            w.agent(&others.iter().chain([&key]).collect::<Vec<_>>());
            [args!["-A"], arguments].concat()
        },
        |_, report| {
            let finding = check(report, "forwarding");
            assert_eq!(finding["status"], "pass", "{finding:#}");
            let keys = finding["evidence"]["forwarding"]["keys_there"].as_array().unwrap();
            assert_eq!(keys.len(), 13, "{finding:#}");
        },
    );
}

/// What the host asks for is counted, and a signature refused.
#[test]
fn host_that_uses_the_agent() {
    login(
        "host_that_uses_the_agent",
        Ready,
        TWO,
        |w| {
            let public = w.server("asks.pub");
            let options = format!(
                "command=\"$SSH_ORIGINAL_COMMAND; ssh-add -T {} >/dev/null 2>&1; true\"",
                public.display()
            );
            let arguments = forwarded(w, &[], &options);
            fs::copy(w.dot_ssh("id_a.pub"), &public).unwrap();
            arguments
        },
        |_, report| {
            let finding = check(report, "forwarding");
            assert_eq!(finding["status"], "warn", "{finding:#}");
            assert_eq!(finding["evidence"]["forwarding"]["signatures_refused"], 1, "{finding:#}");
        },
    );
}

/// The way round a server that forwards no agent, run as it is given: the server is both the first and
/// the second host.
#[test]
fn way_without_a_forwarded_agent() {
    login(
        "way_without_a_forwarded_agent",
        ButLogsIn("forwarding-refused"),
        ONE,
        |w| forwarded(w, &["AllowAgentForwarding no"], ""),
        |w, report| {
            let steps = report["diagnosis"]["next_steps"].as_array().unwrap();
            let go = steps.last().unwrap()["command"].as_str().unwrap();
            let port = &report["target"]["port"];
            let next = format!(
                "-p {port} -o UserKnownHostsFile={} {}@127.0.0.1 hostname",
                w.dot_ssh("known_hosts").display(),
                w.person.name
            );
            let mut shell = w.command("sh");
            shell.env("SSH_AUTH_SOCK", w.agent.as_ref().unwrap());
            let ended = crate::person::run(shell.args(["-c", &go.replace("NEXT", &next)]));
            assert_eq!(ended.code(), Some(0), "{go}: {}", ended.stderr);
        },
    );
}

/// The agent has the key for this host alone, and shows it to no other one.
#[test]
fn key_that_may_not_go_on() {
    login(
        "key_that_may_not_go_on",
        ButLogsIn("agent-key-restricted"),
        TWO,
        |w| {
            let (key, arguments) = server(w, &[], "");
            let socket = w.agent(&[]);
            let port = arguments[3].clone();
            let mut add = w.command("ssh-add");
            add.env("SSH_AUTH_SOCK", socket).arg("-H").arg(w.dot_ssh("known_hosts"));
            add.args(["-q", "-h", &format!("[127.0.0.1]:{port}")]).arg(&key.path);
            w.must(&mut add);
            [args!["-A"], arguments].concat()
        },
        |_, report| {
            // The name is that of known_hosts, which has the port of this server.
            let load = report["diagnosis"]["next_steps"][0]["command"].as_str().unwrap();
            let port = report["target"]["port"].as_u64().unwrap();
            let way = format!("ssh-add -h '[127.0.0.1]:{port}' -h '[127.0.0.1]:{port}>NEXT' ");
            assert!(load.starts_with(&way), "{load}");
        },
    );
}

/// ForwardAgent may name another agent, by its path or by a variable.
#[test]
fn another_agent_is_forwarded() {
    login(
        "another_agent_is_forwarded",
        Ready,
        TWO,
        |w| {
            let (key, arguments) = server(w, &[], "");
            let socket = w.agent(&[&key]);
            w.agent = None;
            w.environment.push(("WORK_AGENT", socket));
            [args!["-o", "ForwardAgent=$WORK_AGENT"], arguments].concat()
        },
        |_, report| {
            assert_eq!(check(report, "forwarding")["status"], "pass", "{report:#}");
            let login = &check(report, "login")["evidence"]["login"];
            assert_eq!(login["signed_by"], "file", "{report:#}");
            // The agent of the terminal, of which there is none, is not the one that is needed.
            let agent = check(report, "agent");
            assert_eq!(agent["status"], "skip", "{agent:#}");
            assert!(agent.to_string().contains("Another agent is forwarded"), "{agent:#}");
        },
    );
}

/// `-a` has the last word, whatever agent ForwardAgent names.
#[test]
fn forwarding_turned_off_by_a_letter() {
    login(
        "forwarding_turned_off_by_a_letter",
        Ready,
        ONE,
        |w| {
            let (key, arguments) = server(w, &[], "");
            let socket = w.agent(&[&key]);
            w.environment.push(("WORK_AGENT", socket));
            [args!["-a", "-o", "ForwardAgent=$WORK_AGENT"], arguments].concat()
        },
        |_, report| {
            assert_eq!(check(report, "forwarding")["status"], "skip", "{report:#}");
        },
    );
}
