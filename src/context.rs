//! What every operation receives: a way to be stopped, a way to report, and the clock.
//!
//! Problems (one file) are reported here and never end a run; errors (the job) are returned.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::entry::{EntryPath, Timestamp};

/// Who asked for the stop; decides how it is told to people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Why {
    User = 1,
    OnBattery = 2,
    Metered = 3,
    Quitting = 4,
}

/// The operation was asked to stop. Never a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("stopped ({0:?})")]
pub struct Cancelled(pub Why);

/// Set by whoever holds the job's handle, looked at per file, block and upload part.
#[derive(Clone, Default, Debug)]
pub struct CancelToken(Arc<AtomicU8>);

impl CancelToken {
    /// The first reason given stays.
    pub fn cancel(&self, why: Why) {
        let _ = self.0.compare_exchange(0, why as u8, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub fn check(&self) -> Result<(), Cancelled> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(Cancelled(Why::User)),
            2 => Err(Cancelled(Why::OnBattery)),
            3 => Err(Cancelled(Why::Metered)),
            _ => Err(Cancelled(Why::Quitting)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    #[default]
    Preparing,
    Comparing,
    Uploading,
    Downloading,
    Writing,
    Verifying,
    CleaningUp,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    pub phase: Phase,
    pub bytes_done: u64,
    pub bytes_total: Option<u64>,
    pub files: u64,
    pub current: Option<PathBuf>,
}

/// Something about one file that a person should know; the run goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub kind: ProblemKind,
    pub path: PathBuf,
    /// Short English cause for the log ("Permission denied").
    pub detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// Could not be read: its previous state stays in the backup.
    Unreadable,
    /// Could not even be looked at: its previous state stays in the backup.
    Inaccessible,
    /// Was listed but gone when its turn came. Of interest in a log only: it is as if it had been deleted before.
    Vanished,
    /// Somebody wishes it to be saved, and it does not exist.
    Missing,
    /// Changed while it was read: saved as read, and looked at again next time.
    ChangedWhileReading,
    /// A volume or entry that is damaged or missing: this file could not be brought back.
    Lost,
    /// Content does not match the recorded SHA-256.
    Corrupt,
    /// Could not be written where it should be restored.
    NotWritten,
    /// Not written, as the folder that it lies in could not be.
    FolderNotWritten,
    /// Content is back, but owner, times, attributes or links are not all as they were.
    MetadataNotRestored,
    /// Something of another kind has its name and stays; it was restored beside that under the name in the detail.
    Beside,
    /// Verify: differs from what is on disk.
    Differs,
    /// Stored in a form from before there was an integrity check: read, but somebody could have altered it.
    Unprotected,
}

/// What happened to one path in a backup or restore; for `-v 5` and file-by-file displays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Added,
    Modified,
    Deleted,
    Restored,
    /// A socket, which no backup holds.
    Skipped,
}

/// Things worth one line in a log, not tied to one file. Full sentences in English.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Warning,
    Notice,
    Info,
    Debug,
}

/// Receives what a running operation has to say. Called from several threads.
pub trait Monitor: Send + Sync {
    fn progress(&self, _progress: Progress) {}
    fn problem(&self, _problem: Problem) {}
    fn changed(&self, _change: Change, _path: &EntryPath) {}
    fn message(&self, _level: Level, _text: &dyn fmt::Display) {}
}

/// Says nothing.
pub struct Silent;

impl Monitor for Silent {}

/// The time, as an argument: tests and `--current-time` give a fixed one.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Fixed(i64),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(seconds) => Timestamp::from_seconds(*seconds),
        }
    }
}

#[derive(Clone)]
pub struct Context {
    pub cancel: CancelToken,
    pub monitor: Arc<dyn Monitor>,
    pub clock: Clock,
}

impl Context {
    /// Cannot be stopped, says nothing, real clock: for tests and small helpers.
    pub fn silent() -> Self {
        Self { cancel: CancelToken::default(), monitor: Arc::new(Silent), clock: Clock::System }
    }

    pub fn check(&self) -> Result<(), Cancelled> {
        self.cancel.check()
    }

    pub fn problem(&self, kind: ProblemKind, path: impl Into<PathBuf>, detail: impl fmt::Display) {
        self.monitor.problem(Problem { kind, path: path.into(), detail: detail.to_string() });
    }

    pub fn say(&self, level: Level, text: impl fmt::Display) {
        self.monitor.message(level, &text);
    }
}
