//! What ends a run before its time: Ctrl-C, and the signals with which a system, a CI or a terminal that
//! is closed asks for it. Each of them ends the waiting, and not the cleaning up.

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The first one ends the waiting; a Ctrl-C after it, the program. `timeout` and shells send their
/// signals twice, so the other ones never do that.
pub(crate) async fn when_told(cut: CancellationToken) {
    told().await;
    cut.cancel();
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(i32::from(Exit::Inconclusive.code()));
    }
}

/// Waits until this run is to end before its time.
pub(crate) async fn told() {
    tokio::select! {
        biased;
        Ok(()) = tokio::signal::ctrl_c() => {}
        () = asked() => {}
    }
}

/// Waits for SIGTERM or SIGHUP.
#[cfg(unix)]
async fn asked() {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    async fn one(signal: Option<Signal>) {
        match signal {
            Some(mut signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
    let hang_up = if outlives_the_terminal() { None } else { signal(SignalKind::hangup()).ok() };
    tokio::select! {
        () = one(signal(SignalKind::terminate()).ok()) => {}
        () = one(hang_up) => {}
    }
}

/// Elsewhere there are none of them.
#[cfg(not(unix))]
async fn asked() {
    std::future::pending::<()>().await;
}

/// Whether somebody wants it so (`nohup`): whoever starts to listen to a signal ignores it no more. Only
/// Linux tells.
#[cfg(unix)]
fn outlives_the_terminal() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hang_up(&status))
}

/// Of `proc_pid_status(5)`: the mask of ignored signals, of which SIGHUP is the first.
#[cfg(unix)]
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::ignores_hang_up;

    #[test]
    fn an_ignored_signal_is_seen() {
        for (status, ignored) in [
            ("Name:\tx\nSigIgn:\t0000000000001001\n", true),
            ("SigIgn:\t0000000000001000\n", false),
            ("", false),
        ] {
            assert_eq!(ignores_hang_up(status), ignored, "{status:?}");
        }
    }
}
