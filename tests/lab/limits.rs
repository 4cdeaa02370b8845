//! Servers that turn logins away because there are too many, with both generations of OpenSSH: never
//! told as a key that is not accepted.

use std::{io::Read, net::TcpStream, time::Duration};

use crate::{
    faults::Fault,
    generations::{loaded, with},
    in_a_world,
    oracle::{
        Expect::{NotReady, Ready},
        preflight, report, ssh, with_config,
    },
    situations::{args, me, situations},
    skip,
    world::{Key, OpenSsh, World, until},
};

/// A connection that says nothing and is held open.
fn idle(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The server has counted it when it speaks.
    assert!(stream.read(&mut [0; 4]).is_ok_and(|count| count > 0));
    stream
}

/// Arguments for a good key, while connections are held open.
fn full(w: &mut World, setting: &str) -> (Vec<String>, Vec<TcpStream>) {
    let key = w.key("id_a", "ed25519");
    let port = w.sshd(&[&key], &[setting]);
    (args!["-i", key.arg(), "-p", port, me(w)], vec![idle(port)])
}

/// Runs program and `ssh` while the server has no room.
fn turned_away(name: &str, server: OpenSsh, setting: &str, expected: &str) {
    if server == OpenSsh::Ten && !server.is_there() {
        return skip(name, "there is no OpenSSH 10");
    }
    in_a_world(name, |w| {
        w.server_is = server;
        let (arguments, held) = full(w, setting);
        let arguments = with_config(w, &arguments);
        let typed = [&args!["--format", "json"][..], &arguments].concat();
        let told = report(&preflight(w, &typed));
        assert_eq!(told["diagnosis"]["id"], expected, "{told:#}");
        assert_eq!(told["verdict"], "not-ready");
        assert_ne!(ssh(w, &arguments).code(), Some(0), "ssh is the oracle");
        // With the others gone there is room again: so it was that.
        drop(held);
        until("room", || ssh(w, &arguments).code() == Some(0));
        let told = report(&preflight(w, &typed));
        assert_eq!(told["verdict"], "ready", "{told:#}");
    });
}

/// The words of OpenSSH until 9.7, and from 9.8 on.
fn words_of(server: OpenSsh) -> &'static str {
    match server.folder().is_some() || OpenSsh::Ten.folder().is_none() {
        true => "source-penalty",
        false => "server-overloaded",
    }
}

#[test]
fn too_many_startups() {
    let server = OpenSsh::Installed;
    turned_away("too_many_startups", server, "MaxStartups 1:100:1", words_of(server));
}
#[test]
fn too_many_startups_new() {
    let server = OpenSsh::Ten;
    turned_away("too_many_startups_new", server, "MaxStartups 1:100:1", words_of(server));
}
#[test]
fn too_many_startups_of_one_address() {
    let server = OpenSsh::Installed;
    let setting = "PerSourceMaxStartups 1";
    turned_away("too_many_startups_of_one_address", server, setting, words_of(server));
}
#[test]
fn too_many_startups_of_one_address_new() {
    let server = OpenSsh::Ten;
    let setting = "PerSourceMaxStartups 1";
    turned_away("too_many_startups_of_one_address_new", server, setting, words_of(server));
}

/// A real penalty: one failed login, and the address is out although the next key is right.
#[test]
fn penalty_for_a_failed_login() {
    let name = "penalty_for_a_failed_login/new-server";
    let (server, client) = (OpenSsh::Ten, OpenSsh::Installed);
    with(name, server, client, NotReady("source-penalty"), |w| {
        let (good, wrong) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&good], &["PerSourcePenalties authfail:30 min:1 max:60"]);
        let typed = args!["-i", wrong.arg(), "-p", port, me(w)];
        assert_ne!(ssh(w, &with_config(w, &typed)).code(), Some(0));
        until("the penalty", || w.sshd_log().contains("penalty of 30 seconds"));
        // What was before is not the program's doing.
        w.forget_log();
        args!["-i", good.arg(), "-p", port, me(w)]
    });
}

/// The price that do-no-harm.md names: our own questions count too, and four of them are too many.
#[test]
fn our_own_price() {
    if !OpenSsh::Ten.is_there() {
        return skip("our_own_price", "there is no OpenSSH 10");
    }
    in_a_world("our_own_price", |w| {
        w.server_is = OpenSsh::Ten;
        let (good, wrong) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&good], &[]);
        let run = |key: &Key| {
            let typed = args!["--format", "json", "-i", key.arg(), "-p", port, me(w)];
            report(&preflight(w, &with_config(w, &typed)))["diagnosis"]["id"].clone()
        };
        // One run may never be the one that locks the user out.
        assert_eq!(run(&wrong), "key-not-accepted");
        assert_eq!(run(&good), serde_json::Value::Null);
        let told: Vec<_> = (0..4).map(|_| run(&wrong)).collect();
        assert_eq!(told.last().unwrap(), "source-penalty", "{told:?}");
    });
}

/// The server's limit, from one refused key to six: the right key is the one after the limit.
fn limit(name: &str, tries: usize, right: usize, expect: crate::oracle::Expect, says: &str) {
    let server = if tries.is_multiple_of(2) { OpenSsh::Ten } else { OpenSsh::Installed };
    with(&format!("{name}/{tries}"), server, OpenSsh::Installed, expect, |w| {
        let keys = loaded(w, right);
        let setting = format!("MaxAuthTries {tries}");
        let port = w.sshd(&[&keys[right - 1]], &[&setting, &no_penalties(server)]);
        let typed = args!["-o", "IdentityFile=none", "-p", port, me(w)];
        let told = preflight(w, &with_config(w, &typed)).stdout.replace("\n    ", " ");
        assert!(told.contains(says), "{says}: {told}");
        w.forget_log();
        typed
    });
}

fn no_penalties(server: OpenSsh) -> String {
    let knows = server == OpenSsh::Ten;
    if knows { "PerSourcePenalties no".to_owned() } else { String::new() }
}

#[test]
fn limits_of_refused_keys() {
    for tries in 1..=6 {
        let refused =
            if tries == 1 { "1 refused key ".into() } else { format!("{tries} refused keys ") };
        limit("the_key_after_the_limit", tries, tries + 1, NotReady("too-many-keys"), &refused);
        limit("the_last_key_before_the_limit", tries, tries, Ready, "Ready");
    }
}

situations! {
    /// One key, refused, and the server hangs up at once: the key is the cause, not their number.
    one_key_and_no_second_try: NotReady("key-not-accepted"), |w| {
        let (mine, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &["MaxAuthTries 1"]);
        (args!["-i", mine.arg(), "-p", port, me(w)], None)
    }
    turned_away_by_a_young_server: NotReady("source-penalty"), |w| {
        let key = w.key("id_a", "ed25519");
        let fault = Fault::says(b"Not allowed at this time\r\n".to_vec());
        (args!["-i", key.arg(), "-p", fault.port, me(w)], Some(fault))
    }
}
