//! Which volumes a restore would read, oldest set first.

use super::Place;
use super::dates::sets_at;
use crate::context::Context;
use crate::entry::EntryPath;
use crate::error::Result;
use crate::repository::stream::{Wanted, wanted_volumes};

/// Tells which volumes a restore would read.
pub struct VolumesJob {
    pub place: Place,
    pub path: EntryPath,
    pub time: Option<i64>,
}

pub(super) fn run(job: VolumesJob, ctx: &Context) -> Result<Vec<String>> {
    let repository = job.place.open()?;
    let wanted = Wanted::Below(job.path);
    let mut names = Vec::new();
    for set in sets_at(&repository, job.time, ctx)? {
        ctx.check()?;
        let volumes = wanted_volumes(set, &repository.manifest(set)?, &wanted);
        names.extend(volumes.iter().filter_map(|volume| set.volumes.get(&volume.number)).cloned());
    }
    Ok(names)
}
