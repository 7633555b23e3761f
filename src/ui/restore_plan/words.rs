//! What a restore would do, and what it did, in words.

use std::path::Path;

use hindsight::engine::undo::{Recorded, Undone};
use hindsight::engine::{Counts, Estimate, Existing, Hindrance, Obstacle, Shortage};
use hindsight::entry::EntryPath;
use hindsight::i18n::{gettext, gettext_f, ngettext_f};

use crate::ui::texts;

/// Title and subtitle of what will happen.
pub fn outcome(estimate: &Estimate, existing: Existing) -> (String, String) {
    let mut sentences = changes(&estimate.counts);
    if sentences.is_empty() {
        sentences.push(match existing {
            _ if !estimate.obstacles.is_empty() || !estimate.absent.is_empty() => {
                gettext("Nothing is restored")
            }
            Existing::OnlyMissing => gettext("Nothing is missing"),
            _ => gettext("Everything is already as it was"),
        });
    }
    let kept = estimate.counts.kept;
    if kept > 0 {
        sentences.push(ngettext_f(
            "{count} file is kept as it is",
            "{count} files are kept as they are",
            kept,
            &[],
        ));
    }
    if estimate.fetch > 0 {
        sentences.push(gettext_f("{size} to fetch", &[("size", &texts::size(estimate.fetch))]));
    }
    let title = sentences.remove(0);
    (title, sentences.join(" · "))
}

fn changes(counts: &Counts) -> Vec<String> {
    let Counts { created, folders, replaced, renamed, .. } = *counts;
    let mut sentences = Vec::new();
    match (created, folders) {
        (0, 0) => {}
        (0, _) => sentences.push(ngettext_f(
            "{count} folder is created",
            "{count} folders are created",
            folders,
            &[],
        )),
        (_, 0) => {
            sentences.push(ngettext_f("{count} file is created", "{count} files are created", created, &[]));
        }
        _ => {
            let files = ngettext_f("{count} file", "{count} files", created, &[]);
            let folders = ngettext_f("{count} folder", "{count} folders", folders, &[]);
            let both = &[("files", &*files), ("folders", &*folders)];
            sentences.push(gettext_f("{files} and {folders} are created", both));
        }
    }
    if replaced > 0 {
        sentences.push(ngettext_f("{count} file is replaced", "{count} files are replaced", replaced, &[]));
    }
    if renamed > 0 {
        let (one, many) =
            ("{count} file comes beside the present one", "{count} files come beside the present ones");
        sentences.push(ngettext_f(one, many, renamed, &[]));
    }
    sentences
}

/// Title and subtitle of the warning, if there is anything to warn of.
pub fn warning(estimate: &Estimate) -> Option<(String, String)> {
    let barred: u64 = estimate.obstacles.iter().map(|obstacle| obstacle.items).sum();
    if let Some(first) = estimate.obstacles.iter().find(|obstacle| obstacle.items > 0) {
        let title =
            ngettext_f("{count} item cannot be written", "{count} items cannot be written", barred, &[]);
        return Some((title, obstacle(first)));
    }
    if let Some(first) = estimate.shortages.first() {
        return Some((gettext("There is not enough space"), shortage(first)));
    }
    let missing = estimate.absent.len() as u64;
    let (one, many) = ("{count} item did not exist at that date", "{count} items did not exist at that date");
    (missing > 0).then(|| (ngettext_f(one, many, missing, &[]), String::new()))
}

/// A line each.
pub fn warnings(estimate: &Estimate) -> Vec<String> {
    let obstacles = estimate.obstacles.iter().filter(|obstacle| obstacle.items > 0).map(|o| {
        let items = ngettext_f("{count} item", "{count} items", o.items, &[]);
        let values = &[("path", &*o.path.to_string_lossy()), ("why", &*obstacle(o)), ("items", &*items)];
        gettext_f("{path}: {why} ({items})", values)
    });
    let shortages = estimate.shortages.iter().map(shortage);
    let absent = |path: &EntryPath| {
        let path = path.below(Path::new("/"));
        gettext_f("{path} did not exist at that date", &[("path", &path.to_string_lossy())])
    };
    obstacles.chain(shortages).chain(estimate.absent.iter().map(absent)).collect()
}

fn obstacle(obstacle: &Obstacle) -> String {
    let name = obstacle.path.file_name().unwrap_or(obstacle.path.as_os_str()).to_string_lossy();
    let folder = &[("folder", &*name)];
    match obstacle.why {
        Hindrance::NotPermitted { of_another_user: true } => {
            gettext_f("“{folder}” belongs to another user", folder)
        }
        Hindrance::NotPermitted { of_another_user: false } => {
            gettext_f("You may not write to “{folder}”", folder)
        }
        Hindrance::ReadOnly => gettext_f("“{folder}” is on a read-only disk", folder),
        Hindrance::InTheWay => gettext_f("“{folder}” is a file or a link now, not a folder", folder),
    }
}

fn shortage(shortage: &Shortage) -> String {
    let folder = shortage.path.display().to_string();
    let (needed, free) = (texts::size(shortage.needed), texts::size(shortage.free));
    let values = &[("needed", &*needed), ("free", &*free), ("folder", &*folder)];
    gettext_f("{needed} are needed, {free} are free on the disk of {folder}", values)
}

/// What the toast says. `name`: of the only thing that was wanted.
pub fn restored(name: Option<&str>, counts: &Counts) -> String {
    match (name, counts.written()) {
        _ if !counts.changes() => gettext("Nothing had to be restored"),
        (Some(name), _) => gettext_f("Restored “{name}”", &[("name", name)]),
        (None, 0) => ngettext_f("Restored {count} folder", "Restored {count} folders", counts.folders, &[]),
        (None, written) => ngettext_f("Restored {count} item", "Restored {count} items", written, &[]),
    }
}

/// The same of a restore that did not come to its end.
pub fn cut_off(recorded: &Recorded) -> String {
    let Recorded { files, folders, .. } = *recorded;
    if files == 0 {
        let (one, many) =
            ("Stopped after {count} folder was restored", "Stopped after {count} folders were restored");
        return ngettext_f(one, many, folders, &[]);
    }
    ngettext_f(
        "Stopped after {count} item was restored",
        "Stopped after {count} items were restored",
        files,
        &[],
    )
}

/// What would become of a restore that is undone, in sentences.
pub fn would_be_undone(recorded: &Recorded) -> String {
    let Recorded { files, folders, replaced } = *recorded;
    let mut sentences = Vec::new();
    let (one, many) =
        ("{count} file that was restored goes again.", "{count} files that were restored go again.");
    if files > 0 {
        sentences.push(ngettext_f(one, many, files, &[]));
    } else if folders > 0 {
        sentences.push(gettext("Folders that were restored go again."));
    }
    let (one, many) =
        ("{count} file that was replaced comes back.", "{count} files that were replaced come back.");
    if replaced > 0 {
        sentences.push(ngettext_f(one, many, replaced, &[]));
    }
    sentences.push(gettext("What was changed since then stays as it is."));
    sentences.join(" ")
}

pub fn undone(undone: &Undone) -> String {
    match undone.left.len() as u64 {
        0 => gettext("Undone"),
        left => ngettext_f(
            "Undone but for {count} file that was changed since",
            "Undone but for {count} files that were changed since",
            left,
            &[],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_one_sentence_and_what_goes_with_it() {
        let counts = Counts { created: 41, folders: 3, kept: 6, ..Counts::default() };
        let estimate = Estimate { counts, fetch: 436_000_000, ..Estimate::default() };
        let (title, subtitle) = outcome(&estimate, Existing::OnlyMissing);
        assert_eq!(title, "41 files and 3 folders are created");
        assert!(subtitle.starts_with("6 files are kept as they are · 436"), "{subtitle}");
        let nothing = Estimate { counts: Counts { kept: 1, ..Counts::default() }, ..Estimate::default() };
        let said = outcome(&nothing, Existing::OnlyMissing);
        assert_eq!(said, ("Nothing is missing".into(), "1 file is kept as it is".into()));
    }

    #[test]
    fn a_warning_says_how_many_and_why() {
        let why = Hindrance::NotPermitted { of_another_user: true };
        let obstacles = vec![Obstacle { path: "/home/ada/Offers".into(), why, items: 2 }];
        let estimate = Estimate { obstacles, ..Estimate::default() };
        let expected = ("2 items cannot be written".into(), "“Offers” belongs to another user".into());
        assert_eq!(warning(&estimate), Some(expected));
        assert_eq!(warnings(&estimate), ["/home/ada/Offers: “Offers” belongs to another user (2 items)"]);
        assert_eq!(warning(&Estimate::default()), None);
    }

    #[test]
    fn the_toast_names_one_thing_and_counts_several() {
        let counts = Counts { created: 2, replaced: 1, ..Counts::default() };
        assert_eq!(restored(Some("letter.txt"), &counts), "Restored “letter.txt”");
        assert_eq!(restored(None, &counts), "Restored 3 items");
        assert_eq!(restored(None, &Counts { kept: 2, ..Counts::default() }), "Nothing had to be restored");
    }

    #[test]
    fn of_a_restore_that_was_stopped_it_is_said_how_far_it_came() {
        let recorded = Recorded { files: 3, folders: 2, replaced: 1 };
        assert_eq!(cut_off(&recorded), "Stopped after 3 items were restored");
        let said = "3 files that were restored go again. 1 file that was replaced comes back. \
                    What was changed since then stays as it is.";
        assert_eq!(would_be_undone(&recorded), said);
        let folder = Recorded { folders: 1, ..Recorded::default() };
        assert_eq!(cut_off(&folder), "Stopped after 1 folder was restored");
    }
}
