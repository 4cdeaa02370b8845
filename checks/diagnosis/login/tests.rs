//! What the lab cannot make without harm to its computer, and the neighbours of each cause.

use super::*;
use crate::{
    case::Observed,
    diagnosis::diagnose,
    evidence::{
        handshake::{Disconnect, Handshake, HandshakeEnd},
        key::PublicKeyFacts,
        login::Run,
        made,
        queries::Queries,
    },
    offers::{Offer, Provable},
    text::Foreign,
};

fn offer(name: &str, in_agent: bool) -> Offer {
    Offer {
        key: PublicKeyFacts {
            algorithm: "ssh-ed25519".into(),
            bits: 256,
            sha256: format!("SHA256:{name}"),
            md5: String::new(),
            comment: name.into(),
            line: String::new(),
            certificate: None,
        },
        path: Some(format!("/k/{name}")),
        in_agent,
        provable: Provable::Yes,
    }
}

/// A case in which a key was taken, and this came of the login.
fn case(user: &str, proof: Proof) -> Case {
    let mut case = made::case(made::effective(22));
    case.plan.login = true;
    let query =
        |name, answer| Query { offer: offer(name, true), algorithm: "ssh-ed25519".into(), answer };
    case.queries = made::seen(Queries {
        user: user.into(),
        offers: vec![query("a", Answer::Accepted)],
        ..Queries::default()
    });
    case.login = made::seen(Login {
        user: user.into(),
        key: Some("SHA256:a".into()),
        proof,
        ..Login::open_door()
    });
    case
}

fn change(case: &mut Case, change: impl FnOnce(&mut Login)) {
    if let Some(Observed { seen: Ok(login), .. }) = &mut case.login {
        change(login);
    }
}

fn words(case: &Case) -> (Option<Id>, String) {
    let Some(found) = diagnose(case) else { return (None, String::new()) };
    let mut words: Vec<_> = found.because.iter().map(Text::plain).collect();
    for step in &found.next_steps {
        words.push(step.text.plain());
        words.extend(step.command.as_ref().map(text::Command::plain));
    }
    (Some(found.id), words.join("\n"))
}

#[track_caller]
fn expect(case: &Case, id: Id, parts: &[&str]) {
    let (found, words) = words(case);
    assert_eq!(found, Some(id), "{words}");
    for part in parts {
        assert!(words.contains(part), "{part:?} is not said:\n{words}");
    }
}

fn ran(out: &str, end: RunEnd) -> Case {
    let mut case = case("ada", Proof::Accepted);
    let stdout = Foreign::from_bytes(out.as_bytes());
    let run = Run { accepted: Some(true), stdout, end, ..Run::default() };
    change(&mut case, |login| login.session = Some(run));
    case
}

#[test]
fn a_login_that_works_has_no_cause() {
    assert_eq!(words(&ran("web-1\n", RunEnd::Exited(0))), (None, String::new()));
    assert_eq!(words(&ran("x y z\n", RunEnd::Exited(7))).0, None);
}

#[test]
fn what_the_server_says_at_its_door_tells_the_cause() {
    let closed = Proof::Broken(Broken::ServerEnded);
    let mut expired = case("ada", closed.clone());
    let banner = "Your account has expired; please contact your system administrator.\n";
    change(&mut expired, |l| l.banner = Some(Foreign::from_bytes(banner.as_bytes())));
    expect(&expired, Id::LoginRefused, &["Your account has expired", "prolong"]);
    let mut down = case("ada", closed.clone());
    change(&mut down, |l| l.banner = Some(Foreign::from_bytes(b"System is going down.")));
    expect(&down, Id::LoginRefused, &["System is going down", "/etc/nologin"]);
    let silent = case("ada", closed.clone());
    expect(&silent, Id::LoginRefused, &["PAM"]);
    let mut goodbye = case("ada", closed.clone());
    let words = Foreign::from_bytes(b"Access denied by policy");
    change(&mut goodbye, |l| l.disconnect = Some(Disconnect { code: 2, description: words }));
    expect(&goodbye, Id::LoginRefused, &["Access denied by policy"]);
    // A person who types for long meets a server that has lost its patience.
    let mut slow = case("ada", closed);
    change(&mut slow, |l| l.person_ms = 119_000);
    expect(&slow, Id::LoginNotFinished, &["LoginGraceTime"]);
}

#[test]
fn a_refused_proof_is_not_put_on_the_key() {
    let refused = || Proof::Refused { methods: vec!["publickey".into()] };
    expect(&case("root", refused()), Id::LoginRefused, &["PermitRootLogin", "ssh USER@"]);
    let (_, words) = words(&case("ada", refused()));
    assert!(!words.contains("PermitRootLogin"), "{words}");
}

#[test]
fn a_second_proof_is_asked_of_a_person_alone() {
    let partial = || Proof::Partial { methods: vec!["keyboard-interactive".into()] };
    expect(&case("ada", partial()), Id::LoginNotFinished, &["Have it ready"]);
    let nobody = case("ada", partial()).with_nobody();
    expect(&nobody, Id::SecondFactorNeeded, &["keyboard-interactive", "AuthenticationMethods"]);
}

#[test]
fn why_there_is_no_signature() {
    let unsigned = |why| case("ada", Proof::NotSigned(why));
    let agent = unsigned(NotSigned::AgentRefused);
    expect(&agent, Id::SigningFailed, &["the agent refuses to sign", "IdentityAgent=none"]);
    let silent = unsigned(NotSigned::AgentSilent { after_ms: 40_000 });
    expect(&silent, Id::SigningFailed, &["within 40 seconds"]);
    expect(&unsigned(NotSigned::OtherKey), Id::SigningFailed, &[".pub"]);
    let wrong = unsigned(NotSigned::WrongPassphrase);
    expect(&wrong, Id::PassphraseWrong, &["/k/a", "ssh-keygen -y -f /k/a"]);
    for why in [NotSigned::NoPassphrase, NotSigned::NoPerson] {
        expect(&unsigned(why), Id::LoginNotFinished, &["ssh-add /k/a", "ssh-preflight --login"]);
    }
    // Somebody is there, and copy asks for nothing.
    let mut copy = unsigned(NotSigned::NoPerson);
    copy.plan.pair = Some(Box::new(crate::pair::tests::part(Some("x"))));
    let again = "ssh-preflight copy akeneo@a-staging.example.com akeneo@a.example.com --file x";
    expect(&copy, Id::LoginNotFinished, &["copy asks for no passphrase", "ssh-add /k/a", again]);
    let ours = unsigned(NotSigned::Unsupported("odd".into()));
    expect(&ours, Id::LoginNotFinished, &["odd"]);
}

#[test]
fn time_and_ctrl_c_are_no_fault_of_the_server() {
    expect(&ran("", RunEnd::Interrupted), Id::Interrupted, &[]);
    expect(&ran("", RunEnd::OutOfTime), Id::TimedOut, &[]);
    expect(&case("ada", Proof::Broken(Broken::Interrupted)), Id::Interrupted, &[]);
    expect(&case("ada", Proof::Broken(Broken::NoAnswer)), Id::SessionHangs, &["no answer came"]);
    expect(&ran("", RunEnd::TimedOut { after_ms: 1 }), Id::SessionHangs, &["IPQoS=none"]);
}

/// A yes to any key is no matter any more once there was a proof.
#[test]
fn a_login_settles_what_its_answer_does_not() {
    let mut any = ran("web-1\n", RunEnd::Exited(0));
    let yes = |case: &mut Case| {
        if let Some(Observed { seen: Ok(queries), .. }) = &mut case.queries {
            queries.control = Some(Answer::Accepted);
        }
    };
    yes(&mut any);
    assert_eq!(words(&any).0, None);
    any.login = None;
    expect(&any, Id::AcceptsAnything, &["ssh-preflight --login"]);
}

#[test]
fn an_unknown_server_gets_no_proof() {
    let mut new = case("ada", Proof::Accepted);
    let seen = Err(Unseen::Needs(Needed::KnownHost));
    new.login = Some(Observed { started_ms: 0, duration_ms: 0, seen });
    let host_key = Some(offer("host", false).key);
    let end = HandshakeEnd::Complete;
    new.handshake = made::seen(Handshake { host_key, end, ..Handshake::default() });
    expect(&new, Id::LoginNotFinished, &["SHA256:host", "connect once with ssh"]);
}
