//! Causes in the ssh configuration of the source: it keeps the keys of the forwarded agent from the
//! destination.

use super::by_way_of_here;
use crate::{
    case::Case,
    command, copying,
    diagnosis::{Diagnosis, Id, Rule},
    evidence::{
        configuration::{Effective, IdentityAgent},
        second_hop::FromSource,
    },
    finding::Hint,
    from_source,
    pair::at_the_source,
    text,
    text::{Text, foreign, host},
};

/// Login by key, turned off there. `ssh` there was run with this setting overruled, so that it got in
/// proves nothing about it.
pub(in crate::diagnosis) const KEYS_OFF: &[Rule] =
    &[Rule { id: Id::PubkeyDisabled, finds: keys_off }];

/// The agent, left out there.
pub(in crate::diagnosis) const AGENT: &[Rule] = &[
    Rule { id: Id::NotExamined, finds: |case| agent_left_out(case, Id::NotExamined) },
    Rule { id: Id::ForwardingRefused, finds: |case| agent_left_out(case, Id::ForwardingRefused) },
];

fn keys_off(case: &Case) -> Option<Diagnosis> {
    let effective = case.effective()?;
    let preferred = effective.preferred_authentications.as_deref();
    let (setting, overrule) = if !effective.pubkey_authentication {
        (text!["PubkeyAuthentication no"], "PubkeyAuthentication=yes")
    } else {
        let methods = preferred.filter(|methods| methods.iter().all(|m| m != "publickey"))?;
        let setting = text!["PreferredAuthentications ", foreign(methods.join(","))];
        (setting, "PreferredAuthentications=publickey")
    };
    let found = Diagnosis::new(Id::PubkeyDisabled)
        .because(is_set(case, setting))
        .because("So ssh there shows no key to the destination, whatever your agent holds.");
    overruled(case, found, overrule)
}

/// Why `ssh` there does not use the forwarded agent, and what overrules that.
fn left_out(effective: &Effective) -> Option<(Text, &'static str)> {
    const AGENT: &str = "IdentityAgent=SSH_AUTH_SOCK";
    match &effective.identity_agent {
        IdentityAgent::None => Some((text!["IdentityAgent none"], AGENT)),
        IdentityAgent::Socket(socket) => Some((text!["IdentityAgent ", foreign(socket)], AGENT)),
        IdentityAgent::Environment if effective.identities_only => {
            Some((text!["IdentitiesOnly yes"], "IdentitiesOnly=no"))
        }
        IdentityAgent::Environment => None,
    }
}

fn agent_left_out(case: &Case, id: Id) -> Option<Diagnosis> {
    let effective = case.effective()?;
    let (setting, overrule) = left_out(effective)?;
    let from = case.from_source()?;
    let own = own(from);
    if (id == Id::NotExamined) != own.is_some() {
        return None;
    }
    let mut found = Diagnosis::new(id).because(is_set(case, setting)).because(
        "So ssh there does not offer the keys of your forwarded agent to the destination.",
    );
    if let Some(own) = own {
        let see = case.plan.ssh().command().and(command!["hostname"]);
        found = found.because(own).step(Hint::run(
            "See whether ssh there gets in with what it uses in its place:",
            at_the_source(case, &see),
        ));
    }
    overruled(case, found, overrule)
}

/// What `ssh` there may use in place of the forwarded agent; nobody looked into it.
fn own(from: &FromSource) -> Option<Text> {
    let files = || from_source::own_keys(from);
    match (&from.own_agent, from.own_keys.is_empty()) {
        (None, true) => None,
        (None, false) => Some(
            text!["It has key files of its own, which nobody looked into: "]
                .then(files())
                .with("."),
        ),
        (Some(socket), true) => {
            Some(text!["It asks an agent at ", socket, ", which nobody looked into."])
        }
        (Some(socket), false) => Some(
            text!["It asks an agent at ", socket, ", and has key files; nobody looked into them: "]
                .then(files())
                .with("."),
        ),
    }
}

fn is_set(case: &Case, setting: Text) -> Text {
    text!["The ssh configuration of the source has, for ", host(&case.plan.host), ": "]
        .then(setting)
        .with(".")
}

/// The same with one setting overruled, and the line to change.
fn overruled(case: &Case, found: Diagnosis, overrule: &'static str) -> Option<Diagnosis> {
    let part = case.plan.pair.as_deref()?;
    let again = if part.is_copy() {
        let mut scp = copying::scp(part, case.effective()?, &case.plan.host);
        scp.0.splice(1..1, ["-o".into(), overrule.into()]);
        scp
    } else {
        case.plan.ssh().set(overrule).flag("-T").command()
    };
    let found = found
        .step(Hint::run("Overrule that setting for this once:", at_the_source(case, &again)))
        .step(Hint::advice(text![
            "Or change that line at the source (~/.ssh/config, else /etc/ssh/ssh_config), or put this \
             above it: Host ",
            host(&case.plan.host),
            ", and below: ",
            overrule.replace('=', " "),
            "."
        ]));
    Some(by_way_of_here(found, case))
}
