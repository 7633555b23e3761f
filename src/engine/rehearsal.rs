//! A backup that is not made: what would be stored is found out, and nothing is written at the place.

use std::sync::Arc;

use super::access::check_place;
use super::backup::{continued, hostname, knows_backups, prove, report, seconds_now, settle};
use super::compare::{Action, Comparison};
use super::pipeline::Stored;
use super::produce::{Counts, Done};
use super::statistics::Meta;
use super::{BackupJob, BackupReport};
use crate::context::{Change, Context};
use crate::destination::ErrorKind;
use crate::error::{Error, Result};
use crate::repository::{Prior, Recovered, Repository, SetId};
use crate::tree::owner::Owners;
use crate::tree::walk::Walk;

pub(super) fn run(job: &BackupJob, ctx: &Context) -> Result<BackupReport> {
    let started = seconds_now();
    let walk = Walk::new(job.source.clone(), Arc::clone(&job.selection), ctx)?;
    if job.encrypt && job.place.needs_passphrase() && job.place.passphrase.is_none() {
        return Err(Error::PassphraseNeeded);
    }
    check_place(&job.place, job.place_id.as_deref())?;
    let now = ctx.clock.now().seconds;
    let Some(repository) = repository(job)? else {
        let (set, meta) = begun(job, now, started);
        return compared(job, walk, std::iter::empty(), (set, meta), started, ctx);
    };
    prove(job, &repository)?;
    let repository = Arc::new(repository);
    let (_, decision) = settle(job, &repository, &hostname(), ctx)?;
    let chain = repository.newest_chain();
    let sets = continued(&decision, chain);
    if sets.is_empty() {
        let (set, meta) = begun(job, now, started);
        return compared(job, walk, std::iter::empty(), (set, meta), started, ctx);
    }
    let set = super::plan::identify(&decision, chain, repository.newest_time(), now);
    let meta = Meta::new(job, sets, set, started);
    let prior = repository.catalog(sets)?.states(&repository, sets);
    compared(job, walk, prior, (set, meta), started, ctx)
}

/// The place as it is; `None` if it would be made by this backup.
fn repository(job: &BackupJob) -> Result<Option<Repository>> {
    let is_new = !knows_backups(&job.place.cache);
    match job.place.open_to_continue() {
        Err(Error::Destination(error)) if error.kind == ErrorKind::NotFound && is_new => Ok(None),
        opened => opened.map(Some),
    }
}

fn begun(job: &BackupJob, now: i64, started: f64) -> (SetId, Meta) {
    let set = SetId::full(crate::repository::SetTime(now));
    (set, Meta::new(job, &[], set, started))
}

fn compared(
    job: &BackupJob,
    walk: Walk,
    prior: impl Iterator<Item = Result<Prior>>,
    (set, meta): (SetId, Meta),
    started: f64,
    ctx: &Context,
) -> Result<BackupReport> {
    let (owners, done, mut counts) = (Owners::default(), Done::default(), Counts::default());
    let mut comparison = Comparison::new(&job.source, walk, prior, &owners, &done, ctx);
    for action in &mut comparison {
        let action = action?;
        let (count, change) = counted(&action);
        counts += count;
        ctx.monitor.changed(change, action.path());
    }
    let seen = comparison.seen;
    let unchanged = job.skip_unchanged && !set.is_full() && counts.delta_entries == 0;
    let json = job.statistics.then(|| meta.text(&seen, &counts, unchanged)).transpose()?;
    let stored = Stored { seen, counts, stored_bytes: 0, unchanged, json };
    Ok(report(stored, set.at.0, set.is_full(), started, Recovered::Nothing))
}

fn counted(action: &Action) -> (Counts, Change) {
    let one = Counts { delta_entries: 1, ..Counts::default() };
    match action {
        Action::Delete(_) => (Counts { deleted_files: 1, ..one }, Change::Deleted),
        Action::Store { entry, prior: None } => {
            (Counts { new_files: 1, new_bytes: entry.size, ..one }, Change::Added)
        }
        Action::Store { entry, prior: Some(_) } => {
            (Counts { changed_files: 1, changed_bytes: entry.size, ..one }, Change::Modified)
        }
    }
}
