//! An embedded environment on loopback: every outcome can be seen with no account, no root and
//! nothing installed.
//!
//! Everything in it is real but small: an SSH server, an agent, a name server, keys that are thrown
//! away. The same checks run against it as against any host, with the same options, so a CI gate
//! can be tried on it.

#[cfg(unix)]
mod agent;
mod environment;
mod faults;
mod home;
mod name_server;
mod scenarios;
mod ssh_server;
mod stage;

pub use environment::Environment;
pub use scenarios::{SCENARIOS, Scenario};

/// What a bare `demo` shows: one of each.
const TOUR: [&str; 2] = ["ready", "key-not-accepted"];

/// The scenarios of these names; without names, the tour.
///
/// # Errors
/// A name that there is not, with the ones that there are.
pub fn named(names: &[String]) -> Result<Vec<&'static Scenario>, String> {
    let tour = TOUR.map(str::to_owned);
    let names = if names.is_empty() { &tour } else { names };
    let find = |name: &String| {
        let wrong = || {
            let all: Vec<_> = SCENARIOS.iter().map(|s| s.name).collect();
            let name = checks::text::foreign(name).plain();
            format!("There is no demo \"{name}\". There are: {}.", all.join(", "))
        };
        SCENARIOS.iter().find(|s| s.name == *name).ok_or_else(wrong)
    };
    names.iter().map(find).collect()
}

/// The list of all scenarios, a line each.
#[must_use]
pub fn list() -> String {
    let column = SCENARIOS.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let line = |s: &Scenario| format!("{:column$}  {}\n", s.name, s.shows);
    SCENARIOS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_once_and_wrong_ones_are_told() {
        for scenario in SCENARIOS {
            let found = named(&[scenario.name.to_owned()]).unwrap();
            assert_eq!(found[0].shows, scenario.shows, "{} is there twice", scenario.name);
        }
        assert_eq!(named(&[]).unwrap().len(), TOUR.len());
        assert!(named(&["nothing".into()]).unwrap_err().contains("key-not-accepted"));
    }
}
