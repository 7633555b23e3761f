//! GnuPG's authenticated encryption, which its versions from 2.3 on write for passwords: SKESK version 5 and
//! packet 20 (draft RFC 4880bis, 5.3 and 5.16), with AES in OCB mode. Read only.

use std::io::{self, ErrorKind, Read};

use aes::{Aes128, Aes192, Aes256};
use ocb3::aead::consts::U15;
use ocb3::{AeadInOut, KeyInit, Ocb3};
use zeroize::Zeroizing;

use super::Error;
use super::packet::{AEAD, SKESK};
use super::plain::{Chunks, altered};

pub(super) const OCB: u8 = 2;
const NONCE: usize = 15;
const TAG: usize = 16;
/// The draft's limit on the chunk size octet: 4 MiB.
const MAX_CHUNK_OCTET: u8 = 16;

type Nonce = [u8; NONCE];

trait Decrypt: Send + Sync {
    /// Decrypts in place what is followed by its tag; false when it is not authentic.
    fn decrypt(&self, nonce: &Nonce, associated: &[u8], data: &mut [u8]) -> bool;
}

impl<C> Decrypt for Ocb3<C, U15>
where
    Self: AeadInOut<NonceSize = U15, TagSize = ocb3::consts::U16> + Send + Sync,
{
    fn decrypt(&self, nonce: &Nonce, associated: &[u8], data: &mut [u8]) -> bool {
        let Some((data, tag)) = data.split_last_chunk_mut::<TAG>() else { return false };
        self.decrypt_inout_detached(&(*nonce).into(), associated, data.into(), &(*tag).into()).is_ok()
    }
}

fn cipher(key: &[u8]) -> io::Result<Box<dyn Decrypt>> {
    fn boxed<C: KeyInit + Decrypt + 'static>(key: &[u8]) -> io::Result<Box<dyn Decrypt>> {
        match C::new_from_slice(key) {
            Ok(cipher) => Ok(Box::new(cipher)),
            Err(_) => Err(ErrorKind::InvalidInput.into()),
        }
    }
    match key.len() {
        16 => boxed::<Ocb3<Aes128, U15>>(key),
        24 => boxed::<Ocb3<Aes192, U15>>(key),
        _ => boxed::<Ocb3<Aes256, U15>>(key),
    }
}

/// The session key in a SKESK packet of version 5.
pub(super) struct WrappedKey {
    cipher_id: u8,
    nonce: Nonce,
    /// Followed by its tag.
    key: Vec<u8>,
}

impl WrappedKey {
    /// `fields` is what follows the S2K specifier.
    pub(super) fn parse(cipher_id: u8, fields: &[u8]) -> Option<Self> {
        let (&nonce, key) = fields.split_first_chunk()?;
        Some(Self { cipher_id, nonce, key: key.to_vec() })
    }

    /// `None` when `key` is the wrong one.
    pub(super) fn unwrap(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let associated = [0xC0 | SKESK, 5, self.cipher_id, OCB];
        let mut session_key = Zeroizing::new(self.key.clone());
        let right = cipher(key)?.decrypt(&self.nonce, &associated, &mut session_key);
        session_key.truncate(key.len());
        Ok((right && session_key.len() == key.len()).then_some(session_key))
    }
}

/// The body of packet 20. Each chunk is given out only when it is authentic, the end only when nothing is missing.
pub(super) struct OcbChunks<R> {
    source: R,
    cipher: Box<dyn Decrypt>,
    /// Packet, version, cipher, mode, chunk size: authenticated with each chunk.
    header: [u8; 5],
    nonce: Nonce,
    index: u64,
    total: u64,
    /// The chunk, its tag, and what has been read of the next or of the final tag.
    buffer: Vec<u8>,
    chunk: usize,
}

impl<R: Read> OcbChunks<R> {
    /// `source` is the packet's body after the version octet.
    pub(super) fn new(mut source: R, key: &[u8]) -> Result<Self, Error> {
        let mut header = [0xC0 | AEAD, 1, 0, 0, 0];
        source.read_exact(&mut header[2..])?;
        let mut nonce = [0; NONCE];
        source.read_exact(&mut nonce)?;
        if header[4] > MAX_CHUNK_OCTET {
            return Err(Error::Unsupported("very large chunks".into()));
        }
        let cipher = cipher(key)?;
        Ok(Self { source, cipher, header, nonce, index: 0, total: 0, buffer: Vec::new(), chunk: 0 })
    }

    /// Every chunk has a nonce of its own: the index is mixed into the last eight octets.
    fn decrypt(&mut self, associated: &[u8], length: usize) -> Result<(), Error> {
        let mut nonce = self.nonce;
        for (octet, index) in nonce[NONCE - 8..].iter_mut().zip(self.index.to_be_bytes()) {
            *octet ^= index;
        }
        let authentic = self.cipher.decrypt(&nonce, associated, &mut self.buffer[..length]);
        if authentic { Ok(()) } else { Err(altered()) }
    }
}

impl<R: Read> Chunks for OcbChunks<R> {
    fn chunk(&self) -> &[u8] {
        &self.buffer[..self.chunk]
    }

    fn advance(&mut self) -> Result<bool, Error> {
        let used = if self.chunk == 0 { 0 } else { self.chunk + TAG };
        self.buffer.drain(..used);
        self.chunk = 0;
        // A tag follows each chunk, and the final one the last.
        let wanted = (1 << (self.header[4] + 6)) + TAG + TAG;
        self.source.by_ref().take((wanted - self.buffer.len()) as u64).read_to_end(&mut self.buffer)?;

        let mut associated = [&self.header[..], &self.index.to_be_bytes()].concat();
        if self.buffer.len() == TAG {
            associated.extend_from_slice(&self.total.to_be_bytes());
            return self.decrypt(&associated, TAG).map(|()| false);
        }
        let length =
            self.buffer.len().checked_sub(2 * TAG).filter(|&length| length > 0).ok_or_else(altered)?;
        self.decrypt(&associated, length + TAG)?;
        self.index += 1;
        self.total += length as u64;
        self.chunk = length;
        Ok(true)
    }
}
