//! The depth-first scan behind a [`super::walk::Walk`]; runs in its thread.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io::Errno;

use super::owner::Owners;
use super::select::{Decision, Selection};
use super::source::{DiskIdentity, timestamp};
use super::walk::{Entry, Found, WalkError};
use crate::context::{Context, Level, ProblemKind};
use crate::entry::{Attributes, EntryPath, Kind, LinkId, Timestamp};

/// Nobody wants the rest.
#[derive(Debug)]
pub(super) struct Stopped;

pub(super) struct Scanner {
    root: PathBuf,
    root_stat: Statx,
    selection: Arc<Selection>,
    left_out: LeftOut,
    owners: Owners,
    context: Context,
    levels: Vec<Directory>,
    /// Scanned directories at the top of `levels` that have shown nothing selected yet.
    held: Vec<Entry>,
}

/// An open directory and the names in it that are still to come.
struct Directory {
    fd: OwnedFd,
    path: EntryPath,
    names: vec::IntoIter<(CString, FileType)>,
}

impl Scanner {
    pub(super) fn open(
        root: PathBuf,
        selection: Arc<Selection>,
        context: Context,
    ) -> Result<Self, WalkError> {
        let failed = |error: Errno| match error {
            Errno::NOENT => WalkError::Missing(root.clone()),
            error => WalkError::Unreadable { path: root.clone(), error: error.into() },
        };
        let root_stat = fs::statx(CWD, &root, AtFlags::empty(), STATX).map_err(failed)?;
        let mut levels = Vec::new();
        match kind_of(&root_stat) {
            None => return Err(WalkError::Unsupported(root)),
            Some(Kind::Directory) => {
                let fd = fs::openat(CWD, &root, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())
                    .map_err(failed)?;
                levels.push(Directory::list(fd, EntryPath::root()).map_err(failed)?);
            }
            Some(_) => {}
        }
        let left_out = LeftOut::new(&root, selection.left_out());
        let owners = Owners::default();
        Ok(Self { root, root_stat, selection, left_out, owners, context, levels, held: Vec::new() })
    }

    /// Gives every selected object to `emit`, the root first whatever the rules say.
    pub(super) fn run(mut self, mut emit: impl FnMut(Found) -> Result<(), Stopped>) -> Result<(), Stopped> {
        // The root is no symlink, so that nothing is left to read of it.
        if let Ok(Some(root)) = self.describe(EntryPath::root(), self.root_stat, c"") {
            emit(Found::Entry(Box::new(root)))?;
        }
        while let Some(directory) = self.levels.last_mut() {
            if let Some((name, listed)) = directory.names.next() {
                self.visit(name, listed, &mut emit)?;
            } else {
                self.held.pop_if(|held| held.path == directory.path);
                self.levels.pop();
            }
        }
        Ok(())
    }

    fn visit(
        &mut self,
        name: CString,
        listed: FileType,
        emit: &mut impl FnMut(Found) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let Some(parent) = self.levels.last() else { return Ok(()) };
        let path = parent.path.child(name.to_bytes());
        // What a rule excludes is not even looked at, unless the listing does not tell directories from files.
        let mut is_directory = listed == FileType::Directory;
        let mut decision = self.decide(&parent.fd, &path, &name, is_directory);
        if !is_wanted(decision, is_directory) && listed != FileType::Unknown {
            return Ok(());
        }
        let stat =
            match fs::statx(&parent.fd, &name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, STATX) {
                Ok(stat) => stat,
                Err(error) => return self.lost(path, error, emit),
            };
        if is_directory != (kind_of(&stat) == Some(Kind::Directory)) {
            is_directory = !is_directory;
            decision = self.decide(&parent.fd, &path, &name, is_directory);
        }
        if !is_wanted(decision, is_directory) || (is_directory && self.left_out.contains(&path, &stat)) {
            return Ok(());
        }
        let entry = match self.describe(path.clone(), stat, &name) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(()),
            Err(error) => return self.lost(path, error, emit),
        };
        if decision == Decision::Scan {
            self.held.push(entry);
        } else {
            self.emit(Found::Entry(Box::new(entry)), emit)?;
        }
        if is_directory { self.enter(path, &name, emit) } else { Ok(()) }
    }

    fn enter(
        &mut self,
        path: EntryPath,
        name: &CStr,
        emit: &mut impl FnMut(Found) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let Some(parent) = self.levels.last() else { return Ok(()) };
        let opened = fs::openat(&parent.fd, name, DIRECTORY, Mode::empty());
        match opened.and_then(|fd| Directory::list(fd, path.clone())) {
            Ok(directory) => {
                self.levels.push(directory);
                Ok(())
            }
            Err(error) => {
                let result = self.lost(path.clone(), error, emit);
                self.held.pop_if(|held| held.path == path);
                result
            }
        }
    }

    fn decide(&self, parent: &OwnedFd, path: &EntryPath, name: &CStr, is_directory: bool) -> Decision {
        self.selection.decide(path, is_directory, |wanted| {
            let inside = [name.to_bytes(), b"/", wanted.as_bytes()].concat();
            fs::statx(parent, inside, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok()
        })
    }

    /// A name that was listed and cannot be looked at or into.
    fn lost(
        &mut self,
        path: EntryPath,
        error: Errno,
        emit: &mut impl FnMut(Found) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => {
                self.context.problem(ProblemKind::Vanished, path.below(&self.root), error);
                Ok(())
            }
            error => self.emit(Found::Unreadable { path, error: error.into() }, emit),
        }
    }

    /// The directories above come first, if they were held back.
    fn emit(
        &mut self,
        found: Found,
        emit: &mut impl FnMut(Found) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        for directory in self.held.drain(..) {
            emit(Found::Entry(Box::new(directory)))?;
        }
        emit(found)
    }

    /// `None` for a socket, which no backup holds. Reads the target of a symlink.
    fn describe(&self, path: EntryPath, stat: Statx, name: &CStr) -> Result<Option<Entry>, Errno> {
        let Some(kind) = kind_of(&stat) else {
            self.context.say(Level::Info, format_args!("Skipping socket {:?}", path.below(&self.root)));
            return Ok(None);
        };
        let link_target = match (kind, self.levels.last()) {
            (Kind::Symlink, Some(parent)) => fs::readlinkat(&parent.fd, name, Vec::new())?.into_bytes(),
            _ => Vec::new(),
        };
        let identity = DiskIdentity::of(&stat);
        let is_file = kind == Kind::File;
        let device_id = fs::makedev(stat.stx_dev_major, stat.stx_dev_minor);
        let attributes = Attributes {
            kind,
            mode: u32::from(stat.stx_mode) & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            user: self.owners.user_name(stat.stx_uid),
            group: self.owners.group_name(stat.stx_gid),
            mtime: identity.mtime,
            link_target,
            device: match kind {
                Kind::CharDevice | Kind::BlockDevice => (stat.stx_rdev_major, stat.stx_rdev_minor),
                _ => (0, 0),
            },
            disk: Some(identity.disk),
            links: (is_file && stat.stx_nlink > 1).then(|| link_id(&stat, device_id)),
            sparse: is_file && has_holes(&stat),
            ..Attributes::default()
        };
        Ok(Some(Entry { path, attributes, size: if is_file { stat.stx_size } else { 0 }, device_id }))
    }
}

const STATX: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Directory {
    /// Reads all names before any is used: half a listing would make the rest look deleted.
    fn list(fd: OwnedFd, path: EntryPath) -> Result<Self, Errno> {
        let mut names = Vec::new();
        let mut buffer = Vec::with_capacity(32 * 1024);
        let mut listing = fs::RawDir::new(&fd, buffer.spare_capacity_mut());
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push((entry.file_name().to_owned(), entry.file_type()));
            }
        }
        names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        // A name that is renamed during the listing may show up twice; the format allows no path twice.
        names.dedup_by(|a, b| a.0 == b.0);
        Ok(Self { fd, path, names: names.into_iter() })
    }
}

fn is_wanted(decision: Decision, is_directory: bool) -> bool {
    match decision {
        Decision::Include => true,
        Decision::Scan => is_directory,
        Decision::Exclude => false,
    }
}

/// `None` for sockets and what the future brings.
fn kind_of(stat: &Statx) -> Option<Kind> {
    Some(match FileType::from_raw_mode(stat.stx_mode.into()) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        _ => return None,
    })
}

fn link_id(stat: &Statx, device: u64) -> LinkId {
    let has_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    let birth = if has_birth { timestamp(&stat.stx_btime) } else { Timestamp::default() };
    LinkId { device, inode: stat.stx_ino, birth }
}

/// Less than a page missing is rounding or content kept in the inode.
fn has_holes(stat: &Statx) -> bool {
    stat.stx_blocks.saturating_mul(512).saturating_add(4096) <= stat.stx_size
}

/// Directories that are no part of the source although they lie in it, by path and by identity (bind mounts).
struct LeftOut {
    paths: Vec<EntryPath>,
    identities: Vec<(u32, u32, u64)>,
}

impl LeftOut {
    fn new(root: &Path, directories: &[PathBuf]) -> Self {
        let root = real_path(root);
        let below_root = |directory: &PathBuf| {
            let real = real_path(directory);
            EntryPath::parse(real.strip_prefix(&root).ok()?.as_os_str().as_bytes()).ok()
        };
        let identity = |directory: &PathBuf| {
            let stat = fs::statx(CWD, directory, AtFlags::empty(), StatxFlags::INO).ok()?;
            Some((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino))
        };
        Self {
            paths: directories.iter().filter_map(below_root).collect(),
            identities: directories.iter().filter_map(identity).collect(),
        }
    }

    fn contains(&self, path: &EntryPath, stat: &Statx) -> bool {
        self.paths.contains(path)
            || self.identities.contains(&(stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino))
    }
}

/// Absolute, free of symlinks as far as it exists.
fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let existing = absolute.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    match existing {
        Some((ancestor, real)) => match absolute.strip_prefix(ancestor) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => absolute,
    }
}
