//! From the arguments to the exit code.

use std::{
    collections::HashMap, ffi::OsString, io::Write, path::Path, process::ExitCode, sync::Arc,
};

use checks::{
    case::{Case, Plan},
    evidence::{Evidence, hop::Shared, machine::room_for_targets, person::Person},
    pair::Role,
    password::Password,
    report::Report,
    together::{Pair, together},
};
use clap::{
    FromArgMatches,
    error::{ContextKind, ContextValue},
};
use futures_util::StreamExt;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    ask, chosen,
    cli::{FailOn, Format, Options},
    command, completions, copy, demo,
    exit::Exit,
    explain, files, plans,
    progress::Progress,
    redact,
    render::{self, github, json, look::Look},
    sftp, ssh_options, stop,
    subcommands::{self, Call},
};

/// How many targets are examined at the same time, where the system allows enough open files.
const AT_ONCE: usize = 64;

/// Runs the program; the arguments are those after its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if completions::answered() {
        return ExitCode::SUCCESS;
    }
    let exit = start(arguments).unwrap_or_else(|wrong| {
        // What is wrong with a file is told in its words. A closed standard error is no reason to
        // panic.
        let wrong = checks::text::printable_lines(&wrong);
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
    let typed = name.chain(version).chain(sorted.ours.clone());
    let command = command::command();
    let read = command.clone().try_get_matches_from(typed).and_then(|read| {
        let options = Options::from_arg_matches(&read)?;
        Ok((options, read))
    });
    let (options, read) = match read {
        Ok(read) => read,
        Err(mut told) => {
            // What is told is about the subcommand, where one was called.
            let called =
                subcommands::called(&sorted).and_then(|(known, _)| command::of(known.name));
            let asked = told.kind() == clap::error::ErrorKind::DisplayHelp;
            let _ = match called {
                Some(mut command) if asked => command.print_help(),
                Some(mut command) => {
                    let usage = ContextValue::StyledStr(command.render_usage());
                    told.insert(ContextKind::Usage, usage);
                    told.print()
                }
                None => told.print(),
            };
            return Ok(if told.use_stderr() { Exit::Usage } else { Exit::Ready });
        }
    };
    contradiction(&options).map_or(Ok(()), Err)?;
    let by_hand = |id: &&str| read.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    let ids = command.get_arguments().map(|arg| arg.get_id().as_str());
    let given: Vec<_> = ids.filter(|id| read.try_contains_id(id).is_ok()).filter(by_hand).collect();
    if let Some(exit) = subcommands::dispatch(&sorted, &options, &given)? {
        return Ok(exit);
    }
    let work = match &options.replay {
        Some(_) if !sorted.words.is_empty() || options.targets.is_some() => {
            return Err("--replay takes no target: the recording names it.".into());
        }
        Some(file) => {
            let cases = plans::recorded(file)?;
            cases.into_iter().map(|case| Work::Recorded(Box::new(case))).collect()
        }
        None => {
            let plans = plans::of_targets(&sorted, &options)?;
            plans.into_iter().map(|plan| Work::Live(Box::new(plan))).collect()
        }
    };
    let reports = in_runtime(async { Ok(together(examine_all(work, &options).await?).await) })?;
    finish(&reports, &options, None)
}

/// `ssh-preflight copy SOURCE DESTINATION`: both ends of a copy, and the way between them.
///
/// # Errors
/// What is wrong with the command line.
pub fn copy(call: &Call<'_>) -> Result<Exit, String> {
    let plans = copy::plans(call.sorted, call.options)?;
    let work = plans.into_iter().map(|plan| Work::Live(Box::new(plan))).collect();
    let reports = in_runtime(async { Ok(together(examine_all(work, call.options).await?).await) })?;
    finish(&reports, call.options, None)
}

/// What cannot be asked for together, told before anything is examined.
fn contradiction(options: &Options) -> Option<String> {
    if options.redact.is_some() && options.record.is_some() {
        return Some(
            "A recording is judged again, so it has to be exact: --record takes no --redact. \
             Record without it, and show the report with --replay FILE --redact."
                .into(),
        );
    }
    let written = options.output.iter().map(|file| &file.path).chain(&options.record);
    let twice = files::named_twice(written.map(|file| file.as_path()))?;
    let shown = checks::text::printable(&twice.to_string_lossy());
    Some(format!("{shown} is to be written twice. Give each report a file of its own."))
}

/// `ssh-preflight sftp USER@HOST`: examines a separate access with a password.
///
/// # Errors
/// What is wrong with the command line, or with the place of the password.
pub fn sftp(call: &Call<'_>) -> Result<Exit, String> {
    let (plans, password) = sftp::plans(call.sorted, call.options)?;
    let work = plans.into_iter().map(Box::new).map(|plan| match &password {
        Some(password) => Work::WithPassword(plan, Arc::clone(password)),
        None => Work::Live(plan),
    });
    let work = work.collect();
    let reports = in_runtime(examine_all(work, call.options))?;
    finish(&reports, call.options, None)
}

/// `ssh-preflight demo [SCENARIO...]`: examines made-up environments. The tour ends with 0 whatever it
/// shows; a scenario that was asked for ends as its like would, so that a CI gate can be tried on it.
///
/// # Errors
/// That there is no such scenario, or what went wrong.
pub fn demo(call: &Call<'_>) -> Result<Exit, String> {
    let (names, options) = (call.words, call.options);
    if options.list {
        return print(&demo::list()).map(|()| Exit::Ready);
    }
    let scenarios = demo::named(names)?;
    let total_ms = options.timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX));
    let reports = in_runtime(async {
        let started = scenarios.iter().map(|scenario| demo::Environment::start(scenario, total_ms));
        let environments = futures_util::future::try_join_all(started).await?;
        let work = environments.iter().map(|e| Work::Live(Box::new(e.plan()))).collect();
        examine_all(work, options).await
    })?;
    let exit = finish(&reports, options, Some(&scenarios))?;
    Ok(if names.is_empty() { Exit::Ready } else { exit })
}

/// `ssh-preflight explain [FILE]`: judges what was printed elsewhere.
///
/// # Errors
/// That the log cannot be read.
pub fn explain(call: &Call<'_>) -> Result<Exit, String> {
    let case = explain::case(call)?;
    let work = vec![Work::Recorded(Box::new(case))];
    let reports = in_runtime(examine_all(work, call.options))?;
    finish(&reports, call.options, None)
}

/// Runs what waits for the network.
///
/// # Errors
/// That there can be no runtime, or what came of it.
pub(crate) fn in_runtime<T>(reports: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| format!("Cannot start: {e}."))?;
    let reports = runtime.block_on(reports);
    // A resolver that hangs in a thread of its own must not keep us from ending.
    runtime.shutdown_background();
    reports
}

/// Examines these targets now.
///
/// # Errors
/// That there can be no runtime.
pub(crate) fn examine_live(plans: Vec<Plan>, options: &Options) -> Result<Vec<Report>, String> {
    let work = plans.into_iter().map(|plan| Work::Live(Box::new(plan))).collect();
    in_runtime(examine_all(work, options))
}

enum Work {
    Live(Box<Plan>),
    WithPassword(Box<Plan>, Arc<Password>),
    Recorded(Box<Case>),
}

impl Work {
    fn plan(&self) -> &Plan {
        match self {
            Self::Live(plan) | Self::WithPassword(plan, _) => plan,
            Self::Recorded(case) => &case.plan,
        }
    }
}

async fn examine_all(work: Vec<Work>, options: &Options) -> Result<Vec<Report>, String> {
    chosen::some(work.iter().map(Work::plan), options)?;
    let cut = CancellationToken::new();
    let watch = tokio::spawn(stop::when_told(cut.clone()));
    let look = Look::here(options.color, options.quiet, options.verbose);
    let progress = Progress::new(look, work.len());
    // One for all targets: it asks one question at a time.
    let person = options.login.then(|| ask::person(progress.screen())).flatten();
    // A server that is asked twice at the same time counts that against us.
    let mut hosts: HashMap<String, Arc<Mutex<()>>> = HashMap::new();
    let shared = Shared::default();
    let mut runs = Vec::new();
    for work in work {
        let host = work.plan().host.to_ascii_lowercase();
        let turn = Arc::clone(hosts.entry(host).or_default());
        let person = person.clone();
        runs.push(examine(work, turn, cut.clone(), person, &shared, options, &progress));
    }
    let jobs = room_for_targets(options.jobs.unwrap_or(AT_ONCE));
    let reports = futures_util::stream::iter(runs).buffered(jobs).collect().await;
    watch.abort();
    Ok(reports)
}

async fn examine(
    work: Work,
    turn: Arc<Mutex<()>>,
    cut: CancellationToken,
    person: Option<Arc<dyn Person>>,
    shared: &Shared,
    options: &Options,
    progress: &Progress,
) -> Report {
    let _turn = turn.lock().await;
    let evidence = match work {
        Work::Live(plan) => {
            let person = person.filter(|_| plan.login && plan.interactive);
            let evidence = Evidence::live(*plan, cut).beside(shared);
            match person {
                Some(person) => evidence.with(person),
                None => evidence,
            }
        }
        Work::WithPassword(plan, password) => {
            Evidence::live(*plan, cut).beside(shared).with_password(password)
        }
        Work::Recorded(case) => Evidence::recorded(*case),
    };
    let input = evidence.plan().input.clone();
    let chosen = |row: &checks::check::Row| chosen::is(options, evidence.plan(), row);
    let lines = progress.target(&input, chosen);
    let report = checks::examine(&evidence, chosen, |row, finding| lines.found(row, finding)).await;
    progress.ended(report.verdict);
    report
}

/// Shows a page, and writes it into the files that are asked for; what went wrong.
pub(crate) fn print_and_write(
    options: &Options,
    page: impl Fn(Format, &Look) -> String,
) -> Vec<String> {
    let look = Look::here(options.color, options.quiet, options.verbose);
    // It is shown first: it must not be lost where a file cannot be written.
    let mut wrong: Vec<_> = print(&page(options.format, &look)).err().into_iter().collect();
    for file in &options.output {
        let text = page(file.format, &Look::file(options.verbose));
        wrong.extend(files::write(&file.path, &text).err());
    }
    wrong
}

/// Prints the reports and writes the files.
///
/// # Errors
/// What could not be written.
pub(crate) fn finish(
    reports: &[Report],
    options: &Options,
    demo: Option<&[&demo::Scenario]>,
) -> Result<Exit, String> {
    let warn = options.fail_on == FailOn::Warn;
    let pair = Pair::of(reports);
    let exit = match pair {
        Some(pair) => Exit::for_verdict(pair.verdict(), pair.worst(), warn),
        None => reports.iter().map(|r| Exit::of(r, warn)).fold(Exit::Ready, Exit::worst),
    };
    let shown = options.redact.map(|what| redact::reports(reports, what));
    let shown = shown.as_deref().unwrap_or(reports);
    let page = |format, look: &Look| {
        let heading =
            |s: &&demo::Scenario| if look.quiet { String::new() } else { s.heading(look) };
        let headings = demo.map(|scenarios| scenarios.iter().map(heading).collect::<Vec<_>>());
        render::all(format, shown, look, headings.as_deref())
    };
    let mut wrong = print_and_write(options, page);
    let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty());
    if let Some(file) = summary.filter(|_| options.format == Format::Github) {
        wrong.extend(files::append(Path::new(&file), &github::summary(shown)).err());
    }
    if let Some(file) = &options.record {
        // The second hop of a pair is within the case of its source.
        let own = reports.iter().filter(|r| r.case.role() != Some(Role::Hop));
        let cases: Vec<_> = own.map(|r| &r.case).collect();
        let recording = match cases.as_slice() {
            [one] => json::pretty(one),
            many => json::pretty(&many),
        };
        let recording = recording.map_err(|e| format!("Cannot record: {e}."));
        wrong.extend(recording.and_then(|text| files::write_private(file, &text)).err());
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    Ok(exit)
}

/// Prints on standard output. That nobody reads any more (`| head`) is no failure; that a disk is
/// full is one, since a script would take the rest for the whole.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("Cannot write to standard output: {e}."))
        }
        _ => Ok(()),
    }
}
