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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// `/dev/null` has number 1:3; nobody mounts it, so it stands for a drive.
    fn links() -> tempfile::TempDir {
        let links = tempfile::tempdir().unwrap();
        symlink("/dev/null", links.path().join("1234-ABCD")).unwrap();
        links
    }

    fn found(table: &str) -> Option<PathBuf> {
        find(links().path(), "1234-ABCD", table.as_bytes())
    }

    const ROOT: &str = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n";

    #[test]
    fn a_drive_is_found_where_it_is_mounted_whole() {
        let part = "30 1 1:3 /sub /mnt/part rw - ext4 /dev/null rw\n";
        let whole = r"31 1 1:3 / /run/media/ada/Red\040Disk rw,nosuid shared:9 master:1 - vfat /dev/null rw";
        let red = Some(PathBuf::from("/run/media/ada/Red Disk"));
        assert_eq!(found(&format!("{ROOT}{part}{whole}\n")), red);
        assert_eq!(found(&format!("{ROOT}{part}")), Some("/mnt/part".into()));
    }

    #[test]
    fn a_drive_with_a_number_of_its_own_is_found_by_its_device() {
        let btrfs = "31 1 0:77 / /mnt/b rw - btrfs /dev/null rw,subvol=/\n";
        assert_eq!(found(&format!("{ROOT}{btrfs}")), Some("/mnt/b".into()));
    }

    #[test]
    fn a_drive_that_is_not_mounted_or_not_there_is_not_found() {
        assert_eq!(found(ROOT), None);
        assert_eq!(find(links().path(), "5678-ABCD", ROOT.as_bytes()), None);
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_of_names_is_refused() {
        let table = b"31 1 1:3 / /mnt rw - vfat /dev/null rw\n";
        for uuid in ["", ".", "..", "../null", "/dev/null"] {
            assert_eq!(find(Path::new("/dev"), uuid, table), None, "{uuid:?}");
        }
    }
}
