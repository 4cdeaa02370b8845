//! The file at the source, and the room for it at the destination: listed, never read or written.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        Evidence, Needed, Seen, Unseen,
        login::{Proof, Run, RunEnd},
        session,
        sftp::{self, SftpSession},
    },
    Look,
};
use crate::pair::{Role, quoted};

/// A file, as `ls -l` there shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What came of listing it.
    pub list: Run,
    /// Whether it may be read; none where nobody could tell.
    pub readable: Option<bool>,
    /// Whether it is a plain file; none where it was not listed.
    pub is_file: Option<bool>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Whether it is a folder.
    #[serde(default)]
    pub is_folder: bool,
    /// Whether it may be written; only asked at the destination, none where nobody could tell.
    #[serde(default)]
    pub writable: Option<bool>,
}

/// What is at the destination for the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The folder, as the file's own name has it.
    pub folder: String,
    /// Whether it may be written in; none where nobody could tell.
    pub writable: Option<bool>,
    /// What came of the question for free space.
    pub space: Run,
    /// What it said.
    pub free: Option<Space>,
    /// A file of that name that is there already.
    pub there: Option<Entry>,
    /// Whether SFTP, which scp speaks, can be spoken there: a session that was opened and closed.
    #[serde(default)]
    pub sftp: Option<SftpSession>,
}

/// Free space, as `df -P` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Bytes that an ordinary user may still write.
    pub bytes: u64,
    /// Where it is mounted.
    pub mounted_on: String,
}

impl Look<'_> {
    /// A file at the source.
    pub(super) async fn entry(&self, file: &str) -> Entry {
        entry(file, |words| async move { self.command(&words, false).await.run }).await
    }
}

/// A file, by commands that only look at it.
async fn entry<'f, F>(file: &'f str, run: impl Fn(Vec<&'f str>) -> F) -> Entry
where
    F: Future<Output = Run>,
{
    // -L: what a link leads to is what is copied.
    let list = run(vec!["ls", "-lndL", "--", file]).await;
    let mut entry = Entry { list, ..Entry::default() };
    if let Some((kind, size)) = entry.list.last_line().and_then(listed) {
        (entry.is_file, entry.is_folder, entry.size) = (Some(kind == '-'), kind == 'd', Some(size));
        entry.readable = truth(&run(vec!["test", "-r", file]).await);
    }
    entry
}

/// What `test` says.
fn truth(run: &Run) -> Option<bool> {
    use super::super::login::RunEnd::Exited;
    match run.end {
        Exited(0) => Some(true),
        Exited(1) => Some(false),
        _ => None,
    }
}

/// The letter of its type, and its size: `-rw-r--r-- 1 1000 1000 42 ...`. A device has two numbers in
/// place of a size.
fn listed(line: &str) -> Option<(char, u64)> {
    let mut words = line.split_whitespace();
    let mode = words.next().filter(|mode| mode.len() >= 10)?;
    let kind = mode.chars().next().filter(|kind| "-dlbcps".contains(*kind))?;
    let size = words.nth(3)?;
    Some((kind, if matches!(kind, 'b' | 'c') { 0 } else { size.parse().ok()? }))
}

/// The last line of `df -Pk`: file system, blocks of 1024 bytes, used, available, share, place.
fn free(line: &str) -> Option<Space> {
    let words: Vec<_> = line.split_whitespace().collect();
    // The name of a file system may hold a space, so the words are counted from the share.
    let share = words.iter().rposition(|word| word.ends_with('%'))?;
    let available: u64 = words.get(share.checked_sub(1)?)?.parse().ok()?;
    let mounted_on = words.get(share + 1..)?.join(" ");
    Some(Space { bytes: available.saturating_mul(1024), mounted_on })
}

impl Evidence {
    /// Whether a file may be written at the destination: after a login there, which only a named file
    /// asks for.
    pub async fn room(&self) -> &Seen<Room> {
        self.room
            .once(&self.limits, || async {
                let part = self.plan.pair.as_ref().filter(|part| part.role == Role::Hop);
                let part = part.ok_or(Unseen::Needs(Needed::Login))?;
                let (Some(file), Some(folder)) = (&part.file, part.folder()) else {
                    return Err(Unseen::Needs(Needed::Login));
                };
                let login = self.login().await.as_ref();
                let Some(login) = login.ok().filter(|login| login.proof == Proof::Accepted) else {
                    return Err(Unseen::Needs(Needed::Login));
                };
                let session = self.live.session.lock().await;
                let session = session.as_ref().ok_or(Unseen::Needs(Needed::Handshake))?;
                let answer = self.answer_limit();
                let limits = &self.limits;
                let mut room = Room {
                    folder: folder.to_owned(),
                    sftp: Some(sftp::observe(session, None, answer, limits).await),
                    ..Room::default()
                };
                // Where another program runs in place of a command, what it says means nothing.
                if !login.session.as_ref().is_some_and(runs_commands) {
                    return Ok(room);
                }
                let run = |words: Vec<&str>| {
                    let line = quoted(&words).unwrap_or_default();
                    async move { session::run(session, &line, false, answer, limits).await }
                };
                room.writable = truth(&run(vec!["test", "-d", folder, "-a", "-w", folder]).await);
                room.space = run(vec!["df", "-Pk", "--", folder]).await;
                room.free =
                    room.space.last_line().and_then(free).filter(|_| room.space.is_success());
                let mut there = entry(file, run).await;
                if there.size.is_some() {
                    there.writable = truth(&run(vec!["test", "-w", file]).await);
                    room.there = Some(there);
                }
                Ok(room)
            })
            .await
    }
}

/// Whether there is a shell that runs what it is told: it named the host, or has no `hostname`.
fn runs_commands(run: &Run) -> bool {
    run.host_name().or(run.noisy_host_name()).is_some() || run.end == RunEnd::Exited(127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ls_is_read() {
        assert_eq!(listed("-rw-r--r-- 1 1000 1000 42 Jan 1 00:00 a b\n"), Some(('-', 42)));
        assert_eq!(listed("drwxr-xr-x+ 2 0 0 4096 Jan 1 00:00 x\n"), Some(('d', 4096)));
        assert_eq!(listed("crw-rw-rw- 1 0 0 1, 3 Jan 1 00:00 /dev/null\n"), Some(('c', 0)));
        assert_eq!(listed("ls: cannot access\n"), None);
    }

    #[test]
    fn df_is_read() {
        let space = free("/dev/my disk 100 40 60 40% /home/my data").unwrap();
        assert_eq!((space.bytes, space.mounted_on.as_str()), (60 * 1024, "/home/my data"));
        assert_eq!(free("nonsense"), None);
        assert_eq!(free(""), None);
    }
}
