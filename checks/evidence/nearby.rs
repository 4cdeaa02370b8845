//! After "no such name": names near it that do exist, within the profile's domain.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::Effective};
use crate::{case::TimeLimits, profile::Profile};

/// Names near the one that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nearby {
    /// The ones that have an address.
    pub names: Vec<NearName>,
}

/// A name that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearName {
    /// The whole name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Looks up the profile's candidates for the name, at most eight.
pub async fn observe(
    _effective: Effective,
    _profile: Profile,
    _limits: TimeLimits,
) -> Seen<Nearby> {
    Err(super::Unseen::Unable("not wired".into()))
}
