//! Secret keys of a file that a passphrase protects.
//!
//! GnuPG 2.4 counts the bits of a secret number on a curve by its octets, although the first of them has fewer: of a key
//! on Curve25519 always, of others every second time. Sequoia reads exact counts alone, and says of all others what it
//! says of a wrong passphrase. Nothing can be mended before it is decrypted, so numbers on curves are decrypted here.

use sequoia_openpgp as openpgp;

use openpgp::crypto::mpi;
use openpgp::packet::Key;
use openpgp::packet::key::{Encrypted, SecretKeyMaterial, SecretParts, UnspecifiedRole};
use openpgp::types::PublicKeyAlgorithm::{ECDH, ECDSA, EdDSA};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::{KeyError, failed};
use crate::crypto::mdc::{BLOCK, decryptor};
use crate::crypto::password::key_length;
use crate::crypto::s2k::{Key as Derived, S2k};
use crate::secret::Passphrase;

pub(super) type SecretKey = Key<SecretParts, UnspecifiedRole>;

const CHECKSUM: usize = 20;

/// The key without its protection; `None` if the passphrase is wrong.
pub(super) fn unlocked(key: &SecretKey, passphrase: &Passphrase) -> Result<Option<SecretKey>, KeyError> {
    let Some(form) = OnCurve::recognise(key) else {
        return Ok(key.clone().decrypt_secret(&passphrase.expose().into()).ok());
    };
    let Some(numbers) = form.decrypt(passphrase) else { return Ok(None) };
    let malformed = || KeyError::Failed { what: "the secret key is malformed".into() };
    let numbers = counted_anew(&numbers).ok_or_else(malformed)?;
    let secret = mpi::SecretKeyMaterial::from_bytes(key.pk_algo(), &numbers).map_err(failed)?;
    Ok(Some(key.clone().add_secret(secret.into()).0))
}

/// The secret numbers of a key on a curve as GnuPG protects them: AES in CFB mode, with a SHA-1 over them.
struct OnCurve<'a> {
    s2k: S2k,
    key_length: usize,
    vector: &'a [u8],
    ciphertext: &'a [u8],
}

impl<'a> OnCurve<'a> {
    fn recognise(key: &'a SecretKey) -> Option<Self> {
        let SecretKeyMaterial::Encrypted(protected) = key.secret() else { return None };
        let is_ours = matches!(key.pk_algo(), ECDH | ECDSA | EdDSA) && has_sha1(protected);
        let (vector, ciphertext) =
            protected.ciphertext().ok().filter(|_| is_ours)?.split_at_checked(BLOCK)?;
        let s2k = S2k::of_sequoia(protected.s2k())?;
        Some(Self { s2k, key_length: key_length(protected.algo().into())?, vector, ciphertext })
    }

    /// `None` if the hash is not theirs.
    fn decrypt(&self, passphrase: &Passphrase) -> Option<Zeroizing<Vec<u8>>> {
        let key = Derived::derive(&self.s2k, passphrase, self.key_length);
        let mut numbers = Zeroizing::new(self.ciphertext.to_vec());
        decryptor(key.bytes(), self.vector).ok()?.decrypt(&mut numbers);
        let length = numbers.len().checked_sub(CHECKSUM)?;
        let is_right = numbers[length..] == Sha1::digest(&numbers[..length])[..];
        numbers.truncate(length);
        is_right.then_some(numbers)
    }
}

fn has_sha1(protected: &Encrypted) -> bool {
    protected.aead_algo().is_none() && protected.checksum() == Some(mpi::SecretKeyChecksum::SHA1)
}

/// The same numbers, each without zeros before it and with the count of its bits.
fn counted_anew(mut numbers: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut exact = Zeroizing::new(Vec::with_capacity(numbers.len()));
    while let Some((bits, rest)) = numbers.split_first_chunk() {
        let octets = usize::from(u16::from_be_bytes(*bits)).div_ceil(8);
        let (number, rest) = rest.split_at_checked(octets)?;
        let zeros = number.iter().take_while(|octet| **octet == 0).count();
        let number = &number[zeros..];
        let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
        exact.extend_from_slice(&((8 * number.len() - unused) as u16).to_be_bytes());
        exact.extend_from_slice(number);
        numbers = rest;
    }
    numbers.is_empty().then_some(exact)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use openpgp::crypto::S2K;
    use openpgp::packet::key::{Key4, SubordinateRole};
    use openpgp::types::{AEADAlgorithm, Curve, HashAlgorithm, SymmetricAlgorithm};

    use super::*;

    const RIGHT: &str = "correct horse";
    const SALT: [u8; 8] = *b"salt and";

    fn s2k() -> S2K {
        S2K::Iterated { hash: HashAlgorithm::SHA1, salt: SALT, hash_bytes: 1024 }
    }

    /// With one number.
    fn key(for_signing: bool, curve: Curve) -> SecretKey {
        let key: Key4<SecretParts, SubordinateRole> = Key4::generate_ecc(for_signing, curve).unwrap();
        Key::from(key).role_as_unspecified().clone()
    }

    fn number(key: &SecretKey) -> Vec<u8> {
        let SecretKeyMaterial::Unencrypted(secret) = key.secret() else { panic!("it is protected") };
        secret.map(|secret| match secret {
            mpi::SecretKeyMaterial::ECDH { scalar }
            | mpi::SecretKeyMaterial::EdDSA { scalar }
            | mpi::SecretKeyMaterial::ECDSA { scalar } => scalar.value().to_vec(),
            _ => panic!("another kind of key"),
        })
    }

    /// As GnuPG 2.4 protects it: `zeros` octets before the number, and every octet counts for eight bits.
    fn protected(key: &SecretKey, zeros: usize) -> SecretKey {
        use aes::cipher::KeyIvInit;

        let number = [vec![0; zeros], number(key)].concat();
        let mut numbers = ((number.len() * 8) as u16).to_be_bytes().to_vec();
        numbers.extend_from_slice(&number);
        numbers.extend_from_slice(&Sha1::digest(&numbers));
        let derived = Derived::derive(&S2k::of_sequoia(&s2k()).unwrap(), &Passphrase::new(RIGHT), 16);
        let vector = [7; BLOCK];
        cfb_mode::Encryptor::<aes::Aes128>::new_from_slices(derived.bytes(), &vector)
            .unwrap()
            .encrypt(&mut numbers);
        let ciphertext = [&vector[..], &numbers].concat().into();
        let (aes, sha1) = (SymmetricAlgorithm::AES128, Some(mpi::SecretKeyChecksum::SHA1));
        key.clone().add_secret(Encrypted::new(s2k(), aes, sha1, ciphertext).into()).0
    }

    #[test]
    fn numbers_of_curves_are_read_however_their_bits_are_counted() {
        let kinds = [
            (true, Curve::Ed25519),
            (false, Curve::Cv25519),
            (true, Curve::NistP256),
            (false, Curve::NistP521),
        ];
        for (for_signing, curve) in kinds {
            for zeros in 0..3 {
                let key = key(for_signing, curve.clone());
                let locked = protected(&key, zeros);
                let open = unlocked(&locked, &Passphrase::new(RIGHT)).unwrap().unwrap();
                assert_eq!(number(&open), number(&key), "{curve}, {zeros}");
                assert!(unlocked(&locked, &Passphrase::new("wrong")).unwrap().is_none(), "{curve}");
            }
        }
    }

    #[test]
    fn other_ways_to_protect_a_key_are_left_to_sequoia() {
        let key = key(false, Curve::Cv25519);
        let ways = [
            (SymmetricAlgorithm::AES256, Some(AEADAlgorithm::OCB)),
            (SymmetricAlgorithm::Camellia128, None),
            (SymmetricAlgorithm::AES256, None),
        ];
        for (cipher, aead) in ways {
            let (public, secret) = key.clone().take_secret();
            let secret = secret.encrypt_with(&public, s2k(), cipher, aead, &RIGHT.into()).unwrap();
            let locked = public.add_secret(secret).0;
            let open = unlocked(&locked, &Passphrase::new(RIGHT)).unwrap().unwrap();
            assert_eq!(number(&open), number(&key), "{cipher}, {aead:?}");
            assert!(unlocked(&locked, &Passphrase::new("wrong")).unwrap().is_none(), "{cipher}, {aead:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_numbers_is_nothing() {
        assert_eq!(*counted_anew(&[0, 16, 0, 9, 0, 3, 7]).unwrap(), [0, 4, 9, 0, 3, 7]);
        assert_eq!(*counted_anew(&[0, 8, 0]).unwrap(), [0, 0]);
        assert!(counted_anew(&[0]).is_none() && counted_anew(&[0, 9, 1]).is_none());
    }
}
