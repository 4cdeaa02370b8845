//! What the client's configuration does to a target.

use checks::diagnosis::Id;

use super::examine::situation;

situation!(
    alias,
    |s| {
        let sshd = s.sshd(&[]);
        let user = s.account.name.clone();
        s.set("Host staging");
        s.set("HostName 127.0.0.1");
        s.set(format!("Port {}", sshd.port));
        s.set(format!("User {user}"));
        s.identity("id");
        vec!["staging".into()]
    },
    |found| {
        found.is_ready();
        assert_eq!(found.report["target"]["host"], "127.0.0.1");
    }
);

situation!(
    match_and_include,
    |s| {
        let sshd = s.sshd(&[]);
        let user = s.account.name.clone();
        let key = s.word("id");
        s.write(
            "more",
            format!("Match host 127.0.0.1\n  IdentityFile {key}\n  User {user}\n"),
            0o600,
        );
        let more = s.word("more");
        s.set(format!("Include {more}"));
        vec!["-p".into(), sshd.port.to_string(), "127.0.0.1".into()]
    },
    |found| { found.is_ready() }
);

situation!(
    the_first_user_counts,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        let user = s.account.name.clone();
        vec!["-l".into(), user, format!("ssh://nobody-here@127.0.0.1:{}", sshd.port)]
    },
    |found| { found.is_ready() }
);

situation!(
    keyword_that_ssh_does_not_know,
    |s| {
        let sshd = s.sshd(&[]);
        s.set("Prot 22");
        vec![s.at(sshd.port)]
    },
    |found| {
        found.fails_with(Id::SshConfigInvalid);
        assert!(found.words().contains("prot"), "{}", found.words());
    }
);

situation!(
    login_by_key_is_turned_off,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-o".into(), "PubkeyAuthentication=no".into(), s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::PubkeyDisabled) }
);

situation!(
    only_passwords_are_preferred,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-o".into(), "PreferredAuthentications=password".into(), s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::PubkeyDisabled) }
);

situation!(
    bind_address_of_another_computer,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-b".into(), "192.0.2.7".into(), s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::BindAddressUnavailable) }
);

situation!(
    a_thousand_lines,
    |s| {
        let sshd = s.sshd(&[]);
        for n in 0..500 {
            s.set(format!("Host other-{n}\n  User nobody-{n}"));
        }
        s.set("Host *");
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);

situation!(
    control_master,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        let socket = s.word("control-%C");
        s.set("ControlMaster auto");
        s.set(format!("ControlPath {socket}"));
        vec![s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);
