//! The command that somebody typed before the log began: pure.

use std::sync::LazyLock;

use regex::Regex;

use crate::target::{self, Target};

/// What a typed command tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Whom and where.
    pub target: Target,
    /// Options of `ssh` that are safe to be shown again in a command to paste. A log may come from a
    /// stranger, and `-o` and `-F` can make `ssh` run anything.
    pub options: Vec<String>,
}

/// Options of `ssh` with a value (ssh(1)).
pub const SSH_VALUED: &str = "BbcDEeFIiJLlmOoPpQRSWw";
/// Options of `sftp` and `scp` with a value.
const COPY_VALUED: &str = "BbcDFiJloPRsSX";
/// Options of `plink`; it also has words behind one dash, of which these take a value.
const PLINK_VALUED: &str = "PLRDlim";
const PLINK_WORDS: [&str; 6] = ["pw", "pwfile", "hostkey", "load", "proxycmd", "sshlog"];
/// Options that are shown again: flags, and those with a value.
const KEPT_FLAGS: &str = "46A";
const KEPT_VALUED: &str = "iJ";

/// A prompt of Windows, or a path there.
static WINDOWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let path = r#"(?:^|[\s"'=])(?:[A-Za-z]:\\|\\\\|\.{1,2}\\|~\\|\$(?:env:\w+|HOME)\\|%\w+%\\)"#;
    Regex::new(&format!(r"^(?:PS )?[A-Za-z]:\\[^>]*>|{path}")).ok()
});

/// Reads a command line as it was typed, in a line with its prompt.
#[must_use]
pub fn read_typed(command: &str, line: &str) -> Option<Typed> {
    if !WINDOWS.as_ref().is_some_and(|windows| windows.is_match(line)) {
        return read(command);
    }
    // There a backslash is a part of a path and takes nothing away. Single quotes are quotes in
    // PowerShell, and in cmd a letter like any other.
    let kept = command.replace('\\', r"\\");
    let words = shlex::split(&kept.replace('\'', "\""));
    of_words(&words.or_else(|| shlex::split(&kept.replace('\'', r"\'")))?)
}

/// Reads a command line of a POSIX shell.
#[must_use]
pub fn read(line: &str) -> Option<Typed> {
    of_words(&shlex::split(line)?)
}

fn of_words(words: &[String]) -> Option<Typed> {
    let (program, rest) = words.split_first()?;
    let program = program.trim_end_matches(".exe");
    let (valued, port_letter) = match program {
        "ssh" => (SSH_VALUED, 'p'),
        "plink" => (PLINK_VALUED, 'P'),
        "sftp" | "scp" | "pscp" | "psftp" => (COPY_VALUED, 'P'),
        "git" | "rsync" => return of_argument(rest.iter()).map(plain),
        _ => return None,
    };
    let (mut options, mut user, mut port, mut places) = (Vec::new(), None, None, Vec::new());
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) else {
            places.push(word);
            // What follows the host is the command that runs there.
            if program == "ssh" || program == "plink" { break } else { continue }
        };
        if program == "plink" && letters.len() > 1 {
            if PLINK_WORDS.contains(&letters) {
                words.next();
            }
            continue;
        }
        let mut left = letters.chars();
        while let Some(letter) = left.next() {
            if !valued.contains(letter) && letter != port_letter {
                if KEPT_FLAGS.contains(letter) {
                    options.push(format!("-{letter}"));
                }
                continue;
            }
            let attached = left.as_str();
            let value = if attached.is_empty() { words.next()?.as_str() } else { attached };
            match letter {
                'l' if program == "ssh" || program == "plink" => user = Some(value.to_owned()),
                letter if letter == port_letter => port = value.parse().ok(),
                letter if KEPT_VALUED.contains(letter) && !value.starts_with('-') => {
                    options.extend([format!("-{letter}"), value.to_owned()]);
                }
                _ => {}
            }
            break;
        }
    }
    let mut target = match program {
        "ssh" | "plink" => target::parse(places.first()?).ok()?,
        _ => of_argument(places.into_iter())?,
    };
    target.user = target.user.or(user);
    target.port = target.port.or(port);
    Some(Typed { target, options })
}

fn plain(target: Target) -> Typed {
    Typed { target, options: Vec::new() }
}

/// The host in `[USER@]HOST:PATH` or a URL, wherever it stands.
fn of_argument<'w>(words: impl Iterator<Item = &'w String>) -> Option<Target> {
    let mut words = words.filter(|word| !word.starts_with('-'));
    words.find_map(|word| {
        if let Some(rest) = word.strip_prefix("ssh://").or_else(|| word.strip_prefix("sftp://")) {
            return target::parse(&format!("ssh://{}", rest.split('/').next()?)).ok();
        }
        if word.contains("://") {
            return None;
        }
        let (place, _) = word.split_once(':').unwrap_or((word, ""));
        let names_host = word.contains(':') || word.contains('@');
        (names_host && !place.contains('/')).then(|| target::parse(place).ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_target_is_found() {
        for (line, user, host, port, options) in [
            ("ssh -vvv -p 2222 -i k ada@h", Some("ada"), "h", Some(2222), &["-i", "k"][..]),
            ("ssh -vAl ada h uptime -v", Some("ada"), "h", None, &["-A"]),
            ("ssh -o ProxyCommand=reboot ada@h", Some("ada"), "h", None, &[]),
            ("scp -P 2222 a.txt ada@h:/tmp/", Some("ada"), "h", Some(2222), &[]),
            ("sftp -i k ada@h", Some("ada"), "h", None, &["-i", "k"]),
            ("git clone git@h:org/repo.git", Some("git"), "h", None, &[]),
            ("git fetch ssh://git@h:7999/org/repo", Some("git"), "h", Some(7999), &[]),
            ("rsync -av -e 'ssh -p 22' d/ ada@h:d", Some("ada"), "h", None, &[]),
            ("plink -v -batch -P 2222 -pw x ada@h", Some("ada"), "h", Some(2222), &[]),
        ] {
            let typed = read(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(typed.target.user.as_deref(), user, "{line}");
            assert_eq!(typed.target.host, host, "{line}");
            assert_eq!(typed.target.port, port, "{line}");
            assert_eq!(typed.options, options, "{line}");
        }
        for line in ["git push", "ssh", "ls -l", "git clone https://h/x", "ssh -p"] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    /// A shell of Windows leaves backslashes as they are; a POSIX shell takes them away.
    #[test]
    fn a_path_of_windows_is_kept() {
        for (prompt, command, key) in [
            (r"PS C:\Users\a> ", r"ssh -i C:\Users\a\.ssh\k ada@h", r"C:\Users\a\.ssh\k"),
            (r"C:\Users\a>", r"ssh -i .ssh\k ada@h", r".ssh\k"),
            ("", r"ssh -i $env:USERPROFILE\.ssh\k ada@h", r"$env:USERPROFILE\.ssh\k"),
            ("> ", r#"ssh.exe -i "%USERPROFILE%\my keys\k" ada@h"#, r"%USERPROFILE%\my keys\k"),
            ("PS C:\\> ", r"ssh -i 'D:\my keys\k' ada@h", r"D:\my keys\k"),
            (r"C:\Users\O'Hara>", r"ssh -i C:\Users\O'Hara\k ada@h", r"C:\Users\O'Hara\k"),
            ("$ ", r"ssh -i my\ key ada@h", "my key"),
        ] {
            let typed = read_typed(command, &format!("{prompt}{command}")).unwrap();
            assert_eq!(typed.target.host, "h", "{command}");
            assert_eq!(typed.options, ["-i", key], "{command}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(ssh|scp|git|rsync|sftp|plink)?( .{0,12}){0,6}") {
            let _ = read(&line);
            let _ = read_typed(&line, &format!(r"C:\>{line}"));
        }
    }
}
