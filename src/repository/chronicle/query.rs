//! Questions about folders, paths and dates.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{OptionalExtension, params};

use super::walk::subfolders;
use super::writer::{decode, folder};
use super::{ABOVE, Chronicle, ROOT, same};
use crate::entry::{Attributes, EntryPath};
use crate::repository::catalog::{Outcome, Trouble};

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

/// What any backup has in a folder, as seen from a date.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Bytes as on disk, which need not be UTF-8.
    pub name: Vec<u8>,
    pub presence: Presence,
    /// At the date, or as near to it as there are any. Without what only a restore needs: extended attributes, links.
    pub attributes: Attributes,
    /// Something was below it at some date.
    pub has_children: bool,
}

/// Whether something was there at a date. Dates are those of backups, seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    Present,
    /// Not any more: the last backup that had it before.
    DeletedAfter(i64),
    /// Not yet: the first backup that has it.
    Later(i64),
}

/// The rows of one name, while they are read oldest first. One for all names of a folder.
#[derive(Default)]
struct Name {
    name: Vec<u8>,
    /// Date of the newest by then, and whether it existed.
    state: Option<(i64, bool)>,
    /// The newest by then in which it existed.
    existing: Kept,
    /// The first after then in which it exists.
    later: Kept,
}

/// Date of a backup, and what it recorded.
#[derive(Default)]
struct Kept {
    at: Option<i64>,
    record: Vec<u8>,
}

impl Kept {
    fn keep(&mut self, at: i64, record: &[u8]) {
        self.at = Some(at);
        self.record.clear();
        self.record.extend_from_slice(record);
    }
}

impl Name {
    fn begin(&mut self, name: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(name);
        (self.state, self.existing.at, self.later.at) = (None, None, None);
    }

    fn add(&mut self, at: i64, record: Option<&[u8]>, date: i64) {
        if at <= date {
            self.state = Some((at, record.is_some()));
        }
        match record {
            Some(record) if at <= date => self.existing.keep(at, record),
            Some(record) if self.later.at.is_none() => self.later.keep(at, record),
            _ => {}
        }
    }
}

impl Chronicle {
    /// Id of a folder that ever had children.
    pub(super) fn folder_id(&self, path: &EntryPath) -> Outcome<Option<i64>> {
        let mut id = ROOT;
        for name in path.components() {
            match folder(&self.connection, id, name)? {
                Some(child) => id = child,
                None => return Ok(None),
            }
        }
        Ok(Some(id))
    }

    /// Where the path's own rows are: the folder that it lies in, if that is known, and its name.
    fn place<'p>(&self, path: &'p EntryPath) -> Outcome<Option<(i64, &'p [u8])>> {
        let Some(parent) = path.parent() else { return Ok(Some((ABOVE, &[]))) };
        Ok(self.folder_id(&parent)?.map(|folder| (folder, path.file_name())))
    }

    /// The date that is meant: before the first backup that one's.
    pub(super) fn clamped(&self, date: i64) -> i64 {
        self.backups.first().map_or(date, |first| date.max(first.at))
    }

    /// The last backup before the one of this date.
    pub(super) fn before(&self, date: i64) -> i64 {
        let index = self.backups.partition_point(|row| row.at < date);
        index.checked_sub(1).map_or(date, |before| self.backups[before].at)
    }

    /// The children of a folder, sorted by name as bytes.
    pub(crate) fn folder(&self, folder: &EntryPath, date: i64) -> Outcome<Vec<Item>> {
        let Some(id) = self.folder_id(folder)? else { return Ok(Vec::new()) };
        let date = self.clamped(date);
        let parents = subfolders(&self.connection, id)?;
        let query = "SELECT name, at, record FROM versions WHERE folder = ?1 ORDER BY name, at";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query([id])?;
        let damaged = |_| Trouble::Damaged("a row");
        let (mut items, mut current, mut has_begun) = (Vec::new(), Name::default(), false);
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_blob().map_err(damaged)?;
            if !has_begun || current.name != name {
                if has_begun {
                    items.extend(self.item(id, &current, &parents)?);
                }
                current.begin(name);
                has_begun = true;
            }
            current.add(row.get(1)?, row.get_ref(2)?.as_blob_or_null().map_err(damaged)?, date);
        }
        if has_begun {
            items.extend(self.item(id, &current, &parents)?);
        }
        Ok(items)
    }

    fn item(&self, folder: i64, name: &Name, parents: &HashMap<Vec<u8>, i64>) -> Outcome<Option<Item>> {
        let Name { name, state, existing, later } = name;
        let (presence, nearest) = match (state, existing.at, later.at) {
            (Some((_, true)), ..) => (Presence::Present, existing),
            (Some((at, false)), Some(_), _) => (Presence::DeletedAfter(self.before(*at)), existing),
            (.., Some(at)) => (Presence::Later(at), later),
            _ => return Ok(None),
        };
        let has_children = parents.contains_key(name);
        let at = nearest.at.unwrap_or_default();
        let attributes = decode(folder, name, at, Some(&nearest.record))?;
        Ok(attributes.map(|attributes| Item { name: name.clone(), presence, attributes, has_children }))
    }

    /// All that is known of one path, oldest first; a backup that changed nothing about it is no version.
    pub(crate) fn history(&self, path: &EntryPath) -> Outcome<Vec<Version>> {
        let Some((folder, name)) = self.place(path)? else { return Ok(Vec::new()) };
        let mut versions: Vec<Version> = Vec::new();
        let query = "SELECT at, record FROM versions WHERE folder = ?1 AND name = ?2 ORDER BY at";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query(params![folder, name])?;
        while let Some(row) = rows.next()? {
            let at = row.get(0)?;
            let record = row.get_ref(1)?.as_blob_or_null().map_err(|_| Trouble::Damaged("a row"))?;
            let attributes = decode(folder, name, at, record)?;
            let last = versions.last().and_then(|version| version.attributes.as_ref());
            if !same(last, attributes.as_ref()) {
                versions.push(Version { at, attributes });
            }
        }
        Ok(versions)
    }

    /// Dates of the backups that found something changed at or below `top`, oldest first.
    pub(crate) fn dates_of_change(&self, top: &EntryPath) -> Outcome<Vec<i64>> {
        let mut dates: BTreeSet<i64> = self.history(top)?.iter().map(|version| version.at).collect();
        if let Some(folder) = self.folder_id(top)? {
            let mut statement = self.connection.prepare_cached("SELECT at FROM changes WHERE folder = ?1")?;
            for date in statement.query_map([folder], |row| row.get(0))? {
                dates.insert(date?);
            }
        }
        Ok(dates.into_iter().collect())
    }

    /// Dates of the backups that recorded anything of one of these paths themselves, oldest first.
    pub(crate) fn dates_of_versions(&self, paths: &[EntryPath]) -> Outcome<Vec<i64>> {
        let query = "SELECT at FROM versions WHERE folder = ?1 AND name = ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut dates = BTreeSet::new();
        for path in paths {
            let Some((folder, name)) = self.place(path)? else { continue };
            for date in statement.query_map(params![folder, name], |row| row.get::<_, i64>(0))? {
                dates.insert(date?);
            }
        }
        Ok(dates.into_iter().collect())
    }

    /// How many paths at or below `top` the backup of this date changed.
    pub(crate) fn changes(&self, top: &EntryPath, date: i64) -> Outcome<u64> {
        let own = self.history(top)?.iter().filter(|version| version.at == date).count() as u64;
        let Some(folder) = self.folder_id(top)? else { return Ok(own) };
        let query = "SELECT items FROM changes WHERE folder = ?1 AND at = ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let below: Option<i64> = statement.query_row([folder, date], |row| row.get(0)).optional()?;
        Ok(own + below.and_then(|below| u64::try_from(below).ok()).unwrap_or(0))
    }

    /// A path's state at a date.
    pub(super) fn state(&self, folder: i64, name: &[u8], date: i64) -> Outcome<Option<Attributes>> {
        let query = "SELECT at, record FROM versions WHERE folder = ?1 AND name = ?2 AND at <= ?3 \
            ORDER BY at DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query(params![folder, name, date])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let record = row.get_ref(1)?.as_blob_or_null().map_err(|_| Trouble::Damaged("a row"))?;
        decode(folder, name, row.get(0)?, record)
    }

    /// What differs at or below `top` between two dates, in path order, until `each` says `false`.
    pub(crate) fn differences(
        &self,
        top: &EntryPath,
        dates: (i64, i64),
        mut each: impl FnMut(Difference) -> bool,
    ) -> Outcome<()> {
        let dates = (self.clamped(dates.0), self.clamped(dates.1));
        let Some((folder, name)) = self.place(top)? else { return Ok(()) };
        let (before, after) = (self.state(folder, name, dates.0)?, self.state(folder, name, dates.1)?);
        if !same(before.as_ref(), after.as_ref()) && !each(Difference { path: top.clone(), before, after }) {
            return Ok(());
        }
        if let Some(id) = self.folder_id(top)? {
            self.differences_below(id, top, dates, &mut each)?;
        }
        Ok(())
    }

    /// `false` when `each` has said so.
    fn differences_below(
        &self,
        folder: i64,
        path: &EntryPath,
        dates: (i64, i64),
        each: &mut impl FnMut(Difference) -> bool,
    ) -> Outcome<bool> {
        let query = "SELECT 1 FROM changes WHERE folder = ?1 AND at > ?2 AND at <= ?3 LIMIT 1";
        let (from, to) = (dates.0.min(dates.1), dates.0.max(dates.1));
        if !self.connection.prepare_cached(query)?.exists([folder, from, to])? {
            return Ok(true);
        }
        let parents = subfolders(&self.connection, folder)?;
        let names: Vec<Vec<u8>> = {
            let query = "SELECT DISTINCT name FROM versions WHERE folder = ?1 ORDER BY name";
            let mut statement = self.connection.prepare_cached(query)?;
            let names = statement.query_map([folder], |row| row.get(0))?;
            names.collect::<rusqlite::Result<_>>()?
        };
        for name in names {
            let (before, after) = (self.state(folder, &name, dates.0)?, self.state(folder, &name, dates.1)?);
            let path = path.child(&name);
            if !same(before.as_ref(), after.as_ref())
                && !each(Difference { path: path.clone(), before, after })
            {
                return Ok(false);
            }
            if let Some(id) = parents.get(&name)
                && !self.differences_below(*id, &path, dates, each)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
