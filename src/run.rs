//! From the arguments to the exit code.

use std::{
    collections::HashMap,
    ffi::OsString,
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use checks::{
    case::{Case, Plan, TimeLimits},
    evidence::Evidence,
    report::Report,
};
use clap::Parser;
use futures_util::StreamExt;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{FailOn, Format, Options},
    exit::Exit,
    profiles,
    progress::Progress,
    render::{json, look::Look, text},
    schema,
    ssh_options::{self, FirstWins, Sorted},
};

/// How many targets are examined at the same time.
const AT_ONCE: usize = 8;

/// Runs the program; the arguments are those after its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let exit = start(arguments).unwrap_or_else(|wrong| {
        // A closed standard error is no reason to panic.
        let _ = writeln!(std::io::stderr(), "ssh-preflight: {wrong}");
        Exit::Usage
    });
    ExitCode::from(exit.code())
}

fn start(arguments: impl IntoIterator<Item = OsString>) -> Result<Exit, String> {
    let words = arguments.into_iter().map(OsString::into_string);
    let words: Result<Vec<_>, _> = words.collect();
    let words = words.map_err(|_| "An argument is not readable text (UTF-8).".to_owned())?;
    let sorted = ssh_options::sort(words).map_err(|wrong| wrong.to_string())?;
    let name = std::iter::once("ssh-preflight".to_owned());
    let version = sorted.version.then(|| "--version".to_owned());
    let options = match Options::try_parse_from(name.chain(version).chain(sorted.ours.clone())) {
        Ok(options) => options,
        Err(told) => {
            let _ = told.print();
            return Ok(if told.use_stderr() { Exit::Usage } else { Exit::Ready });
        }
    };
    if !sorted.only_targets && sorted.words.first().is_some_and(|word| word == "schema") {
        return match sorted.words.as_slice() {
            [_] => Ok(print(&schema::json(), Exit::Ready)),
            _ => Err("schema takes nothing after it. A host of that name is `-- schema`.".into()),
        };
    }
    let work = match &options.replay {
        Some(_) if !sorted.words.is_empty() => {
            return Err("--replay takes no target: the recording names it.".into());
        }
        Some(file) => {
            read_cases(file)?.into_iter().map(|case| Work::Recorded(Box::new(case))).collect()
        }
        None => {
            let plans = plans(&sorted, &options)?;
            plans.into_iter().map(|plan| Work::Live(Box::new(plan))).collect()
        }
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|e| format!("Cannot start: {e}."))?;
    let reports = runtime.block_on(examine_all(work, &options));
    // A resolver that hangs in a thread of its own must not keep us from ending.
    runtime.shutdown_background();
    finish(&reports, &options)
}

enum Work {
    Live(Box<Plan>),
    Recorded(Box<Case>),
}

fn plans(sorted: &Sorted, options: &Options) -> Result<Vec<Plan>, String> {
    if sorted.words.is_empty() {
        return Err("Which host? Write it as for ssh: ssh-preflight USER@HOST. \
                    See --help for all options."
            .into());
    }
    let own_profiles = profiles::own()?;
    let profile = options.profile.as_deref();
    let profile = profile.map(|name| profiles::named(name, &own_profiles)).transpose()?;
    let mut limits = TimeLimits::default();
    if let Some(timeout) = options.timeout {
        limits.total_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    }
    let place_for_answers = std::io::stdin().is_terminal() && !is_batch(&sorted.ssh);
    let plan = |(place, word): (usize, &String)| -> Result<Plan, String> {
        if place > 0 && word.chars().all(|c| c.is_ascii_digit()) {
            return Err(format!("\"{word}\" is not a host. Did you mean the port: -p {word}?"));
        }
        let target = checks::target::parse(word).map_err(|wrong| {
            let meant = wrong.suggestion.as_ref().map(|s| format!("\nDid you mean: {s}"));
            let word = checks::text::foreign(word).plain();
            format!("\"{word}\" is not a target: {wrong}.{}", meant.unwrap_or_default())
        })?;
        Ok(Plan {
            input: word.clone(),
            host: target.host,
            user: FirstWins::or_target(sorted.user.as_ref(), target.user),
            port: FirstWins::or_target(sorted.port.as_ref(), target.port),
            ssh_options: sorted.ssh.clone(),
            wants_forwarding: sorted.forwarding,
            interactive: place_for_answers,
            profile: profile.clone(),
            own_profiles: own_profiles.clone(),
            name_servers: Vec::new(),
            limits,
        })
    };
    sorted.words.iter().enumerate().map(plan).collect()
}

/// Whether `-o BatchMode=yes` says that nobody is there. ssh takes `=` or a space, in any case.
fn is_batch(ssh: &[String]) -> bool {
    ssh.iter().any(|option| {
        let mut parts = option.splitn(2, |c: char| c == '=' || c.is_whitespace());
        let is = |part: Option<&str>, word: &str| {
            part.is_some_and(|p| p.trim().eq_ignore_ascii_case(word))
        };
        is(parts.next(), "BatchMode") && is(parts.next(), "yes")
    })
}

/// A recording is one case, or a list of them.
fn read_cases(file: &Path) -> Result<Vec<Case>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("Cannot replay {}: {e}.", file.display());
    let text = std::fs::read_to_string(file).map_err(|e| wrong(&e))?;
    let cases: Vec<Case> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).map_err(|e| wrong(&e))?
    } else {
        vec![serde_json::from_str(&text).map_err(|e| wrong(&e))?]
    };
    if cases.is_empty() { Err(wrong(&"it holds no case")) } else { Ok(cases) }
}

async fn examine_all(work: Vec<Work>, options: &Options) -> Vec<Report> {
    let cut = CancellationToken::new();
    let watch = tokio::spawn(stop_on_ctrl_c(cut.clone()));
    let progress = Progress::new(Look::here(options.color, options.quiet, options.verbose));
    // A server that is asked twice at the same time counts that against us.
    let mut hosts: HashMap<String, Arc<Mutex<()>>> = HashMap::new();
    let mut runs = Vec::new();
    for work in work {
        let host = match &work {
            Work::Live(plan) => plan.host.to_ascii_lowercase(),
            Work::Recorded(case) => case.plan.host.to_ascii_lowercase(),
        };
        let turn = Arc::clone(hosts.entry(host).or_default());
        runs.push(examine(work, turn, cut.clone(), options, progress));
    }
    let reports = futures_util::stream::iter(runs).buffered(AT_ONCE).collect().await;
    watch.abort();
    reports
}

async fn examine(
    work: Work,
    turn: Arc<Mutex<()>>,
    cut: CancellationToken,
    options: &Options,
    progress: Progress,
) -> Report {
    let _turn = turn.lock().await;
    let evidence = match work {
        Work::Live(plan) => Evidence::live(*plan, cut),
        Work::Recorded(case) => Evidence::recorded(*case),
    };
    let input = evidence.plan().input.clone();
    let listed = |list: &[String], id: &str| list.iter().any(|l| l == id);
    let chosen = |row: &checks::check::Row| {
        let id = row.about.id;
        (options.only.is_empty() || listed(&options.only, id)) && !listed(&options.skip, id)
    };
    checks::examine(&evidence, chosen, |row, finding| progress.found(&input, row, finding)).await
}

/// The first Ctrl-C ends the waiting, the second the program.
async fn stop_on_ctrl_c(cut: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        cut.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(Exit::Inconclusive.code()));
        }
    }
}

fn finish(reports: &[Report], options: &Options) -> Result<Exit, String> {
    let warn = options.fail_on == FailOn::Warn;
    let exit = reports.iter().map(|r| Exit::of(r, warn)).fold(Exit::Ready, Exit::worst);
    let look = Look::here(options.color, options.quiet, options.verbose);
    let page = |format, look: &Look| match format {
        Format::Json => json::render(reports),
        Format::Text => {
            reports.iter().map(|r| text::render(r, look)).collect::<Vec<_>>().join("\n")
        }
    };
    // The report is shown first: it must not be lost where a file cannot be written.
    let exit = print(&page(options.format, &look), exit);
    for file in &options.output {
        let json = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let format = if json { Format::Json } else { Format::Text };
        write_whole(file, &page(format, &Look::file(options.verbose)))?;
    }
    if let Some(file) = &options.record {
        let cases: Vec<_> = reports.iter().map(|r| &r.case).collect();
        let recording = match cases.as_slice() {
            [one] => json::pretty(one),
            many => json::pretty(&many),
        };
        let recording = recording.map_err(|e| format!("Cannot record: {e}."))?;
        write_whole(file, &recording)?;
    }
    Ok(exit)
}

/// Prints on standard output. Where nobody reads any more (`| head`), that is no failure of ours.
fn print(text: &str, exit: Exit) -> Exit {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    exit
}

/// Writes a file whole or not at all.
fn write_whole(file: &Path, text: &str) -> Result<(), String> {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(|e| format!("Cannot write {}: {e}.", file.display()))
}
