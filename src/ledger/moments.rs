//! What became of each moment at which a backup was due, and why nothing did yet.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, Result};

pub(super) const SCHEMA: &str = "
    CREATE TABLE moments (
        plan TEXT NOT NULL,
        due INTEGER NOT NULL,     -- seconds since 1970
        at INTEGER NOT NULL,      -- since when it is so
        state TEXT NOT NULL       -- JSON
    );
    CREATE INDEX moments_of_plan ON moments (plan, due);
    CREATE TABLE snoozes (plan TEXT PRIMARY KEY, until TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// States of one plan that are kept: of an hourly one some weeks.
const KEPT: i64 = 2000;

/// One thing that a backup waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// For programs.
    pub condition: String,
    /// Seconds since 1970.
    pub since: i64,
    /// For people.
    pub sentence: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum MomentState {
    Waiting {
        waits: Vec<Waiting>,
    },
    Running,
    /// It goes on when that is over.
    Interrupted {
        by: Waiting,
    },
    /// It is tried again.
    Failed {
        sentence: String,
    },
    Done,
    /// The schedule was changed.
    Dropped,
}

impl MomentState {
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Done | Self::Dropped)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Seconds since 1970.
    pub due: i64,
    /// Since when it is so.
    pub at: i64,
    pub state: MomentState,
}

impl Ledger {
    /// What is the case already is not noted again. Times in seconds since 1970.
    pub fn note(&self, plan: &str, due: i64, state: &MomentState, now: i64) -> Result<()> {
        if self.moment(plan, due)?.is_some_and(|last| last.state == *state) {
            return Ok(());
        }
        let json = serde_json::to_string(state).map_err(super::not_json)?;
        let connection = self.connection();
        connection.execute(
            "INSERT INTO moments (plan, due, at, state) VALUES (?1, ?2, ?3, ?4)",
            params![plan, due, now, json],
        )?;
        connection.execute(
            "DELETE FROM moments WHERE plan = ?1 AND rowid <= \
             (SELECT rowid FROM moments WHERE plan = ?1 ORDER BY rowid DESC LIMIT 1 OFFSET ?2)",
            params![plan, KEPT],
        )?;
        Ok(())
    }

    /// The state of today of each moment, newest first.
    pub fn moments(&self, plan: &str, limit: usize) -> Result<Vec<Moment>> {
        let query = "SELECT due, at, state FROM moments \
                     WHERE rowid IN (SELECT max(rowid) FROM moments WHERE plan = ?1 GROUP BY due) \
                     ORDER BY due DESC LIMIT ?2";
        let connection = self.connection();
        let mut statement = connection.prepare_cached(query)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![plan, limit], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(rows.into_iter().filter_map(moment).collect())
    }

    fn moment(&self, plan: &str, due: i64) -> Result<Option<Moment>> {
        let query = "SELECT due, at, state FROM moments WHERE plan = ?1 AND due = ?2 \
                     ORDER BY rowid DESC LIMIT 1";
        let found = self.connection().query_row(query, params![plan, due], row).optional()?;
        Ok(found.and_then(moment))
    }

    /// In the words of whoever put the plan off.
    pub fn snooze(&self, plan: &str) -> Result<Option<String>> {
        let query = "SELECT until FROM snoozes WHERE plan = ?1";
        Ok(self.connection().query_row(query, [plan], |row| row.get(0)).optional()?)
    }

    pub fn set_snooze(&self, plan: &str, until: Option<&str>) -> Result<()> {
        let connection = self.connection();
        match until {
            Some(until) => {
                connection.execute("INSERT OR REPLACE INTO snoozes VALUES (?1, ?2)", params![plan, until])?
            }
            None => connection.execute("DELETE FROM snoozes WHERE plan = ?1", [plan])?,
        };
        Ok(())
    }

    /// What was found out about the session, in the words of whoever did.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        let query = "SELECT value FROM facts WHERE name = ?1";
        Ok(self.connection().query_row(query, [name], |row| row.get(0)).optional()?)
    }

    pub fn set_fact(&self, name: &str, value: &str) -> Result<()> {
        self.connection().execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", params![name, value])?;
        Ok(())
    }
}

fn row(row: &rusqlite::Row) -> rusqlite::Result<(i64, i64, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// What this version cannot read is nothing.
fn moment((due, at, state): (i64, i64, String)) -> Option<Moment> {
    Some(Moment { due, at, state: serde_json::from_str(&state).ok()? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn waiting(condition: &str) -> MomentState {
        let wait = Waiting { condition: condition.into(), since: 1, sentence: "It waits.".into() };
        MomentState::Waiting { waits: vec![wait] }
    }

    #[test]
    fn each_moment_has_its_last_state_and_what_is_so_already_keeps_its_date() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("runs.sqlite")).unwrap();
        ledger.note("a", 100, &waiting("mains"), 101).unwrap();
        ledger.note("a", 100, &waiting("mains"), 102).unwrap();
        let at = |due, at, state| Moment { due, at, state };
        assert_eq!(ledger.moments("a", 9).unwrap(), [at(100, 101, waiting("mains"))]);
        ledger.note("a", 100, &MomentState::Running, 103).unwrap();
        ledger.note("a", 100, &MomentState::Done, 104).unwrap();
        ledger.note("a", 200, &waiting("place"), 200).unwrap();
        ledger.note("b", 300, &MomentState::Dropped, 300).unwrap();
        let (newer, older) = (at(200, 200, waiting("place")), at(100, 104, MomentState::Done));
        assert_eq!(ledger.moments("a", 9).unwrap(), [newer.clone(), older]);
        assert_eq!(ledger.moments("a", 1).unwrap(), [newer]);
        ledger.forget("a").unwrap();
        assert_eq!(ledger.moments("a", 9).unwrap(), []);
        assert_eq!(ledger.moments("b", 9).unwrap().len(), 1);
    }

    #[test]
    fn only_so_many_states_of_a_plan_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("runs.sqlite")).unwrap();
        ledger.connection().execute_batch("PRAGMA synchronous = OFF").unwrap();
        ledger.note("b", 1, &MomentState::Done, 1).unwrap();
        for due in 0..KEPT + 5 {
            ledger.note("a", due, &MomentState::Done, due).unwrap();
        }
        let kept = ledger.moments("a", usize::MAX).unwrap();
        assert_eq!((kept.len() as i64, kept.last().unwrap().due), (KEPT, 5));
        assert_eq!(ledger.moments("b", 9).unwrap().len(), 1);
    }

    #[test]
    fn a_plan_is_put_off_until_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("runs.sqlite")).unwrap();
        assert_eq!(ledger.snooze("a").unwrap(), None);
        ledger.set_snooze("a", Some("1")).unwrap();
        ledger.set_snooze("a", Some("2")).unwrap();
        assert_eq!(ledger.snooze("a").unwrap().as_deref(), Some("2"));
        assert_eq!(ledger.snooze("b").unwrap(), None);
        ledger.set_snooze("a", None).unwrap();
        assert_eq!(ledger.snooze("a").unwrap(), None);
    }
}
