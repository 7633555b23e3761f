//! Taking up the backups that came since: from the catalogue, and into the catalogue first what it does not know.
//!
//! Whoever looks never waits for who writes: while another process holds the catalogue or the chronicle, what was
//! known before is the answer.

use super::learner::Learner;
use super::step::Step;
use super::{Chronicle, Row, into_error};
use crate::context::Context;
use crate::error::Result;
use crate::repository::catalog::{self, Outcome, Trouble};
use crate::repository::{BackupSet, Manifest, Repository};

/// How often it is begun anew when another process takes up the same backups.
const ATTEMPTS: usize = 3;

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

impl Repository {
    /// Volumes come and go without a word. How many there should be is known once the manifest was read.
    pub(super) fn look_for_damage(&self, chronicle: &mut Chronicle, steps: &[Step]) -> Outcome<()> {
        let mut found = Vec::new();
        for (index, (row, step)) in chronicle.backups.iter().zip(steps).enumerate() {
            let volumes = row.volumes.or_else(|| self.highest_volume(step.set));
            let listed = &step.set.volumes;
            let highest = volumes.or_else(|| listed.keys().next_back().copied()).unwrap_or(1);
            let damaged = row.sha256.is_empty() || !(1..=highest).all(|number| listed.contains_key(&number));
            if (row.volumes, row.damaged) != (volumes, damaged) {
                found.push((index, volumes, damaged));
            }
        }
        chronicle.note_damage(&found)
    }

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
