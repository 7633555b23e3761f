//! Every path that the chronicle knows, in path order, each with its newest state. New rows may be added meanwhile for
//! paths before the one that comes next.

use std::collections::HashMap;
use std::vec;

use rusqlite::{Connection, params};

use super::writer::decode;
use super::{ABOVE, ROOT};
use crate::entry::Attributes;
use crate::repository::catalog::{Outcome, Trouble};

/// Names read at a time: a folder of a million does not fill the memory.
const BATCH: usize = 4096;

pub(super) struct Walk<'c> {
    connection: &'c Connection,
    levels: Vec<Level>,
}

struct Level {
    folder: i64,
    /// What the keys of its children begin with.
    prefix: Vec<u8>,
    children: vec::IntoIter<Child>,
    /// Where to read on; `None` at the end.
    from: Option<Vec<u8>>,
    /// Those of its children that have any.
    folders: HashMap<Vec<u8>, i64>,
}

type Child = (Vec<u8>, Option<Attributes>);

impl<'c> Walk<'c> {
    pub(super) fn new(connection: &'c Connection) -> Outcome<Self> {
        let below = Level::new(ROOT, Vec::new(), subfolders(connection, ROOT)?);
        // The root itself comes first.
        let root = Level::new(ABOVE, Vec::new(), HashMap::new());
        Ok(Self { connection, levels: vec![below, root] })
    }

    /// Key and state: `None` where the path does not exist any more.
    pub(super) fn next(&mut self) -> Outcome<Option<(Vec<u8>, Option<Attributes>)>> {
        while let Some(level) = self.levels.last_mut() {
            let Some((name, attributes)) = level.children.next() else {
                match level.from.take() {
                    Some(from) => level.read(self.connection, &from)?,
                    None => drop(self.levels.pop()),
                }
                continue;
            };
            let key = [&level.prefix[..], &name].concat();
            if let Some(id) = level.folders.get(&name) {
                let prefix = [&key[..], &[0]].concat();
                let below = Level::new(*id, prefix, subfolders(self.connection, *id)?);
                self.levels.push(below);
            }
            return Ok(Some((key, attributes)));
        }
        Ok(None)
    }
}

impl Level {
    fn new(folder: i64, prefix: Vec<u8>, folders: HashMap<Vec<u8>, i64>) -> Self {
        Self { folder, prefix, children: Vec::new().into_iter(), from: Some(Vec::new()), folders }
    }

    fn read(&mut self, connection: &Connection, from: &[u8]) -> Outcome<()> {
        // With max(), the other columns are those of the row that it is in.
        let query = "SELECT name, max(at), record FROM versions WHERE folder = ?1 AND name >= ?2 \
            GROUP BY name ORDER BY name LIMIT ?3";
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query(params![self.folder, from, BATCH as i64])?;
        let mut children: Vec<Child> = Vec::new();
        let damaged = |_| Trouble::Damaged("a row");
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_blob().map_err(damaged)?;
            let record = row.get_ref(2)?.as_blob_or_null().map_err(damaged)?;
            children.push((name.to_vec(), decode(self.folder, name, row.get(1)?, record)?));
        }
        // No name holds a NUL: the next one is after this.
        let last = children.last().filter(|_| children.len() == BATCH);
        self.from = last.map(|(name, _)| [&name[..], &[0]].concat());
        self.children = children.into_iter();
        Ok(())
    }
}

/// Children of a folder that ever had children themselves.
pub(super) fn subfolders(connection: &Connection, folder: i64) -> Outcome<HashMap<Vec<u8>, i64>> {
    let mut statement = connection.prepare_cached("SELECT name, id FROM folders WHERE parent = ?1")?;
    let rows = statement.query_map([folder], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
