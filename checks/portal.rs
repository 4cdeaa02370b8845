//! Portal activation: whether the server would take the keys, and so whether one is registered.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen, Unseen,
        configuration::Effective,
        login::Proof,
        queries::{Answer, Broken, Queries, Query},
    },
    finding::Finding,
    offers::{self, Provable},
    profile::Profile,
    registration::Registration,
    text,
    text::{Text, foreign, key, number, path, user},
};

/// Portal activation.
pub struct Portal;

/// What is judged.
pub struct Facts<'e> {
    effective: Result<&'e Effective, Unseen>,
    profile: &'e Profile,
    queries: &'e Seen<Queries>,
    /// A real login was asked for, and the server let in with the proof of a key; or a log shows one.
    let_in: bool,
}

impl Check for Portal {
    const ABOUT: About = About { id: "portal", title: "Portal activation" };
    type Facts<'e> = Facts<'e>;

    fn applies(plan: &Plan) -> bool {
        plan.access.sftp().is_none()
    }

    fn title(profile: &Profile) -> &'static str {
        // Where there is no portal, nothing is activated in one.
        if profile.portal.is_some() { Self::ABOUT.title } else { "Key acceptance" }
    }

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let queries = evidence.queries().await;
        // A login says more than the answer that it begins with.
        let let_in = evidence.plan().login
            && evidence.login().await.as_ref().is_ok_and(|login| login.proof == Proof::Accepted);
        let let_in = let_in || evidence.log().is_some_and(|log| log.login().is_some());
        Facts {
            effective: evidence.effective().await,
            profile: evidence.profile().await,
            queries,
            let_in,
        }
    }

    fn judge(plan: &Plan, facts: Facts<'_>) -> Finding {
        let (effective, queries) = match (facts.effective, facts.queries) {
            (Ok(effective), Ok(queries)) => (effective, queries),
            (Err(why), _) => return Finding::unseen(&why),
            (_, Err(why)) => return Finding::unseen(why),
        };
        let interactive = plan.may_ask(effective);
        let register = Registration::of(plan, facts.profile, &effective.host, queries);
        verdict(queries, interactive, facts.profile, facts.let_in)
            .detail_all(queries.offers.iter().map(|query| line(query, queries.broken)))
            .detail_all(rsa_line(queries))
            .detail_all(
                queries.banner.iter().map(|b| text!["The server's notice: ", b.in_a_line()]),
            )
            .fact("user", &queries.user)
            .fact("offers", &queries.offers)
            .fact("methods", &queries.methods)
            .fact("control", queries.control)
            .fact("rsa_signatures", queries.rsa_signatures)
            .fact("disconnect", &queries.disconnect)
            .fact("register", register)
    }
}

fn verdict(queries: &Queries, interactive: bool, profile: &Profile, let_in: bool) -> Finding {
    let who = user(&queries.user);
    if let_in && queries.open_door {
        return Finding::pass("The server lets in whoever comes, without a proof.");
    }
    if !let_in && (queries.control == Some(Answer::Accepted) || queries.open_door) {
        return Finding::warn(text![
            "The server says yes to any key, also to one that nobody has: its answer proves nothing.",
        ]);
    }
    if let Some(won) = queries.winner(interactive) {
        let takes = match &won.offer.key.certificate {
            Some(certificate) => text![
                "The server takes the certificate \"",
                foreign(&certificate.key_id),
                "\" for user ",
                who,
                "; so it trusts the authority that signed it."
            ],
            None => {
                let proves = if profile.portal.is_some() {
                    "; so it is registered and activated."
                } else {
                    "; so it is registered there."
                };
                text!["The server takes ", name(won), " for user ", who, proves]
            }
        };
        // sshd asks for the proof before it looks at PermitRootLogin (auth2-pubkey.c).
        return if queries.user == "root" && !let_in {
            Finding::warn(takes.with(
                " Some servers refuse root all the same (PermitRootLogin), which only a real login \
                 (--login) shows.",
            ))
        } else {
            Finding::pass(takes)
        };
    }
    if let Some(accepted) = queries.accepted() {
        let why = match accepted.offer.provable {
            Provable::Unknown => {
                return Finding::skip(text![
                    "The server takes ",
                    name(accepted),
                    "; the log does not show whether ssh could prove it."
                ]);
            }
            Provable::NeedsPassphrase => ", but nobody can type its passphrase.",
            _ => ", but ssh cannot use its private half.",
        };
        return Finding::fail(text!["The server takes ", name(accepted), why]);
    }
    if let Some(why) = queries.broken {
        let asked = number(queries.refused());
        let words = text!["No key accepted: ", asked, " refused, then ", why.words(), "."];
        let ours = matches!(why, Broken::OutOfTime | Broken::Interrupted | Broken::LogEnds);
        return if ours { Finding::skip(words) } else { Finding::fail(words) };
    }
    let refused = queries.offers.iter().filter(|q| q.answer == Answer::Refused).map(|q| &q.offer);
    match queries.refused() {
        0 => Finding::fail("None of the keys could be offered to this server."),
        1 => Finding::fail(text!["The server does not take the key for user ", who, "."]),
        _ => Finding::fail(text![
            "The server takes none of ",
            offers::counted(refused, 0),
            " for user ",
            who,
            "."
        ]),
    }
}

/// A key as people know it: its file, or its comment in the agent.
#[must_use]
pub fn name(query: &Query) -> crate::text::Span {
    let offer = &query.offer;
    match &offer.path {
        Some(file) => path(file),
        None if !offer.key.comment.is_empty() => foreign(&offer.key.comment),
        None => "a key without a name".into(),
    }
}

fn line(query: &Query, broken: Option<Broken>) -> Text {
    let answer = match query.answer {
        Answer::Accepted => "accepted",
        Answer::Refused => "refused",
        Answer::LimitReached => "not asked, since the server would cut off here",
        Answer::NotNeeded => "not asked, since ssh stops at the accepted key",
        Answer::NotOffered => "not asked, since ssh would not offer it to this server",
        Answer::NoAnswer if broken == Some(Broken::LogEnds) => "no answer before the log ends",
        Answer::NoAnswer => "no answer, since the conversation ended",
    };
    let place = if query.offer.in_agent { " (agent)" } else { "" };
    let kind = query.offer.key.kind();
    let sha256 = key(&query.offer.key.sha256);
    let line = text![answer, ": ", name(query), place, ", ", kind, " ", sha256];
    // It is offered beside the key of the same file.
    match &query.offer.key.certificate {
        Some(certificate) => {
            line.with(", certificate \"").with(foreign(&certificate.key_id)).with("\"")
        }
        None => line,
    }
}

fn rsa_line(queries: &Queries) -> Option<Text> {
    use crate::evidence::queries::RsaSignatures::{NotTold, Sha1Only, Sha2};
    match queries.rsa_signatures? {
        Sha2 => None,
        Sha1Only => Some(text!["The server takes RSA keys only with SHA-1, which ssh refuses."]),
        NotTold => Some(text![
            "The server does not say which RSA signatures it takes; ssh then only knows SHA-1, ",
            "which it refuses.",
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::key::PublicKeyFacts, finding::Status, host_trust::tests::key, offers::Offer,
    };

    #[test]
    fn a_certificate_that_is_taken_is_registered_nowhere() {
        let certificate = crate::evidence::key::CertificateFacts {
            line: String::new(),
            is_user: true,
            key_id: "work".into(),
            serial: 1,
            principals: Vec::new(),
            valid_after: None,
            valid_before: None,
            authority_sha256: "SHA256:ca".into(),
            critical_options: Vec::new(),
        };
        let key = PublicKeyFacts { certificate: Some(certificate), ..key("ssh-ed25519", "x") };
        let offer =
            Offer { key, path: Some("/k".into()), in_agent: false, provable: Provable::Yes };
        let query = Query { offer, algorithm: "ssh-ed25519".into(), answer: Answer::Accepted };
        assert!(line(&query, None).plain().ends_with(", certificate \"work\""));
        let queries = Queries { user: "ada".into(), offers: vec![query], ..Queries::default() };
        let words = verdict(&queries, true, &Profile::default(), false).summary.plain();
        assert!(words.contains("the certificate \"work\"") && words.contains("authority"));
        assert!(!words.contains("/k") && !words.contains("registered"), "{words}");
    }

    #[test]
    fn a_yes_for_root_is_no_promise() {
        for (user, expected) in [("ada", Status::Pass), ("root", Status::Warn)] {
            let offer = Offer {
                key: key("ssh-ed25519", "x"),
                path: Some("/k".into()),
                in_agent: false,
                provable: Provable::Yes,
            };
            let query = Query { offer, algorithm: "ssh-ed25519".into(), answer: Answer::Accepted };
            let user = user.to_owned();
            let queries = Queries { user, offers: vec![query], ..Queries::default() };
            let profile = Profile::default();
            assert_eq!(verdict(&queries, true, &profile, false).status, expected);
            // A login proves it, be it in a log.
            assert_eq!(verdict(&queries, true, &profile, true).status, Status::Pass);
        }
    }

    /// What a log does not show any more is not told.
    #[test]
    fn a_log_that_ends_too_soon() {
        let begin = "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1\n\
                     debug1: Authenticating to h:22 as 'root'\n\
                     debug1: SSH2_MSG_NEWKEYS received\n\
                     debug1: Offering public key: /k ED25519 SHA256:x explicit\n";
        let accepts = "debug1: Server accepts key: /k ED25519 SHA256:x explicit\n";
        let login =
            "Authenticated to h ([192.0.2.1]:22) using \"publickey\".\ndebug1: Exit status 0";
        let denied = "root@h: Permission denied (publickey).";
        for (log, status) in [
            (begin.to_owned(), Status::Skip),
            (format!("{begin}{accepts}"), Status::Skip),
            (format!("{begin}{accepts}{denied}"), Status::Fail),
            (format!("{begin}{denied}"), Status::Fail),
            (format!("{begin}{accepts}{login}"), Status::Pass),
        ] {
            let about = crate::explain::About {
                now: jiff::Timestamp::UNIX_EPOCH,
                profile: None,
                own_profiles: Vec::new(),
            };
            let case = crate::explain::case(log.as_bytes(), about);
            let let_in = case.log().is_some_and(|log| log.login().is_some());
            let found = verdict(case.queries().unwrap(), true, &Profile::default(), let_in);
            assert_eq!(found.status, status, "{log}: {:?}", found.summary);
        }
    }
}
