//! Asks the person at the terminal for a passphrase, as `ssh` does: in its words, and unseen.

use std::sync::Arc;

use checks::evidence::person::Person;
use zeroize::Zeroizing;

use crate::{progress::Screen, stop};

/// Whether there is a terminal at which somebody could answer. `ssh` asks at the terminal of the
/// process, whatever standard input is (OpenSSH, readpass.c): `ssh HOST < FILE` asks as well.
#[cfg(unix)]
#[must_use]
pub fn is_there() -> bool {
    unix::Terminal::of_this_process(Screen::empty()).is_some()
}

/// No other system has a terminal that is known here, but for what standard input is.
#[cfg(not(unix))]
#[must_use]
pub fn is_there() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Whoever sits at the terminal of this process; none where nobody does. In a CI there may be a
/// terminal, but nobody looks at it.
#[must_use]
pub fn person(screen: Screen) -> Option<Arc<dyn Person>> {
    if checks::evidence::machine::is_ci() {
        return None;
    }
    here(screen)
}

/// Asks one thing before anything else is shown; none where there is no terminal to ask at, or
/// nothing is typed.
#[cfg(unix)]
#[must_use]
pub fn once(prompt: &str) -> Option<Zeroizing<String>> {
    let terminal = unix::Terminal::of_this_process(Screen::empty())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        tokio::select! {
            // Listened to before the echo is off, which comes back with the end of the question.
            biased;
            () = stop::told() => None,
            line = terminal.ask(prompt.to_owned()) => line,
        }
    })
}

/// No other system has a terminal that is known here.
#[cfg(not(unix))]
#[must_use]
pub fn once(_prompt: &str) -> Option<Zeroizing<String>> {
    None
}

#[cfg(unix)]
fn here(screen: Screen) -> Option<Arc<dyn Person>> {
    unix::Terminal::of_this_process(screen).map(|terminal| Arc::new(terminal) as Arc<dyn Person>)
}

/// No other system has a terminal that is known here; there the agent holds the keys.
#[cfg(not(unix))]
fn here(_screen: Screen) -> Option<Arc<dyn Person>> {
    None
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{File, OpenOptions},
        io::{ErrorKind, Read, Write},
        os::unix::fs::OpenOptionsExt,
        sync::{Arc, Mutex, PoisonError},
        time::Duration,
    };

    use checks::{evidence::person::Person, text::printable};
    use futures_util::future::{BoxFuture, FutureExt};
    use nix::{
        fcntl::OFlag,
        libc::_POSIX_VDISABLE,
        sys::termios::{
            LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
        },
        unistd::{getpgrp, tcgetpgrp},
    };
    use zeroize::Zeroizing;

    use crate::progress::Screen;

    const TERMINAL: &str = "/dev/tty";

    /// How often it is looked whether a line was typed. Whoever waits can be dropped in between, so
    /// no thread is ever left behind that would eat what is typed to the shell.
    const LOOK: Duration = Duration::from_millis(40);

    /// No passphrase is longer; `ssh` takes 1023 bytes.
    const MOST_BYTES: usize = 1023;

    /// The terminal of this process.
    #[derive(Debug)]
    pub(super) struct Terminal {
        screen: Screen,
        /// Two questions at once could not be told apart.
        turn: tokio::sync::Mutex<()>,
        hidden: Hidden,
    }

    impl Terminal {
        pub(super) fn of_this_process(screen: Screen) -> Option<Self> {
            OpenOptions::new().read(true).write(true).open(TERMINAL).ok()?;
            Some(Self { screen, turn: tokio::sync::Mutex::default(), hidden: Hidden::default() })
        }

        pub(super) async fn ask(&self, prompt: String) -> Option<Zeroizing<String>> {
            let _turn = self.turn.lock().await;
            let _paused = self.screen.pause();
            let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).ok()?;
            let own = OFlag::O_NONBLOCK.bits();
            let typed = OpenOptions::new().read(true).custom_flags(own).open(TERMINAL).ok()?;
            // In the background, a question would stop the program.
            if tcgetpgrp(&terminal).ok()? != getpgrp() {
                return None;
            }
            let shown = self.hidden.hide(&terminal)?;
            terminal.write_all(prompt.as_bytes()).ok()?;
            let line = line(typed).await;
            drop(shown);
            line
        }
    }

    impl Person for Terminal {
        fn passphrase<'p>(&'p self, file: &'p str) -> BoxFuture<'p, Option<Zeroizing<String>>> {
            self.ask(format!("Enter passphrase for key '{}': ", printable(file))).boxed()
        }

        fn touch(&self, key: &str) {
            self.screen.say(&format!("Touch your security key now ({}).", printable(key)));
        }
    }

    /// What is typed up to the end of the line; none where the input ends without one.
    async fn line(mut from: File) -> Option<Zeroizing<String>> {
        let mut line = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
        let mut bytes = Zeroizing::new([0; MOST_BYTES]);
        loop {
            match from.read(bytes.as_mut_slice()) {
                Ok(0) => return None,
                Ok(read) => {
                    for byte in bytes.iter().take(read) {
                        match byte {
                            b'\n' | b'\r' => {
                                return std::str::from_utf8(&line)
                                    .ok()
                                    .map(|line| Zeroizing::new(line.to_owned()));
                            }
                            // More than there is room for would leave a copy behind.
                            _ if line.len() < MOST_BYTES => line.push(*byte),
                            _ => {}
                        }
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => tokio::time::sleep(LOOK).await,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// The terminal as it was before its echo was turned off.
    #[derive(Debug, Clone, Default)]
    struct Hidden(Arc<Mutex<Option<(File, Termios)>>>);

    /// Turns the echo on again, whatever ends the wait.
    struct ShownAgain(Hidden);

    impl Hidden {
        fn hide(&self, terminal: &File) -> Option<ShownAgain> {
            let before = tcgetattr(terminal).ok()?;
            let mut silent = before.clone();
            silent.local_flags.remove(
                LocalFlags::ECHO | LocalFlags::ECHOE | LocalFlags::ECHOK | LocalFlags::ECHONL,
            );
            silent.local_flags.insert(LocalFlags::ICANON | LocalFlags::ISIG);
            // Who stops or aborts the program here would leave a shell that shows nothing.
            for end in [SpecialCharacterIndices::VSUSP, SpecialCharacterIndices::VQUIT] {
                if let Some(letter) = silent.control_chars.get_mut(end as usize) {
                    *letter = _POSIX_VDISABLE;
                }
            }
            let kept = terminal.try_clone().ok()?;
            *self.inner() = Some((kept, before));
            let shown = ShownAgain(self.clone());
            // What was typed before the question is no answer to it.
            tcsetattr(terminal, SetArg::TCSAFLUSH, &silent).ok()?;
            Some(shown)
        }

        fn show(&self) {
            if let Some((mut terminal, before)) = self.inner().take() {
                let _ = tcsetattr(&terminal, SetArg::TCSADRAIN, &before);
                // The key that ended the line was not seen either.
                let _ = terminal.write_all(b"\n");
            }
        }

        fn inner(&self) -> std::sync::MutexGuard<'_, Option<(File, Termios)>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Drop for ShownAgain {
        fn drop(&mut self) {
            self.0.show();
        }
    }
}
