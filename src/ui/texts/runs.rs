//! What is going on, and how it ended.

use hindsight::context::{Phase, Progress};
use hindsight::engine::{BackupReport, VerifyReport};
use hindsight::i18n::{gettext, gettext_f, ngettext_f};

use super::size;
use crate::ui::state::{Activity, Stage, What};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_rounded() {
        assert_eq!(time_left(20), "Under a minute left");
        assert_eq!(time_left(95), "About 2 minutes left");
        assert_eq!(time_left(5000), "About 1 hour left");
    }
}
