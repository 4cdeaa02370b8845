//! The options of `ssh`: one table, from which the sorting of the command line, `--help`, the man page
//! and the completions are made.

use clap::{Arg, ArgAction, ValueHint};

/// Under this heading they stand in `--help` and in the man page.
pub const HEADING: &str = "Options of ssh";

/// One option of `ssh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// The letter after the dash.
    pub letter: char,
    /// What its value is called; `None`: it takes none.
    pub value: Option<&'static str>,
    /// One line for people.
    pub means: &'static str,
    /// What it is to us.
    pub kind: Kind,
}

/// What an option of `ssh` is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It decides how the connection is made, or which keys are used: shown to everybody.
    Decides,
    /// It is about the session that we never open: taken, so that a pasted command works, and shown
    /// where all options are.
    Session,
    /// Taken and dropped: `ssh -G` refuses it without a command, or would write somewhere.
    Dropped,
    /// Refused: it asks `ssh` about itself.
    Refused,
}

const fn flag(letter: char, kind: Kind, means: &'static str) -> Letter {
    Letter { letter, value: None, means, kind }
}

const fn valued(letter: char, value: &'static str, kind: Kind, means: &'static str) -> Letter {
    Letter { letter, value: Some(value), means, kind }
}

use Kind::{Decides, Dropped, Refused, Session};

/// All options that `ssh` has, but `-V`, which is ours as well. The most used ones come first.
pub static LETTERS: &[Letter] = &[
    valued('l', "USER", Decides, "User to log in as"),
    valued('p', "PORT", Decides, "Port"),
    valued('i', "FILE", Decides, "Key file; may be repeated"),
    flag('A', Decides, "Asks for agent forwarding"),
    flag('a', Decides, "Asks for no agent forwarding"),
    valued('J', "HOST", Decides, "Jump host, or a chain of them: FIRST,SECOND"),
    valued('F', "FILE", Decides, "Another configuration file"),
    valued('o', "NAME=VALUE", Decides, "Any setting of ssh_config; may be repeated"),
    flag('4', Decides, "IPv4 alone"),
    flag('6', Decides, "IPv6 alone"),
    valued('b', "ADDRESS", Decides, "Local address"),
    valued('B', "INTERFACE", Decides, "Network interface"),
    valued('c', "CIPHERS", Decides, "Ciphers"),
    valued('m', "MACS", Decides, "Message authentication codes"),
    valued('I', "LIBRARY", Decides, "PKCS#11 library of a smart card"),
    flag('K', Session, "GSSAPI login and forwarding"),
    flag('k', Session, "No GSSAPI forwarding"),
    flag('C', Session, "Compression"),
    valued('D', "PORT", Session, "SOCKS proxy"),
    valued('L', "FORWARD", Session, "Forwards a local port"),
    valued('R', "FORWARD", Session, "Forwards a port of the server"),
    valued('W', "HOST:PORT", Session, "Forwards standard input and output"),
    valued('w', "TUNNEL", Session, "Tunnel device"),
    valued('e', "CHARACTER", Session, "Escape character"),
    valued('P', "TAG", Session, "Tag of the configuration"),
    valued('S', "PATH", Session, "Socket of a shared connection"),
    flag('M', Session, "Shares the connection"),
    flag('g', Session, "Forwarded ports are open to others"),
    flag('N', Session, "No command"),
    flag('n', Session, "No standard input"),
    flag('q', Session, "Quiet"),
    flag('T', Session, "No terminal on the server"),
    flag('t', Session, "A terminal on the server"),
    flag('v', Session, "What ssh does, in detail"),
    flag('X', Session, "X11 forwarding"),
    flag('x', Session, "No X11 forwarding"),
    flag('Y', Session, "Trusted X11 forwarding"),
    flag('f', Dropped, "Into the background"),
    flag('G', Dropped, "Prints the configuration"),
    flag('s', Dropped, "A subsystem instead of a command"),
    flag('y', Dropped, "Log to the system's log"),
    valued('E', "FILE", Dropped, "Log file"),
    valued('O', "COMMAND", Refused, "Controls a shared connection"),
    valued('Q', "QUERY", Refused, "What this ssh supports"),
];

/// The option of this letter.
#[must_use]
pub fn named(letter: char) -> Option<&'static Letter> {
    LETTERS.iter().find(|known| known.letter == letter)
}

impl Letter {
    /// As clap knows it: for `--help`, the man page and completions. The sorting of the command line
    /// is ours, since clap does not read as `getopt` does.
    #[must_use]
    pub fn argument(&self) -> Arg {
        let arg = Arg::new(self.id())
            .short(self.letter)
            .help(self.means)
            .help_heading(HEADING)
            .hide(matches!(self.kind, Dropped | Refused))
            .hide_short_help(self.kind != Decides)
            .display_order(self.place());
        match self.value {
            None => arg.action(ArgAction::SetTrue),
            Some(name) => arg.action(ArgAction::Append).value_name(name).value_hint(self.hint()),
        }
    }

    /// Its name among clap's arguments.
    #[must_use]
    pub fn id(&self) -> String {
        format!("ssh-{}", self.letter)
    }

    fn place(&self) -> usize {
        /// After all of ours.
        const BEHIND: usize = 1_000;
        let place = LETTERS.iter().position(|known| known.letter == self.letter);
        BEHIND + place.unwrap_or_default()
    }

    fn hint(&self) -> ValueHint {
        match self.value {
            Some("FILE" | "LIBRARY" | "PATH") => ValueHint::FilePath,
            Some("HOST") => ValueHint::Hostname,
            Some("USER") => ValueHint::Username,
            _ => ValueHint::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_is_there_twice() {
        for (place, known) in LETTERS.iter().enumerate() {
            let first = LETTERS.iter().position(|other| other.letter == known.letter);
            assert_eq!(first, Some(place), "-{}", known.letter);
        }
    }

    /// The library reads command lines of logs by the same letters.
    #[test]
    fn the_letters_with_a_value_are_those_of_the_library() {
        let sorted = |letters: &mut dyn Iterator<Item = char>| {
            let mut letters: Vec<_> = letters.collect();
            letters.sort_unstable();
            letters
        };
        let valued = LETTERS.iter().filter(|known| known.value.is_some());
        let ours = sorted(&mut valued.map(|known| known.letter));
        assert_eq!(ours, sorted(&mut checks::explain::SSH_VALUED.chars()));
    }

    /// What the installed `ssh` has is in the table, with and without a value. The table may know
    /// more: other versions have other options.
    #[test]
    fn every_option_of_the_installed_ssh_is_known() {
        let Ok(said) = std::process::Command::new("ssh").output() else { return };
        let usage = String::from_utf8_lossy(&said.stderr).into_owned();
        let mut letters = 0;
        for part in usage.split('[').filter_map(|part| part.strip_prefix('-')) {
            let inside = part.split(']').next().unwrap_or_default();
            let (options, value) = match inside.split_once(' ') {
                Some((options, _)) => (options, true),
                None => (inside, false),
            };
            for letter in options.chars().filter(|letter| *letter != 'V') {
                let known = named(letter).unwrap_or_else(|| panic!("-{letter}: {usage}"));
                assert_eq!(known.value.is_some(), value, "-{letter}: {usage}");
                letters += 1;
            }
        }
        assert!(letters > 30, "{usage}");
    }
}
