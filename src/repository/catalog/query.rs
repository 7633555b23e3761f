//! Reading rows: states, sets and single paths. Every answer is one or a few ranges of the clustered rows.

use std::collections::HashSet;

use rusqlite::{Rows, Statement, params};

use super::record::{Record, key};
use super::{Catalog, Outcome, Trouble};
use crate::entry::{EntryPath, Kind};
use crate::repository::{BackupSet, Chain};

/// The sets of a chain that make up a state: the date of its full, and all dates up to the one asked for.
pub(crate) struct State {
    pub(in crate::repository) chain: i64,
    pub(in crate::repository) dates: HashSet<i64>,
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
pub(in crate::repository) type Row = (Vec<u8>, i64, Record);

/// Rows in path order, for each path the oldest first.
pub(in crate::repository) struct Entries<'s> {
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
    pub(in crate::repository) fn range(&self) -> Outcome<Statement<'_>> {
        Ok(self.connection.prepare(RANGE)?)
    }
}

impl<'s> Entries<'s> {
    /// Of `top` and all below it, from `first` on. `statement`: of [`Catalog::range`].
    pub(in crate::repository) fn of(
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
pub(in crate::repository) struct Newest<'s> {
    entries: Entries<'s>,
    pending: Option<Row>,
}

impl<'s> Newest<'s> {
    pub(in crate::repository) fn of(entries: Entries<'s>) -> Self {
        Self { entries, pending: None }
    }

    pub(in crate::repository) fn next(
        &mut self,
        wanted: &mut impl FnMut(i64) -> bool,
    ) -> Outcome<Option<Row>> {
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

    /// What the set of an increment says, in path order.
    pub(in crate::repository) fn increment(
        &self,
        chain: i64,
        at: i64,
        mut each: impl FnMut(&[u8], Record) -> Outcome<()>,
    ) -> Outcome<()> {
        let query = "SELECT path, record FROM entries INDEXED BY increments WHERE chain = ?1 AND at = ?2 \
            AND at <> chain ORDER BY path";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query([chain, at])?;
        let damaged = |_| Trouble::Damaged("a row");
        while let Some(row) = rows.next()? {
            let (key, record) = (row.get_ref(0)?.as_blob(), row.get_ref(1)?.as_blob());
            let (key, record) = (key.map_err(damaged)?, record.map_err(damaged)?);
            each(key, Record::decode(chain, key, at, record)?)?;
        }
        Ok(())
    }
}
