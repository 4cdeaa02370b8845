//! Causes: keys.
//!
//! None of them is a cause where a key is accepted that `ssh` can prove. Where the server was not
//! asked, they are causes only if no key is left that it could have been asked about.

use std::borrow::Cow;

use super::{Diagnosis, Id, Rule, agent, certificates, security_keys};
use crate::{
    case::{Case, Plan},
    command,
    evidence::{
        Needed, Unseen,
        agent::{AgentKeys, AgentState},
        configuration::Effective,
        identities::{Content, Identities, IdentityFile},
        key::PublicKeyFacts,
        queries::{Answer, Queries},
    },
    finding::Hint,
    key_files::{self, Trouble},
    offers::{self, Offer, Provable},
    registration, ssh_add, text,
    text::{Text, foreign, key, number, path, shell},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::SecurityKeyOff, finds: security_keys::turned_off },
    Rule { id: Id::NoKey, finds: no_key },
    Rule { id: Id::KeyFileMissing, finds: |c| file_trouble(c, Id::KeyFileMissing) },
    Rule { id: Id::KeyUnreadable, finds: |c| file_trouble(c, Id::KeyUnreadable) },
    Rule { id: Id::KeyPermissions, finds: |c| file_trouble(c, Id::KeyPermissions) },
    Rule { id: Id::KeyIsPublic, finds: |c| file_trouble(c, Id::KeyIsPublic) },
    Rule { id: Id::KeyIsPpk, finds: |c| file_trouble(c, Id::KeyIsPpk) },
    Rule { id: Id::KeyMalformed, finds: |c| file_trouble(c, Id::KeyMalformed) },
    Rule { id: Id::KeyTooWeak, finds: too_weak },
    Rule { id: Id::KeyPairMismatch, finds: |c| file_trouble(c, Id::KeyPairMismatch) },
    Rule { id: Id::SecurityKeyAbsent, finds: security_keys::absent },
    Rule { id: Id::CertificateExpired, finds: certificates::not_valid },
    Rule { id: Id::KeyFileMissing, finds: certificates::without_private_key },
    Rule { id: Id::KeyFileMissing, finds: certificates::not_there },
    Rule { id: Id::KeyLocked, finds: locked },
    Rule { id: Id::NotExamined, finds: not_askable },
];

/// What is known of the keys of a login that does not work.
pub(super) struct Failing<'c> {
    plan: &'c Plan,
    pub effective: &'c Effective,
    pub identities: &'c Identities,
    /// The agent, as it shows itself to this host.
    pub agent: Cow<'c, AgentKeys>,
    /// The fingerprints of keys that the agent keeps back at this host.
    pub withheld: &'c [String],
    /// What the server said; none where it was not asked.
    pub queries: Option<&'c Queries>,
    /// What `ssh` would offer.
    pub offers: Vec<Offer>,
    pub interactive: bool,
}

const NOBODY: &AgentKeys = &AgentKeys::none();

impl<'c> Failing<'c> {
    /// `None` where the login works, or where it is not known whether it does.
    pub fn of(case: &'c Case) -> Option<Self> {
        let effective = case.effective()?;
        let identities = case.identities()?;
        let agent = case.agent().unwrap_or(NOBODY).for_host(case.agent_for_host());
        let interactive = case.is_interactive();
        let failing = Self {
            plan: &case.plan,
            effective,
            identities,
            withheld: case.agent_for_host().map_or(&[], |told| &told.withheld),
            queries: case.queries(),
            offers: offers::in_order(effective, identities, &agent),
            agent,
            interactive,
        };
        let fails = match (failing.queries, case.queries.as_ref().map(|q| &q.seen)) {
            (Some(queries), _) => !queries.open_door && queries.winner(interactive).is_none(),
            (None, Some(Err(Unseen::Needs(Needed::Key)))) => true,
            // Not asked: without a key that could be proven it fails all the same.
            (None, _) => !failing.could_prove_one(),
        };
        // Where the agent was not seen, or a provider of keys is not examined, nothing is known.
        let agent_known = case.agent.is_none() || case.agent().is_some();
        (fails && agent_known && effective.pkcs11_provider.is_none()).then_some(failing)
    }

    fn could_prove_one(&self) -> bool {
        let provable = |offer: &Offer| match offer.provable {
            Provable::Yes => true,
            Provable::NeedsPassphrase => self.interactive,
            Provable::No | Provable::Unknown => false,
        };
        self.offers.iter().any(provable)
            || (self.interactive && offers::unknown_public(self.identities).next().is_some())
    }

    /// The key that the server takes and `ssh` cannot prove.
    pub fn accepted(&self) -> Option<&'c Offer> {
        self.queries?.accepted().map(|query| &query.offer)
    }

    pub fn refused(&self) -> usize {
        self.queries.map_or(0, Queries::refused)
    }

    /// The files that can be the cause: the one whose key the server takes; else those that were
    /// named, and the default ones where no other key got as far as to be refused.
    fn suspects(&self) -> impl Iterator<Item = &'c IdentityFile> {
        let accepted = self.accepted();
        let any_default = self.refused() == 0;
        self.identities.files.iter().filter(move |file| match accepted {
            Some(offer) => offer.path.as_deref() == Some(file.path.as_str()),
            None => file.named || any_default,
        })
    }

    fn trouble(&self, id: Id) -> Option<Trouble> {
        // Where the agent holds the key and keeps it back, that is the cause, not the file.
        let kept_back = |file: &IdentityFile| {
            file.offered().is_some_and(|key| self.withheld.contains(&key.sha256))
        };
        let find = |file| match kept_back(file) {
            true => None,
            false => key_files::trouble(file, &self.agent, &self.identities.untried),
        };
        // A file that a configuration names for all hosts may be long gone: where another key was
        // refused, that is the cause.
        let counts = |file: &&IdentityFile| {
            id != Id::KeyFileMissing
                || self.refused() == 0
                || self.accepted().is_some()
                || self.plan.is_typed_identity(&file.path)
        };
        let found = self.suspects().filter(counts).filter_map(find).find(|found| found.id == id);
        // Beside a wrong .pub the right key was never tried, whatever else was refused.
        let all = self.identities.files.iter();
        let wrong_pair = || all.filter_map(find).find(|trouble| trouble.id == id);
        let anywhere = id == Id::KeyPairMismatch && self.accepted().is_none();
        found.or_else(|| if anywhere { wrong_pair() } else { None })
    }

    /// A file that `ssh` leaves out, whose public half is there and whose key the agent holds.
    fn left_out_and_held(&self) -> Option<&'c IdentityFile> {
        let held = |file: &&IdentityFile| {
            let public = file.pub_file.as_ref().filter(|_| file.left_out);
            public.is_some_and(|public| key_files::is_in_agent(&self.agent, public))
        };
        self.identities.files.iter().find(held)
    }

    /// What the server said so far, for the reasons.
    pub fn answers(&self) -> Option<Text> {
        self.answers_beside(|_| false)
    }

    /// The same, where the cause is an offer that the server refused as well.
    pub fn answers_beside(&self, is_cause: impl Fn(&Offer) -> bool) -> Option<Text> {
        if self.accepted().is_some() {
            return Some(text!["The server would accept this key."]);
        }
        let offers = self.queries.map_or(&[][..], |queries| &queries.offers);
        let causes = offers.iter().filter(|q| q.answer == Answer::Refused && is_cause(&q.offer));
        match self.refused().saturating_sub(causes.count()) {
            0 => None,
            1 => Some(text!["Of the other keys one was offered; the server does not accept it."]),
            n => Some(text![
                "Of the other keys ",
                number(n),
                " were offered; the server accepts none of them."
            ]),
        }
    }
}

fn file_trouble(case: &Case, id: Id) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    let trouble = failing.trouble(id)?;
    let mut found = Diagnosis::new(id);
    found.because = trouble.sentences;
    found.because.extend(failing.answers());
    if let (Id::KeyFileMissing, Some(other)) = (id, failing.identities.untried.first()) {
        found = found.step(Hint::run(
            "There is another private key, which ssh does not try. If it is the right one:",
            case.plan.ssh().only_identity(other).command(),
        ));
    }
    let held = failing.left_out_and_held().filter(|_| id == Id::KeyFileMissing);
    if let Some(file) = held {
        found = found.step(Hint::run(
            "The agent holds this key, and ssh finds it there by the public half. Name that one:",
            case.plan.ssh().only_identity(&format!("{}.pub", file.path)).command(),
        ));
    }
    if id == Id::KeyIsPublic {
        found = agent::elsewhere(case, found);
    }
    found.next_steps.extend(trouble.steps);
    Some(if failing.refused() > 0 { found.or(Id::KeyNotAccepted) } else { found })
}

/// Nothing to log in with in any place that `ssh` looks at.
fn no_key(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    let Failing { effective, identities, agent, .. } = &failing;
    let files = || identities.files.iter();
    let nothing = failing.offers.is_empty()
        && failing.queries.is_none_or(|queries| queries.offers.is_empty())
        && effective.pubkey_authentication
        && identities.certificates.is_empty()
        && files()
            .all(|f| matches!(f.content, Content::Missing) && !f.named && f.offered().is_none());
    // An agent that is announced and does not answer is the cause before this one; so is one that
    // is locked, keeps its keys back, or is not announced while it holds keys.
    let agent_broken = match agent.state {
        AgentState::Unreachable(_) | AgentState::NotAnAgent(_) | AgentState::TimedOut { .. } => {
            true
        }
        AgentState::NotConfigured => !agent.others.is_empty() || agent.dropped_by_sudo,
        AgentState::Keys(_) | AgentState::Disabled => {
            agent::is_locked(case) || case.agent_for_host().is_some_and(|t| !t.withheld.is_empty())
        }
    };
    if !nothing || agent_broken {
        return None;
    }
    let paths: Vec<String> = files().map(|f| f.path.clone()).collect();
    let mut found = Diagnosis::new(Id::NoKey).because(if paths.is_empty() {
        text!["Your ssh configuration names no key file."]
    } else {
        key_files::listing("None of the key files that ssh looks for exists: ", &paths)
    });
    let hidden = effective.identities_only && !agent.keys().is_empty();
    found = found.because(match &agent.state {
        AgentState::Disabled => {
            text!["Your ssh configuration turns the agent off (IdentityAgent none)."]
        }
        AgentState::Keys(keys) if hidden => text![
            "The agent holds ",
            number(keys.len()),
            " keys, but IdentitiesOnly forbids ssh to use those that no file names."
        ],
        AgentState::Keys(_) => text!["The agent holds no key."],
        _ => text!["There is no SSH agent that could hold one."],
    });
    if hidden {
        return Some(found.step(Hint::run(
            "Allow the keys of the agent:",
            case.plan.ssh().set("IdentitiesOnly=no").command(),
        )));
    }
    found = agent::elsewhere(case, found);
    if let Some(first) = identities.untried.first() {
        found = found
            .because(key_files::listing(
                "ssh does not try these private keys unless they are named: ",
                &identities.untried,
            ))
            .step(Hint::run(
                "If one of them is yours for this host, name it:",
                case.plan.ssh().identity(first).command(),
            ));
    }
    if agent.state == AgentState::Disabled && agent.others.is_empty() {
        found = found.step(Hint::advice(
            "If your key is in an agent, remove IdentityAgent none from your ssh configuration.",
        ));
    }
    found = found
        .step(Hint::run(
            "If you have no key, make one, with a passphrase:",
            command!["ssh-keygen", "-t", "ed25519"],
        ))
        .step(registration::of_a_new_key(case));
    Some(match &agent.state {
        AgentState::Keys(_) => found.or(Id::AgentEmpty).or(Id::AgentLocked),
        AgentState::NotConfigured => found.or(Id::AgentNotRunning),
        _ => found,
    })
}

/// All keys are of a kind or size that the client does not offer, or that servers refuse.
fn too_weak(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    if failing.accepted().is_some() {
        return None;
    }
    let effective = failing.effective;
    let weak = |key: &PublicKeyFacts| key_files::weakness(effective, key);
    if failing.offers.iter().any(|offer| weak(&offer.key).is_none()) {
        return None;
    }
    let from_files = failing.identities.files.iter().filter_map(|file| {
        let name = text![path(&file.path)];
        Some((name, file.offered()?))
    });
    let from_agent = failing.agent.keys().iter().map(|key| (text![foreign(&key.comment)], key));
    let (name, public) = from_files.chain(from_agent).next()?;
    let found = Diagnosis::new(Id::KeyTooWeak).because(
        text!["The only key is "].then(name).with(": ").with(key(&public.sha256)).with("."),
    );
    let make = Hint::run(
        "Make a new pair of keys, with a passphrase, and have the public half registered:",
        command!["ssh-keygen", "-t", "ed25519"],
    );
    if let Some(why) = weak(public) {
        let found = found
            .because(why)
            .step(make)
            .step(Hint::run(
                "Where only RSA keys are taken:",
                command!["ssh-keygen", "-t", "rsa", "-b", "4096"],
            ))
            .step(Hint::advice("Once the new key works, have the old one removed there."));
        return Some(if failing.refused() > 0 { found.or(Id::KeyNotAccepted) } else { found });
    }
    if !failing.offers.is_empty() || failing.queries.is_some() {
        return None;
    }
    // Neither weak nor offered: the client's own list leaves it out.
    let listed = !effective.pubkey_accepted_algorithms.is_empty();
    (listed && effective.pubkey_authentication && !effective.identities_only).then(|| {
        found
            .because(text![
                "Your ssh configuration (PubkeyAcceptedAlgorithms) does not allow keys of the type ",
                foreign(&public.algorithm),
                ", so ssh does not offer it."
            ])
            .step(Hint::run(
                "Allow this type for one login, then correct the configuration:",
                case.plan
.ssh()
.set(format!("PubkeyAcceptedAlgorithms=+{}", public.algorithm))
.command(),
            ))
    })
    .map(|found| {
        // A new key of the type that is not allowed would be no help.
        if public.algorithm == "ssh-ed25519" { found } else { found.step(make) }
    })
}

/// A passphrase, and nobody to type it.
fn locked(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    if failing.interactive {
        return None;
    }
    let accepted = failing.accepted();
    let unproven = match accepted {
        Some(offer) => Some(offer).filter(|o| o.provable == Provable::NeedsPassphrase),
        // Refused keys are not the cause, however they are locked.
        None if failing.queries.is_some() => None,
        None => failing.offers.iter().find(|o| o.provable == Provable::NeedsPassphrase),
    };
    let hidden = || {
        let mut files = offers::unknown_public(failing.identities);
        files.find(|f| f.named || failing.refused() == 0).filter(|_| accepted.is_none())
    };
    let file = match unproven {
        Some(offer) => offer.path.clone()?,
        None => hidden()?.path.clone(),
    };
    let nobody = if failing.effective.batch_mode {
        text!["BatchMode is set, so ssh asks nobody for it."]
    } else {
        text!["There is no terminal at which somebody could type it."]
    };
    let mut found = Diagnosis::new(Id::KeyLocked)
        .because(text![
            "The key ",
            path(&file),
            " is locked with a passphrase, and the agent does not hold it."
        ])
        .because(nobody);
    if let Some(answers) = failing.answers() {
        found = found.because(answers);
    }
    found = match &failing.agent.state {
        AgentState::Keys(_) => found.step(Hint::run(
            "Load the key into the agent before this runs:",
            command!["ssh-add", path(&file)],
        )),
        _ => found.step(Hint::run(
            "Start an agent and load the key into it before this runs:",
            ssh_add::start_and_load(&file),
        )),
    };
    Some(
        found
            .step(Hint::advice(
                "For a CI job, use a key of its own without passphrase, kept as a secret of the \
                 CI, and have it registered.",
            ))
            .step(Hint::advice("At a terminal, without BatchMode, ssh would ask for it.")),
    )
}

/// A locked key in an old format: what the server says about it cannot be found out.
fn not_askable(case: &Case) -> Option<Diagnosis> {
    let failing = Failing::of(case)?;
    if !failing.interactive || failing.accepted().is_some() {
        return None;
    }
    let mut files = offers::unknown_public(failing.identities);
    let file = files.find(|file| file.named || failing.refused() == 0)?;
    Some(
        Diagnosis::new(Id::NotExamined)
            .because(text![
                "The key ",
                path(&file.path),
                " is locked with a passphrase, and its format hides the public half as well."
            ])
            .because(text![
                "ssh would ask for the passphrase; without it nobody can ask the server about this key."
            ])
            .step(Hint::run(
                "Write the public half beside it (this asks for the passphrase), then run this again:",
                command![
                    "ssh-keygen",
                    "-y",
                    "-f",
                    path(&file.path),
                    shell(">"),
                    path(format!("{}.pub", file.path))
                ],
            )),
    )
}

/// Whether the server was not asked about a key, or gave no answer.
pub(super) const fn is_unasked(answer: Answer) -> bool {
    matches!(answer, Answer::LimitReached | Answer::NoAnswer)
}

#[cfg(test)]
mod tests;
