//! What a wish comes to now: the catalogue's entries against what is on disk. Nothing is fetched and nothing is
//! touched.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use super::super::states::volumes_of;
use super::super::wish::{Counts, Estimate, Existing, Hindrance, Root, Roots, Wish};
use super::known::Known;
use super::look::{Folder, Look, Room, There};
use crate::context::{Cancelled, Context};
use crate::entry::{Attributes, EntryPath, Kind};
use crate::error::Result;
use crate::repository::catalog::{Catalog, State, Stored};
use crate::repository::stream::Wanted;
use crate::repository::{BackupSet, Repository};
use crate::tree::target::{free_name, is_same};

pub(super) struct Planned {
    pub(super) roots: Roots,
    /// Folders above each root that have to be made before it, and how they were.
    pub(super) above: Above,
    /// By date of the backup, what is to be read of it.
    wanted: BTreeMap<i64, Vec<EntryPath>>,
    pub(super) counts: Counts,
    /// Bytes of the files that are to be written.
    pub(super) write: u64,
    pub(super) look: Look,
    pub(super) absent: Vec<EntryPath>,
}

/// By the path of a root.
pub(super) type Above = HashMap<EntryPath, Vec<(EntryPath, Attributes)>>;

impl Planned {
    pub(super) fn of(wish: &Wish, known: &Known<'_>, ctx: &Context) -> Result<Self> {
        let planned = Self {
            roots: wish.roots(),
            above: HashMap::new(),
            wanted: BTreeMap::new(),
            counts: Counts::default(),
            write: 0,
            look: Look::at(wish.base())?,
            absent: Vec::new(),
        };
        let mut planner = Planner { wish, ctx, known, new_above: HashMap::new(), planned };
        for root in planner.planned.roots.0.clone() {
            planner.root(&root)?;
        }
        Ok(planner.planned)
    }

    pub(super) fn finds_nothing(&self) -> bool {
        self.absent.len() == self.roots.0.len()
    }

    /// Of each set what has to be read, oldest first. A path is wanted of the sets of one date only, so that what is
    /// read of it is what it was then, whatever else is read with it.
    pub(super) fn wanted(&self, known: &Known<'_>) -> Vec<(BackupSet, Wanted)> {
        let of_set = |set: &BackupSet| {
            let mut paths = self.wanted.get(&set.id.at.0)?.clone();
            // What lies within another root was planned after that.
            paths.sort();
            Some((set.clone(), Wanted::These(paths.into())))
        };
        known.sets().filter_map(of_set).collect()
    }

    pub(super) fn estimate(
        self,
        repository: &Repository,
        known: &Known<'_>,
        ctx: &Context,
    ) -> Result<Estimate> {
        let (sets, wanted): (Vec<_>, Vec<_>) = self.wanted(known).into_iter().unzip();
        let volumes = volumes_of(repository, &sets, &wanted, ctx)?;
        let volumes = sets.iter().zip(volumes).flat_map(|(set, volumes)| {
            volumes.into_iter().filter_map(|volume| set.volumes.get(&volume.number))
        });
        Ok(Estimate {
            counts: self.counts,
            fetch: volumes.filter_map(|name| repository.size_of(name)).sum(),
            write: self.write,
            shortages: self.look.shortages(),
            obstacles: self.look.obstacles,
            absent: self.absent,
        })
    }
}

struct Planner<'a> {
    wish: &'a Wish,
    ctx: &'a Context,
    known: &'a Known<'a>,
    /// Folders above several roots are made once: with their devices.
    new_above: HashMap<EntryPath, u64>,
    planned: Planned,
}

impl Planner<'_> {
    fn root(&mut self, root: &Root) -> Result<()> {
        let (mut found, mut failed) = (false, Ok(()));
        let Some((catalog, state)) = self.known.at(root.date) else { return Ok(()) };
        let read = catalog.stored(state, &root.path, |stored| {
            if !found {
                found = true;
                failed = self.above(root, catalog, state);
            }
            if failed.is_ok() && self.is_of(root, &stored.path) {
                failed = self.ctx.check().and_then(|()| self.entry(root, stored)).map_err(Into::into);
            }
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        read.map_err(|trouble| catalog.error(trouble))?;
        if !found {
            self.planned.absent.push(root.path.clone());
        }
        failed
    }

    /// What lies within another root is wanted of that one's date.
    fn is_of(&self, root: &Root, path: &EntryPath) -> bool {
        self.planned.roots.root_of(path).is_some_and(|nearest| nearest.path == root.path)
    }

    /// The folders above a root, from the base down.
    fn above(&mut self, root: &Root, catalog: &Catalog, state: &State) -> Result<()> {
        let mut way = Vec::new();
        let (mut at, mut path) = (root.at.parent(), root.path.parent());
        while let Some(folder) = at.filter(|at| !at.is_root()) {
            at = folder.parent();
            way.push((folder, path.clone()));
            path = path.as_ref().and_then(EntryPath::parent);
        }
        for (at, path) in way.into_iter().rev() {
            if let Some(device) = self.new_above.get(&at) {
                self.planned.look.parent(&at);
                self.planned.look.enter(&at, Folder::New(*device));
                continue;
            }
            let there = match self.planned.look.parent(&at) {
                Folder::Here(here) => Look::there(here, &at),
                _ => Ok(There::Nothing),
            };
            match there {
                Ok(There::Folder) => self.planned.look.enter_found(&at),
                Ok(There::Nothing) => {
                    let was = match &path {
                        Some(path) => catalog.attributes(state, path),
                        None => Ok(None),
                    };
                    let was = was.map_err(|trouble| catalog.error(trouble))?;
                    let was = was.filter(|was| was.kind == Kind::Directory).unwrap_or_else(plain_folder);
                    self.new_folder_above(root, &at, was);
                }
                Ok(There::Other) | Err(_) => {
                    let obstacle = self.planned.look.bar(at.below(self.wish.base()), Hindrance::InTheWay);
                    self.planned.look.enter(&at, Folder::Barred(obstacle));
                }
            }
        }
        Ok(())
    }

    fn new_folder_above(&mut self, root: &Root, at: &EntryPath, was: Attributes) {
        match self.planned.look.room(at) {
            Room::Barred(obstacle) => self.planned.look.enter(at, Folder::Barred(obstacle)),
            Room::On(device) => {
                self.planned.counts.folders += 1;
                self.new_above.insert(at.clone(), device);
                self.planned.above.entry(root.path.clone()).or_default().push((at.clone(), was));
                self.planned.look.enter(at, Folder::New(device));
            }
        }
    }

    fn entry(&mut self, root: &Root, stored: Stored) -> std::result::Result<(), Cancelled> {
        let place = root.place_of(&stored.path);
        let directory = stored.attributes.kind == Kind::Directory;
        if place.is_root() {
            if directory && self.planned.look.is_base_new() {
                self.planned.counts.folders += 1;
                self.want(&stored);
            }
            return Ok(());
        }
        self.planned.look.approach(&place);
        let there = match self.planned.look.parent(&place) {
            Folder::Here(here) => Look::there(here, &place),
            _ => Ok(There::Nothing),
        };
        match there {
            Ok(There::Folder) if directory => {
                self.planned.look.enter_found(&place);
                Ok(())
            }
            Ok(There::Nothing) => {
                self.make(&place, &stored, |counts| counts.created += 1);
                Ok(())
            }
            Ok(there) => self.beside_or_instead(&place, &stored, &root.mark, matches!(there, There::Folder)),
            Err(_) => {
                let why = Hindrance::NotPermitted { of_another_user: false };
                let obstacle = self.planned.look.bar(place.below(self.wish.base()), why);
                self.bar(&place, directory, obstacle);
                Ok(())
            }
        }
    }

    /// Something has the name.
    fn beside_or_instead(
        &mut self,
        place: &EntryPath,
        stored: &Stored,
        mark: &str,
        folder: bool,
    ) -> std::result::Result<(), Cancelled> {
        let directory = stored.attributes.kind == Kind::Directory;
        match self.wish.existing {
            Existing::OnlyMissing if directory => {
                let obstacle = self.planned.look.bar(place.below(self.wish.base()), Hindrance::InTheWay);
                self.bar(place, true, obstacle);
            }
            Existing::OnlyMissing => self.planned.counts.kept += 1,
            _ if directory => self.make(place, stored, |_| {}),
            Existing::Replace if !folder => {
                if self.is_there(place, stored)? {
                    self.planned.counts.kept += 1;
                } else {
                    self.make(place, stored, |counts| counts.replaced += 1);
                }
            }
            Existing::KeepBoth | Existing::Replace => {
                if self.is_there(place, stored)? || self.is_beside(place, stored, mark)? {
                    self.planned.counts.kept += 1;
                } else {
                    self.make(place, stored, |counts| counts.renamed += 1);
                }
            }
        }
        Ok(())
    }

    /// Counts what is to be made, if it can be: a folder as such, anything else as `count` says.
    fn make(&mut self, place: &EntryPath, stored: &Stored, count: impl FnOnce(&mut Counts)) {
        let directory = stored.attributes.kind == Kind::Directory;
        let device = match self.planned.look.room(place) {
            Room::On(device) => device,
            Room::Barred(obstacle) => return self.bar(place, directory, obstacle),
        };
        if directory {
            self.planned.counts.folders += 1;
            self.planned.look.enter(place, Folder::New(device));
            if self.planned.roots.is_above_one(&stored.path) {
                self.new_above.insert(place.clone(), device);
            }
        } else {
            count(&mut self.planned.counts);
            let size = stored.attributes.content.map_or(0, |content| content.size);
            self.planned.write += size;
            self.planned.look.count_bytes(device, size);
        }
        self.want(stored);
    }

    fn bar(&mut self, place: &EntryPath, directory: bool, obstacle: usize) {
        self.planned.look.count_barred(obstacle);
        if directory {
            self.planned.look.enter(place, Folder::Barred(obstacle));
        }
    }

    fn want(&mut self, stored: &Stored) {
        for date in &stored.dates {
            self.planned.wanted.entry(*date).or_default().push(stored.path.clone());
        }
    }

    fn is_there(&mut self, place: &EntryPath, stored: &Stored) -> std::result::Result<bool, Cancelled> {
        let name = OsStr::from_bytes(place.file_name());
        match self.planned.look.parent(place) {
            Folder::Here(here) => is_same(&here.fd, name, &stored.attributes, self.ctx),
            _ => Ok(false),
        }
    }

    /// Restored in this way before.
    fn is_beside(
        &mut self,
        place: &EntryPath,
        stored: &Stored,
        mark: &str,
    ) -> std::result::Result<bool, Cancelled> {
        let name = OsStr::from_bytes(place.file_name());
        match self.planned.look.parent(place) {
            Folder::Here(here) => {
                let free = free_name(&here.fd, name, &stored.attributes, mark, self.ctx)?;
                Ok(free.is_none())
            }
            _ => Ok(false),
        }
    }
}

/// Of which the backups know nothing.
fn plain_folder() -> Attributes {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mtime = crate::entry::Timestamp::now();
    Attributes { kind: Kind::Directory, mode: 0o755, uid, gid, mtime, ..Attributes::default() }
}
