//! Bringing files back: states in path order, a pool that checks them and gives them their places, large ones written
//! as they come.
//!
//! A file gets its name only after its content was checked against the recorded SHA-256.

mod shared;
mod writers;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assemble::{Assembled, Failure, Whole, gather};
use super::dates::{report_unusable, sets_at};
use super::states::{FileState, State, States, What};
use super::{Ownership, RestoreJob, RestoreReport};
use crate::context::{Change, Context};
use crate::entry::{Attributes, Content, EntryPath, Kind, LinkId};
use crate::error::{Error, Result};
use crate::repository::{Repository, asctime};
use crate::tree::metadata::apply_extended;
use crate::tree::owner::Owners;
use crate::tree::target::{Options, PendingFile, Target, TargetError, Temporary};
use shared::Shared;
use writers::{Ready, Writers};

pub(super) fn run(job: RestoreJob, ctx: &Context) -> Result<RestoreReport> {
    Target::check(&job.target, job.force)?;
    let place = job.place.clone();
    let repository = Repository::open(Arc::clone(&place.destination), place.passphrase, &place.cache)?;
    let repository = Arc::new(repository);
    let sets = sets_at(&repository, job.time, ctx)?;
    let unusable = report_unusable(&repository, sets, job.time, &job.target, ctx);
    let time = sets.last().map_or(0, |set| set.id.at.0);
    let mut states = States::open(&repository, sets, &job.path, ctx)?;
    let shared = Shared::new(&job, ctx);
    std::thread::scope(|scope| {
        scope.spawn(|| shared.count_total(&repository, sets));
        let writers = Writers::start(scope, &shared);
        Restore::new(&shared, writers).all(&mut states)
    })?;
    shared.report_progress(job.target.clone());
    let report = shared.report(time, unusable);
    if report.entries == 0 {
        return Err(Error::PathNotFound { path: job.path, date: asctime(time) });
    }
    Ok(report)
}

/// Success, or why one object could not be written.
type Written = std::result::Result<(), TargetError>;

struct Restore<'a> {
    shared: &'a Shared<'a>,
    writers: Writers,
    /// Made when the first entry shows what kind of object the root is.
    target: Option<Target>,
    /// A folder for unnamed temporary files.
    scratch: PathBuf,
    /// Where files with several names were restored first.
    links: HashMap<(LinkId, Content), EntryPath>,
}

impl<'a> Restore<'a> {
    fn new(shared: &'a Shared<'a>, writers: Writers) -> Self {
        let beside = shared.job.target.parent().filter(|folder| folder.is_dir());
        let scratch = beside.map_or_else(tempfile::env::temp_dir, Path::to_path_buf);
        Self { shared, writers, target: None, scratch, links: HashMap::new() }
    }

    fn all(mut self, states: &mut States) -> Result<()> {
        while let Some(State { path, what }) = states.next()? {
            self.shared.ctx.check()?;
            let Some(path) = path.relative_to(&self.shared.job.path) else { continue };
            self.shared.begin_entry();
            let place = self.shared.place(&path);
            let written = match what {
                What::Lost(why) => {
                    self.shared.failed(&place, Failure::Lost(why));
                    continue;
                }
                What::Object(attributes) => self.object(&path, &attributes)?,
                What::File(file) => self.file(&path, file, states)?,
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
        let (job, ctx) = (self.shared.job, self.shared.ctx);
        let target = match self.target.take() {
            Some(target) => target,
            None if single => Target::create_for_file(&job.target, options(job), ctx)?,
            None => Target::create(&job.target, options(job), ctx)?,
        };
        Ok(self.target.insert(target))
    }

    fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Result<Written> {
        let directory = attributes.kind == Kind::Directory;
        let target = self.target(path.is_root() && !directory)?;
        Ok(if directory { target.directory(path, attributes) } else { target.object(path, attributes) })
    }

    fn file(&mut self, path: &EntryPath, mut file: Box<FileState>, states: &mut States) -> Result<Written> {
        let pending = match self.target(path.is_root())?.file(path) {
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
                Ok(self.put(pending, whole, attributes))
            }
            Err(failure) => {
                self.shared.failed(&self.shared.place(path), failure);
                Ok(Ok(()))
            }
        }
    }

    /// Files with several names are finished at once: a later name may link to them.
    fn put(&mut self, pending: PendingFile, whole: Whole<Temporary>, attributes: Attributes) -> Written {
        let identity = attributes.links.map(|id| (id, whole.content));
        if let Some(existing) = identity.and_then(|identity| self.links.get(&identity))
            && pending.link(existing).is_ok()
        {
            return Ok(());
        }
        let path = pending.path().clone();
        match whole.data {
            Assembled::File(temporary) => pending.finish(temporary, &attributes)?,
            Assembled::Memory(data) => pending.write(&data, &attributes)?,
        }
        if let Some(identity) = identity {
            self.links.insert(identity, path);
        }
        Ok(())
    }
}

fn options(job: &RestoreJob) -> Options {
    let owners = Arc::new(Owners::default());
    let by_name = job.ownership == Ownership::ByName;
    let for_acl = Arc::clone(&owners);
    Options {
        force: job.force,
        restore_ownership: job.ownership != Ownership::Ignore,
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
