//! Sets whose signatures are fetched and read on a thread of their own, while those before them are added.
//!
//! Nothing is fetched while the catalogue is held: a set is in the cache before its first row is handed over.

use std::collections::HashMap;
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::ingest::{self, Archive, End, Key, Row, Whole};
use super::{Catalog, Outcome, Trouble};
use crate::duplicity::name::SetId;
use crate::error::{Error, Result};
use crate::repository::cache::Fetching;
use crate::repository::{BackupSet, Repository};

/// Sets that are fetched at a time.
const FETCHED: usize = 16;
/// Rows handed over at a time, and how many such parts wait: some megabytes.
const PART: usize = 1024;
const PARTS_AHEAD: usize = 32;

pub(in crate::repository) struct ReadAhead {
    parts: Receiver<(Key, Outcome<Part>)>,
}

/// Of a set the next rows, with the last of them what completes it.
struct Part {
    rows: Vec<Row>,
    end: Option<End>,
}

/// Nobody wants the rest.
struct Stopped;

type Handed = std::result::Result<(), Stopped>;

impl ReadAhead {
    /// Of `sets`, each with the date of its chain, in this order.
    pub(in crate::repository) fn begin<'scope, 'r: 'scope>(
        scope: &'scope Scope<'scope, '_>,
        repository: &'r Repository,
        fetching: &'scope Fetching<'r>,
        sets: Vec<(i64, &'r BackupSet)>,
    ) -> Self {
        let (sender, parts) = bounded(PARTS_AHEAD);
        scope.spawn(move || Reading { repository, sender }.all(&sets, fetching));
        Self { parts }
    }
}

impl Catalog {
    /// Adds the next so many sets, and says of each whether it could be read. What was read counts, whatever keeps the
    /// next one.
    pub(in crate::repository) fn add_ahead(
        &mut self,
        ahead: &ReadAhead,
        count: usize,
        readable: &mut HashMap<SetId, bool>,
    ) -> Outcome<()> {
        // Those of one part are added together.
        let mut small = Vec::new();
        let mut large = HashMap::new();
        let mut added = Ok(());
        for _ in 0..count {
            let Ok((key, part)) = ahead.parts.recv() else { break };
            let read = match part {
                Ok(Part { rows, end: Some(end) }) => {
                    small.push(Whole { key, rows, end });
                    continue;
                }
                Ok(first) => self.add_large(ahead, key, first),
                Err(trouble) => Err(trouble),
            };
            match read {
                Ok(()) => drop(large.insert(key.id, true)),
                Err(Trouble::Run(error)) if is_unreadable(&error) => drop(large.insert(key.id, false)),
                Err(trouble) => {
                    added = Err(trouble);
                    break;
                }
            }
        }
        readable.extend(large);
        if !small.is_empty() {
            ingest::several(self, &small)?;
        }
        readable.extend(small.iter().map(|set| (set.key.id, true)));
        added
    }

    fn add_large(&mut self, ahead: &ReadAhead, key: Key, first: Part) -> Outcome<()> {
        ingest::adding(self, key, |insert| {
            let mut part = first;
            loop {
                part.rows.iter().try_for_each(&mut *insert)?;
                if let Some(end) = part.end {
                    return Ok(end);
                }
                let gone = || Trouble::Run(Error::Internal("reading signatures panicked".into()));
                part = ahead.parts.recv().map_err(|_| gone())?.1?;
            }
        })
    }
}

/// Whether it will be so whoever reads it.
pub(in crate::repository) fn is_unreadable(error: &Error) -> bool {
    matches!(error, Error::Damaged { .. }) || Repository::is_gone(error)
}

struct Reading<'r> {
    repository: &'r Repository,
    sender: Sender<(Key, Outcome<Part>)>,
}

impl<'r> Reading<'r> {
    fn all(&self, sets: &[(i64, &'r BackupSet)], fetching: &Fetching) {
        for group in sets.chunks(FETCHED) {
            if self.group(group, fetching).is_err() {
                return;
            }
        }
    }

    fn group(&self, group: &[(i64, &'r BackupSet)], fetching: &Fetching) -> Handed {
        let fetched: Vec<_> = group.iter().map(|(_, set)| *set).collect();
        let fetched: Vec<Result<()>> = match self.repository.warm_signatures(&fetched, fetching) {
            Ok(fetched) => fetched,
            Err(error) => vec![Err(error)],
        };
        for ((chain, set), fetched) in group.iter().zip(fetched) {
            let key = Key { chain: *chain, id: set.id };
            let fetched = fetched.map_err(Trouble::from);
            match fetched.and_then(|()| self.set(key, set)) {
                Ok(handed) => handed?,
                Err(trouble) => self.hand_over(key, Err(trouble))?,
            }
        }
        Ok(())
    }

    fn set(&self, key: Key, set: &BackupSet) -> Outcome<Handed> {
        let mut rows = Vec::new();
        let mut handed = Ok(());
        let each = |row| {
            if rows.len() == PART {
                let part = Part { rows: std::mem::take(&mut rows), end: None };
                handed = self.hand_over(key, Ok(part));
            }
            rows.push(row);
            match handed {
                Ok(()) => Ok(()),
                // Ends the reading.
                Err(Stopped) => Err(Trouble::Overtaken),
            }
        };
        let end = Archive::open(self.repository, set).and_then(|archive| archive.read(key, each));
        if handed.is_err() {
            return Ok(handed);
        }
        Ok(self.hand_over(key, Ok(Part { rows, end: Some(end?) })))
    }

    fn hand_over(&self, key: Key, part: Outcome<Part>) -> Handed {
        self.sender.send((key, part)).map_err(|_| Stopped)
    }
}
