//! The JSON Schema of the report.

use crate::{exit::Exit, run, subcommands::Call};

/// `ssh-preflight schema`.
///
/// # Errors
/// That nothing can be printed.
pub fn run(_: &Call<'_>) -> Result<Exit, String> {
    run::print(&json()).map(|()| Exit::Ready)
}

/// The schema as it is committed in `docs/report.schema.json`.
#[must_use]
pub fn json() -> String {
    let schema = schemars::schema_for!(crate::render::json::Document);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
