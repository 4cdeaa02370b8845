//! Which access to an environment is examined: the login by key, or SFTP with a password of its own.

use serde::{Deserialize, Serialize};

/// Which access is examined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// A login by key, as `ssh` makes it.
    #[default]
    Shell,
    /// SFTP with a password.
    Sftp(SftpWish),
}

/// What was asked for of an SFTP access. The password is not among it: it is in no plan, no case
/// and no report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SftpWish {
    /// Whether somebody gave the password, and so wants a login with it.
    pub login: bool,
    /// The folder to look at, as the SFTP server names it; without it, the one after the login.
    pub folder: Option<String>,
    /// Whether a small file is to be uploaded and removed again.
    pub write_test: bool,
}

impl Access {
    /// What was asked for, where it is an SFTP access.
    #[must_use]
    pub const fn sftp(&self) -> Option<&SftpWish> {
        match self {
            Self::Shell => None,
            Self::Sftp(wish) => Some(wish),
        }
    }
}
