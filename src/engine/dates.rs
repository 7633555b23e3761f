//! Which sets make up the state at a time (`FORMAT.md`, chains), and saying so when it is not the time asked for.

use crate::context::{Context, Level};
use crate::duplicity::chain::BackupSet;
use crate::duplicity::time::{SetTime, asctime};
use crate::error::{Error, Result};
use crate::repository::Repository;

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
    let end = sets.last().map_or(chain.start(), |set| set.id.at);
    for set in collection.orphaned.iter().chain(&collection.incomplete) {
        if set.id.at > end && set.id.at <= time {
            ctx.say(
                Level::Warning,
                format_args!(
                    "The backup of {} cannot be used: a part of it, or of one that it builds on, is missing.",
                    asctime(set.id.at.0)
                ),
            );
        }
    }
    Ok(sets)
}
