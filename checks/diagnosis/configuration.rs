//! Causes: configuration.

use super::Rule;

/// In causal order.
pub(super) const RULES: &[Rule] = &[];

pub(super) fn unexpected_user(_case: &crate::case::Case) -> Option<super::Diagnosis> {
    None
}
