//! `explain [FILE]`: what `ssh` printed, diagnosed as a live run would be.

use std::io::{IsTerminal, Read, Write};

use checks::{
    case::Case,
    explain::{About, MOST},
};

use crate::{profiles, subcommands::Call};

/// Reads the log that the command line names.
///
/// # Errors
/// That the log, or a profile, cannot be read.
pub fn case(call: &Call<'_>) -> Result<Case, String> {
    let own_profiles = profiles::own()?;
    let named = &call.options.profile;
    let profile = named.as_deref().map(|name| profiles::named(name, &own_profiles)).transpose()?;
    let profile_file = named.clone().filter(|name| profiles::is_file(name, &own_profiles));
    let bytes = match call.words.first() {
        Some(file) if file != "-" => from_file(file)?,
        _ => from_standard_input()?,
    };
    let about = About { now: jiff::Timestamp::now(), profile, own_profiles };
    let mut case = checks::explain::case(&bytes, about);
    case.plan.profile_file = profile_file;
    Ok(case)
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
