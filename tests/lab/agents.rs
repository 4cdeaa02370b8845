//! Keys in an agent, their order, and forwarding.

use checks::diagnosis::Id;

use super::{examine::situation, scene::Scene};

fn without_files(scene: &mut Scene) -> Vec<String> {
    let sshd = scene.sshd(&[]);
    scene.set("IdentityFile none");
    vec![scene.at(sshd.port)]
}

/// More keys than `id`, which the server does not know.
fn others(scene: &mut Scene, count: usize) -> Vec<String> {
    let names: Vec<_> = (1..=count).map(|n| format!("other{n}")).collect();
    for name in &names {
        scene.key(name, &["-t", "ed25519"]);
    }
    names
}

fn load(scene: &mut Scene, names: &[String]) {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    scene.agent(&names);
}

situation!(
    key_in_the_agent_alone,
    |s| {
        s.agent(&["id"]);
        without_files(&mut s)
    },
    |found| {
        found.is_ready();
        assert_eq!(found.status("agent"), "pass");
    }
);

situation!(
    third_key_of_the_agent,
    |s| {
        let mut names = others(&mut s, 2);
        names.push("id".into());
        load(&mut s, &names);
        without_files(&mut s)
    },
    |found| { found.is_ready() }
);

situation!(
    agent_of_another_name,
    |s| {
        s.agent(&["id"]);
        let socket = s.auth_sock.take().unwrap();
        s.set(format!("IdentityAgent {}", socket.display()));
        without_files(&mut s)
    },
    |found| { found.is_ready() }
);

situation!(
    locked_key_that_the_agent_holds,
    |s| {
        s.agent(&["id"]);
        let passphrase = super::scene::PASSPHRASE;
        s.tool("ssh-keygen", &["-q", "-p", "-P", "", "-N", passphrase, "-f", "id"]);
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);

situation!(
    public_half_with_the_agents_key,
    |s| {
        s.agent(&["id"]);
        let sshd = s.sshd(&[]);
        vec!["-i".into(), s.word("id.pub"), s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);

situation!(
    too_many_keys,
    |s| {
        let names = others(&mut s, 4);
        load(&mut s, &names);
        let sshd = s.sshd(&["MaxAuthTries 3"]);
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| {
        found.fails_with(Id::TooManyKeys);
        assert!(found.words().contains("IdentitiesOnly=yes"), "{}", found.words());
    }
);

situation!(
    identities_only_mends_too_many_keys,
    |s| {
        let names = others(&mut s, 4);
        load(&mut s, &names);
        let sshd = s.sshd(&["MaxAuthTries 3"]);
        s.identity("id");
        vec!["-o".into(), "IdentitiesOnly=yes".into(), s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);

situation!(
    agents_copy_of_the_named_key_comes_first,
    |s| {
        let mut names = others(&mut s, 4);
        names.push("id".into());
        load(&mut s, &names);
        let sshd = s.sshd(&["MaxAuthTries 3"]);
        s.identity("id");
        vec![s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);

situation!(
    agent_is_turned_off,
    |s| {
        s.agent(&["id"]);
        let sshd = s.sshd(&[]);
        s.set("IdentityAgent none");
        s.set("IdentityFile none");
        vec![s.at(sshd.port)]
    },
    |found| { found.fails_with(Id::NoKey) }
);

situation!(
    socket_of_an_agent_that_has_ended,
    |s| {
        s.auth_sock = Some(s.path("nobody.sock"));
        s.write("nobody.sock", "", 0o600);
        without_files(&mut s)
    },
    |found| { found.fails_with(Id::AgentUnreachable) }
);

situation!(
    forwarding_without_an_agent,
    |s| {
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-A".into(), s.at(sshd.port)]
    },
    |found| { found.gets_in_but(Id::AgentNotRunning) }
);

situation!(
    forwarding_with_an_empty_agent,
    |s| {
        s.agent(&[]);
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-A".into(), s.at(sshd.port)]
    },
    |found| { found.gets_in_but(Id::AgentEmpty) }
);

situation!(
    forwarding_an_agent_that_lacks_the_key,
    |s| {
        let names = others(&mut s, 1);
        load(&mut s, &names);
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-A".into(), s.at(sshd.port)]
    },
    |found| { found.gets_in_but(Id::AgentLacksKey) }
);

situation!(
    forwarding,
    |s| {
        s.agent(&["id"]);
        let sshd = s.sshd(&[]);
        s.identity("id");
        vec!["-A".into(), s.at(sshd.port)]
    },
    |found| { found.is_ready() }
);
