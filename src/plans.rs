//! From the sorted command line to what is to be examined.

use std::{io::Read, path::Path};

use checks::case::{Case, Plan, TimeLimits, setting};

use crate::{
    ask,
    cli::Options,
    mistakes,
    pair::{self, Goal},
    profiles,
    ssh_options::{FirstWins, Sorted},
    target_list::{self, Listed},
};

/// How much longer a run may take in which somebody may have to type a passphrase. Servers wait for
/// two minutes (LoginGraceTime).
const FOR_A_PERSON_MS: u64 = 75_000;

/// What each target's run is to look at.
///
/// # Errors
/// What is wrong with the command line or a profile, and what was meant.
pub fn of_targets(sorted: &Sorted, options: &Options) -> Result<Vec<Plan>, String> {
    if sorted.words.is_empty() && options.targets.is_none() && options.service.is_none() {
        return Err("Which host? Write it as for ssh: ssh-preflight USER@HOST. \
                    See --help for all options."
            .into());
    }
    let own_profiles = profiles::own()?;
    let profile = options.profile.as_deref();
    let profile = profile.map(|name| profiles::named(name, &own_profiles)).transpose()?;
    let place_for_answers = ask::is_there() && !is_batch(&sorted.ssh);
    let mut limits = TimeLimits::default();
    if let Some(timeout) = options.timeout {
        limits.total_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    } else if options.login && place_for_answers {
        limits.total_ms += FOR_A_PERSON_MS;
    }
    if let Some(wrong) = mistakes::of_words(sorted) {
        return Err(wrong);
    }
    let base = Plan {
        ssh_options: sorted.ssh.clone(),
        wants_forwarding: sorted.forwarding,
        interactive: place_for_answers,
        profile: profile.clone(),
        profile_file: options.profile.clone().filter(|name| profiles::is_file(name, &own_profiles)),
        own_profiles: own_profiles.clone(),
        // To log in at the target is to go all the way to it.
        through: options.through || options.login,
        egress: options.egress,
        allowed: options.allowed.clone(),
        login: options.login,
        limits,
        ..Plan::of_host("")
    };
    let typed = |(n, word): (usize, &String)| -> Result<Listed, String> {
        let target = checks::target::parse(word);
        let target = target.map_err(|wrong| mistakes::of_target(sorted, n, &wrong))?;
        Ok(Listed { input: word.clone(), target })
    };
    let mut targets: Vec<_> =
        sorted.words.iter().enumerate().map(typed).collect::<Result<_, _>>()?;
    if let Some(file) = &options.targets {
        targets.extend(target_list::read(file)?);
    }
    let plan = |Listed { input, target }: Listed| Plan {
        input,
        host: target.host,
        user: FirstWins::or_target(sorted.user.as_ref(), target.user),
        port: FirstWins::or_target(sorted.port.as_ref(), target.port),
        ..base.clone()
    };
    let mut plans: Vec<Plan> = targets.into_iter().map(plan).collect();
    if let Some(name) = &options.service {
        let target = plans.first().map(|plan| plan.host.as_str());
        let (service, by) = profiles::service(name, profile.as_ref(), target, &own_profiles)?;
        // What `-l` and `-p` say is about the targets that were typed.
        let alone = plans.is_empty();
        let user = sorted.user.as_ref().filter(|_| alone);
        let port = sorted.port.as_ref().filter(|_| alone);
        let user = FirstWins::or_target(user, service.user.clone());
        let seen_from_there = options.login && !alone;
        if seen_from_there && plans.len() > 1 {
            return Err("With --login, a service is examined from one environment: name one \
                        target beside --service."
                .into());
        }
        let mut plan = Plan {
            input: match &user {
                Some(user) => format!("{user}@{}", service.host),
                None => service.host.clone(),
            },
            host: service.host.clone(),
            user,
            port: FirstWins::or_target(port, service.port),
            profile: Some(by.clone()),
            ..base
        };
        if let Some(environment) = plans.first_mut().filter(|_| seen_from_there) {
            pair::join(environment, &mut plan, Goal::Service(Box::new(by)));
        }
        plans.push(plan);
    }
    Ok(plans)
}

/// Whether `-o BatchMode=yes` says that nobody is there.
fn is_batch(ssh: &[String]) -> bool {
    let batch = ssh.iter().filter_map(|option| setting(option, "BatchMode"));
    batch.into_iter().any(|value| value.eq_ignore_ascii_case("yes"))
}

/// Larger files are no recordings. One case is some 100 KB.
pub const MOST_RECORDED: u64 = 256 << 20;

/// The text of a file that the command line names, or of standard input where it is called `-`, up to
/// a size: `/dev/zero` has no end.
///
/// # Errors
/// That it cannot be read, is no text, or is too large.
pub fn text_of(file: &Path, most: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let source: &mut dyn Read = if target_list::is_stdin(file) {
        &mut std::io::stdin().lock()
    } else {
        &mut std::fs::File::open(file)?
    };
    let read = source.take(most + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > most) {
        return Err(std::io::Error::other("it is too large"));
    }
    Ok(text)
}

/// The cases of a recording: one, or a list of them.
///
/// # Errors
/// That the file cannot be read, or what is wrong in it.
pub fn recorded(file: &Path) -> Result<Vec<Case>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("Cannot replay {}: {e}.", file.display());
    let text = text_of(file, MOST_RECORDED).map_err(|e| wrong(&e))?;
    let read = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text)
    } else {
        serde_json::from_str(&text).map(|case| vec![case])
    };
    let is_report = |value: &serde_json::Value| value.get("schema_version").is_some();
    let cases: Vec<Case> = read.map_err(|e| match serde_json::from_str(&text) {
        Ok(value) if is_report(&value) => wrong(
            &"it is a report, which compare reads. What --replay reads is made by --record FILE",
        ),
        _ => wrong(&e),
    })?;
    if cases.is_empty() { Err(wrong(&"it holds no case")) } else { Ok(cases) }
}
