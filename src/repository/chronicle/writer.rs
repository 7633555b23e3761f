//! Adding one backup: what differs from the state before, path by path in their order.

use rusqlite::{Connection, OptionalExtension, params};

use super::size::size_of;
use super::{ABOVE, ROOT, same, same_content};
use crate::entry::{Attributes, Kind};
use crate::repository::catalog::record::Record;
use crate::repository::catalog::{Outcome, Trouble};

pub(super) struct Writer<'c> {
    connection: &'c Connection,
    at: i64,
    /// The folders above the last path, the root first.
    above: Vec<Level>,
    pub(super) tally: Tally,
}

struct Level {
    id: i64,
    name: Vec<u8>,
    /// Paths below that changed.
    changes: u64,
}

/// What is summed up of a backup.
#[derive(Default)]
pub(super) struct Tally {
    /// Of contents that are new or changed.
    pub(super) bytes: u64,
    /// Such contents whose size was not recorded.
    pub(super) unknown: u64,
    /// All files, where all were seen.
    pub(super) files: u64,
}

/// What the chronicle says of a path.
#[derive(Default)]
pub(super) struct Before {
    /// Something: it may have been that the path was deleted.
    pub(super) is_known: bool,
    pub(super) state: Option<Attributes>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, at: i64) -> Self {
        let root = Level { id: ROOT, name: Vec::new(), changes: 0 };
        Self { connection, at, above: vec![root], tally: Tally::default() }
    }

    /// A path whose state before has to be looked up.
    pub(super) fn look_up_and_add(&mut self, key: &[u8], after: Option<&Attributes>) -> Outcome<()> {
        let (folder, name) = self.place(key)?;
        let query =
            "SELECT at, record FROM versions WHERE folder = ?1 AND name = ?2 ORDER BY at DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(query)?;
        let row = |row: &rusqlite::Row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?));
        let found = statement.query_row(params![folder, name], row).optional()?;
        let before = match found {
            None => Before::default(),
            Some((at, record)) => {
                Before { is_known: true, state: decode(folder, name, at, record.as_deref())? }
            }
        };
        self.add(key, before, after)
    }

    pub(super) fn add(&mut self, key: &[u8], before: Before, after: Option<&Attributes>) -> Outcome<()> {
        self.tally.files += u64::from(after.is_some_and(|after| after.kind == Kind::File));
        let after = after.map(without_disk);
        let Before { is_known, state: before } = before;
        if before == after {
            return Ok(());
        }
        let (folder, name) = self.place(key)?;
        let changed = !same(before.as_ref(), after.as_ref());
        if let Some(after) = after.as_ref().filter(|after| after.kind == Kind::File)
            && !before.as_ref().is_some_and(|it| it.kind == Kind::File && same_content(it, after))
        {
            self.tally.bytes += after.content.map_or(0, |content| content.size);
            self.tally.unknown += u64::from(after.content.is_none());
        }
        self.insert(folder, name, after)?;
        if !is_known {
            let mut insert =
                self.connection.prepare_cached("INSERT INTO names (folder, name) VALUES (?1, ?2)")?;
            insert.execute(params![folder, name])?;
        }
        // The root lies in no folder that anybody looks at.
        if changed
            && folder != ABOVE
            && let Some(level) = self.above.last_mut()
        {
            level.changes += 1;
        }
        Ok(())
    }

    fn insert(&self, folder: i64, name: &[u8], after: Option<Attributes>) -> Outcome<()> {
        let size = after.as_ref().and_then(size_of);
        let record = match after {
            None => None,
            some => Some(Record { attributes: some, signature: None }.encode(folder, name, self.at)?),
        };
        let mut insert =
            self.connection.prepare_cached("INSERT OR REPLACE INTO versions VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![folder, name, self.at, size, record])?;
        Ok(())
    }

    /// The folder that the path lies in, made if it is new, and the path's own name.
    fn place<'k>(&mut self, key: &'k [u8]) -> Outcome<(i64, &'k [u8])> {
        if key.is_empty() {
            return Ok((ABOVE, key));
        }
        let mut names: Vec<_> = key.split(|byte| *byte == 0).collect();
        let own = names.pop().unwrap_or_default();
        let common =
            self.above[1..].iter().zip(&names).take_while(|(level, name)| level.name == **name).count();
        while self.above.len() > 1 + common {
            self.leave()?;
        }
        for name in &names[common..] {
            let parent = self.above.last().map_or(ROOT, |level| level.id);
            let id = match folder(self.connection, parent, name)? {
                Some(id) => id,
                None => {
                    let make = "INSERT INTO folders (parent, name) VALUES (?1, ?2)";
                    self.connection.prepare_cached(make)?.insert(params![parent, name])?
                }
            };
            self.above.push(Level { id, name: name.to_vec(), changes: 0 });
        }
        Ok((self.above.last().map_or(ROOT, |level| level.id), own))
    }

    fn leave(&mut self) -> Outcome<()> {
        let Some(Level { id, changes, .. }) = self.above.pop().filter(|level| level.changes > 0) else {
            return Ok(());
        };
        // Paths are in order, so that a folder is left once; were one not, its counts would be added up.
        let insert = "INSERT INTO changes VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET items = items + ?3";
        let count = i64::try_from(changes).unwrap_or(i64::MAX);
        self.connection.prepare_cached(insert)?.execute(params![id, self.at, count])?;
        if let Some(parent) = self.above.last_mut() {
            parent.changes += changes;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Outcome<Tally> {
        while !self.above.is_empty() {
            self.leave()?;
        }
        Ok(self.tally)
    }
}

/// Id of a folder that ever had children.
pub(super) fn folder(connection: &Connection, parent: i64, name: &[u8]) -> Outcome<Option<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM folders WHERE parent = ?1 AND name = ?2")?;
    Ok(statement.query_row(params![parent, name], |row| row.get(0)).optional()?)
}

pub(super) fn decode(
    folder: i64,
    name: &[u8],
    at: i64,
    record: Option<&[u8]>,
) -> Outcome<Option<Attributes>> {
    let Some(record) = record else { return Ok(None) };
    let attributes = Record::decode(folder, name, at, record)?.attributes;
    attributes.ok_or(Trouble::Damaged("a record")).map(Some)
}

/// What people see of it.
fn without_disk(attributes: &Attributes) -> Attributes {
    Attributes { disk: None, links: None, extended: None, ..attributes.clone() }
}
