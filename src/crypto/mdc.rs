//! SEIPD packets, version 1: CFB encryption and the SHA-1 that guards it (RFC 4880, 5.13 and 5.14).
//!
//! Plain text: one random block, its last two octets again, packets, and the MDC packet `D3 14 SHA-1`.

use std::io::{self, ErrorKind, Read, Write};

use aes::cipher::array::{Array, typenum::U16};
use aes::cipher::{
    BlockModeDecrypt, BlockModeEncBackend, BlockModeEncClosure, BlockModeEncrypt, BlockSizeUser, KeyIvInit,
};
use aes::{Aes128, Aes192, Aes256};
use sha1::{Digest, Sha1};

use super::packet::{self, Body, COMPRESSED, LITERAL, MARKER, ONE_PASS_SIGNATURE, SEIPD, SIGNATURE};
use super::plain::{Chunks, altered};
use super::{Ciphertext, Error};

pub(super) const BLOCK: usize = 16;
/// The random block at the beginning stands in for one.
const NO_VECTOR: [u8; BLOCK] = [0; BLOCK];
const PREFIX: usize = BLOCK + 2;
const MDC_HEADER: [u8; 2] = [0xD3, 0x14];
const MDC: usize = 2 + 20;
const VERSION: u8 = 1;
/// Octets buffered at a time; whole blocks and steps.
const CHUNK: usize = 64 * 1024;
/// CFB encryption and SHA-1 each wait for their own last block: in small turns the processor overlaps them (+ 35 %).
const STEP: usize = 64;

/// Where the data of a chunk begins in the buffer: after the length of a partial body and one octet of the body.
const DATA: usize = 2;

/// Writes one SEIPD packet, version 1, of unknown length, encrypted with AES-256. Nothing is valid before `finish`.
///
/// The version octet is not encrypted and would shift all blocks by one against the partial bodies. So the last octet
/// of a chunk waits for the next, and every chunk is encrypted and handed on where it was gathered.
pub(super) struct MdcWriter<W: Write> {
    out: W,
    cipher: cfb_mode::Encryptor<Aes256>,
    hash: Sha1,
    /// Octet of a length, octet carried over, data.
    buffer: Vec<u8>,
}

impl<W: Write> MdcWriter<W> {
    pub(super) fn new(mut out: W, key: &[u8]) -> io::Result<Self> {
        let cipher = cfb_mode::Encryptor::new_from_slices(key, &NO_VECTOR)
            .map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        let mut prefix = [0; PREFIX];
        getrandom::fill(&mut prefix[..BLOCK])?;
        prefix.copy_within(BLOCK - 2..BLOCK, BLOCK);

        out.write_all(&[packet::header(SEIPD)])?;
        let mut buffer = Vec::with_capacity(DATA + CHUNK);
        buffer.extend_from_slice(&[packet::partial_length(CHUNK), VERSION]);
        buffer.extend_from_slice(&prefix);
        Ok(Self { out, cipher, hash: Sha1::new(), buffer })
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.pass_chunk_if_full()?;
        self.hash.update(&self.buffer[DATA..]);
        self.hash.update(MDC_HEADER);
        self.buffer.extend_from_slice(&MDC_HEADER);
        self.buffer.extend_from_slice(&self.hash.finalize());
        self.cipher.encrypt(&mut self.buffer[DATA..]);
        packet::write_length(&mut self.out, self.buffer.len() - 1)?;
        self.out.write_all(&self.buffer[1..])?;
        Ok(self.out)
    }

    fn pass_chunk_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < DATA + CHUNK {
            return Ok(());
        }
        let data = &mut self.buffer[DATA..];
        self.cipher.encrypt_with_backend(HashThenEncrypt { data, hash: &mut self.hash });
        let carried = self.buffer.pop().unwrap_or_default();
        self.out.write_all(&self.buffer)?;
        self.buffer.truncate(1);
        self.buffer.push(carried);
        Ok(())
    }
}

/// Takes whole steps. Every call of the cipher lays out the round keys anew, which for a step alone costs more than its
/// encryption: so one call has all steps.
struct HashThenEncrypt<'a> {
    data: &'a mut [u8],
    hash: &'a mut Sha1,
}

impl BlockSizeUser for HashThenEncrypt<'_> {
    type BlockSize = U16;
}

impl BlockModeEncClosure for HashThenEncrypt<'_> {
    #[inline(always)]
    fn call<B: BlockModeEncBackend<BlockSize = U16>>(self, backend: &mut B) {
        for step in self.data.chunks_exact_mut(STEP) {
            self.hash.update(&*step);
            let (blocks, _) = Array::slice_as_chunks_mut(step);
            for block in blocks {
                backend.encrypt_block_inplace(block);
            }
        }
    }
}

impl<W: Write> Write for MdcWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.pass_chunk_if_full()?;
        let taken = data.len().min(DATA + CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// CFB decryption of data that comes in order, in whole blocks except at the end.
pub(super) trait Decrypt: Send {
    fn decrypt(&mut self, data: &mut [u8]);
}

impl<M: BlockModeDecrypt<BlockSize = U16> + Send> Decrypt for M {
    fn decrypt(&mut self, data: &mut [u8]) {
        let (blocks, rest) = Array::slice_as_chunks_mut(data);
        self.decrypt_blocks(blocks);
        if !rest.is_empty() {
            let mut last = Array::default();
            last[..rest.len()].copy_from_slice(rest);
            self.decrypt_block(&mut last);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// By AES, the variant given by the key's length. `vector` is one block.
pub(super) fn decryptor(key: &[u8], vector: &[u8]) -> Result<Box<dyn Decrypt>, io::Error> {
    fn boxed<M>(key: &[u8], vector: &[u8]) -> Result<Box<dyn Decrypt>, io::Error>
    where
        M: KeyIvInit + Decrypt + 'static,
    {
        match M::new_from_slices(key, vector) {
            Ok(mode) => Ok(Box::new(mode)),
            Err(_) => Err(ErrorKind::InvalidInput.into()),
        }
    }
    match key.len() {
        16 => boxed::<cfb_mode::Decryptor<Aes128>>(key, vector),
        24 => boxed::<cfb_mode::Decryptor<Aes192>>(key, vector),
        _ => boxed::<cfb_mode::Decryptor<Aes256>>(key, vector),
    }
}

/// Whether the packet that begins so is decrypted by this key into something with a packet at its beginning.
pub(super) fn begins_well(packet: &[u8], key: &[u8]) -> io::Result<bool> {
    let Some(mut body) = Body::next(packet)? else { return Ok(false) };
    let mut start = [0; 1 + PREFIX + 1];
    body.read_exact(&mut start)?;
    let text = &mut start[1..];
    decryptor(key, &NO_VECTOR)?.decrypt(text);
    let first = text[PREFIX];
    let tag = if first & 0x40 != 0 { first & 0x3F } else { (first >> 2) & 0x0F };
    let content = [SIGNATURE, ONE_PASS_SIGNATURE, COMPRESSED, MARKER, LITERAL];
    Ok(text[BLOCK - 2..BLOCK] == text[BLOCK..PREFIX] && first & 0x80 != 0 && content.contains(&tag))
}

/// The body of a packet that [`MdcWriter`] or another program wrote with AES, the variant given by the key's length.
///
/// The last chunk is given out only when the MDC is right, or in its place where the ciphertext is proven.
pub(super) struct MdcChunks<R> {
    source: R,
    cipher: Box<dyn Decrypt>,
    /// `None`: the ciphertext is proven, so that there is nothing for the MDC to find.
    hash: Option<Sha1>,
    /// As long as a chunk and an MDC.
    buffer: Vec<u8>,
    /// Octets of the buffer that are decrypted.
    filled: usize,
    /// `buffer[start..end]` is the chunk; what follows may be the MDC.
    start: usize,
    end: usize,
    ended: bool,
}

impl<R: Read> MdcChunks<R> {
    /// `source` is the packet's body after the version octet. `None` when the repeated octets show a wrong key.
    pub(super) fn new(source: R, key: &[u8], ciphertext: Ciphertext) -> Result<Option<Self>, Error> {
        let mut chunks = Self {
            source,
            cipher: decryptor(key, &NO_VECTOR)?,
            hash: (ciphertext == Ciphertext::Unproven).then(Sha1::new),
            buffer: vec![0; MDC + CHUNK],
            filled: 0,
            start: 0,
            end: 0,
            ended: false,
        };
        chunks.decrypt()?;
        let Some(mdc) = chunks.filled.checked_sub(MDC).filter(|&mdc| mdc >= PREFIX) else {
            return Err(altered());
        };
        if chunks.buffer[BLOCK - 2..BLOCK] != chunks.buffer[BLOCK..PREFIX] {
            let key_is_right = chunks.ended && chunks.buffer[mdc..chunks.filled].starts_with(&MDC_HEADER);
            return if key_is_right { Err(altered()) } else { Ok(None) };
        }
        chunks.release()?;
        chunks.start = PREFIX;
        Ok(Some(chunks))
    }

    /// Known already after the first chunk when the message is short.
    pub(super) fn is_authenticated(&self) -> bool {
        self.ended && self.hash.is_some()
    }

    /// Keeps what may be the MDC and appends as much as there is, up to a chunk.
    fn decrypt(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.end..self.filled, 0);
        let kept = self.filled - self.end;
        (self.start, self.end, self.filled) = (0, 0, kept);
        while self.filled < kept + CHUNK && !self.ended {
            match self.source.read(&mut self.buffer[self.filled..kept + CHUNK]) {
                Ok(count) => (self.filled, self.ended) = (self.filled + count, count == 0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.cipher.decrypt(&mut self.buffer[kept..self.filled]);
        Ok(())
    }

    /// Releases all that cannot be the MDC; at the end only if the MDC is right.
    fn release(&mut self) -> Result<(), Error> {
        let (data, mdc) = self.buffer[..self.filled].split_at(self.filled - MDC);
        if self.ended && mdc[..2] != MDC_HEADER {
            return Err(altered());
        }
        if let Some(hash) = &mut self.hash {
            hash.update(data);
            if self.ended {
                hash.update(MDC_HEADER);
                if mdc[2..] != hash.finalize_reset()[..] {
                    return Err(altered());
                }
            }
        }
        self.end = data.len();
        Ok(())
    }
}

impl<R: Read> Chunks for MdcChunks<R> {
    fn chunk(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn advance(&mut self) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        self.decrypt()?;
        self.release()?;
        Ok(true)
    }
}
