//! Old chains are removed, the newest backups first: whenever this is stopped, all that is left can be restored.

use super::Place;
use super::access::{Local, lease_error};
use super::retention::{Outdated, choose, sets_to_remove};
use crate::context::{Context, Level, Phase, Progress};
use crate::entry::Timestamp;
use crate::error::Result;
use crate::repository::{BackupSet, Repository, asctime};

/// Removes whole chains that nobody needs any more.
pub struct RemoveJob {
    pub place: Place,
    pub outdated: Outdated,
    /// Else it is only told what would go.
    pub delete: bool,
}

/// Dates in seconds since 1970, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemovalReport {
    /// Backups that are old enough, but that newer ones build on.
    pub needed: Vec<i64>,
    /// The newest chain is old enough, too.
    pub spares_newest: bool,
    /// Ends of the chains that are gone, or would be.
    pub chains: Vec<i64>,
    pub deleted: bool,
}

pub(super) fn run(job: RemoveJob, ctx: &Context) -> Result<RemovalReport> {
    if !job.delete {
        return Ok(report(&job, &job.place.open_to_continue()?));
    }
    let local = Local::acquire(&job.place)?;
    let mut lease = local.lease(&job.place, ctx).map_err(lease_error)?;
    // Listed only while the place is ours: nobody builds on what is about to go.
    let repository = job.place.open_to_continue()?;
    let report = report(&job, &repository);
    let chains = choose(&repository.collection, job.outdated).chains;
    let size = |set: &BackupSet| set.files().filter_map(|name| repository.size_of(name)).sum::<u64>();
    let total = chains.iter().flat_map(|chain| sets_to_remove(chain, job.outdated)).map(size).sum();
    let mut bytes_done = 0;
    if !chains.is_empty() {
        let dates: String = chains.iter().map(|chain| format!("\n{}", asctime(chain.end().0))).collect();
        ctx.say(Level::Notice, format_args!("Deleting backup chain(s) at time:{dates}"));
    }
    for chain in chains.iter().rev() {
        let what = if job.outdated.keeps_fulls() {
            "any incremental backup chain rooted at"
        } else {
            "complete backup chain"
        };
        ctx.say(Level::Notice, format_args!("Deleting {what} {}", asctime(chain.end().0)));
        for set in sets_to_remove(chain, job.outdated) {
            ctx.check()?;
            lease.renew(Timestamp::now().seconds, ctx).map_err(lease_error)?;
            repository.remove(set)?;
            bytes_done += size(set);
            let (phase, bytes_total) = (Phase::CleaningUp, Some(total));
            ctx.monitor.progress(Progress { phase, bytes_done, bytes_total, ..Progress::default() });
        }
    }
    Ok(report)
}

fn report(job: &RemoveJob, repository: &Repository) -> RemovalReport {
    let choice = choose(&repository.collection, job.outdated);
    RemovalReport {
        needed: choice.needed.iter().map(|at| at.0).collect(),
        spares_newest: choice.spares_newest,
        chains: choice.chains.iter().map(|chain| chain.end().0).collect(),
        deleted: job.delete,
    }
}
