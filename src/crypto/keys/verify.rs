//! Whether a message bears the signature that it should.

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::crypto::hash::Context;
use openpgp::packet::Signature;
use openpgp::parse::Parse;
use openpgp::types::{HashAlgorithm, SignatureType};

use super::{Gnupg, KeyError, PublicKey, gpg};

/// In a packet that announces a signature, version 3: what is signed are octets, not lines of text.
const BINARY: u8 = 0;
/// Signatures of one message that are looked at.
const MOST: usize = 4;

/// The keys whose signature counts: those of one name, in the file or with gpg, that can sign today.
pub(in crate::crypto) struct Signatories {
    pub(in crate::crypto) name: String,
    pub(in crate::crypto) certificates: Vec<Cert>,
    keys: Vec<PublicKey>,
}

impl Signatories {
    pub(in crate::crypto) fn find(gnupg: &Gnupg, id: &str) -> Result<Self, KeyError> {
        if let Some(file) = gnupg.key_file()?
            && let Some((certificate, keys)) = file.signatory(id)?
        {
            return Ok(Self { name: id.to_string(), certificates: vec![certificate], keys });
        }
        let program = gnupg.program();
        let listed = program.public_keys(id)?;
        let fit = listed.iter().filter(|key| key.is_valid() && key.can('s'));
        let fingerprints: Vec<_> = fit.map(|key| key.fingerprint.clone()).collect();
        if fingerprints.is_empty() {
            return Err(program.unusable(id, 's'));
        }
        let certificates = program.export(&fingerprints)?;
        let keys = gpg::keys_of(&certificates, |key| fingerprints.contains(&key.fingerprint().to_hex()));
        Ok(Self { name: id.to_string(), certificates, keys })
    }

    pub(in crate::crypto) fn has(&self, key: &openpgp::Fingerprint) -> bool {
        self.keys.iter().any(|known| known.fingerprint() == *key)
    }
}

/// Follows one message.
#[derive(Clone, Default)]
pub(in crate::crypto) struct Check {
    hashes: Vec<Context>,
}

impl Check {
    /// `fields` of a packet that announces a signature.
    pub(in crate::crypto) fn announced(&mut self, fields: &[u8]) {
        let &[3, BINARY, hash, ..] = fields else { return };
        if self.hashes.len() < MOST
            && let Ok(builder) = HashAlgorithm::from(hash).context()
        {
            self.hashes.push(builder.for_signature(4));
        }
    }

    pub(in crate::crypto) fn update(&mut self, content: &[u8]) {
        self.hashes.iter_mut().for_each(|hash| hash.update(content));
    }

    /// `signature`: the fields of the packet.
    pub(in crate::crypto) fn is_good(&self, signature: &[u8], by: &Signatories) -> bool {
        let Ok(signature) = Signature::from_bytes(signature) else { return false };
        let algorithm = signature.hash_algo();
        if signature.typ() != SignatureType::Binary || algorithm == HashAlgorithm::MD5 {
            return false;
        }
        let mut hashes = self.hashes.iter().filter(|hash| hash.algo() == algorithm);
        hashes.any(|hash| by.keys.iter().any(|key| signature.verify_hash(key, hash.clone()).is_ok()))
    }
}
