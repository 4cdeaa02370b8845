//! What an environment is to be like: plain data. The default is one where everything works.

/// All that a scenario can change.
#[derive(Debug, Clone)]
pub struct Stage {
    /// User that is typed.
    pub user: &'static str,
    /// Host that is typed.
    pub host: &'static str,
    /// Options of `ssh` that are typed.
    pub options: &'static [&'static str],
    /// Further lines of the configuration.
    pub config: &'static [&'static str],
    /// What the name server does.
    pub names: Names,
    /// What listens on the port.
    pub server: Server,
    /// What known_hosts says about the server.
    pub known: Known,
    /// What the key file is like.
    pub key_file: KeyFile,
    /// What the agent is like.
    pub agent: Agent,
    /// Whether somebody could answer a question.
    pub interactive: bool,
}

/// The environment that is reached.
pub const HOST: &str = "demo-staging.cloud.akeneo.com";

impl Default for Stage {
    fn default() -> Self {
        Self {
            user: "akeneo",
            host: HOST,
            options: &[],
            config: &[],
            names: Names::Right,
            server: Server::Ssh(Rules::default()),
            known: Known::Right,
            key_file: KeyFile::Sound,
            agent: Agent::Holds { others: 0, own: true },
            interactive: true,
        }
    }
}

/// What the name server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// It knows [`HOST`] and nothing else.
    Right,
    /// It answers every question with SERVFAIL.
    Failing,
    /// It never answers.
    Silent,
}

/// What listens on the port.
#[derive(Debug, Clone, Copy)]
pub enum Server {
    /// Nothing: connections are refused.
    Nothing,
    /// A real SSH server.
    Ssh(Rules),
    /// Something that fails in one way.
    Faulty(Fault),
}

/// Whom the SSH server lets in.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether the person's key is registered for the user `akeneo`.
    pub registered: bool,
    /// Whether it offers login by key at all, or by password alone.
    pub by_key: bool,
    /// Refused keys after which it ends the conversation.
    pub most_tries: usize,
    /// Whether it only speaks a cipher that the configuration of the stage leaves out.
    pub odd_cipher: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { registered: true, by_key: true, most_tries: 6, odd_cipher: false }
    }
}

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Closes before it says a word.
    ClosesAtOnce,
    /// Speaks HTTP.
    SpeaksHttp,
    /// Sends line after line and never its identification.
    Tarpit,
    /// Says nothing.
    Silent,
    /// Says that it has too many connections, as OpenSSH does.
    Overloaded,
    /// Speaks the first version of the protocol.
    Ssh1,
    /// Resets the connection in the exchange of keys.
    CutsHandshake,
    /// Falls silent in the exchange of keys.
    StallsHandshake,
}

/// What known_hosts says about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Its key.
    Right,
    /// Another key.
    Other,
    /// Nothing.
    Nothing,
    /// Its key, marked as revoked.
    Revoked,
}

/// What the key file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// As it should be.
    Sound,
    /// Not there.
    Missing,
    /// Readable by everybody.
    TooOpen,
    /// In PuTTY's format.
    Ppk,
    /// Cut in the middle.
    Truncated,
    /// Locked with a passphrase.
    Locked,
}

/// What the agent is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// There is none.
    None,
    /// Its socket is there and nobody listens.
    Gone,
    /// It runs.
    Holds {
        /// How many keys that the server does not know.
        others: usize,
        /// Whether it holds the person's own.
        own: bool,
    },
}
