//! Which backups belong to a month, where long times passed without one, and which is a month away.

use std::ops::Range;

const WEEK: i64 = 7 * 86_400;
/// A distance is long beside this many on each side of it.
const NEIGHBOURS: usize = 5;

/// A day in the time zone of the person.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Day {
    pub year: i32,
    pub month: i32,
    pub day: i32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Month {
    /// Indices of its backups: never empty.
    pub marks: Range<usize>,
    /// Its label is the year, which nothing before it says: the first one of each year. The very first one only if it
    /// stands alone, far from the next.
    pub begins_year: bool,
}

/// Neighbouring days of the same month together. Days from the oldest on.
pub(super) fn months(days: &[Day]) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for (index, day) in days.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| days[before]);
        match months.last_mut() {
            Some(last)
                if before.is_some_and(|before| (before.year, before.month) == (day.year, day.month)) =>
            {
                last.marks.end = index + 1;
            }
            _ => {
                let begins_year = before.is_some_and(|before| before.year != day.year);
                months.push(Month { marks: index..index + 1, begins_year });
            }
        }
    }
    if let [first, second, ..] = months.as_mut_slice() {
        let number = |day: Day| i64::from(day.year) * 12 + i64::from(day.month);
        let apart = number(days[second.marks.start]) - number(days[0]);
        first.begins_year = second.begins_year && apart > 1;
    }
    months
}

/// The month that a backup belongs to.
pub(super) fn month_of(months: &[Month], index: usize) -> usize {
    months.partition_point(|month| month.marks.end <= index)
}

/// Backups before which nothing was saved for unusually long: over a week, and three times as long as is the rule at
/// that time. Dates in seconds, from the oldest on.
pub(super) fn gaps(dates: &[i64]) -> Vec<usize> {
    let distances: Vec<i64> = dates.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let is_long = |at: &usize| {
        let rule = usual(&distances, *at);
        distances[*at] > WEEK && rule.is_some_and(|rule| distances[*at] > rule.saturating_mul(3))
    };
    (0..distances.len()).filter(is_long).map(|at| at + 1).collect()
}

/// The median of the distances around one, without it.
fn usual(distances: &[i64], at: usize) -> Option<i64> {
    let before = &distances[at.saturating_sub(NEIGHBOURS)..at];
    let after = &distances[at + 1..(at + 1 + NEIGHBOURS).min(distances.len())];
    let mut around = [before, after].concat();
    around.sort_unstable();
    around.get(around.len() / 2).copied()
}

/// The backup about a month before or after: of the neighbouring month that has any, the one nearest to the same day.
/// In the first and last month the outermost one.
pub(super) fn a_month_away(days: &[Day], months: &[Month], from: usize, later: bool) -> usize {
    let month = month_of(months, from);
    let target =
        if later { months.get(month + 1) } else { month.checked_sub(1).and_then(|at| months.get(at)) };
    let Some(target) = target else { return if later { days.len().saturating_sub(1) } else { 0 } };
    let day = days[from].day;
    target.marks.clone().min_by_key(|index| (days[*index].day - day).abs()).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    fn day(year: i32, month: i32, day: i32) -> Day {
        Day { year, month, day }
    }

    #[test]
    fn months_hold_their_backups_and_the_first_of_a_year_says_it() {
        let days = [day(2025, 12, 3), day(2025, 12, 9), day(2026, 1, 1), day(2026, 3, 1), day(2027, 3, 1)];
        let expected = [(0..2, false), (2..3, true), (3..4, false), (4..5, true)];
        assert_eq!(months(&days), expected.map(|(marks, begins_year)| Month { marks, begins_year }));
        assert_eq!([0, 1, 2, 4].map(|index| month_of(&months(&days), index)), [0, 0, 1, 3]);
        assert_eq!(months(&[]), []);
    }

    #[test]
    fn the_very_first_month_says_its_year_where_it_stands_alone() {
        let first = |second: Day| months(&[day(2025, 12, 3), second])[0].begins_year;
        assert_eq!([first(day(2026, 12, 3)), first(day(2026, 1, 3))], [true, false]);
    }

    #[test]
    fn a_time_without_backups_is_seen_beside_its_neighbours() {
        let daily: Vec<i64> = (0..20).map(|n| if n < 10 { n * DAY } else { (n + 16) * DAY }).collect();
        assert_eq!(gaps(&daily), [10]);
        let monthly: Vec<i64> = (0..20).map(|n| n * 30 * DAY).collect();
        assert!(gaps(&monthly).is_empty());
        assert!(gaps(&[0, 400 * DAY]).is_empty(), "one distance alone is not unusual");
        assert_eq!(gaps(&[i64::MIN, i64::MIN, i64::MAX, i64::MAX]).len(), 1);
        assert!(gaps(&[]).is_empty());
    }

    #[test]
    fn a_few_days_are_no_gap_where_backups_are_hourly() {
        let hourly: Vec<i64> = (0..20).map(|n| if n < 10 { n * 3600 } else { n * 3600 + 6 * DAY }).collect();
        assert!(gaps(&hourly).is_empty());
    }

    #[test]
    fn a_month_away_is_near_the_same_day() {
        let days = [day(2026, 1, 5), day(2026, 1, 20), day(2026, 3, 4), day(2026, 3, 19), day(2026, 3, 30)];
        let months = months(&days);
        assert_eq!(a_month_away(&days, &months, 4, false), 1);
        assert_eq!(a_month_away(&days, &months, 2, false), 0);
        assert_eq!(a_month_away(&days, &months, 1, true), 3);
        assert_eq!(a_month_away(&days, &months, 1, false), 0);
        assert_eq!(a_month_away(&days, &months, 2, true), 4);
    }

    proptest! {
        #[test]
        fn months_cover_all_backups(numbers in prop::collection::vec((2000..2004, 1..13, 1..29), 0..60)) {
            let mut numbers = numbers;
            numbers.sort_unstable();
            let days: Vec<Day> = numbers.iter().map(|&(year, month, number)| day(year, month, number)).collect();
            let months = months(&days);
            let covered: Vec<usize> = months.iter().flat_map(|month| month.marks.clone()).collect();
            prop_assert_eq!(covered, (0..days.len()).collect::<Vec<_>>());
            for index in 0..days.len() {
                prop_assert!(months[month_of(&months, index)].marks.contains(&index));
                let earlier = a_month_away(&days, &months, index, false);
                let later = a_month_away(&days, &months, index, true);
                prop_assert!(earlier <= index && index <= later);
                prop_assert!(earlier < index || index == 0);
                prop_assert!(later > index || index + 1 == days.len());
            }
        }
    }
}
