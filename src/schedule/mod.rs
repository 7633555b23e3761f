//! When a plan is due. Pure: the past, the time and the time zone are arguments.
//!
//! A rhythm cuts time into periods, from one planned moment to the next. A plan is due when none of its successful
//! runs began since the newest planned moment, so what was missed while the computer was off is made good at once and
//! only once. After a run that failed it waits longer each time, but never longer than a day.

pub mod conditions;
mod next;
mod planned;
#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{NaiveTime, TimeZone, Weekday};
use serde::{Deserialize, Serialize};

use crate::ledger::History;
pub use next::{Next, Snooze, Urgency, jitter, next, urgency};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A success so shortly before a planned moment counts for it: what was made good late is not done again at once.
const GRACE: i64 = 2 * HOUR;

/// How long after a try that failed the next one may begin: the first, the second, the third; then every day.
const RETRIES: [i64; 3] = [10 * MINUTE, HOUR, 4 * HOUR];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frequency {
    Hourly,
    Daily,
    Weekly,
    Monthly,
}

impl Frequency {
    pub const ALL: [Self; 4] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly];
}

/// When backups are wanted. What a frequency has no use for is kept for when it is chosen again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub enabled: bool,
    pub frequency: Frequency,
    /// As the clock on the wall shows it; not for [`Frequency::Hourly`].
    #[serde(default = "afternoon")]
    pub at: NaiveTime,
    /// Of [`Frequency::Weekly`].
    #[serde(default = "friday")]
    pub weekday: Weekday,
    /// Of [`Frequency::Monthly`]: from 1; in a shorter month its last day.
    #[serde(default = "first")]
    pub day: u32,
}

impl Schedule {
    pub fn new(frequency: Frequency) -> Self {
        Self { enabled: true, frequency, at: afternoon(), weekday: friday(), day: first() }
    }
}

/// For the command line.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enabled, frequency, at, weekday, day } = self;
        let at = at.format("%H:%M");
        match frequency {
            _ if !enabled => f.write_str("switched off"),
            Frequency::Hourly => f.write_str("hourly"),
            Frequency::Daily => write!(f, "daily at {at}"),
            Frequency::Weekly => write!(f, "weekly on {weekday} at {at}"),
            Frequency::Monthly => write!(f, "monthly on day {day} at {at}"),
        }
    }
}

/// Most computers are on then, and the day's work is nearly done.
fn afternoon() -> NaiveTime {
    NaiveTime::MIN + chrono::TimeDelta::hours(16)
}

fn friday() -> Weekday {
    Weekday::Fri
}

fn first() -> u32 {
    1
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Now,
    /// Seconds since 1970.
    At(i64),
    /// Only when somebody wants it.
    Never,
}

/// `now` in seconds since 1970; `zone` is where the computer is.
pub fn due(schedule: &Schedule, history: &History, zone: &impl TimeZone, now: i64) -> Due {
    if !schedule.enabled {
        return Due::Never;
    }
    match moment(schedule, history, zone, now) {
        Some(next) if next > now => Due::At(next),
        _ => Due::Now,
    }
}

/// Since when, or from when on, the plan is due. `None`: always was.
fn moment(schedule: &Schedule, history: &History, zone: &impl TimeZone, now: i64) -> Option<i64> {
    let retry = past(history.last_failure, now).map(|last| last.saturating_add(wait(history.failures)));
    planned_since(schedule, history, zone, now).max(retry)
}

/// The same without the waits after failures: the moment that the rhythm asks for, in seconds since 1970. `None`: there
/// is no success to go by.
pub fn planned_since(schedule: &Schedule, history: &History, zone: &impl TimeZone, now: i64) -> Option<i64> {
    past(history.last_success, now).and_then(|last| planned_after(schedule, last, zone))
}

/// Whether a success that began at `last` is one for the moment `due`, both in seconds since 1970.
pub fn counts_for(last: i64, due: i64) -> bool {
    last.saturating_add(GRACE) >= due
}

/// What lies in the future was dated by a wrong clock and says nothing.
fn past(time: Option<i64>, now: i64) -> Option<i64> {
    time.filter(|time| *time <= now)
}

/// The planned moment that a success at `last` does not count for.
fn planned_after(schedule: &Schedule, last: i64, zone: &impl TimeZone) -> Option<i64> {
    match schedule.frequency {
        Frequency::Hourly => last.checked_add(HOUR),
        _ => planned::after(schedule, last.checked_add(GRACE)?, zone),
    }
}

fn wait(failures: u32) -> i64 {
    let nth = (failures as usize).saturating_sub(1);
    RETRIES.get(nth).copied().unwrap_or(DAY)
}
