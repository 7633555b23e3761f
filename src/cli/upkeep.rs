//! What the actions that tidy a place, and those that tell what backups did, print: duplicity's words.

use std::path::Path;

use super::terminal::{out, out_bytes};
use crate::engine::{
    ChangesReport, CleanUpReport, FileChange, RemovalReport, ReplicationReport, SetChange, asctime,
};
use crate::explain::shown;

const RULE: &str = "-------------------------\n";

pub(super) fn removed(report: &RemovalReport) -> String {
    let mut text = String::new();
    if !report.needed.is_empty() {
        text += &format!("There are backup set(s) at time(s):\n{}", dates(&report.needed));
        text += "Which can't be deleted because newer sets depend on them.\n";
    }
    if report.spares_newest {
        text += "Current active backup chain is older than specified time.  However, it will not be deleted.  \
                 To remove all your backups, manually purge the repository.\n";
    }
    match (report.chains.is_empty(), report.deleted) {
        (true, _) => text += "No old backup sets found, nothing deleted.",
        // Told while it was done.
        (false, true) => {}
        (false, false) => {
            text += &format!("Found old backup chain(s) at the following time:\n{}", dates(&report.chains));
            text += "Rerun command with --force option to actually delete.";
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn dates(times: &[i64]) -> String {
    times.iter().map(|time| asctime(*time) + "\n").collect()
}

pub(super) fn cleaned_up(report: &CleanUpReport) -> String {
    let files = report.files.join("\n");
    match (report.files.is_empty(), report.deleted) {
        (true, _) => "No extraneous files found, nothing deleted in cleanup.".into(),
        (false, true) => format!("Deleted these file(s) from backend:\n{files}"),
        (false, false) => format!(
            "Found the following file(s) to delete:\n{files}\n\
             Run duplicity again with the --force option to actually delete."
        ),
    }
}

pub(super) fn replicated(report: &ReplicationReport) -> String {
    let done = if report.dry_run { "would be replicated" } else { "replicated" };
    match (report.copied, report.present) {
        (0, 0) => "No old backup sets found.".into(),
        (copied, 0) => format!("{copied} backup set(s) {done}."),
        (copied, present) => format!("{copied} backup set(s) {done}, {present} already there."),
    }
}

pub(super) fn volumes(names: &[String]) -> String {
    let lines: String = names.iter().map(|name| format!("\n\t{name}")).collect();
    format!("Required volumes to restore:{lines}")
}

/// Paths are printed byte for byte as they are, or quoted as in manifests.
pub(super) fn changes(report: &ChangesReport) {
    match report {
        ChangesReport::File { path, changes } => {
            out(changes_of_file(&shown(&path.below(Path::new(""))), changes))
        }
        ChangesReport::Set { time, changes } => out_bytes(&changes_in_set(*time, changes)),
    }
}

fn changes_of_file(path: &str, changes: &[SetChange]) -> String {
    let mut text = format!("{RULE}File: {path}\nTotal number of backup: {}\n", changes.len());
    text += &format!("{:>20} {:>32}  {:>20}\n", "Type of backup set:", "Time:", "Type of file change:");
    for SetChange { full, time, change } in changes {
        let kind = if *full { "Full" } else { "Incremental" };
        let change = match change {
            FileChange::New => "New",
            FileChange::Changed => "Changed",
            FileChange::Deleted => "Deleted",
        };
        text += &format!("{kind:>20} {:>32}  {change:>20}\n", asctime(*time));
    }
    text + RULE.trim_end()
}

fn changes_in_set(time: i64, changes: &[(Vec<u8>, FileChange)]) -> Vec<u8> {
    let characters = |path: &[u8]| String::from_utf8_lossy(path).chars().count();
    let width = changes.iter().map(|(path, _)| characters(path)).max().unwrap_or(0).max("File:".len());
    let heading = format!(
        "{RULE} Backup set time: {}\nTotal number of changes: {}\n{:<width$}  {:>20}\n",
        asctime(time),
        changes.len(),
        "File:",
        "Type of file change:",
    );
    let mut text = heading.into_bytes();
    for (path, change) in changes {
        let change = match change {
            FileChange::New => "new",
            FileChange::Changed => "changed",
            FileChange::Deleted => "deleted",
        };
        let padding = width - characters(path);
        text.extend_from_slice(path);
        text.extend_from_slice(format!("{:padding$}  {change:>20}\n", "").as_bytes());
    }
    text.extend_from_slice(RULE.trim_end().as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_removed_is_told_with_how_to_do_it() {
        let report =
            RemovalReport { needed: vec![50], spares_newest: false, chains: vec![30, 40], deleted: false };
        let text = removed(&report);
        let (needed, first, second) = (asctime(50), asctime(30), asctime(40));
        assert_eq!(
            text,
            format!(
                "There are backup set(s) at time(s):\n{needed}\n\
                 Which can't be deleted because newer sets depend on them.\n\
                 Found old backup chain(s) at the following time:\n{first}\n{second}\n\
                 Rerun command with --force option to actually delete."
            )
        );
        let nothing = removed(&RemovalReport { spares_newest: true, ..RemovalReport::default() });
        assert!(
            nothing.starts_with("Current active backup chain is older than specified time."),
            "{nothing}"
        );
        assert!(nothing.ends_with("\nNo old backup sets found, nothing deleted."), "{nothing}");
    }

    #[test]
    fn changes_stand_in_columns_as_wide_as_the_longest_path() {
        let changes =
            [(b"chm".to_vec(), FileChange::Changed), (br#""sp\x20ace""#.to_vec(), FileChange::Deleted)];
        let text = String::from_utf8_lossy(&changes_in_set(0, &changes)).into_owned();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.get(2), Some(&"Total number of changes: 2"));
        assert_eq!(lines.get(3), Some(&"File:        Type of file change:"));
        assert_eq!(lines.get(4), Some(&"chm                       changed"));
        assert_eq!(lines.get(5), Some(&r#""sp\x20ace"               deleted"#));
    }

    #[test]
    fn the_history_of_a_file_names_each_set_that_changed_it() {
        let change = SetChange { full: false, time: 0, change: FileChange::Changed };
        let text = changes_of_file("f", &[change]);
        let date = asctime(0);
        assert!(
            text.contains(" Type of backup set:                            Time:  Type of file change:\n"),
            "{text}"
        );
        assert!(
            text.contains(&format!("\n         Incremental         {date}               Changed\n")),
            "{text}"
        );
    }
}
