//! The chronicle: what was where and when, over all chains, in one SQLite file beside the catalogue. What the timeline
//! reads.
//!
//! Made from the catalogue, backup by backup in the order of their dates, in transactions; safe to delete. A
//! file of its own, so that a running backup, which writes to the catalogue, and whoever looks at the timeline never
//! wait for each other. A backup adds only what differs from the state before it, also where it begins a new chain: a
//! file that is the same in ten chains has one row.
//!
//! Rows are clustered by folder, name and date: a folder at any date is one range.

mod count;
mod learn;
mod learner;
mod query;
mod search;
mod size;
mod step;
mod walk;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::catalog::{self, Outcome, Trouble, remove_database};
use crate::entry::{Attributes, Kind};
use crate::error::{Error, Result};
pub use query::{Difference, Item, Presence, Version};
pub use search::{Found, Scope};

const FILE: &str = "hindsight-chronicle.sqlite";

/// Of the tables and the records in them; a chronicle of another version is made anew.
const VERSION: i64 = 1;

/// Whoever else takes up new backups is done with one of them soon.
const PATIENCE: Duration = Duration::from_millis(500);

/// Id of the root as a folder, and of what the root lies in.
const ROOT: i64 = 1;
const ABOVE: i64 = 0;

const SCHEMA: &str = "
    CREATE TABLE backups (
        at INTEGER PRIMARY KEY,
        chain INTEGER NOT NULL,   -- date of the chain's full backup
        sha256 TEXT NOT NULL,     -- of the cached signature archive; empty where that could not be read
        stored INTEGER NOT NULL,  -- bytes of it at the place
        volumes INTEGER,          -- as many as the manifest names; NULL while it is not known
        changed INTEGER NOT NULL, -- bytes of contents that are new or changed
        damaged INTEGER NOT NULL  -- something of it is missing
    );
    CREATE TABLE folders (        -- whatever ever had children
        id INTEGER PRIMARY KEY,
        parent INTEGER NOT NULL,
        name BLOB NOT NULL,
        UNIQUE (parent, name)
    );
    INSERT INTO folders VALUES (1, 0, x'');
    CREATE TABLE versions (
        folder INTEGER NOT NULL,
        name BLOB NOT NULL,
        at INTEGER NOT NULL,      -- from this backup on
        size INTEGER,             -- of a file; -1 where it was not recorded
        record BLOB,              -- NULL: it does not exist
        PRIMARY KEY (folder, name, at)
    ) WITHOUT ROWID;
    CREATE TABLE changes (
        folder INTEGER NOT NULL,
        at INTEGER NOT NULL,
        items INTEGER NOT NULL,   -- below the folder that this backup changed
        PRIMARY KEY (folder, at)
    ) WITHOUT ROWID;
    CREATE TABLE names (id INTEGER PRIMARY KEY, folder INTEGER NOT NULL, name BLOB NOT NULL);
    CREATE TABLE indexed (names INTEGER NOT NULL);  -- up to which of these can be found
    INSERT INTO indexed VALUES (0);
    CREATE VIRTUAL TABLE found USING fts5(name, content = '', detail = none, columnsize = 0, tokenize = 'trigram');
";

pub(crate) struct Chronicle {
    connection: Connection,
    folder: PathBuf,
    /// In it, oldest first.
    backups: Vec<Row>,
}

/// What is kept of a backup as a whole.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Row {
    /// Seconds since 1970.
    pub(crate) at: i64,
    chain: i64,
    sha256: String,
    stored: u64,
    volumes: Option<u32>,
    /// Bytes.
    pub(crate) changed: u64,
    pub(crate) damaged: bool,
}

impl Chronicle {
    /// `folder`: the cache's. What cannot be used is made anew, in a private temporary file if need be.
    fn open(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let shared = || Self::prepare(Connection::open(&file)?, folder);
        let opened = shared().or_else(|trouble| {
            if !trouble.is_busy() {
                remove_database(&file);
                return shared();
            }
            Err(trouble)
        });
        opened.or_else(|_| Self::private(folder))
    }

    fn private(folder: &Path) -> Result<Self> {
        let private = Connection::open("").map_err(Trouble::from);
        private.and_then(|it| Self::prepare(it, folder)).map_err(|trouble| into_error(trouble, folder))
    }

    /// As it was left, for the same answers as last time without asking the place; `None` where there is none.
    pub(crate) fn as_left(folder: &Path) -> Option<Self> {
        let file = folder.join(FILE);
        let connection = file.exists().then(|| Connection::open(&file).ok()).flatten()?;
        let it = Self::prepare(connection, folder).ok()?;
        (!it.backups.is_empty()).then_some(it)
    }

    fn prepare(mut connection: Connection, folder: &Path) -> Outcome<Self> {
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(
            "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
             PRAGMA cache_size = -16384;",
        )?;
        let version = |connection: &Connection| -> Outcome<i64> {
            Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
        };
        if version(&connection)? == 0 {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if version(&transaction)? == 0 {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                transaction.commit()?;
            }
        }
        if version(&connection)? != VERSION {
            return Err(Trouble::Damaged("it is of another version"));
        }
        let mut it = Self { connection, folder: folder.to_path_buf(), backups: Vec::new() };
        it.backups = it.read_backups()?;
        Ok(it)
    }

    pub(crate) fn backups(&self) -> &[Row] {
        &self.backups
    }

    fn read_backups(&self) -> Outcome<Vec<Row>> {
        let query = "SELECT at, chain, sha256, stored, volumes, changed, damaged FROM backups ORDER BY at";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map([], |row| {
            let bytes = |column| row.get::<_, i64>(column).map(|bytes| u64::try_from(bytes).unwrap_or(0));
            Ok(Row {
                at: row.get(0)?,
                chain: row.get(1)?,
                sha256: row.get(2)?,
                stored: bytes(3)?,
                volumes: row.get(4)?,
                changed: bytes(5)?,
                damaged: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps so many kilobytes of pages in memory at most.
    fn cache(&self, kilobytes: i64) -> Outcome<()> {
        Ok(self.connection.pragma_update(None, "cache_size", -kilobytes)?)
    }

    fn begin(&mut self) -> Outcome<Transaction<'_>> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Forgets all.
    fn clear(&mut self) -> Outcome<()> {
        let transaction = self.begin()?;
        for table in ["backups", "folders", "versions", "changes", "names", "indexed", "found"] {
            transaction.execute_batch(&format!("DROP TABLE {table}"))?;
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.commit()?;
        self.backups.clear();
        Ok(())
    }

    /// For an answer that cannot be given. Damage is removed: whoever opens the chronicle next makes it anew.
    pub(crate) fn error(&self, trouble: Trouble) -> Error {
        if trouble.is_damage() {
            remove_database(&self.folder.join(FILE));
        }
        into_error(trouble, &self.folder)
    }
}

impl Row {
    fn insert(&self, connection: &Connection) -> Outcome<()> {
        let bytes = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        let Self { at, chain, sha256, stored, volumes, changed, damaged } = self;
        connection.execute(
            "INSERT INTO backups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![at, chain, sha256, bytes(*stored), volumes, bytes(*changed), damaged],
        )?;
        Ok(())
    }
}

fn into_error(trouble: Trouble, folder: &Path) -> Error {
    catalog::as_local(trouble, &folder.join(FILE))
}

/// Whether people would call it unchanged: where it lies on disk does not count, nor a folder's time.
fn same(a: Option<&Attributes>, b: Option<&Attributes>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    let owner = a.mode == b.mode && a.uid == b.uid && a.gid == b.gid;
    a.kind == b.kind && same_content(a, b) && owner && a.link_target == b.link_target && a.device == b.device
}

fn same_content(a: &Attributes, b: &Attributes) -> bool {
    match (a.content, b.content) {
        (Some(a), Some(b)) => a == b,
        // Stock records whole seconds, and no hash.
        _ => a.kind != Kind::File || a.mtime.seconds == b.mtime.seconds,
    }
}
