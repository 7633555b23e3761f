//! Most messages that we do not read ourselves: other ciphers, encrypted session keys of other kinds.

use std::io::{self, Read};
use std::sync::{Arc, LazyLock};

use sequoia_openpgp as openpgp;

use openpgp::crypto::{Password, S2K, SessionKey};
use openpgp::packet::{PKESK, SKESK};
use openpgp::parse::Parse;
use openpgp::parse::stream::{
    DecryptionHelper, Decryptor, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use openpgp::policy::StandardPolicy;
use openpgp::types::SymmetricAlgorithm;
use openpgp::{Cert, KeyHandle};

use super::Error;
use super::keys::Signatories;
use super::opener::Opener;
use super::passphrases::Known;
use super::s2k::{Hash, S2k};

/// How much Sequoia withholds until it is authenticated: little, since the ciphertext has been checked before.
const BUFFER: usize = 64 * 1024;

/// A backup must stay readable whatever has become of its cipher.
static POLICY: LazyLock<StandardPolicy> = LazyLock::new(|| {
    let mut policy = StandardPolicy::new();
    for id in 1..=13 {
        policy.accept_symmetric_algo(SymmetricAlgorithm::from(id));
    }
    policy
});

/// Of ciphers, by their numbers. Sequoia on RustCrypto takes only Blowfish keys of 448 bits, OpenPGP has 128.
pub(super) fn reads(cipher: u8) -> bool {
    matches!(cipher, 1..=3 | 7..=13)
}

pub(super) fn open<'a, R>(opener: &Opener, source: R) -> Result<Box<dyn Read + Send + 'a>, Error>
where
    R: Read + Send + Sync + 'a,
{
    let helper = Helper { opener: opener.clone(), signatories: opener.signatories()?, unsigned: None };
    let decryptor = DecryptorBuilder::from_reader(source)
        .and_then(|builder| builder.buffer_size(BUFFER).with_policy(&*POLICY, None, helper))
        .map_err(translate)?;
    Ok(Box::new(Reader(decryptor)))
}

struct Reader<'a>(Decryptor<'a, Helper>);

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|error| match error.kind() {
            // Sequoia hides what the helper said.
            io::ErrorKind::Other => match &self.0.helper_ref().unsigned {
                Some(by) => Error::NotSigned { by: by.clone() }.into(),
                None => Error::Damaged(error.to_string()).into(),
            },
            _ => error,
        })
    }
}

struct Helper {
    opener: Opener,
    /// Whose signature is demanded.
    signatories: Option<Arc<Signatories>>,
    /// Whose signature was missing.
    unsigned: Option<String>,
}

impl Helper {
    /// A key used directly comes from the cache; the rest Sequoia derives.
    fn session_key(skesk: &SKESK, known: &Known) -> Result<(Option<SymmetricAlgorithm>, SessionKey), Error> {
        if let SKESK::V4(skesk) = skesk
            && let Some(s2k) = ours(skesk.s2k())
            && let (Ok(None), Ok(length)) = (skesk.esk(), skesk.symmetric_algo().key_size())
        {
            let key = known.key(s2k, length);
            return Ok((Some(skesk.symmetric_algo()), key.bytes().into()));
        }
        skesk.decrypt(&Password::from(known.passphrase.expose())).map_err(translate)
    }
}

fn ours(s2k: &S2K) -> Option<S2k> {
    match *s2k {
        S2K::Iterated { hash, salt, hash_bytes } => {
            Some(S2k { hash: Hash::from_id(hash.into())?, salt: Some(salt), octets: hash_bytes })
        }
        _ => None,
    }
}

impl DecryptionHelper for Helper {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> openpgp::Result<Option<Cert>> {
        let known = self.opener.passphrases();
        for (skesk, known) in skesks.iter().flat_map(|skesk| known.iter().map(move |known| (skesk, known))) {
            match Self::session_key(skesk, known) {
                Ok((own, key)) if decrypt(own.or(algorithm), &key) => return Ok(None),
                // With an encrypted session key a wrong passphrase makes garbage of it.
                Ok(_) | Err(Error::Damaged(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // A key may open it.
        if pkesks.is_empty() {
            let needed = known.is_empty() && !skesks.is_empty();
            return Err(if needed { Error::PassphraseNeeded } else { Error::PassphraseWrong }.into());
        }
        let (own, key) = self.opener.session_key(pkesks)?;
        if decrypt(Some(own), &key) { Ok(None) } else { Err(Error::damaged("its beginning").into()) }
    }
}

impl VerificationHelper for Helper {
    fn get_certs(&mut self, _: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(self.signatories.as_ref().map(|by| by.certificates.clone()).unwrap_or_default())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        let Some(by) = &self.signatories else { return Ok(()) };
        let good = structure.into_iter().any(|layer| match layer {
            MessageLayer::SignatureGroup { results } => {
                results.iter().flatten().any(|good| by.has(&good.ka.key().fingerprint()))
            }
            _ => false,
        });
        if good {
            return Ok(());
        }
        self.unsigned = Some(by.name.clone());
        Err(Error::NotSigned { by: by.name.clone() }.into())
    }
}

fn translate(error: openpgp::anyhow::Error) -> Error {
    use openpgp::Error as E;
    let error = match error.downcast::<Error>() {
        Ok(own) => return own,
        Err(error) => error,
    };
    let error = match error.downcast::<io::Error>() {
        Ok(io) => return io.into(),
        Err(error) => error,
    };
    match error.downcast_ref::<E>() {
        Some(
            E::UnsupportedPacketType(_)
            | E::UnsupportedHashAlgorithm(_)
            | E::UnsupportedSymmetricAlgorithm(_)
            | E::UnsupportedAEADAlgorithm(_)
            | E::UnsupportedCompressionAlgorithm(_)
            | E::PolicyViolation(..),
        ) => Error::Unsupported(error.to_string()),
        _ => Error::Damaged(error.to_string()),
    }
}
