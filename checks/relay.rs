//! Whether a proxy command merely relays bytes, so that it may be run without being asked: pure.
//!
//! A relay logs in nowhere, sends no password and writes no file. What is not certainly one is left
//! to `--through`: a script, `ssh -W`, the command line of a cloud.

/// Programs that relay, by the name of their file.
const NETCATS: [&str; 5] = ["nc", "ncat", "netcat", "nc.openbsd", "nc.traditional"];

/// Options of the netcats that run a program, write a file, listen or send a password.
const NOT_OF_NETCAT: [&str; 12] = [
    "--exec",
    "--sh-exec",
    "--lua-exec",
    "--output",
    "--hex-dump",
    "--listen",
    "--proxy-auth",
    "-e",
    "-c",
    "-o",
    "-l",
    "-P",
];

/// Options of proxytunnel with which it logs in, or runs on its own.
const NOT_OF_PROXYTUNNEL: [&str; 8] =
    ["-P", "--proxyauth", "-R", "--remproxyauth", "-F", "--passfile", "-a", "--standalone"];

/// Options of `openssl s_client` that only choose where to, or what is shown.
const OF_S_CLIENT: [(&str, usize); 7] = [
    ("-connect", 1),
    ("-servername", 1),
    ("-proxy", 1),
    ("-quiet", 0),
    ("-4", 0),
    ("-6", 0),
    ("-verify_quiet", 0),
];

/// Addresses of socat that only connect.
const OF_SOCAT: [&str; 14] = [
    "-",
    "stdio",
    "tcp:",
    "tcp4:",
    "tcp6:",
    "tcp-connect:",
    "tcp4-connect:",
    "tcp6-connect:",
    "proxy:",
    "proxy-connect:",
    "socks4:",
    "socks4a:",
    "socks5:",
    "openssl:",
];

/// Whether the command, with its tokens expanded, only relays.
#[must_use]
pub fn is_plain(command: &str) -> bool {
    // What a shell would do more than to run one program is not looked into.
    if command.contains(['|', '&', ';', '<', '>', '$', '`', '(', ')', '\n', '{', '*', '#']) {
        return false;
    }
    let Some(words) = shlex::split(command) else { return false };
    let mut words = words.iter().map(String::as_str);
    let Some(program) = words.next() else { return false };
    let rest: Vec<&str> = words.collect();
    match name(program) {
        netcat if NETCATS.contains(&netcat) => !rest.iter().any(|w| has_option(w, &NOT_OF_NETCAT)),
        "socat" => rest.iter().all(|word| is_of_socat(word)),
        // A fourth word is the file with the password for the proxy; so is `user@`.
        "corkscrew" => rest.len() == 4,
        "connect" | "connect-proxy" => rest.iter().all(|w| !w.contains('@')),
        "proxytunnel" => !rest.iter().any(|w| has_option(w, &NOT_OF_PROXYTUNNEL)),
        "openssl" => {
            rest.split_first().is_some_and(|(s, rest)| *s == "s_client" && is_s_client(rest))
        }
        _ => false,
    }
}

/// Whether a plain relay asks at a terminal where its proxy wants a password.
#[must_use]
pub fn may_ask(command: &str) -> bool {
    matches!(program(command).as_str(), "connect" | "connect-proxy")
}

/// The program that a command runs, for people: the name of its file.
#[must_use]
pub fn program(command: &str) -> String {
    let words = shlex::split(command).unwrap_or_default();
    let first = words.first().map_or(command, String::as_str);
    name(first.split_whitespace().next().unwrap_or(first)).to_owned()
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a word is one of these options: a long one with or without `=`, or a letter among joined
/// ones.
fn has_option(word: &str, options: &[&str]) -> bool {
    options.iter().any(|option| match option.strip_prefix("--") {
        Some(long) => word.strip_prefix("--").is_some_and(|w| {
            let w = w.split('=').next().unwrap_or(w);
            // The tools take a long option that is cut short, too; --proxy is whole.
            !w.is_empty() && w != "proxy" && long.starts_with(w)
        }),
        None => {
            let letter = option.trim_start_matches('-');
            word.strip_prefix('-').is_some_and(|w| !w.starts_with('-') && w.contains(letter))
        }
    })
}

fn is_of_socat(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let harmless =
        !["exec", "system", "proxyauth", "create", "shell"].iter().any(|w| word.contains(w));
    let is =
        |known: &str| if known.ends_with(':') { word.starts_with(known) } else { word == known };
    harmless && OF_SOCAT.into_iter().any(is)
}

fn is_s_client(words: &[&str]) -> bool {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let Some((_, values)) = OF_S_CLIENT.iter().find(|(known, _)| known == word) else {
            return false;
        };
        if *values > 0 {
            rest.next();
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_and_others() {
        for plain in [
            "nc h 22",
            "/usr/bin/nc -w 5 h 22",
            "ncat --proxy p:3128 --proxy-type http h 22",
            "nc -X connect -x p:3128 h 22",
            "socat - TCP:h:22",
            "socat STDIO PROXY:p:h:22,proxyport=3128",
            "corkscrew p 3128 h 22",
            "connect -H p:3128 h 22",
            "proxytunnel -q -p p:3128 -d h:22",
            "openssl s_client -quiet -connect h:443 -servername h",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "ssh -W h:22 jump",
            "sh -c 'nc h 22'",
            "nc h 22 | tee file",
            "nc $(reboot) 22",
            "nc -e /bin/sh h 22",
            "ncat --sh-exec=x h 22",
            "ncat --sh x h 22",
            "ncat -vo dump h 22",
            "ncat --proxy p --proxy-auth u:p h 22",
            "socat - EXEC:reboot",
            "socat - PROXY:p:h:22,proxyauth=u:p",
            "socat - OPEN:/etc/passwd",
            "corkscrew p 3128 h 22 ~/.auth",
            "connect -H u@p:3128 h 22",
            "proxytunnel -P u:p -p p:3128 -d h:22",
            "openssl s_client -connect h:443 -keylogfile f",
            "openssl enc -in x",
            "cloudflared access ssh --hostname h",
            "./nc-wrapper h",
            "",
            "'nc",
        ] {
            assert!(!is_plain(other), "{other}");
        }
        assert_eq!(program("/usr/bin/ssh -W h:22 j"), "ssh");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = (is_plain(&text), program(&text));
        }
    }
}
