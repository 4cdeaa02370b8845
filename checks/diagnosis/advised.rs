//! Commands of `ssh` that a diagnosis advises: the one that was typed, with a change.

use crate::{
    case::Case,
    text,
    text::{Command, Text, foreign, host, number, user},
};

/// The typed command with these options before it, since the first word counts for `ssh`.
pub(super) fn ssh_with(case: &Case, options: impl IntoIterator<Item = Text>) -> Command {
    let port = case.effective().map_or(22, |effective| effective.port);
    ssh_at(case, options, port)
}

/// The same at another port.
pub(super) fn ssh_at(case: &Case, options: impl IntoIterator<Item = Text>, port: u16) -> Command {
    let mut words = vec![Text::from("ssh")];
    words.extend(options);
    let advised: Vec<_> = words.iter().map(Text::plain).collect();
    // These options of the command line win over any `-o`, and a key that is named twice is still
    // offered first; so what was typed gives way to what is advised.
    let gives_way = |typed: &str| {
        let sets = |word: &str| advised.iter().any(|advised| advised.starts_with(word));
        match typed {
            "-i" => sets("-i"),
            "-c" => sets("Ciphers="),
            "-m" => sets("MACs="),
            "-4" | "-6" => sets("AddressFamily="),
            _ => false,
        }
    };
    let mut typed = case.plan.ssh_options.iter();
    while let Some(option) = typed.next() {
        let has_value = matches!(option.as_str(), "-i" | "-c" | "-m" | "-o");
        let value = if has_value { typed.next() } else { None };
        let same_setting = option == "-o"
            && value.and_then(|value| value.split_once('=')).is_some_and(|(name, _)| {
                advised
                    .iter()
                    .filter_map(|word| word.split_once('='))
                    .any(|(advised, _)| advised.trim().eq_ignore_ascii_case(name.trim()))
            });
        if !same_setting && !gives_way(option) {
            words.extend(std::iter::once(option).chain(value).map(|part| foreign(part).into()));
        }
    }
    let configured = case.effective().is_some_and(|e| e.port == port) && case.plan.port.is_none();
    if port != 22 || !configured {
        words.extend([text!["-p"], text![number(port)]]);
    }
    if let Some(effective) = case.effective() {
        words.extend([text!["-l"], text![user(&effective.user)]]);
    }
    words.push(text![host(&case.plan.host)]);
    Command(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    fn typed(options: &[&str], port: u16) -> Case {
        let mut case = made::case(made::effective(port));
        case.plan.ssh_options = options.iter().map(|o| (*o).to_owned()).collect();
        case
    }

    #[test]
    fn what_was_typed_stays_and_gives_way() {
        let case = typed(
            &["-F", "my config", "-6", "-i", "id_a", "-c", "aes128-ctr", "-o", "User=y"],
            2222,
        );
        let advised = |words: &[&'static str]| {
            ssh_with(&case, words.iter().map(|word| Text::from(*word))).plain()
        };
        let end = format!("-p 2222 -l {} {}", made::effective(2222).user, case.plan.host);
        for (words, kept) in [
            (&["-i", "id_b"][..], "-i id_b -F 'my config' -6 -c aes128-ctr -o User=y"),
            (&["-o", "Ciphers=+x"], "-o Ciphers=+x -F 'my config' -6 -i id_a -o User=y"),
            (
                &["-o", "AddressFamily=any"],
                "-o AddressFamily=any -F 'my config' -i id_a -c aes128-ctr -o User=y",
            ),
        ] {
            assert_eq!(advised(words), format!("ssh {kept} {end}"));
        }
    }
}
