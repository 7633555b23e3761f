//! What is there already when something is to be restored: whether it is the same, and which name is free beside it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};
use sha2::{Digest, Sha256};

use crate::context::{Cancelled, Context};
use crate::entry::{Attributes, Kind};
use crate::tree::source::disk_identity;

/// What becomes of an object whose name is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Existing {
    /// The target must be empty, and nothing in it is touched.
    #[default]
    Refuse,
    /// Files are replaced for good, and directories filled that are not empty. A directory is never replaced by
    /// something else nor the reverse.
    Overwrite,
    /// Directories are filled; whatever exists stays as it is.
    Keep,
    /// Directories are filled; what differs from what is there comes beside it under a free name.
    KeepBoth,
    /// Directories are filled; what differs is moved away first. Something of another kind stays, and what is restored
    /// comes beside it.
    MoveAway,
}

impl Existing {
    /// Existing directories are entered.
    pub fn enters(self) -> bool {
        self != Self::Refuse
    }

    /// Existing directories stay as they are but for what is added to them.
    pub fn merges(self) -> bool {
        matches!(self, Self::Keep | Self::KeepBoth | Self::MoveAway)
    }
}

/// How an object came to its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    Created,
    /// What was there has been moved away.
    Replaced,
    /// Something is there, and stays: the same, or whatever it is where nothing is to be touched. A directory was
    /// entered.
    Kept,
    /// Made under another name beside what is there.
    Beside,
}

/// Whether what has this name is what would be restored, whatever its attributes. What cannot be read differs, and
/// so does a file of which only the name is known.
pub fn is_same(dir: impl AsFd, name: &OsStr, wanted: &Attributes, ctx: &Context) -> Result<bool, Cancelled> {
    let Ok(stat) = statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(false) };
    let is_device = || {
        let device = rustix::fs::makedev(wanted.device.0, wanted.device.1);
        stat.st_rdev == device
    };
    match (wanted.kind, FileType::from_raw_mode(stat.st_mode)) {
        (Kind::File, FileType::RegularFile) => has_content(dir, name, wanted, ctx),
        (Kind::Symlink, FileType::Symlink) => {
            let target = readlinkat(&dir, name, Vec::new());
            Ok(target.is_ok_and(|target| target.as_bytes() == wanted.link_target))
        }
        (Kind::Fifo, FileType::Fifo) => Ok(true),
        (Kind::CharDevice, FileType::CharacterDevice) | (Kind::BlockDevice, FileType::BlockDevice) => {
            Ok(is_device())
        }
        _ => Ok(false),
    }
}

fn has_content(dir: impl AsFd, name: &OsStr, wanted: &Attributes, ctx: &Context) -> Result<bool, Cancelled> {
    let Some(content) = wanted.content else { return Ok(false) };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let Ok(file) = openat(dir, name, flags, Mode::empty()) else { return Ok(false) };
    let mut file = File::from(file);
    let Ok(now) = disk_identity(&file) else { return Ok(false) };
    if now.size != content.size {
        return Ok(false);
    }
    // Nobody has written to it since it was saved: as the next backup would conclude.
    if wanted.disk == Some(now.disk) && wanted.mtime == now.mtime {
        return Ok(true);
    }
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 17]);
    loop {
        ctx.check()?;
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize()[..] == content.sha256),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(false),
        }
    }
}

/// A name beside `name` that is not taken; `None` if what is to be restored is there already, under such a name.
pub fn free_name(
    dir: impl AsFd,
    name: &OsStr,
    wanted: &Attributes,
    mark: &str,
    ctx: &Context,
) -> Result<Option<OsString>, Cancelled> {
    let mut number = 1;
    loop {
        let free = beside(name, wanted.kind == Kind::Directory, mark, number);
        if statat(&dir, &*free, AtFlags::SYMLINK_NOFOLLOW).is_err() {
            return Ok(Some(free));
        }
        if is_same(&dir, &free, wanted, ctx)? {
            return Ok(None);
        }
        number += 1;
    }
}

/// "letter (12 May 2026).txt", "letter (12 May 2026, 2).txt" and so on.
pub fn beside(name: &OsStr, directory: bool, mark: &str, number: u32) -> OsString {
    /// Bytes of a name that every file system takes.
    const LONGEST: usize = 255;
    let name = name.as_bytes();
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0 && !directory);
    let (stem, ending) = name.split_at(dot.unwrap_or(name.len()));
    let mark = mark.replace(['/', '\0'], "-");
    let mark = if number > 1 { format!(" ({mark}, {number})") } else { format!(" ({mark})") };
    let mut length = stem.len().min(LONGEST.saturating_sub(mark.len() + ending.len()));
    // Not in the middle of a character.
    while length < stem.len() && length > 0 && stem[length] & 0xc0 == 0x80 {
        length -= 1;
    }
    OsString::from_vec([&stem[..length], mark.as_bytes(), ending].concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn named(name: &str, number: u32) -> String {
        beside(name.as_ref(), false, "12 May", number).into_string().unwrap()
    }

    #[test]
    fn the_date_comes_before_the_ending() {
        assert_eq!(named("letter.txt", 1), "letter (12 May).txt");
        assert_eq!(named("letter.txt", 2), "letter (12 May, 2).txt");
        assert_eq!(named("README", 1), "README (12 May)");
        assert_eq!(named(".bashrc", 1), ".bashrc (12 May)");
        assert_eq!(beside("v1.2".as_ref(), true, "a/b", 1), "v1.2 (a-b)");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = named(&format!("{}.txt", "ä".repeat(125)), 1);
        assert!(name.len() <= 255 && name.ends_with("ä (12 May).txt"), "{name}");
    }
}
