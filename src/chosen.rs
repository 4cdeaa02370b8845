//! Which checks are run: `--only` and `--skip`.

use checks::{case::Plan, check::Row, checks_for};

use crate::cli::Options;

/// Whether this check of a target is to run.
#[must_use]
pub fn is(options: &Options, plan: &Plan, row: &Row) -> bool {
    let listed = |list: &[String]| list.iter().any(|id| id == row.about.id);
    (row.applies)(plan)
        && (options.only.is_empty() || listed(&options.only))
        && !listed(&options.skip)
}

/// That there is something to look at. Else nothing would be found wrong, and a gate would let
/// everything pass.
///
/// # Errors
/// The check that does not belong to what was asked for, and where it belongs; or that none is left.
pub fn some<'p>(plans: impl Iterator<Item = &'p Plan>, options: &Options) -> Result<(), String> {
    let plans: Vec<_> = plans.collect();
    // Why there is no target is somebody else's matter.
    let Some(first) = plans.first() else { return Ok(()) };
    let applies = |id: &str, plan: &Plan| {
        checks_for(plan).iter().any(|row| row.about.id == id && (row.applies)(plan))
    };
    let foreign = options.only.iter().find(|id| !plans.iter().any(|plan| applies(id, plan)));
    if let Some(id) = foreign {
        return Err(belongs(id, first));
    }
    let is_left = |plan: &&Plan| checks_for(plan).iter().any(|row| is(options, plan, row));
    if plans.iter().any(is_left) {
        return Ok(());
    }
    Err("--only and --skip leave no check to run.".into())
}

/// Where a check belongs that is not about what was asked for.
fn belongs(id: &str, plan: &Plan) -> String {
    let words = match id {
        "login" => "is about a real login: it needs --login.",
        "forwarding" => "is about a real login with your agent forwarded: it needs -A --login.",
        "copy" => "is about a copy: ssh-preflight copy SOURCE DESTINATION.",
        "service" => {
            "is about a service that is used from an environment: it needs --service NAME --login \
             and the environment."
        }
        "sftp" => "is about the separate SFTP access: ssh-preflight sftp USER@HOST.",
        _ if plan.access.sftp().is_some() => "is about the login by key: leave out the word sftp.",
        _ => "is not about this target.",
    };
    format!("The check {id} {words}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{plans, ssh_options};

    fn asked(line: &str) -> Result<(), String> {
        let sorted = ssh_options::sort(line.split(' ').map(str::to_owned)).unwrap();
        let words = [vec!["ssh-preflight".to_owned()], sorted.ours.clone()].concat();
        let options = Options::parse_from(words);
        some(plans::of_targets(&sorted, &options).unwrap().iter(), &options)
    }

    #[test]
    fn nothing_to_look_at_is_no_success() {
        for (line, says) in [
            ("--only login u@h", "needs --login"),
            ("--only dns,forwarding u@h", "-A --login"),
            ("--only copy u@h", "ssh-preflight copy"),
            ("--only service --login u@h", "--service NAME"),
            ("--only sftp u@h", "ssh-preflight sftp"),
            ("--only dns --skip dns u@h", "leave no check"),
        ] {
            assert!(asked(line).unwrap_err().contains(says), "{line}");
        }
        for line in ["u@h", "--only dns u@h", "--only login --login u@h", "--skip dns u@h v@i"] {
            assert_eq!(asked(line), Ok(()), "{line}");
        }
        let all: Vec<_> = checks::CHECKS.iter().map(|row| row.about.id).collect();
        assert!(asked(&format!("--skip {} u@h", all.join(","))).is_err());
    }
}
