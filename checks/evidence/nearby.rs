//! After "no such name": names near it that do exist, within the profile's domain.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Seen, configuration::AddressFamily, resolution};
use crate::case::TimeLimits;

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

/// How many names are looked up at most: enough for a slip, too few to search a zone.
const MOST: usize = 8;

/// Looks up names that may have been meant.
pub async fn observe(
    names: Vec<String>,
    instead: Vec<SocketAddr>,
    limits: TimeLimits,
) -> Seen<Nearby> {
    let look_up = |name: String| {
        let instead = &instead;
        async move {
            let found = resolution::look_up(&name, AddressFamily::Any, instead, limits).await;
            found.ok().map(|addresses| NearName { name, addresses })
        }
    };
    let found = futures_util::future::join_all(names.into_iter().take(MOST).map(look_up)).await;
    Ok(Nearby { names: found.into_iter().flatten().collect() })
}
