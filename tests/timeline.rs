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

use hindsight::engine::timeline::{Difference, Timeline, Version};
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
    let mut timeline = Timeline::open(&home.reader()).unwrap();
    timeline.prepare_search().unwrap();
    timeline
}

/// Names, deleted ones with a dagger.
fn shown(timeline: &Timeline, folder: &str, date: i64) -> Vec<String> {
    let items = timeline.folder(&path(folder), date).unwrap();
    let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let show = |version: &Version| if version.attributes.is_some() { "" } else { "†" };
    items.iter().map(|item| format!("{}{}", name(&item.name), show(&item.newest))).collect()
}

fn dates(versions: &[Version]) -> Vec<(i64, bool)> {
    versions.iter().map(|version| (version.at - FIRST, version.attributes.is_some())).collect()
}

#[test]
fn a_folder_is_shown_as_it_was_with_what_had_been_deleted_by_then() {
    let timeline = timeline(&home_with_history());
    assert_eq!(timeline.dates(), [0, 1, 2, 3, 4].map(|n| FIRST + n));
    assert_eq!(shown(&timeline, "", FIRST), ["docs", "docs-2", "top"]);
    assert_eq!(shown(&timeline, "", FIRST + 2), ["docs", "docs-2", "top†"]);
    assert_eq!(shown(&timeline, "docs", FIRST + 2), ["letter.txt", "old"]);
    assert_eq!(shown(&timeline, "docs", FIRST + 9), ["letter.txt", "new"]);
    assert_eq!(shown(&timeline, "docs/old", FIRST + 1), ["Plan.odt"]);
    assert!(shown(&timeline, "docs/nothing", FIRST).is_empty());
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
    let changes = |top: &str| -> Vec<i64> {
        timeline.dates_of_change(&path(top)).unwrap().iter().map(|date| date - FIRST).collect()
    };
    assert_eq!(changes(""), [0, 1, 3, 4]);
    assert_eq!(changes("docs"), [0, 1, 3]);
    assert_eq!(changes("docs-2"), [0]);
}

#[test]
fn names_are_found_over_all_dates_whatever_their_case() {
    let home = home_with_history();
    let mut timeline = timeline(&home);
    let search = |timeline: &Timeline, text: &str| {
        let mut found: Vec<_> =
            timeline.search(text, 100).unwrap().iter().map(|path| path.to_string()).collect();
        found.sort();
        found
    };
    assert_eq!(search(&timeline, "LETTER"), ["docs-2/letter.txt", "docs/letter.txt"]);
    assert_eq!(search(&timeline, "plan"), ["docs/old/Plan.odt"]);
    assert_eq!(search(&timeline, "to"), ["top"]);
    assert_eq!(search(&timeline, "\"*"), [""; 0]);
    assert_eq!(search(&timeline, "ocs/le"), [""; 0]);
    assert_eq!(timeline.search("letter", 1).unwrap().len(), 1);
    write(&home, "late/Planet", 8);
    home.backup(FIRST + 5);
    drop(timeline);
    timeline = self::timeline(&home);
    assert_eq!(search(&timeline, "plan"), ["docs/old/Plan.odt", "late/Planet"]);
}

#[test]
fn a_damaged_or_missing_catalogue_is_made_anew_from_local_metadata() {
    let home = home_with_history();
    let file = home.path("reader/hindsight-catalog.sqlite");
    let expected = shown(&timeline(&home), "docs", FIRST + 2);
    let whole = fs::read(&file).unwrap();
    let broken: [(&str, Vec<u8>); 4] = [
        ("emptied", Vec::new()),
        ("no database", bytes(9, 50_000)),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("flipped", whole.iter().map(|byte| byte ^ 0x10).collect()),
    ];
    for (what, content) in broken {
        remove_catalogue(&file);
        fs::write(&file, content).unwrap();
        assert_eq!(shown(&timeline(&home), "docs", FIRST + 2), expected, "{what}");
    }
    remove_catalogue(&file);
    assert_eq!(shown(&timeline(&home), "docs", FIRST + 2), expected, "deleted");
}

fn remove_catalogue(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
}
