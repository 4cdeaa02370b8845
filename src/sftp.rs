//! `ssh-preflight sftp`: the separate access with a password, and where the password comes from.
//!
//! Never from the command line, where everybody on the computer can read it.

use std::{
    ffi::OsString,
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use checks::{
    access::{Access, SftpWish},
    case::Plan,
    password::Password,
};
use clap::{ArgAction, Args, ValueHint};
use zeroize::Zeroizing;

use crate::{ask, chosen, cli::Options, mistakes, plans, ssh_options::Sorted};

/// Options of `sftp` alone.
#[derive(Debug, Clone, Default, Args)]
pub struct SftpOptions {
    /// Logs in with the password in this file; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,
    /// Logs in with the password in this environment variable
    #[arg(long, value_name = "NAME")]
    pub password_env: Option<OsString>,
    /// Asks for the password at the terminal and logs in with it
    #[arg(long, action = ArgAction::SetTrue)]
    pub ask_password: bool,
    /// With a password: the folder to look at, as the server names it
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<String>,
    /// With a password: uploads a small file, renames it, and removes it again
    #[arg(long, action = ArgAction::SetTrue)]
    pub write_test: bool,
}

/// Longer files hold no password.
const LONGEST: usize = 1024;

impl SftpOptions {
    fn wants_login(&self) -> bool {
        self.password_file.is_some() || self.password_env.is_some() || self.ask_password
    }

    fn sources(&self) -> usize {
        [self.password_file.is_some(), self.password_env.is_some(), self.ask_password]
            .iter()
            .filter(|given| **given)
            .count()
    }
}

/// What is to be examined, and the password where a login is wanted.
///
/// # Errors
/// What is wrong with the command line, or with the place of the password.
pub fn plans(
    sorted: &Sorted,
    options: &Options,
) -> Result<(Vec<Plan>, Option<Arc<Password>>), String> {
    let asked = &options.sftp;
    if asked.sources() > 1 {
        return Err("Give the password in one way: --password-file, --password-env or \
                    --ask-password."
            .into());
    }
    if !asked.wants_login() && (asked.write_test || asked.folder.is_some()) {
        return Err("--folder and --write-test need a login: give --password-file FILE, \
                    --password-env NAME or --ask-password."
            .into());
    }
    if let Some(wrong) = mistakes::port_of_a_transfer(sorted) {
        return Err(wrong);
    }
    let wish = SftpWish {
        login: asked.wants_login(),
        folder: asked.folder.clone(),
        write_test: asked.write_test,
    };
    let mut plans = plans::of_targets(&target(sorted), options)?;
    if asked.wants_login() && plans.len() > 1 {
        return Err("A password is for one access. Give one target with it.".into());
    }
    for plan in &mut plans {
        plan.access = Access::Sftp(wish.clone());
    }
    // Before somebody types a password.
    chosen::some(plans.iter(), options)?;
    let who = plans.first().map(|plan| plan.input.clone()).unwrap_or_default();
    Ok((plans, password(asked, &who)?.map(Arc::new)))
}

/// The command line without the word `sftp`.
fn target(sorted: &Sorted) -> Sorted {
    let mut sorted = sorted.clone();
    sorted.words.remove(0);
    sorted.places.remove(0);
    sorted
}

fn password(asked: &SftpOptions, who: &str) -> Result<Option<Password>, String> {
    let text = if let Some(file) = &asked.password_file {
        from_file(file)?
    } else if let Some(name) = &asked.password_env {
        // What was given may be the password itself, so it is not repeated.
        let value = std::env::var(name).map_err(|_| {
            "The environment variable that --password-env names is not set, or is not readable text. \
             What is wanted there is the NAME of a variable, and not the password."
        })?;
        Zeroizing::new(value)
    } else if asked.ask_password {
        let who = checks::text::foreign(who).plain();
        ask::once(&format!("Password of {who} (sent once): ")).ok_or(
            "There is no terminal to ask at, or nothing was typed. Give --password-file FILE or \
             --password-env NAME.",
        )?
    } else {
        return Ok(None);
    };
    if text.is_empty() {
        return Err("The password is empty.".into());
    }
    Ok(Some(Password::new(text)))
}

/// The first and only line of a file, or of standard input.
fn from_file(file: &Path) -> Result<Zeroizing<String>, String> {
    let wrong = |why: &dyn std::fmt::Display| {
        format!("Cannot read the password from {}: {why}.", file.display())
    };
    // Room for all of it, so that no copy is left behind where it grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 64));
    let most = u64::try_from(LONGEST).unwrap_or_default() + 1;
    if file == Path::new("-") {
        if std::io::stdin().is_terminal() {
            return Err("Standard input is the terminal, where a password would be shown. Use \
                        --ask-password."
                .into());
        }
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(|e| wrong(&e))?;
    } else {
        // Where there is no such file, it may be the password itself, so it is not repeated.
        let open = std::fs::File::open(file).map_err(|e| {
            format!(
                "Cannot read the file that --password-file names: {e}. What is wanted there is the \
                 path of a FILE (- is standard input), and not the password."
            )
        })?;
        open.take(most).read_to_end(&mut bytes).map_err(|e| wrong(&e))?;
    }
    if bytes.len() > LONGEST {
        return Err(wrong(&"it is too long"));
    }
    line(&bytes).map_err(|why| wrong(&why))
}

/// A text of one line, without its end.
fn line(bytes: &[u8]) -> Result<Zeroizing<String>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not readable text (UTF-8)")?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.contains('\n') {
        return Err("it has more than one line");
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line() {
        for (bytes, expected) in [
            (&b"horse"[..], Some("horse")),
            (b"horse\n", Some("horse")),
            (b" horse \r\n", Some(" horse ")),
            (b"a\nb\n", None),
            (b"\xff", None),
        ] {
            let read = line(bytes).ok();
            assert_eq!(read.as_ref().map(|text| text.as_str()), expected);
        }
    }
}
