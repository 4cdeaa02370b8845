//! Which commands are run at either end: those that the documentation announces, word by word, and no
//! others.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::{in_ends, network::Ends, target};
use crate::{situations::args, world::Key};

const ANNOUNCED: &str = include_str!("../../../docs/copy.md");

/// Starts the server of an end so that each command is noted before it runs.
fn noting(ends: &mut Ends, place: &'static str, key: &Key) -> PathBuf {
    let notes = ends.world.server(&format!("{place}_commands"));
    fs::write(&notes, "").unwrap();
    std::os::unix::fs::chown(&notes, Some(ends.world.person.uid), None).unwrap();
    let note = format!("printf '%s\\n' \\\"$SSH_ORIGINAL_COMMAND\\\" >> {}", notes.display());
    let line = format!("command=\"{note}; eval \\\"$SSH_ORIGINAL_COMMAND\\\"\" {}\n", key.public);
    ends.serve(place, &line, &[], "");
    notes
}

/// What was run, with the user's name made neutral.
fn noted(ends: &Ends, notes: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(notes).unwrap();
    text.lines().map(|line| line.replace(&ends.world.person.name, "USER")).collect()
}

#[test]
fn commands_of_a_copy() {
    in_ends("commands_of_a_copy", |ends, key| {
        let (source, dest) = (noting(ends, "source", key), noting(ends, "dest", key));
        let config = ends.world.dot_ssh("config").display().to_string();
        let mut words = args!["copy", "-F", config, "--quiet", "--timeout", "30s"];
        words.push(target(ends, "shop-staging.example.test"));
        words.push(target(ends, "shop.example.test"));
        let ended = ends.preflight(&words);
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let home = ends.world.person.passwd_home.display().to_string();
        let home = home.replace(&ends.world.person.name, "USER");
        let known = format!("{home}/.ssh/known_hosts");
        let looked = noted(ends, &source);
        assert_eq!(looked[..2], ["hostname", "ssh-add -l"]);
        assert_eq!(looked[2..4], ["ssh -G -l USER -- shop", "getent ahosts shop"]);
        assert!(looked[4].starts_with(&format!("ls -d -- {known} ")), "{looked:?}");
        assert_eq!(looked[5..], [format!("ssh-keygen -F shop -f {known}")]);
        assert!(noted(ends, &dest).is_empty(), "nobody is logged in there");

        fs::write(&source, "").unwrap();
        words.extend(args!["--file", "hello.txt"]);
        let ended = ends.preflight(&words);
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let with_file = noted(ends, &source);
        let file = ["ls -lndL -- hello.txt", "test -r hello.txt"];
        assert_eq!(with_file[2..4], file);
        let others = [&with_file[..2], &with_file[4..]].concat();
        assert_eq!(others, looked, "the rest is as without a file");
        let there = noted(ends, &dest);
        let room = ["hostname", "test -d . -a -w .", "df -Pk -- .", file[0], file[1]];
        assert_eq!(there, room);

        // Each of them is announced.
        let programs: BTreeSet<_> =
            with_file.iter().chain(&there).filter_map(|line| line.split(' ').next()).collect();
        for program in programs {
            let row = ANNOUNCED.lines().find(|line| line.starts_with(&format!("| `{program}")));
            assert!(row.is_some(), "docs/copy.md does not announce {program}");
        }
    });
}
