//! Passphrases: zeroed when dropped, masked in Debug, never turned into a `String`.

mod strength;

use std::fmt;

use zeroize::Zeroizing;

pub use strength::{Strength, strength};

/// What a person types to open a backup. Raw bytes as typed (usually UTF-8), without a trailing newline.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves. Callers hand them to key derivation and to nothing else.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of what is no text nobody guesses words.
    pub fn strength(&self) -> Strength {
        std::str::from_utf8(&self.0).map_or(Strength::Fair, strength)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// Those of one plan.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Passphrases {
    /// What is written is protected by it.
    pub today: Option<Passphrase>,
    /// Of earlier backups.
    pub older: Vec<Passphrase>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_the_passphrase() {
        let shown = format!("{:?}", Passphrase::new("correct horse"));
        assert_eq!(shown, "Passphrase(***)");
    }
}
