use super::*;
use crate::evidence::{
    known_hosts::{KnownHostsFile, RevokedKeys},
    made,
};

/// A key with this fingerprint.
pub(crate) fn key(algorithm: &str, sha256: &str) -> PublicKeyFacts {
    PublicKeyFacts {
        algorithm: algorithm.into(),
        bits: 256,
        sha256: sha256.into(),
        md5: "00:11".into(),
        comment: String::new(),
        line: String::new(),
        certificate: None,
    }
}
/// A line with this key.
pub(crate) fn line(marker: Option<Marker>, algorithm: &str, sha256: &str) -> KnownHostsLine {
    KnownHostsLine {
        line: 3,
        marker,
        algorithm: algorithm.into(),
        sha256: Some(sha256.into()),
        hashed: false,
        by_pattern: false,
        found_as: None,
    }
}
/// One file with these lines.
pub(crate) fn known(lines: Vec<KnownHostsLine>) -> KnownHosts {
    let file = KnownHostsFile {
        path: "/home/ada/.ssh/known_hosts".into(),
        unreadable: None,
        exists: true,
        lines,
    };
    KnownHosts { name: "host.example.com".into(), files: vec![file], ..KnownHosts::default() }
}
const HOST: &str = "host.example.com";
const ED: &str = "ssh-ed25519";

fn is(trust: &Trust) -> String {
    serde_json::to_value(trust).unwrap().get("is").unwrap().as_str().unwrap().to_owned()
}

#[test]
fn a_key_is_judged_as_ssh_judges_it() {
    let revoked = Some(Marker::Revoked);
    let plain = KnownHostsLine { found_as: Some(HOST.into()), ..line(None, ED, "a") };
    let plain_other = KnownHostsLine { found_as: Some(HOST.into()), ..line(None, ED, "b") };
    let broken = KnownHostsLine { sha256: None, ..line(None, ED, "") };
    for (lines, expected) in [
        (vec![], "unknown"),
        (vec![broken], "unknown"),
        (vec![line(None, ED, "b"), line(None, ED, "a")], "known"),
        (vec![line(None, ED, "b")], "changed"),
        (vec![line(None, "ssh-rsa", "r")], "changed"),
        (vec![line(None, ED, "a"), line(revoked, ED, "a")], "revoked"),
        (vec![line(None, ED, "a"), line(revoked, ED, "b")], "known"),
        (vec![plain.clone()], "known"),
        (vec![plain_other], "unknown"),
        (vec![plain, line(None, ED, "b")], "changed"),
        (vec![line(Some(Marker::CertAuthority), ED, "a")], "unknown"),
    ] {
        let words = format!("{lines:?}");
        let trust = judge_key(&known(lines), &key(ED, "a"), HOST, Timestamp::UNIX_EPOCH);
        assert_eq!(is(&trust), expected, "{words}");
    }
}

#[test]
fn a_list_of_revoked_keys_counts_before_all_and_always() {
    let list = |sha256: &str| RevokedList { sha256: vec![sha256.into()], ..RevokedList::default() };
    let unreadable = Unread::Unreadable("No such file or directory".into());
    let off =
        Effective { strict_host_key_checking: StrictHostKeyChecking::No, ..made::effective(22) };
    for (list, expected, accepts) in [
        (Ok(list("a")), "revoked-by-list", Acceptance::Refuses),
        (Ok(list("b")), "known", Acceptance::Accepts),
        (Err(unreadable), "list-unreadable", Acceptance::Refuses),
        (Err(Unread::NotUnderstood), "known", Acceptance::Accepts),
    ] {
        let mut known = known(vec![line(None, ED, "a")]);
        known.revoked = Some(RevokedKeys { path: "/r".into(), list });
        let trust = judge_key(&known, &key(ED, "a"), HOST, Timestamp::UNIX_EPOCH);
        assert_eq!((is(&trust).as_str(), acceptance(&trust, &off, true)), (expected, accepts));
        assert_eq!(may_go_on(&trust, &off), accepts == Acceptance::Accepts);
    }
}

#[test]
fn a_key_of_this_computer_is_not_looked_up_where_that_is_waived() {
    let waives = |alias: Option<&str>, address: &str| {
        let effective = Effective {
            no_host_authentication_for_localhost: true,
            host_key_alias: alias.map(str::to_owned),
            ..made::effective(22)
        };
        effective.waives_host_key(address.parse().unwrap())
    };
    assert!(waives(None, "127.0.0.9") && waives(None, "::1"));
    assert!(!waives(None, "192.0.2.1") && !waives(Some("shop"), "127.0.0.1"));
    assert!(!made::effective(22).waives_host_key("127.0.0.1".parse().unwrap()));

    let mut known = known(vec![line(None, ED, "b")]);
    known.waived = true;
    let strict =
        Effective { strict_host_key_checking: StrictHostKeyChecking::Yes, ..made::effective(22) };
    let trust = judge_key(&known, &key(ED, "a"), HOST, Timestamp::UNIX_EPOCH);
    assert_eq!(is(&trust), "not-checked");
    assert_eq!(acceptance(&trust, &strict, false), Acceptance::Accepts);
    let list = RevokedList { sha256: vec!["a".into()], ..RevokedList::default() };
    known.revoked = Some(RevokedKeys { path: "/r".into(), list: Ok(list) });
    let trust = judge_key(&known, &key(ED, "a"), HOST, Timestamp::UNIX_EPOCH);
    assert_eq!(is(&trust), "revoked-by-list");
}

#[test]
fn a_certificate_counts_only_where_it_is_valid() {
    let valid = CertificateFacts {
        line: String::new(),
        is_user: false,
        key_id: "id".into(),
        serial: 1,
        principals: vec![HOST.into()],
        valid_after: Some(Timestamp::from_second(100).unwrap()),
        valid_before: Some(Timestamp::from_second(200).unwrap()),
        authority_sha256: "ca".into(),
        critical_options: Vec::new(),
    };
    let user = CertificateFacts { is_user: true, ..valid.clone() };
    let other = CertificateFacts { principals: vec!["other".into()], ..valid.clone() };
    let forced = CertificateFacts { critical_options: vec!["x".into()], ..valid.clone() };
    let ca = || line(Some(Marker::CertAuthority), ED, "ca");
    let plain = || line(None, ED, "a");
    for (certificate, at, lines, expected) in [
        (&valid, 150, vec![ca()], "known-by-authority"),
        (&valid, 99, vec![ca()], "certificate-invalid"),
        (&valid, 200, vec![ca()], "certificate-invalid"),
        (&valid, 200, vec![ca(), plain()], "known"),
        (&valid, 200, vec![ca(), line(None, ED, "b")], "changed"),
        (&valid, 150, vec![], "unknown"),
        (&valid, 150, vec![plain()], "known"),
        (&valid, 150, vec![ca(), line(Some(Marker::Revoked), ED, "ca")], "revoked"),
        (&user, 150, vec![ca()], "certificate-invalid"),
        (&other, 150, vec![ca()], "certificate-invalid"),
        (&forced, 150, vec![ca()], "certificate-invalid"),
    ] {
        let presented = PublicKeyFacts { certificate: Some(certificate.clone()), ..key(ED, "a") };
        let now = Timestamp::from_second(at).unwrap();
        let trust = judge_key(&known(lines), &presented, HOST, now);
        assert_eq!(is(&trust), expected, "{certificate:?} at {at}");
    }
}

#[test]
fn known_types_are_asked_for_first() {
    let all = ["ssh-ed25519-cert-v01@openssh.com", ED, "rsa-sha2-512", "rsa-sha2-256"];
    let effective = Effective {
        host_key_algorithms: all.iter().map(ToString::to_string).collect(),
        ..made::effective(22)
    };
    let order = |lines| preferred_algorithms(&effective, &known(lines));
    assert_eq!(order(vec![]), all);
    assert_eq!(order(vec![line(None, ED, "a")]), all);
    let [cert, ed, rsa512, rsa256] = all;
    assert_eq!(order(vec![line(None, "ssh-rsa", "r")]), [rsa512, rsa256, cert, ed]);
    let authority = line(Some(Marker::CertAuthority), ED, "ca");
    let both = vec![authority, line(None, "ssh-rsa", "r")];
    assert_eq!(order(both), [cert, rsa512, rsa256, ed]);
    assert_eq!(key_type("sk-ssh-ed25519-cert-v01@openssh.com"), "sk-ssh-ed25519@openssh.com");
}
