//! From the names in a repository to chains of backups (`FORMAT.md`, Chains). Pure: nothing is opened.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::name::{FileName, Part, Prefixes, Sealing, SetId};
use super::time::SetTime;

/// The files of one backup. Complete, and fit to be read, only with a manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackupSet {
    pub id: SetId,
    pub volumes: BTreeMap<u32, String>,
    pub manifest: Option<String>,
    pub signatures: Option<String>,
    pub statistics: Option<String>,
    /// Of the set as a whole; what decides about one file is [`Sealing::of`] its name.
    pub sealing: Sealing,
    /// Further files that claim to be a part already found: never read, and fatal to stock.
    pub duplicates: Vec<String>,
}

impl BackupSet {
    /// Every file of the set in the order in which to delete them: without its manifest the rest is no backup any more.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let single = [&self.manifest, &self.signatures, &self.statistics].into_iter().flatten();
        single.chain(self.volumes.values()).chain(&self.duplicates).map(String::as_str)
    }
}

/// A full backup and the increments on it, each beginning where the one before ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    /// Never empty; the first is the full backup.
    pub sets: Vec<BackupSet>,
}

impl Chain {
    pub fn full(&self) -> &BackupSet {
        &self.sets[0]
    }

    pub fn incrementals(&self) -> &[BackupSet] {
        &self.sets[1..]
    }

    pub fn newest(&self) -> &BackupSet {
        &self.sets[self.sets.len() - 1]
    }

    pub fn start(&self) -> SetTime {
        self.full().id.at
    }

    pub fn end(&self) -> SetTime {
        self.newest().id.at
    }

    /// What makes up the state at `time`: the full backup, always, and the increments up to then.
    pub fn sets_until(&self, time: SetTime) -> &[BackupSet] {
        let until = self.incrementals().iter().take_while(|set| set.id.at <= time).count();
        &self.sets[..=until]
    }

    /// Whether and where the chain takes an increment.
    fn place_for(&self, id: SetId) -> Option<Place> {
        let last = self.newest().id;
        if id.from == Some(last.at) && last.at < id.at {
            Some(Place::AfterLast)
        } else if !last.is_full() && id.from == last.from && last.at < id.at {
            Some(Place::OfLast)
        } else {
            None
        }
    }
}

enum Place {
    AfterLast,
    /// It begins where the last one began and ends later.
    OfLast,
}

/// Everything in a repository, sorted out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Collection {
    /// Oldest first, by the time of their newest set.
    pub chains: Vec<Chain>,
    /// Complete increments that continue no chain, oldest first.
    pub orphaned: Vec<BackupSet>,
    /// Sets without a manifest, oldest first: traces of runs that died. Never read.
    pub incomplete: Vec<BackupSet>,
    /// Signatures of no set at all.
    pub stray_signatures: Vec<(SetId, String)>,
    /// Names that are none of the format's, and partial files, which have no business here.
    pub foreign: Vec<String>,
}

impl Collection {
    /// Sorts a listing, in any order. Names that are not UTF-8 count as foreign.
    pub fn from_names<N: AsRef<[u8]>>(names: impl IntoIterator<Item = N>, prefixes: &Prefixes) -> Self {
        let mut collection = Self::default();
        let mut groups: BTreeMap<SetId, Vec<Candidate>> = BTreeMap::new();
        for name in names {
            let parsed = FileName::parse(name.as_ref(), prefixes).filter(|file| !file.partial);
            match (parsed, std::str::from_utf8(name.as_ref())) {
                (Some(file), Ok(name)) => {
                    let canonical = file.format(prefixes) == name;
                    groups.entry(file.set).or_default().push(Candidate {
                        file,
                        canonical,
                        name: name.to_owned(),
                    });
                }
                _ => collection.foreign.push(String::from_utf8_lossy(name.as_ref()).into_owned()),
            }
        }
        let mut complete = Vec::new();
        for (id, candidates) in groups {
            let set = BackupSet::from_candidates(id, candidates);
            match (&set.manifest, set.volumes.is_empty()) {
                (Some(_), _) => complete.push(set),
                (None, false) => collection.incomplete.push(set),
                (None, true) => {
                    collection.stray_signatures.extend(set.signatures.map(|name| (id, name)));
                    collection.foreign.extend(set.statistics.into_iter().chain(set.duplicates));
                }
            }
        }
        collection.build_chains(complete);
        collection
    }

    /// Of sets that end together the one that begins latest comes first: next to its originals a merged
    /// increment is the one left over.
    fn build_chains(&mut self, mut complete: Vec<BackupSet>) {
        complete.sort_by_key(|set| (set.id.at, Reverse(set.id.from)));
        for set in complete {
            if set.id.is_full() {
                self.chains.push(Chain { sets: vec![set] });
                continue;
            }
            let offer = self.chains.iter_mut().find_map(|chain| Some((chain.place_for(set.id)?, chain)));
            match offer {
                Some((Place::AfterLast, chain)) => chain.sets.push(set),
                Some((Place::OfLast, chain)) => {
                    self.orphaned.extend(chain.sets.pop());
                    chain.sets.push(set);
                }
                None => self.orphaned.push(set),
            }
        }
        self.chains.sort_by_key(|chain| (chain.end(), chain.start()));
        self.orphaned.sort_by_key(|set| set.id);
    }

    /// Whether signatures continue each other, whatever there is of the backups that they are of.
    pub fn signatures(&self) -> SignatureState {
        let of_chains = self.chains.iter().flat_map(|chain| &chain.sets);
        let sets = of_chains.chain(&self.orphaned).chain(&self.incomplete);
        let of_sets = sets.filter(|set| set.signatures.is_some()).map(|set| set.id);
        let mut all: Vec<_> = of_sets.chain(self.stray_signatures.iter().map(|(id, _)| *id)).collect();
        all.sort_by_key(|id| (id.from, id.at));
        let (mut ends, mut orphaned) = (Vec::new(), 0);
        for SetId { from, at } in all {
            match (from, ends.iter_mut().find(|end| Some(**end) == from)) {
                (None, _) => ends.push(at),
                (Some(_), Some(end)) => *end = at,
                (Some(_), None) => orphaned += 1,
            }
        }
        // Without the newest signatures the chain still goes on from the set before.
        let newest = self.newest().map_or(&[][..], |chain| &chain.sets);
        let matched = newest.iter().rev().take(2).any(|set| ends.contains(&set.id.at));
        SignatureState { orphaned, unmatched: !ends.is_empty() && !matched }
    }

    /// The chain that ends last.
    pub fn newest(&self) -> Option<&Chain> {
        self.chains.last()
    }

    /// The chain to restore from for the state at `time`: the one that spans it (the latest, if several), else the
    /// last that ended before, else the oldest. `None` only when there is no chain.
    pub fn chain_at(&self, time: SetTime) -> Option<&Chain> {
        let latest = |wanted: &dyn Fn(&Chain) -> bool| self.chains.iter().rev().find(|chain| wanted(chain));
        latest(&|chain| chain.start() <= time && time <= chain.end())
            .or_else(|| latest(&|chain| chain.end() < time))
            .or_else(|| self.chains.first())
    }

    /// Whether no backup is as old as `time`, so that [`chain_at`](Self::chain_at) can only give a later state.
    pub fn is_before_first(&self, time: SetTime) -> bool {
        self.chains.iter().all(|chain| time < chain.start())
    }
}

/// What duplicity warns of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignatureState {
    /// Files of signatures that continue none that are there.
    pub orphaned: usize,
    /// There are signatures from which no incremental backup could go on, as they are of no newest backup.
    pub unmatched: bool,
}

/// A file that claims to be some part of a set.
struct Candidate {
    file: FileName,
    /// Spelled as it is written today, so not a side file of another program.
    canonical: bool,
    name: String,
}

impl BackupSet {
    fn from_candidates(id: SetId, mut candidates: Vec<Candidate>) -> Self {
        let manifest =
            candidates.iter().filter(|c| c.file.part == Part::Manifest).max_by_key(|c| c.canonical);
        let encrypted = manifest.is_some_and(|c| c.file.sealing.is_encrypted());
        // Of several files for one part, believe the one that is sealed like the manifest and named like ours.
        candidates.sort_by(|a, b| {
            let rank =
                |c: &Candidate| (c.file.part, c.file.sealing.is_encrypted() != encrypted, !c.canonical);
            rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
        });
        let mut set = Self {
            id,
            volumes: BTreeMap::new(),
            manifest: None,
            signatures: None,
            statistics: None,
            // Volumes sort first and tell gzipped from plain, which manifests do not.
            sealing: candidates.first().map_or(Sealing::Plain, |c| c.file.sealing),
            duplicates: Vec::new(),
        };
        for Candidate { file, name, .. } in candidates {
            let place = match file.part {
                Part::Volume(number) => {
                    if let Some(name) = set.add_volume(number, name) {
                        set.duplicates.push(name);
                    }
                    continue;
                }
                Part::Manifest => &mut set.manifest,
                Part::Signatures => &mut set.signatures,
                Part::Statistics => &mut set.statistics,
            };
            match place {
                Some(_) => set.duplicates.push(name),
                None => *place = Some(name),
            }
        }
        set
    }

    /// Gives the name back when the number is taken.
    fn add_volume(&mut self, number: u32, name: String) -> Option<String> {
        match self.volumes.entry(number) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(name);
                None
            }
            std::collections::btree_map::Entry::Occupied(_) => Some(name),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
