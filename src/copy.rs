//! `copy SOURCE DESTINATION`: what is to be examined for a copy between two hosts.

use checks::case::Plan;

use crate::{
    cli::Options,
    mistakes,
    pair::{self, Goal},
    plans,
    ssh_options::Sorted,
};

/// The two ends of a copy, as plans: the source, then the destination as it is seen from here.
///
/// # Errors
/// What is wrong with the command line, and what was meant.
pub fn plans(sorted: &Sorted, options: &Options) -> Result<Vec<Plan>, String> {
    let form = "It is written: ssh-preflight copy SOURCE DESTINATION, each as USER@HOST.";
    if let Some(wrong) = mistakes::port_of_a_transfer(sorted) {
        return Err(format!("{wrong} For one end alone: ssh://USER@HOST:PORT."));
    }
    // The word itself is no target.
    let (words, places) = (sorted.words.get(1..), sorted.places.get(1..));
    let ends = Sorted {
        words: words.unwrap_or_default().to_vec(),
        places: places.unwrap_or_default().to_vec(),
        ..sorted.clone()
    };
    if let Some(path) = ends.words.iter().find(|word| is_scp_path(word)) {
        let shown = checks::text::foreign(path).plain();
        return Err(format!(
            "\"{shown}\" names a file. Give the hosts alone, and the file with --file. {form}"
        ));
    }
    if ends.words.len() != 2 {
        let asked = if ends.words.len() < 2 {
            "copy from where, to where?"
        } else {
            "copy takes two hosts."
        };
        return Err(format!("{asked} {form} A host of the name copy is `-- copy`."));
    }
    if options.file.as_deref().is_some_and(|file| file.is_empty() || file.contains(['\0', '\n'])) {
        return Err("--file takes the path of one file at the source.".into());
    }
    if let Some(path) = options.file.as_deref().and_then(|file| file.strip_prefix("~/")) {
        return Err(format!(
            "In --file, ~ is no folder: a name that does not begin with / is looked for in your home \
             there. Write: --file {}",
            checks::text::Command(vec![checks::text::foreign(path).into()]).plain()
        ));
    }
    let mut plans = plans::of_targets(&ends, options)?;
    let [source, destination] = plans.as_mut_slice() else { return Err(form.into()) };
    if pair::end(source).is_same(&pair::end(destination)) {
        return Err(format!("Source and destination are the same host. {form}"));
    }
    destination.login = false;
    pair::join(source, destination, Goal::Copy(options.file.clone()));
    Ok(plans)
}

/// `HOST:PATH`, as for scp.
fn is_scp_path(word: &str) -> bool {
    let path = word.split_once(':').map(|(_, path)| path).filter(|_| !word.contains("://"));
    path.is_some_and(|path| !path.is_empty() && !word.contains('[') && path.parse::<u16>().is_err())
        && word.matches(':').count() == 1
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use checks::pair::Role;

    use super::*;
    use crate::ssh_options;

    fn of(line: &str) -> Result<Vec<Plan>, String> {
        let sorted = ssh_options::sort(line.split(' ').map(str::to_owned)).unwrap();
        let ours = std::iter::once("x".to_owned()).chain(sorted.ours.clone());
        plans(&sorted, &Options::try_parse_from(ours).unwrap())
    }

    #[test]
    fn two_ends() {
        let plans = of("copy -i key a@one b@two --file dump.sql").unwrap();
        let [source, destination] = plans.as_slice() else { unreachable!("two ends") };
        assert_eq!((source.host.as_str(), destination.host.as_str()), ("one", "two"));
        assert!(source.login && source.wants_forwarding && !destination.login);
        assert_eq!(source.ssh_options, ["-i", "key", "-A"]);
        assert_eq!(destination.ssh_options, ["-i", "key"]);
        let part = destination.pair.as_ref().unwrap();
        assert_eq!((part.role, part.file.as_deref()), (Role::Destination, Some("dump.sql")));
        assert_eq!(part.destination.user.as_deref(), Some("b"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, says) in [
            ("copy", "from where"),
            ("copy a@one", "from where"),
            ("copy a b c", "two hosts"),
            ("copy a@one A@ONE.", "the same host"),
            ("copy a@one b@two:dump.sql", "--file"),
            ("copy -P 2222 a@one b@two", "the port is -p 2222"),
            ("copy a@one.example.com a@one", "the same host"),
        ] {
            let said = of(line).unwrap_err();
            assert!(said.contains(says), "{line}: {said}");
        }
        assert!(of("copy a@one.example.com a@one.example.org").is_ok(), "two domains");
        // Here, a short name may be anything.
        assert!(of("copy a@one a@one.example.com").is_ok());
        assert!(of("copy ssh://a@one:22 ssh://a@one:2222").is_ok(), "two ports are two places");
    }
}
