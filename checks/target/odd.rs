//! What `ssh` takes as it stands, though something else was probably meant: pure.
//!
//! None of it is refused, since `ssh` would go on; it is told as a warning of the configuration, and
//! a host that can be no name is the cause where the lookup fails.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    case::Plan,
    command,
    evidence::configuration::Effective,
    finding::Hint,
    text,
    text::{Text, address, host, number, user},
};

/// Something that was typed, what `ssh` makes of it, and what was probably meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Oddity {
    /// What `ssh` makes of it: a sentence.
    pub words: Text,
    /// What to do.
    pub hint: Hint,
}

/// Users that exist in small letters alone.
const SMALL_USERS: [&str; 8] =
    ["admin", "akeneo", "centos", "debian", "ec2-user", "git", "root", "ubuntu"];

/// The longest label and the longest name (RFC 1035, section 2.3.4; without the dot of the root).
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;

/// What is odd about the target and the options, the most important first.
#[must_use]
pub fn all(plan: &Plan, effective: &Effective) -> Vec<Oddity> {
    let mut found: Vec<Oddity> = odd_user(plan, effective).into_iter().collect();
    // What the configuration puts in the place of the typed name is meant so; but ssh itself
    // expands an address.
    let full = expanded(&plan.host).is_some_and(|full| full.to_string() == effective.host);
    if full || effective.host.eq_ignore_ascii_case(&plan.host) {
        found.extend(impossible_host(plan, &plan.host));
        found.extend(odd_host(plan, &plan.host));
    }
    found.extend(odd_option(plan));
    found
}

fn odd_user(plan: &Plan, effective: &Effective) -> Option<Oddity> {
    let name = &effective.user;
    if let Some((short, _)) = name.split_once('@') {
        return Some(Oddity {
            words: text![
                "ssh would send \"",
                user(name),
                "\" as the user name: of several @ the last one ends it."
            ],
            hint: Hint::run("If only the first part is meant:", plan.ssh().user(short).command()),
        });
    }
    if let Some((before, _)) = name.split_once(':') {
        return Some(Oddity {
            words: text![
                "There is a colon in the user name. ssh takes no password there: it sends all of it \
                 as the name. OpenSSH's server ignores what follows the colon, others do not."
            ],
            hint: Hint::run(
                "Leave out the colon and what follows. ssh asks for a password itself; what is typed \
                 in a command line, others on this computer can see:",
                plan.ssh().user(before).command(),
            ),
        });
    }
    let small = name.to_lowercase();
    (small != *name && SMALL_USERS.contains(&small.as_str())).then(|| Oddity {
        words: text![
            "ssh would log in as \"",
            user(name),
            "\". Capital letters count in a user name, and this one is usually written small."
        ],
        hint: Hint::run("If that is meant:", plan.ssh().user(&small).command()),
    })
}

/// A host that can be neither a name in DNS nor an address.
#[must_use]
pub fn impossible_host(plan: &Plan, name: &str) -> Option<Oddity> {
    if !name.is_ascii() {
        let ascii = idna::domain_to_ascii(name).ok().filter(|ascii| !ascii.is_empty());
        let words = text![
            "The name ",
            host(name),
            " has letters outside ASCII, which ssh does not translate."
        ];
        let hint = match ascii {
            Some(ascii) => {
                Hint::run("Use the form in which it is in DNS:", plan.ssh().host(&ascii).command())
            }
            None => Hint::advice("Type it again; the name in DNS begins with xn--."),
        };
        return Some(Oddity { words, hint });
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    if name.chars().all(is_number) && expanded(name).is_none() && !is_address(name) {
        return Some(Oddity {
            words: text![
                host(name),
                " is meant as an address, but it is none: an IPv4 address has four numbers from 0 \
                 to 255."
            ],
            hint: Hint::advice("Compare it with the address that you were given."),
        });
    }
    let bare = name.strip_suffix('.').unwrap_or(name);
    let long = bare.split('.').find(|label| label.len() > LONGEST_LABEL);
    let (what, most) = match long {
        Some(_) => ("A part of the host name", LONGEST_LABEL),
        None if bare.len() > LONGEST_NAME => ("The host name", LONGEST_NAME),
        None => return None,
    };
    Some(Oddity {
        words: text![
            what,
            " is longer than the ",
            number(most),
            " letters that DNS allows, so it cannot exist."
        ],
        hint: Hint::advice("Compare it with the name that you were given."),
    })
}

/// A host that is found, and perhaps not the one that was meant.
fn odd_host(plan: &Plan, name: &str) -> Option<Oddity> {
    if let Some(full) = expanded(name) {
        return Some(Oddity {
            words: text![
                "ssh takes ",
                host(name),
                " as the address ",
                address(full),
                ": what is missing between the numbers becomes 0."
            ],
            hint: Hint::run(
                "Write all four numbers, so that nobody is misled:",
                plan.ssh().host(&full.to_string()).command(),
            ),
        });
    }
    let link_local = |a: Ipv6Addr| a.segments().first().is_some_and(|s| s & 0xffc0 == 0xfe80);
    if name.parse().is_ok_and(link_local) {
        return Some(Oddity {
            words: text![
                address(name),
                " is an address of the own network segment, and the network card is missing: ssh \
                 needs it after a %."
            ],
            hint: Hint::run(
                text!["Find the name of the card, and write it as in ", name.to_owned(), "%eth0:"],
                command!["ip", "-6", "address"],
            ),
        });
    }
    let bare = name.strip_suffix('.').filter(|bare| !bare.is_empty())?;
    Some(Oddity {
        words: text![
            "The host name ends in a dot. DNS takes it, but known_hosts and your ssh configuration \
             know the name without."
        ],
        hint: Hint::run("Leave the dot out:", plan.ssh().host(bare).command()),
    })
}

/// `-P 2222`, as `sftp` and `scp` have it.
fn odd_option(plan: &Plan) -> Option<Oddity> {
    let values = plan.ssh_options.iter().zip(plan.ssh_options.iter().skip(1));
    let mut tags = values.filter(|(option, _)| *option == "-P").map(|(_, value)| value);
    let port: u16 = tags.find_map(|tag| tag.parse().ok())?;
    let mut meant = plan.clone();
    let place = meant.ssh_options.iter().position(|option| option == "-P")?;
    meant.ssh_options.drain(place..(place + 2).min(plan.ssh_options.len()));
    Some(Oddity {
        words: text![
            "-P ",
            number(port),
            " is how sftp and scp name a port. To ssh -P is something else; its port is given with -p."
        ],
        hint: Hint::run("If the port is meant:", meant.ssh().port(port).command()),
    })
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

/// The address that the system makes of fewer than four numbers, of a single one, or of octal and
/// hexadecimal ones (`inet_aton(3)`); none for a plain address and for anything else.
#[must_use]
pub fn expanded(name: &str) -> Option<Ipv4Addr> {
    if is_address(name) {
        return None;
    }
    let parts: Option<Vec<u32>> = name.split('.').map(part).collect();
    let parts = parts.filter(|parts| parts.len() <= 4)?;
    let (last, first) = parts.split_last()?;
    let room = 8 * (4 - u32::try_from(first.len()).ok()?);
    if first.iter().any(|p| *p > 255) || (room < 32 && *last >> room != 0) {
        return None;
    }
    let high = first.iter().fold(0u32, |sum, part| sum << 8 | part);
    let high = high.checked_shl(room).unwrap_or(0);
    Some(Ipv4Addr::from(high | last))
}

/// A number as C writes it: decimal, octal after 0, hexadecimal after 0x.
fn part(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    #[test]
    fn addresses_are_expanded_as_the_system_does() {
        for (typed, full) in [
            ("10.0.2", Some("10.0.0.2")),
            ("10.258", Some("10.0.1.2")),
            ("167772674", Some("10.0.2.2")),
            ("0x0a000202", Some("10.0.2.2")),
            ("010.0.2.2", Some("8.0.2.2")),
            ("10.0.2.2", None),
            ("10.0.2.300", None),
            ("256.1", None),
            ("1.2.3.4.5", None),
            ("4294967296", None),
            ("1..2", None),
            ("09.1", None),
            ("shop.example", None),
            ("fade", None),
        ] {
            assert_eq!(expanded(typed).map(|a| a.to_string()).as_deref(), full, "{typed}");
        }
    }

    #[test]
    fn what_is_odd_is_told_with_what_was_meant() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "abc.".repeat(70));
        for (typed_user, typed_host, said, command) in [
            ("ada@corp", "h", "of several @", "ssh ada@h"),
            ("ada:secret", "h", "takes no password", "ssh ada@h"),
            ("Akeneo", "h", "Capital letters", "ssh akeneo@h"),
            ("ada", "10.0.2", "10.0.0.2", "ssh ada@10.0.0.2"),
            ("ada", "10.0.2.300", "four numbers from 0 to 255", ""),
            ("ada", "fe80::1", "network card", "ip -6 address"),
            ("ada", "b\u{fc}cher.example", "outside ASCII", "ssh ada@xn--bcher-kva.example"),
            ("ada", &long, "63 letters", ""),
            ("ada", &longer, "253 letters", ""),
            ("ada", "shop.example.", "ends in a dot", "ssh ada@shop.example"),
            ("Ada", "shop.example", "", ""),
            ("ada", "2001:db8::1", "", ""),
            ("ada", "192.0.2.1", "", ""),
        ] {
            let mut plan = made::plan();
            plan.user = Some(typed_user.into());
            plan.host = typed_host.into();
            let effective = Effective {
                host: typed_host.into(),
                user: typed_user.into(),
                ..made::effective(22)
            };
            let found = all(&plan, &effective);
            let Some(first) = found.first() else {
                assert_eq!(said, "", "{typed_user}@{typed_host}");
                continue;
            };
            assert!(first.words.plain().contains(said) && !said.is_empty(), "{found:?}");
            let advised = first.hint.command.as_ref().map(text::Command::plain);
            assert_eq!(advised.unwrap_or_default(), command, "{found:?}");
            // The configuration may give any name a meaning.
            let other = Effective { host: "other.example".into(), ..effective };
            let by_user = typed_host == "h";
            assert_eq!(all(&plan, &other).is_empty(), !by_user, "{typed_user}@{typed_host}");
        }
    }

    #[test]
    fn the_port_option_of_other_programs() {
        let mut plan = made::plan();
        plan.ssh_options = ["-A", "-P", "2222"].map(str::to_owned).to_vec();
        let found = all(&plan, &made::effective(22));
        let advised = found[0].hint.command.as_ref().map(text::Command::plain);
        assert_eq!(advised.as_deref(), Some("ssh -A -p 2222 ada@host.example.com"));
        plan.ssh_options = ["-P", "work"].map(str::to_owned).to_vec();
        assert!(all(&plan, &made::effective(22)).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics(name in ".*") {
            let _ = expanded(&name);
            let _ = impossible_host(&made::plan(), &name);
        }
    }
}
