//! Directories that are no part of the source although they lie in it, by path and by identity (bind mounts).

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Statx, StatxFlags};

use crate::entry::EntryPath;

pub(super) struct LeftOut {
    paths: Vec<EntryPath>,
    identities: Vec<(u32, u32, u64)>,
}

impl LeftOut {
    pub(super) fn new(root: &Path, directories: &[PathBuf]) -> Self {
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

    pub(super) fn contains(&self, path: &EntryPath, stat: &Statx) -> bool {
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
