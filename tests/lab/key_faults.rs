//! Every fault of a key or a certificate, with `ssh` as the oracle: one situation each. Those of
//! `situations.rs` are not repeated here.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use ssh_key::{
    LineEnding, PrivateKey,
    private::{KeypairData, SkEd25519},
    public,
};

use crate::{
    faults::Fault,
    oracle::Expect::{NotReady, Ready},
    situations::{args, me, situations},
    world::{Key, World},
};

type Typed = (Vec<String>, Option<Fault>);

/// A good key whose file is changed before it is used, without the `.pub` that would be offered.
fn changed(w: &mut World, kind: &str, change: impl Fn(String) -> Vec<u8>) -> Typed {
    let key = w.key("id_a", kind);
    let port = w.sshd(&[&key], &[]);
    if kind == "rsa" {
        pem(w, &key, "");
    }
    w.without_pub(&key);
    let text = fs::read_to_string(&key.path).unwrap();
    w.write(".ssh/id_a", change(text), 0o600);
    (args!["-i", key.arg(), "-p", port, me(w)], None)
}

/// Writes a key in the old form; with a passphrase it hides the public half too.
fn pem(w: &mut World, key: &Key, passphrase: &str) {
    let mut convert = w.person.command("ssh-keygen", &w.home());
    convert.args(["-q", "-p", "-m", "PEM", "-N", passphrase, "-f", key.arg()]);
    w.must(&mut convert);
    w.remember(&key.path);
}

/// A key of a security key that nobody has. Its files are like those of `ssh-keygen -t ed25519-sk`.
fn hardware_key(w: &mut World, name: &str) -> Key {
    let half = public::SkEd25519::new(public::Ed25519PublicKey([7; 32]), "ssh:".to_owned());
    let pair = SkEd25519::new(half, 1, vec![9_u8; 64]).unwrap();
    let key = PrivateKey::new(KeypairData::SkEd25519(pair), "alex@laptop").unwrap();
    let public = key.public_key().to_openssh().unwrap();
    w.write(&format!(".ssh/{name}.pub"), format!("{public}\n"), 0o644);
    let path = w.write(&format!(".ssh/{name}"), &*key.to_openssh(LineEnding::LF).unwrap(), 0o600);
    Key { path, public }
}

/// A key with a certificate beside it, and a server that trusts who signed it.
fn certified(w: &mut World, arguments: &[&str]) -> (Key, u16) {
    let key = w.key("id_a", "ed25519");
    let authority = w.server_key("ca", "ed25519");
    w.certify(&authority, &key.pub_path(), arguments);
    let port = w.sshd(&[], &[&format!("TrustedUserCAKeys {}.pub", authority.arg())]);
    (key, port)
}

fn certificate_of(key: &Key) -> PathBuf {
    PathBuf::from(format!("{}-cert.pub", key.arg()))
}

/// As before, for this user and valid.
fn certified_well(w: &mut World) -> (Key, u16) {
    let name = w.person.name.clone();
    certified(w, &["-n", &name, "-V", "+1h"])
}

/// A key in the agent, of whose files there is the public half alone.
fn in_the_agent_alone(w: &mut World) -> (Key, u16) {
    let key = w.key("id_a", "ed25519");
    let port = w.sshd(&[&key], &[]);
    w.agent(&[&key]);
    fs::remove_file(&key.path).unwrap();
    (key, port)
}

situations! {
    /// ssh leaves a typed file out as a whole, so the agent's key has no name.
    typed_key_whose_private_half_is_gone: NotReady("key-file-missing"), |w| {
        let (key, port) = in_the_agent_alone(w);
        (args!["-o", "IdentitiesOnly=yes", "-i", key.arg(), "-p", port, me(w)], None)
    }
    configured_key_whose_private_half_is_gone: Ready, |w| {
        let (key, port) = in_the_agent_alone(w);
        let file = format!("IdentityFile={}", key.arg());
        (args!["-o", "IdentitiesOnly=yes", "-o", file, "-p", port, me(w)], None)
    }
    // The file of the private key.
    key_without_last_line_end: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| text.trim_end().into())
    }
    key_flattened_with_spaces: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| text.replace('\n', " ").into())
    }
    /// As a CI variable that was written as one line.
    key_flattened_with_backslashes: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| text.replace('\n', "\\n").into())
    }
    key_packed_once_more: NotReady("key-malformed"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        let packed = w.must(std::process::Command::new("base64").arg(&key.path));
        w.write(".ssh/id_a", packed, 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_with_byte_order_mark: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| format!("\u{feff}{text}").into())
    }
    key_in_quotes: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| format!("\"{text}\"").into())
    }
    key_indented: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| format!("  {}", text.replace('\n', "\n  ")).into())
    }
    key_in_utf_16: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect()
        })
    }
    key_with_wrong_begin: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| text.replacen("-----BEGIN", "----BEGIN", 1).into())
    }
    key_with_typographic_dashes: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |text| text.replace("-----", "\u{2014}\u{2014}-").into())
    }
    key_empty: NotReady("key-malformed"), |w| { changed(w, "ed25519", |_| Vec::new()) }
    key_in_pem_truncated: NotReady("key-malformed"), |w| {
        changed(w, "rsa", |text| text[..text.len() / 2].into())
    }
    /// Only OpenSSH's own form minds the line ends of Windows.
    key_in_pem_with_windows_lines: Ready, |w| {
        changed(w, "rsa", |text| text.replace('\n', "\r\n").into())
    }
    /// The damaged half is found out only after the server has said yes to the `.pub` beside it.
    key_damaged_beside_its_public_half: NotReady("key-malformed"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/id_a", "", 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    public_key_in_the_form_of_others: NotReady("key-malformed"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let mut export = w.person.command("ssh-keygen", &w.home());
        let text = w.must(export.args(["-e", "-f"]).arg(key.pub_path()));
        w.without_pub(&key);
        w.write(".ssh/id_a", text, 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_of_the_web: NotReady("key-malformed"), |w| {
        changed(w, "ed25519", |_| b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into())
    }
    key_is_a_directory: NotReady("key-malformed"), |w| {
        let port = w.sshd(&[], &[]);
        fs::create_dir(w.dot_ssh("keys")).unwrap();
        (args!["-i", w.dot_ssh("keys").display(), "-p", port, me(w)], None)
    }
    key_behind_a_dead_link: NotReady("key-file-missing"), |w| {
        let port = w.sshd(&[], &[]);
        symlink(w.dot_ssh("gone"), w.dot_ssh("id_a")).unwrap();
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }
    key_named_in_the_configuration_only: NotReady("key-file-missing"), |w| {
        let port = w.sshd(&[], &[]);
        w.config(&format!("IdentityFile {}", w.dot_ssh("id_shop").display()));
        (args!["-p", port, me(w)], None)
    }
    /// Another key was asked about: that the one of the configuration is gone need not be the cause.
    key_of_the_configuration_is_gone_beside_another: NotReady("key-not-accepted"), |w| {
        let other = w.key("id_b", "ed25519");
        w.agent(&[&other]);
        let port = w.sshd(&[], &[]);
        w.config(&format!("IdentityFile {}", w.dot_ssh("id_old").display()));
        (args!["-p", port, me(w)], None)
    }
    key_that_was_typed_is_gone_beside_another: NotReady("key-file-missing"), |w| {
        let other = w.key("id_b", "ed25519");
        w.agent(&[&other]);
        let port = w.sshd(&[], &[]);
        (args!["-i", w.dot_ssh("id_old").display(), "-p", port, me(w)], None)
    }
    /// The private half was moved away, and its public half still stands there.
    private_half_is_gone: NotReady("key-file-missing"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        fs::remove_file(&key.path).unwrap();
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    private_key_under_the_name_of_the_public_one: NotReady("key-pair-mismatch"), |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &[]);
        w.write(".ssh/id_a.pub", other.public + "\n", 0o644);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }

    // Who may read it.
    folder_of_keys_that_is_closed: NotReady("key-unreadable"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let closed = w.home().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::rename(&key.path, closed.join("id_a")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        w.person.owns(&closed);
        (args!["-i", closed.join("id_a").display(), "-p", port, me(w)], None)
    }
    /// ssh looks at the mode of its user's own files alone.
    open_key_of_another_user: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        if w.person.by_root {
            std::os::unix::fs::chown(&key.path, Some(0), Some(0)).unwrap();
            fs::set_permissions(&key.path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_that_the_group_could_read: NotReady("key-permissions"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        fs::set_permissions(&key.path, fs::Permissions::from_mode(0o640)).unwrap();
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }

    // Passphrases.
    locked_key_in_pem_alone: NotReady("key-locked"), |w| {
        let key = w.key("id_a", "rsa");
        let port = w.sshd(&[&key], &[]);
        pem(w, &key, "correct horse");
        w.secrets.push("correct horse".into());
        w.without_pub(&key);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }

    // Kinds and sizes.
    rsa_key_that_is_too_small_for_the_server: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_rsa", "rsa");
        let port = w.sshd(&[&key], &["RequiredRSASize 4096"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    small_key_beside_a_good_one: Ready, |w| {
        let (small, good) = (w.key("id_rsa", "rsa"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&small, &good], &[]);
        (args!["-o", "RequiredRSASize=4096", "-i", small.arg(), "-i", good.arg(), "-p", port, me(w)], None)
    }

    // Security keys.
    security_key_that_is_not_plugged_in: NotReady("security-key-absent"), |w| {
        let key = hardware_key(w, "id_ed25519_sk");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    security_key_in_the_agent: NotReady("security-key-absent"), |w| {
        let key = hardware_key(w, "id_ed25519_sk");
        w.agent(&[&key]);
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    security_key_turned_off: NotReady("security-key-off"), |w| {
        let key = hardware_key(w, "id_ed25519_sk");
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "SecurityKeyProvider=none", "-i", key.arg(), "-p", port, me(w)], None)
    }
    security_key_that_is_not_registered: NotReady("key-not-accepted"), |w| {
        let (key, other) = (hardware_key(w, "id_ed25519_sk"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    security_key_beside_a_good_one: Ready, |w| {
        let (key, good) = (hardware_key(w, "id_ed25519_sk"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&key, &good], &[]);
        (args!["-i", key.arg(), "-i", good.arg(), "-p", port, me(w)], None)
    }
    security_key_that_the_server_takes_no_more: NotReady("key-not-accepted"), |w| {
        let key = hardware_key(w, "id_ed25519_sk");
        let port = w.sshd(&[&key], &["PubkeyAcceptedAlgorithms ssh-ed25519"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }

    // Certificates.
    certificate_not_valid_yet: NotReady("certificate-expired"), |w| {
        let name = w.person.name.clone();
        let (key, port) = certified(w, &["-n", &name, "-V", "20400101:20410101"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_for_hosts: NotReady("certificate-expired"), |w| {
        let name = w.person.name.clone();
        let (key, port) = certified(w, &["-h", "-n", &name, "-V", "+1h"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_by_a_stranger: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let (stranger, other) = (w.server_key("ca", "ed25519"), w.server_key("other", "ed25519"));
        let name = w.person.name.clone();
        w.certify(&stranger, &key.pub_path(), &["-n", &name, "-V", "+1h"]);
        let port = w.sshd(&[], &[&format!("TrustedUserCAKeys {}.pub", other.arg())]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_without_its_private_key: NotReady("key-file-missing"), |w| {
        let (key, port) = certified_well(w);
        let certificate = w.dot_ssh("shop-cert.pub");
        fs::rename(certificate_of(&key), &certificate).unwrap();
        fs::remove_file(&key.path).unwrap();
        w.without_pub(&key);
        let certificate = format!("CertificateFile={}", certificate.display());
        (args!["-o", certificate, "-p", port, me(w)], None)
    }
    certificate_named_as_the_key: NotReady("key-is-public"), |w| {
        let (key, port) = certified_well(w);
        fs::remove_file(&key.path).unwrap();
        (args!["-i", certificate_of(&key).display(), "-p", port, me(w)], None)
    }
    certificate_in_another_place: Ready, |w| {
        let (key, port) = certified_well(w);
        let certificate = w.dot_ssh("shop-cert.pub");
        fs::rename(certificate_of(&key), &certificate).unwrap();
        let certificate = format!("CertificateFile={}", certificate.display());
        (args!["-o", certificate, "-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_whose_key_is_in_the_agent: Ready, |w| {
        let (key, port) = certified_well(w);
        let certificate = w.dot_ssh("shop-cert.pub");
        fs::rename(certificate_of(&key), &certificate).unwrap();
        w.agent(&[&key]);
        fs::remove_file(&key.path).unwrap();
        w.without_pub(&key);
        let certificate = format!("CertificateFile={}", certificate.display());
        (args!["-o", certificate, "-p", port, me(w)], None)
    }
    /// The agent holds the plain key, and may not be asked for it.
    certificate_whose_key_is_hidden_in_the_agent: NotReady("key-file-missing"), |w| {
        let (key, port) = certified_well(w);
        let certificate = w.dot_ssh("shop-cert.pub");
        fs::rename(certificate_of(&key), &certificate).unwrap();
        w.agent(&[&key]);
        fs::remove_file(&key.path).unwrap();
        w.without_pub(&key);
        let certificate = format!("CertificateFile={}", certificate.display());
        (args!["-o", "IdentitiesOnly=yes", "-o", certificate, "-p", port, me(w)], None)
    }
    certificate_file_that_is_not_there: NotReady("key-file-missing"), |w| {
        let (key, port) = certified_well(w);
        let gone = format!("CertificateFile={}", w.dot_ssh("gone-cert.pub").display());
        (args!["-o", gone, "-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_that_is_rubbish: NotReady("key-not-accepted"), |w| {
        let (key, port) = certified_well(w);
        w.write(".ssh/id_a-cert.pub", "rubbish\n", 0o644);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    certificate_for_another_address: NotReady("key-not-accepted"), |w| {
        let name = w.person.name.clone();
        let only = "source-address=192.0.2.0/24";
        let (key, port) = certified(w, &["-n", &name, "-V", "+1h", "-O", only]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
}
