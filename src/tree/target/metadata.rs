//! Owner, extended attributes, mode and times of one object, in the order in which they do not undo each other.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::{Errno, Result};

use super::Settings;
use crate::context::ProblemKind;
use crate::entry::{Attributes, EntryPath, Kind};

const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;

/// An object that exists already, perhaps under a temporary name.
pub(super) enum Handle<'a> {
    Open(BorrowedFd<'a>),
    /// What cannot be opened without effects: `fd` is an `O_PATH` descriptor of `name` in `parent`.
    Named {
        fd: BorrowedFd<'a>,
        parent: BorrowedFd<'a>,
        name: &'a str,
    },
}

/// Applies all that is recorded. Whatever fails is reported as a problem of `path`, and the rest is still applied.
pub(super) fn apply(handle: &Handle<'_>, attributes: &Attributes, settings: &Settings, path: &EntryPath) {
    let report = |what: &str, why: &dyn std::fmt::Display| {
        let place = path.below(&settings.root);
        settings.ctx.problem(ProblemKind::MetadataNotRestored, place, format_args!("{what}: {why}"));
    };
    // Changing the owner clears set-id bits and capabilities, so it comes first. Extended attributes need
    // write permission, so they come before the mode; the time comes last, as everything else may change it.
    let (mode, problem) = apply_owner(handle, attributes, settings);
    if let Some(error) = problem {
        report("owner", &error);
    }
    if let Some(Err(error)) =
        attributes.extended.as_deref().map(|extended| (settings.options.extended)(handle.fd(), extended))
    {
        report("extended attributes", &error);
    }
    if attributes.kind != Kind::Symlink {
        if mode != attributes.mode & 0o7777 {
            report("permissions", &"set-id bits left out, since the owner is another");
        }
        if let Err(error) = handle.set_mode(mode) {
            report("permissions", &error);
        }
    }
    if let Err(error) = handle.set_times(attributes) {
        report("time", &error);
    }
}

/// Returns the mode that is safe for the owner the object has in the end: a program that runs as its owner
/// must not run as anyone else.
fn apply_owner(handle: &Handle<'_>, attributes: &Attributes, settings: &Settings) -> (u32, Option<Errno>) {
    let mode = attributes.mode & 0o7777;
    let stat = match handle.stat() {
        Ok(stat) => stat,
        Err(error) => return (mode & !(SET_USER_ID | SET_GROUP_ID), Some(error)),
    };
    let wanted = (settings.options.owner)(attributes);
    let before = (stat.st_uid, stat.st_gid);
    let (mut owner, mut problem) = (before, None);
    if settings.options.restore_ownership && wanted != before {
        match handle.set_owner(Some(wanted.0).filter(|uid| *uid != before.0), Some(wanted.1)) {
            Ok(()) => owner = wanted,
            // A user may still give files to the groups he is in.
            Err(error) => {
                if wanted.0 != before.0 && handle.set_owner(None, Some(wanted.1)).is_ok() {
                    owner.1 = wanted.1;
                }
                problem = Some(error).filter(|_| rustix::process::geteuid().is_root());
            }
        }
    }
    let mut lost = 0;
    if owner.0 != wanted.0 {
        lost |= SET_USER_ID;
    }
    // On a directory the bit only says which group new files get.
    if owner.1 != wanted.1 && attributes.kind == Kind::File {
        lost |= SET_GROUP_ID;
    }
    (mode & !lost, problem)
}

impl Handle<'_> {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Open(fd) | Self::Named { fd, .. } => *fd,
        }
    }

    fn stat(&self) -> Result<Stat> {
        rustix::fs::fstat(self.fd())
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        // All ones means "leave it" to the system; no such id exists.
        let uid = uid.filter(|uid| *uid != u32::MAX).map(Uid::from_raw);
        let gid = gid.filter(|gid| *gid != u32::MAX).map(Gid::from_raw);
        rustix::fs::chownat(self.fd(), "", uid, gid, AtFlags::EMPTY_PATH)
    }

    fn set_mode(&self, mode: u32) -> Result<()> {
        let mode = Mode::from_raw_mode(mode);
        match self {
            Self::Open(fd) => rustix::fs::fchmod(fd, mode),
            // The only way to a fifo or device that neither opens it nor trusts its name.
            Self::Named { fd, .. } => rustix::fs::chmod(format!("/proc/self/fd/{}", fd.as_raw_fd()), mode),
        }
    }

    fn set_times(&self, attributes: &Attributes) -> Result<()> {
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec {
                tv_sec: attributes.mtime.seconds,
                // Larger values are commands to the system.
                tv_nsec: attributes.mtime.nanos.min(999_999_999).into(),
            },
        };
        match self {
            Self::Open(fd) => rustix::fs::futimens(fd, &times),
            Self::Named { parent, name, .. } => {
                rustix::fs::utimensat(parent, *name, &times, AtFlags::SYMLINK_NOFOLLOW)
            }
        }
    }
}
