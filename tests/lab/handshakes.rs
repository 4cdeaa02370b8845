//! Servers that are real and differ in what they take: algorithms, methods, software.

use checks::diagnosis::Id;

use super::{examine::situation, scene::Scene};

fn sshd(scene: &mut Scene, lines: &[&str]) -> Vec<String> {
    let sshd = scene.sshd(lines);
    scene.identity("id");
    vec![scene.at(sshd.port)]
}

situation!(
    no_cipher_in_common,
    |s| {
        s.set("Ciphers aes256-ctr");
        sshd(&mut s, &["Ciphers aes128-ctr"])
    },
    |found| {
        found.fails_with(Id::NoCommonAlgorithm);
        let words = found.words();
        assert!(words.contains("aes128-ctr") && words.contains("aes256-ctr"), "{words}");
    }
);

situation!(
    no_key_exchange_in_common,
    |s| {
        s.set("KexAlgorithms curve25519-sha256");
        sshd(&mut s, &["KexAlgorithms ecdh-sha2-nistp256"])
    },
    |found| { found.fails_with(Id::NoCommonAlgorithm) }
);

situation!(
    no_kind_of_host_key_in_common,
    |s| {
        s.set("HostKeyAlgorithms rsa-sha2-512");
        sshd(&mut s, &[])
    },
    |found| { found.fails_with(Id::NoCommonAlgorithm) }
);

situation!(
    old_algorithms_alone,
    |s| {
        sshd(
            &mut s,
            &[
                "KexAlgorithms diffie-hellman-group14-sha256",
                "Ciphers aes128-ctr",
                "MACs hmac-sha2-256",
            ],
        )
    },
    |found| { found.is_ready() }
);

situation!(
    server_without_login_by_key,
    |s| { sshd(&mut s, &["PubkeyAuthentication no", "PasswordAuthentication yes"]) },
    |found| { found.fails_with(Id::PasswordOnly) }
);

situation!(
    server_that_takes_no_ed25519,
    |s| { sshd(&mut s, &["PubkeyAcceptedAlgorithms rsa-sha2-512"]) },
    |found| {
        // Which types the server takes is only told for RSA.
        found.fails_with(Id::KeyNotAccepted);
        assert!(found.words().contains("key-type-refused"), "{}", found.words())
    }
);

situation!(
    chatty_banner,
    |s| {
        let text = "Authorised use only.\n\x1b[31mRed letters\x1b[0m and \x07 a bell.\n".repeat(20);
        let banner = s.write("banner", text, 0o644);
        let line = format!("Banner {}", banner.display());
        sshd(&mut s, &[&line])
    },
    |found| { found.is_ready() }
);

situation!(
    sshd_that_is_full,
    |s| {
        let words = sshd(&mut s, &["MaxStartups 1:100:1"]);
        let port: u16 = words[0].rsplit(':').next().unwrap().parse().unwrap();
        // Somebody else is in the middle of a login, for as long as sshd allows.
        let other = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        std::mem::forget(other);
        words
    },
    |found| { found.fails_with(Id::ServerOverloaded) }
);

/// Dropbear, with the key `id`.
fn dropbear(name: &'static str, kind: &str) {
    let Some(mut scene) = Scene::new(name) else { return };
    let Some(port) = scene.dropbear(kind) else { return };
    scene.identity("id");
    let words = [scene.at(port)];
    scene.examine(&words).is_ready();
    super::keep::keep(&scene);
}

#[test]
fn dropbear_with_ed25519() {
    dropbear("dropbear_with_ed25519", "ed25519");
}

#[test]
fn dropbear_with_rsa() {
    dropbear("dropbear_with_rsa", "rsa");
}

#[test]
fn dropbear_does_not_know_the_key() {
    let Some(mut scene) = Scene::new("dropbear_does_not_know_the_key") else { return };
    let Some(port) = scene.dropbear("ed25519") else { return };
    scene.key("other", &["-t", "ed25519"]);
    scene.identity("other");
    let words = [scene.at(port)];
    scene.examine(&words).fails_with(Id::KeyNotAccepted);
}
