//! A local folder, on any mounted file system.
//!
//! Every call goes through one handle on the folder, taken at first use. A drive that is unplugged or mounted
//! elsewhere during a run therefore gives errors; nothing is ever written to the bare mount point below it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::{Destination, DestinationError, ErrorKind, Existing, Result, Staged, Stored};
use super::{is_object_name, is_upload_name, new_upload_name};

/// Objects are the owner's alone, as stock duplicity leaves them after its move from a temporary file.
const FILE_MODE: Mode = Mode::from_raw_mode(0o600);

pub struct Folder {
    root: Arc<Path>,
    handle: OnceLock<Arc<OwnedFd>>,
}

impl Folder {
    /// Touches nothing yet; the folder is opened at first use.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into().into(), handle: OnceLock::new() }
    }

    fn handle(&self) -> Result<&Arc<OwnedFd>> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = fs::open(&*self.root, flags, Mode::empty())
            .map_err(|error| DestinationError::from_io(self.describe(), error))?;
        Ok(self.handle.get_or_init(|| Arc::new(opened)))
    }

    fn error(&self, name: &str, error: impl Into<io::Error>) -> DestinationError {
        DestinationError::from_io(shown(&self.root, name), error)
    }

    /// Size and times of a regular file, through a symbolic link too (people move volumes to other disks).
    fn regular(&self, folder: &OwnedFd, name: &str) -> Result<Option<Stat>> {
        match fs::statat(folder, name, AtFlags::empty()) {
            Ok(stat) => Ok((FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then_some(stat)),
            // A dangling link, or deleted since it was listed.
            Err(Errno::NOENT | Errno::LOOP) => Ok(None),
            Err(error) => Err(self.error(name, error)),
        }
    }
}

impl Destination for Folder {
    fn create(&self) -> Result<()> {
        std::fs::create_dir_all(&self.root).map_err(|error| {
            let error = DestinationError::from_io(self.describe(), error);
            // A file where a folder should be.
            let kind = if error.kind == ErrorKind::NameTaken { ErrorKind::Misconfigured } else { error.kind };
            DestinationError { kind, ..error }
        })
    }

    fn list(&self) -> Result<Vec<Stored>> {
        let folder = self.handle()?;
        let fail = |error: Errno| DestinationError::from_io(self.describe(), error);
        let mut listed = Vec::new();
        for entry in Dir::read_from(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." || entry.file_type() == FileType::Directory {
                continue;
            }
            if let Some(stat) = self.regular(folder, name)? {
                listed.push(Stored {
                    name: name.to_owned(),
                    size: stat.st_size as u64,
                    modified: modified(&stat),
                });
            }
        }
        Ok(listed)
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        check_name(&self.root, name)?;
        // Not blocking: a fifo under this name must not hang the run.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = fs::openat(self.handle()?, name, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| self.error(name, error))?);
        if !file.metadata().map_err(|error| self.error(name, error))?.is_file() {
            return Err(DestinationError::new(ErrorKind::Other, shown(&self.root, name)));
        }
        Ok(Box::new(file))
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        let folder = Arc::clone(self.handle()?);
        let parked = new_upload_name()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file =
            fs::openat(&folder, &parked, flags, FILE_MODE).map_err(|error| self.error(&parked, error))?;
        let root = Arc::clone(&self.root);
        Ok(Box::new(StagedFile {
            root,
            folder,
            parked,
            file: Some(file.into()),
            written: 0,
            state: State::Staged,
        }))
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        check_name(&self.root, name)?;
        if !is_upload_name(parked) {
            return Err(DestinationError::new(ErrorKind::Misconfigured, shown(&self.root, parked)));
        }
        let folder = self.handle()?;
        rename(folder, parked, name, Existing::Refuse)
            .and_then(|()| sync_folder(folder))
            .map_err(|error| self.error(if error == Errno::NOENT { parked } else { name }, error))
    }

    fn delete(&self, name: &str) -> Result<()> {
        check_name(&self.root, name)?;
        match fs::unlinkat(self.handle()?, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.error(name, error)),
        }
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        check_name(&self.root, name)?;
        Ok(self.regular(self.handle()?, name)?.map(|stat| stat.st_size as u64))
    }

    fn free_space(&self) -> Result<Option<u64>> {
        let stat = fs::fstatvfs(self.handle()?)
            .map_err(|error| DestinationError::from_io(self.describe(), error))?;
        // Some network file systems answer zeros for "unknown".
        Ok((stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize)))
    }

    fn largest_object(&self) -> Result<Option<u64>> {
        const FAT: u64 = 0x4d44;
        let stat =
            fs::fstatfs(self.handle()?).map_err(|error| DestinationError::from_io(self.describe(), error))?;
        Ok((stat.f_type as u64 == FAT).then_some(u64::from(u32::MAX)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Being written, or sealed; removed on drop.
    Staged,
    /// Published or parked: no longer ours to remove.
    Settled,
}

struct StagedFile {
    root: Arc<Path>,
    folder: Arc<OwnedFd>,
    parked: String,
    /// Closed once it is sealed: a large file has thousands of volumes that wait to be published.
    file: Option<File>,
    written: u64,
    state: State,
}

impl StagedFile {
    fn error(&self, name: &str, error: impl Into<io::Error>) -> DestinationError {
        DestinationError::from_io(shown(&self.root, name), error)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "written to after it was sealed"));
        };
        let count = file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedFile {
    fn parked_name(&self) -> &str {
        &self.parked
    }

    fn seal(&mut self) -> Result<u64> {
        if let Some(file) = &self.file {
            // Size after fsync: network file systems report a full disk only then.
            let stored = file.sync_all().and_then(|()| file.metadata());
            let stored = stored.map_err(|error| self.error(&self.parked, error))?.len();
            if stored != self.written {
                let cause = format!("{} bytes written, {stored} stored", self.written);
                let error = DestinationError::new(ErrorKind::Other, shown(&self.root, &self.parked));
                return Err(DestinationError { temporary: true, source: Some(cause.into()), ..error });
            }
            self.file = None;
        }
        Ok(self.written)
    }

    fn publish(mut self: Box<Self>, name: &str, existing: Existing) -> Result<()> {
        check_name(&self.root, name)?;
        self.seal()?;
        rename(&self.folder, &self.parked, name, existing).map_err(|error| self.error(name, error))?;
        self.state = State::Settled;
        sync_folder(&self.folder).map_err(|error| self.error(name, error))
    }

    fn park(mut self: Box<Self>) -> Result<String> {
        self.seal()?;
        sync_folder(&self.folder).map_err(|error| self.error(&self.parked, error))?;
        self.state = State::Settled;
        Ok(std::mem::take(&mut self.parked))
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if self.state != State::Settled {
            // Best effort: what stays is swept by a later run.
            let _ = fs::unlinkat(&self.folder, &self.parked, AtFlags::empty());
        }
    }
}

fn rename(folder: &OwnedFd, from: &str, to: &str, existing: Existing) -> rustix::io::Result<()> {
    if existing == Existing::Replace {
        return fs::renameat(folder, from, folder, to);
    }
    match fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // File systems without this flag (NFS, some FUSE): look first. The locks keep other writers away.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match fs::statat(folder, to, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => fs::renameat(folder, from, folder, to),
                Err(error) => Err(error),
            }
        }
        done => done,
    }
}

/// Makes a rename last. FAT and some network file systems cannot sync folders and say so with EINVAL.
fn sync_folder(folder: impl AsFd) -> rustix::io::Result<()> {
    match fs::fsync(folder) {
        Err(Errno::INVAL | Errno::NOTSUP | Errno::BADF) => Ok(()),
        done => done,
    }
}

fn check_name(root: &Path, name: &str) -> Result<()> {
    if !is_object_name(name) {
        return Err(DestinationError::new(ErrorKind::Misconfigured, format!("{} {name:?}", root.display())));
    }
    Ok(())
}

fn shown(root: &Path, name: &str) -> String {
    root.join(name).display().to_string()
}

fn modified(stat: &Stat) -> Option<SystemTime> {
    let seconds = u64::try_from(stat.st_mtime).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
