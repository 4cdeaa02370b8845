//! The whole command line as one definition of clap's: our options, those of `ssh`, targets and
//! subcommands. `--help`, the man pages and the completions are made of it.
//!
//! It does not read the command line alone: `ssh` sorts its words in a way of its own
//! ([`crate::ssh_options`]), and clap is then given our long options.

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::{
    cli::{EXIT_CODES, Options},
    completions, ssh_letters,
    subcommands::{SUBCOMMANDS, is_for_targets},
};

/// The argument that stands for the targets.
pub const TARGET: &str = "target";

/// The command line of the program.
#[must_use]
pub fn command() -> Command {
    let help = Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::HelpShort)
        .help("Prints this page");
    let version = Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .help("Prints the version");
    let bare = Options::command().disable_help_flag(true).disable_version_flag(true);
    let bare = completions::with_candidates(bare.args([help, version]));
    let ours: Vec<Arg> = bare.get_arguments().cloned().collect();
    let for_targets = |arg: Arg| {
        let hidden = !is_for_targets(arg.get_id().as_str());
        arg.hide(hidden)
    };
    bare.mut_args(for_targets)
        .args(ssh_letters::LETTERS.iter().map(ssh_letters::Letter::argument))
        .arg(completions::targets(TARGET))
        .subcommands(SUBCOMMANDS.iter().map(|known| known.command(&ours)))
        .disable_help_subcommand(true)
        .override_usage(usage())
        .after_help(after())
}

/// The command line of a subcommand, as its help and its manual page tell it.
#[must_use]
pub fn of(subcommand: &str) -> Option<Command> {
    let mut whole = command();
    whole.build();
    whole.find_subcommand(subcommand).cloned()
}

fn usage() -> String {
    let targets = [
        "ssh-preflight [options of ssh] [USER@]HOST...",
        "ssh-preflight [options of ssh] ssh://[USER@]HOST[:PORT]...",
        "ssh-preflight [options of ssh] --targets FILE",
    ];
    let lines = targets.map(str::to_owned).into_iter();
    let lines: Vec<_> = lines.chain(SUBCOMMANDS.iter().map(|known| known.usage())).collect();
    lines.join("\n       ")
}

fn after() -> String {
    format!(
        "The other options of ssh are taken as well, so that a pasted command works. A host that has \
         the name of a command is written `-- demo`.\n\n{EXIT_CODES}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn help_names_every_subcommand_and_the_options_of_ssh_that_matter() {
        let help = command().render_help().to_string();
        for known in SUBCOMMANDS {
            assert!(help.contains(&known.usage()), "{}: {help}", known.name);
        }
        for known in ssh_letters::LETTERS {
            let shown = help.contains(&format!("\n  -{}", known.letter));
            assert_eq!(shown, known.kind == ssh_letters::Kind::Decides, "-{}", known.letter);
        }
        assert!(!help.contains("--list"), "it belongs to demo: {help}");
    }
}
