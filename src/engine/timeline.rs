//! What was where and when: questions about all backups of a place, answered from the catalogue.
//!
//! Opening reads what the catalogue does not know yet; after that nothing is fetched, so every answer comes at
//! once. Meant for a thread of its own, beside the jobs (`ui`, timeline).

use std::sync::Arc;

use super::{Estimate, Place, Wish, restore};
use crate::context::Context;
use crate::entry::EntryPath;
use crate::error::Result;
use crate::repository::catalog::{Catalog, Outcome, State};
pub use crate::repository::catalog::{Difference, Version};
use crate::repository::{Repository, SetTime};

pub struct Timeline {
    repository: Arc<Repository>,
    catalog: Catalog,
}

/// A child of a folder, as it was at a date.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Bytes as on disk, which need not be UTF-8.
    pub name: Vec<u8>,
    /// Its newest state by then: of the same or an earlier date. Without attributes it had been deleted.
    pub newest: Version,
}

impl Timeline {
    /// Lists the place and takes into the catalogue what it does not know yet.
    pub fn open(place: &Place) -> Result<Self> {
        let passphrase = place.passphrase.clone();
        let repository = Repository::open(Arc::clone(&place.destination), passphrase, &place.cache)?;
        let catalog = repository.catalog_of_all()?;
        Ok(Self { repository: Arc::new(repository), catalog })
    }

    /// Dates of all backups, oldest first; seconds since 1970.
    pub fn dates(&self) -> Vec<i64> {
        let chains = &self.repository.collection.chains;
        let mut dates: Vec<_> = chains.iter().flat_map(|chain| &chain.sets).map(|set| set.id.at.0).collect();
        dates.sort_unstable();
        dates
    }

    /// The children of a folder at a date, sorted by name as bytes; deleted ones among them.
    pub fn folder(&self, folder: &EntryPath, date: i64) -> Result<Vec<Item>> {
        let Some(state) = self.state(date) else { return Ok(Vec::new()) };
        let children = self.answer(self.catalog.folder(&state, folder))?;
        Ok(children.into_iter().map(|(name, newest)| Item { name, newest }).collect())
    }

    /// The versions of one path, oldest first.
    pub fn history(&self, path: &EntryPath) -> Result<Vec<Version>> {
        self.answer(self.catalog.history(&self.repository.collection.chains, path))
    }

    /// Whatever differs at or below `top` between two dates, in path order, until `each` says `false`.
    pub fn differences(
        &self,
        top: &EntryPath,
        before: i64,
        after: i64,
        each: impl FnMut(Difference) -> bool,
    ) -> Result<()> {
        let (Some(before), Some(after)) = (self.state(before), self.state(after)) else { return Ok(()) };
        self.answer(self.catalog.differences(&before, &after, top, each))
    }

    /// Dates of the backups that found something changed at or below `top`.
    pub fn dates_of_change(&self, top: &EntryPath) -> Result<Vec<i64>> {
        self.answer(self.catalog.dates_of_change(&self.repository.collection.chains, top))
    }

    /// Makes [`Self::search`] quick: takes a moment after new backups.
    pub fn prepare_search(&mut self) -> Result<()> {
        let done = self.catalog.index_names();
        self.answer(done)
    }

    /// Paths that any backup has and whose last name contains `text`, whatever its case; at most `most`. Knows
    /// the backups that the last [`Self::prepare_search`] saw.
    pub fn search(&self, text: &str, most: usize) -> Result<Vec<EntryPath>> {
        self.answer(self.catalog.search(text, most))
    }

    /// What restoring would do now. Looks at the files that are there, and reads those that may be the same; fetches
    /// nothing but a small file of the newest backup.
    pub fn estimate(&self, wish: &Wish, ctx: &Context) -> Result<Estimate> {
        restore::estimate(wish, &self.repository, &self.catalog, ctx)
    }

    fn state(&self, date: i64) -> Option<State> {
        let chain = self.repository.collection.chain_at(SetTime(date))?;
        Some(State::of(chain, date))
    }

    fn answer<T>(&self, outcome: Outcome<T>) -> Result<T> {
        outcome.map_err(|trouble| self.catalog.error(trouble))
    }
}
