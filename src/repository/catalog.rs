//! The local catalogue: every entry of every set, in path order, in one SQLite file beside the cached
//! signatures. What the next backup compares with, and what lists, histories and searches read.
//!
//! Purely a cache of the signature archives. A set is in it when its row in `sets` names the hash of the
//! very archive that the cache vouches for; the row is written last, in one transaction with the entries or after
//! them, so that a crash leaves the set in or out. Entries carry a checksum over their key and content: a damaged
//! file is noticed where it is read, thrown away and made anew.
//!
//! Rows are clustered by chain, path and date: walking a chain in path order is one range, and so is what a set says
//! of one path. Paths are stored with NUL for `/`, so that bytes sort as the format does. What changed when, over all
//! chains, is in the chronicle (`chronicle.rs`), which is made from this.

pub(super) mod ahead;
mod below;
mod changes;
mod ingest;
pub(super) mod query;
pub(super) mod record;
mod states;
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::members::Member;
use super::{BackupSet, Repository};
use crate::error::{Error, Result};
pub use changes::FileChange;
pub(crate) use ingest::LiveIngest;
pub(crate) use query::State;
pub(crate) use states::{Prior, SignatureAt};
pub(crate) use stored::Stored;

const FILE: &str = "hindsight-catalog.sqlite";

/// Of the tables and the records in them; a catalogue of another version is made anew.
const VERSION: i64 = 2;

/// Another process writes for moments only.
const PATIENCE: Duration = Duration::from_secs(10);
/// A group of a running backup takes less than this, a set that is read anew more.
const IMPATIENCE: Duration = Duration::from_millis(300);

const SCHEMA: &str = "
    CREATE TABLE sets (
        chain INTEGER NOT NULL,   -- date of the chain's full backup
        at INTEGER NOT NULL,
        since INTEGER,            -- NULL: a full backup
        sha256 TEXT NOT NULL,     -- of the cached signature archive that the entries are from
        members BLOB NOT NULL,    -- where its gzip members begin
        entries INTEGER NOT NULL,
        PRIMARY KEY (chain, at)
    ) WITHOUT ROWID;
    CREATE TABLE begun (          -- sets whose entries are being written piece by piece
        chain INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (chain, at)
    ) WITHOUT ROWID;
    CREATE TABLE entries (
        chain INTEGER NOT NULL,
        path BLOB NOT NULL,
        at INTEGER NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (chain, path, at)
    ) WITHOUT ROWID;
    -- What an increment says, in path order. Fulls do without: all of the chain is walked for them.
    CREATE INDEX increments ON entries (chain, at, path) WHERE at <> chain;
";

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the catalogue: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the catalogue: {0}")]
    Damaged(&'static str),
    /// Another process has added what was to be added.
    #[error("the catalogue: written by another process")]
    Overtaken,
    /// Not the catalogue's fault: what it is made from cannot be had.
    #[error(transparent)]
    Run(#[from] Error),
}

pub(crate) type Outcome<T> = std::result::Result<T, Trouble>;

impl Trouble {
    pub(super) fn is_busy(&self) -> bool {
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        };
        matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// What it was read from will never be right again.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sqlite(error) => {
                let code = error.sqlite_error_code();
                matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            _ => false,
        }
    }
}

pub(crate) struct Catalog {
    connection: Connection,
    folder: PathBuf,
}

/// What the catalogue knows of one set beside its entries.
pub(crate) struct KnownSet {
    pub(crate) sha256: String,
    pub(crate) members: Vec<Member>,
    entries: i64,
}

impl Repository {
    /// A catalogue that knows all of `sets`: a full backup and what builds on it. What is missing is read from
    /// the signatures; a catalogue that cannot be used is made anew, in a private temporary file if need be.
    pub(crate) fn catalog(&self, sets: &[BackupSet]) -> Result<Catalog> {
        self.catalog_knowing(|catalog| catalog.learn(self, sets))
    }

    /// The catalogue if it knows all of `sets` already; nothing is read for it.
    pub(crate) fn catalog_if_known(&self, sets: &[BackupSet]) -> Option<Catalog> {
        let folder = self.cache.folder();
        let catalog = folder.join(FILE).exists().then(|| Catalog::open(folder).ok()).flatten()?;
        let chain = sets.first()?.id.at.0;
        sets.iter().all(|set| catalog.is_current(self, chain, set).unwrap_or(false)).then_some(catalog)
    }

    fn catalog_knowing(&self, learn: impl Fn(Catalog) -> Outcome<Catalog>) -> Result<Catalog> {
        let folder = self.cache.folder();
        let shared = || Catalog::open(folder).and_then(&learn);
        let trouble = match shared() {
            Ok(catalog) => return Ok(catalog),
            Err(Trouble::Run(error)) => return Err(error),
            Err(trouble) => trouble,
        };
        if !trouble.is_busy() {
            remove(folder);
            if let Ok(catalog) = shared() {
                return Ok(catalog);
            }
        }
        let private = Catalog::private(folder).and_then(&learn);
        private.map_err(|trouble| into_error(trouble, folder))
    }
}

/// `folder`: the cache's.
fn into_error(trouble: Trouble, folder: &Path) -> Error {
    as_local(trouble, &folder.join(FILE))
}

/// `file`: the database that there is trouble with.
pub(super) fn as_local(trouble: Trouble, file: &Path) -> Error {
    match trouble {
        Trouble::Run(error) => error,
        other => Error::Local { path: file.to_path_buf(), source: std::io::Error::other(other.to_string()) },
    }
}

pub(super) fn remove(folder: &Path) {
    remove_database(&folder.join(FILE));
}

/// A process that has it open keeps what it had.
pub(super) fn remove_database(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_os_string();
        name.push(end);
        let _ = fs::remove_file(name);
    }
}

impl Catalog {
    pub(super) fn open(folder: &Path) -> Outcome<Self> {
        Self::prepare(Connection::open(folder.join(FILE))?, folder)
    }

    /// Keeps so many kilobytes of pages in memory at most.
    pub(super) fn cache(&self, kilobytes: i64) -> Outcome<()> {
        Ok(self.connection.pragma_update(None, "cache_size", -kilobytes)?)
    }

    /// For who would rather do without than wait for a writer that takes long.
    pub(super) fn be_impatient(&self) -> Outcome<()> {
        Ok(self.connection.busy_timeout(IMPATIENCE)?)
    }

    /// In a temporary file that nobody else sees.
    pub(super) fn private(folder: &Path) -> Outcome<Self> {
        Self::prepare(Connection::open("")?, folder)
    }

    fn prepare(mut connection: Connection, folder: &Path) -> Outcome<Self> {
        connection.busy_timeout(PATIENCE)?;
        // Sixteen thousand bytes a page: fewer steps for a walk through all. Eight megabytes of pages in memory.
        connection.execute_batch(
            "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
             PRAGMA cache_size = -8192;",
        )?;
        let version = |connection: &Connection| -> Outcome<i64> {
            Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
        };
        if version(&connection)? == 0 {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            if version(&transaction)? == 0 {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                transaction.commit()?;
            }
        }
        match version(&connection)? {
            VERSION => Ok(Self { connection, folder: folder.to_path_buf() }),
            _ => Err(Trouble::Damaged("it is of another version")),
        }
    }

    /// Reads the signatures of those of `sets` that are not known as they are now.
    fn learn(mut self, repository: &Repository, sets: &[BackupSet]) -> Outcome<Self> {
        let Some(full) = sets.first() else { return Ok(self) };
        let chain = full.id.at.0;
        for set in sets {
            if !self.is_current(repository, chain, set)? {
                self.learn_set(repository, chain, set)?;
            }
        }
        Ok(self)
    }

    /// Reads the signatures of one set of the chain of this date, whatever is known of it.
    pub(super) fn learn_set(&mut self, repository: &Repository, chain: i64, set: &BackupSet) -> Outcome<()> {
        ingest::set(self, repository, chain, set)
    }

    /// Whether the set's entries are those of what is at the place.
    pub(super) fn is_current(&self, repository: &Repository, chain: i64, set: &BackupSet) -> Outcome<bool> {
        let Some(now) = repository.vouched_signatures(set) else { return Ok(false) };
        Ok(self.known(chain, set)?.is_some_and(|known| known.sha256 == now))
    }

    /// For an answer that cannot be given. What is damaged is made anew by whoever opens it next.
    pub(crate) fn error(&self, trouble: Trouble) -> Error {
        if matches!(trouble, Trouble::Damaged(_)) {
            remove(&self.folder);
        }
        into_error(trouble, &self.folder)
    }

    /// What is known of a set; `None` unless all of it is.
    pub(crate) fn known(&self, chain: i64, set: &BackupSet) -> Outcome<Option<KnownSet>> {
        let query = "SELECT sha256, members, entries FROM sets WHERE chain = ?1 AND at = ?2 AND since IS ?3";
        let mut statement = self.connection.prepare_cached(query)?;
        let key = params![chain, set.id.at.0, set.id.from.map(|from| from.0)];
        let row = |row: &rusqlite::Row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?));
        let Some((sha256, members, entries)) = statement.query_row(key, row).optional()? else {
            return Ok(None);
        };
        let members = postcard::from_bytes(&members).map_err(|_| Trouble::Damaged("a list of members"))?;
        Ok(Some(KnownSet { sha256, members, entries }))
    }

    /// Forgets sets that are no longer at the place, and what dead runs left. Only while nobody else writes backups.
    pub(crate) fn tidy(&mut self, repository: &Repository) -> Outcome<()> {
        let chains = &repository.collection.chains;
        let listed: std::collections::HashSet<(i64, i64)> = chains
            .iter()
            .flat_map(|chain| chain.sets.iter().map(|set| (chain.start().0, set.id.at.0)))
            .collect();
        let rows = |query: &str| -> Outcome<Vec<(i64, i64)>> {
            let mut statement = self.connection.prepare(query)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        let mut gone = rows("SELECT chain, at FROM begun")?;
        gone.extend(rows("SELECT chain, at FROM sets")?.into_iter().filter(|key| !listed.contains(key)));
        let transaction = self.connection.transaction()?;
        for (chain, at) in gone {
            ingest::forget(&transaction, chain, at)?;
        }
        transaction.commit()?;
        Ok(())
    }
}
