//! When a plan is due. Pure: the time and the past are arguments.

use std::fmt;

use chrono::{DateTime, Months, TimeDelta};
use serde::{Deserialize, Serialize};

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

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Now,
    /// Seconds since 1970.
    At(i64),
}

/// `last_success`: when the last run that completed began; times in seconds since 1970.
pub fn due(frequency: Frequency, last_success: Option<i64>, now: i64) -> Due {
    // A success in the future was dated by a wrong clock and says nothing.
    let next = last_success.filter(|last| *last <= now).and_then(|last| after(frequency, last));
    match next {
        Some(next) if next > now => Due::At(next),
        _ => Due::Now,
    }
}

fn after(frequency: Frequency, last: i64) -> Option<i64> {
    let last = DateTime::from_timestamp(last, 0)?;
    let next = match frequency {
        Frequency::Hourly => last.checked_add_signed(TimeDelta::hours(1)),
        Frequency::Daily => last.checked_add_signed(TimeDelta::days(1)),
        Frequency::Weekly => last.checked_add_signed(TimeDelta::weeks(1)),
        // The same day of the next month, or its last.
        Frequency::Monthly => last.checked_add_months(Months::new(1)),
    };
    next.map(|next| next.timestamp())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn time(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp()
    }

    #[test]
    fn a_plan_is_due_one_period_after_its_last_success() {
        for (frequency, last, next) in [
            (Frequency::Hourly, "2026-05-31T10:20:30Z", "2026-05-31T11:20:30Z"),
            (Frequency::Daily, "2026-12-31T10:00:00Z", "2027-01-01T10:00:00Z"),
            (Frequency::Weekly, "2026-05-31T10:00:00Z", "2026-06-07T10:00:00Z"),
            (Frequency::Monthly, "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            (Frequency::Monthly, "2028-01-31T10:00:00Z", "2028-02-29T10:00:00Z"),
            (Frequency::Monthly, "2026-11-24T10:00:00Z", "2026-12-24T10:00:00Z"),
        ] {
            let (last, next) = (time(last), time(next));
            assert_eq!(due(frequency, Some(last), last), Due::At(next), "{frequency:?}");
            assert_eq!(due(frequency, Some(last), next - 1), Due::At(next), "{frequency:?}");
            assert_eq!(due(frequency, Some(last), next), Due::Now, "{frequency:?}");
        }
    }

    #[test]
    fn a_plan_that_never_succeeded_is_due() {
        assert_eq!(due(Frequency::Monthly, None, 0), Due::Now);
    }

    #[test]
    fn a_success_that_a_wrong_clock_dated_is_not_believed() {
        assert_eq!(due(Frequency::Daily, Some(2_000_000_000), 1_900_000_000), Due::Now);
        assert_eq!(due(Frequency::Daily, Some(i64::MIN), 1_900_000_000), Due::Now);
    }
}
