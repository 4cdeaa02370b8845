//! What `ssh` takes, and what people type.

use super::*;

#[test]
fn targets_that_ssh_takes() {
    for (input, user, host, port) in [
        ("h", None, "h", None),
        ("u@h.example", Some("u"), "h.example", None),
        ("u@h.example.", Some("u"), "h.example.", None),
        ("u@corp@h", Some("u@corp"), "h", None),
        ("CORP\\u@h", Some("CORP\\u"), "h", None),
        ("u:secret@h", Some("u:secret"), "h", None),
        ("10.0.2", None, "10.0.2", None),
        ("10.0.2.300", None, "10.0.2.300", None),
        ("2001:db8::1", None, "2001:db8::1", None),
        ("fe80::1%eth0", None, "fe80::1%eth0", None),
        ("u@2001:db8::", Some("u"), "2001:db8::", None),
        ("b\u{fc}cher.example", None, "b\u{fc}cher.example", None),
        ("ssh://u@h:2222/", Some("u"), "h", Some(2222)),
        ("ssh://[2001:db8::1]:22", None, "2001:db8::1", Some(22)),
    ] {
        let t = parse(input).unwrap();
        assert_eq!((t.user.as_deref(), t.host.as_str(), t.port), (user, host, port), "{input}");
    }
}

#[test]
fn what_was_meant_is_suggested() {
    use Problem::*;
    let typographic = |name, code| Typographic { name, code };
    let dash = || typographic("a typographic dash", 0x2013);
    let space = || typographic("a no-break space", 0xa0);
    let stands_for = |name: &str| Placeholder(name.into());
    for (input, problem, meant) in [
        ("u@h:22", PortInHost, Some("-p 22 u@h")),
        ("h:99999", Port, Some("h")),
        ("git@h:org/repo.git", ScpPath, Some("git@h")),
        ("https://h/x", Scheme("https://".into()), Some("h")),
        ("https://h:8443/x?y", Scheme("https://".into()), Some("h")),
        ("sftp://u@h:2222/x", Scheme("sftp://".into()), Some("-p 2222 u@h")),
        ("mailto:u@h", Scheme("mailto:".into()), Some("u@h")),
        ("ssh:u@h", Scheme("ssh:".into()), Some("u@h")),
        ("ssh://u@h:2/x", UrlPath, Some("-p 2 u@h")),
        ("ssh://h:abc", Port, Some("h")),
        ("192.0.2.1/24", Network, Some("192.0.2.1")),
        ("fd00::1/64", Network, Some("fd00::1")),
        ("u@h/", Slash, Some("u@h")),
        ("[2001:db8::1]:22", Brackets, Some("-p 22 2001:db8::1")),
        ("u@[2001:db8::1]", Brackets, Some("u@2001:db8::1")),
        ("ssh -p 22 u@h", WholeCommand("ssh"), Some("-p 22 u@h")),
        ("$ ssh u@h", WholeCommand("ssh"), Some("u@h")),
        ("sftp u@h", WholeCommand("sftp"), Some("u@h")),
        ("ssh u@h; reboot", WholeCommand("ssh"), None),
        ("h\u{a0}", space(), Some("h")),
        ("ssh\u{a0}u@h", space(), Some("ssh u@h")),
        ("\u{2013}i", dash(), Some("-i")),
        ("\u{2014}quiet", typographic("a typographic dash", 0x2014), Some("--quiet")),
        ("\u{201c}u@h\u{201d}", typographic("a typographic quote", 0x201c), Some("u@h")),
        ("u@h\u{200b}", typographic("an invisible character", 0x200b), Some("u@h")),
        ("\u{200b}", typographic("an invisible character", 0x200b), None),
        ("<project>.cloud.example.com", stands_for("<project>"), None),
        ("u@<your host>", stands_for("<your host>"), None),
        ("{user}@h", stands_for("{user}"), None),
        ("u@${HOST}", stands_for("${HOST}"), None),
        ("u@$HOST", stands_for("$HOST"), None),
        ("%HOST%", stands_for("%HOST%"), None),
        ("USER@HOST", stands_for("USER@HOST"), None),
        ("u@h,", Sentence(','), Some("u@h")),
        ("u@h:", Sentence(':'), Some("u@h")),
        ("u@h.example).", Sentence('.'), Some("u@h.example")),
        ("(u@h.example).", Sentence('('), Some("u@h.example")),
        ("<u@h.example>", Sentence('<'), Some("u@h.example")),
        ("u@h...", Sentence('.'), Some("u@h")),
        ("u@h:22,", Sentence(','), Some("-p 22 u@h")),
        ("", Empty, None),
        ("u@", Empty, None),
        ("@h", EmptyUser, Some("h")),
        ("-oProxyCommand=x", Dash, None),
        ("a b", Character(' '), None),
        ("h;id", Character(';'), None),
    ] {
        let e = parse(input).unwrap_err();
        let said = e.meant.map(|words| words.join(" "));
        assert_eq!((e.problem, said.as_deref()), (problem, meant), "{input:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_input_panics_and_no_host_is_an_option(input in ".*") {
        if let Ok(t) = parse(&input) {
            assert!(!t.host.is_empty() && !t.host.starts_with('-'));
        }
        let _ = retyped(&input);
    }
}
