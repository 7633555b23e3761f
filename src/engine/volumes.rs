//! The volumes of one batch: entries go in, full volumes are sealed and a new one begins.
//!
//! Volumes of a file that has a batch to itself are parked as they are sealed, so that the next run can
//! adopt them should this one not get to the file's end.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::produce::Fault;
use crate::crypto::Opener;
use crate::destination::Destination;
use crate::duplicity::difftar::{Body, DifftarWriter};
use crate::duplicity::manifest::Boundary;
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};
use crate::repository::parked::{Comparing, Parked, ParkedList};
use crate::repository::seal::{Lying, SealedWriter, Sealing};
use crate::repository::writer::{FinishedVolume, line, put_error};

pub(super) struct Volumes<'a> {
    destination: &'a dyn Destination,
    sealing: &'a Sealing,
    /// Plain bytes after which a volume is closed at the next entry.
    size: u64,
    open: Option<Open>,
    finished: Vec<FinishedVolume>,
    parking: Option<Parking<'a>>,
}

/// For the batch of one large file.
pub(super) struct Parking<'a> {
    pub(super) list: &'a ParkedList,
    pub(super) opener: &'a Opener,
    pub(super) path: &'a EntryPath,
    /// What an earlier run stored of the file, to be compared with what this one would store.
    pub(super) adoptable: VecDeque<Parked>,
}

struct Open {
    tar: DifftarWriter<To>,
    start: Boundary,
    end: Boundary,
}

enum To {
    Place(SealedWriter),
    Comparison(Box<Comparing>),
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Place(writer) => writer.write(bytes),
            Self::Comparison(comparing) => comparing.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One tar entry of a file's body.
pub(super) struct Part<'a> {
    pub(super) body: Body,
    /// From 1; `None` when the whole body is in this entry.
    pub(super) number: Option<u64>,
    pub(super) data: &'a [u8],
    pub(super) last: bool,
}

type Outcome<T> = std::result::Result<T, Fault>;

impl<'a> Volumes<'a> {
    pub(super) fn new(
        destination: &'a dyn Destination,
        sealing: &'a Sealing,
        size: u64,
        parking: Option<Parking<'a>>,
    ) -> Self {
        // The cuts must be where the earlier run made them.
        let earlier = parking.as_ref().and_then(|parking| parking.adoptable.front());
        let size = earlier.map_or(size, |parked| parked.volume_size);
        Self { destination, sealing, size, open: None, finished: Vec::new(), parking }
    }

    pub(super) fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Outcome<()> {
        Ok(self.at(path, None)?.object(path, attributes).map_err(put_error)?)
    }

    pub(super) fn deleted(&mut self, path: &EntryPath) -> Outcome<()> {
        Ok(self.at(path, None)?.deleted(path).map_err(put_error)?)
    }

    pub(super) fn file(&mut self, path: &EntryPath, attributes: &Attributes, part: &Part) -> Outcome<()> {
        let Some(number) = part.number else {
            let tar = self.at(path, None)?;
            return Ok(tar.file(path, attributes, part.body, part.data).map_err(put_error)?);
        };
        // A file's last part is recorded without its number (`FORMAT.md`, manifest).
        let block = if part.last { None } else { Some(number) };
        let tar = self.at(path, block)?;
        Ok(tar.part(path, attributes, part.body, number, part.data, part.last).map_err(put_error)?)
    }

    /// The volume in which an entry for `path` goes next. A single entry is never split.
    fn at(&mut self, path: &EntryPath, block: Option<u64>) -> Outcome<&mut DifftarWriter<To>> {
        if self.open.as_ref().is_some_and(|open| open.tar.bytes_written() >= self.size) {
            self.close()?;
        }
        let here = Boundary { path: path.clone(), block };
        let open = match self.open.take() {
            Some(open) => Open { end: here, ..open },
            None => Open { tar: DifftarWriter::new(self.begin()?), start: here.clone(), end: here },
        };
        Ok(&mut self.open.insert(open).tar)
    }

    fn begin(&mut self) -> Result<To> {
        if let Some(parking) = &mut self.parking
            && let Some(parked) = parking.adoptable.pop_front()
        {
            match Comparing::open(self.destination, parking.opener, parked)? {
                Some(comparing) => return Ok(To::Comparison(Box::new(comparing))),
                None => parking.adoptable.clear(),
            }
        }
        let staged = self.destination.stage()?;
        Ok(To::Place(SealedWriter::new(staged, self.sealing).map_err(put_error)?))
    }

    fn close(&mut self) -> Outcome<()> {
        let Some(Open { tar, start, end }) = self.open.take() else { return Ok(()) };
        match tar.finish().map_err(put_error)? {
            To::Comparison(comparing) => match comparing.finish(&start, &end)? {
                Some(volume) => self.finished.push(volume),
                // The file is no longer what it was: its volumes up to here stand, the others are made anew.
                None => return Err(Fault::NotAdopted { adopted: self.finished.len() }),
            },
            To::Place(writer) => {
                let sealed = writer.finish().map_err(put_error)?;
                let volume = FinishedVolume { sealed, start, end };
                if let Some(parking) = &self.parking
                    && volume.end.block.is_some()
                {
                    let (index, encrypted) = (self.finished.len(), self.sealing.is_encrypted());
                    parking.list.note(parking.path, index, self.size, encrypted, line(0, &volume))?;
                }
                self.finished.push(volume);
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Outcome<Vec<FinishedVolume>> {
        self.close()?;
        Ok(std::mem::take(&mut self.finished))
    }
}

impl Drop for Volumes<'_> {
    /// The run ends within the file: what is sealed of it stays, invisible, as the list says.
    fn drop(&mut self) {
        if self.parking.is_none() {
            return;
        }
        for volume in self.finished.drain(..).filter(|volume| volume.end.block.is_some()) {
            if let Lying::Staged(staged) = volume.sealed.staged {
                // If it cannot stay, the next run stores it again.
                let _ = staged.park();
            }
        }
    }
}

/// Whether an entry was refused before anything of it was written (`DifftarWriter`).
pub(super) fn was_refused(fault: &Fault) -> bool {
    use std::error::Error as _;
    let Fault::Run(Error::Destination(error)) = fault else { return false };
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidInput)
}
