//! The threads of a backup: one compares, several produce batches, this one commits them in order.
//!
//! ```text
//! walk ┐
//!      ├ compare ─ batches ─▶ workers ─ volumes ─▶ commit in path order
//! prior┘        (few ahead)
//! ```
//!
//! The batches between the comparison and the commit are bounded, so a slow batch at the head stops the
//! others after a while, whatever the size of the source.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::BackupJob;
use super::batch::{Batch, Batches, VolumeSize};
use super::compare::{Comparison, Seen};
use super::produce::{Counts, Done, Produced, Producer};
use super::statistics::Meta;
use crate::context::{Context, Level};
use crate::entry::Timestamp;
use crate::error::{Error, Result};
use crate::repository::basis::SignatureStore;
use crate::repository::journal::Header;
use crate::repository::seal::Sealing;
use crate::repository::writer::SetWriter;
use crate::repository::{Prior, Repository};
use crate::tree::owner::Owners;
use crate::tree::source::Source;
use crate::tree::walk::{Found, Walk, WalkError};

pub(super) struct Stored {
    pub(super) seen: Seen,
    pub(super) counts: Counts,
    pub(super) stored_bytes: u64,
    /// There is no new set.
    pub(super) unchanged: bool,
    pub(super) json: Option<String>,
}

/// Batches produced or waiting beyond the one to commit next, for each worker.
const AHEAD: usize = 16;

/// What is settled before the first file is looked at.
pub(super) struct Settled<'a> {
    pub(super) job: &'a BackupJob,
    pub(super) repository: &'a Repository,
    /// What deltas are built on.
    pub(super) signatures: &'a SignatureStore,
    pub(super) header: Header,
    pub(super) sealing: Sealing,
    /// When the walk began.
    pub(super) scanned: Timestamp,
    /// For the counts beside the backup, if they are wished for.
    pub(super) statistics: Option<&'a Meta>,
}

/// `prior`: the state to compare with. `still_ours`: fails once another run has taken the place over.
pub(super) fn store(
    settled: Settled,
    walk: Walk,
    prior: impl Iterator<Item = Result<Prior>> + Send,
    ctx: &Context,
    mut still_ours: impl FnMut() -> Result<()>,
) -> Result<Stored> {
    let Settled { job, repository, signatures, header, sealing, scanned, statistics } = settled;
    let volume_size = job.volume_size.map_or(VolumeSize::Growing, VolumeSize::Fixed);
    let source = Source::open(&job.source)
        .map_err(|error| Error::Source(WalkError::Unreadable { path: job.source.clone(), error }))?
        .following_links(job.selection.follows_links());
    let owners = Owners::default();
    let destination = &*repository.destination;
    let root = job.source.as_path();
    let done = Done::default();
    let parked = repository.parked();
    let producer = Producer {
        root,
        source,
        owners: &owners,
        destination,
        sealing: &sealing,
        repository,
        basis: signatures,
        parked: &parked,
        scanned,
        done,
        ctx,
    };
    let may_skip = job.skip_unchanged && header.from.is_some();
    let mut writer = SetWriter::create(repository, sealing.clone(), header)?;
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let (to_workers, batches) = bounded::<Batch>(0);
    let (to_commit, produced) = unbounded::<Result<Produced>>();
    let (permits, permit) = bounded::<()>(workers * AHEAD);

    let (seen, outcome) = std::thread::scope(|scope| {
        let producer = &producer;
        let failed = to_commit.clone();
        let planner = scope.spawn(move || {
            let mut comparison = Comparison::new(root, walk, prior, producer.owners, &producer.done, ctx);
            let batches = Batches::new(&mut comparison, volume_size);
            if let Err(error) = hand_out(batches, &permits, &to_workers) {
                let _ = failed.send(Err(error));
            }
            comparison.seen
        });
        for _ in 0..workers {
            let (batches, to_commit) = (batches.clone(), to_commit.clone());
            scope.spawn(move || work(producer, &batches, &to_commit));
        }
        drop((batches, to_commit));
        if job.count_first {
            scope.spawn(move || count(job, &producer.done, ctx));
        }
        let outcome = commit(&mut writer, &produced, &permit, &mut still_ours);
        // Whoever waits for a permit or to hand over its result is let go.
        drop((produced, permit));
        match planner.join() {
            Ok(seen) => (seen, outcome),
            // A comparison that died must not look like a source that ended there.
            Err(_) => (Seen::default(), outcome.and(Err(Error::Internal("the comparison panicked".into())))),
        }
    });
    match outcome {
        Ok(counts) => {
            let unchanged = may_skip && writer.is_empty();
            let json = statistics.map(|meta| meta.text(&seen, &counts, unchanged)).transpose()?;
            if let Some(text) = json.as_ref().filter(|_| !unchanged) {
                writer.add_statistics(text.as_bytes())?;
            }
            let stored_bytes = if unchanged { writer.discard().map(|()| 0) } else { writer.finish(true) }?;
            if let Err(error) = parked.finish(destination) {
                ctx.say(Level::Warning, format_args!("Half-finished uploads stay for a day ({error})."));
            }
            Ok(Stored { seen, counts, stored_bytes, unchanged, json })
        }
        Err(error) => {
            close(writer, &error, ctx);
            Err(error)
        }
    }
}

fn hand_out(
    batches: impl Iterator<Item = Result<Batch>>,
    permits: &Sender<()>,
    to_workers: &Sender<Batch>,
) -> Result<()> {
    for batch in batches {
        let batch = batch?;
        // Closed channels mean that the run is over; whoever ended it knows why.
        if permits.send(()).is_err() || to_workers.send(batch).is_err() {
            break;
        }
    }
    Ok(())
}

fn work(producer: &Producer, batches: &Receiver<Batch>, to_commit: &Sender<Result<Produced>>) {
    for batch in batches {
        // A batch that never comes would let everybody else wait for it.
        let produced = catch_unwind(AssertUnwindSafe(|| producer.produce(&batch)))
            .unwrap_or_else(|_| Err(Error::Internal("storing a file panicked".into())));
        let failed = produced.is_err();
        if to_commit.send(produced).is_err() || failed {
            break;
        }
    }
}

/// The lease is looked after at least this often, however long one batch takes.
const LOOK_AFTER: Duration = Duration::from_secs(30);

/// Commits in path order until the last batch, or until the first error.
fn commit(
    writer: &mut SetWriter,
    produced: &Receiver<Result<Produced>>,
    permit: &Receiver<()>,
    still_ours: &mut impl FnMut() -> Result<()>,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    loop {
        let batch = match produced.recv_timeout(LOOK_AFTER) {
            Ok(batch) => batch?,
            Err(RecvTimeoutError::Timeout) => {
                still_ours()?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        waiting.insert(batch.number, batch);
        while let Some(batch) = waiting.remove(&next) {
            still_ours()?;
            writer.commit(batch.volumes, &batch.signatures, batch.next)?;
            counts += batch.counts;
            next += 1;
            let _ = permit.try_recv();
        }
    }
    match waiting.is_empty() {
        // Once more before the manifest: a computer that slept may have lost the place meanwhile.
        true => still_ours().map(|()| counts),
        false => Err(Error::Internal(format!("batch {next} was never stored"))),
    }
}

/// The run ends early: what is stored becomes a set of its own. If even that fails, the journal is still
/// there and the next run does it.
fn close(writer: SetWriter, error: &Error, ctx: &Context) {
    let lost = matches!(error, Error::Busy { .. });
    let closed = match writer.is_empty() {
        _ if lost => return, // the place is another's now
        true => writer.discard(),
        false => writer.finish(false).map(|_| {
            ctx.say(
                Level::Notice,
                "What was saved before the stop is complete. The next backup adds the rest.",
            );
        }),
    };
    if let Err(error) = closed {
        ctx.say(Level::Warning, format_args!("The next backup completes what was saved so far ({error})."));
    }
}

/// Sums up the source beside the backup, for the time that is left.
fn count(job: &BackupJob, done: &Done, ctx: &Context) {
    let silent = Context { monitor: Arc::new(crate::context::Silent), ..ctx.clone() };
    let Ok(walk) = Walk::new(job.source.clone(), Arc::clone(&job.selection), &silent) else { return };
    let mut total = 0;
    for found in walk {
        if ctx.check().is_err() {
            return;
        }
        if let Found::Entry(entry) = found {
            total += entry.size;
        }
    }
    done.total.store(total, Ordering::Relaxed);
}
