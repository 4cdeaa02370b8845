//! Lines of real programs: what failed behind a login, and what only looks like it.

use super::super::tests::explained;
use crate::diagnosis::{Diagnosis, Id};

/// The begin of what `ssh -v` tells of a login that worked.
const IN: &str = "debug1: Connecting to h [192.0.2.1] port 22.\ndebug1: Connection established.\n\
                  Authenticated to h ([192.0.2.1]:22) using \"publickey\".\n";

fn found(log: &str) -> Diagnosis {
    explained(log).unwrap_or_else(|| panic!("ready: {log}"))
}

fn said(found: &Diagnosis) -> String {
    found.because.iter().map(|text| text.plain()).collect::<Vec<_>>().join("\n")
}

fn commands(found: &Diagnosis) -> Vec<String> {
    found.next_steps.iter().filter_map(|s| s.command.as_ref()).map(|c| c.plain()).collect()
}

#[test]
fn a_file_that_cannot_be_written_is_no_refused_login() {
    for line in [
        "rsync: [receiver] mkstemp \"/usr/.x.Q2M56B\" failed: Permission denied (13)",
        "rsync: [sender] change_dir \"/nowhere\" failed: No such file or directory (2)",
        "rsync: [Receiver] mkdir \"/a b/c\" failed: Permission denied (13)",
        "rsync: rename \"/a/.x\" -> \"x\": Permission denied (13)",
        "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.2.7]",
        "scp: dest open \"/root/x\": Permission denied",
        "scp: failed to upload file /etc/hostname to /root/x",
        "scp: /nowhere/x: No such file or directory",
        "scp: /root/x: Permission denied",
        "scp: stat local \"/nowhere/q\": No such file or directory",
        "scp: open local \"/nowhere/x\": No such file or directory",
        "scp: stat remote: No such file or directory",
        "dest open \"/root/x\": Permission denied",
        "File \"/nowhere\" not found.",
        "Can't ls: \"/nowhere\" not found",
        "remote mkdir \"/usr/x\": Permission denied",
        "remote delete /etc/hostname: Permission denied",
        "remote rename \"/etc/hostname\" to \"/etc/x\": Permission denied",
        "remote open(\"/root/x\"): Permission denied",
        "Couldn't create directory: Permission denied",
        "stat remote: No such file or directory",
    ] {
        for begin in ["", IN] {
            let found = found(&format!("{begin}{line}"));
            assert_eq!(found.id, Id::FailsAfterLogin, "{line}");
            assert!(said(&found).contains(line), "{line}: {}", said(&found));
            assert!(!found.next_steps.is_empty());
        }
    }
    // What -v quotes is no error: sftp looks whether there is a file before it writes it.
    assert_eq!(explained(&format!("{IN}debug1: stat remote: Permission denied")), None);
    // A session that ends well does not hide what scp could not do in it.
    let log = format!("{IN}scp: dest open \"/root/x\": Permission denied\ndebug1: Exit status 0\n");
    assert_eq!(found(&log).id, Id::FailsAfterLogin);
}

/// The codes with which rsync ends tell files from ssh, as far as they do.
#[test]
fn the_codes_of_rsync() {
    for (end, id, words) in [
        ("unexplained error (code 255) at io.c(231) [sender=3.2.7]", Id::NotExamined, "ssh ended"),
        ("error in rsync protocol data stream (code 12) at io.c(1)", Id::NotExamined, "ssh ended"),
        ("error in file IO (code 11) at main.c(808) [Receiver=3]", Id::NotExamined, "a file"),
        ("errors selecting input/output files, dirs (code 3) at x.c(1)", Id::NotExamined, "folder"),
        ("error in socket IO (code 10) at clientserver.c(1)", Id::NotExamined, "No ssh was used"),
        ("some files vanished (code 24) at main.c(1)", Id::FailsAfterLogin, "not copy all"),
        ("remote command not found (code 127) at io.c(1)", Id::FailsAfterLogin, "not installed"),
    ] {
        let found = found(&format!("rsync error: {end}"));
        assert_eq!(found.id, id, "{end}");
        assert!(said(&found).contains(words), "{end}: {}", said(&found));
    }
    // The line before tells; and a refused login stays one.
    let file = "rsync: [Receiver] mkdir \"/x\" failed: Permission denied (13)\n\
                rsync error: error in file IO (code 11) at main.c(808)";
    assert_eq!(found(file).id, Id::FailsAfterLogin);
    let login = "a@h: Permission denied (publickey).\n\
                 rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n\
                 rsync error: unexplained error (code 255) at io.c(231) [sender=3.2.7]";
    assert_eq!(found(login).id, Id::KeyNotAccepted);
}

/// Two runs of a program in one log: the last counts. Several files of one run are one run.
#[test]
fn a_file_ends_an_attempt() {
    let denied = "a@h: Permission denied (publickey).\nlost connection";
    let file = "scp: dest open \"/root/x\": Permission denied\n\
                scp: failed to upload file a to /root/x";
    let both = found(&format!("{file}\n{denied}"));
    assert_eq!(both.id, Id::KeyNotAccepted);
    assert!(said(&both).contains("2 attempts"));
    let both = found(&format!("{denied}\n{file}"));
    assert_eq!(both.id, Id::FailsAfterLogin);
    assert!(said(&both).contains("2 attempts"));
    assert!(!said(&found(file)).contains("attempts"));
}

#[test]
fn a_program_that_is_missing_on_the_server() {
    let rsync = "rsync: connection unexpectedly closed (0 bytes received so far) [sender]";
    let git = "fatal: Could not read from remote repository.";
    for log in [
        format!("bash: line 1: rsync: command not found\n{rsync}"),
        format!("bash: rsync: command not found\n{rsync}"),
        format!("bash: line 1: git-upload-pack: command not found\n{git}"),
        "bash: line 1: scp: command not found\nlost connection".to_owned(),
        "sh: 1: X: not found".to_owned(),
        "zsh:1: command not found: X".to_owned(),
        "bash: line 1: /usr/lib/sftp-server: No such file or directory".to_owned(),
        format!("{IN}bash: line 1: nc: command not found\ndebug1: Exit status 127"),
    ] {
        let found = found(&log);
        assert_eq!(found.id, Id::FailsAfterLogin, "{log}");
        assert!(said(&found).contains("not installed"), "{log}: {}", said(&found));
    }
    // A line alone does not say whose shell it was.
    assert!(said(&found("bash: line 1: rsync: command not found")).contains("your own computer"));
}

#[test]
fn a_proxy_command_that_is_missing() {
    let end = "kex_exchange_identification: Connection closed by remote host\n\
               Connection closed by UNKNOWN port 65535";
    for line in [
        "/bin/sh: 1: exec: nc: not found",
        "/bin/sh: 1: exec: tunnel: not found",
        "bash: line 1: nc: command not found",
        "zsh:1: command not found: tunnel",
    ] {
        let found = found(&format!("{line}\n{end}"));
        assert_eq!((found.id, found.also_possible.len()), (Id::ProxyFailed, 0), "{line}");
    }
    // What would carry a connection, and nothing says where it was run.
    for line in ["/bin/sh: 1: exec: nc: not found", "bash: line 1: nc: command not found"] {
        let found = found(line);
        assert_eq!(found.id, Id::ProxyFailed, "{line}");
        assert_eq!(found.also_possible, [Id::FailsAfterLogin], "{line}");
    }
    for line in ["bash: rsync: command not found", "/bin/sh: 1: ssh: not found"] {
        assert_eq!(found(line).id, Id::NotExamined, "{line}");
    }
}

#[test]
fn a_channel_that_does_not_open() {
    let session = "channel 0: open failed: connect failed: open failed";
    let refused = "connect failed: Connection refused";
    let bare = found(session);
    assert_eq!(bare.id, Id::LoginRefused);
    assert_eq!(bare.also_possible, [Id::JumpHostCannotConnect, Id::FailsAfterLogin]);
    let with_steps =
        found(&format!("{IN}debug1: channel 0: new session [client-session]\n{session}"));
    assert_eq!((with_steps.id, with_steps.also_possible.len()), (Id::LoginRefused, 0));
    assert_eq!(found(&format!("{IN}{session}")).id, Id::LoginRefused);
    // Behind the listeners of -L or a shared connection, a session has another number.
    let third = format!(
        "{IN}debug1: channel 2: new [client-session]\nchannel 2: open failed: connect failed: open failed"
    );
    assert_eq!(found(&third).id, Id::LoginRefused);
    let tunnel =
        format!("{IN}debug1: channel 2: new [direct-tcpip]\nchannel 2: open failed: {refused}");
    for log in [tunnel, format!("channel 3: open failed: {refused}")] {
        let found = found(&log);
        assert_eq!(found.id, Id::FailsAfterLogin, "{log}");
        assert!(said(&found).contains("tunnel"), "{log}");
    }
    // Where the way goes on, it is the jump host's.
    for around in [
        format!("$ ssh -J j a@h\n{session}"),
        format!("{session}\nstdio forwarding failed"),
        format!("{session}\nConnection closed by UNKNOWN port 65535"),
    ] {
        assert_eq!(found(&around).id, Id::JumpHostCannotConnect, "{around}");
    }
}

#[test]
fn a_session_that_never_began() {
    let asked =
        format!("{IN}debug1: channel 0: new session [client-session] (inactive timeout: 0)\n");
    for end in [
        "client_loop: send disconnect: Broken pipe",
        "Connection closed by 192.0.2.1 port 22",
        "Connection to h closed by remote host.",
    ] {
        let never = found(&format!("{asked}debug1: Entering interactive session.\n{end}"));
        assert_eq!(never.id, Id::LoginRefused, "{end}");
        assert_eq!(never.also_possible, [Id::FailsAfterLogin], "{end}");
        assert!(!commands(&never).join(" ").contains("ServerAliveInterval"), "{end}");
        // With -vv ssh would have said that it began.
        let told = found(&format!("{asked}debug2: fd 3 setting TCP_NODELAY\n{end}"));
        assert_eq!((told.id, told.also_possible.len()), (Id::LoginRefused, 0), "{end}");
        let began = found(&format!("{asked}debug1: Sending command: sleep 99\n{end}"));
        assert_eq!(began.id, Id::FailsAfterLogin, "{end}");
    }
    for line in [
        "client_loop: send disconnect: Broken pipe",
        "packet_write_wait: Connection to 192.0.2.1 port 22: Broken pipe",
    ] {
        let bare = found(line);
        assert_eq!(bare.id, Id::FailsAfterLogin, "{line}");
        assert_eq!(bare.also_possible, [Id::LoginRefused], "{line}");
    }
    // With -v, without a login, nobody knows; it is not said that there was one.
    let early = "debug1: Connection established.\ndebug1: SSH2_MSG_NEWKEYS received\n\
                 packet_write_wait: Connection to 192.0.2.1 port 22: Broken pipe";
    assert_eq!(found(early).id, Id::NotExamined);
}

#[test]
fn a_key_that_putty_does_not_read_is_whole() {
    let unusable =
        "Unable to use key file \".ssh/id_ed25519\" (OpenSSH SSH-2 private key (new format))";
    let denied = "No supported authentication methods available (server sent: publickey)";
    let plain = format!("{unusable}\nFATAL ERROR: {denied}");
    let steps = format!(
        "We claim version: SSH-2.0-PuTTY_Release_0.78\nReading key file \".ssh/id_ed25519\"\n\
         {unusable}\nUsing username \"ada\".\n{denied}\nFATAL ERROR: {denied}"
    );
    for log in [plain, steps] {
        let found = found(&log);
        assert_eq!(found.id, Id::KeyUnreadable, "{log}");
        assert!(!said(&found).contains("attempts"), "{}", said(&found));
        let all = commands(&found);
        assert_eq!(all[0], "puttygen .ssh/id_ed25519 -o .ssh/id_ed25519.ppk");
        assert!(all[1].starts_with("plink -i .ssh/id_ed25519.ppk "), "{all:?}");
    }
}

#[test]
fn a_passphrase_that_was_asked_for() {
    let asked = "Enter passphrase for /home/a/k: ";
    let added = "Identity added: /home/a/k (a@pc)";
    for (log, id, words) in [
        (format!("{asked}\n{added}"), Id::NotExamined, "loaded into the agent"),
        (format!("{asked}{added}"), Id::NotExamined, "loaded into the agent"),
        (asked.to_owned(), Id::NotExamined, "your own computer"),
        (
            format!("{asked}\na@h: Permission denied (publickey)."),
            Id::KeyNotAccepted,
            "does not say",
        ),
        (
            format!("{asked}\nBad passphrase, try again for /home/a/k: "),
            Id::PassphraseWrong,
            "open",
        ),
        (
            format!("{asked}\nBad passphrase, try again for /home/a/k: \n{added}"),
            Id::NotExamined,
            "loaded into the agent",
        ),
        (
            "Error loading key \"/k\": error in libcrypto".to_owned(),
            Id::KeyMalformed,
            "no private key",
        ),
        ("Error loading key \"/k\": invalid format".to_owned(), Id::KeyMalformed, "no private key"),
        (
            "Error loading key \"/k\": incorrect passphrase supplied to decrypt private key"
                .to_owned(),
            Id::KeyLocked,
            "passphrase",
        ),
        (
            "Could not add identity \"/k\": agent refused operation".to_owned(),
            Id::NotExamined,
            "does not take",
        ),
    ] {
        let found = found(&log);
        assert_eq!(found.id, id, "{log}");
        assert!(said(&found).contains(words), "{log}: {}", said(&found));
    }
}

/// The name in the line about a changed key is the one in known_hosts, also where it is an alias.
#[test]
fn a_changed_key_is_forgotten_by_its_name_in_known_hosts() {
    let paste = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n\
                 Offending ED25519 key in /k h/known_hosts:2\n\
                 Host key for [localhost]:2351 has changed and you have requested strict checking.\n\
                 Host key verification failed.";
    let steps = "debug1: Connecting to localhost [127.0.0.1] port 2357.\n\
                 debug1: using hostkeyalias: [localhost]:2351\n";
    let forget = "ssh-keygen -f '/k h/known_hosts' -R '[localhost]:2351'".to_owned();
    for (log, port) in [(paste.to_owned(), "-p 2351 "), (format!("{steps}{paste}"), "-p 2357 ")] {
        let found = found(&log);
        assert_eq!(found.id, Id::HostKeyChanged);
        let all = commands(&found);
        assert!(all.contains(&forget), "{all:?}");
        let look = all.iter().find(|c| c.starts_with("ssh-preflight")).unwrap();
        assert!(look.contains(port) && look.ends_with("localhost"), "{all:?}");
    }
}
