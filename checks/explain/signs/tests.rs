use super::*;

#[test]
fn every_pattern_is_one() {
    assert_eq!(TABLE.each.len(), SIGNS.len());
    assert_eq!(TABLE.set.len(), SIGNS.len());
}

#[test]
fn the_wordings_of_all_generations() {
    for (line, expected, words) in [
        // 7.2, 7.8, and since 8.0.
        ("Offering RSA public key: /k", Sign::Offered, &["RSA", "/k"][..]),
        ("Offering public key: RSA SHA256:x /k", Sign::Offered, &["RSA", "SHA256:x", "/k"]),
        (
            "Offering public key: my key ED25519 SHA256:x agent",
            Sign::Offered,
            &["my key", "ED25519", "SHA256:x", " agent"],
        ),
        ("Authenticated to h ([192.0.2.1]:22).", Sign::LoggedIn, &["h", "192.0.2.1", "22"]),
        (
            "Authenticated to h ([192.0.2.1]:22) using \"publickey\".",
            Sign::LoggedIn,
            &["h", "192.0.2.1", "22"],
        ),
        ("Authenticated to h (via proxy).", Sign::LoggedIn, &["h", "", ""]),
        ("ssh_exchange_identification: Connection closed by remote host", Sign::ClosedFirst, &[]),
        ("kex_exchange_identification: Connection closed by remote host", Sign::ClosedFirst, &[]),
        ("kex_exchange_identification: read: Connection reset by peer", Sign::ResetFirst, &[]),
        (
            "a@h: Permission denied (publickey,password).",
            Sign::Denied,
            &["a", "h", "publickey,password"],
        ),
        ("Permission denied (publickey).", Sign::Denied, &["", "", "publickey"]),
        ("a@corp@h: Permission denied (publickey).", Sign::Denied, &["a@corp", "h", "publickey"]),
        ("OpenSSH_7.4p1, OpenSSL 1.0.2k-fips  26 Jan 2017", Sign::Client, &["OpenSSH_7.4p1"]),
        ("$ ssh -p 22 a@h", Sign::Typed, &["ssh -p 22 a@h"]),
        ("alex@pc:~$ git push", Sign::Typed, &["git push"]),
    ] {
        let (found, captured) = sign(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(found, expected, "{line}");
        assert_eq!(captured, words, "{line}");
    }
    assert_eq!(sign("drwxr-xr-x 2 a a 4096 Jan 1 00:00 x"), None);
}
