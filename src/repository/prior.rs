//! The state of every path at the end of a chain, merged from the signatures of its sets in path order:
//! what an incremental compares with, and what a listing shows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;
use std::vec;

use crossbeam_channel::{Receiver, bounded};

use super::Repository;
use crate::duplicity::chain::BackupSet;
use crate::duplicity::sigtar::{Element, SigtarReader};
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};

/// Signatures above this many bytes (a million blocks) are not kept: such a file is stored whole when it changes.
const SIGNATURE_LIMIT: u64 = 12 + 12 * 1_000_000;

/// What the newest set that has the path recorded.
#[derive(Clone, Debug)]
pub(crate) struct Prior {
    pub(crate) path: EntryPath,
    pub(crate) attributes: Attributes,
    /// librsync signature of the content; `None` when there is none to build a delta on.
    pub(crate) signature: Option<Vec<u8>>,
}

struct Head {
    path: EntryPath,
    element: Element,
    attributes: Attributes,
    size: u64,
}

struct Source {
    reader: SigtarReader<Box<dyn Read + Send>>,
    head: Option<Head>,
    name: String,
}

/// Streams [`Prior`]s in path order; memory for one entry per set.
pub(crate) struct PriorStates {
    sources: Vec<Source>,
    /// Smallest path first; for equal paths the newest set first.
    queue: BinaryHeap<Reverse<(EntryPath, Reverse<usize>)>>,
    failed: bool,
}

impl PriorStates {
    /// `sigtars`: plain signature archives with a name for errors, oldest set first.
    pub(crate) fn new(sigtars: Vec<(String, Box<dyn Read + Send>)>) -> Result<Self> {
        let new = |(name, tar)| Source { reader: SigtarReader::new(tar), head: None, name };
        let sources = sigtars.into_iter().map(new).collect();
        let mut states = Self { sources, queue: BinaryHeap::new(), failed: false };
        for index in 0..states.sources.len() {
            states.advance(index)?;
        }
        Ok(states)
    }

    /// Moves one source to its next entry. Entries out of order would silently show wrong files as new
    /// or deleted, so they are damage.
    fn advance(&mut self, index: usize) -> Result<()> {
        let source = &mut self.sources[index];
        let damaged = |e: &dyn std::fmt::Display, name: &str| Error::damaged(format!("{name}: {e}"));
        let next = source.reader.next().map_err(|e| damaged(&e, &source.name))?;
        let previous = source.head.take();
        if let Some(entry) = next {
            if previous.is_some_and(|previous| entry.path <= previous.path) {
                return Err(damaged(&format!("{} is out of order", entry.path), &source.name));
            }
            self.queue.push(Reverse((entry.path.clone(), Reverse(index))));
            let (path, element) = (entry.path, entry.element);
            source.head = Some(Head { path, element, attributes: entry.attributes, size: entry.size });
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Prior>> {
        while let Some(Reverse((path, Reverse(newest)))) = self.queue.pop() {
            let prior = self.take(newest)?;
            self.advance(newest)?;
            while self.queue.peek().is_some_and(|Reverse((next, _))| *next == path) {
                if let Some(Reverse((_, Reverse(older)))) = self.queue.pop() {
                    self.advance(older)?;
                }
            }
            if prior.is_some() {
                return Ok(prior);
            }
        }
        Ok(None)
    }

    fn take(&mut self, index: usize) -> Result<Option<Prior>> {
        let source = &mut self.sources[index];
        let Some(head) = &mut source.head else { return Ok(None) };
        let signature = match head.element {
            Element::Deleted => return Ok(None),
            Element::Signature if head.size > 0 && head.size <= SIGNATURE_LIMIT => {
                let mut body = Vec::with_capacity(head.size as usize);
                let read = source.reader.read_body(&mut body);
                read.map_err(|e| Error::damaged(format!("{}: {e}", source.name)))?;
                Some(body)
            }
            _ => None,
        };
        let attributes = std::mem::take(&mut head.attributes);
        Ok(Some(Prior { path: head.path.clone(), attributes, signature }))
    }
}

impl Iterator for PriorStates {
    type Item = Result<Prior>;

    /// Ends after the first error: nothing after it could be believed.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step().transpose();
        self.failed = matches!(step, Some(Err(_)));
        step
    }
}

/// Entries handed over at a time, and how many such batches wait. Bounded also by bytes of signatures.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 1 << 20;
const BATCHES_AHEAD: usize = 4;

/// [`PriorStates`] read ahead on a thread of its own.
pub(crate) struct ReadAhead {
    batch: vec::IntoIter<Result<Prior>>,
    batches: Receiver<Vec<Result<Prior>>>,
}

impl PriorStates {
    /// The state after the last of `sets` (none: nothing), read from their signatures.
    pub(crate) fn of_sets(repository: &Repository, sets: &[BackupSet]) -> Result<ReadAhead> {
        let mut sigtars: Vec<(String, Box<dyn Read + Send>)> = Vec::with_capacity(sets.len());
        for set in sets {
            let name = set.signatures.clone().unwrap_or_default();
            sigtars.push((name, Box::new(repository.signatures(set)?)));
        }
        let mut states = Self::new(sigtars)?;
        let (sender, batches) = bounded(BATCHES_AHEAD);
        std::thread::spawn(move || {
            loop {
                let batch = states.batch();
                // Nobody listening any more is no error.
                if batch.is_empty() || sender.send(batch).is_err() {
                    break;
                }
            }
        });
        Ok(ReadAhead { batch: Vec::new().into_iter(), batches })
    }

    fn batch(&mut self) -> Vec<Result<Prior>> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(prior) = self.next() else { break };
            if let Ok(Prior { signature: Some(signature), .. }) = &prior {
                bytes += signature.len();
            }
            batch.push(prior);
        }
        batch
    }
}

impl Iterator for ReadAhead {
    type Item = Result<Prior>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(prior) = self.batch.next() {
                return Some(prior);
            }
            self.batch = self.batches.recv().ok()?.into_iter();
        }
    }
}
