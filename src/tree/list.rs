//! The names in one directory: whole, sorted, in two blocks of memory however many they are.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

#[derive(Default)]
pub(super) struct Names {
    /// Each ended by NUL, in the order of the directory.
    bytes: Vec<u8>,
    /// Where each begins, sorted bytewise by name.
    sorted: Vec<(usize, FileType)>,
}

/// What one call to the kernel fills.
const BUFFER: usize = 32 * 1024;

impl Names {
    /// Reads all names before any is used: half a listing would make the rest look deleted. `buffer` is
    /// scratch space.
    pub(super) fn read(&mut self, directory: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        self.bytes.clear();
        self.sorted.clear();
        buffer.reserve(BUFFER);
        let mut listing = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                self.sorted.push((self.bytes.len(), entry.file_type()));
                self.bytes.extend_from_slice(entry.file_name().to_bytes_with_nul());
            }
        }
        let Self { bytes, sorted } = self;
        // The NUL that ends a name is below all that a longer one goes on with.
        sorted.sort_unstable_by(|a, b| bytes[a.0..].cmp(&bytes[b.0..]));
        // A name that is renamed during the listing may show up twice; the format allows no path twice.
        sorted.dedup_by(|a, b| name_at(bytes, a.0) == name_at(bytes, b.0));
        Ok(())
    }

    /// These instead of what the directory holds, in order; what kind each is of is not known.
    pub(super) fn set<'a>(&mut self, names: impl Iterator<Item = &'a [u8]>) {
        self.bytes.clear();
        self.sorted.clear();
        for name in names {
            self.sorted.push((self.bytes.len(), FileType::Unknown));
            self.bytes.extend_from_slice(name);
            self.bytes.push(0);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Names from the one with index `from` on, and what kind of object the listing says each is.
    pub(super) fn from(&self, from: usize) -> impl Iterator<Item = (&CStr, FileType)> {
        self.sorted
            .get(from..)
            .unwrap_or_default()
            .iter()
            .map(|(start, kind)| (name_at(&self.bytes, *start), *kind))
    }
}

fn name_at(bytes: &[u8], start: usize) -> &CStr {
    CStr::from_bytes_until_nul(&bytes[start..]).unwrap_or_default()
}
