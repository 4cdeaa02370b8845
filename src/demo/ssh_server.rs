//! A real SSH server that takes one key for one user. Nobody can log in: proofs are refused too.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use russh::{
    Disconnect, MethodKind, MethodSet, Preferred, SshId, cipher,
    keys::{PrivateKey, PublicKey},
    server::{Auth, Config, Handle, Handler, PublicKeyOffer, run_stream},
};
use tokio::net::TcpStream;

use super::stage::Rules;

/// The user of the environment.
const USER: &str = "akeneo";

/// How the server is set up, shared by its connections.
#[derive(Clone)]
pub struct SshServer {
    config: Arc<Config>,
    rules: Rules,
    key: PublicKey,
}

impl SshServer {
    /// A server with this host key that knows this key of the person.
    pub fn new(rules: Rules, host_key: PrivateKey, key: PublicKey) -> Self {
        let method = if rules.by_key { MethodKind::PublicKey } else { MethodKind::Password };
        let mut preferred = Preferred::default();
        if rules.odd_cipher {
            preferred.cipher = Cow::Borrowed(&[cipher::CHACHA20_POLY1305]);
        }
        let config = Config {
            server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-ssh-preflight-demo")),
            methods: MethodSet::from([method].as_slice()),
            // There is nothing to guess here.
            auth_rejection_time: Duration::ZERO,
            keys: vec![host_key],
            preferred,
            nodelay: true,
            ..Config::default()
        };
        Self { config: Arc::new(config), rules, key }
    }

    /// Talks to one client until it goes away.
    pub async fn talk(self, stream: TcpStream) {
        let handle = Arc::new(OnceLock::new());
        let connection = Connection {
            rules: self.rules,
            key: self.key,
            refused: 0,
            handle: Arc::clone(&handle),
        };
        if let Ok(running) = run_stream(self.config, stream, connection).await {
            let _ = handle.set(running.handle());
            // How a client leaves is no concern of a server that is made up.
            let _ = running.await;
        }
    }
}

struct Connection {
    rules: Rules,
    key: PublicKey,
    refused: usize,
    handle: Arc<OnceLock<Handle>>,
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let is_own = offer.public_key.key_data() == self.key.key_data();
        if is_own && user == USER && self.rules.registered && self.rules.by_key {
            return Ok(Auth::Accept);
        }
        self.refused += 1;
        if self.refused >= self.rules.most_tries
            && let Some(handle) = self.handle.get()
        {
            // OpenSSH's words and code (auth.c, auth_maxtries_exceeded).
            let words = "Too many authentication failures".to_owned();
            let code = Disconnect::ProtocolError;
            let _ = handle.disconnect(code, words, String::new()).await;
        }
        Ok(Auth::reject())
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(Auth::reject())
    }
}
