//! Writing messages: one form, which every gpg since 1.0.7 reads, since 2.1 where keys are elliptic (FORMAT.md 7.2, 16 a).

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use sequoia_openpgp as openpgp;

use openpgp::crypto::SessionKey;
use openpgp::crypto::hash::Context;

use super::Error;
use super::keys::{Addressee, Signer};
use super::mdc::MdcWriter;
use super::packet::{LITERAL, PacketWriter, SKESK};
use super::s2k::{Hash, Key, S2k};
use crate::deflate::Deflater;

const AES_256: u8 = 9;
const AES_256_KEY: usize = 32;
const SHA_256: u8 = 8;
const ITERATED: u8 = 3;
/// The highest there is: 65 011 712 octets.
const COUNT: u8 = 255;
const ZIP: u8 = 1;

/// How the messages of one set are written: whom they are for, and whose signature they bear.
///
/// They share one session key. With a passphrase it is derived from it (there is no encrypted session key), and the
/// same for the chain; for keys alone it is random, and every message begins with the same packets for the recipients.
/// So reading a set costs one key derivation, or one use of the secret key, which for a key with a passphrase is most
/// of a second in the agent.
///
/// What a key of its own for every message would keep apart stays apart: each begins with a random block, which is its
/// initialisation vector, and ends with a hash over that block and everything after it, so that parts of two messages
/// make none. Blocks under one key meet after 2^64, far beyond any set. Whole messages can be exchanged either way: the
/// manifest has their hashes. What one session key discloses is one set, which is kept and deleted as one.
#[derive(Clone)]
pub struct Sealer {
    session_key: Arc<SessionKey>,
    /// The packets before the encrypted data.
    head: Arc<[u8]>,
    signer: Option<Signer>,
}

pub(super) struct Derived {
    pub(super) key: Arc<Key>,
    pub(super) salt: [u8; 8],
}

impl Sealer {
    pub(super) const KEY_LENGTH: usize = AES_256_KEY;

    pub(super) fn new(
        derived: Option<&Derived>,
        addressees: &[Addressee],
        signer: Option<Signer>,
    ) -> Result<Self, Error> {
        let session_key = match derived {
            Some(derived) => derived.key.bytes().into(),
            None => random_key()?,
        };
        let mut head = Vec::new();
        for addressee in addressees {
            addressee.wrap(&session_key, &mut head)?;
        }
        head.extend(derived.iter().flat_map(|derived| skesk(derived.salt)));
        Ok(Self { session_key: Arc::new(session_key), head: head.into(), signer })
    }

    pub(super) fn s2k(salt: [u8; 8]) -> S2k {
        S2k { hash: Hash::Sha256, salt: Some(salt), octets: S2k::octets_of(COUNT) }
    }
}

fn random_key() -> io::Result<SessionKey> {
    let mut key = SessionKey::from(&[0; AES_256_KEY][..]);
    getrandom::fill(&mut key)?;
    Ok(key)
}

/// Symmetric-key encrypted session key packet, version 4, without an encrypted session key.
fn skesk([s0, s1, s2, s3, s4, s5, s6, s7]: [u8; 8]) -> [u8; 15] {
    [0xC0 | SKESK, 13, 4, AES_256, ITERATED, SHA_256, s0, s1, s2, s3, s4, s5, s6, s7, COUNT]
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(***)")
    }
}

/// A compressed packet (8) in the old format, of indeterminate length: to the end of what is encrypted, as gpg
/// writes it.
const COMPRESSED_TO_THE_END: u8 = 0xA3;

/// Writes one message whose literal body is what is written here. Memory is bounded (about 700 KiB).
pub struct MessageWriter<W: Write> {
    literal: PacketWriter<Deflater<MdcWriter<W>>>,
    signing: Option<(Signer, Context)>,
}

impl<W: Write> MessageWriter<W> {
    pub fn new(mut out: W, sealer: &Sealer) -> io::Result<Self> {
        out.write_all(&sealer.head)?;
        let mut encrypted = MdcWriter::new(out, &sealer.session_key)?;
        encrypted.write_all(&[COMPRESSED_TO_THE_END, ZIP])?;
        let mut deflater = Deflater::new(encrypted);
        let mut signing = None;
        if let Some(signer) = &sealer.signer {
            deflater.write_all(&signer.announcement().map_err(Error::from)?)?;
            signing = Some((signer.clone(), signer.hash().map_err(Error::from)?));
        }
        let mut literal = PacketWriter::new(deflater, LITERAL)?;
        // Binary, no file name, no date.
        literal.write_all(&[b'b', 0, 0, 0, 0, 0])?;
        Ok(Self { literal, signing })
    }

    /// Completes the message and hands back the writer, which is not flushed. Without this it cannot be opened.
    pub fn finish(self) -> io::Result<W> {
        let mut deflater = self.literal.finish()?;
        if let Some((signer, hash)) = self.signing {
            deflater.write_all(&signer.signature(hash).map_err(Error::from)?)?;
        }
        deflater.finish()?.finish()
    }
}

impl<W: Write> Write for MessageWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.literal.write(data)?;
        if let Some((_, hash)) = &mut self.signing {
            hash.update(&data[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.literal.flush()
    }
}
