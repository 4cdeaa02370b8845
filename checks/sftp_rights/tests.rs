use super::*;
use crate::{
    evidence::{made, sftp::Entry},
    profile::built_in,
};

/// The SFTP user, the shell user, and root.
const OWN: u32 = 1001;
const SHELL: u32 = 1000;

fn rights(mode: u32, uid: u32) -> Rights {
    let name = if uid == SHELL {
        "akeneo"
    } else if uid == OWN {
        "akeneosftp"
    } else {
        "root"
    };
    Rights {
        mode: Some(mode),
        uid: Some(uid),
        gid: Some(50),
        owner: Some(Foreign::from_bytes(name.as_bytes())),
        group: Some(Foreign::from_bytes(b"pim")),
    }
}

fn folder(path: &str, mode: u32, uid: u32, entries: &[(&str, u32, u32)]) -> Folder {
    let entry = |(name, mode, uid): &(&str, u32, u32)| Entry {
        name: Foreign::from_bytes(name.as_bytes()),
        rights: rights(*mode, *uid),
    };
    Folder {
        path: Foreign::from_bytes(path.as_bytes()),
        rights: rights(0o040_000 | mode, uid),
        entries: entries.iter().map(entry).collect(),
        trouble: None,
    }
}

fn session(home: &str, folder: Folder) -> SftpSession {
    let home = Some(Foreign::from_bytes(home.as_bytes()));
    SftpSession { home, folders: vec![folder], ..SftpSession::default() }
}

#[test]
fn the_folder_decides_about_names_and_the_file_about_content() {
    use Why::{File, Folder, Sticky};
    let theirs = [("a.csv", 0o100_644, SHELL)];
    let shared = [("a.csv", 0o100_664, SHELL)];
    let own = [("b.csv", 0o100_644, OWN)];
    type Row<'r> = (u32, u32, &'r [(&'r str, u32, u32)], Vec<Why>);
    let rows: Vec<Row<'_>> = vec![
        (0o755, OWN, &own, vec![]),
        (0o755, OWN, &theirs, vec![File]),
        (0o2775, SHELL, &shared, vec![]),
        (0o2775, SHELL, &theirs, vec![File]),
        (0o755, SHELL, &shared, vec![Folder]),
        (0o755, SHELL, &own, vec![Folder]),
        (0o755, SHELL, &[], vec![Folder]),
        (0o3775, SHELL, &shared, vec![Sticky]),
        (0o3775, SHELL, &own, vec![]),
        (0o3775, OWN, &shared, vec![]),
        (0o777, 0, &shared, vec![]),
        (0o755, 0, &shared, vec![Folder]),
    ];
    for (mode, uid, entries, expected) in rows {
        let session = session("/data", folder("/data", mode, uid, entries));
        let found: Vec<_> = obstacles(&session, OWN).iter().map(|o| o.why).collect();
        assert_eq!(found, expected, "{mode:o} {uid} {entries:?}");
        assert!(obstacles(&session, 0).is_empty(), "nothing is in the way of root");
    }
}

#[test]
fn where_users_are_locked_in_nobody_writes_and_that_is_right() {
    let locked = session("/", folder("/", 0o755, 0, &[("upload", 0o040_755, OWN)]));
    assert!(obstacles(&locked, OWN).is_empty());
}

#[test]
fn who_one_is_shows_in_a_name_or_in_a_test_file() {
    let mut session = session("/data", folder("/data", 0o755, SHELL, &[("b.csv", 0o100_644, OWN)]));
    assert_eq!(own_number(&session, "akeneosftp"), Some(OWN));
    assert_eq!(own_number(&session, "else"), None);
    session.write_test = Some(crate::evidence::sftp::WriteTest {
        rights: Some(Rights { uid: Some(7), ..Rights::default() }),
        ..Default::default()
    });
    assert_eq!(own_number(&session, "akeneosftp"), Some(7));
}

fn commands(home: &str, top: Folder) -> Vec<String> {
    hints(home, top).iter().map(|h| h.command.as_ref().map_or("-".into(), Command::plain)).collect()
}

fn hints(home: &str, top: Folder) -> Vec<Hint> {
    let mut effective = made::effective(22);
    effective.host = "shop.cloud.akeneo.com".into();
    effective.user = "akeneosftp".into();
    let mut case = made::case(effective);
    case.plan.host = "shop.cloud.akeneo.com".into();
    case.plan.user = Some("akeneosftp".into());
    case.plan.profile = built_in("akeneo").cloned();
    let session = session(home, top);
    let found = obstacles(&session, OWN);
    remedies(&case, &session, &found)
}

/// In a chroot there are no names; each number is somebody else's.
#[test]
fn owners_that_are_numbers_are_not_given_a_name() {
    let mut top = folder("/", 0o2775, OWN, &[("a", 0o100_644, SHELL), ("b", 0o100_644, 2002)]);
    for (n, entry) in top.entries.iter_mut().enumerate() {
        // Some servers write the number in the place of the name.
        entry.rights.owner = (n == 1).then(|| Foreign::from_bytes(b"2002"));
    }
    let said = hints("/", top.clone());
    let [whose, first, second] = said.as_slice() else { panic!("{said:?}") };
    let command = |hint: &Hint| hint.command.as_ref().unwrap().plain();
    assert_eq!(command(whose), "ssh akeneo@shop.cloud.akeneo.com 'id -u'");
    assert!(first.text.plain().contains("If it is 1000, let akeneo"), "{first:?}");
    assert!(second.text.plain().contains("If it is 2002, let akeneo"), "{second:?}");
    assert!(command(first).contains("/a") && !command(first).contains("/b"), "{first:?}");
    assert!(!said.iter().any(|hint| hint.text.plain().contains("the owner, akeneo")));
    // Many are found by the number.
    top.entries = (0..9).map(|_| top.entries[1].clone()).collect();
    assert!(command(&hints("/", top)[1]).contains("-user 2002"));
}

#[test]
fn the_owner_is_told_the_exact_command() {
    let at = "/data/transfer/akeneosftp";
    let files = [("a b.csv", 0o100_644, SHELL), ("c.csv", 0o100_640, SHELL)];
    let ssh = "ssh akeneo@shop.cloud.akeneo.com";
    assert_eq!(
        commands(at, folder(at, 0o2775, SHELL, &files)),
        [format!("{ssh} \"chmod g+rwX '{at}/a b.csv' {at}/c.csv\"")]
    );
    assert_eq!(
        commands(at, folder(at, 0o3775, SHELL, &files[..1])),
        [format!("{ssh} \"chmod g+rwX '{at}/a b.csv' && chmod -t {at}\"")]
    );
    // Locked in, the server shows another path than the shell user knows.
    assert_eq!(
        commands("/", folder("/", 0o755, SHELL, &[])),
        [format!("{ssh} 'chmod g+rwX {at}'")]
    );
    // What belongs to root, its owner cannot mend.
    assert_eq!(commands(at, folder(at, 0o755, 0, &[])), ["-"]);
    let many: Vec<_> = (0..9).map(|_| ("x.csv", 0o100_644, SHELL)).collect();
    let found = commands(at, folder(at, 0o2775, SHELL, &many));
    assert!(found[0].contains(&format!("find {at} ")) && found[0].contains("-user akeneo"));
}

#[test]
fn modes_are_written_as_ls_writes_them() {
    for (bits, expected) in
        [(0o644, "rw-r--r--"), (0o2775, "rwxrwsr-x"), (0o3774, "rwxrwsr-T"), (0o6644, "rwSr-Sr--")]
    {
        assert_eq!(mode(&rights(bits, 1)), expected);
    }
}

#[test]
fn things_of_other_groups_are_noted() {
    let mut folder = folder("/data", 0o775, SHELL, &[("a.csv", 0o100_664, SHELL)]);
    assert_eq!(group_note(&session("/data", folder.clone()), OWN), None);
    folder.entries[0].rights.gid = Some(9);
    let note = group_note(&session("/data", folder), OWN).unwrap().plain();
    assert!(note.contains("chgrp") && note.contains("g+s"), "{note}");
}
