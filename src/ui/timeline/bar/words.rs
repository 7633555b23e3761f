//! Dates and what is known of them, as people write and say it.

use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use relm4::gtk::glib;

use super::calendar::Day;

const A_DAY: i64 = 86_400;

/// What there is to say of a backup.
pub(super) struct Backup {
    /// Seconds since 1970.
    pub date: i64,
    /// The only one of its day: the time does not matter.
    pub alone: bool,
}

impl Backup {
    /// "Tue 12 May 2026, 18:04". `now`: seconds since 1970; this year and a time that does not matter are left out.
    pub(super) fn short(&self, now: i64) -> String {
        // Translators: these are formats of strftime for a date, in the order that your language has.
        let format = match (is_same_year(self.date, now), self.alone) {
            (true, true) => gettext("%a %-d %B"),
            (true, false) => gettext("%a %-d %B, %H:%M"),
            (false, true) => gettext("%a %-d %B %Y"),
            (false, false) => gettext("%a %-d %B %Y, %H:%M"),
        };
        formatted(self.date, &format)
    }

    /// "Tuesday 12 May 2026, 18:04".
    fn long(&self) -> String {
        formatted(self.date, &gettext("%A %-d %B %Y, %H:%M"))
    }

    /// What a screen reader says. `index` counts from 0; `more` is what is known beyond the date.
    pub(super) fn spoken(&self, index: usize, count: usize, more: &[String]) -> String {
        let (number, count) = ((index + 1).to_string(), count.to_string());
        let place = gettext_f("backup {number} of {count}", &[("number", &number), ("count", &count)]);
        let parts = [vec![self.long(), place], more.to_vec()].concat();
        parts.join(&separator())
    }
}

/// Between what is said of one backup.
fn separator() -> String {
    // Translators: stands between parts of a list, as in "1.2 GB changed, 14 items here".
    gettext(", ")
}

/// "1.2 GB changed, 14 items here".
pub(super) fn hovered(changed_bytes: u64, damaged: bool, note: Option<String>) -> String {
    let size = glib::format_size(changed_bytes);
    let changed = gettext_f("{size} changed", &[("size", &size)]);
    let damage = damaged.then(damaged_backup);
    [Some(changed), note, damage].into_iter().flatten().collect::<Vec<_>>().join(&separator())
}

pub(super) fn damaged_backup() -> String {
    gettext("this backup is damaged")
}

pub(super) fn changed_in(folder: &str) -> String {
    gettext_f("changes in {folder}", &[("folder", folder)])
}

pub(super) fn unchanged_in(folder: &str) -> String {
    gettext_f("no changes in {folder}", &[("folder", folder)])
}

/// Of a long time between two backups: how long, and from when to when. Seconds since 1970.
pub(super) fn gap(from: i64, to: i64, now: i64) -> (String, String) {
    let days = u64::try_from(to.saturating_sub(from) / A_DAY).unwrap_or_default();
    let title = ngettext_f("No backup for {count} day", "No backup for {count} days", days, &[]);
    let day =
        |date, with_year| formatted(date, &if with_year { gettext("%-d %B %Y") } else { gettext("%-d %B") });
    // A year is said once, and this one not at all.
    let one_year = is_same_year(from, to);
    let (first, last) = (day(from, !one_year), day(to, !(one_year && is_same_year(to, now))));
    (title, gettext_f("{first} to {last}", &[("first", &first), ("last", &last)]))
}

/// "May": standing alone, which in some languages is another form than in a date.
pub(super) fn month(date: i64) -> String {
    formatted(date, "%Ob")
}

pub(super) fn year(date: i64) -> String {
    formatted(date, "%Y")
}

pub(super) fn none_yet() -> String {
    gettext("No backups yet")
}

pub(super) fn name() -> String {
    gettext("Date")
}

pub(super) fn description() -> String {
    gettext(
        "Control and the left or right arrow key go to the previous or next date on which this folder changed",
    )
}

/// The day of a date, in the local time zone.
pub(super) fn day(date: i64) -> Day {
    let day = |date: glib::DateTime| Day { year: date.year(), month: date.month(), day: date.day_of_month() };
    local(date).map(day).unwrap_or_default()
}

pub(super) fn now() -> i64 {
    glib::DateTime::now_utc().map(|now| now.to_unix()).unwrap_or_default()
}

fn is_same_year(date: i64, now: i64) -> bool {
    day(date).year == day(now).year
}

fn local(date: i64) -> Option<glib::DateTime> {
    glib::DateTime::from_unix_local(date).ok()
}

fn formatted(date: i64, format: &str) -> String {
    local(date).and_then(|date| date.format(format).ok()).map(String::from).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on fails
mod tests {
    use super::*;

    /// At noon in the local time zone.
    fn noon(year: i32, month: i32, day: i32) -> i64 {
        glib::DateTime::from_local(year, month, day, 12, 0, 0.0).unwrap().to_unix()
    }

    #[test]
    fn a_date_says_no_more_than_is_needed() {
        let short = |date, alone, now| Backup { date, alone }.short(now);
        let (spring, autumn) = (noon(2026, 5, 12), noon(2026, 11, 22));
        assert_eq!(short(spring, false, autumn), "Tue 12 May, 12:00");
        assert_eq!(short(spring, true, autumn), "Tue 12 May");
        assert_eq!(short(spring, true, noon(2027, 1, 1)), "Tue 12 May 2026");
        assert_eq!(short(spring, false, noon(2027, 1, 1)), "Tue 12 May 2026, 12:00");
    }

    #[test]
    fn a_screen_reader_says_where_in_time_one_is() {
        let spoken =
            Backup { date: noon(2026, 5, 12), alone: true }.spoken(20, 95, &[changed_in("Summer House")]);
        assert_eq!(spoken, "Tuesday 12 May 2026, 12:00, backup 21 of 95, changes in Summer House");
    }

    #[test]
    fn a_gap_says_how_long_it_is() {
        let (from, to) = (noon(2026, 9, 28), noon(2026, 10, 15));
        let expected = ("No backup for 17 days".to_owned(), "28 September to 15 October".to_owned());
        assert_eq!(gap(from, to, to), expected);
        assert_eq!(gap(from, to, noon(2027, 1, 1)).1, "28 September to 15 October 2026");
        let winter = noon(2027, 1, 1);
        assert_eq!(gap(to, winter, winter).1, "15 October 2026 to 1 January 2027");
    }

    #[test]
    fn what_a_pointer_learns_is_one_sentence() {
        assert_eq!(
            hovered(1_200_000_000, false, Some("14 items here".to_owned())),
            "1.2\u{a0}GB changed, 14 items here"
        );
        assert!(hovered(0, true, None).ends_with("this backup is damaged"));
    }
}
