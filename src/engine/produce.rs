//! One batch becomes sealed volumes and their signatures, on one thread, as one stream.

use std::collections::{HashSet, VecDeque};
use std::ops::AddAssign;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::batch::Batch;
use super::compare::Action;
use super::describe::Known;
use super::file::FileStore;
use crate::context::{Change, Context, Phase, ProblemKind, Progress};
use crate::destination::Destination;
use crate::entry::{Attributes, DiskState, EntryPath, Kind, Timestamp};
use crate::error::Result;
use crate::repository::basis::SignatureStore;
use crate::repository::parked::ParkedList;
use crate::repository::seal::Sealing;
use crate::repository::volumes::{Parking, VolumeFault, Volumes};
use crate::repository::writer::FinishedVolume;
use crate::repository::{Fragment, Repository, Signatures};
use crate::tree::metadata::read_extended;
use crate::tree::owner::Owners;
use crate::tree::source::Source;
use crate::tree::walk::Entry;

pub(super) struct Produced {
    pub(super) number: usize,
    pub(super) volumes: Vec<FinishedVolume>,
    pub(super) signatures: Fragment,
    pub(super) counts: Counts,
    pub(super) next: Option<EntryPath>,
}

/// What was stored, in the terms of duplicity's statistics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) new_files: u64,
    pub(super) new_bytes: u64,
    pub(super) changed_files: u64,
    pub(super) changed_bytes: u64,
    pub(super) deleted_files: u64,
    pub(super) delta_entries: u64,
    pub(super) delta_bytes: u64,
    pub(super) problems: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.new_files += other.new_files;
        self.new_bytes += other.new_bytes;
        self.changed_files += other.changed_files;
        self.changed_bytes += other.changed_bytes;
        self.deleted_files += other.deleted_files;
        self.delta_entries += other.delta_entries;
        self.delta_bytes += other.delta_bytes;
        self.problems += other.problems;
    }
}

/// What all workers share.
pub(super) struct Producer<'a> {
    pub(super) root: &'a Path,
    pub(super) source: Source,
    pub(super) owners: &'a Owners,
    pub(super) destination: &'a dyn Destination,
    pub(super) sealing: &'a Sealing,
    pub(super) repository: &'a Repository,
    /// Signatures of earlier backups.
    pub(super) basis: &'a SignatureStore,
    pub(super) parked: &'a ParkedList,
    /// When the walk began.
    pub(super) scanned: Timestamp,
    pub(super) done: Done,
    pub(super) ctx: &'a Context,
}

/// Progress in bytes of source looked at.
#[derive(Default)]
pub(super) struct Done {
    pub(super) bytes: AtomicU64,
    pub(super) files: AtomicU64,
    /// Zero while it is not known.
    pub(super) total: AtomicU64,
}

/// Why an attempt at a batch ended.
pub(super) enum Fault {
    /// This file cannot be read to its end, and part of it is in a volume: make the volumes again without
    /// it.
    Item,
    Volumes(VolumeFault),
}

impl<E: Into<VolumeFault>> From<E> for Fault {
    fn from(fault: E) -> Self {
        Self::Volumes(fault.into())
    }
}

/// One go at a batch.
#[derive(Default)]
pub(super) struct Attempt {
    /// Of the action at work.
    index: usize,
    /// What it added to [`Done`].
    bytes: u64,
    files: u64,
}

impl Attempt {
    pub(super) fn looked_at(&mut self, bytes: u64, producer: &Producer) {
        self.bytes += bytes;
        producer.done.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The batch will be gone through again.
    fn take_back(&self, done: &Done) {
        done.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        done.files.fetch_sub(self.files, Ordering::Relaxed);
    }
}

/// Changes so close to the moment of looking may be followed by others that leave no trace.
const SETTLE_SECONDS: i64 = 2;

impl Producer<'_> {
    pub(super) fn produce(&self, batch: &Batch) -> Result<Produced> {
        let mut left_out = HashSet::new();
        let mut adoptable = usize::MAX;
        loop {
            let mut attempt = Attempt::default();
            let mut volumes = self.volumes(batch, adoptable);
            match self.attempt(batch, &mut volumes, &left_out, &mut attempt) {
                Ok(produced) => return Ok(produced),
                Err(Fault::Item) => {
                    left_out.insert(attempt.index);
                }
                Err(Fault::Volumes(VolumeFault::NotAdopted { adopted })) => adoptable = adopted,
                Err(Fault::Volumes(VolumeFault::Run(error))) => return Err(error),
            }
            attempt.take_back(&self.done);
        }
    }

    fn volumes<'v>(&'v self, batch: &'v Batch, adoptable: usize) -> Volumes<'v> {
        let parking = match &batch.actions[..] {
            [Action::Store { entry, .. }] if entry.size > batch.volume_size => {
                let mut known = VecDeque::from(self.parked.of(&entry.path, self.sealing.is_encrypted()));
                known.truncate(adoptable);
                Some(Parking {
                    list: self.parked,
                    opener: &self.repository.opener,
                    path: &entry.path,
                    adoptable: known,
                })
            }
            _ => None,
        };
        Volumes::new(self.destination, self.sealing, batch.volume_size, parking)
    }

    fn attempt(
        &self,
        batch: &Batch,
        volumes: &mut Volumes,
        left_out: &HashSet<usize>,
        attempt: &mut Attempt,
    ) -> std::result::Result<Produced, Fault> {
        let mut signatures = Signatures::new()?;
        let mut basis = self.basis.reader();
        let mut counts = Counts { problems: left_out.len() as u64, ..Counts::default() };
        for (i, action) in batch.actions.iter().enumerate().filter(|(i, _)| !left_out.contains(i)) {
            attempt.index = i;
            self.ctx.check()?;
            match action {
                Action::Delete(path) => {
                    volumes.deleted(path)?;
                    signatures.deleted(path)?;
                    counts.deleted_files += 1;
                    counts.delta_entries += 1;
                    self.ctx.monitor.changed(Change::Deleted, path);
                }
                Action::Store { entry, prior } => {
                    let prior = prior.as_deref();
                    let is_file = entry.attributes.kind == Kind::File;
                    let known = prior.map(|prior| Known {
                        attributes: &prior.attributes,
                        signature: if is_file { basis.read(prior) } else { None },
                    });
                    self.store(entry, known.as_ref(), volumes, &mut signatures, &mut counts, attempt)?;
                }
            }
        }
        let volumes = volumes.finish()?;
        let signatures = signatures.finish()?;
        Ok(Produced { number: batch.number, volumes, signatures, counts, next: batch.next.clone() })
    }

    fn store(
        &self,
        entry: &Entry,
        known: Option<&Known>,
        volumes: &mut Volumes,
        signatures: &mut Signatures,
        counts: &mut Counts,
        attempt: &mut Attempt,
    ) -> std::result::Result<(), Fault> {
        if entry.attributes.kind == Kind::File {
            let mut store = FileStore { producer: self, volumes, signatures, counts, attempt };
            store.store(entry, known)?;
        } else {
            let Some(attributes) = self.look_closer(entry, counts) else { return Ok(()) };
            volumes.object(&entry.path, &attributes)?;
            signatures.object(&entry.path, &attributes)?;
            counts.delta_entries += 1;
        }
        attempt.files += 1;
        self.note(entry, known.is_some(), counts);
        Ok(())
    }

    /// All that is stored of an object other than a file; `None` when it cannot be had (reported).
    fn look_closer(&self, entry: &Entry, counts: &mut Counts) -> Option<Attributes> {
        let mut attributes = entry.attributes.clone();
        let settled = |disk: &DiskState| disk.ctime.seconds + SETTLE_SECONDS < self.scanned.seconds;
        attributes.disk = attributes.disk.filter(settled);
        let extended = self.source.open_handle(&entry.path).and_then(|fd| read_extended(fd, self.owners));
        match extended {
            Ok(extended) => attributes.extended = extended,
            Err(error) => {
                counts.problems += self.unreadable(&entry.path, &error);
                return None;
            }
        }
        Some(attributes)
    }

    /// Tells of it, and for how many problems it counts. What is gone by now lacks in no backup.
    pub(super) fn unreadable(&self, path: &EntryPath, error: &std::io::Error) -> u64 {
        let gone = error.kind() == std::io::ErrorKind::NotFound;
        let kind = if gone { ProblemKind::Vanished } else { ProblemKind::Unreadable };
        self.ctx.problem(kind, path.below(self.root), error);
        u64::from(!gone)
    }

    fn note(&self, entry: &Entry, is_known: bool, counts: &mut Counts) {
        let change = if is_known {
            counts.changed_files += 1;
            counts.changed_bytes += entry.size;
            Change::Modified
        } else {
            counts.new_files += 1;
            counts.new_bytes += entry.size;
            Change::Added
        };
        self.ctx.monitor.changed(change, &entry.path);
        self.done.files.fetch_add(1, Ordering::Relaxed);
        self.done.report(Some(entry.path.below(self.root)), self.ctx);
    }

    pub(super) fn settled(&self, ctime: Timestamp) -> bool {
        ctime.seconds + SETTLE_SECONDS < Timestamp::now().seconds
    }
}

impl Done {
    pub(super) fn report(&self, current: Option<std::path::PathBuf>, ctx: &Context) {
        let total = self.total.load(Ordering::Relaxed);
        ctx.monitor.progress(Progress {
            phase: Phase::Uploading,
            bytes_done: self.bytes.load(Ordering::Relaxed),
            bytes_total: (total > 0).then_some(total),
            files: self.files.load(Ordering::Relaxed),
            current,
        });
    }
}
