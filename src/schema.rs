//! The JSON Schema of the report.

/// The schema as it is committed in `docs/report.schema.json`.
#[must_use]
pub fn json() -> String {
    let schema = schemars::schema_for!(crate::render::json::Document);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
