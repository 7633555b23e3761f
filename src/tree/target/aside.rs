//! Where replaced files go: into a hidden directory of this restore's, by a rename within one file system.
//!
//! A rename loses nothing at any moment, whoever pulls the plug, and needs no space; the desktop's trash would on other
//! file systems copy or refuse, and does not say where it put what. The directory is made as far up as the file
//! system goes and this user may, mostly in the home folder, so that there is one to look into; the way down to
//! the file is made again in it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::deed::{Deed, Identity};
use super::directory::Dir;
use super::pending::rename_to_free;
use crate::entry::EntryPath;

/// Moves what has this name in `dir` out of the way.
pub(super) fn move_away(dir: &Arc<Dir>, name: &OsStr) -> io::Result<()> {
    let mut failed = Errno::ACCESS.into();
    for top in dir.of_one_file_system()?.into_iter().rev() {
        match move_below(top, dir, name) {
            Ok(()) => return Ok(()),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn move_below(top: &Dir, dir: &Dir, name: &OsStr) -> io::Result<()> {
    let way = dir.place().relative_to(top.place()).unwrap_or_default();
    let safe = top.settings().options.aside.as_bytes();
    let mut at = top.place().child(safe);
    let mut folder = enter(top, top, safe, &at)?;
    for component in way.components() {
        at = at.child(component);
        folder = enter(top, &folder, component, &at)?;
    }
    let (path, to) = (dir.place().child(name.as_bytes()), at.child(name.as_bytes()));
    top.settings().tell(Deed::MovedAway { path, to })?;
    Ok(rename_to_free(dir, name, &folder, name)?)
}

/// Makes a directory or opens the one that this user made.
fn enter(top: &Dir, parent: impl AsFd, name: &[u8], at: &EntryPath) -> io::Result<OwnedFd> {
    let name = OsStr::from_bytes(name);
    let made = match mkdirat(&parent, name, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error.into()),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(parent, name, flags, Mode::empty())?;
    let stat = fstat(&folder)?;
    // In a folder that others may write to, they could wait with one of their own.
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Errno::ACCESS.into());
    }
    if made {
        top.settings().tell(Deed::Made { path: at.clone(), identity: Identity::from(&stat) })?;
    }
    Ok(folder)
}
