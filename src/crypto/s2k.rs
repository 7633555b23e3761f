//! Passphrase to key (RFC 4880, 3.7), and the cache that makes a chain cost one derivation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sequoia_openpgp as openpgp;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::secret::Passphrase;

/// Octets hashed per feeding; any size gives the same key.
const PIECE: usize = 64 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) fn from_id(id: u8) -> Option<Self> {
        match id {
            2 => Some(Self::Sha1),
            8 => Some(Self::Sha256),
            9 => Some(Self::Sha384),
            10 => Some(Self::Sha512),
            11 => Some(Self::Sha224),
            _ => None,
        }
    }
}

/// How a passphrase becomes a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct S2k {
    pub(super) hash: Hash,
    pub(super) salt: Option<[u8; 8]>,
    /// Octets of salt and passphrase to hash, repeated as needed; at least once whole.
    pub(super) octets: u32,
}

impl S2k {
    /// One of those that we derive ourselves.
    pub(super) fn of_sequoia(s2k: &openpgp::crypto::S2K) -> Option<Self> {
        use openpgp::crypto::S2K;
        #[allow(deprecated)] // old keys have them
        let (hash, salt, octets) = match *s2k {
            S2K::Simple { hash } => (hash, None, 0),
            S2K::Salted { hash, salt } => (hash, Some(salt), 0),
            S2K::Iterated { hash, salt, hash_bytes } => (hash, Some(salt), hash_bytes),
            _ => return None,
        };
        Some(Self { hash: Hash::from_id(hash.into())?, salt, octets })
    }

    /// The count as an octet of a packet holds it: four bits of mantissa, four of exponent.
    pub(super) fn octets_of(count: u8) -> u32 {
        (16 + u32::from(count & 15)) << ((count >> 4) + 6)
    }

    fn derive(&self, passphrase: &Passphrase, length: usize) -> Zeroizing<Vec<u8>> {
        match self.hash {
            Hash::Sha1 => self.derive_with::<Sha1>(passphrase, length),
            Hash::Sha224 => self.derive_with::<Sha224>(passphrase, length),
            Hash::Sha256 => self.derive_with::<Sha256>(passphrase, length),
            Hash::Sha384 => self.derive_with::<Sha384>(passphrase, length),
            Hash::Sha512 => self.derive_with::<Sha512>(passphrase, length),
        }
    }

    /// A key longer than one digest is made of several, each preceded by one more zero octet.
    fn derive_with<D: Digest>(&self, passphrase: &Passphrase, length: usize) -> Zeroizing<Vec<u8>> {
        let mut once = Zeroizing::new(self.salt.map(Vec::from).unwrap_or_default());
        once.extend_from_slice(passphrase.expose());
        let total = once.len().max(self.octets as usize);
        let repeats = (PIECE / once.len().max(1)).max(1);
        let piece = Zeroizing::new(once.repeat(repeats));

        let mut key = Zeroizing::new(Vec::with_capacity(length + 64));
        let mut zeros = 0;
        while key.len() < length {
            let mut hasher = D::new();
            hasher.update(vec![0; zeros]);
            let mut left = total;
            while left > 0 {
                let count = left.min(piece.len());
                hasher.update(&piece[..count]);
                left -= count;
            }
            key.extend_from_slice(&hasher.finalize());
            zeros += 1;
        }
        key.truncate(length);
        key
    }
}

/// A derived key. Zeroed when dropped; Debug shows nothing.
pub(super) struct Key {
    bytes: Zeroizing<Vec<u8>>,
    /// A whole message has been authenticated with this key, so that from now on garbage means damage.
    proven: AtomicBool,
}

impl Key {
    pub(super) fn derive(s2k: &S2k, passphrase: &Passphrase, length: usize) -> Self {
        Self { bytes: s2k.derive(passphrase, length), proven: AtomicBool::new(false) }
    }

    /// Of one message, out of a packet that proves it.
    pub(super) fn of_message(bytes: &[u8]) -> Self {
        Self { bytes: Zeroizing::new(bytes.to_vec()), proven: AtomicBool::new(true) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    pub(super) fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }
}

type Slot = Arc<OnceLock<Arc<Key>>>;

/// The keys of one passphrase.
#[derive(Default)]
pub(super) struct KeyCache(Mutex<HashMap<(S2k, usize), Slot>>);

impl KeyCache {
    /// Derives at most once per kind and length; who asks meanwhile waits, who asks for another key does not.
    pub(super) fn get(&self, s2k: S2k, length: usize, derive: impl FnOnce() -> Key) -> Arc<Key> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry((s2k, length)).or_default().clone()
        };
        slot.get_or_init(|| Arc::new(derive())).clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use crossbeam_channel::{Receiver, Sender, bounded};

    use super::*;

    /// Every file of stock's has a salt of its own.
    #[test]
    fn keys_of_two_salts_are_derived_at_the_same_time() {
        let cache = KeyCache::default();
        let derive = &|salt, begun: Sender<()>, other: Receiver<()>| {
            let s2k = S2k { hash: Hash::Sha1, salt: Some([salt; 8]), octets: 1024 };
            cache.get(s2k, 32, || {
                begun.send(()).unwrap();
                other.recv_timeout(Duration::from_secs(60)).unwrap();
                Key::derive(&s2k, &Passphrase::new("x"), 32)
            })
        };
        let ((begun, seen), (other_begun, other_seen)) = (bounded(1), bounded(1));
        std::thread::scope(|scope| {
            scope.spawn(move || derive(1, begun, other_seen));
            derive(2, other_begun, seen);
        });
        assert_eq!(cache.0.lock().unwrap().len(), 2);
    }
}
