//! The source as a stream of entries in the order of the format (`FORMAT.md` 3.5): depth first, names sorted
//! bytewise, a parent before its children.
//!
//! A thread reads ahead, at most a few batches; of the tree only one list of names per open directory is in
//! memory. Directories are opened relative to their parent, so that a folder swapped for a symlink is not followed.

use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::scan::{self, Scanner};
use super::select::Selection;
use super::source::DiskIdentity;
use crate::context::Context;
use crate::entry::{Attributes, EntryPath, Kind};

/// One selected object of the source, as `lstat` shows it.
#[derive(Debug)]
pub struct Entry {
    pub path: EntryPath,
    /// Everything but xattrs, ACLs and content.
    pub attributes: Attributes,
    /// Bytes of a regular file; 0 for anything else.
    pub size: u64,
    /// The file system that it lies on.
    pub device_id: u64,
}

impl Entry {
    pub fn is_directory(&self) -> bool {
        self.attributes.kind == Kind::Directory
    }

    /// What [`super::source::disk_identity`] tells while nobody writes to the file.
    pub fn disk_identity(&self) -> Option<DiskIdentity> {
        let disk = self.attributes.disk?;
        Some(DiskIdentity { size: self.size, mtime: self.attributes.mtime, disk })
    }
}

#[derive(Debug)]
pub enum Found {
    Entry(Box<Entry>),
    /// Nothing is known of `path` and all that lies below it now, and that is no reason to think it gone. When
    /// the entry of a directory came just before with the same path, only its content could not be listed.
    Unreadable {
        path: EntryPath,
        error: io::Error,
    },
}

/// The root itself cannot be walked.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error("source {0:?} does not exist")]
    Missing(PathBuf),
    #[error("source {path:?} cannot be read: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("source {0:?} is of a kind that cannot be saved")]
    Unsupported(PathBuf),
}

/// Yields the root first. Does not look at the context's cancel token: an end of the stream always means
/// that the whole source was seen. Dropping it stops the thread.
#[derive(Debug)]
pub struct Walk {
    batch: vec::IntoIter<Found>,
    batches: Option<Receiver<Vec<Found>>>,
    thread: Option<JoinHandle<()>>,
}

/// Few enough that the first entries come at once, many enough that the channel costs nothing.
const BATCH: usize = 128;
const BATCHES_AHEAD: usize = 16;

impl Walk {
    /// `root` is the source as typed, a directory or any single object; a symlink there is followed.
    pub fn new(root: PathBuf, selection: Arc<Selection>, context: &Context) -> Result<Self, WalkError> {
        let (sender, receiver) = bounded(BATCHES_AHEAD);
        let scanner = Scanner::open(root, selection, context.clone())?;
        let run = move || {
            let mut batches = Batches { batch: Vec::with_capacity(BATCH), sender };
            // The only failure is that nobody listens any more.
            let _ = scanner.run(|found| batches.push(found)).and_then(|()| batches.flush());
        };
        let thread = thread::Builder::new()
            .name("walk".into())
            .spawn(run)
            .map_err(|error| WalkError::Unreadable { path: PathBuf::new(), error })?;
        Ok(Self { batch: Vec::new().into_iter(), batches: Some(receiver), thread: Some(thread) })
    }

    fn next_batch(&mut self) -> Option<Vec<Found>> {
        let batch = self.batches.as_ref()?.recv().ok();
        if batch.is_none() {
            self.finish();
        }
        batch
    }

    /// A thread that died must not look like a source that ended: all the rest would count as deleted.
    fn finish(&mut self) {
        self.batches = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.batch.next() {
                return Some(found);
            }
            self.batch = self.next_batch()?.into_iter();
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Batches {
    batch: Vec<Found>,
    sender: Sender<Vec<Found>>,
}

impl Batches {
    fn push(&mut self, found: Found) -> Result<(), scan::Stopped> {
        self.batch.push(found);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), scan::Stopped> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(|_| scan::Stopped)
    }
}
