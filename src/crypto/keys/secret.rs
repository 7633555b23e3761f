//! Session keys out of messages, by secret keys that stay in the agent.

use std::sync::PoisonError;

use sequoia_openpgp as openpgp;

use openpgp::crypto::mpi::{self, Ciphertext, ProtectedMPI};
use openpgp::crypto::{self, Decryptor, SessionKey};
use openpgp::packet::PKESK;
use openpgp::serialize::MarshalInto;
use sha2::{Digest, Sha256};

use super::agent::Decrypted;
use super::sexp::Sexp;
use super::{Gnupg, KeyError, PublicKey, Session, failed, gpg};

/// A key whose secret half the agent has, or can get from a card.
#[derive(Clone)]
pub(super) struct SecretKey {
    pub(super) key: PublicKey,
    /// What the agent knows it by.
    pub(super) keygrip: String,
    pub(super) name: String,
    pub(super) can_decrypt: bool,
}

impl Gnupg {
    /// All of this person's; expired and revoked ones open old messages.
    fn secret_keys(&self) -> Result<&[SecretKey], KeyError> {
        let find = || {
            let listed = self.program().secret_keys(None)?;
            self.with_public_halves(&listed)
        };
        match self.0.secret.get_or_init(find) {
            Ok(keys) => Ok(keys),
            Err(error) => Err(error.clone()),
        }
    }

    pub(super) fn with_public_halves(&self, listed: &[gpg::Listed]) -> Result<Vec<SecretKey>, KeyError> {
        let fingerprints: Vec<_> = listed.iter().map(|key| key.fingerprint.clone()).collect();
        let certificates = self.program().export(&fingerprints)?;
        let mut found = Vec::new();
        for listed in listed.iter().filter(|listed| !listed.keygrip.is_empty()) {
            let is_it = |key: &PublicKey| key.fingerprint().to_hex() == listed.fingerprint;
            found.extend(gpg::keys_of(&certificates, is_it).into_iter().take(1).map(|key| SecretKey {
                key,
                keygrip: listed.keygrip.clone(),
                name: listed.name.clone(),
                can_decrypt: listed.can('e'),
            }));
        }
        Ok(found)
    }

    /// The session key that one of these packets holds for a key of this person's.
    pub(in crate::crypto) fn session_key(&self, packets: &[PKESK]) -> Result<Session, KeyError> {
        let name = name_of(packets)?;
        let opened = || self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened().get(&name) {
            return Ok(known.clone());
        }
        let session = self.find_session_key(packets)?;
        opened().insert(name, session.clone());
        Ok(session)
    }

    fn find_session_key(&self, packets: &[PKESK]) -> Result<Session, KeyError> {
        let none = || {
            let ids = packets.iter().filter_map(|packet| packet.recipient()).map(|id| id.to_hex()).collect();
            KeyError::NoSecretKey { ids }
        };
        let file = self.key_file()?;
        if let Some(file) = file
            && let Some(session) = file.session_key(packets, self.0.setup.passphrase.as_ref())?
        {
            return Ok(session);
        }
        let keys = match self.secret_keys() {
            // Who has keys in a file needs no GnuPG.
            Err(KeyError::NoGpg { .. }) if file.is_some() => return Err(none()),
            keys => keys?,
        };
        let mut failure = None;
        for packet in named_first(packets) {
            for key in keys.iter().filter(|key| key.may_open(packet)) {
                match self.try_key(key, packet) {
                    Ok(Some(session)) => return Ok(session),
                    Ok(None) => {}
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
        }
        Err(failure.unwrap_or_else(none))
    }

    /// `None` where the message is for another key.
    fn try_key(&self, key: &SecretKey, packet: &PKESK) -> Result<Option<Session>, KeyError> {
        let PKESK::V3(packet) = packet else { return Ok(None) };
        let mut decryptor = ByAgent { gnupg: self, key, failure: None };
        match packet.decrypt(&mut decryptor, None) {
            Some(session) => Ok(Some(session)),
            None => decryptor.failure.map_or(Ok(None), Err),
        }
    }
}

/// Those that do not say whose they are have to be tried.
pub(super) fn named_first(packets: &[PKESK]) -> impl Iterator<Item = &PKESK> {
    let (named, hidden): (Vec<_>, Vec<_>) = packets.iter().partition(|packet| packet.recipient().is_some());
    named.into_iter().chain(hidden)
}

/// Two openings of one message ask the agent once.
fn name_of(packets: &[PKESK]) -> Result<Vec<u8>, KeyError> {
    let mut hash = Sha256::new();
    for packet in packets {
        hash.update(packet.to_vec().map_err(failed)?);
    }
    Ok(hash.finalize().to_vec())
}

impl SecretKey {
    fn may_open(&self, packet: &PKESK) -> bool {
        match packet.recipient() {
            Some(id) => id.aliases(self.key.key_handle()),
            None => self.can_decrypt && self.key.pk_algo() == packet.pk_algo(),
        }
    }
}

struct ByAgent<'a> {
    gnupg: &'a Gnupg,
    key: &'a SecretKey,
    /// Sequoia keeps to itself why it failed.
    failure: Option<KeyError>,
}

impl Decryptor for ByAgent<'_> {
    fn public(&self) -> &PublicKey {
        &self.key.key
    }

    fn decrypt(&mut self, ciphertext: &Ciphertext, length: Option<usize>) -> openpgp::Result<SessionKey> {
        let unlock = self.gnupg.unlock(&self.gnupg.0.setup.passphrase);
        let decrypted = self.gnupg.with_agent(|agent| agent.decrypt(self.key, ciphertext, unlock));
        match decrypted {
            Ok(decrypted) => finish(&self.key.key, ciphertext, length, &decrypted),
            Err(error) => {
                self.failure = Some(error.clone());
                Err(error.into())
            }
        }
    }
}

/// What the agent gives is raw: for elliptic curves the shared point, else mostly still padded.
fn finish(
    key: &PublicKey,
    ciphertext: &Ciphertext,
    length: Option<usize>,
    decrypted: &Decrypted,
) -> openpgp::Result<SessionKey> {
    let malformed = || openpgp::Error::MalformedMPI("not a session key".into());
    let parsed = Sexp::parse(&decrypted.reply.data).ok_or_else(malformed)?;
    let value = parsed.text("value").ok_or_else(malformed)?;
    match key.mpis() {
        mpi::PublicKey::ECDH { curve, .. } => {
            let point = ProtectedMPI::from(value);
            let shared = crypto::mem::Protected::from(point.decode_point(curve)?.0);
            crypto::ecdh::decrypt_unwrap(key, &shared, ciphertext, length)
        }
        _ if decrypted.padded => Ok(SessionKey::from(unpad(value).ok_or_else(malformed)?)),
        _ => Ok(SessionKey::from(value)),
    }
}

/// PKCS #1, 1.5: (0) 2, some octets that are not zero, 0, and what it is about.
fn unpad(value: &[u8]) -> Option<&[u8]> {
    let value = value.strip_prefix(&[0]).unwrap_or(value).strip_prefix(&[2])?;
    let zero = value.iter().position(|octet| *octet == 0)?;
    Some(&value[zero + 1..])
}
