//! The JSON Schemas of what is printed with `--format json`.

use crate::{exit::Exit, run, subcommands::Call};

/// `ssh-preflight schema [compare]`.
///
/// # Errors
/// That there is no such schema, or that nothing can be printed.
pub fn run(call: &Call<'_>) -> Result<Exit, String> {
    let schema = match call.words {
        [] => json(),
        [word] if word == "compare" => of_comparison(),
        _ => {
            return Err("There are two schemas: ssh-preflight schema, for the report, and \
                         ssh-preflight schema compare."
                .into());
        }
    };
    run::print(&schema).map(|()| Exit::Ready)
}

/// The schema of the report, as it is committed in `docs/report.schema.json`.
#[must_use]
pub fn json() -> String {
    written(&schemars::schema_for!(crate::render::json::Document))
}

/// The schema of a comparison, as it is committed in `docs/compare.schema.json`.
#[must_use]
pub fn of_comparison() -> String {
    written(&schemars::schema_for!(crate::compare::Document))
}

fn written(schema: &schemars::Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}
