//! Bringing files back: states in path order, a pool that writes the small ones, large ones written as they come.
//!
//! A file gets its name only after its content was checked against the recorded SHA-256.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::assemble::{Assembled, Failure, Whole, assemble};
use super::dates::{report_unusable, sets_at};
use super::states::{FileState, State, States, What};
use super::{Ownership, RestoreJob, RestoreReport};
use crate::context::{Change, Context, Phase, ProblemKind, Progress};
use crate::entry::{Attributes, Content, EntryPath, Kind, LinkId};
use crate::error::{Error, Result};
use crate::repository::{Repository, asctime};
use crate::tree::metadata::apply_extended;
use crate::tree::owner::Owners;
use crate::tree::target::{Options, PendingFile, Target, TargetError, Temporary};

/// Small files that wait for a writer.
const WAITING: usize = 64;

pub(super) fn run(job: RestoreJob, ctx: &Context) -> Result<RestoreReport> {
    Target::check(&job.target, job.force)?;
    let place = job.place.clone();
    let repository = Repository::open(Arc::clone(&place.destination), place.passphrase, &place.cache)?;
    let repository = Arc::new(repository);
    let sets = sets_at(&repository, job.time, ctx)?;
    let unusable = report_unusable(&repository, sets, job.time, &job.target, ctx);
    let time = sets.last().map_or(0, |set| set.id.at.0);
    let mut states = States::open(&repository, sets, &job.path, ctx)?;
    let tally = Tally::default();
    let (to_writers, small) = bounded::<Small>(WAITING);
    let restored = std::thread::scope(|scope| {
        let writers = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..writers {
            let (small, tally, job) = (small.clone(), &tally, &job);
            scope.spawn(move || write_small(&small, job, tally, ctx));
        }
        drop(small);
        let links = HashMap::new();
        let restore = Restore { job: &job, ctx, tally: &tally, to_writers, target: None, links };
        restore.all(&mut states)
    });
    restored?;
    if tally.entries.load(Ordering::Relaxed) == 0 {
        return Err(Error::PathNotFound { path: job.path, date: asctime(time) });
    }
    Ok(RestoreReport {
        time,
        entries: tally.entries.into_inner(),
        bytes: tally.bytes.into_inner(),
        lost: tally.lost.into_inner() + unusable,
        not_written: tally.not_written.into_inner(),
    })
}

#[derive(Default)]
struct Tally {
    entries: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
    not_written: AtomicU64,
}

/// A small file on its way to a writer.
struct Small {
    pending: PendingFile,
    data: Vec<u8>,
    attributes: Attributes,
}

fn write_small(small: &Receiver<Small>, job: &RestoreJob, tally: &Tally, ctx: &Context) {
    for Small { pending, data, attributes } in small {
        let place = below(&job.target, pending.path());
        let write = || -> std::result::Result<(), TargetError> {
            let temporary = pending.temporary()?;
            let written = temporary.file().write_all(&data);
            written.map_err(|source| TargetError::Io { path: place.clone(), source })?;
            pending.finish(temporary, &attributes)
        };
        if let Err(error) = write() {
            not_written(&place, &error, tally, ctx);
        }
    }
}

fn below(target: &Path, path: &EntryPath) -> PathBuf {
    path.below(target)
}

fn not_written(place: &Path, error: &TargetError, tally: &Tally, ctx: &Context) {
    tally.not_written.fetch_add(1, Ordering::Relaxed);
    ctx.problem(ProblemKind::NotWritten, place, error);
}

struct Restore<'a> {
    job: &'a RestoreJob,
    ctx: &'a Context,
    tally: &'a Tally,
    to_writers: Sender<Small>,
    /// Made when the first entry shows what kind of object the root is.
    target: Option<Target>,
    /// Where files with several names were restored first.
    links: HashMap<(LinkId, Content), EntryPath>,
}

impl Restore<'_> {
    fn all(mut self, states: &mut States) -> Result<()> {
        while let Some(State { path, what }) = states.next()? {
            self.ctx.check()?;
            let Some(path) = path.relative_to(&self.job.path) else { continue };
            let place = below(&self.job.target, &path);
            self.tally.entries.fetch_add(1, Ordering::Relaxed);
            let done = match what {
                What::Lost(why) => {
                    self.lost(&place, ProblemKind::Lost, &why);
                    continue;
                }
                What::Object(attributes) => self.object(&path, &attributes)?,
                What::File(file) => self.file(&path, file, states)?,
            };
            if let Err(error) = done {
                not_written(&place, &error, self.tally, self.ctx);
            }
            self.ctx.monitor.changed(Change::Restored, &path);
            self.report(place);
        }
        Ok(())
    }

    fn report(&self, current: PathBuf) {
        self.ctx.monitor.progress(Progress {
            phase: Phase::Writing,
            bytes_done: self.tally.bytes.load(Ordering::Relaxed),
            bytes_total: None,
            files: self.tally.entries.load(Ordering::Relaxed),
            current: Some(current),
        });
    }

    fn lost(&self, place: &Path, kind: ProblemKind, why: &str) {
        self.tally.lost.fetch_add(1, Ordering::Relaxed);
        self.ctx.problem(kind, place, why);
    }

    /// The target, made on first use: as a folder, or as the one object that is restored.
    fn target(&mut self, single: bool) -> Result<&mut Target> {
        let target = match self.target.take() {
            Some(target) => target,
            None if single => Target::create_for_file(&self.job.target, self.options(), self.ctx)?,
            None => Target::create(&self.job.target, self.options(), self.ctx)?,
        };
        Ok(self.target.insert(target))
    }

    fn options(&self) -> Options {
        let owners = Arc::new(Owners::default());
        let by_name = self.job.ownership == Ownership::ByName;
        let for_acl = Arc::clone(&owners);
        Options {
            force: self.job.force,
            restore_ownership: self.job.ownership != Ownership::Ignore,
            owner: Arc::new(move |attributes| {
                let named = |id: Option<u32>| id.filter(|_| by_name);
                let uid = named(owners.uid(&attributes.user)).unwrap_or(attributes.uid);
                let gid = named(owners.gid(&attributes.group)).unwrap_or(attributes.gid);
                (uid, gid)
            }),
            extended: Arc::new(move |fd, extended| {
                let failed = apply_extended(fd, extended, &for_acl, !by_name);
                let text = |(name, error): &(Vec<u8>, io::Error)| {
                    format!("{}: {error}", String::from_utf8_lossy(name))
                };
                if failed.is_empty() {
                    Ok(())
                } else {
                    Err(failed.iter().map(text).collect::<Vec<_>>().join(", "))
                }
            }),
        }
    }

    fn object(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
    ) -> Result<std::result::Result<(), TargetError>> {
        let directory = attributes.kind == Kind::Directory;
        let target = self.target(path.is_root() && !directory)?;
        Ok(if directory { target.directory(path, attributes) } else { target.object(path, attributes) })
    }

    fn file(
        &mut self,
        path: &EntryPath,
        mut file: Box<FileState>,
        states: &mut States,
    ) -> Result<std::result::Result<(), TargetError>> {
        let pending = match self.target(path.is_root())?.file(path) {
            Ok(pending) => pending,
            Err(error) => return Ok(Err(error)),
        };
        let place = below(&self.job.target, path);
        let scratch = self
            .job
            .target
            .parent()
            .filter(|p| p.is_dir())
            .map_or_else(tempfile::env::temp_dir, Path::to_path_buf);
        let mut make = || pending.temporary().map_err(io::Error::other);
        let whole = match assemble(states, &mut file, &scratch, &mut make)? {
            Ok(whole) => whole,
            Err(Failure::Lost(why)) => {
                self.lost(&place, ProblemKind::Lost, &why);
                return Ok(Ok(()));
            }
            Err(Failure::Corrupt(why)) => {
                self.lost(&place, ProblemKind::Corrupt, &why);
                return Ok(Ok(()));
            }
            Err(Failure::Write(source)) => return Ok(Err(TargetError::Io { path: place, source })),
        };
        let attributes = file.attributes();
        self.tally.bytes.fetch_add(whole.content.size, Ordering::Relaxed);
        Ok(self.put(pending, whole, attributes, &place))
    }

    /// Files with several names are finished at once: a later name may link to them.
    fn put(
        &mut self,
        pending: PendingFile,
        whole: Whole<Temporary>,
        attributes: Attributes,
        place: &Path,
    ) -> std::result::Result<(), TargetError> {
        let identity = attributes.links.map(|id| (id, whole.content));
        if let Some(existing) = identity.and_then(|identity| self.links.get(&identity))
            && pending.link(existing).is_ok()
        {
            return Ok(());
        }
        let temporary = match whole.data {
            Assembled::File(temporary) => temporary,
            Assembled::Memory(data) if identity.is_none() => {
                // Writers outlive the sending.
                let _ = self.to_writers.send(Small { pending, data, attributes });
                return Ok(());
            }
            Assembled::Memory(data) => {
                let temporary = pending.temporary()?;
                let written = temporary.file().write_all(&data);
                written.map_err(|source| TargetError::Io { path: place.to_path_buf(), source })?;
                temporary
            }
        };
        let path = pending.path().clone();
        pending.finish(temporary, &attributes)?;
        if let Some(identity) = identity {
            self.links.insert(identity, path);
        }
        Ok(())
    }
}
