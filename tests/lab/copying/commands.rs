//! Which commands are run at either end: those that the documentation announces, word by word, and no
//! others.

use std::{fs, path::PathBuf};

use super::{in_ends, network::Ends, service, target};
use crate::{situations::args, world::Key};

const COPY: &str = include_str!("../../../docs/copy.md");
const SERVICE: &str = include_str!("../../../docs/checks/service.md");

/// Each of these commands is in the first column of the page's table.
fn are_announced(page: &str, commands: &[String]) {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let announced: Vec<_> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(announced.len() > 6, "the table is not found");
    for command in commands {
        let words = shlex::split(command).unwrap();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let is = |row: &&&str| fits(&row.split(' ').collect::<Vec<_>>(), &words);
        assert!(announced.iter().find(is).is_some(), "not announced: {command}");
    }
}

/// Whether a command is what a row of the table stands for.
fn fits(row: &[&str], words: &[&str]) -> bool {
    match (row.split_first(), words.split_first()) {
        (None, None) => true,
        (Some((&("OPTIONS" | "FILES"), rest)), _) => {
            (0..=words.len()).any(|several| fits(rest, &words[several..]))
        }
        (Some((placeholder, row)), Some((_, words)))
            if placeholder.chars().all(|c| c.is_ascii_uppercase()) =>
        {
            fits(row, words)
        }
        (Some((expected, row)), Some((word, words))) => expected == word && fits(row, words),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Starts the server of an end so that each command is noted before it runs.
fn noting(ends: &mut Ends, place: &'static str, key: &Key, settings: &[&str]) -> PathBuf {
    let notes = ends.world.server(&format!("{place}_commands"));
    fs::write(&notes, "").unwrap();
    std::os::unix::fs::chown(&notes, Some(ends.world.person.uid), None).unwrap();
    let note = format!("printf '%s\\n' \\\"$SSH_ORIGINAL_COMMAND\\\" >> {}", notes.display());
    // The server runs its SFTP itself, under this name.
    let sftp =
        "[ \\\"$SSH_ORIGINAL_COMMAND\\\" = internal-sftp ] && exec /usr/lib/openssh/sftp-server";
    let line =
        format!("command=\"{note}; {sftp}; eval \\\"$SSH_ORIGINAL_COMMAND\\\"\" {}\n", key.public);
    ends.serve(place, &line, settings, "");
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
        let source = noting(ends, "source", key, &[]);
        let dest = noting(ends, "dest", key, &[]);
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
        for (n, name) in [(2, "shop.example.test"), (4, "shop")] {
            let both = [format!("ssh -G -l USER -- {name}"), format!("getent ahosts {name}")];
            assert_eq!(looked[n..n + 2], both);
        }
        assert!(looked[6].starts_with(&format!("ls -d -- {known} ")), "{looked:?}");
        assert_eq!(looked[7..], [format!("ssh-keygen -F shop -f {known}")]);
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
        let room = [
            "hostname",
            "internal-sftp",
            "test -d . -a -w .",
            "df -Pk -- .",
            file[0],
            file[1],
            "test -w hello.txt",
        ];
        assert_eq!(there, room);

        are_announced(COPY, &with_file);
        let commands: Vec<_> = there.into_iter().filter(|line| line != "internal-sftp").collect();
        are_announced(COPY, &commands);

        // Where no tunnel is allowed, ssh there is the only one to ask.
        let source = noting(ends, "source", key, &["AllowTcpForwarding no"]);
        let ended = ends.preflight(&words);
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let without = noted(ends, &source);
        assert!(without.iter().any(|line| line.starts_with("ssh -v -T ")), "{without:?}");
        are_announced(COPY, &without);
    });
}

#[test]
fn commands_of_a_service() {
    service::in_environment("commands_of_a_service", |ends, key| {
        for settings in [&[][..], &["AllowTcpForwarding no"]] {
            let source = noting(ends, "source", key, settings);
            let ended = ends.preflight(&service::words(ends, &["--quiet"]));
            assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
            let looked = noted(ends, &source);
            let name = service::SERVICE;
            assert_eq!(looked[..2], ["hostname", "ssh-add -l"]);
            assert_eq!(looked[2], format!("ssh -G -l USER -p 443 -- {name}"));
            assert_eq!(looked[3], format!("getent ahosts {name}"));
            assert!(looked[4].starts_with("ls -d -- "), "{looked:?}");
            assert!(looked[5].starts_with(&format!("ssh-keygen -F '[{name}]:443' -f ")));
            let by_ssh = looked.iter().filter(|line| line.starts_with("ssh -v -T ")).count();
            assert_eq!(by_ssh, settings.len(), "{looked:?}");
            assert_eq!(looked.len(), 6 + settings.len(), "and no other: {looked:?}");
            are_announced(SERVICE, &looked);
        }
    });
}
