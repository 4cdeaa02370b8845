//! The table: what is set up, what is typed, and what the program has to say. `ssh` is asked the
//! same in each of them.

use std::fs;

use crate::{
    faults::{self, Fault},
    oracle::Expect::{NotReady, Ready},
    world::{World, free_port},
};

/// Arguments from words.
macro_rules! args {
    ($($word:expr),* $(,)?) => { vec![$($word.to_string()),*] };
}
pub(crate) use args;

/// `name: expected, |world| arguments;` is one test.
macro_rules! situations {
    ($($(#[$doc:meta])* $name:ident: $expect:expr, |$world:ident| $body:block)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            crate::in_a_world(stringify!($name), |$world: &mut World| {
                // What a situation keeps alive (a server) lives until the comparison is done.
                let (arguments, _kept): (Vec<String>, Option<crate::faults::Fault>) = $body;
                let expect: crate::oracle::Expect = $expect;
                crate::oracle::compare(stringify!($name), $world, &arguments, expect);
            });
        }
    )*};
}

pub(crate) use situations;

/// The user at this computer.
pub fn me(world: &World) -> String {
    format!("{}@127.0.0.1", world.person.name)
}

fn faulty(world: &mut World, fault: Fault) -> (Vec<String>, Option<Fault>) {
    let key = world.key("id_a", "ed25519");
    let arguments = args!["-o", "ConnectTimeout=2", "-i", key.arg(), "-p", fault.port, me(world)];
    (arguments, Some(fault))
}

situations! {
    // The key is taken.
    key_file_accepted: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_without_public_file: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        w.without_pub(&key);
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_in_agent_only: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[&key]);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        (args!["-p", port, me(w)], None)
    }
    second_key_accepted: Ready, |w| {
        let (first, second) = (w.key("id_a", "ed25519"), w.key("id_b", "ecdsa"));
        let port = w.sshd(&[&second], &[]);
        (args!["-i", first.arg(), "-i", second.arg(), "-p", port, me(w)], None)
    }
    alias_in_configuration: Ready, |w| {
        let key = w.key("my key", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.config(&format!(
            "Host shop\n  HostName 127.0.0.1\n  Port {port}\n  User {}\n  IdentityFile \"{}\"\n",
            w.person.name, key.arg(),
        ));
        (args!["shop"], None)
    }
    names_with_spaces_tokens_and_variables: Ready, |w| {
        let key = w.key("id_shop", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let known = w.dot_ssh("known hosts");
        fs::rename(w.dot_ssh("known_hosts"), &known).unwrap();
        w.environment.push(("KEYS", w.dot_ssh("")));
        w.config(&format!(
            "Host shop\n  HostName 127.0.0.1\n  Port {port}\n  User {}\n  IdentitiesOnly yes\n\
             IdentityFile ${{KEYS}}id_%n\n  UserKnownHostsFile \"{}\" /nowhere\n",
            w.person.name,
            known.display(),
        ));
        (args!["-o", "StrictHostKeyChecking=yes", "shop"], None)
    }
    rsa_key: Ready, |w| {
        let key = w.key("id_rsa", "rsa");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    locked_key_in_agent: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.agent(&[&key]);
        let mut lock = w.person.command("ssh-keygen", &w.home());
        lock.args(["-q", "-p", "-N", "correct horse", "-f", key.arg()]);
        w.must(&mut lock);
        w.remember(&key.path);
        w.secrets.push("correct horse".into());
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    public_half_with_agent: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.agent(&[&key]);
        fs::remove_file(&key.path).unwrap();
        let public = key.pub_path();
        (args!["-i", public.display(), "-p", port, me(w)], None)
    }
    identities_only_rescues: Ready, |w| {
        let (port, key) = four_keys(w);
        (args!["-o", "IdentitiesOnly=yes", "-i", key, "-p", port, me(w)], None)
    }
    hashed_known_hosts: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let known = w.dot_ssh("known_hosts");
        let mut hash = w.person.command("ssh-keygen", &w.home());
        hash.arg("-H").arg("-f").arg(&known);
        w.must(&mut hash);
        fs::remove_file(w.dot_ssh("known_hosts.old")).unwrap();
        (args!["-o", "StrictHostKeyChecking=yes", "-i", key.arg(), "-p", port, me(w)], None)
    }
    host_certificate: Ready, |w| {
        let port = with_host_certificate(w, "127.0.0.1", "+1h");
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }
    unknown_host_accepted_as_new: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        (args!["-o", "StrictHostKeyChecking=accept-new", "-i", key.arg(), "-p", port, me(w)], None)
    }
    user_certificate: Ready, |w| {
        let port = with_user_certificate(w, "+1h", None);
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }
    dropbear_ed25519: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        crate::keyring::allow(w, &key);
        let port = w.dropbear("ed25519");
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    dropbear_rsa: Ready, |w| {
        let key = w.key("id_rsa", "rsa");
        crate::keyring::allow(w, &key);
        let port = w.dropbear("rsa");
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }

    // The key is not taken.
    wrong_key: NotReady("key-not-accepted"), |w| {
        let (mine, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&other], &[]);
        (args!["-i", mine.arg(), "-p", port, me(w)], None)
    }
    wrong_user: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, "nosuchuser@127.0.0.1"], None)
    }
    denied_user: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let deny = format!("DenyUsers {}", w.person.name);
        let port = w.sshd(&[&key], &[&deny]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    dropbear_wrong_key: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.dropbear("ed25519");
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    too_many_keys: NotReady("too-many-keys"), |w| {
        let (port, _) = four_keys(w);
        (args!["-p", port, me(w)], None)
    }
    password_only: NotReady("password-only"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["PubkeyAuthentication no"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    expired_user_certificate: NotReady("certificate-expired"), |w| {
        let port = with_user_certificate(w, "20200101:20200102", None);
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }
    user_certificate_for_another: NotReady("certificate-expired"), |w| {
        let port = with_user_certificate(w, "+1h", Some("somebody-else"));
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }

    // There is no key that could be used.
    no_key: NotReady("no-key"), |w| {
        let key = w.key("id_z", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        (args!["-p", port, me(w)], None)
    }
    key_file_missing: NotReady("key-file-missing"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", w.dot_ssh("id_absent").display(), "-p", port, me(w)], None)
    }
    key_permissions: NotReady("key-permissions"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let text = fs::read(&key.path).unwrap();
        w.write(".ssh/id_a", text, 0o644);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_unreadable: NotReady("key-unreadable"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let text = fs::read(&key.path).unwrap();
        w.without_pub(&key);
        w.write(".ssh/id_a", text, 0o000);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_locked: NotReady("key-locked"), |w| {
        let key = w.key_with("id_a", "ed25519", "correct horse");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_is_public: NotReady("key-is-public"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.pub_path().display(), "-p", port, me(w)], None)
    }
    key_is_ppk: NotReady("key-is-ppk"), |w| {
        let port = w.sshd(&[], &[]);
        let ppk = w.write(".ssh/key.ppk", PPK, 0o600);
        (args!["-i", ppk.display(), "-p", port, me(w)], None)
    }
    key_truncated: NotReady("key-malformed"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        let text = fs::read_to_string(&key.path).unwrap();
        w.write(".ssh/id_a", &text[..text.len() / 2], 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_with_windows_lines: NotReady("key-malformed"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        let text = fs::read_to_string(&key.path).unwrap();
        w.write(".ssh/id_a", text.replace('\n', "\r\n"), 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_pair_mismatch: NotReady("key-pair-mismatch"), |w| {
        let (key, other) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/id_a.pub", other.public + "\n", 0o644);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    keys_turned_off: NotReady("pubkey-disabled"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "PubkeyAuthentication=no", "-i", key.arg(), "-p", port, me(w)], None)
    }
    stale_agent: NotReady("agent-unreachable"), |w| {
        let key = w.key("id_z", "ed25519");
        let port = w.sshd(&[&key], &[]);
        fs::remove_file(&key.path).unwrap();
        w.without_pub(&key);
        w.agent = Some(w.dot_ssh("gone.sock"));
        (args!["-p", port, me(w)], None)
    }
    /// A stale agent is no obstacle where a file holds the key.
    stale_agent_beside_a_file: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.agent = Some(w.dot_ssh("gone.sock"));
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    empty_agent: NotReady("no-key"), |w| {
        let key = w.key("id_z", "ed25519");
        let port = w.sshd(&[&key], &[]);
        fs::remove_file(&key.path).unwrap();
        w.without_pub(&key);
        w.agent(&[]);
        (args!["-p", port, me(w)], None)
    }

    // The host is not trusted.
    host_key_unknown: NotReady("host-key-unknown"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        (args!["-o", "StrictHostKeyChecking=yes", "-i", key.arg(), "-p", port, me(w)], None)
    }
    host_key_unknown_and_nobody_to_ask: NotReady("host-key-unknown"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    host_key_changed: NotReady("host-key-changed"), |w| {
        let key = w.key("id_a", "ed25519");
        let old = w.server_key("old", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", format!("[127.0.0.1]:{port} {}\n", old.public), 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    host_key_revoked: NotReady("host-key-revoked"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let public = fs::read_to_string(w.server("host.pub")).unwrap();
        w.know(&format!("@revoked * {}", public.trim()));
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    host_certificate_for_another: NotReady("host-certificate-invalid"), |w| {
        let port = with_host_certificate(w, "shop.example", "+1h");
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }
    host_certificate_expired: NotReady("host-certificate-invalid"), |w| {
        let port = with_host_certificate(w, "127.0.0.1", "20200101:20200102");
        (args!["-i", w.dot_ssh("id_a").display(), "-p", port, me(w)], None)
    }

    // There is no conversation.
    refused_port: NotReady("refused-by-host"), |w| {
        let key = w.key("id_a", "ed25519");
        (args!["-i", key.arg(), "-p", free_port(), me(w)], None)
    }
    name_not_found: NotReady("name-not-found"), |w| {
        let key = w.key("id_a", "ed25519");
        (args!["-i", key.arg(), "alex@shop.invalid"], None)
    }
    no_common_cipher: NotReady("no-common-algorithm"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["Ciphers aes128-ctr"]);
        (args!["-c", "aes256-gcm@openssh.com", "-i", key.arg(), "-p", port, me(w)], None)
    }
    no_common_key_exchange: NotReady("no-common-algorithm"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["KexAlgorithms diffie-hellman-group14-sha1"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    one_cipher_only: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["Ciphers aes128-ctr", "MACs hmac-sha2-512"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    closed_at_once: NotReady("closed-before-banner"), |w| {
        faulty(w, Fault::start(faults::closes_at_once))
    }
    http_server: NotReady("not-ssh"), |w| { faulty(w, Fault::start(faults::http)) }
    garbage: NotReady("not-ssh"), |w| { faulty(w, Fault::start(faults::garbage)) }
    silent_server: NotReady("silent-server"), |w| { faulty(w, Fault::start(faults::silent)) }
    ssh_one: NotReady("protocol-too-old"), |w| { faulty(w, Fault::start(faults::ssh_one)) }
    overloaded: NotReady("server-overloaded"), |w| { faulty(w, Fault::start(faults::overloaded)) }
    tarpit: NotReady("tarpit"), |w| {
        // Where much runs at once, a thousand lines take longer than the others are waited for.
        let (words, fault) = faulty(w, Fault::start(faults::tarpit));
        let patient = |word: String| word.replace("ConnectTimeout=2", "ConnectTimeout=20");
        (words.into_iter().map(patient).collect(), fault)
    }
    mail_server: NotReady("not-ssh"), |w| { faulty(w, Fault::start(faults::mail)) }
    closed_after_banner: NotReady("handshake-cut"), |w| {
        faulty(w, Fault::start(faults::closes_after_banner))
    }
    reset_after_banner: NotReady("handshake-cut"), |w| {
        faulty(w, Fault::start(faults::reset_after_banner))
    }
    stalled_after_banner: NotReady("handshake-stalled"), |w| {
        faulty(w, Fault::start(faults::silent_after_banner))
    }
    endless_line: NotReady("not-ssh"), |w| { faulty(w, Fault::start(faults::endless_line)) }
    escape_sequences: NotReady("handshake-cut"), |w| { faulty(w, Fault::start(faults::escapes)) }

    // The configuration is wrong.
    unknown_setting: NotReady("ssh-config-invalid"), |w| {
        let port = w.sshd(&[], &[]);
        w.config("HostNaem 127.0.0.1");
        (args!["-p", port, me(w)], None)
    }
    binary_configuration: NotReady("ssh-config-invalid"), |w| {
        let port = w.sshd(&[], &[]);
        let bytes: Vec<u8> = (0..2048_u32).map(|n| (n * 7 % 256) as u8).collect();
        w.write(".ssh/config", bytes, 0o600);
        (args!["-p", port, me(w)], None)
    }
    unreadable_configuration: NotReady("ssh-config-invalid"), |w| {
        let port = w.sshd(&[], &[]);
        w.write(".ssh/config", "", 0o000);
        (args!["-p", port, me(w)], None)
    }
}

/// Four keys in the agent, of which the server takes the last, and it counts to two.
fn four_keys(w: &mut World) -> (u16, String) {
    let keys: Vec<_> = (0..4).map(|n| w.key(&format!("key_{n}"), "ed25519")).collect();
    let refs: Vec<_> = keys.iter().collect();
    w.agent(&refs);
    let port = w.sshd(&[&keys[3]], &["MaxAuthTries 2"]);
    (port, keys[3].arg().to_owned())
}

fn with_host_certificate(w: &mut World, principal: &str, validity: &str) -> u16 {
    let key = w.key("id_a", "ed25519");
    let (authority, host) = (w.server_key("ca", "ed25519"), w.server_key("host", "ed25519"));
    w.certify(&authority, &host.pub_path(), &["-h", "-n", principal, "-V", validity]);
    let certificate = format!("HostCertificate {}-cert.pub", host.arg());
    let port = w.sshd_with(&host, &[&key], &[&certificate]);
    w.know(&format!("@cert-authority [127.0.0.1]:{port} {}", authority.public));
    port
}

fn with_user_certificate(w: &mut World, validity: &str, principal: Option<&str>) -> u16 {
    let key = w.key("id_a", "ed25519");
    let authority = w.server_key("ca", "ed25519");
    let principal = principal.unwrap_or(&w.person.name);
    w.certify(&authority, &key.pub_path(), &["-n", principal, "-V", validity]);
    let trusted = format!("TrustedUserCAKeys {}.pub", authority.arg());
    w.sshd(&[], &[&trusted])
}

/// A key of no use, made for this test.
const PPK: &str = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: alex@laptop\n\
    Public-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAIM7yVK3yhqzcG1gBqKAC3PWqC4pL2pMsWvHfb+1h\nAPGq\n\
    Private-Lines: 1\nAAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n\
    Private-MAC: 0000000000000000000000000000000000000000000000000000000000000000\n";
