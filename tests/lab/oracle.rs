//! Runs the program, then `ssh` with the same arguments, and holds the two together.
//!
//! What has to be true of every run is checked here, whatever the situation: no harm done, no
//! secret told, nothing that a terminal would obey, a report of the published form, and a
//! recording that is judged the same.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    cases, explained,
    person::{Ended, person, run, run_for},
    table,
    world::{World, until},
};

/// What the program has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Ready, and ssh gets in.
    Ready,
    /// Not ready, and ssh does not get in.
    NotReady(&'static str),
    /// ssh gets in, but something else that was asked for will not work.
    ButLogsIn(&'static str),
    /// It could not be found out, and ssh does not get in.
    Inconclusive(&'static str),
    /// It was not found out, for want of an option that allows it; ssh gets in.
    Unasked(&'static str),
}

impl Expect {
    pub fn parts(self) -> (&'static str, Option<&'static str>, i32) {
        match self {
            Self::Ready => ("ready", None, 0),
            Self::NotReady(id) | Self::ButLogsIn(id) => ("not-ready", Some(id), 1),
            Self::Inconclusive(id) | Self::Unasked(id) => ("inconclusive", Some(id), 3),
        }
    }
}

/// The program, where the user of the lab can run it.
pub fn program() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_ssh-preflight"));
        let person = person().unwrap();
        let mut reaches = person.command("test", Path::new("/"));
        if run(reaches.arg("-x").arg(&built)).code() == Some(0) {
            return built;
        }
        // The folder of the build is closed to other users, as one below /root is.
        let place = tempfile::tempdir().unwrap().keep();
        let copy = place.join("ssh-preflight");
        fs::copy(&built, &copy).unwrap();
        for path in [&place, &copy] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        copy
    })
}

fn with_agent(world: &World, command: &mut Command) {
    if let Some(socket) = &world.agent {
        command.env("SSH_AUTH_SOCK", socket);
    }
}

/// Runs the program as the user, with these arguments.
pub fn preflight(world: &World, arguments: &[String]) -> Ended {
    let mut command = world.command(program());
    with_agent(world, &mut command);
    let ended = run(command.args(arguments));
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    harmless_to_look_at(world, "standard output", &ended.stdout);
    harmless_to_look_at(world, "standard error", &ended.stderr);
    ended
}

/// Nothing that a terminal obeys, and no secret.
fn harmless_to_look_at(world: &World, what: &str, text: &str) {
    let obeyed = text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(obeyed, None, "{what} holds a control character: {:?}", short(text));
    keeps_secrets(world, what, text);
}

/// As much as a failure message needs.
fn short(text: &str) -> String {
    text.chars().take(3000).collect()
}

pub fn keeps_secrets(world: &World, what: &str, text: &str) {
    for secret in &world.secrets {
        assert!(!text.contains(secret.as_str()), "{what} tells a secret: {}", short(text));
    }
}

/// Every path below home, with its mode, time of change and content.
pub fn inventory(home: &Path) -> BTreeMap<String, (u32, SystemTime, Vec<u8>)> {
    use std::os::unix::fs::MetadataExt;
    let mut found = BTreeMap::new();
    let mut folders = vec![home.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let meta = entry.metadata().unwrap();
            let content = if meta.is_file() {
                fs::read(entry.path()).unwrap_or_default()
            } else {
                Vec::new()
            };
            let path = entry.path().display().to_string();
            found.insert(path, (meta.mode(), meta.modified().unwrap(), content));
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

/// The first answer that is JSON.
pub fn report(ended: &Ended) -> Value {
    let report: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", ended.stdout, ended.stderr));
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let text = include_str!("../../docs/report.schema.json");
        jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
    });
    let complaints: Vec<_> = schema.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{report:#}");
    report
}

fn judged(report: &Value) -> (String, Option<String>) {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    (word(&report["verdict"]).unwrap_or_default(), word(&report["diagnosis"]["id"]))
}

/// The arguments for `ssh` and the program: the throw-away configuration first.
pub fn with_config(world: &World, arguments: &[String]) -> Vec<String> {
    let config = world.dot_ssh("config").display().to_string();
    ["-F".into(), config].into_iter().chain(arguments.iter().cloned()).collect()
}

/// Runs the program and `ssh` in this world and compares.
pub fn compare(name: &str, world: &World, arguments: &[String], expect: Expect) {
    compare_with(name, world, &[], arguments, expect);
}

/// The same, with options of ours. The report is returned.
pub fn compare_with(
    name: &str,
    world: &World,
    own: &[&str],
    arguments: &[String],
    expect: Expect,
) -> Value {
    let arguments = with_config(world, arguments);
    let recording = world.out("case.json");
    let words = |more: &[&str]| -> Vec<String> {
        let own = more.iter().chain(own).map(|w| (*w).to_owned());
        own.chain(arguments.iter().cloned()).collect()
    };
    let file = recording.to_str().unwrap();
    let before = inventory(&world.home());
    // Nobody may wait longer than ssh would; a world that is slow on purpose has the short limit.
    let live =
        preflight(world, &words(&["--format", "json", "--timeout", "20s", "--record", file]));
    assert_eq!(before, inventory(&world.home()), "the home is as it was");
    no_harm(world, own.contains(&"--through"));
    let live_report = report(&live);
    let (verdict, id) = judged(&live_report);

    let recorded = fs::read_to_string(&recording).unwrap();
    keeps_secrets(world, "the recording", &recorded);
    let again = preflight(world, &["--format", "json", "--replay", file].map(str::to_owned));
    assert_eq!(judged(&report(&again)), (verdict.clone(), id.clone()), "the same when replayed");
    assert_eq!(again.code(), live.code(), "the same when replayed");
    let text = preflight(world, &["--verbose", "--replay", file].map(str::to_owned));
    assert!(
        text.stdout.contains(if id.is_none() { "Ready" } else { "Do this:" }),
        "{}",
        text.stdout
    );
    assert!(!text.stdout.contains("/dev/null"), "an empty list is no trouble: {}", text.stdout);

    let ssh = ssh(world, &arguments);
    println!(
        "{name} | {:?} | {} | {verdict} {}",
        ssh.code(),
        ssh.last_line(),
        id.as_deref().unwrap_or("-")
    );
    let told = format!(
        "{name}\nssh: {:?}, {}\n{}\n{}",
        ssh.code(),
        ssh.last_line(),
        text.stdout,
        live.stderr
    );
    let gets_in = verdict == "ready" || matches!(expect, Expect::ButLogsIn(_) | Expect::Unasked(_));
    assert_eq!(gets_in, ssh.code() == Some(0), "ssh is the oracle: {told}");
    let (expected, cause, code) = expect.parts();
    assert_eq!((verdict.as_str(), id.as_deref()), (expected, cause), "{told}");
    assert_eq!(live.code(), Some(code), "{told}");
    really_says(&live_report, &ssh, &told);
    explained::holds(name, world, &ssh, &live_report);
    if ssh.code() == Some(0) && world.log.is_some() {
        // What the search for traces looks for is really written when somebody logs in.
        until("the login in the log", || traces(&world.sshd_log()).len() >= 2);
    }
    cases::keep(name, world, &recorded);
    table::row(name, world, &ssh, id.as_deref());
    live_report
}

/// A proxy command that ends fast does so before or after `ssh` writes its first line: two lines tell
/// the same.
pub fn by_chance(printed: &str) -> String {
    let closed = "Connection closed by UNKNOWN port 65535";
    printed.replace("banner exchange: Connection to UNKNOWN port 65535: Broken pipe", closed)
}

/// What the report quotes is what `ssh` printed, and a `ssh` that printed why it ended is quoted.
pub fn really_says(report: &Value, ssh: &Ended, told: &str) {
    let printed = by_chance(&ssh.stderr.replace('\r', ""));
    let quoted = report["diagnosis"]["ssh_says"].as_array().cloned().unwrap_or_default();
    for line in quoted.iter().map(|line| line.as_str().unwrap()) {
        assert!(printed.contains(line), "{line:?} is not what ssh says:\n{printed}\n{told}");
    }
    // Who was cut off by our patience said nothing of its own; and what is not known is not quoted.
    let ended = ssh.code().is_some_and(|code| code == 255) && report["verdict"] == "not-ready";
    assert!(!ended || !quoted.is_empty(), "not quoted: {}\n{told}", ssh.last_line());
}

/// `ssh` with the same arguments.
pub fn ssh(world: &World, arguments: &[String]) -> Ended {
    let mut command = world.command("ssh");
    with_agent(world, &mut command);
    // ssh has no limit of its own after the identification; who hangs is not logged in.
    let command = command.args(["-vvv", "-o", "BatchMode=yes"]).args(arguments).arg("true");
    run_for(command, Duration::from_secs(10)).without_steps()
}

/// Lines that a login leaves, and a question never may.
fn traces(log: &str) -> Vec<&str> {
    let marks = ["Accepted publickey", "signature using", "Starting session", "session opened"];
    log.lines().filter(|line| marks.iter().any(|mark| line.contains(mark))).collect()
}

/// One connection at most, nothing signed, nobody logged in: neither at the target, nor at a jump
/// host, unless that was asked for.
fn no_harm(world: &World, through: bool) {
    if world.log.is_some() {
        no_harm_at(|| world.sshd_log());
    }
    for place in 0..world.jump_logs.len() {
        let log = || world.jump_host_logs()[place].clone();
        if through {
            // One look, and one login for each step behind it.
            let most = 1 + world.jump_logs.len() - place;
            assert!(log().matches("Connection from ").count() <= most, "{}", log());
            assert!(!log().contains("Starting session"), "a session was opened: {}", log());
        } else {
            no_harm_at(log);
        }
    }
}

fn no_harm_at(log: impl Fn() -> String) {
    let connections = |log: &str| log.matches("Connection from ").count();
    // The log is written by other processes, so their last word is waited for.
    let ended = |log: &str| {
        log.matches("do_cleanup").count() > 0
            || log.contains("closed by")
            || log.contains("reset by")
            || log.contains("disconnected by")
            || log.contains("Disconnected from")
    };
    if connections(&log()) > 0 {
        until("the end of the connection", || ended(&log()));
    }
    let log = log();
    assert!(connections(&log) <= 1, "more than one connection: {log}");
    assert_eq!(traces(&log), Vec::<&str>::new(), "these lines tell of a login");
}
