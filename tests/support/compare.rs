//! What a folder holds, remembered without its bytes, and the differences between two such memories.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::hash::sha256;

/// How much of a restored file must be as it was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What FORMAT.md 3.1 lets every program keep: kind, content, mode, owner, target, device and whole seconds
    /// since the epoch. Earlier times are stored as 0, hard links as copies, holes as zeros.
    Stock,
    /// Everything: also earlier times and nanoseconds, extended attributes with access lists, hard links and holes.
    Everything,
}

/// A folder at one moment: relative path (the folder itself is the empty path) to what is there.
///
/// Sockets are left out, as no backup holds them.
#[derive(Clone, Default)]
pub(crate) struct Snapshot(pub(super) BTreeMap<PathBuf, Node>);

#[derive(Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, i64),
    attributes: BTreeMap<OsString, Vec<u8>>,
    /// The first path of the same file, if it has several.
    linked: Option<PathBuf>,
    sparse: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Folder,
    File { size: u64, sha256: String },
    Symlink { target: OsString },
    Device { block: bool, number: u64 },
    Fifo,
}

impl Snapshot {
    /// Reads everything below `root`.
    pub(crate) fn of(root: &Path) -> Self {
        let mut snapshot = Self::default();
        let mut first_names = BTreeMap::new();
        snapshot.add(root, PathBuf::new(), &mut first_names);
        snapshot
    }

    fn add(&mut self, root: &Path, path: PathBuf, first_names: &mut BTreeMap<(u64, u64), PathBuf>) {
        let full = if path.as_os_str().is_empty() { root.to_owned() } else { root.join(&path) };
        let found = fs::symlink_metadata(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()));
        let Some(kind) = kind_of(&full, &found) else { return };
        let names = (kind != Kind::Folder && found.nlink() > 1)
            .then(|| first_names.entry((found.dev(), found.ino())).or_insert_with(|| path.clone()).clone());
        let node = Node {
            mode: found.mode() & 0o7777,
            owner: (found.uid(), found.gid()),
            mtime: (found.mtime(), found.mtime_nsec()),
            attributes: if found.is_symlink() { BTreeMap::new() } else { attributes_of(&full) },
            linked: names,
            sparse: found.is_file() && found.blocks() * 512 + (1 << 20) < found.size(),
            kind,
        };
        if node.kind == Kind::Folder {
            let mut names: Vec<_> =
                fs::read_dir(&full).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names.into_iter().for_each(|name| self.add(root, path.join(name), first_names));
        }
        self.0.insert(path, node);
    }

    /// What `found` lacks, has too much or has otherwise than `self`, one sentence each.
    pub(crate) fn differences(&self, found: &Self, detail: Detail) -> Vec<String> {
        let missing = self.0.keys().filter(|path| !found.0.contains_key(*path));
        let surplus = found.0.keys().filter(|path| !self.0.contains_key(*path));
        let mut differences: Vec<_> = missing.map(|path| format!("{path:?} is missing")).collect();
        differences.extend(surplus.map(|path| format!("{path:?} should not exist")));
        for (path, node) in &self.0 {
            let Some(other) = found.0.get(path) else { continue };
            let mut report = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
                differences.push(format!("{path:?}: {what} is {theirs:?}, not {ours:?}"));
            };
            if node.kind != other.kind {
                report("content", &node.kind, &other.kind);
                continue;
            }
            if node.mode != other.mode && !matches!(node.kind, Kind::Symlink { .. }) {
                report("mode", &format!("{:o}", node.mode), &format!("{:o}", other.mode));
            }
            if node.owner != other.owner {
                report("owner", &node.owner, &other.owner);
            }
            if !node.same_time(other, detail) {
                report("modification time", &node.mtime, &other.mtime);
            }
            if detail == Detail::Everything {
                if node.attributes != other.attributes {
                    report("list of extended attributes", &node.attributes, &other.attributes);
                }
                if node.linked != other.linked {
                    report("first name of the same file", &node.linked, &other.linked);
                }
                if node.sparse != other.sparse {
                    report("sparse", &node.sparse, &other.sparse);
                }
            }
        }
        differences
    }

    /// Fails with every difference between `self`, which is right, and the folder at `root`.
    pub(crate) fn expect_at(&self, root: &Path, detail: Detail, what: &str) {
        let differences = self.differences(&Self::of(root), detail);
        assert!(
            differences.is_empty(),
            "{what}: {} differences:\n{}",
            differences.len(),
            differences.join("\n")
        );
    }
}

impl Node {
    fn same_time(&self, other: &Self, detail: Detail) -> bool {
        let (seconds, nanoseconds) = self.mtime;
        match detail {
            Detail::Everything => self.mtime == other.mtime,
            Detail::Stock if matches!(self.kind, Kind::Symlink { .. }) => true, // stock never sets it
            Detail::Stock => {
                // Python reads times as floating-point numbers, so that a last fraction becomes the next second.
                let rounded = i64::from(nanoseconds > 999_999_800);
                let found = other.mtime.0.max(0);
                (seconds.max(0)..=(seconds + rounded).max(0)).contains(&found)
            }
        }
    }
}

/// `None` for a socket.
fn kind_of(path: &Path, found: &Metadata) -> Option<Kind> {
    let kind = found.file_type();
    Some(if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File { size: found.size(), sha256: sha256(path) }
    } else if kind.is_symlink() {
        Kind::Symlink { target: fs::read_link(path).unwrap().into_os_string() }
    } else if kind.is_fifo() {
        Kind::Fifo
    } else if kind.is_socket() {
        return None;
    } else {
        Kind::Device { block: kind.is_block_device(), number: found.rdev() }
    })
}

fn attributes_of(path: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        Err(Errno::NOTSUP) => 0,
        other => other.unwrap(),
    };
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let mut value = vec![0; 1 << 16];
            let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]).unwrap();
            value.truncate(length);
            (OsStr::from_bytes(name).to_owned(), value)
        })
        .collect()
}
