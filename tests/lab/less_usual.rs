//! Less usual ways to the same place.

use std::fs;

use crate::{
    oracle::Expect::{NotReady, Ready},
    situations::{args, me, situations},
    world::World,
};

situations! {
    known_by_a_wildcard: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let public = fs::read_to_string(w.server("host.pub")).unwrap();
        w.write(".ssh/known_hosts", format!("[127.0.*]:* {public}"), 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    wildcard_with_an_exception: NotReady("host-key-unknown"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let public = fs::read_to_string(w.server("host.pub")).unwrap();
        w.write(".ssh/known_hosts", format!("[127.0.*]:*,![127.0.0.1]:* {public}"), 0o600);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    the_first_user_counts: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let user = w.person.name.clone();
        (args!["-l", user, "-i", key.arg(), "-p", port, "nobody-here@127.0.0.1"], None)
    }
    a_thousand_lines: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let lines = (0..500).map(|n| format!("Host other-{n}\n  User nobody-{n}\n"));
        w.config(&lines.collect::<String>());
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    control_master: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.config(&format!("ControlMaster auto\nControlPath {}/c-%C", w.home().display()));
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    bind_address_of_another_computer: NotReady("bind-address-unavailable"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-b", "192.0.2.7", "-i", key.arg(), "-p", port, me(w)], None)
    }
    bind_address_of_the_other_family: NotReady("bind-address-unavailable"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-b", "::1", "-i", key.arg(), "-p", port, me(w)], None)
    }
    bind_interface_that_is_not_there: NotReady("bind-address-unavailable"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-B", "gone0", "-i", key.arg(), "-p", port, me(w)], None)
    }
    chatty_banner: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let text = "Authorised use only.\n\x1b[31mRed letters\x1b[0m and \x07 a bell.\n".repeat(20);
        let banner = w.server("banner");
        fs::write(&banner, text).unwrap();
        let port = w.sshd(&[&key], &[&format!("Banner {}", banner.display())]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    rsa_key_that_is_too_small: NotReady("key-too-weak"), |w| {
        let key = w.key("id_rsa", "rsa");
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "RequiredRSASize=4096", "-i", key.arg(), "-p", port, me(w)], None)
    }
    no_kind_of_host_key_in_common: NotReady("no-common-algorithm"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "HostKeyAlgorithms=rsa-sha2-512", "-i", key.arg(), "-p", port, me(w)], None)
    }
    /// The exchange of keys by other methods would go well.
    cipher_that_the_server_has_no_more: NotReady("no-common-algorithm"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-c", "3des-cbc", "-i", key.arg(), "-p", port, me(w)], None)
    }
    mac_that_the_server_has_no_more: NotReady("no-common-algorithm"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-c", "aes128-ctr", "-m", "hmac-md5", "-i", key.arg(), "-p", port, me(w)], None)
    }
    changed_key_of_this_computer_not_checked: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let old = w.server_key("old", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", format!("[127.0.0.1]:{port} {}\n", old.public), 0o600);
        let waives = "NoHostAuthenticationForLocalhost=yes";
        (args!["-o", waives, "-i", key.arg(), "-p", port, me(w)], None)
    }
    /// Whoever gives the host another name has its key looked up under that one.
    changed_key_of_this_computer_with_an_alias: NotReady("host-key-unknown"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let options = ["NoHostAuthenticationForLocalhost=yes", "HostKeyAlias=shop"];
        (args!["-o", options[0], "-o", options[1], "-i", key.arg(), "-p", port, me(w)], None)
    }
    key_named_by_a_variable_without_value: NotReady("ssh-config-invalid"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let other = "IdentityFile=${NOT_SET_HERE}/id_a";
        (args!["-i", key.arg(), "-o", other, "-p", port, me(w)], None)
    }
    certificate_named_by_an_unknown_token: NotReady("ssh-config-invalid"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-o", "CertificateFile=/keys/%z", "-p", port, me(w)], None)
    }
    /// ssh only looks at the name once it is connected.
    key_named_by_a_variable_and_nobody_listens: NotReady("refused-by-host"), |w| {
        w.key("id_a", "ed25519");
        (args!["-o", "IdentityFile=${NOT_SET_HERE}/id_a", "-p", crate::world::free_port(), me(w)], None)
    }
    known_hosts_named_by_a_variable_without_value: NotReady("ssh-config-invalid"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let known = "UserKnownHostsFile=${NOT_SET_HERE}/known";
        (args!["-o", known, "-i", key.arg(), "-p", port, me(w)], None)
    }
    option_of_another_system_typed: NotReady("ssh-config-invalid"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "UseKeychain=yes", "-i", key.arg(), "-p", port, me(w)], None)
    }
    jump_host_typed_that_is_the_target: NotReady("ssh-config-invalid"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-J", format!("{}:{port}", me(w)), "-i", key.arg(), "-p", port, me(w)], None)
    }
    several_hops_of_configuration: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/more", format!("Host sh*\n  Port {port}\n"), 0o600);
        w.config(&format!(
            "Include {}\nMatch host shop\n  HostName 127.0.0.1\n  User {}\n  IdentityFile {}\n",
            w.dot_ssh("more").display(), w.person.name, key.arg(),
        ));
        (args!["shop"], None)
    }
    host_key_alias: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let public = fs::read_to_string(w.server("host.pub")).unwrap();
        w.write(".ssh/known_hosts", format!("shop {public}"), 0o600);
        (args!["-o", "HostKeyAlias=shop", "-i", key.arg(), "-p", port, me(w)], None)
    }
    known_by_its_other_key: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let (host, rsa) = (w.server_key("host", "ed25519"), w.server_key("host_rsa", "rsa"));
        let second = format!("HostKey {}", rsa.arg());
        let port = w.sshd_with(&host, &[&key], &[&second]);
        w.know(&format!("[127.0.0.1]:{port} {}", rsa.public));
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    unknown_host_accepted_anyway: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", "", 0o600);
        (args!["-o", "StrictHostKeyChecking=no", "-i", key.arg(), "-p", port, me(w)], None)
    }
    /// ssh goes on with a changed key where it was told not to check, and only gives up passwords.
    changed_host_key_not_checked: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let old = w.server_key("old", "ed25519");
        let port = w.sshd(&[&key], &[]);
        w.write(".ssh/known_hosts", format!("[127.0.0.1]:{port} {}\n", old.public), 0o600);
        (args!["-o", "StrictHostKeyChecking=no", "-i", key.arg(), "-p", port, me(w)], None)
    }
    ecdsa_key_521: Ready, |w| {
        let key = w.key("id_a", "ecdsa");
        let port = w.sshd(&[&key], &[]);
        (args!["-4", "-C", "-i", key.arg(), "-p", port, me(w)], None)
    }
    pem_key: Ready, |w| {
        let key = w.key("id_rsa", "rsa");
        let port = w.sshd(&[&key], &[]);
        w.without_pub(&key);
        let mut convert = w.person.command("ssh-keygen", &w.home());
        convert.args(["-q", "-p", "-m", "PEM", "-N", "", "-f", key.arg()]);
        w.must(&mut convert);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    locked_key_before_a_good_one: Ready, |w| {
        let locked = w.key_with("id_a", "ed25519", "correct horse");
        let good = w.key("id_b", "ed25519");
        let port = w.sshd(&[&good], &[]);
        (args!["-i", locked.arg(), "-i", good.arg(), "-p", port, me(w)], None)
    }
    both_taken_but_the_first_is_locked: Ready, |w| {
        let locked = w.key_with("id_a", "ed25519", "correct horse");
        let good = w.key("id_b", "ed25519");
        let port = w.sshd(&[&locked, &good], &[]);
        (args!["-i", locked.arg(), "-i", good.arg(), "-p", port, me(w)], None)
    }
    missing_key_before_a_good_one: Ready, |w| {
        let good = w.key("id_b", "ed25519");
        let port = w.sshd(&[&good], &[]);
        (args!["-i", w.dot_ssh("id_absent").display(), "-i", good.arg(), "-p", port, me(w)], None)
    }
    open_key_before_a_good_one: Ready, |w| {
        let (open, good) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        let port = w.sshd(&[&open, &good], &[]);
        let text = fs::read(&open.path).unwrap();
        w.write(".ssh/id_a", text, 0o644);
        (args!["-i", open.arg(), "-i", good.arg(), "-p", port, me(w)], None)
    }
    agent_turned_off: NotReady("no-key"), |w| {
        let key = w.key("id_a", "ed25519");
        w.agent(&[&key]);
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "IdentityAgent=none", "-p", port, me(w)], None)
    }
    agent_named_in_configuration: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let socket = w.agent(&[&key]);
        w.agent = None;
        w.without_pub(&key);
        fs::remove_file(&key.path).unwrap();
        let port = w.sshd(&[&key], &[]);
        w.config(&format!("IdentityAgent {}", socket.display()));
        (args!["-p", port, me(w)], None)
    }
    identities_only_hides_the_agent: NotReady("key-not-accepted"), |w| {
        let (held, file) = (w.key("id_a", "ed25519"), w.key("id_b", "ed25519"));
        w.agent(&[&held]);
        let port = w.sshd(&[&held], &[]);
        (args!["-o", "IdentitiesOnly=yes", "-i", file.arg(), "-p", port, me(w)], None)
    }
    key_type_not_taken_by_server: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &["PubkeyAcceptedAlgorithms rsa-sha2-512"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    key_type_not_offered: NotReady("key-too-weak"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-512", "-i", key.arg(), "-p", port, me(w)], None)
    }
    /// The server says that it takes SHA-2 signatures, and then it does not.
    rsa_only_sha1: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_rsa", "rsa");
        let port = w.sshd(&[&key], &["PubkeyAcceptedAlgorithms ssh-rsa"]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    forced_source_address: NotReady("key-not-accepted"), |w| {
        let mut key = w.key("id_a", "ed25519");
        key.public = format!("from=\"192.0.2.1\" {}", key.public);
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    revoked_user_key: NotReady("key-not-accepted"), |w| {
        let key = w.key("id_a", "ed25519");
        fs::copy(key.pub_path(), w.server("revoked")).unwrap();
        let revoked = format!("RevokedKeys {}", w.server("revoked").display());
        let port = w.sshd(&[&key], &[&revoked]);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    methods_without_keys: NotReady("pubkey-disabled"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let only = "PreferredAuthentications=password,keyboard-interactive";
        (args!["-o", only, "-i", key.arg(), "-p", port, me(w)], None)
    }
    /// Only the default file is held against its mode, not one that `-F` names.
    open_configuration_named: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let text = fs::read(w.dot_ssh("config")).unwrap();
        w.write(".ssh/config", text, 0o666);
        (args!["-i", key.arg(), "-p", port, me(w)], None)
    }
    several_addresses_of_localhost: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        let public = fs::read_to_string(w.server("host.pub")).unwrap();
        w.know(&format!("[localhost]:{port} {public}"));
        let target = format!("{}@localhost", w.person.name);
        (args!["-i", key.arg(), "-p", port, target], None)
    }
    address_family_that_is_not_there: NotReady("name-has-no-address"), |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-6", "-i", key.arg(), "-p", port, me(w)], None)
    }
    url_target: Ready, |w| {
        let key = w.key("id_a", "ed25519");
        let port = w.sshd(&[&key], &[]);
        (args!["-i", key.arg(), format!("ssh://{}:{port}", me(w))], None)
    }
}
