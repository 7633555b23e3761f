//! The vocabulary that every layer shares: a path inside a backup, and what is known of the object there.
//!
//! Pure values; no I/O, no format. Paths are bytes, since names on disk need not be UTF-8.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Path of an object relative to the root of a backup ("index" in `FORMAT.md`): components joined
/// by `/`, without leading or trailing slash. The root itself is empty. Never holds `..`, `.`, empty components or NUL.
///
/// Ordered component-wise as byte strings, a parent before its children: the order of every stored
/// stream (`dir`, `dir/sub`, `dir-a`, `dir.txt`), which is *not* the order of the joined bytes.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct EntryPath(Vec<u8>);

/// A stored name that must not become a path: it would leave the tree or cannot exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid path {:?}", String::from_utf8_lossy(.0))]
pub struct InvalidPath(pub Vec<u8>);

impl EntryPath {
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Accepts what readers meet: leading, trailing and doubled slashes and `.` components are dropped;
    /// `..` and NUL are refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidPath> {
        let mut joined = Vec::with_capacity(bytes.len());
        for component in bytes.split(|b| *b == b'/') {
            match component {
                b"" | b"." => continue,
                b".." => return Err(InvalidPath(bytes.to_vec())),
                c if c.contains(&0) => return Err(InvalidPath(bytes.to_vec())),
                c => {
                    if !joined.is_empty() {
                        joined.push(b'/');
                    }
                    joined.extend_from_slice(c);
                }
            }
        }
        Ok(Self(joined))
    }

    /// The path of `name` (one component, as a directory listing gives it) below `self`.
    pub fn child(&self, name: &[u8]) -> Self {
        debug_assert!(!name.is_empty() && !name.contains(&b'/') && name != b"..");
        let mut joined = Vec::with_capacity(self.0.len() + 1 + name.len());
        if !self.0.is_empty() {
            joined.extend_from_slice(&self.0);
            joined.push(b'/');
        }
        joined.extend_from_slice(name);
        Self(joined)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|c| !c.is_empty())
    }

    /// `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(Self(self.0[..end].to_vec()))
    }

    /// Last component; empty for the root.
    pub fn file_name(&self) -> &[u8] {
        self.0.rsplit(|b| *b == b'/').next().unwrap_or_default()
    }

    /// Whether `self` is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        ancestor.is_root()
            || self.0 == ancestor.0
            || (self.0.starts_with(&ancestor.0) && self.0.get(ancestor.0.len()) == Some(&b'/'))
    }

    /// The rest of the path below `ancestor`; `None` when it is not within it.
    pub fn relative_to(&self, ancestor: &Self) -> Option<Self> {
        if !self.is_within(ancestor) {
            return None;
        }
        let skip = if ancestor.is_root() { 0 } else { (ancestor.0.len() + 1).min(self.0.len()) };
        Some(Self(self.0[skip..].to_vec()))
    }

    /// `rest`, which is relative to `self`, as a path like `self`.
    pub fn join(&self, rest: &Self) -> Self {
        match (self.is_root(), rest.is_root()) {
            (true, _) => rest.clone(),
            (_, true) => self.clone(),
            _ => Self([&self.0[..], b"/", &rest.0].concat()),
        }
    }

    /// Where the object lies when the backup's root is `root` on this computer.
    pub fn below(&self, root: &Path) -> PathBuf {
        if self.is_root() { root.to_path_buf() } else { root.join(OsStr::from_bytes(&self.0)) }
    }
}

impl Ord for EntryPath {
    fn cmp(&self, other: &Self) -> Ordering {
        // A slash sorts below every byte that a name can hold; the rest is plain byte order.
        let rank = |b: &u8| if *b == b'/' { 0 } else { *b };
        let common = self.0.iter().zip(&other.0).position(|(a, b)| a != b);
        match common {
            Some(i) => rank(&self.0[i]).cmp(&rank(&other.0[i])),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for EntryPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// For people and logs: lossy, root shown as `.`.
impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(".") } else { f.write_str(&String::from_utf8_lossy(&self.0)) }
    }
}

/// Seconds since 1970-01-01 UTC (may be negative) and nanoseconds `0..1_000_000_000` after that second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanos: u32,
}

impl Timestamp {
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        Self { seconds: now.tv_sec, nanos: now.tv_nsec as u32 }
    }
}

/// What kind of object a path names. Sockets are never stored (`FORMAT.md`, entry names).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Kind {
    #[default]
    File,
    Directory,
    Symlink,
    Fifo,
    CharDevice,
    BlockDevice,
}

/// Size and SHA-256 of a file's whole content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Content {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
}

/// Identity of an object that had more than one name when it was saved. Inode numbers are reused, so
/// equality proves a hard link only together with equal content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LinkId {
    pub device: u64,
    pub inode: u64,
    /// Birth time; zero where the file system has none.
    pub birth: Timestamp,
}

/// How the file looked on disk when it was read; what the next backup compares with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskState {
    pub ctime: Timestamp,
    pub inode: u64,
}

/// What a faithful copy needs beyond POSIX basics. Empty for most files, hence boxed in [`Attributes`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Extended {
    /// Name (with namespace, `user.comment`) and raw value, sorted by name; no POSIX ACLs.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// ACLs in text form, star's convention (numeric ids appended), see `FORMAT.md`.
    pub acl_access: Option<Vec<u8>>,
    pub acl_default: Option<Vec<u8>>,
}

/// All that is known of one object, but for its path and bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Attributes {
    pub kind: Kind,
    /// Permission bits only (`0o7777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Empty when the id has no name.
    pub user: Vec<u8>,
    pub group: Vec<u8>,
    pub mtime: Timestamp,
    /// Symlinks: the target's bytes. Empty otherwise.
    pub link_target: Vec<u8>,
    /// Devices: major and minor.
    pub device: (u32, u32),
    /// Files whose content was recorded by us; `None` when stock wrote the entry.
    pub content: Option<Content>,
    pub disk: Option<DiskState>,
    pub links: Option<LinkId>,
    /// The file had holes; runs of zero bytes become holes again on restore.
    pub sparse: bool,
    pub extended: Option<Box<Extended>>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn path(s: &str) -> EntryPath {
        EntryPath::parse(s.as_bytes()).unwrap()
    }

    #[test]
    fn order_is_component_wise_and_parents_come_first() {
        let sorted = ["", "dir", "dir/f1", "dir/sub", "dir/sub/f2", "dir-a", "dir.txt"];
        for pair in sorted.windows(2) {
            assert!(path(pair[0]) < path(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn dots_and_doubled_slashes_vanish_but_dot_dot_is_refused() {
        assert_eq!(path("./a//b/"), path("a/b"));
        assert!(EntryPath::parse(b"a/../b").is_err());
        assert!(EntryPath::parse(b"a\0b").is_err());
    }

    #[test]
    fn within_means_the_path_itself_or_below() {
        assert!(path("a/b").is_within(&path("a")));
        assert!(path("a").is_within(&path("a")));
        assert!(!path("ab").is_within(&path("a")));
        assert_eq!(path("a/b/c").relative_to(&path("a")), Some(path("b/c")));
        assert_eq!(path("a").relative_to(&path("a")), Some(EntryPath::root()));
        assert_eq!(path("a").join(&path("b/c")), path("a/b/c"));
        assert_eq!(
            (path("a").join(&EntryPath::root()), EntryPath::root().join(&path("a"))),
            (path("a"), path("a"))
        );
        assert_eq!(path("a/b").parent(), Some(path("a")));
        assert_eq!(path("a").parent(), Some(EntryPath::root()));
        assert_eq!(path("a/b").file_name(), b"b");
    }
}
