//! Volumes: the objects, contents and deltas of one set, in path order (`FORMAT.md` section 3).

use std::io::{self, Read, Write};

use super::archive::{ArchiveReader, ArchiveWriter};
use super::header::Scope;
use super::pax::parse_decimal;
use crate::entry::{Attributes, EntryPath, Kind};

pub use super::archive::{FormatError, end_of_archive};

/// Contents and deltas of this many bytes or more are stored in parts of exactly so many; the last one is shorter.
pub const PART_SIZE: usize = 65536;

/// What an entry says of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// The complete object; of a file, its whole content.
    Snapshot,
    /// A delta against the file's previous content.
    Diff,
    /// The path no longer exists.
    Deleted,
}

/// What a file's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Whole content.
    Snapshot,
    /// Delta against the previous content of the same path.
    Diff,
}

/// Writes one volume. Keeping the order of `FORMAT.md` section 3.5 is up to the caller.
///
/// Every method fails with [`io::ErrorKind::InvalidInput`], before it writes anything, when the extended
/// attributes exceed 8 MiB; any other error leaves the volume useless.
pub struct DifftarWriter<W> {
    archive: ArchiveWriter<W>,
}

impl<W: Write> DifftarWriter<W> {
    pub fn new(out: W) -> Self {
        Self { archive: ArchiveWriter::new(out) }
    }

    /// A directory, symlink, fifo or device.
    pub fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> io::Result<()> {
        debug_assert_ne!(attributes.kind, Kind::File);
        self.set_name("snapshot", path, attributes.kind);
        self.archive.append(attributes, Scope::Volume, &[])
    }

    /// A file whose whole body is `data`, less than [`PART_SIZE`] bytes.
    pub fn file(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
        body: Body,
        data: &[u8],
    ) -> io::Result<()> {
        debug_assert!(attributes.kind == Kind::File && data.len() < PART_SIZE);
        let prefix = match body {
            Body::Snapshot => "snapshot",
            Body::Diff => "diff",
        };
        self.set_name(prefix, path, attributes.kind);
        self.archive.append(attributes, Scope::Volume, data)
    }

    /// Part `number`, from 1, of a file's body: [`PART_SIZE`] bytes, but the `last` one shorter, possibly
    /// empty. Only the last one records `attributes.content`.
    pub fn part(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
        body: Body,
        number: u64,
        data: &[u8],
        last: bool,
    ) -> io::Result<()> {
        debug_assert!(attributes.kind == Kind::File && number > 0);
        debug_assert_eq!(last, data.len() < PART_SIZE);
        let prefix = match body {
            Body::Snapshot => "multivol_snapshot",
            Body::Diff => "multivol_diff",
        };
        self.set_name(prefix, path, attributes.kind);
        // Writing to a Vec cannot fail.
        let _ = write!(self.archive.name, "/{number}");
        self.archive.append(attributes, if last { Scope::Volume } else { Scope::Part }, data)
    }

    pub fn deleted(&mut self, path: &EntryPath) -> io::Result<()> {
        self.set_name("deleted", path, Kind::File);
        self.archive.append(&Attributes::default(), Scope::Volume, &[])
    }

    /// Length of the tar stream so far.
    pub fn bytes_written(&self) -> u64 {
        self.archive.bytes_written()
    }

    /// Writes the end of the archive.
    pub fn finish(self) -> io::Result<W> {
        self.archive.finish()
    }

    /// The root is `.` in volumes, hence `snapshot/./` for a directory.
    fn set_name(&mut self, prefix: &str, path: &EntryPath, kind: Kind) {
        let path = if path.is_root() { b"." } else { path.as_bytes() };
        self.archive.set_name(prefix, path, kind == Kind::Directory);
    }
}

/// One entry of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub element: Element,
    pub path: EntryPath,
    pub attributes: Attributes,
    /// The body is a part of the file's; writers count from 1, but nothing may rely on it.
    pub part: Option<u64>,
    /// Bytes of the body in this entry.
    pub size: u64,
    /// Written by a newer version of this program; what we know of it is read all the same.
    pub newer: bool,
}

/// Reads one volume. After [`next`](Self::next), reading gives the body of that entry; what is left of it is
/// skipped by the following call.
pub struct DifftarReader<R> {
    archive: ArchiveReader<R>,
}

impl<R: Read> DifftarReader<R> {
    pub fn new(inner: R) -> Self {
        Self { archive: ArchiveReader::new(inner) }
    }

    /// `None` at the end of the archive. After an error that [concerns one entry](FormatError::concerns_one_entry)
    /// the next call goes on behind it; any other error is final.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Entry>, FormatError> {
        let Some(decoded) = self.archive.next()? else { return Ok(None) };
        let (element, path, part) = match split_name(self.archive.name()) {
            Ok(name) => name,
            Err(expected) => return Err(self.archive.unusable(expected)),
        };
        match decoded.kind {
            None => return Err(self.archive.unusable("a file, directory, symlink, fifo or device")),
            Some(Kind::File) => {}
            Some(_) if element == Element::Snapshot && part.is_none() => {}
            Some(_) => return Err(self.archive.unusable("a regular file")),
        }
        let path = EntryPath::parse(path).map_err(|e| self.archive.invalid_path(e))?;
        let (attributes, size, newer) = (decoded.attributes, decoded.size, decoded.newer);
        Ok(Some(Entry { element, path, attributes, part, size, newer }))
    }

    /// Reads the stream to its very end, so that whoever checks its integrity has seen it all.
    pub fn finish(self) -> io::Result<R> {
        self.archive.finish()
    }
}

impl<R: Read> Read for DifftarReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.archive.read(buf)
    }
}

/// Cuts a stored name into its element, path and part number.
fn split_name(name: &[u8]) -> Result<(Element, &[u8], Option<u64>), &'static str> {
    let (prefix, path) = split_prefix(name);
    match prefix {
        b"snapshot" => Ok((Element::Snapshot, path, None)),
        b"diff" => Ok((Element::Diff, path, None)),
        b"deleted" => Ok((Element::Deleted, path, None)),
        b"multivol_snapshot" => split_part(path).map(|(path, n)| (Element::Snapshot, path, Some(n))),
        b"multivol_diff" => split_part(path).map(|(path, n)| (Element::Diff, path, Some(n))),
        _ => Err("a name that begins with snapshot, diff or deleted"),
    }
}

/// The first component, and what follows its slash.
pub(super) fn split_prefix(name: &[u8]) -> (&[u8], &[u8]) {
    let slash = memchr::memchr(b'/', name).unwrap_or(name.len());
    (&name[..slash], name.get(slash + 1..).unwrap_or_default())
}

fn split_part(path: &[u8]) -> Result<(&[u8], u64), &'static str> {
    let slash = memchr::memrchr(b'/', path);
    let number = parse_decimal(&path[slash.map_or(0, |s| s + 1)..]).ok_or("a part number")?;
    Ok((&path[..slash.unwrap_or(0)], number))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
