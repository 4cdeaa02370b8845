//! The JSON Schemas of what is printed with `--format json`.

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
