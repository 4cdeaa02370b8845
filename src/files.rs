//! Files beside the standard output: which form each gets, and how they are written.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use crate::cli::Format;

/// A file that a report goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where it is.
    pub path: PathBuf,
    /// What is written into it: the ending says it.
    pub format: Format,
}

/// Endings of file names, and the form of a report that each stands for.
const ENDINGS: [(&str, Format); 10] = [
    ("json", Format::Json),
    ("html", Format::Html),
    ("htm", Format::Html),
    ("md", Format::Markdown),
    ("markdown", Format::Markdown),
    ("xml", Format::Junit),
    ("sarif", Format::Sarif),
    ("txt", Format::Text),
    ("text", Format::Text),
    ("log", Format::Text),
];

/// Reads the value of `--output`.
///
/// # Errors
/// An ending that stands for no form of a report, with those that do.
pub fn output(name: &str) -> Result<Output, String> {
    let path = PathBuf::from(name);
    if path.as_os_str().is_empty() {
        return Err("the name of a file is missing".into());
    }
    let format = format_of(&path)?;
    Ok(Output { path, format })
}

/// No ending means text, and so does what is no regular file: `/dev/stdout`, a pipe.
fn format_of(path: &Path) -> Result<Format, String> {
    let special = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    // `report.sarif.json` is how some call a SARIF file.
    let inner = path.file_stem().map(Path::new).and_then(Path::extension);
    let Some(ending) = path.extension().filter(|_| !special) else { return Ok(Format::Text) };
    let is_json = ending.eq_ignore_ascii_case("json");
    if is_json && inner.is_some_and(|inner| inner.eq_ignore_ascii_case("sarif")) {
        return Ok(Format::Sarif);
    }
    let known = ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map(|(_, format)| *format).ok_or_else(|| {
        let all: Vec<_> = ENDINGS.iter().map(|(known, _)| format!(".{known}")).collect();
        let shown = checks::text::printable(&ending.to_string_lossy());
        format!(
            "no report is written to a file that ends in .{shown}; the endings are {}, or none \
             for text",
            all.join(", ")
        )
    })
}

/// The file that is named twice among those that are to be written, if there is one: the second
/// report would silently replace the first.
#[must_use]
pub fn named_twice<'p>(files: impl IntoIterator<Item = &'p Path>) -> Option<&'p Path> {
    let mut seen = std::collections::HashSet::new();
    files.into_iter().find(|file| !is_special(file) && !seen.insert(place_of(file)))
}

fn is_special(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| !found.is_file())
}

/// One place in the file system, however it is written: `x` and `./x`, or a link to it.
fn place_of(file: &Path) -> PathBuf {
    if let Ok(place) = file.canonicalize() {
        return place;
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (folder.unwrap_or(Path::new(".")).canonicalize(), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_path_buf(),
    }
}

/// Writes a file whole or not at all. What is there and is no regular file (`/dev/stdout`, a pipe)
/// is written to: a rename would put a file in its place. A link stays a link.
///
/// # Errors
/// What is wrong, in words for people.
pub fn write(file: &Path, text: &str) -> Result<(), String> {
    write_for(file, text, &Readers::AsUsual)
}

/// The same, for the eyes of this user alone where the file is new.
///
/// # Errors
/// What is wrong, in words for people.
pub fn write_private(file: &Path, text: &str) -> Result<(), String> {
    write_for(file, text, &Readers::Owner)
}

/// Who may read a new file.
#[derive(Debug, PartialEq, Eq)]
enum Readers {
    /// Whoever this user lets read new files (umask).
    AsUsual,
    /// This user alone.
    Owner,
}

fn write_for(file: &Path, text: &str, readers: &Readers) -> Result<(), String> {
    let write = || -> std::io::Result<()> {
        let there = std::fs::metadata(file).ok();
        if there.as_ref().is_some_and(|found| !found.is_file()) {
            return std::fs::OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes());
        }
        let file = if there.is_some() { file.canonicalize()? } else { file.to_path_buf() };
        let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        if *readers == Readers::AsUsual {
            use std::os::unix::fs::PermissionsExt;
            // The system takes away what umask says, as from every new file.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut new = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        new.write_all(text.as_bytes())?;
        if let Some(found) = there {
            new.as_file().set_permissions(found.permissions())?;
        }
        new.as_file().sync_all()?;
        new.persist(&file)?;
        Ok(())
    };
    write().map_err(|e| cannot_write(file, &e))
}

/// Adds to the end of a file that others write to as well.
///
/// # Errors
/// What is wrong, in words for people.
pub fn append(file: &Path, text: &str) -> Result<(), String> {
    let open = std::fs::OpenOptions::new().append(true).create(true).open(file);
    open.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| cannot_write(file, &e))
}

fn cannot_write(file: &Path, e: &std::io::Error) -> String {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let shown = |path: &Path| checks::text::printable(&path.to_string_lossy());
    let why = match folder {
        _ if file.is_dir() => "it is a folder; name a file in it".into(),
        Some(folder) if !folder.exists() => {
            format!("there is no folder {}; make it first", shown(folder))
        }
        Some(folder) if !folder.is_dir() => format!("{} is no folder", shown(folder)),
        _ => e.to_string(),
    };
    format!("Cannot write {}: {why}.", shown(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_form() {
        for (name, format) in [
            ("r.json", Format::Json),
            ("R.JSON", Format::Json),
            ("a.b/r.md", Format::Markdown),
            ("r.xml", Format::Junit),
            ("r.sarif", Format::Sarif),
            ("r.sarif.json", Format::Sarif),
            ("r.txt", Format::Text),
            ("r.log", Format::Text),
            ("report", Format::Text),
            (".hidden", Format::Text),
        ] {
            assert_eq!(output(name).unwrap().format, format, "{name}");
        }
        for name in ["r.pdf", "r.jsn", "r.", "v1.2", ""] {
            assert!(output(name).is_err(), "{name}");
        }
        let told = output("x.\u{1b}[2J").unwrap_err();
        assert!(told.contains("\\u{1b}") && told.contains(".sarif"), "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn a_report_may_be_read_by_those_who_read_other_new_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let found = std::fs::metadata(folder.path().join(name)).unwrap();
            found.permissions().mode() & 0o777
        };
        std::fs::write(folder.path().join("usual"), "").unwrap();
        write(&folder.path().join("report"), "x").unwrap();
        write_private(&folder.path().join("recording"), "x").unwrap();
        assert_eq!((mode("report"), mode("recording")), (mode("usual"), 0o600));
    }

    #[test]
    fn one_file_in_two_writings_is_named_twice() {
        let folder = tempfile::tempdir().unwrap();
        let [file, same, other] = ["r.md", "./r.md", "s.md"].map(|name| folder.path().join(name));
        let twice = |files: [&PathBuf; 2]| named_twice(files.map(PathBuf::as_path)).is_some();
        assert!(twice([&file, &same]) && !twice([&file, &other]));
        std::fs::write(&file, "").unwrap();
        assert!(twice([&file, &same]) && !twice([&file, &other]));
        #[cfg(unix)]
        {
            let null = PathBuf::from("/dev/null");
            assert!(!twice([&null, &null]), "what is thrown away may be thrown away twice");
        }
    }

    #[test]
    fn what_cannot_be_written_is_told_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let told = write(folder.path(), "x").unwrap_err();
        assert!(told.contains("it is a folder"), "{told}");
        let told = write(&folder.path().join("no/such.md"), "x").unwrap_err();
        assert!(told.contains("there is no folder"), "{told}");
        let file = folder.path().join("file");
        std::fs::write(&file, "old").unwrap();
        let told = write(&file.join("x.md"), "x").unwrap_err();
        assert!(told.contains("is no folder"), "{told}");
        append(&file, "+new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old+new");
    }
}
