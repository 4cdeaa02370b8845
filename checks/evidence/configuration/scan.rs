//! Before ssh2-config reads a file: whether it can. It passes over `Match` and gives what follows
//! to the block before, so with such a line nothing that it says of any host would be certain.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::key_of;
use crate::evidence::identities::NOT_REGULAR;

/// Larger files are no configuration.
const MOST_BYTES: u64 = 4 << 20;
/// Includes in includes, as `ssh` follows them (`readconf.c`, READCONF_MAX_DEPTH).
const MOST_DEPTH: usize = 16;

/// A configuration file's text. A pipe would wait for a writer, and a device may have no end.
pub(super) fn text_of(path: &Path) -> io::Result<String> {
    if path == Path::new("/dev/null") {
        return Ok(String::new());
    }
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Why only `ssh` itself can tell what this text means; `folder` is where its includes are.
pub(super) fn obstacle(text: &str, folder: &Path, home: &str, depth: usize) -> Option<String> {
    for line in text.lines() {
        let key = key_of(line);
        let rest = line.trim().get(key.len()..).unwrap_or_default();
        let rest = rest.trim_start().trim_start_matches('=').trim();
        if key.eq_ignore_ascii_case("match") {
            return Some("the configuration has a Match line, which only ssh can follow".into());
        }
        if !key.eq_ignore_ascii_case("include") {
            continue;
        }
        if depth >= MOST_DEPTH {
            return Some("the configuration includes itself".into());
        }
        for path in included(rest, folder, home) {
            let found = match text_of(&path) {
                Ok(text) => obstacle(&text, folder, home, depth + 1),
                Err(e) if e.kind() == io::ErrorKind::NotFound => None,
                Err(e) => Some(format!("{} cannot be read: {e}", path.display())),
            };
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// The files of an `Include` line.
fn included(words: &str, folder: &Path, home: &str) -> Vec<PathBuf> {
    let words = shlex::split(words).unwrap_or_default();
    let place = |word: &String| match word.strip_prefix("~/") {
        Some(rest) => Path::new(home).join(rest),
        None => folder.join(word),
    };
    words.iter().map(place).flat_map(|pattern| matching(&pattern)).collect()
}

/// The files that a pattern in the last part of a path names.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    if !name.contains(['*', '?', '[']) {
        return vec![pattern.to_path_buf()];
    }
    let Ok(glob) = globset::Glob::new(&name) else { return Vec::new() };
    let glob = glob.compile_matcher();
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| glob.is_match(entry.file_name())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_line_is_found_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        std::fs::create_dir(folder.path().join("conf.d")).unwrap();
        std::fs::write(folder.path().join("conf.d/10-work"), "Host a\n  MATCH exec true\n")
            .unwrap();
        std::fs::write(folder.path().join("good"), "Host matchbox\n  User match\n").unwrap();
        std::fs::write(folder.path().join("ring"), "Include ring\n").unwrap();
        for (text, found) in [
            ("Host a\nMatch all\n", true),
            ("match=host a\n", true),
            ("# Match all\nHost Match\n", false),
            ("Include good nowhere\n", false),
            ("Include conf.d/*\n", true),
            ("Include ~/conf.d/10-work\n", true),
            ("Include conf.d/20-*\n", false),
            ("Include conf.d\n", true),
            ("Include ring\n", true),
        ] {
            assert_eq!(obstacle(text, folder.path(), home, 0).is_some(), found, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "((include|match|host)?[ =\"]?.{0,12}\n?){0,6}") {
            let _ = obstacle(&text, Path::new("/nowhere"), "/nowhere", 0);
        }
    }
}
