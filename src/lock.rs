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
    stays: bool,
}

impl CacheLock {
    /// Lets the lock file stay where it is, unlocked, as a sign that something is left to be done.
    pub fn leave(&mut self) {
        self.stays = true;
    }

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
                return Ok(Self { path, file, stays: false });
            }
        }
    }
}

impl Drop for CacheLock {
    fn drop(&mut self) {
        // While still locked, so that no other run can hold a file we remove.
        if !self.stays && is_at(&self.file, &self.path) {
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

impl Drop for UrlLock {
    fn drop(&mut self) {
        // Closing is not enough while a child process that is just being started shares the open file.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Takes the lock as stock duplicity does (through `fasteners`: `lockf` on a file opened for appending).
    fn stock(path: &Path) -> (Child, String) {
        let program = "import fcntl,sys\nf=open(sys.argv[1],'a')\n\
            try: fcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB); print('held',flush=True)\n\
            except OSError: print('refused',flush=True)\nsys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", program])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answer = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        (child, answer.trim().to_owned())
    }

    fn end((mut child, _): (Child, String)) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn stock_duplicity_keeps_us_out_of_a_cache_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let other = stock(&dir.path().join("lockfile"));
        assert_eq!(other.1, "held");
        assert!(matches!(CacheLock::acquire(dir.path()), Err(LockError::Held { .. })));
        end(other);
        CacheLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn we_keep_stock_duplicity_out_of_a_cache_and_leave_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lockfile");
        let lock = CacheLock::acquire(dir.path()).unwrap();
        let other = stock(&path);
        assert_eq!(other.1, "refused");
        end(other);
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_cache_is_locked_within_one_process_too_and_a_refused_try_unlocks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = CacheLock::acquire(dir.path()).unwrap();
        assert!(matches!(CacheLock::acquire(dir.path()), Err(LockError::Held { .. })));
        let other = stock(&dir.path().join("lockfile"));
        assert_eq!(other.1, "refused");
        end(other);
    }

    #[test]
    fn a_lock_file_left_by_a_dead_run_is_harmless() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("lockfile"), "").unwrap();
        CacheLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_lock_does_not_remove_the_file_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lockfile");
        let first = CacheLock::acquire(dir.path()).unwrap();
        fs::remove_file(&path).unwrap();
        let second = CacheLock::acquire(dir.path()).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn many_runs_at_once_never_hold_one_cache_together() {
        let dir = tempfile::tempdir().unwrap();
        let inside = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let Ok(_lock) = CacheLock::acquire(dir.path()) else { continue };
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn one_address_is_locked_once_and_others_are_free() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("hindsight");
        let url = |text: &'static str| UrlLock::acquire(&folder, OsStr::new(text));
        let lock = url("file:///a").unwrap();
        assert!(matches!(url("file:///a"), Err(LockError::Held { .. })));
        url("file:///b").unwrap();
        drop(lock);
        url("file:///a").unwrap();
    }

    #[test]
    fn a_tag_stays_with_the_lock_and_differs_by_place_and_repository() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("hindsight");
        let tag = |url: &str, id: &str| UrlLock::acquire(&folder, OsStr::new(url)).unwrap().holder_tag(id);
        let first = tag("file:///a", "id").expect("this kernel names its start");
        assert_eq!(tag("file:///a", "id").unwrap(), first);
        assert_ne!(tag("file:///b", "id").unwrap(), first);
        assert_ne!(tag("file:///a", "other").unwrap(), first);
    }

    #[test]
    fn a_lock_folder_open_to_others_or_behind_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(UrlLock::acquire(&open, OsStr::new("x")), Err(LockError::Insecure { .. })));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(matches!(UrlLock::acquire(&link, OsStr::new("x")), Err(LockError::Insecure { .. })));
    }
}
