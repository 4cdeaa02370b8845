//! What is in a folder and the folders below it: names, owners and modes, bounded.

use std::collections::VecDeque;

use russh_sftp::protocol::File;

use super::{
    Entry, Folder, Rights,
    talk::{Talk, rights},
};
use crate::{evidence::queries::Broken, text::Foreign};

/// How many entries are looked at, over all folders.
pub const MOST_ENTRIES: usize = 1000;
/// How many folders are opened.
pub const MOST_FOLDERS: usize = 50;
/// How deep below the first one.
pub const DEEPEST: usize = 3;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) folders: Vec<Folder>,
    pub(super) cut: bool,
    pub(super) broken: Option<Broken>,
}

/// Lists a folder, then those in it, level by level. Links are not followed.
pub(super) async fn look(talk: &Talk<'_>, top: &str) -> Found {
    let mut found = Found::default();
    let mut room = MOST_ENTRIES;
    let rights = match talk.ask(talk.sftp.stat(top)).await {
        Ok(attrs) => self::rights(&attrs.attrs, ""),
        Err(why) => {
            found.broken = why.ends();
            Rights::default()
        }
    };
    let mut next = VecDeque::from([(top.to_owned(), rights, 0)]);
    while let Some((path, rights, depth)) = next.pop_front() {
        if found.broken.is_some() {
            break;
        }
        if found.folders.len() >= MOST_FOLDERS || room == 0 {
            found.cut = true;
            break;
        }
        let folder =
            Folder { path: Foreign::from_bytes(path.as_bytes()), rights, ..Folder::default() };
        let folder = list(talk, &path, folder, &mut room, &mut found).await;
        // The files of the system are nobody's business.
        if folder.is_whole_server() {
            found.cut = true;
            found.folders.push(folder);
            break;
        }
        for entry in folder.entries.iter().filter(|entry| entry.rights.is_folder()) {
            if depth >= DEEPEST {
                found.cut = true;
            } else {
                let below = join(&path, entry.name.raw());
                next.push_back((below, entry.rights.clone(), depth + 1));
            }
        }
        found.folders.push(folder);
    }
    found
}

async fn list(
    talk: &Talk<'_>,
    path: &str,
    mut folder: Folder,
    room: &mut usize,
    found: &mut Found,
) -> Folder {
    let handle = match talk.ask(talk.sftp.opendir(path)).await {
        Ok(handle) => handle.handle,
        Err(why) => {
            found.broken = why.ends();
            folder.trouble = Some(why.trouble());
            return folder;
        }
    };
    let mut full = false;
    while !full {
        let files = match talk.ask(talk.sftp.readdir(&handle)).await {
            Ok(name) if name.files.is_empty() => break,
            Ok(name) => name.files,
            Err(why) => {
                found.broken = why.ends();
                folder.trouble = (!why.is_end_of_list()).then(|| why.trouble());
                break;
            }
        };
        for file in files {
            take(file, &mut folder, room, &mut full);
        }
    }
    found.cut |= full;
    if found.broken.is_none() {
        found.broken = talk.ask(talk.sftp.close(&handle)).await.err().and_then(|why| why.ends());
    }
    folder
}

fn take(file: File, folder: &mut Folder, room: &mut usize, full: &mut bool) {
    let rights = rights(&file.attrs, &file.longname);
    match file.filename.as_str() {
        // The folder itself, with the names of its owner and group.
        "." => {
            let known = std::mem::take(&mut folder.rights);
            folder.rights = Rights {
                mode: known.mode.or(rights.mode),
                uid: known.uid.or(rights.uid),
                gid: known.gid.or(rights.gid),
                ..rights
            };
        }
        ".." => {}
        _ if *room == 0 => *full = true,
        name => {
            *room -= 1;
            folder.entries.push(Entry { name: Foreign::from_bytes(name.as_bytes()), rights });
        }
    }
}

/// A name in a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" | "." => name.to_owned(),
        folder => format!("{}/{name}", folder.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/data/x", "a"), "/data/x/a");
        assert_eq!(join("/data/x/", "a/b"), "/data/x/a/b");
    }

    #[test]
    fn a_folder_without_end_is_cut() {
        let (mut folder, mut room, mut full) = (Folder::default(), 2, false);
        for (name, expected) in
            [(".", false), ("a", false), ("b", false), ("..", false), ("c", true)]
        {
            take(File::dummy(name), &mut folder, &mut room, &mut full);
            assert_eq!(full, expected, "{name}");
        }
        assert_eq!((folder.entries.len(), room), (2, 0));
        assert_eq!(folder.trouble, None);
    }
}
