//! Causes in the file that is to be copied, and in the room for it.

use super::{named, part};
use crate::{
    case::Case,
    command,
    copying::size,
    diagnosis::{Diagnosis, Id, Rule},
    evidence::second_hop::{Entry, SecondHop},
    finding::Hint,
    pair::{Part, at_the_source},
    text,
    text::{foreign, host},
};

/// The room at the destination.
pub(in crate::diagnosis) const ROOM: &[Rule] = &[
    Rule { id: Id::CopyNotWritable, finds: not_writable },
    Rule { id: Id::CopyNoRoom, finds: no_room },
];

pub(super) fn missing(case: &Case) -> Option<Diagnosis> {
    of_entry(part(case)?, case.second_hop()?)
}

/// What is wrong with the file at the source.
pub(super) fn of_entry(part: &Part, hop: &SecondHop) -> Option<Diagnosis> {
    let (file, entry) = (part.file.as_deref()?, hop.file.as_ref()?);
    let ended = matches!(entry.list.end, crate::evidence::login::RunEnd::Exited(_));
    let found = Diagnosis::new(Id::CopyFileMissing);
    let said = entry.list.complaint();
    let found = match entry {
        Entry { is_file: None, .. } if ended => {
            found.because(text!["At the source, ", foreign(file), " cannot be listed: ", said, "."])
        }
        Entry { is_file: Some(false), .. } => found
            .because(text!["At the source, ", foreign(file), " is no plain file."])
            .step(Hint::advice("For a folder, pack it into one file first (tar), or use scp -r.")),
        Entry { readable: Some(false), .. } => {
            found.because(text!["At the source, you may not read ", foreign(file), "."])
        }
        _ => return None,
    };
    let relative = !file.starts_with('/');
    let found = if relative {
        found.because("A name that does not begin with / is looked for in your home there.")
    } else {
        found
    };
    let folder = part.folder().unwrap_or(".");
    let list = command!["ls", "-l", foreign(folder)];
    let found = found.step(Hint::run(
        text!["See what there is at ", host(&part.source.input), ":"],
        at_the_source(&hop.case, &list),
    ));
    let mut found = named(part, found);
    found.between = None;
    // It is not on the second hop, but at its begin.
    found.because.remove(0);
    Some(found)
}

fn not_writable(case: &Case) -> Option<Diagnosis> {
    let room = case.room()?;
    let blocked = room.there.as_ref().is_some_and(|there| there.is_file == Some(false));
    if room.writable != Some(false) && !blocked {
        return None;
    }
    let found = Diagnosis::new(Id::CopyNotWritable);
    let to = host(&case.plan.pair.as_ref()?.destination.input);
    Some(if blocked {
        found
            .because(text!["At ", to, " a folder or device has the name of the file."])
            .step(Hint::advice("Give the copy another name after the colon."))
    } else {
        found
            .because(text![
                "At ",
                to,
                ", the folder ",
                foreign(&room.folder),
                " is not there, or you may not write in it."
            ])
            .step(Hint::advice(
                "Name another folder after the colon; nothing after it means your home there.",
            ))
    })
}

fn no_room(case: &Case) -> Option<Diagnosis> {
    let free = case.room()?.free.as_ref()?;
    let wanted = case.plan.pair.as_ref()?.size?;
    if free.bytes >= wanted {
        return None;
    }
    let to = host(&case.plan.pair.as_ref()?.destination.input);
    Some(
        Diagnosis::new(Id::CopyNoRoom)
            .because(text![
                "The file has ",
                size(wanted),
                "; at ",
                to,
                " there is room for ",
                size(free.bytes),
                " on ",
                foreign(&free.mounted_on),
                "."
            ])
            .step(Hint::advice(
                "Make room there, or name a folder on another disk after the colon.",
            ))
            .step(Hint::advice("A dump gets much smaller if it is packed first (gzip).")),
    )
}
