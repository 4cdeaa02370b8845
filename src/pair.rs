//! Two targets of which the second is reached from the first, over the forwarded agent.

use checks::{
    case::Plan,
    pair::{End, Part, Role},
    profile::Profile,
};

/// What is wanted at the second.
pub enum Goal {
    /// A copy, perhaps of this file.
    Copy(Option<String>),
    /// A service of a provider, by its profile.
    Service(Box<Profile>),
}

/// Makes two plans those of a pair: the first is logged in at with the agent, and the second is seen
/// from there too.
pub fn join(source: &mut Plan, destination: &mut Plan, goal: Goal) {
    let (file, service) = match goal {
        Goal::Copy(file) => (file, None),
        Goal::Service(profile) => (None, Some(profile)),
    };
    // The agent is what opens the second from the first.
    source.wants_forwarding = true;
    source.ssh_options.retain(|typed| typed != "-a");
    if !source.ssh_options.iter().any(|typed| typed == "-A") {
        source.ssh_options.push("-A".to_owned());
    }
    source.login = true;
    source.through = true;
    destination.wants_forwarding = false;
    destination.ssh_options.retain(|typed| typed != "-A");
    let part = Part {
        role: Role::Source,
        source: end(source),
        destination: end(destination),
        service,
        file,
        options: source.ssh_options.clone(),
        size: None,
        software: None,
    };
    destination.pair = Some(Box::new(Part { role: Role::Destination, ..part.clone() }));
    source.pair = Some(Box::new(part));
}

/// A target as an end of a pair.
pub fn end(plan: &Plan) -> End {
    End {
        input: plan.input.clone(),
        host: plan.host.clone(),
        user: plan.user.clone(),
        port: plan.port,
    }
}
