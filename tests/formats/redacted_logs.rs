//! What `explain --redact` leaves of a log: nothing of what its patterns caught, and our own words.

use checks::{case::Case, explain, report::Report};
use ssh_preflight::{
    cli::{Format, Redact},
    redact,
};

use super::{forms, judged, written};

fn explained(log: &str) -> Report {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let about = explain::About { now, profile: None, own_profiles: Vec::new() };
    let case: Case = explain::case(log.as_bytes(), about);
    judged(&serde_json::to_value(&case).unwrap())
}

const KEY: &str = "SHA256:jO7v8DvD+MGm9ADLGPRAXk689b1RX2qgKkwEnTPpoOE";

/// Names with spaces, and names that look like any other word.
#[test]
fn what_a_line_names_is_replaced_as_a_whole() {
    let denied = "ada@h: Permission denied (publickey).";
    for log in [
        "sign_and_send_pubkey: signing failed for RSA \"Zebra of Jo\" from agent: agent refused operation"
            .to_owned(),
        "sign_and_send_pubkey: signing failed for RSA \"zebra\" from agent: agent refused operation"
            .to_owned(),
        format!("debug1: Offering public key: Zebra of Jo ED25519 {KEY} agent\n{denied}"),
        format!("debug1: Offering public key: C:\\Users\\Jo Zebra\\k ED25519 {KEY} explicit\n{denied}"),
        format!("debug1: Offering public key: RSA {KEY} /home/jo zebra/k\n{denied}"),
        "Warning: Identity file /home/x/Jo Zebra/key not accessible: No such file or directory.".into(),
        "Warning: Identity file C:\\Users\\Jo Zebra\\key not accessible: No such file or directory."
            .into(),
        "no such identity: /home/jo zebra/k: No such file or directory".into(),
        "Can't open user config file /home/jo zebra/cfg: No such file or directory".into(),
        "Offending ED25519 key in /Users/jo zebra/.ssh/known_hosts:2\n\
         @ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed."
            .into(),
        "/Users/jo zebra/.ssh/config: line 3: Bad configuration option: foo".into(),
        "/Users/jo zebra/.ssh/config line 3: Unsupported option \"foo\"".into(),
        "/Users/jo zebra/.ssh/config: terminating, 1 bad configuration options".into(),
        "Bad owner or permissions on C:\\Users\\Jo Zebra/.ssh/config".into(),
        "rsync: [Receiver] mkdir \"/jo zebra/x\" failed: Permission denied (13)".into(),
        "rsync: rename \"/jo zebra/a\" -> \"zebra b\": Permission denied (13)".into(),
        "scp: failed to upload file /jo zebra/a to /root/the zebra".into(),
        "remote delete /srv/jo zebra/x: Permission denied".into(),
        "fatal: '/srv/jo zebra/x.git' does not appear to be a git repository".into(),
        "fatal: 'jo/zebra' does not appear to be a git repository".into(),
        "ERROR: Permission to jo/zebra.git denied to hildegard.".into(),
        "Load key \"/Users/jo zebra/k\": invalid format".into(),
        "Error loading key \"/Users/jo zebra/k\": invalid format".into(),
        "Permissions 0644 for '/Users/jo zebra/k' are too open.".into(),
        "Enter passphrase for key '/Users/jo zebra/k': ".into(),
        "Identity added: /Users/jo zebra/k (Zebra of Jo)".into(),
        "Could not add identity \"/Users/jo zebra/k\": agent refused operation".into(),
        "Unable to use key file \"C:\\Users\\Jo Zebra\\k\" (OpenSSH SSH-2 private key (new format))"
            .into(),
        "Host key for [zebra.example]:2351 has changed and you have requested strict checking.\n\
         @ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"
            .into(),
        "bash: line 1: /opt/zebra/rsync: command not found".into(),
        // The words of the one who goes to a jump host.
        "Load key \"/Users/jo zebra/k\": invalid format\nzebra@hop: Permission denied (publickey).\n\
         Connection closed by UNKNOWN port 65535"
            .into(),
    ] {
        let report = explained(&log);
        for what in [Redact::Private, Redact::All] {
            let redacted = redact::reports(std::slice::from_ref(&report), what);
            for form in forms() {
                let text = written(*form, &redacted).to_lowercase();
                let line = text.lines().find(|l| l.contains("zebra") || l.contains("hildegard"));
                assert_eq!(line, None, "{log}\n{form:?}, {what:?}");
            }
            let (told, kept) = (&report.diagnosis, &redacted[0].diagnosis);
            assert_eq!(told.as_ref().map(|d| d.id), kept.as_ref().map(|d| d.id), "{log}");
        }
    }
}

/// A gap to be filled is nobody's name.
#[test]
fn what_stands_for_no_host_stays() {
    let redacted = redact::reports(&[explained("Permission denied (publickey).")], Redact::All);
    let text = written(Format::Text, &redacted);
    assert!(text.contains("(a log that names no host)"), "{text}");
    assert!(text.contains("ssh-preflight HOST\n") && text.contains("ssh -vvv HOST\n"), "{text}");
    assert!(!text.contains("HOST_1"), "{text}");
    // A host that is named is not.
    let named = explained("ada@HOST.example: Permission denied (publickey).");
    let text = written(Format::Text, &redact::reports(&[named], Redact::All));
    assert!(text.contains("USER_1@HOST_1") && !text.contains("HOST.example"), "{text}");
}

/// The words of the programs stay readable around the names.
#[test]
fn the_rest_of_a_line_stays() {
    for (log, kept) in [
        ("ERROR: Permission to jo/x.git denied to ada.", "Permission to PATH_1 denied to USER_1."),
        (
            "scp: dest open \"/root/a b\": Permission denied",
            "scp: dest open \"PATH_1\": Permission denied",
        ),
        ("bash: line 1: rsync: command not found", "bash: line 1: rsync: command not found"),
    ] {
        let redacted = redact::reports(&[explained(log)], Redact::All);
        let text = written(Format::Markdown, &redacted).replace('\\', "");
        assert!(text.contains(kept), "{log}: {text}");
    }
}
