//! Waiting for an answer of the server, and what answers have in common.

use std::time::Duration;

use russh::MethodSet;

use crate::evidence::{Limits, queries::Broken};

/// An answer, or why none was waited for any longer: `limit` for this one, the end of the run, Ctrl-C.
pub async fn wait<T>(
    asked: impl Future<Output = T>,
    limit: Duration,
    limits: &Limits,
) -> Result<T, Broken> {
    tokio::select! {
        biased;
        told = asked => Ok(told),
        () = limits.cut.cancelled() => Err(Broken::Interrupted),
        () = tokio::time::sleep_until(limits.until.into()) => Err(Broken::OutOfTime),
        () = tokio::time::sleep(limit) => Err(Broken::NoAnswer),
    }
}

/// The methods that a refusal names (RFC 4252, section 5.1).
pub(super) fn names(methods: &MethodSet) -> Vec<String> {
    let name = |method| -> String {
        let name: &str = method;
        name.to_owned()
    };
    methods.iter().map(|m| name(m.into())).collect()
}
