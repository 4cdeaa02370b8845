//! Reports and pages, each form in a file of its own: pure, a report in and text out.

pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod look;
pub mod many;
pub mod markdown;
pub mod page;
pub mod pair;
pub mod sarif;
pub mod story;
pub mod sftp;
pub mod text;
pub mod timeline;
pub mod waterfall;
pub mod words;

use checks::{report::Report, together::Pair};

use crate::cli::Format;
use look::Look;

/// The reports in one form. `headings` stand above the reports of a demo, in the form for people at
/// a terminal.
#[must_use]
pub fn all(format: Format, reports: &[Report], look: &Look, headings: Option<&[String]>) -> String {
    let pair = Pair::of(reports).filter(|_| headings.is_none());
    match (format, pair) {
        (Format::Text, Some(pair)) => return text::render_pair(pair, look),
        (Format::Json, Some(pair)) => return json::render_pair(pair),
        (Format::Markdown, Some(pair)) => return markdown::render_pair(pair),
        (Format::Html, Some(pair)) => return html::render_pair(pair),
        _ => {}
    }
    match format {
        Format::Text => match headings {
            None if reports.len() > 1 => many::render(reports, look),
            _ => {
                let pages = reports.iter().enumerate().map(|(place, report)| {
                    let heading = headings.and_then(|headings| headings.get(place));
                    heading.cloned().unwrap_or_default() + &text::render(report, look)
                });
                pages.collect::<Vec<_>>().join("\n")
            }
        },
        Format::Json => json::render(reports),
        Format::Html => html::render(reports),
        Format::Markdown => markdown::render(reports),
        Format::Junit => junit::render(reports),
        Format::Github => github::render(reports),
        Format::Sarif => sarif::render(reports),
    }
}
