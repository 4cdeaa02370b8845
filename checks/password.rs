//! A password in memory: it is shown nowhere, written nowhere, and wiped when it is dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A password. It cannot be cloned, printed or serialised.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the text over; it is wiped when this is dropped.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The text, for the one message in which it is sent.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_printed() {
        let password = Password::new(Zeroizing::new("correct horse".to_owned()));
        assert_eq!(format!("{password:?}"), "Password(..)");
    }
}
