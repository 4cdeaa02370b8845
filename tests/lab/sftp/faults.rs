//! What no real server does on demand: an answer that is neither yes nor no, a session that breaks
//! in the middle of an upload.

use std::{borrow::Cow, sync::Arc, time::Duration};

use russh::{
    keys::{PrivateKey, ssh_key::private::Ed25519Keypair},
    server::{Auth, Config, Handler, run_stream},
};

use super::{
    account::{at, data, password_file, script, serve, with_account},
    oracle::sftp,
};
use crate::{
    faults::Fault,
    oracle::{preflight, report, with_config},
    table,
    world::World,
};

/// What the server does with a password.
#[derive(Clone, Copy)]
enum Does {
    /// Message 60, which after a password is the wish for a new one.
    WantsANewOne,
    HangsUp,
}

impl Handler for Does {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, Self::Error> {
        match self {
            Self::WantsANewOne => Ok(Auth::Partial {
                name: Cow::Borrowed("Your password has expired."),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[]),
            }),
            Self::HangsUp => Err(russh::Error::Disconnect),
        }
    }
}

fn server(w: &World, does: Does) -> Fault {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[9; 32]));
    let public = key.public_key().to_openssh().unwrap();
    let config = Config {
        auth_rejection_time: Duration::ZERO,
        keys: vec![key],
        nodelay: true,
        ..Config::default()
    };
    let config = Arc::new(config);
    let fault = Fault::start(move |stream, _| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            if let Ok(running) = run_stream(Arc::clone(&config), stream, does).await {
                let _ = running.await;
            }
        });
    });
    w.know(&format!("[127.0.0.1]:{} {public}", fault.port));
    fault
}

#[test]
fn passwords_that_get_no_plain_answer() {
    with_account("passwords_that_get_no_plain_answer", |w, a| {
        let file = password_file(w, &a.password).display().to_string();
        for (does, id, name) in [
            (Does::WantsANewOne, "password-expired", "sftp with an expired password"),
            (Does::HangsUp, "not-examined", "sftp server that hangs up at the password"),
        ] {
            let fault = server(w, does);
            let target = with_config(w, &at(a, fault.port));
            let own = ["sftp", "--format", "json", "--password-file", &file].map(str::to_owned);
            let told = report(&preflight(w, &[&own[..], &target].concat()));
            assert_eq!(told["diagnosis"]["id"], id, "{told:#}");
            assert_eq!(fault.connections(), 1);
            let sftp = sftp(w, &a.password, &target, "ls\n");
            assert_ne!(sftp.code(), Some(0), "{}", sftp.stdout);
            table::row(name, w, &sftp, Some(id));
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
                "( while [ -z \"$(ls -A {folder})\" ]; do :; done; kill -9 $$ ) &\n\
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
