//! What known_hosts says about the server's key.

use checks::diagnosis::Id;

use super::{examine::situation, scene::Scene};

/// A healthy server; the known_hosts is then changed by the test.
fn healthy(scene: &mut Scene) -> (u16, Vec<String>) {
    let sshd = scene.sshd(&[]);
    scene.identity("id");
    (sshd.port, vec![scene.at(sshd.port)])
}

situation!(
    host_key_is_new,
    |s| {
        let (_, words) = healthy(&mut s);
        s.write("known_hosts", "", 0o600);
        s.set("StrictHostKeyChecking accept-new");
        // ssh would write the key down.
        s.set("UpdateHostKeys no");
        words
    },
    |found| {
        found.is_ready();
        assert_eq!(found.status("host-key"), "warn");
    }
);

situation!(
    host_key_is_new_and_nobody_may_accept_it,
    |s| {
        let (_, words) = healthy(&mut s);
        s.write("known_hosts", "", 0o600);
        words
    },
    |found| { found.fails_with(Id::HostKeyUnknown) }
);

situation!(
    host_key_has_changed,
    |s| {
        let (port, words) = healthy(&mut s);
        s.key("other", &["-t", "ed25519"]);
        s.known(port, "other");
        words
    },
    |found| {
        found.fails_with(Id::HostKeyChanged);
        assert!(found.words().contains("known_hosts"), "{}", found.words());
        assert_eq!(found.status("portal"), "skip");
    }
);

situation!(
    known_by_a_hashed_name,
    |s| {
        let (_, words) = healthy(&mut s);
        s.tool("ssh-keygen", &["-H", "-f", "known_hosts"]);
        assert!(s.read("known_hosts").starts_with("|1|"));
        words
    },
    |found| { found.is_ready() }
);

situation!(
    known_in_the_second_file,
    |s| {
        let (_, words) = healthy(&mut s);
        s.write("known_hosts2", s.read("known_hosts"), 0o600);
        s.write("known_hosts", "", 0o600);
        words
    },
    |found| { found.is_ready() }
);

situation!(
    known_by_a_wildcard,
    |s| {
        let (_, words) = healthy(&mut s);
        let key = s.read("host.pub");
        s.write("known_hosts", format!("[127.0.*]:* {key}"), 0o600);
        words
    },
    |found| { found.is_ready() }
);

situation!(
    wildcard_with_an_exception,
    |s| {
        let (_, words) = healthy(&mut s);
        let key = s.read("host.pub");
        s.write("known_hosts", format!("[127.0.*]:*,![127.0.0.1]:* {key}"), 0o600);
        words
    },
    |found| { found.fails_with(Id::HostKeyUnknown) }
);

situation!(
    known_by_its_alias,
    |s| {
        let (_, words) = healthy(&mut s);
        let key = s.read("host.pub");
        s.write("known_hosts", format!("my-server {key}"), 0o600);
        s.set("HostKeyAlias my-server");
        words
    },
    |found| { found.is_ready() }
);

situation!(
    host_key_is_revoked,
    |s| {
        let (_, words) = healthy(&mut s);
        let line = s.read("known_hosts");
        s.write("known_hosts", format!("@revoked {line}{line}"), 0o600);
        words
    },
    |found| { found.fails_with(Id::HostKeyRevoked) }
);

/// A host certificate for these names.
fn certified(scene: &mut Scene, names: &str) -> Vec<String> {
    scene.key("ca", &["-t", "ed25519"]);
    scene.key("host", &["-t", "ed25519"]);
    scene.tool("ssh-keygen", &["-q", "-s", "ca", "-I", "test", "-h", "-n", names, "host.pub"]);
    let line = format!("HostCertificate {}", scene.word("host-cert.pub"));
    let sshd = scene.sshd(&[&line]);
    let authority = scene.read("ca.pub");
    scene.write("known_hosts", format!("@cert-authority * {authority}"), 0o600);
    scene.identity("id");
    vec![scene.at(sshd.port)]
}

situation!(host_certificate, |s| { certified(&mut s, "127.0.0.1") }, |found| {
    found.is_ready();
    assert_eq!(found.status("host-key"), "pass");
});

situation!(
    host_certificate_for_another_name,
    |s| { certified(&mut s, "elsewhere.example") },
    |found| {
        // ssh falls back to the plain key, which it does not know.
        found.fails_with(Id::HostCertificateInvalid);
    }
);

situation!(
    two_host_keys_of_which_one_is_known,
    |s| {
        s.key("host2", &["-t", "ecdsa"]);
        let second = format!("HostKey {}", s.word("host2"));
        let sshd = s.sshd(&[&second]);
        s.known(sshd.port, "host2");
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);
