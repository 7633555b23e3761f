//! All messages that we do not read ourselves: other ciphers, armour, encrypted session keys.

use std::io::{self, Read};
use std::sync::LazyLock;

use sequoia_openpgp as openpgp;

use openpgp::crypto::{Password, S2K, SessionKey};
use openpgp::packet::{PKESK, SKESK};
use openpgp::parse::Parse;
use openpgp::parse::stream::{
    DecryptionHelper, Decryptor, DecryptorBuilder, MessageStructure, VerificationHelper,
};
use openpgp::policy::StandardPolicy;
use openpgp::types::SymmetricAlgorithm;
use openpgp::{Cert, KeyHandle};

use super::Error;
use super::opener::Opener;
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

pub(super) fn open<'a, R>(opener: &Opener, source: R) -> Result<Box<dyn Read + Send + 'a>, Error>
where
    R: Read + Send + Sync + 'a,
{
    let helper = Helper(opener.clone());
    let decryptor = DecryptorBuilder::from_reader(source)
        .and_then(|builder| builder.buffer_size(BUFFER).with_policy(&*POLICY, None, helper))
        .map_err(translate)?;
    Ok(Box::new(Reader(decryptor)))
}

struct Reader<'a>(Decryptor<'a, Helper>);

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|error| match error.kind() {
            io::ErrorKind::Other => Error::Damaged(error.to_string()).into(),
            _ => error,
        })
    }
}

struct Helper(Opener);

impl Helper {
    /// A key used directly comes from the cache; the rest Sequoia derives.
    fn session_key(&self, skesk: &SKESK) -> Result<(Option<SymmetricAlgorithm>, SessionKey), Error> {
        let passphrase = self.0.passphrase()?;
        if let SKESK::V4(skesk) = skesk
            && skesk.symmetric_algo() == SymmetricAlgorithm::Blowfish
        {
            // Sequoia on RustCrypto takes only Blowfish keys of 448 bits, OpenPGP has 128.
            return Err(Error::Unsupported("Blowfish".into()));
        }
        if let SKESK::V4(skesk) = skesk
            && let Some(s2k) = ours(skesk.s2k())
            && let (Ok(None), Ok(length)) = (skesk.esk(), skesk.symmetric_algo().key_size())
        {
            let key = self.0.key(s2k, length)?;
            return Ok((Some(skesk.symmetric_algo()), key.bytes().into()));
        }
        skesk.decrypt(&Password::from(passphrase.expose())).map_err(translate)
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
        _: &[PKESK],
        skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> openpgp::Result<Option<Cert>> {
        if skesks.is_empty() {
            return Err(Error::Unsupported("it is encrypted to a key, not with a passphrase".into()).into());
        }
        for skesk in skesks {
            match self.session_key(skesk) {
                Ok((own, key)) if decrypt(own.or(algorithm), &key) => return Ok(None),
                // With an encrypted session key a wrong passphrase makes garbage of it.
                Ok(_) | Err(Error::Damaged(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::PassphraseWrong.into())
    }
}

/// Signatures are not checked (FORMAT.md 7.6).
impl VerificationHelper for Helper {
    fn get_certs(&mut self, _: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, _: MessageStructure<'_>) -> openpgp::Result<()> {
        Ok(())
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
