//! Numbers, dates and states in the words of people. Pure but for the language and the time zone.

use hindsight::context::{Phase, Progress};
use hindsight::engine::timeline::Presence;
use hindsight::engine::{BackupReport, VerifyReport};
use hindsight::error::Error;
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use hindsight::ledger::RunOutcome;
use hindsight::settings::{PlaceKind, Plan};
use relm4::gtk::{self, glib};

mod schedule;

pub use self::schedule::{clock, frequency_names, next_backup, schedule, weekday_names};
use super::state::{Activity, Facts, Stage, What};

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Mood {
    Good,
    Attention,
    /// Nothing to be glad or worried about yet.
    #[default]
    Neutral,
}

/// The top of the overview: whether all is well.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Status {
    pub mood: Mood,
    pub title: String,
    pub sentence: String,
}

/// `now`: seconds since 1970.
pub fn status(plan: &Plan, facts: &Facts, now: i64) -> Status {
    let place = &plan.place.label;
    let saved = facts.last_success.as_ref().map(|run| {
        let when = ago(run.ended, now);
        gettext_f("Backed up {when} to {place}", &[("when", &when), ("place", place)])
    });
    let attention = |title: String, sentence: String| Status { mood: Mood::Attention, title, sentence };
    if facts.crashed.is_some() {
        let sentence = saved.unwrap_or_else(|| gettext("The next backup goes on where it ended"));
        return attention(gettext("The Last Backup Was Interrupted"), sentence);
    }
    let Some(saved) = saved else {
        return match facts.last.as_ref().map(|run| &run.outcome) {
            Some(RunOutcome::Failed { title, sentence }) => attention(title.clone(), sentence.clone()),
            _ => Status {
                mood: Mood::Neutral,
                title: gettext("Ready for the First Backup"),
                sentence: gettext_f("Nothing has been saved to {place} yet", &[("place", place)]),
            },
        };
    };
    match facts.last.as_ref().map(|run| &run.outcome) {
        Some(RunOutcome::Failed { title, .. }) => attention(title.clone(), saved),
        Some(RunOutcome::Stopped) => attention(gettext("The Last Backup Was Stopped"), saved),
        Some(RunOutcome::Completed { problems, .. }) if *problems > 0 => Status {
            mood: Mood::Attention,
            title: ngettext_f(
                "Safe Except for {count} File",
                "Safe Except for {count} Files",
                *problems,
                &[],
            ),
            sentence: saved,
        },
        _ => Status { mood: Mood::Good, title: gettext("Your Files Are Safe"), sentence: saved },
    }
}

/// The top of the overview while a backup runs.
pub fn status_running(plan: &Plan, facts: &Facts, now: i64) -> Status {
    let Status { sentence, .. } = status(plan, &Facts { last: None, crashed: None, ..facts.clone() }, now);
    Status { mood: Mood::Neutral, title: gettext("Backing Up…"), sentence }
}

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

fn formatted(seconds: i64, format: &str) -> String {
    local(seconds).and_then(|date| date.format(format).ok()).map(String::from).unwrap_or_default()
}

/// Midnights between two moments.
fn days_between(then: i64, now: i64) -> i64 {
    let midnight = |seconds| {
        let date = local(seconds)?;
        glib::DateTime::from_local(date.year(), date.month(), date.day_of_month(), 12, 0, 0.0).ok()
    };
    match (midnight(then), midnight(now)) {
        (Some(then), Some(now)) => (now.to_unix() - then.to_unix() + 43_200) / 86_400,
        _ => 0,
    }
}

pub fn size(bytes: u64) -> String {
    glib::format_size(bytes).into()
}

/// What the last check of the backups said.
pub fn checked(facts: &Facts, now: i64) -> String {
    let Some(run) = &facts.checked else { return gettext("Never: choose Check the Backups in the menu") };
    let date = day(run.ended, now);
    match &run.outcome {
        RunOutcome::Completed { files, problems: 0, .. } => ngettext_f(
            "{date} · {count} item read back, all intact",
            "{date} · {count} items read back, all intact",
            *files,
            &[("date", &date)],
        ),
        RunOutcome::Completed { problems, .. } => ngettext_f(
            "{date} · {count} item not as it was saved",
            "{date} · {count} items not as they were saved",
            *problems,
            &[("date", &date)],
        ),
        RunOutcome::Stopped => gettext_f("{date} · stopped before its end", &[("date", &date)]),
        RunOutcome::Failed { title, .. } => format!("{date} · {title}"),
    }
}

/// Lines for a widget to choose from.
pub fn list(lines: &[String]) -> gtk::StringList {
    gtk::StringList::new(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// "Home and 2 more".
pub fn folders(plan: &Plan, home: &std::path::Path) -> String {
    let Some(first) = plan.folders.first() else { return gettext("No folder yet") };
    let name = folder_name(&first.path, home);
    match plan.folders.len() {
        1 => name,
        count => ngettext_f(
            "{name} and {count} more",
            "{name} and {count} more",
            count as u64 - 1,
            &[("name", &name)],
        ),
    }
}

pub fn folder_name(path: &std::path::Path, home: &std::path::Path) -> String {
    if path == home {
        return gettext("Home");
    }
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// "Home / Pictures / Summer House".
pub fn folder_path(path: &std::path::Path, home: &std::path::Path) -> String {
    let (first, below) = match path.strip_prefix(home) {
        Ok(below) => (gettext("Home"), below),
        Err(_) => (String::new(), path.strip_prefix("/").unwrap_or(path)),
    };
    let names = below.iter().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<_> = std::iter::once(first).chain(names).collect();
    if names.len() == 1 && names[0].is_empty() { "/".into() } else { names.join(" / ").trim_start().into() }
}

pub fn place_kind(kind: &PlaceKind) -> String {
    match kind {
        PlaceKind::Folder { path } => path.display().to_string(),
        PlaceKind::Drive { .. } => gettext("External Drive"),
        PlaceKind::Address { url } => without_secret(url),
    }
}

/// An address without what stands before its host.
pub fn without_secret(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split('/').next().unwrap_or_default();
            let shown = host.rsplit_once('@').map_or(rest, |(secret, _)| &rest[secret.len() + 1..]);
            format!("{scheme}://{shown}")
        }
        None => url.to_owned(),
    }
}

/// The first line of the operation bar.
pub fn activity(activity: &Activity, label: &str) -> String {
    let place = &[("place", label)];
    if activity.stage == Stage::Stopping {
        return gettext("Stopping…");
    }
    match activity.request.what {
        _ if activity.stage == Stage::Preparing => gettext("Getting ready…"),
        What::BackUp => gettext_f("Backing up to {place}", place),
        What::Verify { .. } => gettext_f("Checking the backups on {place}", place),
        What::Restore(_) => gettext_f("Restoring from {place}", place),
        What::Erase => gettext_f("Deleting the backups on {place}", place),
    }
}

/// "12.4 GB of 27 GB · 3,210 files".
pub fn amount(progress: &Progress) -> String {
    let done = size(progress.bytes_done);
    let files = |text: String| match progress.files {
        0 => text,
        count => ngettext_f("{text} · {count} file", "{text} · {count} files", count, &[("text", &text)]),
    };
    match (progress.phase, progress.bytes_total) {
        (Phase::Preparing, _) => gettext("Looking for changes"),
        (Phase::CleaningUp, _) => gettext("Finishing"),
        (_, Some(total)) if total > 0 => {
            files(gettext_f("{done} of {total}", &[("done", &done), ("total", &size(total))]))
        }
        _ => files(done),
    }
}

/// Rounded to what can be known; nothing in the first seconds.
pub fn time_left(seconds: u64) -> String {
    match seconds {
        0..60 => gettext("Under a minute left"),
        60..3570 => {
            let minutes = (seconds + 30) / 60;
            ngettext_f("About {count} minute left", "About {count} minutes left", minutes, &[])
        }
        _ => ngettext_f("About {count} hour left", "About {count} hours left", (seconds + 1800) / 3600, &[]),
    }
}

pub fn problem_count(count: u64) -> String {
    ngettext_f("{count} file of the last run", "{count} files of the last run", count, &[])
}

pub fn already_running() -> String {
    gettext("A backup of this plan is already running")
}

pub fn backed_up(report: &BackupReport) -> String {
    if report.unchanged {
        return gettext("Everything was already backed up");
    }
    gettext_f("Backed up, {size} stored", &[("size", &size(report.stored_bytes))])
}

pub fn verified(report: &VerifyReport) -> String {
    match report.lost + report.differences {
        0 => ngettext_f(
            "{count} item read back, all intact",
            "{count} items read back, all intact",
            report.compared,
            &[],
        ),
        bad => ngettext_f(
            "{count} item is not as it was saved",
            "{count} items are not as they were saved",
            bad,
            &[],
        ),
    }
}

/// The chain of causes, for those who help. Holds no secret: errors never do.
pub fn details(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let line = inner.to_string();
        if !text.ends_with(&line) {
            text.push('\n');
            text.push_str(&line);
        }
        cause = inner.source();
    }
    text
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

    #[test]
    fn time_left_is_rounded() {
        assert_eq!(time_left(20), "Under a minute left");
        assert_eq!(time_left(95), "About 2 minutes left");
        assert_eq!(time_left(5000), "About 1 hour left");
    }

    #[test]
    fn what_stands_before_an_addresss_host_is_never_shown() {
        assert_eq!(without_secret("sftp://me:secret@host/a@b"), "sftp://host/a@b");
        assert_eq!(without_secret("file:///a/b"), "file:///a/b");
    }

    #[test]
    fn a_folder_is_told_from_home_on() {
        let told = |path: &str| folder_path(std::path::Path::new(path), std::path::Path::new("/home/ada"));
        assert_eq!(told("/home/ada"), "Home");
        assert_eq!(told("/home/ada/Pictures/Old"), "Home / Pictures / Old");
        assert_eq!(told("/etc/ssl"), "/ etc / ssl");
        assert_eq!(told("/"), "/");
    }
}
