//! What the threads of one restore share: the job, its counts, and how trouble with one file is told.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::RestoreReport;
use super::super::assemble::Failure;
use super::super::wish::{Counts, Obstacle};
use super::Task;
use super::wished::why_barred;
use crate::context::{Context, Phase, ProblemKind, Progress};
use crate::entry::{Content, EntryPath};
use crate::repository::catalog::State;
use crate::repository::{BackupSet, Repository};
use crate::tree::target::{Existing, How, Placed};

pub(super) struct Shared<'a> {
    pub(super) task: &'a Task,
    pub(super) ctx: &'a Context,
    entries: AtomicU64,
    bytes: AtomicU64,
    /// Zero while it is not known.
    total: AtomicU64,
    lost: AtomicU64,
    not_written: AtomicU64,
    created: AtomicU64,
    folders: AtomicU64,
    replaced: AtomicU64,
    renamed: AtomicU64,
    kept: AtomicU64,
}

impl<'a> Shared<'a> {
    pub(super) fn new(task: &'a Task, ctx: &'a Context) -> Self {
        let zero = AtomicU64::default;
        Self {
            task,
            ctx,
            entries: zero(),
            bytes: zero(),
            total: zero(),
            lost: zero(),
            not_written: zero(),
            created: zero(),
            folders: zero(),
            replaced: zero(),
            renamed: zero(),
            kept: zero(),
        }
    }

    /// Where `path` (relative to the base) lies on this computer.
    pub(super) fn place(&self, path: &EntryPath) -> PathBuf {
        path.below(&self.task.base)
    }

    pub(super) fn begin_entry(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    /// Sums up what is to be restored, where the catalogue knows that.
    pub(super) fn count_total(&self, repository: &Repository, sets: &[BackupSet], path: &EntryPath) {
        let (Some(full), Some(catalog)) = (sets.first(), repository.catalog_if_known(sets)) else { return };
        let state = State::of_sets(full.id.at.0, sets);
        if let Ok(Some(total)) = catalog.size(&state, path) {
            self.total.store(total, Ordering::Relaxed);
        }
    }

    /// How many bytes are to be restored, where that is known otherwise.
    pub(super) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Files that are there and are not even read.
    pub(super) fn left_alone(&self, files: u64) {
        self.kept.fetch_add(files, Ordering::Relaxed);
    }

    /// `path`: where the object would lie, were it alone.
    pub(super) fn placed(&self, path: &EntryPath, placed: &Placed, directory: bool) {
        let count = match placed.how {
            How::Kept if directory => return,
            How::Created | How::Beside if directory => &self.folders,
            How::Created => &self.created,
            How::Replaced => &self.replaced,
            How::Kept => &self.kept,
            How::Beside => &self.renamed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        // Nobody asked for it to come beside.
        if placed.how == How::Beside && self.task.existing == Existing::MoveAway {
            let name = String::from_utf8_lossy(placed.at.file_name());
            self.ctx.problem(ProblemKind::Beside, self.place(path), name);
        }
    }

    pub(super) fn barred(&self, obstacle: &Obstacle) {
        self.not_written.fetch_add(obstacle.items, Ordering::Relaxed);
        self.ctx.problem(ProblemKind::NotWritten, &obstacle.path, why_barred(obstacle));
    }

    /// Content that was found right.
    pub(super) fn count(&self, content: &Content) {
        self.bytes.fetch_add(content.size, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, place: &Path, failure: Failure) {
        match failure {
            Failure::Lost(why) => self.lost(place, ProblemKind::Lost, &why),
            Failure::Corrupt(why) => self.lost(place, ProblemKind::Corrupt, &why),
            Failure::Write(error) => self.not_written(place, &format_args!("{place:?}: {error}")),
        }
    }

    fn lost(&self, place: &Path, kind: ProblemKind, why: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.ctx.problem(kind, place, why);
    }

    pub(super) fn not_written(&self, place: &Path, error: &dyn Display) {
        self.not_written.fetch_add(1, Ordering::Relaxed);
        self.ctx.problem(ProblemKind::NotWritten, place, error);
    }

    pub(super) fn folder_not_written(&self, place: &Path, folder: &EntryPath) {
        self.not_written.fetch_add(1, Ordering::Relaxed);
        self.ctx.problem(ProblemKind::FolderNotWritten, place, self.place(folder).display());
    }

    pub(super) fn report_progress(&self, current: PathBuf) {
        let total = self.total.load(Ordering::Relaxed);
        self.ctx.monitor.progress(Progress {
            phase: Phase::Writing,
            bytes_done: self.bytes.load(Ordering::Relaxed),
            bytes_total: (total > 0).then_some(total),
            files: self.entries.load(Ordering::Relaxed),
            current: Some(current),
        });
    }

    /// `time` of the newest set; `unusable` backups that should have been part of it.
    pub(super) fn report(self, time: i64, unusable: u64) -> RestoreReport {
        RestoreReport {
            time,
            entries: self.entries.into_inner(),
            bytes: self.bytes.into_inner(),
            lost: self.lost.into_inner() + unusable,
            not_written: self.not_written.into_inner(),
            counts: Counts {
                created: self.created.into_inner(),
                folders: self.folders.into_inner(),
                replaced: self.replaced.into_inner(),
                renamed: self.renamed.into_inner(),
                kept: self.kept.into_inner(),
            },
            undo: None,
        }
    }
}
