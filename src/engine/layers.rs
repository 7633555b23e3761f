//! A base and the deltas on it as one stream: content passes through all deltas at once, and once, in memory, as
//! long as they take it more or less in order. Deltas of files that were edited, or that grew, do.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::{SpooledTempFile, spooled_tempfile_in};

use super::assemble::{Failure, IN_MEMORY, Outcome, Take};
use super::states::{FileState, States};
use crate::delta::{Onwards, Patched, furthest_step_back};
use crate::error::Error;

/// Bytes that go through all layers at a time.
const PIECE: u64 = 64 * 1024;
/// Bytes of a layer's content that may be kept for the layer above, which then goes back as far.
const BACK: usize = 256 * 1024;
/// After so many, content is written to a file in between: each layer reads through all those below it.
const LAYERS: usize = 64;

/// Hands over what the file's deltas make of its base. `scratch`: where temporary files may lie.
pub(super) fn apply(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    take: &mut Take<'_>,
) -> Outcome<()> {
    let deltas = match Shelf::fill(states, file, scratch)? {
        Ok(deltas) => deltas,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut content: Box<dyn Read + '_> = Box::new(file.base(states));
    for index in 0..deltas.ends.len() {
        let back = match furthest_step_back(deltas.delta(index)) {
            Ok(back) => usize::try_from(back).unwrap_or(usize::MAX),
            Err(error) => return unreadable(error),
        };
        if back <= BACK && (index + 1) % LAYERS != 0 {
            content = Box::new(Patched::new(Onwards::new(content, back), deltas.delta(index)));
            continue;
        }
        let mut basis = spooled_tempfile_in(IN_MEMORY, scratch);
        if let Err(failure) = copy(&mut content, |piece| basis.write_all(&piece))? {
            return Ok(Err(failure));
        }
        content = Box::new(Patched::new(basis, deltas.delta(index)));
    }
    Ok(copy(&mut content, take)?.map(drop))
}

/// The deltas of one file, set aside: all are read at the same time, in small steps, after they were looked at.
struct Shelf {
    file: RefCell<SpooledTempFile>,
    /// Where each ends and the next begins.
    ends: Vec<u64>,
}

impl Shelf {
    fn fill(states: &mut States, file: &mut FileState, scratch: &Path) -> Outcome<Self> {
        let mut spool = spooled_tempfile_in(IN_MEMORY, scratch);
        let (mut end, mut ends) = (0, Vec::new());
        while let Some(mut delta) = file.delta(ends.len(), states) {
            match copy(&mut delta, |piece| spool.write_all(&piece))? {
                Ok(length) => end += length,
                Err(failure) => return Ok(Err(failure)),
            }
            ends.push(end);
        }
        Ok(Ok(Self { file: RefCell::new(spool), ends }))
    }

    fn delta(&self, index: usize) -> OnShelf<'_> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        OnShelf { file: &self.file, start, end: self.ends[index] }
    }
}

struct OnShelf<'s> {
    file: &'s RefCell<SpooledTempFile>,
    start: u64,
    end: u64,
}

impl Read for OnShelf<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(self.start))?;
        let most = usize::try_from(self.end - self.start).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = file.read(&mut buffer[..most])?;
        self.start += read as u64;
        Ok(read)
    }
}

fn copy(from: &mut impl Read, mut to: impl FnMut(Vec<u8>) -> io::Result<()>) -> Outcome<u64> {
    let mut copied = 0;
    loop {
        let mut piece = Vec::with_capacity(PIECE as usize);
        match from.take(PIECE).read_to_end(&mut piece) {
            Ok(0) => return Ok(Ok(copied)),
            Ok(read) => copied += read as u64,
            Err(error) => return unreadable(error),
        }
        if let Err(error) = to(piece) {
            return Ok(Err(Failure::Write(error)));
        }
    }
}

/// An error of the whole run that came through a reader is itself again; any other costs this file.
fn unreadable<T>(error: io::Error) -> Outcome<T> {
    match error.downcast::<Error>() {
        Ok(of_the_run) => Err(of_the_run),
        Err(error) => Ok(Err(Failure::Lost(error.to_string()))),
    }
}
