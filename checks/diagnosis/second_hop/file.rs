//! Causes in the file that is to be copied, and in the room for it.

use super::{named, part};
use crate::{
    arrival,
    case::Case,
    command, copying,
    copying::size,
    diagnosis::{Diagnosis, Id, Rule},
    evidence::{
        queries::Broken,
        second_hop::{Entry, SecondHop},
        sftp::Subsystem,
    },
    finding::Hint,
    pair::{Part, at_the_source},
    text,
    text::{foreign, host, number},
};

/// What a copy meets at the destination: SFTP, then the room.
pub(in crate::diagnosis) const ROOM: &[Rule] = &[
    Rule { id: Id::NoShell, finds: no_shell },
    Rule { id: Id::SftpUnavailable, finds: no_sftp },
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

/// Whether SFTP was spoken at the destination, after a login there.
pub(in crate::diagnosis) fn speaks_sftp(case: &Case) -> bool {
    case.room().and_then(|room| room.sftp.as_ref()).is_some_and(|sftp| sftp.version.is_some())
}

/// An older scp starts another one at the destination, which an account for SFTP alone does not let it.
fn no_shell(case: &Case) -> Option<Diagnosis> {
    let part = case.plan.pair.as_deref().filter(|part| part.has_older_scp())?;
    let room = case.room()?;
    if room.writable.is_some() || !speaks_sftp(case) {
        return None;
    }
    let mut put = command!["sftp"];
    if let Some(port) = case.plan.port {
        put.0.extend(["-P".into(), number(port).into()]);
    }
    put.0.push(case.target());
    let mut found = Diagnosis::new(Id::NoShell)
        .because(text![
            "The server of the source is ",
            part.software.clone().unwrap_or_default(),
            ". The scp of that age starts another scp at the destination, for which a shell is needed."
        ])
        .because("The destination lets you in, and gives SFTP alone.")
        .step(Hint::run(
            text![
                "Use sftp in its place, with: put ",
                foreign(part.file.as_deref().unwrap_or("FILE")),
                "."
            ],
            at_the_source(case, &put),
        ));
    found.next_steps.extend(copying::by_way_of_here(&case.plan, part));
    Some(found)
}

/// What SFTP came to at the destination, where it is not spoken and scp needs it.
fn no_sftp(case: &Case) -> Option<Diagnosis> {
    let sftp = case.room()?.sftp.as_ref().filter(|sftp| sftp.version.is_none())?;
    let part = case.plan.pair.as_deref()?;
    if part.has_older_scp() {
        return None;
    }
    let lets_in = "The destination lets you in. scp speaks SFTP there (since OpenSSH 9), and ";
    if !sftp.noise.is_empty() {
        return Some(
            Diagnosis::new(Id::SftpNoise)
                .because(text![
                    lets_in,
                    "text comes in its place: ",
                    sftp.noise.in_a_line().short()
                ])
                .step(arrival::quiet_shell("at the destination"))
                .step(Hint::advice(
                    "If it is a command that the server runs in place of yours (ForceCommand, or \
                     command= in authorized_keys), those who run it must allow SFTP.",
                )),
        );
    }
    let found = Diagnosis::new(Id::SftpUnavailable);
    let found = match sftp.subsystem {
        Subsystem::Refused => found.because(text![lets_in, "the server refuses to start it."]),
        Subsystem::Granted if sftp.broken != Some(Broken::NoAnswer) => {
            let found = found.because(text![lets_in, "what is started for it ends at once."]);
            match sftp.stderr.is_empty() {
                true => found,
                false => found.because(text!["It says: ", sftp.stderr.in_a_line().short()]),
            }
        }
        _ => {
            return Some(
                Diagnosis::new(Id::NotExamined)
                    .because(text![lets_in, "no answer came."])
                    .step(Hint::advice("Run this again; if it stays so, ask those who run it.")),
            );
        }
    };
    let older = copying::older_scp(part, case.effective()?, &case.plan.host);
    Some(
        found
            .step(Hint::run(
                "With -O scp speaks its older language, which needs a shell and scp there, and no \
                 SFTP:",
                at_the_source(case, &older),
            ))
            .step(Hint::advice(
                "Else those who run the destination must turn SFTP on (in OpenSSH: Subsystem in \
                 sshd_config).",
            )),
    )
}

fn not_writable(case: &Case) -> Option<Diagnosis> {
    let room = case.room()?;
    let part = case.plan.pair.as_ref()?;
    let to = host(&part.destination.input);
    let found = Diagnosis::new(Id::CopyNotWritable);
    let there = room.there.as_ref();
    if there.is_some_and(|there| there.is_file == Some(false) && !there.is_folder) {
        return Some(
            found
                .because(text!["At ", to, " something that is no plain file has its name."])
                .step(Hint::advice("Give the copy another name after the colon.")),
        );
    }
    let overwritten = there.and_then(|there| Some((there, there.writable?)));
    let found = match overwritten {
        // What is there is opened for writing; the folder has no part in it.
        Some((_, true)) => return None,
        Some((there, false)) if there.is_folder => found.because(text![
            "At ",
            to,
            " a folder has the name of the file, and you may not write in it."
        ]),
        Some((_, false)) => found
            .because(text![
                "At ",
                to,
                " a file of that name is there already, and you may not write it."
            ])
            .because("It belongs to somebody else, or is marked as one to read only."),
        None if room.writable == Some(false) => found.because(text![
            "At ",
            to,
            ", the folder ",
            foreign(&room.folder),
            " is not there, or you may not write in it."
        ]),
        None => return None,
    };
    let elsewhere = copying::scp_to(part, case.effective()?, &case.plan.host, "OTHER");
    Some(found.step(Hint::run(
        "Copy it to another place, in the place of OTHER. With nothing after the colon it goes to \
         your home there:",
        at_the_source(case, &elsewhere),
    )))
}

fn no_room(case: &Case) -> Option<Diagnosis> {
    let room = case.room()?;
    let free = room.free.as_ref()?;
    let wanted = case.plan.pair.as_ref()?.size?;
    // What is there already is emptied before anything is written.
    let there = room.there.as_ref().filter(|there| there.is_file == Some(true));
    let emptied = there.and_then(|there| there.size).unwrap_or_default();
    let bytes = free.bytes.saturating_add(emptied);
    if bytes >= wanted {
        return None;
    }
    let to = host(&case.plan.pair.as_ref()?.destination.input);
    let with = if emptied > 0 { ", with the one that it takes the place of," } else { "" };
    Some(
        Diagnosis::new(Id::CopyNoRoom)
            .because(text![
                "The file has ",
                size(wanted),
                "; at ",
                to,
                " there is room for ",
                size(bytes),
                with,
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
