//! Tells `ssh`'s own options, our long options and targets apart: pure.
//!
//! `ssh` reads its arguments with `getopt`: flags may be joined (`-vA`), a value may be attached or
//! be the next word (`-p22`, `-p 22`), and options may follow the host (ssh.c, `main`).

use std::fmt;

use crate::{
    cli,
    ssh_letters::{self, Kind, Letter},
};

/// The command line, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Our long options with their values, for clap.
    pub ours: Vec<String>,
    /// What `ssh -G` is to be given; the user and the port are not among it.
    pub ssh: Vec<String>,
    /// Targets, or a subcommand.
    pub words: Vec<String>,
    /// All that was typed, and which of it the words are.
    pub typed: Vec<String>,
    /// The place of each word in what was typed.
    pub places: Vec<usize>,
    /// Whether the first word came after `--`, and so is no subcommand.
    pub only_targets: bool,
    /// `-l`: the first one counts.
    pub user: Option<FirstWins<String>>,
    /// `-p`: the first one counts.
    pub port: Option<FirstWins<u16>>,
    /// `-A`, not taken back by `-a`.
    pub forwarding: bool,
    /// `-V`.
    pub version: bool,
}

/// `ssh` takes the first user and the first port of its command line, whether an option or the
/// target names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstWins<T> {
    value: T,
    before_target: bool,
}

impl<T: Clone> FirstWins<T> {
    /// What counts, of the option and the target.
    #[must_use]
    pub fn or_target(option: Option<&Self>, target: Option<T>) -> Option<T> {
        match option {
            Some(option) if option.before_target => Some(option.value.clone()),
            Some(option) => Some(target.unwrap_or_else(|| option.value.clone())),
            None => target,
        }
    }
}

/// What is wrong with the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sorts the words after the program's name.
///
/// # Errors
/// An option that neither `ssh` nor we have, or one whose value is missing or useless.
pub fn sort(arguments: impl IntoIterator<Item = String>) -> Result<Sorted, Wrong> {
    let typed: Vec<String> = arguments.into_iter().collect();
    let mut sorted = Sorted { typed: typed.clone(), ..Sorted::default() };
    let mut rest = typed.into_iter();
    while let Some(word) = rest.next() {
        let place = sorted.typed.len() - rest.len() - 1;
        if word == "--" {
            sorted.only_targets = sorted.words.is_empty();
            sorted.places.extend(place + 1..sorted.typed.len());
            sorted.words.extend(rest.by_ref());
        } else if let Some(told) = habit(&word) {
            return Err(Wrong(told));
        } else if word.starts_with("--") {
            let takes_next = cli::takes_value(&word);
            sorted.ours.push(word);
            if takes_next {
                sorted.ours.extend(rest.next());
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
            sorted.letters(letters, &mut rest)?;
        } else {
            sorted.places.push(place);
            sorted.words.push(word);
        }
    }
    Ok(sorted)
}

/// Options that other programs have, and the one of `ssh` that does the same.
const HABITS: [(&str, &str); 7] = [
    ("--port", "-p PORT"),
    ("--user", "-l USER, or USER@HOST"),
    ("--username", "-l USER, or USER@HOST"),
    ("--identity", "-i FILE"),
    ("--key", "-i FILE"),
    ("--host", "HOST, with nothing before it"),
    ("--jump", "-J HOST"),
];

fn habit(word: &str) -> Option<String> {
    let name = word.split('=').next().unwrap_or(word);
    if matches!(name, "--password" | "--pass" | "--passwd") {
        return Some(
            "A password on the command line can be read by everybody on this computer, and the \
             shell keeps it. Give --password-file FILE (- is standard input), --password-env NAME \
             or --ask-password."
                .into(),
        );
    }
    if word.starts_with("--ask-password=") {
        return Some(
            "--ask-password takes no value: it asks for the password at the terminal. On the command \
             line it can be read by everybody on this computer, and the shell keeps it."
                .into(),
        );
    }
    let (_, means) = HABITS.iter().find(|(habit, _)| *habit == name)?;
    Some(format!("There is no option {name}. As for ssh, it is {means}."))
}

impl Sorted {
    /// The same without its first word, which is a subcommand that targets follow.
    #[must_use]
    pub fn after_subcommand(&self) -> Self {
        let rest = |places: &[usize]| places.iter().skip(1).copied().collect();
        let words = self.words.iter().skip(1).cloned().collect();
        Self { words, places: rest(&self.places), ..self.clone() }
    }

    /// Whether anything was said that is for `ssh`.
    #[must_use]
    pub fn has_ssh_options(&self) -> bool {
        !self.ssh.is_empty() || self.user.is_some() || self.port.is_some()
    }

    /// One word of `ssh`'s options, such as `-vAp22`.
    fn letters(
        &mut self,
        letters: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), Wrong> {
        let mut left = letters.chars();
        while let Some(letter) = left.next() {
            match letter {
                'V' => {
                    self.version = true;
                    continue;
                }
                'h' => {
                    self.ours.push("--help".into());
                    continue;
                }
                'u' => {
                    return Err(Wrong(
                        "ssh has no option -u. As for ssh, the user is given with -l, or \
                         before the host: USER@HOST."
                            .into(),
                    ));
                }
                _ => {}
            }
            let Some(known) = ssh_letters::named(letter) else {
                return Err(Wrong(format!(
                    "ssh has no option -{}. Our own options begin with two dashes; see --help.",
                    letter.escape_default()
                )));
            };
            if known.value.is_none() {
                self.flag(known);
                continue;
            }
            let attached = left.as_str();
            let value = if attached.is_empty() { rest.next() } else { Some(attached.to_owned()) };
            let missing = || Wrong(format!("The option -{letter} needs a value after it."));
            return self.valued(known, value.ok_or_else(missing)?);
        }
        Ok(())
    }

    fn flag(&mut self, known: &Letter) {
        match known.letter {
            'A' => self.forwarding = true,
            'a' => self.forwarding = false,
            _ => {}
        }
        if known.kind != Kind::Dropped {
            self.ssh.push(format!("-{}", known.letter));
        }
    }

    fn valued(&mut self, known: &Letter, value: String) -> Result<(), Wrong> {
        let before_target = self.words.is_empty();
        match (known.letter, known.kind) {
            ('l', _) => {
                self.user.get_or_insert(FirstWins { value, before_target });
            }
            ('p', _) => {
                let port = value.parse().ok().filter(|port: &u16| *port != 0);
                let shown = value.escape_default();
                let wrong = || {
                    let more = crate::mistakes::more();
                    Wrong(format!(
                        "The port must be a number from 1 to 65535, not \"{shown}\".\n{more}"
                    ))
                };
                let port = port.ok_or_else(wrong)?;
                self.port.get_or_insert(FirstWins { value: port, before_target });
            }
            (_, Kind::Dropped) => {}
            (letter, Kind::Refused) => {
                return Err(Wrong(format!(
                    "The option -{letter} asks ssh about itself, not about a host; use ssh for it."
                )));
            }
            (letter, _) => self.ssh.extend([format!("-{letter}"), value]),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(line: &str) -> Sorted {
        sort(line.split_whitespace().map(str::to_owned)).unwrap()
    }

    #[test]
    fn flags_join_and_values_attach() {
        let s = sorted("-vAp22 -i key u@h -oUser=x --only dns -4");
        assert_eq!(s.ssh, ["-v", "-A", "-i", "key", "-o", "User=x", "-4"]);
        assert_eq!((FirstWins::or_target(s.port.as_ref(), None), s.forwarding), (Some(22), true));
        assert_eq!(s.words, ["u@h"]);
        assert_eq!(s.ours, ["--only", "dns"]);
    }

    #[test]
    fn the_first_user_and_port_count_as_for_ssh() {
        let user = |line, target: Option<&str>| {
            FirstWins::or_target(sorted(line).user.as_ref(), target.map(str::to_owned))
        };
        assert_eq!(user("-l a -l b h", None).as_deref(), Some("a"));
        assert_eq!(user("-l a u@h", Some("u")).as_deref(), Some("a"));
        assert_eq!(user("u@h -l a", Some("u")).as_deref(), Some("u"));
        assert_eq!(user("h -l a", None).as_deref(), Some("a"));
        let port = sorted("ssh://h:9 -p 1").port;
        assert_eq!(FirstWins::or_target(port.as_ref(), Some(9)), Some(9));
        assert!(!sorted("-A -a h").forwarding);
    }

    #[test]
    fn what_could_write_or_refuse_is_kept_from_ssh() {
        assert_eq!(sorted("-fNsy -E log h").ssh, ["-N"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, words) in
            [("-Z h", "no option -Z"), ("h -p", "needs a value"), ("-p 0 h", "1 to 65535")]
        {
            let Wrong(said) = sort(line.split(' ').map(str::to_owned)).unwrap_err();
            assert!(said.contains(words), "{line}: {said}");
        }
        assert_eq!(sorted("-- demo").words, ["demo"]);
        assert!(sorted("-- demo").only_targets);
    }

    proptest! {
        #[test]
        fn no_command_line_makes_it_panic(words in proptest::collection::vec(".{0,8}", 0..6)) {
            let _ = sort(words);
        }
    }
}
