//! A directory being filled.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustix::fs::{CWD, Mode, OFlags, fchmod, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::Settings;
use super::metadata::{self, Handle};
use crate::entry::{Attributes, EntryPath};

/// As many components as a path can have; also bounds how deep dropping the directories above recurses.
const MAX_DEPTH: usize = 2048;

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Held by everything that still writes into it. The last one to let go applies its attributes, so parents
/// always come after their children.
pub(super) struct Dir {
    fd: OwnedFd,
    path: EntryPath,
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
            depth: 0,
            attributes: OnceLock::new(),
            new,
            settings,
            parent: None,
        })
    }

    /// Makes `name` in `parent` and opens it. One that exists is entered only when forced, and never through a link.
    pub(super) fn enter(
        parent: &Arc<Self>,
        name: &OsStr,
        path: &EntryPath,
        settings: &Arc<Settings>,
    ) -> io::Result<Self> {
        if parent.depth >= MAX_DEPTH {
            return Err(Errno::NAMETOOLONG.into());
        }
        let existed = match mkdirat(&parent.fd, name, Mode::RWXU) {
            Ok(()) => false,
            Err(Errno::EXIST) if settings.options.force => true,
            Err(error) => return Err(error.into()),
        };
        let fd = openat(&parent.fd, name, OPEN | OFlags::NOFOLLOW, Mode::empty())?;
        if existed {
            make_writable(&fd);
        }
        Ok(Self {
            fd,
            path: path.clone(),
            depth: parent.depth + 1,
            attributes: OnceLock::new(),
            new: !existed,
            settings: settings.clone(),
            parent: Some(parent.clone()),
        })
    }

    /// Sets what is applied at the end; only the first call counts.
    pub(super) fn fill_with(&self, attributes: &Attributes) {
        let _ = self.attributes.set(attributes.clone());
    }

    pub(super) fn path(&self) -> &EntryPath {
        &self.path
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
            metadata::apply(&Handle::Open(self.fd.as_fd()), attributes, &self.settings, &self.path);
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
