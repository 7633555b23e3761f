//! The volumes of one batch: entries go in, full volumes are sealed and a new one begins.

use std::io;

use crate::destination::Destination;
use crate::duplicity::difftar::{Body, DifftarWriter};
use crate::duplicity::manifest::Boundary;
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};
use crate::repository::seal::{SealedWriter, Sealing};
use crate::repository::writer::{FinishedVolume, put_error};

pub(super) struct Volumes<'a> {
    destination: &'a dyn Destination,
    sealing: &'a Sealing,
    /// Plain bytes after which a volume is closed at the next entry.
    size: u64,
    open: Option<Open>,
    finished: Vec<FinishedVolume>,
}

struct Open {
    tar: DifftarWriter<SealedWriter>,
    start: Boundary,
    end: Boundary,
}

/// One tar entry of a file's body.
pub(super) struct Part<'a> {
    pub(super) body: Body,
    /// From 1; `None` when the whole body is in this entry.
    pub(super) number: Option<u64>,
    pub(super) data: &'a [u8],
    pub(super) last: bool,
}

impl<'a> Volumes<'a> {
    pub(super) fn new(destination: &'a dyn Destination, sealing: &'a Sealing, size: u64) -> Self {
        Self { destination, sealing, size, open: None, finished: Vec::new() }
    }

    pub(super) fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Result<()> {
        self.at(path, None)?.object(path, attributes).map_err(put_error)
    }

    pub(super) fn deleted(&mut self, path: &EntryPath) -> Result<()> {
        self.at(path, None)?.deleted(path).map_err(put_error)
    }

    pub(super) fn file(&mut self, path: &EntryPath, attributes: &Attributes, part: &Part) -> Result<()> {
        let Some(number) = part.number else {
            return self.at(path, None)?.file(path, attributes, part.body, part.data).map_err(put_error);
        };
        // A file's last part is recorded without its number (`FORMAT.md`, manifest).
        let block = if part.last { None } else { Some(number) };
        let tar = self.at(path, block)?;
        tar.part(path, attributes, part.body, number, part.data, part.last).map_err(put_error)
    }

    /// The volume in which an entry for `path` goes next. A single entry is never split.
    fn at(&mut self, path: &EntryPath, block: Option<u64>) -> Result<&mut DifftarWriter<SealedWriter>> {
        if self.open.as_ref().is_some_and(|open| open.tar.bytes_written() >= self.size) {
            self.close()?;
        }
        let here = Boundary { path: path.clone(), block };
        let open = match self.open.take() {
            Some(open) => Open { end: here, ..open },
            None => {
                let staged = self.destination.stage()?;
                let sealed = SealedWriter::new(staged, self.sealing).map_err(put_error)?;
                Open { tar: DifftarWriter::new(sealed), start: here.clone(), end: here }
            }
        };
        Ok(&mut self.open.insert(open).tar)
    }

    fn close(&mut self) -> Result<()> {
        if let Some(Open { tar, start, end }) = self.open.take() {
            let seal = || -> io::Result<_> { tar.finish()?.finish() };
            let sealed = seal().map_err(put_error)?;
            self.finished.push(FinishedVolume { sealed, start, end });
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<FinishedVolume>> {
        self.close()?;
        Ok(self.finished)
    }
}

/// Whether an entry was refused before anything of it was written (`DifftarWriter`).
pub(super) fn was_refused(error: &Error) -> bool {
    use std::error::Error as _;
    let Error::Destination(error) = error else { return false };
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidInput)
}
