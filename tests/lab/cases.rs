//! Recordings for `tests/replay.rs`: real evidence, with all that belongs to this computer made
//! neutral. They are written with `PREFLIGHT_RECORD_CASES=1 cargo test --test lab`.

use std::{fs, path::Path};

use serde_json::Value;

use crate::world::World;

/// Keeps a recording, where that was asked for.
pub fn keep(name: &str, world: &World, recording: &str) {
    // The same situation with another OpenSSH has a name of two parts; one recording is enough.
    if std::env::var_os("PREFLIGHT_RECORD_CASES").is_none() || name.contains('/') {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    fs::create_dir_all(&folder).unwrap();
    let name = name.replace(['_', ' '], "-");
    let recording = neutral(world, recording);
    if recording.starts_with('[') {
        // Some are enough: those that are there are recorded anew.
        let file = folder.join(format!("../formats/pairs/{name}.json"));
        if file.exists() {
            fs::write(file, recording).unwrap();
        }
        return;
    }
    fs::write(folder.join(format!("{name}.json")), recording).unwrap();
}

/// The recording as it would be on a computer of a user called alex, id 1000.
fn neutral(world: &World, recording: &str) -> String {
    let home = world.home().display().to_string();
    let folder = world.folder().display().to_string();
    let text = recording
        .replace(&home, "/home/alex")
        .replace(&folder, "/srv")
        .replace(&world.person.passwd_home.display().to_string(), "/home/alex")
        .replace(&world.person.name, "alex");
    let mut case: Value = serde_json::from_str(&text).unwrap();
    let mut servers = Vec::new();
    match &mut case {
        Value::Array(cases) => cases.iter_mut().for_each(|c| make_neutral(c, &mut servers)),
        case => make_neutral(case, &mut servers),
    }
    let mut text = ssh_preflight::render::json::pretty(&case).unwrap();
    for (place, server) in servers.iter().enumerate() {
        text = text.replace(server, &format!("192.0.2.{}:53", place + 53));
    }
    text
}

/// A case, and those of its jump hosts. The name servers that were seen are collected.
fn make_neutral(case: &mut Value, servers: &mut Vec<String>) {
    for within in ["/hop/seen/Ok/case", "/second_hop/seen/Ok/case"] {
        if let Some(hop) = case.pointer_mut(within) {
            make_neutral(hop, servers);
        }
    }
    set(case, "/machine/seen/Ok/uid", 1000.into());
    set(case, "/machine/seen/Ok/home_variable", Value::Null);
    set(case, "/machine/seen/Ok/ci", false.into());
    set(case, "/machine/seen/Ok/ipv4_route", true.into());
    if let Some(files) = case.pointer_mut("/identities/seen/Ok/files").and_then(Value::as_array_mut)
    {
        for file in files.iter_mut().filter(|file| !file["owner"].is_null()) {
            file["owner"] = 1000.into();
        }
    }
    let configured = case
        .pointer("/name_servers/seen/Ok/configured")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|server| server.as_str().map(str::to_owned));
    for server in configured {
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    set(case, "/name_servers/seen/Ok/search", Value::Array(Vec::new()));
    set(case, "/name_servers/seen/Ok/sources", Value::Null);
    set(case, "/source/seen/Ok/tunnels", Value::Array(Vec::new()));
    make_login_neutral(case);
}

/// The name of this computer, and how long it took.
fn make_login_neutral(case: &mut Value) {
    set(case, "/login/seen/Ok/session/duration_ms", 20.into());
    set(case, "/forwarding/seen/Ok/run/duration_ms", 20.into());
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let Some(printed) = case.pointer_mut("/login/seen/Ok/session/stdout") else { return };
    let words = printed.as_str().unwrap_or_default();
    if let Some(before) = words.strip_suffix(&own).filter(|_| !own.is_empty()) {
        *printed = format!("{before}web-1\n").into();
    }
}

fn set(case: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = case.pointer_mut(pointer) {
        *place = value;
    }
}
