use super::*;
use crate::{
    evidence::{
        configuration::StrictHostKeyChecking::{self, AcceptNew, Ask, No, Yes},
        known_hosts::{KnownHostsLine, Marker},
        made,
    },
    finding::Status::{self, Fail, Pass, Warn},
    host_trust::tests::{key, known, line},
};

const ED: &str = "ssh-ed25519";

fn finding(
    lines: Vec<KnownHostsLine>,
    strict: StrictHostKeyChecking,
    interactive: bool,
) -> Finding {
    let effective = Effective { strict_host_key_checking: strict, ..made::effective(22) };
    let handshake = Ok(Handshake { host_key: Some(key(ED, "SHA256:a")), ..Handshake::default() });
    let facts = Facts {
        effective: Ok(&effective),
        handshake: &handshake,
        known_hosts: &Ok(known(lines)),
        now: Timestamp::UNIX_EPOCH,
    };
    HostKey::judge(&Plan { interactive, ..made::plan() }, facts)
}

#[test]
fn the_finding_follows_from_the_key_and_the_configuration() {
    let good = || vec![line(None, ED, "SHA256:a")];
    let changed = || vec![line(None, ED, "SHA256:b")];
    let revoked = || vec![line(Some(Marker::Revoked), ED, "SHA256:a")];
    let rows: Vec<(Vec<KnownHostsLine>, StrictHostKeyChecking, bool, Status, &str)> = vec![
        (good(), Yes, false, Pass, "known_hosts:3"),
        (vec![], Ask, true, Warn, "ssh will ask"),
        (vec![], AcceptNew, false, Warn, "accept it unseen"),
        (vec![], No, false, Warn, "accept it unseen"),
        (vec![], Ask, false, Fail, "may not accept"),
        (vec![], Yes, true, Fail, "ssh-keyscan -p 22 host.example.com >> ~/.ssh/known_hosts"),
        (
            changed(),
            Ask,
            true,
            Fail,
            "ssh-keygen -R host.example.com -f /home/ada/.ssh/known_hosts",
        ),
        (changed(), No, true, Warn, "StrictHostKeyChecking is off"),
        (changed(), Ask, true, Fail, "The next ssh then asks for the new one."),
        (changed(), Yes, true, Fail, "still refuses the new one"),
        (changed(), Yes, true, Fail, "ssh-keyscan -p 22 host.example.com >> ~/.ssh/known_hosts"),
        (changed(), AcceptNew, true, Fail, "takes the new one unseen"),
        // Where nothing is kept, asking once would be asking for ever.
        (vec![], No, false, Warn, "Your configuration keeps no known keys"),
        (
            vec![],
            No,
            false,
            Warn,
            "StrictHostKeyChecking=ask -o 'UserKnownHostsFile=~/.ssh/known_hosts'",
        ),
        (revoked(), Ask, true, Fail, "marked as revoked"),
    ];
    for (lines, strict, interactive, status, words) in rows {
        let finding = finding(lines, strict, interactive);
        let mut all = finding.summary.plain();
        for line in &finding.details {
            all += &line.plain();
        }
        for hint in &finding.hints {
            all += &hint.text.plain();
            all += &hint.command.as_ref().map(Command::plain).unwrap_or_default();
        }
        assert_eq!(finding.status, status, "{all}");
        assert!(all.contains(words), "{words} not in {all}");
    }
}

#[test]
fn a_pattern_is_changed_by_hand() {
    let by_pattern = KnownHostsLine { by_pattern: true, ..line(None, ED, "SHA256:b") };
    let finding = finding(vec![by_pattern], Ask, true);
    assert!(finding.hints.iter().all(|hint| hint.command.is_none()));
}
