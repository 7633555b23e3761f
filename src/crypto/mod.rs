//! OpenPGP messages as the repository holds them (FORMAT.md 7): written the one way that every gpg reads,
//! read whichever way they were written, with a passphrase or with the keys of the person's GnuPG.
//!
//! Bytes that come out of [`Opener::open`] are believed when the reader has ended well, or when the caller
//! has already checked the ciphertext against a trusted hash.

mod envelope;
mod keys;
mod mdc;
mod message;
mod ocb;
mod opener;
mod packet;
mod passphrases;
mod password;
mod plain;
mod s2k;
mod sealer;
mod sequoia;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

use std::io;

pub use envelope::{Protection, protection_of};
pub use keys::{Gnupg, KeyError, Keys, Recipient, Setup, UsableKey};
pub use opener::Opener;
pub use sealer::{MessageWriter, Sealer};

/// What is known of a message before it is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ciphertext {
    /// Nothing: the message's own integrity check decides.
    Unproven,
    /// Every octet was compared, by a hash no weaker than that check, with what whoever had the passphrase wrote. The
    /// check (a SHA-1 over all) could find nothing more and is left out; AEAD and foreign forms keep theirs.
    Proven,
}

/// Why a message could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a passphrase is needed")]
    PassphraseNeeded,
    /// Also when the very beginning of the first message of a chain is damaged: the format cannot tell the two apart.
    #[error("the passphrase is wrong")]
    PassphraseWrong,
    #[error("the data is not encrypted")]
    NotEncrypted,
    /// Intact as far as is known, but in a form that cannot be read; says which.
    #[error("unsupported encryption: {0}")]
    Unsupported(String),
    #[error("the encrypted data is damaged: {0}")]
    Damaged(String),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("there is no valid signature of {by}")]
    NotSigned { by: String },
    #[error(transparent)]
    Io(io::Error),
}

impl Error {
    fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

/// Errors of this module come back as themselves; what decoders report about their input is damage.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let kind = error.kind();
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) if matches!(kind, InvalidData | InvalidInput | UnexpectedEof) => {
                Self::Damaged(error.to_string())
            }
            Err(error) => Self::Io(error),
        }
    }
}

/// For readers, which can only fail with an [`io::Error`]. `Error::from` gives the original back.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            own => Self::new(io::ErrorKind::InvalidData, own),
        }
    }
}
