//! Our own options. The options of `ssh` are in [`crate::ssh_options`].

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Parser, ValueEnum};
use ipnet::IpNet;

const USAGE: &str = "ssh-preflight [options of ssh] [USER@]HOST...
       ssh-preflight [options of ssh] ssh://[USER@]HOST[:PORT]
       ssh-preflight copy [options of ssh] SOURCE DESTINATION [--file PATH]
       ssh-preflight demo [SCENARIO...]
       ssh-preflight catalogue [ID]
       ssh-preflight schema";

const AFTER: &str =
    "The options of ssh (-A -F -i -J -l -o -p -4 -6 ...) mean what they mean to ssh.
`copy` examines a copy between two hosts, from SOURCE to DESTINATION: it logs in at SOURCE, and looks
at DESTINATION from there. `demo` shows a good and a bad report with no account: it examines an environment that it makes up on
this computer. `catalogue` lists every diagnosis, or explains one at length. `schema` prints the JSON
Schema of the report. A host of that name is `-- demo`.

Exit codes: 0 ready, 1 not ready, 2 wrong command line or profile, 3 could not be found out.";

/// Tells whether an SSH connection will work, and if not, the one thing to do about it.
#[derive(Debug, Clone, Parser)]
#[command(name = "ssh-preflight", version, override_usage = USAGE, after_help = AFTER)]
pub struct Options {
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Writes the report to a file as well: JSON if it ends in .json, else text; may be repeated
    #[arg(long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Runs only these checks
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = check)]
    pub only: Vec<String>,
    /// Leaves these checks out
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = check)]
    pub skip: Vec<String>,
    /// From which status on the exit code is 1
    #[arg(long, value_enum, default_value = "fail")]
    pub fail_on: FailOn,
    /// Limit for the whole run, such as 30s or 2m; 45 seconds unless told otherwise
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// The provider's profile: a name or a file; unless told otherwise the host decides
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// Goes through jump hosts and proxy commands as ssh does, which logs in at them
    #[arg(long, action = ArgAction::SetTrue)]
    pub through: bool,
    /// Logs in for real with the key that the server takes, runs `hostname` there, and leaves
    #[arg(long, action = ArgAction::SetTrue)]
    pub login: bool,
    /// With copy: the file, as it is named at the source. Logs in at the destination too, and looks
    /// whether there is room for it; writes nothing
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Asks somebody outside, by DNS, for the public address of your network; the report names whom
    #[arg(long, action = ArgAction::SetTrue)]
    pub egress: bool,
    /// Address ranges that you know to be allowed at the provider, such as 203.0.113.0/24
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = checks::address_kind::range)]
    pub allowed: Vec<IpNet>,
    /// Colour
    #[arg(long, value_enum, default_value = "auto")]
    pub color: Color,
    /// Only the verdict and what to do
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "verbose")]
    pub quiet: bool,
    /// All details of all checks
    #[arg(long, action = ArgAction::SetTrue)]
    pub verbose: bool,
    /// With demo: names all scenarios
    #[arg(long, action = ArgAction::SetTrue)]
    pub list: bool,
    /// Writes all evidence to a file, to be judged again later
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Judges a recorded file again; no network, no target
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

/// From which status on the exit code is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A warning is enough
    Warn,
    /// Only when it will not work
    Fail,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// By terminal, NO_COLOR and CLICOLOR_FORCE
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn check(id: &str) -> Result<String, String> {
    let ids: Vec<_> = checks::CHECKS.iter().map(|row| row.about.id).collect();
    if ids.contains(&id) {
        return Ok(id.to_owned());
    }
    Err(format!("the checks are: {}", ids.join(", ")))
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time looks like 30s, 2m or 500ms".to_owned();
    let read: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let positive = Duration::try_from(read).map_err(|_| wrong())?;
    if positive.is_zero() { Err(wrong()) } else { Ok(positive) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_option_with_a_value_is_known_to_the_sorting() {
        Options::command().debug_assert();
        let takes_value = |a: &&clap::Arg| a.get_action().takes_values();
        let mut ours: Vec<_> = Options::command()
            .get_arguments()
            .filter(takes_value)
            .filter_map(|a| a.get_long().map(|long| format!("--{long}")))
            .collect();
        let mut known = crate::ssh_options::OURS_WITH_VALUE.map(str::to_owned).to_vec();
        ours.sort();
        known.sort();
        assert_eq!(ours, known);
    }

    #[test]
    fn times() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "0s", "-3s", "soon", "5"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
