//! Files that belong to no backup are found, and deleted if that is wished: traces of runs that died, and increments
//! whose base is gone.

use super::Place;
use super::access::{Local, lease_error};
use crate::context::Context;
use crate::error::Result;
use crate::repository::Leftovers;

/// Removes what belongs to no backup.
pub struct CleanUpJob {
    pub place: Place,
    /// Else it is only told what would go.
    pub delete: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CleanUpReport {
    /// Names of the files that are gone, or would be: at the place, then in the cache.
    pub files: Vec<String>,
    pub deleted: bool,
}

pub(super) fn run(job: CleanUpJob, ctx: &Context) -> Result<CleanUpReport> {
    let place = &job.place;
    if !job.delete {
        return Ok(report(&place.open_to_continue()?.leftovers()?, false));
    }
    let local = Local::acquire(place)?;
    let _lease = local.lease(place, ctx).map_err(lease_error)?;
    let repository = place.open_to_continue()?;
    local.sweep(place, repository.listed())?;
    let leftovers = repository.leftovers()?;
    repository.remove_leftovers(&leftovers)?;
    Ok(report(&leftovers, true))
}

fn report(leftovers: &Leftovers, deleted: bool) -> CleanUpReport {
    CleanUpReport { files: leftovers.names().cloned().collect(), deleted }
}
