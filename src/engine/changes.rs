//! What backups of the newest chain did to files, from the catalogue.

use super::Place;
use crate::context::Context;
use crate::entry::EntryPath;
use crate::error::{Error, Result};
pub use crate::repository::catalog::FileChange;
use crate::repository::catalog::State;
use crate::repository::{Chain, quote};

/// Tells what backups of the newest chain did to files.
pub struct ChangesJob {
    pub place: Place,
    pub of: ChangesOf,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChangesOf {
    File(EntryPath),
    /// Counted back from the newest, which is 0.
    Set(u64),
}

/// Times in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChangesReport {
    /// Oldest first.
    File { path: EntryPath, changes: Vec<SetChange> },
    /// In path order, the paths quoted as in manifests.
    Set { time: i64, changes: Vec<(Vec<u8>, FileChange)> },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetChange {
    pub full: bool,
    pub time: i64,
    pub change: FileChange,
}

pub(super) fn run(job: ChangesJob, _ctx: &Context) -> Result<ChangesReport> {
    let repository = job.place.open()?;
    let no_backups = || Error::NoBackups { place: repository.destination.describe() };
    let chain = repository.newest_chain().ok_or_else(no_backups)?;
    let start = chain.start().0;
    match job.of {
        ChangesOf::File(path) => {
            let catalog = repository.catalog(&chain.sets)?;
            let state = State::of_sets(start, &chain.sets);
            let changes = catalog.changes_to(&state, &path).map_err(|trouble| catalog.error(trouble))?;
            let of = |(time, change)| SetChange { full: time == start, time, change };
            Ok(ChangesReport::File { path, changes: changes.into_iter().map(of).collect() })
        }
        ChangesOf::Set(number) => {
            let index = index_of(chain, number).ok_or(Error::NoSuchSet { number })?;
            let catalog = repository.catalog(&chain.sets[..=index])?;
            let time = chain.sets[index].id.at.0;
            let before = State::of_sets(start, &chain.sets[..index]);
            let mut changes = Vec::new();
            let told = catalog.changes_of(&before, time, |path, change| {
                changes.push((quote(path.as_bytes()).into_owned(), change));
            });
            told.map_err(|trouble| catalog.error(trouble))?;
            Ok(ChangesReport::Set { time, changes })
        }
    }
}

/// `number`: counted back from the newest.
fn index_of(chain: &Chain, number: u64) -> Option<usize> {
    (chain.sets.len() - 1).checked_sub(usize::try_from(number).ok()?)
}
