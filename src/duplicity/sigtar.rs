//! Signature archives: what the next backup compares with, in path order (`FORMAT.md` section 4).

use std::io::{self, Read, Write};

use super::archive::{ArchiveReader, ArchiveWriter};
use super::difftar::split_prefix;
use super::header::Scope;
use crate::entry::{Attributes, EntryPath, Kind};

pub use super::archive::{FormatError, end_of_archive};

/// Largest signature that is read, in bytes: that of a file of many TiB.
const MAX_SIGNATURE: u64 = 1 << 30;

/// What an entry says of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// A file; the body is its librsync signature.
    Signature,
    /// Any other object, or a file without signature.
    Snapshot,
    /// The path no longer exists.
    Deleted,
}

/// Writes one signature archive, or a fragment of one. The order of entries is up to the caller.
pub struct SigtarWriter<W> {
    archive: ArchiveWriter<W>,
}

impl<W: Write> SigtarWriter<W> {
    pub fn new(out: W) -> Self {
        Self { archive: ArchiveWriter::new(out) }
    }

    /// A file with its librsync signature. An empty one, which crashes stock, is refused as
    /// [`io::ErrorKind::InvalidInput`].
    pub fn signature(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
        signature: &[u8],
    ) -> io::Result<()> {
        if signature.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "empty signature"));
        }
        self.append("signature", path, attributes, signature)
    }

    /// A directory, symlink, fifo or device; or a file that gets no signature.
    pub fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> io::Result<()> {
        self.append("snapshot", path, attributes, &[])
    }

    pub fn deleted(&mut self, path: &EntryPath) -> io::Result<()> {
        self.append("deleted", path, &Attributes::default(), &[])
    }

    /// Length of the tar stream so far.
    pub fn bytes_written(&self) -> u64 {
        self.archive.bytes_written()
    }

    /// Writes the end of the archive.
    pub fn finish(self) -> io::Result<W> {
        self.archive.finish()
    }

    /// Entries only. Fragments in path order, then [`end_of_archive`] of their total length, are an archive.
    pub fn into_fragment(self) -> W {
        self.archive.into_fragment()
    }

    fn append(
        &mut self,
        prefix: &str,
        path: &EntryPath,
        attributes: &Attributes,
        data: &[u8],
    ) -> io::Result<()> {
        self.archive.set_name(prefix, path.as_bytes(), attributes.kind == Kind::Directory);
        self.archive.append(attributes, Scope::Signature, data)
    }
}

/// One entry of a signature archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigEntry {
    pub element: Element,
    pub path: EntryPath,
    pub attributes: Attributes,
    /// Bytes of the signature.
    pub size: u64,
    /// Written by a newer version of this program; what we know of it is read all the same.
    pub newer: bool,
}

/// Reads one signature archive.
pub struct SigtarReader<R> {
    archive: ArchiveReader<R>,
}

impl<R: Read> SigtarReader<R> {
    pub fn new(inner: R) -> Self {
        Self { archive: ArchiveReader::new(inner) }
    }

    /// `None` at the end of the archive. After an error that [concerns one entry](FormatError::concerns_one_entry)
    /// the next call goes on behind it; any other error is final.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<SigEntry>, FormatError> {
        let Some(decoded) = self.archive.next()? else { return Ok(None) };
        let (prefix, path) = split_prefix(self.archive.name());
        let element = match (prefix, decoded.kind) {
            (_, None) => return Err(self.archive.unusable("a file, directory, symlink, fifo or device")),
            (b"snapshot", _) => Element::Snapshot,
            (b"signature", Some(Kind::File)) => Element::Signature,
            (b"deleted", Some(Kind::File)) => Element::Deleted,
            (b"signature" | b"deleted", _) => return Err(self.archive.unusable("a regular file")),
            _ => return Err(self.archive.unusable("a name that begins with signature, snapshot or deleted")),
        };
        let path = EntryPath::parse(path).map_err(|e| self.archive.invalid_path(e))?;
        let (attributes, size, newer) = (decoded.attributes, decoded.size, decoded.newer);
        Ok(Some(SigEntry { element, path, attributes, size, newer }))
    }

    /// Replaces `body` by the rest of the current entry's body. More than 1 GiB is refused; `next` can go on.
    pub fn read_body(&mut self, body: &mut Vec<u8>) -> Result<(), FormatError> {
        body.clear();
        if self.archive.remaining() > MAX_SIGNATURE {
            return Err(self.archive.unusable("a signature of at most 1 GiB"));
        }
        self.archive.read_to_end(body)?;
        Ok(())
    }

    /// Reads the stream to its very end, so that whoever checks its integrity has seen it all.
    pub fn finish(self) -> io::Result<R> {
        self.archive.finish()
    }
}
