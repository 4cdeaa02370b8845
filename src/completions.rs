//! Completions for shells. A small script is given to the shell; at each press of the tab key it asks
//! this program, so that ids, scenarios, own profiles and known hosts are those of now.

use std::collections::BTreeSet;

use checks::diagnosis::Id;
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::{
    ArgValueCandidates, CompletionCandidate, PathCompleter,
    engine::{ArgValueCompleter, ValueCompleter},
    env::{CompleteEnv, Shells},
};
use strum::IntoEnumIterator;

use crate::{
    command,
    demo::SCENARIOS,
    exit::Exit,
    known_names, profiles, run,
    subcommands::{Call, SUBCOMMANDS, Words},
};

/// The variable by which the script of a shell asks.
const VARIABLE: &str = "SSH_PREFLIGHT_COMPLETE";
const PROGRAM: &str = "ssh-preflight";

/// `ssh-preflight completions SHELL`.
///
/// # Errors
/// That there is no such shell, or that nothing can be printed.
pub fn run(call: &Call<'_>) -> Result<Exit, String> {
    let script = match call.words {
        [shell] => script(shell),
        _ => None,
    };
    let script =
        script.ok_or_else(|| format!("For which shell? There are: {}.", shells().join(", ")))?;
    run::print(&script).map(|()| Exit::Ready)
}

fn shells() -> Vec<&'static str> {
    Shells::builtins().names().collect()
}

/// What a shell has to read, so that it asks this program.
fn script(shell: &str) -> Option<String> {
    let shells = Shells::builtins();
    let mut script = Vec::new();
    let shell = shells.completer(shell)?;
    shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script).ok()?;
    let mut script = String::from_utf8(script).ok()?.trim_start().to_owned();
    if shell.name() == "zsh" {
        script.push_str(ZSH_AUTOLOAD);
    }
    Some(script)
}

/// As a file in a folder of completions, the script is only read at the first press of the tab key,
/// which has to be answered as well.
const ZSH_AUTOLOAD: &str = "
if [[ \"${funcstack[1]}\" == _ssh-preflight ]]; then
    _clap_dynamic_completer_ssh_preflight \"$@\"
fi
";

/// Answers a shell that asks for completions; `false`: none does.
#[must_use]
pub fn answered() -> bool {
    let folder = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(command::command)
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .try_complete(std::env::args_os(), folder.as_deref());
    // Whatever goes wrong here, a person is in the middle of typing: nothing is said.
    asked.unwrap_or(true)
}

/// The argument that stands for the targets.
#[must_use]
pub fn targets(id: &'static str) -> Arg {
    Arg::new(id)
        .value_name("TARGET")
        .action(ArgAction::Append)
        .num_args(0..)
        .help(format!("{A_TARGET}; may be repeated"))
        .value_hint(ValueHint::Hostname)
        .add(ArgValueCompleter::new(Targets))
}

const A_TARGET: &str = "What ssh would be given: [USER@]HOST or ssh://[USER@]HOST[:PORT]";

/// The same for a subcommand that takes one target.
pub fn one(targets: Arg) -> Arg {
    targets.action(ArgAction::Set).num_args(1).help(A_TARGET)
}

/// The argument that stands for the words of a subcommand.
#[must_use]
pub fn words_of(words: Words) -> Option<Arg> {
    if words == Words::Ends {
        let help = "From where, then to where: each as [USER@]HOST or ssh://[USER@]HOST[:PORT]";
        return Some(targets("words").value_name("HOST").help(help));
    }
    let candidates: fn() -> Vec<CompletionCandidate> = match words {
        Words::None | Words::Ends => return None,
        Words::Targets => return Some(targets("words")),
        Words::File => return Some(file()),
        Words::Diagnoses => || Id::iter().map(|id| of(id, id.title())).collect(),
        Words::Scenarios => || SCENARIOS.iter().map(|s| of(s.name, s.shows)).collect(),
        Words::Shells => || shells().into_iter().map(CompletionCandidate::new).collect(),
        Words::Reports => {
            || vec![CompletionCandidate::new("-").help(Some("standard input".into()))]
        }
        Words::Schemas => || vec![of("compare", "The schema of a comparison")],
        Words::Subcommands => || SUBCOMMANDS.iter().map(|s| of(s.name, s.about)).collect(),
    };
    let (name, help) = match words {
        Words::Scenarios => ("SCENARIO", "What to show; two of them if none is named"),
        Words::Diagnoses => ("ID", "Which diagnosis; all of them, a line each, if none is named"),
        Words::Reports => {
            ("REPORT", "The report before; then the one after, or what to examine now")
        }
        Words::Schemas => ("WHICH", "compare; the one of the report if nothing is named"),
        Words::Shells => ("SHELL", "bash, zsh, fish, powershell or elvish"),
        _ => ("SUBCOMMAND", "Whose page; the one of the whole program if none is named"),
    };
    let arg = Arg::new("words").value_name(name).help(help).action(ArgAction::Append).num_args(0..);
    let arg = if words == Words::Reports { arg.value_hint(ValueHint::FilePath) } else { arg };
    Some(arg.add(ArgValueCandidates::new(candidates)))
}

fn file() -> Arg {
    let help = "What was printed; standard input if no file is named";
    Arg::new("words").value_name("FILE").help(help).value_hint(ValueHint::FilePath).num_args(0..=1)
}

/// What our own options may be given, where clap cannot know it.
#[must_use]
pub fn with_candidates(command: Command) -> Command {
    command.mut_arg("profile", |arg| arg.add(ArgValueCompleter::new(Profiles)))
}

fn of(value: impl ToString, help: &'static str) -> CompletionCandidate {
    CompletionCandidate::new(value.to_string()).help(Some(help.into()))
}

fn beginning(
    start: &str,
    candidates: impl IntoIterator<Item = String>,
) -> Vec<CompletionCandidate> {
    let fitting = candidates.into_iter().filter(|candidate| candidate.starts_with(start));
    fitting.map(CompletionCandidate::new).collect()
}

/// `[USER@]HOST`: hosts from the configuration and known_hosts, behind whatever user is typed.
struct Targets;

impl ValueCompleter for Targets {
    fn complete(&self, current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
        let Some(current) = current.to_str() else { return Vec::new() };
        let user = current.rfind('@').and_then(|at| current.get(..=at)).unwrap_or_default();
        let hosts = known_names::hosts().into_iter().map(|host| format!("{user}{host}"));
        beginning(current, hosts)
    }
}

/// Names of profiles, and files.
struct Profiles;

impl ValueCompleter for Profiles {
    fn complete(&self, current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
        let own = profiles::own().unwrap_or_default();
        let own = own.iter().map(|profile| profile.name.clone());
        let names = checks::profile::built_in_names().into_iter().map(str::to_owned).chain(own);
        let names: BTreeSet<_> = names.collect();
        let mut found = beginning(current.to_str().unwrap_or_default(), names);
        found.extend(PathCompleter::any().complete(current));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, path::PathBuf};

    use super::*;

    /// What is offered after these words, of which the last one is being typed.
    fn offered(line: &str) -> Vec<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let last = words.len() - 1;
        let found = clap_complete::engine::complete(
            &mut command::command(),
            words,
            last,
            Some(&PathBuf::from(env!("CARGO_MANIFEST_DIR"))),
        );
        found.unwrap().iter().map(|c| c.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn each_place_has_its_words() {
        for (line, candidate) in [
            ("ssh-preflight ca", "catalogue"),
            ("ssh-preflight --fo", "--format"),
            ("ssh-preflight --format j", "json"),
            ("ssh-preflight --only d", "dns"),
            ("ssh-preflight --skip dns,short", "dns,short-name"),
            ("ssh-preflight --profile ak", "akeneo"),
            ("ssh-preflight --profile ./READ", "./README.md"),
            ("ssh-preflight -i Car", "Cargo.toml"),
            ("ssh-preflight --targets Car", "Cargo.toml"),
            ("ssh-preflight catalogue host-key-ch", "host-key-changed"),
            ("ssh-preflight catalogue --format t", "text"),
            ("ssh-preflight demo --li", "--list"),
            ("ssh-preflight demo ready host-key-ch", "host-key-changed"),
            ("ssh-preflight completions f", "fish"),
            ("ssh-preflight man de", "demo"),
        ] {
            assert!(offered(line).iter().any(|c| c == candidate), "{line}: {:?}", offered(line));
        }
        let all = offered("ssh-preflight ");
        for absent in ["--list", "-E", "-Q"] {
            assert!(!all.iter().any(|c| c == absent), "{absent} is offered: {all:?}");
        }
        let all = offered("ssh-preflight catalogue --");
        assert!(!all.iter().any(|c| c == "--timeout"), "{all:?}");
    }

    #[test]
    fn every_shell_has_a_script_that_asks_this_program() {
        assert_eq!(shells(), ["bash", "elvish", "fish", "powershell", "zsh"]);
        for shell in shells() {
            let script = script(shell).unwrap();
            assert!(script.contains(VARIABLE) && script.contains(PROGRAM), "{shell}: {script}");
        }
        assert_eq!(script("tcsh"), None);
    }
}
