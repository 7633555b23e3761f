//! Reading and writing a tar stream entry by entry: framing, long names, PAX headers, the end of the archive
//! (`FORMAT.md` sections 3.1 and 3.4). What an entry *means* is up to `difftar` and `sigtar`.

use std::io::{self, Read, Write};

use tar::Header;

use super::header::{self, BLOCK, Decoded, Extensions, Scope};
use crate::entry::{Attributes, InvalidPath};

/// Tar writers fill the archive up to a multiple of this many bytes.
const RECORD: u64 = 10240;

/// Why an archive, or one entry of it, cannot be read. Offsets are bytes from the start of the tar stream.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The entry's name would leave the tree.
    #[error("tar entry at byte {offset}: {source}")]
    InvalidPath { offset: u64, source: InvalidPath },
    /// Some other fault that concerns this entry only.
    #[error("tar entry {:?} at byte {offset}: expected {expected}", String::from_utf8_lossy(.name))]
    UnusableEntry { offset: u64, name: Vec<u8>, expected: &'static str },
    #[error("tar stream at byte {offset}: expected {expected}")]
    Malformed { offset: u64, expected: &'static str },
    #[error("tar stream ends at byte {offset}: expected {expected}")]
    Truncated { offset: u64, expected: &'static str },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FormatError {
    /// Whether only this entry is lost: the reader's `next` goes on with the one after it.
    pub fn concerns_one_entry(&self) -> bool {
        matches!(self, Self::InvalidPath { .. } | Self::UnusableEntry { .. })
    }
}

/// The zero bytes that end an archive of `total_len` bytes: at least 1024, up to a multiple of 10240.
pub fn end_of_archive(total_len: u64) -> Vec<u8> {
    let end = (total_len + 2 * BLOCK as u64).next_multiple_of(RECORD);
    vec![0; (end - total_len) as usize]
}

/// Bytes from `size` to the next block boundary.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

pub(super) struct ArchiveWriter<W> {
    out: W,
    written: u64,
    /// Name of the next entry; kept between entries for its memory, like `head`.
    pub(super) name: Vec<u8>,
    head: Vec<u8>,
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, written: 0, name: Vec::new(), head: Vec::new() }
    }

    /// Sets the next entry's name; a directory's ends with a slash.
    pub(super) fn set_name(&mut self, prefix: &str, path: &[u8], directory: bool) {
        self.name.clear();
        self.name.extend_from_slice(prefix.as_bytes());
        self.name.push(b'/');
        self.name.extend_from_slice(path);
        if directory && self.name.last() != Some(&b'/') {
            self.name.push(b'/');
        }
    }

    /// Writes the entry named by `name`. Fails with [`io::ErrorKind::InvalidInput`], before anything is
    /// written, when the extended attributes are larger than any reader accepts.
    pub(super) fn append(&mut self, attributes: &Attributes, scope: Scope, data: &[u8]) -> io::Result<()> {
        let size = data.len() as u64;
        header::encode(&mut self.head, &self.name, attributes, size, scope)?;
        self.out.write_all(&self.head)?;
        self.out.write_all(data)?;
        let padding = padding(size);
        self.out.write_all(&[0; BLOCK][..padding as usize])?;
        self.written += self.head.len() as u64 + size + padding;
        Ok(())
    }

    pub(super) fn bytes_written(&self) -> u64 {
        self.written
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&end_of_archive(self.written))?;
        Ok(self.out)
    }

    pub(super) fn into_fragment(self) -> W {
        self.out
    }
}

/// A byte stream that knows where it is.
struct Source<R> {
    inner: R,
    offset: u64,
}

impl<R: Read> Source<R> {
    /// Fills `block`; `false` at a clean end of the stream.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, FormatError> {
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(self.truncated("a whole header block")),
                Ok(n) => (filled, self.offset) = (filled + n, self.offset + n as u64),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(true)
    }

    fn skip(&mut self, count: u64) -> Result<(), FormatError> {
        let skipped = io::copy(&mut self.inner.by_ref().take(count), &mut io::sink())?;
        self.offset += skipped;
        if skipped < count { Err(self.truncated("the rest of an entry")) } else { Ok(()) }
    }

    /// Appends the `size` bytes of an auxiliary entry (and skips its padding). `into` grows as bytes arrive,
    /// never beyond `limit`, whatever the header claims.
    fn read_auxiliary(&mut self, into: &mut Vec<u8>, size: u64, limit: usize) -> Result<(), FormatError> {
        if size > limit.saturating_sub(into.len()) as u64 {
            return Err(self.malformed("a smaller extended header"));
        }
        let read = self.inner.by_ref().take(size).read_to_end(into)? as u64;
        self.offset += read;
        if read < size {
            return Err(self.truncated("the rest of an extended header"));
        }
        self.skip(padding(size))
    }

    fn malformed(&self, expected: &'static str) -> FormatError {
        FormatError::Malformed { offset: self.offset, expected }
    }

    fn truncated(&self, expected: &'static str) -> FormatError {
        FormatError::Truncated { offset: self.offset, expected }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// The end-of-archive block or the end of the stream was met.
    Ended,
    Failed,
}

pub(super) struct ArchiveReader<R> {
    source: Source<R>,
    block: Header,
    extensions: Extensions,
    /// Name of the current entry.
    name: Vec<u8>,
    /// Offset of the first header block that belongs to the current entry.
    start: u64,
    /// Offset of the current entry's own header.
    entry_offset: u64,
    /// Bytes of the current body not yet read, and the padding after it.
    remaining: u64,
    padding: u64,
    state: State,
}

impl<R: Read> ArchiveReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            source: Source { inner, offset: 0 },
            block: Header::new_old(),
            extensions: Extensions::default(),
            name: Vec::new(),
            start: 0,
            entry_offset: 0,
            remaining: 0,
            padding: 0,
            state: State::Reading,
        }
    }

    /// The next real entry; long names and extended headers on the way are taken in.
    pub(super) fn next(&mut self) -> Result<Option<Decoded>, FormatError> {
        match self.state {
            State::Ended => return Ok(None),
            State::Failed => return Err(self.source.malformed("no reading on after damage")),
            State::Reading => {}
        }
        let result = self.advance();
        match &result {
            Ok(None) => self.state = State::Ended,
            Err(e) if !e.concerns_one_entry() => {
                (self.state, self.remaining) = (State::Failed, 0);
            }
            _ => {}
        }
        result
    }

    fn advance(&mut self) -> Result<Option<Decoded>, FormatError> {
        self.source.skip(self.remaining + self.padding)?;
        (self.remaining, self.padding) = (0, 0);
        self.extensions.clear();
        self.start = self.source.offset;
        loop {
            self.entry_offset = self.source.offset;
            if !self.source.read_block(self.block.as_mut_bytes())? || header::is_zero(&self.block) {
                return Ok(None);
            }
            let damaged = |expected| FormatError::Malformed { offset: self.entry_offset, expected };
            if !header::checksum_matches(&self.block) {
                return Err(damaged("a header with a right checksum"));
            }
            let size = header::stored_size(&self.block).ok_or_else(|| damaged("a size"))?;
            let Some((body, limit)) = self.extensions.body_for(&self.block) else { break };
            self.source.read_auxiliary(body, size, limit)?;
        }
        let decoded = header::decode(&self.block, &self.extensions, &mut self.name);
        if decoded.has_body {
            // A hostile size must not overflow the sum with its padding.
            self.remaining = decoded.size.min(u64::MAX - BLOCK as u64);
            self.padding = padding(self.remaining);
        }
        match decoded.fault {
            Some(expected) => Err(self.unusable(expected)),
            None => Ok(Some(decoded)),
        }
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Offset at which another reader would find the current entry, extended headers included.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn unusable(&self, expected: &'static str) -> FormatError {
        FormatError::UnusableEntry { offset: self.entry_offset, name: self.name.clone(), expected }
    }

    pub(super) fn invalid_path(&self, source: InvalidPath) -> FormatError {
        FormatError::InvalidPath { offset: self.entry_offset, source }
    }

    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Reads the stream to its very end, past the end-of-archive and whatever follows it, and gives it back.
    pub(super) fn finish(mut self) -> io::Result<R> {
        io::copy(&mut self.source.inner, &mut io::sink())?;
        Ok(self.source.inner)
    }
}

/// The body of the current entry.
impl<R: Read> Read for ArchiveReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buf.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.source.inner.read(&mut buf[..wanted])?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                self.source.truncated("an entry's body"),
            ));
        }
        self.remaining -= read as u64;
        self.source.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod interop;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
pub(super) mod samples;
