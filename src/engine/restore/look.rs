//! The folders on the way to a place as they are now, looked at without following a link below the base.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, fstat, fstatvfs, openat, statat,
};
use rustix::io::Errno;

use super::super::wish::{Hindrance, Obstacle, Shortage};
use crate::entry::EntryPath;
use crate::error::TargetError;

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

pub(super) struct Look {
    base: PathBuf,
    base_folder: Folder,
    /// Folders below the base that each lie in the one before.
    open: Vec<(EntryPath, Folder)>,
    pub(super) obstacles: Vec<Obstacle>,
    /// By device: a folder there, bytes that are to be written, bytes that are free.
    space: Space,
}

type Space = BTreeMap<u64, Shortage>;

pub(super) enum Folder {
    Here(Here),
    /// It will be made, on this device.
    New(u64),
    /// It cannot be made: the number of the obstacle.
    Barred(usize),
}

pub(super) struct Here {
    pub(super) fd: OwnedFd,
    device: u64,
    /// The obstacle if nothing can be made in it; known once it was asked for.
    barred: OnceCell<Option<usize>>,
}

/// What has a name in a folder.
pub(super) enum There {
    Nothing,
    Folder,
    Other,
}

/// Whether something can be made.
pub(super) enum Room {
    On(u64),
    Barred(usize),
}

impl Look {
    /// `base` need not exist, but what exists of it must be a folder.
    pub(super) fn at(base: &Path) -> Result<Self, TargetError> {
        let (mut obstacles, mut space) = (Vec::new(), Space::new());
        for folder in base.ancestors() {
            let nearest = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let failed = |error: Errno| TargetError::Io { path: folder.to_path_buf(), source: error.into() };
            let here = match openat(CWD, nearest, FOLDER, Mode::empty()) {
                Ok(fd) => here(fd, nearest, &mut space).map_err(failed)?,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(failed(error)),
            };
            let base_folder = if folder == base {
                Folder::Here(here)
            } else if let Some(why) = hindrance(&here) {
                obstacles.push(Obstacle { path: nearest.to_path_buf(), why, items: 0 });
                Folder::Barred(0)
            } else {
                Folder::New(here.device)
            };
            return Ok(Self { base: base.to_path_buf(), base_folder, open: Vec::new(), obstacles, space });
        }
        Err(TargetError::NoParent(base.to_path_buf()))
    }

    pub(super) fn is_base_new(&self) -> bool {
        matches!(self.base_folder, Folder::New(_))
    }

    /// The folder in which `place` lies; it was entered before.
    pub(super) fn parent(&mut self, place: &EntryPath) -> &Folder {
        while self.open.last().is_some_and(|(at, _)| !place.is_within(at) || at == place) {
            self.open.pop();
        }
        self.open.last().map_or(&self.base_folder, |(_, folder)| folder)
    }

    /// Enters what is missing between the folder that was entered last and the one in which `place` lies. Only of
    /// damaged backups anything is.
    pub(super) fn approach(&mut self, place: &EntryPath) {
        let parent = place.parent().unwrap_or_default();
        loop {
            self.parent(place);
            let last = self.open.last().map_or_else(EntryPath::root, |(at, _)| at.clone());
            let way = parent.relative_to(&last).unwrap_or_default();
            let Some(name) = way.components().next() else { return };
            let at = last.child(name);
            match self.parent(&at) {
                Folder::Here(here) if matches!(Self::there(here, &at), Ok(There::Folder)) => {
                    self.enter_found(&at)
                }
                _ => {
                    let obstacle = self.bar(at.below(&self.base), Hindrance::InTheWay);
                    self.enter(&at, Folder::Barred(obstacle));
                }
            }
        }
    }

    pub(super) fn enter(&mut self, place: &EntryPath, folder: Folder) {
        self.open.push((place.clone(), folder));
    }

    /// Opens a folder that was found at `place`.
    pub(super) fn enter_found(&mut self, place: &EntryPath) {
        let name = OsStr::from_bytes(place.file_name()).to_os_string();
        let Folder::Here(parent) = self.parent(place) else { return };
        let opened = openat(&parent.fd, &*name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        let path = place.below(&self.base);
        let folder = match opened.and_then(|fd| here(fd, &path, &mut self.space)) {
            Ok(here) => Folder::Here(here),
            Err(_) => Folder::Barred(self.bar(path, Hindrance::NotPermitted { of_another_user: false })),
        };
        self.enter(place, folder);
    }

    /// What is at `place`, the folder of which is here.
    pub(super) fn there(here: &Here, place: &EntryPath) -> Result<There, Errno> {
        match statat(&here.fd, OsStr::from_bytes(place.file_name()), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => Ok(There::Folder),
            Ok(_) => Ok(There::Other),
            Err(Errno::NOENT) => Ok(There::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Whether `place` can be made in its folder.
    pub(super) fn room(&mut self, place: &EntryPath) -> Room {
        let path = place.parent().unwrap_or_default().below(&self.base);
        let (known, blocked) = match self.parent(place) {
            Folder::New(device) => return Room::On(*device),
            Folder::Barred(obstacle) => return Room::Barred(*obstacle),
            Folder::Here(here) => match here.barred.get() {
                Some(None) => return Room::On(here.device),
                Some(Some(obstacle)) => return Room::Barred(*obstacle),
                None => (here.device, hindrance(here)),
            },
        };
        let obstacle = blocked.map(|why| self.bar(path, why));
        if let Folder::Here(here) = self.parent(place) {
            let _ = here.barred.set(obstacle);
        }
        obstacle.map_or(Room::On(known), Room::Barred)
    }

    pub(super) fn bar(&mut self, path: PathBuf, why: Hindrance) -> usize {
        self.obstacles.push(Obstacle { path, why, items: 0 });
        self.obstacles.len() - 1
    }

    /// One more item that an obstacle keeps from being written.
    pub(super) fn count_barred(&mut self, obstacle: usize) {
        if let Some(obstacle) = self.obstacles.get_mut(obstacle) {
            obstacle.items += 1;
        }
    }

    pub(super) fn count_bytes(&mut self, device: u64, bytes: u64) {
        if let Some(space) = self.space.get_mut(&device) {
            space.needed += bytes;
        }
    }

    pub(super) fn shortages(&self) -> Vec<Shortage> {
        self.space.values().filter(|space| space.needed > space.free).cloned().collect()
    }
}

fn here(fd: OwnedFd, path: &Path, space: &mut Space) -> rustix::io::Result<Here> {
    let device = fstat(&fd)?.st_dev;
    if let Entry::Vacant(vacant) = space.entry(device) {
        let stat = fstatvfs(&fd)?;
        let free = stat.f_bavail * stat.f_frsize;
        vacant.insert(Shortage { path: path.to_path_buf(), needed: 0, free });
    }
    Ok(Here { fd, device, barred: OnceCell::new() })
}

/// What keeps things from being made in a folder.
fn hindrance(here: &Here) -> Option<Hindrance> {
    let error = accessat(&here.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).err()?;
    Some(match error {
        Errno::ROFS => Hindrance::ReadOnly,
        _ => {
            let foreign = |stat: Stat| stat.st_uid != rustix::process::geteuid().as_raw();
            Hindrance::NotPermitted { of_another_user: fstat(&here.fd).is_ok_and(foreign) }
        }
    })
}
