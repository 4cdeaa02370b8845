//! Reports and pages as text, and as JSON: pure, a report in and text out.

pub mod json;
pub mod look;
pub mod many;
pub mod page;
pub mod text;
