//! What `ssh` prints about key files that it cannot use, before it tells that nobody is let in.

use super::Client;
use crate::{
    case::{Case, Plan},
    evidence::{
        identities::{Content, IdentityFile, NOT_REGULAR},
        queries::Queries,
    },
    key_files, text,
    text::{Text, foreign, number, path},
};

/// A line or more for each file that `ssh` has to read and cannot use, in its order.
pub(super) fn load_errors(case: &Case, client: &Client) -> Vec<Text> {
    let Some(identities) = case.identities() else { return Vec::new() };
    if case.effective().is_none_or(|e| !e.pubkey_authentication) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for file in &identities.files {
        if let Some(why) = not_reached(file).filter(|_| is_typed(&case.plan, file)) {
            lines.push(text![
                "Warning: Identity file ",
                path(&file.path),
                " not accessible: ",
                foreign(why),
                "."
            ]);
        }
    }
    let accepted = case.queries().and_then(Queries::accepted);
    for file in &identities.files {
        // The private half is only read once the server takes the public one.
        let taken = accepted.is_some_and(|query| {
            !query.offer.in_agent && query.offer.path.as_deref() == Some(file.path.as_str())
        });
        let held = case.agent().zip(file.offered());
        let held = held.is_some_and(|(agent, key)| key_files::is_in_agent(agent, key));
        let left_out = not_reached(file).is_some() && is_typed(&case.plan, file);
        if (taken || file.offered().is_none()) && !held && !left_out {
            lines.extend(of_file(case, file, client));
        }
    }
    lines
}

/// Whether `-i` named it: then `ssh` warns of it at once, and leaves it out.
fn is_typed(plan: &Plan, file: &IdentityFile) -> bool {
    let options = &plan.ssh_options;
    let values = options.iter().zip(options.iter().skip(1));
    let mut values = values.filter(|(option, _)| *option == "-i").map(|(_, value)| value);
    values.any(|value| match value.strip_prefix("~/") {
        Some(rest) => file.path.ends_with(&format!("/{rest}")),
        None => file.path == *value,
    })
}

/// Why there is no such file to `ssh`: it is not there, or in a folder that is closed.
fn not_reached(file: &IdentityFile) -> Option<&str> {
    match &file.content {
        Content::Missing => Some("No such file or directory"),
        // Without a mode nobody could even look at it.
        Content::Unreadable(why) if file.mode.is_none() && why != NOT_REGULAR => Some(why),
        _ => None,
    }
}

fn of_file(case: &Case, file: &IdentityFile, client: &Client) -> Vec<Text> {
    let load = |why: &'static str| vec![text!["Load key \"", path(&file.path), "\": ", why]];
    if let Some(why) = not_reached(file).filter(|_| file.named) {
        return vec![text!["no such identity: ", path(&file.path), ": ", foreign(why)]];
    }
    match &file.content {
        Content::Missing => Vec::new(),
        Content::Unreadable(why) if why == NOT_REGULAR => Vec::new(),
        Content::Unreadable(why) if why == "Permission denied" => load("Permission denied"),
        Content::Unreadable(_) => load(""),
        _ if is_open(case, file) => too_open(file),
        Content::Directory => load("Is a directory"),
        Content::Private { .. } => match (&file.pub_file, file.inside()) {
            (Some(outside), Some(inside)) if !outside.same_key(inside) => vec![text![
                "identity_sign: private key ",
                path(&file.path),
                " contents do not match public"
            ]],
            _ => Vec::new(),
        },
        Content::Public(_) | Content::Ppk { .. } | Content::Stranger(_) | Content::Damaged(_) => {
            load(unreadable_format(client))
        }
    }
}

/// Whether others could read it: that is looked at before what is in it.
fn is_open(case: &Case, file: &IdentityFile) -> bool {
    let own = case.machine().and_then(|m| m.uid).is_some_and(|uid| Some(uid) == file.owner);
    file.too_open || (own && file.mode.is_some_and(|mode| mode & 0o077 != 0))
}

fn too_open(file: &IdentityFile) -> Vec<Text> {
    let mode = file.mode.unwrap_or_default() & 0o777;
    vec![
        "WARNING: UNPROTECTED PRIVATE KEY FILE!".into(),
        text![
            "Permissions ",
            number(format!("{mode:04o}")),
            " for '",
            path(&file.path),
            "' are too open."
        ],
        text!["Load key \"", path(&file.path), "\": bad permissions"],
    ]
}

/// What is no private key in a known format. With OpenSSL 3 clients up to 10.0 show its error in
/// place of their own, those from 10.5 on do not; of those between nothing is known to us.
fn unreadable_format(client: &Client) -> &'static str {
    match client.version {
        Some(version) if version <= (10, 0) && client.openssl_3 => "error in libcrypto",
        Some(version) if version >= (10, 5) || !client.openssl_3 => "invalid format",
        _ => "",
    }
}
