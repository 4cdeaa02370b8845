//! What the SFTP user will not be able to rename, delete or overwrite, and who mends it: pure.
//!
//! On a POSIX system the permissions of the *folder* decide who may rename and delete what is in it,
//! and its sticky bit keeps that to the owners. The permissions of a file decide who may overwrite
//! it. The server tells owners and modes; which groups the user is in, it does not tell.

use crate::{
    case::Case,
    command,
    evidence::sftp::{Folder, Rights, SftpSession},
    finding::Hint,
    profile::Profile,
    text,
    text::{Command, Foreign, Text, foreign, number, path, there, user},
};

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
const SETGID: u32 = 0o2000;

/// How many things are named one by one. Beyond, `find` finds them.
const MOST_NAMED: usize = 6;

/// Why something cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A folder in which only its owner may rename, delete and add.
    Folder,
    /// A folder in which only the owner of a thing may rename and delete it.
    Sticky,
    /// A file that only its owner may overwrite.
    File,
}

/// One thing that stands in the SFTP user's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Where it is, as the SFTP server names it.
    pub place: String,
    /// What is wrong with it.
    pub why: Why,
    /// Owner, group and mode.
    pub rights: Rights,
    /// How many entries of a folder cannot be renamed or deleted, and the first of them.
    pub hit: (usize, Option<Foreign>),
}

/// The number of the SFTP user on the server: that of the test file, or of something that belongs
/// to a user of this name.
#[must_use]
pub fn own_number(session: &SftpSession, name: &str) -> Option<u32> {
    let made = session.write_test.as_ref().and_then(|test| test.rights.as_ref()?.uid);
    let entries = session.folders.iter().flat_map(|folder| &folder.entries);
    let all = session.folders.iter().map(|f| &f.rights).chain(entries.map(|entry| &entry.rights));
    let named = |rights: &&Rights| rights.owner.as_ref().is_some_and(|o| o.raw() == name);
    made.or_else(|| all.into_iter().find(named).and_then(|rights| rights.uid))
}

/// Everything that is certainly in the way of the user with this number.
#[must_use]
pub fn obstacles(session: &SftpSession, own: u32) -> Vec<Obstacle> {
    session.folders.iter().flat_map(|folder| of_folder(folder, own)).collect()
}

fn of_folder(folder: &Folder, own: u32) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let (rights, mine) = (&folder.rights, folder.rights.uid == Some(own));
    let obstacle = |place: String, why, rights: &Rights, hit| Obstacle {
        place,
        why,
        rights: rights.clone(),
        hit,
    };
    let place = || folder.path.raw().to_owned();
    if own == 0 || rights.mode.is_none() || rights.uid.is_none() {
        return found;
    }
    let may_write = mine || rights.has(0o030) || rights.has(0o003);
    // sshd demands of the folder that it locks users into that nobody but root may write there.
    let locked_in = rights.uid == Some(0) && folder.path.raw() == "/";
    if !may_write && !locked_in {
        let first = folder.entries.first().map(|entry| entry.name.clone());
        found.push(obstacle(place(), Why::Folder, rights, (folder.entries.len(), first)));
    } else if may_write && !mine && rights.has(STICKY) {
        let others = || folder.entries.iter().filter(|entry| entry.rights.uid != Some(own));
        let first = others().next().map(|entry| entry.name.clone());
        if first.is_some() {
            found.push(obstacle(place(), Why::Sticky, rights, (others().count(), first)));
        }
    }
    for entry in folder.entries.iter().filter(|entry| entry.rights.is_file()) {
        let rights = &entry.rights;
        let of_another = rights.uid.is_some_and(|uid| uid != own);
        if of_another && !rights.has(GROUP_WRITES) && !rights.has(OTHERS_WRITE) {
            let place = format!("{}/{}", folder.path.raw().trim_end_matches('/'), entry.name.raw());
            found.push(obstacle(place, Why::File, rights, (0, None)));
        }
    }
    found
}

/// A line about one obstacle.
#[must_use]
pub fn line(obstacle: &Obstacle) -> Text {
    let whose = text![" (", mode(&obstacle.rights), ", of ", owner(&obstacle.rights), ")"];
    let words = text![foreign(&obstacle.place)].then(whose);
    let count = || number(obstacle.hit.0);
    let such = || match &obstacle.hit.1 {
        Some(first) => text![", such as ", first.short()],
        None => Text::default(),
    };
    match obstacle.why {
        Why::Folder if obstacle.hit.0 == 0 => {
            words.with(": nothing can be added, renamed or deleted in this folder.")
        }
        Why::Folder => words
            .then(text![": none of its ", count(), " entries can be renamed or deleted"])
            .then(such())
            .with(", and none added."),
        Why::Sticky => words
            .then(text![": ", count(), " entries of others cannot be renamed or deleted"])
            .then(such())
            .with(" (sticky bit)."),
        Why::File => words.with(": this file cannot be overwritten."),
    }
}

fn owner(rights: &Rights) -> crate::text::Span {
    match (&rights.owner, rights.uid) {
        (Some(name), _) => name.short().into(),
        (None, Some(uid)) => number(uid),
        (None, None) => "an owner who is not told".into(),
    }
}

/// `rwxr-sr-t`, as `ls -l` shows it.
fn mode(rights: &Rights) -> String {
    let Some(mode) = rights.mode else { return "mode not told".to_owned() };
    let mut letters: Vec<char> = "rwxrwxrwx".chars().collect();
    for (place, letter) in letters.iter_mut().enumerate() {
        if mode & (0o400 >> place) == 0 {
            *letter = '-';
        }
    }
    for (bit, place, set, bare) in
        [(0o4000, 2, 's', 'S'), (SETGID, 5, 's', 'S'), (STICKY, 8, 't', 'T')]
    {
        if mode & bit != 0
            && let Some(letter) = letters.get_mut(place)
        {
            *letter = if *letter == 'x' { set } else { bare };
        }
    }
    letters.into_iter().collect()
}

/// Who owns something, as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Named(String),
    /// In a place where no name is known, such as a chroot.
    Number(u32),
    Untold,
}

impl Owner {
    fn of(rights: &Rights) -> Self {
        let told = rights.owner.as_ref().map_or("", Foreign::raw);
        match told.parse().ok().or(rights.uid) {
            Some(0) => Self::Named("root".into()),
            Some(number) if told.bytes().all(|b| b.is_ascii_digit()) => Self::Number(number),
            None if told.is_empty() => Self::Untold,
            _ => Self::Named(told.to_owned()),
        }
    }
}

/// What the owners have to run: for each owner one step, and one before them where only numbers tell
/// who they are.
#[must_use]
pub fn remedies(case: &Case, session: &SftpSession, found: &[Obstacle]) -> Vec<Hint> {
    let mut owners: Vec<Owner> = Vec::new();
    for obstacle in found {
        let owner = Owner::of(&obstacle.rights);
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    let of =
        |who: &Owner| found.iter().filter(|o| Owner::of(&o.rights) == *who).collect::<Vec<_>>();
    let steps = owners.iter().map(|who| remedy(case, session, who, &of(who)));
    let nameless = owners.iter().any(|owner| matches!(owner, Owner::Number(_)));
    let shell = case.profile().user.as_deref().filter(|_| nameless);
    shell.map(|shell| whose(case, shell)).into_iter().chain(steps).collect()
}

/// Which number the shell user has.
fn whose(case: &Case, shell: &str) -> Hint {
    let mut ssh = case.plan.ssh().user(shell).command();
    ssh.0.push(there(command!["id", "-u"]).into());
    Hint::run(
        text![
            "The server tells owners as numbers, as ls -n does. See which one is that of ",
            user(shell),
            ", over the login by key:"
        ],
        ssh,
    )
}

fn remedy(case: &Case, session: &SftpSession, who: &Owner, found: &[&Obstacle]) -> Hint {
    let profile = case.profile();
    let login = match who {
        Owner::Named(name) => Some(name.as_str()).filter(|name| *name != "root"),
        Owner::Number(_) => profile.user.as_deref(),
        Owner::Untold => None,
    };
    let seen = View::of(profile, session, case);
    let (Some(login), Some(command)) = (login, seen.command(found)) else {
        let mut words = text!["Only the owner"];
        if let Owner::Number(uid) = who {
            words = words.then(text![", who has the number ", number(*uid), ","]);
        }
        words = words.with(" or those who run the server can change that, with ");
        words = words.with(if found.iter().any(|o| o.why == Why::Sticky) {
            "chmod -t for the folder"
        } else {
            "chmod g+rwX"
        });
        return Hint::advice(words.with("; the group must be one that the SFTP user is in."));
    };
    let mut words = match who {
        Owner::Number(uid) => text![
            "If it is ",
            number(*uid),
            ", let ",
            user(login),
            " give the group these rights, else ask those who run the server whose number that is"
        ],
        _ => text!["Let the owner, ", user(login), ", give the group these rights"],
    };
    if let Some(group) = found.iter().find_map(|o| o.rights.group.as_ref()) {
        words = words.then(text!["; the SFTP user must be in the group ", group.short()]);
    }
    words = words.with(". This goes over the login by key:");
    if !seen.certain {
        words = text![
            "The SFTP server hides where the folder really is. It should be ",
            path(&seen.top),
            "; if it is not, put the right path in its place. "
        ]
        .then(words);
    }
    let mut ssh = case.plan.ssh().user(login).command();
    ssh.0.push(there(command).into());
    Hint::run(words, ssh)
}

/// How the folder is seen by the shell user.
struct View {
    /// The folder that was looked at.
    top: String,
    /// What the SFTP server calls it.
    shown: String,
    certain: bool,
}

impl View {
    fn of(profile: &Profile, session: &SftpSession, case: &Case) -> Self {
        let shown = session.folder().map_or("/", |folder| folder.path.raw()).to_owned();
        let name = case.effective().map_or("", |e| e.user.as_str());
        let known: Vec<_> = profile.sftp.iter().flat_map(|sftp| sftp.folders_of(name)).collect();
        let inside = |folder: &String| {
            shown
                .strip_prefix(folder.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let locked_in = session.home.as_ref().is_some_and(|home| home.raw() == "/");
        let (top, certain) = match known.first() {
            _ if known.iter().any(inside) => (shown.clone(), true),
            Some(first) if locked_in => (format!("{first}{}", shown.trim_end_matches('/')), false),
            _ => (shown.clone(), !locked_in),
        };
        Self { top, shown, certain }
    }

    /// A place as the shell user has to write it.
    fn at(&self, place: &str) -> String {
        let rest = place.strip_prefix(self.shown.trim_end_matches('/')).unwrap_or(place);
        let rest = if rest == "/" { "" } else { rest };
        format!("{}{rest}", self.top.trim_end_matches('/'))
    }

    /// The command; none where nobody can say what the shell user calls the folder.
    fn command(&self, found: &[&Obstacle]) -> Option<Command> {
        if !self.certain && self.top == self.shown {
            return None;
        }
        let places = |is: fn(Why) -> bool| -> Vec<Text> {
            let those = found.iter().filter(|o| is(o.why));
            those.map(|o| path(self.at(&o.place)).into()).collect()
        };
        let (sticky, closed) = (places(|w| w == Why::Sticky), places(|w| w != Why::Sticky));
        // A name with letters that no terminal shows cannot be typed; find finds it all the same.
        let odd = found
            .iter()
            .any(|o| o.place.contains(crate::text::is_obeyed) || o.place.ends_with('…'));
        if closed.len() > MOST_NAMED || odd {
            let owner = found.first().map(|o| Owner::of(&o.rights));
            let mut find =
                command!["find", path(&self.top), "!", "-type", "l", "!", "-perm", "-020"];
            match owner {
                Some(Owner::Named(name)) => find.0.extend(["-user".into(), user(name).into()]),
                Some(Owner::Number(uid)) => find.0.extend(["-user".into(), number(uid).into()]),
                Some(Owner::Untold) | None => {}
            }
            find.0.extend(["-exec", "chmod", "g+rwX", "{}", "+"].map(Text::from));
            return Some(find);
        }
        let mut words: Vec<Text> = Vec::new();
        if !closed.is_empty() {
            words.extend(["chmod".into(), "g+rwX".into()]);
            words.extend(closed);
        }
        if !sticky.is_empty() {
            if !words.is_empty() {
                words.push(text::shell("&&").into());
            }
            words.extend(["chmod".into(), "-t".into()]);
            words.extend(sticky);
        }
        Some(Command(words))
    }
}

/// What keeps new files from the group of the folder: there are things of other groups in it, and it
/// does not hand on its own.
#[must_use]
pub fn group_note(session: &SftpSession, own: u32) -> Option<Text> {
    let folder = session.folder()?;
    let group = folder.rights.gid?;
    let stray = folder.entries.iter().filter(|entry| {
        entry.rights.uid != Some(own) && entry.rights.gid.is_some_and(|gid| gid != group)
    });
    let (count, setgid) = (stray.count(), folder.rights.has(SETGID));
    (count > 0 && folder.path.raw() != "/").then(|| {
        let words = text![
            number(count),
            " of the entries belong to another group than the folder, whose group is ",
            folder.rights.group.as_ref().map_or_else(|| number(group), |name| name.short().into()),
            ". Rights for the group only help members of that group (chgrp changes it)."
        ];
        if setgid {
            words
        } else {
            words.with(" With chmod g+s for the folder, new files get its group.")
        }
    })
}

#[cfg(test)]
mod tests;
