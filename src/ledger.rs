//! What became of the runs of each plan: `$XDG_STATE_HOME/hindsight/runs.sqlite`.
//!
//! A run going on holds a lock by its plan. A run that is found unlocked and without end was killed. Besides the runs it
//! has the moments at which one was due, with what became of each.

mod moments;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::folders;
pub use moments::{Moment, MomentState, Waiting};

/// In version 1 there were no moments.
const VERSION: i64 = 2;

/// No plan's id.
const BACKGROUND: &str = "background";

/// Whoever looks whether a run goes on holds its lock for a moment.
const LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(20);

/// Another process writes for moments only.
const PATIENCE: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        plan TEXT NOT NULL,
        began INTEGER NOT NULL,   -- seconds since 1970
        ended INTEGER,            -- NULL: going on, or killed
        outcome TEXT,             -- JSON; NULL while there is no end
        told INTEGER NOT NULL DEFAULT 0   -- somebody knows that it was killed
    );
    CREATE INDEX of_plan ON runs (plan, id);
";

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process, or another part of this one, backs up this plan now.
    #[error("this plan is being backed up already")]
    AlreadyRunning,
    /// Neither `XDG_STATE_HOME` nor the home folder is known.
    #[error("the home folder is not known")]
    NoHome,
    #[error("the history of runs: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{path:?}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

pub type Result<T> = std::result::Result<T, LedgerError>;

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    Completed {
        stored_bytes: u64,
        files: u64,
        problems: u64,
        unchanged: bool,
    },
    /// By somebody.
    Stopped,
    /// By the computer, for whatever reason: it goes on by itself.
    Paused,
    Failed {
        title: String,
        sentence: String,
    },
}

/// A run that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunRecord {
    /// Seconds since 1970.
    pub began: i64,
    pub ended: i64,
    pub outcome: RunOutcome,
}

/// What a schedule asks of the past. Times in seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct History {
    /// When the last run that completed began.
    pub last_success: Option<i64>,
    /// How many runs after it did not complete, those not counted that were only paused.
    pub failures: u32,
    /// When the last of those began.
    pub last_failure: Option<i64>,
}

pub struct Ledger {
    connection: Arc<Mutex<Connection>>,
    folder: PathBuf,
}

/// A run going on. Dropped without [`Run::finish`] it counts as killed.
pub struct Run {
    connection: Arc<Mutex<Connection>>,
    id: i64,
    _lock: Held,
}

/// A lock. It is let go expressly: a child process that is just being started has the file open as
/// well until it executes its program, and would keep the lock for that long.
pub struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Ledger {
    pub fn open_default() -> Result<Self> {
        Self::open(&folders::state().ok_or(LedgerError::NoHome)?.join("runs.sqlite"))
    }

    /// A file that is no ledger, or a damaged one, is made anew: it is history, and no backup depends on it.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| LedgerError::Io { path: folder.clone(), source })?;
        let connection = match connect(path) {
            Err(error) if is_damage(&error) => {
                for end in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(with_end(path, end));
                }
                connect(path)?
            }
            connected => connected?,
        };
        Ok(Self { connection: Arc::new(Mutex::new(connection)), folder })
    }

    /// Times in seconds since 1970.
    pub fn begin(&self, plan: &str, now: i64) -> Result<Run> {
        let lock = self.lock(plan)?.ok_or(LedgerError::AlreadyRunning)?;
        let connection = self.connection();
        connection.execute("INSERT INTO runs (plan, began) VALUES (?1, ?2)", params![plan, now])?;
        let id = connection.last_insert_rowid();
        Ok(Run { connection: Arc::clone(&self.connection), id, _lock: lock })
    }

    /// The last run that has ended, however.
    pub fn last(&self, plan: &str) -> Result<Option<RunRecord>> {
        self.newest(plan, "")
    }

    pub fn last_success(&self, plan: &str) -> Result<Option<RunRecord>> {
        self.newest(plan, "AND outcome ->> '$.completed' IS NOT NULL")
    }

    /// A run going on, in whatever process, is not past yet.
    pub fn history(&self, plan: &str) -> Result<History> {
        let going_on = self.is_running(plan)?;
        let query = "
            WITH success AS (SELECT max(id) AS id, began FROM runs
                             WHERE plan = ?1 AND outcome ->> '$.completed' IS NOT NULL)
            SELECT (SELECT began FROM success), count(*), max(began) FROM runs
            WHERE plan = ?1 AND id > coalesce((SELECT id FROM success), 0)
                AND (ended IS NOT NULL OR NOT ?2) AND outcome IS NOT '\"paused\"'";
        let history = |row: &rusqlite::Row| {
            Ok(History { last_success: row.get(0)?, failures: row.get(1)?, last_failure: row.get(2)? })
        };
        Ok(self.connection().query_row(query, params![plan, going_on], history)?)
    }

    /// When the last run began that was killed; told once.
    pub fn take_crash(&self, plan: &str) -> Result<Option<i64>> {
        // While the lock is ours, no run of this plan is going on.
        let Some(_lock) = self.try_lock(plan)? else { return Ok(None) };
        let connection = self.connection();
        let killed = "plan = ?1 AND ended IS NULL AND NOT told";
        let newest = format!("SELECT max(began) FROM runs WHERE {killed}");
        let began = connection.query_row(&newest, [plan], |row| row.get(0))?;
        connection.execute(&format!("UPDATE runs SET told = 1 WHERE {killed}"), [plan])?;
        Ok(began)
    }

    /// Whether a run is going on, in whatever process.
    pub fn is_running(&self, plan: &str) -> Result<bool> {
        Ok(self.try_lock(plan)?.is_none())
    }

    /// For the process that starts backups by themselves: `None` while another one lives.
    pub fn hold_background(&self) -> Result<Option<Held>> {
        self.lock(BACKGROUND)
    }

    pub fn has_background(&self) -> Result<bool> {
        Ok(self.try_lock(BACKGROUND)?.is_none())
    }

    /// For a plan that is deleted.
    pub fn forget(&self, plan: &str) -> Result<()> {
        let connection = self.connection();
        for table in ["runs", "moments", "snoozes"] {
            connection.execute(&format!("DELETE FROM {table} WHERE plan = ?1"), [plan])?;
        }
        Ok(())
    }

    fn newest(&self, plan: &str, condition: &str) -> Result<Option<RunRecord>> {
        let query = format!(
            "SELECT began, ended, outcome FROM runs \
             WHERE plan = ?1 AND ended IS NOT NULL {condition} ORDER BY id DESC LIMIT 1"
        );
        let row = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?));
        let found = self.connection().query_row(&query, [plan], row).optional()?;
        // An outcome that this version cannot read is no outcome.
        Ok(found.and_then(|(began, ended, outcome)| {
            Some(RunRecord { began, ended, outcome: serde_json::from_str(&outcome).ok()? })
        }))
    }

    /// The same as [`Ledger::try_lock`], but not refused by who only looks.
    fn lock(&self, plan: &str) -> Result<Option<Held>> {
        for _ in 1..LOOKS {
            if let Some(lock) = self.try_lock(plan)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(LOOK);
        }
        self.try_lock(plan)
    }

    /// `None` while a run of this plan holds it.
    fn try_lock(&self, plan: &str) -> Result<Option<Held>> {
        let path = self.folder.join(format!("{plan}.lock"));
        let fail = |source| LedgerError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(&path).map_err(fail)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Held(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(fail(error.into())),
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    pub fn finish(self, outcome: &RunOutcome, now: i64) -> Result<()> {
        self.record(outcome, now)
    }

    /// The run is over, and yet no other may begin before this is dropped.
    pub fn record(&self, outcome: &RunOutcome, now: i64) -> Result<()> {
        let outcome = serde_json::to_string(outcome).map_err(not_json)?;
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let update = "UPDATE runs SET ended = ?2, outcome = ?3 WHERE id = ?1";
        connection.execute(update, params![self.id, now, outcome])?;
        Ok(())
    }
}

fn not_json(error: serde_json::Error) -> LedgerError {
    LedgerError::Sqlite(rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version < 1 {
        transaction.execute_batch(SCHEMA)?;
    }
    if version < VERSION {
        transaction.execute_batch(moments::SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(connection)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const COMPLETED: RunOutcome =
        RunOutcome::Completed { stored_bytes: 5, files: 4, problems: 3, unchanged: false };

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("state/runs.sqlite")).unwrap();
        (folder, ledger)
    }

    #[test]
    fn the_last_run_and_the_last_success_of_a_plan_are_remembered() {
        let (folder, ledger) = ledger();
        assert_eq!(ledger.last("a").unwrap(), None);
        ledger.begin("a", 10).unwrap().finish(&COMPLETED, 20).unwrap();
        let failed = RunOutcome::Failed { title: "Place full".into(), sentence: "It is full.".into() };
        ledger.begin("a", 30).unwrap().finish(&failed, 40).unwrap();
        ledger.begin("b", 50).unwrap().finish(&RunOutcome::Stopped, 60).unwrap();
        drop(ledger);
        let ledger = Ledger::open(&folder.path().join("state/runs.sqlite")).unwrap();
        let last = RunRecord { began: 30, ended: 40, outcome: failed };
        assert_eq!(ledger.last("a").unwrap(), Some(last));
        let success = RunRecord { began: 10, ended: 20, outcome: COMPLETED };
        assert_eq!(ledger.last_success("a").unwrap(), Some(success));
        assert_eq!(ledger.last_success("b").unwrap(), None);
        ledger.forget("a").unwrap();
        assert_eq!(ledger.last("a").unwrap(), None);
    }

    #[test]
    fn a_plan_runs_once_at_a_time_and_others_beside_it() {
        let (folder, ledger) = ledger();
        let other = Ledger::open(&folder.path().join("state/runs.sqlite")).unwrap();
        let run = ledger.begin("a", 10).unwrap();
        assert!(matches!(other.begin("a", 11), Err(LedgerError::AlreadyRunning)));
        assert!(other.is_running("a").unwrap() && !other.is_running("b").unwrap());
        other.begin("b", 12).unwrap();
        // A run going on is neither an end nor a crash.
        assert_eq!((other.last("a").unwrap(), other.take_crash("a").unwrap()), (None, None));
        run.finish(&RunOutcome::Stopped, 13).unwrap();
        other.begin("a", 14).unwrap();
    }

    #[test]
    fn a_run_that_was_killed_is_told_once() {
        let (_folder, ledger) = ledger();
        assert_eq!(ledger.take_crash("a").unwrap(), None);
        drop(ledger.begin("a", 10).unwrap());
        drop(ledger.begin("a", 20).unwrap());
        // A later run does not hide it.
        ledger.begin("a", 30).unwrap().finish(&COMPLETED, 40).unwrap();
        assert_eq!(ledger.take_crash("b").unwrap(), None);
        assert_eq!(ledger.take_crash("a").unwrap(), Some(20));
        assert_eq!(ledger.take_crash("a").unwrap(), None);
    }

    #[test]
    fn the_past_of_a_plan_is_its_last_success_and_what_failed_since() {
        let (_folder, ledger) = ledger();
        assert_eq!(ledger.history("a").unwrap(), History::default());
        let failed = RunOutcome::Failed { title: "Place full".into(), sentence: "It is full.".into() };
        ledger.begin("a", 10).unwrap().finish(&failed, 11).unwrap();
        ledger.begin("a", 20).unwrap().finish(&COMPLETED, 21).unwrap();
        let history = History { last_success: Some(20), failures: 0, last_failure: None };
        assert_eq!(ledger.history("a").unwrap(), history);
        ledger.begin("a", 30).unwrap().finish(&RunOutcome::Stopped, 31).unwrap();
        ledger.begin("b", 35).unwrap().finish(&COMPLETED, 36).unwrap();
        // Killed.
        drop(ledger.begin("a", 40).unwrap());
        let history = History { last_success: Some(20), failures: 2, last_failure: Some(40) };
        assert_eq!(ledger.history("a").unwrap(), history);
        ledger.begin("a", 45).unwrap().finish(&RunOutcome::Paused, 46).unwrap();
        assert_eq!(ledger.history("a").unwrap(), history, "what goes on by itself has not failed");
        let run = ledger.begin("a", 50).unwrap();
        assert_eq!(ledger.history("a").unwrap().failures, 1, "what was killed is unknown while another runs");
        run.finish(&COMPLETED, 51).unwrap();
        let history = History { last_success: Some(50), failures: 0, last_failure: None };
        assert_eq!(ledger.history("a").unwrap(), history);
    }

    #[test]
    fn a_ledger_of_the_first_version_keeps_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        let first = Connection::open(&path).unwrap();
        first.execute_batch(SCHEMA).unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        first.execute("INSERT INTO runs (plan, began) VALUES ('a', 7)", []).unwrap();
        drop(first);
        let ledger = Ledger::open(&path).unwrap();
        ledger.note("a", 7, &MomentState::Done, 8).unwrap();
        assert_eq!(ledger.take_crash("a").unwrap(), Some(7));
    }

    #[test]
    fn a_damaged_ledger_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        std::fs::write(&path, "this is no database, however long it may be".repeat(100)).unwrap();
        let ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.last("a").unwrap(), None);
        ledger.begin("a", 10).unwrap().finish(&COMPLETED, 20).unwrap();
        assert!(ledger.last("a").unwrap().is_some());
    }
}
