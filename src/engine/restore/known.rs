//! What is known of the backups that a wish needs: of each of its dates the state, and of each chain a catalogue.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use crate::context::Context;
use crate::engine::dates::sets_at;
use crate::engine::wish::Wish;
use crate::error::Result;
use crate::repository::catalog::{Catalog, State};
use crate::repository::{BackupSet, Repository};

pub(super) struct Known<'r> {
    /// By date: the full backup and what builds on it up to then.
    dates: BTreeMap<i64, (&'r [BackupSet], State)>,
    /// By date of the full backup. Each knows all that any date needs of its chain.
    catalogs: HashMap<i64, Catalog>,
}

impl<'r> Known<'r> {
    /// `catalog`: makes one that knows all of these sets.
    pub(super) fn of(
        wish: &Wish,
        repository: &'r Repository,
        ctx: &Context,
        catalog: impl Fn(&[BackupSet]) -> Result<Catalog>,
    ) -> Result<Self> {
        let mut dates = BTreeMap::new();
        let mut catalogs = HashMap::new();
        // The newest first: it needs the most of its chain.
        for date in wish.dates().into_iter().rev() {
            let sets = sets_at(repository, Some(date), ctx)?;
            let chain = chain_of(sets);
            if let Entry::Vacant(unknown) = catalogs.entry(chain) {
                unknown.insert(catalog(sets)?);
            }
            dates.insert(date, (sets, State::of_sets(chain, sets)));
        }
        Ok(Self { dates, catalogs })
    }

    /// What was there at one of the wish's dates.
    pub(super) fn at(&self, date: i64) -> Option<(&Catalog, &State)> {
        let (sets, state) = self.dates.get(&date)?;
        Some((self.catalogs.get(&chain_of(sets))?, state))
    }

    /// Of each date of the wish, oldest first.
    pub(super) fn dates(&self) -> impl Iterator<Item = (i64, &'r [BackupSet])> {
        self.dates.iter().map(|(date, (sets, _))| (*date, *sets))
    }

    /// Of all dates, oldest first.
    pub(super) fn sets(&self) -> impl Iterator<Item = &'r BackupSet> {
        let sets = self.dates().flat_map(|(_, sets)| sets);
        sets.map(|set| (set.id.at.0, set)).collect::<BTreeMap<_, _>>().into_values()
    }
}

fn chain_of(sets: &[BackupSet]) -> i64 {
    sets.first().map_or(0, |full| full.id.at.0)
}
