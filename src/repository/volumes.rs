//! The volumes of one batch: entries go in, full volumes are sealed and a new one begins.
//!
//! Volumes of a file that has a batch to itself are parked as they are sealed, so that the next run can
//! adopt them should this one not get to the file's end.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::parked::{Comparing, Parked, ParkedList};
use super::seal::{Lying, SealedWriter, Sealing, put_error};
use super::writer::{FinishedVolume, line};
use crate::crypto::Opener;
use crate::destination::Destination;
use crate::duplicity::difftar::{Body, DifftarWriter};
use crate::duplicity::manifest::Boundary;
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};

pub(crate) struct Volumes<'a> {
    destination: &'a dyn Destination,
    sealing: &'a Sealing,
    /// Plain bytes after which a volume is closed at the next entry.
    size: u64,
    open: Option<Open>,
    finished: Vec<FinishedVolume>,
    parking: Option<Parking<'a>>,
}

/// For the batch of one large file.
pub(crate) struct Parking<'a> {
    pub(crate) list: &'a ParkedList,
    pub(crate) opener: &'a Opener,
    pub(crate) path: &'a EntryPath,
    /// What an earlier run stored of the file, to be compared with what this one would store.
    pub(crate) adoptable: VecDeque<Parked>,
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
pub(crate) struct Part<'a> {
    pub(crate) body: Body,
    /// From 1; `None` when the whole body is in this entry.
    pub(crate) number: Option<u64>,
    pub(crate) data: &'a [u8],
    pub(crate) last: bool,
}

/// Why volumes cannot go on.
pub(crate) enum VolumeFault {
    /// Only so many of the volumes that an earlier run parked are what this one would write.
    NotAdopted {
        adopted: usize,
    },
    Run(Error),
}

impl<E: Into<Error>> From<E> for VolumeFault {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

pub(crate) type Outcome<T> = std::result::Result<T, VolumeFault>;

impl<'a> Volumes<'a> {
    pub(crate) fn new(
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

    pub(crate) fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Outcome<()> {
        self.put(path, None, attributes, |tar, attributes| tar.object(path, attributes))
    }

    pub(crate) fn deleted(&mut self, path: &EntryPath) -> Outcome<()> {
        self.put(path, None, &Attributes::default(), |tar, _| tar.deleted(path))
    }

    pub(crate) fn file(&mut self, path: &EntryPath, attributes: &Attributes, part: &Part) -> Outcome<()> {
        let Part { body, number, data, last } = *part;
        // A file's last part is recorded without its number (`FORMAT.md`, manifest).
        let block = number.filter(|_| !last);
        self.put(path, block, attributes, |tar, attributes| match number {
            None => tar.file(path, attributes, body, data),
            Some(number) => tar.part(path, attributes, body, number, data, last),
        })
    }

    fn put(
        &mut self,
        path: &EntryPath,
        block: Option<u64>,
        attributes: &Attributes,
        write: impl Fn(&mut DifftarWriter<To>, &Attributes) -> io::Result<()>,
    ) -> Outcome<()> {
        let tar = self.at(path, block)?;
        let written = match write(tar, attributes) {
            // More extended attributes than a header can hold, and nothing written: the object matters more.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                write(tar, &Attributes { extended: None, ..attributes.clone() })
            }
            other => other,
        };
        Ok(written.map_err(put_error)?)
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
        Ok(To::Place(SealedWriter::stage(self.destination, self.sealing)?))
    }

    fn close(&mut self) -> Outcome<()> {
        let Some(Open { tar, start, end }) = self.open.take() else { return Ok(()) };
        match tar.finish().map_err(put_error)? {
            To::Comparison(comparing) => match comparing.finish(&start, &end)? {
                Some(volume) => self.finished.push(volume),
                // The file is no longer what it was: its volumes up to here stand, the others are made anew.
                None => return Err(VolumeFault::NotAdopted { adopted: self.finished.len() }),
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

    pub(crate) fn finish(&mut self) -> Outcome<Vec<FinishedVolume>> {
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
