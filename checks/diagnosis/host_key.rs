//! Causes: host key.

use super::{Diagnosis, Id, Rule};
use crate::{
    case::Case,
    finding::Hint,
    host_key,
    host_trust::{self, Acceptance, Trust},
};

/// In causal order.
pub(super) const RULES: &[Rule] = &[
    Rule { id: Id::HostKeyTooWeak, finds: too_weak },
    Rule { id: Id::HostKeyRevoked, finds: |case| refused(case, Id::HostKeyRevoked) },
    Rule { id: Id::RevokedKeysUnreadable, finds: |case| refused(case, Id::RevokedKeysUnreadable) },
    Rule { id: Id::HostKeyChanged, finds: |case| refused(case, Id::HostKeyChanged) },
    Rule {
        id: Id::HostCertificateInvalid,
        finds: |case| refused(case, Id::HostCertificateInvalid),
    },
    Rule { id: Id::HostKeyUnknown, finds: |case| refused(case, Id::HostKeyUnknown) },
];

/// Whether the server's key is one with which more may be asked of the server; true where no key
/// was seen.
#[must_use]
pub fn is_trusted(case: &Case) -> bool {
    match (host_trust::in_case(case), case.effective()) {
        (Some(trust), Some(effective)) => host_trust::may_go_on(&trust, effective),
        _ => true,
    }
}

fn too_weak(case: &Case) -> Option<Diagnosis> {
    let effective = case.effective()?;
    let why = host_trust::too_small(effective, case.handshake()?.host_key.as_ref()?)?;
    let size = case.handshake()?.host_key.as_ref()?.bits;
    Some(
        Diagnosis::new(Id::HostKeyTooWeak)
            .because(why)
            .because("ssh ends the conversation before it asks for a key of yours.")
            .step(Hint::advice(
                "Ask those who run the server for a key of a current kind, such as ED25519: one \
                 more host key is enough.",
            ))
            .step(Hint::run(
                "Until then, this allows the small key for one login. It is weaker: do not make it \
                 permanent.",
                case.plan.ssh().set(format!("RequiredRSASize={size}")).command(),
            )),
    )
}

/// The diagnosis of this id, where `ssh` would end because of the key.
fn refused(case: &Case, id: Id) -> Option<Diagnosis> {
    let (trust, effective) = (host_trust::in_case(case)?, case.effective()?);
    let cause = match trust {
        Trust::Known(_) | Trust::KnownByAuthority(_) | Trust::NotChecked => return None,
        Trust::Revoked(_) | Trust::RevokedByList { .. } => Id::HostKeyRevoked,
        Trust::ListUnreadable { .. } => Id::RevokedKeysUnreadable,
        Trust::Changed { .. } => Id::HostKeyChanged,
        Trust::CertificateInvalid { .. } => Id::HostCertificateInvalid,
        Trust::Unknown => Id::HostKeyUnknown,
    };
    let accepts = host_trust::acceptance(&trust, effective, case.plan.interactive);
    if cause != id || accepts != Acceptance::Refuses {
        return None;
    }
    // The command may know the key; it is not run, so nobody can say.
    let open = matches!(trust, Trust::Unknown | Trust::Changed { .. });
    if open && effective.known_hosts_command.is_some() {
        return None;
    }
    let shown = case.handshake()?.host_key.as_ref()?;
    let mut diagnosis = Diagnosis::new(id);
    diagnosis.because = host_key::describe(effective, shown, &trust);
    if matches!(trust, Trust::Unknown | Trust::CertificateInvalid { .. }) {
        diagnosis = diagnosis.because(why_not(case));
    }
    let steps = host_key::steps(&case.plan, effective, case.known_hosts()?, shown, &trust);
    Some(steps.into_iter().fold(diagnosis, Diagnosis::step))
}

/// Why `ssh` may not accept a key that it does not know.
fn why_not(case: &Case) -> &'static str {
    use crate::evidence::configuration::StrictHostKeyChecking::Yes;
    match case.effective() {
        Some(e) if e.strict_host_key_checking == Yes => {
            "StrictHostKeyChecking is yes: ssh takes known keys alone."
        }
        Some(e) if e.batch_mode => "BatchMode is on: ssh may not ask whether to trust the key.",
        _ => "Nobody is there to answer ssh's question whether to trust the key.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            configuration::{
                Effective,
                StrictHostKeyChecking::{self, AcceptNew, Ask, No, Yes},
            },
            handshake::Handshake,
            known_hosts::{KnownHostsLine, Marker},
            made,
        },
        host_trust::tests::{key, known, line},
    };

    const ED: &str = "ssh-ed25519";

    #[test]
    fn the_cause_follows_from_the_key_and_the_configuration() {
        let good = || vec![line(None, ED, "a")];
        let changed = || vec![line(None, ED, "b")];
        let revoked = || vec![line(Some(Marker::Revoked), ED, "a")];
        type Row = (Vec<KnownHostsLine>, StrictHostKeyChecking, bool, Option<Id>, bool);
        let rows: Vec<Row> = vec![
            (good(), Yes, true, None, true),
            (vec![], Ask, false, None, true),
            (vec![], AcceptNew, true, None, true),
            (vec![], Ask, true, Some(Id::HostKeyUnknown), true),
            (vec![], Yes, false, Some(Id::HostKeyUnknown), true),
            (changed(), Ask, false, Some(Id::HostKeyChanged), false),
            (changed(), AcceptNew, false, Some(Id::HostKeyChanged), false),
            (changed(), No, false, None, true),
            (revoked(), Ask, false, Some(Id::HostKeyRevoked), false),
        ];
        for (lines, strict, batch_mode, expected, trusted) in rows {
            let words = format!("{lines:?} {strict:?} {batch_mode}");
            let mut case = made::case(Effective {
                strict_host_key_checking: strict,
                batch_mode,
                ..made::effective(22)
            });
            case.known_hosts = made::seen(known(lines));
            case.handshake =
                made::seen(Handshake { host_key: Some(key(ED, "a")), ..Handshake::default() });
            let found = RULES.iter().find_map(|rule| (rule.finds)(&case));
            assert_eq!(found.as_ref().map(|d| d.id), expected, "{words}");
            assert!(found.is_none_or(|d| !d.next_steps.is_empty() && !d.because.is_empty()));
            assert_eq!(is_trusted(&case), trusted, "{words}");
        }
    }

    #[test]
    fn what_a_command_may_know_is_not_claimed() {
        let mut case = made::case(Effective {
            strict_host_key_checking: Yes,
            known_hosts_command: Some("/usr/bin/keys %H".into()),
            ..made::effective(22)
        });
        case.known_hosts = made::seen(known(vec![line(None, ED, "b")]));
        case.handshake =
            made::seen(Handshake { host_key: Some(key(ED, "a")), ..Handshake::default() });
        assert!(RULES.iter().all(|rule| (rule.finds)(&case).is_none()));
        case.known_hosts = made::seen(known(vec![line(Some(Marker::Revoked), ED, "a")]));
        assert!(RULES.iter().any(|rule| (rule.finds)(&case).is_some()));
    }

    #[test]
    fn without_a_key_nothing_is_said() {
        let case = made::case(made::effective(22));
        assert!(RULES.iter().all(|rule| (rule.finds)(&case).is_none()));
        assert!(is_trusted(&case));
    }
}
