//! The jobs: what somebody can ask of the engine, and what they get back.
//!
//! A job carries everything it needs; the engine reads no settings, no keyring and no environment.
//! Questions are never asked in mid-job: what is missing makes the job fail with a precise error.

mod access;
mod assemble;
mod backup;
mod batch;
mod changes;
mod cleanup;
mod compare;
mod dates;
mod describe;
mod erase;
mod file;
mod guard;
mod large;
mod layers;
mod list;
mod pipeline;
mod plan;
pub mod preview;
mod produce;
mod rehearsal;
mod remove;
mod replicate;
mod restore;
mod retention;
mod search;
mod states;
mod statistics;
mod status;
pub mod timeline;
pub mod undo;
mod verify;
mod volumes;
mod wish;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::repository::{
    Gnupg, InvalidTime, Keys, Prefixes, Recipient, Setup as GnupgSetup, UsableKey, asctime, parse_user_time,
};
pub use changes::{ChangesJob, ChangesOf, ChangesReport, FileChange, SetChange};
pub use cleanup::{CleanUpJob, CleanUpReport};
pub use remove::{RemovalReport, RemoveJob};
pub use replicate::{ReplicateJob, ReplicationReport};
pub use restore::estimate;
pub use retention::Outdated;
pub use status::{ChainStatus, CollectionStatus, SetStatus};
pub use volumes::VolumesJob;
pub use wish::{Counts, Estimate, Existing, Hindrance, Instead, Obstacle, Part, Shortage, To, Wish};

use crate::context::{Context, ProblemKind};
use crate::destination::Destination;
use crate::entry::{Attributes, EntryPath};
use crate::error::Result;
use crate::repository::{Opener, Repository};
use crate::secret::Passphrase;
use crate::tree::select::Selection;

/// Where the backups lie and what opens them.
#[derive(Clone)]
pub struct Place {
    pub destination: Arc<dyn Destination>,
    /// `None` opens only what is not encrypted.
    pub passphrase: Option<Passphrase>,
    /// Of the person's GnuPG.
    pub keys: Keys,
    /// This repository's folder in the local cache (duplicity's archive directory joined with the name).
    pub cache: PathBuf,
    /// The normalised address: runs with different caches exclude each other by it.
    pub address: OsString,
    /// What the names of the files there begin with.
    pub prefixes: Prefixes,
}

impl Place {
    /// Lists the place; nothing is read of what is there. What will be read must be signed, if there is a key that
    /// signs.
    fn open(&self) -> Result<Repository> {
        self.open_with(self.opener().demanding_signatures())
    }

    /// What was written before is taken as it is, signed or not.
    fn open_to_continue(&self) -> Result<Repository> {
        self.open_with(self.opener())
    }

    fn open_with(&self, opener: Opener) -> Result<Repository> {
        let destination = Arc::clone(&self.destination);
        Repository::open(destination, opener, &self.cache, self.prefixes.clone())
    }

    fn opener(&self) -> Opener {
        Opener::new(self.passphrase.clone(), self.keys.clone())
    }

    /// Whether backups can only be made with a passphrase.
    fn needs_passphrase(&self) -> bool {
        self.keys.recipients.is_empty() || self.keys.passphrase_too
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Continue the newest chain where that is possible, else begin a new one.
    Auto,
    Full,
    /// Fail with `NothingToContinue` rather than begin a new chain.
    Incremental,
}

pub struct BackupJob {
    pub place: Place,
    /// Of the marker that the place must bear; anything else there is another place, or the bare mount point of
    /// a drive. `None` takes what it finds, and marks it.
    pub place_id: Option<String>,
    /// As typed: recorded in the manifest and compared by the next run.
    pub source: PathBuf,
    pub selection: Arc<Selection>,
    pub mode: Mode,
    /// For the place's recipients, or with its passphrase; `false` stores gzip files in the clear.
    pub encrypt: bool,
    /// Bytes of plain tar per volume; `None` grows with the backup.
    pub volume_size: Option<u64>,
    /// Accept another host name or source folder than the last run's.
    pub allow_source_mismatch: bool,
    /// Sum up the source beside the backup, so that progress has a total.
    pub count_first: bool,
    /// Store nothing, not even a date, when nothing changed.
    pub skip_unchanged: bool,
    /// Folders that must not have disappeared, or lost most of their files, since the newest backup.
    pub guard: Vec<Guarded>,
    /// When the newest chain has become too old or too long to be continued.
    pub renewal: Renewal,
    /// Compare, and tell what would be stored; write nothing at the place.
    pub dry_run: bool,
    /// Store the counts beside the backup, as duplicity's `--jsonstat` does.
    pub statistics: bool,
}

/// Begin a new chain although the newest could go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Renewal {
    /// The newest full backup is from before this time; seconds since 1970.
    pub older_than: Option<i64>,
    /// The newest chain has so many increments.
    pub increments: Option<u64>,
}

/// A folder whose disappearance is rather an accident than a wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guarded {
    /// Absolute, or relative as the source is.
    pub path: PathBuf,
    /// It lies on another file system than its parent.
    pub separate: bool,
}

pub struct RestoreJob {
    pub place: Place,
    pub target: PathBuf,
    /// What to restore, with everything below it; the root for all.
    pub path: EntryPath,
    /// Of that, what to restore: made by [`Selection::of_backup`].
    pub selection: Arc<Selection>,
    /// Seconds since 1970; `None` for the newest.
    pub time: Option<i64>,
    /// Existing files in the target may be replaced.
    pub force: bool,
    pub ownership: Ownership,
    /// Paths below `path`, and where in the target they come to lie instead.
    pub renames: Vec<(EntryPath, EntryPath)>,
}

/// Restores among files that are there: what the app does.
pub struct BringBackJob {
    pub place: Place,
    pub wish: Wish,
    pub ownership: Ownership,
    /// A file to be made, which [`undo::undo`] reads. It is not made if nothing changes.
    pub undo: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ownership {
    /// By the archived user and group names where they exist here, else by number.
    #[default]
    ByName,
    ByNumber,
    /// Everything belongs to who restores.
    Ignore,
}

pub struct VerifyJob {
    pub place: Place,
    pub local: PathBuf,
    pub path: EntryPath,
    pub time: Option<i64>,
    pub selection: Arc<Selection>,
    /// Also compare with the local files, not only the stored data with its checksums.
    pub compare_data: bool,
}

pub type EachEntry = dyn Fn(&EntryPath, &Attributes) + Send + Sync;

pub struct ListJob {
    pub place: Place,
    pub time: Option<i64>,
    /// Called for each entry in path order.
    pub each: Arc<EachEntry>,
}

pub type EachFound = dyn Fn(&EntryPath, &[timeline::Version]) + Send + Sync;

pub struct SearchJob {
    pub place: Place,
    /// Part of a file's name, in any case.
    pub text: String,
    /// Called for each path with its versions, oldest first; in path order.
    pub each: Arc<EachFound>,
}

pub struct StatusJob {
    pub place: Place,
}

/// Deletes all backups of a place for good.
pub struct EraseJob {
    pub place: Place,
    /// As in [`BackupJob`].
    pub place_id: Option<String>,
}

pub enum Job {
    Backup(BackupJob),
    Restore(RestoreJob),
    BringBack(BringBackJob),
    Verify(VerifyJob),
    List(ListJob),
    Search(SearchJob),
    Status(StatusJob),
    Erase(EraseJob),
    Remove(RemoveJob),
    CleanUp(CleanUpJob),
    Replicate(ReplicateJob),
    Volumes(VolumesJob),
    Changes(ChangesJob),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobKind {
    Backup,
    Restore,
    Verify,
    List,
    Search,
    Status,
    Erase,
    Remove,
    CleanUp,
    Replicate,
}

#[derive(Clone, Debug)]
pub enum Report {
    Backup(BackupReport),
    Restore(RestoreReport),
    Verify(VerifyReport),
    List,
    Search,
    Status(CollectionStatus),
    Erase(EraseReport),
    Remove(RemovalReport),
    CleanUp(CleanUpReport),
    Replicate(ReplicationReport),
    /// Names of files at the place.
    Volumes(Vec<String>),
    Changes(ChangesReport),
}

/// Counts of one backup, in the terms of duplicity's statistics block. Sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackupReport {
    /// The date of the new set, seconds since 1970.
    pub time: i64,
    pub full: bool,
    /// Seconds since 1970, with fraction.
    pub started: f64,
    pub ended: f64,
    pub source_files: u64,
    pub source_bytes: u64,
    pub new_files: u64,
    pub new_bytes: u64,
    pub deleted_files: u64,
    pub changed_files: u64,
    pub changed_bytes: u64,
    pub delta_entries: u64,
    /// Plain bytes of new content and deltas.
    pub delta_bytes: u64,
    pub stored_bytes: u64,
    pub problems: u64,
    /// An earlier run that had been cut off was completed first: its date.
    pub recovered: Option<i64>,
    /// Nothing had changed, and nothing was stored: there is no set of this date.
    pub unchanged: bool,
    /// The counts as text in JSON, if they were wished for.
    pub json: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestoreReport {
    pub time: i64,
    pub entries: u64,
    pub bytes: u64,
    /// Could not be brought back from what is stored.
    pub lost: u64,
    /// Could not be written at the target.
    pub not_written: u64,
    /// What became of the others.
    pub counts: Counts,
    /// The record of what was done, if it was asked for and anything was.
    pub undo: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerifyReport {
    pub time: i64,
    pub compared: u64,
    pub differences: u64,
    pub lost: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EraseReport {
    /// Backups that are gone now.
    pub backups: u64,
    /// Stored bytes that are free again.
    pub bytes: u64,
}

impl Job {
    fn place(&self) -> &Place {
        match self {
            Self::Backup(job) => &job.place,
            Self::Restore(job) => &job.place,
            Self::BringBack(job) => &job.place,
            Self::Verify(job) => &job.place,
            Self::List(job) => &job.place,
            Self::Search(job) => &job.place,
            Self::Status(job) => &job.place,
            Self::Erase(job) => &job.place,
            Self::Remove(job) => &job.place,
            Self::CleanUp(job) => &job.place,
            Self::Replicate(job) => &job.from,
            Self::Volumes(job) => &job.place,
            Self::Changes(job) => &job.place,
        }
    }

    pub fn kind(&self) -> JobKind {
        match self {
            Self::Backup(_) => JobKind::Backup,
            Self::Restore(_) | Self::BringBack(_) | Self::Volumes(_) => JobKind::Restore,
            Self::Verify(_) => JobKind::Verify,
            Self::List(_) => JobKind::List,
            Self::Search(_) => JobKind::Search,
            Self::Status(_) | Self::Changes(_) => JobKind::Status,
            Self::Erase(_) => JobKind::Erase,
            Self::Remove(_) => JobKind::Remove,
            Self::CleanUp(_) => JobKind::CleanUp,
            Self::Replicate(_) => JobKind::Replicate,
        }
    }
}

/// Runs one job on the calling thread (and its pool) until it is done, stopped or failed.
pub fn run(job: Job, ctx: &Context) -> Result<Report> {
    let Place { destination, keys, .. } = job.place().clone();
    let done = match job {
        Job::Backup(job) => backup::run(job, ctx).map(Report::Backup),
        Job::Restore(job) => restore::run(job, ctx).map(Report::Restore),
        Job::BringBack(job) => restore::bring_back(job, ctx).map(Report::Restore),
        Job::Verify(job) => verify::run(job, ctx).map(Report::Verify),
        Job::List(job) => list::run(job, ctx).map(|()| Report::List),
        Job::Search(job) => search::run(job, ctx).map(|()| Report::Search),
        Job::Status(job) => status::run(job, ctx).map(Report::Status),
        Job::Erase(job) => erase::run(job, ctx).map(Report::Erase),
        Job::Remove(job) => remove::run(job, ctx).map(Report::Remove),
        Job::CleanUp(job) => cleanup::run(job, ctx).map(Report::CleanUp),
        Job::Replicate(job) => replicate::run(job, ctx).map(Report::Replicate),
        Job::Volumes(job) => volumes::run(job, ctx).map(Report::Volumes),
        Job::Changes(job) => changes::run(job, ctx).map(Report::Changes),
    };
    if keys.gnupg.take_unprotected() {
        ctx.problem(ProblemKind::Unprotected, destination.describe(), "there is no integrity check");
    }
    done
}
