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
    /// Where in the tar stream the entry begins.
    pub offset: u64,
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
        Ok(Some(SigEntry { element, path, attributes, offset: self.archive.start(), size, newer }))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::duplicity::archive::samples;

    fn path(s: &str) -> EntryPath {
        EntryPath::parse(s.as_bytes()).unwrap()
    }

    fn directory() -> Attributes {
        Attributes { kind: Kind::Directory, mode: 0o755, ..Attributes::default() }
    }

    #[test]
    fn fragments_and_an_end_make_the_same_archive_as_one_writer() {
        let mut whole = SigtarWriter::new(Vec::new());
        let mut first = SigtarWriter::new(Vec::new());
        let mut second = SigtarWriter::new(Vec::new());
        for writer in [&mut whole, &mut first] {
            writer.object(&EntryPath::root(), &directory()).unwrap();
            writer.signature(&path("a"), &Attributes::default(), b"signature").unwrap();
        }
        for writer in [&mut whole, &mut second] {
            writer.deleted(&path("b")).unwrap();
        }
        let mut joined = [first.into_fragment(), second.into_fragment()].concat();
        joined.extend_from_slice(&end_of_archive(joined.len() as u64));
        assert_eq!(joined.len(), 10240);
        assert!(joined == whole.finish().unwrap());
    }

    #[test]
    fn the_root_is_named_as_stock_names_it_in_signature_archives() {
        let mut writer = SigtarWriter::new(Vec::new());
        writer.object(&EntryPath::root(), &directory()).unwrap();
        assert!(writer.into_fragment().starts_with(b"snapshot/\0"));
    }

    #[test]
    fn an_empty_signature_is_never_written() {
        let mut writer = SigtarWriter::new(Vec::new());
        assert!(writer.signature(&path("a"), &Attributes::default(), b"").is_err());
        assert_eq!(writer.bytes_written(), 0);
    }

    #[test]
    fn an_oversized_signature_is_refused_without_reading_it() {
        let mut header = tar::Header::new_ustar();
        header.set_path("signature/huge").unwrap();
        header.set_size(2 << 30);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        let mut reader = SigtarReader::new(&header.as_bytes()[..]);
        assert_eq!(reader.next().unwrap().unwrap().size, 2 << 30);
        let error = reader.read_body(&mut Vec::new()).unwrap_err();
        assert!(error.concerns_one_entry(), "{error}");
    }

    proptest! {
        #[test]
        fn entries_are_read_as_written_but_for_extended_attributes(
            path in samples::path(), mut attributes in samples::file_attributes(),
            object in samples::object_attributes(), signature in proptest::collection::vec(any::<u8>(), 1..1500),
        ) {
            let mut writer = SigtarWriter::new(Vec::new());
            writer.signature(&path, &attributes, &signature).unwrap();
            writer.object(&path, &object).unwrap();
            let archive = writer.finish().unwrap();

            let (mut reader, mut body) = (SigtarReader::new(&archive[..]), Vec::new());
            let entry = reader.next().unwrap().unwrap();
            reader.read_body(&mut body).unwrap();
            attributes.extended = None;
            prop_assert_eq!((entry.element, entry.path, entry.attributes), (Element::Signature, path, attributes));
            prop_assert_eq!(body, signature);
            let entry = reader.next().unwrap().unwrap();
            prop_assert_eq!((entry.element, entry.attributes), (Element::Snapshot, Attributes { extended: None, ..object }));
            prop_assert!(reader.next().unwrap().is_none());
        }
    }
}
