//! The cache is a cache: whatever happens to it costs time, never data.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod compare;
    pub(crate) mod faulty;
    pub(crate) mod hash;
    pub(crate) mod runs;
}

use std::fs;
use std::path::{Path, PathBuf};

use support::bytes::bytes;
use support::compare::{Detail, Snapshot};
use support::faulty::{Fault, Op, When};
use support::runs::{Home, copy_files};

const FIRST: i64 = 1_700_000_000;

fn home_with_two_backups() -> Home {
    let home = Home::new();
    for name in 0..8 {
        fs::write(home.source.join(format!("file-{name}")), bytes(name, 30_000)).unwrap();
    }
    home.backup(FIRST);
    fs::write(home.source.join("file-3"), bytes(33, 30_000)).unwrap();
    home.backup(FIRST + 1);
    fs::remove_file(home.source.join("file-4")).unwrap();
    fs::write(home.source.join("file-5"), bytes(55, 30_000)).unwrap();
    home
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 4] = [
    ("deleted", |path| fs::remove_file(path).unwrap()),
    ("emptied", |path| fs::write(path, b"").unwrap()),
    ("cut", |path| {
        let content = fs::read(path).unwrap();
        fs::write(path, &content[..content.len() * 2 / 3]).unwrap();
    }),
    ("flipped", |path| {
        let mut content = fs::read(path).unwrap();
        let middle = content.len() / 2;
        if let Some(byte) = content.get_mut(middle) {
            *byte ^= 0x11;
        }
        fs::write(path, content).unwrap();
    }),
];

/// Does `damage` to each file of the cache in turn; the next backup must be as right as without.
fn each_file_damaged(home: &Home, below: &str, check: impl Fn(&Home, &str)) {
    let kept = home.copy();
    let files = files_below(&home.path("cache").join(below));
    assert!(!files.is_empty());
    for file in files {
        for (what, damage) in DAMAGES {
            home.put_back(&kept);
            damage(&file);
            check(home, &format!("{} {what}", file.display()));
        }
    }
    home.put_back(&kept);
}

#[test]
fn damage_of_cached_files_changes_nothing() {
    let home = home_with_two_backups();
    let (undamaged, _) = home.copy().backup(FIRST + 2);
    let now = Snapshot::of(&home.source);
    let check = |home: &Home, what: &str| {
        let (report, _) = home.backup(FIRST + 2);
        let same = (report.new_files, report.changed_files, report.deleted_files, report.delta_entries);
        let expected =
            (undamaged.new_files, undamaged.changed_files, undamaged.deleted_files, undamaged.delta_entries);
        assert_eq!((report.full, same), (false, expected), "{what}");
        now.expect_at(&home.restore(FIRST + 2), Detail::Everything, what);
    };
    each_file_damaged(&home, "", check);
    fs::remove_dir_all(home.path("cache")).unwrap();
    check(&home, "no cache");
}

/// A run that died when it had published some volumes.
fn home_with_a_journal() -> (Home, Snapshot) {
    let home = home_with_two_backups();
    for name in 0..12 {
        fs::write(home.source.join(format!("new-{name:02}")), bytes(100 + name, 60_000)).unwrap();
    }
    let fault = Fault { op: Some(Op::Publish), ..Fault::kill_at(6, When::Before) };
    home.backup_with(fault, FIRST + 2).expect("the fault comes").unwrap_err();
    assert!(fs::read(home.path("cache/hindsight-run/groups")).unwrap().len() > 200);
    let now = Snapshot::of(&home.source);
    (home, now)
}

fn the_next_backup_is_whole(home: &Home, now: &Snapshot, what: &str) {
    let (report, _) = home.backup(FIRST + 100);
    assert_eq!((report.time, report.problems), (FIRST + 100, 0), "{what}");
    for date in home.dates() {
        let restored = home.restore(date);
        if date == FIRST + 100 {
            now.expect_at(&restored, Detail::Everything, what);
        }
    }
}

#[test]
fn a_damaged_journal_changes_nothing_but_time() {
    let (home, now) = home_with_a_journal();
    each_file_damaged(&home, "hindsight-run", |home, what| the_next_backup_is_whole(home, &now, what));
}

#[test]
fn a_journal_cut_anywhere_in_its_lines_is_read_up_to_there() {
    let (home, now) = home_with_a_journal();
    let groups = fs::read(home.path("cache/hindsight-run/groups")).unwrap();
    let kept = home.copy();
    for cut in (0..groups.len()).step_by(groups.len() / 12) {
        home.put_back(&kept);
        fs::write(home.path("cache/hindsight-run/groups"), &groups[..cut]).unwrap();
        the_next_backup_is_whole(&home, &now, &format!("cut at {cut}"));
    }
}

#[test]
fn a_journal_of_a_set_that_was_completed_long_ago_is_dropped() {
    let (home, now) = home_with_a_journal();
    let stale = home.path("stale");
    copy_files(&home.path("cache/hindsight-run"), &stale);
    home.backup(FIRST + 50);
    let completed = home.dates();
    copy_files(&stale, &home.path("cache/hindsight-run"));
    the_next_backup_is_whole(&home, &now, "with a stale journal");
    assert_eq!(&home.dates()[..completed.len()], &completed[..]);
    assert!(!home.path("cache/hindsight-run").exists());
}

#[test]
fn a_set_is_not_completed_after_somebody_else_continued_the_chain() {
    let (home, now) = home_with_a_journal();
    let journal = home.path("kept");
    copy_files(&home.path("cache/hindsight-run"), &journal);
    fs::remove_dir_all(home.path("cache")).unwrap();
    let (other, _) = home.backup(FIRST + 50);
    copy_files(&journal, &home.path("cache/hindsight-run"));
    the_next_backup_is_whole(&home, &now, "after another's backup");
    assert_eq!(home.dates(), [FIRST, FIRST + 1, other.time, FIRST + 100]);
}
