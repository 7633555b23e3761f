//! Every path as of a date, from the catalogue.

use std::sync::Arc;

use super::ListJob;
use super::dates::sets_at;
use crate::context::Context;
use crate::error::Result;

pub(super) fn run(job: ListJob, ctx: &Context) -> Result<()> {
    let place = job.place;
    let repository = place.open()?;
    let repository = Arc::new(repository);
    let sets = sets_at(&repository, job.time, ctx)?;
    for prior in repository.catalog(sets)?.states(&repository, sets) {
        ctx.check()?;
        let prior = prior?;
        (job.each)(&prior.path, &prior.attributes);
    }
    Ok(())
}
