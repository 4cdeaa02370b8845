//! Which profiles there are: the built-in ones, a file, and those of the user's own folder.

use std::path::{Path, PathBuf};

use checks::profile::{Profile, built_in, built_in_names};
use etcetera::BaseStrategy;

use crate::plans;

/// The profile that `--profile` names: a built-in one, one of the user's own, or a file.
///
/// # Errors
/// That there is none, or what is wrong with it: file, line and reason.
pub fn named(name: &str, own: &[Profile]) -> Result<Profile, String> {
    let found = own.iter().find(|p| p.name == name).or_else(|| built_in(name));
    match found {
        Some(profile) => Ok(profile.clone()),
        None => read(Path::new(name)).map_err(|wrong| match wrong {
            Wrong::Unreadable(e) => {
                let mut names = built_in_names();
                names.extend(own.iter().map(|p| p.name.as_str()));
                let names = names.join(", ");
                format!(
                    "There is no profile \"{name}\" (there are: {names}), and no such file: {e}."
                )
            }
            Wrong::Content(words) => words,
        }),
    }
}

/// The profiles of the user's own folder, `ssh-preflight/profiles` in the folder for settings
/// (`~/.config` where nothing else is set), by file name.
///
/// # Errors
/// What is wrong with one of them: file, line and reason. A wrong one is not passed over, since its
/// owner would take the verdict for one by its rules.
pub fn own() -> Result<Vec<Profile>, String> {
    let Some(folder) = folder() else { return Ok(Vec::new()) };
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|e| e.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let read_one = |file: &PathBuf| {
        read(file).map_err(|wrong| match wrong {
            Wrong::Unreadable(e) => format!("Cannot read {}: {e}.", file.display()),
            Wrong::Content(words) => words,
        })
    };
    files.iter().map(read_one).collect()
}

fn folder() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("ssh-preflight").join("profiles"))
}

enum Wrong {
    Unreadable(std::io::Error),
    Content(String),
}

/// Larger files are no profiles.
const MOST_BYTES: u64 = 1 << 20;

fn read(file: &Path) -> Result<Profile, Wrong> {
    let text = plans::text_of(file, MOST_BYTES).map_err(Wrong::Unreadable)?;
    let name = file.display().to_string();
    Profile::parse(&text, &name).map_err(|wrong| Wrong::Content(wrong.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_own_and_file() {
        let own = Profile::parse("name = \"mine\"", "f").unwrap();
        assert_eq!(named("akeneo", &[]).unwrap().name, "akeneo");
        assert_eq!(named("mine", std::slice::from_ref(&own)).unwrap(), own);
        let none = named("nowhere", &[own]).unwrap_err();
        assert!(none.contains("akeneo, git-forge, generic, mine"), "{none}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "name = \"a\"\n\nusr = 1\n").unwrap();
        let wrong = named(file.path().to_str().unwrap(), &[]).unwrap_err();
        assert!(wrong.contains(":3: "), "{wrong}");
    }
}
