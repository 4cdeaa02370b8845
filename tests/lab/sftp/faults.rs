//! What no real server does on demand: one that hangs up at the password, one that breaks in the
//! middle of an upload. And an account whose password has expired.

use std::{process::Command, sync::Arc, time::Duration};

use russh::{
    MethodKind, MethodSet,
    keys::{PrivateKey, ssh_key::private::Ed25519Keypair},
    server::{Auth, Config, Handler, run_stream},
};

use super::{
    account::{Account, at, data, password_file, script, serve, with_account},
    oracle::{Asked, compare, sftp},
};
use crate::{
    faults::Fault,
    oracle::{preflight, report, with_config},
    person::run,
    skip, table,
    world::{OpenSsh, World, until},
};

/// Hangs up when it hears the password.
#[derive(Clone, Copy)]
struct HangsUp;

impl Handler for HangsUp {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, Self::Error> {
        Err(russh::Error::Disconnect)
    }
}

fn server(w: &World) -> Fault {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[9; 32]));
    let public = key.public_key().to_openssh().unwrap();
    let config = Config {
        auth_rejection_time: Duration::ZERO,
        keys: vec![key],
        methods: MethodSet::from(&[MethodKind::Password][..]),
        nodelay: true,
        ..Config::default()
    };
    let config = Arc::new(config);
    let fault = Fault::start(move |stream, _| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            if let Ok(running) = run_stream(Arc::clone(&config), stream, HangsUp).await {
                let _ = running.await;
            }
        });
    });
    w.know(&format!("[127.0.0.1]:{} {public}", fault.port));
    fault
}

#[test]
fn a_server_that_hangs_up_at_the_password() {
    with_account("a_server_that_hangs_up_at_the_password", |w, a| {
        let file = password_file(w, &a.password).display().to_string();
        let fault = server(w);
        let target = with_config(w, &at(a, fault.port));
        let own = ["sftp", "--format", "json", "--password-file", &file].map(str::to_owned);
        let told = report(&preflight(w, &[&own[..], &target].concat()));
        assert_eq!(told["diagnosis"]["id"], "not-examined", "{told:#}");
        let also = told["diagnosis"]["also_possible"].to_string();
        assert!(also.contains("password-wrong"), "{told:#}");
        assert_eq!(fault.connections(), 1);
        let sftp = sftp(w, &a.password, &target, "ls\n");
        assert_ne!(sftp.code(), Some(0), "{}", sftp.stdout);
        table::row("sftp server that hangs up at the password", w, &sftp, Some("not-examined"));
    });
}

/// An account of this test alone, which ends with it.
struct Old(&'static str);

impl Drop for Old {
    fn drop(&mut self) {
        run(Command::new("userdel").args(["--force", self.0]));
    }
}

#[test]
fn a_password_that_has_expired() {
    with_account("a_password_that_has_expired", |w, a| {
        let old = Old("preflight-old");
        run(Command::new("useradd").args(["--no-create-home", "--home-dir", "/", old.0]));
        let account = Account { name: old.0, password: a.password.clone(), ..*a };
        account.set_password();
        assert_eq!(run(Command::new("chage").args(["-d", "0", old.0])).code(), Some(0));
        let asked = |name, port, expected| Asked {
            name,
            port,
            password: Some(&account.password),
            ssh: &[],
            own: &[],
            expected: Some(expected),
        };
        // OpenSSH keeps its words about it from SFTP.
        let port = serve(w, &["KbdInteractiveAuthentication no"]);
        let name = "sftp with an expired password that nobody mentions";
        let told = compare(w, &account, &asked(name, port, "sftp-closed"));
        assert_eq!(told["diagnosis"]["also_possible"][0], "password-expired", "{told:#}");
        if std::path::Path::new("/etc/pam.d/sshd").exists() {
            let port = serve(w, &["UsePAM yes", "PasswordAuthentication no"]);
            let name = "sftp with an expired password";
            compare(w, &account, &asked(name, port, "password-expired"));
        }
    });
}

/// The server dies when the test file is there. Nobody can remove it, so its place is told.
#[test]
fn a_test_file_that_stays_is_named() {
    with_account("a_test_file_that_stays_is_named", |w, a| {
        let folder = data(w).display().to_string();
        let dies = script(
            w,
            "dies",
            &format!(
                "( n=0; while [ -z \"$(ls -A {folder})\" ] && [ $n -lt 3000 ]; do n=$((n+1)); done; kill -9 $$ ) &\n\
                 exec /usr/lib/openssh/sftp-server -d {folder}"
            ),
        );
        let port = serve(w, &[&format!("ForceCommand {dies}")]);
        let file = password_file(w, &a.password).display().to_string();
        let own = ["sftp", "--write-test", "--format", "json", "--password-file", &file];
        let words = [&own.map(str::to_owned)[..], &with_config(w, &at(a, port))].concat();
        let told = report(&preflight(w, &words));
        let left: Vec<_> = std::fs::read_dir(data(w)).unwrap().flatten().collect();
        match left.as_slice() {
            // It was quicker than the one who kills.
            [] => assert_eq!(told["verdict"], "ready", "{told:#}"),
            [one] => {
                let place = one.path().display().to_string();
                assert!(told["diagnosis"]["because"].to_string().contains(&place), "{told:#}");
            }
            more => panic!("{more:?}"),
        }
    });
}

/// What is behind a jump host is seen after a login there, which nobody asked for.
#[test]
fn an_access_behind_a_jump_host() {
    with_account("an_access_behind_a_jump_host", |w, a| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[&key]);
        let jump = w.jump_host(&key.public, &[]);
        let port = serve(w, &[]);
        let through = format!("{}@127.0.0.1:{jump}", w.person.name);
        let ssh: &[&str] = &["-J", &through];
        let password = Some(a.password.as_str());
        let look = |own, name, expected| {
            compare(w, a, &Asked { name, port, password, ssh, own, expected });
        };
        look(&[], "sftp behind a jump host that nobody went through", Some("behind-jump-host"));
        look(&["--through"], "sftp behind a jump host", None);
    });
}

/// A wrong password brings a penalty; the next look is turned away at the door, and that is no word
/// about the password.
#[test]
fn an_address_that_is_penalised() {
    if !OpenSsh::Ten.is_there() {
        return skip("an_address_that_is_penalised", "there is no OpenSSH 10");
    }
    with_account("an_address_that_is_penalised", |w, a| {
        w.server_is = OpenSsh::Ten;
        let port = serve(w, &["PerSourcePenalties authfail:30 min:1 max:60"]);
        let target = with_config(w, &at(a, port));
        let ended = sftp(w, "not the password", &target, "ls\n");
        assert_ne!(ended.code(), Some(0), "{}", ended.stdout);
        until("the penalty", || w.sshd_log().contains("penalty of"));
        // Whether ssh says "closed" or "reset" is a matter of which packet comes first.
        let file = password_file(w, &a.password).display().to_string();
        let own = ["sftp", "--format", "json", "--password-file", &file].map(str::to_owned);
        let told = report(&preflight(w, &[&own[..], &target].concat()));
        assert_eq!(told["diagnosis"]["id"], "source-penalty", "{told:#}");
        assert_eq!(told["verdict"], "not-ready");
        assert_ne!(sftp(w, &a.password, &target, "ls\n").code(), Some(0), "sftp is the oracle");
        assert!(!w.sshd_log().contains("Accepted password"), "{}", w.sshd_log());
    });
}
