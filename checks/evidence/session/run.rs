//! Runs one command in a session of its own (RFC 4254, section 6).

use std::time::{Duration, Instant};

use russh::{Channel, ChannelMsg, ChannelOpenFailure, client::Msg};

use super::Session;
use crate::{
    evidence::{
        Limits,
        fact::millis,
        login::{NotOpened, Run, RunEnd},
    },
    text::{FOREIGN_LIMIT, Foreign},
};

/// No command: what the server does with those who bring none, as `ssh -T` asks for it (RFC 4254,
/// section 6.5). No input follows, so a real shell ends at once.
pub const SHELL: &str = "";

/// Runs a command; `forwarding`: asks for the agent to be forwarded first. Each answer may take
/// `answer` at most, and the whole no longer than the run.
pub async fn run(
    session: &Session,
    command: &str,
    forwarding: bool,
    answer: Duration,
    limits: &Limits,
) -> Run {
    run_and_keep(session, command, forwarding, FOREIGN_LIMIT, answer, limits).await.run
}

/// A command, and more of what it printed than a report shows: what is read, and not shown.
pub struct Kept {
    /// The command.
    pub run: Run,
    /// What it printed, up to the limit.
    pub stdout: String,
    /// What it complained about, up to the limit.
    pub stderr: String,
}

/// Runs a command like [`run`], and keeps up to `most` bytes of what it prints.
pub async fn run_and_keep(
    session: &Session,
    command: &str,
    forwarding: bool,
    most: usize,
    answer: Duration,
    limits: &Limits,
) -> Kept {
    let began = Instant::now();
    let mut running = Running::new(command, most);
    let end = tokio::select! {
        biased;
        end = running.go(session, forwarding, answer) => end,
        () = limits.cut.cancelled() => RunEnd::Interrupted,
        () = tokio::time::sleep_until(limits.until.into()) => RunEnd::OutOfTime,
    };
    running.ended(end, millis(began))
}

/// What came in by now: it outlives whatever ends the wait.
struct Running {
    run: Run,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The last bytes of what it printed.
    tail: Vec<u8>,
    most: usize,
}

impl Running {
    fn new(command: &str, most: usize) -> Self {
        let run = Run { command: command.to_owned(), ..Run::default() };
        let (stdout, stderr, tail) = (Vec::new(), Vec::new(), Vec::new());
        Self { run, stdout, stderr, tail, most: most.max(FOREIGN_LIMIT) }
    }

    async fn go(&mut self, session: &Session, forwarding: bool, answer: Duration) -> RunEnd {
        let too_late =
            || RunEnd::TimedOut { after_ms: u64::try_from(answer.as_millis()).unwrap_or(u64::MAX) };
        let opened = tokio::time::timeout(answer, session.handle.channel_open_session()).await;
        let mut channel = match opened {
            Err(_) => return too_late(),
            Ok(Ok(channel)) => channel,
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                self.run.not_opened = Some(not_opened(&reason, session).await);
                return RunEnd::Closed;
            }
            Ok(Err(_)) => return RunEnd::Closed,
        };
        if forwarding {
            self.run.agent_forwarding = match self.request_forwarding(&mut channel, answer).await {
                Some(granted) => Some(granted),
                None => return too_late(),
            };
            if self.run.agent_forwarding == Some(false) {
                let _ = channel.close().await;
                return RunEnd::Closed;
            }
        }
        let asked = if self.run.command == SHELL {
            channel.request_shell(true).await
        } else {
            channel.exec(true, self.run.command.as_str()).await
        };
        if asked.is_err() {
            return RunEnd::Closed;
        }
        let _ = channel.eof().await;
        let mut end = RunEnd::Closed;
        loop {
            let Ok(message) = tokio::time::timeout(answer, channel.wait()).await else {
                let _ = channel.close().await;
                // A status that came is the end, even if the channel is never closed.
                return if end == RunEnd::Closed { too_late() } else { end };
            };
            match message {
                None | Some(ChannelMsg::Close) => return end,
                Some(ChannelMsg::Failure) => {
                    self.run.accepted = Some(false);
                    let _ = channel.close().await;
                    return RunEnd::Closed;
                }
                Some(ChannelMsg::Success) => self.run.accepted = Some(true),
                Some(ChannelMsg::ExitStatus { exit_status }) => end = RunEnd::Exited(exit_status),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    end = RunEnd::Signalled(format!("{signal_name:?}"));
                }
                Some(ChannelMsg::Data { data }) => {
                    let bytes = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    self.run.stdout_bytes = self.run.stdout_bytes.saturating_add(bytes);
                    keep(&mut self.stdout, &data, self.most);
                    keep_last(&mut self.tail, &data);
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    keep(&mut self.stderr, &data, self.most)
                }
                Some(_) => {}
            }
            if self.run.stdout_bytes > MOST_BYTES {
                let _ = channel.close().await;
                return end;
            }
        }
    }

    /// `None`: no answer in time.
    async fn request_forwarding(
        &self,
        channel: &mut Channel<Msg>,
        answer: Duration,
    ) -> Option<bool> {
        if channel.agent_forward(true).await.is_err() {
            return Some(false);
        }
        loop {
            match tokio::time::timeout(answer, channel.wait()).await.ok()? {
                Some(ChannelMsg::Success) => return Some(true),
                None | Some(ChannelMsg::Failure | ChannelMsg::Close) => return Some(false),
                Some(_) => {}
            }
        }
    }

    fn ended(self, end: RunEnd, duration_ms: u64) -> Kept {
        let run = Run {
            stdout: Foreign::from_bytes(&self.stdout),
            stderr: Foreign::from_bytes(&self.stderr),
            last_line: last_line(&self.tail).filter(|_| self.stdout.len() > FOREIGN_LIMIT),
            end,
            duration_ms,
            ..self.run
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Kept { run, stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }
}

/// A command that prints more than this is no longer listened to: none of ours prints much.
const MOST_BYTES: u64 = 1 << 20;

/// Keeps one byte more than is shown, so that it is seen that something was cut.
fn keep(kept: &mut Vec<u8>, more: &[u8], most: usize) {
    let room = (most + 1).saturating_sub(kept.len());
    kept.extend(more.iter().take(room));
}

/// Keeps as much of the end as a report may show.
fn keep_last(kept: &mut Vec<u8>, more: &[u8]) {
    let new = more.get(more.len().saturating_sub(FOREIGN_LIMIT)..).unwrap_or_default();
    kept.extend(new);
    kept.drain(..kept.len().saturating_sub(FOREIGN_LIMIT));
}

/// The last line that is not blank. One that is longer than what was kept is none.
fn last_line(tail: &[u8]) -> Option<Foreign> {
    let mut lines = tail.split(|byte| *byte == b'\n').rev();
    let line = lines.by_ref().map(<[u8]>::trim_ascii).find(|line| !line.is_empty())?;
    lines.next().map(|_| Foreign::from_bytes(line))
}

/// The server's refusal. The library tells its words a moment after the refusal itself.
pub(super) async fn not_opened(reason: &ChannelOpenFailure, session: &Session) -> NotOpened {
    let name = match reason {
        ChannelOpenFailure::AdministrativelyProhibited => "administratively-prohibited".to_owned(),
        ChannelOpenFailure::ConnectFailed => "connect-failed".to_owned(),
        ChannelOpenFailure::UnknownChannelType => "unknown-channel-type".to_owned(),
        ChannelOpenFailure::ResourceShortage => "resource-shortage".to_owned(),
        ChannelOpenFailure::Other { code, .. } => code.to_string(),
    };
    for _ in 0..20 {
        if let Some(words) = session.trail.lock().take_not_opened() {
            return NotOpened { reason: name, words };
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    NotOpened { reason: name, words: Foreign::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_beside_the_begin() {
        let ended = |printed: &str| {
            let mut running = Running::new("hostname", 0);
            for piece in printed.as_bytes().chunks(100) {
                keep(&mut running.stdout, piece, FOREIGN_LIMIT);
                keep_last(&mut running.tail, piece);
            }
            running.ended(RunEnd::Exited(0), 1).run
        };
        let short = ended("Hello!\nshop-1\n");
        assert_eq!((short.last_line.clone(), short.noisy_host_name()), (None, Some("shop-1")));
        let long = ended(&("A line of a greeting.\n".repeat(60) + "shop-1\n\n"));
        assert_eq!((long.host_name(), long.noisy_host_name()), (None, Some("shop-1")));
        assert_eq!(long.last_line(), Some("shop-1"));
        let endless = ended(&"x".repeat(2000));
        assert_eq!((endless.last_line.clone(), endless.noisy_host_name()), (None, None));
    }
}
