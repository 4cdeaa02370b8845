//! Which profiles there are: the built-in ones, a file, and those of the user's own folder.

use std::path::{Path, PathBuf};

use checks::profile::{Profile, Service, all_built_in, built_in, built_in_for, built_in_names};
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

/// Whether `--profile` names a file with this, and no profile that is known by its name.
#[must_use]
pub fn is_file(name: &str, own: &[Profile]) -> bool {
    built_in(name).is_none() && !own.iter().any(|p| p.name == name)
}

/// The service of this name: of the profile that is given, else of the one of the target, else of
/// the only one that has such a service.
///
/// # Errors
/// That there is none, with those that there are; or that several profiles have one.
pub fn service(
    name: &str,
    profile: Option<&Profile>,
    target: Option<&str>,
    own: &[Profile],
) -> Result<(Service, Profile), String> {
    let has = |p: &&Profile| p.services.iter().any(|service| service.name == name);
    let found = |p: &Profile| {
        let service = p.services.iter().find(|service| service.name == name)?;
        Some((service.clone(), p.of_service(name)?))
    };
    let of_target = || {
        let host = target?;
        let mine = own.iter().find(|p| p.matches(host));
        Some(mine.unwrap_or_else(|| built_in_for(host))).filter(has)
    };
    if let Some(of) = profile.or_else(of_target) {
        return found(of).ok_or_else(|| none(name, std::iter::once(of)));
    }
    let all = || own.iter().chain(all_built_in());
    let with: Vec<_> = all().filter(has).collect();
    match with.as_slice() {
        [] => Err(none(name, all())),
        [one] => found(one).ok_or_else(|| none(name, all())),
        several => {
            let names: Vec<_> = several.iter().map(|p| p.name.as_str()).collect();
            Err(format!(
                "Several profiles have a service \"{name}\": {}. Say which, with --profile.",
                names.join(", ")
            ))
        }
    }
}

fn none<'p>(name: &str, profiles: impl Iterator<Item = &'p Profile>) -> String {
    let there: Vec<_> = profiles
        .flat_map(|p| p.services.iter().map(|s| format!("{} ({})", s.name, p.name)))
        .collect();
    let there = if there.is_empty() { "it has none".to_owned() } else { there.join(", ") };
    format!("There is no service \"{name}\" in the profile. Services that there are: {there}.")
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
    let profiles: Result<Vec<Profile>, String> = files.iter().map(read_one).collect();
    Ok(profiles?.into_iter().flat_map(Profile::with_services).collect())
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
    fn a_service_of_the_profile_or_the_target_or_the_only_one() {
        let mine = "name = \"mine\"\nhosts = [\"*.mine\"]\n[[services]]\nname = \"repository\"\nhost = \"git.mine\"\n";
        let mine = Profile::parse(mine, "f").unwrap();
        let own = std::slice::from_ref(&mine);
        let host = |found: Result<(Service, Profile), String>| found.map(|(s, _)| s.host);
        let akeneo = Ok("distribution.akeneo.com".to_owned());
        assert_eq!(host(service("repository", None, None, &[])), akeneo);
        assert_eq!(host(service("repository", None, Some("a.cloud.akeneo.com"), own)), akeneo);
        assert_eq!(host(service("repository", None, Some("a.mine"), own)), Ok("git.mine".into()));
        assert_eq!(host(service("repository", Some(&mine), None, own)), Ok("git.mine".into()));
        let several = service("repository", None, Some("elsewhere.example"), own).unwrap_err();
        assert!(several.contains("mine, akeneo"), "{several}");
        let none = service("shop", None, None, own).unwrap_err();
        assert!(none.contains("repository (mine), repository (akeneo)"), "{none}");
        let none = service("repository", built_in("generic"), None, own).unwrap_err();
        assert!(none.contains("it has none"), "{none}");
    }

    #[test]
    fn built_in_own_and_file() {
        let own = Profile::parse("name = \"mine\"", "f").unwrap();
        assert_eq!(named("akeneo", &[]).unwrap().name, "akeneo");
        assert_eq!(named("mine", std::slice::from_ref(&own)).unwrap(), own);
        let none = named("nowhere", &[own]).unwrap_err();
        assert!(none.contains("akeneo, akeneo-repository, git-forge, generic, mine"), "{none}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "name = \"a\"\n\nusr = 1\n").unwrap();
        let wrong = named(file.path().to_str().unwrap(), &[]).unwrap_err();
        assert!(wrong.contains(":3: "), "{wrong}");
    }
}
