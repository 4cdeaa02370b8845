//! Examines whether an SSH connection will work.
//!
//! The tour starts here: [`examine`] runs every check of [`CHECKS`] at once over one [`Evidence`],
//! hands out each finding as soon as it is judged, and ends with a [`Report`] and its one diagnosis.
//!
//! Nothing in this crate prints, colours or exits.

// The checks, in the order of the report.
pub mod config;
pub mod dns;
pub mod tcp;
pub mod egress;
pub mod transport;
pub mod host_key;
pub mod fingerprint;
pub mod agent;
pub mod portal;
pub mod short_name;
pub mod login;
pub mod forwarding;
pub mod sftp;
pub mod copy;
pub mod service;

// What they are made of.
pub mod access;
pub mod address_kind;
pub mod allow_list;
pub mod arrival;
pub mod case;
pub mod check;
pub mod copying;
pub mod diagnosis;
pub mod evidence;
pub mod explain;
pub mod finding;
pub mod from_source;
pub mod greeting;
pub mod hops;
pub mod host_trust;
pub mod jump;
pub mod namesake;
pub mod near_names;
pub mod negotiation;
pub mod key_files;
pub mod offers;
pub mod onward;
pub mod pair;
pub mod passage;
pub mod password;
pub mod profile;
pub mod proxied;
pub mod registration;
pub mod relay;
pub mod report;
pub mod retyped;
pub mod sftp_rights;
pub mod ssh_add;
pub mod target;
pub mod text;
pub mod together;
pub mod waiting;

use futures_util::{StreamExt, stream::FuturesUnordered};

use case::Plan;
use check::Row;
use evidence::Evidence;
use finding::Finding;
use pair::Role;
use report::{Checked, Report};

/// Which checks there are, in the order of the report: the way that a connection goes.
pub const CHECKS: &[Row] = &[
    Row::of::<config::Config>(),
    Row::of::<dns::Dns>(),
    Row::of::<tcp::Tcp>(),
    Row::of::<egress::Egress>(),
    Row::of::<transport::Transport>(),
    Row::of::<host_key::HostKey>(),
    Row::of::<fingerprint::Fingerprint>(),
    Row::of::<agent::Agent>(),
    Row::of::<portal::Portal>(),
    Row::of::<short_name::ShortName>(),
    Row::of::<login::Login>(),
    Row::of::<forwarding::Forwarding>(),
    Row::of::<sftp::Sftp>(),
    Row::of::<copy::Copy>(),
    Row::of::<service::Service>(),
];

/// The checks of a target: of one that is seen from another host, those that can be made from there.
#[must_use]
pub fn checks_for(plan: &Plan) -> &'static [Row] {
    match plan.pair.as_ref().map(|part| part.role) {
        Some(Role::Hop) => from_source::CHECKS,
        _ => CHECKS,
    }
}

/// Runs the chosen checks at once, of those that belong to what was asked for; `found` sees each
/// finding as soon as it is judged.
pub async fn examine(
    evidence: &Evidence,
    chosen: impl Fn(&Row) -> bool,
    mut found: impl FnMut(&Row, &Finding),
) -> Report {
    let mut running: FuturesUnordered<_> = checks_for(evidence.plan())
        .iter()
        .enumerate()
        .filter(|(_, row)| (row.applies)(evidence.plan()) && chosen(row))
        .map(|(place, row)| async move {
            let started_ms = evidence.limits().elapsed_ms();
            let finding = (row.run)(evidence).await;
            let duration_ms = evidence.limits().elapsed_ms().saturating_sub(started_ms);
            (place, row, Checked { about: row.about, finding, started_ms, duration_ms })
        })
        .collect();
    let mut checks = Vec::new();
    while let Some((place, row, checked)) = running.next().await {
        found(row, &checked.finding);
        checks.push((place, checked));
    }
    drop(running);
    evidence.close().await;
    checks.sort_by_key(|(place, _)| *place);
    let case = evidence.case();
    let titled = |(place, mut checked): (usize, Checked)| {
        if let Some(row) = checks_for(&case.plan).get(place) {
            checked.about.title = (row.title)(case.profile());
        }
        checked
    };
    let checks = checks.into_iter().map(titled).collect();
    Report::of(case, checks, evidence.limits().elapsed_ms())
}
