//! The state of every path at a date, in path order: what an incremental compares with, and what a
//! listing shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::query::{Entries, Newest, Row};
use super::record;
use super::{Catalog, Outcome, Trouble, into_error, remove};
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};
use crate::repository::{BackupSet, Repository};

/// What the newest set that has the path recorded.
#[derive(Clone, Debug)]
pub(crate) struct Prior {
    pub(crate) path: EntryPath,
    pub(crate) attributes: Attributes,
    /// `None` when there is none to build a delta on.
    pub(crate) signature: Option<SignatureAt>,
}

/// Where a file's signature lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SignatureAt {
    /// Date of the set.
    pub(crate) set: i64,
    /// Of its entry in the plain archive; bytes.
    pub(crate) offset: u64,
    pub(crate) crc32: u32,
}

/// Entries handed over at a time, and how many such batches wait.
const BATCH: usize = 512;
const BATCHES_AHEAD: usize = 8;

/// Read ahead on a thread of its own.
pub(crate) struct PriorStates {
    batch: vec::IntoIter<Result<Prior>>,
    /// An empty one is the last.
    batches: Receiver<Vec<Result<Prior>>>,
    ended: bool,
}

impl Catalog {
    /// The state after the last of `sets` (none: nothing), all of which this catalogue knows. If it proves damaged
    /// on the way, it is made anew and read on from there.
    pub(crate) fn states(self, repository: &Arc<Repository>, sets: &[BackupSet]) -> PriorStates {
        let (sender, batches) = bounded(BATCHES_AHEAD);
        let (repository, sets) = (Arc::clone(repository), sets.to_vec());
        std::thread::spawn(move || {
            let mut reading = Reading { batch: Vec::with_capacity(BATCH), sender, last: None };
            if let Err(error) = reading.all(self, &repository, &sets) {
                reading.batch.push(Err(error));
            }
            // Nobody listening any more is no error.
            let _ = reading.flush();
            let _ = reading.sender.send(Vec::new());
        });
        PriorStates { batch: Vec::new().into_iter(), batches, ended: false }
    }
}

/// Nobody wants the rest.
struct Stopped;

type Handed = std::result::Result<(), Stopped>;

struct Reading {
    batch: Vec<Result<Prior>>,
    sender: Sender<Vec<Result<Prior>>>,
    /// The last path that was handed over, or proved to be deleted.
    last: Option<Vec<u8>>,
}

impl Reading {
    fn all(&mut self, catalog: Catalog, repository: &Arc<Repository>, sets: &[BackupSet]) -> Result<()> {
        let Some(full) = sets.first() else { return Ok(()) };
        let chain = full.id.at.0;
        match self.chain(&catalog, chain, sets) {
            Ok(()) => return Ok(()),
            Err(Trouble::Run(error)) => return Err(error),
            Err(_) => drop(catalog),
        }
        let folder = repository.cache.folder();
        remove(folder);
        let anew = repository.catalog(sets)?;
        self.chain(&anew, chain, sets).map_err(|trouble| into_error(trouble, folder))
    }

    /// Hands over what comes after `last`.
    fn chain(&mut self, catalog: &Catalog, chain: i64, sets: &[BackupSet]) -> Outcome<()> {
        let mut left = BTreeMap::new();
        for set in sets {
            let known = catalog.known(chain, set)?.ok_or(Trouble::Damaged("a set is gone"))?;
            left.insert(set.id.at.0, known.entries);
        }
        let after = self.last.clone();
        let mut statement = catalog.range()?;
        let first = after.as_deref().unwrap_or_default();
        let mut newest = Newest::of(Entries::of(&mut statement, chain, first, &EntryPath::root())?);
        let mut counted = |at| left.get_mut(&at).map(|left| *left -= 1).is_some();
        while let Some(row) = newest.next(&mut counted)? {
            let seen = after.as_deref().is_some_and(|after| row.0 == after);
            if !seen && self.hand_over(row)?.is_err() {
                return Ok(());
            }
        }
        // A file that seems new costs time, not data; but the next run should not pay again.
        if after.is_none() && left.values().any(|left| *left != 0) {
            return Err(Trouble::Damaged("entries are missing"));
        }
        Ok(())
    }

    fn hand_over(&mut self, (key, at, record): Row) -> Outcome<Handed> {
        // Out of order, files would be taken for new or deleted.
        if self.last.as_ref().is_some_and(|last| key <= *last) {
            return Err(Trouble::Damaged("rows out of order"));
        }
        let path = record::path(&key)?;
        self.last = Some(key);
        let Some(attributes) = record.attributes else { return Ok(Ok(())) };
        let signature = record.signature;
        let signature = signature.map(|s| SignatureAt { set: at, offset: s.offset, crc32: s.crc32 });
        self.batch.push(Ok(Prior { path, attributes, signature }));
        Ok(if self.batch.len() < BATCH { Ok(()) } else { self.flush() })
    }

    fn flush(&mut self) -> Handed {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(|_| Stopped)
    }
}

impl Iterator for PriorStates {
    type Item = Result<Prior>;

    /// Ends after the first error: nothing after it could be believed.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(prior) = self.batch.next() {
                return Some(prior);
            }
            if self.ended {
                return None;
            }
            let batch = self.batches.recv();
            self.ended = batch.as_ref().map_or(true, Vec::is_empty);
            match batch {
                Ok(batch) => self.batch = batch.into_iter(),
                // A thread that died must not look like the end: the rest would count as new.
                Err(_) => return Some(Err(Error::Internal("reading the catalogue panicked".into()))),
            }
        }
    }
}
