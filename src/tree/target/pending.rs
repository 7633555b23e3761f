//! One object on its way into a directory: made under a temporary name, renamed when complete.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::aside::move_away;
use super::deed::{Deed, Identity};
use super::directory::Dir;
use super::existing::{Existing, How, free_name, is_same};
use super::metadata::{self, Handle};
use super::{Placed, Settings, TargetError, interrupted};
use crate::entry::{Attributes, EntryPath, Kind};
use crate::tree::describe::kind_of_type;

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
    ///
    /// Where the target looks at what is there, `attributes` say the content of what was written.
    pub fn finish(self, temporary: Temporary, attributes: &Attributes) -> Result<Placed, TargetError> {
        let Temporary { file, name } = temporary;
        metadata::apply(&Handle::Open(file.as_fd()), attributes, self.settings(), &self.path);
        self.publish(name, file.as_fd(), attributes).map_err(|error| self.error(error))
    }

    /// Gives the place all of its content, which was checked, at once.
    ///
    /// In a directory that this restore made nobody looks for files of old, and it stays private until it is
    /// filled: there the file is made in its place. A kill in mid-write leaves it short, with mode 0600.
    pub fn write(self, content: &[u8], attributes: &Attributes) -> Result<Placed, TargetError> {
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
    ) -> Result<Placed, TargetError> {
        if let Err(error) = file.write_all(content) {
            let _ = rustix::fs::unlinkat(&*self.dir, &*self.name, AtFlags::empty());
            return Err(self.error(error));
        }
        metadata::apply(&Handle::Open(file.as_fd()), attributes, self.settings(), &self.path);
        let placed = self.placed(How::Created, &self.name);
        self.tell(file.as_fd(), &placed).map_err(|error| self.error(error))?;
        Ok(placed)
    }

    /// Makes this another name of the finished object `existing` (where that is, not as it was saved), which is of this
    /// kind, instead of filling it. After an error it can still be filled.
    pub fn link(&self, existing: &EntryPath, kind: Kind) -> Result<Placed, TargetError> {
        let link = || {
            let from = self.dir.open_from_root(&existing.parent().unwrap_or_default())?;
            let old = OsStr::from_bytes(existing.file_name());
            let found = rustix::fs::statat(&from, old, AtFlags::SYMLINK_NOFOLLOW)?;
            if kind_of_type(FileType::from_raw_mode(found.st_mode)) != Some(kind) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let create = |name: &str| rustix::fs::linkat(&from, old, &*self.dir, name, AtFlags::empty());
            let (mut name, ()) = TemporaryName::make(&self.dir, create)?;
            let fd = self.handle(&name)?;
            match self.settings().options.existing {
                Existing::Overwrite => name.rename_over(&self.name)?,
                // What is there is compared with the content, which is not at hand.
                _ => name.rename_to(&self.name)?,
            }
            let placed = self.placed(How::Created, &self.name);
            self.tell(fd.as_fd(), &placed)?;
            Ok(placed)
        };
        link().map_err(|error: io::Error| self.error(error))
    }

    pub(super) fn make_special(self, attributes: &Attributes) -> Result<Placed, TargetError> {
        let make = || {
            let (name, ()) = TemporaryName::make(&self.dir, |name| self.create_special(name, attributes))?;
            let fd = self.handle(&name)?;
            let handle = Handle::Named { fd: fd.as_fd(), parent: self.dir.as_fd(), name: &name.name };
            metadata::apply(&handle, attributes, self.settings(), &self.path);
            self.publish(name, fd.as_fd(), attributes)
        };
        make().map_err(|error: io::Error| self.error(error))
    }

    /// On what cannot be opened without effects.
    fn handle(&self, name: &TemporaryName) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&*self.dir, &*name.name, flags, Mode::empty())
    }

    /// Gives a complete object the name that it is to have, or another, as the target's options say.
    fn publish(
        &self,
        mut temporary: TemporaryName,
        object: BorrowedFd<'_>,
        attributes: &Attributes,
    ) -> io::Result<Placed> {
        let Settings { options, ctx, .. } = self.settings();
        let existing = options.existing;
        let placed = if existing == Existing::Overwrite {
            temporary.rename_over(&self.name)?;
            self.placed(How::Created, &self.name)
        } else {
            match temporary.rename_to(&self.name) {
                Ok(()) => self.placed(How::Created, &self.name),
                Err(Errno::EXIST) if existing == Existing::Keep => return Ok(self.kept()),
                Err(Errno::EXIST) if existing.merges() => {
                    if is_same(&*self.dir, &self.name, attributes, ctx).map_err(interrupted)? {
                        return Ok(self.kept());
                    }
                    let way = existing == Existing::MoveAway && !self.is_directory_there();
                    if way {
                        self.replace(temporary, attributes)?
                    } else {
                        self.beside(temporary, attributes)?
                    }
                }
                Err(error) => return Err(error.into()),
            }
        };
        if placed.how != How::Kept {
            self.tell(object, &placed)?;
        }
        Ok(placed)
    }

    fn replace(&self, mut temporary: TemporaryName, attributes: &Attributes) -> io::Result<Placed> {
        move_away(&self.dir, &self.name)?;
        match temporary.rename_to(&self.name) {
            Ok(()) => Ok(self.placed(How::Replaced, &self.name)),
            // Whoever took the name meanwhile keeps it.
            Err(Errno::EXIST) => self.beside(temporary, attributes),
            Err(error) => Err(error.into()),
        }
    }

    fn beside(&self, mut temporary: TemporaryName, attributes: &Attributes) -> io::Result<Placed> {
        let Settings { options, ctx, .. } = self.settings();
        let mark = (options.mark)(&self.path);
        loop {
            let free = free_name(&*self.dir, &self.name, attributes, &mark, ctx);
            let Some(free) = free.map_err(interrupted)? else { return Ok(self.kept()) };
            match temporary.rename_to(&free) {
                Ok(()) => return Ok(self.placed(How::Beside, &free)),
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_directory_there(&self) -> bool {
        rustix::fs::statat(&*self.dir, &*self.name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
    }

    fn kept(&self) -> Placed {
        self.placed(How::Kept, &self.name)
    }

    fn placed(&self, how: How, name: &OsStr) -> Placed {
        Placed { how, at: self.dir.place().child(name.as_bytes()) }
    }

    fn tell(&self, object: BorrowedFd<'_>, placed: &Placed) -> io::Result<()> {
        let identity = Identity::of(object)?;
        self.settings().tell(Deed::Made { path: placed.at.clone(), identity })
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

    /// Renames to `name`, over what is there but a directory.
    fn rename_over(&self, name: &OsStr) -> rustix::io::Result<()> {
        // Between two links to one file this does nothing, so the drop looks for the temporary name again.
        rustix::fs::renameat(&*self.dir, &*self.name, &*self.dir, name)
    }

    /// Renames to `name` if that is free.
    fn rename_to(&mut self, name: &OsStr) -> rustix::io::Result<()> {
        rename_to_free(&*self.dir, self.name.as_ref(), &*self.dir, name)?;
        self.name.clear();
        Ok(())
    }
}

/// Renames without ever replacing anything: `EEXIST` if the new name is taken.
pub fn rename_to_free(from: impl AsFd, old: &OsStr, to: impl AsFd, new: &OsStr) -> rustix::io::Result<()> {
    match rustix::fs::renameat_with(&from, old, &to, new, RenameFlags::NOREPLACE) {
        // Some file systems cannot promise it; two steps then have to do.
        Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::statat(&to, new, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => rustix::fs::renameat(from, old, to, new),
            Err(error) => Err(error),
            Ok(_) => Err(Errno::EXIST),
        },
        result => result,
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = rustix::fs::unlinkat(&*self.dir, &*self.name, AtFlags::empty());
        }
    }
}
