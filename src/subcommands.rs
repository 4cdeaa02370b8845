//! Everything that the program does besides examining targets: one table, from which the dispatch, its
//! errors, `--help`, the man pages and the completions are made.

use clap::{Arg, Command};

use crate::{
    catalogue, cli::Options, compare, completions, exit::Exit, man, render::look::Look, run,
    schema, ssh_options::Sorted, wait,
};

/// What a subcommand is given.
#[derive(Debug)]
pub struct Call<'a> {
    /// The words after its name.
    pub words: &'a [String],
    /// The whole command line.
    pub sorted: &'a Sorted,
    /// Our options.
    pub options: &'a Options,
}

/// One subcommand.
#[derive(Debug)]
pub struct Subcommand {
    /// The word that it is called by.
    pub name: &'static str,
    /// What may stand after it, as in a line of usage; empty: nothing.
    pub arguments: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The ids of those of our options that it takes.
    pub takes: Takes,
    /// Whether it takes the options of `ssh`.
    pub ssh_options: bool,
    /// Whether it shows reports, in all their forms; else text, or data as JSON.
    pub reports: bool,
    /// What its words may be.
    pub words: Words,
    /// Does it.
    pub run: fn(&Call<'_>) -> Result<Exit, String>,
}

/// Which of our options a subcommand takes.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// These alone.
    Only(&'static [&'static str]),
    /// All but those of these groups.
    AllBut(&'static [&'static [&'static str]]),
}

/// What the words of a subcommand are: completed by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// There are none.
    None,
    /// Targets.
    Targets,
    /// Two hosts.
    Ends,
    /// Ids of diagnoses.
    Diagnoses,
    /// Scenarios of the demo.
    Scenarios,
    /// A file.
    File,
    /// Names of shells.
    Shells,
    /// Names of subcommands.
    Subcommands,
    /// Files with reports, or a target.
    Reports,
    /// What has a schema besides the report.
    Schemas,
}

/// All subcommands, in the order in which they are told.
pub static SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "copy",
        arguments: "SOURCE DESTINATION",
        about: "Examines a copy from SOURCE to DESTINATION: logs in at SOURCE, and looks on from there",
        takes: Takes::AllBut(&[
            &["targets", "jobs", "only", "skip", "service", "through", "login", "list", "replay"],
            WAITING,
            PASSWORD,
        ]),
        ssh_options: true,
        reports: true,
        words: Words::Ends,
        run: run::copy,
    },
    Subcommand {
        name: "sftp",
        arguments: "[USER@]HOST...",
        about: "Examines a separate SFTP access with a password, and logs in where you give the password",
        takes: Takes::AllBut(&[
            &["list", "login", "replay", "service", "targets"],
            COPYING,
            WAITING,
        ]),
        ssh_options: true,
        reports: true,
        words: Words::Targets,
        run: run::sftp,
    },
    Subcommand {
        name: "wait",
        arguments: "[USER@]HOST",
        about: "Looks again, no more often than a server bears, until it is ready",
        takes: Takes::AllBut(&[&["list", "replay", "targets", "jobs"], COPYING, PASSWORD]),
        ssh_options: true,
        reports: true,
        words: Words::Targets,
        run: wait::run,
    },
    Subcommand {
        name: "compare",
        arguments: "OLD.json NEW.json|[USER@]HOST",
        about: "Says what changed since it last worked, between two reports or up to now",
        takes: Takes::AllBut(&[
            &["list", "replay", "record", "targets", "jobs", "redact"],
            WAITING,
            PASSWORD,
            COPYING,
        ]),
        ssh_options: true,
        reports: false,
        words: Words::Reports,
        run: compare::run,
    },
    Subcommand {
        name: "demo",
        arguments: "[SCENARIO...]",
        about: "Shows good and bad reports with no account, from an environment that it makes up here",
        takes: Takes::AllBut(&[
            &["profile", "replay", "targets", "through", "login", "service"],
            WAITING,
            PASSWORD,
            COPYING,
        ]),
        ssh_options: false,
        reports: true,
        words: Words::Scenarios,
        run: run::demo,
    },
    Subcommand {
        name: "explain",
        arguments: "[FILE]",
        about: "Diagnoses what ssh -v, sftp, scp, git or rsync printed, from a file or standard input",
        takes: Takes::AllBut(&[
            &[
                "allowed", "egress", "jobs", "list", "login", "replay", "service", "targets",
                "through", "timeout",
            ],
            COPYING,
            WAITING,
            PASSWORD,
        ]),
        ssh_options: false,
        reports: true,
        words: Words::File,
        run: run::explain,
    },
    Subcommand {
        name: "catalogue",
        arguments: "[ID]",
        about: "Lists every diagnosis, or explains one at length; nothing is examined",
        takes: Takes::Only(&["format", "color", "quiet", "verbose"]),
        ssh_options: false,
        reports: false,
        words: Words::Diagnoses,
        run: catalogue::run,
    },
    Subcommand {
        name: "completions",
        arguments: "SHELL",
        about: "Prints what makes your shell complete our command lines",
        takes: Takes::Only(&[]),
        ssh_options: false,
        reports: false,
        words: Words::Shells,
        run: completions::run,
    },
    Subcommand {
        name: "man",
        arguments: "[SUBCOMMAND]",
        about: "Prints the manual page; look at it with: ssh-preflight man | man -l -",
        takes: Takes::Only(&[]),
        ssh_options: false,
        reports: false,
        words: Words::Subcommands,
        run: man::run,
    },
    Subcommand {
        name: "schema",
        arguments: "[compare]",
        about: "Prints the JSON Schema of the report, or of a comparison",
        takes: Takes::Only(&[]),
        ssh_options: false,
        reports: false,
        words: Words::Schemas,
        run: schema::run,
    },
];

/// Options that are for subcommands alone.
const NOT_FOR_TARGETS: [&[&str]; 4] = [&["list"], COPYING, WAITING, PASSWORD];

/// Options of `copy` alone.
const COPYING: &[&str] = &["file"];

/// Options of `wait` alone.
const WAITING: &[&str] = &["every", "for"];

/// Options of `sftp` alone.
const PASSWORD: &[&str] =
    &["password_file", "password_env", "ask_password", "folder", "write_test"];

/// The subcommand of this name.
#[must_use]
pub fn named(word: &str) -> Option<&'static Subcommand> {
    SUBCOMMANDS.iter().find(|known| known.name == word)
}

/// The subcommand that is called, and the words after it; `None`: the first word is a target.
#[must_use]
pub fn called(sorted: &Sorted) -> Option<(&'static Subcommand, &[String])> {
    let (word, words) = sorted.words.split_first().filter(|_| !sorted.only_targets)?;
    Some((named(word)?, words))
}

/// Whether an option is for examining targets.
#[must_use]
pub fn is_for_targets(id: &str) -> bool {
    !NOT_FOR_TARGETS.iter().any(|group| group.contains(&id))
}

/// Runs what the first word names; `None`: it is a target. `given` are the ids of the options of ours
/// that were typed.
///
/// # Errors
/// That it does not take what was given to it, or what went wrong in it.
pub fn dispatch(
    sorted: &Sorted,
    options: &Options,
    given: &[&str],
) -> Result<Option<Exit>, String> {
    let Some((subcommand, words)) = called(sorted) else {
        let misplaced = given.iter().find(|id| !is_for_targets(id));
        return misplaced.map_or(Ok(None), |id| Err(belongs_elsewhere(id)));
    };
    subcommand.refuses(words, sorted, given).map_or(Ok(()), Err)?;
    (subcommand.run)(&Call { words, sorted, options }).map(Some)
}

fn belongs_elsewhere(id: &str) -> String {
    let option = id.replace('_', "-");
    let owners = SUBCOMMANDS.iter().filter(|known| known.takes(id));
    let owners: Vec<_> =
        owners.map(|known| format!("ssh-preflight {} --{option}", known.name)).collect();
    format!("--{option} belongs to a subcommand: {}", owners.join(", "))
}

impl Subcommand {
    /// Whether it takes this option of ours.
    #[must_use]
    pub fn takes(&self, id: &str) -> bool {
        match self.takes {
            Takes::Only(these) => these.contains(&id),
            Takes::AllBut(those) => !those.iter().any(|group| group.contains(&id)),
        }
    }

    /// What it does not take of what was given to it.
    fn refuses(&self, words: &[String], sorted: &Sorted, given: &[&str]) -> Option<String> {
        let name = self.name;
        let what = if sorted.has_ssh_options() && !self.ssh_options {
            "options of ssh".to_owned()
        } else if let Some(id) = given.iter().find(|id| !self.takes(id)) {
            format!("--{}", id.replace('_', "-"))
        } else if words.len() > self.most_words() {
            match self.most_words() {
                0 => "words after it".to_owned(),
                1 => "more than one word after it".to_owned(),
                most => format!("more than {most} words after it"),
            }
        } else {
            return None;
        };
        Some(format!(
            "{name} takes no {what}. Its usage: {}\nA host of that name is `-- {name}`.",
            self.usage()
        ))
    }

    fn most_words(&self) -> usize {
        if self.arguments.contains("...") {
            return usize::MAX;
        }
        self.arguments.split_whitespace().count()
    }

    /// One line of usage.
    #[must_use]
    pub fn usage(&self) -> String {
        let of_ssh = if self.ssh_options { "[options of ssh] " } else { "" };
        format!("ssh-preflight {} {of_ssh}{}", self.name, self.arguments).trim_end().to_owned()
    }

    /// As clap knows it: for `--help`, the man page and completions. All our options are there,
    /// because they name each other in their rules; those that it does not take are hidden.
    #[must_use]
    pub fn command(&self, ours: &[Arg]) -> Command {
        let option = |arg: &Arg| {
            let id = arg.get_id().as_str();
            let arg = arg.clone().hide(id != "help" && !self.takes(id));
            match id {
                "format" if !self.reports => arg.value_parser(["text", "json"]),
                _ => arg,
            }
        };
        let mut command = Command::new(self.name)
            .about(self.about)
            .override_usage(self.usage())
            .disable_help_flag(true)
            .args(ours.iter().filter(|arg| arg.get_id() != "version").map(option));
        if self.ssh_options {
            command = command.args(crate::ssh_letters::LETTERS.iter().map(|l| l.argument()));
        }
        if let Some(words) = completions::words_of(self.words) {
            let is_one = self.words == Words::Targets && self.most_words() == 1;
            command = command.arg(if is_one { completions::one(words) } else { words });
        }
        command
    }
}

/// How a page of text that examines nothing may look.
pub(crate) fn look(options: &Options) -> Look {
    Look::here(options.color, options.quiet, options.verbose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_of_the_table_are_options_of_ours() {
        let command = Options::command();
        let known: Vec<_> = command.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        for subcommand in SUBCOMMANDS {
            let ids = match subcommand.takes {
                Takes::Only(ids) => ids.to_vec(),
                Takes::AllBut(groups) => groups.concat(),
            };
            for id in ids {
                assert!(known.contains(&id), "{} names {id}", subcommand.name);
            }
        }
        for id in NOT_FOR_TARGETS.into_iter().flatten() {
            assert!(known.contains(id), "{id}");
        }
    }

    #[test]
    fn its_usage_names_the_options_of_ssh_where_it_takes_them() {
        let usage = |name| named(name).unwrap().usage();
        assert_eq!(usage("copy"), "ssh-preflight copy [options of ssh] SOURCE DESTINATION");
        assert_eq!(usage("explain"), "ssh-preflight explain [FILE]");
        assert_eq!(usage("schema"), "ssh-preflight schema [compare]");
    }

    #[test]
    fn each_is_there_once_and_tells_itself_in_one_line() {
        for known in SUBCOMMANDS {
            assert_eq!(SUBCOMMANDS.iter().filter(|s| s.name == known.name).count(), 1);
            assert!(!known.about.contains('\n') && !known.about.ends_with('.'), "{}", known.about);
            assert_eq!(known.words == Words::None, known.arguments.is_empty(), "{}", known.name);
        }
    }
}
