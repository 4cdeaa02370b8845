//! Causes that lie close together: hardware keys, other agents, limits of the server.

use super::*;
use crate::{
    evidence::agent::{AgentForHost, OtherAgent, PAGEANT},
    key_files,
};

fn hardware(name: &str) -> PublicKeyFacts {
    PublicKeyFacts { algorithm: "sk-ssh-ed25519@openssh.com".into(), ..key(name) }
}

fn hardware_file(name: &str) -> IdentityFile {
    let content = Content::Private {
        format: "openssh".into(),
        public: Some(hardware(name)),
        locked_by: None,
    };
    file(name, true, content)
}

/// The first cause of a case, with its words.
fn told(case: &Case) -> (Option<Id>, String) {
    let found = rules().find_map(|rule| (rule.finds)(case));
    (found.as_ref().map(|d| d.id), found.as_ref().map(words).unwrap_or_default())
}

fn assert_told(case: &Case, id: Id, says: &[&str]) {
    let (found, words) = told(case);
    assert_eq!(found, Some(id), "{words}");
    for part in says {
        assert!(words.contains(part), "{part:?}: {words}");
    }
}

/// With so many devices plugged in; the server takes the key.
fn with_devices(devices: Option<usize>) -> Case {
    let made = Made { files: vec![hardware_file("k")], ..Made::default() };
    let mut case = made.case();
    let identities = case.identities.as_mut().unwrap().seen.as_mut().unwrap();
    identities.security_keys = devices;
    let effective = case.effective().unwrap().clone();
    let offers = offers::in_order(&effective, case.identities().unwrap(), case.agent().unwrap());
    let query = |offer: offers::Offer| Query {
        algorithm: offer.key.algorithm.clone(),
        offer,
        answer: Answer::Accepted,
    };
    case.queries = made::seen(Queries {
        user: "ada".into(),
        offers: offers.into_iter().map(query).collect(),
        ..Queries::default()
    });
    case
}

#[test]
fn a_security_key_is_missed_only_where_it_was_looked_for() {
    assert_told(&with_devices(Some(0)), Id::SecurityKeyAbsent, &["would accept", "plugged in"]);
    assert_eq!(told(&with_devices(Some(1))).0, None);
    assert_eq!(told(&with_devices(None)).0, None);
}

#[test]
fn a_security_key_in_a_forwarded_agent_may_be_elsewhere() {
    for (program, expected) in
        [("ssh-agent", Some(Id::SecurityKeyAbsent)), ("sshd-session", None), ("sshd", None)]
    {
        let mut case = with_devices(Some(0));
        let agent = case.agent.as_mut().unwrap().seen.as_mut().unwrap();
        agent.state = AgentState::Keys(vec![hardware("k")]);
        agent.program = Some(program.into());
        let effective = case.effective().unwrap().clone();
        let offers =
            offers::in_order(&effective, case.identities().unwrap(), case.agent().unwrap());
        let queries = case.queries.as_mut().unwrap().seen.as_mut().unwrap();
        queries.offers[0].offer = offers[0].clone();
        assert_eq!(told(&case).0, expected, "{program}");
    }
}

#[test]
fn a_security_key_that_the_configuration_turns_off() {
    let made = Made {
        files: vec![hardware_file("k")],
        change: |_, effective| effective.security_key_provider = None,
        ..Made::default()
    };
    let says = ["SecurityKeyProvider none", "ssh -o SecurityKeyProvider=internal"];
    assert_told(&made.case(), Id::SecurityKeyOff, &says);
}

fn without_agent(change: impl FnOnce(&mut AgentKeys)) -> Case {
    let mut case = Made::default().case();
    change(case.agent.as_mut().unwrap().seen.as_mut().unwrap());
    case
}

fn other(socket: &str, announced: bool) -> OtherAgent {
    OtherAgent { socket: socket.into(), announced, keys: vec![key("ada@desk")] }
}

#[test]
fn the_agent_that_is_meant_is_named() {
    let elsewhere = without_agent(|agent| agent.others = vec![other("/run/user/1000/ssh", false)]);
    let says = ["ada@desk", "export SSH_AUTH_SOCK=/run/user/1000/ssh"];
    assert_told(&elsewhere, Id::AgentNotRunning, &says);
    let pageant = without_agent(|agent| agent.others = vec![other(PAGEANT, false)]);
    let says = ["Pageant", "ssh does not ask it", "pageant --openssh-config"];
    assert_told(&pageant, Id::AgentNotRunning, &says);
    let overridden = without_agent(|agent| {
        agent.state = AgentState::Disabled;
        agent.others = vec![other("/tmp/agent", true)];
    });
    let says = ["The agent of this terminal", "ssh -o IdentityAgent=SSH_AUTH_SOCK"];
    assert_told(&overridden, Id::NoKey, &says);
    let sudo = without_agent(|agent| agent.dropped_by_sudo = true);
    let says = ["under sudo", "sudo --preserve-env=SSH_AUTH_SOCK ssh ada@host.example.com"];
    assert_told(&sudo, Id::AgentNotRunning, &says);
    // Without any of this there is simply no key.
    assert_told(&without_agent(|_| {}), Id::NoKey, &[]);
}

#[test]
fn a_locked_agent_needs_proof() {
    let with = |program: &str, bound: Option<bool>| {
        let mut case = without_agent(|agent| {
            agent.state = AgentState::Keys(Vec::new());
            agent.program = Some(program.into());
        });
        let told = |bound| AgentForHost { bound, withheld: Vec::new() };
        case.agent_for_host = bound.and_then(|bound| made::seen(told(bound)));
        case
    };
    assert_told(&with("ssh-agent", Some(false)), Id::AgentLocked, &["ssh-add -X"]);
    // An agent of another make refuses this always; an open one does not; and nobody looked.
    assert_told(&with("gpg-agent", Some(false)), Id::NoKey, &[]);
    assert_told(&with("ssh-agent", Some(true)), Id::NoKey, &[]);
    assert_told(&with("ssh-agent", None), Id::NoKey, &[]);
}

#[test]
fn a_key_that_the_agent_keeps_back_is_not_offered() {
    let mut case = without_agent(|agent| agent.state = held(&["a"]));
    case.agent_for_host =
        made::seen(AgentForHost { bound: true, withheld: vec!["SHA256:a".into()] });
    assert_told(&case, Id::AgentKeyRestricted, &["ssh-add -h host.example.com", "SHA256:a"]);
}

#[test]
fn one_refused_key_is_not_one_too_many() {
    let goodbye = Some(Disconnect {
        code: 2,
        description: Foreign::from_bytes(b"Too many authentication failures"),
    });
    let mut case = Made {
        files: vec![file("k", true, private("k"))],
        answers: Some(vec![Answer::Refused]),
        ..Made::default()
    }
    .case();
    case.queries.as_mut().unwrap().seen.as_mut().unwrap().disconnect = goodbye;
    assert_told(&case, Id::KeyNotAccepted, &[]);
}

#[test]
fn an_open_key_on_a_disk_without_permissions_is_copied() {
    let open = IdentityFile {
        too_open: true,
        disk: Some("vfat".into()),
        ..file("id_usb", true, private("k"))
    };
    let trouble = key_files::trouble(&open, &AgentKeys::none(), &[]).unwrap();
    assert_eq!(trouble.id, Id::KeyPermissions);
    let command = trouble.steps[0].command.as_ref().unwrap().plain();
    let copy =
        "mkdir -p ~/.ssh && cp /home/ada/.ssh/id_usb ~/.ssh/id_usb && chmod 600 ~/.ssh/id_usb";
    assert_eq!(command, copy);
}
