//! One object on its way into a directory: made under a temporary name, renamed when complete.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::directory::Dir;
use super::metadata::{self, Handle};
use super::{Settings, TargetError};
use crate::entry::{Attributes, EntryPath, Kind};

/// A file whose place is known and whose content comes later; keeps its directory open until dropped.
pub struct PendingFile {
    dir: Arc<Dir>,
    name: OsString,
    path: EntryPath,
}

impl PendingFile {
    pub(super) fn new(dir: Arc<Dir>, name: OsString, path: EntryPath) -> Self {
        Self { dir, name, path }
    }

    pub fn path(&self) -> &EntryPath {
        &self.path
    }

    /// A new, empty file beside the place, private to this user and gone when dropped. A chain of patches
    /// takes several in turn.
    pub fn temporary(&self) -> Result<Temporary, TargetError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = |name: &str| rustix::fs::openat(&*self.dir, name, flags, Mode::RUSR | Mode::WUSR);
        let (name, fd) = TemporaryName::make(&self.dir, create).map_err(|error| self.error(error))?;
        Ok(Temporary { file: File::from(fd), name })
    }

    /// Gives `temporary` its attributes and its place. Attributes that cannot be applied are reported to the
    /// context and are no error.
    pub fn finish(self, temporary: Temporary, attributes: &Attributes) -> Result<(), TargetError> {
        let Temporary { file, name } = temporary;
        metadata::apply(&Handle::Open(file.as_fd()), attributes, self.settings(), &self.path);
        name.publish(&self.name).map_err(|error| self.error(error))
    }

    /// Gives the place all of its content, which was checked, at once.
    ///
    /// In a directory that this restore made nobody looks for files of old, and it stays private until it is
    /// filled: there the file is made in its place. A kill in mid-write leaves it short, with mode 0600.
    pub fn write(self, content: &[u8], attributes: &Attributes) -> Result<(), TargetError> {
        if self.dir.is_new() {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(&*self.dir, &*self.name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(fd) => return self.write_in_place(File::from(fd), content, attributes),
                // Twice in the backup, or the same name to this file system.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(self.error(error)),
            }
        }
        let temporary = self.temporary()?;
        temporary.file().write_all(content).map_err(|error| self.error(error))?;
        self.finish(temporary, attributes)
    }

    fn write_in_place(
        self,
        mut file: File,
        content: &[u8],
        attributes: &Attributes,
    ) -> Result<(), TargetError> {
        if let Err(error) = file.write_all(content) {
            let _ = rustix::fs::unlinkat(&*self.dir, &*self.name, AtFlags::empty());
            return Err(self.error(error));
        }
        metadata::apply(&Handle::Open(file.as_fd()), attributes, self.settings(), &self.path);
        Ok(())
    }

    /// Makes this another name of the finished file `existing` instead of filling it. After an error it can
    /// still be filled.
    pub fn link(&self, existing: &EntryPath) -> Result<(), TargetError> {
        let link = || {
            let from = self.dir.open_from_root(&existing.parent().unwrap_or_default())?;
            let old = OsStr::from_bytes(existing.file_name());
            if FileType::from_raw_mode(rustix::fs::statat(&from, old, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                != FileType::RegularFile
            {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let create = |name: &str| rustix::fs::linkat(&from, old, &*self.dir, name, AtFlags::empty());
            let (name, ()) = TemporaryName::make(&self.dir, create)?;
            name.publish(&self.name)
        };
        link().map_err(|error: io::Error| self.error(error))
    }

    pub(super) fn make_special(self, attributes: &Attributes) -> Result<(), TargetError> {
        let make = || {
            let (name, ()) = TemporaryName::make(&self.dir, |name| self.create_special(name, attributes))?;
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(&*self.dir, &*name.name, flags, Mode::empty())?;
            let handle = Handle::Named { fd: fd.as_fd(), parent: self.dir.as_fd(), name: &name.name };
            metadata::apply(&handle, attributes, self.settings(), &self.path);
            name.publish(&self.name)
        };
        make().map_err(|error: io::Error| self.error(error))
    }

    fn create_special(&self, name: &str, attributes: &Attributes) -> Result<(), Errno> {
        let mode = Mode::RUSR | Mode::WUSR;
        let node = |kind, device| rustix::fs::mknodat(&*self.dir, name, kind, mode, device);
        let device = || rustix::fs::makedev(attributes.device.0, attributes.device.1);
        match attributes.kind {
            Kind::Symlink => {
                rustix::fs::symlinkat(OsStr::from_bytes(&attributes.link_target), &*self.dir, name)
            }
            Kind::Fifo => node(FileType::Fifo, 0),
            Kind::CharDevice => node(FileType::CharacterDevice, device()),
            Kind::BlockDevice => node(FileType::BlockDevice, device()),
            Kind::File | Kind::Directory => Err(Errno::INVAL),
        }
    }

    fn settings(&self) -> &Settings {
        self.dir.settings()
    }

    fn error(&self, source: impl Into<io::Error>) -> TargetError {
        TargetError::new(self.path.below(&self.settings().root), source)
    }
}

/// A file that is not yet in its place: for reading, writing and seeking.
pub struct Temporary {
    file: File,
    name: TemporaryName,
}

impl Temporary {
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Removed on drop, unless published (then empty).
struct TemporaryName {
    dir: Arc<Dir>,
    name: String,
}

impl TemporaryName {
    /// `create` must fail with `EEXIST` rather than touch what is there: the backup may hold such a name.
    fn make<T>(dir: &Arc<Dir>, create: impl Fn(&str) -> Result<T, Errno>) -> io::Result<(Self, T)> {
        loop {
            let name = dir.settings().temporary_name();
            match create(&name) {
                Ok(made) => return Ok((Self { dir: dir.clone(), name }, made)),
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Renames to `name`, over what is there only when forced, and never over a directory.
    fn publish(mut self, name: &OsStr) -> io::Result<()> {
        let (dir, from) = (&*self.dir, &*self.name);
        if dir.settings().options.force {
            // Between two links to one file this does nothing, so the drop looks for the temporary name again.
            return Ok(rustix::fs::renameat(dir, from, dir, name)?);
        }
        match rustix::fs::renameat_with(dir, from, dir, name, RenameFlags::NOREPLACE) {
            // Some file systems cannot promise it; two steps then have to do.
            Err(Errno::INVAL | Errno::NOSYS) => {
                match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Err(Errno::NOENT) => rustix::fs::renameat(dir, from, dir, name)?,
                    Err(error) => return Err(error.into()),
                    Ok(_) => return Err(Errno::EXIST.into()),
                }
            }
            result => result?,
        }
        self.name.clear();
        Ok(())
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = rustix::fs::unlinkat(&*self.dir, &*self.name, AtFlags::empty());
        }
    }
}
