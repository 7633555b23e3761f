//! What can end a job, cut by what somebody can do about it. Words for people are made in `explain`.
//!
//! Sources are kept for the details view; nothing here carries a secret.

use std::io;
use std::path::PathBuf;

use crate::context::{Cancelled, Why};
use crate::crypto;
pub use crate::crypto::KeyError;
pub use crate::destination::{DestinationError, ErrorKind};
use crate::entry::EntryPath;
pub use crate::tree::select::SelectionError;
pub use crate::tree::target::TargetError;
pub use crate::tree::walk::WalkError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a passphrase is needed")]
    PassphraseNeeded,
    #[error("the passphrase is wrong")]
    PassphraseWrong,
    /// A key of the person's GnuPG cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Stored by somebody else than it should.
    #[error("{what} has no valid signature of {by}")]
    NotSigned { what: String, by: String },
    #[error("the place: {0}")]
    Destination(#[from] DestinationError),
    /// The folder to back up cannot be walked at all.
    #[error("{0}")]
    Source(#[from] WalkError),
    /// The rules of what is saved cannot be followed.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// Nothing restorable is stored at the place.
    #[error("no backup found in {place}")]
    NoBackups { place: String },
    /// An incremental was demanded but there is nothing to build on.
    #[error("no backup with signatures to continue")]
    NothingToContinue,
    /// Counted back from the newest backup, which is 0.
    #[error("the newest chain has no backup {number}")]
    NoSuchSet { number: u64 },
    #[error("{path} is not in the backup of {date}")]
    PathNotFound { path: EntryPath, date: String },
    /// The rules leave nothing to restore.
    #[error("nothing in the backup of {date} is selected")]
    NothingSelected { date: String },
    #[error("host name changed from {before} to {now}")]
    HostChanged { now: String, before: String },
    #[error("source folder changed from {before} to {now}")]
    SourceChanged { now: String, before: String },
    /// The place does not bear the marker that it should.
    #[error("{place} is not the place that was used before")]
    PlaceChanged { place: String },
    /// Files of a guarded folder have disappeared.
    #[error("{folder:?} had {before} files and has {now} now ({reason:?})")]
    SourceShrunk { folder: PathBuf, before: u64, now: u64, reason: Shrunk },
    #[error("{0}")]
    Target(#[from] TargetError),
    /// Something stored is damaged, missing or not what was recorded.
    #[error("damaged: {what}")]
    Damaged { what: String },
    /// Written by a newer version, or sealed in a way that this version does not know.
    #[error("not understood: {what}")]
    TooNew { what: String },
    #[error("in use by another run: {what}")]
    Busy { what: String },
    /// The local cache, journal or temporary files cannot be used.
    #[error("{path}: {source}", path = .path.display())]
    Local { path: PathBuf, source: io::Error },
    #[error("stopped")]
    Cancelled(Why),
    #[error("internal error: {0}")]
    Internal(String),
}

/// How a folder has lost its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shrunk {
    Missing,
    Empty,
    /// It was on a file system of its own, and is not any more: a drive that is not mounted.
    OtherDevice,
    MostGone,
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled.0)
    }
}

impl Error {
    pub(crate) fn local(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Local { path, source }
    }

    pub(crate) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged { what: what.to_string() }
    }
}

/// `what` names the stored file that cannot be read. What is only out of reach is not damaged.
pub(crate) fn reading(what: &str, error: io::Error) -> Error {
    let at_place = error.get_ref().and_then(|inner| inner.downcast_ref::<DestinationError>());
    match at_place.is_some_and(|error| error.kind == ErrorKind::Offline) {
        true => Error::Destination(DestinationError::from_io(what, error)),
        false => Error::damaged(format!("{what} cannot be read: {error}")),
    }
}

/// `what` names the stored file the message was in.
pub(crate) fn opening(what: &str, error: crypto::Error) -> Error {
    match error {
        crypto::Error::PassphraseNeeded => Error::PassphraseNeeded,
        crypto::Error::PassphraseWrong => Error::PassphraseWrong,
        crypto::Error::Key(error) => Error::Key(error),
        crypto::Error::NotSigned { by } => Error::NotSigned { what: what.to_string(), by },
        crypto::Error::Io(error) => reading(what, error),
        crypto::Error::Unsupported(detail) => Error::TooNew { what: format!("{what}: {detail}") },
        other => Error::Damaged { what: format!("{what}: {other}") },
    }
}
