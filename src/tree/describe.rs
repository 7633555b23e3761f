//! What `statx` tells of an object, in our terms.

use rustix::fs::{self, FileType, Statx, StatxFlags};

use super::owner::Owners;
use super::source::{DiskIdentity, timestamp};
use super::walk::Entry;
use crate::entry::{Attributes, EntryPath, Kind, LinkId, Timestamp};

/// What [`describe`] needs.
pub(super) const STATX: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

/// The owners' names that one thread met last.
#[derive(Default)]
pub(super) struct LastOwner {
    user: LastName,
    group: LastName,
}

/// Most entries have the owner of the one before.
#[derive(Default)]
struct LastName(Option<(u32, Vec<u8>)>);

impl LastName {
    fn get(&mut self, id: u32, lookup: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        match &self.0 {
            Some((last, name)) if *last == id => name.clone(),
            _ => self.0.insert((id, lookup())).1.clone(),
        }
    }
}

pub(super) fn describe(
    path: EntryPath,
    kind: Kind,
    stat: &Statx,
    link_target: Vec<u8>,
    owners: &Owners,
    last: &mut LastOwner,
) -> Entry {
    let (uid, gid) = (stat.stx_uid, stat.stx_gid);
    let identity = DiskIdentity::of(stat);
    let is_file = kind == Kind::File;
    let device_id = device_of(stat);
    let attributes = Attributes {
        kind,
        mode: u32::from(stat.stx_mode) & 0o7777,
        uid,
        gid,
        user: last.user.get(uid, || owners.user_name(uid)),
        group: last.group.get(gid, || owners.group_name(gid)),
        mtime: identity.mtime,
        link_target,
        device: match kind {
            Kind::CharDevice | Kind::BlockDevice => (stat.stx_rdev_major, stat.stx_rdev_minor),
            _ => (0, 0),
        },
        disk: Some(identity.disk),
        links: (kind != Kind::Directory && stat.stx_nlink > 1).then(|| link_id(stat, device_id)),
        sparse: is_file && has_holes(stat),
        ..Attributes::default()
    };
    Entry { path, attributes, size: if is_file { stat.stx_size } else { 0 }, device_id }
}

/// The file system that it lies on.
pub(super) fn device_of(stat: &Statx) -> u64 {
    fs::makedev(stat.stx_dev_major, stat.stx_dev_minor)
}

/// `None` for sockets and what the future brings.
pub(super) fn kind_of(stat: &Statx) -> Option<Kind> {
    kind_of_type(FileType::from_raw_mode(stat.stx_mode.into()))
}

pub(super) fn kind_of_type(file_type: FileType) -> Option<Kind> {
    Some(match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        _ => return None,
    })
}

fn link_id(stat: &Statx, device: u64) -> LinkId {
    let has_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    let birth = if has_birth { timestamp(&stat.stx_btime) } else { Timestamp::default() };
    LinkId { device, inode: stat.stx_ino, birth }
}

/// Less than a page missing is rounding or content kept in the inode.
fn has_holes(stat: &Statx) -> bool {
    stat.stx_blocks.saturating_mul(512).saturating_add(4096) <= stat.stx_size
}
