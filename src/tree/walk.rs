//! The source as a stream of entries in the order of the format (`FORMAT.md` 3.5): depth first, names sorted
//! bytewise, a parent before its children.
//!
//! Threads read ahead ([`super::ahead`]), a few ten thousand entries at most; of the tree only the names of open
//! directories are in memory.

use std::collections::VecDeque;
use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec;

use rustix::io::Errno;

use super::ahead::{Ahead, Died};
use super::scan::{Place, Scan, Scanner, Scratch, Visited};
use super::select::Selection;
use super::source::DiskIdentity;
use crate::context::{Change, Context, ProblemKind};
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
        /// What is to be told of it.
        kind: ProblemKind,
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
/// that the whole source was seen. Dropping it stops the threads.
pub struct Walk {
    root: PathBuf,
    context: Context,
    ahead: Arc<Ahead>,
    threads: Vec<JoinHandle<()>>,
    scratch: Scratch,
    /// The directories that are being walked, outermost first.
    levels: Vec<Walked>,
    /// What comes before all that is left in `levels`.
    next: Option<Place>,
    /// The innermost of `levels`, as far as they are scanned directories and have shown nothing selected yet.
    held: Vec<Found>,
    /// To be yielded first.
    ready: VecDeque<Found>,
}

/// What is left of a directory.
struct Walked {
    visited: vec::IntoIter<Visited>,
    next: Option<Place>,
}

/// What a walk may use. No bound changes what it yields.
struct Limits {
    /// Beside the one that iterates.
    threads: usize,
    /// Entries that lie ready; some 400 bytes each.
    entries_ahead: usize,
    /// Names of one directory that one thread looks at in one go.
    names: usize,
}

impl Limits {
    fn of_this_computer() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { threads: cores.min(8), entries_ahead: 16_384, names: 1_000 }
    }
}

impl Walk {
    /// `root` is the source as typed, a directory or any single object; a symlink there is followed.
    pub fn new(root: PathBuf, selection: Arc<Selection>, context: &Context) -> Result<Self, WalkError> {
        let limits = Limits::of_this_computer();
        let scan = Scanner::open(root.clone(), selection, limits.names)?;
        Ok(Self::start(root, scan, context, &limits))
    }

    fn start(root: PathBuf, (scanner, entry, first): Scan, context: &Context, limits: &Limits) -> Self {
        let next = first.as_ref().map(|(place, _)| place.clone());
        let ahead = Arc::new(Ahead::new(scanner, first, limits.entries_ahead));
        let spawn = || {
            let ahead = Arc::clone(&ahead);
            thread::Builder::new().name("walk".into()).spawn(move || ahead.work())
        };
        // Without threads a walk is slower, not less.
        let threads = (0..limits.threads).map_while(|_| spawn().ok()).collect();
        Self {
            root,
            context: context.clone(),
            ahead,
            threads,
            scratch: Scratch::default(),
            levels: Vec::new(),
            next,
            held: Vec::new(),
            ready: VecDeque::from([Found::Entry(entry)]),
        }
    }

    /// Opens the directory, or the next part of the innermost one, at `place`.
    fn enter(&mut self, place: Place) -> Option<Found> {
        match self.ahead.take(&place, &mut self.scratch) {
            Ok(Ok(part)) => {
                self.levels.push(Walked { visited: part.visited.into_iter(), next: part.next });
                None
            }
            Ok(Err(error)) => {
                let found = self.lost(place.path, error, ProblemKind::Unreadable);
                self.held.pop();
                found
            }
            Err(Died) => {
                self.end();
                panic!("a walk cannot go on after a panic");
            }
        }
    }

    fn leave(&mut self) -> Option<Found> {
        self.next = self.levels.pop().and_then(|directory| directory.next);
        if self.next.is_none() {
            // Had anything inside been selected, nothing would be held any more.
            self.held.pop();
        }
        None
    }

    fn pass(&mut self, visited: Visited) -> Option<Found> {
        self.next = visited.directory().cloned().map(Place::inside);
        match visited {
            Visited::Included(entry) => self.emit(Found::Entry(entry)),
            Visited::Scanned(entry) => {
                self.held.push(Found::Entry(entry));
                None
            }
            Visited::Lost(path, error) => self.lost(path, error, ProblemKind::Inaccessible),
            Visited::Socket(path) => {
                self.context.monitor.changed(Change::Skipped, &path);
                None
            }
        }
    }

    /// A name that was listed and cannot be looked at or into.
    fn lost(&mut self, path: EntryPath, error: Errno, kind: ProblemKind) -> Option<Found> {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => {
                self.context.problem(ProblemKind::Vanished, path.below(&self.root), error);
                None
            }
            error => self.emit(Found::Unreadable { path, error: error.into(), kind }),
        }
    }

    /// The directories above come first, if they were held back.
    fn emit(&mut self, found: Found) -> Option<Found> {
        if self.held.is_empty() {
            return Some(found);
        }
        self.ready.extend(self.held.drain(..));
        self.ready.push_back(found);
        None
    }

    /// A thread that died must not look like a source that ended: all the rest would count as deleted.
    fn end(&mut self) {
        self.ahead.stop();
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join()
                && !thread::panicking()
            {
                resume_unwind(panic);
            }
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(found);
            }
            let found = match (self.next.take(), self.levels.last_mut()) {
                (Some(place), _) => self.enter(place),
                (None, Some(directory)) => match directory.visited.next() {
                    Some(visited) => self.pass(visited),
                    None => self.leave(),
                },
                (None, None) => {
                    self.end();
                    return None;
                }
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod bounds_tests;
