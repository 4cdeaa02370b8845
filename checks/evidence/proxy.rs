//! The command that carries the conversation: `ssh -W` through a jump host, or a ProxyCommand.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt, Join},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::connection::OsError;
use crate::text::Foreign;

/// A command that was started, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The program that it runs, by the name of its file.
    pub program: String,
    /// Why it could not be started, where it could not.
    pub trouble: Option<ProxyTrouble>,
}

/// Why a command could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyTrouble {
    /// A `%` with a letter that `ssh` does not know here.
    UnknownToken(char),
    /// The system could not run it.
    Failed(OsError),
}

/// How the command stood when the conversation had ended, or keys had been exchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyEnd {
    /// Its exit code or signal; none while it runs.
    pub exit: Option<Exit>,
    /// What it wrote on standard error: the first lines. Of ssh's debugging lines only those are
    /// kept that tell how far it got.
    pub said: Vec<Foreign>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// What is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// A program with its arguments.
    Words(Vec<String>),
    /// A line for the user's shell, as `ssh` gives it a ProxyCommand.
    Shell(String),
}

/// How many lines are kept.
const MOST_LINES: usize = 20;
/// How long a line may be until it is cut.
const LONGEST_LINE: usize = 4096;
/// How long a command may take to end after it closed its output.
const TO_END: Duration = Duration::from_secs(2);
/// How long it may take to end after the goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// The stream that the command relays.
pub type Stream = Join<ChildStdout, ChildStdin>;

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Mutex<Vec<Foreign>>>,
    listening: tokio::task::JoinHandle<()>,
}

/// Starts a command; its standard input and output are the stream.
///
/// # Errors
/// The system's.
pub fn start(launch: &Launch) -> Result<(Stream, Running), OsError> {
    let mut command = command(launch);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // No window may pop up and ask; ssh would have shown it, but a check has nobody to wait for.
    command.env("SSH_ASKPASS_REQUIRE", "never");
    // A group of its own can be ended as a whole, and in the background of the terminal nobody in it
    // can take what is typed.
    #[cfg(unix)]
    command.process_group(0);
    let failed = |e: std::io::Error| OsError::of("exec", &e);
    let mut child = command.spawn().map_err(failed)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
    };
    let said = Arc::<Mutex<Vec<Foreign>>>::default();
    let listening = tokio::spawn(listen(stderr, Arc::clone(&said)));
    Ok((tokio::io::join(stdout, stdin), Running { child, said, listening }))
}

#[cfg(unix)]
fn command(launch: &Launch) -> Command {
    match launch {
        Launch::Words(words) => program(words),
        Launch::Shell(line) => {
            // As sshconnect.c, ssh_proxy_connect.
            let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
            let mut command = Command::new(shell.unwrap_or_else(|| "/bin/sh".into()));
            command.arg("-c").arg(line);
            command
        }
    }
}

/// The ssh of Windows runs the words without a shell.
#[cfg(not(unix))]
fn command(launch: &Launch) -> Command {
    match launch {
        Launch::Words(words) => program(words),
        Launch::Shell(line) => {
            let line = line.strip_prefix("exec ").unwrap_or(line);
            program(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        }
    }
}

fn program(words: &[String]) -> Command {
    let mut command = Command::new(words.first().map_or("ssh", String::as_str));
    command.args(words.iter().skip(1));
    command
}

impl Running {
    /// How it stands. Where its output has ended, it is given a moment to end too.
    pub async fn stands(&mut self, ended: bool) -> ProxyEnd {
        let status = if ended {
            timeout(TO_END, self.child.wait()).await.ok().and_then(Result::ok)
        } else {
            self.child.try_wait().ok().flatten()
        };
        if status.is_some() {
            // What it said last may still be in the pipe. Who inherited the pipe may keep it open.
            let _ = timeout(Duration::from_millis(200), &mut self.listening).await;
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ProxyEnd { exit: status.map(exit), said }
    }

    /// Ends it: it is given a moment to go by itself, since its input has ended.
    pub async fn stop(mut self) {
        let _ = timeout(GOODBYE, self.child.wait()).await;
    }
}

/// Nothing that was started here outlives its use.
impl Drop for Running {
    fn drop(&mut self) {
        self.listening.abort();
        #[cfg(unix)]
        {
            use nix::{sys::signal, unistd::Pid};
            // While the child was not waited for, its number cannot belong to another.
            if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
                let _ = signal::killpg(Pid::from_raw(id), signal::Signal::SIGKILL);
            }
        }
    }
}

fn exit(status: std::process::ExitStatus) -> Exit {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return Exit::Signal(signal);
        }
    }
    Exit::Code(status.code().unwrap_or(-1))
}

/// Reads to the end, so that no full pipe blocks the command, and keeps the first lines.
async fn listen(mut from: impl AsyncRead + Unpin, said: Arc<Mutex<Vec<Foreign>>>) {
    let (mut line, mut space) = (Vec::new(), [0u8; 4096]);
    let keep = |line: &mut Vec<u8>| {
        let whole = line.trim_ascii().to_vec();
        line.clear();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if !whole.is_empty() && said.len() < MOST_LINES && tells(&whole) {
            said.push(Foreign::from_bytes(&whole));
        }
    };
    while let Ok(count @ 1..) = from.read(&mut space).await {
        for byte in space.get(..count).unwrap_or_default() {
            if *byte == b'\n' {
                keep(&mut line);
            } else if line.len() < LONGEST_LINE {
                line.push(*byte);
            }
        }
    }
    keep(&mut line);
}

/// Whether a line is worth keeping. ssh's debugging lines are many; these say how far it got.
fn tells(line: &[u8]) -> bool {
    let is_debug = [&b"debug1: "[..], b"debug2: ", b"debug3: "].iter().any(|d| line.starts_with(d));
    let has = |part: &[u8]| line.windows(part.len()).any(|window| window == part);
    !is_debug && !line.starts_with(b"OpenSSH_")
        || has(b"Authenticated to ")
        || has(b": open confirm ")
        || has(b": key options:")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn shell(line: &str) -> Launch {
        Launch::Words(["/bin/sh", "-c", line].map(str::to_owned).to_vec())
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn it_relays_and_its_last_words_are_kept() {
        let (mut stream, mut running) = start(&shell(
            "read x; echo \"got $x\"; echo 'debug1: noise' >&2; echo last >&2; exit 3",
        ))
        .unwrap();
        stream.write_all(b"hello\n").await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "got hello\n");
        let end = running.stands(true).await;
        assert_eq!(end.exit, Some(Exit::Code(3)));
        assert_eq!(end.said, [Foreign::from_bytes(b"last")]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_of_its_group_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let line = format!("sleep 300 & echo $! > {}; wait", file.display());
        let (_stream, mut running) = start(&shell(&line)).unwrap();
        let pid = loop {
            match std::fs::read_to_string(&file) {
                Ok(pid) if pid.ends_with('\n') => break pid.trim().parse::<i32>().unwrap(),
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        assert_eq!(running.stands(false).await.exit, None);
        let is_there = || {
            // A process that ended and was not waited for yet is a zombie.
            std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z"))
        };
        assert!(is_there() || !std::path::Path::new("/proc/self").exists());
        running.stop().await;
        for _ in 0..200 {
            if !is_there() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        unreachable!("a process of the group lives on");
    }
}
