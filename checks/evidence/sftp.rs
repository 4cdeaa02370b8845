//! What an SFTP session shows: whether it opens, what it lists, and what a test file went through.

use serde::{Deserialize, Serialize};

use super::queries::Broken;
use crate::text::Foreign;

mod channel;
mod folders;
mod talk;
mod write_test;

pub use folders::MOST_ENTRIES;
pub(super) use talk::observe;

/// What was seen of one SFTP session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SftpSession {
    /// What became of the wish for the subsystem.
    pub subsystem: Subsystem,
    /// The first bytes, where they are no SFTP.
    pub noise: Foreign,
    /// What the server's program wrote as an error.
    pub stderr: Foreign,
    /// How the server's program ended, where it said so.
    pub exit_status: Option<u32>,
    /// The protocol version that the server named.
    pub version: Option<u32>,
    /// Where one stands after the login, as the server names it.
    pub home: Option<Foreign>,
    /// The folder that was looked at, and those in it.
    pub folders: Vec<Folder>,
    /// Whether more was there than was looked at.
    pub cut: bool,
    /// The upload that was asked for.
    pub write_test: Option<WriteTest>,
    /// Why the session ended before all was seen, where it did.
    pub broken: Option<Broken>,
}

/// What became of the wish for the subsystem `sftp`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subsystem {
    /// No answer came.
    #[default]
    NoAnswer,
    /// The server opens no session at all (SSH_MSG_CHANNEL_OPEN_FAILURE).
    NoSession,
    /// SSH_MSG_CHANNEL_FAILURE.
    Refused,
    /// SSH_MSG_CHANNEL_SUCCESS. It may end all the same at once.
    Granted,
}

/// A folder on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Where it is, as the server names it.
    pub path: Foreign,
    /// Who may do what with it.
    pub rights: Rights,
    /// What is in it.
    pub entries: Vec<Entry>,
    /// Why it could not be listed, where it could not.
    pub trouble: Option<Trouble>,
}

/// Something in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: Foreign,
    /// Who may do what with it.
    pub rights: Rights,
}

/// Owner, group and mode, as far as the server tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Type and permission bits, as in `st_mode`.
    pub mode: Option<u32>,
    /// The owner's number.
    pub uid: Option<u32>,
    /// The group's number.
    pub gid: Option<u32>,
    /// The owner's name; a number where the server knows none.
    pub owner: Option<Foreign>,
    /// The group's name; a number where the server knows none.
    pub group: Option<Foreign>,
}

/// Why the server did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// SSH_FX_NO_SUCH_FILE.
    NoSuchFile,
    /// SSH_FX_PERMISSION_DENIED.
    PermissionDenied,
    /// Another code, with the server's words.
    Refused(Foreign),
    /// No answer: the session ended, or no time was left.
    NoAnswer,
}

/// A small file that was uploaded, renamed and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteTest {
    /// Where it was made.
    pub path: Foreign,
    /// What it was renamed to.
    pub renamed: Foreign,
    /// The steps in their order, up to the one that failed.
    pub steps: Vec<(WriteStep, Option<Trouble>)>,
    /// Whose the file is, and so who the SFTP user is.
    pub rights: Option<Rights>,
    /// Where the file may still be, where it could not be removed.
    pub left_behind: Option<Foreign>,
}

/// The steps of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteStep {
    /// A new file is opened for writing.
    Create,
    /// It gets its content.
    Write,
    /// It gets another name.
    Rename,
    /// It is removed.
    Remove,
}

impl SftpSession {
    /// Whether the session begins at the top of a server that locks nobody in, as where the folder of an
    /// account is missing.
    #[must_use]
    pub fn is_whole_server(&self) -> bool {
        let at_top = self.home.as_ref().is_some_and(|home| home.raw() == "/");
        at_top && self.folder().is_some_and(Folder::is_whole_server)
    }

    /// The folder that was asked about.
    #[must_use]
    pub fn folder(&self) -> Option<&Folder> {
        self.folders.first()
    }
}

impl Folder {
    /// Whether it is the top of a whole server: it has what an account that is locked in never sees.
    #[must_use]
    pub fn is_whole_server(&self) -> bool {
        let has = |name: &str| self.entries.iter().any(|entry| entry.name.raw() == name);
        self.path.raw() == "/" && has("etc") && has("proc") && has("root")
    }
}

impl WriteTest {
    /// The step that failed, and why.
    #[must_use]
    pub fn failed(&self) -> Option<(WriteStep, &Trouble)> {
        self.steps.iter().find_map(|(step, trouble)| Some((*step, trouble.as_ref()?)))
    }
}

impl Rights {
    const KIND: u32 = 0o170_000;
    const FOLDER: u32 = 0o040_000;

    /// Whether it is a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.mode.is_some_and(|mode| mode & Self::KIND == Self::FOLDER)
    }
    /// Whether it is a plain file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.mode.is_some_and(|mode| mode & Self::KIND == 0o100_000)
    }
    /// Whether all these permission bits are set; not where the mode is not told.
    #[must_use]
    pub fn has(&self, bits: u32) -> bool {
        self.mode.is_some_and(|mode| mode & bits == bits)
    }
}

impl Trouble {
    /// The end of a sentence.
    #[must_use]
    pub fn words(&self) -> crate::text::Span {
        match self {
            Self::NoSuchFile => "no such file or folder".into(),
            Self::PermissionDenied => "permission denied".into(),
            Self::Refused(words) if words.is_empty() => "the server refuses".into(),
            Self::Refused(words) => words.short().into(),
            Self::NoAnswer => "no answer came".into(),
        }
    }
}
