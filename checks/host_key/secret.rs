//! Known hosts of a CI job that come from a secret: the file is made for the job and goes with it, so
//! what has to be changed is the secret.

use crate::{
    finding::Hint,
    text,
    text::{Command, host},
};

/// The variable from which `ci/with-key.sh` makes the file.
const SECRET: &str = "SSH_KNOWN_HOSTS";

/// Whether `ci/with-key.sh` made this file: the folder's name tells.
pub(super) fn is_origin_of(file: &str) -> bool {
    file.rsplit('/').nth(1).is_some_and(|folder| folder.starts_with("with-key."))
}

/// Takes the old key of a host out.
pub(super) fn forget(name: &str) -> Hint {
    Hint::advice(text![
        "Only if the new key is confirmed: take the old line of ",
        host(name),
        " out of the secret ",
        SECRET,
        " of your CI. The file of this job is made from it."
    ])
}

/// Adds what a command prints.
pub(super) fn add(scan: Command) -> Hint {
    Hint::run(
        text![
            "Then add the line to the secret ",
            SECRET,
            " of your CI. This prints it, on any computer that reaches the host; ssh-keyscan trusts \
             whoever answers, so compare what it prints as well."
        ],
        scan,
    )
}
