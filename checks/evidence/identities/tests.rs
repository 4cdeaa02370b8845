use super::*;
use proptest::prelude::*;
use std::process::Command;

fn keygen(dir: &Path, name: &str, args: &[&str]) -> Option<String> {
    let file = dir.join(name);
    let mut make = Command::new("ssh-keygen");
    let status = make.args(["-q", "-C", "c", "-f"]).arg(&file).args(args).status().ok()?;
    assert!(status.success(), "{args:?}");
    Some(std::fs::read_to_string(file).unwrap())
}

#[test]
fn formats_of_ssh_keygen() {
    let dir = tempfile::tempdir().unwrap();
    let table: &[(&[&str], &str, bool)] = &[
        (&["-t", "ed25519", "-N", ""], "openssh", false),
        (&["-t", "ed25519", "-N", "secret"], "openssh", true),
        (&["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""], "pem", false),
        (&["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"], "pem", true),
        (&["-t", "ecdsa", "-m", "PEM", "-N", ""], "pem", false),
        (&["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""], "pkcs8", false),
        (&["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"], "pkcs8", true),
        (&["-t", "ecdsa", "-b", "521", "-m", "PKCS8", "-N", ""], "pkcs8", false),
    ];
    for (place, (args, format, locked)) in table.iter().enumerate() {
        let name = format!("k{place}");
        let Some(text) = keygen(dir.path(), &name, args) else {
            return crate::evidence::made::skipped("ssh-keygen");
        };
        let Content::Private { format: told, public, locked_by } = content::read(text.as_bytes())
        else {
            panic!("{args:?}: {:?}", content::read(text.as_bytes()))
        };
        assert_eq!((told.as_str(), locked_by.is_some()), (*format, *locked), "{args:?}");
        let beside = read_public(dir.path().join(name + ".pub").to_str().unwrap()).unwrap();
        match public {
            Some(public) => assert!(public.same_key(&beside), "{args:?}"),
            None => assert!(*locked && *format != "openssh", "{args:?}"),
        }
    }
}

/// Whether the installed ssh can read it: the authority on what is damaged.
fn ssh_reads(dir: &Path, text: &str) -> bool {
    let file = dir.join("variant");
    std::fs::write(&file, text).unwrap();
    let _ = Command::new("chmod").arg("600").arg(&file).status();
    let read = Command::new("ssh-keygen").args(["-y", "-P", "", "-f"]).arg(&file).output();
    read.unwrap().status.success()
}

#[test]
fn damages_are_those_that_ssh_keygen_stumbles_over() {
    let dir = tempfile::tempdir().unwrap();
    let Some(good) = keygen(dir.path(), "k", &["-t", "ed25519", "-N", ""]) else {
        return crate::evidence::made::skipped("ssh-keygen");
    };
    let cut = good.get(..120).unwrap().to_owned();
    let undecodable = |why: &str| Damage::Undecodable(why.to_owned());
    let header = crate::text::Foreign::from_bytes(b"----BEGIN OPENSSH PRIVATE KEY");
    let table = [
        (good.replace('\n', "\r\n"), Damage::Crlf),
        (good.trim_end().to_owned(), Damage::NoFinalNewline),
        (cut, Damage::Truncated),
        (good.replace('\n', " "), Damage::Flattened),
        (good.replace('\n', "\\n"), Damage::Flattened),
        (format!("\"{}\"", good.replace('\n', "\\n")), Damage::Flattened),
        (format!(" {good}"), Damage::BeforeBegin),
        (format!("\"{good}"), Damage::BeforeBegin),
        (format!("\n{good}"), Damage::BeforeBegin),
        (format!("\u{feff}{good}"), Damage::BeforeBegin),
        (good.replacen("-----BEGIN", "----BEGIN", 1), Damage::WrongHeader(header)),
        (good.replace("b3BlbnNz", "b3BlbnN!"), undecodable("it is not base64")),
        (format!("{} \n", good.trim_end()), undecodable("something stands beside the END line")),
        (String::new(), Damage::Empty),
    ];
    for (text, damage) in table {
        assert_eq!(content::read(text.as_bytes()), Content::Damaged(damage), "{text}");
        assert!(!ssh_reads(dir.path(), &text), "ssh reads it: {text:?}");
    }
}

#[test]
fn what_ssh_reads_is_no_damage_and_the_other_way_round() {
    let dir = tempfile::tempdir().unwrap();
    let kinds: [&[&str]; 4] = [
        &["-t", "ed25519", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""],
        &["-t", "ecdsa", "-m", "PEM", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""],
    ];
    for (place, args) in kinds.iter().enumerate() {
        let Some(good) = keygen(dir.path(), &format!("v{place}"), args) else {
            return crate::evidence::made::skipped("ssh-keygen");
        };
        let (first, rest) = good.split_once('\n').unwrap();
        let variants = [
            good.clone(),
            good.replace('\n', "\r\n"),
            good.trim_end().to_owned(),
            format!("\n{good}"),
            format!("  {}", good.replace('\n', "\n  ")),
            format!("junk\n{good}"),
            format!("{good}\n\n  x\n"),
            good.replace('\n', " "),
            format!("{first} \n{rest}"),
            format!("{} \n", good.trim_end()),
            format!("{first}\n {rest}"),
            format!("{first}\n{}", rest.replacen('\n', " \r\n", 1)),
            good.lines().filter(|l| !l.contains("END")).collect::<Vec<_>>().join("\n"),
            good.get(..good.len() / 2).unwrap().to_owned(),
        ];
        for text in variants {
            let ours = matches!(content::read(text.as_bytes()), Content::Private { .. });
            assert_eq!(ours, ssh_reads(dir.path(), &text), "{args:?}: {text:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_key_is_not_shown() {
    for text in ["hunter2\n", "c2VjcmV0LXNlZWQtb2YtYS1rZXk=\n", "{\"password\": \"x\"}"] {
        let told = format!("{:?}", content::read(text.as_bytes()));
        assert!(!told.contains(text.trim()) && !told.contains("hunter"), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn modes_pipes_and_folders() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let Some(_) = keygen(dir.path(), "k", &["-t", "ed25519", "-N", ""]) else {
        return crate::evidence::made::skipped("ssh-keygen");
    };
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let read =
        |name: &str| read_identity(&IdentityPath { path: at(name), named: true, left_out: false });
    assert!(!read("k").too_open && read("k").can_sign() && read("k").pub_file.is_some());
    for (mode, open) in [(0o640, true), (0o604, true), (0o700, false), (0o400, false)] {
        std::fs::set_permissions(at("k"), PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(read("k").too_open, open, "{mode:o}");
    }
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    assert_eq!(read("pipe").content, Content::Unreadable(NOT_REGULAR.into()));
    std::fs::create_dir(at("folder")).unwrap();
    assert_eq!(read("folder").content, Content::Directory);
    assert_eq!(read("none").content, Content::Missing);
    std::fs::write(at("large"), vec![b'x'; 2 << 20]).unwrap();
    assert!(matches!(read("large").content, Content::Stranger(_)));
}

#[test]
fn strangers_have_names() {
    let ppk = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: c\nPublic-Lines: 2\n\
        AAAAC3NzaC1lZDI1NTE5AAAAIJ2mYVMQqG0/xUF0yKFMm8Rqv4Mxw3wlyvKaTBfR\nZ1Iw\n";
    let Content::Ppk { version: 3, public: Some(public) } = content::read(ppk.as_bytes()) else {
        panic!("{:?}", content::read(ppk.as_bytes()))
    };
    assert_eq!(public.algorithm, "ssh-ed25519");
    for text in ["-----BEGIN CERTIFICATE-----\nx", "---- BEGIN SSH2 PUBLIC KEY ----\nx"] {
        assert!(matches!(content::read(text.as_bytes()), Content::Stranger(_)), "{text}");
    }
}

proptest! {
    #[test]
    fn a_changed_key_breaks_nothing(at in 0usize..400, byte: u8, cut in 0usize..400) {
        // The example of the documentation of the ssh-key crate.
        const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCzPq7zfqLffKoBDe/eo04kH2XxtSmk9D7RQyf1xUqrYgAAAJgAIAxdACAM
XQAAAAtzc2gtZWQyNTUxOQAAACCzPq7zfqLffKoBDe/eo04kH2XxtSmk9D7RQyf1xUqrYg
AAAEC2BsIi0QwW2uFscKTUUXNHLsYX4FxlaSDSblbAj7WR7bM+rvN+ot98qgEN796jTiQf
ZfG1KaT0PtFDJ/XFSqtiAAAAEHVzZXJAZXhhbXBsZS5jb20BAgMEBQ==
-----END OPENSSH PRIVATE KEY-----
";
        let mut bytes = KEY.as_bytes().to_vec();
        if let Some(one) = bytes.get_mut(at) {
            *one = byte;
        }
        let _ = content::read(&bytes);
        bytes.truncate(cut);
        let _ = content::read(&bytes);
    }

    #[test]
    fn no_bytes_break_it(bytes: Vec<u8>, text in "(-----BEGIN (OPENSSH |RSA )?PRIVATE KEY-----)?\\PC*") {
        let _ = content::read(&bytes);
        let _ = content::read(text.as_bytes());
    }
}
