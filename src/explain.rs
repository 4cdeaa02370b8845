//! `explain [FILE]`: what `ssh` printed, diagnosed as a live run would be.

use std::io::{IsTerminal, Read, Write};

use checks::{
    case::Case,
    explain::{About, MOST},
};

use crate::{cli::Options, profiles, ssh_options::Sorted};

/// Reads the log that the command line names.
///
/// # Errors
/// That the command line asks for more than a log can give, or that the log cannot be read.
pub fn case(words: &[String], sorted: &Sorted, options: &Options) -> Result<Case, String> {
    let out_of_place = [
        (
            !sorted.ssh.is_empty() || sorted.user.is_some() || sorted.port.is_some(),
            "options of ssh",
        ),
        (options.replay.is_some(), "--replay"),
        (options.timeout.is_some(), "--timeout"),
        (options.through, "--through"),
        (options.egress, "--egress"),
    ];
    if let Some((_, what)) = out_of_place.iter().find(|(given, _)| *given) {
        return Err(format!(
            "explain reads a log and connects nowhere, so it takes no {what}. \
             A host of that name is `-- explain`."
        ));
    }
    let own_profiles = profiles::own()?;
    let profile = options.profile.as_deref();
    let profile = profile.map(|name| profiles::named(name, &own_profiles)).transpose()?;
    let bytes = match words {
        [] => from_standard_input()?,
        [word] if word == "-" => from_standard_input()?,
        [file] => from_file(file)?,
        _ => {
            return Err("explain takes one file, or none for standard input. \
                        A host of that name is `-- explain`."
                .into());
        }
    };
    Ok(checks::explain::case(&bytes, About { now: jiff::Timestamp::now(), profile, own_profiles }))
}

fn from_standard_input() -> Result<Vec<u8>, String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let end = if cfg!(windows) { "Ctrl-Z and Enter" } else { "Ctrl-D" };
        // Nobody reads it where standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "Paste what ssh, sftp, scp, git or rsync printed, then press {end} on a line of its own.\n\
             Best is all that `ssh -vvv` prints; one line with the error will do."
        );
    }
    bounded(input.lock()).map_err(|why| format!("Cannot read standard input: {why}."))
}

fn from_file(file: &str) -> Result<Vec<u8>, String> {
    let read = std::fs::File::open(file).and_then(bounded);
    read.map_err(|why| {
        let shown = file.escape_debug();
        if why.kind() == std::io::ErrorKind::NotFound {
            return format!(
                "There is no file {shown}. explain takes the name of a file; an error message itself \
                 goes to its standard input: echo 'MESSAGE' | ssh-preflight explain"
            );
        }
        format!("Cannot read {shown}: {why}.")
    })
}

fn bounded(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST {
        return Err(std::io::Error::other(format!(
            "it has more than {} MB; its last lines are enough (tail -n 5000)",
            MOST >> 20
        )));
    }
    Ok(bytes)
}
