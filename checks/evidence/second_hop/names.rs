//! By which of its names the source is asked for the destination.
//!
//! A short name is a guess, and at the source it may be another host's: one's own hosts file and
//! search domains are at work there. So it is only used unseen where it leads to the same address as
//! the name that was typed.

use std::time::Duration;

use super::{
    super::{
        configuration::{Effective, StrictHostKeyChecking},
        session::{self, TunnelStream},
    },
    Look, Tried, Tunnel,
    there::Files,
};
use crate::from_source::is_unknown_name;

/// How long the other name may take where the first one leads somewhere.
const COMPARISON: Duration = Duration::from_secs(3);

/// One name, as far as it was looked at.
pub(super) struct Looked {
    pub tried: Tried,
    pub effective: Option<Effective>,
    pub stream: Option<TunnelStream>,
    /// What the source knows of its key, once somebody asked.
    pub files: Option<Files>,
}

impl Looked {
    /// Whether `ssh` there asks nobody about its key, as far as the names in its files tell.
    fn is_trusted(&self) -> bool {
        use StrictHostKeyChecking::{AcceptNew, No};
        let strict = self.effective.as_ref().map(|effective| effective.strict_host_key_checking);
        let files = self.files.iter().flat_map(|there| &there.known.files);
        matches!(strict, Some(AcceptNew | No))
            || files.into_iter().any(|file| !file.lines.is_empty())
    }

    fn resolves(&self) -> bool {
        !self.tried.addresses.is_empty()
    }

    fn port(&self) -> Option<u16> {
        self.effective.as_ref().map(|effective| effective.port)
    }
}

impl Look<'_> {
    /// The names that were looked at, in that order, and which of them is used. `documented`: whether
    /// the provider says that its hosts know each other by their short names.
    pub(super) async fn names(
        &self,
        short: Option<String>,
        documented: bool,
    ) -> (Vec<Looked>, usize) {
        let mut names = self.part.names(short, documented).into_iter();
        let Some(name) = names.next() else { return (Vec::new(), 0) };
        let mut first = self.look_up(name).await;
        let other = names.next();
        // What was typed, and leads to a host whose key is known, is not compared with a guess.
        let is_certain = !documented && first.resolves() && self.trusts(&mut first).await;
        if is_certain || other.is_none() {
            self.connect(&mut first, self.answer).await;
        }
        let Some(name) = other.filter(|_| !is_certain || !first.tried.leads()) else {
            self.trusts(&mut first).await;
            return (vec![first], 0);
        };
        let mut other = self.look_up(name).await;
        let is_other = self.is_better(&mut first, &mut other, documented).await;
        self.trusts(if is_other { &mut other } else { &mut first }).await;
        (vec![first, other], usize::from(is_other))
    }

    async fn is_better(&self, first: &mut Looked, other: &mut Looked, documented: bool) -> bool {
        if first.tried.is_same_place(&other.tried) && first.port() == other.port() {
            if first.tried.tunnel != Tunnel::NotNeeded {
                // It was tried, and led nowhere.
                return false;
            }
            // One host: by the name of which the source knows the key.
            let is_other = !self.trusts(first).await && self.trusts(other).await;
            self.connect(if is_other { other } else { first }, self.answer).await;
            return is_other;
        }
        if first.tried.tunnel == Tunnel::NotNeeded {
            self.connect(first, self.answer).await;
        }
        if !first.tried.leads() {
            self.connect(other, self.answer).await;
            return other.tried.leads() || other.resolves() && !first.resolves();
        }
        // The one that was typed, but where the source knows the key of the documented one alone.
        documented
            && !is_unknown_name(&other.tried)
            && self.leads(other).await
            && (first.tried.is_itself() || self.trusts(other).await || !self.trusts(first).await)
    }

    /// Whether the source gets there by this name as well.
    async fn leads(&self, looked: &mut Looked) -> bool {
        self.connect(looked, self.answer.min(COMPARISON)).await;
        looked.tried.leads()
    }

    /// Whether the source knows the key of this name.
    async fn trusts(&self, looked: &mut Looked) -> bool {
        if let (None, Some(effective)) = (&looked.files, &looked.effective) {
            looked.files = Some(self.files(effective).await);
        }
        looked.is_trusted()
    }

    /// What `ssh` there makes of a name, and what it resolves to there.
    async fn look_up(&self, name: String) -> Looked {
        let (client, effective) = self.client(&name).await;
        let host = effective.as_ref().map_or(name.as_str(), |e| e.host.as_str());
        let (lookup, addresses) = self.lookup(host).await;
        let tried =
            Tried { name, client, lookup, addresses, tunnel: Tunnel::NotNeeded, took_ms: 0 };
        Looked { tried, effective, stream: None, files: None }
    }

    /// Whether the source can connect to it.
    async fn connect(&self, looked: &mut Looked, patience: Duration) {
        let tried = &mut looked.tried;
        let (host, port) = match &looked.effective {
            Some(e) if e.is_proxied() => {
                tried.tunnel = Tunnel::NotDirect;
                return;
            }
            Some(e) => (e.host.clone(), e.port),
            None => (tried.name.clone(), self.part.destination.port.unwrap_or(22)),
        };
        let limits = &self.evidence.limits;
        (tried.tunnel, tried.took_ms, looked.stream) =
            session::tunnel(self.session, &host, port, patience, limits).await;
    }
}
