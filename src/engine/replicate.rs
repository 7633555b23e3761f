//! Backups copied from one place to another, oldest first: whenever this is stopped, what is there can be restored.

use super::Place;
use super::access::{Local, lease_error};
use super::backup::{lease, mark_place};
use crate::context::{Context, Level, Phase, Progress};
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
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicationReport {
    /// Backups that are at the other place now, and were there already.
    pub copied: u64,
    pub present: u64,
}

pub(super) fn run(job: ReplicateJob, ctx: &Context) -> Result<ReplicationReport> {
    let ReplicateJob { from, to, before, encrypt } = job;
    // What was not signed is not signed in the copy.
    let source = from.open()?;
    let sets = wanted(&source, before);
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
        if replica.has(set) {
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

/// Chain by chain, each beginning with its full backup.
fn wanted(source: &Repository, before: Option<i64>) -> Vec<&BackupSet> {
    let sets = source.collection.chains.iter().flat_map(|chain| &chain.sets);
    sets.filter(|set| before.is_none_or(|time| set.id.at.0 < time)).collect()
}
