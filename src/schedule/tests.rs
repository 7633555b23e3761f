#![allow(clippy::unwrap_used)]

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

/// zone | schedule | last success | failures since, and the last of them | now | what is expected. All times are
/// local; those of an hour that clocks show twice are of its first turn, or with `*` of its second.
const CASES: &str = "
    Every period has its moment, and nothing is due before it.
    UTC | daily 16:00 | 2026-05-30 16:00 | - | 2026-05-30 16:00 | 2026-05-31 16:00
    UTC | daily 16:00 | 2026-05-30 16:00 | - | 2026-05-31 15:59 | 2026-05-31 16:00
    UTC | daily 16:00 | 2026-05-30 16:00 | - | 2026-05-31 16:00 | now
    UTC | daily 00:00 | 2026-05-30 00:00 | - | 2026-05-30 00:01 | 2026-05-31 00:00
    UTC | daily 23:59 | 2026-05-30 23:59 | - | 2026-05-31 00:01 | 2026-05-31 23:59
    UTC | daily 16:00 | 2026-12-31 16:00 | - | 2026-12-31 17:00 | 2027-01-01 16:00
    UTC | hourly | 2026-05-31 10:20 | - | 2026-05-31 10:21 | 2026-05-31 11:20
    UTC | hourly | 2026-05-31 10:20 | - | 2026-05-31 11:20 | now
    UTC | weekly Fri 16:00 | 2026-05-29 16:00 | - | 2026-05-30 09:00 | 2026-06-05 16:00
    UTC | weekly Fri 16:00 | 2026-05-29 16:00 | - | 2026-06-05 15:59 | 2026-06-05 16:00
    UTC | weekly Fri 16:00 | 2026-05-29 16:00 | - | 2026-06-05 16:00 | now
    UTC | weekly Mon 08:30 | 2026-12-28 08:30 | - | 2026-12-29 09:00 | 2027-01-04 08:30
    UTC | monthly 1 16:00 | 2026-05-01 16:00 | - | 2026-05-20 12:00 | 2026-06-01 16:00
    UTC | monthly 15 16:00 | 2026-12-15 16:00 | - | 2026-12-20 12:00 | 2027-01-15 16:00
    A month without the day has its last one.
    UTC | monthly 31 16:00 | 2026-01-31 16:00 | - | 2026-02-01 12:00 | 2026-02-28 16:00
    UTC | monthly 31 16:00 | 2028-01-31 16:00 | - | 2028-02-01 12:00 | 2028-02-29 16:00
    UTC | monthly 31 16:00 | 2026-03-31 16:00 | - | 2026-04-01 12:00 | 2026-04-30 16:00
    UTC | monthly 30 16:00 | 2026-02-28 16:00 | - | 2026-03-01 12:00 | 2026-03-30 16:00
    UTC | monthly 29 16:00 | 2027-01-29 16:00 | - | 2027-02-01 12:00 | 2027-02-28 16:00
    What never succeeded is due, unless it has just failed.
    UTC | daily 16:00 | - | - | 2026-05-31 09:00 | now
    UTC | monthly 1 16:00 | - | - | 2026-05-31 09:00 | now
    UTC | daily 16:00 | - | 1 2026-05-31 09:00 | 2026-05-31 09:05 | 2026-05-31 09:10
    What was missed is made good at once.
    UTC | daily 16:00 | 2026-05-20 16:00 | - | 2026-05-31 09:00 | now
    UTC | weekly Fri 16:00 | 2026-05-01 16:00 | - | 2026-05-31 09:00 | now
    UTC | monthly 1 16:00 | 2025-12-01 16:00 | - | 2026-05-31 09:00 | now
    UTC | hourly | 2026-05-31 10:20 | - | 2026-06-07 08:00 | now
    What was made good late counts for its period, not for the next.
    UTC | daily 16:00 | 2026-05-31 09:00 | - | 2026-05-31 10:00 | 2026-05-31 16:00
    UTC | daily 16:00 | 2026-05-31 13:59 | - | 2026-05-31 14:30 | 2026-05-31 16:00
    UTC | weekly Fri 16:00 | 2026-05-31 09:00 | - | 2026-05-31 10:00 | 2026-06-05 16:00
    UTC | monthly 1 16:00 | 2026-05-31 09:00 | - | 2026-05-31 10:00 | 2026-06-01 16:00
    Shortly before a moment it counts for that too.
    UTC | daily 16:00 | 2026-05-31 14:00 | - | 2026-05-31 15:00 | 2026-06-01 16:00
    UTC | daily 16:00 | 2026-05-31 15:59 | - | 2026-05-31 16:00 | 2026-06-01 16:00
    UTC | weekly Fri 16:00 | 2026-06-05 15:00 | - | 2026-06-05 16:00 | 2026-06-12 16:00
    UTC | monthly 1 16:00 | 2026-06-01 15:00 | - | 2026-06-01 16:00 | 2026-07-01 16:00
    UTC | daily 00:30 | 2026-05-30 23:30 | - | 2026-05-31 00:30 | 2026-06-01 00:30
    After each failure the wait is longer, up to a day.
    UTC | daily 16:00 | 2026-05-30 16:00 | 1 2026-05-31 16:00 | 2026-05-31 16:09 | 2026-05-31 16:10
    UTC | daily 16:00 | 2026-05-30 16:00 | 1 2026-05-31 16:00 | 2026-05-31 16:10 | now
    UTC | daily 16:00 | 2026-05-30 16:00 | 2 2026-05-31 16:10 | 2026-05-31 16:11 | 2026-05-31 17:10
    UTC | daily 16:00 | 2026-05-30 16:00 | 3 2026-05-31 17:10 | 2026-05-31 17:11 | 2026-05-31 21:10
    UTC | daily 16:00 | 2026-05-30 16:00 | 4 2026-05-31 21:10 | 2026-05-31 21:11 | 2026-06-01 21:10
    UTC | daily 16:00 | 2026-05-30 16:00 | 99 2026-06-20 21:10 | 2026-06-20 21:11 | 2026-06-21 21:10
    UTC | weekly Fri 16:00 | 2026-05-01 16:00 | 9 2026-05-30 16:00 | 2026-05-31 15:00 | 2026-05-31 16:00
    UTC | hourly | 2026-05-31 10:20 | 1 2026-05-31 11:20 | 2026-05-31 11:21 | 2026-05-31 11:30
    UTC | hourly | 2026-05-31 10:20 | 2 2026-05-31 11:30 | 2026-05-31 12:20 | 2026-05-31 12:30
    A failure of a run that was wanted early puts off nothing.
    UTC | daily 16:00 | 2026-05-30 16:00 | 1 2026-05-31 09:00 | 2026-05-31 09:01 | 2026-05-31 16:00
    UTC | weekly Fri 16:00 | 2026-05-29 16:00 | 1 2026-05-30 16:00 | 2026-05-30 17:00 | 2026-06-05 16:00
    After absence a failure of long ago holds nothing up.
    UTC | daily 16:00 | 2026-05-01 16:00 | 5 2026-05-10 16:00 | 2026-05-31 09:00 | now
    Clocks that show another hour show the same time of day.
    Europe/Berlin | daily 16:00 | 2026-03-28 16:00 | - | 2026-03-28 17:00 | 2026-03-29 16:00
    Europe/Berlin | daily 16:00 | 2026-10-24 16:00 | - | 2026-10-24 17:00 | 2026-10-25 16:00
    America/New_York | weekly Sun 08:00 | 2026-03-01 08:00 | - | 2026-03-02 08:00 | 2026-03-08 08:00
    America/New_York | weekly Sun 08:00 | 2026-10-25 08:00 | - | 2026-10-26 08:00 | 2026-11-01 08:00
    Europe/Berlin | monthly 1 16:00 | 2026-03-01 16:00 | - | 2026-03-29 04:00 | 2026-04-01 16:00
    Asia/Kolkata | daily 16:00 | 2026-05-30 16:00 | - | 2026-05-30 17:00 | 2026-05-31 16:00
    Pacific/Chatham | daily 16:00 | 2026-04-04 16:00 | - | 2026-04-04 17:00 | 2026-04-05 16:00
    A time of day that clocks skip is the end of the gap.
    Europe/Berlin | daily 02:30 | 2026-03-28 02:30 | - | 2026-03-28 09:00 | 2026-03-29 03:00
    Europe/Berlin | daily 02:30 | 2026-03-29 03:00 | - | 2026-03-29 09:00 | 2026-03-30 02:30
    Europe/Berlin | daily 02:00 | 2026-03-28 02:00 | - | 2026-03-28 09:00 | 2026-03-29 03:00
    America/New_York | weekly Sun 02:30 | 2026-03-01 02:30 | - | 2026-03-02 09:00 | 2026-03-08 03:00
    Australia/Lord_Howe | daily 02:15 | 2026-10-03 02:15 | - | 2026-10-03 09:00 | 2026-10-04 02:30
    America/Santiago | daily 00:00 | 2026-09-05 00:00 | - | 2026-09-05 09:00 | 2026-09-06 01:00
    A day that a zone skips is made good at the next one's first moment.
    Pacific/Apia | daily 16:00 | 2011-12-29 16:00 | - | 2011-12-29 17:00 | 2011-12-31 00:00
    Pacific/Apia | weekly Fri 16:00 | 2011-12-23 16:00 | - | 2011-12-29 17:00 | 2011-12-31 00:00
    A time of day that clocks show twice is its first turn, once.
    Europe/Berlin | daily 02:30 | 2026-10-24 02:30 | - | 2026-10-24 09:00 | 2026-10-25 02:30
    Europe/Berlin | daily 02:30 | 2026-10-25 02:30 | - | 2026-10-25 02:30* | 2026-10-26 02:30
    Europe/Berlin | daily 02:30 | 2026-10-25 02:30* | - | 2026-10-25 09:00 | 2026-10-26 02:30
    Europe/Berlin | hourly | 2026-10-25 02:30 | - | 2026-10-25 02:40 | 2026-10-25 02:30*
    Europe/Berlin | hourly | 2026-03-29 01:30 | - | 2026-03-29 01:40 | 2026-03-29 03:30
    What lies in the future was dated by a wrong clock.
    UTC | daily 16:00 | 2033-05-18 03:33 | - | 2026-05-31 09:00 | now
    UTC | daily 16:00 | 2026-05-30 16:00 | 4 2033-05-18 03:33 | 2026-05-31 16:00 | now
    UTC | daily 16:00 | 2026-05-30 16:00 | 4 2033-05-18 03:33 | 2026-05-31 15:00 | 2026-05-31 16:00
    UTC | hourly | 2026-05-31 10:20 | - | 2026-05-31 10:19 | now
    What the clock cannot have shown is no reason to wait.
    UTC | daily 16:00 | 1970-01-01 00:00 | - | 2026-05-31 09:00 | now
";

fn schedule(text: &str) -> Schedule {
    let words: Vec<_> = text.split(' ').collect();
    let at = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
    match words[..] {
        ["hourly"] => Schedule::new(Frequency::Hourly),
        ["daily", time] => Schedule { at: at(time), ..Schedule::new(Frequency::Daily) },
        ["weekly", day, time] => {
            Schedule { at: at(time), weekday: day.parse().unwrap(), ..Schedule::new(Frequency::Weekly) }
        }
        ["monthly", day, time] => {
            Schedule { at: at(time), day: day.parse().unwrap(), ..Schedule::new(Frequency::Monthly) }
        }
        _ => panic!("{text}"),
    }
}

fn time(text: &str, zone: Tz) -> i64 {
    let (text, second) = text.strip_suffix('*').map_or((text, false), |text| (text, true));
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    let found = zone.from_local_datetime(&local);
    let found = if second { found.latest() } else { found.earliest() };
    found.unwrap_or_else(|| panic!("{text} is no time in {zone}")).timestamp()
}

#[test]
fn plans_are_due_as_the_table_says() {
    let mut cases = 0;
    for line in CASES.lines().filter(|line| line.contains('|')) {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let [zone, rhythm, success, failures, now, expected] = columns[..] else { panic!("{line}") };
        let zone: Tz = zone.parse().unwrap();
        let known = |text: &str| (text != "-").then(|| time(text, zone));
        let (count, last_failure) = match failures.split_once(' ') {
            Some((count, last)) => (count.parse().unwrap(), known(last)),
            None => (0, None),
        };
        let history = History { last_success: known(success), failures: count, last_failure };
        let expected = match expected {
            "now" => Due::Now,
            at => Due::At(time(at, zone)),
        };
        assert_eq!(due(&schedule(rhythm), &history, &zone, time(now, zone)), expected, "{line}");
        cases += 1;
    }
    assert!(cases >= 60, "{cases}");
}

#[test]
fn a_plan_that_is_switched_off_is_never_due() {
    let off = Schedule { enabled: false, ..Schedule::new(Frequency::Hourly) };
    assert_eq!(due(&off, &History::default(), &Tz::UTC, 0), Due::Never);
}

#[test]
fn dates_beyond_the_calendar_are_no_reason_to_wait() {
    for last in [i64::MIN, i64::MAX] {
        let history = History { last_success: Some(last), ..History::default() };
        assert_eq!(due(&Schedule::new(Frequency::Daily), &history, &Tz::UTC, i64::MAX), Due::Now);
    }
}

/// The number of the period in which `now` lies, by another way than the module's: shift midnight to the planned time
/// of day, and count days, weeks or months.
fn period(schedule: &Schedule, zone: Tz, now: i64) -> i64 {
    let local = zone.timestamp_opt(now, 0).unwrap().naive_local();
    let day = (local - (schedule.at - NaiveTime::MIN)).date();
    match schedule.frequency {
        Frequency::Hourly => now,
        Frequency::Daily => day.num_days_from_ce().into(),
        Frequency::Weekly => {
            let into = schedule.weekday.num_days_from_monday();
            (i64::from(day.num_days_from_ce()) - 1 - i64::from(into)).div_euclid(7)
        }
        Frequency::Monthly => {
            let month = i64::from(day.year()) * 12 + i64::from(day.month0());
            let last = (NaiveDate::from_ymd_opt(day.year(), day.month(), 1).unwrap()
                + chrono::Months::new(1)
                - Days::new(1))
            .day();
            if day.day() >= schedule.day.min(last) { month } else { month - 1 }
        }
    }
}

fn longest_period(frequency: Frequency) -> i64 {
    match frequency {
        Frequency::Hourly => HOUR,
        Frequency::Daily => DAY,
        Frequency::Weekly => 7 * DAY,
        Frequency::Monthly => 31 * DAY,
    }
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let frequency = prop::sample::select(&Frequency::ALL[..]);
    // Outside the hours that clocks skip or show twice: there the table says what is right.
    (frequency, 4u32..24, 0u32..60, 0u8..7, 1u32..32).prop_map(|(frequency, hour, minute, weekday, day)| {
        let at = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        let weekday = Weekday::try_from(weekday).unwrap();
        Schedule { enabled: true, frequency, at, weekday, day }
    })
}

const ZONES: [Tz; 5] =
    [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Asia__Kolkata, Tz::Australia__Sydney];

proptest! {
    #[test]
    fn never_two_runs_in_one_period_and_never_silent_for_longer_than_one_and_a_day(
        schedule in schedules(),
        zone in prop::sample::select(&ZONES[..]),
        start in 1_700_000_000i64..1_900_000_000,
        // Seconds by which the computer comes late, and whether the run succeeds.
        steps in prop::collection::vec((prop_oneof![4 => 0..5 * MINUTE, 1 => 0..40 * DAY], any::<bool>()), 1..60),
    ) {
        let mut now = start;
        let mut history = History::default();
        for (late, succeeds) in steps {
            if let Due::At(next) = due(&schedule, &history, &zone, now) {
                prop_assert!(next > now);
                let last = history.last_success.max(history.last_failure).unwrap();
                prop_assert!(next - last <= longest_period(schedule.frequency) + DAY);
                prop_assert_eq!(due(&schedule, &history, &zone, next - 1), Due::At(next));
                now = next;
            }
            now += late;
            prop_assert_eq!(due(&schedule, &history, &zone, now), Due::Now);
            if succeeds {
                if let Some(last) = history.last_success {
                    prop_assert!(period(&schedule, zone, last) < period(&schedule, zone, now));
                }
                history = History { last_success: Some(now), ..History::default() };
            } else {
                history.failures += 1;
                history.last_failure = Some(now);
            }
            now += 1;
        }
    }
}
