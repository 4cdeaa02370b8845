//! Key files: accepted, refused, and all that is wrong with a file.

use checks::diagnosis::Id;

use super::{
    examine::situation,
    scene::{PASSPHRASE, Scene},
};

/// An sshd that knows `id`, while `ssh` tries this file.
fn tries(scene: &mut Scene, file: &str) -> Vec<String> {
    let sshd = scene.sshd(&[]);
    scene.identity(file);
    vec![scene.at(sshd.port)]
}

situation!(key_in_a_file, |s| { tries(&mut s, "id") }, |found| {
    found.is_ready();
    assert_eq!(found.status("portal"), "pass");
});

situation!(
    rsa_key,
    |s| {
        s.key("rsa", &["-t", "rsa", "-b", "2048"]);
        s.write("authorized_keys", s.read("rsa.pub"), 0o600);
        tries(&mut s, "rsa")
    },
    |found| { found.is_ready() }
);

situation!(
    ecdsa_key,
    |s| {
        s.key("ecdsa", &["-t", "ecdsa"]);
        s.write("authorized_keys", s.read("ecdsa.pub"), 0o600);
        tries(&mut s, "ecdsa")
    },
    |found| { found.is_ready() }
);

situation!(
    pem_key,
    |s| {
        s.key("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
        s.write("authorized_keys", s.read("pem.pub"), 0o600);
        tries(&mut s, "pem")
    },
    |found| { found.is_ready() }
);

situation!(
    second_key_is_the_right_one,
    |s| {
        s.key("other", &["-t", "ed25519"]);
        s.identity("other");
        tries(&mut s, "id")
    },
    |found| { found.is_ready() }
);

situation!(
    wrong_key,
    |s| {
        s.key("other", &["-t", "ed25519"]);
        tries(&mut s, "other")
    },
    |found| {
        found.fails_with(Id::KeyNotAccepted);
        assert!(found.words().contains("SHA256:"), "{}", found.words());
    }
);

situation!(
    wrong_user,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec![format!("ssh://nobody-here@127.0.0.1:{}", sshd.port)]
    },
    |found| { found.fails_with(Id::KeyNotAccepted) }
);

situation!(
    user_who_is_not_allowed,
    |s| {
        let deny = format!("DenyUsers {}", s.account.name);
        let sshd = s.sshd(&[&deny]);
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::KeyNotAccepted) }
);

situation!(
    key_file_is_missing,
    |s| {
        let sshd = s.sshd(&[]);
        vec!["-i".into(), s.word("nowhere"), s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::KeyFileMissing) }
);

situation!(
    no_key_at_all,
    |s| {
        // The default names, in a home that has none of them.
        let sshd = s.sshd(&[]);
        s.set("IdentityFile none");
        vec![s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::NoKey) }
);

situation!(
    key_is_readable_by_all,
    |s| {
        s.write("id", s.read("id"), 0o644);
        tries(&mut s, "id")
    },
    |found| { found.fails_with(Id::KeyPermissions) }
);

situation!(
    key_is_locked_in_a_ci_job,
    |s| {
        s.tool("ssh-keygen", &["-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", "id"]);
        tries(&mut s, "id")
    },
    |found| { found.fails_with(Id::KeyLocked) }
);

situation!(
    public_half_given_as_key,
    |s| {
        let sshd = s.sshd(&[]);
        vec!["-i".into(), s.word("id.pub"), s.at(sshd.port)]
    },
    |found| {
        // ssh finds that the mode of the public half is too open for a key.
        found.fails_with(Id::KeyIsPublic);
    }
);

situation!(
    putty_key,
    |s| {
        s.write("key.ppk", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", 0o600);
        tries(&mut s, "key.ppk")
    },
    |found| {
        found.fails_with(Id::KeyIsPpk);
        assert!(found.words().contains("puttygen"), "{}", found.words());
    }
);

situation!(
    truncated_key,
    |s| {
        let whole = s.read("id");
        s.write("cut", &whole[..whole.len() / 2], 0o600);
        tries(&mut s, "cut")
    },
    |found| { found.fails_with(Id::KeyMalformed) }
);

situation!(
    empty_key,
    |s| {
        s.write("empty", "", 0o600);
        tries(&mut s, "empty")
    },
    |found| { found.fails_with(Id::KeyMalformed) }
);

situation!(
    key_with_line_ends_of_windows,
    |s| {
        s.write("id", s.read("id").replace('\n', "\r\n"), 0o600);
        tries(&mut s, "id")
    },
    |found| { found.fails_with(Id::KeyMalformed) }
);

situation!(
    key_without_its_last_line_end,
    |s| {
        s.write("id", s.read("id").trim_end(), 0o600);
        tries(&mut s, "id")
    },
    |found| { found.fails_with(Id::KeyMalformed) }
);

situation!(
    rsa_key_that_is_too_small,
    |s| {
        s.key("small", &["-t", "rsa", "-b", "1024"]);
        s.write("authorized_keys", s.read("small.pub"), 0o600);
        s.set("RequiredRSASize 2048");
        tries(&mut s, "small")
    },
    |found| { found.fails_with(Id::KeyTooWeak) }
);

situation!(
    pub_beside_it_belongs_to_another_key,
    |s| {
        s.key("other", &["-t", "ed25519"]);
        let sshd = s.sshd(&[]);
        s.write("id.pub", s.read("other.pub"), 0o644);
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::KeyPairMismatch) }
);

/// Signs the key `id` for a login, valid in this interval.
fn certify(scene: &mut Scene, principal: &str, validity: &str) -> Vec<String> {
    scene.key("ca", &["-t", "ed25519"]);
    let line = ["-q", "-s", "ca", "-I", "test", "-n", principal, "-V", validity, "id.pub"];
    scene.tool("ssh-keygen", &line);
    scene.write("authorized_keys", "", 0o600);
    let trusted = format!("TrustedUserCAKeys {}", scene.word("ca.pub"));
    let sshd = scene.sshd(&[&trusted]);
    scene.identity("id");
    vec![scene.at(sshd.port)]
}

situation!(
    certificate,
    |s| {
        let user = s.account.name.clone();
        certify(&mut s, &user, "-1d:+1d")
    },
    |found| { found.is_ready() }
);

situation!(
    certificate_is_over,
    |s| {
        let user = s.account.name.clone();
        certify(&mut s, &user, "-2d:-1d")
    },
    |found| { found.fails_with(Id::CertificateExpired) }
);

situation!(
    certificate_is_for_another_user,
    |s| { certify(&mut s, "somebody-else", "-1d:+1d") },
    |found| { found.fails_with(Id::CertificateExpired) }
);
