//! Reading messages: the common form ourselves, all others through Sequoia (FORMAT.md 7.3).

use std::fmt;
use std::io::{Cursor, Read};
use std::sync::Arc;

use super::mdc::MdcChunks;
use super::ocb::OcbChunks;
use super::packet::Body;
use super::password::{Container, PasswordMessage};
use super::plain::Plain;
use super::s2k::{Key, KeyCache, S2k};
use super::sealer::Sealer;
use super::{Ciphertext, Error, message, sequoia};
use crate::secret::Passphrase;

/// Enough to see what kind of message it is.
const START: u64 = 1024;
const ARMOR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// Opens messages with one passphrase. Clones share the derived keys, so that a chain costs one derivation.
#[derive(Clone)]
pub struct Opener(Arc<Inner>);

struct Inner {
    passphrase: Option<Passphrase>,
    keys: KeyCache,
}

impl Opener {
    /// Without a passphrase only unencrypted data is recognised as such; all else needs one.
    pub fn new(passphrase: Option<Passphrase>) -> Self {
        Self(Arc::new(Inner { passphrase, keys: KeyCache::default() }))
    }

    /// The literal body of the message. Damage shows as an error at the latest at the end of the stream
    /// (`Error::from` turns it into one of ours), so that nothing is to be believed before the end was reached.
    pub fn open<'a, R>(
        &self,
        mut source: R,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + Sync + 'a,
    {
        let start = read_start(&mut source)?;
        if !looks_encrypted(&start)? {
            return Err(Error::NotEncrypted);
        }
        match PasswordMessage::recognise(&start) {
            Some(message) => {
                let mut start = Cursor::new(start);
                start.set_position(message.offset as u64);
                self.open_password_message(message, start.chain(source), ciphertext)
            }
            None => sequoia::open(self, Cursor::new(start).chain(source)),
        }
    }

    /// Continues a chain: writes with the key that reading it has already derived, or will use.
    pub fn sealer(&self, salt: [u8; 8]) -> Result<Sealer, Error> {
        Ok(Sealer::with_key(self.key(Sealer::s2k(salt), Sealer::KEY_LENGTH)?, salt))
    }

    pub(super) fn passphrase(&self) -> Result<&Passphrase, Error> {
        self.0.passphrase.as_ref().ok_or(Error::PassphraseNeeded)
    }

    pub(super) fn key(&self, s2k: S2k, length: usize) -> Result<Arc<Key>, Error> {
        Ok(self.0.keys.get(self.passphrase()?, s2k, length))
    }

    /// With a key that is not proven right, garbage at the beginning means a wrong passphrase.
    fn open_password_message<'a, R>(
        &self,
        message: PasswordMessage,
        source: R,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + 'a,
    {
        let key = self.key(message.s2k, message.key_length)?;
        let wrong = || if key.is_proven() { Error::damaged("its beginning") } else { Error::PassphraseWrong };

        let session_key = match message.wrapped_key {
            None => None,
            Some(wrapped) => Some(wrapped.unwrap(key.bytes())?.ok_or_else(wrong)?),
        };
        let session_key = match &session_key {
            None => key.bytes(),
            Some(unwrapped) => {
                key.prove();
                unwrapped
            }
        };
        let mut body = Body::next(source)?.ok_or_else(wrong)?;
        body.read_exact(&mut [0])?;
        let opened = match message.container {
            Container::Mdc => {
                let chunks = MdcChunks::new(body, session_key, ciphertext)?.ok_or_else(wrong)?;
                if chunks.is_authenticated() {
                    key.prove();
                }
                message::open(Plain::new(chunks), &key)
            }
            Container::Ocb => message::open(Plain::new(OcbChunks::new(body, session_key)?), &key),
        };
        opened.map_err(|error| if matches!(error, Error::Damaged(_)) { wrong() } else { error })
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(***)")
    }
}

/// The salt to continue a chain with: that of a message written exactly as [`Sealer`] writes, else `None`.
pub fn salt_of(source: impl Read) -> Result<Option<[u8; 8]>, Error> {
    let start = read_start(source)?;
    let Some(message) = PasswordMessage::recognise(&start) else { return Ok(None) };
    let ours = message.container == Container::Mdc
        && message.wrapped_key.is_none()
        && message.key_length == Sealer::KEY_LENGTH;
    Ok(message.s2k.salt.filter(|&salt| ours && message.s2k == Sealer::s2k(salt)))
}

fn read_start(source: impl Read) -> Result<Vec<u8>, Error> {
    let mut start = Vec::new();
    source.take(START).read_to_end(&mut start)?;
    Ok(start)
}

/// Binary OpenPGP data begins with a set bit; of such packets those that begin an encrypted message count.
fn looks_encrypted(start: &[u8]) -> Result<bool, Error> {
    let &[first, ..] = start else { return Err(Error::damaged("it is empty")) };
    let tag = if first & 0x40 != 0 { first & 0x3F } else { (first >> 2) & 0x0F };
    let binary = first & 0x80 != 0 && matches!(tag, 1 | 3 | 9 | 10 | 18 | 20);
    Ok(binary || start.windows(ARMOR.len()).any(|window| window == ARMOR))
}
