//! Whoever sits at the terminal, for the few things that only a person can give.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

/// Somebody who can be asked. The program implements it with its terminal; without one nobody is
/// asked.
pub trait Person: Debug + Send + Sync {
    /// Asks for the passphrase of a key file; none where the person gives none.
    fn passphrase<'p>(&'p self, file: &'p str) -> BoxFuture<'p, Option<Zeroizing<String>>>;
    /// Says that a security key has to be touched now.
    fn touch(&self, key: &str);
}
