//! Volumes of a file that a run did not get to the end of: kept at the place, invisible, for the next run.
//!
//! A file may fill many volumes, and none of them can be seen before the last one is there. What is
//! stored of it outlives the run: a list beside the cache names those volumes, and the next run adopts
//! them where it would write exactly the same bytes again. It reads them back to prove that.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Repository;
use super::journal::{self, Volume};
use super::seal::Sealed;
use super::volume::{self, Memory};
use super::writer::FinishedVolume;
use crate::crypto::{Ciphertext, Opener, protection_of};
use crate::destination::Destination;
use crate::duplicity::manifest::Boundary;
use crate::entry::EntryPath;
use crate::error::{Error, Result};

const LIST: &str = "hindsight-parked";

/// Volume `index` (from 0) of the file at `path`.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Parked {
    path: Vec<u8>,
    index: usize,
    encrypted: bool,
    /// Nominal plain bytes of the file's volumes: the next run cuts it at the same places.
    pub(crate) volume_size: u64,
    pub(crate) volume: Volume,
}

/// All that is known to be parked at one place; shared by the workers.
pub(crate) struct ParkedList {
    list: PathBuf,
    file: Mutex<Option<File>>,
    left_behind: BTreeMap<Vec<u8>, BTreeMap<usize, Parked>>,
}

impl ParkedList {
    /// What the last run left; lines that it did not finish are passed over.
    pub(crate) fn open(cache: &Path) -> Self {
        let list = cache.join(LIST);
        let mut left_behind: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        if let Ok(file) = File::open(&list) {
            let lines = BufReader::new(file).split(b'\n').map_while(io::Result::ok);
            for parked in lines.filter_map(|line| journal::parse::<Parked>(&line)) {
                left_behind.entry(parked.path.clone()).or_default().insert(parked.index, parked);
            }
        }
        Self { list, file: Mutex::new(None), left_behind }
    }

    /// Names at the place that must not be swept.
    pub(crate) fn names(&self) -> Vec<String> {
        let volumes = self.left_behind.values().flat_map(|file| file.values());
        volumes.map(|parked| parked.volume.staged.clone()).collect()
    }

    /// The volumes of one file from its first on, without gaps.
    pub(crate) fn of(&self, path: &EntryPath, encrypted: bool) -> Vec<Parked> {
        let Some(file) = self.left_behind.get(path.as_bytes()) else { return Vec::new() };
        let in_order =
            file.values().enumerate().take_while(|(i, p)| *i == p.index && p.encrypted == encrypted);
        in_order.map(|(_, parked)| parked.clone()).collect()
    }

    /// Remembers a sealed volume that is not the file's last; durable when this returns.
    pub(crate) fn note(
        &self,
        path: &EntryPath,
        index: usize,
        volume_size: u64,
        encrypted: bool,
        volume: Volume,
    ) -> Result<()> {
        let parked = Parked { path: path.as_bytes().to_vec(), index, encrypted, volume_size, volume };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = || -> io::Result<()> {
            let line = journal::line(&parked)?;
            if file.is_none() {
                *file = Some(OpenOptions::new().create(true).append(true).open(&self.list)?);
            }
            if let Some(file) = file.as_mut() {
                file.write_all(&line)?;
                file.sync_data()?;
            }
            Ok(())
        };
        write().map_err(Error::local(&self.list))
    }

    /// The set is complete: what was not adopted is of no use to anybody.
    pub(crate) fn finish(self, destination: &dyn Destination) -> Result<()> {
        for name in self.names() {
            destination.delete(&name)?;
        }
        match fs::remove_file(&self.list) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::local(&self.list)(error)),
            _ => Ok(()),
        }
    }
}

/// Takes the bytes of a volume that may be at the place already, and compares.
pub(crate) struct Comparing {
    stored: Box<dyn Read + Send>,
    parked: Parked,
    equal: bool,
    buffer: Vec<u8>,
}

impl Comparing {
    /// `None` when the parked volume is no longer what it was.
    pub(crate) fn open(
        destination: &dyn Destination,
        opener: &Opener,
        parked: Parked,
    ) -> Result<Option<Self>> {
        let record = parked.volume.record()?;
        let name = &parked.volume.staged;
        let Ok(stored) = destination.open(name) else { return Ok(None) };
        let checked = volume::checked(stored, name, &record, &Memory::new(volume::IN_MEMORY));
        let Ok(Some(mut spool)) = checked else { return Ok(None) };
        let stored: Box<dyn Read + Send> = if parked.encrypted {
            // Of another passphrase, or for other keys: that is no reason not to begin with a new one.
            let alike =
                protection_of(&mut spool).and_then(|before| Ok(before.is_like(&opener.protection()?)));
            if !matches!(alike, Ok(true)) || spool.rewind().is_err() {
                return Ok(None);
            }
            let opener = opener.without_older().demanding_signatures();
            let opened = opener.open(spool, Ciphertext::Unproven);
            let Ok(opened) = opened else { return Ok(None) };
            opened
        } else {
            Box::new(crate::deflate::gunzip(spool))
        };
        Ok(Some(Self { stored, parked, equal: true, buffer: Vec::new() }))
    }

    /// The parked volume, if every byte was the same up to both ends.
    pub(crate) fn finish(mut self, start: &Boundary, end: &Boundary) -> Result<Option<FinishedVolume>> {
        let at_end = matches!(self.stored.read(&mut [0]), Ok(0));
        let record = self.parked.volume.record()?;
        if !self.equal || !at_end || record.start != *start || record.end != *end {
            return Ok(None);
        }
        let Volume { staged, size, sha1, sha256, .. } = self.parked.volume;
        let sealed = Sealed { staged: super::seal::Lying::Parked(staged), size, sha1, sha256 };
        Ok(Some(FinishedVolume { sealed, start: record.start, end: record.end }))
    }
}

impl Write for Comparing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.equal {
            self.buffer.resize(bytes.len(), 0);
            let read = self.stored.read_exact(&mut self.buffer);
            self.equal = read.is_ok() && self.buffer == bytes;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Repository {
    pub(crate) fn parked(&self) -> ParkedList {
        ParkedList::open(self.cache.folder())
    }
}
