//! Causes: configuration.

use super::{Diagnosis, Id, Rule, sftp};
use crate::{
    case::Case,
    command, config,
    evidence::{configuration::Refusal, resolution::LookupErrorKind},
    finding::Hint,
    target::odd,
    text,
    text::{Foreign, foreign, host, path, user},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::TargetInvalid, finds: impossible_host },
    Rule { id: Id::SshConfigPermissions, finds: permissions },
    Rule { id: Id::SshConfigInvalid, finds: invalid },
    Rule { id: Id::ShortNameOutside, finds: short_name },
    Rule { id: Id::SshConfigInvalid, finds: unexpandable },
    Rule { id: Id::PubkeyDisabled, finds: pubkey_disabled },
    Rule { id: Id::PasswordDisabled, finds: sftp::password_disabled },
];

/// Options of Apple's and Red Hat's clients that others refuse.
const FOREIGN_OPTIONS: [(&str, &str); 2] = [("usekeychain", "UseKeychain"), ("gssapi", "GSSAPI*")];

fn refusal(case: &Case) -> Option<&Refusal> {
    case.configuration()?.effective.as_ref().err()
}

fn permissions(case: &Case) -> Option<Diagnosis> {
    let refused = refusal(case)?;
    let file = refused
        .lines
        .iter()
        .find_map(|l| l.raw().trim().strip_prefix("Bad owner or permissions on "))?;
    Some(
        Diagnosis::new(Id::SshConfigPermissions)
            .because(text![
                "The file ",
                foreign(file),
                " belongs to somebody else, or others may write to it."
            ])
            .because("Whoever can change it can make ssh run any command as you.")
            .step(Hint::run(
                "Let nobody else change the file:",
                command!["chmod", "600", path(file)],
            ))
            .step(Hint::advice(
                "If the file belongs to somebody else, make it your own with chown.",
            )),
    )
}

fn invalid(case: &Case) -> Option<Diagnosis> {
    let refused = refusal(case)?;
    let mut d = Diagnosis::new(Id::SshConfigInvalid).because(
        "ssh reads its files and options first, and ends where it does not understand them.",
    );
    let looped = refused.lines.iter().find_map(|l| l.raw().strip_prefix("jumphost loop via "));
    if let Some(jump) = looped {
        if case.plan.types("-J", "ProxyJump") {
            return Some(
                d.because("The host that was typed as jump host (-J) is the target itself.").step(
                    Hint::run(
                        "Leave it out, or name another one:",
                        case.plan.ssh().unset("ProxyJump").command(),
                    ),
                ),
            );
        }
        return Some(
            d.because(
                "A jump host is to be reached through itself, since ProxyJump is set for it too.",
            )
            .step(Hint::advice(text![
                "Put these two lines at the top of your ssh configuration: \"Host ",
                foreign(jump),
                "\" and, below it, \"ProxyJump none\".",
            ])),
        );
    }
    if let Some(key) = refused.lines.iter().find_map(|line| typed_and_unknown(line)) {
        return Some(
            Diagnosis::new(Id::SshConfigInvalid)
                .because(text!["ssh does not know the option ", foreign(key), ", which was typed."])
                .step(Hint::run(
                    "Correct it, or leave it out:",
                    case.plan.ssh().unset(key).command(),
                )),
        );
    }
    let bad = |line: &Foreign, word: &str| {
        let line = line.raw().to_ascii_lowercase();
        line.contains("bad configuration option") && line.contains(word)
    };
    for (word, name) in FOREIGN_OPTIONS {
        if refused.lines.iter().any(|line| bad(line, word)) {
            d = d.step(Hint::advice(text![
                "Your ssh does not know this option of another system's client. Put this line at \
                 the top of the file: IgnoreUnknown ",
                name
            ]));
        }
    }
    let no_file = |line: &Foreign| line.raw().contains("Can't open user config file");
    let step = if refused.lines.iter().any(no_file) {
        "The file that was given with -F cannot be opened. Correct its path, or leave -F out: ssh then \
         reads ~/.ssh/config."
    } else {
        "Correct the line that ssh names, then try again."
    };
    Some(d.step(Hint::advice(step)))
}

/// An option of the command line that `ssh` does not know.
fn typed_and_unknown(line: &Foreign) -> Option<&str> {
    let (place, key) = line.raw().trim().split_once("Bad configuration option: ")?;
    place.starts_with("command-line").then_some(key)
}

/// A name that cannot exist is no fault of a name server. Where the configuration makes another
/// one of it, or the lookup knows it all the same, nothing is wrong.
fn impossible_host(case: &Case) -> Option<Diagnosis> {
    case.resolution()?.outcome.as_ref().err()?;
    let odd = odd::impossible_host(&case.plan, &case.effective()?.host)?;
    Some(Diagnosis::new(Id::TargetInvalid).because(odd.words).step(odd.hint))
}

/// A name of a key that `ssh` cannot fill in ends it, but only once it is connected.
fn unexpandable(case: &Case) -> Option<Diagnosis> {
    let effective = case.effective()?;
    let no = effective.unexpandable.as_ref()?;
    let connected = case.attempts().is_some_and(|attempts| attempts.connected().is_some());
    if !connected && !effective.is_proxied() {
        return None;
    }
    let mut found = Diagnosis::new(Id::SshConfigInvalid).because(config::unexpandable(no));
    found = found.because("ssh ends as soon as it is connected, before it asks for any key.");
    let option = config::option_of(no);
    Some(found.step(Hint::advice(match &no.variable {
        Some(name) => text![
            "Set the variable ",
            foreign(name),
            " where ssh is started, or write the name of the file out: in your ssh configuration \
             (",
            option,
            "), or on the command line."
        ],
        None => text![
            "Correct the name: in your ssh configuration (",
            option,
            "), or on the command line. %% stands for a percent sign; the manual of ssh_config \
             lists the others (TOKENS)."
        ],
    })))
}

fn short_name(case: &Case) -> Option<Diagnosis> {
    let typed = &case.effective()?.host;
    let error = case.resolution()?.outcome.as_ref().err()?;
    if typed.contains('.') || error.kind != LookupErrorKind::NoName {
        return None;
    }
    let start = format!("{typed}.");
    let full = case.nearby()?.names.iter().find(|n| n.name.starts_with(&start))?;
    Some(
        Diagnosis::new(Id::ShortNameOutside)
            .because(text!["The name ", host(typed), " does not exist for this computer."])
            .because(text!["The full name ", host(&full.name), " exists."])
            .step(Hint::run("Use the full name:", case.plan.ssh().host(&full.name).command())),
    )
}

fn pubkey_disabled(case: &Case) -> Option<Diagnosis> {
    let e = case.effective()?;
    let left_out = e
        .preferred_authentications
        .as_ref()
        .is_some_and(|methods| !methods.iter().any(|m| m == "publickey"));
    let what = match (e.pubkey_authentication, left_out) {
        (false, _) => "The effective configuration has PubkeyAuthentication no.",
        (true, true) => "PreferredAuthentications is set and does not name publickey.",
        (true, false) => return None,
    };
    Some(
        Diagnosis::new(Id::PubkeyDisabled).because(what).step(Hint::run(
            "Try once with it turned on, then correct your ssh configuration:",
            case.plan
                .ssh()
                .set("PubkeyAuthentication=yes")
                .set("PreferredAuthentications=publickey")
                .command(),
        )),
    )
}

/// Alone a warning; the cause where no key is accepted.
pub(super) fn unexpected_user(case: &Case) -> Option<Diagnosis> {
    let e = case.effective()?;
    let wanted = case.profile().user.as_ref().filter(|wanted| **wanted != e.user)?;
    let queries = case.queries()?;
    if queries.accepted().is_some() || queries.open_door || queries.refused() == 0 {
        return None;
    }
    Some(
        Diagnosis::new(Id::UnexpectedUser)
            .because(text!["The server accepts no key for the user ", user(&e.user), "."])
            .because(text!["Logins here need the user ", user(wanted), "."])
            .step(Hint::run("Name the user:", case.plan.ssh().user(wanted).command()))
            .or(Id::KeyNotAccepted),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::configuration::{Configuration, Source};
    use crate::{case::Observed, case::Plan, text::Foreign};

    fn refused(line: &str) -> Case {
        let plan = Plan::of_host("h");
        let mut case = Case::unobserved(plan, jiff::Timestamp::UNIX_EPOCH);
        let refusal =
            Refusal { lines: vec![Foreign::from_bytes(line.as_bytes())], exit: Some(255) };
        let seen =
            Ok(Configuration { source: Source::Files, effective: Err(refusal), files: Vec::new() });
        case.configuration = Some(Observed { started_ms: 0, duration_ms: 0, seen });
        case
    }

    #[test]
    fn a_refusal_is_told_by_its_words() {
        for (line, id, steps) in [
            ("Bad owner or permissions on /home/jo/.ssh/config", Id::SshConfigPermissions, 2),
            ("/c: line 2: Bad configuration option: usekeychain", Id::SshConfigInvalid, 2),
            ("/c: line 2: Bad configuration option: foo", Id::SshConfigInvalid, 1),
            ("/c line 3: unsupported option \"mabye\".", Id::SshConfigInvalid, 1),
        ] {
            let d = RULES.iter().find_map(|rule| (rule.finds)(&refused(line))).unwrap();
            assert_eq!((d.id, d.next_steps.len()), (id, steps), "{line}");
        }
    }

    #[test]
    fn what_was_typed_is_taken_off_again() {
        for (typed, line, command) in [
            (["-J", "h"], "jumphost loop via h", "ssh h"),
            (["-o", "ProxyJump=h"], "jumphost loop via h", "ssh h"),
            (
                ["-o", "UseKeychain=yes"],
                "command-line: line 0: Bad configuration option: usekeychain",
                "ssh h",
            ),
        ] {
            let mut case = refused(line);
            case.plan.ssh_options = typed.map(str::to_owned).to_vec();
            let d = RULES.iter().find_map(|rule| (rule.finds)(&case)).unwrap();
            let [step] = d.next_steps.as_slice() else { unreachable!("{line}") };
            assert_eq!(step.command.as_ref().unwrap().plain(), command, "{line}");
        }
    }
}
