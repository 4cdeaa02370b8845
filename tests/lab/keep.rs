//! Keeps the recordings of the lab, so that they can be judged again without it.
//!
//! `PREFLIGHT_KEEP_CASES=1 cargo test --test lab` writes them to `tests/cases`; tests/replay.rs
//! judges them.

use std::path::Path;

use super::scene::Scene;

/// Writes the last recording with the names of an invented person in an invented home.
pub fn keep(scene: &Scene) {
    if std::env::var_os("PREFLIGHT_KEEP_CASES").is_none() {
        return;
    }
    let recorded = std::fs::read_to_string(scene.path("case.json")).unwrap();
    let recorded = recorded
        .replace(&scene.folder().display().to_string(), "/home/alex/.ssh")
        .replace(&scene.account.home.display().to_string(), "/home/alex")
        .replace(&scene.account.name, "alex");
    let mut value: serde_json::Value = serde_json::from_str(&recorded).unwrap();
    neutral(&mut value);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    std::fs::create_dir_all(&folder).unwrap();
    let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
    std::fs::write(folder.join(format!("{}.json", scene.name)), text).unwrap();
}

/// The numbers of the account are those of the machine.
fn neutral(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if matches!(name.as_str(), "uid" | "owner") && field.is_u64() && *field != 0 {
                    *field = 1000.into();
                }
                neutral(field);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(neutral),
        _ => {}
    }
}
