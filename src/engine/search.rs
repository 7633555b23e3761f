//! Finding files by name over all backups, each with its versions.

use super::SearchJob;
use super::timeline::{Scope, Timeline};
use crate::context::Context;
use crate::entry::EntryPath;
use crate::error::Result;

/// More than anybody reads.
const MOST: usize = 10_000;

pub(super) fn run(job: SearchJob, ctx: &Context) -> Result<()> {
    let timeline = Timeline::open_with(&job.place, ctx)?;
    let everywhere = Scope { below: EntryPath::root(), date: None };
    let mut found = timeline.search(&job.text, &everywhere, MOST)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    for found in found {
        ctx.check()?;
        (job.each)(&found.path, &timeline.history(&found.path)?);
    }
    Ok(())
}
