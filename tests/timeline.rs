//! What the timeline shows: folders as they were, versions, what changed when, names found over all dates.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod runs;
}

use std::fs;
use std::path::Path;

use hindsight::engine::timeline::{Difference, Item, Presence, Scope, Timeline, Version};
use hindsight::entry::EntryPath;
use support::bytes::bytes;
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

fn write(home: &Home, name: &str, seed: u64) {
    let file = home.source.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes(seed, 3000)).unwrap();
}

/// Three backups, a new full, and one more on it.
fn home_with_history() -> Home {
    let home = Home::new();
    write(&home, "docs/letter.txt", 1);
    write(&home, "docs/old/Plan.odt", 2);
    write(&home, "docs-2/letter.txt", 3);
    write(&home, "top", 4);
    home.backup(FIRST);
    write(&home, "docs/letter.txt", 5);
    fs::remove_file(home.source.join("top")).unwrap();
    home.backup(FIRST + 1);
    home.backup(FIRST + 2);
    write(&home, "docs/new", 6);
    fs::remove_dir_all(home.source.join("docs/old")).unwrap();
    home.full_backup(FIRST + 3);
    write(&home, "top", 7);
    home.backup(FIRST + 4);
    home
}

fn timeline(home: &Home) -> Timeline {
    Timeline::open(&home.reader()).unwrap()
}

/// Names; with a dagger what had been deleted after a backup, with dots what comes with a later one.
fn shown(timeline: &Timeline, folder: &str, date: i64) -> Vec<String> {
    let show = |item: &Item| {
        let name = String::from_utf8_lossy(&item.name).into_owned();
        match item.presence {
            Presence::Present => name,
            Presence::DeletedAfter(date) => format!("{name}†{}", date - FIRST),
            Presence::Later(date) => format!("{name}…{}", date - FIRST),
        }
    };
    timeline.folder(&path(folder), FIRST + date).unwrap().iter().map(show).collect()
}

fn dates(versions: &[Version]) -> Vec<(i64, bool)> {
    versions.iter().map(|version| (version.at - FIRST, version.attributes.is_some())).collect()
}

#[test]
fn a_folder_is_shown_as_it_was_with_ghosts_of_what_other_backups_have_in_it() {
    let timeline = timeline(&home_with_history());
    assert_eq!(timeline.dates(), [0, 1, 2, 3, 4].map(|n| FIRST + n));
    assert_eq!(shown(&timeline, "", 0), ["docs", "docs-2", "top"]);
    assert_eq!(shown(&timeline, "", 2), ["docs", "docs-2", "top†0"]);
    assert_eq!(shown(&timeline, "", 3), ["docs", "docs-2", "top†0"]);
    assert_eq!(shown(&timeline, "", 4), ["docs", "docs-2", "top"]);
    assert_eq!(shown(&timeline, "docs", 2), ["letter.txt", "new…3", "old"]);
    assert_eq!(shown(&timeline, "docs", 9), ["letter.txt", "new", "old†2"]);
    assert_eq!(shown(&timeline, "docs/old", 1), ["Plan.odt"]);
    assert_eq!(shown(&timeline, "docs/old", 4), ["Plan.odt†2"]);
    assert!(shown(&timeline, "docs/nothing", 0).is_empty());
    assert_eq!(shown(&timeline, "", -100), shown(&timeline, "", 0));
}

#[test]
fn ghosts_have_the_attributes_of_their_nearest_state() {
    let home = Home::new();
    for (date, size) in [(0, 1000), (1, 2000)] {
        fs::write(home.source.join("file"), bytes(1, size)).unwrap();
        home.backup(FIRST + date);
    }
    fs::remove_file(home.source.join("file")).unwrap();
    home.backup(FIRST + 2);
    fs::create_dir(home.source.join("file")).unwrap();
    write(&home, "file/inside", 2);
    home.full_backup(FIRST + 3);
    let timeline = timeline(&home);
    let facts = |folder: &str, date| {
        let item = timeline.folder(&path(folder), FIRST + date).unwrap().remove(0);
        (item.presence, item.attributes.content.map(|content| content.size), item.has_children)
    };
    assert_eq!(facts("", 0), (Presence::Present, Some(1000), true));
    assert_eq!(facts("", 2), (Presence::DeletedAfter(FIRST + 1), Some(2000), true));
    assert_eq!(facts("", 3), (Presence::Present, None, true));
    assert_eq!(facts("file", 0), (Presence::Later(FIRST + 3), Some(3000), false));
}

#[test]
fn a_path_has_as_many_versions_as_it_changed_and_a_new_full_is_none() {
    let timeline = timeline(&home_with_history());
    let history = |name| dates(&timeline.history(&path(name)).unwrap());
    assert_eq!(history("docs/letter.txt"), [(0, true), (1, true)]);
    assert_eq!(history("top"), [(0, true), (1, false), (4, true)]);
    assert_eq!(history("docs/old/Plan.odt"), [(0, true), (3, false)]);
    assert_eq!(history("docs/new"), [(3, true)]);
    assert!(history("never").is_empty());
    let versions = timeline.history(&path("docs/letter.txt")).unwrap();
    let sizes: Vec<_> =
        versions.iter().map(|v| v.attributes.as_ref().unwrap().content.unwrap().size).collect();
    assert_eq!(sizes, [3000, 3000]);
}

#[test]
fn what_differs_between_two_dates_is_told_also_across_a_new_full() {
    let timeline = timeline(&home_with_history());
    let differences = |top: &str, before, after| {
        let mut shown = Vec::new();
        let each = |Difference { path, before, after }: Difference| {
            let sign = match (before, after) {
                (None, _) => '+',
                (_, None) => '-',
                _ => '~',
            };
            shown.push(format!("{sign}{path}"));
            true
        };
        timeline.differences(&path(top), FIRST + before, FIRST + after, each).unwrap();
        shown
    };
    assert_eq!(differences("", 0, 1), ["~docs/letter.txt", "-top"]);
    assert_eq!(differences("", 1, 2), [""; 0]);
    assert_eq!(
        differences("docs", 0, 4),
        ["~docs/letter.txt", "+docs/new", "-docs/old", "-docs/old/Plan.odt"]
    );
    assert_eq!(differences("docs-2", 0, 4), [""; 0]);
}

#[test]
fn the_dates_on_which_a_folder_changed_leave_out_quiet_backups() {
    let timeline = timeline(&home_with_history());
    let changes = |top: &str| -> Vec<(i64, u64)> {
        let dates = timeline.dates_of_change(&path(top)).unwrap();
        dates.iter().map(|date| (date - FIRST, timeline.changes(&path(top), *date).unwrap())).collect()
    };
    assert_eq!(changes(""), [(0, 8), (1, 2), (3, 3), (4, 1)]);
    assert_eq!(changes("docs"), [(0, 4), (1, 1), (3, 3)]);
    assert_eq!(changes("docs-2"), [(0, 2)]);
    assert_eq!(changes("top"), [(0, 1), (1, 1), (4, 1)]);
    assert_eq!(timeline.changes(&path(""), FIRST + 2).unwrap(), 0);
}

#[test]
fn each_backup_tells_how_much_it_found_new_or_changed() {
    let home = home_with_history();
    let changed = |home: &Home| -> Vec<u64> {
        timeline(home).backups().iter().map(|backup| backup.changed_bytes).collect()
    };
    assert_eq!(changed(&home), [12_000, 3_000, 0, 3_000, 3_000]);
    home.full_backup(FIRST + 5);
    assert_eq!(changed(&home)[5], 0);
}

#[test]
fn a_selection_is_summed_up_with_all_that_is_below_it_and_nothing_twice() {
    let timeline = timeline(&home_with_history());
    let size = |paths: &[&str], date| {
        let paths: Vec<_> = paths.iter().map(|text| path(text)).collect();
        timeline.size(&paths, FIRST + date).unwrap()
    };
    assert_eq!(size(&[""], 0), (8, Some(12_000)));
    assert_eq!(size(&["docs"], 0), (4, Some(6_000)));
    assert_eq!(size(&["docs/old", "docs", "top"], 0), (5, Some(9_000)));
    assert_eq!(size(&["docs/old"], 3), (0, Some(0)));
    assert_eq!(size(&["top"], 3), (0, Some(0)));
    assert_eq!(size(&["docs/letter.txt"], 4), (1, Some(3_000)));
}

#[test]
fn folders_have_as_many_items_as_they_show() {
    let timeline = timeline(&home_with_history());
    let present = |folder: &EntryPath, date: i64, counted: &dyn Fn(&[u8]) -> bool| {
        let items = timeline.folder(folder, date).unwrap();
        items.iter().filter(|item| item.presence == Presence::Present && counted(&item.name)).count() as u64
    };
    let all = |_: &[u8]| true;
    let some = |name: &[u8]| !name.starts_with(b"l");
    for date in FIRST - 1..FIRST + 6 {
        for top in ["", "docs", "docs/old", "nowhere"].map(path) {
            assert_eq!(timeline.count(&top, date, all).unwrap(), present(&top, date, &all));
            assert_eq!(timeline.count(&top, date, some).unwrap(), present(&top, date, &some));
            for (name, count) in timeline.counts(&top, date, some).unwrap().unwrap_or_default() {
                assert_eq!(count, present(&top.child(&name), date, &some));
            }
        }
    }
    let counts = timeline.counts(&path(""), FIRST, all).unwrap().unwrap();
    assert_eq!((counts.len(), counts[&b"docs"[..]], counts[&b"docs-2"[..]]), (2, 2, 1));
}

#[test]
fn several_paths_tell_when_any_of_them_changed() {
    let timeline = timeline(&home_with_history());
    let dates = |paths: &[&str]| -> Vec<i64> {
        let paths: Vec<_> = paths.iter().map(|text| path(text)).collect();
        timeline.dates_of_versions(&paths).unwrap().iter().map(|date| date - FIRST).collect()
    };
    assert_eq!(dates(&["top", "docs/letter.txt"]), [0, 1, 4]);
    assert_eq!(dates(&["docs/old/Plan.odt", "nowhere"]), [0, 3]);
    assert_eq!(dates(&[]), [0; 0]);
}

/// What is found: path, last backup that has it, and a star if the newest does.
fn found(timeline: &Timeline, text: &str, below: &str, date: Option<i64>) -> Vec<String> {
    let scope = Scope { below: path(below), date: date.map(|date| FIRST + date) };
    let mut found: Vec<_> = timeline
        .search(text, &scope, 100)
        .unwrap()
        .iter()
        .map(|it| {
            let star = if it.exists_in_newest { "*" } else { "" };
            format!("{} {}{star}", it.path, it.last_existed - FIRST)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn names_are_found_over_all_dates_whatever_their_case() {
    let home = home_with_history();
    let timeline = timeline(&home);
    assert_eq!(found(&timeline, "LETTER", "", None), ["docs-2/letter.txt 4*", "docs/letter.txt 4*"]);
    assert_eq!(found(&timeline, "plan", "", None), ["docs/old/Plan.odt 2"]);
    assert_eq!(found(&timeline, "to", "", None), ["top 4*"]);
    for nothing in ["\"*", "ocs/le", "", "nowhere"] {
        assert_eq!(found(&timeline, nothing, "", None), [""; 0], "{nothing}");
    }
    let everywhere = Scope { below: EntryPath::root(), date: None };
    assert_eq!(timeline.search("letter", &everywhere, 1).unwrap().len(), 1);
    write(&home, "late/Planet", 8);
    home.backup(FIRST + 5);
    let timeline = self::timeline(&home);
    assert_eq!(found(&timeline, "plan", "", None), ["docs/old/Plan.odt 2", "late/Planet 5*"]);
}

#[test]
fn a_search_may_be_kept_to_a_folder_and_to_a_date() {
    let timeline = timeline(&home_with_history());
    assert_eq!(found(&timeline, "letter", "docs", None), ["docs/letter.txt 4*"]);
    assert_eq!(found(&timeline, "o", "docs", None), ["docs/old 2", "docs/old/Plan.odt 2"]);
    assert_eq!(found(&timeline, "o", "docs", Some(3)), [""; 0]);
    assert_eq!(found(&timeline, "top", "", Some(0)), ["top 4*"]);
    assert_eq!(found(&timeline, "top", "", Some(3)), [""; 0]);
    assert_eq!(found(&timeline, "plan", "", Some(2)), ["docs/old/Plan.odt 2"]);
    assert_eq!(found(&timeline, "plan", "", Some(3)), [""; 0]);
    assert_eq!(found(&timeline, "letter", "nowhere", None), [""; 0]);
}

#[test]
fn a_search_shows_what_fits_best_first() {
    let home = Home::new();
    for name in ["a-plan", "plan", "planet", "z/plan"] {
        write(&home, name, 1);
    }
    home.backup(FIRST);
    let everywhere = Scope { below: EntryPath::root(), date: None };
    let found = timeline(&home).search("plan", &everywhere, 3).unwrap();
    let paths: Vec<_> = found.iter().map(|found| found.path.to_string()).collect();
    assert_eq!(paths, ["plan", "z/plan", "planet"]);
}

#[test]
fn a_damaged_or_missing_catalogue_or_chronicle_is_made_anew_from_local_metadata() {
    let home = home_with_history();
    let expected = shown(&timeline(&home), "docs", 2);
    for name in ["hindsight-catalog.sqlite", "hindsight-chronicle.sqlite"] {
        let file = home.path("reader").join(name);
        let whole = fs::read(&file).unwrap();
        let broken: [(&str, Vec<u8>); 4] = [
            ("emptied", Vec::new()),
            ("no database", bytes(9, 50_000)),
            ("cut", whole[..whole.len() / 2].to_vec()),
            ("flipped", whole.iter().map(|byte| byte ^ 0x10).collect()),
        ];
        for (what, content) in broken {
            remove_database(&file);
            // What is made from the catalogue alone would not notice.
            remove_database(&home.path("reader/hindsight-chronicle.sqlite"));
            fs::write(&file, content).unwrap();
            assert_eq!(shown(&timeline(&home), "docs", 2), expected, "{name} {what}");
        }
        remove_database(&file);
        assert_eq!(shown(&timeline(&home), "docs", 2), expected, "{name} deleted");
    }
}

fn remove_database(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
}
