//! A directory being filled.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustix::fs::{CWD, Mode, OFlags, fchmod, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::deed::{Deed, Identity};
use super::existing::{Existing, How, free_name};
use super::metadata::{self, Handle};
use super::{Settings, interrupted};
use crate::entry::{Attributes, EntryPath, Kind};

/// As many components as a path can have; also bounds how deep dropping the directories above recurses.
const MAX_DEPTH: usize = 2048;

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Of what is only entered: it need not be readable.
const ENTER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Held by everything that still writes into it. The last one to let go applies its attributes, so parents
/// always come after their children.
pub(super) struct Dir {
    fd: OwnedFd,
    /// As it was saved.
    path: EntryPath,
    /// Where it is: elsewhere when it, or one above it, had to be made beside something.
    place: EntryPath,
    depth: usize,
    attributes: OnceLock<Attributes>,
    /// Made by this restore.
    new: bool,
    settings: Arc<Settings>,
    parent: Option<Arc<Dir>>,
}

impl Dir {
    /// `new`: it was made just now.
    pub(super) fn root(path: &Path, new: bool, settings: &Arc<Settings>) -> io::Result<Self> {
        let fd = openat(CWD, path, OPEN, Mode::empty())?;
        let settings = settings.clone();
        Ok(Self {
            fd,
            path: EntryPath::root(),
            place: EntryPath::root(),
            depth: 0,
            attributes: OnceLock::new(),
            new,
            settings,
            parent: None,
        })
    }

    /// Makes `name` in `parent` and opens it. One that exists is entered only where that is permitted, and never through
    /// a link.
    pub(super) fn enter(
        parent: &Arc<Self>,
        name: &OsStr,
        path: &EntryPath,
        settings: &Arc<Settings>,
    ) -> io::Result<(Self, How)> {
        parent.check_depth()?;
        let existing = settings.options.existing;
        match mkdirat(&parent.fd, name, Mode::RWXU) {
            Ok(()) => return Ok((Self::made(parent, name, path)?, How::Created)),
            Err(Errno::EXIST) if existing.merges() => match Self::existing(parent, name, path) {
                Err(Errno::NOTDIR | Errno::LOOP) if existing != Existing::Keep => {
                    let name = make_beside(parent, name, path)?;
                    return Ok((Self::made(parent, &name, path)?, How::Beside));
                }
                entered => return Ok((entered?, How::Kept)),
            },
            Err(Errno::EXIST) if existing.enters() => {}
            Err(error) => return Err(error.into()),
        }
        let fd = openat(&parent.fd, name, OPEN | OFlags::NOFOLLOW, Mode::empty())?;
        make_writable(&fd);
        Ok((Self::below(parent, fd, name, path, false), How::Kept))
    }

    /// Opens one that is there, which stays as it is.
    pub(super) fn existing(parent: &Arc<Self>, name: &OsStr, path: &EntryPath) -> rustix::io::Result<Self> {
        parent.check_depth()?;
        let fd = openat(&parent.fd, name, ENTER, Mode::empty())?;
        Ok(Self::below(parent, fd, name, path, false))
    }

    /// Opens one that is there, or makes it for what is to lie in it.
    pub(super) fn on_the_way(parent: &Arc<Self>, name: &OsStr, path: &EntryPath) -> rustix::io::Result<Self> {
        let all = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        match Self::existing(parent, name, path) {
            // The umask narrows it. Its own entry may still come, with attributes.
            Err(Errno::NOENT) => mkdirat(&parent.fd, name, all)?,
            entered => return entered,
        }
        Self::existing(parent, name, path)
    }

    fn made(parent: &Arc<Self>, name: &OsStr, path: &EntryPath) -> io::Result<Self> {
        let fd = openat(&parent.fd, name, OPEN | OFlags::NOFOLLOW, Mode::empty())?;
        let dir = Self::below(parent, fd, name, path, true);
        let identity = Identity::of(&dir.fd)?;
        dir.settings.tell(Deed::Made { path: dir.place.clone(), identity })?;
        Ok(dir)
    }

    fn below(parent: &Arc<Self>, fd: OwnedFd, name: &OsStr, path: &EntryPath, new: bool) -> Self {
        Self {
            fd,
            path: path.clone(),
            place: parent.place.child(name.as_bytes()),
            depth: parent.depth + 1,
            attributes: OnceLock::new(),
            new,
            settings: parent.settings.clone(),
            parent: Some(parent.clone()),
        }
    }

    fn check_depth(&self) -> rustix::io::Result<()> {
        if self.depth < MAX_DEPTH { Ok(()) } else { Err(Errno::NAMETOOLONG) }
    }

    /// Sets what is applied at the end; only the first call counts.
    pub(super) fn fill_with(&self, attributes: &Attributes) {
        let _ = self.attributes.set(attributes.clone());
    }

    pub(super) fn path(&self) -> &EntryPath {
        &self.path
    }

    pub(super) fn place(&self) -> &EntryPath {
        &self.place
    }

    /// This one and those above it, up to the root of the target or of the file system.
    pub(super) fn of_one_file_system(&self) -> rustix::io::Result<Vec<&Self>> {
        let device = fstat(&self.fd)?.st_dev;
        let mut dirs = vec![self];
        let mut dir = self;
        while let Some(parent) = &dir.parent
            && fstat(&parent.fd)?.st_dev == device
        {
            dirs.push(parent);
            dir = parent;
        }
        Ok(dirs)
    }

    pub(super) fn is_new(&self) -> bool {
        self.new
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Opens the directory `path` below this one's root, without following links.
    pub(super) fn open_from_root(&self, path: &EntryPath) -> io::Result<OwnedFd> {
        let mut root = self;
        while let Some(parent) = &root.parent {
            root = parent;
        }
        let mut fd = root.fd.try_clone()?;
        for component in path.components() {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            fd = openat(&fd, OsStr::from_bytes(component), flags, Mode::empty())?;
        }
        Ok(fd)
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if let Some(attributes) = self.attributes.get() {
            metadata::apply(&Handle::Open(self.fd.as_fd()), attributes, &self.settings, &self.place);
        }
    }
}

/// Makes a directory under a name that is free beside `name`, and returns that.
fn make_beside(parent: &Dir, name: &OsStr, path: &EntryPath) -> io::Result<OsString> {
    let directory = Attributes { kind: Kind::Directory, ..Attributes::default() };
    let Settings { options, ctx, .. } = &*parent.settings;
    let mark = (options.mark)(path);
    loop {
        let free = free_name(parent, name, &directory, &mark, ctx).map_err(interrupted)?;
        let Some(free) = free else { return Err(Errno::EXIST.into()) };
        match mkdirat(&parent.fd, &*free, Mode::RWXU) {
            Ok(()) => return Ok(free),
            Err(Errno::EXIST) => continue,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Best effort: where it fails, so will making the files, and that is reported.
fn make_writable(fd: &OwnedFd) {
    if let Ok(stat) = fstat(fd) {
        let mode = Mode::from_raw_mode(stat.st_mode);
        if !mode.contains(Mode::RWXU) {
            let _ = fchmod(fd, mode | Mode::RWXU);
        }
    }
}
