use strum::IntoEnumIterator;

use super::*;
use crate::{explain, finding::Status, report::Verdict};

fn about() -> explain::About {
    explain::About { now: jiff::Timestamp::UNIX_EPOCH, profile: None, own_profiles: Vec::new() }
}

pub(super) fn explained(log: &str) -> Option<Diagnosis> {
    super::super::diagnose(&explain::case(log.as_bytes(), about()))
}

/// One bare line: the most likely cause, and its neighbours.
#[test]
fn bare_lines() {
    for (line, id) in [
        ("Permission denied (publickey).", Id::KeyNotAccepted),
        ("alex@h: Permission denied (publickey,password).", Id::KeyNotAccepted),
        ("alex@h: Permission denied (password,keyboard-interactive).", Id::PasswordOnly),
        ("kex_exchange_identification: Connection closed by remote host", Id::ClosedBeforeBanner),
        ("ssh_exchange_identification: read: Connection reset by peer", Id::ClosedBeforeBanner),
        ("Host key verification failed.", Id::HostKeyUnknown),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", Id::HostKeyChanged),
        ("Bad owner or permissions on /home/a/.ssh/config", Id::SshConfigPermissions),
        ("/home/a/.ssh/config: line 3: Bad configuration option: foo", Id::SshConfigInvalid),
        ("Error loading key \"/k\": invalid format", Id::KeyMalformed),
        (
            "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures",
            Id::TooManyKeys,
        ),
        (
            "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their offer: ssh-rsa",
            Id::NoCommonAlgorithm,
        ),
        ("ssh: Could not resolve hostname h: Name or service not known", Id::NameNotFound),
        ("ssh: Could not resolve hostname h: Temporary failure in name resolution", Id::DnsTimeout),
        (
            "ssh: Could not resolve hostname h: No address associated with hostname",
            Id::NameHasNoAddress,
        ),
        ("ssh: connect to host h port 22: Connection refused", Id::RefusedByHost),
        ("ssh: connect to host h port 22: Connection timed out", Id::Filtered),
        ("ssh: connect to host h port 22: No route to host", Id::HostUnreachable),
        ("ssh: connect to host h port 22: Network is unreachable", Id::NoNetwork),
        ("Connection timed out during banner exchange", Id::SilentServer),
        ("banner exchange: Connection to 192.0.2.1 port 80: invalid format", Id::NotSsh),
        ("Connection closed by 192.0.2.1 port 22", Id::ClosedBeforeBanner),
        ("Connection closed by UNKNOWN port 65535", Id::ProxyFailed),
        (
            "channel 0: open failed: administratively prohibited: open failed",
            Id::ForwardingProhibited,
        ),
        ("channel 0: open failed: connect failed: Connection refused", Id::JumpHostCannotConnect),
        ("subsystem request failed on channel 0", Id::FailsAfterLogin),
        ("Received message too long 1416128883", Id::FailsAfterLogin),
        ("fatal: Could not read from remote repository.", Id::NotExamined),
        ("rsync error: unexplained error (code 255) at io.c(231) [sender=3.2.7]", Id::NotExamined),
        ("lost connection", Id::NotExamined),
        ("FATAL ERROR: Network error: Connection refused", Id::RefusedByHost),
        ("Server refused our key", Id::KeyNotAccepted),
        (
            "FATAL ERROR: No supported authentication methods available (server sent: publickey)",
            Id::KeyNotAccepted,
        ),
        (
            "sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent: something else",
            Id::NotExamined,
        ),
        ("This account is currently not available.", Id::NoShell),
        ("Could not open a connection to your authentication agent.", Id::AgentNotRunning),
        ("Error connecting to agent: No such file or directory", Id::AgentUnreachable),
        ("The agent has no identities.", Id::AgentEmpty),
        ("Enter passphrase for key '/home/a/.ssh/id_rsa': ", Id::NotExamined),
        ("Enter passphrase for /home/a/.ssh/id_rsa: ", Id::NotExamined),
        ("alex@h's password: ", Id::KeyNotAccepted),
        (
            "rsync: [receiver] mkstemp \"/usr/.x\" failed: Permission denied (13)",
            Id::FailsAfterLogin,
        ),
        ("scp: dest open \"/root/x\": Permission denied", Id::FailsAfterLogin),
        ("bash: line 1: rsync: command not found", Id::FailsAfterLogin),
        ("(alex@h) Password: ", Id::KeyNotAccepted),
        ("what a nice day", Id::NotExamined),
        ("", Id::NotExamined),
    ] {
        let found = explained(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(found.id, id, "{line}");
        assert!(!found.also_possible.contains(&id), "{line}: itself");
        assert!(!found.next_steps.is_empty(), "{line}: nothing to do");
        let after_login = matches!(id, Id::FailsAfterLogin | Id::NoShell);
        let certain = CAUSES.iter().any(|c| c.id == id && c.sure == Sure::Certain);
        let alone = found.also_possible.is_empty() && !certain && !after_login;

        assert!(
            !alone || line.len() < 20 || line.contains("loading key") || id.is_inconclusive(),
            "{line}"
        );
    }
}

/// Lines after which ssh goes on: alone they do not say that the login failed, with its end they do.
#[test]
fn warnings() {
    let signing = "sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent:";
    let refused = format!("{signing} agent refused operation");
    let denied = "a@h: Permission denied (publickey).";
    for (line, id) in [
        ("Load key \"/k\": invalid format", Id::KeyMalformed),
        ("Load key \"/k\": error in libcrypto", Id::KeyMalformed),
        ("Load key \"/k.pub\": invalid format", Id::KeyIsPublic),
        ("Load key \"/k.ppk\": invalid format", Id::KeyIsPpk),
        ("Load key \"/k\": bad permissions", Id::KeyPermissions),
        ("Load key \"/k\": Permission denied", Id::KeyUnreadable),
        ("Permissions 0644 for '/k' are too open.", Id::KeyPermissions),
        (
            "Warning: Identity file /k not accessible: No such file or directory.",
            Id::KeyFileMissing,
        ),
        ("no such identity: /k: No such file or directory", Id::KeyFileMissing),
        ("sign_and_send_pubkey: no mutual signature supported", Id::KeyTypeRefused),
        (refused.as_str(), Id::SigningFailed),
        ("Agent admitted failure to sign using the key.", Id::SigningFailed),
    ] {
        let alone = explained(line).unwrap();
        assert_eq!(alone.id, Id::NotExamined, "{line}");
        assert_eq!(alone.also_possible[0], id, "{line}");
        for end in [denied, "a@h's password: "] {
            let with_end = explained(&format!("{line}\n{end}")).unwrap();
            assert_eq!(with_end.id, id, "{line}: {end}");
            assert!(with_end.next_steps.len() <= alone.next_steps.len(), "{line}");
        }
        for login in
            ["Last login: Mon Jan  1 10:00:00 2024 from 192.0.2.4", "Connection to h closed."]
        {
            assert_eq!(explained(&format!("{line}\na@h's password: \n{login}")), None, "{line}");
        }
    }
}

/// What a session prints shows a login, as far as nothing failed behind it.
#[test]
fn a_session_shows_a_login() {
    let greeting = "Last login: Mon Jan  1 10:00:00 2024 from 192.0.2.4";
    let left = "Connection to h closed.";
    let denied = "a@h: Permission denied (publickey).";
    for log in [
        greeting.to_owned(),
        left.to_owned(),
        format!("a@h's password: \nWelcome to Ubuntu\n{greeting}\na@h:~$ exit\n{left}"),
        format!("{denied}\na@h's password: \n{greeting}"),
        "Last login: Mon Jan  1 10:00:00 2024".to_owned(),
    ] {
        assert_eq!(explained(&log), None, "{log}");
    }
    for (log, id) in [
        // In the session another one was tried.
        (format!("{greeting}\n{denied}\n{left}"), Id::KeyNotAccepted),
        (format!("{left}\nConnection closed by 192.0.2.1 port 22"), Id::ClosedBeforeBanner),
        (format!("{greeting}\nclient_loop: send disconnect: Broken pipe"), Id::FailsAfterLogin),
        // A terminal window of macOS greets too.
        (format!("Last login: Mon Jan  1 10:00:00 on ttys001\n{denied}"), Id::KeyNotAccepted),
    ] {
        assert_eq!(explained(&log).map(|found| found.id), Some(id), "{log}");
    }
    let found =
        explained(&format!("{greeting}\nclient_loop: send disconnect: Broken pipe")).unwrap();
    assert!(found.ssh_says.iter().all(|line| !line.plain().contains("Last login")), "{found:?}");
}

/// However much of the end of a log is missing, nothing in the rest is said to have failed.
#[tokio::test]
async fn a_log_that_is_cut_says_nothing_of_the_rest() {
    let whole = include_str!("../../../tests/logs/openssh-9-cut-anywhere.log");
    let lines: Vec<&str> = whole.lines().collect();
    for kept in 1..=lines.len() {
        let case = explain::case(lines[..kept].join("\n").as_bytes(), about());
        let evidence = crate::evidence::Evidence::recorded(case);
        let report = crate::examine(&evidence, |_| true, |_, _| {}).await;
        assert!(report.worst() < Status::Warn, "{kept}: {:#?}", report.checks);
        let is_in = lines[..kept].iter().any(|line| line.starts_with("Authenticated to"));
        let expected = if is_in { Verdict::Ready } else { Verdict::Inconclusive };
        assert_eq!(report.verdict, expected, "{kept}: {:#?}", report.diagnosis);
    }
}

/// The question whether to trust a key ends with a yes, which the log may or may not hold.
#[test]
fn a_host_key_that_was_asked_about() {
    let asks = "The authenticity of host 'h (192.0.2.7)' can't be established.\n\
                Are you sure you want to continue connecting (yes/no/[fingerprint])?";
    let added = "Warning: Permanently added 'h' (ED25519) to the list of known hosts.";
    let denied = "a@h: Permission denied (publickey).";
    let greeting = "Last login: Mon Jan  1 10:00:00 2024 from 192.0.2.4";
    for (log, id) in [
        (format!("{asks} yes\n{added}\nvm"), Some(Id::NotExamined)),
        (format!("{asks} yes\nvm"), Some(Id::NotExamined)),
        (added.to_owned(), Some(Id::NotExamined)),
        (format!("{asks} yes\n{added}\n{greeting}"), None),
        (format!("{asks} yes\n{added}\n{denied}"), Some(Id::KeyNotAccepted)),
        (asks.to_owned(), Some(Id::NotExamined)),
        (format!("{asks} no\nHost key verification failed."), Some(Id::HostKeyUnknown)),
        (format!("{asks}\nConnection closed by 192.0.2.7 port 22"), Some(Id::HostKeyUnknown)),
        // The one of the jump host was trusted.
        (format!("{asks} yes\n{added}\n{asks}"), Some(Id::NotExamined)),
        (
            format!("{asks} yes\n{added}\nConnection closed by 192.0.2.7 port 22"),
            Some(Id::NotExamined),
        ),
    ] {
        let found = explained(&log);
        assert_eq!(found.as_ref().map(|found| found.id), id, "{log}");
        if log.ends_with('?') {
            assert_eq!(found.unwrap().also_possible, [Id::HostKeyUnknown], "{log}");
        }
    }
}

/// With StrictHostKeyChecking=no another key is a warning.
#[test]
fn a_changed_host_key_with_which_ssh_goes_on() {
    let warned = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n\
                  Password authentication is disabled to avoid man-in-the-middle attacks.";
    let found = explained(warned).unwrap();
    assert_eq!((found.id, &found.also_possible[..]), (Id::NotExamined, &[Id::HostKeyChanged][..]));
    let denied = explained(&format!("{warned}\na@h: Permission denied (publickey).")).unwrap();
    assert_eq!(denied.id, Id::KeyNotAccepted);
}

/// ssh asks again only after a wrong passphrase; the ssh of a jump host asks for itself.
#[test]
fn a_passphrase_that_was_asked_for_again() {
    let asked = "Enter passphrase for key '/home/a/k': ";
    let denied = "a@h: Permission denied (publickey).";
    let again = explained(&[asked, asked, asked, denied].join("\n")).unwrap();
    assert_eq!((again.id, again.also_possible[0]), (Id::PassphraseWrong, Id::KeyNotAccepted));
    let command = again.next_steps[0].command.as_ref().unwrap().plain();
    assert_eq!(command, "ssh-keygen -y -f /home/a/k");
    for log in [
        [asked, denied].join("\n"),
        [asked, "Enter passphrase for key '/home/a/b': ", denied].join("\n"),
        ["$ ssh -J j a@h", asked, asked, denied].join("\n"),
        // Each attempt has its own question.
        [asked, denied, asked, denied].join("\n"),
    ] {
        assert_eq!(explained(&log).unwrap().id, Id::KeyNotAccepted, "{log}");
    }
    let steps = "debug1: Offering public key: k ED25519 SHA256:x explicit\n\
                 debug1: Server accepts key: k ED25519 SHA256:x explicit";
    let taken = explained(&[steps, asked, asked, asked, denied].join("\n")).unwrap();
    assert_eq!(taken.id, Id::PassphraseWrong);
    let unasked = explained(&[steps, denied].join("\n")).unwrap();
    assert_eq!((unasked.id, unasked.also_possible[0]), (Id::KeyLocked, Id::PassphraseWrong));
    assert_eq!(unasked.next_steps[0].command.as_ref().unwrap().plain(), "ssh-add k");
}

fn commands(found: &Diagnosis) -> Vec<String> {
    let commands = found.next_steps.iter().filter_map(|step| step.command.as_ref());
    commands.map(|command| command.plain()).collect()
}

/// PuTTY's programs know neither known_hosts nor the key files of ssh.
#[test]
fn the_steps_for_putty_are_its_own() {
    let begin = "$ plink -P 2222 -batch a@h\nConnecting to 192.0.2.7 port 2222\n";
    let sent = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let plink = "plink -P 2222 a@h";
    let unknown = format!(
        "{begin}The host key is not cached for this server:\n  ssh-ed25519 255 {sent}\n\
         FATAL ERROR: Cannot confirm a host key in batch mode"
    );
    let changed = format!(
        "{begin}WARNING - POTENTIAL SECURITY BREACH!\n  ecdsa-sha2-nistp256 256 {sent}\n\
         FATAL ERROR: Cannot confirm a host key in batch mode"
    );
    for (log, id) in [(&unknown, Id::HostKeyUnknown), (&changed, Id::HostKeyChanged)] {
        let found = explained(log).unwrap();
        assert_eq!(found.id, id);
        let all = commands(&found);
        assert_eq!(all[0], plink);
        assert!(!all.iter().any(|command| command.starts_with("ssh ")), "{all:?}");
        assert!(found.next_steps[0].text.plain().contains(sent), "{found:?}");
    }
    let named = format!("plink -hostkey {sent} -P 2222 a@h");
    assert!(commands(&explained(&unknown).unwrap()).contains(&named));
    let denied =
        "FATAL ERROR: No supported authentication methods available (server sent: publickey)";
    let found = explained(&format!("{begin}{denied}")).unwrap();
    assert_eq!(found.id, Id::KeyNotAccepted);
    assert_eq!(commands(&found)[0], "puttygen -L KEY.ppk");
    assert_eq!(commands(&found)[1], "plink -i KEY.ppk -P 2222 a@h");
}

/// A log that names a host may still not name its port.
#[test]
fn a_port_that_no_line_names_is_not_told() {
    let looks = |log: &str| {
        let found = explained(log).unwrap();
        let look = found
            .next_steps
            .into_iter()
            .find(|s| s.command.as_ref().is_some_and(|c| c.plain().starts_with("ssh-preflight")));
        look.unwrap().text.plain()
    };
    assert!(looks("a@h: Permission denied (publickey).").contains("names no port"));
    assert!(!looks("ssh: connect to host h port 22: Connection refused").contains("names no port"));
}

/// The last word of another program does not hide what ssh said before it.
#[test]
fn the_line_before_counts() {
    let log =
        "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.";
    assert_eq!(explained(log).unwrap().id, Id::KeyNotAccepted);
    let log = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nOffending ED25519 key in \
               /home/a/.ssh/known_hosts:7\nHost key verification failed.\nlost connection";
    let found = explained(log).unwrap();
    assert_eq!(found.id, Id::HostKeyChanged);
    let commands: Vec<_> = found.next_steps.iter().filter_map(|s| s.command.as_ref()).collect();
    assert!(commands.iter().any(|c| c.plain().contains("-f /home/a/.ssh/known_hosts -R")));
}

/// Every cause is looked for under an id whose sureness is told, and means something.
#[test]
fn the_table_is_whole() {
    for cause in CAUSES {
        let by_rule = matches!(cause.by, By::Rule | By::RuleOfSteps);
        assert_eq!(cause.means.is_empty(), by_rule, "{}", cause.id);
        assert!(!by_rule || rules().any(|rule| rule.id == cause.id), "{}", cause.id);
    }
    // Each sign is of use to somebody: it names a pattern.
    for sign in Sign::iter() {
        assert!(explain::SIGNS.iter().any(|(s, _)| *s == sign), "{sign:?}");
    }
}

/// A log that tells each step rules out what ssh would have said, and has the fingerprint.
#[test]
fn a_new_host_key_in_a_log_of_steps() {
    let log = "debug1: Connecting to h [192.0.2.7] port 22.\n\
               debug1: Server host key: ssh-ed25519 SHA256:TqZ5\nHost key verification failed.";
    let found = explained(log).unwrap();
    assert_eq!((found.id, found.also_possible.len()), (Id::HostKeyUnknown, 0));
    assert!(found.next_steps[0].text.plain().contains("SHA256:TqZ5"));
}

/// Of several keys the one that was named with -i is meant, as it was typed.
#[test]
fn the_key_that_was_named_is_the_one_to_send() {
    for (typed, expected) in [("~/.ssh/b", "/home/a/.ssh/b"), ("b", "/home/a/.ssh/b"), ("c", "c")] {
        let log = format!(
            "$ ssh -v -i {typed} ada@h\n\
             debug1: Offering public key: /home/a/.ssh/a ED25519 SHA256:x agent\n\
             debug1: Offering public key: /home/a/.ssh/b ED25519 SHA256:y explicit\n\
             ada@h: Permission denied (publickey)."
        );
        let steps = explained(&log).unwrap().next_steps;
        let commands = steps.iter().filter_map(|step| step.command.as_ref());
        let said: Vec<_> = commands.map(|c| c.plain()).collect();
        assert!(said.contains(&format!("ssh-keygen -y -f {expected}")), "{said:?}");
    }
}

/// What a hostile log names is no command.
#[test]
fn a_command_of_a_stranger_is_not_repeated() {
    let log =
        "$ ssh -o ProxyCommand='rm -rf ~' -F evil ada@h\nada@h: Permission denied (publickey).";
    let found = explained(log).unwrap();
    let commands: Vec<_> = found.next_steps.iter().filter_map(|s| s.command.as_ref()).collect();
    let all: Vec<_> = commands.iter().map(|c| c.plain()).collect();
    assert!(all.iter().any(|c| c.ends_with(" ada@h")), "{all:?}");
    assert!(!all.join(" ").contains("ProxyCommand") && !all.join(" ").contains("evil"), "{all:?}");
}
