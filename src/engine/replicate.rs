//! Backups copied from one place to another, oldest first: whenever this is stopped, what is there can be restored.

use super::Place;
use super::access::{Local, lease_error};
use super::backup::{lease, mark_place};
use crate::context::{Context, Level, Phase, Progress};
use crate::destination::ErrorKind;
use crate::entry::Timestamp;
use crate::error::{Error, Result};
use crate::repository::replica::Replica;
use crate::repository::{BackupSet, Repository, asctime};

/// Copies backups from one place to another, sealed anew there.
pub struct ReplicateJob {
    pub from: Place,
    pub to: Place,
    /// Only backups from before this time; seconds since 1970.
    pub before: Option<i64>,
    /// As in [`BackupJob`](super::BackupJob).
    pub encrypt: bool,
    /// Tell what would be copied; write nothing at the place.
    pub dry_run: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicationReport {
    /// Backups that were copied, and that were there already.
    pub copied: u64,
    pub present: u64,
    /// Nothing was copied: it was only told what would be.
    pub dry_run: bool,
}

pub(super) fn run(job: ReplicateJob, ctx: &Context) -> Result<ReplicationReport> {
    let ReplicateJob { from, to, before, encrypt, dry_run } = job;
    // What was not signed is not signed in the copy.
    let source = from.open()?;
    let sets = wanted(&source, before);
    if dry_run {
        return rehearsed(&sets, there(&to)?.as_ref(), ctx);
    }
    let mut report = ReplicationReport::default();
    if sets.is_empty() {
        return Ok(report);
    }
    if encrypt && to.needs_passphrase() && to.passphrase.is_none() {
        return Err(Error::PassphraseNeeded);
    }
    let local = Local::acquire(&to)?;
    let mut lease = lease(&local, &to, ctx)?;
    let target = to.open_to_continue()?;
    local.sweep(&to, target.listed())?;
    mark_place(&to, &target, ctx)?;
    let replica = Replica { sealing: target.sealing(encrypt, &[])?, to: &target };
    let size = |set: &BackupSet| set.files().filter_map(|name| source.size_of(name)).sum::<u64>();
    let mut progress = Progress {
        phase: Phase::Uploading,
        bytes_total: Some(sets.iter().copied().map(size).sum()),
        ..Progress::default()
    };
    for set in sets {
        if target.has(set) {
            report.present += 1;
        } else {
            ctx.say(Level::Notice, format_args!("Replicating the backup of {}.", asctime(set.id.at.0)));
            replica.copy(&source, set, || {
                ctx.check()?;
                lease.renew(Timestamp::now().seconds, ctx).map_err(lease_error)
            })?;
            report.copied += 1;
        }
        progress.bytes_done += size(set);
        ctx.monitor.progress(progress.clone());
    }
    Ok(report)
}

/// The other place as it is; `None` if it would be made.
fn there(to: &Place) -> Result<Option<Repository>> {
    match to.open_to_continue() {
        Err(Error::Destination(error)) if error.kind == ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn rehearsed(sets: &[&BackupSet], there: Option<&Repository>, ctx: &Context) -> Result<ReplicationReport> {
    let mut report = ReplicationReport { dry_run: true, ..ReplicationReport::default() };
    for set in sets {
        ctx.check()?;
        if there.is_some_and(|there| there.has(set)) {
            report.present += 1;
        } else {
            ctx.say(
                Level::Notice,
                format_args!("The backup of {} would be replicated.", asctime(set.id.at.0)),
            );
            report.copied += 1;
        }
    }
    Ok(report)
}

/// Chain by chain, each beginning with its full backup.
fn wanted(source: &Repository, before: Option<i64>) -> Vec<&BackupSet> {
    let sets = source.collection.chains.iter().flat_map(|chain| &chain.sets);
    sets.filter(|set| before.is_none_or(|time| set.id.at.0 < time)).collect()
}
