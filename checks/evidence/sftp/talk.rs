//! One SFTP session: from the wish for the subsystem to the goodbye.

use std::time::Duration;

use russh_sftp::{
    client::{Config, RawSftpSession, error::Error},
    protocol::{FileAttributes, Status, StatusCode},
};
use tokio::sync::watch;

use super::{
    Rights, SftpSession, Subsystem, Trouble,
    channel::{self, Ear, Line},
    folders, write_test,
};
use crate::{
    access::SftpWish,
    evidence::{
        Limits,
        queries::Broken,
        session::{Session, wait},
    },
    text::Foreign,
};

/// The largest packet that is read, as in OpenSSH (`sftp-common.h`, SFTP_MAX_MSG_LENGTH).
const MAX_PACKET: u32 = 256 * 1024;
/// SSH_FXP_VERSION.
const VERSION: u8 = 2;
/// How long the last words of a session that ends are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Looks at what the wish names, over a conversation in which somebody is logged in. Without a wish the
/// session is opened and closed.
pub async fn observe(
    session: &Session,
    wish: Option<&SftpWish>,
    answer: Duration,
    limits: &Limits,
) -> SftpSession {
    let mut seen = SftpSession::default();
    let channel = match wait(session.open(), answer, limits).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(russh::Error::ChannelOpenFailure(_))) => {
            seen.subsystem = Subsystem::NoSession;
            return seen;
        }
        Ok(Err(_)) => return broken(seen, Broken::ServerEnded),
        Err(why) => return broken(seen, why),
    };
    let Ok(mut line) = channel::open(channel).await else {
        return broken(seen, Broken::ServerEnded);
    };
    let answered = line.subsystem.wait_for(|s| *s != Subsystem::NoAnswer);
    seen.subsystem = match wait(answered, answer, limits).await {
        Ok(Ok(told)) => *told,
        Ok(Err(_)) => return broken(seen, Broken::ServerEnded),
        Err(why) => return broken(seen, why),
    };
    if seen.subsystem != Subsystem::Granted {
        return seen;
    }
    let seconds = answer.as_secs().max(1);
    let config =
        Config { max_packet_len: MAX_PACKET, request_timeout_secs: seconds, ..Config::default() };
    let Line { stream, ear, mut closed, .. } = line;
    let sftp = RawSftpSession::new_with_config(stream, config);
    let talk = Talk { sftp, closed: closed.clone(), answer, limits };
    match talk.ask(talk.sftp.init()).await {
        Ok(version) => {
            seen.version = Some(version.version);
            if let Some(wish) = wish {
                look(&talk, wish, &mut seen).await;
            }
            let _ = talk.sftp.close_session();
        }
        Err(why) => {
            seen.broken = Some(why.broken());
            // What ended it is told a moment later.
            let _ = tokio::time::timeout(LAST_WORDS, closed.wait_for(|closed| *closed)).await;
        }
    }
    last_words(seen, &ear)
}

/// What is asked once the session is open.
async fn look(talk: &Talk<'_>, wish: &SftpWish, seen: &mut SftpSession) {
    match talk.ask(talk.sftp.realpath(".")).await {
        Ok(name) => {
            let first = name.files.into_iter().next();
            seen.home = first.map(|file| Foreign::from_bytes(file.filename.as_bytes()));
        }
        Err(why) => return seen.broken = why.ends(),
    }
    let home = seen.home.as_ref().map_or(".", |home| home.raw()).to_owned();
    let folder = match &wish.folder {
        Some(named) if named.starts_with('/') => named.clone(),
        Some(named) => folders::join(&home, named),
        None => home,
    };
    let found = folders::look(talk, &folder).await;
    (seen.folders, seen.cut, seen.broken) = (found.folders, found.cut, found.broken);
    if wish.write_test && seen.broken.is_none() {
        let (test, broken) = write_test::run(talk, &folder).await;
        (seen.write_test, seen.broken) = (Some(test), broken);
    }
}

/// A session, and how long each answer may take.
pub(super) struct Talk<'l> {
    pub(super) sftp: RawSftpSession,
    closed: watch::Receiver<bool>,
    answer: Duration,
    limits: &'l Limits,
}

/// Why an answer is not what was asked for.
pub(super) enum No {
    /// The server's word.
    Status(Status),
    /// The session is over, or no time is left.
    Broken(Broken),
}

impl Talk<'_> {
    /// One question and its answer.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, No> {
        // The library waits on for the answer to a question that it sends after the end.
        let told = async {
            tokio::select! {
                biased;
                told = question => told.map_err(No::of),
                () = self.over_for_good() => Err(No::Broken(Broken::ServerEnded)),
            }
        };
        wait(told, self.answer, self.limits).await.unwrap_or_else(|why| Err(No::Broken(why)))
    }

    /// Waits until the channel is closed and what came before that has been read.
    async fn over_for_good(&self) {
        let _ = self.closed.clone().wait_for(|closed| *closed).await;
        tokio::time::sleep(LAST_WORDS).await;
    }

    /// The same for what must be done even after Ctrl-C.
    pub(super) async fn ask_at_last<T>(
        &self,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, No> {
        match tokio::time::timeout(self.answer.min(Duration::from_secs(3)), question).await {
            Ok(told) => told.map_err(No::of),
            Err(_) => Err(No::Broken(Broken::NoAnswer)),
        }
    }

    /// Why no more is to be begun, where that is so.
    pub(super) fn over(&self) -> Option<Broken> {
        if self.limits.cut.is_cancelled() {
            return Some(Broken::Interrupted);
        }
        (std::time::Instant::now() >= self.limits.until).then_some(Broken::OutOfTime)
    }
}

impl No {
    fn of(error: Error) -> Self {
        match error {
            Error::Status(status) => Self::Status(status),
            Error::Timeout => Self::Broken(Broken::NoAnswer),
            _ => Self::Broken(Broken::ServerEnded),
        }
    }

    fn broken(&self) -> Broken {
        match self {
            Self::Status(_) => Broken::ServerEnded,
            Self::Broken(why) => *why,
        }
    }

    /// Why nothing more can be asked, where that is so.
    pub(super) fn ends(&self) -> Option<Broken> {
        match self {
            Self::Status(_) => None,
            Self::Broken(why) => Some(*why),
        }
    }

    /// Whether there is no more to read.
    pub(super) fn is_end_of_list(&self) -> bool {
        matches!(self, Self::Status(status) if status.status_code == StatusCode::Eof)
    }

    /// The fact.
    pub(super) fn trouble(&self) -> Trouble {
        match self {
            Self::Status(status) => match status.status_code {
                StatusCode::NoSuchFile => Trouble::NoSuchFile,
                StatusCode::PermissionDenied => Trouble::PermissionDenied,
                _ => Trouble::Refused(Foreign::from_bytes(status.error_message.as_bytes())),
            },
            Self::Broken(_) => Trouble::NoAnswer,
        }
    }
}

/// What the attributes say of owner and mode.
pub(super) fn rights(attrs: &FileAttributes, longname: &str) -> Rights {
    let (owner, group) = names(longname);
    Rights { mode: attrs.permissions, uid: attrs.uid, gid: attrs.gid, owner, group }
}

/// Owner and group of a line as `ls -l` prints it. Its form is not fixed (draft-ietf-secsh-filexfer-02,
/// section 7), so what does not look like one tells nothing.
fn names(longname: &str) -> (Option<Foreign>, Option<Foreign>) {
    let words: Vec<&str> = longname.split_ascii_whitespace().take(9).collect();
    let [mode, _links, owner, group, _, _, _, _, _] = words.as_slice() else { return (None, None) };
    if mode.len() < 10 || !mode.bytes().all(|b| b"-dlbcpsrwxSTt+.@".contains(&b)) {
        return (None, None);
    }
    let word = |word: &&str| Some(Foreign::from_bytes(word.as_bytes()));
    (word(owner), word(group))
}

fn broken(seen: SftpSession, why: Broken) -> SftpSession {
    SftpSession { broken: Some(why), ..seen }
}

/// What came beside the session, where it never became one.
fn last_words(seen: SftpSession, ear: &Ear) -> SftpSession {
    let heard = ear.lock();
    let noise = if seen.version.is_none() && is_noise(&heard.first) {
        Foreign::from_bytes(&heard.first)
    } else {
        Foreign::default()
    };
    let stderr = Foreign::from_bytes(&heard.stderr);
    SftpSession { noise, stderr, exit_status: heard.exit_status, ..seen }
}

/// Whether bytes are something else than the begin of an SFTP session: its length and type.
fn is_noise(first: &[u8]) -> bool {
    let Some((length, rest)) = first.split_first_chunk::<4>() else { return !first.is_empty() };
    u32::from_be_bytes(*length) > MAX_PACKET || rest.first().is_some_and(|kind| *kind != VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_before_the_session_is_told_from_the_session() {
        for (first, expected) in [
            (&b""[..], false),
            (b"hi\n", true),
            (b"hello you", true),
            (b"\0\0\0\x05\x02\0\0\0\x03", false),
            (b"\0\0\0\x05\x65\0\0\0\x03", true),
            (b"\0\0\0\x05", false),
        ] {
            assert_eq!(is_noise(first), expected, "{first:?}");
        }
    }

    #[test]
    fn owner_and_group_are_read_where_a_line_is_of_the_usual_form() {
        let of = |line| names(line).0.map(|owner| owner.raw().to_owned());
        let line = "-rw-r--r--    ? akeneo   sftp     12 Jan  1 10:00 a b";
        assert_eq!(of(line).as_deref(), Some("akeneo"));
        assert_eq!(names(line).1.unwrap().raw(), "sftp");
        for other in ["", "01-01-26 10:00AM 12 a.csv", "a.csv", "akeneo x y z 1 2 3 4 5"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
