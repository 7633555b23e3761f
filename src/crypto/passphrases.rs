//! The passphrases of one place: that of today, and those of earlier chains. Which of them a message was written with
//! only its first octets tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Error;
use super::password::PasswordMessage;
use super::s2k::{Key, KeyCache, S2k};
use crate::secret::Passphrase;

pub(super) struct KnownPassphrases {
    /// That of today first, if there is one.
    known: Vec<Arc<Known>>,
    /// Which of them was right last: that of the same chain, mostly.
    last: AtomicUsize,
}

/// A passphrase with the keys that were derived from it.
pub(super) struct Known {
    pub(super) passphrase: Passphrase,
    derived: KeyCache,
}

impl Known {
    pub(super) fn key(&self, s2k: S2k, length: usize) -> Arc<Key> {
        self.derived.get(s2k, length, || Key::derive(&s2k, &self.passphrase, length))
    }
}

impl KnownPassphrases {
    pub(super) fn new(today: Option<Passphrase>, older: &[Passphrase]) -> Self {
        let known = |passphrase| Arc::new(Known { passphrase, derived: KeyCache::default() });
        let known = today.into_iter().chain(older.iter().cloned()).map(known).collect();
        Self { known, last: AtomicUsize::new(0) }
    }

    /// The first alone, with what was derived from it. `with_today`: there is one of today.
    pub(super) fn without_older(&self, with_today: bool) -> Self {
        let known = self.known.iter().take(usize::from(with_today)).cloned().collect();
        Self { known, last: AtomicUsize::new(0) }
    }

    pub(super) fn all(&self) -> &[Arc<Known>] {
        &self.known
    }

    /// The key that opens the message that begins so; some key if none does, which then turns out to be wrong.
    pub(super) fn key_of(&self, message: &PasswordMessage, start: &[u8]) -> Result<Arc<Key>, Error> {
        let key = |known: &Known| known.key(message.s2k, message.key_length);
        let [first, _, ..] = self.known.as_slice() else {
            return self.known.first().map(|known| key(known)).ok_or(Error::PassphraseNeeded);
        };
        let last = self.last.load(Ordering::Relaxed);
        let others = (0..self.known.len()).filter(|number| *number != last);
        for number in std::iter::once(last).chain(others) {
            let key = key(&self.known[number]);
            if key.is_proven() || message.seems_to_open(start, &key) {
                self.last.store(number, Ordering::Relaxed);
                return Ok(key);
            }
        }
        Ok(key(first))
    }
}
