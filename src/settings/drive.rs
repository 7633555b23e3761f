//! Where a drive is mounted, found by the identity of its file system.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// `None` when no drive with this file system is connected and mounted.
pub(super) fn mount_point(uuid: &str) -> Option<PathBuf> {
    let table = fs::read("/proc/self/mountinfo").ok()?;
    find(Path::new("/dev/disk/by-uuid"), uuid, &table)
}

/// `links`: names of file systems, each a link to its device.
fn find(links: &Path, uuid: &str, table: &[u8]) -> Option<PathBuf> {
    if uuid.is_empty() || uuid.contains('/') || uuid.starts_with('.') {
        return None;
    }
    let device = links.join(uuid).canonicalize().ok()?;
    let facts = device.metadata().ok()?;
    let number = format!("{}:{}", rustix::fs::major(facts.rdev()), rustix::fs::minor(facts.rdev()));
    let mounts: Vec<_> = table.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect();
    let is_on_device = |mount: &&Mount| {
        // btrfs shows a number of its own; its source names the device.
        mount.device == number.as_bytes() || mount.source.canonicalize().is_ok_and(|path| path == device)
    };
    let mut of_device = mounts.iter().filter(is_on_device);
    // A mount of the whole rather than of a part of it.
    let whole = of_device.clone().find(|mount| mount.root == Path::new("/"));
    whole.or_else(|| of_device.next()).map(|mount| mount.point.clone())
}

/// A line of `/proc/self/mountinfo`.
struct Mount<'t> {
    /// `major:minor`.
    device: &'t [u8],
    /// What part of the file system is mounted.
    root: PathBuf,
    point: PathBuf,
    source: PathBuf,
}

impl<'t> Mount<'t> {
    fn parse(line: &'t [u8]) -> Option<Self> {
        let fields: Vec<_> = line.split(|byte| *byte == b' ').collect();
        let [_, _, device, root, point, rest @ ..] = fields.as_slice() else { return None };
        // Any number of optional fields, a hyphen, the kind of file system, its source.
        let hyphen = rest.iter().position(|field| *field == b"-")?;
        let source = rest.get(hyphen + 2)?;
        Some(Self { device, root: unescape(root), point: unescape(point), source: unescape(source) })
    }
}

/// Spaces and the like are written as `\040`.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [byte, tail @ ..] = rest {
        let octal = (*byte == b'\\').then(|| tail.get(..3)).flatten();
        let value = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(value.unwrap_or(*byte));
        rest = if value.is_some() { &tail[3..] } else { tail };
    }
    std::ffi::OsString::from_vec(bytes).into()
}
