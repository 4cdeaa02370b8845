//! The conversation against an SSH server in this process.

#![allow(clippy::panic)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};

use russh::{
    keys::{PrivateKey, PublicKey, ssh_key::private::Ed25519Keypair},
    server::{self, Auth, PublicKeyOffer, VerifiedPublicKey},
};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    evidence::{handshake::Step, queries::Answer},
    offers::{Offer, Provable},
};

fn pair(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn limits() -> Limits {
    let began = Instant::now();
    Limits {
        began,
        until: began + Duration::from_secs(20),
        cut: CancellationToken::new(),
        recorded: false,
    }
}

/// Takes one key, or any, and counts what it was asked to believe.
#[derive(Clone)]
struct Server {
    takes: Option<PublicKey>,
    offered: Arc<AtomicUsize>,
    signed: Arc<AtomicUsize>,
}

impl server::Handler for Server {
    type Error = russh::Error;
    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        self.offered.fetch_add(1, SeqCst);
        let takes = self.takes.as_ref().is_none_or(|k| k.key_data() == offer.public_key.key_data());
        Ok(if takes { Auth::Accept } else { Auth::reject() })
    }
    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.signed.fetch_add(1, SeqCst);
        Ok(Auth::Accept)
    }
}

fn serve(takes: Option<PublicKey>) -> (tokio::io::DuplexStream, Server) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let server = Server { takes, offered: Arc::default(), signed: Arc::default() };
    let config = Arc::new(server::Config {
        keys: vec![pair(1)],
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..server::Config::default()
    });
    let handler = server.clone();
    tokio::spawn(async move {
        if let Ok(running) = server::run_stream(config, theirs, handler).await {
            let _ = running.await;
        }
    });
    (ours, server)
}

fn offer(seed: u8) -> Offer {
    let key = PublicKeyFacts::of(pair(seed).public_key());
    Offer { key, path: None, in_agent: true, provable: Provable::Yes }
}

async fn examine(
    takes: Option<u8>,
    truthful: bool,
    seeds: impl IntoIterator<Item = u8>,
) -> (crate::evidence::queries::Queries, Server) {
    let (stream, server) = serve(takes.map(|seed| pair(seed).public_key().clone()));
    let effective = Effective::default();
    let (facts, session) =
        shake_hands(stream, None, &effective, &[], Duration::from_secs(5), &limits()).await;
    assert_eq!(facts.end, HandshakeEnd::Complete);
    assert_eq!(facts.reached, Step::Keys);
    let host_key = PublicKeyFacts::of(pair(1).public_key());
    assert!(facts.host_key.unwrap().same_key(&host_key));
    assert!(!facts.offered.unwrap().kex.is_empty());
    let mut session = session.unwrap();
    let asked = Asked {
        user: "akeneo".into(),
        interactive: false,
        truthful,
        answer: Duration::from_secs(5),
    };
    let offers = seeds.into_iter().map(offer).collect();
    let queries = ask(&mut session, asked, offers, &limits()).await;
    session.close().await;
    (queries, server)
}

fn answers(queries: &crate::evidence::queries::Queries) -> Vec<Answer> {
    queries.offers.iter().map(|q| q.answer).collect()
}

#[tokio::test]
async fn asks_in_order_stops_at_the_accepted_key_and_signs_nothing() {
    let (queries, server) = examine(Some(7), true, [5, 6, 7, 8]).await;
    use Answer::{Accepted, NotNeeded, Refused};
    assert_eq!(answers(&queries), [Refused, Refused, Accepted, NotNeeded]);
    assert_eq!(queries.control, None);
    assert_eq!(server.offered.load(SeqCst), 3);
    assert_eq!(server.signed.load(SeqCst), 0);
}

#[tokio::test]
async fn a_server_that_takes_anything_is_found_out_by_one_made_up_key() {
    let (queries, server) = examine(None, false, [5]).await;
    assert_eq!(answers(&queries), [Answer::Accepted]);
    assert_eq!(queries.control, Some(Answer::Accepted));
    assert_eq!(server.signed.load(SeqCst), 0);
}

#[tokio::test]
async fn an_honest_server_of_unknown_make_refuses_the_made_up_key() {
    let (queries, _) = examine(Some(7), false, [7]).await;
    assert_eq!(queries.control, Some(Answer::Refused));
}

#[tokio::test]
async fn never_more_refused_keys_than_openssh_allows_by_default() {
    let (queries, server) = examine(Some(99), true, 2..12).await;
    assert!(server.offered.load(SeqCst) <= queries::MAX_REFUSED);
    assert_eq!(queries.accepted(), None);
    assert!(answers(&queries)[6..].iter().all(|a| *a != Answer::Refused));
}

async fn against(said: &'static [u8]) -> Handshake {
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move {
        let _ = theirs.write_all(said).await;
    });
    let effective = Effective::default();
    shake_hands(ours, None, &effective, &[], Duration::from_millis(300), &limits()).await.0
}

#[tokio::test]
async fn what_was_said_outlives_the_conversation() {
    let facts = against(b"Not allowed at this time\r\n").await;
    assert_eq!((facts.end, facts.lines_before_count), (HandshakeEnd::Closed, 1));
    let facts = against(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    assert_eq!((facts.end, facts.reached), (HandshakeEnd::Closed, Step::Identification));
    let facts = against(b"").await;
    assert_eq!((facts.end, facts.received), (HandshakeEnd::Closed, 0));
}

#[tokio::test]
async fn silence_ends_at_the_limit() {
    let (ours, _theirs) = tokio::io::duplex(1 << 20);
    let effective = Effective::default();
    let (facts, _) =
        shake_hands(ours, None, &effective, &[], Duration::from_millis(50), &limits()).await;
    assert_eq!(facts.end, HandshakeEnd::TimedOut { after_ms: 50 });
}
