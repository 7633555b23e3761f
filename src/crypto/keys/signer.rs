//! Signatures by a key that stays in the agent, or by one of a file.

use std::sync::Arc;

use sequoia_openpgp as openpgp;

use openpgp::crypto::hash::Context;
use openpgp::crypto::{KeyPair, mpi};
use openpgp::packet::one_pass_sig::OnePassSig3;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::packet::{OnePassSig, Packet};
use openpgp::serialize::MarshalInto;
use openpgp::types::{HashAlgorithm, SignatureType};

use super::gpg::Listed;
use super::secret::SecretKey;
use super::{Gnupg, KeyError, PublicKey, failed};

/// Long enough for every kind of key.
const HASH: HashAlgorithm = HashAlgorithm::SHA512;
const VERSION: u8 = 4;

#[derive(Clone)]
pub(in crate::crypto) struct Signer(By);

#[derive(Clone)]
enum By {
    Agent { gnupg: Gnupg, key: Arc<SecretKey> },
    File(Box<KeyPair>),
}

impl Signer {
    /// By the key of that name in the file, else by the one that gpg would sign with. It is proven to work, so that no
    /// backup stops at its first volume.
    pub(in crate::crypto) fn new(gnupg: &Gnupg, id: &str) -> Result<Self, KeyError> {
        let passphrase = gnupg.0.setup.signing_passphrase.as_ref();
        let of_file = gnupg.key_file()?.map(|file| file.signer(id, passphrase)).transpose()?.flatten();
        let signer = Self(match of_file {
            Some(pair) => By::File(Box::new(pair)),
            None => By::Agent { gnupg: gnupg.clone(), key: Arc::new(key_of_agent(gnupg, id)?) },
        });
        signer.signature(signer.hash()?)?;
        Ok(signer)
    }

    fn key(&self) -> &PublicKey {
        match &self.0 {
            By::Agent { key, .. } => &key.key,
            By::File(pair) => pair.public(),
        }
    }

    /// For what is to be signed.
    pub(in crate::crypto) fn hash(&self) -> Result<Context, KeyError> {
        HASH.context().map(|builder| builder.for_signature(VERSION)).map_err(failed)
    }

    /// The packet that announces the signature.
    pub(in crate::crypto) fn announcement(&self) -> Result<Vec<u8>, KeyError> {
        let mut packet = OnePassSig3::new(SignatureType::Binary);
        packet.set_hash_algo(HASH);
        packet.set_pk_algo(self.key().pk_algo());
        packet.set_issuer(self.key().keyid());
        packet.set_last(true);
        Packet::from(OnePassSig::from(packet)).to_vec().map_err(failed)
    }

    /// The signature packet.
    pub(in crate::crypto) fn signature(&self, hash: Context) -> Result<Vec<u8>, KeyError> {
        let signature = SignatureBuilder::new(SignatureType::Binary).sign_hash(&mut self.clone(), hash);
        signature.and_then(|signature| Packet::from(signature).to_vec()).map_err(failed)
    }
}

impl openpgp::crypto::Signer for Signer {
    fn public(&self) -> &PublicKey {
        self.key()
    }

    fn sign(&mut self, hash: HashAlgorithm, digest: &[u8]) -> openpgp::Result<mpi::Signature> {
        match &mut self.0 {
            By::File(pair) => pair.sign(hash, digest),
            By::Agent { gnupg, key } => {
                let (gnupg, key) = (&*gnupg, &**key);
                let unlock = gnupg.unlock(&gnupg.0.setup.signing_passphrase);
                let sign = |agent: &mut super::Agent| agent.sign(key, hash.into(), digest, unlock);
                Ok(gnupg.with_agent(sign)?)
            }
        }
    }
}

fn key_of_agent(gnupg: &Gnupg, id: &str) -> Result<SecretKey, KeyError> {
    let program = gnupg.program();
    let listed = program.secret_keys(Some(id))?;
    let Some(chosen) = choose(&listed, id) else {
        return Err(match program.unusable(id, 's') {
            KeyError::Unsuitable { id } if listed.is_empty() => KeyError::NoSecretKey { ids: vec![id] },
            other => other,
        });
    };
    let key = gnupg.with_public_halves(std::slice::from_ref(chosen))?.into_iter().next();
    key.ok_or_else(|| KeyError::Unsuitable { id: id.to_string() })
}

/// Of the first certificate that can sign: the newest valid subkey for it, else the primary key. With an exclamation
/// mark just the key that is named.
fn choose<'a>(listed: &'a [Listed], id: &str) -> Option<&'a Listed> {
    if let Some(exactly) = id.strip_suffix('!') {
        let digits = exactly.trim_start_matches("0x").to_ascii_uppercase();
        return listed.iter().find(|key| key.fingerprint.ends_with(&digits) && fit(key));
    }
    let certificates = listed.chunk_by(|_, next| !next.primary);
    let best = |certificate: &'a [Listed]| {
        let fit = certificate.iter().filter(|key| fit(key));
        fit.max_by_key(|key| (!key.primary, key.created))
    };
    certificates.map(best).find_map(|found| found)
}

fn fit(key: &Listed) -> bool {
    key.is_valid() && key.can('s')
}
