//! Finding paths by name over all dates.
//!
//! Names are indexed by their trigrams (SQLite's FTS5) when somebody searches, so that backups do not pay for it:
//! the first search after a backup indexes the names that are new.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Catalog, Outcome, Trouble, record};
use crate::entry::EntryPath;

/// `names` numbers every path that any set has; `searched` says of which sets.
pub(super) const SCHEMA: &str = "
    CREATE TABLE names (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
    CREATE VIRTUAL TABLE found USING fts5(name, content = '', detail = none, columnsize = 0, tokenize = 'trigram');
    CREATE TABLE searched (
        chain INTEGER NOT NULL,
        at INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (chain, at)
    ) WITHOUT ROWID;
";

impl Catalog {
    /// Takes the names of sets that were added since into the index. Takes a moment; cheap when there are none.
    pub(crate) fn index_names(&mut self) -> Outcome<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let new = "SELECT chain, min(at) FROM sets WHERE NOT EXISTS (SELECT 1 FROM searched AS s WHERE \
            s.chain = sets.chain AND s.at = sets.at AND s.sha256 = sets.sha256) GROUP BY chain";
        let chains: Vec<(i64, i64)> = transaction
            .prepare(new)?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (chain, first) in chains {
            let before: i64 =
                transaction.query_row("SELECT ifnull(max(id), 0) FROM names", [], |row| row.get(0))?;
            transaction.execute(
                "INSERT OR IGNORE INTO names (path) SELECT DISTINCT path FROM entries WHERE chain = ?1 AND at >= ?2",
                [chain, first],
            )?;
            let mut names = transaction.prepare("SELECT id, path FROM names WHERE id > ?1")?;
            let mut insert = transaction.prepare("INSERT INTO found (rowid, name) VALUES (?1, ?2)")?;
            let mut rows = names.query([before])?;
            while let Some(row) = rows.next()? {
                let path = row.get_ref(1)?.as_blob().map_err(|_| Trouble::Damaged("a name"))?;
                insert.execute(params![row.get::<_, i64>(0)?, file_name(path)])?;
            }
        }
        transaction
            .execute_batch("DELETE FROM searched; INSERT INTO searched SELECT chain, at, sha256 FROM sets")?;
        transaction.commit()?;
        Ok(())
    }

    /// Paths whose last name contains `text`, whatever its case, that any backup has; at most `most`, in no
    /// particular order. [`Catalog::index_names`] comes first.
    pub(crate) fn search(&self, text: &str, most: usize) -> Outcome<Vec<EntryPath>> {
        let mut found = Vec::new();
        let wanted = text.to_lowercase();
        let long_enough = wanted.chars().count() >= 3;
        let query = if long_enough {
            "SELECT path FROM names WHERE id IN (SELECT rowid FROM found WHERE found MATCH ?1)"
        } else {
            "SELECT path FROM names WHERE ?1 IS NOT NULL"
        };
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query([trigrams(&wanted)])?;
        while let Some(row) = rows.next()?.filter(|_| found.len() < most) {
            let path = row.get_ref(0)?.as_blob().map_err(|_| Trouble::Damaged("a name"))?;
            // The index knows which trigrams a name has, not their order.
            if file_name(path).to_lowercase().contains(&wanted) && self.is_known(path)? {
                found.push(record::path(path)?);
            }
        }
        Ok(found)
    }

    /// Names of sets that were deleted since stay in the index.
    fn is_known(&self, key: &[u8]) -> Outcome<bool> {
        let query = "SELECT 1 FROM entries WHERE chain IN (SELECT chain FROM sets) AND path = ?1 LIMIT 1";
        let mut statement = self.connection.prepare_cached(query)?;
        Ok(statement.query_row([key], |_| Ok(())).optional()?.is_some())
    }
}

fn file_name(key: &[u8]) -> String {
    String::from_utf8_lossy(key.rsplit(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// All trigrams of the text, as FTS5 wants them asked for when it keeps no positions.
fn trigrams(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let quoted = |three: &[char]| format!("\"{}\"", three.iter().collect::<String>().replace('"', "\"\""));
    characters.windows(3).map(quoted).collect::<Vec<_>>().join(" AND ")
}
