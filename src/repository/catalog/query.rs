//! Questions of the timeline. Every answer is one or a few ranges of the clustered rows.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use rusqlite::{Rows, Statement, params};

use super::record::{self, Record, key};
use super::{Catalog, Outcome, Trouble};
use crate::entry::{Attributes, EntryPath, Kind};
use crate::repository::{BackupSet, Chain};

/// What a backup recorded of a path.
#[derive(Clone, PartialEq, Debug)]
pub struct Version {
    /// Date of the backup, seconds since 1970.
    pub at: i64,
    /// `None`: from then on the path did not exist.
    pub attributes: Option<Attributes>,
}

/// How a path differs between two dates.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    pub path: EntryPath,
    /// `None`: it did not exist.
    pub before: Option<Attributes>,
    pub after: Option<Attributes>,
}

/// The sets of a chain that make up a state: the date of its full, and all dates up to the one asked for.
pub(crate) struct State {
    pub(super) chain: i64,
    pub(super) dates: HashSet<i64>,
}

impl State {
    /// The chain as it was at `time`.
    pub(crate) fn of(chain: &Chain, time: i64) -> Self {
        Self::of_sets(chain.start().0, chain.sets_until(crate::repository::SetTime(time)))
    }

    /// What `sets` of the chain of this date make up.
    pub(crate) fn of_sets(chain: i64, sets: &[BackupSet]) -> Self {
        Self { chain, dates: sets.iter().map(|set| set.id.at.0).collect() }
    }
}

/// A row: key, date, record.
pub(super) type Row = (Vec<u8>, i64, Record);

/// Rows in path order, for each path the oldest first.
pub(super) struct Entries<'s> {
    rows: Rows<'s>,
    chain: i64,
}

const RANGE: &str = "SELECT path, at, record FROM entries WHERE chain = ?1 AND path >= ?2 AND path < ?3 \
    ORDER BY path, at";

/// The end of the range in which a path and all that is below it lie (begins with its key).
pub(super) fn end_of(path: &[u8]) -> Vec<u8> {
    // Below the root: all. No name is as long as this.
    if path.is_empty() { vec![0xff; 4096] } else { [path, &[1]].concat() }
}

impl Catalog {
    pub(super) fn range(&self) -> Outcome<Statement<'_>> {
        Ok(self.connection.prepare(RANGE)?)
    }
}

impl<'s> Entries<'s> {
    /// Of `top` and all below it, from `first` on. `statement`: of [`Catalog::range`].
    pub(super) fn of(
        statement: &'s mut Statement,
        chain: i64,
        first: &[u8],
        top: &EntryPath,
    ) -> Outcome<Self> {
        let top = key(top);
        let rows = statement.query(params![chain, first.max(&top), end_of(&top)])?;
        Ok(Self { rows, chain })
    }

    /// Rows of other dates than those that `wanted` says yes to are passed over.
    pub(super) fn next(&mut self, wanted: &mut impl FnMut(i64) -> bool) -> Outcome<Option<Row>> {
        let damaged = |_| Trouble::Damaged("a row");
        while let Some(row) = self.rows.next()? {
            let (key, at) = (row.get_ref(0)?.as_blob().map_err(damaged)?, row.get(1)?);
            if wanted(at) {
                let record = row.get_ref(2)?.as_blob().map_err(damaged)?;
                let record = Record::decode(self.chain, key, at, record)?;
                return Ok(Some((key.to_vec(), at, record)));
            }
        }
        Ok(None)
    }
}

/// The newest record of each path, in path order.
pub(super) struct Newest<'s> {
    entries: Entries<'s>,
    pending: Option<Row>,
}

impl<'s> Newest<'s> {
    pub(super) fn of(entries: Entries<'s>) -> Self {
        Self { entries, pending: None }
    }

    pub(super) fn next(&mut self, wanted: &mut impl FnMut(i64) -> bool) -> Outcome<Option<Row>> {
        while let Some(row) = self.entries.next(wanted)? {
            let previous = self.pending.replace(row);
            if previous.as_ref().map(|(path, ..)| path) != self.pending.as_ref().map(|(path, ..)| path)
                && previous.is_some()
            {
                return Ok(previous);
            }
        }
        Ok(self.pending.take())
    }
}

impl Catalog {
    /// All that is known of one path, oldest first; a backup that changed nothing about it is no version.
    /// `chains`: all that this catalogue knows, oldest first.
    pub(crate) fn history(&self, chains: &[Chain], path: &EntryPath) -> Outcome<Vec<Version>> {
        let mut versions: Vec<Version> = Vec::new();
        let mut add = |at, attributes: Option<Attributes>| {
            let last = versions.last().and_then(|version| version.attributes.as_ref());
            if !same(last, attributes.as_ref()) {
                versions.push(Version { at, attributes });
            }
        };
        for chain in chains {
            let state = State::of(chain, i64::MAX);
            let records = self.records(&state, &key(path))?;
            if records.first().is_none_or(|(at, _)| *at != state.chain) {
                add(state.chain, None);
            }
            for (at, record) in records {
                add(at, record.attributes);
            }
        }
        Ok(versions)
    }

    /// Bytes of all files at or below `top`; `None` where a program recorded a file without its size.
    pub(crate) fn size(&self, state: &State, top: &EntryPath) -> Outcome<Option<u64>> {
        let mut statement = self.range()?;
        let mut newest = Newest::of(Entries::of(&mut statement, state.chain, &[], top)?);
        let mut total = 0;
        while let Some((.., record)) = newest.next(&mut |at| state.dates.contains(&at))? {
            let Some(attributes) = record.attributes.filter(|a| a.kind == Kind::File) else { continue };
            let Some(content) = attributes.content else { return Ok(None) };
            total += content.size;
        }
        Ok(Some(total))
    }

    /// Records of one path, oldest first.
    pub(super) fn records(&self, state: &State, key: &[u8]) -> Outcome<Vec<(i64, Record)>> {
        let query = "SELECT at, record FROM entries WHERE chain = ?1 AND path = ?2 ORDER BY at";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query(params![state.chain, key])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let at = row.get(0)?;
            if state.dates.contains(&at) {
                let bytes = row.get_ref(1)?.as_blob().map_err(|_| Trouble::Damaged("a row"))?;
                records.push((at, Record::decode(state.chain, key, at, bytes)?));
            }
        }
        Ok(records)
    }

    /// Dates of the sets that have an entry at or below `top`.
    pub(crate) fn dates_of_entries(&self, chain: i64, top: &EntryPath) -> Outcome<HashSet<i64>> {
        let query = "SELECT DISTINCT at FROM entries WHERE chain = ?1 AND path >= ?2 AND path < ?3";
        let mut statement = self.connection.prepare_cached(query)?;
        let dates = statement.query_map(params![chain, key(top), end_of(&key(top))], |row| row.get(0))?;
        Ok(dates.collect::<rusqlite::Result<_>>()?)
    }

    /// The children of a folder as they were, sorted by name as bytes, among them those that had been deleted by
    /// then (their attributes are `None`).
    pub(crate) fn folder(&self, state: &State, folder: &EntryPath) -> Outcome<Vec<(Vec<u8>, Version)>> {
        // The first path at or after a key: each child costs one step, whatever lies below it.
        let query =
            "SELECT path FROM entries WHERE chain = ?1 AND path >= ?2 AND path < ?3 ORDER BY path LIMIT 1";
        let mut first = self.connection.prepare_cached(query)?;
        let mut children = Vec::new();
        let folder = key(folder);
        let below = if folder.is_empty() { Vec::new() } else { [&folder[..], &[0]].concat() };
        let end = end_of(&folder);
        let mut from = if folder.is_empty() { vec![1] } else { below.clone() };
        loop {
            let mut rows = first.query(params![state.chain, from, end])?;
            let Some(row) = rows.next()? else { return Ok(children) };
            let found = row.get_ref(0)?.as_blob().map_err(|_| Trouble::Damaged("a row"))?;
            let name = found.get(below.len()..).ok_or(Trouble::Damaged("a row"))?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            let child = [&below[..], &name].concat();
            if let Some((at, record)) = self.records(state, &child)?.pop() {
                children.push((name, Version { at, attributes: record.attributes }));
            }
            from = [&child[..], &[1]].concat();
        }
    }

    /// What differs at or below `top` between two dates, in path order.
    pub(crate) fn differences(
        &self,
        before: &State,
        after: &State,
        top: &EntryPath,
        mut each: impl FnMut(Difference) -> bool,
    ) -> Outcome<()> {
        let (mut old, mut new) = (self.range()?, self.range()?);
        let mut old = Newest::of(Entries::of(&mut old, before.chain, &[], top)?);
        let mut new = Newest::of(Entries::of(&mut new, after.chain, &[], top)?);
        let (mut in_old, mut in_new) = (|at| before.dates.contains(&at), |at| after.dates.contains(&at));
        let (mut left, mut right) = (old.next(&mut in_old)?, new.next(&mut in_new)?);
        loop {
            let order = match (&left, &right) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((left, ..)), Some((right, ..))) => left.cmp(right),
            };
            let (mut before, mut after, mut path) = (None, None, Vec::new());
            if order.is_le()
                && let Some((key, _, record)) = left.take()
            {
                (before, path) = (record.attributes, key);
                left = old.next(&mut in_old)?;
            }
            if order.is_ge()
                && let Some((key, _, record)) = right.take()
            {
                (after, path) = (record.attributes, key);
                right = new.next(&mut in_new)?;
            }
            if !same(before.as_ref(), after.as_ref())
                && !each(Difference { path: record::path(&path)?, before, after })
            {
                return Ok(());
            }
        }
    }

    /// Dates of the backups that found something changed at or below `top`, oldest first.
    pub(crate) fn dates_of_change(&self, chains: &[Chain], top: &EntryPath) -> Outcome<Vec<i64>> {
        let mut dates = BTreeSet::new();
        let mut previous: Option<State> = None;
        for chain in chains {
            let start = State::of(chain, chain.start().0);
            let nothing = State { chain: start.chain, dates: HashSet::new() };
            self.differences(previous.as_ref().unwrap_or(&nothing), &start, top, |_| {
                dates.insert(start.chain);
                false
            })?;
            let whole = State::of(chain, i64::MAX);
            self.add_dates_within(&whole, top, &mut dates)?;
            previous = Some(whole);
        }
        Ok(dates.into_iter().collect())
    }

    /// Dates of the increments in which some path differs from its entry before.
    fn add_dates_within(&self, state: &State, top: &EntryPath, dates: &mut BTreeSet<i64>) -> Outcome<()> {
        let mut statement = self.range()?;
        let mut entries = Entries::of(&mut statement, state.chain, &[], top)?;
        let mut before: Option<Row> = None;
        while let Some(row) = entries.next(&mut |at| state.dates.contains(&at))? {
            let earlier = before.as_ref().filter(|(path, ..)| *path == row.0);
            let earlier = earlier.and_then(|(.., record)| record.attributes.as_ref());
            if row.1 != state.chain && !same(earlier, row.2.attributes.as_ref()) {
                dates.insert(row.1);
            }
            before = Some(row);
        }
        Ok(())
    }
}

/// Whether people would call it unchanged: where it lies on disk does not count, nor a folder's time.
fn same(a: Option<&Attributes>, b: Option<&Attributes>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    let content = match (a.content, b.content) {
        (Some(a), Some(b)) => a == b,
        // Stock records whole seconds, and no hash.
        _ => a.kind != Kind::File || a.mtime.seconds == b.mtime.seconds,
    };
    let owner = a.mode == b.mode && a.uid == b.uid && a.gid == b.gid;
    a.kind == b.kind && content && owner && a.link_target == b.link_target && a.device == b.device
}
