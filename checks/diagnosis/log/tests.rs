use strum::IntoEnumIterator;

use super::*;
use crate::explain;

pub(super) fn explained(log: &str) -> Option<Diagnosis> {
    let about = explain::About {
        now: jiff::Timestamp::UNIX_EPOCH,
        profile: None,
        own_profiles: Vec::new(),
    };
    super::super::diagnose(&explain::case(log.as_bytes(), about))
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
        ("sign_and_send_pubkey: no mutual signature supported", Id::KeyTypeRefused),
        (
            "sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent: agent refused operation",
            Id::SigningFailed,
        ),
        (
            "sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent: something else",
            Id::NotExamined,
        ),
        ("This account is currently not available.", Id::NoShell),
        ("Could not open a connection to your authentication agent.", Id::AgentNotRunning),
        ("Error connecting to agent: No such file or directory", Id::AgentUnreachable),
        ("The agent has no identities.", Id::AgentEmpty),
        ("Agent admitted failure to sign using the key.", Id::SigningFailed),
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
            !alone || line.len() < 20 || line.contains("Identity") || id.is_inconclusive(),
            "{line}"
        );
    }
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
