//! What was done to a target, told while it is done, for whoever may want to undo it.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};

use crate::entry::{EntryPath, Timestamp};

/// Paths are below the target's root, and as they are on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Complete, with its name and attributes; of a directory, before it is filled.
    Made { path: EntryPath, identity: Identity },
    /// About to be renamed; told before it is done.
    MovedAway { path: EntryPath, to: EntryPath },
}

/// Called from several threads. An error keeps what is told from being moved away.
pub type Deeds = dyn Fn(Deed) -> io::Result<()> + Send + Sync;

/// How an object looked when it had been made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub directory: bool,
    pub device: u64,
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    pub mtime: Timestamp,
}

impl Identity {
    pub fn of(object: impl AsFd) -> rustix::io::Result<Self> {
        rustix::fs::fstat(object).map(|stat| Self::from(&stat))
    }

    /// Whether nobody has changed the object since; a directory may have been filled and emptied.
    pub fn is_still(&self, now: &Self) -> bool {
        let same = (self.directory, self.device, self.inode) == (now.directory, now.device, now.inode);
        same && (self.directory || (self.size, self.mtime) == (now.size, now.mtime))
    }
}

impl From<&Stat> for Identity {
    fn from(stat: &Stat) -> Self {
        Self {
            directory: FileType::from_raw_mode(stat.st_mode).is_dir(),
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size.unsigned_abs(),
            mtime: Timestamp { seconds: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 },
        }
    }
}
