//! `hindsight-lease.json` (`FORMAT.md` 21): says to other computers that somebody is writing here now.
//!
//! Advisory: stock duplicity ignores it, and most places cannot compare and swap. It keeps two careful writers
//! apart; the locks of `lock` keep those on one computer apart. Reading takes no lease.
//!
//! A lease is given up as dead without waiting in two cases, both certain because the caller holds the local
//! locks: its holder tag is ours (the same lock file, which we hold now), or its id is in our own journal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::upload_name::random_id;
use super::{Destination, DestinationError, ErrorKind, Existing, Result, put_bytes, read_bytes};
use crate::context::Context;

pub const LEASE_NAME: &str = "hindsight-lease.json";
/// How old a lease gets before [`Lease::renew`] writes it again.
pub const RENEW_EVERY_SECONDS: i64 = 2 * 60;
/// Not renewed for so long: the holder is gone.
const STALE_SECONDS: i64 = 10 * 60;
/// A renewal further in the future than a wrong time zone explains says nothing about now.
const FUTURE_SECONDS: i64 = 24 * 60 * 60;
/// Bytes; ours has about 200.
const LIMIT: u64 = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else is writing. Times in seconds since 1970, by their clock.
    #[error("another backup is being written here (since {since}, last seen {renewed})")]
    Held { since: i64, renewed: i64 },
    /// Somebody else took the place over while we held it: stop writing.
    #[error("another backup took this place over")]
    Lost,
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

/// What the object holds. Nothing in it names a person or a computer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Of this one run.
    id: String,
    /// [`crate::lock::UrlLock::holder_tag`] of the writer.
    holder: Option<String>,
    /// Seconds since 1970.
    since: i64,
    renewed: i64,
}

impl Record {
    fn is_fresh(&self, now: i64) -> bool {
        (-FUTURE_SECONDS..STALE_SECONDS).contains(&now.saturating_sub(self.renewed))
    }
}

/// Held until dropped.
pub struct Lease {
    place: Arc<dyn Destination>,
    record: Record,
}

impl Lease {
    /// Takes the place for writing. Precondition: the caller holds the local locks of this cache and this URL.
    ///
    /// `holder`: the tag of the URL lock held. `crashed`: id of the lease that an ended run of this cache left in
    /// its journal. `now`: real seconds since 1970, never a made-up clock.
    pub fn acquire(
        place: Arc<dyn Destination>,
        holder: Option<String>,
        crashed: Option<&str>,
        now: i64,
        ctx: &Context,
    ) -> Result<Self, LeaseError> {
        let found = read(&*place)?;
        let record = Record { version: 1, id: random_id()?, holder, since: now, renewed: now };
        let existing = match found {
            Found::Nothing => Existing::Refuse,
            Found::Garbage => Existing::Replace,
            Found::Record(other) => {
                let is_ours = other.holder.is_some() && other.holder == record.holder;
                if other.is_fresh(now) && !is_ours && crashed != Some(other.id.as_str()) {
                    return Err(LeaseError::Held { since: other.since, renewed: other.renewed });
                }
                Existing::Replace
            }
        };
        match write(&*place, &record, existing, ctx) {
            // Another writer came first by a moment.
            Err(error) if error.kind == ErrorKind::NameTaken => {
                return Err(LeaseError::Held { since: now, renewed: now });
            }
            done => done?,
        }
        let lease = Self { place, record };
        // Two writers may have replaced the same dead lease; the last one stays.
        if !lease.is_still_ours()? {
            return Err(LeaseError::Held { since: now, renewed: now });
        }
        Ok(lease)
    }

    /// For the journal: lets the next run take over at once should this one die.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// To be called often; writes only every [`RENEW_EVERY_SECONDS`]. `Lost` if the lease is another's by now. A
    /// lease that somebody deleted is written again.
    pub fn renew(&mut self, now: i64, ctx: &Context) -> Result<(), LeaseError> {
        if (0..RENEW_EVERY_SECONDS).contains(&now.saturating_sub(self.record.renewed)) {
            return Ok(());
        }
        if let Found::Record(found) = read(&*self.place)?
            && found.id != self.record.id
        {
            return Err(LeaseError::Lost);
        }
        let record = Record { renewed: now, ..self.record.clone() };
        write(&*self.place, &record, Existing::Replace, ctx)?;
        self.record = record;
        Ok(())
    }

    fn is_still_ours(&self) -> Result<bool> {
        Ok(matches!(read(&*self.place)?, Found::Record(found) if found.id == self.record.id))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Best effort: a lease that stays grows stale.
        if self.is_still_ours().unwrap_or(false) {
            let _ = self.place.delete(LEASE_NAME);
        }
    }
}

enum Found {
    Nothing,
    /// Not written by any Hindsight.
    Garbage,
    Record(Record),
}

fn read(place: &dyn Destination) -> Result<Found> {
    match read_bytes(place, LEASE_NAME, LIMIT) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).map_or(Found::Garbage, Found::Record)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

fn write(place: &dyn Destination, record: &Record, existing: Existing, ctx: &Context) -> Result<()> {
    let text = serde_json::to_vec(record).map_err(|error| DestinationError {
        source: Some(error.into()),
        ..DestinationError::new(ErrorKind::Other, LEASE_NAME)
    })?;
    put_bytes(place, LEASE_NAME, &text, existing, ctx)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::destination::Folder;

    struct Scene {
        dir: tempfile::TempDir,
        place: Arc<dyn Destination>,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let place = Arc::new(Folder::new(dir.path()));
            Self { dir, place }
        }

        fn acquire(&self, holder: &str, crashed: Option<&str>, now: i64) -> Result<Lease, LeaseError> {
            Lease::acquire(self.place.clone(), Some(holder.into()), crashed, now, &Context::silent())
        }

        fn exists(&self) -> bool {
            self.dir.path().join(LEASE_NAME).exists()
        }
    }

    /// As after kill -9.
    fn die(lease: Lease) -> String {
        let id = lease.id().to_owned();
        std::mem::forget(lease);
        id
    }

    #[test]
    fn a_fresh_lease_of_another_computer_keeps_us_out_until_released() {
        let scene = Scene::new();
        let lease = scene.acquire("there", None, 1000).unwrap();
        assert!(matches!(scene.acquire("here", None, 1300), Err(LeaseError::Held { since: 1000, .. })));
        drop(lease);
        assert!(!scene.exists());
        scene.acquire("here", None, 1301).unwrap();
    }

    #[test]
    fn a_lease_not_renewed_for_ten_minutes_is_taken_over() {
        let scene = Scene::new();
        die(scene.acquire("there", None, 1000).unwrap());
        assert!(scene.acquire("here", None, 1599).is_err());
        scene.acquire("here", None, 1600).unwrap();
    }

    #[test]
    fn a_dead_run_of_this_computer_is_taken_over_at_once() {
        let scene = Scene::new();
        die(scene.acquire("here", None, 1000).unwrap());
        scene.acquire("here", None, 1001).unwrap();
    }

    #[test]
    fn a_run_named_in_the_journal_is_taken_over_at_once() {
        let scene = Scene::new();
        let id = die(scene.acquire("before the reboot", None, 1000).unwrap());
        assert!(scene.acquire("here", None, 1001).is_err());
        scene.acquire("here", Some(&id), 1001).unwrap();
    }

    #[test]
    fn writers_without_a_tag_are_never_taken_for_ourselves() {
        let scene = Scene::new();
        let ctx = Context::silent();
        die(Lease::acquire(scene.place.clone(), None, None, 1000, &ctx).unwrap());
        assert!(Lease::acquire(scene.place.clone(), None, None, 1001, &ctx).is_err());
    }

    #[test]
    fn renewing_keeps_others_out_and_notices_a_takeover() {
        let scene = Scene::new();
        let ctx = Context::silent();
        let mut lease = scene.acquire("there", None, 1000).unwrap();
        lease.renew(1500, &ctx).unwrap();
        assert!(scene.acquire("here", None, 2000).is_err());
        let thief = scene.acquire("here", None, 2100).unwrap();
        assert!(matches!(lease.renew(2200, &ctx), Err(LeaseError::Lost)));
        drop(lease);
        assert!(scene.exists(), "the loser must not remove the winner's lease");
        drop(thief);
        assert!(!scene.exists());
    }

    #[test]
    fn garbage_is_replaced() {
        let scene = Scene::new();
        std::fs::write(scene.dir.path().join(LEASE_NAME), "not json").unwrap();
        scene.acquire("here", None, 1000).unwrap();
    }

    #[test]
    fn a_clock_an_hour_ahead_still_counts_and_one_a_year_ahead_does_not() {
        let scene = Scene::new();
        die(scene.acquire("there", None, 10_000).unwrap());
        assert!(scene.acquire("here", None, 10_000 - 3600).is_err());
        scene.acquire("here", None, 10_000 - 365 * 86_400).unwrap();
    }
}
