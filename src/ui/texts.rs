//! Numbers, dates and states in the words of people. Pure but for the language and the time zone.

mod moments;
mod runs;
mod schedule;

use hindsight::error::Error;
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use hindsight::ledger::RunOutcome;
use hindsight::settings::{PlaceKind, Plan};
use relm4::gtk::{self, glib};

pub use self::moments::{ago, date, date_and_time, day, last_existed};
use self::moments::{days_between, formatted};
pub use self::runs::{activity, already_running, amount, backed_up, problem_count, time_left, verified};
pub use self::schedule::{clock, frequency_names, next_backup, schedule, weekday_names};
use super::state::Facts;

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
        Some(RunOutcome::Paused) => {
            Status { mood: Mood::Neutral, title: gettext("The Backup Will Be Continued"), sentence: saved }
        }
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
        RunOutcome::Stopped | RunOutcome::Paused => {
            gettext_f("{date} · stopped before its end", &[("date", &date)])
        }
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
