//! A small file that is made, filled, renamed and removed again: what users of the access do.
//!
//! Only where somebody asked for it. Whatever happens, the file is removed if the server still
//! answers, also after Ctrl-C; where it does not, its exact place is told.

use russh_sftp::protocol::{FileAttributes, OpenFlags};

use super::{
    Trouble, WriteStep, WriteTest,
    folders::join,
    talk::{No, Talk, rights},
};
use crate::{evidence::queries::Broken, text::Foreign};

const CONTENT: &[u8] = b"A test by ssh-preflight. It may be removed.\n";

/// The test, and what ended the session in it.
pub(super) async fn run(talk: &Talk<'_>, folder: &str) -> (WriteTest, Option<Broken>) {
    // A leading dot keeps it from most programs that wait for files to come.
    let name = format!(".ssh-preflight-test-{:016x}", rand::random::<u64>());
    let path = join(folder, &name);
    let renamed = format!("{path}-renamed");
    let mut test = WriteTest {
        path: Foreign::from_bytes(path.as_bytes()),
        renamed: Foreign::from_bytes(renamed.as_bytes()),
        ..WriteTest::default()
    };
    let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
    let opened = talk.ask(talk.sftp.open(&path, flags, FileAttributes::empty())).await;
    let handle = match opened {
        Ok(handle) => handle.handle,
        Err(no) => {
            // Without an answer it may have been made.
            if let No::Broken(_) = no {
                remove(talk, &mut test, &[&path]).await;
            }
            test.steps.insert(0, (WriteStep::Create, Some(no.trouble())));
            return (test, no.ends());
        }
    };
    test.steps.push((WriteStep::Create, None));
    let written = talk.ask(talk.sftp.write(&handle, 0, CONTENT.to_vec())).await;
    if let Ok(attrs) = talk.ask(talk.sftp.fstat(&handle)).await {
        test.rights = Some(rights(&attrs.attrs, ""));
    }
    let closed = talk.ask_at_last(talk.sftp.close(&handle)).await;
    let no = written.err().or(closed.err());
    let mut broken = no.as_ref().and_then(No::ends);
    let whole = no.is_none();
    test.steps.push((WriteStep::Write, no.map(|no| no.trouble())));
    let mut places = vec![path.as_str()];
    if whole && talk.over().is_none() {
        match talk.ask(talk.sftp.rename(&path, &renamed)).await {
            Ok(_) => {
                test.steps.push((WriteStep::Rename, None));
                places = vec![&renamed];
            }
            Err(no) => {
                broken = no.ends();
                if let No::Broken(_) = no {
                    places.insert(0, &renamed);
                }
                test.steps.push((WriteStep::Rename, Some(no.trouble())));
            }
        }
    }
    let removed = remove(talk, &mut test, &places).await;
    // Ctrl-C ends the test, and not the cleaning up.
    (test, broken.or(removed).or(talk.over()))
}

/// Removes the file, which is in one of these places; what ended the session in it.
async fn remove(talk: &Talk<'_>, test: &mut WriteTest, places: &[&str]) -> Option<Broken> {
    let (mut trouble, mut broken) = (None, None);
    for place in places {
        match talk.ask_at_last(talk.sftp.remove(*place)).await {
            Ok(_) => {
                test.left_behind = None;
                test.steps.push((WriteStep::Remove, None));
                return None;
            }
            Err(no) if no.trouble() == Trouble::NoSuchFile => {}
            Err(no) => {
                trouble = Some(no.trouble());
                broken = no.ends();
                test.left_behind = Some(Foreign::from_bytes(place.as_bytes()));
            }
        }
    }
    test.steps.push((WriteStep::Remove, Some(trouble.unwrap_or(Trouble::NoSuchFile))));
    broken
}
