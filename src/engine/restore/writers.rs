//! The pool that checks and writes files, in batches; of large ones it waits for the end of the writing.
//!
//! Two writers in one directory would wait for each other, for the system locks it while a name is made. So
//! files come in runs, and while a directory's files go on, so does its writer.

use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::assemble::Gathered;
use super::{Shared, place_content};
use crate::entry::{Attributes, EntryPath};
use crate::tree::target::{PendingFile, Temporary};

/// What a batch holds at most: files, directories (each is open until its files are written), bytes.
const FILES: usize = 64;
const DIRECTORIES: usize = 8;
const BYTES: u64 = 256 * 1024;
/// Batches that wait for one writer. A large file is one by itself, some of it still in memory.
const WAITING: usize = 2;
/// More would only have more directories open.
const WRITERS: usize = 8;

/// A file on its way to a writer.
pub(super) struct Ready {
    pub(super) pending: PendingFile,
    pub(super) gathered: Gathered<Temporary>,
    pub(super) attributes: Attributes,
}

pub(super) struct Writers {
    queues: Vec<Sender<Vec<Ready>>>,
    /// The queue of the last batch, and the directory in which that ended.
    last: (usize, EntryPath),
    batch: Vec<Ready>,
    directories: usize,
    bytes: u64,
    /// The directory of the last file.
    directory: EntryPath,
}

impl Writers {
    /// Threads end when this is dropped.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, shared: &'scope Shared<'scope>) -> Self {
        let count = std::thread::available_parallelism().map_or(2, usize::from).min(WRITERS);
        let queue = |_| {
            let (sender, receiver) = bounded(WAITING);
            scope.spawn(move || write_all(&receiver, shared));
            sender
        };
        Self {
            queues: (0..count).map(queue).collect(),
            last: (0, EntryPath::root()),
            batch: Vec::new(),
            directories: 0,
            bytes: 0,
            directory: EntryPath::root(),
        }
    }

    pub(super) fn push(&mut self, ready: Ready) {
        let directory = ready.pending.path().parent().unwrap_or_default();
        if self.batch.is_empty() || directory != self.directory {
            // A run in another directory may go to another writer.
            if self.batch.len() >= FILES / 2 {
                self.flush();
            }
            self.directories += 1;
            self.directory = directory;
        }
        self.bytes += ready.gathered.size();
        self.batch.push(ready);
        if self.batch.len() >= FILES || self.directories >= DIRECTORIES || self.bytes >= BYTES {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        (self.directories, self.bytes) = (0, 0);
        let Some(first) = batch.first() else { return };
        let goes_on = first.pending.path().parent().unwrap_or_default() == self.last.1;
        let (last, queues) = (self.last.0, self.queues.iter().enumerate());
        let least = queues.min_by_key(|(_, queue)| queue.len()).map_or(last, |(index, _)| index);
        let index = if goes_on { last } else { least };
        self.last = (index, self.directory.clone());
        if let Some(queue) = self.queues.get(index) {
            // Writers outlive the sending.
            let _ = queue.send(batch);
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write_all(batches: &Receiver<Vec<Ready>>, shared: &Shared<'_>) {
    for Ready { pending, gathered, attributes } in batches.iter().flatten() {
        let place = shared.place(pending.path());
        let whole = match gathered.check() {
            Ok(whole) => whole,
            Err(failure) => {
                shared.failed(&place, failure);
                continue;
            }
        };
        shared.count(&whole.content);
        let path = pending.path().clone();
        match place_content(pending, whole, attributes) {
            Ok(placed) => shared.placed(&path, &placed, false),
            Err(error) => shared.not_written(&place, &error),
        }
    }
}
