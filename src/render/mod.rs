//! Reports and pages, each form in a file of its own: pure, a report in and text out.

pub mod github;
pub mod json;
pub mod junit;
pub mod look;
pub mod markdown;
pub mod page;
pub mod sarif;
pub mod story;
pub mod text;
pub mod words;

use checks::report::Report;

use crate::cli::Format;
use look::Look;

/// The reports in one form. `heading` is what stands above a report of this place in forms for
/// people at a terminal.
#[must_use]
pub fn all(
    format: Format,
    reports: &[Report],
    look: &Look,
    heading: impl Fn(usize) -> Option<String>,
) -> String {
    match format {
        Format::Text => {
            let pages = reports.iter().enumerate().map(|(place, report)| {
                heading(place).unwrap_or_default() + &text::render(report, look)
            });
            pages.collect::<Vec<_>>().join("\n")
        }
        Format::Json => json::render(reports),
        Format::Markdown => markdown::render(reports),
        Format::Junit => junit::render(reports),
        Format::Github => github::render(reports),
        Format::Sarif => sarif::render(reports),
    }
}
