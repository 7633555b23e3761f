//! What becomes of one directory: its names listed, decided about and looked at. Holds no state of the walk,
//! so that any number of threads do this at the same time.
//!
//! Directories are opened relative to their parent, so that a folder swapped for a symlink is not followed, unless
//! links are to be.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io::Errno;

use super::describe::{LastOwner, STATX, describe, device_of, kind_of};
use super::left_out::LeftOut;
use super::list::Names;
use super::owner::Owners;
use super::select::{Decision, Facts, Selection};
use super::source::timestamp;
use super::walk::{Entry, WalkError};
use crate::entry::{EntryPath, Kind};

pub(super) struct Scanner {
    selection: Arc<Selection>,
    asks_for_facts: bool,
    root: PathBuf,
    /// The file system of the root.
    device: u64,
    left_out: LeftOut,
    owners: Owners,
    /// Most names that are looked at in one go.
    most_names: usize,
    /// Nobody wants the rest.
    pub(super) stopped: AtomicBool,
}

/// Where in the walk's order the result of a [`Task`] belongs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    pub(super) path: EntryPath,
    pub(super) extent: Extent,
}

/// In the order of the walk: an entry comes before what it holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Extent {
    /// This name and those after it in its directory.
    From,
    /// The names in this directory, from the first on.
    Inside,
}

impl Place {
    pub(super) fn inside(path: EntryPath) -> Self {
        Self { path, extent: Extent::Inside }
    }
}

pub(super) enum Task {
    /// Holds the parent of the directory that is to be listed.
    List(Arc<OwnedFd>),
    /// Holds the index of the first name.
    Visit(Arc<Listed>, usize),
}

/// A directory with more names than are looked at in one go.
pub(super) struct Listed {
    fd: Arc<OwnedFd>,
    path: EntryPath,
    names: Names,
}

/// Some names of a directory, in order; what the selection leaves out is missing.
pub(super) struct Part {
    pub(super) visited: Vec<Visited>,
    /// Where the directory goes on.
    pub(super) next: Option<Place>,
}

pub(super) enum Visited {
    Included(Box<Entry>),
    /// A directory that is part of the backup only if something inside is.
    Scanned(Box<Entry>),
    /// A name that was listed and cannot be looked at.
    Lost(EntryPath, Errno),
    /// A socket, which no backup holds.
    Socket(EntryPath),
}

/// Tasks that a task gave rise to.
pub(super) type Tasks = Vec<(Place, Task)>;

/// What does the tasks, the entry of the root and, when that is a directory, the first task.
pub(super) type Scan = (Scanner, Box<Entry>, Option<(Place, Task)>);

/// What one thread keeps from task to task.
#[derive(Default)]
pub(super) struct Scratch {
    buffer: Vec<u8>,
    names: Names,
    owner: LastOwner,
}

impl Scanner {
    pub(super) fn open(
        root: PathBuf,
        selection: Arc<Selection>,
        most_names: usize,
    ) -> Result<Scan, WalkError> {
        let failed = |error: Errno| match error {
            Errno::NOENT => WalkError::Missing(root.clone()),
            error => WalkError::Unreadable { path: root.clone(), error: error.into() },
        };
        let stat = fs::statx(CWD, &root, AtFlags::empty(), STATX).map_err(failed)?;
        let Some(kind) = kind_of(&stat) else { return Err(WalkError::Unsupported(root)) };
        let mut scratch = Scratch::default();
        let mut first = None;
        if kind == Kind::Directory {
            let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
            let fd = fs::openat(CWD, &root, flags, Mode::empty()).map_err(failed)?;
            let mut names = Names::default();
            names_in(&EntryPath::root(), fd.as_fd(), &selection, &mut names, &mut scratch.buffer)
                .map_err(failed)?;
            let listed = Listed { fd: Arc::new(fd), path: EntryPath::root(), names };
            first = Some((Place::inside(EntryPath::root()), Task::Visit(Arc::new(listed), 0)));
        }
        let left_out = LeftOut::new(&root, selection.left_out());
        let owners = Owners::default();
        let asks_for_facts = selection.asks_for_facts();
        let (device, stopped) = (device_of(&stat), AtomicBool::new(false));
        let scanner = Self { selection, asks_for_facts, root, device, left_out, owners, most_names, stopped };
        // The root is no symlink: those were followed.
        let entry = describe(EntryPath::root(), kind, &stat, Vec::new(), &scanner.owners, &mut scratch.owner);
        Ok((scanner, Box::new(entry), first))
    }

    /// An error means that the directory could not be listed.
    pub(super) fn run(
        &self,
        place: &Place,
        task: Task,
        scratch: &mut Scratch,
    ) -> (Result<Part, Errno>, Tasks) {
        let mut tasks = Tasks::new();
        let part = match task {
            Task::List(parent) => self.list(&place.path, &parent, scratch, &mut tasks),
            Task::Visit(listed, from) => Ok(self.visit_part(&listed, from, scratch, &mut tasks)),
        };
        (part, tasks)
    }

    fn list(
        &self,
        path: &EntryPath,
        parent: &OwnedFd,
        scratch: &mut Scratch,
        tasks: &mut Tasks,
    ) -> Result<Part, Errno> {
        let followed = if self.selection.follows_links() { OFlags::NOFOLLOW } else { OFlags::empty() };
        let flags = DIRECTORY.difference(followed);
        let fd = Arc::new(fs::openat(parent, path.file_name(), flags, Mode::empty())?);
        // Taken, since visiting needs the rest of the scratch space.
        let mut names = std::mem::take(&mut scratch.names);
        names_in(path, fd.as_fd(), &self.selection, &mut names, &mut scratch.buffer)?;
        if names.len() > self.most_names {
            let listed = Arc::new(Listed { fd, path: path.clone(), names });
            return Ok(self.visit_part(&listed, 0, scratch, tasks));
        }
        let visited = self.visit_all(&fd, path, names.from(0), scratch, tasks);
        scratch.names = names;
        Ok(Part { visited, next: None })
    }

    fn visit_part(
        &self,
        listed: &Arc<Listed>,
        from: usize,
        scratch: &mut Scratch,
        tasks: &mut Tasks,
    ) -> Part {
        let place = |index| {
            let (name, _) = listed.names.from(index).next()?;
            Some(Place { path: listed.path.child(name.to_bytes()), extent: Extent::From })
        };
        if from == 0 {
            let parts = (self.most_names..listed.names.len()).step_by(self.most_names);
            let task = |index| Some((place(index)?, Task::Visit(Arc::clone(listed), index)));
            tasks.extend(parts.filter_map(task));
        }
        let names = listed.names.from(from).take(self.most_names);
        let visited = self.visit_all(&listed.fd, &listed.path, names, scratch, tasks);
        Part { visited, next: place(from + self.most_names) }
    }

    fn visit_all<'a>(
        &self,
        fd: &Arc<OwnedFd>,
        path: &EntryPath,
        names: impl Iterator<Item = (&'a CStr, FileType)>,
        scratch: &mut Scratch,
        tasks: &mut Tasks,
    ) -> Vec<Visited> {
        let mut all = Vec::with_capacity(names.size_hint().0);
        for (name, listed) in names {
            if self.stopped.load(Ordering::Relaxed) {
                break;
            }
            let path = path.child(name.to_bytes());
            let Some(visited) = self.visit(fd.as_fd(), path, name, listed, scratch) else { continue };
            if let Some(directory) = visited.directory() {
                tasks.push((Place::inside(directory.clone()), Task::List(Arc::clone(fd))));
            }
            all.push(visited);
        }
        all
    }

    /// `None` for what is not part of the backup.
    fn visit(
        &self,
        parent: BorrowedFd<'_>,
        path: EntryPath,
        name: &CStr,
        listed: FileType,
        scratch: &mut Scratch,
    ) -> Option<Visited> {
        let follows = self.selection.follows_links();
        let listed = if follows && listed == FileType::Symlink { FileType::Unknown } else { listed };
        // What a rule excludes is not even looked at, unless the listing does not tell directories from files.
        let guess = Facts::not_looked_at(listed == FileType::Directory);
        let mut decision = self.decide(parent, &path, name, &guess);
        if !is_wanted(decision, &guess) && listed != FileType::Unknown {
            return None;
        }
        let not_followed = if follows { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let stat = match fs::statx(parent, name, not_followed | AtFlags::NO_AUTOMOUNT, STATX) {
            Ok(stat) => stat,
            Err(error) => return Some(Visited::Lost(path, error)),
        };
        let kind = kind_of(&stat);
        let facts = self.facts(kind, &stat);
        if guess.is_directory != facts.is_directory || self.asks_for_facts {
            decision = self.decide(parent, &path, name, &facts);
        }
        if !is_wanted(decision, &facts) || (facts.is_directory && self.left_out.contains(&path, &stat)) {
            return None;
        }
        if follows && listed != FileType::Directory && facts.is_directory && self.is_above(&path, &stat) {
            return Some(Visited::Lost(path, Errno::LOOP));
        }
        let Some(kind) = kind else { return Some(Visited::Socket(path)) };
        let link_target = match kind {
            Kind::Symlink => match fs::readlinkat(parent, name, Vec::new()) {
                Ok(target) => target.into_bytes(),
                Err(error) => return Some(Visited::Lost(path, error)),
            },
            _ => Vec::new(),
        };
        let entry = Box::new(describe(path, kind, &stat, link_target, &self.owners, &mut scratch.owner));
        Some(if decision == Decision::Scan { Visited::Scanned(entry) } else { Visited::Included(entry) })
    }

    /// Whether `stat` is of a directory above `path`: a link to it has no end.
    fn is_above(&self, path: &EntryPath, stat: &Statx) -> bool {
        let identity = |stat: &Statx| (device_of(stat), stat.stx_ino);
        let mut above = std::iter::successors(path.parent(), EntryPath::parent);
        above.any(|folder| {
            let found = fs::statx(CWD, folder.below(&self.root), AtFlags::empty(), StatxFlags::INO);
            found.is_ok_and(|found| identity(&found) == identity(stat))
        })
    }

    fn facts(&self, kind: Option<Kind>, stat: &Statx) -> Facts {
        Facts { is_elsewhere: device_of(stat) != self.device, ..Facts::new(kind, timestamp(&stat.stx_mtime)) }
    }

    fn decide(&self, parent: BorrowedFd<'_>, path: &EntryPath, name: &CStr, facts: &Facts) -> Decision {
        self.selection.decide(path, facts, |marker| marker.is_in(parent, name.to_bytes()))
    }
}

impl Visited {
    /// The path of a directory, to be entered.
    pub(super) fn directory(&self) -> Option<&EntryPath> {
        match self {
            Self::Included(entry) | Self::Scanned(entry) => entry.is_directory().then_some(&entry.path),
            Self::Lost(..) | Self::Socket(_) => None,
        }
    }
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The names that count in the directory `path`, which is open.
fn names_in(
    path: &EntryPath,
    fd: BorrowedFd<'_>,
    selection: &Selection,
    names: &mut Names,
    buffer: &mut Vec<u8>,
) -> Result<(), Errno> {
    match selection.listed() {
        Some(listed) => {
            names.set(listed.names_in(path));
            Ok(())
        }
        None => names.read(fd, buffer),
    }
}

fn is_wanted(decision: Decision, facts: &Facts) -> bool {
    match decision {
        Decision::Include => true,
        Decision::Scan => facts.is_directory,
        Decision::Exclude => false,
    }
}
