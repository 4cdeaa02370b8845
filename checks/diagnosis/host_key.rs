//! Causes: host_key.

use super::Rule;

/// In causal order.
pub(super) const RULES: &[Rule] = &[];
