//! Keys in a file, used here: for computers on which no agent runs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use sequoia_openpgp as openpgp;

use openpgp::cert::CertParser;
use openpgp::crypto::KeyPair;
use openpgp::packet::PKESK;
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::types::{HashAlgorithm, RevocationStatus};
use openpgp::{Cert, Fingerprint};

use super::protected::{self, SecretKey};
use super::secret::named_first;
use super::{KeyError, PublicKey, Session};
use crate::secret::Passphrase;

/// Who has put a key into the file trusts it, however old the hash is with which it signed itself.
static POLICY: LazyLock<StandardPolicy> = LazyLock::new(|| {
    let mut policy = StandardPolicy::new();
    policy.accept_hash(HashAlgorithm::SHA1);
    policy
});

/// What a key is to do.
#[derive(Clone, Copy)]
enum Use {
    Encrypt,
    Sign,
}

/// The certificates of a file, with or without their secret halves.
pub(super) struct KeyFile {
    certificates: Vec<Cert>,
    /// Unlocking takes about as long as deriving a key.
    unlocked: Mutex<HashMap<Fingerprint, KeyPair>>,
}

impl KeyFile {
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |why: String| KeyError::File { path: path.display().to_string(), why };
        let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
        let parser = CertParser::from_reader(file).map_err(|error| failed(error.to_string()))?;
        // What Sequoia does not understand is as if it were not there.
        let certificates: Vec<_> = parser.filter_map(Result::ok).collect();
        if certificates.is_empty() {
            return Err(failed("there is no key in it".into()));
        }
        Ok(Self { certificates, unlocked: Mutex::default() })
    }

    /// The key to encrypt to for `id`, if the file has any of that name.
    pub(super) fn recipient(&self, id: &str) -> Result<Option<PublicKey>, KeyError> {
        let Some(certificate) = self.certificate(id) else { return Ok(None) };
        let keys = fit(certificate, id, Use::Encrypt)?;
        Ok(keys.into_iter().next())
    }

    /// The key that signs for `id`, if its secret half is here.
    pub(super) fn signer(
        &self,
        id: &str,
        passphrase: Option<&Passphrase>,
    ) -> Result<Option<KeyPair>, KeyError> {
        let Some(certificate) = self.certificate(id) else { return Ok(None) };
        let keys = fit(certificate, id, Use::Sign)?;
        for public in keys {
            let secret =
                certificate.keys().secret().find(|key| key.key().fingerprint() == public.fingerprint());
            if let Some(secret) = secret {
                return self.unlock(certificate, secret.key(), passphrase).map(Some);
            }
        }
        Ok(None)
    }

    /// The certificate called `id` with those of its keys that can sign today.
    pub(super) fn signatory(&self, id: &str) -> Result<Option<(Cert, Vec<PublicKey>)>, KeyError> {
        let Some(certificate) = self.certificate(id) else { return Ok(None) };
        Ok(Some((certificate.clone(), fit(certificate, id, Use::Sign)?)))
    }

    /// Out of the packets that are for keys of this file; expired and revoked ones open old messages.
    pub(super) fn session_key(
        &self,
        packets: &[PKESK],
        passphrase: Option<&Passphrase>,
    ) -> Result<Option<Session>, KeyError> {
        let mut failure = None;
        for packet in named_first(packets) {
            for (certificate, key) in self.secret_keys().filter(|(_, key)| may_open(key, packet)) {
                match self.unlock(certificate, &key, passphrase) {
                    Ok(mut pair) => {
                        if let Some(session) = decrypt(packet, &mut pair) {
                            return Ok(Some(session));
                        }
                    }
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
        }
        failure.map_or(Ok(None), Err)
    }

    fn secret_keys(&self) -> impl Iterator<Item = (&Cert, SecretKey)> {
        self.certificates.iter().flat_map(|certificate| {
            certificate.keys().secret().map(move |found| (certificate, found.key().clone()))
        })
    }

    fn unlock(
        &self,
        certificate: &Cert,
        key: &SecretKey,
        passphrase: Option<&Passphrase>,
    ) -> Result<KeyPair, KeyError> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = unlocked.get(&key.fingerprint()) {
            return Ok(pair.clone());
        }
        let name = || match certificate.userids().next() {
            Some(user) => String::from_utf8_lossy(user.userid().value()).into_owned(),
            None => certificate.fingerprint().to_hex(),
        };
        let open = match (key.secret().is_encrypted(), passphrase) {
            (false, _) => key.clone(),
            (true, None) => return Err(KeyError::Locked { name: name() }),
            (true, Some(passphrase)) => protected::unlocked(key, passphrase)?
                .ok_or_else(|| KeyError::PassphraseWrong { name: name() })?,
        };
        let pair = open.into_keypair().map_err(super::failed)?;
        unlocked.insert(key.fingerprint(), pair.clone());
        Ok(pair)
    }

    fn certificate(&self, id: &str) -> Option<&Cert> {
        self.certificates.iter().find(|certificate| is_called(certificate, id))
    }
}

fn may_open(key: &SecretKey, packet: &PKESK) -> bool {
    match packet.recipient() {
        Some(id) => id.aliases(key.key_handle()),
        None => key.pk_algo() == packet.pk_algo(),
    }
}

fn decrypt(packet: &PKESK, pair: &mut KeyPair) -> Option<Session> {
    let PKESK::V3(packet) = packet else { return None };
    packet.decrypt(pair, None)
}

/// The keys of `certificate` that can do this today, newest first. Never empty.
fn fit(certificate: &Cert, id: &str, for_what: Use) -> Result<Vec<PublicKey>, KeyError> {
    let id = || id.to_string();
    let valid = certificate.with_policy(&*POLICY, None).map_err(|_| KeyError::Unsuitable { id: id() })?;
    if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(KeyError::Revoked { id: id() });
    }
    if valid.alive().is_err() {
        return Err(KeyError::Expired { id: id() });
    }
    let exactly = id().strip_suffix('!').and_then(digits);
    let of_use = match for_what {
        Use::Encrypt => valid.keys().for_storage_encryption().for_transport_encryption(),
        Use::Sign => valid.keys().for_signing(),
    };
    let of_use: Vec<_> = of_use.supported().revoked(false).collect();
    let is_meant = |key: &PublicKey| {
        exactly.as_ref().is_none_or(|digits| key.fingerprint().to_hex().ends_with(digits.as_str()))
    };
    let alive = of_use.iter().filter(|found| found.alive().is_ok());
    let mut keys: Vec<PublicKey> = alive.map(|found| found.key().clone().role_into_unspecified()).collect();
    keys.retain(is_meant);
    keys.sort_by_key(|key| std::cmp::Reverse(key.creation_time()));
    match (keys.is_empty(), of_use.is_empty()) {
        (false, _) => Ok(keys),
        (true, false) if exactly.is_none() => Err(KeyError::Expired { id: id() }),
        (true, _) => Err(KeyError::Unsuitable { id: id() }),
    }
}

/// In the forms that gpg takes: a key id or fingerprint, `=whole name`, `<address>`, or a part of a name.
fn is_called(certificate: &Cert, id: &str) -> bool {
    if let Some(digits) = digits(id.trim_end_matches('!')) {
        return certificate.keys().any(|found| found.key().fingerprint().to_hex().ends_with(&digits));
    }
    let wanted = id.to_lowercase();
    let mut names =
        certificate.userids().map(|user| String::from_utf8_lossy(user.userid().value()).into_owned());
    match id.strip_prefix('=') {
        Some(whole) => names.any(|name| name == whole),
        None => !wanted.is_empty() && names.any(|name| name.to_lowercase().contains(&wanted)),
    }
}

/// Of a key id or fingerprint, as Sequoia writes them.
fn digits(id: &str) -> Option<String> {
    let digits = id.trim_start_matches("0x").to_ascii_uppercase();
    let is_one = matches!(digits.len(), 8 | 16 | 32 | 40 | 64)
        && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    is_one.then_some(digits)
}
