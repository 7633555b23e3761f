//! One run at a time on one computer.
//!
//! Two locks, because two things must not be shared: [`CacheLock`] is stock duplicity's own and guards a cache
//! folder (`FORMAT.md` 12); [`UrlLock`] guards a place whatever cache is used with it. Both are held by an open
//! file: they end with the process however it ends, and nothing is ever left locked.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use sha2::{Digest, Sha256};

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run, ours or stock duplicity's, holds it.
    #[error("{path} is locked by another run")]
    Held { path: PathBuf },
    /// The lock folder is another user's, or open to other users.
    #[error("{path} does not belong to this user alone")]
    Insecure { path: PathBuf },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl LockError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// `lockfile` in a cache folder, as stock duplicity takes it: a POSIX record lock, removed at the end.
///
/// Taken through an open file description: it conflicts with stock's kind of lock in both directions, but holds
/// inside one process too and does not end when another part of the program closes the same file.
#[derive(Debug)]
pub struct CacheLock {
    path: PathBuf,
    file: File,
}

impl CacheLock {
    /// Never waits. Makes the cache folder (mode 0700) if it is missing.
    pub fn acquire(cache: &Path) -> Result<Self, LockError> {
        make_private(cache)?;
        let path = cache.join("lockfile");
        loop {
            let file = open(&path)?;
            if !try_record_lock(&file).map_err(LockError::io(&path))? {
                return Err(LockError::Held { path });
            }
            // Stock removes the file after unlocking it: what we locked may have lost its name, and the next run
            // would lock another file of that name.
            if is_at(&file, &path) {
                return Ok(Self { path, file });
            }
        }
    }
}

impl Drop for CacheLock {
    fn drop(&mut self) {
        // While still locked, so that no other run can hold a file we remove.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn try_record_lock(file: &File) -> io::Result<bool> {
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) => Ok(true),
        Err(nix::Error::EAGAIN | nix::Error::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A lock by the normalised address of a place, in a folder of this user.
#[derive(Debug)]
pub struct UrlLock {
    file: File,
}

impl UrlLock {
    /// Never waits. `folder`: [`runtime_folder`], made if missing. The lock file stays: removing it would let two
    /// runs lock two files of one name.
    pub fn acquire(folder: &Path, normalised_url: &OsStr) -> Result<Self, LockError> {
        make_private(folder)?;
        let facts = fs::symlink_metadata(folder).map_err(LockError::io(folder))?;
        if !is_own_folder(&facts) || facts.mode() & 0o077 != 0 {
            return Err(LockError::Insecure { path: folder.to_owned() });
        }
        let path = folder.join(format!("{}.lock", &hex_digest(&[normalised_url.as_bytes()])[..32]));
        let file = open(&path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { file }),
            Err(Errno::WOULDBLOCK) => Err(LockError::Held { path }),
            Err(error) => Err(LockError::Io { path, source: error.into() }),
        }
    }

    /// Names every run that ever holds this very lock since the computer started, and no other. Whoever holds the
    /// lock and finds this tag on a lease therefore knows that the lease's run is over.
    ///
    /// A hash, also over `repository` (any id of it), so that it tells nothing about the computer. `None` where
    /// the kernel does not name its start.
    pub fn holder_tag(&self, repository: &str) -> Option<String> {
        let boot = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
        let facts = self.file.metadata().ok()?;
        let file = [facts.dev().to_be_bytes(), facts.ino().to_be_bytes()].concat();
        Some(hex_digest(&[&boot, &file, repository.as_bytes()]))
    }
}

/// Where [`UrlLock`]s of this user lie: `hindsight` in the session's runtime folder, else below `/tmp`.
///
/// A run without a session's environment (cron) must find the folder of a run within: the usual place is tried
/// even if no variable names it, and a variable left over from another user (sudo) is ignored.
pub fn runtime_folder() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let usual = PathBuf::from(format!("/run/user/{user}"));
    let session = [named, Some(usual)].into_iter().flatten();
    let own = |path: &PathBuf| fs::metadata(path).is_ok_and(|facts| is_own_folder(&facts));
    match session.into_iter().find(own) {
        Some(folder) => folder.join("hindsight"),
        None => PathBuf::from(format!("/tmp/hindsight-{user}")),
    }
}

fn is_own_folder(facts: &fs::Metadata) -> bool {
    facts.is_dir() && facts.uid() == rustix::process::geteuid().as_raw()
}

fn make_private(folder: &Path) -> Result<(), LockError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(LockError::io(folder))
}

fn open(path: &Path) -> Result<File, LockError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(LockError::io(path))
}

/// Whether the file open is the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// SHA-256 over the parts, each preceded by its length, in hexadecimal.
fn hex_digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
