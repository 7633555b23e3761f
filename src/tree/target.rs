//! Writing a tree below a target, so that nothing can land outside it whatever the repository holds.
//!
//! Every object is made relative to an open directory, under a temporary name, and renamed into place when it
//! is complete (small files in new directories excepted, see [`PendingFile::write`]). Directories are opened one
//! component at a time without following links, so neither a restored symlink nor one that was there before leads
//! anywhere. Directories are private (mode 0700) while they are filled; they get their attributes when [`Target`] has
//! left them *and* the last [`PendingFile`] in them is done, since making a file changes its directory's time and a
//! read-only directory cannot be filled.

mod aside;
mod deed;
mod directory;
mod existing;
mod metadata;
mod pending;
mod sparse;

pub use deed::{Deed, Deeds, Identity};
pub use existing::{Existing, How, beside, free_name, is_same};
pub use pending::{PendingFile, Temporary, rename_to_free};
pub use sparse::SparseWriter;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::context::{Cancelled, Context};
use crate::entry::{Attributes, EntryPath, Extended, Kind};
use directory::Dir;

/// An object could not be written; the others can.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("{0:?} is not empty")]
    NotEmpty(PathBuf),
    #[error("{0:?} exists")]
    Exists(PathBuf),
    /// Its directory is missing from the backup, or could not be made.
    #[error("there is no directory for {0:?}")]
    NoParent(PathBuf),
    #[error("{path:?}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl TargetError {
    fn new(path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.into(), source.into());
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Io { path, source },
        }
    }
}

/// User and group id that an object is to have here.
pub type OwnerOf = dyn Fn(&Attributes) -> (u32, u32) + Send + Sync;
/// What is to stand in the name of something that is made beside its place.
pub type MarkOf = dyn Fn(&EntryPath) -> String + Send + Sync;
/// Sets extended attributes and ACLs, or says why not. The descriptor of anything but a file or directory is
/// opened with `O_PATH`: usable through `/proc/self/fd` only.
pub type ApplyExtended = dyn Fn(BorrowedFd<'_>, &Extended) -> Result<(), String> + Send + Sync;

#[derive(Clone)]
pub struct Options {
    pub existing: Existing,
    /// Of a path: stands in the name of what has to be made beside something that exists there: "letter (12 May
    /// 2026).txt".
    pub mark: Arc<MarkOf>,
    /// Name of the directory for what is moved away.
    pub aside: String,
    pub deeds: Option<Arc<Deeds>>,
    /// Give objects the owner that `owner` names. Where the process lacks the right, they silently keep its own.
    pub restore_ownership: bool,
    pub owner: Arc<OwnerOf>,
    pub extended: Arc<ApplyExtended>,
}

impl Default for Options {
    /// Replaces nothing, restores numeric owners, leaves extended attributes.
    fn default() -> Self {
        Self {
            existing: Existing::Refuse,
            mark: Arc::new(|_| String::new()),
            aside: String::new(),
            deeds: None,
            restore_ownership: true,
            owner: Arc::new(|attributes| (attributes.uid, attributes.gid)),
            extended: Arc::new(|_, _| Ok(())),
        }
    }
}

/// What all objects of one target share.
struct Settings {
    /// Where the root of what is restored lies.
    root: PathBuf,
    options: Options,
    ctx: Context,
    /// Number of the next temporary name; begins at random.
    temporary: AtomicU32,
}

impl Settings {
    fn temporary_name(&self) -> String {
        format!(".hindsight-{:08x}", self.temporary.fetch_add(1, Ordering::Relaxed))
    }

    fn tell(&self, deed: Deed) -> io::Result<()> {
        self.options.deeds.as_ref().map_or(Ok(()), |deeds| deeds(deed))
    }
}

/// How and where an object came to lie, or was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    pub how: How,
    /// Below the root, as it is on disk.
    pub at: EntryPath,
}

/// A tree being written. Entries come in the order of [`EntryPath`], directories before their content.
/// The root gets its attributes when this and every [`PendingFile`] has been dropped.
pub struct Target {
    settings: Arc<Settings>,
    /// The root, then the directories of the current path.
    open: Vec<Arc<Dir>>,
    /// When the root is no directory: its name in `open[0]`, which then is the directory it lies in.
    single: Option<OsString>,
}

impl Target {
    /// Whether anything would be in the way, without touching it: to be asked before costly work.
    pub fn check(path: &Path, existing: Existing) -> Result<(), TargetError> {
        match fs::read_dir(path) {
            _ if existing.enters() => Ok(()),
            Ok(mut entries) => match entries.next() {
                Some(_) => Err(TargetError::NotEmpty(path.to_path_buf())),
                None => Ok(()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(TargetError::Exists(path.to_path_buf()))
            }
            Err(_) => Ok(()),
        }
    }

    /// Restores below `root`, which is made (private until its entry arrives) with the directories above it.
    /// An existing one must be empty, unless it may be entered. Links in `root` itself are followed: the user named it.
    pub fn create(root: &Path, options: Options, ctx: &Context) -> Result<Self, TargetError> {
        let failed = |source: io::Error| TargetError::new(root, source);
        make_parents(root)?;
        match rustix::fs::mkdir(root, rustix::fs::Mode::RWXU) {
            Ok(()) => return Self::open(root, root, true, None, options, ctx),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(failed(error.into())),
        }
        if !options.existing.enters() && fs::read_dir(root).map_err(failed)?.next().is_some() {
            return Err(TargetError::NotEmpty(root.to_path_buf()));
        }
        Self::open(root, root, false, None, options, ctx)
    }

    /// Restores one file or other object, not a directory, whose entry has the root's path, *as* `path`.
    pub fn create_for_file(path: &Path, options: Options, ctx: &Context) -> Result<Self, TargetError> {
        let invalid = || TargetError::new(path, io::ErrorKind::InvalidInput);
        let name = path.file_name().ok_or_else(invalid)?;
        make_parents(path)?;
        if !options.existing.enters() && path.symlink_metadata().is_ok() {
            return Err(TargetError::Exists(path.to_path_buf()));
        }
        Self::open(path, parent_of(path), false, Some(name.to_os_string()), options, ctx)
    }

    fn open(
        root: &Path,
        directory: &Path,
        new: bool,
        single: Option<OsString>,
        options: Options,
        ctx: &Context,
    ) -> Result<Self, TargetError> {
        let failed = |source: io::Error| TargetError::new(directory, source);
        let temporary = AtomicU32::new(getrandom::u32().map_err(|error| failed(io::Error::other(error)))?);
        let settings = Settings { root: root.to_path_buf(), options, ctx: ctx.clone(), temporary };
        let settings = Arc::new(settings);
        let dir = Dir::root(directory, new, &settings).map_err(failed)?;
        Ok(Self { settings, open: vec![Arc::new(dir)], single })
    }

    /// Makes a directory, or enters the existing one where that is permitted. `attributes` are applied once it is
    /// filled, but for one that was there and is merged with.
    pub fn directory(&mut self, path: &EntryPath, attributes: &Attributes) -> Result<Placed, TargetError> {
        let merges = self.settings.options.existing.merges();
        if path.is_root() && self.single.is_none() {
            self.leave_to(path);
            let root = self.open.first().filter(|root| root.is_new() || !merges);
            if let Some(root) = root {
                root.fill_with(attributes);
            }
            let how = if root.is_some_and(|root| root.is_new()) { How::Created } else { How::Kept };
            return Ok(Placed { how, at: path.clone() });
        }
        let (parent, name) = self.place(path)?;
        let entered = Dir::enter(&parent, &name, path, &self.settings);
        let (dir, how) = entered.map_err(|source| self.error(path, source))?;
        if how != How::Kept || !merges {
            dir.fill_with(attributes);
        }
        let at = dir.place().clone();
        if self.single.is_none() {
            self.open.push(Arc::new(dir));
        }
        Ok(Placed { how, at })
    }

    /// Enters the directories that exist on the way to `path`, a directory, never through a link. They stay as
    /// they are.
    pub fn reach(&mut self, path: &EntryPath) -> Result<(), TargetError> {
        self.go_to(path, Dir::existing)
    }

    /// The same, and makes those that are missing.
    pub fn make_way(&mut self, path: &EntryPath) -> Result<(), TargetError> {
        self.go_to(path, Dir::on_the_way)
    }

    fn go_to(
        &mut self,
        path: &EntryPath,
        enter: fn(&Arc<Dir>, &OsStr, &EntryPath) -> rustix::io::Result<Dir>,
    ) -> Result<(), TargetError> {
        self.leave_to(path);
        while let Some(parent) = self.open.last().filter(|dir| dir.path() != path).cloned() {
            let way = path.relative_to(parent.path()).unwrap_or_default();
            let Some(name) = way.components().next() else { break };
            let at = parent.path().child(name);
            let entered = enter(&parent, OsStr::from_bytes(name), &at);
            self.open.push(Arc::new(entered.map_err(|error| self.error(&at, error))?));
        }
        Ok(())
    }

    /// Makes a symlink, fifo or device, complete with its attributes.
    pub fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Result<Placed, TargetError> {
        if matches!(attributes.kind, Kind::File | Kind::Directory) {
            return Err(self.error(path, io::ErrorKind::InvalidInput));
        }
        self.file(path)?.make_special(attributes)
    }

    /// Begins a file, to be filled at any time and from any thread.
    pub fn file(&mut self, path: &EntryPath) -> Result<PendingFile, TargetError> {
        let (dir, name) = self.place(path)?;
        Ok(PendingFile::new(dir, name, path.clone()))
    }

    /// Makes `path` another name of the finished object `existing`, which is of this kind.
    pub fn link(
        &mut self,
        path: &EntryPath,
        existing: &EntryPath,
        kind: Kind,
    ) -> Result<Placed, TargetError> {
        self.file(path)?.link(existing, kind)
    }

    /// The open directory in which `path` is to be made, and its name there.
    fn place(&mut self, path: &EntryPath) -> Result<(Arc<Dir>, OsString), TargetError> {
        let no_parent = || TargetError::NoParent(path.below(&self.settings.root));
        let (parent, name) = match (path.parent(), &self.single) {
            (None, Some(name)) => (EntryPath::root(), name.clone()),
            (Some(parent), None) => (parent, OsStr::from_bytes(path.file_name()).to_os_string()),
            (None, None) => return Err(self.error(path, io::ErrorKind::IsADirectory)),
            (Some(_), Some(_)) => return Err(no_parent()),
        };
        if name == "." || name == ".." {
            return Err(self.error(path, io::ErrorKind::InvalidInput));
        }
        self.leave_to(&parent);
        match self.open.last() {
            Some(dir) if *dir.path() == parent => Ok((dir.clone(), name)),
            _ => Err(TargetError::NoParent(path.below(&self.settings.root))),
        }
    }

    /// Leaves, deepest first, the directories that `path` does not lie in. The root stays.
    fn leave_to(&mut self, path: &EntryPath) {
        while self.open.len() > 1 && self.open.last().is_some_and(|dir| !path.is_within(dir.path())) {
            self.open.pop();
        }
    }

    fn error(&self, path: &EntryPath, source: impl Into<io::Error>) -> TargetError {
        TargetError::new(path.below(&self.settings.root), source)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Deepest first, as a directory drops the one above it.
        while self.open.pop().is_some() {}
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Asked to stop in the middle of a comparison.
fn interrupted(cancelled: Cancelled) -> io::Error {
    io::Error::other(cancelled)
}

fn make_parents(path: &Path) -> Result<(), TargetError> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(|source| TargetError::new(parent, source))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
