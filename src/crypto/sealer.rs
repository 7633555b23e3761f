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

/// How the messages of one chain are written: whom they are for, and whose signature they bear.
///
/// With a passphrase the session key of all of them is derived from it, once (there is no encrypted session key; each
/// message starts from its own random block). For keys alone every message has a session key of its own.
#[derive(Clone)]
pub struct Sealer {
    pub(super) derived: Option<Derived>,
    pub(super) addressees: Arc<[Addressee]>,
    pub(super) signer: Option<Signer>,
}

#[derive(Clone)]
pub(super) struct Derived {
    pub(super) key: Arc<Key>,
    pub(super) salt: [u8; 8],
}

impl Sealer {
    pub(super) const KEY_LENGTH: usize = AES_256_KEY;

    pub(super) fn s2k(salt: [u8; 8]) -> S2k {
        S2k { hash: Hash::Sha256, salt: Some(salt), octets: S2k::octets_of(COUNT) }
    }

    fn session_key(&self) -> io::Result<SessionKey> {
        if let Some(derived) = &self.derived {
            return Ok(derived.key.bytes().into());
        }
        let mut key = SessionKey::from(&[0; AES_256_KEY][..]);
        getrandom::fill(&mut key)?;
        Ok(key)
    }

    /// The packets before the encrypted data.
    fn head(&self, session_key: &SessionKey) -> Result<Vec<u8>, Error> {
        let mut head = Vec::new();
        for addressee in &*self.addressees {
            addressee.wrap(session_key, &mut head)?;
        }
        head.extend(self.derived.iter().flat_map(|derived| skesk(derived.salt)));
        Ok(head)
    }
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
        let session_key = sealer.session_key()?;
        out.write_all(&sealer.head(&session_key)?)?;
        let mut encrypted = MdcWriter::new(out, &session_key)?;
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
