//! One fact: observed at most once, on first demand, awaited by all who ask.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Instant,
};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{case::Observed, text, text::Text};

/// A fact, or why there is none. "Connection refused" is a fact, not an `Err`.
pub type Seen<T> = Result<T, Unseen>;

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// It needs something that there is not; the word names it.
    Needs(Needed),
    /// The time for the whole run was over.
    OutOfTime,
    /// Ctrl-C.
    Interrupted,
    /// The one who asked first went away in the middle; asking twice could do harm.
    Abandoned,
    /// A defect of ours: the probe panicked.
    Crashed,
    /// It was not looked at when the case was recorded.
    NotRecorded,
    /// The log that is explained does not show it.
    NotInLog,
    /// This program, or this system, cannot look; the words say why.
    Unable(String),
    /// Only `ssh` itself can tell, and there is none on this computer; the words say why.
    OnlySsh(String),
}

/// What an observation needs before it can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needed {
    /// A configuration that ssh accepts.
    Configuration,
    /// An address of the host.
    Address,
    /// A TCP connection.
    Connection,
    /// Exchanged keys.
    Handshake,
    /// A host key that this computer trusts.
    TrustedHost,
    /// A key to ask about.
    Key,
    /// A connection that fails.
    Failure,
    /// A direct way to the host, with no jump host or proxy command.
    DirectWay,
    /// A jump host that lets in.
    JumpHost,
    /// That `--through` asks for a login at a jump host, or for a command that may log in.
    Consent,
    /// A login at the jump host with no question to a person.
    NoQuestion,
    /// A command that carries the conversation.
    Proxy,
    /// A key that the server takes and that can be proven.
    AcceptedKey,
    /// A server that is known already, so that `ssh` has nothing to ask.
    KnownHost,
    /// A login.
    Login,
    /// A client at the source of a copy.
    ClientThere,
    /// An agent.
    Agent,
}

impl Unseen {
    /// One line for the report.
    #[must_use]
    pub fn words(&self) -> Text {
        match self {
            Self::Needs(Needed::Configuration) => {
                text!["Skipped: the configuration is not usable."]
            }
            Self::Needs(Needed::Address) => text!["Skipped: there is no address to connect to."],
            Self::Needs(Needed::Connection) => {
                text!["Skipped: there is no connection to the server."]
            }
            Self::Needs(Needed::Handshake) => text!["Skipped: no secure session with the server."],
            Self::Needs(Needed::TrustedHost) => {
                text![
                    "Skipped: the server's identity is in doubt, so nothing more was asked of it."
                ]
            }
            Self::Needs(Needed::Key) => text!["Skipped: there is no key to ask about."],
            Self::Needs(Needed::Failure) => text!["Skipped: there is no failure to look into."],
            Self::Needs(Needed::DirectWay) => text![
                "Skipped: the connection goes through a jump host or proxy command, not directly."
            ],
            Self::Needs(Needed::JumpHost) => text!["Skipped: the jump host does not let in."],
            Self::Needs(Needed::Consent) => text![
                "Skipped: the way there may log in elsewhere, which was not asked for (--through)."
            ],
            Self::Needs(Needed::NoQuestion) => {
                text!["Skipped: ssh has to ask you something before it gets through the jump host."]
            }
            Self::Needs(Needed::AcceptedKey) => {
                text!["Skipped: there is no key that the server takes and that could be proven."]
            }
            Self::Needs(Needed::KnownHost) => {
                text!["Skipped: ssh would first ask you whether this is the right server."]
            }
            Self::Needs(Needed::Login) => text!["Skipped: there is no login."],
            Self::Needs(Needed::ClientThere) => text!["Skipped: there is no ssh at the source."],
            Self::Needs(Needed::Agent) => text!["Skipped: there is no agent here to forward."],
            Self::Needs(Needed::Proxy) => text!["Skipped: the proxy command does not run."],
            Self::OutOfTime => {
                text!["Not found out: the time limit for the whole run was reached."]
            }
            Self::Interrupted => text!["Not found out: interrupted."],
            Self::Abandoned => text!["Not found out: the observation was broken off."],
            Self::Crashed => text!["Not found out: a defect in ssh-preflight; please report it."],
            Self::NotRecorded => text!["Skipped: not looked at when this was recorded."],
            Self::NotInLog => text!["Skipped: the log does not show it."],
            Self::Unable(why) => text!["Not found out: ", text::foreign(why), "."],
            Self::OnlySsh(why) => {
                text![
                    "Not found out: ",
                    text::foreign(why),
                    ", and there is no ssh on this computer."
                ]
            }
        }
    }

    /// Whether this is only the consequence of something else that is missing.
    #[must_use]
    pub fn is_consequence(&self) -> bool {
        matches!(self, Self::Needs(_) | Self::NotRecorded | Self::NotInLog)
    }
}

/// The one place where waiting ends: time, Ctrl-C, a panic of ours.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When the run began.
    pub began: Instant,
    /// When the whole run ends.
    pub until: Instant,
    /// Ctrl-C.
    pub cut: CancellationToken,
    /// Whether this is a recorded case: what was not looked at then is not looked at later.
    pub recorded: bool,
}

impl Limits {
    /// Runs one probe in a task of its own, so that a panic in it ends it alone, and waits no
    /// longer than the run may last. The task is dropped with the wait.
    pub async fn hold<T: Send + 'static>(
        &self,
        probe: impl Future<Output = Seen<T>> + Send + 'static,
    ) -> Seen<T> {
        let mut task = AbortOnDrop(tokio::spawn(probe));
        tokio::select! {
            biased;
            ended = &mut task.0 => ended.unwrap_or(Err(Unseen::Crashed)),
            () = self.cut.cancelled() => Err(Unseen::Interrupted),
            () = tokio::time::sleep_until(self.until.into()) => Err(Unseen::OutOfTime),
        }
    }

    /// Milliseconds since the run began.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        millis(self.began)
    }
}

/// Milliseconds since a moment.
pub(crate) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);
impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Probed on first demand, at most once, awaited by all who ask.
#[derive(Debug)]
pub struct Fact<T> {
    cell: OnceCell<Observed<T>>,
    started: AtomicBool,
}

impl<T> Fact<T> {
    /// Nobody asked yet, or an observation from a recorded case.
    pub fn new(recorded: Option<Observed<T>>) -> Self {
        Self { started: AtomicBool::new(recorded.is_some()), cell: OnceCell::new_with(recorded) }
    }

    /// The fact; `probe` runs if nobody asked before.
    ///
    /// A bare once-cell probes again when the first caller was dropped while waiting. Here that
    /// would be a second connection or key query, which can lock a user out, so a mark is left
    /// when the probe starts.
    ///
    /// The probe is boxed: one fact asks for the next, a jump host has facts of its own, and the
    /// compiler gives up on futures that hold each other so deeply by value.
    pub async fn once<'f, F>(
        &'f self,
        limits: &'f Limits,
        probe: impl FnOnce() -> F + Send,
    ) -> &'f Seen<T>
    where
        F: Future<Output = Seen<T>> + Send + 'f,
    {
        let observe = || async {
            let started_ms = limits.elapsed_ms();
            let seen = if limits.recorded {
                Err(Unseen::NotRecorded)
            } else if self.started.swap(true, SeqCst) {
                Err(Unseen::Abandoned)
            } else {
                let probe: BoxFuture<'f, Seen<T>> = Box::pin(probe());
                probe.await
            };
            let duration_ms = limits.elapsed_ms().saturating_sub(started_ms);
            Observed { started_ms, duration_ms, seen }
        };
        &self.cell.get_or_init(observe).await.seen
    }

    /// What is there by now.
    pub fn observed(&self) -> Option<&Observed<T>> {
        self.cell.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::AtomicUsize, time::Duration};

    fn limits() -> Limits {
        let began = Instant::now();
        Limits {
            began,
            until: began + Duration::from_secs(5),
            cut: CancellationToken::new(),
            recorded: false,
        }
    }

    #[tokio::test]
    async fn a_dropped_caller_does_not_make_us_knock_twice() {
        let (limits, knocks) = (limits(), AtomicUsize::new(0));
        let fact = Fact::<()>::new(None);
        let ask = || {
            fact.once(&limits, || async {
                knocks.fetch_add(1, SeqCst);
                tokio::time::sleep(Duration::from_millis(200)).await;
                Ok(())
            })
        };
        assert!(tokio::time::timeout(Duration::from_millis(20), ask()).await.is_err());
        assert_eq!(ask().await, &Err(Unseen::Abandoned));
        assert_eq!(knocks.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_in_a_probe_ends_that_probe_alone() {
        let limits = limits();
        #[allow(clippy::panic)]
        let seen: Seen<()> = limits.hold(async { panic!("a defect") }).await;
        assert_eq!(seen, Err(Unseen::Crashed));
    }

    #[tokio::test]
    async fn ctrl_c_ends_a_wait() {
        let limits = limits();
        limits.cut.cancel();
        let seen: Seen<()> = limits.hold(std::future::pending()).await;
        assert_eq!(seen, Err(Unseen::Interrupted));
    }
}
