//! Moments and days.

use hindsight::engine::timeline::Presence;
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use relm4::gtk::glib;

/// A moment in the past, in as few words as are exact enough. Seconds since 1970.
pub fn ago(then: i64, now: i64) -> String {
    let seconds = (now - then).max(0);
    match seconds {
        0..60 => gettext("just now"),
        60..3600 => ngettext_f("{count} minute ago", "{count} minutes ago", (seconds / 60) as u64, &[]),
        3600..43200 => ngettext_f("{count} hour ago", "{count} hours ago", (seconds / 3600) as u64, &[]),
        _ => on_day(then, now),
    }
}

fn on_day(then: i64, now: i64) -> String {
    let days = days_between(then, now);
    let time = formatted(then, "%H:%M");
    match days {
        0 => gettext_f("today at {time}", &[("time", &time)]),
        1 => gettext_f("yesterday at {time}", &[("time", &time)]),
        _ => gettext_f("on {date}", &[("date", &day(then, now))]),
    }
}

/// "12 May", with the year where it is not this one's.
pub fn day(then: i64, now: i64) -> String {
    let same_year = formatted(then, "%Y") == formatted(now, "%Y");
    formatted(then, if same_year { "%-d %B" } else { "%-d %B %Y" })
}

/// "12 May 2026".
pub fn date(then: i64) -> String {
    formatted(then, "%-d %B %Y")
}

/// Of what was found: the last date that has it.
pub fn last_existed(presence: Presence, now: i64) -> String {
    match presence {
        Presence::Present => gettext("Still there"),
        Presence::DeletedAfter(date) | Presence::Later(date) => day(date, now),
    }
}

/// "12 May 2026, 18:04".
pub fn date_and_time(then: i64) -> String {
    formatted(then, "%-d %B %Y, %H:%M")
}

fn local(seconds: i64) -> Option<glib::DateTime> {
    glib::DateTime::from_unix_local(seconds).ok()
}

pub(super) fn formatted(seconds: i64, format: &str) -> String {
    local(seconds).and_then(|date| date.format(format).ok()).map(String::from).unwrap_or_default()
}

/// Midnights between two moments.
pub(super) fn days_between(then: i64, now: i64) -> i64 {
    let midnight = |seconds| {
        let date = local(seconds)?;
        glib::DateTime::from_local(date.year(), date.month(), date.day_of_month(), 12, 0, 0.0).ok()
    };
    match (midnight(then), midnight(now)) {
        (Some(then), Some(now)) => (now.to_unix() - then.to_unix() + 43_200) / 86_400,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_coarser_with_their_age() {
        let now = 1_795_000_000;
        assert_eq!(ago(now - 5, now), "just now");
        assert_eq!(ago(now + 5, now), "just now");
        assert_eq!(ago(now - 61, now), "1 minute ago");
        assert_eq!(ago(now - 7300, now), "2 hours ago");
    }
}
