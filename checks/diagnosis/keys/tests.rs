//! Judgement of keys and agents on made evidence: which one cause, and what to do.

mod neighbours;

use crate::{
    case::Case,
    diagnosis::{Diagnosis, Id, rules},
    evidence::{
        Needed, Unseen,
        agent::{AgentKeys, AgentState},
        configuration::Effective,
        connection::{OsError, OsErrorKind},
        handshake::Disconnect,
        identities::{Content, Damage, Identities, IdentityFile},
        key::{CertificateFacts, PublicKeyFacts},
        made,
        queries::{Answer, Queries, Query},
    },
    offers,
    text::{Command, Foreign, Text},
};

fn key(name: &str) -> PublicKeyFacts {
    PublicKeyFacts {
        algorithm: "ssh-ed25519".into(),
        bits: 256,
        sha256: format!("SHA256:{name}"),
        md5: "00:11".into(),
        comment: name.into(),
        line: String::new(),
        certificate: None,
    }
}

fn private(name: &str) -> Content {
    Content::Private { format: "openssh".into(), public: Some(key(name)), locked_by: None }
}

fn locked(name: &str) -> Content {
    Content::Private {
        format: "openssh".into(),
        public: Some(key(name)),
        locked_by: Some("aes256-ctr".into()),
    }
}

fn file(name: &str, named: bool, content: Content) -> IdentityFile {
    IdentityFile {
        path: format!("/home/ada/.ssh/{name}"),
        named,
        content,
        mode: Some(0o644),
        owner: Some(1000),
        too_open: false,
        disk: None,
        left_out: false,
        own: false,
        pub_file: None,
        cert_file: None,
    }
}

fn held(names: &[&str]) -> AgentState {
    AgentState::Keys(names.iter().map(|name| key(name)).collect())
}

/// Evidence in the order in which it is made: files and agent, then the server's answers to what
/// `ssh` would offer.
struct Made {
    files: Vec<IdentityFile>,
    agent: AgentState,
    /// `None`: the server was not asked, since there was nothing to ask about.
    answers: Option<Vec<Answer>>,
    change: fn(&mut Case, &mut Effective),
}

impl Default for Made {
    fn default() -> Self {
        Self {
            files: vec![file("id_ed25519", false, Content::Missing)],
            agent: AgentState::NotConfigured,
            answers: None,
            change: |_, _| {},
        }
    }
}

impl Made {
    fn case(self) -> Case {
        let mut effective = made::effective(22);
        let mut case = made::case(effective.clone());
        (self.change)(&mut case, &mut effective);
        let untried = case.identities().map(|i| i.untried.clone()).unwrap_or_default();
        let plan = case.plan.clone();
        case = Case { plan, ..made::case(effective.clone()) };
        let identities = Identities { files: self.files, untried, ..Identities::default() };
        let agent =
            AgentKeys { socket: Some("/run/agent".into()), state: self.agent, ..AgentKeys::none() };
        let offers = offers::in_order(&effective, &identities, &agent);
        case.identities = made::seen(identities);
        case.agent = made::seen(agent);
        case.queries = match self.answers {
            None => Some(crate::case::Observed {
                started_ms: 0,
                duration_ms: 0,
                seen: Err(Unseen::Needs(Needed::Key)),
            }),
            Some(answers) => {
                assert_eq!(answers.len(), offers.len(), "one answer for each offer: {offers:?}");
                let offers = offers.into_iter().zip(answers).map(|(offer, answer)| {
                    let algorithm = offer.key.algorithm.clone();
                    Query { offer, algorithm, answer }
                });
                made::seen(Queries {
                    user: effective.user,
                    offers: offers.collect(),
                    methods: Some(vec!["publickey".into()]),
                    ..Queries::default()
                })
            }
        };
        case
    }

    fn diagnosis(self) -> Option<Diagnosis> {
        let case = self.case();
        rules().find_map(|rule| (rule.finds)(&case))
    }
}

fn words(diagnosis: &Diagnosis) -> String {
    let because = diagnosis.because.iter().map(crate::text::Text::plain);
    let steps = diagnosis.next_steps.iter().map(|step| {
        let command = step.command.as_ref().map(crate::text::Command::plain);
        format!("{} {}", step.text.plain(), command.unwrap_or_default())
    });
    because.chain(steps).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn expect(made: Made, id: Id, says: &[&str]) {
    let found = made.diagnosis().unwrap_or_else(|| panic!("no diagnosis, expected {id}"));
    let told = words(&found);
    assert_eq!(found.id, id, "{told}");
    for part in says {
        assert!(told.contains(part), "{part:?} is not said:\n{told}");
    }
    assert!(!found.next_steps.is_empty(), "{id} has nothing to do");
}

#[test]
fn each_trouble_of_a_named_file_is_the_cause() {
    let open = IdentityFile { too_open: true, ..file("k", true, private("k")) };
    let pair = IdentityFile { pub_file: Some(key("other")), ..file("k", true, private("k")) };
    let p = "/home/ada/.ssh/k";
    let table = [
        (file("k", true, Content::Missing), Id::KeyFileMissing, "ls -l ~/.ssh"),
        (
            file("k", true, Content::Unreadable("Permission denied".into())),
            Id::KeyUnreadable,
            "sudo chown \"$(id -u)\"",
        ),
        (open, Id::KeyPermissions, "chmod 600 /home/ada/.ssh/k"),
        (file("k.pub", true, Content::Public(key("k"))), Id::KeyIsPublic, p),
        (
            file("k.ppk", true, Content::Ppk { version: 3, public: None }),
            Id::KeyIsPpk,
            "puttygen /home/ada/.ssh/k.ppk -O private-openssh -o ~/.ssh/k",
        ),
        (file("k", true, Content::Damaged(Damage::Crlf)), Id::KeyMalformed, r"sed -i 's/\r$//'"),
        (file("k", true, Content::Damaged(Damage::NoFinalNewline)), Id::KeyMalformed, "echo >>"),
        (file("k", true, Content::Damaged(Damage::Empty)), Id::KeyMalformed, "empty"),
        (file("k", true, Content::Directory), Id::KeyMalformed, "directory"),
        (file("k", true, Content::Stranger("a PGP key".into())), Id::KeyMalformed, "a PGP key"),
        (pair, Id::KeyPairMismatch, "ssh-keygen -y -f /home/ada/.ssh/k > /home/ada/.ssh/k.pub"),
    ];
    for (file, id, says) in table {
        // The server refuses whatever is offered.
        let identities = Identities { files: vec![file.clone()], ..Identities::default() };
        let offered = offers::in_order(&made::effective(22), &identities, &AgentKeys::none());
        let answers = (!offered.is_empty()).then(|| vec![Answer::Refused; offered.len()]);
        expect(Made { files: vec![file], answers, ..Made::default() }, id, &[says]);
    }
}

fn type_in(case: &mut Case, option: &str, value: &str) {
    case.plan.ssh_options = ["-A", option, value].map(str::to_owned).to_vec();
}

#[test]
fn a_file_that_was_typed_is_the_cause_though_an_agent_key_was_refused() {
    let made = |change: fn(&mut Case, &mut Effective)| Made {
        files: vec![file("k", true, Content::Missing)],
        agent: held(&["x"]),
        answers: Some(vec![Answer::Refused]),
        change,
    };
    expect(
        made(|case, _| type_in(case, "-i", "~/k")),
        Id::KeyFileMissing,
        &["the server does not accept it"],
    );
    let by_option = made(|case, _| type_in(case, "-o", "identityfile=k"));
    expect(by_option, Id::KeyFileMissing, &[]);
    // One of the configuration may be there for other hosts.
    let configured = made(|case, _| type_in(case, "-i", "other_k"));
    expect(configured, Id::KeyNotAccepted, &["also names the key file", "put it back"]);
}

#[test]
fn a_default_file_is_not_the_cause_where_another_key_was_refused() {
    let files = vec![
        file("id_rsa", false, Content::Damaged(Damage::Crlf)),
        file("id_ed25519", false, private("a")),
    ];
    let answers = Some(vec![Answer::Refused]);
    expect(Made { files, answers, ..Made::default() }, Id::KeyNotAccepted, &[]);
}

#[test]
fn a_good_key_silences_all() {
    let files = vec![file("gone", true, Content::Missing), file("k", true, private("k"))];
    let answers = Some(vec![Answer::Accepted]);
    assert_eq!(Made { files, answers, ..Made::default() }.diagnosis(), None);
    // The agent's copy serves, whatever is wrong with the file.
    let files = vec![IdentityFile { too_open: true, ..file("k", true, private("k")) }];
    let made = Made {
        files,
        agent: held(&["k"]),
        answers: Some(vec![Answer::Accepted]),
        ..Made::default()
    };
    assert_eq!(made.diagnosis(), None);
}

#[test]
fn a_key_that_is_taken_and_cannot_be_proven() {
    let open = IdentityFile { too_open: true, ..file("id_rsa", false, private("a")) };
    let accepted = || Some(vec![Answer::Accepted]);
    expect(
        Made { files: vec![open], answers: accepted(), ..Made::default() },
        Id::KeyPermissions,
        &["The server would accept this key."],
    );
    let alone =
        IdentityFile { pub_file: Some(key("a")), ..file("id_rsa", false, Content::Missing) };
    expect(
        Made { files: vec![alone], answers: accepted(), ..Made::default() },
        Id::KeyFileMissing,
        &["only its public half"],
    );
}

#[test]
fn who_may_not_read_is_told_by_what_was_seen() {
    let closed = || file("k", true, Content::Unreadable("Permission denied".into()));
    let told = |file: IdentityFile| {
        let found = Made { files: vec![file], ..Made::default() }.diagnosis().unwrap();
        let steps = found.next_steps.iter().filter_map(|step| step.command.as_ref());
        let words: Vec<_> = found.because.iter().map(Text::plain).collect();
        (words.join(" "), steps.map(Command::plain).collect::<Vec<_>>())
    };
    let (_, steps) = told(IdentityFile { own: true, mode: Some(0), ..closed() });
    assert_eq!(steps, ["chmod 600 /home/ada/.ssh/k"]);
    let (words, steps) = told(IdentityFile { mode: None, owner: None, ..closed() });
    assert!(words.contains("the folder /home/ada/.ssh,") && words.contains("is there at all"));
    assert_eq!(steps, ["ls -ld /home/ada/.ssh"]);
}

#[test]
fn a_typed_file_that_is_not_there_is_left_out_with_its_public_half() {
    let gone = |left_out| IdentityFile {
        left_out,
        pub_file: Some(key("a")),
        ..file("k", true, Content::Missing)
    };
    let only: fn(&mut Case, &mut Effective) = |_, e| e.identities_only = true;
    expect(
        Made { files: vec![gone(true)], agent: held(&["a"]), change: only, ..Made::default() },
        Id::KeyFileMissing,
        &["left out as a whole", "IdentitiesOnly=yes -i /home/ada/.ssh/k.pub"],
    );
    // By IdentityFile the same file leads to the key of the agent.
    let named = Made {
        files: vec![gone(false)],
        agent: held(&["a"]),
        answers: Some(vec![Answer::Accepted]),
        change: only,
    };
    assert_eq!(named.diagnosis(), None);
}

#[test]
fn no_key_names_every_place() {
    expect(
        Made::default(),
        Id::NoKey,
        &["/home/ada/.ssh/id_ed25519", "no SSH agent", "ssh-keygen -t ed25519"],
    );
    expect(
        Made { agent: held(&["x"]), change: |_, e| e.identities_only = true, ..Made::default() },
        Id::NoKey,
        &["IdentitiesOnly=no"],
    );
    let untried = |case: &mut Case, _: &mut Effective| {
        let untried = vec!["/home/ada/.ssh/github".to_owned()];
        case.identities = made::seen(Identities { untried, ..Identities::default() });
    };
    expect(
        Made { agent: held(&[]), change: untried, ..Made::default() },
        Id::NoKey,
        &["ssh -i /home/ada/.ssh/github ada@host.example.com", "The agent holds no key."],
    );
}

#[test]
fn a_dead_agent_is_the_cause_where_it_is_the_only_place() {
    let dead = |kind, message: &str| {
        AgentState::Unreachable(OsError {
            operation: "connect".into(),
            errno: None,
            kind,
            message: message.into(),
        })
    };
    for (state, says) in [
        (dead(OsErrorKind::NotFound, "No such file or directory"), "does not exist"),
        (dead(OsErrorKind::ConnectionRefused, "Connection refused"), "Nobody listens"),
        (dead(OsErrorKind::PermissionDenied, "Permission denied"), "another user"),
        (AgentState::NotAnAgent("HTTP".into()), "no usable SSH agent"),
        (AgentState::TimedOut { after_ms: 10_000 }, "within 10 seconds"),
    ] {
        expect(
            Made { agent: state, ..Made::default() },
            Id::AgentUnreachable,
            &[says, "/run/agent"],
        );
    }
}

#[test]
fn forwarding_needs_an_agent_with_the_key() {
    let table = [
        (
            AgentState::NotConfigured,
            Id::AgentNotRunning,
            "eval \"$(ssh-agent -s)\" && ssh-add /home/ada/.ssh/k",
        ),
        (AgentState::Disabled, Id::AgentNotRunning, "IdentityAgent=SSH_AUTH_SOCK"),
        (held(&[]), Id::AgentEmpty, "ssh-add /home/ada/.ssh/k"),
    ];
    let forwards = |case: &mut Case, _: &mut Effective| case.plan.wants_forwarding = true;
    for (agent, id, says) in table {
        let files = vec![file("k", true, private("k"))];
        let answers = Some(vec![Answer::Accepted]);
        expect(Made { files, agent, answers, change: forwards }, id, &[says]);
    }
    let lacks = |change| Made {
        files: vec![file("k", true, private("k"))],
        agent: held(&["x"]),
        answers: Some(vec![Answer::Refused, Answer::Accepted]),
        change,
    };
    expect(lacks(forwards), Id::AgentLacksKey, &["login works", "ssh-add /home/ada/.ssh/k"]);
    expect(lacks(|_, e| e.forward_agent = true), Id::AgentLacksKey, &[]);
    assert_eq!(lacks(|_, _| {}).diagnosis(), None);
    // Where login fails, forwarding is not the cause.
    let refused = Made {
        files: vec![file("k", true, private("k"))],
        answers: Some(vec![Answer::Refused]),
        change: forwards,
        ..Made::default()
    };
    expect(refused, Id::KeyNotAccepted, &[]);
}

#[test]
fn a_passphrase_is_a_cause_only_where_nobody_can_type_it() {
    let made = |change: fn(&mut Case, &mut Effective)| Made {
        files: vec![file("k", true, locked("k"))],
        answers: Some(vec![Answer::Accepted]),
        change,
        ..Made::default()
    };
    assert_eq!(made(|_, _| {}).diagnosis(), None);
    expect(made(|c, _| c.plan.interactive = false), Id::KeyLocked, &["no terminal"]);
    expect(made(|_, e| e.batch_mode = true), Id::KeyLocked, &["BatchMode", "ssh-add"]);
    let refused = Made { answers: Some(vec![Answer::Refused]), ..made(|_, e| e.batch_mode = true) };
    expect(refused, Id::KeyNotAccepted, &[]);
}

#[test]
fn a_locked_pem_file_cannot_be_asked_about() {
    let content = Content::Private {
        format: "pem".into(),
        public: None,
        locked_by: Some("AES-128-CBC".into()),
    };
    let files = || vec![file("k", true, content.clone())];
    expect(
        Made { files: files(), ..Made::default() },
        Id::NotExamined,
        &["ssh-keygen -y -f /home/ada/.ssh/k > /home/ada/.ssh/k.pub"],
    );
    let batch = |_: &mut Case, e: &mut Effective| e.batch_mode = true;
    expect(Made { files: files(), change: batch, ..Made::default() }, Id::KeyLocked, &[]);
}

#[test]
fn weak_keys() {
    let weak =
        |algorithm: &str, bits| PublicKeyFacts { algorithm: algorithm.into(), bits, ..key("w") };
    let with = |public: PublicKeyFacts| {
        vec![file(
            "k",
            true,
            Content::Private { format: "openssh".into(), public: Some(public), locked_by: None },
        )]
    };
    expect(
        Made { files: with(weak("ssh-dss", 1024)), ..Made::default() },
        Id::KeyTooWeak,
        &["DSA", "ssh-keygen -t ed25519"],
    );
    expect(
        Made {
            files: with(weak("ssh-rsa", 1024)),
            answers: Some(vec![Answer::Refused]),
            ..Made::default()
        },
        Id::KeyTooWeak,
        &["1024 bits"],
    );
    let strict = |_: &mut Case, e: &mut Effective| e.required_rsa_size = 3072;
    expect(
        Made { files: with(weak("ssh-rsa", 2048)), change: strict, ..Made::default() },
        Id::KeyTooWeak,
        &["at least 3072"],
    );
    let list = |_: &mut Case, e: &mut Effective| {
        e.pubkey_accepted_algorithms = vec!["rsa-sha2-512".into()];
    };
    expect(
        Made { files: with(key("w")), change: list, ..Made::default() },
        Id::KeyTooWeak,
        &["PubkeyAcceptedAlgorithms=+ssh-ed25519"],
    );
}

#[test]
fn certificates_have_dates_and_names() {
    let at = |second| Some(jiff::Timestamp::from_second(second).unwrap());
    let good = CertificateFacts {
        line: "c".into(),
        is_user: true,
        key_id: "id".into(),
        serial: 1,
        principals: vec!["ada".into()],
        valid_after: None,
        valid_before: None,
        authority_sha256: "SHA256:ca".into(),
        critical_options: Vec::new(),
    };
    // The case began at 1970-01-01 00:00:00.
    let bad = [
        (
            CertificateFacts { valid_before: at(-60), ..good.clone() },
            "valid until 1969-12-31 23:59:00",
        ),
        (
            CertificateFacts { valid_after: at(60), ..good.clone() },
            "not valid before 1970-01-01 00:01:00",
        ),
        (CertificateFacts { principals: vec!["bob".into()], ..good.clone() }, "but for bob"),
    ];
    let made = |certificate: CertificateFacts| Made {
        files: vec![IdentityFile {
            cert_file: Some(PublicKeyFacts { certificate: Some(certificate), ..key("k") }),
            ..file("k", true, private("k"))
        }],
        answers: Some(vec![Answer::Refused; 2]),
        ..Made::default()
    };
    for (certificate, says) in bad {
        expect(
            made(certificate),
            Id::CertificateExpired,
            &[says, "ssh-keygen -L -f /home/ada/.ssh/k-cert.pub"],
        );
    }
    // The certificate is no other key than itself.
    let expired = CertificateFacts { valid_before: at(-60), ..good.clone() };
    expect(made(expired), Id::CertificateExpired, &["Of the other keys one was offered"]);
    expect(made(good), Id::KeyNotAccepted, &[]);
}

#[test]
fn too_many_keys_names_the_right_one() {
    let files = || vec![file("right", true, private("right"))];
    let agent = || held(&["a", "b", "c", "d", "e", "f"]);
    let mut answers = vec![Answer::Refused; 6];
    answers.push(Answer::LimitReached);
    expect(
        Made { files: files(), agent: agent(), answers: Some(answers.clone()), ..Made::default() },
        Id::TooManyKeys,
        &["place 7", "ssh -o IdentitiesOnly=yes -i /home/ada/.ssh/right ada@host.example.com"],
    );
    let mut case =
        Made { files: files(), agent: agent(), answers: Some(answers), ..Made::default() }.case();
    let queries = case.queries.as_mut().unwrap().seen.as_mut().unwrap();
    queries.offers[6].answer = Answer::NoAnswer;
    queries.disconnect = Some(Disconnect {
        code: 2,
        description: Foreign::from_bytes(b"Too many authentication failures"),
    });
    let found = rules().find_map(|rule| (rule.finds)(&case)).unwrap();
    assert_eq!(found.id, Id::TooManyKeys);
    assert!(words(&found).contains("Too many authentication failures"));
}
