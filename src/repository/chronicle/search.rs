//! Finding things by their names, over all dates.
//!
//! Names are indexed by their trigrams (SQLite's FTS5) when somebody searches, so that opening the timeline does not pay
//! for it: the first search after a backup indexes the names that are new.

use std::collections::{HashMap, HashSet};

use rusqlite::{TransactionBehavior, params};

use super::walk::subfolders;
use super::writer::decode;
use super::{ABOVE, Chronicle, ROOT};
use crate::entry::{Attributes, EntryPath};
use crate::repository::catalog::{Outcome, Trouble};

/// Where and when to search.
#[derive(Clone, PartialEq, Debug)]
pub struct Scope {
    /// The root for everywhere.
    pub below: EntryPath,
    /// `None`: over all dates.
    pub date: Option<i64>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    pub path: EntryPath,
    /// At the date of the scope; over all dates the newest.
    pub attributes: Attributes,
    /// Date of the last backup that has it.
    pub last_existed: i64,
    pub exists_in_newest: bool,
}

/// A folder of at most so many folders is searched itself; a larger one through the index.
const SMALL: usize = 500;
/// Names looked at before the best of them are taken.
const BATCH: usize = 5000;

/// A name that fits: its folder, itself, and how well it does.
struct Candidate {
    folder: i64,
    name: Vec<u8>,
    /// Lower is better.
    rank: u8,
}

impl Chronicle {
    /// Takes new names into the index. Takes a moment after new backups.
    pub(crate) fn index_names(&self) -> Outcome<()> {
        let missing = "SELECT 1 FROM names WHERE id > (SELECT names FROM indexed) LIMIT 1";
        if !self.connection.prepare_cached(missing)?.exists([])? {
            return Ok(());
        }
        let transaction =
            rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let upto: i64 = transaction.query_row("SELECT names FROM indexed", [], |row| row.get(0))?;
        let mut last = upto;
        {
            let mut names = transaction.prepare("SELECT id, name FROM names WHERE id > ?1 ORDER BY id")?;
            let mut insert = transaction.prepare("INSERT INTO found (rowid, name) VALUES (?1, ?2)")?;
            let mut rows = names.query([upto])?;
            while let Some(row) = rows.next()? {
                let name = row.get_ref(1)?.as_blob().map_err(|_| Trouble::Damaged("a name"))?;
                last = row.get(0)?;
                insert.execute(params![last, String::from_utf8_lossy(name)])?;
            }
        }
        transaction.execute("UPDATE indexed SET names = ?1", [last])?;
        transaction.commit()?;
        Ok(())
    }

    /// What is called something with `text` in it, whatever its case; at most `most`, the best first: names that are
    /// the text, then those that begin with it.
    pub(crate) fn search(&self, text: &str, scope: &Scope, most: usize) -> Outcome<Vec<Found>> {
        let wanted = text.to_lowercase();
        let Some(top) = self.folder_id(&scope.below)?.filter(|_| !wanted.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut search = Search { chronicle: self, scope, most, paths: HashMap::new(), found: Vec::new() };
        let within = if top == ROOT { None } else { Some(self.folders_below(top)?) };
        match within {
            Some(folders) if folders.len() <= SMALL => search.in_folders(&folders, &wanted)?,
            within => {
                match self.index_names() {
                    // Another process is at it: what is new will be found next time.
                    Err(trouble) if trouble.is_busy() => {}
                    done => done?,
                }
                search.in_index(within.as_ref(), &wanted)?;
            }
        }
        Ok(search.found)
    }

    fn folders_below(&self, top: i64) -> Outcome<HashSet<i64>> {
        let (mut all, mut next) = (HashSet::new(), vec![top]);
        while let Some(folder) = next.pop() {
            if all.insert(folder) {
                next.extend(subfolders(&self.connection, folder)?.into_values());
            }
        }
        Ok(all)
    }
}

struct Search<'c> {
    chronicle: &'c Chronicle,
    scope: &'c Scope,
    most: usize,
    /// Of folders by id.
    paths: HashMap<i64, EntryPath>,
    found: Vec<Found>,
}

impl Search<'_> {
    fn in_folders(&mut self, folders: &HashSet<i64>, wanted: &str) -> Outcome<()> {
        let query = "SELECT DISTINCT name FROM versions WHERE folder = ?1";
        let mut statement = self.chronicle.connection.prepare_cached(query)?;
        let mut batch = Vec::new();
        for folder in folders {
            let mut rows = statement.query([folder])?;
            while let Some(row) = rows.next()? {
                let name = row.get_ref(0)?.as_blob().map_err(|_| Trouble::Damaged("a name"))?;
                batch.extend(candidate(*folder, name, wanted));
            }
        }
        self.take_best(&mut batch).map(drop)
    }

    fn in_index(&mut self, within: Option<&HashSet<i64>>, wanted: &str) -> Outcome<()> {
        let query = if wanted.chars().count() >= 3 {
            "SELECT names.folder, names.name FROM found JOIN names ON names.id = found.rowid \
             WHERE found MATCH ?1"
        } else {
            "SELECT folder, name FROM names WHERE ?1 IS NOT NULL"
        };
        let mut statement = self.chronicle.connection.prepare_cached(query)?;
        let mut rows = statement.query([trigrams(wanted)])?;
        let mut batch = Vec::new();
        while let Some(row) = rows.next()? {
            let folder = row.get(0)?;
            if within.is_some_and(|within| !within.contains(&folder)) || folder == ABOVE {
                continue;
            }
            let name = row.get_ref(1)?.as_blob().map_err(|_| Trouble::Damaged("a name"))?;
            // The index knows which trigrams a name has, not their order.
            batch.extend(candidate(folder, name, wanted));
            if batch.len() == BATCH && self.take_best(&mut batch)? {
                return Ok(());
            }
        }
        self.take_best(&mut batch).map(drop)
    }

    /// Whether there is enough.
    fn take_best(&mut self, batch: &mut Vec<Candidate>) -> Outcome<bool> {
        batch.sort_by_key(|candidate| candidate.rank);
        for Candidate { folder, name, .. } in batch.drain(..) {
            if self.found.len() >= self.most {
                return Ok(true);
            }
            if let Some((attributes, last_existed)) = self.existence(folder, &name)? {
                let path = self.path(folder)?.child(&name);
                let newest = self.chronicle.backups.last().map(|row| row.at);
                let exists_in_newest = newest == Some(last_existed);
                self.found.push(Found { path, attributes, last_existed, exists_in_newest });
            }
        }
        Ok(self.found.len() >= self.most)
    }

    /// What it is in the scope, if it is in it, and the last backup that has it.
    fn existence(&self, folder: i64, name: &[u8]) -> Outcome<Option<(Attributes, i64)>> {
        let chronicle = self.chronicle;
        if let Some(date) = self.scope.date {
            let Some(attributes) = chronicle.state(folder, name, chronicle.clamped(date))? else {
                return Ok(None);
            };
            let (_, last) = self.newest(folder, name)?.ok_or(Trouble::Damaged("a name without versions"))?;
            return Ok(Some((attributes, last)));
        }
        self.newest(folder, name)
    }

    fn newest(&self, folder: i64, name: &[u8]) -> Outcome<Option<(Attributes, i64)>> {
        let query = "SELECT at, record FROM versions WHERE folder = ?1 AND name = ?2 ORDER BY at DESC";
        let mut statement = self.chronicle.connection.prepare_cached(query)?;
        let mut rows = statement.query(params![folder, name])?;
        let mut last = self.chronicle.backups.last().map_or(0, |row| row.at);
        while let Some(row) = rows.next()? {
            let at = row.get(0)?;
            let record = row.get_ref(1)?.as_blob_or_null().map_err(|_| Trouble::Damaged("a row"))?;
            match decode(folder, name, at, record)? {
                Some(attributes) => return Ok(Some((attributes, last))),
                None => last = self.chronicle.before(at),
            }
        }
        Ok(None)
    }

    fn path(&mut self, folder: i64) -> Outcome<EntryPath> {
        if folder == ROOT {
            return Ok(EntryPath::root());
        }
        if let Some(path) = self.paths.get(&folder) {
            return Ok(path.clone());
        }
        let query = "SELECT parent, name FROM folders WHERE id = ?1";
        let row = |row: &rusqlite::Row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?));
        let (parent, name) = self.chronicle.connection.prepare_cached(query)?.query_row([folder], row)?;
        // Parents are made before their children: a damaged file does not lead in a circle.
        if parent >= folder || name.is_empty() || name.contains(&b'/') {
            return Err(Trouble::Damaged("a folder"));
        }
        let path = self.path(parent)?.child(&name);
        self.paths.insert(folder, path.clone());
        Ok(path)
    }
}

fn candidate(folder: i64, name: &[u8], wanted: &str) -> Option<Candidate> {
    let lower = String::from_utf8_lossy(name).to_lowercase();
    let position = lower.find(wanted)?;
    let rank = match position {
        0 if lower.len() == wanted.len() => 0,
        0 => 1,
        _ => 2,
    };
    Some(Candidate { folder, name: name.to_vec(), rank })
}

/// All trigrams of the text, as FTS5 wants them asked for when it keeps no positions.
fn trigrams(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let quoted = |three: &[char]| format!("\"{}\"", three.iter().collect::<String>().replace('"', "\"\""));
    characters.windows(3).map(quoted).collect::<Vec<_>>().join(" AND ")
}
