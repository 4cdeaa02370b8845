//! Asks which keys the server would take, without proof (RFC 4252, section 7).
//!
//! The library asks for a signature only after the server said SSH_MSG_USERAUTH_PK_OK. Our signer
//! notes that and refuses: so the question is answered, nothing is signed, and the conversation
//! can go on with the next key.

use std::time::Duration;

use russh::{
    SendError, Signer,
    client::AuthResult,
    keys::{HashAlg, PrivateKey, PublicKey, agent::AgentIdentity, ssh_key::Certificate},
};

use super::{
    Session,
    answer::{names, wait},
};
use crate::{
    evidence::{
        Limits,
        queries::{Answer, Broken, Queries, Query, RsaSignatures},
    },
    offers::{self, Offer, Provable},
};

/// Refused keys after which we stop: OpenSSH's default MaxAuthTries. `ssh` would be cut off here.
pub const MAX_REFUSED: usize = 6;

/// About whom, and how, the server is asked.
pub struct Asked {
    /// The user to log in as.
    pub user: String,
    /// Somebody could type a passphrase.
    pub interactive: bool,
    /// The server is known to answer such queries truthfully, so that no control query is needed.
    pub truthful: bool,
    /// How long one answer may take.
    pub answer: Duration,
}

/// Asks about each key in order until one is accepted that `ssh` could prove, then stops as `ssh`
/// would.
pub async fn ask(
    session: &mut Session,
    asked: Asked,
    offers: Vec<Offer>,
    limits: &Limits,
) -> Queries {
    let queries = Queries { user: asked.user.clone(), ..Queries::default() };
    let mut asking = Asking { session, asked, limits, queries, rsa: None };
    let mut done = false;
    for offer in offers {
        let (algorithm, answer) = if done {
            (offer.key.algorithm.clone(), Answer::NotNeeded)
        } else if let Some(known) = asking.known(&offer) {
            // ssh would ask about it again; the answer is known, and counts again.
            known
        } else if asking.queries.methods.as_ref().is_some_and(Vec::is_empty) {
            // The server lists no method at all, so ssh gives up.
            (offer.key.algorithm.clone(), Answer::NotOffered)
        } else if asking.is_broken() {
            (offer.key.algorithm.clone(), Answer::NoAnswer)
        } else if asking.queries.refused() >= MAX_REFUSED {
            (offer.key.algorithm.clone(), Answer::LimitReached)
        } else {
            asking.about(&offer).await
        };
        done |= answer == Answer::Accepted
            && match offer.provable {
                Provable::Yes => true,
                Provable::NeedsPassphrase => asking.asked.interactive,
                Provable::No | Provable::Unknown => false,
            };
        asking.queries.offers.push(Query { offer, algorithm, answer });
    }
    if asking.queries.accepted().is_some() && !asking.asked.truthful && !asking.is_broken() {
        asking.queries.control = asking.control().await;
    }
    let trail = asking.session.trail.lock();
    let mut queries = asking.queries;
    queries.banner = trail.heard_banner().cloned();
    queries.disconnect = trail.disconnect().cloned();
    drop(trail);
    // That goodbye is the answer to the key that was asked about last: refused, as those before.
    if queries.is_cut_off()
        && let Some(last) = queries.offers.iter_mut().find(|q| q.answer == Answer::NoAnswer)
    {
        last.answer = Answer::Refused;
    }
    queries
}

struct Asking<'s> {
    session: &'s mut Session,
    asked: Asked,
    limits: &'s Limits,
    queries: Queries,
    rsa: Option<(RsaSignatures, Option<HashAlg>)>,
}

impl Asking<'_> {
    fn is_broken(&self) -> bool {
        self.queries.broken.is_some()
    }

    /// The answer to the same key in another file.
    fn known(&self, offer: &Offer) -> Option<(String, Answer)> {
        let same = |q: &&Query| offers::is_same(&q.offer.key, &offer.key);
        let known = self.queries.offers.iter().find(same)?;
        let told = matches!(known.answer, Answer::Accepted | Answer::Refused);
        told.then(|| (known.algorithm.clone(), known.answer))
    }

    /// Asks about one key: signature algorithm and answer.
    async fn about(&mut self, offer: &Offer) -> (String, Answer) {
        let name = offer.key.algorithm.clone();
        let hash = if name == "ssh-rsa" {
            // Never judged by ssh-rsa with SHA-1, which clients and servers of today refuse.
            match self.rsa_signatures().await {
                (RsaSignatures::Sha2, hash) => hash,
                _ => return (name, Answer::NotOffered),
            }
        } else {
            None
        };
        let algorithm = match hash {
            Some(HashAlg::Sha256) => "rsa-sha2-256".to_owned(),
            Some(_) => "rsa-sha2-512".to_owned(),
            None => name,
        };
        let answer = match &offer.key.certificate {
            Some(certificate) => match Certificate::from_openssh(&certificate.line) {
                Ok(certificate) => self.query_certificate(certificate, hash).await,
                Err(_) => Answer::NotOffered,
            },
            None => match PublicKey::from_openssh(&offer.key.line) {
                Ok(key) => self.query(key, hash).await,
                Err(_) => Answer::NotOffered,
            },
        };
        (algorithm, answer)
    }

    /// Which RSA signatures the server takes. The list comes unasked with the new keys, so this
    /// costs no round trip; the library waits a second for servers that send none.
    async fn rsa_signatures(&mut self) -> (RsaSignatures, Option<HashAlg>) {
        if let Some(known) = self.rsa {
            return known;
        }
        let told = match self.session.handle.best_supported_rsa_hash().await {
            Ok(Some(Some(hash))) => (RsaSignatures::Sha2, Some(hash)),
            Ok(Some(None)) => (RsaSignatures::Sha1Only, None),
            Ok(None) | Err(_) => (RsaSignatures::NotTold, None),
        };
        self.queries.rsa_signatures = Some(told.0);
        self.rsa = Some(told);
        told
    }

    async fn query(&mut self, key: PublicKey, hash: Option<HashAlg>) -> Answer {
        let mut unsigned = Unsigned;
        let asked = self.session.handle.authenticate_publickey_with(
            &self.asked.user,
            key,
            hash,
            &mut unsigned,
        );
        let told = wait(asked, self.asked.answer, self.limits).await;
        self.answer(told).await
    }

    async fn query_certificate(&mut self, key: Certificate, hash: Option<HashAlg>) -> Answer {
        let mut unsigned = Unsigned;
        let asked = self.session.handle.authenticate_certificate_with(
            &self.asked.user,
            key,
            hash,
            &mut unsigned,
        );
        let told = wait(asked, self.asked.answer, self.limits).await;
        self.answer(told).await
    }

    /// One query with a key that nobody has: a server that takes it takes anything.
    async fn control(&mut self) -> Option<Answer> {
        let seed: [u8; 32] = rand::random();
        let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&seed);
        let key = PrivateKey::from(pair).public_key().clone();
        Some(self.query(key, None).await)
    }

    async fn answer(&mut self, told: Result<Result<AuthResult, Refusal>, Broken>) -> Answer {
        match told {
            Ok(Err(Refusal::Asked)) => return Answer::Accepted,
            Ok(Ok(AuthResult::Success)) => {
                self.queries.open_door = true;
                return Answer::Accepted;
            }
            Ok(Ok(AuthResult::Failure { remaining_methods, .. })) => {
                // The library reports a lost conversation as a refusal without methods too.
                if !remaining_methods.is_empty() || self.session.has_no_methods().await {
                    self.queries.methods = Some(names(&remaining_methods));
                    return Answer::Refused;
                }
                self.queries.broken = Some(Broken::ServerEnded);
            }
            Ok(Err(Refusal::Lost)) => self.queries.broken = Some(Broken::ServerEnded),
            Err(why) => self.queries.broken = Some(why),
        }
        Answer::NoAnswer
    }
}

/// A signer that never signs.
struct Unsigned;

enum Refusal {
    /// The server would take a signature by this key.
    Asked,
    /// The conversation is over.
    Lost,
}

impl From<SendError> for Refusal {
    fn from(_: SendError) -> Self {
        Self::Lost
    }
}

impl Signer for Unsigned {
    type Error = Refusal;

    async fn auth_sign(
        &mut self,
        _key: &AgentIdentity,
        _hash_alg: Option<HashAlg>,
        _to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::Asked)
    }
}
