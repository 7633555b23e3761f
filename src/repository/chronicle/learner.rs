//! From the signatures of backups to the catalogue, and from there to the chronicle.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;

use super::step::{Addition, Extent, Step};
use super::{Chronicle, Row};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::repository::cache::Fetching;
use crate::repository::catalog::ahead::{ReadAhead, is_unreadable};
use crate::repository::catalog::{self, Catalog, Outcome, State, Trouble};
use crate::repository::{BackupSet, Repository, SetId};

/// Backups taken up at a time: one by one, each would write the same pages again.
const BATCH: usize = 128;

/// Kilobytes of pages in memory: usually, and where more backups than a few are taken up, each of which has something
/// on many pages.
const ENOUGH: i64 = 16 << 10;
const MUCH: i64 = 64 << 10;
const FEW: usize = 16;

pub(super) struct Learner<'r> {
    repository: &'r Repository,
    ctx: &'r Context,
    catalog: Catalog,
    /// Whether the catalogue knows it; not if its signatures are missing or damaged.
    readable: HashMap<SetId, bool>,
    fetching: Arc<Fetching<'r>>,
}

impl<'r> Learner<'r> {
    pub(super) fn new(repository: &'r Repository, ctx: &'r Context) -> Outcome<Self> {
        let folder = repository.cache.folder();
        let catalog = Catalog::open(folder).or_else(|trouble| {
            if trouble.is_busy() {
                return Err(trouble);
            }
            catalog::remove(folder);
            Catalog::open(folder)
        })?;
        catalog.be_impatient()?;
        Ok(Self::with(repository, ctx, catalog))
    }

    /// With a catalogue that nobody else has.
    pub(super) fn alone(repository: &'r Repository, ctx: &'r Context) -> Outcome<Self> {
        Ok(Self::with(repository, ctx, Catalog::private(repository.cache.folder())?))
    }

    fn with(repository: &'r Repository, ctx: &'r Context, catalog: Catalog) -> Self {
        Self { repository, ctx, catalog, readable: HashMap::new(), fetching: Arc::new(Fetching::new(ctx)) }
    }

    pub(super) fn teach(mut self, chronicle: &mut Chronicle, steps: &[Step<'r>]) -> Outcome<()> {
        let known = self.still_true(&chronicle.backups, steps)?;
        if known < chronicle.backups.len() {
            chronicle.clear()?;
        }
        let new = &steps[known.min(chronicle.backups.len())..];
        chronicle.cache(if new.len() > FEW { MUCH } else { ENOUGH })?;
        self.take_up(chronicle, new)?;
        chronicle.cache(ENOUGH)?;
        self.repository.look_for_damage(chronicle, steps)
    }

    fn take_up(&mut self, chronicle: &mut Chronicle, steps: &[Step<'r>]) -> Outcome<()> {
        let (mut unread, mut seen) = (Vec::new(), HashSet::new());
        let mut counts = Vec::new();
        for batch in steps.chunks(BATCH) {
            let before = unread.len();
            self.find_unread(batch, &mut seen, &mut unread)?;
            counts.push(unread.len() - before);
        }
        // So that progress has a total.
        self.fetching.expect(unread.iter().map(|(_, set)| self.stored(set)).sum());
        if unread.len() > FEW {
            self.catalog.cache(MUCH)?;
        }
        let fetching = Arc::clone(&self.fetching);
        thread::scope(|scope| {
            let mut ahead = Some(ReadAhead::begin(scope, self.repository, &fetching, unread));
            for (batch, count) in steps.chunks(BATCH).zip(counts) {
                let read =
                    ahead.as_ref().map(|ahead| self.catalog.add_ahead(ahead, count, &mut self.readable));
                match read {
                    None | Some(Ok(())) => {}
                    Some(Err(Trouble::Run(error))) => return Err(error.into()),
                    // Comes again where that set is wanted: what is ready counts first.
                    Some(Err(_)) => ahead = None,
                }
                self.add(batch, chronicle)?;
            }
            Ok(())
        })
    }

    /// The sets that it takes to say what `steps` add, as far as they are not in the catalogue; in the order in which
    /// they are wanted.
    fn find_unread(
        &self,
        steps: &[Step<'r>],
        seen: &mut HashSet<SetId>,
        unread: &mut Vec<(i64, &'r BackupSet)>,
    ) -> Outcome<()> {
        for Step { chain, set, continues } in steps {
            let needed = if *continues { std::slice::from_ref(*set) } else { chain.sets_until(set.id.at) };
            for set in needed {
                let start = chain.start().0;
                let is_new = !self.readable.contains_key(&set.id) && seen.insert(set.id);
                if is_new && !self.catalog.is_current(self.repository, start, set)? {
                    unread.push((start, set));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, batch: &[Step<'r>], chronicle: &mut Chronicle) -> Outcome<()> {
        let (mut additions, mut trouble) = (Vec::with_capacity(batch.len()), None);
        for step in batch {
            match self.addition(*step) {
                Ok(addition) => additions.push(addition),
                Err(why) => {
                    trouble = Some(why);
                    break;
                }
            }
        }
        // What is ready counts, whatever keeps the next one.
        chronicle.add(&self.catalog, additions, self.ctx)?;
        trouble.map_or(Ok(()), Err)
    }

    /// How many of the backups in the chronicle are what is at the place, from the oldest on.
    fn still_true(&mut self, rows: &[Row], steps: &[Step<'r>]) -> Outcome<usize> {
        let mut known = 0;
        for (row, step) in rows.iter().zip(steps) {
            let is_it = row.at == step.at() && row.chain == step.chain_start();
            if !is_it || row.stored != self.stored(step.set) || !self.has_sha256(row, step)? {
                break;
            }
            known += 1;
        }
        Ok(known)
    }

    fn has_sha256(&mut self, row: &Row, step: &Step<'r>) -> Outcome<bool> {
        if row.sha256.is_empty() {
            // Perhaps it was the connection.
            return Ok(step.set.signatures.is_none() || !self.is_readable(step.chain_start(), step.set)?);
        }
        // With an emptied cache, what was true still is.
        Ok(self.repository.vouched_signatures(step.set).is_none_or(|sha256| sha256 == row.sha256))
    }

    /// Stored bytes of a set's signatures.
    fn stored(&self, set: &BackupSet) -> u64 {
        set.signatures.as_ref().and_then(|name| self.repository.size_of(name)).unwrap_or(0)
    }

    /// Reads into the catalogue what the step needs.
    fn addition(&mut self, step: Step<'r>) -> Outcome<Addition<'r>> {
        self.ctx.check().map_err(Error::from)?;
        let Step { chain, set, continues } = step;
        let start = step.chain_start();
        let readable = self.is_readable(start, set)?;
        let extent = if !readable {
            Extent::Nothing
        } else if continues || !self.is_readable(start, chain.full())? {
            // On a full that cannot be read, increments still tell what changed.
            Extent::Increment
        } else {
            let mut state = State::of(chain, step.at());
            for earlier in chain.sets_until(set.id.at) {
                if !self.is_readable(start, earlier)? {
                    state.dates.remove(&earlier.id.at.0);
                }
            }
            Extent::Whole(state)
        };
        let sha256 = match readable {
            true => self.catalog.known(start, set)?.map(|known| known.sha256).unwrap_or_default(),
            false => String::new(),
        };
        let stored = set.volumes.values().filter_map(|name| self.repository.size_of(name)).sum();
        let row = Row {
            at: step.at(),
            chain: start,
            sha256,
            stored: self.stored(set),
            volumes: None,
            changed: 0,
            damaged: false,
        };
        Ok(Addition { step, extent, row, stored })
    }

    /// Whether the catalogue knows the set, once it has tried to read it.
    fn is_readable(&mut self, chain: i64, set: &BackupSet) -> Outcome<bool> {
        if let Some(readable) = self.readable.get(&set.id) {
            return Ok(*readable);
        }
        let learned = match self.catalog.is_current(self.repository, chain, set)? {
            true => Ok(()),
            false => self.learn(chain, set),
        };
        let readable = match learned {
            Ok(()) => true,
            Err(Trouble::Run(error)) if is_unreadable(&error) => false,
            Err(trouble) => return Err(trouble),
        };
        self.readable.insert(set.id, readable);
        Ok(readable)
    }

    fn learn(&mut self, chain: i64, set: &BackupSet) -> Outcome<()> {
        self.repository.warm_signatures(&[set], &self.fetching)?.into_iter().collect::<Result<()>>()?;
        self.catalog.learn_set(self.repository, chain, set)
    }
}
