//! Manual pages, from the same definition as `--help`.

use clap::{Arg, Command};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use crate::{
    command,
    exit::Exit,
    run,
    subcommands::{Call, SUBCOMMANDS, named},
};

const PROGRAM: &str = "ssh-preflight";
/// Of the version, so that the same version always gives the same page.
const DATE: &str = "2026-11-25";

/// `ssh-preflight man [SUBCOMMAND]`.
///
/// # Errors
/// That there is no such subcommand, or that nothing can be printed.
pub fn run(call: &Call<'_>) -> Result<Exit, String> {
    let page = match call.words {
        [] => program(),
        [word, ..] => {
            let wrong = || {
                let names: Vec<_> = SUBCOMMANDS.iter().map(|known| known.name).collect();
                let word = checks::text::foreign(word).plain();
                format!("There is no page about \"{word}\". There are: {}.", names.join(", "))
            };
            subcommand(named(word).ok_or_else(wrong)?.name)
        }
    };
    let page = page.map_err(|e| format!("Cannot write the page: {e}."))?;
    run::print(&page).map(|()| Exit::Ready)
}

/// The page of the whole program.
fn program() -> std::io::Result<String> {
    let command = command::command().subcommand_help_heading("COMMANDS");
    let man = page_of(command);
    let mut page = begin(&man)?;
    man.render_options_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    end(&[
        ("EXIT STATUS", EXIT_STATUS),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
        ("EXAMPLES", EXAMPLES),
        ("SEE ALSO", &[("", "ssh(1), ssh_config(5), ssh-add(1), ssh-keygen(1)")]),
    ])
    .to_writer(&mut page)?;
    text(page)
}

/// The page of one subcommand.
fn subcommand(name: &str) -> std::io::Result<String> {
    let Some(command) = command::of(name) else { return Ok(String::new()) };
    let command = command.version(env!("CARGO_PKG_VERSION"));
    let man = page_of(command);
    let mut page = begin(&man)?;
    man.render_options_section(&mut page)?;
    end(&[("EXIT STATUS", EXIT_STATUS), ("SEE ALSO", &[("", "ssh-preflight(1)")])])
        .to_writer(&mut page)?;
    text(page)
}

fn page_of(command: Command) -> Man {
    let source = format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.mut_args(for_a_page)).source(source).manual(PROGRAM).date(DATE)
}

/// A list of values with a line for each would fill pages; one sentence has them all.
fn for_a_page(arg: Arg) -> Arg {
    // `--help` is for the options that matter most; the page has room for all.
    let arg = arg.hide_short_help(false);
    let values: Vec<_> =
        arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    if values.is_empty() || !arg.get_action().takes_values() {
        return arg;
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    arg.hide_possible_values(true).help(format!("{help}: {}", values.join(", ")))
}

fn begin(man: &Man) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    Ok(page)
}

fn text(page: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(page).map_err(std::io::Error::other)
}

/// A term and what there is to say about it; without a term, a paragraph.
type Entry = (&'static str, &'static str);

const EXIT_STATUS: &[Entry] = &[
    ("0", "Ready, perhaps with warnings."),
    ("1", "Not ready: the report names the cause. With --fail-on warn, warnings too."),
    ("2", "The command line or a file of ours is wrong, or the report could not be written."),
    ("3", "Inconclusive: it could not be found out."),
    ("", "With several targets the worst counts: 1 over 3 over 0."),
];

const ENVIRONMENT: &[Entry] = &[
    ("SSH_AUTH_SOCK", "The agent, as for ssh."),
    ("NO_COLOR, CLICOLOR_FORCE, TERM, COLUMNS", "How the report looks on a terminal."),
];

const FILES: &[Entry] = &[
    ("~/.ssh/config, ~/.ssh/known_hosts, ~/.ssh/id_*", "Read as ssh reads them. Never written."),
    ("~/.config/ssh-preflight/profiles/*.toml", "Profiles of your own providers."),
];

const EXAMPLES: &[Entry] = &[
    ("ssh-preflight -A user@host.example.com", "Will this connection work?"),
    ("ssh-preflight --fail-on warn --output report.json user@host.example.com", "In a CI job."),
    ("ssh-preflight --targets hosts.txt --jobs 16", "Many hosts, a table of them first."),
    ("ssh-preflight catalogue key-not-accepted", "One diagnosis at length."),
];

fn end(sections: &[(&str, &[Entry])]) -> Roff {
    let mut roff = Roff::new();
    for (heading, entries) in sections {
        roff.control("SH", [*heading]);
        for (place, (term, words)) in entries.iter().enumerate() {
            if term.is_empty() {
                if place > 0 {
                    roff.control("PP", []);
                }
            } else {
                roff.control("TP", []);
                roff.text([bold(*term)]);
            }
            roff.text([roman(*words)]);
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh_letters::{Kind, LETTERS};

    #[test]
    fn the_page_names_every_option_and_subcommand() {
        let page = program().unwrap().replace("\\-", "-").replace("\\*(Aq", "'");
        let command = command::command();
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let shown = match (arg.get_long(), arg.get_short()) {
                (Some(long), _) => format!("--{long}"),
                (_, Some(short)) => format!("-{short}"),
                _ => continue,
            };
            assert!(page.contains(&shown), "{shown}");
            let words = arg.get_help().unwrap_or_default().to_string();
            assert!(page.contains(&words), "{shown}: {words}");
        }
        for known in LETTERS.iter().filter(|known| matches!(known.kind, Kind::Dropped)) {
            assert!(!page.contains(known.means), "-{}", known.letter);
        }
        for known in SUBCOMMANDS {
            assert!(page.contains(&format!("ssh-preflight-{}(1)", known.name)), "{}", known.name);
            let own = subcommand(known.name).unwrap().replace("\\-", "-");
            assert!(own.contains(known.about), "{own}");
        }
    }
}
