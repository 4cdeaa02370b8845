//! Public key: which keys `ssh` would use, and whether each can be used.

use jiff::Timestamp;

use crate::{
    case::Plan,
    check::{About, Check},
    command,
    evidence::{
        Evidence, Seen, Unseen,
        agent::AgentKeys,
        configuration::Effective,
        identities::{Content, Identities, IdentityFile},
        key::PublicKeyFacts,
    },
    finding::{Finding, Hint},
    key_files::{self, Trouble},
    offers::{self, Offer, Provable},
    text,
    text::{Span, Text, foreign, key, number, path},
};

/// Public key.
pub struct Fingerprint;

/// What is judged.
pub struct Facts<'e> {
    /// What `ssh` would do.
    pub effective: Result<&'e Effective, Unseen>,
    /// Key files.
    pub identities: &'e Seen<Identities>,
    /// Keys in the agent.
    pub agent: &'e Seen<AgentKeys>,
    /// The moment at which validity is judged.
    pub now: Timestamp,
}

impl Check for Fingerprint {
    const ABOUT: About = About { id: "fingerprint", title: "Public key" };
    type Facts<'e> = Facts<'e>;

    fn applies(plan: &Plan) -> bool {
        plan.access.sftp().is_none()
    }

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let (identities, agent) = futures_util::join!(evidence.identities(), evidence.agent());
        let effective = evidence.effective().await;
        Facts { effective, identities, agent, now: evidence.started_at() }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, identities) = match (facts.effective, facts.identities) {
            (Ok(effective), Ok(identities)) => (effective, identities),
            (Err(why), _) => return Finding::unseen(&why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        let nobody = AgentKeys::none();
        let agent = facts.agent.as_ref().unwrap_or(&nobody);
        let keys = Keys {
            effective,
            identities,
            agent,
            now: facts.now,
            interactive: plan.may_ask(effective),
            offers: offers::in_order(effective, identities, agent),
        };
        let finding = keys.judge();
        let finding = match facts.agent {
            Ok(_) => finding,
            Err(why) => finding.detail(text!["The agent was not asked. "].then(why.words())),
        };
        finding.fact("offers", &keys.offers).fact("identities", identities)
    }
}

/// Everything that the judgement reads.
struct Keys<'e> {
    effective: &'e Effective,
    identities: &'e Identities,
    agent: &'e AgentKeys,
    now: Timestamp,
    interactive: bool,
    offers: Vec<Offer>,
}

impl Keys<'_> {
    fn judge(&self) -> Finding {
        let troubles = self.troubles();
        let faults: Vec<Text> = self.offers.iter().filter_map(|offer| self.fault(offer)).collect();
        let (offers, hidden) = self.usable();
        let usable = offers.len() + hidden;
        let finding = if !self.effective.pubkey_authentication {
            Finding::fail(
                "Your ssh configuration turns login by key off (PubkeyAuthentication no).",
            )
        } else if usable == 0 {
            self.none_usable(&troubles)
        } else {
            let locked = self.locked();
            let what = match (offers.first(), usable) {
                (Some(offer), 1) => text!["ssh has one key to use: ", name(offer)]
                    .with(", ")
                    .with(offer.key.kind())
                    .with(" ")
                    .with(key(&offer.key.sha256)),
                _ => text!["ssh has ", offers::counted(offers.into_iter(), hidden), " to use"],
            };
            match (troubles.first(), faults.first(), locked.first()) {
                (Some(trouble), _, _) => {
                    let first = trouble.sentences.first().cloned().unwrap_or_default();
                    Finding::warn(what.with(". ").then(first))
                }
                (None, Some(_), _) => Finding::warn(what.with(", but not all are in order.")),
                (None, None, Some(file)) => Finding::warn(
                    what.with("; ")
                        .with(path(*file))
                        .with(" is locked with a passphrase, so ssh will ask for it."),
                ),
                (None, None, None) => Finding::pass(what.with(".")),
            }
        };
        // The first sentence is already in the summary.
        let sentences = troubles.iter().flat_map(|trouble| trouble.sentences.clone());
        let told: Vec<Text> = sentences.skip(1).collect();
        let mut finding = finding
            .detail_all(self.offers.iter().enumerate().flat_map(|(n, o)| self.lines(n + 1, o)))
            .detail_all(self.not_readable())
            .detail_all(faults)
            .detail_all(told)
            .detail_all(self.certificates())
            .detail_all(self.missing_defaults())
            .detail_all(self.module())
            .detail_all(self.untried());
        for step in troubles.into_iter().flat_map(|trouble| trouble.steps) {
            finding = finding.hint(step);
        }
        if let Some(file) = self.locked().first().filter(|_| usable > 0) {
            finding = finding.hint(Hint::run(
                "To type the passphrase once and not at each login, load the key into the agent:",
                command!["ssh-add", path(*file)],
            ));
        }
        finding
    }

    /// What `ssh` could log in with, as far as can be seen from here: offers, and how many keys more
    /// whose public half is hidden.
    fn usable(&self) -> (Vec<&Offer>, usize) {
        let provable = |offer: &&Offer| match offer.provable {
            Provable::Yes => true,
            Provable::NeedsPassphrase => self.interactive,
            Provable::No | Provable::Unknown => false,
        };
        let hidden = offers::unknown_public(self.identities).filter(|_| self.interactive).count();
        (self.offers.iter().filter(provable).collect(), hidden)
    }

    fn none_usable(&self, troubles: &[Trouble]) -> Finding {
        if let Some(first) = troubles.first().and_then(|trouble| trouble.sentences.first()) {
            return Finding::fail(first.clone());
        }
        if let Some(file) = self.locked().first() {
            return Finding::fail(text![
                "The key ",
                path(*file),
                " is locked with a passphrase, and nobody can type it."
            ])
            .hint(Hint::run(
                "Load the key into the agent before this runs:",
                command!["ssh-add", path(*file)],
            ));
        }
        if let Some(found) = self.no_device() {
            return found;
        }
        let weak = self.identities.files.iter().filter_map(IdentityFile::offered);
        let weak = weak.chain(self.agent.keys()).next();
        let finding = match weak {
            Some(public) if self.effective.identities_only && self.files_are_empty() => {
                return Finding::fail(text![
                    "The agent holds ",
                    public.kind(),
                    " keys, but IdentitiesOnly forbids ssh to use those that no file names."
                ])
                .hint(Hint::advice("Name the .pub file of the right key with IdentityFile."));
            }
            Some(public) => {
                let finding = Finding::fail(text![
                    "There is a key of the type ",
                    public.kind(),
                    ", which your ssh does not offer."
                ]);
                let finding =
                    finding.detail_all(key_files::weakness(self.effective, public).or_else(|| {
                        let listed = !self.effective.pubkey_accepted_algorithms.is_empty();
                        listed.then(|| text!["PubkeyAcceptedAlgorithms does not allow it."])
                    }));
                // A new key of the type that is not allowed would be no help.
                if public.algorithm == "ssh-ed25519" {
                    return finding;
                }
                finding
            }
            None => Finding::fail("There is no SSH key to log in with."),
        };
        finding.hint(Hint::run(
            "Make a key, with a passphrase, and have its public half registered:",
            command!["ssh-keygen", "-t", "ed25519"],
        ))
    }

    /// A key that needs a security key (FIDO), which is not there or which ssh may not use.
    fn no_device(&self) -> Option<Finding> {
        let public = |file: &&IdentityFile| file.offered().is_some_and(PublicKeyFacts::is_hardware);
        if self.effective.security_key_provider.is_none() {
            let file = self.identities.files.iter().find(public)?;
            return Some(
                Finding::fail(text![
                    "The key ",
                    path(&file.path),
                    " needs a security key, and your ssh configuration turns those off \
                     (SecurityKeyProvider none)."
                ])
                .hint(Hint::advice("Remove SecurityKeyProvider none from your configuration.")),
            );
        }
        let offer = self.offers.iter().find(|offer| self.lacks_device(offer))?;
        Some(
            Finding::fail(
                text!["The key "]
                    .with(name(offer))
                    .with(" needs its security key, and none is plugged in."),
            )
            .hint(Hint::advice("Plug in the security key that this key was made with.")),
        )
    }

    fn lacks_device(&self, offer: &Offer) -> bool {
        let absent = offer.key.is_hardware() && self.identities.security_keys == Some(0);
        absent && offer.provable == Provable::No
    }

    fn files_are_empty(&self) -> bool {
        self.identities.files.iter().all(|file| file.offered().is_none())
    }

    fn troubles(&self) -> Vec<Trouble> {
        let files = self.identities.files.iter();
        files
            .filter_map(|file| key_files::trouble(file, self.agent, &self.identities.untried))
            .collect()
    }

    /// Locked files whose keys the agent does not hold.
    fn locked(&self) -> Vec<&str> {
        let files = self.identities.files.iter().filter(|file| file.is_locked() && !file.too_open);
        files
            .filter(|f| !f.offered().is_some_and(|k| key_files::is_in_agent(self.agent, k)))
            .map(|file| file.path.as_str())
            .collect()
    }

    /// A key or certificate that will hardly be taken anywhere.
    fn fault(&self, offer: &Offer) -> Option<Text> {
        let weak = key_files::weakness(self.effective, &offer.key);
        let certificate = offer.key.certificate.as_ref();
        let invalid = || {
            certificate
                .and_then(|c| key_files::certificate_fault(c, &self.effective.user, self.now))
                .map(|why| text!["Certificate: "].then(why))
        };
        weak.or_else(invalid).map(|why| text![name(offer), ": "].then(why))
    }

    /// One key in its place, as `ssh` would offer it.
    fn lines(&self, place: usize, offer: &Offer) -> Vec<Text> {
        let public = &offer.key;
        let mut line = text![number(place), ". ", name(offer), ": "].then(describe(public));
        if offer.path.is_some() && !public.comment.is_empty() {
            line = line.with(", \"").with(foreign(&public.comment)).with("\"");
        }
        line = line.with(match (offer.in_agent, offer.provable) {
            _ if self.lacks_device(offer) => ", needs its security key, and none is plugged in",
            (true, _) if public.is_hardware() => ", in the agent; its security key wants a touch",
            (false, Provable::Yes) if public.is_hardware() => ", its security key wants a touch",
            (true, _) => ", in the agent",
            (false, Provable::Yes) => ", not locked",
            (false, Provable::NeedsPassphrase) => ", locked with a passphrase",
            (false, Provable::No) => ", its private half cannot be used",
            (false, Provable::Unknown) => "",
        });
        let mut lines = vec![line];
        if let Some(certificate) = &public.certificate {
            let mut line = text!["   Certificate \"", foreign(&certificate.key_id), "\", valid "];
            line = line.with(match certificate.valid_after {
                Some(start) => format!("from {} ", key_files::moment(start)),
                None => String::new(),
            });
            line = line.with(match certificate.valid_before {
                Some(end) => format!("until {}", key_files::moment(end)),
                None => "without end".to_owned(),
            });
            for (place, name) in certificate.principals.iter().take(8).enumerate() {
                line = line.with(if place > 0 { ", " } else { ", for " }).with(foreign(name));
            }
            line = line.with(", signed by ").with(key(&certificate.authority_sha256)).with(".");
            lines.push(line);
        }
        lines
    }

    /// Locked keys in a format that hides the public half too.
    fn not_readable(&self) -> Vec<Text> {
        let hidden = offers::unknown_public(self.identities);
        hidden
            .map(|file| {
                text![
                    "",
                    path(&file.path),
                    ": locked with a passphrase; its fingerprint cannot be read without it."
                ]
            })
            .collect()
    }

    /// Certificate files that cannot be used.
    fn certificates(&self) -> Vec<Text> {
        let files = self.identities.certificates.iter();
        files
            .filter_map(|file| {
                let why = file.content.as_ref().err()?;
                Some(text![
                    "The certificate ",
                    path(&file.path),
                    " cannot be used: ",
                    foreign(why),
                    "."
                ])
            })
            .collect()
    }

    /// ssh's default names are many; that none exists is one line.
    fn missing_defaults(&self) -> Option<Text> {
        let files = &self.identities.files;
        let missing = |file: &IdentityFile| !file.named && matches!(file.content, Content::Missing);
        let all = !files.is_empty() && files.iter().all(missing);
        all.then(|| {
            let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
            key_files::listing("None of the default key files exists: ", &paths)
        })
    }

    /// Keys that are not looked at.
    fn module(&self) -> Option<Text> {
        let module = self.effective.pkcs11_provider.as_ref()?;
        Some(text![
            "ssh would also offer the keys of the module ",
            path(module),
            " (PKCS11Provider), after those of the agent; they are not examined."
        ])
    }

    fn untried(&self) -> Option<Text> {
        let others = &self.identities.untried;
        (!others.is_empty()).then(|| {
            key_files::listing("Private keys that ssh does not try unless they are named: ", others)
        })
    }
}

/// A key as people know it: its file, or its comment in the agent.
fn name(offer: &Offer) -> Span {
    match &offer.path {
        Some(file) => path(file),
        None if !offer.key.comment.is_empty() => foreign(&offer.key.comment),
        None => key(&offer.key.sha256),
    }
}

/// Type, size, and both fingerprints.
fn describe(public: &PublicKeyFacts) -> Text {
    let mut line = text![public.kind()];
    if public.bits > 0 {
        line = line.with(", ").with(number(public.bits)).with(" bits");
    }
    line.with(", ").with(key(&public.sha256)).with(", MD5 ").with(key(&public.md5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            agent::AgentState,
            identities::{Content, Damage},
            made,
        },
        finding::Status,
    };

    fn public(name: &str) -> PublicKeyFacts {
        PublicKeyFacts {
            algorithm: "ssh-ed25519".into(),
            bits: 256,
            sha256: format!("SHA256:{name}"),
            md5: "aa:bb".into(),
            comment: "ada@desk".into(),
            line: String::new(),
            certificate: None,
        }
    }

    fn file(name: &str, named: bool, content: Content) -> IdentityFile {
        IdentityFile {
            path: format!("/k/{name}"),
            named,
            content,
            mode: Some(0o600),
            owner: Some(1000),
            too_open: false,
            disk: None,
            left_out: false,
            own: false,
            pub_file: None,
            cert_file: None,
        }
    }

    fn private(name: &str, locked: bool) -> Content {
        Content::Private {
            format: "openssh".into(),
            public: Some(public(name)),
            locked_by: locked.then(|| "aes256-ctr".into()),
        }
    }

    fn judge(files: Vec<IdentityFile>, held: &[&str], interactive: bool) -> Finding {
        let effective = made::effective(22);
        let identities = Ok(Identities { files, ..Identities::default() });
        let keys = held.iter().map(|name| public(name)).collect();
        let agent =
            Ok(AgentKeys { socket: None, state: AgentState::Keys(keys), ..AgentKeys::none() });
        let facts = Facts {
            effective: Ok(&effective),
            identities: &identities,
            agent: &agent,
            now: Timestamp::UNIX_EPOCH,
        };
        Fingerprint::judge(&Plan { interactive, ..made::plan() }, facts)
    }

    fn told(finding: &Finding) -> String {
        let details = finding.details.iter().map(Text::plain).collect::<Vec<_>>().join("\n");
        format!("{}\n{details}", finding.summary.plain())
    }

    #[test]
    fn statuses() {
        let gone = || file("gone", true, Content::Missing);
        let default = || file("id_rsa", false, Content::Missing);
        let good = || file("a", false, private("a", false));
        let locked = || file("l", true, private("l", true));
        let bad = || file("b", true, Content::Damaged(Damage::Crlf));
        let open = || IdentityFile { too_open: true, ..file("o", true, private("o", false)) };
        let pair = || IdentityFile { pub_file: Some(public("x")), ..good() };
        let table = [
            (vec![default(), good()], &[][..], true, Status::Pass, "SHA256:a"),
            (vec![gone(), good()], &[], true, Status::Warn, "/k/gone does not exist"),
            (vec![locked()], &[], true, Status::Warn, "ssh will ask for it"),
            (vec![locked()], &["l"], true, Status::Pass, "in the agent"),
            (vec![locked()], &[], false, Status::Fail, "nobody can type it"),
            (vec![bad(), good()], &[], true, Status::Warn, "line"),
            (vec![bad()], &[], true, Status::Fail, "lines end as on Windows"),
            (vec![open()], &[], true, Status::Fail, "other users could read it"),
            (vec![open()], &["o"], true, Status::Pass, "in the agent"),
            (vec![pair()], &[], true, Status::Fail, "does not belong"),
            (vec![default()], &[], true, Status::Fail, "None of the default key files exists"),
            (vec![default()], &["z"], true, Status::Pass, "MD5 aa:bb"),
        ];
        for (files, held, interactive, status, says) in table {
            let finding = judge(files, held, interactive);
            assert_eq!(finding.status, status, "{}", told(&finding));
            assert!(told(&finding).contains(says), "{says:?}: {}", told(&finding));
            assert!(status == Status::Pass || !finding.hints.is_empty(), "{}", told(&finding));
        }
    }

    #[test]
    fn each_key_has_both_fingerprints_size_comment_and_place() {
        let finding = judge(vec![file("a", true, private("a", false))], &["z"], true);
        let lines: Vec<_> = finding.details.iter().map(Text::plain).collect();
        assert_eq!(
            lines,
            [
                "1. ada@desk: ED25519, 256 bits, SHA256:z, MD5 aa:bb, in the agent",
                "2. /k/a: ED25519, 256 bits, SHA256:a, MD5 aa:bb, \"ada@desk\", not locked",
            ]
        );
    }
}
