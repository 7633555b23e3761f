//! Taking up the backups that came since: from the catalogue, and into the catalogue first what it does not know.
//!
//! Whoever looks never waits for who writes: while another process holds the catalogue or the chronicle, what was
//! known before is the answer.

use std::collections::HashMap;

use super::step::{Addition, Extent, Step};
use super::{Chronicle, Row, into_error};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::repository::cache::Fetching;
use crate::repository::catalog::{self, Catalog, Outcome, State, Trouble};
use crate::repository::{BackupSet, Manifest, Repository, SetId};

/// How often it is begun anew when another process takes up the same backups.
const ATTEMPTS: usize = 3;

/// Backups taken up at a time: one by one, each would write the same pages again.
const BATCH: usize = 64;

impl Repository {
    /// A chronicle of all backups that are at the place.
    pub(crate) fn chronicle(&self, ctx: &Context) -> Result<Chronicle> {
        let folder = self.cache.folder();
        let mut chronicle = Chronicle::open(folder)?;
        let steps = self.steps();
        for attempt in 0..ATTEMPTS {
            match Learner::new(self, ctx).and_then(|learner| learner.teach(&mut chronicle, &steps)) {
                Ok(()) => return Ok(chronicle),
                Err(Trouble::Run(error)) => return Err(error),
                Err(trouble) if trouble.is_busy() && !chronicle.backups.is_empty() => return Ok(chronicle),
                Err(Trouble::Overtaken) => chronicle = Chronicle::open(folder)?,
                Err(trouble) if trouble.is_busy() => break,
                // Damaged, this or what it is made from: that takes longer to make anew.
                Err(_) => {
                    drop(chronicle);
                    super::remove_database(&folder.join(super::FILE));
                    if attempt > 0 {
                        catalog::remove(folder);
                    }
                    chronicle = Chronicle::open(folder)?;
                }
            }
        }
        // Somebody else holds these files, and nothing is known yet.
        drop(chronicle);
        let mut chronicle = Chronicle::private(folder)?;
        let learned = Learner::alone(self, ctx).and_then(|learner| learner.teach(&mut chronicle, &steps));
        learned.map_err(|trouble| into_error(trouble, folder))?;
        Ok(chronicle)
    }

    /// One of the newest chain alone, which nobody else sees: much of what people look for, long before all the
    /// metadata of a place that is new here has been read. What is read for it is not read again.
    pub(crate) fn chronicle_of_newest_chain(&self, ctx: &Context) -> Result<Chronicle> {
        let folder = self.cache.folder();
        let newest = self.newest_chain().map(|chain| chain.start());
        let mut steps = self.steps();
        steps.retain(|step| Some(step.chain.start()) == newest);
        let mut chronicle = Chronicle::private(folder)?;
        let learned = Learner::new(self, ctx).and_then(|learner| learner.teach(&mut chronicle, &steps));
        learned.map_err(|trouble| into_error(trouble, folder))?;
        Ok(chronicle)
    }

    /// The backups that people can choose, oldest first: of a date that lies within two chains the one that would be
    /// restored.
    fn steps(&self) -> Vec<Step<'_>> {
        let mut dates: Vec<_> =
            self.collection.chains.iter().flat_map(|chain| &chain.sets).map(|set| set.id.at).collect();
        dates.sort_unstable();
        dates.dedup();
        let mut steps: Vec<Step> = Vec::with_capacity(dates.len());
        for date in dates {
            let Some(chain) = self.collection.chain_at(date) else { continue };
            let Some(index) = chain.sets_until(date).len().checked_sub(1) else { continue };
            let set = &chain.sets[index];
            if set.id.at != date {
                continue;
            }
            let before = index.checked_sub(1).map(|before| chain.sets[before].id);
            let continues = before.is_some() && steps.last().map(|step| step.set.id) == before;
            steps.push(Step { chain, set, continues });
        }
        steps
    }
}

struct Learner<'r> {
    repository: &'r Repository,
    ctx: &'r Context,
    catalog: Catalog,
    /// Whether the catalogue knows it; not if its signatures are missing or damaged.
    readable: HashMap<SetId, bool>,
    fetching: Fetching<'r>,
}

impl<'r> Learner<'r> {
    fn new(repository: &'r Repository, ctx: &'r Context) -> Outcome<Self> {
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
    fn alone(repository: &'r Repository, ctx: &'r Context) -> Outcome<Self> {
        Ok(Self::with(repository, ctx, Catalog::private(repository.cache.folder())?))
    }

    fn with(repository: &'r Repository, ctx: &'r Context, catalog: Catalog) -> Self {
        Self { repository, ctx, catalog, readable: HashMap::new(), fetching: Fetching::new(ctx) }
    }

    fn teach(mut self, chronicle: &mut Chronicle, steps: &[Step<'r>]) -> Outcome<()> {
        let known = self.still_true(&chronicle.backups, steps)?;
        if known < chronicle.backups.len() {
            chronicle.clear()?;
        }
        let known = known.min(chronicle.backups.len());
        self.expect_to_read(&steps[known..])?;
        for batch in steps[known..].chunks(BATCH) {
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
            if let Some(trouble) = trouble {
                return Err(trouble);
            }
        }
        self.look_for_damage(chronicle, steps)
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

    /// So that progress has a total.
    fn expect_to_read(&mut self, steps: &[Step<'r>]) -> Outcome<()> {
        let mut total = 0;
        for step in steps {
            if !self.catalog.is_current(self.repository, step.chain_start(), step.set)? {
                total += self.stored(step.set);
            }
        }
        self.fetching.expect(total);
        Ok(())
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
            Err(Trouble::Run(Error::Damaged { .. })) => false,
            Err(Trouble::Run(error)) if Repository::is_gone(&error) => false,
            Err(trouble) => return Err(trouble),
        };
        self.readable.insert(set.id, readable);
        Ok(readable)
    }

    fn learn(&mut self, chain: i64, set: &BackupSet) -> Outcome<()> {
        self.repository.warm_signatures(set, &self.fetching)?;
        self.catalog.learn_set(self.repository, chain, set)
    }

    /// Volumes come and go without a word. How many there should be is known once the manifest was read.
    fn look_for_damage(&self, chronicle: &mut Chronicle, steps: &[Step<'r>]) -> Outcome<()> {
        let mut found = Vec::new();
        for (index, (row, step)) in chronicle.backups.iter().zip(steps).enumerate() {
            let volumes = row.volumes.or_else(|| self.repository.highest_volume(step.set));
            let listed = &step.set.volumes;
            let highest = volumes.or_else(|| listed.keys().next_back().copied()).unwrap_or(1);
            let damaged = row.sha256.is_empty() || !(1..=highest).all(|number| listed.contains_key(&number));
            if (row.volumes, row.damaged) != (volumes, damaged) {
                found.push((index, volumes, damaged));
            }
        }
        chronicle.note_damage(&found)
    }
}

impl Repository {
    /// Number of the last volume by the manifest, where that lies in the cache.
    fn highest_volume(&self, set: &BackupSet) -> Option<u32> {
        let text = self.cached_manifest(set)?;
        let manifest = Manifest::parse(&text).ok()?;
        manifest.volumes.iter().map(|volume| volume.number).max()
    }
}

impl Chronicle {
    /// By index of the backup: what its manifest says of its volumes, and whether something of it is missing.
    fn note_damage(&mut self, found: &[(usize, Option<u32>, bool)]) -> Outcome<()> {
        for (index, volumes, damaged) in found {
            if let Some(row) = self.backups.get_mut(*index) {
                (row.volumes, row.damaged) = (*volumes, *damaged);
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = found.iter().filter_map(|(index, ..)| self.backups.get(*index).cloned()).collect();
        let transaction = self.begin()?;
        for Row { at, volumes, damaged, .. } in rows {
            let update = "UPDATE backups SET volumes = ?2, damaged = ?3 WHERE at = ?1";
            transaction.prepare_cached(update)?.execute(rusqlite::params![at, volumes, damaged])?;
        }
        transaction.commit()?;
        Ok(())
    }
}
