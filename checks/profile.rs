//! Providers as data.

use serde::{Deserialize, Serialize};

/// Facts about one provider's environments. One TOML file each; no code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Name, as in `--profile akeneo`.
    pub name: String,
    /// Provider as people call it.
    pub title: String,
    /// Host patterns (`*`, `?`) that choose this profile.
    pub hosts: Vec<String>,
}

impl Profile {
    /// Whether a host belongs to this profile.
    #[must_use]
    pub fn matches(&self, _host: &str) -> bool {
        false
    }
}

/// The built-in profile for a host: the one whose patterns match, else `generic`.
#[must_use]
pub fn built_in_for(_host: &str) -> &'static Profile {
    static GENERIC: std::sync::LazyLock<Profile> = std::sync::LazyLock::new(Profile::default);
    &GENERIC
}
