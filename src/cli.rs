//! Our own options. The options of `ssh` are in [`crate::ssh_options`].

use std::{collections::BTreeSet, path::PathBuf, sync::LazyLock, time::Duration};

use clap::{
    ArgAction, CommandFactory, Parser, ValueEnum, ValueHint, builder::PossibleValuesParser,
};
use ipnet::IpNet;

use crate::files::Output;
use crate::sftp::SftpOptions;

/// The exit codes, as `--help` and the man page tell them.
pub const EXIT_CODES: &str =
    "Exit codes: 0 ready, 1 not ready, 2 wrong command line or profile, 3 could not be found out.";

/// Tells whether an SSH connection will work, and if not, the one thing to do about it.
#[derive(Debug, Clone, Parser)]
#[command(name = "ssh-preflight", version)]
pub struct Options {
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Writes the report to a file as well, in the form of its ending (.json .html .md .xml .sarif .txt);
    /// may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
          value_parser = crate::files::output)]
    pub output: Vec<Output>,
    /// Replaces what is private (hosts, users, paths, private addresses) by names such as HOST_1;
    /// `all` also keys and public addresses
    #[arg(long, value_name = "WHAT", value_enum, num_args = 0..=1, require_equals = true,
          default_missing_value = "private")]
    pub redact: Option<Redact>,
    /// Examines the targets of a file, one a line; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub targets: Option<PathBuf>,
    /// With several targets: how many at the same time, 1 to 1000; 64 unless told otherwise
    #[arg(long, value_name = "NUMBER", value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Runs only these checks
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = check_ids())]
    pub only: Vec<String>,
    /// Leaves these checks out
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = check_ids())]
    pub skip: Vec<String>,
    /// From which status on the exit code is 1
    #[arg(long, value_enum, default_value = "fail")]
    pub fail_on: FailOn,
    /// Limit for the whole run, such as 30s or 2m; 45 seconds unless told otherwise, 30 minutes with
    /// wait
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How far apart looks are, such as 2m; 60 seconds unless told otherwise, and never more often
    /// than a server bears
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub every: Option<Duration>,
    /// Waits until this check passes, not until everything is ready
    #[arg(id = "for", long, value_name = "CHECK", value_parser = check_ids())]
    pub for_check: Option<String>,
    /// The provider's profile: a name or a file; unless told otherwise the host decides
    #[arg(long, value_name = "NAME|FILE", value_hint = ValueHint::AnyPath)]
    pub profile: Option<String>,
    /// Examines a further SSH service that the profile names, such as repository; with --login and
    /// an environment from there too
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Goes through jump hosts and proxy commands as ssh does, which logs in at them
    #[arg(long, action = ArgAction::SetTrue)]
    pub through: bool,
    /// Logs in for real with the key that the server takes, runs `hostname` there, and leaves
    #[arg(long, action = ArgAction::SetTrue)]
    pub login: bool,
    /// The file to copy, as it is named at the source; logs in at the destination too, and looks
    /// whether there is room for it
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Asks somebody outside, by DNS, for the public address of your network; the report names whom
    #[arg(long, action = ArgAction::SetTrue)]
    pub egress: bool,
    /// Address ranges that you know to be allowed at the provider, such as 203.0.113.0/24
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = checks::address_kind::range)]
    pub allowed: Vec<IpNet>,
    /// Options of `sftp`.
    #[command(flatten)]
    pub sftp: SftpOptions,
    /// Colour
    #[arg(long, value_enum, default_value = "auto")]
    pub color: Color,
    /// Only the verdict and what to do
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "verbose")]
    pub quiet: bool,
    /// All details of all checks, and what ran when
    #[arg(long, action = ArgAction::SetTrue)]
    pub verbose: bool,
    /// Names all scenarios
    #[arg(long, action = ArgAction::SetTrue)]
    pub list: bool,
    /// Writes all evidence to a file, to be judged again later
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Judges a recorded file again; no network, no target
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub replay: Option<PathBuf>,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
    /// For people in a browser: one page that needs nothing else
    Html,
    /// For tickets and chats
    Markdown,
    /// For Jenkins, GitLab and others that show results of tests
    Junit,
    /// For GitHub Actions: annotations, and the summary of the step
    Github,
    /// For what reads results of analysers (SARIF 2.1.0)
    Sarif,
}

/// What is replaced by names such as HOST_1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Redact {
    /// Hosts, users, paths and private addresses
    Private,
    /// Keys and public addresses as well
    All,
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

fn check_ids() -> PossibleValuesParser {
    PossibleValuesParser::new(checks::CHECKS.iter().map(|row| row.about.id))
}

/// Whether this word is one of our options whose value is the next word.
#[must_use]
pub fn takes_value(word: &str) -> bool {
    static VALUED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let command = Options::command();
        let takes = |arg: &&clap::Arg| {
            let may_be_bare = arg.get_num_args().is_some_and(|count| count.min_values() == 0);
            arg.get_action().takes_values() && !may_be_bare
        };
        let valued = command.get_arguments().filter(takes);
        valued.filter_map(|arg| arg.get_long().map(|long| format!("--{long}"))).collect()
    });
    VALUED.contains(word)
}

fn jobs(text: &str) -> Result<usize, String> {
    let read = text.parse().ok().filter(|count| (1..=1_000).contains(count));
    read.ok_or_else(|| "it is a number from 1 to 1000".to_owned())
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

    #[test]
    fn which_options_take_the_next_word() {
        Options::command().debug_assert();
        for (word, takes) in [
            ("--only", true),
            ("--jobs", true),
            ("--quiet", false),
            ("--redact", false),
            ("--nothing", false),
        ] {
            assert_eq!(takes_value(word), takes, "{word}");
        }
        assert!(!takes_value("--only=dns"));
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
