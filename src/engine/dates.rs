//! Which sets make up the state at a time (`FORMAT.md`, chains), and saying so when it is not the time asked for.

use std::path::Path;

use crate::context::{Context, Level, ProblemKind};
use crate::error::{Error, Result};
use crate::repository::{BackupSet, Repository, SetTime, asctime};

/// The full and the incrementals on it, up to `time` (seconds since 1970; `None` for the newest). Never empty.
pub(super) fn sets_at<'r>(
    repository: &'r Repository,
    time: Option<i64>,
    ctx: &Context,
) -> Result<&'r [BackupSet]> {
    let collection = &repository.collection;
    let time = SetTime(time.unwrap_or(i64::MAX));
    let no_backups = || Error::NoBackups { place: repository.destination.describe() };
    let chain = collection.chain_at(time).ok_or_else(no_backups)?;
    let sets = chain.sets_until(time);
    if collection.is_before_first(time) {
        let first = asctime(chain.start().0);
        ctx.say(Level::Warning, format_args!("There is no backup that old. The first one is of {first}."));
    }
    Ok(sets)
}

/// Tells which newer backups, up to `time`, should be there but cannot be used; returns how many. One that
/// was cut off before its signatures never was a backup.
pub(super) fn report_unusable(
    repository: &Repository,
    sets: &[BackupSet],
    time: Option<i64>,
    place: &Path,
    ctx: &Context,
) -> u64 {
    let collection = &repository.collection;
    let end = sets.last().map_or(i64::MIN, |set| set.id.at.0);
    let until = time.unwrap_or(i64::MAX);
    let damaged = collection.incomplete.iter().filter(|set| set.signatures.is_some());
    let mut unusable = 0;
    for set in
        collection.orphaned.iter().chain(damaged).filter(|set| (end + 1..=until).contains(&set.id.at.0))
    {
        unusable += 1;
        let (date, older) = (asctime(set.id.at.0), asctime(end));
        let cause = if set.manifest.is_none() { "its manifest" } else { "a backup that it builds on" };
        let what =
            format!("the backup of {date} cannot be used, since {cause} is missing; used that of {older}");
        ctx.problem(ProblemKind::Lost, place, what);
    }
    unusable
}
