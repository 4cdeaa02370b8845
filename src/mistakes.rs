//! Mistakes of habit in a command line, and the command line that was meant: pure.
//!
//! What is wrong with one word is judged by [`checks::target`]; here the words are seen together, and
//! the command that is advised keeps whatever else was typed.

use checks::{
    diagnosis::Id,
    target::{self, Problem, TargetError},
    text::{Command, Text, foreign},
};

use crate::{ssh_options::Sorted, subcommands};

/// Users that providers and systems have for logins: in the place of a host they are told.
const USUAL_USERS: [&str; 14] = [
    "admin",
    "akeneo",
    "akeneosftp",
    "centos",
    "core",
    "debian",
    "deploy",
    "ec2-user",
    "fedora",
    "git",
    "opc",
    "root",
    "ubuntu",
    "www-data",
];

/// Programs whose name stands before a pasted target.
const PROGRAMS: [&str; 3] = ["ssh", "ssh-copy-id", "ssh-preflight"];

/// Words that stand behind a target in a command that was pasted whole.
const COMMANDS: [&str; 16] = [
    "bash", "date", "df", "echo", "exit", "git", "hostname", "id", "ls", "pwd", "rsync", "scp",
    "sftp", "ssh", "uptime", "whoami",
];

/// The subcommand that a word with a slip in it was meant to be.
fn subcommand(word: &str) -> Option<&'static str> {
    let could_be = word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase());
    let names = subcommands::SUBCOMMANDS.iter().map(|known| known.name).filter(|_| could_be);
    names.into_iter().find(|name| strsim::osa_distance(name, word) == 1)
}

/// That the port was given as to `sftp` and `scp`: for `ssh`, whose options are taken, -P is another.
#[must_use]
pub fn port_of_a_transfer(sorted: &Sorted) -> Option<String> {
    let port = sorted.ssh.iter().skip_while(|word| *word != "-P").nth(1);
    let port = port.filter(|port| port.bytes().all(|b| b.is_ascii_digit()))?;
    Some(format!("The options are those of ssh. As for ssh, the port is -p {port}."))
}

/// What is wrong with the words together, if anything.
#[must_use]
pub fn of_words(sorted: &Sorted) -> Option<String> {
    let words = &sorted.words;
    let spoilt = |word: &String| word.chars().any(|c| target::typographic(c).is_some());
    if sorted.only_targets || words.iter().any(spoilt) {
        return None;
    }
    let line = || Line::of(sorted);
    let pairs = words.iter().zip(words.iter().skip(1)).enumerate();
    for (n, (word, next)) in pairs {
        let shown = foreign(word).plain();
        let is = |why: &str, meant: Line| Some(told(&format!("\"{shown}\" {why}"), Some(meant)));
        if n == 0 && PROGRAMS.contains(&word.as_str()) {
            return is("is not needed before the target.", line().replace(n, &[]));
        }
        if let Some(meant) = subcommand(word).filter(|_| n == 0) {
            let meant = line().replace(n, &[meant.to_owned()]);
            return is("looks like a slip. If it is a host, put -- before it.", meant);
        }
        if COMMANDS.contains(&next.as_str()) {
            let meant = line().until(n + 1);
            let why = "is a command, not a host, and none is run. If it is a host, put -- before \
                       the targets.";
            let next = foreign(next).plain();
            return Some(told(&format!("\"{next}\" {why}"), Some(meant)));
        }
        if (word.len() > 1 && word.ends_with('@')) || next.starts_with('@') {
            let meant = line().replace(n, &[format!("{word}{next}")]).replace(n + 1, &[]);
            return is("is cut off by a space: user, @ and host are one word.", meant);
        }
        if is_port(next) && !is_port(word) {
            let meant = line().replace(n + 1, &[]).first(&["-p", next]);
            let next = foreign(next).plain();
            let why = format!("\"{next}\" is not a host. A port is given with -p.");
            return Some(told(&why, Some(meant)));
        }
        if n == 0 && words.len() == 2 && is_port(word) {
            let meant = line().replace(n, &[]).first(&["-p", word]);
            return is("is not a host. A port is given with -p.", meant);
        }
        if n == 0 && words.len() == 2 && is_user(word) && !next.contains('@') {
            let meant = line().replace(n, &[format!("{word}@{next}")]).replace(n + 1, &[]);
            let why = "looks like a user, not a host. If both are hosts, put -- before them.";
            return is(why, meant);
        }
    }
    None
}

/// What is wrong with one of the words.
#[must_use]
pub fn of_target(sorted: &Sorted, n: usize, wrong: &TargetError) -> String {
    let word = sorted.words.get(n).map(String::as_str).unwrap_or_default();
    let meant = match (&wrong.problem, wrong.meant.as_deref()) {
        // The page that spoilt one word has spoilt the others too.
        (Problem::Typographic { .. }, Some(_)) => Some(Line::of(sorted).retyped()),
        (_, Some([option, port, target])) if option == "-p" => {
            let line = Line::of(sorted).replace(n, std::slice::from_ref(target));
            Some(line.first(&["-p", port]))
        }
        (_, Some(words)) => Some(Line::of(sorted).replace(n, words)),
        (_, None) => None,
    };
    let shown = match &wrong.problem {
        Problem::Password => "This".to_owned(),
        _ => format!("\"{}\"", foreign(word).plain()),
    };
    told(&format!("{shown} is not a target: {wrong}."), meant)
}

/// A problem of the target, with what was meant and where there is more about it.
#[must_use]
fn told(why: &str, meant: Option<Line>) -> String {
    let meant = meant.map(|line| format!("\nDid you mean: {}", line.command()));
    format!("{why}{}\n{}", meant.unwrap_or_default(), more())
}

/// Where there is more about a target that is wrong.
#[must_use]
pub fn more() -> String {
    format!("More: ssh-preflight catalogue {}", Id::TargetInvalid)
}

fn is_port(word: &str) -> bool {
    word.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_user(word: &str) -> bool {
    USUAL_USERS.contains(&word)
}

/// The command line as it was typed, each word with what takes its place.
struct Line {
    words: Vec<Vec<String>>,
    places: Vec<usize>,
}

impl Line {
    fn of(sorted: &Sorted) -> Self {
        let words = sorted.typed.iter().map(|word| vec![word.clone()]).collect();
        Self { words, places: sorted.places.clone() }
    }

    /// With this in the place of a word that is no option.
    fn replace(mut self, n: usize, by: &[String]) -> Self {
        let word = self.places.get(n).and_then(|place| self.words.get_mut(*place));
        if let Some(word) = word {
            *word = by.to_vec();
        }
        self
    }

    /// Without a word that is no option and all that follows it: what stands behind a remote command
    /// is its own, also where it looks like an option.
    fn until(mut self, n: usize) -> Self {
        if let Some(place) = self.places.get(n) {
            self.words.truncate(*place);
        }
        self
    }

    /// With options before everything else, where they win against others that were typed.
    fn first(mut self, options: &[&str]) -> Self {
        self.words.insert(0, options.iter().map(|word| (*word).to_owned()).collect());
        self.places.iter_mut().for_each(|place| *place += 1);
        self
    }

    /// With the characters that were meant in all words.
    fn retyped(mut self) -> Self {
        for word in self.words.iter_mut().flatten() {
            if word.chars().any(|c| target::typographic(c).is_some()) {
                *word = target::retyped(word).join(" ");
            }
        }
        // What a no-break space held together are several words.
        for place in &self.places {
            if let Some(words) = self.words.get_mut(*place) {
                let apart = words.iter().flat_map(|word| word.split_whitespace());
                *words = apart.map(str::to_owned).collect();
            }
        }
        let place = self.places.iter().find(|place| {
            let first = self.words.get(**place).and_then(|words| words.first());
            first.is_some_and(|word| !word.starts_with('-'))
        });
        if let Some(words) = place.and_then(|place| self.words.get_mut(*place))
            && words.first().is_some_and(|word| PROGRAMS.contains(&word.as_str()))
        {
            words.remove(0);
        }
        self
    }

    fn command(&self) -> String {
        let words = self.words.iter().flatten().map(|word| Text::from(foreign(word)));
        Command(std::iter::once("ssh-preflight".into()).chain(words).collect()).plain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh_options::sort;

    fn sorted(line: &[&str]) -> Sorted {
        sort(line.iter().map(|word| (*word).to_owned())).unwrap()
    }

    /// What is said of a command line, whichever word it is about.
    fn said(line: &[&str]) -> Option<String> {
        let sorted = sorted(line);
        let wrong = |(n, word): (usize, &String)| {
            target::parse(word).err().map(|wrong| of_target(&sorted, n, &wrong))
        };
        of_words(&sorted).or_else(|| sorted.words.iter().enumerate().find_map(wrong))
    }

    #[test]
    fn what_was_meant_keeps_the_other_options() {
        for (line, meant) in [
            // One word.
            (&["-A", "u@h:2222", "--quiet"][..], "-p 2222 -A u@h --quiet"),
            (&["-p", "1", "u@h:2222"], "-p 2222 -p 1 u@h"),
            (&["-i", "my key", "https://h/x"], "-i 'my key' h"),
            (&["-A", "ssh -p 22 u@h"], "-p 22 -A u@h"),
            (&["u@h,", "--only", "dns"], "u@h --only dns"),
            (&["a", "u@h/", "b"], "a u@h b"),
            // Characters of a web page.
            (&["\u{2013}A", "u@h"], "-A u@h"),
            (&["u@h", "\u{2013}p", "22"], "u@h -p 22"),
            (&["\u{2013}i", "key", "u@h", "\u{2014}quiet"], "-i key u@h --quiet"),
            (&["-A", "ssh\u{a0}u@h"], "-A u@h"),
            (&["ssh\u{a0}-A\u{a0}u@h"], "-A u@h"),
            (&["\u{201c}u@h\u{201d}"], "u@h"),
            // Several words.
            (&["ssh", "-A", "u@h"], "-A u@h"),
            (&["-A", "u@", "h"], "-A u@h"),
            (&["u", "@h"], "u@h"),
            (&["-A", "h", "2222"], "-p 2222 -A h"),
            (&["2222", "h"], "-p 2222 h"),
            (&["-A", "akeneo", "shop"], "-A akeneo@shop"),
            (&["git", "h.example"], "git@h.example"),
            (&["copi", "a@h", "a@i"], "copy a@h a@i"),
            (&["explian", "ssh.log"], "explain ssh.log"),
            // What follows a command is its own.
            (&["-A", "u@h", "ssh", "-i", "key"], "-A u@h"),
            (&["u@h", "ls", "files"], "u@h"),
            (&["-p", "22", "u@h", "--quiet", "ls", "-la"], "-p 22 u@h --quiet"),
            (&["sftp://u:secret@h/x"], "u@h"),
            (&["ssh://u:secret@h:2222"], "-p 2222 u@h"),
        ] {
            let told = said(line).unwrap_or_else(|| panic!("{line:?} is taken"));
            let meant = format!("\nDid you mean: ssh-preflight {meant}\n");
            assert!(told.contains(&meant), "{line:?}: {told}");
            assert!(told.ends_with("catalogue target-invalid"), "{told}");
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn what_is_right_is_left_alone() {
        for line in [
            &["u@h"][..],
            &["a", "b"],
            &["git"],
            &["ssh"],
            &["--", "git", "h"],
            &["--", "copi", "h"],
            &["copy1", "h"],
            &["mime", "h"],
            &["wai"],
            &["--", "ssh", "h"],
            &["git", "ada@h"],
            &["10.0.2", "u@h"],
            &["u@corp@h"],
        ] {
            assert_eq!(said(line), None, "{line:?}");
        }
    }

    #[test]
    fn what_cannot_be_guessed_is_not() {
        for line in [&["u@"][..], &["<project>.cloud.example.com"], &["-A", "a b"], &["u@$HOST"]] {
            let told = said(line).unwrap();
            assert!(!told.contains("Did you mean"), "{told}");
            assert!(told.contains("target-invalid"), "{told}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_command_line_makes_it_panic(words in proptest::collection::vec(".{0,8}", 0..6)) {
            if let Ok(sorted) = sort(words) {
                let _ = of_words(&sorted);
            }
        }
    }
}
