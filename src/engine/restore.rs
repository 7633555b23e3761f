//! Bringing files back: states in path order, a pool that checks them and gives them their places, large ones written
//! as they come.
//!
//! A file gets its name only after its content was checked against the recorded SHA-256.

mod known;
mod look;
mod planned;
mod selected;
mod shared;
mod wished;
mod writers;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, access};

use super::assemble::{Assembled, Failure, Whole, gather};
use super::dates::{report_unusable, sets_at};
use super::states::{FileState, State, States, What};
use super::wish::{Root, Roots};
use super::{Ownership, RestoreJob, RestoreReport};
use crate::context::{Change, Context};
use crate::entry::{Attributes, Content, EntryPath, Kind, LinkId};
use crate::error::{Error, Result};
use crate::repository::asctime;
use crate::tree::metadata::apply_extended;
use crate::tree::owner::Owners;
use crate::tree::select::Selection;
use crate::tree::target::{
    Deeds, Existing, How, MarkOf, Options, PendingFile, Placed, Target, TargetError, Temporary,
};
use planned::Above;
use selected::Selected;
use shared::Shared;
pub use wished::estimate;
pub(super) use wished::run as bring_back;
use writers::{Ready, Writers};

pub(super) fn run(job: RestoreJob, ctx: &Context) -> Result<RestoreReport> {
    let existing = if job.force { Existing::Overwrite } else { Existing::Refuse };
    Target::check(&job.target, existing)?;
    let place = job.place.clone();
    let repository = place.open()?;
    let repository = Arc::new(repository);
    let sets = sets_at(&repository, job.time, ctx)?;
    let unusable = report_unusable(&repository, sets, job.time, &job.target, ctx);
    let time = sets.last().map_or(0, |set| set.id.at.0);
    let mut states = States::open(&repository, sets, &job.path, ctx)?;
    let task = Task::of(&job, existing);
    let shared = Shared::new(&task, ctx);
    std::thread::scope(|scope| {
        if job.selection.is_everything() {
            scope.spawn(|| shared.count_total(&repository, sets, &job.path));
        }
        let writers = Writers::start(scope, &shared);
        Restore::new(&shared, writers).all(&mut states, &job.selection)
    })?;
    shared.report_progress(job.target.clone());
    let report = shared.report(time, unusable);
    if report.entries == 0 && !job.selection.is_everything() {
        return Err(Error::NothingSelected { date: asctime(time) });
    }
    if report.entries == 0 {
        return Err(Error::PathNotFound { path: job.path, date: asctime(time) });
    }
    Ok(report)
}

/// What is restored where, and how.
struct Task {
    /// Everything is made below it, or as it.
    base: PathBuf,
    roots: Roots,
    above: Above,
    existing: Existing,
    /// Renamed things may come to lie in folders that are not there, or not open any more.
    makes_way: bool,
    aside: String,
    deeds: Option<Arc<Deeds>>,
    ownership: Ownership,
}

impl Task {
    /// One path becomes the target.
    fn of(job: &RestoreJob, existing: Existing) -> Self {
        Self {
            base: job.target.clone(),
            roots: Roots::renamed(job.path.clone(), &job.renames),
            above: Above::new(),
            // The target was empty, and two things may meet in one place.
            existing: if job.renames.is_empty() { existing } else { Existing::Overwrite },
            makes_way: !job.renames.is_empty(),
            aside: String::new(),
            deeds: None,
            ownership: job.ownership,
        }
    }
}

/// Success, or why one object could not be written.
type Written = std::result::Result<(), TargetError>;
type MaybePlaced = std::result::Result<Placed, TargetError>;

/// What two names of one object have in common: inode numbers are reused.
#[derive(PartialEq, Eq, Hash)]
enum Told {
    File(Content),
    /// Its kind, where a symlink leads, the numbers of a device.
    Object(Kind, Vec<u8>, (u32, u32)),
}

struct Restore<'a> {
    shared: &'a Shared<'a>,
    writers: Writers,
    /// Made when the first entry shows what kind of object the root is.
    target: Option<Target>,
    /// Folders that are still to be made before what lies in them.
    above: Above,
    /// A folder for unnamed temporary files.
    scratch: PathBuf,
    /// The last folder that could not be written. Where folders are merged each object finds its own way.
    unwritten: Option<EntryPath>,
    /// Where objects with several names were restored first.
    links: HashMap<(LinkId, Told), EntryPath>,
}

impl<'a> Restore<'a> {
    fn new(shared: &'a Shared<'a>, writers: Writers) -> Self {
        let (above, scratch) = (shared.task.above.clone(), scratch(shared.task));
        Self { shared, writers, target: None, above, scratch, unwritten: None, links: HashMap::new() }
    }

    fn all(mut self, states: &mut States, selection: &Selection) -> Result<()> {
        let mut selected = Selected::new(selection);
        while let Some(State { path, what }) = selected.next(states)? {
            self.shared.ctx.check()?;
            let Some(root) = self.shared.task.roots.root_of(&path) else { continue };
            let path = root.place_of(&path);
            self.shared.begin_entry();
            let place = self.shared.place(&path);
            if let Some(folder) = self.unwritten.as_ref().filter(|folder| path.is_within(folder)) {
                self.shared.folder_not_written(&place, folder);
                continue;
            }
            let written = match (what, self.approach(root, &path)?) {
                (What::Lost(why), _) => {
                    self.shared.failed(&place, Failure::Lost(why));
                    continue;
                }
                (_, Err(error)) => Err(error),
                (What::Object(attributes), Ok(())) => self.object(&path, &attributes)?,
                (What::File(file), Ok(())) => self.file(&path, file, states)?,
            };
            if let Err(error) = written {
                self.shared.not_written(&place, &error);
            }
            self.shared.ctx.monitor.changed(Change::Restored, &path);
            self.shared.report_progress(place);
        }
        Ok(())
    }

    /// The target, made on first use: as a folder, or as the one object that is restored.
    fn target(&mut self, single: bool) -> Result<&mut Target> {
        let (task, ctx) = (self.shared.task, self.shared.ctx);
        let target = match self.target.take() {
            Some(target) => target,
            None if single => Target::create_for_file(&task.base, options(task), ctx)?,
            None => Target::create(&task.base, options(task), ctx)?,
        };
        Ok(self.target.insert(target))
    }

    /// Goes to the folder of `path` in a target that is merged with what is there, making what is missing above its
    /// root.
    fn approach(&mut self, root: &Root, path: &EntryPath) -> Result<Written> {
        let shared = self.shared;
        let parent = match path.parent() {
            Some(parent) if shared.task.makes_way => return Ok(self.target(false)?.make_way(&parent)),
            Some(parent) if shared.task.existing.merges() => parent,
            _ => return Ok(Ok(())),
        };
        for (folder, attributes) in self.above.remove(&root.path).into_iter().flatten() {
            let target = self.target(false)?;
            let made = target.reach(&folder.parent().unwrap_or_default());
            match made.and_then(|()| target.directory(&folder, &attributes)) {
                Ok(placed) => shared.placed(&folder, &placed, true),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(self.target(false)?.reach(&parent))
    }

    fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Result<Written> {
        let directory = attributes.kind == Kind::Directory;
        let single = path.is_root() && !directory && !self.shared.task.existing.merges();
        let target = self.target(single)?;
        let placed = match attributes.links {
            _ if directory => target.directory(path, attributes),
            Some(id) => self.object_of_several_names(path, attributes, id, single)?,
            None => target.object(path, attributes),
        };
        if directory && placed.is_err() && !self.shared.task.existing.merges() {
            self.unwritten = Some(path.clone());
        }
        Ok(placed.map(|placed| self.shared.placed(path, &placed, directory)))
    }

    fn object_of_several_names(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
        id: LinkId,
        single: bool,
    ) -> Result<MaybePlaced> {
        let Attributes { kind, link_target, device, .. } = attributes;
        let identity = (id, Told::Object(*kind, link_target.clone(), *device));
        let existing = self.links.get(&identity).cloned();
        let target = self.target(single)?;
        if let Some(Ok(placed)) = existing.map(|existing| target.link(path, &existing, *kind)) {
            return Ok(Ok(placed));
        }
        let placed = target.object(path, attributes);
        if let Ok(placed) = &placed {
            self.remember_name(identity, placed);
        }
        Ok(placed)
    }

    /// What was there already is nothing to link to.
    fn remember_name(&mut self, identity: (LinkId, Told), placed: &Placed) {
        if placed.how != How::Kept {
            self.links.insert(identity, placed.at.clone());
        }
    }

    fn file(&mut self, path: &EntryPath, mut file: Box<FileState>, states: &mut States) -> Result<Written> {
        let single = path.is_root() && !self.shared.task.existing.merges();
        let pending = match self.target(single)?.file(path) {
            Ok(pending) => pending,
            Err(error) => return Ok(Err(error)),
        };
        let mut make = || pending.temporary().map_err(io::Error::other);
        let gathered = gather(states, &mut file, &self.scratch, &mut make)?;
        let attributes = file.attributes();
        let checked = match gathered {
            Ok(gathered) if attributes.links.is_none() => {
                self.writers.push(Ready { pending, gathered, attributes });
                return Ok(Ok(()));
            }
            Ok(gathered) => gathered.check(),
            Err(failure) => Err(failure),
        };
        match checked {
            Ok(whole) => {
                self.shared.count(&whole.content);
                let placed = self.put(pending, whole, attributes);
                Ok(placed.map(|placed| self.shared.placed(path, &placed, false)))
            }
            Err(failure) => {
                self.shared.failed(&self.shared.place(path), failure);
                Ok(Ok(()))
            }
        }
    }

    /// Files with several names are finished at once: a later name may link to them.
    fn put(&mut self, pending: PendingFile, whole: Whole<Temporary>, attributes: Attributes) -> MaybePlaced {
        let identity = attributes.links.map(|id| (id, Told::File(whole.content)));
        if let Some(existing) = identity.as_ref().and_then(|identity| self.links.get(identity))
            && let Ok(placed) = pending.link(existing, Kind::File)
        {
            return Ok(placed);
        }
        let placed = place_content(pending, whole, attributes)?;
        if let Some(identity) = identity {
            self.remember_name(identity, &placed);
        }
        Ok(placed)
    }
}

fn place_content(pending: PendingFile, whole: Whole<Temporary>, mut attributes: Attributes) -> MaybePlaced {
    // Other programs do not record it; what is there may have to be compared with it.
    attributes.content = Some(whole.content);
    match whole.data {
        Assembled::File(temporary) => pending.finish(temporary, &attributes),
        Assembled::Memory(data) => pending.write(&data, &attributes),
    }
}

/// On the disk to which the first files go, if anything can be written there.
fn scratch(task: &Task) -> PathBuf {
    let usable = |folder: &&Path| folder.is_dir() && access(*folder, Access::WRITE_OK).is_ok();
    let folder = match task.roots.0.first().filter(|_| task.existing.merges()) {
        Some(root) => root.at.below(&task.base).ancestors().find(usable).map(Path::to_path_buf),
        None => task.base.parent().filter(|folder| folder.is_dir()).map(Path::to_path_buf),
    };
    folder.unwrap_or_else(tempfile::env::temp_dir)
}

fn options(task: &Task) -> Options {
    let owners = Arc::new(Owners::default());
    let by_name = task.ownership == Ownership::ByName;
    let for_acl = Arc::clone(&owners);
    Options {
        existing: task.existing,
        mark: mark_of(&task.roots),
        aside: task.aside.clone(),
        deeds: task.deeds.clone(),
        restore_ownership: task.ownership != Ownership::Ignore,
        owner: Arc::new(move |attributes| {
            let named = |id: Option<u32>| id.filter(|_| by_name);
            let uid = named(owners.uid(&attributes.user)).unwrap_or(attributes.uid);
            let gid = named(owners.gid(&attributes.group)).unwrap_or(attributes.gid);
            (uid, gid)
        }),
        extended: Arc::new(move |fd, extended| {
            let failed = apply_extended(fd, extended, &for_acl, !by_name);
            let text =
                |(name, error): &(Vec<u8>, io::Error)| format!("{}: {error}", String::from_utf8_lossy(name));
            if failed.is_empty() {
                Ok(())
            } else {
                Err(failed.iter().map(text).collect::<Vec<_>>().join(", "))
            }
        }),
    }
}

/// A place below the base has the mark of the root in which it lies; a folder above all roots that of the first.
fn mark_of(roots: &Roots) -> Arc<MarkOf> {
    let marks: HashMap<_, _> = roots.0.iter().map(|root| (root.at.clone(), root.mark.clone())).collect();
    let first = roots.0.first().map(|root| root.mark.clone()).unwrap_or_default();
    Arc::new(move |path| {
        let above = std::iter::successors(Some(path.clone()), EntryPath::parent);
        above.filter_map(|path| marks.get(&path)).next().unwrap_or(&first).clone()
    })
}
