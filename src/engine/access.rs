//! The right to write: one run at a time per repository, whoever starts it.
//!
//! Three locks, outermost first: duplicity's own in the cache folder (against stock duplicity here), one by
//! address (against other caches of this user), and a lease at the place (against other computers).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Place;
use crate::context::Context;
use crate::destination::{self, Lease, LeaseError, Stored};
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{CacheLock, LockError, UrlLock, runtime_folder};
use crate::repository::journal::Journal;
use crate::repository::parked::ParkedList;

/// Uploads that nobody will finish are deleted at this age; those of a run known to be dead at once.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Held for the whole of a writing job.
pub(super) struct Local {
    url: UrlLock,
    /// The last run with this cache was killed, or lost the place: it did not remove its lock file.
    after_death: bool,
    cache: CacheLock,
}

impl Local {
    pub(super) fn acquire(place: &Place) -> Result<Self> {
        let after_death = place.cache.join("lockfile").exists();
        let cache = CacheLock::acquire(&place.cache).map_err(busy)?;
        let url = UrlLock::acquire(&runtime_folder(), &place.address).map_err(busy)?;
        Ok(Self { url, after_death, cache })
    }

    /// Where the place went away, a run could tidy up as little as if it had been killed: the next one does it.
    pub(super) fn note<T>(&mut self, done: &Result<T>) {
        if matches!(done, Err(Error::Destination(error)) if error.kind == ErrorKind::Offline) {
            self.cache.leave();
        }
    }

    /// The place must exist.
    pub(super) fn lease(&self, place: &Place, ctx: &Context) -> std::result::Result<Lease, LeaseError> {
        let crashed = Journal::lease_left_behind(&place.cache);
        let tag = self.url.holder_tag(&place.destination.describe());
        let (destination, now) = (Arc::clone(&place.destination), Timestamp::now().seconds);
        Lease::acquire(destination, tag, crashed.as_deref(), now, ctx)
    }

    /// Removes what dead runs left half-uploaded. Only while the place is leased.
    pub(super) fn sweep(&self, place: &Place, listed: &[Stored]) -> Result<()> {
        let left_behind = Journal::left_behind(&place.cache)?;
        let age = if left_behind.is_some() || self.after_death { Duration::ZERO } else { ABANDONED };
        let groups = left_behind.map(|(_, groups)| groups).unwrap_or_default();
        let volumes = groups.iter().flat_map(|group| &group.volumes);
        let mut keep: Vec<_> = volumes.map(|volume| volume.staged.clone()).collect();
        keep.extend(ParkedList::open(&place.cache).names());
        destination::sweep(&*place.destination, listed, SystemTime::now(), age, &[], &keep)?;
        Ok(())
    }
}

/// Nothing is written to a place that is not the one meant: another drive, or the bare mount point of none.
pub(super) fn check_place(place: &Place, id: Option<&str>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    match destination::read_marker(&*place.destination)? {
        Some(marker) if marker.is_newer() => Err(newer(place)),
        Some(marker) if marker.id == id => Ok(()),
        _ => Err(Error::PlaceChanged { place: place.destination.describe() }),
    }
}

/// A newer version marked the place.
pub(super) fn newer(place: &Place) -> Error {
    Error::TooNew { what: format!("{} was made by a newer version", place.destination.describe()) }
}

fn busy(error: LockError) -> Error {
    match error {
        LockError::Io { path, source } => Error::Local { path, source },
        held => Error::Busy { what: held.to_string() },
    }
}

pub(super) fn lease_error(error: LeaseError) -> Error {
    match error {
        LeaseError::Destination(error) => Error::Destination(error),
        held => Error::Busy { what: held.to_string() },
    }
}
