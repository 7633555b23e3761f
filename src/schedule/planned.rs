//! The moments of a schedule, by the calendar and the clock on the wall.

use chrono::{Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};

use super::{Frequency, Schedule};

/// The first planned moment after `time`, both in seconds since 1970. `None`: beyond what the calendar can say.
pub(super) fn after(schedule: &Schedule, time: i64, zone: &impl TimeZone) -> Option<i64> {
    let day = zone.timestamp_opt(time, 0).single()?.date_naive();
    // A moment that a zone skips comes later, maybe on the next day: that of the day before may be still to come.
    let mut day = day.pred_opt()?;
    loop {
        if is_planned(schedule, day)
            && let Some(moment) = moment(day.and_time(schedule.at), zone)
            && moment > time
        {
            return Some(moment);
        }
        day = day.checked_add_days(Days::new(1))?;
    }
}

fn is_planned(schedule: &Schedule, day: NaiveDate) -> bool {
    match schedule.frequency {
        Frequency::Hourly | Frequency::Daily => true,
        Frequency::Weekly => day.weekday() == schedule.weekday,
        Frequency::Monthly => day.day() == schedule.day.clamp(1, u32::from(day.num_days_in_month())),
    }
}

/// When clocks show `local` for the first time, or, where they skip it, the first moment after the gap.
fn moment(local: NaiveDateTime, zone: &impl TimeZone) -> Option<i64> {
    // The longest gap is a day: Samoa had no 30 December 2011.
    (0..=24 * 60).find_map(|minutes| {
        match zone.from_local_datetime(&local.checked_add_signed(TimeDelta::minutes(minutes))?) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.timestamp()),
            LocalResult::None => None,
        }
    })
}
