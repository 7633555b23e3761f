//! Opening what a walk found, by its path below the root, without ever following a symlink there, unless that is
//! asked for.
//!
//! Between the walk and the read anything may have been swapped: a folder for a symlink to `/etc`, a
//! file for a fifo. The first fails, the second never blocks.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;

use crate::entry::{DiskState, EntryPath, Timestamp};

/// The root of a backup on this computer, held open: renaming it does not mislead later reads.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    root: OwnedFd,
    follows_links: bool,
    /// The kernel (5.6) and its sandbox let us resolve a whole path in one call.
    whole_paths: bool,
}

/// What a reader compares before and after: equal means that nobody wrote in between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskIdentity {
    /// Bytes.
    pub size: u64,
    pub mtime: Timestamp,
    pub disk: DiskState,
}

impl Source {
    /// `root` itself may be a symlink to a directory or file.
    pub fn open(root: &Path) -> io::Result<Self> {
        let fd = fs::openat(CWD, root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let probe = fs::openat2(&fd, c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), RESOLVE);
        Ok(Self { path: root.to_path_buf(), root: fd, follows_links: false, whole_paths: probe.is_ok() })
    }

    /// Links lead where they lead, as [`Selection::following_links`](super::select::Selection::following_links) had it.
    pub fn following_links(self, follows_links: bool) -> Self {
        Self { follows_links, ..self }
    }

    /// Opens a regular file for reading; never blocks, leaves its access time alone where that is permitted.
    /// Anything but a regular file is `InvalidInput`.
    pub fn open_file(&self, path: &EntryPath) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = match self.open_at(path, flags | OFlags::NOATIME) {
            // Only the owner may leave the access time alone.
            Err(Errno::PERM) => self.open_at(path, flags)?,
            other => other?,
        };
        if FileType::from_raw_mode(fs::fstat(&fd)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no longer a regular file"));
        }
        Ok(fd.into())
    }

    /// A handle on any object, symlinks included, that permits no reading: for [`super::metadata`].
    pub fn open_handle(&self, path: &EntryPath) -> io::Result<OwnedFd> {
        Ok(self.open_at(path, OFlags::PATH | OFlags::CLOEXEC)?)
    }

    fn open_at(&self, path: &EntryPath, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        if path.is_root() {
            return fs::openat(CWD, &self.path, flags, Mode::empty());
        }
        let (flags, resolve) = match self.follows_links {
            true => (flags, ResolveFlags::NO_MAGICLINKS),
            false => (flags | OFlags::NOFOLLOW, RESOLVE),
        };
        if self.whole_paths {
            match fs::openat2(&self.root, path.as_bytes(), flags, Mode::empty(), resolve) {
                Err(Errno::NAMETOOLONG) => {}
                other => return other,
            }
        }
        self.open_by_component(path, flags)
    }

    fn open_by_component(&self, path: &EntryPath, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | (flags & OFlags::NOFOLLOW);
        let mut parent: Option<OwnedFd> = None;
        for name in path.parent().unwrap_or_default().components() {
            let at = parent.as_ref().unwrap_or(&self.root).as_fd();
            parent = Some(fs::openat(at, name, folder, Mode::empty())?);
        }
        fs::openat(parent.as_ref().unwrap_or(&self.root), path.file_name(), flags, Mode::empty())
    }
}

/// Entry paths hold no `..`, so that without symlinks there is no way out.
const RESOLVE: ResolveFlags = ResolveFlags::NO_SYMLINKS.union(ResolveFlags::NO_MAGICLINKS);

/// How an open file looks now.
pub fn disk_identity(file: &File) -> io::Result<DiskIdentity> {
    Ok(DiskIdentity::of(&fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?))
}

impl DiskIdentity {
    pub(super) fn of(stat: &Statx) -> Self {
        Self {
            size: stat.stx_size,
            mtime: timestamp(&stat.stx_mtime),
            disk: DiskState { ctime: timestamp(&stat.stx_ctime), inode: stat.stx_ino },
        }
    }
}

pub(super) fn timestamp(time: &fs::StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanos: time.tv_nsec }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use rustix::fs::mknodat;
    use tempfile::TempDir;

    use super::*;

    fn path(s: &str) -> EntryPath {
        EntryPath::parse(s.as_bytes()).unwrap()
    }

    /// With the kernel's own resolution and without.
    fn sources(root: &Path) -> [Source; 2] {
        let new = Source::open(root).unwrap();
        let old = Source { whole_paths: false, ..Source::open(root).unwrap() };
        [new, old]
    }

    #[test]
    fn files_open_by_their_path_and_a_single_file_is_the_root() {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/b/c"), b"content").unwrap();
        let single = Source::open(&root.path().join("a/b/c")).unwrap();
        let mut files = vec![single.open_file(&EntryPath::root()).unwrap()];
        files.extend(sources(root.path()).iter().map(|source| source.open_file(&path("a/b/c")).unwrap()));
        for mut file in files {
            let mut content = String::new();
            file.read_to_string(&mut content).unwrap();
            assert_eq!(content, "content");
        }
    }

    #[test]
    fn no_symlink_below_the_root_is_followed() {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("real")).unwrap();
        fs::write(root.path().join("real/file"), b"").unwrap();
        symlink("real", root.path().join("folder")).unwrap();
        symlink("file", root.path().join("real/alias")).unwrap();
        for source in sources(root.path()) {
            assert!(source.open_file(&path("folder/file")).is_err());
            assert!(source.open_file(&path("real/alias")).is_err());
            let handle = source.open_handle(&path("real/alias")).unwrap();
            assert!(FileType::from_raw_mode(rustix::fs::fstat(handle).unwrap().st_mode).is_symlink());
        }
    }

    #[test]
    fn a_fifo_or_folder_in_place_of_a_file_fails_at_once() {
        let root = TempDir::new().unwrap();
        mknodat(CWD, root.path().join("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for source in sources(root.path()) {
            let error = source.open_file(&path("fifo")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(source.open_file(&EntryPath::root()).is_err());
        }
    }

    #[test]
    fn paths_longer_than_the_kernel_takes_still_open() {
        let root = TempDir::new().unwrap();
        let name = "n".repeat(250);
        let mut at = Source::open(root.path()).unwrap().root;
        let mut deep = EntryPath::root();
        for _ in 0..20 {
            rustix::fs::mkdirat(&at, &name, Mode::RWXU).unwrap();
            at = rustix::fs::openat(&at, &name, OFlags::RDONLY, Mode::empty()).unwrap();
            deep = deep.child(name.as_bytes());
        }
        rustix::fs::openat(&at, "file", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
        Source::open(root.path()).unwrap().open_file(&deep.child(b"file")).unwrap();
    }

    #[test]
    fn writing_to_a_file_changes_its_identity() {
        let root = TempDir::new().unwrap();
        let name = root.path().join("file");
        fs::write(&name, b"one").unwrap();
        let file = Source::open(root.path()).unwrap().open_file(&path("file")).unwrap();
        let before = disk_identity(&file).unwrap();
        assert_eq!(before, disk_identity(&file).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&name, b"two").unwrap();
        assert_ne!(before, disk_identity(&file).unwrap());
    }
}
