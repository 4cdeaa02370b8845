//! Passphrases that a person types at a terminal: the one of `script` (bsdutils), which every Debian
//! has.

use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    in_a_world,
    oracle::{keeps_secrets, program, with_config},
    situations::{args, me},
    table,
    world::{Key, World, until},
};

/// A program at a terminal of its own, which shows what is typed.
struct Terminal {
    child: Child,
    typed: File,
    shown: std::path::PathBuf,
}

impl Terminal {
    /// Runs the program with these arguments, then tells its exit code and whether the terminal
    /// shows what is typed.
    fn run(w: &World, arguments: &[String]) -> Self {
        Self::run_with(w, arguments, "")
    }

    /// The same, with words for the shell behind the arguments.
    fn run_with(w: &World, arguments: &[String], behind: &str) -> Self {
        let shown = w.out("shown");
        // What an earlier run has shown is no question of this one.
        let _ = fs::remove_file(&shown);
        w.person.owns(&w.out(""));
        let quoted: Vec<_> = arguments.iter().map(|a| format!("'{a}'")).collect();
        // The shell has to outlive Ctrl-C.
        let line = format!(
            "trap : INT; '{}' {} {behind}; echo code=$?; stty -a | grep -o -e '-*echo '",
            program().display(),
            quoted.join(" ")
        );
        let mut command = w.command("script");
        command.args(["-q", "-f", "-E", "always", "-c", &line]).arg(&shown);
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let typed = child.stdin.take().unwrap();
        let typed = File::from(std::os::fd::OwnedFd::from(typed));
        Self { child, typed, shown }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.shown).unwrap_or_default()).into_owned()
    }

    /// Waits for the question for a passphrase to come for the nth time, and types.
    fn answer(&mut self, nth: usize, keys: &str) {
        self.after("Enter passphrase for key", nth, keys);
    }

    /// Waits for words to be shown for the nth time, and types.
    fn after(&mut self, words: &str, nth: usize, keys: &str) {
        until("the question", || self.shown().matches(words).count() >= nth);
        self.typed.write_all(keys.as_bytes()).unwrap();
    }

    /// What was shown, when the shell has ended.
    fn end(mut self) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end: {}", self.shown());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.shown()
    }
}

const PASSPHRASE: &str = "correct horse";

fn locked(w: &mut World) -> (Key, Vec<String>) {
    let key = w.key_with("id_a", "ed25519", PASSPHRASE);
    let port = w.sshd(&[&key], &[]);
    let arguments = args!["--login", "-i", key.arg(), "-p", port, me(w)];
    (key, with_config(w, &arguments))
}

/// The echo was on before, and is on again.
fn ended_with(w: &World, shown: &str, code: i32, id: Option<&str>) {
    assert!(shown.contains(&format!("code={code}\r\n")), "{shown}");
    assert!(shown.contains("\necho "), "the echo is off: {shown}");
    assert!(id.is_none_or(|id| shown.contains(&format!("catalogue {id}"))), "{shown}");
    keeps_secrets(w, "the terminal", shown);
}

#[test]
fn a_passphrase_is_asked_for_and_not_shown() {
    in_a_world("a_passphrase_is_asked_for_and_not_shown", |w| {
        let (key, arguments) = locked(w);
        w.secrets.push("batteries".into());
        let mut terminal = Terminal::run(w, &arguments);
        terminal.answer(1, "batteries\n");
        terminal.answer(2, &format!("{PASSPHRASE}\n"));
        let shown = terminal.end();
        ended_with(w, &shown, 0, None);
        assert!(shown.contains(&format!("Enter passphrase for key '{}': ", key.arg())), "{shown}");
        assert!(shown.contains("you got in"), "{shown}");
        let log = w.sshd_log();
        assert_eq!(log.matches("Connection from ").count(), 1, "{log}");
        assert_eq!(log.matches("Starting session").count(), 1, "{log}");
    });
}

/// Standard input is not the terminal: `while read host; do ssh-preflight $host; done < list`.
#[test]
fn a_passphrase_is_asked_for_at_the_terminal() {
    in_a_world("a_passphrase_is_asked_for_at_the_terminal", |w| {
        let (_, arguments) = locked(w);
        let mut terminal = Terminal::run_with(w, &arguments, "</dev/null");
        terminal.answer(1, &format!("{PASSPHRASE}\n"));
        let shown = terminal.end();
        ended_with(w, &shown, 0, None);
        assert!(shown.contains("you got in"), "{shown}");
    });
}

#[test]
fn three_wrong_passphrases_are_enough() {
    in_a_world("three_wrong_passphrases_are_enough", |w| {
        let (_, arguments) = locked(w);
        let mut terminal = Terminal::run(w, &arguments);
        for nth in 1..=3 {
            terminal.answer(nth, "batteries\n");
        }
        ended_with(w, &terminal.end(), 1, Some("passphrase-wrong"));
        let log = w.sshd_log();
        assert!(!log.contains("Starting session") && !log.contains("signature using"), "{log}");
        let asks = "asks for the passphrase";
        table::asked("three_wrong_passphrases_are_enough", asks, "passphrase-wrong");
    });
}

#[test]
fn a_question_ends_with_the_wait_for_it() {
    in_a_world("a_question_ends_with_the_wait_for_it", |w| {
        let (_, arguments) = locked(w);
        // Ctrl-C after some letters; nothing at all; and a limit of time.
        for (keys, code, id) in [("batt\u{3}", 3, "interrupted"), ("\n", 3, "login-not-finished")] {
            let mut terminal = Terminal::run(w, &arguments);
            terminal.answer(1, keys);
            ended_with(w, &terminal.end(), code, Some(id));
        }
        let limited = [args!["--timeout", "3s"], arguments].concat();
        let mut terminal = Terminal::run(w, &limited);
        terminal.answer(1, "batt");
        ended_with(w, &terminal.end(), 3, Some("timed-out"));
        assert!(!w.sshd_log().contains("Starting session"));
    });
}

/// A password is asked for before anything else begins.
#[test]
fn a_question_for_a_password_ends_with_ctrl_c() {
    in_a_world("a_question_for_a_password_ends_with_ctrl_c", |w| {
        let arguments = args!["sftp", "--ask-password", "-p", 9, me(w)];
        let mut terminal = Terminal::run(w, &arguments);
        terminal.after("Password of", 1, "batt\u{3}");
        let shown = terminal.end();
        ended_with(w, &shown, 2, None);
        assert!(shown.contains("nothing was typed"), "{shown}");
    });
}

/// What `ssh` would ask a person is not answered in their place.
#[test]
fn a_new_server_is_not_trusted_in_a_persons_place() {
    in_a_world("a_new_server_is_not_trusted_in_a_persons_place", |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        let arguments = args!["--login", "-i", key.arg(), "-p", port, me(w)];
        let shown = Terminal::run(w, &with_config(w, &arguments)).end();
        ended_with(w, &shown, 3, Some("login-not-finished"));
        assert!(!w.sshd_log().contains("signature using"));
        let asks = "asks whether this is the right server";
        let name = "a_new_server_is_not_trusted_in_a_persons_place";
        table::asked(name, asks, "login-not-finished");
    });
}

/// BatchMode, and a CI that has a terminal: nobody is asked.
#[test]
fn nobody_is_asked_in_a_ci() {
    in_a_world("nobody_is_asked_in_a_ci", |w| {
        let (_, arguments) = locked(w);
        let batch = [args!["-o", "BatchMode=yes"], arguments.clone()].concat();
        let shown = Terminal::run(w, &batch).end();
        ended_with(w, &shown, 1, Some("key-locked"));
        w.environment.push(("CI", "true".into()));
        let shown = Terminal::run(w, &arguments).end();
        ended_with(w, &shown, 3, Some("login-not-finished"));
        assert!(!shown.contains("Enter passphrase"), "{shown}");
    });
}
