//! Finding files by name over all backups, each with its newest state.

use super::SearchJob;
use super::timeline::Timeline;
use crate::context::Context;
use crate::error::Result;

/// More than anybody reads.
const MOST: usize = 10_000;

pub(super) fn run(job: SearchJob, ctx: &Context) -> Result<()> {
    let mut timeline = Timeline::open(&job.place)?;
    timeline.prepare_search()?;
    let mut found = timeline.search(&job.text, MOST)?;
    found.sort();
    for path in found {
        ctx.check()?;
        (job.each)(&path, &timeline.history(&path)?);
    }
    Ok(())
}
