//! What to do about a plan now. Pure, as all of this module.

#[cfg(test)]
mod tests;

use chrono::TimeZone;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::{DAY, Frequency, MINUTE, Schedule, moment, planned_since};
use crate::ledger::History;

/// Computers that save to one place on the internet at the same hour do not all begin at once.
const JITTER: i64 = 10 * MINUTE;

/// For how long, or until when, a backup is put off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Snooze {
    /// Seconds since 1970.
    Until(i64),
    Mains,
    /// A network that costs nothing.
    Unmetered,
    /// The drive is there again.
    Place,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Nobody wants it by itself: the schedule is off, or nobody has made the first backup yet.
    Never,
    /// Seconds since 1970.
    WaitUntil(i64),
    /// Due, and these are in the way.
    WaitFor(Vec<Condition>),
    Start,
}

/// `jitter`: see [`jitter`]; 0 where nobody else saves to the place. `now` in seconds since 1970.
pub fn next(
    schedule: &Schedule,
    history: &History,
    jitter: i64,
    conditions: &[Condition],
    zone: &impl TimeZone,
    now: i64,
) -> Next {
    // The first backup is begun by somebody, who sees how it goes.
    if !schedule.enabled || history.last_success.is_none() {
        return Next::Never;
    }
    if let Some(start) = moment(schedule, history, zone, now).map(|moment| moment + jitter)
        && start > now
    {
        return Next::WaitUntil(start);
    }
    let waits: Vec<_> = conditions.iter().filter(|condition| condition.holds_up()).cloned().collect();
    if waits.is_empty() { Next::Start } else { Next::WaitFor(waits) }
}

/// Always the same for one plan, in seconds. `id`: of the plan, hexadecimal.
pub fn jitter(id: &str) -> i64 {
    let digits = id.get(..8).unwrap_or_default();
    i64::from(u32::from_str_radix(digits, 16).unwrap_or(0)) % JITTER
}

/// How loudly to tell that a backup is late.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Urgency {
    /// Not due, or only just.
    Quiet,
    /// A notice, which the desktop takes away by itself.
    Notice,
    /// A warning that stays until somebody has seen it.
    Warning,
}

/// By how far the last success lies behind what the rhythm asks for.
pub fn urgency(schedule: &Schedule, history: &History, zone: &impl TimeZone, now: i64) -> Urgency {
    let period = match schedule.frequency {
        Frequency::Hourly | Frequency::Daily => DAY,
        Frequency::Weekly => 7 * DAY,
        Frequency::Monthly => 31 * DAY,
    };
    let Some(planned) = planned_since(schedule, history, zone, now) else { return Urgency::Quiet };
    match now - planned {
        late if late >= period.max(3 * DAY) => Urgency::Warning,
        late if late >= (period / 4).max(DAY) => Urgency::Notice,
        _ => Urgency::Quiet,
    }
}
