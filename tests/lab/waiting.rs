//! `wait`: the real program until a key is registered, a server starts, or waiting is of no use; and
//! penalties and bans that end, with the program's library in a hurry.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use checks::{
    diagnosis::Id,
    waiting::pace::{End, Pace, Passed, Reception, is_perhaps_banned},
};
use clap::Parser;
use ssh_preflight::{
    cli::Options,
    plans, ssh_options,
    wait::{Wait, Waited, until as wait_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    in_a_network, in_a_world,
    oracle::{program, report, with_config},
    person::Ended,
    situations::{args, me},
    skip,
    world::{OpenSsh, World, free_port, until},
};

/// Starts the real program.
fn start(world: &World, own: &[&str], arguments: &[String]) -> (Child, Instant) {
    let mut command = world.command(program());
    command.arg("wait").args(own).args(["--format", "json"]).args(with_config(world, arguments));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    (command.spawn().unwrap(), Instant::now())
}

/// Waits for its end.
fn end((child, began): (Child, Instant)) -> Ended {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { status: Some(status), stdout, log: stderr.clone(), stderr, took: began.elapsed() }
}

/// How often somebody knocked at the last `sshd`.
fn knocks(world: &World) -> usize {
    world.sshd_log().matches("Connection from ").count()
}

/// The whole way, with the real program and its real pace: a key that is registered while it waits,
/// at a server that counts failed logins.
#[test]
fn a_key_that_is_registered_while_it_waits() {
    in_a_world("a_key_that_is_registered_while_it_waits", |w| {
        w.server_is = if OpenSsh::Ten.is_there() { OpenSsh::Ten } else { OpenSsh::Installed };
        let (mine, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &[]);
        let arguments = args!["-i", mine.arg(), "-p", port, me(w)];
        let running = start(w, &["--every", "1s", "--timeout", "2m"], &arguments);
        until("the first look", || w.sshd_log().contains("Disconnected from"));
        let first = Instant::now();
        fs::write(w.server("authorized_keys"), mine.public.clone() + "\n").unwrap();
        let ended = end(running);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert_eq!(report(&ended)["verdict"], "ready");
        // Twice, and fifteen seconds apart, although every second was asked for.
        assert_eq!(knocks(w), 2, "{}", w.sshd_log());
        let apart = first.elapsed();
        assert!((14..25).contains(&apart.as_secs()), "{apart:?}: {}", ended.stderr);
        assert!(!w.sshd_log().contains("Accepted publickey"), "nobody logs in");
        for said in [
            "--every 1s is more often than servers bear. A server that answers is looked at every 15s",
            "s] Not ready: The server does not accept your key for this user (key-not-accepted). \
             Somebody else has to mend this.",
            "s] Waiting for at most 2m until ssh gets in. Next look in 15s.",
            "s] Ready",
            "s]   Key acceptance now passes: ",
            "2 looks: ssh gets in.",
        ] {
            assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        }
    });
}

/// Nobody listens, so it may look more often; and the look that connects goes on with that connection.
#[test]
fn a_server_that_starts_while_it_waits() {
    in_a_world("a_server_that_starts_while_it_waits", |w| {
        let key = w.key("id_a", "ed25519");
        let port = free_port();
        let trust = "StrictHostKeyChecking=accept-new";
        let arguments = args!["-o", trust, "-i", key.arg(), "-p", port, me(w)];
        let running = start(w, &["--every", "5s"], &arguments);
        // It has looked when the time for two looks is half over; then the server starts.
        std::thread::sleep(Duration::from_secs(3));
        w.sshd(&[&key], &[&format!("ListenAddress 127.0.0.1:{port}")]);
        let ended = end(running);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert_eq!(knocks(w), 1, "one connection for the whole look: {}", w.sshd_log());
        assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
        for said in ["refused-by-host", "This can pass by itself.", "Next look in 5s", "s] Ready"] {
            assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        }
    });
}

#[test]
fn what_waiting_does_not_mend_ends_it_at_once() {
    in_a_world("what_waiting_does_not_mend_ends_it_at_once", |w| {
        let key = w.key("id_a", "ed25519");
        let old = w.server_key("old", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let line = |public: &str| format!("[127.0.0.1]:{port} {public}\n");
        w.write(".ssh/known_hosts", line(&old.public), 0o600);
        let arguments = args!["-i", key.arg(), "-p", port, me(w)];
        let ended = end(start(w, &[], &arguments));
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        assert_eq!(report(&ended)["diagnosis"]["id"], "host-key-changed");
        assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
        assert!(ended.stderr.contains("only you can"), "{}", ended.stderr);
        assert_eq!(knocks(w), 1);
        // What is asked for is there: the port, and no more is looked at.
        let ended = end(start(w, &["--for", "tcp", "--quiet"], &arguments));
        assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""));
        let told = report(&ended);
        assert_eq!(told["checks"].as_array().unwrap().len(), 3, "{told:#}");
        // There is no agent that could ever answer.
        let ended = end(start(w, &["--for", "agent"], &arguments));
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("nothing here for the check agent"), "{}", ended.stderr);
        // No connection is needed to see that.
        assert_eq!(knocks(w), 2);
    });
}

#[test]
fn ctrl_c_gives_the_last_report() {
    in_a_world("ctrl_c_gives_the_last_report", |w| {
        let (mine, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &[]);
        let arguments = args!["-i", mine.arg(), "-p", port, me(w)];
        let (child, began) = start(w, &[], &arguments);
        until("the first look", || w.sshd_log().contains("Disconnected from"));
        // The goodbye comes first, then the judgement.
        std::thread::sleep(Duration::from_millis(500));
        let pid = child.id().to_string();
        w.must(Command::new("kill").args(["-INT", &pid]));
        let ended = end((child, began));
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        assert_eq!(report(&ended)["diagnosis"]["id"], "key-not-accepted");
        assert!(ended.stderr.contains("Interrupted after"), "{}", ended.stderr);
        assert!(ended.took < Duration::from_secs(15), "{:?}", ended.took);
    });
}

/// A pace that no server should meet outside of a test.
fn in_a_hurry() -> Pace {
    let ms = Duration::from_millis;
    Pace {
        every: ms(300),
        unreached: ms(300),
        floor: ms(300),
        unreached_floor: ms(200),
        turned_away: ms(1000),
        most: ms(8000),
        last: ms(500),
        limit: ms(40_000),
    }
}

/// The library in a thread of its own, which `enter` may put somewhere else.
fn hurried(
    world: &World,
    arguments: Vec<String>,
    enter: impl FnOnce() + Send + 'static,
) -> std::thread::JoinHandle<Waited> {
    let known = format!("UserKnownHostsFile={}", world.dot_ssh("known_hosts").display());
    let own = args!["-o", known, "-o", "IdentityAgent=none", "-o", "BatchMode=yes"];
    let words = with_config(world, &[own, arguments].concat());
    std::thread::spawn(move || {
        enter();
        let sorted = ssh_options::sort(words).unwrap();
        let options = Options::try_parse_from(["ssh-preflight"]).unwrap();
        let plan = plans::of_targets(&sorted, &options).unwrap().remove(0);
        let chosen = checks::CHECKS.iter().map(|row| row.about.id).collect();
        let wait = Wait { plan, pace: in_a_hurry(), check: None, chosen, without_warnings: false };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cut = CancellationToken::new();
        let mut tell = ssh_preflight::wait::Tell::nothing();
        let waited = runtime.block_on(wait_until(&wait, &cut, &mut tell));
        runtime.shutdown_background();
        waited
    })
}

fn ids(waited: &Waited) -> Vec<Option<Id>> {
    let mut ids: Vec<_> = waited.looks.iter().map(|look| look.id).collect();
    ids.dedup();
    ids
}

/// The pauses between the looks.
fn pauses(waited: &Waited) -> Vec<Duration> {
    let pairs = waited.looks.iter().zip(waited.looks.iter().skip(1));
    pairs.map(|(one, two)| two.ended.saturating_sub(one.ended)).collect()
}

/// A real penalty, which our own look brought about: it is waited out, and the key is registered
/// meanwhile.
#[test]
fn a_penalty_is_waited_out() {
    if !OpenSsh::Ten.is_there() {
        return skip("a_penalty_is_waited_out", "there is no OpenSSH 10");
    }
    in_a_world("a_penalty_is_waited_out", |w| {
        w.server_is = OpenSsh::Ten;
        let (mine, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &["PerSourcePenalties authfail:4 min:1 max:60"]);
        let waited = hurried(w, args!["-i", mine.arg(), "-p", port, me(w)], || {});
        until("the penalty", || w.sshd_log().contains("penalty of 4 seconds"));
        fs::write(w.server("authorized_keys"), mine.public.clone() + "\n").unwrap();
        let waited = waited.join().unwrap();
        assert_eq!(waited.end, End::Passed, "{:?}", waited.looks);
        let expected = [Some(Id::KeyNotAccepted), Some(Id::SourcePenalty), None];
        assert_eq!(ids(&waited), expected, "{:?}", waited.looks);
        // One second, two, four: it stays away longer each time.
        let pauses = pauses(&waited);
        let away: Vec<_> = pauses.iter().skip(1).map(Duration::as_secs).collect();
        assert!(away.starts_with(&[1, 2]), "{pauses:?}");
        assert!(waited.looks.len() <= 5, "{:?}", waited.looks);
        // The first look and the last: those that were turned away added none. sshd writes of the
        // last one when that has left.
        let penalties = || w.sshd_log().matches("penalty of").count();
        until("the second penalty", || penalties() >= 2);
        assert_eq!(penalties(), 2, "{}", w.sshd_log());
    });
}

/// A ban by the log, as fail2ban makes it: packets are dropped after a look, and it ends by itself.
#[test]
fn a_ban_is_waited_out() {
    in_a_network("a_ban_is_waited_out", |net| {
        net.sshd(&[22]);
        let allowed = net.world.server("authorized_keys");
        let mine = fs::read(&allowed).unwrap();
        fs::write(&allowed, "").unwrap();
        let key = net.world.dot_ssh("id_a").display().to_string();
        let target = format!("{}@10.90.3.2", net.person.name);
        let arguments = args!["-o", "ConnectTimeout=1", "-i", key, target];
        let place = net.namespace("client");
        let waited = hurried(&net.world, arguments, move || {
            let file = fs::File::open(place).unwrap();
            nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        });
        let log = net.world.server("log");
        until("the first look", || {
            fs::read_to_string(&log).is_ok_and(|log| log.contains("[preauth]"))
        });
        net.rule("server", "input", "tcp dport 22 drop");
        std::thread::sleep(Duration::from_secs(4));
        fs::write(&allowed, mine).unwrap();
        net.at("server", "nft delete table inet t_input");
        let waited = waited.join().unwrap();
        assert_eq!(waited.end, End::Passed, "{:?}", waited.looks);
        let looks = &waited.looks;
        assert_eq!(looks[0].id, Some(Id::KeyNotAccepted), "{looks:?}");
        let banned = looks.iter().position(|look| look.reception == Reception::Unreached).unwrap();
        assert_eq!(looks[banned].id, Some(Id::Filtered), "{looks:?}");
        assert!(is_perhaps_banned(&looks[..=banned]), "{looks:?}");
        assert_eq!(looks.last().unwrap().passed, Passed::Yes);
        // It stays away at least a second, then two, where it would be less than half of one.
        let away = pauses(&waited)[banned];
        assert!(away >= Duration::from_secs(1), "{away:?} {looks:?}");
    });
}
