//! The table of `docs/lab.md`: for each situation, what `ssh` prints in the end and what the
//! program says. Every run holds its row; `PREFLIGHT_UPDATE_LAB=1` writes it anew.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock},
};

use checks::diagnosis::Id;
use strum::IntoEnumIterator;

use crate::{
    oracle::by_chance,
    person::{Ended, run},
    world::World,
};

/// The client whose words the table has. Others print other words.
const CLIENT: &str = "OpenSSH_9.2";

static TURN: Mutex<()> = Mutex::new(());

/// Holds the row of a situation, or writes it.
pub fn row(name: &str, world: &World, ssh: &Ended, id: Option<&str>) {
    // The same situation with another OpenSSH has a name of two parts, and no row.
    if !is_the_client() || name.contains('/') {
        return;
    }
    let said = match ssh.code() {
        Some(0) => "gets in".to_owned(),
        // What ssh itself ends with is 255; every other status is that of the command there.
        Some(code) if code != 255 => format!("gets in, and ends with status {code}"),
        Some(_) => format!("`{}`", neutral(world, &settled(&by_chance(ssh.last_line())))),
        None => "waits on and prints nothing".to_owned(),
    };
    hold(name, &said, id);
}

/// Which of two programs notices first that the other end is gone is chance: each has its own line.
fn settled(line: &str) -> String {
    match line {
        "client_loop: send disconnect: Broken pipe" => {
            "Connection to 127.0.0.1 closed by remote host.".to_owned()
        }
        line if line.trim_end() == "Connection closed." => "Connection closed".to_owned(),
        line => line.to_owned(),
    }
}

/// The row of a situation in which a person is asked by `ssh`: for what.
pub fn asked(name: &str, asks: &str, id: &str) {
    if is_the_client() {
        hold(name, asks, Some(id));
    }
}

fn hold(name: &str, said: &str, id: Option<&str>) {
    let row = format!("| {} | {said} | {} |", name.replace('_', " "), cause(id));
    let page = page();
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let text = fs::read_to_string(&page).unwrap();
    if std::env::var_os("PREFLIGHT_UPDATE_LAB").is_some() {
        fs::write(&page, with_row(&text, &row)).unwrap();
        return;
    }
    assert!(text.lines().any(|line| line == row), "docs/lab.md does not have this row:\n{row}");
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lab.md")
}

fn is_the_client() -> bool {
    static IS: OnceLock<bool> = OnceLock::new();
    *IS.get_or_init(|| run(Command::new("ssh").arg("-V")).stderr.starts_with(CLIENT))
}

fn cause(id: Option<&str>) -> String {
    id.map_or("ready".to_owned(), |id| format!("[{id}](diagnoses/{id}.md)"))
}

/// Puts a row in its place: by the diagnosis, in causal order, then by name.
fn with_row(text: &str, row: &str) -> String {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| Situation");
    let name = |row: &str| row.split('|').nth(1).map(str::to_owned);
    let mut rows: Vec<_> = text.lines().filter(is_row).map(str::to_owned).collect();
    rows.retain(|other| !other.starts_with("| ---") && name(other) != name(row));
    rows.push(row.to_owned());
    let order = |row: &String| {
        Id::iter().position(|id| row.ends_with(&format!("| {} |", cause(Some(&id.to_string())))))
    };
    rows.sort_by_key(|row| (order(row), row.clone()));
    let head: Vec<_> =
        text.lines().filter(|line| !is_row(line) || line.starts_with("| ---")).collect();
    let mut out = head.join("\n").trim_end().to_owned();
    for row in rows {
        out.push('\n');
        out.push_str(&row);
    }
    out + "\n"
}

/// A line of `ssh` without what belongs to this run: folder, user, ports.
fn neutral(world: &World, line: &str) -> String {
    let line = line
        .replace(&world.home().display().to_string(), "~")
        .replace(&world.folder().display().to_string(), "/srv")
        .replace(&world.person.passwd_home.display().to_string(), "~")
        .replace(&world.person.name, "alex")
        .replace('|', "\\|");
    // A port that was free on this computer; 65535 is what ssh says where it knows none.
    let port = |word: &str| {
        let digits = word.trim_end_matches(':');
        let is =
            digits.len() >= 4 && digits != "65535" && digits.bytes().all(|b| b.is_ascii_digit());
        if is { word.replace(digits, "PORT") } else { word.to_owned() }
    };
    line.split(' ').map(port).collect::<Vec<_>>().join(" ")
}
