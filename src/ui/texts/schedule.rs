//! When backups happen by themselves.

use chrono::{Local, NaiveTime, Timelike};
use hindsight::i18n::{gettext, gettext_f};
use hindsight::ledger::History;
use hindsight::schedule::{Due, Frequency, due};
use hindsight::settings::Plan;
use relm4::gtk::{self, glib};

use super::{day, days_between, formatted, list};

/// When the next backup is, in a few words.
pub fn next_backup(plan: &Plan, history: &History, now: i64) -> String {
    match due(&plan.schedule, history, &Local, now) {
        Due::Never => gettext("Only when you press the button"),
        _ if history.last_success.is_none() => gettext("By itself after the first one"),
        Due::Now => gettext("As soon as possible"),
        Due::At(at) => match days_between(now, at) {
            0 => gettext_f("Today at about {time}", &[("time", &formatted(at, "%H:%M"))]),
            1 => gettext_f("Tomorrow at about {time}", &[("time", &formatted(at, "%H:%M"))]),
            _ => day(at, now),
        },
    }
}

fn frequency(frequency: Frequency) -> String {
    match frequency {
        Frequency::Hourly => gettext("Every Hour"),
        Frequency::Daily => gettext("Every Day"),
        Frequency::Weekly => gettext("Every Week"),
        Frequency::Monthly => gettext("Every Month"),
    }
}

/// In the order of [`Frequency::ALL`].
pub fn frequency_names() -> gtk::StringList {
    list(&Frequency::ALL.map(frequency))
}

/// A time of day as clocks show it.
pub fn clock(time: NaiveTime) -> String {
    // Any day has it.
    let shown = glib::DateTime::from_utc(2026, 1, 1, time.hour() as i32, time.minute() as i32, 0.0);
    shown.ok().and_then(|shown| shown.format("%H:%M").ok()).map(String::from).unwrap_or_default()
}

/// From Monday on.
pub fn weekday_names() -> gtk::StringList {
    // 5 January 2026 was a Monday.
    let name = |day| glib::DateTime::from_utc(2026, 1, 5 + day, 12, 0, 0.0).ok()?.format("%A").ok();
    list(&std::array::from_fn::<_, 7, _>(|day| name(day as i32).map(String::from).unwrap_or_default()))
}

pub fn schedule(plan: &Plan) -> String {
    let schedule = &plan.schedule;
    match schedule.frequency {
        _ if !schedule.enabled => gettext("By hand only"),
        Frequency::Hourly => frequency(Frequency::Hourly),
        often => {
            gettext_f("{often} at {time}", &[("often", &frequency(often)), ("time", &clock(schedule.at))])
        }
    }
}
