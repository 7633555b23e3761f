//! Writing messages: one form, which every gpg since 1.0.7 reads (FORMAT.md 7.2, 16 a).

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use super::mdc::MdcWriter;
use super::packet::{LITERAL, PacketWriter, SKESK};
use super::s2k::{Hash, Key, S2k};
use crate::deflate::Deflater;
use crate::secret::Passphrase;

const AES_256: u8 = 9;
const AES_256_KEY: usize = 32;
const SHA_256: u8 = 8;
const ITERATED: u8 = 3;
/// The highest there is: 65 011 712 octets.
const COUNT: u8 = 255;
const ZIP: u8 = 1;

/// How the messages of one chain are written: passphrase and salt turned into the session key, once.
///
/// The key is used directly (there is no encrypted session key); each message starts from its own random block.
#[derive(Clone)]
pub struct Sealer {
    key: Arc<Key>,
    salt: [u8; 8],
}

impl Sealer {
    /// Derives the key, which takes a moment. `salt` is that of the chain, see [`super::salt_of`].
    pub fn new(passphrase: &Passphrase, salt: [u8; 8]) -> Self {
        Self::with_key(Arc::new(Key::derive(&Self::s2k(salt), passphrase, AES_256_KEY)), salt)
    }

    /// For a new chain or a new passphrase. Fails when the system has no randomness to give.
    pub fn with_new_salt(passphrase: &Passphrase) -> io::Result<Self> {
        let mut salt = [0; 8];
        getrandom::fill(&mut salt)?;
        Ok(Self::new(passphrase, salt))
    }

    pub fn salt(&self) -> [u8; 8] {
        self.salt
    }

    pub(super) const KEY_LENGTH: usize = AES_256_KEY;

    pub(super) fn with_key(key: Arc<Key>, salt: [u8; 8]) -> Self {
        Self { key, salt }
    }

    pub(super) fn s2k(salt: [u8; 8]) -> S2k {
        S2k { hash: Hash::Sha256, salt: Some(salt), octets: S2k::octets_of(COUNT) }
    }

    /// Symmetric-key encrypted session key packet, version 4, without an encrypted session key.
    fn skesk(&self) -> [u8; 15] {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.salt;
        [0xC0 | SKESK, 13, 4, AES_256, ITERATED, SHA_256, s0, s1, s2, s3, s4, s5, s6, s7, COUNT]
    }
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
}

impl<W: Write> MessageWriter<W> {
    pub fn new(mut out: W, sealer: &Sealer) -> io::Result<Self> {
        out.write_all(&sealer.skesk())?;
        let mut encrypted = MdcWriter::new(out, sealer.key.bytes())?;
        encrypted.write_all(&[COMPRESSED_TO_THE_END, ZIP])?;
        let mut literal = PacketWriter::new(Deflater::new(encrypted), LITERAL)?;
        // Binary, no file name, no date.
        literal.write_all(&[b'b', 0, 0, 0, 0, 0])?;
        Ok(Self { literal })
    }

    /// Completes the message and hands back the writer, which is not flushed. Without this it cannot be opened.
    pub fn finish(self) -> io::Result<W> {
        self.literal.finish()?.finish()?.finish()
    }
}

impl<W: Write> Write for MessageWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.literal.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.literal.flush()
    }
}
